//! Tokens onto the end of a buffer, each in its shortest form.
//!
//! Used by headers and the serializer alike; knows markers but neither serde nor messages.
//! Source: MessagePack specification, "Formats".

use bytes::{BufMut, BytesMut};

pub(super) const NIL: u8 = 0xC0;
/// The markers of lists and maps whose length is written when it is known.
pub(super) const LIST_32: u8 = 0xDD;
pub(super) const MAP_32: u8 = 0xDF;

#[inline]
pub(super) fn boolean(out: &mut BytesMut, value: bool) {
    out.put_u8(if value { 0xC3 } else { 0xC2 });
}

#[inline]
pub(super) fn uint(out: &mut BytesMut, value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    match value {
        0..=0x7F => out.extend_from_slice(&[h]),
        0x80..=0xFF => out.extend_from_slice(&[0xCC, h]),
        0x100..=0xFFFF => out.extend_from_slice(&[0xCD, g, h]),
        0x1_0000..=0xFFFF_FFFF => out.extend_from_slice(&[0xCE, e, f, g, h]),
        _ => out.extend_from_slice(&[0xCF, a, b, c, d, e, f, g, h]),
    }
}

#[inline]
pub(super) fn int(out: &mut BytesMut, value: i64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    match value {
        0.. => uint(out, value.unsigned_abs()),
        -0x20..0 => out.extend_from_slice(&[h]),
        -0x80..-0x20 => out.extend_from_slice(&[0xD0, h]),
        -0x8000..-0x80 => out.extend_from_slice(&[0xD1, g, h]),
        -0x8000_0000..-0x8000 => out.extend_from_slice(&[0xD2, e, f, g, h]),
        _ => out.extend_from_slice(&[0xD3, a, b, c, d, e, f, g, h]),
    }
}

#[inline]
pub(super) fn f32(out: &mut BytesMut, value: f32) {
    let [a, b, c, d] = value.to_be_bytes();
    out.extend_from_slice(&[0xCA, a, b, c, d]);
}

#[inline]
pub(super) fn f64(out: &mut BytesMut, value: f64) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    out.extend_from_slice(&[0xCB, a, b, c, d, e, f, g, h]);
}

/// A string, or nothing if it is longer than the format can say.
#[inline]
#[must_use]
pub(super) fn str(out: &mut BytesMut, text: &str) -> Option<()> {
    raw(out, text.as_bytes())
}

/// A string of any bytes: what was called raw before the specification of 2013 told strings from bytes. A text of Go
/// that is not UTF-8 stays one, as Go's codecs write it; those of the years before it read nothing else as a string.
#[inline]
#[must_use]
pub(super) fn raw(out: &mut BytesMut, text: &[u8]) -> Option<()> {
    let [a, b, c, d] = u32::try_from(text.len()).ok()?.to_be_bytes();
    match text.len() {
        0..=31 => out.extend_from_slice(&[0xA0 | d]),
        32..=0xFF => out.extend_from_slice(&[0xD9, d]),
        0x100..=0xFFFF => out.extend_from_slice(&[0xDA, c, d]),
        _ => out.extend_from_slice(&[0xDB, a, b, c, d]),
    }
    out.extend_from_slice(text);
    Some(())
}

/// Bytes, or nothing if they are more than the format can say.
#[inline]
#[must_use]
pub(super) fn bin(out: &mut BytesMut, bytes: &[u8]) -> Option<()> {
    let [a, b, c, d] = u32::try_from(bytes.len()).ok()?.to_be_bytes();
    match bytes.len() {
        0..=0xFF => out.extend_from_slice(&[0xC4, d]),
        0x100..=0xFFFF => out.extend_from_slice(&[0xC5, c, d]),
        _ => out.extend_from_slice(&[0xC6, a, b, c, d]),
    }
    out.extend_from_slice(bytes);
    Some(())
}

/// The start of a list.
#[inline]
#[must_use]
pub(super) fn list(out: &mut BytesMut, len: usize) -> Option<()> {
    start(out, len, 0x90, 0xDC)
}

/// The start of a map of so many pairs.
#[inline]
#[must_use]
pub(super) fn map(out: &mut BytesMut, len: usize) -> Option<()> {
    start(out, len, 0x80, 0xDE)
}

#[inline]
fn start(out: &mut BytesMut, len: usize, short: u8, long: u8) -> Option<()> {
    let [a, b, c, d] = u32::try_from(len).ok()?.to_be_bytes();
    match len {
        0..=15 => out.extend_from_slice(&[short | d]),
        16..=0xFFFF => out.extend_from_slice(&[long, c, d]),
        _ => out.extend_from_slice(&[long + 1, a, b, c, d]),
    }
    Some(())
}
