//! The messages every codec carries: one request in, its replies out.
//!
//! A [`Request`] and a [`Reply`] own their bytes (a reference-counted slice of what was read) and know where in
//! them the parts lie; nothing is copied or decoded before somebody asks. They know nothing of codecs' rules:
//! the codec that made a message is the only one that reads its arguments.

use crate::{error::ValueError, gob::Types, raw::ContentType};
use bytes::Bytes;
use std::{borrow::Cow, fmt, ops::Range, sync::Arc, time::Duration};

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

/// What a failed call says to its caller.
///
/// `text` is all an old peer sees. `code` and `data` go out beside it only to peers that asked for them
/// ([`Request::details`]).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorReply {
    /// Go's error string. An empty text is a success in the originals; servers must not send it as an error.
    pub text: String,
    /// A stable word for programs, such as `deadline`; empty if there is none.
    pub code: String,
    /// Anything more, in JSON's data model.
    pub data: Option<serde_json::Value>,
}

impl ErrorReply {
    /// An error with a text and nothing else.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The text as it goes out: a name of a method that is not UTF-8 stands at its end as it came, since Go echoes such
    /// names raw and a `String` cannot hold them.
    #[inline]
    pub(crate) fn text_for(&self, request: &Request) -> Cow<'_, [u8]> {
        let name = request.service_method();
        match String::from_utf8_lossy(name) {
            Cow::Owned(lossy) => match self.text.strip_suffix(&*lossy) {
                Some(before) => Cow::Owned([before.as_bytes(), name].concat()),
                None => Cow::Borrowed(self.text.as_bytes()),
            },
            Cow::Borrowed(_) => Cow::Borrowed(self.text.as_bytes()),
        }
    }
}

/// The error text that ends a stream of replies.
pub const END_OF_STREAM: &str = "EOS";

/// One answer as a client reads it: the id it belongs to, and a still encoded value or an error.
#[derive(Clone)]
pub struct Reply {
    bytes: Bytes,
    seq: u64,
    service_method: Range<usize>,
    body: Range<usize>,
    error: Option<Box<ErrorReply>>,
    types: Option<Arc<Types>>,
}

impl Reply {
    /// A reply to the call `seq` whose value is the range `body` of `bytes`.
    ///
    /// # Panics
    /// If a range does not lie within `bytes`.
    pub fn new(bytes: Bytes, seq: u64, service_method: Range<usize>, body: Range<usize>) -> Self {
        assert!(
            service_method.end <= bytes.len() && body.end <= bytes.len(),
            "ranges lie within the message"
        );
        Self { bytes, seq, service_method, body, error: None, types: None }
    }

    /// The same reply as a failure.
    #[must_use]
    pub fn with_error(mut self, error: ErrorReply) -> Self {
        self.error = Some(Box::new(error));
        self
    }

    /// The same reply, whose value is of one of these types (gob).
    #[inline]
    #[must_use]
    pub fn with_types(mut self, types: Arc<Types>) -> Self {
        self.types = Some(types);
        self
    }

    /// The number of the call this answers.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The method's name as the server echoed it; empty in codecs that do not echo it.
    pub fn service_method(&self) -> &[u8] {
        self.bytes.get(self.service_method.clone()).unwrap_or_default()
    }

    /// The error, if the call failed; [`END_OF_STREAM`] as its text ends a stream.
    pub fn error(&self) -> Option<&ErrorReply> {
        self.error.as_deref()
    }

    /// The whole message.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The encoded value, in the form the reply's codec reads.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.body.clone()).unwrap_or_default()
    }

    /// The types the value's own is one of, where the codec has such (gob).
    pub fn types(&self) -> Option<&Types> {
        self.types.as_deref()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("seq", &self.seq)
            .field("error", &self.error)
            .field("body", &self.body)
            .finish()
    }
}
