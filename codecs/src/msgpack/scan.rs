//! Where a value ends, in bytes that arrive piece by piece: what has been walked is not walked again.
//!
//! Walks markers and lengths only, without recursion, and refuses what announces more than its limits before any of
//! it has arrived. Knows nothing of messages.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::read::{Reader, WireError};
use crate::error::DecodeError;

/// Walks the values at the front of a buffer, one after the other.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Bytes walked.
    at: usize,
    /// Values still to come of each open list or map, the outermost first.
    open: Vec<u64>,
}

impl Scanner {
    /// Goes on to the end of one value and says where that is.
    ///
    /// `buf` starts with the bytes walked before. `Ok(None)`: it has not all arrived. A value may end at `limit` at the
    /// latest and have `max_depth` levels.
    ///
    /// # Errors
    /// It is larger, deeper, or no MessagePack.
    #[inline]
    pub(super) fn scan(
        &mut self,
        buf: &[u8],
        limit: usize,
        max_depth: usize,
    ) -> Result<Option<usize>, DecodeError> {
        let mut reader = Reader::new(buf.get(self.at..).unwrap_or_default());
        loop {
            let children = match reader.step() {
                Ok(children) => children,
                Err(WireError::Eof { wanted }) => return self.within(wanted, limit).map(|()| None),
                Err(_) => {
                    let what = "the byte c1 starts no value";
                    return Err(DecodeError::Malformed { at: self.at, what });
                }
            };
            self.at = reader.at(buf.len());
            match children {
                0 => {
                    if self.close() {
                        return self.within(0, limit).map(|()| Some(self.at));
                    }
                }
                // Every value has a byte at least.
                children => {
                    self.within(children, limit)?;
                    if self.open.len() >= max_depth {
                        return Err(DecodeError::TooDeep { limit: max_depth });
                    }
                    self.open.push(children);
                }
            }
        }
    }

    /// A value has ended: so may those around it. Whether the outermost has.
    #[inline]
    fn close(&mut self) -> bool {
        while let Some(left) = self.open.last_mut() {
            *left = left.saturating_sub(1);
            if *left > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }

    /// Whether `more` bytes behind those walked are allowed.
    #[inline]
    fn within(&self, more: u64, limit: usize) -> Result<(), DecodeError> {
        let len = (self.at as u64).saturating_add(more);
        if len > limit as u64 { Err(DecodeError::TooBig { len, limit }) } else { Ok(()) }
    }

    /// Whether nothing of the buffer has been walked.
    #[inline]
    pub(super) fn is_at_start(&self) -> bool {
        self.at == 0
    }

    /// Takes the first value of a buffer as walked.
    #[inline]
    pub(super) fn skip_first(&mut self, len: usize) {
        self.at = len;
    }

    /// Starts with a new buffer.
    #[inline]
    pub(super) fn restart(&mut self) {
        self.at = 0;
        self.open.clear();
    }
}
