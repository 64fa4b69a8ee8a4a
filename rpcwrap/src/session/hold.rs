//! What a session waits for before it decodes more: the answer to a request that takes time, or the place where large
//! messages are worked on.

use super::{Answer, Framing, Session, batch::Batch, requests::Outcome, scratch::Scratch};
use crate::{
    call::{
        access::Caller,
        large::{Place, PlaceWait},
    },
    live::{policy::Policy, watch},
};
use bytes::BytesMut;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Nothing is decoded before it is ready.
pub(super) enum Hold<F: Framing> {
    /// The answer to a request that is no call.
    Answer(Pin<Box<dyn Future<Output = Answer> + Send>>),
    /// The place aside, for what was read, or for this request, which has been started in place before.
    Place(PlaceWait, Option<Box<F::Request>>),
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
            Some(Hold::Place(wait, request)) => {
                let Poll::Ready(place) = wait.poll(cx) else { return false };
                let request = request.take();
                self.hold = None;
                place.work(|| match request {
                    Some(request) => self.start_again(policy, scratch, *request, output),
                    None => {
                        self.start_requests(policy, scratch, input, output);
                    }
                });
            }
        }
        true
    }

    /// The same as [`start_requests`](Self::start_requests), where a request may be large: decoded, and its call
    /// started, beside the threads that do I/O, when it is the session's turn.
    #[cold]
    #[inline(never)]
    pub(super) fn start_large(
        &mut self,
        cx: &mut Context<'_>,
        policy: &Policy,
        scratch: &mut Scratch,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> bool {
        if self.hold.is_some() {
            return false;
        }
        match Place::free() {
            Some(place) => place.work(|| self.start_requests(policy, scratch, input, output)),
            None => {
                self.needs_input = false;
                self.hold = Some(Hold::Place(PlaceWait::new(), None));
                self.poll_hold(cx, policy, scratch, input, output)
            }
        }
    }

    /// Starts a request that becomes more than may be decoded in place; this thread has the place for it.
    fn start_again(
        &mut self,
        policy: &Policy,
        scratch: &mut Scratch,
        request: F::Request,
        output: &mut BytesMut,
    ) {
        let (dispatch, peer) = (self.dispatch.clone(), self.peer.clone());
        let caller = Caller::new(&peer, policy).again();
        let mut batch = Batch::new(&mut scratch.tally, &dispatch.live, &peer);
        if let Outcome::Waits(call) = self.start(&request, &dispatch, &caller, &mut batch, output) {
            self.keep(request, call);
        }
        batch.merge();
        watch::leave();
    }
}
