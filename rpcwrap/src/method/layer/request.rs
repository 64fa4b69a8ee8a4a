//! What layers see of a call: before it, and after it.

use super::{CallService, handover::Handover};
use crate::{error::CallError, peer::Peer};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// A call on its way to its method: found, allowed, within the limits of method and user, its arguments decoded.
///
/// A layer hands it to the service within, or answers with an error and the method is not started.
pub struct CallRequest {
    pub(super) name: Arc<str>,
    pub(super) peer: Arc<Peer>,
    pub(super) deadline: Option<Instant>,
    pub(super) size: usize,
    /// The layers of the service, until they are reached.
    pub(super) inner: Option<CallService>,
    pub(super) handover: Arc<Handover>,
}

impl CallRequest {
    /// `Arith`
    pub fn service(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(service, _)| service)
    }

    /// `Multiply`
    pub fn method(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(_, method)| method)
    }

    /// The full name as it is registered, `Arith.Multiply`.
    pub fn service_method(&self) -> &str {
        &self.name
    }

    /// The caller: address, protocol, codec.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The authenticated user, if the caller has proven to be one.
    pub fn user(&self) -> Option<&str> {
        self.peer.user()
    }

    /// When the call ends whether it is done or not.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Bytes of the request: the whole message, or the arguments alone where these came by themselves (HTTP, and calls
    /// of the program itself).
    pub fn size(&self) -> usize {
        self.size
    }
}

impl fmt::Debug for CallRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRequest")
            .field("name", &self.name)
            .field("peer", &self.peer.addr)
            .field("user", &self.user())
            .field("deadline", &self.deadline)
            .field("size", &self.size)
            .finish()
    }
}

/// How a call went: its reply, or the end of its stream, is ready to be sent when layers see this.
///
/// A layer that answers with an error then takes the last reply back, and its own error is sent instead; the items of a
/// stream have been sent already.
#[derive(Debug, Clone)]
pub struct CallOutcome {
    pub(super) error: Option<CallError>,
    pub(super) size: usize,
    pub(super) duration: Duration,
}

impl CallOutcome {
    /// Why the method failed; `None` if it did not.
    pub fn error(&self) -> Option<&CallError> {
        self.error.as_ref()
    }

    /// The stable word for that failure, see [`CallError::code`].
    pub fn code(&self) -> Option<&str> {
        self.error.as_ref().map(CallError::code)
    }

    /// Bytes of the replies as they were encoded, all items of a stream together; an error reply is not counted.
    pub fn size(&self) -> usize {
        self.size
    }

    /// From when the request was read to when its last reply was encoded.
    pub fn duration(&self) -> Duration {
        self.duration
    }
}
