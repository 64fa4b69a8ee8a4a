//! What can be wrong with bytes or values, said by whose fault it is.
//!
//! Three errors, three consequences: [`DecodeError`] ends the connection (the stream is out of step),
//! [`ValueError`] fails one call (its bytes do not fit the wanted type), [`EncodeError`] is ours (a reply or
//! an argument that the format cannot carry). None of them knows about sockets or services.

use std::fmt;

/// The peer's bytes are no message: the stream is out of step and its connection has to be closed.
///
/// "Not enough bytes yet" is no error: decoders say `Ok(None)` for that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A message announces, or has grown to, `len` bytes where `limit` are allowed. Nothing was allocated for it.
    #[error("message of {len} bytes, limit {limit}")]
    TooBig {
        /// Announced length, or what arrived so far where the format announces none, in bytes.
        len: u64,
        /// [`Limits::max_message_bytes`](crate::Limits::max_message_bytes) or the header limit, in bytes.
        limit: usize,
    },
    /// Values nested deeper than [`Limits::max_depth`](crate::Limits::max_depth).
    #[error("nesting deeper than {limit}")]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
    /// The stream ended inside a message.
    #[error("unexpected EOF")]
    Truncated,
    /// An error reply without the number of a call: the peer could not read one, or means the whole connection.
    #[error("error that belongs to no call: {text}")]
    Unnumbered {
        /// The peer's own text.
        text: Box<str>,
    },
    /// A reply whose id is none that any call has: no unsigned integer, or one beyond 64 bits.
    #[error("id is no unsigned integer of 64 bits: {found}")]
    ForeignId {
        /// The id as it stands in the reply, of a long one the first 64 bytes.
        found: Box<str>,
    },
    /// Anything else: `what` is wrong at byte `at` of the message.
    #[error("malformed at byte {at}: {what}")]
    Malformed {
        /// Offset from the start of the message, in bytes.
        at: usize,
        /// What was found, or what was expected there.
        what: &'static str,
    },
}

/// Bytes that are a message but do not fit the type they should become; fails that call only.
///
/// Its text goes to the caller as it stands, in Go's own words where Go has words for it. A fatal one says that
/// the value is hostile or beyond repair: the connection is closed after the reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ValueError {
    text: Box<str>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Fatal,
}

impl ValueError {
    /// An error whose text the caller will read.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), kind: Kind::Plain }
    }

    /// An error whose text the caller will read as the last thing on its connection.
    pub fn fatal(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), kind: Kind::Fatal }
    }

    /// The text for the caller.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the connection is closed after the reply.
    pub fn is_fatal(&self) -> bool {
        self.kind == Kind::Fatal
    }
}

impl serde::de::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

/// A value of ours that the format cannot carry; what was written for it has been taken back.
///
/// On the server the caller gets this text as an error reply and the connection stays in step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(Box<str>);

impl EncodeError {
    /// An error whose text names the value that does not fit.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text for the caller.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}
