//! When a call has to be over, and what the server is told of it.

use crate::{config::Config, error::Error};
use codecs::CallOptions;
use std::time::Duration;
use tokio::time::Instant;

/// When a call has to be over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) after: Duration,
}

impl Deadline {
    /// `None` for a time beyond what clocks can say: that is no limit.
    pub(crate) fn new(after: Duration) -> Option<Self> {
        Instant::now().checked_add(after).map(|at| Self { at, after })
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// It is over.
    pub(crate) fn error(&self, sent: bool) -> Error {
        Error::Timeout { after: self.after, sent }
    }
}

/// What tells the server of it, if there is one.
#[inline]
pub(crate) fn call_options(deadline: Option<Deadline>, config: &Config) -> CallOptions {
    match deadline {
        Some(deadline) => CallOptions { timeout: Some(deadline.left()), details: true },
        None => CallOptions { timeout: None, details: config.extensions },
    }
}
