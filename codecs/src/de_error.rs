//! What does not fit a type, for formats whose error texts need no place.
//!
//! The error type of a deserializer: knows members that are missing or there twice from everything else, and becomes a
//! [`ValueError`] at the end.

use crate::{
    again::swallowed::{self, Swallowed},
    budget::OverBudget,
    error::ValueError,
    zero::{ZeroField, ZeroFieldError},
};
use serde::de;
use std::fmt;

/// Why a value cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeError {
    /// A struct lacks a member that has no default.
    #[error("missing field `{0}`")]
    Missing(&'static str),
    /// As [`DeError::Missing`], where a zero value would do; in a box, as the good path carries this size too.
    #[error("missing field `{}`", .0.name)]
    ZeroWanted(Box<ZeroField>),
    /// A struct has a member twice.
    #[error("duplicate field `{0}`")]
    Repeated(&'static str),
    /// Anything else.
    #[error("{0}")]
    Value(ValueError),
}

impl DeError {
    /// An error whose text the caller will read.
    #[cold]
    pub(crate) fn new(text: impl Into<Box<str>>) -> Self {
        Self::Value(ValueError::new(text))
    }
}

impl ZeroFieldError for DeError {
    fn may_be_zero(self, fields: &'static [&'static str]) -> Self {
        match self {
            // Of a struct with flattened fields inside of this one it may be no field of this one.
            Self::Missing(name) if fields.contains(&name) => {
                Self::ZeroWanted(Box::new(ZeroField { name, fields }))
            }
            other => other,
        }
    }

    fn zero_field(&self) -> Option<ZeroField> {
        match self {
            Self::ZeroWanted(field) => Some(**field),
            Self::Missing(_) | Self::Repeated(_) | Self::Value(_) => None,
        }
    }

    fn repeated_field(&self) -> Option<&'static str> {
        match self {
            Self::Repeated(name) => Some(name),
            Self::Missing(_) | Self::ZeroWanted(_) | Self::Value(_) => None,
        }
    }
}

impl de::Error for DeError {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }

    #[cold]
    fn missing_field(name: &'static str) -> Self {
        Self::Missing(name)
    }

    #[cold]
    fn duplicate_field(name: &'static str) -> Self {
        swallowed::note(Swallowed::Repeated(name));
        Self::Repeated(name)
    }
}

impl From<OverBudget> for DeError {
    #[cold]
    fn from(over: OverBudget) -> Self {
        Self::Value(over.into())
    }
}

impl From<DeError> for ValueError {
    fn from(error: DeError) -> Self {
        match error {
            DeError::Value(error) => error,
            other => Self::new(other.to_string()),
        }
    }
}
