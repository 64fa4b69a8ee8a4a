//! A thousand calls at once over one connection.
//!
//! A `Client` is cheap to clone; all clones share the connection. Calls that are ready together leave in one write, and
//! each reply goes to its caller in the order the server finishes them.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::Server;
use rpcwrap_client::{AnyCodec, Config, Error};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sleep = |ms: u64| async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(ms)
    };
    let server = Server::builder().method("Sleep.For", sleep).build()?;
    let addr = match std::env::args().nth(1) {
        Some(addr) => addr,
        None => server.listen("127.0.0.1:0").await?.to_string(),
    };

    // Not more than this many are under way; the others wait for their turn, and hold no memory on the wire.
    let client = Config::default().max_in_flight(200).dial_http(&addr, AnyCodec::Json).await?;
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for number in 0..1000_u64 {
        let client = client.clone();
        calls.spawn(async move { client.call::<_, u64>("Sleep.For", &(number % 10)).await });
    }

    let (mut replies, mut slept, mut most) = (0, Duration::ZERO, 0);
    while let Some(joined) = calls.join_next().await {
        most = most.max(client.in_flight());
        let reply: Result<u64, Error> = joined?;
        slept += Duration::from_millis(reply?);
        replies += 1;
    }
    println!("{replies} replies, {} ms slept on the server", slept.as_millis());
    println!("never more than 200 in flight: {}", most <= 200);
    println!("faster than one after another: {}", start.elapsed() < slept);
    Ok(())
}
