//! The clients that are compared: ours, and the least a tokio client can do for the same calls.
//!
//! Each runs as a process of its own and keeps a window of calls in flight on one connection; for every line on its
//! standard input it prints how many calls were answered so far. It must not know how its cost is measured.

use crate::Result;
use crate::floor::BUFFER_BYTES;
use crate::workload::{Args, CONNECTED, Codec, Exchange, METHOD, PRODUCT};
use bytes::{Buf, BytesMut};
use clap::ValueEnum;
use rpcwrap::codecs::connect;
use rpcwrap_client::{Client, dial_http};
use std::io::{self, BufRead};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Which client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Constant bytes, replies counted by their length, one task, one write per batch.
    Bare,
    /// The client library: one task per call in flight, each waiting for its typed reply.
    Rpcwrap,
}

/// Calls until the standard input ends.
pub(crate) fn run(kind: Kind, addr: SocketAddr, codec: Codec, in_flight: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let calls = Arc::new(AtomicU64::new(0));
    match kind {
        Kind::Bare => {
            let calls = calls.clone();
            runtime.spawn(async move { ended(bare(addr, codec, in_flight, &calls).await) });
        }
        Kind::Rpcwrap => {
            let client = runtime.block_on(dial_http(&addr.to_string(), codec.any()))?;
            for _ in 0..in_flight {
                let (client, calls) = (client.clone(), calls.clone());
                runtime.spawn(async move { ended(call_on(&client, &calls).await) });
            }
        }
    }
    for line in io::stdin().lock().lines() {
        line?;
        println!("{}", calls.load(Ordering::Relaxed));
    }
    Ok(())
}

/// A client that stops calling has failed: the process ends, and its measurement with it.
fn ended(result: Result<()>) {
    eprintln!("bench client: {}", result.err().unwrap_or_else(|| "ended".into()));
    std::process::exit(2);
}

async fn call_on(client: &Client, calls: &AtomicU64) -> Result<()> {
    loop {
        let product: i64 = client.call(METHOD, &Args::default()).await?;
        if product != PRODUCT {
            return Err(format!("7 × 8 is {product}").into());
        }
        calls.fetch_add(1, Ordering::Relaxed);
    }
}

async fn bare(addr: SocketAddr, codec: Codec, in_flight: usize, calls: &AtomicU64) -> Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let mut head = BytesMut::new();
    connect::encode_request(&connect::rpc_path(codec.name(), false), &mut head);
    stream.write_all(&head).await?;
    let mut answer = [0; CONNECTED.len()];
    stream.read_exact(&mut answer).await?;
    if answer != CONNECTED {
        return Err("CONNECT was refused".into());
    }
    let Exchange { request, reply, .. } = codec.messages()?.later;
    let burst = request.repeat(in_flight);
    let mut input = BytesMut::with_capacity(BUFFER_BYTES);
    let mut replies = in_flight;
    loop {
        stream.write_all(&burst[..replies * request.len()]).await?;
        replies = 0;
        while replies == 0 {
            input.reserve(BUFFER_BYTES / 2);
            if stream.read_buf(&mut input).await? == 0 {
                return Err("connection closed".into());
            }
            replies = input.len() / reply.len();
        }
        input.advance(replies * reply.len());
        calls.fetch_add(replies as u64, Ordering::Relaxed);
    }
}
