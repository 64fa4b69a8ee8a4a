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
    peer: &'t Peer,
}

impl<'t, 'd> Batch<'t, 'd> {
    pub(super) fn new(tally: &'t mut Tally, live: &'t Live, peer: &'t Peer) -> Self {
        Self { tally, entry: None, now: None, live, peer }
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
    }

    #[inline]
    pub(super) fn write(&mut self, bytes_out: usize) {
        self.tally.write(bytes_out);
    }

    #[inline]
    pub(super) fn finish(
        &mut self,
        began: Instant,
        error: Option<&CallError>,
        bytes_in: impl FnOnce() -> usize,
        bytes_out: usize,
    ) {
        let now = Instant::now();
        let duration = now.saturating_duration_since(began);
        self.tally.finish(duration, error.is_some());
        self.now = Some(now);
        if !self.live.observers.is_empty() {
            self.tell(duration, error, bytes_in(), bytes_out);
        }
    }

    #[cold]
    fn tell(&self, duration: Duration, error: Option<&CallError>, request_size: usize, written: usize) {
        let Some(entry) = self.entry else { return };
        let reply_size = if error.is_some() { 0 } else { written };
        let (name, peer) = (&*entry.full_name, self.peer);
        let info = CallInfo { name, peer, request_size, reply_size, error, duration };
        self.live.observers.tell(&info, &self.live.stats);
    }

    pub(super) fn merge(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.tally.merge_into(&entry.stats);
        }
    }
}
