//! One call as a server reads it.

use crate::{error::ValueError, raw::ContentType};
use bytes::Bytes;
use std::{fmt, ops::Range, time::Duration};

/// What tells a call from the others on its connection; echoed in every reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id<'a> {
    /// Go's `Seq`: the client's own count.
    Seq(u64),
    /// JSON-RPC's `id`: any JSON value, as compact JSON text; `null` where the request had none.
    Json(&'a [u8]),
}

/// How a request's kinds of BSON element are answered; other codecs leave it at the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Strings as Binary 0x05, unsigned integers as 0x3F: vitess' `go/bson`, gorpc.
    #[default]
    Vitess,
    /// Kinds of the published BSON specification only: what stock BSON libraries read.
    Standard,
}

#[derive(Debug, Clone)]
enum OwnId {
    Seq(u64),
    Json(Range<usize>),
}

#[derive(Debug, Clone)]
enum Body {
    At(Range<usize>),
    Broken(ValueError),
}

/// One call as it came in: method name, id, options and the still encoded arguments.
///
/// Wire shapes: BSON two documents, JSON one object. Optional header members (`Timeout`, `Details`) are filled
/// in by the codec when the peer sent them, see README "Optional header members".
#[derive(Clone)]
pub struct Request {
    bytes: Bytes,
    service_method: Range<usize>,
    id: OwnId,
    body: Body,
    timeout: Option<Duration>,
    details: bool,
    dialect: Dialect,
    content_type: ContentType,
}

impl Request {
    /// A request whose `service_method` and `args` are ranges of `bytes` and whose id is a number.
    ///
    /// # Panics
    /// If a range does not lie within `bytes`: that is a fault of the codec, not of the peer.
    #[inline]
    pub fn new(bytes: Bytes, seq: u64, service_method: Range<usize>, args: Range<usize>) -> Self {
        assert!(
            service_method.end <= bytes.len() && args.end <= bytes.len(),
            "ranges lie within the message"
        );
        Self {
            bytes,
            service_method,
            id: OwnId::Seq(seq),
            body: Body::At(args),
            timeout: None,
            details: false,
            dialect: Dialect::default(),
            content_type: ContentType::default(),
        }
    }

    /// The same request with a JSON id, a range of its bytes.
    #[inline]
    #[must_use]
    pub fn with_json_id(mut self, id: Range<usize>) -> Self {
        assert!(id.end <= self.bytes.len(), "range lies within the message");
        self.id = OwnId::Json(id);
        self
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
        self.details = details;
        self
    }

    /// The same request, to be answered in `dialect`.
    #[inline]
    #[must_use]
    pub fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The same request with a body of that kind, to be answered in the same; for protocols that carry several.
    #[inline]
    #[must_use]
    pub fn with_content_type(mut self, content_type: ContentType) -> Self {
        self.content_type = content_type;
        self
    }

    /// The same request with arguments that cannot be read: whatever the method, the caller gets `error`.
    #[must_use]
    pub fn with_broken_args(mut self, error: ValueError) -> Self {
        self.body = Body::Broken(error);
        self
    }

    /// `"Arith.Multiply"` as the peer sent it; need not be UTF-8.
    pub fn service_method(&self) -> &[u8] {
        self.bytes.get(self.service_method.clone()).unwrap_or_default()
    }

    /// The id to echo.
    pub fn id(&self) -> Id<'_> {
        match &self.id {
            OwnId::Seq(seq) => Id::Seq(*seq),
            OwnId::Json(range) => Id::Json(self.bytes.get(range.clone()).unwrap_or_default()),
        }
    }

    /// The id as Go's `Seq`: the number itself, or 0 for an id that is no unsigned integer.
    pub fn seq(&self) -> u64 {
        match self.id() {
            Id::Seq(seq) => seq,
            Id::Json(text) => std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).unwrap_or(0),
        }
    }

    /// The encoded arguments, in the form the request's codec reads.
    ///
    /// # Errors
    /// What is wrong with them where the codec could read the header but not the body.
    pub fn args(&self) -> Result<&[u8], &ValueError> {
        match &self.body {
            Body::At(range) => Ok(self.bytes.get(range.clone()).unwrap_or_default()),
            Body::Broken(error) => Err(error),
        }
    }

    /// How long the caller will wait, counted from the moment the request was read.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether the peer reads structured errors.
    pub fn details(&self) -> bool {
        self.details
    }

    /// The dialect to answer in.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What the body is, in protocols that carry several kinds.
    pub fn content_type(&self) -> ContentType {
        self.content_type
    }

    /// Bytes of the whole message on the wire.
    pub fn wire_len(&self) -> usize {
        self.bytes.len()
    }

    /// Gives up the arguments and keeps a copy of the rest, so that a waiting call does not hold the read buffer.
    #[must_use]
    pub fn into_head(self) -> Self {
        let name = self.service_method();
        let mut copy = Vec::with_capacity(name.len() + 24);
        copy.extend_from_slice(name);
        let service_method = 0..name.len();
        let id = match self.id() {
            Id::Seq(seq) => OwnId::Seq(seq),
            Id::Json(text) => {
                let start = copy.len();
                copy.extend_from_slice(text);
                OwnId::Json(start..copy.len())
            }
        };
        Self { bytes: copy.into(), service_method, id, body: Body::At(0..0), ..self }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("service_method", &String::from_utf8_lossy(self.service_method()))
            .field("id", &self.id)
            .field("body", &self.body)
            .field("timeout", &self.timeout)
            .field("details", &self.details)
            .field("dialect", &self.dialect)
            .finish()
    }
}
