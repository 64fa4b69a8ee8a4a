//! One try to reach a server: where, and how much of its time limit is left.

use crate::error::{DialError, Step};
use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Begun with the first step; the steps share its time.
#[derive(Debug, Clone)]
pub(super) struct DialAttempt {
    pub(super) addr: String,
    after: Duration,
    /// `None` where the limit is beyond what clocks can say.
    until: Option<Instant>,
}

impl DialAttempt {
    /// Begins now.
    pub(super) fn new(addr: &str, after: Duration) -> Self {
        Self { addr: addr.to_owned(), after, until: Instant::now().checked_add(after) }
    }

    /// When it is over; `None` where there is no such time.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Takes a step, as long as there is time.
    pub(super) async fn within<T>(
        &self,
        step: Step,
        taken: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, DialError> {
        let Some(until) = self.until else { return taken.await };
        let over = |_| DialError::Timeout { addr: self.addr.clone(), after: self.after, step };
        timeout_at(until, taken).await.map_err(over)?
    }
}
