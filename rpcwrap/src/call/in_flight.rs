//! Calls between their start and their last reply.
//!
//! A call that is ready at once is a [`Started`] and no more; one that waits becomes an [`InFlightCall`], which also
//! keeps its deadline and its counts.

use crate::{
    auth::UserPermit,
    call::{
        large::{self, LARGE, PlaceWait},
        registry::Entry,
        slice,
    },
    error::CallError,
    live::{
        Live,
        calls::Place,
        observer::CallInfo,
        shutdown::Phase,
        stats::{ServerStats, Tally},
        watch,
    },
    method::running::{BoxCall, Keep, Written},
    peer::Peer,
};
use bytes::BytesMut;
use codecs::ReplyTo;
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::time::Sleep;

/// A call under way that has not been polled yet.
pub(crate) struct Started<'d> {
    pub(crate) call: BoxCall,
    pub(crate) entry: &'d Arc<Entry>,
    pub(crate) limit: Option<Duration>,
    /// What its arguments take in memory.
    pub(crate) decoded_bytes: usize,
    pub(crate) permit: Option<MethodPermit>,
    pub(crate) user_permit: Option<UserPermit>,
}

impl Started<'_> {
    /// Whether [`enter_layers`](Self::enter_layers) has to be asked.
    #[inline]
    pub(crate) fn has_layers(&self) -> bool {
        self.entry.layers.is_some()
    }

    /// Puts the call within its method's layers, if there are any: it was read at `began`, in so many bytes.
    #[cold]
    pub(crate) fn enter_layers(self, peer: &Arc<Peer>, size: usize, began: Instant) -> Self {
        let Some(layers) = &self.entry.layers else { return self };
        let deadline = self.limit.and_then(|limit| began.checked_add(limit));
        Self { call: layers.around(self.call, peer, deadline, size, began), ..self }
    }
}

/// One of a method's own `max_in_flight`.
pub(crate) struct MethodPermit(Arc<Entry>);

impl MethodPermit {
    pub(crate) fn take(entry: &Arc<Entry>, limit: usize) -> Result<Self, CallError> {
        let permit = Self(entry.clone());
        if entry.running.fetch_add(1, Ordering::AcqRel) >= limit {
            return Err(CallError::Busy { name: entry.full_name.to_string(), limit });
        }
        Ok(permit)
    }
}

impl Drop for MethodPermit {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A call that is waited for: its handler, its deadline and its counts. Dropping it drops the handler.
pub(crate) struct InFlightCall {
    live: Arc<Live>,
    entry: Arc<Entry>,
    peer: Arc<Peer>,
    bytes_in: usize,
    decoded_bytes: usize,
    /// Among the calls that wait; `None` before the first time that it does.
    place: Option<Place>,
    /// Of the replies so far.
    bytes_out: usize,
    call: Option<BoxCall>,
    limit: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
    failed: Option<CallError>,
    started: Instant,
    counted: bool,
    /// Whether it waits for its handler, as far as the server's `max_calls` is concerned: one that has something to write
    /// waits for its peer, however long that takes no bytes, and counts against that peer only.
    waits: bool,
    /// Of a reply that may be large, and is not written when it is ready but when other replies have been.
    turn: Turn,
    /// Whether it is written as soon as it is ready: only then may it have the place, as others wait for that.
    is_written_at_once: bool,
    _permit: Option<MethodPermit>,
    _user_permit: Option<UserPermit>,
}

/// The turn of a reply that may be large.
enum Turn {
    None,
    Waits(PlaceWait),
    Has(large::Place),
}

impl InFlightCall {
    /// Takes over a call whose start has been counted.
    pub(crate) fn new(
        live: &Arc<Live>,
        call: Started<'_>,
        peer: &Arc<Peer>,
        bytes_in: usize,
        bytes_out: usize,
        started: Instant,
    ) -> Self {
        // A caller may name a limit beyond the clock's end, which is none.
        let deadline = call.limit.and_then(|limit| started.checked_add(limit));
        let timer = deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline.into())));
        peer.load.enter();
        let waits = bytes_out == 0;
        if waits {
            live.waiting.enter();
        }
        Self {
            live: live.clone(),
            entry: call.entry.clone(),
            peer: peer.clone(),
            bytes_in,
            decoded_bytes: call.decoded_bytes,
            place: None,
            bytes_out,
            call: Some(call.call),
            limit: call.limit,
            timer,
            failed: None,
            started,
            counted: false,
            waits,
            turn: Turn::None,
            is_written_at_once: true,
            _permit: call.permit,
            _user_permit: call.user_permit,
        }
    }

    /// It may have to wait for the replies of others once it is ready.
    pub(crate) fn keep_order(&mut self) {
        self.is_written_at_once = false;
    }

    fn may_reply_large(&self) -> bool {
        self.entry.may_reply_large() || self.bytes_in >= LARGE
    }

    /// Waits for the place where large replies are written, if this may be one.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_written_at_once || !self.may_reply_large() || !large::is_needed_elsewhere() {
            return Poll::Ready(());
        }
        loop {
            self.turn = match &mut self.turn {
                Turn::None => large::Place::free().map_or_else(|| Turn::Waits(PlaceWait::new()), Turn::Has),
                Turn::Waits(wait) => Turn::Has(ready!(wait.poll(cx))),
                Turn::Has(_) => return Poll::Ready(()),
            };
        }
    }

    /// Bytes that the server holds for it: those of its request, and its arguments.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes_in.saturating_add(self.decoded_bytes)
    }

    /// Waits until there is something to write.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.call.is_some() && slice::is_over_now() {
            slice::wake_later(cx);
            return Poll::Pending;
        }
        if self.place.as_mut().is_some_and(|place| self.live.calls.is_killed(place)) {
            self.cancel();
        }
        if self.call.is_some() && matches!(self.turn, Turn::Waits(_)) {
            return self.poll_turn(cx);
        }
        let Some(call) = &mut self.call else { return Poll::Ready(()) };
        let poll = AssertUnwindSafe(|| watch::at(self.entry.number, || call.as_mut().poll(cx)));
        match catch_unwind(poll) {
            Ok(Poll::Ready(())) => {
                // What is left is for its peer to take.
                self.stop_waiting();
                return self.poll_turn(cx);
            }
            Ok(Poll::Pending) => {}
            Err(_) => {
                let error = panicked(&self.live.stats);
                return self.fail(error);
            }
        }
        if !self.waits {
            self.waits = true;
            self.live.waiting.enter();
        }
        let Self { live, place, entry, peer, started, .. } = self;
        if live.calls.wait(place, cx.waker(), &entry.full_name, peer, *started) {
            self.cancel();
            return Poll::Ready(());
        }
        let (Some(timer), Some(limit)) = (&mut self.timer, self.limit) else { return Poll::Pending };
        match timer.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.live.stats.deadlines.add_one();
                self.fail(CallError::Deadline(limit))
            }
        }
    }

    /// Ends the call; what is written next is that it was cancelled. The caller wakes the task that polls it.
    pub(crate) fn cancel(&mut self) {
        if self.call.is_some() {
            self.live.stats.canceled_calls.add_one();
            let _ = self.fail(CallError::Canceled);
        }
    }

    fn fail(&mut self, error: CallError) -> Poll<()> {
        self.call = None;
        self.failed = Some(error);
        self.stop_waiting();
        Poll::Ready(())
    }

    /// Writes what is ready, and counts the call when that was the last.
    pub(crate) fn write(&mut self, to: &mut ReplyTo<'_>, out: &mut BytesMut) -> Written {
        let before = out.len();
        let turn = std::mem::replace(&mut self.turn, Turn::None);
        let is_large_request = self.bytes_in >= LARGE;
        let written = match (self.failed.take(), &mut self.call) {
            (Some(error), _) => Written::Last(Err(Box::new(error))),
            (None, Some(call)) => {
                let reply_type = self.entry.options.types.reply.as_ref();
                let mut write = || call.as_mut().write(Keep::No, reply_type, to, out);
                let may_be_large = self.entry.may_reply_large();
                let write = AssertUnwindSafe(|| {
                    watch::at(self.entry.number, || match turn {
                        Turn::Has(place) => place.work(write),
                        _ if may_be_large || is_large_request => large::aside(write),
                        _ => write(),
                    })
                });
                let written = catch_unwind(write).unwrap_or_else(|_| {
                    out.truncate(before);
                    Written::Last(Err(Box::new(CallError::Panicked)))
                });
                count_failure(&self.live.stats, &written);
                let is_large = out.len() - before >= LARGE;
                if is_large || may_be_large {
                    self.entry.note_reply(is_large);
                }
                written
            }
            (None, None) => Written::Last(Err(Box::new(CallError::Canceled))),
        };
        let mut tally = Tally::default();
        tally.write(out.len() - before);
        self.bytes_out += out.len() - before;
        match &written {
            Written::Item | Written::Later => tally.merge_into(&self.entry.stats),
            Written::Last(Err(error)) => self.count_end(tally, Some(error)),
            Written::Last(Ok(())) | Written::End => self.count_end(tally, None),
        }
        written
    }

    /// Counts it no more among the calls that wait for their handlers, until it is polled and has to wait again: it waits
    /// for its peer.
    pub(crate) fn stop_waiting(&mut self) {
        if self.waits {
            self.waits = false;
            self.live.waiting.leave();
        }
    }

    /// Counts the end of the call, and tells those who want to know.
    fn count_end(&mut self, mut tally: Tally, error: Option<&CallError>) {
        self.counted = true;
        let live = &self.live;
        let (now, code) = (Instant::now(), error.map(CallError::code));
        let duration = now.saturating_duration_since(self.started);
        tally.finish(duration, code.is_some());
        live.peers.add(&self.peer.addr, &self.entry.full_name, &tally, now, code);
        tally.merge_into(&self.entry.stats);
        note_end(live, &self.entry, &self.peer, (self.bytes_in, self.bytes_out), error, duration);
    }
}

/// Keeps one call that has ended if it was slow, and tells observers of it; sizes of request and reply.
#[cold]
pub(crate) fn note_end(
    live: &Live,
    entry: &Entry,
    peer: &Peer,
    (request_size, reply_size): (usize, usize),
    error: Option<&CallError>,
    duration: Duration,
) {
    if duration.as_nanos() >= u128::from(live.slow.nanos()) {
        live.slow.add(&entry.full_name, peer, duration, request_size, error.map(CallError::code));
    }
    let info = CallInfo { name: &entry.full_name, peer, request_size, reply_size, error, duration };
    live.observers.tell(&info, &live.stats);
}

impl Drop for InFlightCall {
    fn drop(&mut self) {
        self.stop_waiting();
        self.peer.load.leave();
        if let Some(place) = &self.place {
            self.live.calls.leave(place);
        }
        if !self.counted {
            self.live.stats.canceled_calls.add_one();
            if self.live.shutdown.phase() == Phase::Stopped {
                self.live.shutdown.count_cut();
            }
            self.count_end(Tally::default(), Some(&CallError::Canceled));
        }
    }
}

/// Counts what only a look at the error tells: a panic while writing, or one in a task of its own, which comes as that
/// task's result; and what a layer has refused.
#[inline]
pub(crate) fn count_failure(stats: &ServerStats, written: &Written) {
    if let Written::Last(Err(error)) = written {
        count_error(stats, error);
    }
}

#[cold]
fn count_error(stats: &ServerStats, error: &CallError) {
    match error {
        CallError::Panicked => stats.panics.add_one(),
        CallError::Deadline(_) => stats.deadlines.add_one(),
        CallError::Overloaded => stats.shed_calls.add_one(),
        CallError::Busy { .. } | CallError::OverUserLimit { .. } => stats.busy_calls.add_one(),
        CallError::Unauthenticated(_) | CallError::Denied { .. } => stats.denied_calls.add_one(),
        _ => {}
    }
}

/// Counts a panic; what its caller is told.
#[cold]
pub(crate) fn panicked(stats: &ServerStats) -> CallError {
    stats.panics.add_one();
    CallError::Panicked
}
