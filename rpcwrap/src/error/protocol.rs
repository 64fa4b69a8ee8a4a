//! Why a protocol gave up a connection.

use codecs::DecodeError;
use std::io;

/// Why a protocol gave up a connection that was already its own.
///
/// The protocol first writes what it has to say, in its own words (`-ERR`, `413`, a reply with an error); the
/// connection is then closed and counted, by protocol and kind, on `/protocols` and `/metrics`. The rest of the stream
/// is never offered to another protocol.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The peer's fault: a message is larger than allowed. Retrying it is of no use.
    #[error("message is over the limit of {limit} bytes")]
    TooBig {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Neither side's fault: there is no room for what the peer wants. It may try again.
    #[error("no room")]
    Overloaded,
    /// The peer's fault: the bytes break the protocol's rules, and where the next message starts is not known.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The socket failed, or the peer moved no byte in its time. Logged at debug level: peers that vanish are nothing
    /// special.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ProtocolError {
    /// Whether the peer broke the rules or a limit.
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(self, Self::TooBig { .. } | Self::Malformed(_))
    }
}

impl From<DecodeError> for ProtocolError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooBig { limit, .. } => Self::TooBig { limit },
            DecodeError::TooDeep { .. } => Self::Malformed("nested too deep"),
            DecodeError::Truncated => Self::Malformed("the stream ended inside a message"),
            DecodeError::Malformed { what, .. } => Self::Malformed(what),
            _ => Self::Malformed("broken message"),
        }
    }
}
