//! Protobuf's wire format as far as a meta needs it: fields one after the other, unknown ones skipped.
//!
//! Borrows and checks, allocates nothing. Source: protobuf "Encoding".
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use crate::error::DecodeError;
use bytes::BufMut;
use std::ops::Range;

/// Groups inside groups that are followed; protobuf's own limit for nesting.
const MAX_GROUPS: usize = 100;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 2: where the bytes lie.
    Bytes(Range<usize>),
    /// Any other wire type, skipped.
    Skipped,
}

/// The fields of one message, from the front.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// Ends with the message.
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of the message that is `range` of `bytes`; offsets are those of `bytes`.
    pub(super) fn new(bytes: &'a [u8], range: Range<usize>) -> Self {
        Self { bytes: bytes.get(..range.end).unwrap_or_default(), at: range.start }
    }

    /// The next field: its number and value.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u64, Value)>, DecodeError> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let (field, wire_type) = self.tag()?;
        let value = match wire_type {
            0 => Value::Varint(self.varint()?),
            2 => Value::Bytes(self.bytes()?),
            _ => {
                self.skip(field, wire_type)?;
                Value::Skipped
            }
        };
        Ok(Some((field, value)))
    }

    #[inline]
    fn tag(&mut self) -> Result<(u64, u64), DecodeError> {
        let at = self.at;
        let tag = self.varint()?;
        if tag >> 3 == 0 || tag > u64::from(u32::MAX) {
            return Err(DecodeError::Malformed { at, what: "a protobuf field number out of range" });
        }
        Ok((tag >> 3, tag & 7))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at = self.at.saturating_add(1);
                Ok(byte.into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        // Ten bytes hold 64 bits; bits beyond them are dropped, as protobuf does.
        let bytes = self.bytes.iter().skip(self.at);
        for (&byte, (end, shift)) in bytes.zip((self.at..).skip(1).zip((0..u64::BITS).step_by(7))) {
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                self.at = end;
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed { at: self.at, what: "a protobuf varint without an end" })
    }

    #[inline]
    fn bytes(&mut self) -> Result<Range<usize>, DecodeError> {
        let at = self.at;
        let len = self.varint()?;
        self.advance(len, at)
    }

    fn advance(&mut self, len: u64, at: usize) -> Result<Range<usize>, DecodeError> {
        let start = self.at;
        match usize::try_from(len).ok().and_then(|len| start.checked_add(len)) {
            Some(end) if end <= self.bytes.len() => {
                self.at = end;
                Ok(start..end)
            }
            _ => Err(DecodeError::Malformed { at, what: "a protobuf field longer than its message" }),
        }
    }

    #[cold]
    fn skip(&mut self, field: u64, wire_type: u64) -> Result<(), DecodeError> {
        let at = self.at;
        match wire_type {
            1 => self.advance(8, at).map(|_| ()),
            5 => self.advance(4, at).map(|_| ()),
            3 => self.skip_group(field),
            _ => Err(DecodeError::Malformed { at, what: "an unknown protobuf wire type" }),
        }
    }

    /// Skips to the end of the group `field` without recursion.
    fn skip_group(&mut self, field: u64) -> Result<(), DecodeError> {
        let mut open = vec![field];
        while let Some(&innermost) = open.last() {
            let (field, wire_type) = self.tag()?;
            let at = self.at;
            match wire_type {
                0 => self.varint().map(|_| ())?,
                2 => self.bytes().map(|_| ())?,
                3 if open.len() >= MAX_GROUPS => return Err(DecodeError::TooDeep { limit: MAX_GROUPS }),
                3 => open.push(field),
                4 if field == innermost => {
                    open.pop();
                }
                4 => return Err(DecodeError::Malformed { at, what: "the end of another protobuf group" }),
                wire_type => self.skip(field, wire_type)?,
            }
        }
        Ok(())
    }
}

/// Appends a varint.
#[inline]
pub(super) fn put_varint(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Appends a field of wire type 0, negative numbers as their 64-bit two's complement.
#[inline]
pub(super) fn put_int(out: &mut impl BufMut, field: u8, value: i64) {
    out.put_u8(field << 3);
    put_varint(out, value as u64);
}

/// Appends a field of wire type 2.
#[inline]
pub(super) fn put_bytes(out: &mut impl BufMut, field: u8, bytes: &[u8]) {
    out.put_u8(field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.put_slice(bytes);
}

/// Bytes of a varint.
pub(super) fn varint_len(value: u64) -> usize {
    (value.max(1).ilog2() as usize / 7).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u64, Value)>, DecodeError> {
        let mut fields = Fields::new(bytes, 0..bytes.len());
        std::iter::from_fn(|| fields.next().transpose()).collect()
    }

    #[test]
    fn every_wire_type_is_read_or_skipped() {
        let bytes = b"\x08\x96\x01\x12\x02ab\x19\0\0\0\0\0\0\0\0\x25\0\0\0\0\x2b\x08\x01\x33\x34\x2c\x08\x07";
        assert_eq!(
            all(bytes).unwrap(),
            [
                (1, Value::Varint(150)),
                (2, Value::Bytes(5..7)),
                (3, Value::Skipped),
                (4, Value::Skipped),
                (5, Value::Skipped),
                (1, Value::Varint(7)),
            ]
        );
    }

    #[test]
    fn broken_fields_are_told() {
        for bytes in [
            &b"\x08"[..],
            b"\x08\x80",
            b"\x00\x01",
            b"\x12\x02a",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x19\0\0\0",
            b"\x25\0",
            b"\x2b\x08\x01",
            b"\x2b\x34",
            b"\x2c",
            b"\x0e",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert!(matches!(all(bytes), Err(DecodeError::Malformed { .. })), "{}", bytes.escape_ascii());
        }
        assert_eq!(all(&[0x0B; 1000]), Err(DecodeError::TooDeep { limit: MAX_GROUPS }));
    }

    #[test]
    fn varints_come_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX] {
            let mut bytes = vec![0x08];
            put_varint(&mut bytes, value);
            assert_eq!(varint_len(value), bytes.len() - 1);
            assert_eq!(all(&bytes).unwrap(), [(1, Value::Varint(value))]);
        }
        let mut bytes = Vec::new();
        put_int(&mut bytes, 1, -1);
        assert_eq!(all(&bytes).unwrap(), [(1, Value::Varint(u64::MAX))]);
    }
}
