//! Counts of the calls a session starts in one go, merged into the shared counters once per method and batch.

use crate::{call::registry::Entry, live::stats::Tally};
use std::{sync::Arc, time::Instant};

/// Counts and clock of one batch: merged when the method changes, read once per call.
pub(super) struct Batch<'t, 'd> {
    tally: &'t mut Tally,
    entry: Option<&'d Arc<Entry>>,
    now: Option<Instant>,
}

impl<'t, 'd> Batch<'t, 'd> {
    pub(super) fn new(tally: &'t mut Tally) -> Self {
        Self { tally, entry: None, now: None }
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
    pub(super) fn finish(&mut self, began: Instant, failed: bool) {
        let now = Instant::now();
        self.tally.finish(now.saturating_duration_since(began), failed);
        self.now = Some(now);
    }

    pub(super) fn merge(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.tally.merge_into(&entry.stats);
        }
    }
}
