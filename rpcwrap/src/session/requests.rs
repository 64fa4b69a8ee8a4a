//! How a session starts the calls of the requests it has read: decoded one after the other, each polled once in place.

use super::{BATCH, Calls, Framing, Hold, Session, batch::Batch, hold::Postponed, scratch::Scratch};
use crate::{
    call::{
        access::Caller,
        attempt::Rate,
        dispatch::{Dispatch, Refused},
        in_flight::InFlightCall,
        large::{self, LARGE, PlaceWait},
        slice,
    },
    error::{CallError, ProtocolError},
    live::{config::Config, lifetime::Stage, policy::Policy, watch},
    method::running::Written,
};
use bytes::BytesMut;
use codecs::{DecodeError, END_OF_STREAM};
use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

/// What became of a request.
#[expect(clippy::large_enum_variant, reason = "a call that waits is moved once, to where it waits")]
pub(super) enum Outcome {
    /// It is answered.
    Over,
    Waits(InFlightCall),
    /// It is to be started aside, as it takes more than may be done in place.
    Postponed(Rate),
}

impl<F: Framing> Session<F> {
    /// Decodes and starts requests while there are permits; whether there were any. One that was postponed is started
    /// alone: this thread has the place for it.
    pub(super) fn start_requests(
        &mut self,
        policy: &Policy,
        scratch: &mut Scratch,
        mut postponed: Option<Box<Postponed<F>>>,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> bool {
        if self.generation != policy.generation() {
            self.apply_policy(policy);
        }
        self.needs_input = input.is_empty() && !self.ended && postponed.is_none();
        if self.needs_input || self.hold.is_some() {
            return false;
        }
        let (dispatch, peer) = (self.dispatch.clone(), self.peer.clone());
        let mut caller = Caller::new(&peer, policy);
        let mut batch = Batch::new(&mut scratch.tally, &dispatch.live, &peer);
        let mut requests = 0;
        let mut most = BATCH;
        if let Some(postponed) = &postponed {
            caller = caller.with_rate(postponed.rate);
            batch.begin(postponed.read);
            most = 1;
        }
        let may_go_on = |requests| requests < most && !slice::is_over();
        // Whatever has changed meanwhile, one that was read is answered.
        while postponed.is_some()
            || (may_go_on(requests) && !self.closing && self.has_room(&policy.config, output))
        {
            let decoded = match postponed.take() {
                Some(postponed) => Ok(Some(postponed.request)),
                None if self.ended => self.decode_last(input),
                None => self.framing.decode(input),
            };
            match &decoded {
                // A request stays where it was put: most are over before they would have to be moved.
                Ok(Some(request)) => {
                    if let Some(control) = self.framing.control(request) {
                        requests += 1;
                        if self.apply_control(control, request, output) {
                            continue;
                        }
                        break;
                    }
                    match self.start(request, &dispatch, &caller, &mut batch, output) {
                        Outcome::Over => {}
                        outcome => {
                            let read = batch.now();
                            if let Ok(Some(request)) = decoded
                                && !self.keep(request, outcome, read)
                            {
                                break;
                            }
                        }
                    }
                }
                Ok(None) => {
                    self.needs_input = true;
                    break;
                }
                Err(error) => self.stop_decoding(error, output),
            }
            requests += 1;
        }
        batch.merge();
        watch::leave();
        if self.closing {
            input.clear();
        }
        self.called |= requests > 0;
        self.tracked.called(requests);
        // What it waits for has to be polled.
        requests > 0 || self.hold.is_some()
    }

    /// Keeps what is needed of a request that is not over; whether others may be started.
    #[inline]
    fn keep(&mut self, request: F::Request, outcome: Outcome, read: Instant) -> bool {
        match outcome {
            Outcome::Over => {}
            Outcome::Waits(mut call) => {
                let place = if F::ORDERED { self.order.run() } else { 0 };
                if F::ORDERED {
                    call.keep_order();
                }
                self.waiting_bytes += call.held_bytes();
                self.in_flight.push(F::into_head(request), call, place);
            }
            Outcome::Postponed(rate) => {
                let postponed = Box::new(Postponed { request, read, rate });
                self.hold = Some(Hold::Place(PlaceWait::new(), Some(postponed)));
                return false;
            }
        }
        true
    }

    /// Keeps to another policy, or to what holds for another peer, from now on.
    #[cold]
    fn apply_policy(&mut self, policy: &Policy) {
        self.generation = policy.generation();
        let caller = Caller::new(&self.peer, policy);
        self.framing.set_limits(caller.message_limits());
        self.must_log_in = caller.lacks_login();
    }

    /// The next request after the peer has closed its side: whatever is left is the last.
    #[cold]
    fn decode_last(&mut self, input: &mut BytesMut) -> Result<Option<F::Request>, DecodeError> {
        match self.framing.decode(input) {
            Ok(None) => {
                self.closing = true;
                self.framing.decode_eof(input)
            }
            decoded => decoded,
        }
    }

    /// Whether another call may start: permits are taken before its request is decoded.
    #[inline]
    pub(super) fn has_room(&self, config: &Config, output: &BytesMut) -> bool {
        if F::ORDERED {
            let bytes = output.len().saturating_add(self.order.held());
            return self.order.len() < config.max_in_flight && bytes < config.max_output_bytes;
        }
        self.in_flight.len() < config.max_in_flight && output.len() < config.max_output_bytes
    }

    /// Starts one request and polls it once; what is not ready then has to wait.
    #[inline]
    fn start<'d>(
        &mut self,
        request: &F::Request,
        dispatch: &'d Arc<Dispatch>,
        caller: &Caller<'_>,
        batch: &mut Batch<'_, 'd>,
        output: &mut BytesMut,
    ) -> Outcome {
        if self.stage >= Stage::Refusing {
            self.dispatch.live.stats.drained_calls.add_one();
            self.refuse(request, Refused::new(CallError::Draining, None), batch, output);
            return Outcome::Over;
        }
        // Parts of it have been looked at as they came, which is little work each.
        if F::wire_len(request) >= LARGE && !caller.has_place && large::is_needed_elsewhere() {
            return Outcome::Postponed(Rate::ToCount);
        }
        let began = batch.now();
        let calls = Calls { last: batch.last(), dispatch, caller, now: began };
        // A call stays where it was put, too.
        let mut start = self.framing.start(request, calls).0;
        if let Ok(started) = &start
            && started.has_layers()
        {
            start = start.map(|started| started.enter_layers(caller.peer, F::wire_len(request), began));
        }
        let Ok(started) = &mut start else {
            match start {
                Err(Refused { again: Some(rate), .. }) => return Outcome::Postponed(rate),
                Err(refused) => self.refuse(request, refused, batch, output),
                Ok(_) => {}
            }
            return Outcome::Over;
        };
        batch.start(started.entry, F::wire_len(request));
        let wait = |start: Result<_, Refused<'_>>, written| {
            let bytes_in = F::wire_len(request);
            // It may have blocked its thread before.
            slice::is_over_now();
            match start {
                Ok(start) => Outcome::Waits(InFlightCall::new(
                    &dispatch.live,
                    start,
                    caller.peer,
                    bytes_in,
                    written,
                    began,
                )),
                Err(_) => Outcome::Over,
            }
        };
        if caller.has_place {
            large::give_back();
            // What comes behind it has to wait for the place again, and so has the reply.
            slice::end();
            return wait(start, 0);
        }
        if F::ORDERED && !self.order.is_empty() {
            return wait(start, 0);
        }
        let before = output.len();
        // A waker that does nothing: whatever is not ready is polled again by the set, with the set's own.
        let mut no_task = Context::from_waker(Waker::noop());
        let head = F::head(request);
        let mut to = self.framing.reply_to(head);
        let failed = match dispatch.step(started, &mut no_task, &mut to, output) {
            Poll::Ready(Written::Last(Ok(()))) => None,
            Poll::Ready(Written::Last(Err(error))) => {
                self.framing.fail(head, &error, output);
                let is_end = matches!(&*error, CallError::Failed(error) if error.text() == END_OF_STREAM);
                (!is_end).then_some(error)
            }
            Poll::Ready(Written::End) => {
                self.framing.end_stream(head, output);
                None
            }
            Poll::Pending | Poll::Ready(Written::Item | Written::Later) => {
                // A stream's first item is written already; the rest of it waits like any other call.
                let written = output.len() - before;
                batch.write(written);
                return wait(start, written);
            }
        };
        let written = output.len() - before;
        if written >= LARGE {
            started.entry.note_reply(true);
        }
        batch.write(written);
        batch.finish(began, failed, written);
        Outcome::Over
    }

    #[cold]
    fn refuse<'d>(
        &mut self,
        request: &F::Request,
        refused: Refused<'d>,
        batch: &mut Batch<'_, 'd>,
        output: &mut BytesMut,
    ) {
        let written = self.in_turn(output, |framing, out| framing.refuse(request, &refused.error, out));
        // Bytes that could not be walked to their end say nothing about where the next message starts.
        if matches!(&refused.error, CallError::BadArguments(error) if error.is_fatal()) {
            self.closing = true;
            self.fault = Some(Box::new(ProtocolError::Malformed("arguments beyond repair")));
        }
        if let Some(entry) = refused.entry {
            let now = batch.now();
            batch.start(entry, F::wire_len(request));
            batch.write(written);
            batch.finish(now, Some(Box::new(refused.error)), 0);
        }
    }
}
