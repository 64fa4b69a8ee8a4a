//! A query string: what stands behind the `?` of a URL.

use super::token::{Param, Shortened, Token};
use crate::error::ValueError;
use std::ops::Range;

/// Parameters one query string may have.
pub const MAX_PARAMS: usize = 1000;

/// The parameters of a query string, escapes undone.
///
/// Shape: `A=7&B=8`, where `%41` is a byte and `+` a blank; a parameter without `=` is a value without a name. Empty
/// parameters (`A=7&&B=8`) are left out. The bytes need not be UTF-8.
///
/// ```
/// use rpcwrap_codecs::text::{Query, TextArgs};
/// let query = Query::parse(b"to=Gr%C3%B6%C3%9Fe&text=a+b%26c").unwrap();
/// let pairs: Vec<(String, String)> = query.iter().map(|(name, value)| {
///     let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
///     (text(name.unwrap()), text(value))
/// }).collect();
/// assert_eq!(pairs, [("to".into(), "Größe".into()), ("text".into(), "a b&c".into())]);
///
/// let query = Query::parse(b"7&8").unwrap();
/// assert_eq!(TextArgs::Params(&query.params()).decode(None), Ok((7, 8)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    bytes: Vec<u8>,
    /// Where each name and value lies in `bytes`.
    params: Vec<(Option<Range<usize>>, Range<usize>)>,
}

impl Query {
    /// Reads a query string, without its `?`.
    ///
    /// # Errors
    /// It has more than [`MAX_PARAMS`] parameters, or a `%` without two hexadecimal digits behind it; the text says
    /// in which parameter.
    pub fn parse(text: &[u8]) -> Result<Self, ValueError> {
        let parts = || text.split(|&byte| byte == b'&').filter(|part| !part.is_empty());
        let count = parts().count();
        if count > MAX_PARAMS {
            return Err(ValueError::new(format!("query of {count} parameters, limit {MAX_PARAMS}")));
        }
        let mut query = Self { bytes: Vec::with_capacity(text.len()), params: Vec::with_capacity(count) };
        for (at, part) in parts().enumerate() {
            let (name, value) = match part.iter().position(|&byte| byte == b'=') {
                Some(at) => (part.get(..at), part.get(at + 1..).unwrap_or_default()),
                None => (None, part),
            };
            let mut add = |text| {
                query.add(text).ok_or_else(|| {
                    let (at, part) = (at + 1, Shortened(part));
                    ValueError::new(format!("query parameter {at}, {part}: % without two hexadecimal digits"))
                })
            };
            let param = (name.map(&mut add).transpose()?, add(value)?);
            query.params.push(param);
        }
        Ok(query)
    }

    /// Appends what a text with escapes means; `None` if an escape is broken.
    fn add(&mut self, mut text: &[u8]) -> Option<Range<usize>> {
        let start = self.bytes.len();
        while let Some((&first, rest)) = text.split_first() {
            text = rest;
            self.bytes.push(match first {
                b'+' => b' ',
                b'%' => {
                    let (digits, rest) = text.split_at_checked(2)?;
                    text = rest;
                    let digit =
                        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                    digits.iter().try_fold(0, |sum, &byte| digit(byte).map(|digit| sum << 4 | digit))?
                }
                byte => byte,
            });
        }
        Some(start..self.bytes.len())
    }

    /// Each parameter's name, if it has one, and value, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Option<&[u8]>, &[u8])> {
        let bytes = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        self.params.iter().map(move |(name, value)| (name.as_ref().map(bytes), bytes(value)))
    }

    /// The parameters as plain tokens, for [`TextArgs::Params`](super::TextArgs::Params).
    pub fn params(&self) -> Vec<Param<'_>> {
        self.iter().map(|(name, value)| Param { name, value: Token::Plain(value) }).collect()
    }
}
