//! Frames of either direction: where one ends, and what is behind its meta.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::{
    COMPRESSIONS, CONTENT_TYPES, CRC32C, HEADER_LEN, MAGIC, meaning,
    meta::{Meta, Span},
    number,
    wire::{put_bytes, put_int},
};
use crate::{
    body::{ContentType, budget_of},
    budget::DecodeBudget,
    codec::{Decoding, Limits, MAX_HEADER_BYTES},
    compress::Compression,
    error::{DecodeError, EncodeError, ValueError},
};
use bytes::{BufMut, Bytes, BytesMut};
use crc32c::crc32c_append;
use std::borrow::Cow;

/// A whole message.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    bytes: Bytes,
    meta_len: usize,
    pub(super) meta: Meta,
}

/// What a message carries: the data, checked and decompressed, and the attachment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payload {
    /// The message in [`content_type`](Self::content_type)'s form.
    pub body: Bytes,
    /// Bytes beside it, never compressed.
    pub attachment: Bytes,
    /// What the body is.
    pub content_type: ContentType,
    /// How the body came.
    pub compression: Compression,
    /// Bytes that the body had as it came, if it was compressed.
    pub compressed_len: usize,
}

impl Payload {
    /// The budget of the value that is decoded from the body.
    pub(crate) fn budget(&self, decoding: &Decoding<'_>) -> DecodeBudget {
        budget_of(self.body.len(), self.compression, self.compressed_len, decoding)
    }
}

impl Frame {
    /// The lengths of the body and of the meta of the frame at the front of `buf`; nothing while its header is not
    /// complete.
    ///
    /// The 12 bytes of the header are enough to refuse a size, the first of them to refuse the rest.
    #[inline]
    fn lengths(buf: &[u8], limits: &Limits) -> Result<Option<(usize, usize)>, DecodeError> {
        let Some(&[m0, m1, m2, m3, b0, b1, b2, b3, l0, l1, l2, l3]) = buf.first_chunk::<HEADER_LEN>() else {
            return match buf.iter().zip(MAGIC).position(|(have, want)| have != want) {
                Some(at) => Err(no_magic(at)),
                None => Ok(None),
            };
        };
        if [m0, m1, m2, m3] != *MAGIC {
            return Err(no_magic(0));
        }
        let body_size = u32::from_be_bytes([b0, b1, b2, b3]);
        let meta_size = u32::from_be_bytes([l0, l1, l2, l3]);
        let (body_len, meta_len) = (body_size as usize, meta_size as usize);
        if body_len > limits.max_message_bytes {
            return Err(DecodeError::TooBig { len: body_size.into(), limit: limits.max_message_bytes });
        }
        if meta_len > body_len {
            return Err(DecodeError::Malformed { at: 8, what: "a meta longer than its message" });
        }
        Ok(Some((body_len, meta_len)))
    }

    /// Refuses a request's meta that is longer than any has to be, by the 12 bytes of the header.
    #[inline]
    pub(super) fn check_meta(buf: &[u8]) -> Result<(), DecodeError> {
        match buf.get(8..HEADER_LEN).and_then(<[u8]>::first_chunk) {
            Some(&len) if buf.starts_with(MAGIC) && u32::from_be_bytes(len) as usize > MAX_HEADER_BYTES => {
                Err(DecodeError::TooBig { len: u32::from_be_bytes(len).into(), limit: MAX_HEADER_BYTES })
            }
            _ => Ok(()),
        }
    }

    /// Takes one frame from the front of `buf`, or nothing while it is not complete.
    #[inline]
    pub(super) fn decode(buf: &mut BytesMut, limits: &Limits) -> Result<Option<Self>, DecodeError> {
        let Some((body_len, meta_len)) = Self::lengths(buf, limits)? else { return Ok(None) };
        let len = body_len.saturating_add(HEADER_LEN);
        if buf.len() < len {
            return Ok(None);
        }
        let meta = Meta::read(buf, meta_span(meta_len))?;
        let bytes = buf.split_to(len).freeze();
        Ok(Some(Self { bytes, meta_len, meta }))
    }

    /// The meta of the frame at the front of `buf`, as soon as it is there.
    pub(super) fn peek_meta(buf: &[u8], limits: &Limits) -> Result<Option<Meta>, DecodeError> {
        match Self::lengths(buf, limits)? {
            Some((_, meta_len)) if buf.len() >= meta_span(meta_len).end => {
                Meta::read(buf, meta_span(meta_len)).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The frame that is all of `bytes`.
    pub(super) fn from_bytes(bytes: Bytes) -> Result<Self, DecodeError> {
        let limits = Limits { max_message_bytes: bytes.len(), ..Limits::default() };
        match Self::lengths(&bytes, &limits)? {
            Some((body_len, meta_len)) if body_len.saturating_add(HEADER_LEN) == bytes.len() => {
                let meta = Meta::read(&bytes, meta_span(meta_len))?;
                Ok(Self { bytes, meta_len, meta })
            }
            _ => Err(DecodeError::Truncated),
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// A field of the meta.
    #[inline]
    pub(super) fn field(&self, span: &Span) -> &[u8] {
        self.bytes.get(span.clone()).unwrap_or_default()
    }

    pub(super) fn user_fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        Meta::user_fields(&self.bytes, meta_span(self.meta_len))
    }

    /// What the data says it is; the default where that is nothing known.
    #[inline]
    pub(super) fn content_type(&self) -> ContentType {
        meaning(&CONTENT_TYPES, self.meta.content_type).0.unwrap_or_default()
    }

    /// Whether the data is compressed or has a checksum.
    #[inline]
    pub(super) fn is_packed(&self) -> bool {
        self.meta.compress_type != 0 || self.meta.checksum_type != 0
    }

    /// Bytes of the whole frame.
    pub(super) fn wire_len(&self) -> usize {
        self.bytes.len()
    }

    /// Checks and takes out what is behind the meta. `what` is the word for the message in error texts.
    #[inline]
    pub(super) fn payload(&self, what: &str, limits: &Limits) -> Result<Payload, ValueError> {
        let meta = &self.meta;
        if meta.streams {
            return Err(ValueError::new("streaming RPC is not supported"));
        }
        let mut data = self.bytes.slice(meta_span(self.meta_len).end..);
        let (size, rest) = (meta.attachment_size, data.len());
        let Some(data_len) = usize::try_from(size).ok().and_then(|size| rest.checked_sub(size)) else {
            let text = format!("attachment_size={size} is larger than {what}_size={rest}");
            return Err(ValueError::new(text));
        };
        let (Some(compression), Some(content_type)) =
            (meaning(&COMPRESSIONS, meta.compress_type).0, meaning(&CONTENT_TYPES, meta.content_type).0)
        else {
            return Err(self.unreadable(what, data_len, None));
        };
        let attachment = data.split_off(data_len);
        if meta.checksum_type != 0 {
            self.check(&data, &attachment).map_err(|why| self.unreadable(what, data_len, Some(why)))?;
        }
        let (body, compressed_len) = if compression == Compression::None {
            (data, 0)
        } else {
            let body = compression
                .decompress(&data, limits.max_message_bytes)
                .map_err(|error| self.unreadable(what, data_len, Some(error.text())))?;
            (body.into(), data_len)
        };
        Ok(Payload { body, attachment, content_type, compression, compressed_len })
    }

    /// Compares the checksum. bRPC aborts the process if the value is not of 4 bytes.
    fn check(&self, data: &[u8], attachment: &[u8]) -> Result<(), &'static str> {
        if self.meta.checksum_type != CRC32C {
            return Err("unknown checksum_type");
        }
        let Ok(value) = <[u8; 4]>::try_from(self.field(&self.meta.checksum_value)) else {
            return Err("checksum_value is not of 4 bytes");
        };
        let attachment = if self.meta.checksum_with_attachment { attachment } else { &[] };
        if u32::from_be_bytes(value) == masked(&[data, attachment]) {
            Ok(())
        } else {
            Err("checksum_value does not match")
        }
    }

    /// The facts bRPC tells of a body that cannot be read, and what it does not tell: why.
    #[cold]
    pub(super) fn unreadable(&self, what: &str, size: usize, why: Option<&str>) -> ValueError {
        let content = meaning(&CONTENT_TYPES, self.meta.content_type).1;
        let compress = meaning(&COMPRESSIONS, self.meta.compress_type).1;
        let checksum = match self.meta.checksum_type {
            0 => "none",
            CRC32C => "crc32c",
            _ => "unknown",
        };
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        ValueError::new(format!(
            "Fail to parse {what}, ContentType={content}, CompressType={compress}, ChecksumType={checksum}, \
             {what}_size={size}{why}"
        ))
    }
}

/// Added to the rotated value. Source: `butil/crc32c.h` `kMaskDelta`.
const MASK_DELTA: u32 = 0xA282_EAD8;

/// CRC-32C as bRPC writes it: masked, so that the checksum of data with checksums in it stays a good one. Source: bRPC
/// `policy/crc32c_checksum.cpp`, `butil/crc32c.h` (`Mask`).
pub(super) fn masked(parts: &[&[u8]]) -> u32 {
    let crc = parts.iter().fold(0, |crc, part| crc32c_append(crc, part));
    crc.rotate_right(15).wrapping_add(MASK_DELTA)
}

/// Where in a frame its meta lies.
fn meta_span(meta_len: usize) -> Span {
    HEADER_LEN..meta_len.saturating_add(HEADER_LEN)
}

#[cold]
fn no_magic(at: usize) -> DecodeError {
    DecodeError::Malformed { at, what: "no PRPC at the start of a message" }
}

/// What is written behind a meta, and what the meta has to say of it.
pub(super) struct Packed<'a> {
    data: Cow<'a, [u8]>,
    attachment: &'a [u8],
    compress_type: i64,
    checksum: Option<u32>,
}

impl<'a> Packed<'a> {
    #[inline]
    pub(super) fn new(
        body: &'a [u8],
        attachment: &'a [u8],
        compression: Compression,
        checksum: bool,
    ) -> Self {
        let data: Cow<'a, [u8]> =
            if compression == Compression::None { body.into() } else { compression.compress(body).into() };
        let checksum = checksum.then(|| masked(&[&data]));
        Self { data, attachment, compress_type: number(&COMPRESSIONS, compression), checksum }
    }

    /// The most [`put_meta`](Self::put_meta) writes, in bytes.
    pub(super) const MAX_META: usize = 2 + 6 + 2 + 2 + 6;

    /// Writes the meta's fields 3, 5 and 10 to 12, those that are not 0.
    #[inline]
    pub(super) fn put_meta(&self, out: &mut impl BufMut, content_type: ContentType) {
        if self.compress_type != 0 {
            put_int(out, 3, self.compress_type);
        }
        if !self.attachment.is_empty() {
            put_int(out, 5, self.attachment.len() as i64);
        }
        let content_type = number(&CONTENT_TYPES, content_type);
        if content_type != 0 {
            put_int(out, 10, content_type);
        }
        if let Some(checksum) = self.checksum {
            put_int(out, 11, CRC32C.into());
            put_bytes(out, 12, &checksum.to_be_bytes());
        }
    }

    /// Appends the frame whose meta is `meta`, or nothing.
    #[inline]
    pub(super) fn put_frame(&self, meta: &[u8], out: &mut BytesMut) -> Result<(), EncodeError> {
        let parts = [meta.len(), self.data.len(), self.attachment.len()];
        let body_size = parts.into_iter().fold(0, usize::saturating_add);
        if body_size > MAX_BODY {
            return Err(EncodeError::new(format!("message of {body_size} bytes, limit {MAX_BODY}")));
        }
        out.reserve(body_size.saturating_add(HEADER_LEN));
        out.put_slice(MAGIC);
        out.put_u32(body_size as u32);
        out.put_u32(meta.len() as u32);
        out.put_slice(meta);
        out.put_slice(&self.data);
        out.put_slice(self.attachment);
        Ok(())
    }
}

/// The largest body the sizes of a meta can tell.
const MAX_BODY: usize = i32::MAX as usize;
