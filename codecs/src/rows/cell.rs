//! The values rows are made of, and where they go.

use super::shape::Column;
use crate::{error::EncodeError, types::Time};
use std::fmt;

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A signed integer of up to 128 bits.
    Int(i128),
    /// An unsigned integer of up to 128 bits.
    Uint(u128),
    /// A number of 32 bits, which has fewer digits.
    Float32(f32),
    /// A number of 64 bits.
    Float(f64),
    /// A text, in UTF-8 unless it is a [`types::Text`](crate::types::Text) that is not.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A time.
    Time(Time),
    /// A list, map or struct as JSON text.
    Json(&'a str),
}

impl fmt::Display for Cell<'_> {
    /// As a table for people has it: `NULL`, texts as they are, bytes as hexadecimal digits, RFC 3339 times.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Uint(value) => write!(f, "{value}"),
            Self::Float32(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(&String::from_utf8_lossy(text)),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Time(time) => write!(f, "{time}"),
            Self::Json(text) => f.write_str(text),
        }
    }
}

/// A cell that waits for those before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OwnedCell {
    Plain(Cell<'static>),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
    Json(String),
}

impl OwnedCell {
    pub(super) fn new(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Text(text) => Self::Text(text.to_vec()),
            Cell::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Cell::Json(text) => Self::Json(text.to_owned()),
            Cell::Null => Self::Plain(Cell::Null),
            Cell::Bool(value) => Self::Plain(Cell::Bool(value)),
            Cell::Int(value) => Self::Plain(Cell::Int(value)),
            Cell::Uint(value) => Self::Plain(Cell::Uint(value)),
            Cell::Float32(value) => Self::Plain(Cell::Float32(value)),
            Cell::Float(value) => Self::Plain(Cell::Float(value)),
            Cell::Time(value) => Self::Plain(Cell::Time(value)),
        }
    }

    pub(super) fn get(&self) -> Cell<'_> {
        match self {
            Self::Plain(cell) => *cell,
            Self::Text(text) => Cell::Text(text),
            Self::Bytes(bytes) => Cell::Bytes(bytes),
            Self::Json(text) => Cell::Json(text),
        }
    }
}

/// Takes a table: its columns once, then row by row as many cells as there are columns.
///
/// Its errors end the writing and are handed back. After any error it may hold a part of a row.
pub trait RowSink {
    /// The columns, before the first row, also where there is none.
    ///
    /// # Errors
    /// The table cannot have them.
    fn columns(&mut self, columns: &[Column]) -> Result<(), EncodeError>;

    /// A row begins.
    ///
    /// # Errors
    /// The table cannot have one more.
    fn begin_row(&mut self) -> Result<(), EncodeError>;

    /// The value of the next column; it fits the column's [`Kind`](super::Kind).
    ///
    /// # Errors
    /// The table cannot have it.
    fn cell(&mut self, cell: Cell<'_>) -> Result<(), EncodeError>;

    /// The row has all its cells.
    ///
    /// # Errors
    /// The table cannot have it.
    fn end_row(&mut self) -> Result<(), EncodeError>;
}
