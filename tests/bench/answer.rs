//! The server of the client rows: constant replies that carry their request's Seq, so that real clients accept them, at
//! as little more than the floor's cost as that takes.
//!
//! It must not know any codec beyond where the one request of this benchmark has its Seq.

use crate::Result;
use crate::floor::{BUFFER_BYTES, read_head};
use crate::workload::{CONNECTED, Codec};
use bytes::{Buf, BytesMut};
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where Seq lies in a request and in a reply in vitess BSON: behind ServiceMethod, 8 bytes.
const BSON_SEQ: Range<usize> = 43..51;
const BSON_REPLY: &[u8] = b"\x40\0\0\0\x05ServiceMethod\0\x0e\0\0\0\0Arith.Multiply\x3fSeq\0\0\0\0\0\0\0\0\0\
    \x05Error\0\0\0\0\0\0\0\x14\0\0\0\x12_Val_\0\x38\0\0\0\0\0\0\0\0";

/// Prints the address it listens on and serves until the process is killed.
pub(crate) fn serve(listen: SocketAddr, codec: Codec) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        println!("listening on {}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            // The peer's disconnect ends the task and is of no interest.
            tokio::spawn(async move { answer_all(stream, codec).await.ok() });
        }
    })
}

async fn answer_all(mut stream: TcpStream, codec: Codec) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BytesMut::with_capacity(BUFFER_BYTES);
    read_head(&mut stream, &mut input).await?;
    stream.write_all(CONNECTED).await?;
    let mut output: Vec<u8> = Vec::with_capacity(BUFFER_BYTES);
    loop {
        while let Some(length) = answer(codec, &input, &mut output)? {
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
fn answer(codec: Codec, input: &[u8], output: &mut Vec<u8>) -> io::Result<Option<usize>> {
    match codec {
        Codec::Bson => {
            let length = codec.request().len();
            let Some(seq) = input.get(..length).and_then(|request| request.get(BSON_SEQ)) else {
                return Ok(None);
            };
            let start = output.len();
            output.extend_from_slice(BSON_REPLY);
            output[start..][BSON_SEQ].copy_from_slice(seq);
            Ok(Some(length))
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
        Codec::Gob => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Reply;

    #[test]
    fn every_reply_is_right_and_carries_its_requests_seq() {
        for codec in [Codec::Bson, Codec::Json] {
            let mut requests = codec.request().to_vec();
            let mut output = Vec::new();
            for end in 0..requests.len() {
                assert!(answer(codec, &requests[..end], &mut output).unwrap().is_none() && output.is_empty());
            }
            requests.extend_from_slice(b"the next one");
            assert_eq!(answer(codec, &requests, &mut output).unwrap(), Some(codec.request().len()));
            assert!(Reply::Encoded(codec).is_right(&output));
            assert_eq!(Reply::Encoded(codec).length(&output), Some(codec.reply_bytes()));
        }
        let mut output = Vec::new();
        answer(Codec::Json, b"{\"method\":\"A.B\",\"params\":[1],\"id\":12345}\n", &mut output).unwrap();
        assert_eq!(output, b"{\"id\":12345,\"result\":56,\"error\":null}\n");
        let mut bson = Codec::Bson.request().to_vec();
        bson[BSON_SEQ].copy_from_slice(&0x0102_0304_u64.to_le_bytes());
        output.clear();
        answer(Codec::Bson, &bson, &mut output).unwrap();
        assert_eq!(output[BSON_SEQ], 0x0102_0304_u64.to_le_bytes());
    }
}
