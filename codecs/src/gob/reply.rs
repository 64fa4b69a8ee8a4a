//! Replies: a client's reading half.
//!
//! Frames like [`super::request`]; a reply takes the table of types along, so that the waiting call can decode its
//! value while the next reply is read.

use super::{
    cache::HeaderLayouts,
    header::GobHeader,
    types::Types,
    value_from_slice_within,
    value_reader::{ReadError, Span, ValueReader, malformed},
};
use crate::{
    budget::Charged,
    codec::{Decoding, Limits},
    error::{DecodeError, ValueError},
    message::Reply,
};
use bytes::BytesMut;
use serde::de::DeserializeOwned;

/// Reads the replies of one connection.
#[derive(Debug)]
pub struct ReplyDecoder {
    limits: Limits,
    values: ValueReader,
    layouts: HeaderLayouts,
    waiting: Option<GobHeader>,
}

impl ReplyDecoder {
    /// A decoder for one new connection, which knows none of the peer's types yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            values: ValueReader::new(limits.max_gob_types),
            layouts: HeaderLayouts::default(),
            waiting: None,
        }
    }

    /// The limits its replies keep, and their values when they are decoded.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes one reply from the front of `buf`.
    ///
    /// Shape: as a request, but the first value is `{ServiceMethod string, Seq uint, Error string}`. `Ok(None)`: not
    /// complete yet, `buf` untouched. `Ok(Some(_))`: exactly its bytes are gone. Limits as in
    /// [`RequestDecoder::decode`](super::RequestDecoder::decode), but a header, whose error text may be long, may have
    /// as many bytes as the whole. The value of a reply that failed means nothing. A value that cannot be walked, for
    /// its interfaces are broken, makes a reply without a value: that call fails, the connection goes on.
    ///
    /// # Errors
    /// The stream is out of step: close the connection.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let limit = self.limits.max_message_bytes;
        let mut header = match self.waiting.take() {
            Some(header) => header,
            None => match GobHeader::next(&mut self.values, &mut self.layouts, buf, limit)? {
                Some(header) => header,
                None => return Ok(None),
            },
        };
        let span = match self.values.next(buf, limit) {
            Ok(Some(span)) => span,
            Ok(None) => {
                self.waiting = Some(header);
                return Ok(None);
            }
            Err(ReadError::Value(error)) if !error.is_fatal() => Span::Whole(0..0),
            Err(ReadError::Value(_)) => return Err(malformed(self.values.at(), "value beyond repair")),
            Err(ReadError::Stream(error)) => return Err(error),
        };
        let mut bytes = buf.split_to(self.values.at());
        self.values.restart();
        let other = header.own.take().and_then(|error| error.read(self.values.types(), &bytes));
        let body = span.join(&mut bytes);
        let reply = header.reply(bytes.freeze(), body, other, json);
        Ok(Some(reply.with_extension(self.values.types().clone())))
    }
}

/// The data of an error, which is JSON in a text; none if it is broken.
fn json(data: &[u8]) -> Option<serde_json::Value> {
    let budget = Decoding::new(&Limits::DEFAULT).budget(data.len());
    Charged::of_json(data, &budget).ok()
}

impl Reply {
    /// The types that the server had defined when this reply came; `None` for replies of other codecs.
    #[inline]
    pub fn types(&self) -> Option<&Types> {
        self.extension()
    }
}

/// Decodes the value of a reply by the types its server had defined when it came.
///
/// Any task can do it: the reply brings the types along, and the decoder goes on meanwhile.
///
/// # Errors
/// As [`value_from_slice`](super::value_from_slice); the reply of another codec, which has no types, fits nothing.
#[inline]
pub fn value_from_reply<T: DeserializeOwned>(reply: &Reply) -> Result<T, ValueError> {
    value_from_reply_within(reply, &Decoding::new(&Limits::DEFAULT))
}

/// As [`value_from_reply`], within the limits of `decoding`, which learns what the value takes.
///
/// # Errors
/// As [`value_from_reply`].
#[inline]
pub fn value_from_reply_within<T: DeserializeOwned>(
    reply: &Reply,
    decoding: &Decoding<'_>,
) -> Result<T, ValueError> {
    match reply.types() {
        Some(types) => value_from_slice_within(types, reply.body(), decoding),
        None => Err(ValueError::new("gob: reply without types")),
    }
}
