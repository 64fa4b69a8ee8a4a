//! The floor: the least a server on tokio can do for these calls, so that a ratio to it shows what
//! the RPC layer costs and nothing else.
//!
//! Same CONNECT handshake, same messages, one task per connection, one write per batch of requests; requests are
//! counted by their fixed length and answered with constant bytes, into which each request's Seq is copied from a fixed
//! place. It must not know any codec.

use crate::Result;
use crate::workload::{CONNECTED, Codec, Exchange, Messages};
use bytes::{Buf, BytesMut};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Kept per connection for reading, and again for writing.
pub(crate) const BUFFER_BYTES: usize = 16 * 1024;
/// A longer CONNECT head than the load generator ever sends.
const MAX_HEAD_BYTES: usize = 1024;

/// Prints the address it listens on and serves until the process is killed.
pub(crate) fn serve(listen: SocketAddr, codec: Codec) -> Result<()> {
    let messages = Arc::new(codec.messages()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        println!("listening on {}", listener.local_addr()?);
        // Spawned, because the thread inside block_on is not the worker. A length that is known when this is compiled
        // makes the copy of a Seq two instructions.
        match codec {
            Codec::Json => tokio::spawn(accept::<7>(listener, messages)).await??,
            Codec::Bson => tokio::spawn(accept::<8>(listener, messages)).await??,
            Codec::Gob | Codec::Msgpack => tokio::spawn(accept::<3>(listener, messages)).await??,
        }
        Ok(())
    })
}

/// Accepts for ever; returns only with the error that stopped it.
async fn accept<const SEQ_BYTES: usize>(listener: TcpListener, messages: Arc<Messages>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let messages = messages.clone();
        // The peer's disconnect ends the task and is of no interest.
        tokio::spawn(async move { echo::<SEQ_BYTES>(stream, &messages).await.ok() });
    }
}

async fn echo<const SEQ_BYTES: usize>(mut stream: TcpStream, messages: &Messages) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BytesMut::with_capacity(BUFFER_BYTES);
    read_head(&mut stream, &mut input).await?;
    stream.write_all(CONNECTED).await?;

    let mut exchange = &messages.first;
    let mut output: Vec<u8> = Vec::with_capacity(BUFFER_BYTES);
    loop {
        while input.len() >= exchange.request.len() {
            let Exchange { request, request_seq, reply, reply_seq } = exchange;
            let seq = input[*request_seq..].first_chunk::<SEQ_BYTES>().ok_or(io::ErrorKind::InvalidData)?;
            let start = output.len() + reply_seq;
            output.extend_from_slice(reply);
            output[start..start + SEQ_BYTES].copy_from_slice(seq);
            input.advance(request.len());
            exchange = &messages.later;
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

/// Reads up to the empty line that ends the CONNECT head; bytes behind it stay in `input`.
pub(crate) async fn read_head(stream: &mut TcpStream, input: &mut BytesMut) -> io::Result<()> {
    loop {
        if let Some(end) = input.windows(2).position(|pair| pair == b"\n\n") {
            input.advance(end + 2);
            return Ok(());
        }
        if input.len() > MAX_HEAD_BYTES || stream.read_buf(input).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}
