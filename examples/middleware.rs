//! Middleware: tower's layers and one of the program's own around calls of every protocol; and an observer.
//!
//! `curl -d 7 http://127.0.0.1:7070/Work/Double` answers `14`. `-d 60000` on `/Work/Sleep` takes too long, and while
//! two such calls wait a third one is refused at once. `/Trial/Double` answers four times.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use rpcwrap::{CallRequest, CallService, Error, Server, Service};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tower::{
    BoxError, ServiceExt,
    layer::layer_fn,
    limit::{ConcurrencyLimitLayer, RateLimitLayer},
    load_shed::LoadShedLayer,
    service_fn,
    timeout::TimeoutLayer,
};

/// Calls of `Trial` before it is over.
const QUOTA: u32 = 4;

async fn double(number: i64) -> Result<i64, Error> {
    Ok(number * 2)
}

async fn sleep(ms: u64) -> Result<u64, Error> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(ms)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());

    // A layer of our own. What comes before `oneshot` happens before the method, what comes behind it after; an error
    // is what the caller gets.
    let calls = Arc::new(AtomicU32::new(0));
    let quota = layer_fn(move |inner: CallService| {
        let calls = calls.clone();
        service_fn(move |request: CallRequest| {
            let (inner, calls) = (inner.clone(), calls.clone());
            async move {
                if calls.fetch_add(1, Ordering::Relaxed) >= QUOTA {
                    let text = format!("{} is over its quota", request.peer().addr());
                    return Err(BoxError::from(Error::new(text).code("quota")));
                }
                inner.oneshot(request).await
            }
        })
    });

    // The first layer is the outermost: a third call finds that two are running, and does not wait for them.
    let work = Service::new("Work")
        .method("Double", double)
        .method("Sleep", sleep)
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(2))
        .layer(TimeoutLayer::new(Duration::from_millis(500)));
    let trial = Service::new("Trial").method("Double", double).layer(quota);

    let server = Server::builder()
        .service(work)
        .service(trial)
        // Around both services. A rate limit cannot be cloned for each call, so it stands behind a queue.
        .layer_buffered(64, RateLimitLayer::new(1000, Duration::from_secs(1)))
        // Sees every call when it is over, and cannot change it.
        .on_call(|call| {
            let (name, protocol) = (call.service_method(), call.peer().protocol());
            let (code, ms) = (call.code().unwrap_or("ok"), call.duration().as_millis());
            println!("{name} by {protocol}: {code} after {ms} ms");
        })
        .build()?;
    let running = server.run();
    println!("listening on {}", server.listen(&addr).await?);
    running.await?;
    Ok(())
}
