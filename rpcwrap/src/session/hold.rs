//! What a session waits for before it decodes more: the answer to a request that takes time, or the place where large
//! messages are worked on.

use super::{Answer, Framing, Session, scratch::Scratch};
use crate::{
    call::{attempt::Rate, large::PlaceWait},
    live::policy::Policy,
};
use bytes::BytesMut;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

/// Nothing is decoded before it is ready.
pub(super) enum Hold<F: Framing> {
    /// The answer to a request that is no call.
    Answer(Pin<Box<dyn Future<Output = Answer> + Send>>),
    /// The place aside, for this request, which is there until it is started.
    Place(PlaceWait, Option<Box<Postponed<F>>>),
}

/// A request that has been read and is started aside, and what is known of it by then.
pub(super) struct Postponed<F: Framing> {
    pub(super) request: F::Request,
    /// When it was read.
    pub(super) read: Instant,
    pub(super) rate: Rate,
}

impl<F: Framing> Session<F> {
    /// Goes on with what was read once it is there what it waits for; whether that is so.
    #[cold]
    #[inline(never)]
    pub(super) fn poll_hold(
        &mut self,
        cx: &mut Context<'_>,
        policy: &Policy,
        scratch: &mut Scratch,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> bool {
        match &mut self.hold {
            None => return false,
            Some(Hold::Answer(answer)) => {
                let Poll::Ready(answer) = answer.as_mut().poll(cx) else { return false };
                self.hold = None;
                self.write_answer(answer, output);
            }
            Some(Hold::Place(wait, postponed)) => {
                let Poll::Ready(place) = wait.poll(cx) else { return false };
                let postponed = postponed.take();
                self.hold = None;
                place.work(|| self.start_requests(policy, scratch, postponed, input, output));
            }
        }
        true
    }
}
