//! Counts of the calls a session starts in one go, merged into the shared counters once per method and batch.

use crate::{
    call::registry::Entry,
    error::CallError,
    live::{Live, observer::CallInfo, stats::Tally},
    peer::Peer,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Counts and clock of one batch: merged when the method changes, read once per call.
pub(super) struct Batch<'t, 'd> {
    tally: &'t mut Tally,
    entry: Option<&'d Arc<Entry>>,
    now: Option<Instant>,
    live: &'t Live,
    peer: &'t Arc<Peer>,
    /// What makes a call slow.
    slow_nanos: u64,
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
            slow_nanos: live.slow.nanos(),
            bytes_in: 0,
            error: None,
        }
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
    #[inline]
    pub(super) fn finish(&mut self, began: Instant, error: Option<Box<CallError>>, bytes_out: usize) {
        let now = Instant::now();
        let duration = now.saturating_duration_since(began);
        self.tally.finish(duration, error.is_some());
        self.now = Some(now);
        if let Some(entry) = self.entry {
            if duration.as_nanos() as u64 >= self.slow_nanos {
                let code = error.as_deref().map(CallError::code);
                self.live.slow.add(&entry.full_name, self.peer, duration, self.bytes_in, code);
            }
            if !self.live.observers.is_empty() {
                let sizes = (self.bytes_in, bytes_out);
                tell(self.live, entry, self.peer, sizes, error.as_deref(), duration);
            }
        }
        if error.is_some() {
            self.error = error;
        }
    }

    #[inline]
    pub(super) fn merge(&mut self) {
        if let Some(entry) = self.entry.take() {
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

/// Tells observers of one call. Not a method, as [`add`].
#[cold]
fn tell(
    live: &Live,
    entry: &Entry,
    peer: &Peer,
    (request_size, written): (usize, usize),
    error: Option<&CallError>,
    duration: Duration,
) {
    let reply_size = if error.is_some() { 0 } else { written };
    let info = CallInfo { name: &entry.full_name, peer, request_size, reply_size, error, duration };
    live.observers.tell(&info, &live.stats);
}
