//! Finds the end of one JSON object in a stream, byte by byte and never twice.
//!
//! First step of both decoders. A [`Scanner`] checks the whole grammar (so the reader of a value meets valid
//! JSON only) and notes where the values of the outermost object's members of interest lie. Its state survives
//! between calls: a value that arrives in many pieces is scanned once. It knows nothing of what the members mean.
//! Source: RFC 8259; member names match as in Go's `encoding/json`, in any case (ASCII only).

use super::text::{plain_len, unescape};
use crate::{codec::Limits, error::DecodeError};
use bytes::{Bytes, BytesMut};
use std::ops::Range;

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the outermost object.
    Start,
    /// A value has to come.
    Value,
    /// Just inside `[`: a value or `]`.
    FirstElement,
    /// Just inside `{`: a key or `}`.
    FirstKey,
    /// After a comma in an object: a key.
    Key,
    /// After a key: `:`.
    Colon,
    /// After a value: `,` or the end of its array or object.
    After,
    /// Inside a string.
    String,
    /// After a backslash.
    Escape,
    /// Inside `\uXXXX`.
    Hex,
    /// After the minus sign: a digit.
    Minus,
    /// After a leading zero: no digit.
    Zero,
    /// Inside the integer part.
    Integer,
    /// After the point: a digit.
    Point,
    /// Inside the fraction.
    Fraction,
    /// After `e`: a sign or a digit.
    Exponent,
    /// After the exponent's sign: a digit.
    ExponentSign,
    /// Inside the exponent.
    ExponentDigits,
    /// Inside `true`, `false` or `null`.
    Literal,
}

/// For each level whether it is an object; one bit each, the innermost lowest.
///
/// Not the thread's stack, which hostile nesting could overflow, and bits, so that memory grows far slower than the
/// brackets that arrive.
#[derive(Debug, Default)]
struct Levels {
    depth: usize,
    word: u64,
    outer: Vec<u64>,
}

impl Levels {
    #[inline]
    fn push(&mut self, object: bool) {
        if self.depth != 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.word);
        }
        self.word = self.word << 1 | u64::from(object);
        self.depth += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.depth -= 1;
        self.word >>= 1;
        if self.depth != 0 && self.depth.is_multiple_of(64) {
            self.word = self.outer.pop().unwrap_or_default();
        }
    }

    #[inline]
    fn in_object(&self) -> bool {
        self.word & 1 == 1
    }
}

/// Where the values of the members of interest are; empty for those that are missing, of duplicates the last.
pub(super) type Places<const N: usize> = [Range<usize>; N];

/// A scanner for objects whose members `names` (lower case) are of interest.
#[derive(Debug)]
pub(super) struct Scanner<const N: usize> {
    names: &'static [&'static str; N],
    /// Those of what is scanned from now on.
    pub(super) limits: Limits,
    state: State,
    /// Whether the string is a key.
    in_key: bool,
    /// How many digits of `\uXXXX` must still come.
    digits: u8,
    /// What must still come of a literal.
    literal: &'static [u8],
    at: usize,
    levels: Levels,
    /// Whether there have been more levels than are allowed: the object is read to its end, for its members.
    too_deep: bool,
    key: Range<usize>,
    value_start: usize,
    /// Of an object that ends badly, what it had until then.
    pub(super) members: Places<N>,
    /// Bytes looked at since this scanner was made.
    #[cfg(test)]
    pub(super) work: usize,
}

/// A whole object at the front of the scanned bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object<const N: usize> {
    /// Where it ends.
    pub(super) end: usize,
    pub(super) members: Places<N>,
}

impl<const N: usize> Scanner<N> {
    pub(super) fn new(names: &'static [&'static str; N], limits: Limits) -> Self {
        Self {
            names,
            limits,
            state: State::Start,
            in_key: false,
            digits: 0,
            literal: b"",
            at: 0,
            levels: Levels::default(),
            too_deep: false,
            key: 0..0,
            value_start: 0,
            members: [const { 0..0 }; N],
            #[cfg(test)]
            work: 0,
        }
    }

    /// Takes one object from the front of `buf`, with where the values of the members of interest are in it; a `buf` of
    /// blanks only is cleared.
    ///
    /// # Errors
    /// As [`scan`](Self::scan), or the object is too large.
    pub(super) fn take(&mut self, buf: &mut BytesMut) -> Result<Option<(Bytes, Places<N>)>, DecodeError> {
        let Some(Object { end, members }) = self.scan(buf)? else {
            if self.forget_blanks() {
                buf.clear();
            }
            return self.check_len(buf.len()).map(|()| None);
        };
        if let Err(error) = self.check_len(end) {
            self.members = members;
            return Err(error);
        }
        Ok(Some((buf.split_to(end).freeze(), members)))
    }

    /// Whether a message of `len` bytes, or so much of one, is allowed.
    pub(super) fn check_len(&self, len: usize) -> Result<(), DecodeError> {
        let limit = self.limits.max_message_bytes;
        if len > limit { Err(DecodeError::TooBig { len: len as u64, limit }) } else { Ok(()) }
    }

    /// Goes on where it stopped; `bytes` are those of the last call and what has arrived behind them.
    ///
    /// `Ok(None)`: the object has not ended yet. After `Ok(Some(_))` it starts over, at the front of the bytes.
    ///
    /// # Errors
    /// The bytes are not the start of an object, or one has ended that is nested too deep; the scanner is of no further
    /// use but for the members it has found.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Option<Object<N>>, DecodeError> {
        #[cfg(test)]
        let from = self.at;
        let ended = self.run(bytes);
        #[cfg(test)]
        {
            self.work += self.at - from;
        }
        if !ended? {
            return Ok(None);
        }
        if self.too_deep {
            return Err(DecodeError::TooDeep { limit: self.limits.max_depth });
        }
        // The next message has to find neither members nor a position of this one.
        let members = std::mem::replace(&mut self.members, [const { 0..0 }; N]);
        let end = std::mem::take(&mut self.at);
        self.state = State::Start;
        Ok(Some(Object { end, members }))
    }

    /// Scans no more.
    pub(super) fn stop(&mut self) {
        self.at = usize::MAX;
    }

    /// Whether nothing has been scanned of what is at the front of the bytes.
    #[inline]
    pub(super) fn is_at_front(&self) -> bool {
        self.at == 0
    }

    /// Forgets blanks that were scanned and are now gone from the bytes; `false` if there was more than blanks.
    fn forget_blanks(&mut self) -> bool {
        if self.state == State::Start {
            self.at = 0;
        }
        self.state == State::Start
    }

    // The steps of a plain request are inlined by force, here and into each other: 99 ns a request in place of 124.
    fn run(&mut self, bytes: &[u8]) -> Result<bool, DecodeError> {
        while let Some(&byte) = bytes.get(self.at) {
            match self.state {
                State::String => self.string(bytes)?,
                State::After => {
                    if self.after(byte, bytes)? {
                        return Ok(true);
                    }
                }
                State::Colon => self.expect(byte, b':', State::Value, "no colon after a name")?,
                State::Key => self.key(byte, bytes)?,
                State::Value => self.value(byte, bytes)?,
                State::Zero | State::Integer | State::Fraction | State::ExponentDigits => {
                    self.number(bytes)?
                }
                State::FirstKey if byte == b'}' => {
                    if self.close(bytes) {
                        return Ok(true);
                    }
                }
                State::FirstKey => self.key(byte, bytes)?,
                State::FirstElement if byte == b']' => {
                    self.close(bytes);
                }
                State::FirstElement => self.value(byte, bytes)?,
                State::Start if byte == b'{' => self.open(true),
                State::Start => self.blank(byte, "no JSON object")?,
                State::Escape => self.escape(byte)?,
                State::Hex => self.hex(byte)?,
                State::Literal => self.literal(byte, bytes)?,
                State::Minus | State::Point | State::Exponent | State::ExponentSign => {
                    self.number_mark(byte)?
                }
            }
        }
        Ok(false)
    }

    #[cold]
    fn malformed(&self, what: &'static str) -> DecodeError {
        DecodeError::Malformed { at: self.at, what }
    }

    /// Steps over a blank between two tokens.
    fn blank(&mut self, byte: u8, what: &'static str) -> Result<(), DecodeError> {
        if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            return Err(self.malformed(what));
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn expect(&mut self, byte: u8, wanted: u8, next: State, what: &'static str) -> Result<(), DecodeError> {
        if byte != wanted {
            return self.blank(byte, what);
        }
        (self.at, self.state) = (self.at + 1, next);
        Ok(())
    }

    #[inline]
    fn key(&mut self, byte: u8, bytes: &[u8]) -> Result<(), DecodeError> {
        if byte != b'"' {
            return self.blank(byte, "no name of a member");
        }
        self.at += 1;
        if self.levels.depth == 1 {
            self.key.start = self.at;
        }
        (self.state, self.in_key) = (State::String, true);
        self.string(bytes)
    }

    #[inline(always)]
    fn value(&mut self, byte: u8, bytes: &[u8]) -> Result<(), DecodeError> {
        if self.levels.depth == 1 {
            self.value_start = self.at;
        }
        self.state = match byte {
            b'"' => State::String,
            b'1'..=b'9' => State::Integer,
            b'{' | b'[' => {
                self.open(byte == b'{');
                return Ok(());
            }
            b'0' => State::Zero,
            b'-' => State::Minus,
            b't' | b'f' | b'n' => State::Literal,
            _ => return self.blank(byte, "no JSON value"),
        };
        self.at += 1;
        match byte {
            b'"' => {
                self.in_key = false;
                return self.string(bytes);
            }
            b'1'..=b'9' => return self.number(bytes),
            b't' => self.literal = b"rue",
            b'f' => self.literal = b"alse",
            b'n' => self.literal = b"ull",
            _ => {}
        }
        Ok(())
    }

    #[inline]
    fn open(&mut self, object: bool) {
        self.too_deep |= self.levels.depth >= self.limits.max_depth;
        self.levels.push(object);
        self.at += 1;
        self.state = if object { State::FirstKey } else { State::FirstElement };
    }

    /// Leaves an array or object; says whether it was the outermost.
    #[inline]
    fn close(&mut self, bytes: &[u8]) -> bool {
        self.levels.pop();
        self.at += 1;
        self.end_value(bytes);
        self.levels.depth == 0
    }

    /// Between the members of an object or the elements of an array; says whether the outermost object has ended.
    #[inline]
    fn after(&mut self, byte: u8, bytes: &[u8]) -> Result<bool, DecodeError> {
        match (byte, self.levels.in_object()) {
            (b',', object) => {
                (self.at, self.state) = (self.at + 1, if object { State::Key } else { State::Value });
                Ok(false)
            }
            (b'}', true) | (b']', false) => Ok(self.close(bytes)),
            _ => self.blank(byte, "neither comma nor end after a value").map(|()| false),
        }
    }

    #[inline(always)]
    fn string(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let rest = bytes.get(self.at..).unwrap_or_default();
        let plain = plain_len(rest);
        self.at += plain;
        match rest.get(plain) {
            Some(b'"') if self.in_key => {
                if self.levels.depth == 1 {
                    self.key.end = self.at;
                }
                self.at += 1;
                self.state = State::Colon;
            }
            Some(b'"') => {
                self.at += 1;
                self.end_value(bytes);
            }
            Some(b'\\') => (self.at, self.state) = (self.at + 1, State::Escape),
            Some(_) => return Err(self.malformed("control character in a string")),
            None => {}
        }
        Ok(())
    }

    #[inline(never)]
    fn escape(&mut self, byte: u8) -> Result<(), DecodeError> {
        self.state = match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::String,
            b'u' => State::Hex,
            _ => return Err(self.malformed("unknown escape in a string")),
        };
        (self.at, self.digits) = (self.at + 1, 4);
        Ok(())
    }

    fn hex(&mut self, byte: u8) -> Result<(), DecodeError> {
        if !byte.is_ascii_hexdigit() {
            return Err(self.malformed("no hexadecimal digit after \\u"));
        }
        (self.at, self.digits) = (self.at + 1, self.digits - 1);
        if self.digits == 0 {
            self.state = State::String;
        }
        Ok(())
    }

    fn literal(&mut self, byte: u8, bytes: &[u8]) -> Result<(), DecodeError> {
        let Some((_, rest)) = self.literal.split_first().filter(|(first, _)| **first == byte) else {
            return Err(self.malformed("no JSON value"));
        };
        (self.at, self.literal) = (self.at + 1, rest);
        if rest.is_empty() {
            self.end_value(bytes);
        }
        Ok(())
    }

    /// Where a number may end: takes its digits and looks at what follows them.
    #[inline(always)]
    fn number(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let rest = bytes.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // RFC 8259 section 6: `int = zero / ( digit1-9 *DIGIT )`.
        if digits != 0 && self.state == State::Zero {
            return Err(self.malformed("leading zero in a number"));
        }
        self.at += digits;
        match (rest.get(digits), self.state) {
            // The number may go on in the next piece; nothing but the byte behind it ends it.
            (None, _) => return Ok(()),
            (Some(b'.'), State::Zero | State::Integer) => self.state = State::Point,
            (Some(b'e' | b'E'), State::Zero | State::Integer | State::Fraction) => {
                self.state = State::Exponent
            }
            (Some(_), _) => {
                self.end_value(bytes);
                return Ok(());
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Where a number must go on.
    fn number_mark(&mut self, byte: u8) -> Result<(), DecodeError> {
        self.state = match (self.state, byte) {
            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') => State::Integer,
            (State::Point, b'0'..=b'9') => State::Fraction,
            (State::Exponent, b'+' | b'-') => State::ExponentSign,
            (State::Exponent | State::ExponentSign, b'0'..=b'9') => State::ExponentDigits,
            _ => return Err(self.malformed("number without a digit")),
        };
        self.at += 1;
        Ok(())
    }

    /// The value that ends here may be that of a member of interest.
    #[inline(always)]
    fn end_value(&mut self, bytes: &[u8]) {
        self.state = State::After;
        // Keys further in were not noted, so their values would go to the last one that was.
        if self.levels.depth != 1 {
            return;
        }
        let key = bytes.get(self.key.clone()).unwrap_or_default();
        for (name, member) in self.names.iter().zip(&mut self.members) {
            if key.len() == name.len() && key.eq_ignore_ascii_case(name.as_bytes()) {
                *member = self.value_start..self.at;
                return;
            }
        }
        // Go compares the names as they mean, not as they are written: `"m\u0065thod"` is one too.
        if key.contains(&b'\\') {
            self.end_escaped_member(&unescape(key));
        }
    }

    #[cold]
    fn end_escaped_member(&mut self, key: &str) {
        for (name, member) in self.names.iter().zip(&mut self.members) {
            if key.eq_ignore_ascii_case(name) {
                *member = self.value_start..self.at;
            }
        }
    }
}

#[cfg(test)]
mod tests;
