//! When each request of an open loop is due: fixed before the run, so that a slow server cannot slow its own load down.
//!
//! Pure: times are counted from the start of the run and come in as arguments. It must not know clocks or connections.

use crate::units;
use std::{str::FromStr, time::Duration};

/// Rates above this are beyond what one load generator can time.
const MAX_RATE: f64 = 1e7;

/// A rate that grows, or shrinks, evenly: `FROM:TO/DURATION`, such as `100:5000/30s`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ramp {
    /// Requests per second at the start.
    pub(crate) from: f64,
    /// Requests per second at the end, and afterwards.
    pub(crate) to: f64,
    /// How long it takes.
    pub(crate) over: Duration,
}

impl FromStr for Ramp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("{text:?} is not FROM:TO/DURATION, such as 100:5000/30s");
        let (rates, over) = text.split_once('/').ok_or_else(shape)?;
        let (from, to) = rates.split_once(':').ok_or_else(shape)?;
        let ramp = Self { from: parse_rate(from)?, to: parse_rate(to)?, over: units::parse_duration(over)? };
        if ramp.over.is_zero() { Err(shape()) } else { Ok(ramp) }
    }
}

/// Reads a rate in requests per second, above 0.
pub(crate) fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= MAX_RATE => Ok(rate),
        _ => Err(format!("{text:?} is no rate: requests per second above 0, up to {MAX_RATE}")),
    }
}

/// The intended start of every request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Schedule {
    /// Requests per second at the start.
    from: f64,
    /// By how much the rate grows each second while it does.
    slope: f64,
    /// Seconds it grows; then the rate stays.
    grows: f64,
    total: u64,
}

impl Schedule {
    /// `rate` requests per second for `duration`.
    pub(crate) fn constant(rate: f64, duration: Duration) -> Self {
        Self { from: rate, slope: 0.0, grows: 0.0, total: 0 }.lasting(duration)
    }

    /// Along `ramp`, then at its last rate, for `duration` in all.
    pub(crate) fn ramp(ramp: Ramp, duration: Duration) -> Self {
        let grows = ramp.over.as_secs_f64();
        Self { from: ramp.from, slope: (ramp.to - ramp.from) / grows, grows, total: 0 }.lasting(duration)
    }

    /// Ends after `requests` at the latest.
    pub(crate) fn at_most(self, requests: u64) -> Self {
        Self { total: self.total.min(requests), ..self }
    }

    /// How many requests there are.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Requests per second over all of it; for a single request the rate at the start.
    pub(crate) fn mean_rate(&self) -> f64 {
        let seconds = self.due(self.total).as_secs_f64();
        if seconds > 0.0 { self.total as f64 / seconds } else { self.from }
    }

    /// When request `index`, counted from 0, is to start.
    pub(crate) fn due(&self, index: u64) -> Duration {
        let index = index as f64;
        let growing = self.requests_by(self.grows);
        let seconds = if self.grows > 0.0 && index < growing {
            // The positive root of slope/2·t² + from·t = index, in the form that loses no digits when slope is small.
            2.0 * index / (self.from + (self.from * self.from + 2.0 * self.slope * index).sqrt())
        } else {
            self.grows + (index - growing) / self.last_rate()
        };
        Duration::from_secs_f64(seconds)
    }

    fn last_rate(&self) -> f64 {
        self.from + self.slope * self.grows
    }

    fn requests_by(&self, seconds: f64) -> f64 {
        let growing = seconds.min(self.grows);
        let grown = (self.from + self.slope * growing / 2.0) * growing;
        grown + (seconds - growing) * self.last_rate()
    }

    /// Those that are due before `duration` is over; a millionth of a request is a rounding error.
    fn lasting(self, duration: Duration) -> Self {
        let total = (self.requests_by(duration.as_secs_f64()) - 1e-6).ceil();
        Self { total: total as u64, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_constant_rate_is_evenly_spaced() {
        for (rate, seconds, total) in
            [(100.0, 8.0, 800), (3.0, 1.0, 3), (0.5, 3.0, 2), (76.2, 10.0, 762), (0.1, 1.0, 1)]
        {
            let schedule = Schedule::constant(rate, Duration::from_secs_f64(seconds));
            assert_eq!(schedule.total(), total, "{rate}/s for {seconds} s");
            for index in 0..total {
                let due = schedule.due(index).as_secs_f64();
                assert!((due - index as f64 / rate).abs() < 1e-8 && due < seconds, "{index}: {due}");
            }
        }
    }

    #[test]
    fn a_ramp_has_the_area_under_it_and_the_slope_along_it() {
        let ramp: Ramp = "100:500/10s".parse().unwrap();
        let schedule = Schedule::ramp(ramp, 10 * SECOND);
        assert_eq!(schedule.total(), 3000);
        // In the first half (100 + 300) / 2 · 5.
        assert!((schedule.due(1000).as_secs_f64() - 5.0).abs() < 1e-6);
        let gap = |index| (schedule.due(index + 1) - schedule.due(index)).as_secs_f64();
        assert!((gap(0) - 0.01).abs() < 1e-4 && (gap(2998) - 0.002).abs() < 1e-4);
        assert!((1..3000).all(|index| schedule.due(index) > schedule.due(index - 1)));
    }

    #[test]
    fn after_a_ramp_the_last_rate_stays() {
        let down: Ramp = "30:10/2s".parse().unwrap();
        let schedule = Schedule::ramp(down, 5 * SECOND);
        assert_eq!(schedule.total(), 40 + 30);
        assert!((schedule.due(40).as_secs_f64() - 2.0).abs() < 1e-6);
        assert!((schedule.due(50).as_secs_f64() - 3.0).abs() < 1e-6);
        assert_eq!(schedule.at_most(7).total(), 7);
        assert_eq!(schedule.at_most(700).total(), 70);
        assert!((schedule.mean_rate() - 14.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_rate_or_ramp_is_refused() {
        for text in ["0", "-1", "NaN", "inf", "x", "", "1e8"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
        for text in ["100:5000", "100/30s", "100:/30s", ":1/1s", "1:2/0s", "1:2/x", "0:10/1s", "1:2:3/1s"] {
            assert!(text.parse::<Ramp>().is_err(), "{text}");
        }
    }
}
