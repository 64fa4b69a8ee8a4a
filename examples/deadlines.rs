//! Calls that end in time: deadlines the server knows too, and calls that are taken back.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::Server;
use rpcwrap_client::{AnyCodec, Config, Error};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A handler is dropped when its call is over, whether by deadline or because its caller took it back.
    let (ended, mut handlers) = unbounded_channel();
    let sleep = move |ms: u64| {
        let guard = Handler(ended.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            drop(guard);
            Ok(ms)
        }
    };
    let server = Server::builder().method("Sleep.For", sleep).build()?;
    let other = std::env::args().nth(1);
    let is_ours = other.is_none();
    let addr = match other {
        Some(addr) => addr,
        None => server.listen("127.0.0.1:0").await?.to_string(),
    };
    // With extensions a server of ours hears of calls that are taken back; Go's servers run them to their end, and the
    // late reply is dropped.
    let client = Config::default().extensions(true).dial_http(&addr, AnyCodec::Json).await?;

    // In time.
    let slept: u64 = client.request("Sleep.For").timeout(Duration::from_secs(5)).call(&1).await?;
    println!("slept {slept} ms");
    if is_ours {
        handlers.recv().await;
    }

    // Not in time: the error says whether the call was sent, so whether it may have run.
    let limit = Duration::from_millis(50);
    let late: Result<u64, Error> = client.request("Sleep.For").timeout(limit).call(&60_000).await;
    match late {
        Err(error @ Error::Timeout { .. }) => {
            println!("{error}; may have executed: {}", error.may_have_executed());
        }
        other => println!("{other:?}"),
    }
    if is_ours {
        handlers.recv().await;
        println!("its handler was stopped");
    }

    // Taken back: dropping a call's future is all it takes.
    let forgotten = client.call::<_, u64>("Sleep.For", &60_000);
    let outcome = tokio::time::timeout(limit, forgotten).await;
    println!("taken back: {}; still in flight: {}", outcome.is_err(), client.in_flight());
    if is_ours {
        handlers.recv().await;
        println!("its handler was stopped");
    }

    // The first of two to answer.
    let (slow, fast) = (client.call::<_, u64>("Sleep.For", &60_000), client.call::<_, u64>("Sleep.For", &2));
    let first = tokio::select! {
        slow = slow => slow?,
        fast = fast => fast?,
    };
    println!("the first to answer slept {first} ms");
    client.close().await;
    Ok(())
}

/// Part of a running handler; tells when it is gone.
struct Handler(UnboundedSender<()>);

impl Drop for Handler {
    fn drop(&mut self) {
        // At the end of the program the receiver is gone.
        let _ = self.0.send(());
    }
}
