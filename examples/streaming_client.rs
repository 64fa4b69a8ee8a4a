//! A method answered by a stream: read it to its end, or drop it when you have seen enough.
//!
//! Other calls go on over the same connection meanwhile.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use futures_util::{Stream, stream};
use rpcwrap::{Error, Method, Server, Service};
use rpcwrap_client::{AnyCodec, BsonDialect, Config};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Range {
    to: u64,
    every_ms: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder().service(Service::new("Count").with(Method::stream("Up", up))).build()?;
    let addr = match std::env::args().nth(1) {
        Some(addr) => addr,
        None => server.listen("127.0.0.1:0").await?.to_string(),
    };
    // With extensions a server of ours is told when a stream is dropped, and stops it.
    let codec = AnyCodec::Bson(BsonDialect::default());
    let client = Config::default().extensions(true).dial_http(&addr, codec).await?;

    let mut numbers = client.stream::<_, u64>("Count.Up", &Range { to: 3, every_ms: 0 }).await?;
    while let Some(number) = numbers.next().await {
        println!("{}", number?);
    }
    println!("end");

    let mut endless = client.stream::<_, u64>("Count.Up", &Range { to: u64::MAX, every_ms: 1 }).await?;
    let mut short = client.stream::<_, u64>("Count.Up", &Range { to: 1, every_ms: 0 }).await?;
    println!("beside one without an end: {:?}", short.next().await.transpose()?);
    let (first, second) = (endless.next().await.transpose()?, endless.next().await.transpose()?);
    println!("{first:?} {second:?}");
    drop(endless);

    // A stream has its time limit as a whole.
    let limit = Duration::from_millis(50);
    let endless = Range { to: u64::MAX, every_ms: 10 };
    let mut limited = client.request("Count.Up").timeout(limit).stream::<_, u64>(&endless).await?;
    let mut seen = 0;
    while let Some(item) = limited.next().await {
        match item {
            Ok(_) => seen += 1,
            Err(error) => println!("some items ({}), then: {error}", seen > 0),
        }
    }
    Ok(())
}

fn up(Range { to, every_ms }: Range) -> impl Stream<Item = Result<u64, Error>> {
    stream::unfold(1, move |next| async move {
        if next > to {
            return None;
        }
        if next > 1 && every_ms > 0 {
            tokio::time::sleep(Duration::from_millis(every_ms)).await;
        }
        Some((Ok(next), next + 1))
    })
}
