//! The server of the client rows: constant replies that carry their request's Seq, so that real clients accept them, at
//! as little more than the floor's cost as that takes.
//!
//! It must not know any codec beyond where the one request of this benchmark has its Seq.

use crate::Result;
use crate::floor::{BUFFER_BYTES, read_head};
use crate::workload::{CONNECTED, Codec, Exchange};
use bytes::{Buf, BytesMut};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The length of a Seq in BSON.
const BSON_SEQ: usize = 8;

/// Prints the address it listens on and serves until the process is killed.
pub(crate) fn serve(listen: SocketAddr, codec: Codec) -> Result<()> {
    let exchange = Arc::new(codec.messages()?.later);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        println!("listening on {}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            let exchange = exchange.clone();
            // The peer's disconnect ends the task and is of no interest.
            tokio::spawn(async move { answer_all(stream, codec, &exchange).await.ok() });
        }
    })
}

async fn answer_all(mut stream: TcpStream, codec: Codec, exchange: &Exchange) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BytesMut::with_capacity(BUFFER_BYTES);
    read_head(&mut stream, &mut input).await?;
    stream.write_all(CONNECTED).await?;
    let mut output: Vec<u8> = Vec::with_capacity(BUFFER_BYTES);
    loop {
        while let Some(length) = answer(codec, exchange, &input, &mut output)? {
            input.advance(length);
        }
        if !output.is_empty() {
            stream.write_all(&output).await?;
            output.clear();
        }
        input.reserve(BUFFER_BYTES / 2);
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}

/// Appends the reply to the request at the front of `input`; how long that was, or `None` while it is incomplete.
fn answer(
    codec: Codec,
    exchange: &Exchange,
    input: &[u8],
    output: &mut Vec<u8>,
) -> io::Result<Option<usize>> {
    match codec {
        Codec::Bson => {
            let Exchange { request, request_seq, reply, reply_seq } = exchange;
            let Some(request) = input.get(..request.len()) else { return Ok(None) };
            let start = output.len() + reply_seq;
            output.extend_from_slice(reply);
            output[start..start + BSON_SEQ].copy_from_slice(&request[*request_seq..request_seq + BSON_SEQ]);
            Ok(Some(request.len()))
        }
        Codec::Json => {
            let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
            // `…"id":7}`, the id always being the last member.
            let object = input[..end].strip_suffix(b"}").ok_or(io::ErrorKind::InvalidData)?;
            let colon = object.iter().rposition(|&byte| byte == b':').ok_or(io::ErrorKind::InvalidData)?;
            output.extend_from_slice(b"{\"id\":");
            output.extend_from_slice(&object[colon + 1..]);
            output.extend_from_slice(b",\"result\":56,\"error\":null}\n");
            Ok(Some(end + 1))
        }
        Codec::Gob | Codec::Msgpack => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use rpcwrap::codecs::{CallOptions, Limits};

    #[test]
    fn every_reply_is_right_and_carries_its_requests_seq() {
        for codec in [Codec::Bson, Codec::Json] {
            let (exchange, any) = (codec.messages().unwrap().later, codec.any());
            for seq in [0, 7, 12345, u64::from(u32::MAX)] {
                let mut request = BytesMut::new();
                let (mut writer, args) = (any.request_writer(), crate::workload::Args::default());
                writer
                    .encode(seq, crate::workload::METHOD, CallOptions::default(), &args, None, &mut request)
                    .unwrap();
                let mut output = Vec::new();
                for end in 0..request.len() {
                    assert!(answer(codec, &exchange, &request[..end], &mut output).unwrap().is_none());
                }
                let length = request.len();
                request.extend_from_slice(b"the next one");
                assert_eq!(answer(codec, &exchange, &request, &mut output).unwrap(), Some(length));
                let mut reader = any.reply_reader(Limits::default());
                let reply = reader.decode(&mut BytesMut::from(&output[..])).unwrap().unwrap();
                assert_eq!(
                    (reply.seq(), reader.body::<i64>(&reply).unwrap()),
                    (seq, crate::workload::PRODUCT)
                );
            }
        }
    }
}
