//! Replies: a server's writing half and a client's reading half.
//!
//! Frames are [`super::frame`]'s; this knows what a reply's meta says.

use super::{
    frame::{Frame, Packed, Payload},
    meta::ResponseMeta,
    wire::{put_bytes, put_int, put_varint, varint_len},
};
use crate::{
    body::ContentType,
    codec::Limits,
    compress::Compression,
    error::{DecodeError, EncodeError, ValueError},
};
use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of `correlation_id`, at most.
const MAX_ID: usize = 11;
/// The longest error text that is sent; a longer one is cut.
const MAX_TEXT: usize = 64 << 10;
/// `response { error_code: 0 }`, as bRPC writes it.
const SUCCESS: [u8; 4] = [2 << 3 | 2, 2, 1 << 3, 0];

/// What is written in front of a reply's body.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplyHead {
    /// The request's.
    pub correlation_id: i64,
    /// What the body is.
    pub content_type: ContentType,
    /// How the body is to be compressed.
    pub compression: Compression,
    /// Whether to send a checksum of the body.
    pub checksum: bool,
}

/// Appends one whole reply to `out`, or nothing.
///
/// Shape: `response {error_code 0}`, `correlation_id`, then of the other fields those that are not 0.
///
/// # Errors
/// The message would be longer than the format can tell; `out` is as it was.
#[inline]
pub fn encode_reply(
    head: &ReplyHead,
    body: &[u8],
    attachment: &[u8],
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let packed = Packed::new(body, attachment, head.compression, head.checksum);
    let mut meta = [0; SUCCESS.len() + MAX_ID + Packed::MAX_META];
    let mut rest = &mut meta[..];
    rest.put_slice(&SUCCESS);
    put_int(&mut rest, 4, head.correlation_id);
    packed.put_meta(&mut rest, head.content_type);
    let left = rest.len();
    packed.put_frame(meta.get(..meta.len() - left).unwrap_or_default(), out)
}

/// Appends one whole error reply to `out`: `response {error_code, error_text}`, `correlation_id` and no data.
///
/// A text of more than 64 KiB is cut there.
pub fn encode_error(correlation_id: i64, error_code: i32, error_text: &str, out: &mut BytesMut) {
    let text = cut(error_text).as_bytes();
    let code = i64::from(error_code);
    let len = 1 + varint_len(code as u64) + 1 + varint_len(text.len() as u64) + text.len();
    let mut meta = Vec::with_capacity(len + 8 + MAX_ID);
    meta.push(2 << 3 | 2);
    put_varint(&mut meta, len as u64);
    put_int(&mut meta, 1, code);
    put_bytes(&mut meta, 2, text);
    put_int(&mut meta, 4, correlation_id);
    let nothing = Packed::new(&[], &[], Compression::None, false);
    nothing.put_frame(&meta, out).expect("a meta of 64 KiB fits");
}

/// At most [`MAX_TEXT`] bytes of whole characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Reads the replies of one connection.
#[derive(Debug)]
pub struct ReplyDecoder {
    limits: Limits,
}

impl ReplyDecoder {
    /// A decoder for one new connection; it remembers nothing but its limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// The limits its replies keep, their decompressed bodies too.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes one reply from the front of `buf`; limits as in [`RequestDecoder::decode`](super::RequestDecoder::decode).
    ///
    /// A meta without `response` is a success: that is what protobuf's defaults say.
    ///
    /// # Errors
    /// The stream is out of step: close the connection.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let Some(mut frame) = Frame::decode(buf, &self.limits)? else { return Ok(None) };
        let meta = frame.meta.response.take().unwrap_or_default();
        Ok(Some(Reply { frame, meta }))
    }
}

/// One answer as a client reads it.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) frame: Frame,
    meta: ResponseMeta,
}

impl Reply {
    /// The reply whose frame is all of `bytes`.
    ///
    /// # Errors
    /// The bytes are no frame, or not one frame.
    pub fn from_frame(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut frame = Frame::from_bytes(bytes)?;
        let meta = frame.meta.response.take().unwrap_or_default();
        Ok(Self { frame, meta })
    }

    /// The whole frame.
    pub fn into_frame(self) -> Bytes {
        self.frame.into_bytes()
    }

    /// The id of the call this answers.
    pub fn correlation_id(&self) -> i64 {
        self.frame.meta.correlation_id
    }

    /// The code and the text, if the call failed.
    pub fn error(&self) -> Option<(i32, &[u8])> {
        (self.meta.error_code != 0).then(|| (self.meta.error_code, self.frame.field(&self.meta.error_text)))
    }

    /// The server's own keys and values, in their order.
    pub fn user_fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.frame.user_fields()
    }

    /// Bytes of the whole message on the wire.
    pub fn wire_len(&self) -> usize {
        self.frame.wire_len()
    }

    /// Takes out the data, checked and decompressed, and the attachment; as
    /// [`Request::payload`](super::Request::payload).
    ///
    /// # Errors
    /// What is wrong with them; the connection is still in step.
    #[inline]
    pub fn payload(&self, limits: &Limits) -> Result<Payload, ValueError> {
        self.frame.payload("response", limits)
    }
}
