//! Where a connection is served: by the server's own thread, the front, until it may run a handler.
//!
//! The front accepts connections, reads their openings and answers pages, and no handler can hold it up. A connection
//! leaves it once and for good, for the runtime in which its listener was opened.

use std::sync::atomic::{AtomicU8, Ordering};
use tokio::{
    runtime::{EnterGuard, Handle},
    sync::Notify,
};

/// One connection on the front.
#[derive(Debug)]
pub(crate) struct Front {
    handlers: Handle,
    place: AtomicU8,
    left: Notify,
}

/// It is served by the front.
const HERE: u8 = 0;
/// It is to leave.
const LEAVING: u8 = 1;
/// It is served where handlers run.
const LEFT: u8 = 2;

impl Front {
    /// For a connection whose handlers run in that runtime.
    pub(crate) fn new(handlers: Handle) -> Self {
        Self { handlers, place: AtomicU8::new(HERE), left: Notify::new() }
    }

    /// Has the connection leave, and waits until it has.
    pub(crate) async fn leave(&self) {
        loop {
            let left = self.left.notified();
            // From `HERE` only; whatever else it is says what to do.
            let place = self.place.compare_exchange(HERE, LEAVING, Ordering::AcqRel, Ordering::Acquire);
            if place == Err(LEFT) {
                return;
            }
            left.await;
        }
    }

    /// Whether it is to leave and has not.
    pub(crate) fn is_leaving(&self) -> bool {
        self.place.load(Ordering::Acquire) == LEAVING
    }

    /// Whether it has left.
    #[inline]
    pub(crate) fn has_left(&self) -> bool {
        self.place.load(Ordering::Acquire) == LEFT
    }

    /// The connection leaves now: what is spawned while the runtime is entered runs with the handlers.
    pub(crate) fn enter_handlers(&self) -> EnterGuard<'_> {
        self.place.store(LEFT, Ordering::Release);
        self.left.notify_waiters();
        self.handlers.enter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, time::Duration};

    #[tokio::test]
    async fn what_wants_to_leave_waits_until_the_connection_has() {
        let front = Arc::new(Front::new(Handle::current()));
        assert!(!front.is_leaving() && !front.has_left());
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let front = front.clone();
                tokio::spawn(async move { front.leave().await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(front.is_leaving() && !waiting.iter().any(|one| one.is_finished()));
        drop(front.enter_handlers());
        for one in waiting {
            tokio::time::timeout(Duration::from_secs(10), one).await.unwrap().unwrap();
        }
        assert!(!front.is_leaving() && front.has_left());
        front.leave().await;
    }
}
