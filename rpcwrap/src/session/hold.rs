//! What a session waits for before it decodes more: the answer to a request that takes time, or the place where large
//! messages are worked on.

use super::{Answer, Framing, Session, batch::Batch, requests::Outcome, scratch::Scratch};
use crate::{
    call::{access::Caller, large::PlaceWait},
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
    /// The place aside, for this request, which is there until it is started.
    Place { wait: PlaceWait, request: Option<Box<F::Request>>, is_counted: bool },
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
        output: &mut BytesMut,
    ) -> bool {
        match &mut self.hold {
            None => return false,
            Some(Hold::Answer(answer)) => {
                let Poll::Ready(answer) = answer.as_mut().poll(cx) else { return false };
                self.hold = None;
                self.write_answer(answer, output);
            }
            Some(Hold::Place { wait, request, is_counted }) => {
                let Poll::Ready(place) = wait.poll(cx) else { return false };
                let (request, is_counted) = (request.take(), *is_counted);
                self.hold = None;
                if let Some(request) = request {
                    place.work(|| self.start_aside(policy, scratch, *request, is_counted, output));
                }
            }
        }
        true
    }

    /// Starts a request that is large or becomes so; this thread has the place for it.
    fn start_aside(
        &mut self,
        policy: &Policy,
        scratch: &mut Scratch,
        request: F::Request,
        is_counted: bool,
        output: &mut BytesMut,
    ) {
        let (dispatch, peer) = (self.dispatch.clone(), self.peer.clone());
        let caller = Caller::new(&peer, policy);
        let caller = if is_counted { caller.again() } else { caller };
        let mut batch = Batch::new(&mut scratch.tally, &dispatch.live, &peer);
        if let Outcome::Waits(call) = self.start(&request, &dispatch, &caller, &mut batch, output) {
            self.keep(request, call);
        }
        batch.merge();
        watch::leave();
    }
}
