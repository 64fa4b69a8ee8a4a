//! Counts of the calls a session starts in one go, merged into the shared counters once per method and batch.

use crate::{
    call::{
        in_flight::note_end,
        registry::Entry,
        slice::{self, SLICE},
    },
    error::CallError,
    live::{Live, stats::Tally},
    peer::Peer,
};
use std::{sync::Arc, time::Instant};

/// Counts and clock of one batch: merged when the method changes, read once per call.
pub(super) struct Batch<'t, 'd> {
    tally: &'t mut Tally,
    entry: Option<&'d Arc<Entry>>,
    now: Option<Instant>,
    live: &'t Live,
    peer: &'t Arc<Peer>,
    /// From how long on a call is noted one by one: that it is slow, or every one where there are observers.
    noted_nanos: u64,
    /// What the calls of the method may take together until the slice is over.
    nanos_left: u64,
    /// Of the last request.
    bytes_in: usize,
    /// Of the last call of the method that failed.
    error: Option<Box<CallError>>,
}

impl<'t, 'd> Batch<'t, 'd> {
    pub(super) fn new(tally: &'t mut Tally, live: &'t Live, peer: &'t Arc<Peer>) -> Self {
        Self {
            tally,
            entry: None,
            now: None,
            live,
            peer,
            noted_nanos: if live.observers.is_empty() { live.slow.nanos() } else { 0 },
            nanos_left: SLICE.as_nanos() as u64,
            bytes_in: 0,
            error: None,
        }
    }

    /// The first call of the batch has begun then.
    pub(super) fn begin(&mut self, at: Instant) {
        self.now = Some(at);
    }

    /// When the last call of the batch ended, which is when the next one begins: one look at the clock per call.
    #[inline]
    pub(super) fn now(&self) -> Instant {
        self.now.unwrap_or_else(Instant::now)
    }

    /// The method of the last call of the batch.
    #[inline]
    pub(super) fn last(&self) -> Option<&'d Arc<Entry>> {
        self.entry
    }

    #[inline]
    pub(super) fn start(&mut self, entry: &'d Arc<Entry>, bytes_in: usize) {
        if !self.entry.is_some_and(|current| Arc::ptr_eq(current, entry)) {
            self.merge();
            self.entry = Some(entry);
        }
        self.tally.start(bytes_in);
        self.bytes_in = bytes_in;
    }

    #[inline]
    pub(super) fn write(&mut self, bytes_out: usize) {
        self.tally.write(bytes_out);
    }

    /// Counts the end of a call, whose replies were `bytes_out`.
    #[inline(always)]
    pub(super) fn finish(&mut self, began: Instant, error: Option<Box<CallError>>, bytes_out: usize) {
        let now = Instant::now();
        let duration = now.saturating_duration_since(began);
        self.tally.finish(duration, error.is_some());
        self.now = Some(now);
        if self.tally.nanos() >= self.nanos_left {
            slice::end();
        }
        if duration.as_nanos() as u64 >= self.noted_nanos
            && let Some(entry) = self.entry
        {
            let bytes_out = if error.is_some() { 0 } else { bytes_out };
            note_end(self.live, entry, self.peer, (self.bytes_in, bytes_out), error.as_deref(), duration);
        }
        if error.is_some() {
            self.error = error;
        }
    }

    #[inline]
    pub(super) fn merge(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.nanos_left = self.nanos_left.saturating_sub(self.tally.nanos());
            let error = self.error.take();
            add(self.tally, entry, self.live, self.peer, self.now, error.as_deref());
        }
    }
}

/// Adds what was gathered of one method to its counters and to those of the peer.
///
/// Not a method: a batch whose address is never taken is kept in registers.
#[inline(never)]
fn add(
    tally: &mut Tally,
    entry: &Entry,
    live: &Live,
    peer: &Peer,
    now: Option<Instant>,
    error: Option<&CallError>,
) {
    let (now, code) = (now.unwrap_or_else(Instant::now), error.map(CallError::code));
    live.peers.add(&peer.addr, &entry.full_name, tally, now, code);
    tally.merge_into(&entry.stats);
}
