//! Reads tokens of one JSON value that is there as a whole.
//!
//! The deserializer's view of the bytes. Requests have passed the scanner, bare values have not: every token is
//! checked here. Knows nothing of types.

use super::{
    de_error::DeError,
    text::{plain_len, unescape},
};
use std::borrow::Cow;

/// How deep values may nest, as in the other codecs; protects the stack also where
/// [`Limits::max_depth`](crate::Limits::max_depth) is larger.
pub(super) const MAX_DEPTH: usize = 100;

#[derive(Debug, Clone)]
pub(super) struct Cursor<'de> {
    bytes: &'de [u8],
    at: usize,
    /// Arrays and objects around `at`, and those that fewer may be than [`MAX_DEPTH`].
    depth: usize,
}

/// A number as it is written, and its value if it is an integer of 64 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'de> {
    text: &'de [u8],
    pub(super) negative: bool,
    pub(super) magnitude: Option<u64>,
}

impl<'de> Number<'de> {
    /// What `null` is where a number is due.
    pub(super) const ZERO: Self = Self { text: b"0", negative: false, magnitude: Some(0) };

    /// As it is written.
    pub(super) fn text(&self) -> &'de str {
        // Digits, signs, a point and an `e` are ASCII.
        std::str::from_utf8(self.text).unwrap_or_default()
    }

    /// The value as a signed integer.
    #[inline]
    pub(super) fn signed(&self) -> Option<i64> {
        match (self.magnitude?, self.negative) {
            (magnitude, false) => i64::try_from(magnitude).ok(),
            (magnitude, true) => 0i64.checked_sub_unsigned(magnitude),
        }
    }

    /// The value as an unsigned integer.
    #[inline]
    pub(super) fn unsigned(&self) -> Option<u64> {
        self.magnitude.filter(|&magnitude| !self.negative || magnitude == 0)
    }
}

impl<'de> Cursor<'de> {
    /// Of values nested `max_depth` deep, and at most [`MAX_DEPTH`].
    #[inline]
    pub(super) fn new(bytes: &'de [u8], max_depth: usize) -> Self {
        Self { bytes, at: 0, depth: MAX_DEPTH.saturating_sub(max_depth) }
    }

    /// How many bytes have been taken.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The first byte of the next token, which stays; `None` at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_behind_blanks(),
        }
    }

    #[inline(never)]
    fn peek_behind_blanks(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// Takes `byte` if it is the next token.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), DeError> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Steps into the array or object that starts here.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), DeError> {
        if self.depth == MAX_DEPTH {
            return Err(DeError::other("exceeded max depth"));
        }
        (self.at, self.depth) = (self.at + 1, self.depth + 1);
        Ok(())
    }

    /// Takes what ends the array or object: `end`.
    #[inline]
    pub(super) fn leave(&mut self, end: u8) -> Result<(), DeError> {
        self.expect(end)?;
        self.depth -= 1;
        Ok(())
    }

    /// What is wrong with the next byte, in Go's words.
    #[cold]
    pub(super) fn unexpected(&self) -> DeError {
        match self.bytes.get(self.at) {
            None => DeError::other("unexpected end of JSON input"),
            Some(&byte) => {
                DeError::other(format!("invalid character {:?} at byte {}", char::from(byte), self.at))
            }
        }
    }

    /// That the value which starts here is none of the type `wanted`, in Go's words.
    #[cold]
    pub(super) fn mismatch(&mut self, wanted: &str) -> DeError {
        let found = match self.peek() {
            Some(b'"') => "string",
            Some(b'{') => "object",
            Some(b'[') => "array",
            Some(b't' | b'f') => "bool",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "number",
            _ => return self.unexpected(),
        };
        DeError::mismatch(found, wanted)
    }

    /// Takes `null` if that is what starts here.
    #[inline]
    pub(super) fn take_null(&mut self) -> Result<bool, DeError> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.literal(b"null")?;
        Ok(true)
    }

    /// Takes `true` or `false`.
    pub(super) fn boolean(&mut self) -> Result<bool, DeError> {
        match self.peek() {
            Some(b't') => self.literal(b"true").map(|()| true),
            Some(b'f') => self.literal(b"false").map(|()| false),
            _ => Err(self.mismatch("bool")),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), DeError> {
        for wanted in word {
            if self.bytes.get(self.at) != Some(wanted) {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Takes the string whose quote is next.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'de, str>, DeError> {
        let Some(text) = self.plain_string() else { return self.escaped_string() };
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Ok(unescape(text)),
        }
    }

    /// Takes the string whose quote is next if it has no escapes.
    #[inline]
    fn plain_string(&mut self) -> Option<&'de [u8]> {
        let rest = self.bytes.get(self.at + 1..)?;
        let (text, rest) = rest.split_at_checked(plain_len(rest))?;
        if rest.first() != Some(&b'"') {
            return None;
        }
        self.at += text.len() + 2;
        Some(text)
    }

    /// A string with escapes, or one that does not end.
    #[cold]
    fn escaped_string(&mut self) -> Result<Cow<'de, str>, DeError> {
        let start = self.at + 1;
        self.at = start;
        loop {
            self.at += plain_len(self.bytes.get(self.at..).unwrap_or_default());
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(self.unexpected()),
            }
        }
        let raw = self.bytes.get(start..self.at).unwrap_or_default();
        self.at += 1;
        Ok(unescape(raw))
    }

    fn escape(&mut self) -> Result<(), DeError> {
        self.at += 1;
        let digits = match self.bytes.get(self.at) {
            Some(b'u') => 4,
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        for _ in 0..digits {
            if !self.bytes.get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Takes the number that starts here.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number<'de>, DeError> {
        let start = self.at;
        let negative = self.bytes.get(start) == Some(&b'-');
        self.at += usize::from(negative);
        let first = self.at;
        let mut sum = 0u64;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            sum = sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - first;
        if digits == 0 {
            return Err(self.unexpected());
        }
        if digits > 1 && self.bytes.get(first) == Some(&b'0') {
            self.at = first + 1;
            return Err(self.unexpected());
        }
        let whole = self.bytes.get(first..self.at).unwrap_or_default();
        // 19 digits cannot overflow 64 bits; 20 can.
        let mut magnitude =
            if digits < 20 { Some(sum) } else { Number { text: whole, ..Number::ZERO }.text().parse().ok() };
        if let Some(b'.' | b'e' | b'E') = self.bytes.get(self.at) {
            magnitude = None;
            self.fraction()?;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        Ok(Number { text, negative, magnitude })
    }

    fn fraction(&mut self) -> Result<(), DeError> {
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    /// Takes at least one digit.
    fn digits(&mut self) -> Result<(), DeError> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected()) } else { Ok(()) }
    }

    /// Takes the comma before every value but the first; `false` at the `end` of the array or object.
    #[inline]
    pub(super) fn next(&mut self, first: bool, end: u8) -> Result<bool, DeError> {
        let byte = self.peek();
        if byte == Some(end) {
            return Ok(false);
        }
        if first {
            return Ok(true);
        }
        if byte != Some(b',') {
            return Err(self.unexpected());
        }
        self.at += 1;
        if self.peek() == Some(end) { Err(self.unexpected()) } else { Ok(true) }
    }

    /// Takes a member's name if it is one of `names` to the letter; the one at `likely` is tried first.
    ///
    /// Says which of them it is. Names with escapes are left to [`name`](Self::name).
    #[inline]
    pub(super) fn name_of(
        &mut self,
        names: &'static [&'static str],
        likely: usize,
    ) -> Option<(usize, &'static str)> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at;
        let name = self.plain_string()?;
        match names.get(likely) {
            Some(wanted) if is_same(wanted.as_bytes(), name) => return Some((likely, wanted)),
            _ => {}
        }
        let found = names.iter().position(|wanted| wanted.as_bytes() == name);
        if found.is_none() {
            self.at = start;
        }
        found.and_then(|index| Some((index, *names.get(index)?)))
    }

    /// Takes a member's name, quoted, and leaves its value.
    #[inline]
    pub(super) fn name(&mut self) -> Result<Cow<'de, str>, DeError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        self.string()
    }

    /// Takes a value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), DeError> {
        let end = match self.peek() {
            Some(b'{') => b'}',
            Some(b'[') => b']',
            Some(b'"') => return self.string().map(drop),
            Some(b't' | b'f') => return self.boolean().map(drop),
            Some(b'n') => return self.literal(b"null"),
            Some(b'-' | b'0'..=b'9') => return self.number().map(drop),
            _ => return Err(self.unexpected()),
        };
        self.enter()?;
        self.skip_rest(true, end)
    }

    /// Takes what is left of the array or object around here, with its `end`.
    #[inline]
    pub(super) fn skip_rest(&mut self, first: bool, end: u8) -> Result<(), DeError> {
        if self.peek() == Some(end) {
            return self.leave(end);
        }
        self.skip_values(first, end)
    }

    #[inline(never)]
    fn skip_values(&mut self, mut first: bool, end: u8) -> Result<(), DeError> {
        while self.next(first, end)? {
            first = false;
            if end == b'}' {
                self.name()?;
                self.expect(b':')?;
            }
            self.skip()?;
        }
        self.leave(end)
    }
}

/// Whether two names are the same; most are too short for a call of the library's comparison to pay.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}
