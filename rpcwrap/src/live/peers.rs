//! What each peer address has called: a bounded table of address × method, fed once per batch and method.
//!
//! In parts of their own locks, each of which forgets the row that was not touched for longest when it is full.

use crate::{
    live::{
        slow::shortened,
        stats::{BUCKETS, Tally, quantile},
    },
    lock::lock,
    peer::PeerAddr,
};
use foldhash::fast::RandomState;
use lru::LruCache;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

const SHARDS: usize = 16;
/// Multicast addresses are no peer's.
const UNIX: u128 = u128::MAX;
const IN_PROCESS: u128 = u128::MAX - 1;

/// Statistics by peer address and method.
#[derive(Debug)]
pub(crate) struct PeerTable {
    shards: [Mutex<Shard>; SHARDS],
    /// Rows of a shard at most.
    limit: AtomicUsize,
}

type Shard = LruCache<Key, Row, RandomState>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    origin: u128,
    /// The address of the method's name, which the row keeps.
    method: usize,
}

impl Key {
    fn new(peer: &PeerAddr, method: &Arc<str>) -> Self {
        let origin = match peer {
            PeerAddr::Tcp(addr) => match addr.ip() {
                IpAddr::V4(addr) => addr.to_ipv6_mapped().to_bits(),
                IpAddr::V6(addr) => addr.to_bits(),
            },
            PeerAddr::Unix(_) => UNIX,
            PeerAddr::InProcess => IN_PROCESS,
        };
        Self { origin, method: method.as_ptr().addr() }
    }

    fn shard(self) -> usize {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let folded = (self.origin >> 64) as u64 ^ self.origin as u64 ^ self.method as u64;
        (folded.wrapping_mul(GOLDEN) >> 60) as usize
    }

    fn address(self) -> String {
        match self.origin {
            UNIX => "unix".to_owned(),
            IN_PROCESS => "in-process".to_owned(),
            bits => Ipv6Addr::from_bits(bits).to_canonical().to_string(),
        }
    }
}

#[derive(Debug)]
struct Row {
    method: Arc<str>,
    calls: u64,
    errors: u64,
    last: Instant,
    last_error: Option<Box<str>>,
    /// Counts by latency, halved together when one of them is full: what is long ago counts less and less.
    latency: [u16; BUCKETS],
}

impl Row {
    fn new(method: &Arc<str>, now: Instant) -> Self {
        Self {
            method: method.clone(),
            calls: 0,
            errors: 0,
            last: now,
            last_error: None,
            latency: [0; BUCKETS],
        }
    }

    fn count(&mut self, bucket: usize, calls: u32) {
        let mut calls = calls;
        while u32::from(self.latency[bucket]).saturating_add(calls) > u32::from(u16::MAX) {
            self.latency.iter_mut().for_each(|count| *count /= 2);
            calls /= 2;
        }
        self.latency[bucket] += calls as u16;
    }
}

/// What one address has called of one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerStatistics {
    /// An IP address, `unix` or `in-process`.
    pub(crate) address: String,
    /// Its full name.
    pub(crate) method: Arc<str>,
    /// Calls answered, failed ones included.
    pub(crate) calls: u64,
    /// Calls answered with an error.
    pub(crate) errors: u64,
    /// The latency below which half of the calls stayed.
    pub(crate) p50: Duration,
    /// The latency below which 99 of 100 calls stayed.
    pub(crate) p99: Duration,
    /// Time since the last of them.
    pub(crate) age: Duration,
    /// The code of the last error.
    pub(crate) last_error: Option<String>,
}

impl PeerTable {
    /// A table of about `rows` rows; none for 0.
    pub(crate) fn new(rows: usize) -> Self {
        let shard = |_| Mutex::new(LruCache::unbounded_with_hasher(RandomState::default()));
        Self { shards: std::array::from_fn(shard), limit: AtomicUsize::new(rows.div_ceil(SHARDS)) }
    }

    /// From now on has about `rows` rows.
    pub(crate) fn set_limit(&self, rows: usize) {
        let limit = rows.div_ceil(SHARDS);
        if self.limit.swap(limit, Relaxed) > limit {
            for shard in &self.shards {
                let mut shard = lock(shard);
                while shard.len() > limit {
                    shard.pop_lru();
                }
            }
        }
    }

    /// Adds the calls of `tally` that are over; `error` is the code of the last one that failed.
    pub(crate) fn add(
        &self,
        peer: &PeerAddr,
        method: &Arc<str>,
        tally: &Tally,
        now: Instant,
        error: Option<&str>,
    ) {
        let limit = self.limit.load(Relaxed);
        if limit == 0 || tally.finished() == 0 {
            return;
        }
        let key = Key::new(peer, method);
        let mut shard = lock(&self.shards[key.shard()]);
        let row = shard.get_or_insert_mut(key, || Row::new(method, now));
        row.calls += tally.finished();
        row.errors += tally.failed();
        row.last = now;
        tally.latencies(|bucket, calls| row.count(bucket, calls));
        if let Some(error) = error {
            let error = shortened(error);
            if row.last_error.as_deref() != Some(error) {
                row.last_error = Some(error.into());
            }
        }
        if shard.len() > limit {
            shard.pop_lru();
        }
    }

    /// The rows that `which` names by address and method, those with the most calls first, at most `most`.
    pub(crate) fn list(&self, most: usize, which: impl Fn(&str, &str) -> bool) -> Vec<PeerStatistics> {
        let mut found = Vec::new();
        for shard in &self.shards {
            for (key, row) in lock(shard).iter() {
                let address = key.address();
                if which(&address, &row.method) {
                    found.push(PeerStatistics {
                        address,
                        method: row.method.clone(),
                        calls: row.calls,
                        errors: row.errors,
                        p50: quantile(&row.latency, 0.5),
                        p99: quantile(&row.latency, 0.99),
                        age: row.last.elapsed(),
                        last_error: row.last_error.as_deref().map(str::to_owned),
                    });
                }
            }
        }
        found.sort_by(|a, b| {
            b.calls.cmp(&a.calls).then_with(|| (&a.address, &a.method).cmp(&(&b.address, &b.method)))
        });
        found.truncate(most);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::stats::MethodStats;
    use crate::live::stats::bucket_end;

    fn tally(calls: u64, latency: Duration, failed: bool) -> Tally {
        let mut tally = Tally::default();
        for _ in 0..calls {
            tally.start(1);
            tally.finish(latency, failed);
        }
        tally
    }

    fn addr(n: u32) -> PeerAddr {
        PeerAddr::Tcp((std::net::Ipv4Addr::from_bits(0x0a00_0000 + n), 1).into())
    }

    #[test]
    fn rows_are_by_address_and_method() {
        let (table, now) = (PeerTable::new(4096), Instant::now());
        let (one, two) = (Arc::<str>::from("A.One"), Arc::<str>::from("A.Two"));
        let mut calls = tally(98, Duration::from_micros(3), false);
        table.add(&addr(1), &one, &calls, now, None);
        calls.merge_into(&MethodStats::default());
        table.add(&addr(1), &one, &calls, now, None);
        table.add(&addr(1), &one, &tally(2, Duration::from_millis(3), true), now, Some("busy"));
        table.add(&addr(1), &two, &tally(1, Duration::ZERO, true), now, Some(&"x".repeat(100)));
        table.add(&addr(2), &one, &tally(1, Duration::ZERO, false), now, None);
        for peer in [PeerAddr::InProcess, PeerAddr::Unix(std::path::Path::new("/s").into())] {
            table.add(&peer, &one, &tally(1, Duration::ZERO, false), now, None);
        }
        let mapped = PeerAddr::Tcp("[::ffff:10.0.0.2]:7".parse().unwrap());
        table.add(&mapped, &one, &tally(1, Duration::ZERO, false), now, None);
        let rows = table.list(10, |_, _| true);
        let seen: Vec<_> = rows.iter().map(|row| (row.address.as_str(), &*row.method, row.calls)).collect();
        let wanted = [
            ("10.0.0.1", "A.One", 100),
            ("10.0.0.2", "A.One", 2),
            ("10.0.0.1", "A.Two", 1),
            ("in-process", "A.One", 1),
            ("unix", "A.One", 1),
        ];
        assert_eq!(seen, wanted);
        assert_eq!((rows[0].errors, rows[0].last_error.as_deref()), (2, Some("busy")));
        assert!(rows[0].p50 < Duration::from_micros(4) && rows[0].p99 > Duration::from_millis(3), "{rows:?}");
        assert_eq!(rows[2].last_error.as_deref(), Some(&*"x".repeat(64)));
        assert_eq!(table.list(10, |address, method| address == "10.0.0.1" && method == "A.Two").len(), 1);
        assert_eq!(table.list(2, |_, _| true).len(), 2);
    }

    #[test]
    fn the_table_is_bounded_and_keeps_what_was_touched() {
        let (table, now, method) = (PeerTable::new(160), Instant::now(), Arc::<str>::from("A.B"));
        let one = tally(1, Duration::ZERO, false);
        for n in 0..10_000 {
            table.add(&addr(n), &method, &one, now, None);
            table.add(&addr(0), &method, &one, now, None);
        }
        let rows = table.list(10_000, |_, _| true);
        assert!(rows.len() <= 160 && rows.len() > 100, "{}", rows.len());
        assert_eq!((rows[0].address.as_str(), rows[0].calls), ("10.0.0.0", 10_001));
        table.set_limit(16);
        assert!(table.list(10_000, |_, _| true).len() <= 16);
        table.set_limit(0);
        table.add(&addr(1), &method, &one, now, None);
        assert!(table.list(10_000, |_, _| true).is_empty());
    }

    #[test]
    fn a_full_histogram_is_halved() {
        let mut row = Row::new(&"A.B".into(), Instant::now());
        row.count(10, 1000);
        row.count(90, 65_000);
        row.count(90, 10_000_000);
        let all: u64 = row.latency.iter().map(|count| u64::from(*count)).sum();
        assert!(all > 30_000 && row.latency[10] < 1000, "{:?}", row.latency);
        assert_eq!(
            (quantile(&row.latency, 0.5), quantile(&row.latency, 0.99)),
            (bucket_end(90), bucket_end(90))
        );
        let mut empty = Row::new(&"A.B".into(), Instant::now());
        assert_eq!(quantile(&empty.latency, 0.5), Duration::ZERO);
        empty.count(0, u32::MAX);
        assert_eq!(empty.latency[0], u16::MAX);
    }
}
