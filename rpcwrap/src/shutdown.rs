//! The four states of a server's life, and the one place everybody waits for them to change.
//!
//! Serving → lame duck (still serving, readiness says no) → draining (nothing new is started) → stopped (whatever is
//! left is cut).

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use tokio::sync::watch;

/// Where a server is in its life. Only ever goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// All is well.
    Serving,
    /// Told to stop; load balancers are being told, calls and connections are still taken.
    LameDuck,
    /// Listeners are closed; calls in flight are finished, new ones refused.
    Draining,
    /// The time is over; connections are closed as they are.
    Stopped,
}

/// Tells every task of a server its phase, and counts the tasks that are still there.
#[derive(Debug)]
pub(crate) struct Shutdown {
    phase: watch::Sender<Phase>,
    // The same for those who only look: one plain load per call instead of the channel's lock.
    now: AtomicU8,
    cut: AtomicUsize,
}

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self { phase: watch::Sender::new(Phase::Serving), now: AtomicU8::new(0), cut: AtomicUsize::new(0) }
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Whether new calls are refused.
    #[inline]
    pub(crate) fn refuses_calls(&self) -> bool {
        self.now.load(Ordering::Acquire) >= Phase::Draining as u8
    }

    /// Goes to `phase`, unless the server is already further.
    pub(crate) fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let further = phase > *now;
            *now = phase.max(*now);
            self.now.store(*now as u8, Ordering::Release);
            further
        });
    }

    /// Waits until the server is in `phase` or further.
    pub(crate) fn reached(&self, phase: Phase) -> impl Future<Output = ()> + Send + use<> {
        let mut watch = self.phase.subscribe();
        async move {
            // The sender lives in the server that every task of it holds; if it is gone all the same, so is the server.
            let _ = watch.wait_for(|now| *now >= phase).await;
        }
    }

    /// Counts a call, or a reply not yet taken by its peer, that the end of the server cut off.
    pub(crate) fn count_cut(&self) {
        self.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// What was cut off.
    pub(crate) fn cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }
}
