//! Requests: a server's reading half and a client's writing half.
//!
//! Frames are [`super::frame`]'s; this knows what a request's meta says.

use super::{
    frame::{Frame, Packed, Payload},
    meta::RequestMeta,
    wire::{put_bytes, put_int, put_varint, varint_len},
};
use crate::{
    body::ContentType,
    codec::{Limits, millis_of, timeout_of},
    compress::Compression,
    error::{DecodeError, EncodeError, ValueError},
};
use bytes::BytesMut;
use std::time::Duration;

/// Reads the requests of one connection.
#[derive(Debug)]
pub struct RequestDecoder {
    limits: Limits,
}

impl RequestDecoder {
    /// A decoder for one new connection; it remembers nothing but its limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Takes one request from the front of `buf`.
    ///
    /// Shape: the frame of [`baidu_std`](super). `Ok(None)`: not complete yet, `buf` untouched. `Ok(Some(_))`: exactly
    /// its bytes are gone. A body (meta, data and attachment) may be at most [`Limits::max_message_bytes`], the meta 64
    /// KiB; the 12 bytes of the header are enough to refuse them. A meta may have 1024 `user_fields`. What is behind
    /// the meta is not looked at.
    ///
    /// # Errors
    /// [`DecodeError::TooBig`] or [`DecodeError::Malformed`], also for a meta without `request`: close the connection
    /// without a reply, as bRPC does.
    ///
    /// Source: bRPC `policy/baidu_rpc_protocol.cpp` `ParseRpcMessage`, `ProcessRpcRequest`.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        Frame::check_meta(buf)?;
        let Some(mut frame) = Frame::decode(buf, &self.limits)? else { return Ok(None) };
        match frame.meta.request.take() {
            Some(meta) => Ok(Some(Request { frame, meta })),
            None => Err(DecodeError::Malformed { at: super::HEADER_LEN, what: "a meta without a request" }),
        }
    }

    /// What the message at the front of `buf` offers as proof of who sends it, before its body has come.
    ///
    /// `Ok(None)`: its meta is not complete yet. Empty if it offers nothing.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn authentication_data<'b>(&self, buf: &'b [u8]) -> Result<Option<&'b [u8]>, DecodeError> {
        Frame::check_meta(buf)?;
        let meta = Frame::peek_meta(buf, &self.limits)?;
        Ok(meta.map(|meta| buf.get(meta.authentication_data).unwrap_or_default()))
    }

    /// The peer has sent its last byte: takes what is left.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if the rest is no request; what [`Self::decode`] says otherwise.
    pub fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        match self.decode(buf)? {
            None if !buf.is_empty() => Err(DecodeError::Truncated),
            decoded => Ok(decoded),
        }
    }
}

/// One call as it came in. Names are as the peer sent them and need not be UTF-8; numbers it did not send are 0.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) frame: Frame,
    meta: RequestMeta,
}

impl Request {
    /// `demo.EchoService`, or `EchoService` from clients that leave the package out.
    pub fn service_name(&self) -> &[u8] {
        self.frame.field(&self.meta.service_name)
    }

    /// `Echo`
    pub fn method_name(&self) -> &[u8] {
        self.frame.field(&self.meta.method_name)
    }

    /// What the reply has to echo; opaque.
    pub fn correlation_id(&self) -> i64 {
        self.frame.meta.correlation_id
    }

    /// The caller's number for its logs.
    pub fn log_id(&self) -> i64 {
        self.meta.log_id
    }

    /// The trace the call belongs to.
    pub fn trace_id(&self) -> i64 {
        self.meta.trace_id
    }

    /// The call's place in its trace.
    pub fn span_id(&self) -> i64 {
        self.meta.span_id
    }

    /// The place of the call that made this one.
    pub fn parent_span_id(&self) -> i64 {
        self.meta.parent_span_id
    }

    /// The caller's name for the whole request this call is part of.
    pub fn request_id(&self) -> &[u8] {
        self.frame.field(&self.meta.request_id)
    }

    /// How long the caller will wait, if it said so.
    pub fn timeout(&self) -> Option<Duration> {
        timeout_of(self.meta.timeout_ms.try_into().ok()?)
    }

    /// What the caller offers as proof of who it is, on the first message of a connection.
    pub fn authentication_data(&self) -> &[u8] {
        self.frame.field(&self.frame.meta.authentication_data)
    }

    /// Whether there is anything in [`user_fields`](Self::user_fields).
    pub fn has_user_fields(&self) -> bool {
        self.frame.meta.has_user_fields
    }

    /// The caller's own keys and values, in their order.
    pub fn user_fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.frame.user_fields()
    }

    /// What the body says it is.
    #[inline]
    pub fn content_type(&self) -> ContentType {
        self.frame.content_type()
    }

    /// Whether [`payload`](Self::payload) has to do more than to look: the body is compressed or has a checksum.
    #[inline]
    pub fn has_packed_payload(&self) -> bool {
        self.frame.is_packed()
    }

    /// Bytes of the whole message on the wire.
    pub fn wire_len(&self) -> usize {
        self.frame.wire_len()
    }

    /// Whether there is something to decompress in [`payload`](Self::payload).
    pub fn is_compressed(&self) -> bool {
        self.frame.meta.compress_type != 0
    }

    /// Takes out the data, checked and decompressed, and the attachment.
    ///
    /// Uncompressed data is a slice of what was read. Decompressed data may be as long as a message.
    ///
    /// # Errors
    /// A text for the caller, in bRPC's words, to be sent with [`EREQUEST`](super::code::EREQUEST): an attachment
    /// longer than what is there, an unknown or broken compression, a checksum that does not match, a streaming RPC.
    /// The connection stays.
    #[inline]
    pub fn payload(&self, limits: &Limits) -> Result<Payload, ValueError> {
        self.frame.payload("request", limits)
    }

    /// The text for a body that its method cannot read, in bRPC's words with the reason behind them.
    pub fn unreadable(&self, payload: &Payload, why: &str) -> ValueError {
        self.frame.unreadable("request", payload.body.len(), Some(why))
    }
}

/// What is written in front of a request's body. Numbers that are 0 and texts that are empty are not sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestHead<'a> {
    /// `demo.EchoService`
    pub service_name: &'a str,
    /// `Echo`
    pub method_name: &'a str,
    /// What the reply will echo.
    pub correlation_id: i64,
    /// The caller's number for its logs.
    pub log_id: i64,
    /// The trace the call belongs to.
    pub trace_id: i64,
    /// The call's place in its trace.
    pub span_id: i64,
    /// The place of the call that makes this one.
    pub parent_span_id: i64,
    /// The caller's name for the whole request this call is part of.
    pub request_id: &'a str,
    /// How long the caller will wait: whole milliseconds, rounded up.
    pub timeout: Option<Duration>,
    /// Proof of who the caller is.
    pub authentication_data: &'a [u8],
    /// The caller's own keys and values.
    pub user_fields: &'a [(&'a str, &'a str)],
    /// What the body is.
    pub content_type: ContentType,
    /// How the body is to be compressed.
    pub compression: Compression,
    /// Whether to send a checksum of the body.
    pub checksum: bool,
}

impl RequestHead<'_> {
    fn put(&self, packed: &Packed<'_>, out: &mut Vec<u8>) {
        let texts = [(1, self.service_name), (2, self.method_name), (7, self.request_id)];
        let millis = self.timeout.map_or(0, millis_of);
        let numbers = [
            (3, self.log_id),
            (4, self.trace_id),
            (5, self.span_id),
            (6, self.parent_span_id),
            (8, i32::try_from(millis).unwrap_or(i32::MAX).into()),
        ];
        // Both names are required, even if there is nothing in them.
        let texts = texts.into_iter().filter(|(field, text)| *field <= 2 || !text.is_empty());
        let numbers = numbers.into_iter().filter(|(_, number)| *number != 0);
        let len: usize = texts.clone().map(|(_, text)| bytes_len(text.as_bytes())).sum::<usize>()
            + numbers.clone().map(|(_, number)| 1 + varint_len(number as u64)).sum::<usize>();
        out.push(1 << 3 | 2);
        put_varint(out, len as u64);
        texts.for_each(|(field, text)| put_bytes(out, field, text.as_bytes()));
        numbers.for_each(|(field, number)| put_int(out, field, number));

        put_int(out, 4, self.correlation_id);
        if !self.authentication_data.is_empty() {
            put_bytes(out, 7, self.authentication_data);
        }
        for (key, value) in self.user_fields {
            out.push(9 << 3 | 2);
            put_varint(out, (bytes_len(key.as_bytes()) + bytes_len(value.as_bytes())) as u64);
            put_bytes(out, 1, key.as_bytes());
            put_bytes(out, 2, value.as_bytes());
        }
        packed.put_meta(out, self.content_type);
    }
}

/// Bytes of a field of wire type 2, with a number below 16.
fn bytes_len(bytes: &[u8]) -> usize {
    1 + varint_len(bytes.len() as u64) + bytes.len()
}

/// Appends one whole request to `out`, or nothing.
///
/// # Errors
/// The message would be longer than the format can tell; `out` is as it was.
pub fn encode_request(
    head: &RequestHead<'_>,
    body: &[u8],
    attachment: &[u8],
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let packed = Packed::new(body, attachment, head.compression, head.checksum);
    let mut meta = Vec::with_capacity(96);
    head.put(&packed, &mut meta);
    packed.put_frame(&meta, out)
}
