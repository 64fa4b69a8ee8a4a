//! The calls of one session that wait for something, polled together, each answered when it is ready.

use super::Framing;
use crate::call::in_flight::InFlightCall;
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// One call that waits, with the head of the request it answers.
pub(super) struct SessionCall<H> {
    pub(super) head: H,
    pub(super) call: InFlightCall,
    /// Its place in an ordered session.
    pub(super) place: u64,
    waker: Option<Waker>,
}

/// A [`SessionCall`] as a future: ready, and handed out, when there is something to write.
struct UntilReady<H>(Option<SessionCall<H>>);

// Heads are moved out, never polled.
impl<H> Unpin for UntilReady<H> {}

impl<H> Future for UntilReady<H> {
    type Output = SessionCall<H>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SessionCall<H>> {
        let Some(call) = &mut self.0 else { return Poll::Pending };
        if call.call.poll(cx).is_ready()
            && let Some(call) = self.0.take()
        {
            return Poll::Ready(call);
        }
        if let Some(call) = &mut self.0
            && !call.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            call.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// All calls of a session that wait. Holds no memory before the first.
pub(crate) struct CallsInFlight<F: Framing>(Option<Box<FuturesUnordered<UntilReady<F::Head>>>>);

impl<F: Framing> CallsInFlight<F> {
    pub(super) fn new() -> Self {
        Self(None)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |calls| calls.len())
    }

    /// Adds a call; it is polled by the next [`poll_ready`](Self::poll_ready), with the set's own waker.
    pub(super) fn push(&mut self, head: F::Head, call: InFlightCall, place: u64) {
        let call = SessionCall { head, call, place, waker: None };
        self.0.get_or_insert_default().push(UntilReady(Some(call)));
    }

    /// Puts back a call that has more to say.
    pub(super) fn push_back(&mut self, call: SessionCall<F::Head>) {
        self.0.get_or_insert_default().push(UntilReady(Some(call)));
    }

    /// The next call with something to write; `Pending` if there is none, also if there are no calls.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<SessionCall<F::Head>> {
        let Some(calls) = &mut self.0 else { return Poll::Pending };
        match calls.poll_next_unpin(cx) {
            Poll::Ready(Some(call)) => Poll::Ready(call),
            Poll::Ready(None) => {
                self.0 = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Notes that its calls wait for the peer, as none is polled before the peer has taken what it is sent: they are not
    /// among those by which other peers find the server full.
    #[cold]
    pub(super) fn wait_for_peer(&mut self) {
        for call in self.0.iter_mut().flat_map(|calls| calls.iter_mut()) {
            if let Some(call) = &mut call.0 {
                call.call.stop_waiting();
            }
        }
    }

    /// Ends the call of that number; it is answered like any that is ready. Whether there was one.
    pub(super) fn cancel(&mut self, seq: u64) -> bool {
        let Some(calls) = &mut self.0 else { return false };
        for call in calls.iter_mut() {
            if let Some(call) = &mut call.0
                && F::seq(&call.head) == Some(seq)
            {
                call.call.cancel();
                if let Some(waker) = call.waker.take() {
                    waker.wake();
                }
                return true;
            }
        }
        false
    }
}
