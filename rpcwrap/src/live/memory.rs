//! What peers make the server hold, in bytes, and who has to go when that is too much.
//!
//! Every connection says what it holds: messages that have come in part, requests that wait, replies that are not taken.
//! Over the budget (`Config::memory_budget`) connections are closed until the rest fits again: those first whose bytes
//! have been held for the longest at the least use, among the largest.

use super::{Live, tracked::Tracked, tracker::Tracker};
use bytes::Bytes;
use std::{
    fs,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// What a connection holds is said in steps of this many bytes: small ones touch no number that others touch too.
pub(crate) const STEP: usize = 4 << 10;

/// What all connections hold.
#[derive(Debug)]
pub(crate) struct Memory {
    held: AtomicUsize,
    budget: AtomicUsize,
}

impl Memory {
    pub(crate) fn new(budget: usize) -> Self {
        Self { held: AtomicUsize::new(0), budget: AtomicUsize::new(budget) }
    }

    pub(super) fn set_budget(&self, budget: usize) {
        self.budget.store(budget, Relaxed);
    }

    /// Bytes held now.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Relaxed)
    }

    pub(crate) fn budget(&self) -> usize {
        self.budget.load(Relaxed)
    }

    /// Whether so much is held that peers who move next to nothing are in the way.
    pub(crate) fn is_short(&self) -> bool {
        self.held() > self.budget() / 2
    }
}

impl Live {
    /// The connection holds so many bytes more. It may be closed for it, or others may.
    pub(crate) fn hold(&self, tracked: &Tracked, bytes: usize) {
        if bytes == 0 || tracked.is_killed() {
            return;
        }
        tracked.held.fetch_add(bytes, Relaxed);
        let held = self.memory.held.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if held > self.memory.budget() {
            self.shed();
        }
    }

    /// The connection has let go of so many bytes.
    pub(crate) fn release(&self, tracked: &Tracked, bytes: usize) {
        let held = tracked.held.fetch_update(Relaxed, Relaxed, |held| Some(held.saturating_sub(bytes)));
        // Of a connection that was closed for what it held, nothing counts any more.
        let released = held.unwrap_or_default().min(bytes);
        self.memory.held.fetch_sub(released, Relaxed);
    }

    /// Closes connections until what the others hold is a sixteenth below the budget.
    #[cold]
    fn shed(&self) {
        let budget = self.memory.budget();
        let enough = budget.saturating_sub(budget / 16);
        let mut closed = 0;
        for tracked in self.tracker.largest_holders() {
            if self.memory.held() <= enough {
                break;
            }
            if tracked.kill() {
                self.stats.memory_sheds.add_one();
                closed += 1;
            }
            // It is on its way out: its bytes are counted no more, so that no other goes in their place.
            self.release(&tracked, usize::MAX);
        }
        if closed > 0 {
            self.shutdown.wake_all();
        }
    }
}

impl Tracker {
    /// The connections that hold at least a sixteenth of what the largest does; those first whose bytes have stayed
    /// the longest for what they have moved.
    fn largest_holders(&self) -> Vec<Arc<Tracked>> {
        let mut holders = self.all();
        holders.retain(|tracked| tracked.held() > 0);
        let largest = holders.iter().map(|tracked| tracked.held()).max().unwrap_or_default();
        holders.retain(|tracked| tracked.held() >= largest / 16);
        // Once each: the numbers change meanwhile.
        holders.sort_by_cached_key(|tracked| std::cmp::Reverse(tracked.idle_byte_seconds()));
        holders
    }
}

/// Bytes that count as held until this is dropped. Below a [`STEP`] they do not.
pub(crate) struct Held {
    live: Arc<Live>,
    tracked: Arc<Tracked>,
    bytes: usize,
}

impl Held {
    /// Nothing yet.
    pub(crate) fn new(live: &Arc<Live>, tracked: &Arc<Tracked>) -> Self {
        Self { live: live.clone(), tracked: tracked.clone(), bytes: 0 }
    }

    /// So many from now on.
    pub(crate) fn set(&mut self, bytes: usize) {
        let bytes = if bytes < STEP { 0 } else { bytes };
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes > before {
            self.live.hold(&self.tracked, bytes - before);
        } else {
            self.live.release(&self.tracked, before - bytes);
        }
    }
}

/// A whole reply: held, and owed to the peer, until the last of it has been written.
pub(crate) struct HeldReply {
    bytes: Bytes,
    held: Held,
}

impl HeldReply {
    /// The same bytes, counted for the connection as long as they are needed.
    pub(crate) fn count(bytes: Bytes, live: &Arc<Live>, tracked: &Arc<Tracked>) -> Bytes {
        if bytes.len() < STEP {
            return bytes;
        }
        let mut held = Held::new(live, tracked);
        held.set(bytes.len());
        tracked.unsent_bytes.fetch_add(bytes.len(), Relaxed);
        Bytes::from_owner(Self { bytes, held })
    }
}

impl AsRef<[u8]> for HeldReply {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for HeldReply {
    fn drop(&mut self) {
        self.held.tracked.unsent_bytes.fetch_sub(self.bytes.len(), Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Half of what this process may have: of its control group's limit, its address space and the machine's memory, the
/// least.
pub(super) fn half_of_limit() -> usize {
    static HALF: OnceLock<usize> = OnceLock::new();
    *HALF.get_or_init(|| {
        let limits = [group_limit(), address_space(), physical()];
        limits.into_iter().flatten().min().unwrap_or(usize::MAX) / 2
    })
}

/// Version 2 of control groups, then version 1; `max` and what is no number are no limit.
fn group_limit() -> Option<usize> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or_default().trim();
    let paths = [
        format!("/sys/fs/cgroup{own}/memory.max"),
        "/sys/fs/cgroup/memory.max".to_owned(),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".to_owned(),
    ];
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok()).min()
}

fn address_space() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn physical() -> Option<usize> {
    let about = fs::read_to_string("/proc/meminfo").ok()?;
    let line = about.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<usize>().ok()?.checked_mul(1024)
}
