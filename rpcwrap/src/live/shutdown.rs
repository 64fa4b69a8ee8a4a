//! The four states of a server's life, and the one place everybody waits for them to change.
//!
//! Serving → lame duck (still serving, readiness says no) → draining (nothing new is started) → stopped (whatever is
//! left is cut).

use crate::lock::lock;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// Where a server is in its life. Only ever goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
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

impl Phase {
    fn of(number: u8) -> Self {
        match number {
            0 => Self::Serving,
            1 => Self::LameDuck,
            2 => Self::Draining,
            _ => Self::Stopped,
        }
    }
}

/// Tells every task of a server its phase, and counts what the end cut off.
#[derive(Debug, Default)]
pub(crate) struct Shutdown(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Changed under the lock of `waiting` only.
    phase: AtomicU8,
    waiting: Mutex<Wakers>,
    cut: AtomicUsize,
}

/// Who is to be woken when the phase changes.
#[derive(Debug, Default)]
struct Wakers {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl State {
    fn phase(&self) -> Phase {
        Phase::of(self.phase.load(Ordering::Acquire))
    }
}

impl Shutdown {
    pub(crate) fn phase(&self) -> Phase {
        self.0.phase()
    }

    /// Whether new calls are refused.
    #[inline]
    pub(crate) fn refuses_calls(&self) -> bool {
        self.0.phase.load(Ordering::Acquire) >= Phase::Draining as u8
    }

    /// Goes to `phase`, unless the server is already further.
    pub(crate) fn advance(&self, phase: Phase) {
        let waiting = lock(&self.0.waiting);
        if phase <= self.0.phase() {
            return;
        }
        self.0.phase.store(phase as u8, Ordering::Release);
        drop(waiting);
        self.wake_all();
    }

    /// Wakes every task that waits for a phase: each looks again at what it waits for.
    pub(crate) fn wake_all(&self) {
        // They stay registered: some wait for a later phase.
        let wakers: Vec<Waker> = lock(&self.0.waiting).wakers.values().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until the server is in `phase` or further.
    pub(crate) fn reached(&self, phase: Phase) -> Reached {
        Reached { state: self.0.clone(), phase, registered: None }
    }

    /// Counts a call, or a reply not yet taken by its peer, that the end of the server cut off.
    pub(crate) fn count_cut(&self) {
        self.0.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// What was cut off.
    pub(crate) fn cut(&self) -> usize {
        self.0.cut.load(Ordering::Relaxed)
    }
}

/// See [`Shutdown::reached`]. Every connection holds two for all its life, so it is small; polled again by the same
/// task it takes no lock.
#[derive(Debug)]
pub(crate) struct Reached {
    state: Arc<State>,
    phase: Phase,
    registered: Option<(u64, Waker)>,
}

impl Future for Reached {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.phase() >= self.phase {
            return Poll::Ready(());
        }
        match &self.registered {
            Some((_, waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            _ => self.register(cx.waker()),
        }
    }
}

impl Reached {
    #[cold]
    fn register(&mut self, waker: &Waker) -> Poll<()> {
        let mut waiting = lock(&self.state.waiting);
        // Between the look at the phase and the lock it may have changed, and the waker would never be called.
        if self.state.phase() >= self.phase {
            return Poll::Ready(());
        }
        let key = self.registered.as_ref().map(|(key, _)| *key).unwrap_or_else(|| {
            waiting.next += 1;
            waiting.next
        });
        let old = waiting.wakers.insert(key, waker.clone());
        // A waker may be the last thing that keeps a task, and a task holds what takes this lock.
        drop(waiting);
        drop(old);
        self.registered = Some((key, waker.clone()));
        Poll::Pending
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some((key, _)) = self.registered.take() {
            let mut waiting = lock(&self.state.waiting);
            let old = waiting.wakers.remove(&key);
            drop(waiting);
            drop(old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::join_all};
    use std::time::Duration;

    #[tokio::test]
    async fn each_waits_for_its_own_phase() {
        let shutdown = Shutdown::default();
        let mut draining = shutdown.reached(Phase::Draining);
        let mut stopped = shutdown.reached(Phase::Stopped);
        assert!((&mut draining).now_or_never().is_none() && (&mut stopped).now_or_never().is_none());
        shutdown.advance(Phase::LameDuck);
        assert!((&mut draining).now_or_never().is_none() && !shutdown.refuses_calls());
        shutdown.advance(Phase::Draining);
        shutdown.advance(Phase::LameDuck);
        assert_eq!((shutdown.phase(), shutdown.refuses_calls()), (Phase::Draining, true));
        assert!((&mut draining).now_or_never().is_some() && (&mut stopped).now_or_never().is_none());
        shutdown.advance(Phase::Stopped);
        assert!(stopped.now_or_never().is_some());
        drop(draining);
        assert!(lock(&shutdown.0.waiting).wakers.is_empty(), "no waker is kept of a task that has gone");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_who_waits_is_forgotten() {
        for _ in 0..50 {
            let shutdown = Arc::new(Shutdown::default());
            let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(shutdown.reached(Phase::Stopped))).collect();
            shutdown.advance(Phase::Draining);
            tokio::task::yield_now().await;
            shutdown.advance(Phase::Stopped);
            tokio::time::timeout(Duration::from_secs(10), join_all(waiting)).await.unwrap();
        }
    }
}
