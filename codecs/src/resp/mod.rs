//! RESP, the protocol of Redis: requests of words, replies of values.
//!
//! ```text
//! request   *2 CRLF $4 CRLF ECHO CRLF $2 CRLF hi CRLF      or a line, ECHO "hi"
//! reply     +OK  -ERR text  :7  $2 CRLF hi  *1 …           and in version 3 _ #t ,1.5 (7 %1 … ~1 … =6 CRLF txt:hi
//! ```
//!
//! A server of RESP keeps a [`RequestDecoder`] for each connection, which takes one request after the other from the
//! bytes that were read: `Ok(None)` until one is complete, going on where it stopped. Its [`Words`] are places in those
//! bytes; the name is the first, the others become the arguments of a method as the tokens of [`text`](crate::text)
//! ([`Words::with_tokens`], [`TextArgs`](crate::text::TextArgs)). The reply goes the other way through a
//! [`ReplyEncoder`], a serde serializer, which [`ReplyTo::Resp`](crate::ReplyTo::Resp) hands to dispatch, in the
//! [`Version`] that the client has asked for by `HELLO`. Until the client has logged in,
//! [`RequestDecoder::restrict`] holds it to [`RequestLimits::BEFORE_LOGIN`]. Bytes that are no request end the
//! connection behind what [`RequestError::write`] says.
//!
//! A proxy reads requests the same way, writes them again with [`encode_request`] where they came as lines, and cuts
//! the upstream server's replies with a [`ReplySkipper`], which hands their bytes on unseen.
//!
//! Names of commands, logins and rules for what is allowed are the protocol's, not known here.
//! Source: Redis 7.0.15 (`networking.c`, `sds.c`, `util.c`) as observed; the RESP3 specification.

mod error;
mod inline;
mod length;
mod limits;
mod reply;
mod request;
mod skip;
#[cfg(test)]
mod tests;
mod version;
mod words;
mod write;

pub use error::{ReplyError, RequestError};
pub use limits::{ReplyLimits, RequestLimits};
pub use reply::{ReplyEncoder, Set, Status, Verbatim};
pub use request::{RequestDecoder, encode_request, is_reply_type};
pub use skip::{ReplyClass, ReplySkipper, Skipped};
pub use version::Version;
pub use words::{Word, Words};

/// The protocol's name.
pub const NAME: &str = "resp";
