//! Why a value is no cell, or no row.

use crate::error::EncodeError;
use std::fmt;

/// The error type of the serializers.
#[derive(Debug)]
pub(super) enum CellError {
    /// A list, map or struct where a cell is wanted: it is written as JSON instead.
    Nested,
    /// The value does not fit.
    Unfit(EncodeError),
}

impl CellError {
    #[cold]
    pub(super) fn unfit(text: impl Into<Box<str>>) -> Self {
        Self::Unfit(EncodeError::new(text))
    }
}

impl From<EncodeError> for CellError {
    fn from(error: EncodeError) -> Self {
        Self::Unfit(error)
    }
}

impl From<CellError> for EncodeError {
    fn from(error: CellError) -> Self {
        match error {
            CellError::Nested => Self::new("a value is nested where rows have none"),
            CellError::Unfit(error) => error,
        }
    }
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nested => f.write_str("a value is nested where rows have none"),
            Self::Unfit(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for CellError {}

impl serde::ser::Error for CellError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::unfit(text.to_string())
    }
}
