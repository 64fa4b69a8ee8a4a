//! Checked reads from the front of a slice; every length is compared with what is there.
//!
//! Used for headers and bodies alike; knows kinds of element but neither serde nor messages.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::{MAX_DEPTH, kind};
use crate::{
    again::{Again, Repeats},
    budget::DecodeBudget,
    de_error::DeError,
    error::ValueError,
};

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireError {
    /// The bytes end inside an element, or before the terminator.
    Eof,
    /// A string of length 0, which has no room for its terminator; the original panics.
    EmptyString,
    /// Documents inside documents beyond [`MAX_DEPTH`].
    TooDeep,
    /// A document that says it is shorter than its own length.
    ShortDocument,
    /// A kind whose length is not known, so that it cannot be skipped.
    Kind(u8),
}

impl From<WireError> for DeError {
    #[cold]
    fn from(error: WireError) -> Self {
        Self::Value(error.into())
    }
}

impl From<WireError> for ValueError {
    #[cold]
    fn from(error: WireError) -> Self {
        match error {
            WireError::Eof => Self::new("unexpected EOF"),
            WireError::EmptyString => Self::fatal("string of length 0"),
            WireError::TooDeep => Self::fatal(format!("nesting deeper than {MAX_DEPTH}")),
            WireError::ShortDocument => Self::new("Object or Array should at least be 4 bytes long"),
            WireError::Kind(kind) => Self::new(format!("unexpected kind {kind} for skip")),
        }
    }
}

/// A place in a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'de> {
    rest: &'de [u8],
    depth: usize,
}

impl Place<'_> {
    /// How many bytes are left there.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }
}

/// Reads from the front of a slice.
#[derive(Debug)]
pub(super) struct Reader<'de> {
    rest: &'de [u8],
    depth: usize,
    pub(super) budget: DecodeBudget,
    /// What an earlier reading of the value found out.
    pub(super) again: Option<&'de Again>,
}

impl<'de> Reader<'de> {
    /// For bytes that no value is made of.
    #[inline]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes, depth: 0, budget: DecodeBudget::unlimited(), again: None }
    }

    /// For a value that becomes a `T`, which its caller has room for.
    #[inline]
    pub(super) fn for_value<T>(bytes: &'de [u8], budget: DecodeBudget) -> Self {
        budget.member::<T>();
        Self { rest: bytes, depth: 0, budget, again: None }
    }

    /// The same, after readings that have found this out.
    #[inline]
    pub(super) fn with(self, again: &'de Again) -> Self {
        Self { again: Some(again), ..self }
    }

    /// Another one at the same place, whose values are not kept.
    pub(super) fn ahead(&self) -> Self {
        Self { depth: self.depth, ..Self::new(self.rest) }
    }

    /// Goes on where another one of the same value stands.
    pub(super) fn go_to(&mut self, place: Place<'de>) {
        (self.rest, self.depth) = (place.rest, place.depth);
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Place<'de> {
        Place { rest: self.rest, depth: self.depth }
    }

    /// Members of which the last counts.
    #[inline]
    pub(super) fn repeats(&self) -> Option<&'de Repeats> {
        self.again?.repeats()
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

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WireError::Eof)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, WireError> {
        self.array().map(|[byte]| byte)
    }

    #[inline]
    pub(super) fn i32(&mut self) -> Result<i32, WireError> {
        self.array().map(i32::from_le_bytes)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn i64(&mut self) -> Result<i64, WireError> {
        self.array().map(i64::from_le_bytes)
    }

    #[inline]
    pub(super) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length; one that does not fit this machine's memory cannot have arrived either.
    #[inline]
    fn len(&mut self) -> Result<usize, WireError> {
        usize::try_from(self.u32()?).map_err(|_| WireError::Eof)
    }

    /// A key, or anything else that ends with a zero byte; the zero is gone too.
    #[inline]
    pub(super) fn cstr(&mut self) -> Result<&'de [u8], WireError> {
        let len = self.rest.iter().position(|&byte| byte == 0).ok_or(WireError::Eof)?;
        let text = self.take(len)?;
        self.take(1)?;
        Ok(text)
    }

    /// Drops `prefix` from the front if that is what comes next.
    #[inline]
    pub(super) fn skip_prefix(&mut self, prefix: &[u8]) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The kind of the next element if its key is `key`; both are gone then.
    #[inline]
    pub(super) fn kind_of(&mut self, key: &[u8]) -> Option<u8> {
        let (&kind, rest) = self.rest.split_first().filter(|(kind, _)| **kind != 0)?;
        let [0, rest @ ..] = rest.strip_prefix(key)? else { return None };
        self.rest = rest;
        Some(kind)
    }

    /// The value of a String 0x02, without its terminator.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'de [u8], WireError> {
        let len = self.len()?.checked_sub(1).ok_or(WireError::EmptyString)?;
        let text = self.take(len)?;
        self.take(1)?;
        Ok(text)
    }

    /// The value of a Binary 0x05: its subtype and its bytes.
    #[inline]
    pub(super) fn binary(&mut self) -> Result<(u8, &'de [u8]), WireError> {
        let len = self.len()?;
        let subtype = self.byte()?;
        Ok((subtype, self.take(len)?))
    }

    /// Enters a document and drops its length, which as in the original does not count.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), WireError> {
        if self.depth == MAX_DEPTH {
            return Err(WireError::TooDeep);
        }
        self.depth = self.depth.saturating_add(1);
        self.take(4).map(drop)
    }

    /// Says that the terminator of the document entered last has been read.
    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Drops a value that the target does not want; a document by its length, unread.
    #[inline]
    pub(super) fn skip(&mut self, kind: u8) -> Result<(), WireError> {
        match kind {
            kind::NULL => return Ok(()),
            kind::BOOL => self.take(1)?,
            kind::INT32 => self.take(4)?,
            kind::DOUBLE | kind::DATETIME | kind::INT64 | kind::UINT64 => self.take(8)?,
            kind::STRING => self.string()?,
            kind::BINARY => self.binary()?.1,
            kind::DOCUMENT | kind::ARRAY => {
                let rest = self.len()?.checked_sub(4).ok_or(WireError::ShortDocument)?;
                self.take(rest)?
            }
            other => return Err(WireError::Kind(other)),
        };
        Ok(())
    }
}
