//! Why a value is no cell, or no row.

use crate::error::EncodeError;
use std::fmt;

/// The error type of the serializers.
#[derive(Debug, thiserror::Error)]
pub(super) enum CellError {
    /// A list, map or struct where a cell is wanted: it is written as JSON instead.
    #[error("a value is nested where rows have none")]
    Nested,
    /// The value does not fit.
    #[error(transparent)]
    Unfit(#[from] EncodeError),
}

impl CellError {
    #[cold]
    pub(super) fn unfit(text: impl Into<Box<str>>) -> Self {
        Self::Unfit(EncodeError::new(text))
    }
}

impl From<CellError> for EncodeError {
    fn from(error: CellError) -> Self {
        match error {
            CellError::Nested => Self::new(error.to_string()),
            CellError::Unfit(error) => error,
        }
    }
}

impl serde::ser::Error for CellError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::unfit(text.to_string())
    }
}
