//! How old a connection may grow: when it has to go, spread so that connections of one moment do not go in another.
//!
//! Whoever serves a connection asks [`Age`] and acts on its stage; this file knows clocks and limits, no socket.

use crate::{live::config::Config, live::tracker::Tracked};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
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
    let limit = spread(config.max_connection_age?, tracked.id());
    let grace = config.max_connection_age_grace;
    let after = match stage {
        Stage::Young => Duration::ZERO,
        Stage::Leaving => limit,
        Stage::Refusing => limit.saturating_add(grace),
        Stage::Over => limit.saturating_add(grace.saturating_mul(2)),
    };
    Instant::from_std(tracked.accepted()).checked_add(after)
}

/// `limit` and up to a tenth more or less, by the connection's number: multiples of the golden ratio are spread evenly
/// however many there are, where random ones would cluster.
fn spread(limit: Duration, id: u64) -> Duration {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let turn = (id.wrapping_mul(GOLDEN) >> 32) as u32;
    let fifth = limit / 5;
    (limit - fifth / 2).saturating_add(fifth.mul_f64(f64::from(turn) / f64::from(u32::MAX)))
}

/// The stage of one connection and the timer until the next; for those who have no timer of their own.
#[derive(Debug)]
pub(crate) struct Age {
    stage: Stage,
    timer: Pin<Box<Sleep>>,
}

impl Age {
    /// `None` if connections may grow as old as they like: then there is no timer either.
    pub(crate) fn of(tracked: &Tracked, config: &Config) -> Option<Self> {
        let next = reaches(Stage::Leaving, tracked, config)?;
        Some(Self { stage: Stage::Young, timer: Box::pin(sleep_until(next)) })
    }

    /// Ready when the connection reaches the next stage, which is `Leaving` first; `Over` is the last.
    pub(crate) fn poll(&mut self, tracked: &Tracked, config: &Config, task: &mut Context<'_>) -> Poll<Stage> {
        if self.stage == Stage::Over || self.timer.as_mut().poll(task).is_pending() {
            return Poll::Pending;
        }
        self.stage = self.stage.next();
        if let Some(next) = reaches(self.stage.next(), tracked, config) {
            self.timer.as_mut().reset(next);
            // Whoever has been told may not ask again before it goes off.
            task.waker().wake_by_ref();
        }
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
