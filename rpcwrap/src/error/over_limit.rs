//! Why a user may not make a call just now.

use std::time::Duration;

/// Why a user may not make a call just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverLimit {
    /// As many of its calls run as it may have.
    #[error("already has {limit} calls in flight")]
    InFlight {
        /// The limit.
        limit: usize,
    },
    /// It calls more often than it may.
    #[error("over its rate, wait {} ms", wait.as_millis().max(1))]
    Rate {
        /// Until the next call would be taken, if there were no other.
        wait: Duration,
    },
}
