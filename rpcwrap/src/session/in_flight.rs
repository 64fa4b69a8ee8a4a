//! The calls of one session that wait for something, polled together, each answered when it is ready.

use super::Framing;
use crate::call::in_flight::Flight;
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// One call that waits, with the head of the request it answers.
pub(super) struct Waiting<H> {
    pub(super) head: H,
    pub(super) flight: Flight,
    /// Its place in an ordered session.
    pub(super) turn: u64,
    waker: Option<Waker>,
}

/// A [`Waiting`] as a future: ready, and handed out, when there is something to write.
struct UntilReady<H>(Option<Waiting<H>>);

// Heads are moved out, never polled.
impl<H> Unpin for UntilReady<H> {}

impl<H> Future for UntilReady<H> {
    type Output = Waiting<H>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Waiting<H>> {
        let Some(waiting) = &mut self.0 else { return Poll::Pending };
        if waiting.flight.poll(cx).is_ready()
            && let Some(waiting) = self.0.take()
        {
            return Poll::Ready(waiting);
        }
        if let Some(waiting) = &mut self.0
            && !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            waiting.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// All of a session's waiting calls. Holds no memory before the first.
pub(crate) struct InFlight<F: Framing>(Option<Box<FuturesUnordered<UntilReady<F::Head>>>>);

impl<F: Framing> InFlight<F> {
    pub(super) fn new() -> Self {
        Self(None)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |calls| calls.len())
    }

    /// Adds a call; it is polled by the next [`poll_ready`](Self::poll_ready), with the set's own waker.
    pub(super) fn push(&mut self, head: F::Head, flight: Flight, turn: u64) {
        let waiting = Waiting { head, flight, turn, waker: None };
        self.0.get_or_insert_default().push(UntilReady(Some(waiting)));
    }

    /// Puts back a call that has more to say.
    pub(super) fn push_back(&mut self, waiting: Waiting<F::Head>) {
        self.0.get_or_insert_default().push(UntilReady(Some(waiting)));
    }

    /// The next call with something to write; `Pending` if there is none, also if there are no calls.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Waiting<F::Head>> {
        let Some(calls) = &mut self.0 else { return Poll::Pending };
        match calls.poll_next_unpin(cx) {
            Poll::Ready(Some(waiting)) => Poll::Ready(waiting),
            Poll::Ready(None) => {
                self.0 = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ends the call of that number; it is answered like any that is ready. Whether there was one.
    pub(super) fn cancel(&mut self, seq: u64) -> bool {
        let Some(calls) = &mut self.0 else { return false };
        for call in calls.iter_mut() {
            if let Some(waiting) = &mut call.0
                && F::seq(&waiting.head) == Some(seq)
            {
                waiting.flight.cancel();
                if let Some(waker) = waiting.waker.take() {
                    waker.wake();
                }
                return true;
            }
        }
        false
    }
}
