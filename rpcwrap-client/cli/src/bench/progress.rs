//! One line about the run so far, on a terminal; in a pipe nothing at all.

use super::{load::Plan, tally::Second};
use crate::units::format_duration;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

const BAR: &str = "{elapsed_precise} {bar:24} {percent:>3} %  {msg}";
const SPINNER: &str = "{elapsed_precise} {spinner} {msg}";

/// The line; gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    is_timed: bool,
    requests: u64,
}

impl Progress {
    pub(crate) fn new(plan: Plan) -> Self {
        // Draws on stderr, and only if that is a terminal.
        let (bar, is_timed) = match plan {
            Plan::Closed { duration: Duration::MAX, requests } => (ProgressBar::new(requests), false),
            Plan::Closed { duration, .. } => (ProgressBar::new(duration.as_secs()), true),
            Plan::Open(schedule) => (ProgressBar::new(schedule.total()), false),
        };
        let template = if bar.length().is_some_and(|length| length > 0) { BAR } else { SPINNER };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, is_timed, requests: 0 }
    }

    /// Called each second.
    pub(crate) fn observe(&mut self, second: &Second) {
        let Second { done, failed, response } = second;
        self.requests += done + failed;
        self.bar.set_position(if self.is_timed { self.bar.elapsed().as_secs() } else { self.requests });
        let p99 = format_duration(response.quantile(0.99));
        self.bar.set_message(format!("{done}/s, p99 {p99}, {failed} failed"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
