//! The header documents of both directions, read and written by hand.
//!
//! Shape: request `{ServiceMethod, Seq}`, reply `{ServiceMethod, Seq, Error}`, in any order, unknown members
//! skipped, the last of equal ones counts; an `Error` of any kind is one, but null and an empty string. Optional members of ours that other peers skip: request `Timeout`
//! (milliseconds) and `Details` (bool), reply `Code` (string) and `Data` (any value).
//! Source: vitess `go/rpcwrap/bsonrpc/custom_codecs.go`.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::{
    de,
    dialect::Dialect,
    kind,
    read::{Reader, WireError},
};
use crate::{codec::timeout_of, error::DecodeError, message::ErrorReply, two_part::Header};
use bytes::BytesMut;
use std::{borrow::Cow, ops::Range};

/// Bytes a header document may have; a method's name is its only long part.
pub(super) const MAX_HEADER_BYTES: usize = 64 << 10;

/// Bytes of the shortest document: a length and a terminator.
const MIN_DOCUMENT_BYTES: usize = 5;

/// The length of the document that starts at `at`, if its first four bytes have arrived.
///
/// # Errors
/// It is too short to be a document or longer than `limit`.
#[inline]
pub(super) fn document_len(buf: &[u8], at: usize, limit: usize) -> Result<Option<usize>, DecodeError> {
    let Some(&bytes) = buf.get(at..).and_then(<[u8]>::first_chunk) else {
        return Ok(None);
    };
    let announced = u32::from_le_bytes(bytes);
    match usize::try_from(announced) {
        Ok(len) if (MIN_DOCUMENT_BYTES..=limit).contains(&len) => Ok(Some(len)),
        Ok(len) if len < MIN_DOCUMENT_BYTES => {
            Err(DecodeError::Malformed { at, what: "document length under 5" })
        }
        _ => Err(DecodeError::TooBig { len: announced.into(), limit }),
    }
}

/// Reads a request's whole header document, and in which dialect its peer reads: a name that is a String is standard,
/// unless `Seq` is of a kind that only vitess has.
#[inline]
pub(super) fn read_request(document: &[u8]) -> Result<Header<Dialect>, DecodeError> {
    let mut header = Header { len: document.len(), ..Header::default() };
    let mut seq_kind = kind::NULL;
    each_member(document, |reader, kind, key| {
        match key {
            b"ServiceMethod" => {
                header.service_method = text(document, reader, kind)?;
                header.own = if kind == kind::STRING { Dialect::Standard } else { Dialect::Vitess };
            }
            b"Seq" => {
                header.seq = seq(reader, kind)?;
                seq_kind = kind;
            }
            b"Timeout" => match integer(reader, kind)? {
                Some(millis) => {
                    header.timeout = u64::try_from(millis).ok().and_then(timeout_of);
                }
                None => reader.skip(kind)?,
            },
            b"Details" if kind == kind::BOOL => header.details = reader.byte()? != 0,
            _ => reader.skip(kind)?,
        }
        Ok(())
    })?;
    if seq_kind == kind::UINT64 {
        header.own = Dialect::Vitess;
    }
    Ok(header)
}

/// What only a reply's header says.
#[derive(Debug, Default)]
pub(super) struct OfReply {
    /// The kind of its `Data`.
    pub(super) data_kind: Option<u8>,
    /// Its error where that is no text.
    pub(super) other_error: Option<Box<ErrorReply>>,
}

/// Reads a reply's whole header document.
#[inline]
pub(super) fn read_reply(document: &[u8]) -> Result<Header<OfReply>, DecodeError> {
    let mut header: Header<OfReply> = Header { len: document.len(), ..Header::default() };
    each_member(document, |reader, kind, key| {
        match key {
            b"ServiceMethod" => header.service_method = text(document, reader, kind)?,
            b"Seq" => header.seq = seq(reader, kind)?,
            b"Error" => {
                (header.error, header.own.other_error) = match kind {
                    kind::BINARY | kind::STRING | kind::NULL => (text(document, reader, kind)?, None),
                    _ => (0..0, Some(other_error(document, reader, kind)?)),
                };
            }
            b"Code" if matches!(kind, kind::STRING | kind::BINARY) => {
                header.code = text(document, reader, kind)?;
            }
            b"Data" => {
                let start = reader.at(document.len());
                reader.skip(kind)?;
                header.data = start..reader.at(document.len());
                header.own.data_kind = Some(kind);
            }
            _ => reader.skip(kind)?,
        }
        Ok(())
    })?;
    Ok(header)
}

/// What an error says that is no text, as servers that are none of Go's may have it.
#[cold]
fn other_error(document: &[u8], reader: &mut Reader<'_>, kind: u8) -> Result<Box<ErrorReply>, WireError> {
    let start = reader.at(document.len());
    reader.skip(kind)?;
    let value = document.get(start..reader.at(document.len())).unwrap_or_default();
    Ok(Box::new(ErrorReply::of_value(de::any_from_element(kind, value))))
}

/// Calls `member` with the kind and the key of each member; it reads the value.
#[inline]
fn each_member<'de>(
    document: &'de [u8],
    mut member: impl FnMut(&mut Reader<'de>, u8, &'de [u8]) -> Result<(), WireError>,
) -> Result<(), DecodeError> {
    let mut reader = Reader::new(document);
    let mut walk = || {
        reader.take(4)?;
        loop {
            let kind = reader.byte()?;
            if kind == 0 {
                return Ok(());
            }
            // The two keys of every request are known faster by comparing than by looking for their end.
            let key = if reader.skip_prefix(b"ServiceMethod\0") {
                &b"ServiceMethod"[..]
            } else if reader.skip_prefix(b"Seq\0") {
                b"Seq"
            } else {
                reader.cstr()?
            };
            member(&mut reader, kind, key)?;
        }
    };
    walk().map_err(|error| malformed(error, reader.at(document.len())))
}

#[cold]
fn malformed(error: WireError, at: usize) -> DecodeError {
    let what = match error {
        WireError::Eof => "header ends early",
        WireError::EmptyString => "string of length 0",
        WireError::TooDeep => "header nested too deep",
        WireError::ShortDocument => "document length under 4",
        WireError::Kind(_) => "unexpected kind of header member",
    };
    DecodeError::Malformed { at, what }
}

/// Where in `document` a text lies.
#[inline]
fn text(document: &[u8], reader: &mut Reader<'_>, kind: u8) -> Result<Range<usize>, WireError> {
    let (text, terminator) = match kind {
        kind::BINARY => (reader.binary()?.1, 0),
        kind::STRING => (reader.string()?, 1),
        kind::NULL => return Ok(0..0),
        other => return Err(WireError::Kind(other)),
    };
    let end = reader.at(document.len()).saturating_sub(terminator);
    Ok(end.saturating_sub(text.len())..end)
}

/// `Seq`: an int32 is zero-extended as in the original.
#[inline]
fn seq(reader: &mut Reader<'_>, kind: u8) -> Result<u64, WireError> {
    match kind {
        kind::UINT64 | kind::INT64 => reader.u64(),
        kind::INT32 => reader.u32().map(u64::from),
        kind::NULL => Ok(0),
        other => Err(WireError::Kind(other)),
    }
}

fn integer(reader: &mut Reader<'_>, kind: u8) -> Result<Option<i128>, WireError> {
    Ok(Some(match kind {
        kind::INT32 => reader.i32()?.into(),
        kind::INT64 => reader.i64()?.into(),
        kind::UINT64 => reader.u64()?.into(),
        _ => return Ok(None),
    }))
}

/// Writes the whole header of a reply that is no error.
#[inline]
pub(super) fn put_success(out: &mut BytesMut, dialect: Dialect, service_method: &[u8], number: u64) {
    // In pieces as long as they can be: each one appended is looked at for room. Its length is the same in both dialects,
    // one of which has a byte in front of a text and the other behind it.
    let mut front = *b"\0\0\0\0\x05ServiceMethod\0\0\0\0\0\0";
    let mut rest = *b"\0\x3FSeq\0\0\0\0\0\0\0\0\0\x05Error\0\0\0\0\0\0\0";
    rest[6..14].copy_from_slice(&number.to_le_bytes());
    let is_standard = dialect == Dialect::Standard;
    let name = if is_standard { utf8(service_method) } else { Cow::Borrowed(service_method) };
    let len = name.len().saturating_add(front.len()).saturating_add(rest.len().saturating_sub(1));
    front[..4].copy_from_slice(&wire_len(len));
    out.reserve(len.saturating_add(64));
    if is_standard {
        (front[4], rest[1], rest[14], rest[21]) = (kind::STRING, kind::INT64, kind::STRING, 1);
        front[19..23].copy_from_slice(&wire_len(name.len().saturating_add(1)));
        out.extend_from_slice(&front[..23]);
        out.extend_from_slice(&name);
        out.extend_from_slice(&rest);
    } else {
        front[19..23].copy_from_slice(&wire_len(name.len()));
        out.extend_from_slice(&front);
        out.extend_from_slice(&name);
        out.extend_from_slice(&rest[1..]);
    }
}

/// Starts a header: the two members of both directions.
#[inline]
pub(super) fn start(out: &mut BytesMut, dialect: Dialect, service_method: &[u8], number: u64) -> usize {
    let start = out.len();
    out.reserve(service_method.len().saturating_add(112));
    out.extend_from_slice(&[0; 4]);
    put_text(out, dialect, b"ServiceMethod\0", service_method);
    put_seq(out, dialect, number);
    start
}

/// Ends the header that starts at `start`.
#[inline]
pub(super) fn end(out: &mut BytesMut, start: usize) {
    out.extend_from_slice(&[0]);
    let len = wire_len(out.len().saturating_sub(start));
    if let Some(place) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
        *place = len;
    }
}

/// A text member; what is not UTF-8 is replaced in the standard dialect, whose readers refuse it.
#[inline]
pub(super) fn put_text(out: &mut BytesMut, dialect: Dialect, key_and_zero: &[u8], text: &[u8]) {
    match dialect {
        Dialect::Vitess => {
            out.extend_from_slice(&[kind::BINARY]);
            out.extend_from_slice(key_and_zero);
            out.extend_from_slice(&wire_len(text.len()));
            out.extend_from_slice(&[kind::GENERIC]);
            out.extend_from_slice(text);
        }
        Dialect::Standard => {
            let text = utf8(text);
            out.extend_from_slice(&[kind::STRING]);
            out.extend_from_slice(key_and_zero);
            out.extend_from_slice(&wire_len(text.len().saturating_add(1)));
            out.extend_from_slice(&text);
            out.extend_from_slice(&[0]);
        }
    }
}

/// The text as a reader of the standard dialect takes it.
#[inline]
fn utf8(text: &[u8]) -> Cow<'_, [u8]> {
    // Nearly all are, and are known to be by fewer steps than UTF-8 is.
    if text.is_ascii() { Cow::Borrowed(text) } else { lossy(text) }
}

#[cold]
fn lossy(text: &[u8]) -> Cow<'_, [u8]> {
    match String::from_utf8_lossy(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

#[inline]
fn put_seq(out: &mut BytesMut, dialect: Dialect, number: u64) {
    let mut member = *b"\x3fSeq\0\0\0\0\0\0\0\0\0";
    if dialect == Dialect::Standard {
        member[0] = kind::INT64;
    }
    member[5..].copy_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&member);
}

/// A length as it stands on the wire. Names and error texts of 4 GiB do not fit the format; no peer's limits let
/// them in, and no program's error text is that long.
#[inline]
fn wire_len(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}
