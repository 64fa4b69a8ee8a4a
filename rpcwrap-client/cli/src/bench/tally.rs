//! What has become of the requests so far: counts, failures by kind, and two histograms of times.
//!
//! Workers share a few tallies, so that memory does not grow with them; at the end the tallies are added up. It must
//! not know clocks or connections.

use super::failure::{Failure, Kind};
use hdrhistogram::Histogram;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Three digits: a reported time is within 0.1 % of the measured one.
const DIGITS: u8 = 3;
/// Times are counted in nanoseconds.
const LOWEST: u64 = 1;
/// A histogram begins with room for a second and grows when a longer time comes.
const HIGHEST: u64 = 1_000_000_000;

/// Times of requests, in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        let mut histogram = Histogram::new_with_bounds(LOWEST, HIGHEST, DIGITS)
            .expect("bounds and digits are constants in range");
        histogram.auto(true);
        Self(histogram)
    }
}

impl Times {
    /// The same time of `count` requests.
    pub(crate) fn record(&mut self, time: Duration, count: u64) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(LOWEST);
        if self.0.record_n(nanos, count).is_err() {
            // It could not grow.
            self.0.saturating_record_n(nanos, count);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("a histogram that may grow takes every value");
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time within which this share of the requests, from 0 to 1, was over. Zero when there are none.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(if self.is_empty() { 0 } else { self.0.value_at_quantile(share) })
    }

    pub(crate) fn min(&self) -> Duration {
        Duration::from_nanos(self.0.min())
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }

    pub(crate) fn mean(&self) -> Duration {
        Duration::from_nanos(self.0.mean() as u64)
    }

    pub(crate) fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }
}

/// Failures of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failures {
    pub(crate) count: u64,
    /// The text of the first.
    pub(crate) example: String,
}

/// When a request was to start, when it did, and when that was looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestTimes {
    /// From its intended start; in a closed loop the same as `service`.
    pub(crate) response: Duration,
    /// From the moment it was sent.
    pub(crate) service: Duration,
}

/// Counts and times of requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) done: u64,
    failed: [Failures; Kind::ALL.len()],
    /// Sent, and at the end without reply.
    pub(crate) in_flight: u64,
    /// Due, and at the end not sent.
    pub(crate) not_sent: u64,
    /// Of those done; timeouts and unfinished requests count with the time they waited, for they are the slowest.
    pub(crate) response: Times,
    /// Likewise, without those that were never sent.
    pub(crate) service: Times,
    /// The failure that every other request would meet too.
    last: Option<Failure>,
    second: Second,
}

/// What happened since the last [`Tally::take_second`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Second {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) response: Times,
}

/// One second in figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SecondFigures {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

impl From<&Second> for SecondFigures {
    fn from(second: &Second) -> Self {
        let Second { done, failed, response } = second;
        let [p50, p99] = [0.5, 0.99].map(|share| response.quantile(share));
        Self { done: *done, failed: *failed, p50, p99, max: response.max() }
    }
}

impl Tally {
    pub(crate) fn done(&mut self, times: RequestTimes) {
        self.done_many(times, 1);
    }

    /// `count` requests that were sent together and answered together.
    pub(crate) fn done_many(&mut self, times: RequestTimes, count: u64) {
        self.done += count;
        self.second.done += count;
        self.record(times, count);
    }

    pub(crate) fn failed(&mut self, times: RequestTimes, failure: Failure) {
        // A refusal is quick, and would pass for a quick reply.
        if failure.kind == Kind::Timeout {
            self.record(times, 1);
        }
        self.second.failed += 1;
        if failure.is_final {
            self.last.get_or_insert_with(|| failure.clone());
        }
        let failures = &mut self.failed[failure.kind as usize];
        if failures.count == 0 {
            failures.example = failure.text;
        }
        failures.count += 1;
    }

    pub(crate) fn left_in_flight(&mut self, times: RequestTimes) {
        self.in_flight += 1;
        self.record(times, 1);
    }

    pub(crate) fn left_unsent(&mut self, response: Duration) {
        self.not_sent += 1;
        self.response.record(response, 1);
    }

    fn record(&mut self, times: RequestTimes, count: u64) {
        self.response.record(times.response, count);
        self.service.record(times.service, count);
        self.second.response.record(times.response, count);
    }

    /// Moves what happened since the last time into `second`.
    pub(crate) fn take_second(&mut self, second: &mut Second) {
        second.done += std::mem::take(&mut self.second.done);
        second.failed += std::mem::take(&mut self.second.failed);
        second.response.add(&self.second.response);
        self.second.response.clear();
    }

    /// Why no more requests are worth making, if so.
    pub(crate) fn last_failure(&self) -> Option<&Failure> {
        self.last.as_ref()
    }

    /// Adds another tally's requests to this one's.
    pub(crate) fn add(&mut self, other: &Self) {
        if self.last.is_none() {
            self.last.clone_from(&other.last);
        }
        self.done += other.done;
        self.in_flight += other.in_flight;
        self.not_sent += other.not_sent;
        self.response.add(&other.response);
        self.service.add(&other.service);
        for (failures, others) in self.failed.iter_mut().zip(&other.failed) {
            if failures.count == 0 {
                failures.example.clone_from(&others.example);
            }
            failures.count += others.count;
        }
    }

    pub(crate) fn failures(&self) -> impl Iterator<Item = (Kind, &Failures)> {
        Kind::ALL.into_iter().map(|(kind, _)| kind).zip(&self.failed)
    }

    pub(crate) fn failed_in_all(&self) -> u64 {
        self.failed.iter().map(|failures| failures.count).sum()
    }

    /// Every request that was to be made, however it ended.
    pub(crate) fn in_all(&self) -> u64 {
        self.done + self.failed_in_all() + self.in_flight + self.not_sent
    }
}

/// A few tallies, so that workers seldom meet and memory does not grow with connections.
#[derive(Debug)]
pub(crate) struct Tallies(Box<[Mutex<Tally>]>);

impl Tallies {
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Mutex::new(Tally::default())).collect())
    }

    pub(crate) fn get(&self, index: usize) -> MutexGuard<'_, Tally> {
        // Counting does not panic; and if it did, the counts so far would be worth more than none.
        self.0[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Tally::take_second`], of all together.
    pub(crate) fn take_second(&self) -> Second {
        let mut second = Second::default();
        (0..self.0.len()).for_each(|index| self.get(index).take_second(&mut second));
        second
    }

    /// Everything added up, and the last, incomplete second if anything happened in it.
    pub(crate) fn sum(&self, seconds: &mut Vec<SecondFigures>) -> Tally {
        let rest = self.take_second();
        if rest.done + rest.failed > 0 {
            seconds.push(SecondFigures::from(&rest));
        }
        let mut tally = Tally::default();
        (0..self.0.len()).for_each(|index| tally.add(&self.get(index)));
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request_times(response: u64, service: u64) -> RequestTimes {
        RequestTimes { response: Duration::from_millis(response), service: Duration::from_millis(service) }
    }

    fn failure(kind: Kind, text: &str) -> Failure {
        Failure { kind, text: text.into(), is_final: false }
    }

    fn assert_close(time: Duration, millis: u64) {
        let ratio = time.as_secs_f64() * 1000.0 / millis as f64;
        assert!((0.999..=1.001).contains(&ratio), "{time:?} is not {millis} ms");
    }

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let mut times = Times::default();
        (1..=10_000).for_each(|millis| times.record(Duration::from_millis(millis), 1));
        for (share, millis) in
            [(0.5, 5000), (0.9, 9000), (0.99, 9900), (0.999, 9990), (0.9999, 9999), (1.0, 10_000)]
        {
            assert_close(times.quantile(share), millis);
        }
        assert_close(times.min(), 1);
        assert_close(times.max(), 10_000);
        assert_close(times.mean(), 5000);
    }

    #[test]
    fn no_times_have_no_quantiles_and_the_longest_time_fits() {
        let mut times = Times::default();
        assert_eq!(
            (times.quantile(0.99), times.max(), times.is_empty()),
            (Duration::ZERO, Duration::ZERO, true)
        );
        times.record(Duration::MAX, 1);
        assert!(times.max() > Duration::from_secs(3600 * 24 * 365 * 100));
    }

    #[test]
    fn every_request_is_counted_once_whatever_becomes_of_it() {
        let mut tally = Tally::default();
        tally.done(request_times(10, 5));
        tally.failed(request_times(1, 1), failure(Kind::Refused, "first"));
        tally.failed(request_times(1, 1), failure(Kind::Refused, "second"));
        tally.left_in_flight(request_times(300, 200));
        let mut other = Tally::default();
        other.failed(request_times(100, 100), failure(Kind::Timeout, "late"));
        other.left_unsent(Duration::from_millis(400));
        tally.add(&other);

        assert_eq!((tally.in_all(), tally.failed_in_all()), (6, 3));
        let failed: Vec<_> = tally.failures().filter(|(_, failures)| failures.count > 0).collect();
        assert_eq!(failed.len(), 2);
        assert_eq!((failed[0].0, failed[0].1.count, &*failed[0].1.example), (Kind::Refused, 2, "first"));
        assert_eq!((failed[1].0, failed[1].1.count, &*failed[1].1.example), (Kind::Timeout, 1, "late"));
        // Refusals are not times; what was waited for in vain is.
        assert_eq!((tally.response.histogram().len(), tally.service.histogram().len()), (4, 3));
        assert_close(tally.response.max(), 400);
        assert_close(tally.service.max(), 200);
    }

    #[test]
    fn a_second_is_taken_once() {
        let mut tally = Tally::default();
        tally.done_many(request_times(10, 5), 3);
        tally.failed(request_times(1, 1), failure(Kind::Remote, "x"));
        for expected in [(3, 1, 3), (0, 0, 0)] {
            let mut second = Second::default();
            tally.take_second(&mut second);
            assert_eq!((second.done, second.failed, second.response.histogram().len()), expected);
        }
        assert_eq!(tally.in_all(), 4);
    }
}
