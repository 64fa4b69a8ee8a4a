//! Why bytes are no request, or no reply.
//!
//! Either way the stream is out of step and its connection ends. What a client is told before that is in Redis's words,
//! by which drivers know such errors.

use crate::error::DecodeError;
use bytes::BytesMut;

/// What is wrong with a request; its text is what Redis says behind `Protocol error: `.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The number of words is none, or over [`RequestLimits::max_words`](super::RequestLimits::max_words).
    #[error("invalid multibulk length")]
    MultibulkLength,
    /// It is over what peers may send that have not logged in.
    #[error("unauthenticated multibulk length")]
    UnauthenticatedMultibulkLength,
    /// The length of a word is none, or over [`RequestLimits::max_word_bytes`](super::RequestLimits::max_word_bytes).
    #[error("invalid bulk length")]
    BulkLength,
    /// It is over what peers may send that have not logged in.
    #[error("unauthenticated bulk length")]
    UnauthenticatedBulkLength,
    /// The line of a number of words does not end within 32 bytes.
    #[error("too big mbulk count string")]
    LongMultibulkLength,
    /// The line of a word's length does not end within 32 bytes.
    #[error("too big bulk count string")]
    LongBulkLength,
    /// A word of an array starts with another byte than `$`: arrays within arrays among them.
    #[error("expected '$', got '{}'", [*got].escape_ascii())]
    NotABulk {
        /// The byte that is there.
        got: u8,
    },
    /// A request starts with the type of a reply, or with a letter where inline commands are not allowed.
    #[error("expected '*', got '{}'", [*got].escape_ascii())]
    NotARequest {
        /// The byte that is there.
        got: u8,
    },
    /// There is no CRLF behind the bytes of a word. Redis does not look.
    #[error("expected CRLF after a bulk")]
    BulkEnd,
    /// An inline command is over [`RequestLimits::max_line_bytes`](super::RequestLimits::max_line_bytes) or
    /// [`RequestLimits::max_words`](super::RequestLimits::max_words).
    #[error("too big inline request")]
    LongLine,
    /// Quotes in an inline command are not closed, or closed in the middle of a word.
    #[error("unbalanced quotes in request")]
    UnbalancedQuotes,
    /// There is a zero byte in an inline command: nothing that people type.
    #[error("zero byte in inline request")]
    ZeroByte,
    /// The whole request is over [`RequestLimits::max_request_bytes`](super::RequestLimits::max_request_bytes).
    #[error("too big request")]
    TooBig {
        /// Bytes that it would have at least.
        len: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// An inline command is named `POST` or `Host:`: a browser that was made to send HTTP here. Nothing is answered.
    #[error("HTTP on a connection of RESP")]
    Http,
}

impl RequestError {
    /// Appends the last words to the peer, `-ERR Protocol error: …`; nothing for HTTP.
    pub fn write(&self, out: &mut BytesMut) {
        if *self != Self::Http {
            out.extend_from_slice(format!("-ERR Protocol error: {self}\r\n").as_bytes());
        }
    }

    /// The same text, as far as it is known beforehand.
    fn what(&self) -> &'static str {
        match self {
            Self::MultibulkLength => "invalid multibulk length",
            Self::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            Self::BulkLength => "invalid bulk length",
            Self::UnauthenticatedBulkLength => "unauthenticated bulk length",
            Self::LongMultibulkLength => "too big mbulk count string",
            Self::LongBulkLength => "too big bulk count string",
            Self::NotABulk { .. } => "expected '$'",
            Self::NotARequest { .. } => "expected '*'",
            Self::BulkEnd => "expected CRLF after a bulk",
            Self::LongLine => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::ZeroByte => "zero byte in inline request",
            Self::TooBig { .. } => "too big request",
            Self::Http => "HTTP on a connection of RESP",
        }
    }
}

impl From<RequestError> for DecodeError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::TooBig { len, limit } => Self::TooBig { len: len as u64, limit },
            error => Self::Malformed { at: 0, what: error.what() },
        }
    }
}

/// What is wrong with a reply: the upstream server is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// No value of RESP starts with this byte, or none may here: a push within a value.
    #[error("reply of unknown type '{}'", [*got].escape_ascii())]
    Type {
        /// The byte that is there.
        got: u8,
    },
    /// A length is no number in decimal digits, or negative where there is no null of that type.
    #[error("invalid length in a reply")]
    Length,
    /// A value of unknown length (`$?`, `*?`), which no server sends unasked.
    #[error("streamed value in a reply")]
    Streamed,
    /// A line or a string does not end in CRLF.
    #[error("expected CRLF in a reply")]
    LineEnd,
    /// A line is over [`ReplyLimits::max_line_bytes`](super::ReplyLimits::max_line_bytes).
    #[error("line of a reply over the limit of {limit} bytes")]
    LongLine {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The reply is, or says that it will be, over
    /// [`ReplyLimits::max_reply_bytes`](super::ReplyLimits::max_reply_bytes).
    #[error("reply over the limit of {limit} bytes")]
    TooBig {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Aggregates are inside one another deeper than [`ReplyLimits::max_depth`](super::ReplyLimits::max_depth).
    #[error("reply nested deeper than {limit}")]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
}
