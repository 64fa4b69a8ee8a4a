//! How often a user may call: a token bucket that is one number, taken from with one compare-and-swap.
//!
//! The number is the time at which the bucket will be full again (the generic cell rate algorithm): a call moves it
//! on by one interval, and is over the rate if that lies further ahead than the whole bucket takes to fill.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The most calls at once a bucket may allow.
pub(super) const MAX_BURST: u32 = 1_000_000;
/// Nanoseconds that the clock readings of two threads may lie apart, and more.
const SKEW: u64 = 2_000_000_000;
const RATES: std::ops::RangeInclusive<f64> = 0.001..=1e9;

/// Calls per second, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// Nanoseconds from one call to the next.
    interval: u64,
    /// Calls of a full bucket.
    burst: u32,
}

impl Rate {
    /// From calls per second; without `burst` the bucket holds those of one second. What is wrong otherwise.
    pub(super) fn new(per_second: f64, burst: Option<u32>) -> Result<Self, String> {
        if !RATES.contains(&per_second) {
            return Err(format!("rate {per_second}: from 0.001 to 1000000000 calls per second"));
        }
        let burst = burst.unwrap_or((per_second.ceil() as u32).clamp(1, MAX_BURST));
        if burst == 0 || burst > MAX_BURST {
            return Err(format!("burst {burst}: from 1 to {MAX_BURST} calls"));
        }
        Ok(Self { interval: (1e9 / per_second) as u64, burst })
    }

    /// The time an empty bucket takes to fill.
    fn whole(self) -> u64 {
        self.interval * u64::from(self.burst)
    }
}

/// What is left of a user's calls. The rate is not part of it, so that it may change.
#[derive(Debug, Default)]
pub(super) struct Bucket(AtomicU64);

impl Bucket {
    /// Takes one call at `now`, counted from the bucket's beginning; the time to wait if there is none.
    pub(super) fn take(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let whole = rate.whole();
        let mut full_at = self.0.load(Ordering::Relaxed);
        loop {
            let next = full_at.max(now).saturating_add(rate.interval);
            let ahead = next - now;
            let (next, taken) = if ahead <= whole {
                (next, Ok(()))
            } else if ahead <= whole.saturating_add(SKEW) {
                return Err(Duration::from_nanos(ahead - whole));
            } else {
                // Emptier than a bucket of this rate can be: it was another's until now.
                (now.saturating_add(whole), Err(Duration::from_nanos(rate.interval)))
            };
            match self.0.compare_exchange_weak(full_at, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return taken,
                Err(current) => full_at = current,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::atomic::AtomicUsize, thread};

    fn taken(bucket: &Bucket, rate: Rate, now: Duration, tries: usize) -> usize {
        (0..tries).filter(|_| bucket.take(rate, now).is_ok()).count()
    }

    #[test]
    fn a_full_bucket_and_then_the_rate() {
        let bucket = Bucket::default();
        let rate = Rate::new(10.0, Some(3)).unwrap();
        let at = Duration::from_millis;
        for (now, tries, expected) in
            [(0, 5, 3), (50, 1, 0), (100, 2, 1), (350, 9, 2), (10_000, 9, 3), (10_000, 1, 0)]
        {
            assert_eq!(taken(&bucket, rate, at(now), tries), expected, "at {now} ms");
        }
        assert_eq!(bucket.take(rate, at(10_030)), Err(at(70)));
    }

    #[test]
    fn the_default_burst_is_one_second() {
        for (per_second, expected) in [(1.0, 1), (100.0, 100), (0.5, 1), (1.5, 2)] {
            let rate = Rate::new(per_second, None).unwrap();
            assert_eq!(taken(&Bucket::default(), rate, Duration::from_secs(9), 200), expected);
        }
        let slow = Rate::new(0.001, None).unwrap();
        let bucket = Bucket::default();
        assert_eq!(taken(&bucket, slow, Duration::ZERO, 2), 1);
        assert_eq!(bucket.take(slow, Duration::ZERO), Err(Duration::from_secs(1000)));
    }

    #[test]
    fn another_rate_begins_at_once() {
        let bucket = Bucket::default();
        assert_eq!(taken(&bucket, Rate::new(0.001, Some(10)).unwrap(), Duration::ZERO, 20), 10);
        let fast = Rate::new(1000.0, Some(10)).unwrap();
        // An empty bucket of the fast rate is full after 10 ms, not after the 10,000 s of the slow one's.
        for (now, expected) in [(1, 0), (6, 5), (50, 10), (50, 0)] {
            assert_eq!(taken(&bucket, fast, Duration::from_millis(now), 20), expected, "at {now} ms");
        }
    }

    #[test]
    fn what_is_no_rate() {
        for bad in [0.0, -1.0, 0.0009, 1e10, f64::NAN, f64::INFINITY] {
            assert!(Rate::new(bad, None).is_err(), "{bad}");
        }
        assert!(Rate::new(1.0, Some(0)).is_err() && Rate::new(1.0, Some(MAX_BURST + 1)).is_err());
        assert_eq!(Rate::new(0.001, Some(MAX_BURST)).unwrap().whole(), 1_000_000_000_000_000_000);
        // The end of time is no end.
        assert!(Bucket::default().take(Rate::new(1.0, None).unwrap(), Duration::MAX).is_ok());
    }

    #[test]
    fn many_threads_take_what_is_there() {
        let bucket = Bucket::default();
        let rate = Rate::new(1.0, Some(1000)).unwrap();
        let count = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    count.fetch_add(taken(&bucket, rate, Duration::from_secs(1), 500), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(count.into_inner(), 1000);
    }
}
