//! How a session starts the calls of the requests it has read: decoded one after the other, each polled once in place.

use super::{BATCH, Calls, Framing, Session, batch::Batch, scratch::Scratch};
use crate::{
    call::{
        access::Caller,
        dispatch::{Dispatch, Refused},
        in_flight::InFlightCall,
        large::LARGE,
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
};

impl<F: Framing> Session<F> {
    /// Decodes and starts requests while there are permits; whether there were any.
    pub(super) fn start_requests(
        &mut self,
        policy: &Policy,
        scratch: &mut Scratch,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> bool {
        if self.generation != policy.generation() {
            self.apply_policy(policy);
        }
        self.needs_input = input.is_empty() && !self.ended;
        if self.needs_input || self.check.is_some() {
            return false;
        }
        let (dispatch, peer) = (self.dispatch.clone(), self.peer.clone());
        let caller = Caller::new(&peer, policy);
        let mut batch = Batch::new(&mut scratch.tally, &dispatch.live, &peer);
        let mut requests = 0;
        let may_go_on = |requests| requests < BATCH && !slice::is_over();
        while may_go_on(requests) && !self.closing && self.has_room(&policy.config, output) {
            let decoded = if self.ended { self.decode_last(input) } else { self.framing.decode(input) };
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
                    if let Some(call) = self.start(request, &dispatch, &caller, &mut batch, output)
                        && let Ok(Some(request)) = decoded
                    {
                        let place = if F::ORDERED { self.order.run() } else { 0 };
                        self.waiting_bytes += call.held_bytes();
                        self.in_flight.push(F::into_head(request), call, place);
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
        requests > 0
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
    ) -> Option<InFlightCall> {
        let began = batch.now();
        if self.stage >= Stage::Refusing {
            self.dispatch.live.stats.drained_calls.add_one();
            let refused = Refused { error: CallError::Draining, entry: None };
            self.refuse(request, refused, batch, output);
            return None;
        }
        let calls = Calls { last: batch.last(), dispatch, caller, now: began };
        // A call stays where it was put, too.
        let mut start = self.framing.start(request, calls).0;
        if let Ok(started) = &start
            && started.has_layers()
        {
            start = start.map(|started| started.enter_layers(caller.peer, F::wire_len(request), began));
        }
        let Ok(started) = &mut start else {
            if let Err(refused) = start {
                self.refuse(request, refused, batch, output);
            }
            return None;
        };
        batch.start(started.entry, F::wire_len(request));
        let wait = |start: Result<_, Refused<'_>>, written| {
            let bytes_in = F::wire_len(request);
            // It may have blocked its thread before.
            slice::is_over_now();
            Some(InFlightCall::new(&dispatch.live, start.ok()?, caller.peer, bytes_in, written, began))
        };
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
        None
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
