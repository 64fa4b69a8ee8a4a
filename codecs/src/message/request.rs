//! One call as a server reads it.

use super::head::{Head, HeadExtension};
use crate::error::ValueError;
use bytes::Bytes;
use std::{fmt, ops::Range, time::Duration};

/// One call as it came in: its [`Head`], options and the still encoded arguments. `O` is the codec's own part of the
/// head.
///
/// Wire shapes: JSON one object, BSON two documents, gob and MessagePack two values. Optional header members
/// (`Timeout`, `Details`) are filled in by the codec when the peer sent them, see "Optional header members" in
/// `rpcwrap/docs/wire.md`.
#[derive(Clone)]
pub struct Request<O = ()> {
    head: Head<O>,
    /// Where the arguments lie, or what is wrong with them.
    body: Result<Range<usize>, ValueError>,
    timeout: Option<Duration>,
}

impl Request {
    /// A request whose `service_method` and `args` are ranges of `bytes`.
    ///
    /// # Panics
    /// If a range does not lie within `bytes`: that is a fault of the codec, not of the peer.
    #[inline]
    pub fn new(bytes: Bytes, seq: u64, service_method: Range<usize>, args: Range<usize>) -> Self {
        Self::from_parts(bytes, seq, service_method, args, None, false, ())
    }
}

impl<O> Request<O> {
    /// As [`new`](Request::new), with all parts at once: each is written where it stays.
    #[inline]
    pub(crate) fn from_parts(
        bytes: Bytes,
        seq: u64,
        service_method: Range<usize>,
        args: Range<usize>,
        timeout: Option<Duration>,
        details: bool,
        extension: O,
    ) -> Self {
        assert!(
            service_method.end <= bytes.len() && args.end <= bytes.len(),
            "ranges lie within the message"
        );
        let head = Head { bytes, service_method, seq, details, extension };
        Self { head, body: Ok(args), timeout }
    }

    /// The same request with a part of the codec's own.
    #[inline]
    #[must_use]
    pub fn with_extension<P: HeadExtension>(self, extension: P) -> Request<P> {
        Request { head: self.head.with_extension(extension), body: self.body, timeout: self.timeout }
    }

    /// The same request with a time limit set by the caller.
    #[inline]
    #[must_use]
    pub fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same request from a peer that reads structured errors (`Code`, `Data`).
    #[inline]
    #[must_use]
    pub fn with_details(mut self, details: bool) -> Self {
        self.head.details = details;
        self
    }

    /// The same request with arguments that cannot be read: the caller gets `error` from every method.
    #[must_use]
    pub fn with_broken_args(mut self, error: ValueError) -> Self {
        self.body = Err(error);
        self
    }

    /// What its replies need of it.
    #[inline]
    pub fn head(&self) -> &Head<O> {
        &self.head
    }

    /// `"Arith.Multiply"` as the peer sent it; need not be UTF-8.
    #[inline]
    pub fn service_method(&self) -> &[u8] {
        self.head.service_method()
    }

    /// The encoded arguments, in the form the request's codec reads.
    ///
    /// # Errors
    /// What is wrong with them where the codec could read the header but not the body.
    #[inline]
    pub fn args(&self) -> Result<&[u8], &ValueError> {
        self.body.as_ref().map(|range| self.head.bytes.get(range.clone()).unwrap_or_default())
    }

    /// How long the caller will wait, counted from the moment the request was read.
    #[inline]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether the peer reads structured errors.
    pub fn details(&self) -> bool {
        self.head.details()
    }

    /// Bytes of the whole message on the wire.
    #[inline]
    pub fn wire_len(&self) -> usize {
        self.head.bytes.len()
    }
}

impl<O: HeadExtension> Request<O> {
    /// The number of the call: see [`Head::seq`].
    pub fn seq(&self) -> u64 {
        self.head.seq()
    }

    /// Gives up the arguments and keeps a copy of the head, so that a waiting call does not hold the read buffer.
    #[must_use]
    pub fn into_head(self) -> Head<O> {
        self.head.detached()
    }

    /// The same request without its arguments and without the buffer it was read from.
    #[must_use]
    pub fn without_args(self) -> Self {
        Self { head: self.head.detached(), body: Ok(0..0), timeout: self.timeout }
    }
}

impl<O: HeadExtension> fmt::Debug for Request<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("head", &self.head)
            .field("body", &self.body)
            .field("timeout", &self.timeout)
            .finish()
    }
}
