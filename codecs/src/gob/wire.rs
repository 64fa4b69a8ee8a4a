//! The scalars of gob: checked reads from the front of a slice, appends to a buffer.
//!
//! Everything else of the format is made of these. Knows neither types nor messages. Source: Go `encoding/gob`
//! `decodeUint`, `encodeUint`.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use crate::error::ValueError;
use bytes::BufMut;

/// What is wrong with bytes that should be gob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireError {
    /// The message ends inside a value.
    Eof,
    /// An integer of more than 8 bytes.
    LongUint,
    /// A value or a type inside more than this many others.
    TooDeep(usize),
    /// Anything else, in words; Go's own where Go has them.
    Corrupt(&'static str),
    /// As [`WireError::Corrupt`], of bytes that only a hostile peer sends, or that leave the type table in doubt.
    Hostile(&'static str),
}

impl WireError {
    /// The error in words that need not be built.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Eof => "unexpected EOF",
            Self::LongUint => "gob: encoded unsigned integer out of range",
            Self::TooDeep(_) => "nested too deep",
            Self::Corrupt(what) | Self::Hostile(what) => what,
        }
    }
}

impl From<WireError> for ValueError {
    #[cold]
    fn from(error: WireError) -> Self {
        match error {
            WireError::TooDeep(limit) => Self::fatal(format!("nesting deeper than {limit}")),
            WireError::Hostile(what) => Self::fatal(what),
            _ => Self::new(error.what()),
        }
    }
}

/// Reads from the front of a slice.
#[derive(Debug, Clone)]
pub(super) struct Reader<'de> {
    rest: &'de [u8],
}

impl<'de> Reader<'de> {
    #[inline]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    #[inline]
    pub(super) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    /// How many of the `whole` bytes it began with have been read.
    #[inline]
    pub(super) fn at(&self, whole: usize) -> usize {
        whole.saturating_sub(self.rest.len())
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'de [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(WireError::Eof)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Below 128 one byte; else one byte, the negated count of the big-endian bytes that follow. Leading zeros are
    /// accepted as in Go.
    #[inline(always)]
    pub(super) fn uint(&mut self) -> Result<u64, WireError> {
        match self.rest {
            [byte @ ..0x80, rest @ ..] => {
                self.rest = rest;
                Ok((*byte).into())
            }
            // As ids of types are.
            [0xFF, byte, rest @ ..] => {
                self.rest = rest;
                Ok((*byte).into())
            }
            _ => self.long_uint(),
        }
    }

    fn long_uint(&mut self) -> Result<u64, WireError> {
        // Most numbers of calls.
        let short = match self.rest {
            [0xFE, high, low, rest @ ..] => Some((u32::from_be_bytes([0, 0, *high, *low]), rest)),
            [0xFD, high, mid, low, rest @ ..] => Some((u32::from_be_bytes([0, *high, *mid, *low]), rest)),
            _ => None,
        };
        if let Some((value, rest)) = short {
            self.rest = rest;
            return Ok(value.into());
        }
        let (&first, rest) = self.rest.split_first().ok_or(WireError::Eof)?;
        let len = usize::from(first.wrapping_neg());
        if len > 8 {
            return Err(WireError::LongUint);
        }
        if let Some(eight) = rest.first_chunk::<8>()
            && len > 0
        {
            self.rest = rest.get(len..).unwrap_or_default();
            // `len` is at most 8.
            return Ok(u64::from_be_bytes(*eight) >> (64_usize.wrapping_sub(8_usize.wrapping_mul(len))));
        }
        let (digits, rest) = rest.split_at_checked(len).ok_or(WireError::Eof)?;
        self.rest = rest;
        Ok(digits.iter().fold(0, |value, &digit| value << 8 | u64::from(digit)))
    }

    /// The sign is the lowest bit; the other bits are inverted if it is set.
    #[inline]
    pub(super) fn int(&mut self) -> Result<i64, WireError> {
        let bits = self.uint()?;
        let value = (bits >> 1).cast_signed();
        Ok(if bits & 1 == 0 { value } else { !value })
    }

    /// The bits of the number, last byte first.
    #[inline]
    pub(super) fn float(&mut self) -> Result<f64, WireError> {
        self.uint().map(|bits| f64::from_bits(bits.swap_bytes()))
    }

    /// Takes a byte away if it comes next; `None` if it does not.
    #[inline]
    pub(super) fn tag(&mut self, byte: u8) -> Option<()> {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                Some(())
            }
            _ => None,
        }
    }

    /// A length that has to lie within what is left.
    #[inline]
    pub(super) fn len(&mut self) -> Result<usize, WireError> {
        match usize::try_from(self.uint()?) {
            Ok(len) if len <= self.rest.len() => Ok(len),
            _ => Err(WireError::Eof),
        }
    }

    /// A length and as many bytes: texts, bytes and opaque values.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'de [u8], WireError> {
        let len = self.len()?;
        self.take(len)
    }
}

/// Appends an unsigned integer in as few bytes as it takes.
#[inline(always)]
pub(super) fn put_uint(out: &mut impl BufMut, value: u64) {
    match u8::try_from(value) {
        Ok(small @ ..0x80) => out.put_u8(small),
        // As ids of types are.
        Ok(byte) => out.put_slice(&[0xFF, byte]),
        Err(_) => put_long_uint(out, value),
    }
}

fn put_long_uint(out: &mut impl BufMut, value: u64) {
    // Copies of a known length take a store or two.
    match value.to_be_bytes() {
        [0, 0, 0, 0, 0, 0, high, low] => return out.put_slice(&[0xFE, high, low]),
        [0, 0, 0, 0, 0, high, mid, low] => return out.put_slice(&[0xFD, high, mid, low]),
        _ => {}
    }
    let mut bytes = [0; 9];
    let digits = value.to_be_bytes();
    let digits = digits.get(value.leading_zeros() as usize / 8..).unwrap_or_default();
    if let Some((len, place)) = bytes.split_first_mut()
        && let Some(place) = place.get_mut(..digits.len())
    {
        *len = (digits.len() as u8).wrapping_neg();
        place.copy_from_slice(digits);
    }
    out.put_slice(bytes.get(..digits.len().saturating_add(1)).unwrap_or_default());
}

/// Appends a signed integer.
#[inline(always)]
pub(super) fn put_int(out: &mut impl BufMut, value: i64) {
    let bits = (value << 1) ^ (value >> 63);
    put_uint(out, bits.cast_unsigned());
}

/// Appends a float.
#[inline]
pub(super) fn put_float(out: &mut impl BufMut, value: f64) {
    put_uint(out, value.to_bits().swap_bytes());
}

/// Appends a length and the bytes.
#[inline]
pub(super) fn put_bytes(out: &mut impl BufMut, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.put_slice(bytes);
}

/// Puts an unsigned integer in the place of the one byte at `at`.
#[inline]
pub(super) fn put_uint_at(out: &mut Vec<u8>, at: usize, value: usize) {
    match (u8::try_from(value), out.get_mut(at)) {
        (Ok(small @ ..0x80), Some(place)) => *place = small,
        _ => make_room(out, at, value),
    }
}

#[cold]
fn make_room(out: &mut Vec<u8>, at: usize, value: usize) {
    let mut number = Vec::with_capacity(9);
    put_uint(&mut number, value as u64);
    out.splice(at..=at, number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;

    const UINTS: [(u64, &[u8]); 8] = [
        (0, b"\x00"),
        (7, b"\x07"),
        (127, b"\x7f"),
        (128, b"\xff\x80"),
        (255, b"\xff\xff"),
        (256, b"\xfe\x01\x00"),
        (u64::MAX >> 8, b"\xf9\xff\xff\xff\xff\xff\xff\xff"),
        (u64::MAX, b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff"),
    ];

    fn written(put: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
        let mut out = BytesMut::new();
        put(&mut out);
        out.to_vec()
    }

    #[test]
    fn uints() {
        for (value, bytes) in UINTS {
            assert_eq!(written(|out| put_uint(out, value)), bytes, "{value}");
            assert_eq!(Reader::new(bytes).uint(), Ok(value));
            for cut in 0..bytes.len() {
                assert_eq!(Reader::new(&bytes[..cut]).uint(), Err(WireError::Eof), "{value} cut at {cut}");
            }
        }
        assert_eq!(Reader::new(b"\xfc\0\0\0\x05").uint(), Ok(5), "leading zeros");
        assert_eq!(Reader::new(b"\xf7\0\0\0\0\0\0\0\0\0").uint(), Err(WireError::LongUint));
        assert_eq!(Reader::new(b"\x80").uint(), Err(WireError::LongUint));
    }

    #[test]
    fn ints_and_floats() {
        let ints: [(i64, &[u8]); 7] = [
            (0, b"\x00"),
            (-1, b"\x01"),
            (28, b"\x38"),
            (-64, b"\x7f"),
            (64, b"\xff\x80"),
            (i64::MAX, b"\xf8\xff\xff\xff\xff\xff\xff\xff\xfe"),
            (i64::MIN, b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff"),
        ];
        for (value, bytes) in ints {
            assert_eq!(written(|out| put_int(out, value)), bytes, "{value}");
            assert_eq!(Reader::new(bytes).int(), Ok(value));
        }
        let floats: [(f64, &[u8]); 4] =
            [(0.0, b"\x00"), (-0.0, b"\xff\x80"), (17.0, b"\xfe\x31\x40"), (f64::INFINITY, b"\xfe\xf0\x7f")];
        for (value, bytes) in floats {
            assert_eq!(written(|out| put_float(out, value)), bytes, "{value}");
            assert_eq!(Reader::new(bytes).float().map(f64::to_bits), Ok(value.to_bits()));
        }
    }

    #[test]
    fn bytes_within_what_is_left() {
        assert_eq!(written(|out| put_bytes(out, b"abc")), b"\x03abc");
        let mut reader = Reader::new(b"\x03abcd");
        assert_eq!(reader.bytes(), Ok(&b"abc"[..]));
        assert_eq!(reader.rest(), b"d");
        assert_eq!(Reader::new(b"\x03ab").bytes(), Err(WireError::Eof));
        assert_eq!(Reader::new(b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff").bytes(), Err(WireError::Eof));
    }
}
