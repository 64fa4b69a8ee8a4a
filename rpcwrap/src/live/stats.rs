//! What the server has done so far, as plain numbers.
//!
//! Counters are shared atomics; sessions gather a [`Tally`] per batch and merge it, so that a pipelined call costs
//! no atomic of its own. Pages and metrics read a [`MethodSnapshot`] or [`ServerSnapshot`], never the counters.

use crate::live::memory::Memory;
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Buckets of a latency histogram: four per doubling, from 256 ns to 68 s.
pub const BUCKETS: usize = 116;
const LOWEST: u32 = 8;

fn bucket_of(nanos: u64) -> usize {
    let nanos = nanos.max(1 << LOWEST);
    let exponent = 63 - nanos.leading_zeros();
    let quarter = (nanos >> (exponent - 2)) & 3;
    (((exponent - LOWEST) * 4) as usize + quarter as usize).min(BUCKETS - 1)
}

/// The latency below which every call of bucket `index` stayed.
pub fn bucket_end(index: usize) -> Duration {
    let exponent = LOWEST + (index / 4) as u32;
    Duration::from_nanos((5 + (index % 4) as u64) << (exponent - 2))
}

/// A count for each bucket.
#[derive(Debug)]
struct Latencies<T>([T; BUCKETS]);

impl<T: Default> Default for Latencies<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| T::default()))
    }
}

/// The latency below which `share` (0 to 1) of these calls stayed; zero where there are none.
pub(super) fn quantile<C: Copy + Into<u64>>(latency: &[C; BUCKETS], share: f64) -> Duration {
    let all: u64 = latency.iter().map(|&calls| calls.into()).sum();
    let wanted = ((all as f64 * share).ceil() as u64).max(1);
    let mut seen = 0;
    let reached = latency.iter().position(|&calls| {
        seen += calls.into();
        seen >= wanted
    });
    reached.map_or(Duration::ZERO, bucket_end)
}

/// Counters of one method.
#[derive(Debug, Default)]
pub(crate) struct MethodStats {
    started: AtomicU64,
    finished: AtomicU64,
    failed: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    nanos: AtomicU64,
    latency: Latencies<AtomicU64>,
}

impl MethodStats {
    pub(crate) fn snapshot(&self) -> MethodSnapshot {
        // Finished before started: a call between the two reads is then in flight, never negative.
        let finished = self.finished.load(Relaxed);
        MethodSnapshot {
            calls: self.started.load(Relaxed).max(finished),
            finished,
            failed: self.failed.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            total: Duration::from_nanos(self.nanos.load(Relaxed)),
            latency: std::array::from_fn(|i| self.latency.0[i].load(Relaxed)),
        }
    }
}

/// Numbers of one method at one moment.
#[derive(Debug, Clone)]
pub struct MethodSnapshot {
    /// Calls started.
    pub calls: u64,
    /// Calls answered, failed ones included.
    pub finished: u64,
    /// Calls answered with an error.
    pub failed: u64,
    /// Bytes of requests.
    pub bytes_in: u64,
    /// Bytes of replies.
    pub bytes_out: u64,
    /// Time of all finished calls together.
    pub total: Duration,
    /// Finished calls by latency, see [`bucket_end`].
    pub latency: [u64; BUCKETS],
}

impl MethodSnapshot {
    /// Calls started and not yet answered.
    pub fn in_flight(&self) -> u64 {
        self.calls.saturating_sub(self.finished)
    }

    /// The latency below which `share` (0 to 1) of the calls stayed, at the histogram's precision of a quarter
    /// of a doubling; zero before the first call.
    pub fn quantile(&self, share: f64) -> Duration {
        quantile(&self.latency, share)
    }
}

/// Counts of one session's current batch, all of one method; merged when the method changes or the batch ends.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    started: u64,
    finished: u64,
    failed: u64,
    bytes_in: u64,
    bytes_out: u64,
    nanos: u64,
    /// The buckets of `latency` that have calls, a bit for each.
    touched: [u64; BUCKETS.div_ceil(64)],
    latency: Latencies<u32>,
}

impl Tally {
    #[inline]
    pub(crate) fn start(&mut self, bytes_in: usize) {
        self.started += 1;
        self.bytes_in += bytes_in as u64;
    }

    #[inline]
    pub(crate) fn write(&mut self, bytes_out: usize) {
        self.bytes_out += bytes_out as u64;
    }

    #[inline]
    pub(crate) fn finish(&mut self, latency: Duration, failed: bool) {
        let nanos = latency.as_nanos() as u64;
        let bucket = bucket_of(nanos);
        self.finished += 1;
        self.failed += u64::from(failed);
        self.nanos += nanos;
        self.latency.0[bucket] += 1;
        self.touched[bucket / 64] |= 1 << (bucket % 64);
    }

    /// Calls that are over.
    pub(crate) fn finished(&self) -> u64 {
        self.finished
    }

    /// Those of them that failed.
    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }

    /// What they have taken together.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        self.nanos
    }

    /// Shows every bucket of latencies that has calls.
    #[inline]
    pub(crate) fn latencies(&self, mut show: impl FnMut(usize, u32)) {
        for bucket in touched_buckets(self.touched) {
            show(bucket, self.latency.0[bucket]);
        }
    }

    /// Adds what was gathered to `stats` and starts afresh.
    pub(crate) fn merge_into(&mut self, stats: &MethodStats) {
        let add = |to: &AtomicU64, from: &mut u64| {
            if *from != 0 {
                to.fetch_add(std::mem::take(from), Relaxed);
            }
        };
        add(&stats.started, &mut self.started);
        add(&stats.bytes_in, &mut self.bytes_in);
        add(&stats.bytes_out, &mut self.bytes_out);
        add(&stats.failed, &mut self.failed);
        add(&stats.nanos, &mut self.nanos);
        for bucket in touched_buckets(std::mem::take(&mut self.touched)) {
            stats.latency.0[bucket]
                .fetch_add(u64::from(std::mem::take(&mut self.latency.0[bucket])), Relaxed);
        }
        add(&stats.finished, &mut self.finished);
    }
}

/// The numbers of the bits that are set.
#[inline]
fn touched_buckets(touched: [u64; BUCKETS.div_ceil(64)]) -> impl Iterator<Item = usize> {
    touched.into_iter().enumerate().flat_map(|(index, mut bits)| {
        std::iter::from_fn(move || {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits.checked_sub(1)?;
            Some(index * 64 + bit)
        })
    })
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters of the whole server.
        #[derive(Debug, Default)]
        pub(crate) struct ServerStats {
            $(pub(crate) $name: Counter,)*
        }

        /// Numbers of the whole server at one moment.
        #[derive(Debug, Clone, Default)]
        #[non_exhaustive]
        pub struct ServerSnapshot {
            /// Connections open now, hijacked ones included.
            pub connections: u64,
            /// Bytes that peers make the server hold now.
            pub held_bytes: u64,
            /// The most that they may.
            pub memory_budget: u64,
            $($(#[$doc])* pub $name: u64,)*
        }

        impl ServerStats {
            pub(crate) fn snapshot(&self, connections: usize, memory: &Memory) -> ServerSnapshot {
                ServerSnapshot {
                    connections: connections as u64,
                    held_bytes: memory.held() as u64,
                    memory_budget: memory.budget() as u64,
                    $($name: self.$name.get(),)*
                }
            }
        }

        impl ServerSnapshot {
            /// Every counter with its name, for pages that print them all.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }
    };
}

counters! {
    /// Connections accepted.
    accepted,
    /// Connections refused because `max_connections` were open, or `max_connections_per_address` of their address.
    connections_refused,
    /// Idle connections closed because `max_connections` were open and one of another address came.
    connections_displaced,
    /// Accepts that failed for want of descriptors or memory; the connections wait in the queue.
    accept_failures,
    /// Connections closed by their peer before a complete request: health probes.
    probes,
    /// Of these, connections closed without a byte.
    silent_probes,
    /// Connections closed because no protocol knew their first bytes.
    unknown_openings,
    /// Connections closed because 8 KiB did not tell whose they are.
    long_openings,
    /// Connections closed because their first bytes, or an HTTP head they began, did not come in time.
    opening_timeouts,
    /// Connections closed because a trusted proxy sent no PROXY header, or a malformed one.
    proxy_failures,
    /// TLS handshakes that succeeded.
    tls_handshakes,
    /// TLS handshakes that failed, and plain connections where TLS is required.
    tls_failures,
    /// Connections closed because a peer moved no byte for `stall_timeout`.
    stalled,
    /// Connections closed because more than `memory_budget` was held.
    memory_sheds,
    /// Connections closed because a message broke its codec's rules or a limit.
    malformed,
    /// Calls of names that are not registered.
    unknown_calls,
    /// Calls refused by an access rule.
    denied_calls,
    /// Calls refused because the method's `max_in_flight` was reached.
    busy_calls,
    /// Calls refused because `max_calls` were waiting for their handlers.
    shed_calls,
    /// Calls refused because the server was draining.
    drained_calls,
    /// Calls that ran out of time.
    deadlines,
    /// Calls taken back by their caller, or left by a peer that vanished.
    canceled_calls,
    /// Handlers that panicked.
    panics,
    /// Logins that succeeded.
    logins,
    /// Logins that failed.
    login_failures,
    /// HTTP requests.
    http_requests,
    /// Lines of the program's log that were dropped because its reader was too slow, by the program's own count.
    dropped_log_lines,
    /// Of these, requests refused because a page of another origin had made them.
    other_origins,
    /// Requests refused because they asked for a server of another name.
    other_hosts,
}

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_their_latency() {
        let mut last = Duration::ZERO;
        for index in 0..BUCKETS {
            assert!(bucket_end(index) > last, "bucket {index} ends after the one before");
            last = bucket_end(index);
        }
        for nanos in [0, 255, 256, 300, 1_000, 65_535, 1_000_000, 123_456_789, 60_000_000_000] {
            let index = bucket_of(nanos);
            assert!(Duration::from_nanos(nanos) < bucket_end(index), "{nanos} ns is below its bucket's end");
            assert!(index == 0 || Duration::from_nanos(nanos) >= bucket_end(index - 1), "{nanos} ns");
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_tally_is_merged_once() {
        let (stats, mut tally) = (MethodStats::default(), Tally::default());
        tally.start(79);
        tally.start(79);
        tally.write(84);
        tally.finish(Duration::from_micros(3), true);
        tally.merge_into(&stats);
        tally.merge_into(&stats);
        let seen = stats.snapshot();
        assert_eq!((seen.calls, seen.finished, seen.failed, seen.in_flight()), (2, 1, 1, 1));
        assert_eq!((seen.bytes_in, seen.bytes_out), (158, 84));
        assert_eq!(seen.latency.iter().sum::<u64>(), 1);
        assert!(
            seen.quantile(0.5) > Duration::from_micros(3) && seen.quantile(0.99) < Duration::from_micros(4)
        );
    }
}
