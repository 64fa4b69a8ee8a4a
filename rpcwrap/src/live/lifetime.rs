//! How old a connection may grow: when it has to go, spread so that connections of one moment do not go in another.
//!
//! What serves a connection asks [`Age`] and acts on its stage; this file knows clocks and limits, no socket.

use crate::live::{
    config::Config,
    deadline::{Timer, poll_timer},
    tracked::Tracked,
};
use std::{
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Instant;

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Stage {
    #[default]
    Young,
    /// Closed as soon as it is idle.
    Leaving,
    /// Never was idle: new calls are refused, so that it will be.
    Refusing,
    /// Over, whatever is still in flight.
    Over,
}

/// When the connection that `tracked` is about reaches `stage`; `None` if connections may grow as old as they like.
pub(crate) fn reaches(stage: Stage, tracked: &Tracked, config: &Config) -> Option<Instant> {
    let limit = spread(config.max_connection_age?, tracked.id);
    let grace = config.max_connection_age_grace;
    let after = match stage {
        Stage::Young => Duration::ZERO,
        Stage::Leaving => limit,
        Stage::Refusing => limit.saturating_add(grace),
        Stage::Over => limit.saturating_add(grace.saturating_mul(2)),
    };
    Instant::from_std(tracked.accepted).checked_add(after)
}

/// `limit` and up to a tenth more or less, by the connection's number: multiples of the golden ratio are spread evenly
/// however many there are, where random ones would cluster.
fn spread(limit: Duration, id: u64) -> Duration {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let turn = (id.wrapping_mul(GOLDEN) >> 32) as u32;
    let fifth = limit / 5;
    (limit - fifth / 2).saturating_add(fifth.mul_f64(f64::from(turn) / f64::from(u32::MAX)))
}

/// The stage of one connection and the timer until the next; for those that have no timer of their own.
#[derive(Debug, Default)]
pub(crate) struct Age {
    stage: Stage,
    /// There while connections may not grow as old as they like.
    timer: Timer,
}

impl Age {
    /// Ready when the connection reaches the next stage, which is `Leaving` first; `Over` is the last.
    pub(crate) fn poll(&mut self, tracked: &Tracked, config: &Config, task: &mut Context<'_>) -> Poll<Stage> {
        let next = if self.stage == Stage::Over { None } else { reaches(self.stage.next(), tracked, config) };
        let Some(next) = next else {
            self.timer = None;
            return Poll::Pending;
        };
        ready!(poll_timer(&mut self.timer, next, task));
        self.stage = self.stage.next();
        // The caller may not ask again before the next stage is reached.
        task.waker().wake_by_ref();
        Poll::Ready(self.stage)
    }
}

impl Stage {
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Young => Self::Leaving,
            Self::Leaving => Self::Refusing,
            Self::Refusing | Self::Over => Self::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_spread_over_a_fifth() {
        let limit = Duration::from_secs(1000);
        let mut ages: Vec<u64> = (1..=1000).map(|id| spread(limit, id).as_secs()).collect();
        ages.sort_unstable();
        assert!(ages[0] >= 900 && ages[999] <= 1100, "{} to {}", ages[0], ages[999]);
        // Evenly: each tenth of the span has its tenth of the connections, give or take a few.
        for (n, tenth) in ages.chunks(100).enumerate() {
            let start = 900 + n as u64 * 20;
            assert!(tenth[0].abs_diff(start) <= 2 && tenth[99].abs_diff(start + 20) <= 2, "{tenth:?}");
        }
        assert!(spread(Duration::MAX, 7) > Duration::MAX / 2, "no overflow");
    }
}
