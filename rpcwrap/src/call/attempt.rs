//! The attempts to start a call: in place at first, and once more aside where that takes too much.

use super::{
    in_flight::InFlightCall,
    large::{LARGE, Place},
};
use crate::error::CallError;
use std::time::Instant;

/// One attempt to start a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// When the request was read: its time limit counts from then, a wait for the place included.
    pub(crate) read: Instant,
    pub(crate) rate: Rate,
}

/// A call against the rate of its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    ToCount,
    /// By an attempt before.
    Counted,
}

/// Why a call that will be waited for was not started.
pub(crate) enum NotStarted {
    Refused(CallError),
    /// Its arguments become more than may be decoded in place: to be started again, aside.
    NeedsPlace,
}

/// Starts a call whose arguments are so many bytes by `start`: aside where they are many or become much, when it is its
/// turn.
///
/// Dropping the future gives the turn up.
pub(crate) async fn start_aside(
    bytes: usize,
    mut start: impl FnMut(Attempt) -> Result<InFlightCall, NotStarted>,
) -> Result<InFlightCall, CallError> {
    let attempt = Attempt { read: Instant::now(), rate: Rate::ToCount };
    let first = match bytes < LARGE {
        true => start(attempt),
        false => Place::wait().await.work(|| start(attempt)),
    };
    let result = match first {
        Err(NotStarted::NeedsPlace) => {
            let attempt = Attempt { rate: Rate::Counted, ..attempt };
            Place::wait().await.work(|| start(attempt))
        }
        result => result,
    };
    result.map_err(|error| match error {
        NotStarted::Refused(error) => error,
        NotStarted::NeedsPlace => unreachable!("it had the place"),
    })
}
