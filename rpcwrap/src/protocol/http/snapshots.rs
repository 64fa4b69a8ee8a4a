//! One collection of the server's numbers for many pages: where pages are asked for often, what was collected within
//! the last moment.
//!
//! Collecting locks what all connections use, and takes time with their number; rendering does neither.

use crate::{lock::lock, pages::snapshot::Snapshot};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Pages of one second that have numbers of their own each.
const FRESH: usize = 10;
const SECOND: Duration = Duration::from_secs(1);
/// How old the numbers of the others may be.
const SHARED_FOR: Duration = Duration::from_millis(200);

/// What was collected last, of one server.
#[derive(Default)]
pub(super) struct Snapshots(Mutex<State>);

#[derive(Default)]
struct State {
    /// When the last pages were asked for, the oldest first.
    asked: VecDeque<Instant>,
    /// Without connections, and with them.
    shared: [Option<(Instant, Arc<Snapshot>)>; 2],
}

impl Snapshots {
    /// What `take` collects, or what it has for another page a moment before `now`.
    pub(super) fn get(
        &self,
        now: Instant,
        with_connections: bool,
        take: impl FnOnce() -> Snapshot,
    ) -> Arc<Snapshot> {
        let mut state = lock(&self.0);
        if !state.is_busy(now) {
            state.shared = Default::default();
            drop(state);
            return Arc::new(take());
        }
        // Kept locked: those who wait for it would have to collect the same.
        let shared = &mut state.shared[usize::from(with_connections)];
        match shared {
            Some((at, snapshot)) if now.saturating_duration_since(*at) < SHARED_FOR => snapshot.clone(),
            _ => shared.insert((now, Arc::new(take()))).1.clone(),
        }
    }
}

impl State {
    /// Notes one more page; whether it is one too many of the last second to have numbers of its own.
    fn is_busy(&mut self, now: Instant) -> bool {
        let is_busy = self.asked.len() == FRESH
            && self.asked.front().is_some_and(|oldest| now.saturating_duration_since(*oldest) < SECOND);
        if self.asked.len() == FRESH {
            self.asked.pop_front();
        }
        self.asked.push_back(now);
        is_busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;
    use std::cell::Cell;

    /// How often numbers are collected for a page every `every`.
    fn taken(pages: u32, every: Duration, with_connections: impl Fn(u32) -> bool) -> u32 {
        let (snapshots, server, start) =
            (Snapshots::default(), Server::builder().build().unwrap(), Instant::now());
        let taken = Cell::new(0);
        for page in 0..pages {
            snapshots.get(start + page * every, with_connections(page), || {
                taken.set(taken.get() + 1);
                server.snapshot()
            });
        }
        taken.get()
    }

    #[test]
    fn pages_that_are_asked_for_now_and_then_are_fresh() {
        assert_eq!(taken(100, Duration::from_millis(100), |_| true), 100);
    }

    #[test]
    fn those_of_a_flood_are_collected_five_times_a_second() {
        // Ten of the first second, then every 200 ms of 10 s.
        assert_eq!(taken(10_000, Duration::from_millis(1), |_| true), 10 + 50);
        // Pages with connections and without have a collection each.
        assert_eq!(taken(10_000, Duration::from_millis(1), |page| page % 2 == 0), 10 + 2 * 50);
    }

    #[test]
    fn what_was_shared_is_not_kept_for_quieter_times() {
        let (snapshots, server, now) =
            (Snapshots::default(), Server::builder().build().unwrap(), Instant::now());
        for _ in 0..20 {
            snapshots.get(now, false, || server.snapshot());
        }
        assert!(lock(&snapshots.0).shared[0].is_some());
        snapshots.get(now + 2 * SECOND, false, || server.snapshot());
        assert!(lock(&snapshots.0).shared[0].is_none());
    }
}
