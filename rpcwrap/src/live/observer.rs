//! What the program itself wants to know of every call that has ended.

use crate::{error::CallError, live::stats::ServerStats, peer::Peer};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// One call that has ended, as [`Builder::on_call`](crate::Builder::on_call) shows it.
#[derive(Debug, Clone, Copy)]
pub struct CallInfo<'a> {
    pub(crate) name: &'a str,
    pub(crate) peer: &'a Peer,
    pub(crate) request_size: usize,
    pub(crate) reply_size: usize,
    pub(crate) error: Option<&'a CallError>,
    pub(crate) duration: Duration,
}

impl<'a> CallInfo<'a> {
    /// `Arith`
    pub fn service(&self) -> &'a str {
        self.name.rsplit_once('.').map_or("", |(service, _)| service)
    }

    /// `Multiply`
    pub fn method(&self) -> &'a str {
        self.name.rsplit_once('.').map_or("", |(_, method)| method)
    }

    /// The full name as it is registered, `Arith.Multiply`.
    pub fn service_method(&self) -> &'a str {
        self.name
    }

    /// The caller: address, protocol, codec.
    pub fn peer(&self) -> &'a Peer {
        self.peer
    }

    /// The authenticated user, if the caller has proven to be one.
    pub fn user(&self) -> Option<&'a str> {
        self.peer.user()
    }

    /// Bytes of the request: the whole message, or the arguments alone where these came by themselves (HTTP, and calls
    /// of the program itself).
    pub fn request_size(&self) -> usize {
        self.request_size
    }

    /// Bytes of the replies as they were encoded, all items of a stream together; an error reply is not counted.
    pub fn reply_size(&self) -> usize {
        self.reply_size
    }

    /// Why it failed; `None` if it did not.
    pub fn error(&self) -> Option<&'a CallError> {
        self.error
    }

    /// The stable word for that failure, see [`CallError::code`].
    pub fn code(&self) -> Option<&'a str> {
        self.error.map(CallError::code)
    }

    /// From when the request was read to the last reply.
    pub fn duration(&self) -> Duration {
        self.duration
    }
}

type Observer = Box<dyn Fn(&CallInfo<'_>) + Send + Sync>;

/// Those who are told, in the order they were added.
#[derive(Default)]
pub(crate) struct Observers(Vec<Observer>);

impl Observers {
    pub(crate) fn push(&mut self, observer: impl Fn(&CallInfo<'_>) + Send + Sync + 'static) {
        self.0.push(Box::new(observer));
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells all; their panics are counted and nothing else.
    pub(crate) fn tell(&self, info: &CallInfo<'_>, stats: &ServerStats) {
        for observer in &self.0 {
            if catch_unwind(AssertUnwindSafe(|| observer(info))).is_err() {
                stats.panics.add_one();
            }
        }
    }
}
