//! Where replies end, for a proxy that hands their bytes on as they are.
//!
//! Nothing is decoded and no value is looked into. The skipper goes on where it stopped, byte by byte if it has to, and
//! keeps for each aggregate it is in how many values are to come: no recursion, nothing reserved for a length.
//! Source: the RESP3 specification; Redis 7.0.

use super::{error::ReplyError, length::short, limits::ReplyLimits};
use memchr::memchr2;

/// Bytes that any value has at least: a type, CR, LF.
const MIN_VALUE: u64 = 3;
/// Bytes of a line that is looked for at once.
const SHORT_LINE: usize = 32;
/// Digits of the largest length; as many are a number of 64 bits.
const MAX_DIGITS: u8 = 18;

/// What a reply is to a client that waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyClass {
    /// The reply to a request.
    Value,
    /// The reply to a request, an error: `-` or `!`.
    Error,
    /// `>`: not the reply to anything. Who waits goes on waiting.
    Push,
}

/// What of some bytes belongs to a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// How many of the bytes, from the first one on.
    pub len: usize,
    /// What the reply was, if the last of them is its last.
    pub ended: Option<ReplyClass>,
}

/// Where the skipper stopped.
#[derive(Debug, Clone, Copy)]
enum State {
    /// Before a value.
    Type,
    /// In a line that says nothing about what follows; so many bytes of it are gone.
    Line { len: usize },
    /// At the LF behind a line or a string.
    LineEnd,
    /// In the number of a value of that type.
    Number { kind: u8, number: Number },
    /// At the LF behind such a number; none is -1.
    NumberEnd { kind: u8, number: Option<u64> },
    /// In a string of which so many bytes are to come, or at the CR behind it.
    Bytes { left: u64 },
}

/// The digits of a length, as far as they have come.
#[derive(Debug, Clone, Copy, Default)]
struct Number {
    value: u64,
    digits: u8,
    is_negative: bool,
}

impl Number {
    /// Takes one more byte of the line.
    fn push(&mut self, byte: u8) -> Result<(), ReplyError> {
        match byte {
            b'-' if self.digits == 0 && !self.is_negative => self.is_negative = true,
            b'?' if self.digits == 0 && !self.is_negative => return Err(ReplyError::Streamed),
            b'0'..=b'9' if self.digits < MAX_DIGITS && (self.digits == 0 || self.value > 0) => {
                self.value = self.value * 10 + u64::from(byte - b'0');
                self.digits += 1;
            }
            _ => return Err(ReplyError::Length),
        }
        Ok(())
    }

    /// The length of a value of type `kind`, or that it is null; only strings and arrays can be.
    fn end(self, kind: u8) -> Result<Option<u64>, ReplyError> {
        match (self.digits, self.is_negative) {
            (0, _) => Err(ReplyError::Length),
            (_, false) => Ok(Some(self.value)),
            (1, true) if self.value == 1 && matches!(kind, b'$' | b'*') => Ok(None),
            _ => Err(ReplyError::Length),
        }
    }
}

/// Finds the ends of the replies of one connection, RESP2 and RESP3.
///
/// An attribute (`|`) belongs to the value behind it. Values of unknown length (`$?`, `*?`) are refused: no server
/// sends them unasked.
///
/// ```
/// use rpcwrap_codecs::resp::{ReplyClass, ReplyLimits, ReplySkipper, Skipped};
/// let mut skipper = ReplySkipper::new(ReplyLimits::DEFAULT);
/// let replies = b"*2\r\n$5\r\nhello\r\n:7\r\n+OK\r\n";
/// assert_eq!(skipper.skip(&replies[..9]), Ok(None));
/// assert_eq!(skipper.skip(replies), Ok(Some((19, ReplyClass::Value))));
/// // Or without a buffer, which has to be told what has been told before.
/// assert_eq!(skipper.feed(b"+O"), Ok(Skipped { len: 2, ended: None }));
/// assert_eq!(skipper.feed(b"K\r\n:1\r\n"), Ok(Skipped { len: 3, ended: Some(ReplyClass::Value) }));
/// ```
#[derive(Debug)]
pub struct ReplySkipper {
    limits: ReplyLimits,
    state: State,
    /// Bytes of the reply before those that are fed.
    gone: usize,
    /// Of [`skip`](Self::skip): bytes of its buffer that were fed.
    fed: usize,
    /// Values to come in the innermost aggregate, or the one that is the reply.
    left: u64,
    /// The same for each aggregate around it.
    open: Vec<u64>,
    class: ReplyClass,
}

impl ReplySkipper {
    /// A skipper for one new connection.
    pub fn new(limits: ReplyLimits) -> Self {
        Self {
            limits,
            state: State::Type,
            gone: 0,
            fed: 0,
            left: 1,
            open: Vec::new(),
            class: ReplyClass::Value,
        }
    }

    /// Sets other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: ReplyLimits) {
        self.limits = limits;
    }

    /// Whether a reply has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.gone > 0
    }

    /// Finds the reply at the front of `buf`: how many bytes it has, or nothing while it is not complete.
    ///
    /// After `None` the next call has to be given the same bytes, and may be given more behind them. After `Some` it
    /// goes on with the next reply, whose first byte has to be the first of `buf` then.
    ///
    /// # Errors
    /// The stream is out of step: the upstream connection closes.
    pub fn skip(&mut self, buf: &[u8]) -> Result<Option<(usize, ReplyClass)>, ReplyError> {
        let before = self.fed;
        let skipped = self.feed(buf.get(before..).unwrap_or_default())?;
        self.fed = before + skipped.len;
        Ok(skipped.ended.map(|class| (std::mem::take(&mut self.fed), class)))
    }

    /// The same without a buffer: `bytes` come right behind those of the call before, and are not seen again. It stops
    /// behind a reply; the bytes after that are the next one's.
    ///
    /// # Errors
    /// As [`skip`](Self::skip).
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Skipped, ReplyError> {
        if let Some(skipped) = self.usual(bytes) {
            return Ok(skipped);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let ended = self.step(&mut rest, bytes)?;
            if ended && self.end_value() {
                let len = bytes.len() - rest.len();
                self.check_len(self.gone.saturating_add(len) as u64)?;
                self.gone = 0;
                self.left = 1;
                let class = std::mem::replace(&mut self.class, ReplyClass::Value);
                return Ok(Skipped { len, ended: Some(class) });
            }
        }
        self.gone = self.gone.saturating_add(bytes.len());
        self.check_len(self.gone as u64)?;
        Ok(Skipped { len: bytes.len(), ended: None })
    }

    /// A reply as most are: all of it there, a short line or a string of up to 99 bytes.
    #[inline]
    fn usual(&self, bytes: &[u8]) -> Option<Skipped> {
        if self.gone > 0 {
            return None;
        }
        let (kind, line) = bytes.split_first()?;
        let (len, class) = match kind {
            b'$' => {
                let (len, rest) = short(b'$', bytes)?;
                let (_, end) = rest.split_at_checked(len)?;
                (bytes.len() - end.strip_prefix(b"\r\n")?.len(), ReplyClass::Value)
            }
            b'+' | b':' | b'-' => {
                let line = line.get(..SHORT_LINE.min(self.limits.max_line_bytes)).unwrap_or(line);
                let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'))? + 1;
                let class = if *kind == b'-' { ReplyClass::Error } else { ReplyClass::Value };
                (bytes.get(end..)?.starts_with(b"\r\n").then_some(end + 2)?, class)
            }
            _ => return None,
        };
        (len <= self.limits.max_reply_bytes).then_some(Skipped { len, ended: Some(class) })
    }

    /// Takes what it can of one kind from the front of `rest`, the end of `bytes`; whether a value has ended.
    #[inline]
    fn step(&mut self, rest: &mut &[u8], bytes: &[u8]) -> Result<bool, ReplyError> {
        let Some((&byte, after)) = rest.split_first() else { return Ok(false) };
        match self.state {
            State::Type => {
                self.begin_value(byte)?;
                *rest = after;
            }
            State::Line { len } => {
                let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                let len = len.saturating_add(end);
                let limit = self.limits.max_line_bytes;
                if len > limit {
                    return Err(ReplyError::LongLine { limit });
                }
                *rest = rest.get(end..).unwrap_or_default();
                self.state = State::Line { len };
                return if rest.is_empty() { Ok(false) } else { self.crlf(rest) };
            }
            State::LineEnd => return self.crlf(rest),
            State::Number { kind, mut number } => {
                while let Some((&byte, after)) = rest.split_first() {
                    *rest = after;
                    if byte == b'\r' {
                        self.state = State::NumberEnd { kind, number: number.end(kind)? };
                        return Ok(false);
                    }
                    number.push(byte)?;
                }
                self.state = State::Number { kind, number };
            }
            State::NumberEnd { kind, number } => {
                if byte != b'\n' {
                    return Err(ReplyError::LineEnd);
                }
                *rest = after;
                self.state = State::Type;
                let Some(number) = number else { return Ok(true) };
                let before = self.gone.saturating_add(bytes.len() - rest.len());
                return self.announced(kind, number, before as u64);
            }
            State::Bytes { left } => {
                let len = left.min(rest.len() as u64);
                *rest = rest.get(len as usize..).unwrap_or_default();
                let left = left - len;
                self.state = State::Bytes { left };
                return if rest.is_empty() { Ok(false) } else { self.crlf(rest) };
            }
        }
        Ok(false)
    }

    /// The first byte of a value.
    #[inline]
    fn begin_value(&mut self, kind: u8) -> Result<(), ReplyError> {
        let is_whole = self.open.is_empty();
        self.state = match kind {
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => State::Line { len: 0 },
            b'$' | b'!' | b'=' | b'*' | b'~' | b'%' | b'|' => {
                State::Number { kind, number: Number::default() }
            }
            b'>' if is_whole => State::Number { kind, number: Number::default() },
            got => return Err(ReplyError::Type { got }),
        };
        if kind == b'|' {
            return Ok(());
        }
        self.left = self.left.saturating_sub(1);
        if is_whole {
            self.class = match kind {
                b'-' | b'!' => ReplyClass::Error,
                b'>' => ReplyClass::Push,
                _ => ReplyClass::Value,
            };
        }
        Ok(())
    }

    /// The CRLF behind a line or a string, or what is missing of it; with it the value has ended.
    #[inline]
    fn crlf(&mut self, rest: &mut &[u8]) -> Result<bool, ReplyError> {
        let after = match (self.state, *rest) {
            (State::LineEnd, [b'\n', after @ ..]) => after,
            (State::LineEnd, _) => return Err(ReplyError::LineEnd),
            (_, [b'\r', b'\n', after @ ..]) => after,
            (_, [b'\r']) => {
                self.state = State::LineEnd;
                *rest = &[];
                return Ok(false);
            }
            _ => return Err(ReplyError::LineEnd),
        };
        *rest = after;
        self.state = State::Type;
        Ok(true)
    }

    /// A string of `number` bytes or an aggregate of `number` parts begins behind `before` bytes of the reply; whether
    /// it has ended already.
    fn announced(&mut self, kind: u8, number: u64, before: u64) -> Result<bool, ReplyError> {
        let parts = match kind {
            b'$' | b'!' | b'=' => {
                self.check_len(before.saturating_add(number).saturating_add(2))?;
                self.state = State::Bytes { left: number };
                return Ok(false);
            }
            b'%' | b'|' => number.saturating_mul(2),
            _ => number,
        };
        self.check_len(before.saturating_add(parts.saturating_mul(MIN_VALUE)))?;
        if parts > 0 {
            let limit = self.limits.max_depth;
            if self.open.len() >= limit {
                return Err(ReplyError::TooDeep { limit });
            }
            self.open.push(std::mem::replace(&mut self.left, parts));
            return Ok(false);
        }
        // The value behind an attribute is still to come.
        Ok(kind != b'|')
    }

    /// A value has ended, and with the last one of an aggregate that; whether the reply has.
    #[inline]
    fn end_value(&mut self) -> bool {
        while self.left == 0 {
            match self.open.pop() {
                Some(left) => self.left = left,
                None => return true,
            }
        }
        false
    }

    #[inline]
    fn check_len(&self, len: u64) -> Result<(), ReplyError> {
        let limit = self.limits.max_reply_bytes;
        if len > limit as u64 { Err(ReplyError::TooBig { limit }) } else { Ok(()) }
    }
}
