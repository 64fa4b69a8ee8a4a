//! Checked reads from the front of a slice, one token at a time; every length is compared with what is there.
//!
//! Used by the scanner, the headers and the bodies alike; knows markers but neither serde nor messages.
//! Source: MessagePack specification, "Formats".
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::MAX_DEPTH;
use crate::error::ValueError;

/// What is wrong with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireError {
    /// They end inside a token, which has `wanted` bytes.
    Eof {
        /// Bytes from the token's marker to its end, as far as is known yet.
        wanted: u64,
    },
    /// The marker 0xC1, which the specification never uses.
    Reserved,
    /// Values inside values beyond [`MAX_DEPTH`].
    TooDeep,
}

impl From<WireError> for ValueError {
    #[cold]
    fn from(error: WireError) -> Self {
        match error {
            WireError::Eof { .. } => Self::new("unexpected EOF"),
            WireError::Reserved => Self::fatal("msgpack: unrecognized descriptor byte: c1"),
            WireError::TooDeep => Self::fatal(format!("nesting deeper than {MAX_DEPTH}")),
        }
    }
}

/// A value, or the start of a list or map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'de> {
    Nil,
    Bool(bool),
    /// A negative integer; those that are not are [`Uint`](Self::Uint) under a signed marker too.
    Int(i64),
    Uint(u64),
    F32(f32),
    F64(f64),
    Str(&'de [u8]),
    Bin(&'de [u8]),
    /// An extension: its type and its bytes.
    Ext(i8, &'de [u8]),
    /// A list of so many values.
    List(u32),
    /// A map of so many pairs.
    Map(u32),
}

impl Token<'_> {
    /// What it is, for error texts.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "integer",
            Self::F32(_) | Self::F64(_) => "float",
            Self::Str(_) => "string",
            Self::Bin(_) => "bytes",
            Self::Ext(..) => "extension",
            Self::List(_) => "array",
            Self::Map(_) => "map",
        }
    }

    /// Values that follow and belong to it.
    #[inline]
    pub(super) fn children(&self) -> u64 {
        match self {
            Self::List(len) => (*len).into(),
            Self::Map(len) => u64::from(*len) * 2,
            _ => 0,
        }
    }
}

/// Reads from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'de> {
    rest: &'de [u8],
}

impl<'de> Reader<'de> {
    #[inline]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many of the `whole` bytes it began with have been read.
    #[inline]
    pub(super) fn at(&self, whole: usize) -> usize {
        whole.saturating_sub(self.rest.len())
    }

    /// How many bytes have not been read.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next token, left where it is.
    #[inline]
    pub(super) fn peek(&self) -> Result<Token<'de>, WireError> {
        Self { rest: self.rest }.token()
    }

    /// Takes the next token; nothing if it has not all arrived.
    ///
    /// The short forms, which most tokens have, in place: the caller looks for one or two kinds, and knows most of the
    /// answer when it is compiled.
    #[inline(always)]
    pub(super) fn token(&mut self) -> Result<Token<'de>, WireError> {
        let Some((&marker, rest)) = self.rest.split_first() else { return Err(WireError::Eof { wanted: 1 }) };
        let token = match marker {
            0x00..=0x7F => Token::Uint(marker.into()),
            0x80..=0x8F => Token::Map(u32::from(marker & 0x0F)),
            0x90..=0x9F => Token::List(u32::from(marker & 0x0F)),
            0xA0..=0xBF => return self.bytes(1, u32::from(marker & 0x1F)).map(Token::Str),
            _ => return self.other_token(marker),
        };
        self.rest = rest;
        Ok(token)
    }

    /// The next token, which begins with `marker`.
    fn other_token(&mut self, marker: u8) -> Result<Token<'de>, WireError> {
        match marker {
            0xC0 => self.fixed(|[]| Token::Nil),
            0xC1 => Err(WireError::Reserved),
            0xC2 | 0xC3 => self.fixed(|[]| Token::Bool(marker == 0xC3)),
            0xC4 => self.sized(|[a]| a.into(), Self::bytes).map(Token::Bin),
            0xC5 => self.sized(|len| u16::from_be_bytes(len).into(), Self::bytes).map(Token::Bin),
            0xC6 => self.sized(u32::from_be_bytes, Self::bytes).map(Token::Bin),
            0xC7 => self.sized(|[a]| a.into(), Self::extension),
            0xC8 => self.sized(|len| u16::from_be_bytes(len).into(), Self::extension),
            0xC9 => self.sized(u32::from_be_bytes, Self::extension),
            0xCA => self.fixed(|value| Token::F32(f32::from_be_bytes(value))),
            0xCB => self.fixed(|value| Token::F64(f64::from_be_bytes(value))),
            0xCC => self.fixed(|[value]| Token::Uint(value.into())),
            0xCD => self.fixed(|value| Token::Uint(u16::from_be_bytes(value).into())),
            0xCE => self.fixed(|value| Token::Uint(u32::from_be_bytes(value).into())),
            0xCF => self.fixed(|value| Token::Uint(u64::from_be_bytes(value))),
            0xD0 => self.fixed(|value| signed(i8::from_be_bytes(value).into())),
            0xD1 => self.fixed(|value| signed(i16::from_be_bytes(value).into())),
            0xD2 => self.fixed(|value| signed(i32::from_be_bytes(value).into())),
            0xD3 => self.fixed(|value| signed(i64::from_be_bytes(value))),
            0xD4..=0xD8 => self.extension(1, 1 << (marker & 0xF).saturating_sub(4)),
            0xD9 => self.sized(|[a]| a.into(), Self::bytes).map(Token::Str),
            0xDA => self.sized(|len| u16::from_be_bytes(len).into(), Self::bytes).map(Token::Str),
            0xDB => self.sized(u32::from_be_bytes, Self::bytes).map(Token::Str),
            0xDC => self.fixed(|len| Token::List(u16::from_be_bytes(len).into())),
            0xDD => self.fixed(|len| Token::List(u32::from_be_bytes(len))),
            0xDE => self.fixed(|len| Token::Map(u16::from_be_bytes(len).into())),
            0xDF => self.fixed(|len| Token::Map(u32::from_be_bytes(len))),
            // What is left are the numbers of one byte, with and without a sign.
            _ => self.fixed(|[]| signed(i8::from_be_bytes([marker]).into())),
        }
    }

    /// A token that is its marker and `N` bytes.
    #[inline]
    fn fixed<const N: usize>(
        &mut self,
        make: impl FnOnce([u8; N]) -> Token<'de>,
    ) -> Result<Token<'de>, WireError> {
        let value = self.rest.get(1..).and_then(<[u8]>::split_first_chunk);
        let (value, rest) = value.ok_or(WireError::Eof { wanted: const { 1 + N as u64 } })?;
        self.rest = rest;
        Ok(make(*value))
    }

    /// Reads the length behind the marker, `N` bytes of it, and then what has that length.
    #[inline]
    fn sized<const N: usize, T>(
        &mut self,
        len: impl FnOnce([u8; N]) -> u32,
        read: impl FnOnce(&mut Self, usize, u32) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let bytes = self.rest.get(1..).and_then(<[u8]>::first_chunk);
        let bytes = bytes.ok_or(WireError::Eof { wanted: const { 1 + N as u64 } })?;
        read(self, const { 1 + N }, len(*bytes))
    }

    /// Drops `head` bytes and takes `len`.
    #[inline]
    fn bytes(&mut self, head: usize, len: u32) -> Result<&'de [u8], WireError> {
        let short = WireError::Eof { wanted: (head as u64).saturating_add(len.into()) };
        let all = usize::try_from(len).ok().and_then(|len| head.checked_add(len)).ok_or(short)?;
        let (taken, rest) = self.rest.split_at_checked(all).ok_or(short)?;
        self.rest = rest;
        Ok(taken.get(head..).unwrap_or_default())
    }

    /// Drops `head` bytes and takes an extension of `len` bytes, whose type comes first.
    #[inline]
    fn extension(&mut self, head: usize, len: u32) -> Result<Token<'de>, WireError> {
        let kind = self.rest.get(head).copied();
        let bytes = self.bytes(head.saturating_add(1), len)?;
        Ok(Token::Ext(i8::from_be_bytes([kind.unwrap_or_default()]), bytes))
    }

    /// Drops a whole value that the target does not want, without recursion.
    #[inline]
    pub(super) fn skip(&mut self) -> Result<(), WireError> {
        let mut pending = 1u64;
        while pending > 0 {
            // Every token has bytes of its own, so these counts cost no more than what has arrived.
            pending = pending.saturating_sub(1).saturating_add(self.step()?);
        }
        Ok(())
    }

    /// Goes past the next token; the number of values that follow and are inside it.
    ///
    /// The short forms, which most tokens have, without making a [`Token`] of them.
    #[inline]
    pub(super) fn step(&mut self) -> Result<u64, WireError> {
        let (len, children) = match self.rest.first() {
            Some(0x00..=0x7F | 0xE0..=0xFF) => (1, 0),
            Some(&marker @ 0xA0..=0xBF) => (1 + usize::from(marker & 0x1F), 0),
            Some(&marker @ 0x80..=0x8F) => (1, u64::from(marker & 0x0F) * 2),
            Some(&marker @ 0x90..=0x9F) => (1, u64::from(marker & 0x0F)),
            _ => return Ok(self.token()?.children()),
        };
        self.rest = self.rest.get(len..).ok_or(WireError::Eof { wanted: len as u64 })?;
        Ok(children)
    }
}

#[inline]
fn signed<'de>(value: i64) -> Token<'de> {
    u64::try_from(value).map_or(Token::Int(value), Token::Uint)
}
