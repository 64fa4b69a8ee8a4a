//! Time that goes by at once, for what takes time and has no event.

use std::time::Duration;

/// Lets `time` go by: the clock stands still, and goes on when no task has anything left to do.
///
/// For tests on one thread whose peers are in memory, as what a socket brings is not waited for.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    elapse(time).await;
    tokio::time::resume();
}

/// The same on a clock that stands still for the whole test (`start_paused`): it goes on by `time` once no task has
/// anything left to do, and nothing is waited for.
pub(crate) async fn elapse(time: Duration) {
    tokio::time::sleep(time).await;
}
