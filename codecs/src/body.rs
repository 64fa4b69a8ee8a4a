//! Bodies as bytes: what byte-oriented protocols carry, whose schemas are not known here.
//!
//! A protocol that frames messages itself hands a request's bytes over as [`BytesArgs`] and takes a reply's as
//! [`BytesReply`] through its [`BytesReplyEncoder`]. Methods of serde types are reached all the same: see
//! [`Args::Bytes`](crate::Args::Bytes).

use crate::{budget::DecodeBudget, codec::Decoding, compress::Compression, error::EncodeError};
use bytes::{Bytes, BytesMut};

/// What the bytes of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentType {
    /// Protobuf of the method's own message type.
    #[default]
    Protobuf,
    /// JSON.
    Json,
    /// Protobuf's JSON mapping.
    ProtoJson,
    /// Protobuf's text format.
    ProtoText,
}

/// The arguments of one call as bytes, and what came beside them. What the protocol has no field for is empty or 0.
#[derive(Debug, Clone, Default)]
pub struct BytesArgs<'a> {
    /// The message, decompressed.
    pub body: Bytes,
    /// Bytes beside the message.
    pub attachment: Bytes,
    /// What the body is.
    pub content_type: ContentType,
    /// How the body came, for a method that wants to answer likewise.
    pub compression: Compression,
    /// Bytes that the body had as it came, if it was compressed.
    pub compressed_len: usize,
    /// The caller's number for its logs.
    pub log_id: i64,
    /// The trace the call belongs to.
    pub trace_id: i64,
    /// The call's place in its trace.
    pub span_id: i64,
    /// The place of the call that made this one.
    pub parent_span_id: i64,
    /// The caller's name for the whole request this call is part of.
    pub request_id: &'a [u8],
    /// The caller's own keys and values.
    pub user_fields: Vec<(&'a [u8], &'a [u8])>,
}

impl BytesArgs<'_> {
    /// The budget of the value that is decoded from the body.
    pub(crate) fn budget(&self, decoding: &Decoding<'_>) -> DecodeBudget {
        budget_of(self.body.len(), self.compression, self.compressed_len, decoding)
    }
}

/// The budget of a body of `len` bytes: one that was compressed has cost its sender only what came, and has taken what it
/// has become.
pub(crate) fn budget_of(
    len: usize,
    compression: Compression,
    compressed_len: usize,
    decoding: &Decoding<'_>,
) -> DecodeBudget {
    if compression == Compression::None {
        return decoding.budget(len);
    }
    let budget = decoding.budget(compressed_len);
    // Too much shows when the value is asked for.
    let _ = budget.take(len);
    budget
}

/// One reply as bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct BytesReply<'a> {
    /// The message.
    pub body: &'a [u8],
    /// Bytes beside the message, where the protocol can carry them.
    pub attachment: &'a [u8],
    /// What the body is.
    pub content_type: ContentType,
    /// How the body is to be compressed, where the protocol can say so.
    pub compression: Compression,
    /// Whether to send a checksum of the body, where the protocol has one.
    pub checksum: bool,
}

/// Frames the reply to one request of a protocol that carries bytes. Errors are the protocol's own business.
pub trait BytesReplyEncoder: Send {
    /// What the body of the request was: its caller expects the like.
    fn content_type(&self) -> ContentType;

    /// Appends one whole reply to `out`, or nothing.
    ///
    /// # Errors
    /// The protocol cannot carry it; `out` is as it was.
    fn encode(&mut self, reply: &BytesReply<'_>, out: &mut BytesMut) -> Result<(), EncodeError>;
}
