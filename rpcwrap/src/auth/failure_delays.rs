//! How long the answer to a wrong login waits: longer with each that came from the same address.
//!
//! Right logins never come here, so that those behind one balancer do not wait for each other's mistakes.

use crate::lock::lock;
use lru::LruCache;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
    time::Duration,
};
use tokio::time::Instant;

/// For each wrong login of an address: a handful in a row, as people and old clients make them, stays below a second.
const STEP: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);
/// An address with no wrong login for so long starts again.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Addresses remembered at a time.
const ADDRESSES: usize = 4096;

/// The addresses of recent wrong logins, the latest first.
pub(super) struct FailureDelays(Mutex<LruCache<Option<IpAddr>, Failures>>);

struct Failures {
    count: u32,
    last: Instant,
}

impl Default for FailureDelays {
    fn default() -> Self {
        Self(Mutex::new(LruCache::unbounded()))
    }
}

impl FailureDelays {
    /// Counts a wrong login at `now` from an address, or from a peer that has none; the time its answer waits.
    pub(super) fn failed(&self, from: Option<IpAddr>, now: Instant) -> Duration {
        let from = from.map(network);
        let mut table = lock(&self.0);
        let is_forgotten = |failures: &Failures| now.saturating_duration_since(failures.last) >= FORGOTTEN;
        while table.peek_lru().is_some_and(|(_, oldest)| is_forgotten(oldest)) {
            table.pop_lru();
        }
        let before = table.peek(&from).map_or(0, |failures| failures.count);
        let count = before.saturating_add(1);
        table.put(from, Failures { count, last: now });
        if table.len() > ADDRESSES {
            table.pop_lru();
        }
        STEP.saturating_mul(count).min(LONGEST)
    }
}

/// What one peer has: an IPv4 address, or a whole /64 network of IPv6.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(from) => Ipv6Addr::from_bits(from.to_bits() & !u128::from(u64::MAX)).into(),
        from => from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn waits(delays: &FailureDelays, from: &str) -> u128 {
        delays.failed(from.parse().ok(), Instant::now()).as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn each_failure_of_an_address_waits_longer() {
        let delays = FailureDelays::default();
        for expected in [50, 100, 150, 200, 250, 300, 350] {
            assert_eq!(waits(&delays, "10.0.0.1"), expected);
        }
        assert_eq!(waits(&delays, "10.0.0.2"), 50);
        assert_eq!(waits(&delays, "::ffff:10.0.0.2"), 100);
        // Peers without an address share one place.
        assert_eq!((waits(&delays, "unix"), waits(&delays, "unix")), (50, 100));
        assert_eq!(waits(&delays, "2001:db8:1:2::1"), 50);
        assert_eq!(waits(&delays, "2001:db8:1:2:ffff::2"), 100);
        assert_eq!(waits(&delays, "2001:db8:1:3::1"), 50);

        advance(FORGOTTEN - Duration::from_millis(1)).await;
        assert_eq!(waits(&delays, "10.0.0.1"), 400);
        advance(Duration::from_millis(1)).await;
        assert_eq!(waits(&delays, "10.0.0.2"), 50);
        assert_eq!(waits(&delays, "10.0.0.1"), 450);
        let longest = (0..40).map(|_| waits(&delays, "10.0.0.1")).max();
        assert_eq!(longest, Some(2000));
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded() {
        let delays = FailureDelays::default();
        let addr = |n: usize| format!("10.1.{}.{}", n / 256, n % 256);
        for n in 0..ADDRESSES {
            waits(&delays, &addr(n));
            advance(Duration::from_millis(1)).await;
        }
        assert_eq!(waits(&delays, "10.0.0.1"), 50);
        let len = || delays.0.lock().unwrap().len();
        // The oldest has gone for it.
        assert_eq!((len(), waits(&delays, &addr(1)), waits(&delays, &addr(0))), (ADDRESSES, 100, 50));
        assert_eq!(len(), ADDRESSES);
        advance(FORGOTTEN).await;
        assert_eq!((waits(&delays, "10.0.0.3"), len()), (50, 1));
    }

    #[test]
    fn the_longest_count_does_not_overflow() {
        let delays = FailureDelays::default();
        let now = Instant::now();
        delays.0.lock().unwrap().put(None, Failures { count: u32::MAX, last: now });
        assert_eq!(delays.failed(None, now), LONGEST);
    }
}
