//! One value as a text protocol brought it, with what the protocol knows of its kind.

use std::fmt;

/// One value in its text form.
///
/// What a protocol does not know is [`Token::Plain`]: the wanted type alone decides what it is. Kinds that a protocol
/// does know (a literal of SQL) are kept where the type takes any form, and still fit every type that can hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Token<'a> {
    /// Bytes of no known kind: a word of RESP or of a command line, a value of a query string.
    Plain(&'a [u8]),
    /// A text, quotes and escapes taken off.
    Text(&'a [u8]),
    /// A whole number in decimal digits.
    Integer(&'a str),
    /// Another number in decimal digits.
    Decimal(&'a str),
    /// Bytes that are no text.
    Bytes(&'a [u8]),
    /// A boolean.
    Bool(bool),
    /// No value.
    Null,
}

impl<'a> Token<'a> {
    /// A plain token of these bytes.
    pub fn plain(bytes: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self::Plain(bytes.as_ref())
    }

    /// Bytes of it.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Plain(bytes) | Self::Text(bytes) | Self::Bytes(bytes) => bytes.len(),
            Self::Integer(text) | Self::Decimal(text) => text.len(),
            Self::Bool(_) | Self::Null => 1,
        }
    }

    /// The text, if it is one that may be JSON or a name.
    pub(super) fn as_text(self) -> Option<&'a [u8]> {
        match self {
            Self::Plain(bytes) | Self::Text(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether a JSON value starts with `bracket` here.
    pub(super) fn starts_with(self, bracket: u8) -> bool {
        self.as_text().is_some_and(|text| text.trim_ascii_start().first() == Some(&bracket))
    }
}

/// Bytes of a token that an error shows.
const SHOWN: usize = 40;

impl fmt::Display for Token<'_> {
    /// For errors: escaped, at most about 40 bytes of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Plain(bytes) | Self::Text(bytes) => write!(f, "\"{}\"", Shortened(bytes)),
            Self::Integer(text) | Self::Decimal(text) => write!(f, "{}", Shortened(text.as_bytes())),
            Self::Bytes(bytes) => {
                f.write_str("x'")?;
                bytes.iter().take(SHOWN / 2).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str(if bytes.len() > SHOWN / 2 { "'…" } else { "'" })
            }
            Self::Bool(true) => f.write_str("TRUE"),
            Self::Bool(false) => f.write_str("FALSE"),
            Self::Null => f.write_str("NULL"),
        }
    }
}

/// The start of some bytes, escaped.
pub(super) struct Shortened<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = SHOWN;
        for chunk in self.0.utf8_chunks() {
            let chars = chunk.valid().chars().map(|char| char.escape_debug().to_string());
            let bytes = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
            for shown in chars.chain(bytes) {
                left = match left.checked_sub(shown.len()) {
                    Some(left) => left,
                    None => return f.write_str("…"),
                };
                f.write_str(&shown)?;
            }
        }
        Ok(())
    }
}

/// A value that may have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name, if it has one.
    pub name: Option<&'a [u8]>,
    /// The value.
    pub value: Token<'a>,
}
