//! What every test of the project builds on: a server on a free port, a peer that speaks bytes, a limit on every wait.
#![allow(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]
#![allow(missing_docs, reason = "the names of test helpers say it")]

pub mod attacks;
pub mod certificates;
pub mod gob_services;
pub mod peer;
pub mod process;
pub mod raw;
pub mod server;
pub mod services;

use std::{future::Future, panic::Location, time::Duration};

/// The Rust in the documents of the project, compiled as examples of documentation are.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Project;
    #[doc = include_str!("../../rpcwrap/README.md")]
    struct Server;
    #[doc = include_str!("../../rpcwrap/macros/README.md")]
    struct Macros;
    #[doc = include_str!("../../rpcwrap-client/README.md")]
    struct Client;
}

/// The longest any one step of a test may take: far more than any needs, for machines with other things to do, and less
/// than the server's own limits for calls and peers that hang.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Waits for `step`, at most [`LIMIT`].
///
/// # Panics
/// If it takes longer; names the line that waited.
#[track_caller]
pub fn limit<F: Future>(step: F) -> impl Future<Output = F::Output> {
    within(LIMIT, step)
}

/// Waits for `step`, at most `limit`.
///
/// # Panics
/// If it takes longer; names the line that waited.
#[track_caller]
pub fn within<F: Future>(limit: Duration, step: F) -> impl Future<Output = F::Output> {
    let caller = Location::caller();
    async move {
        let done = tokio::time::timeout(limit, step).await;
        done.unwrap_or_else(|_| panic!("{caller}: nothing after {limit:?}"))
    }
}

/// Asks `holds` again and again until it does, at most [`LIMIT`]; for what no event announces, such as a counter.
///
/// # Panics
/// If it never does.
#[track_caller]
pub fn until(mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    limit(async move {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}
