//! What does not fit a type.
//!
//! The error type of the deserializer: knows members that are missing or there twice from everything else, and becomes
//! a [`ValueError`] at the end.

use crate::{bson::read::WireError, budget::OverBudget, error::ValueError, zero::ZeroFieldError};
use serde::de;
use std::fmt;

/// Why a value cannot be made.
#[derive(Debug, thiserror::Error)]
pub(in crate::bson) enum DeError {
    /// A struct lacks a member that has no default.
    #[error("missing field `{0}`")]
    Missing(&'static str),
    /// As [`DeError::Missing`], of a struct that has to be made of a null.
    #[error("missing field `{0}`")]
    ZeroWanted(&'static str),
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
    pub(in crate::bson) fn new(text: impl Into<Box<str>>) -> Self {
        Self::Value(ValueError::new(text))
    }
}

impl ZeroFieldError for DeError {
    fn may_be_zero(self) -> Self {
        match self {
            Self::Missing(name) => Self::ZeroWanted(name),
            other => other,
        }
    }

    fn zero_field(&self) -> Option<&'static str> {
        match self {
            Self::ZeroWanted(name) => Some(name),
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
        Self::Repeated(name)
    }
}

impl From<WireError> for DeError {
    #[cold]
    fn from(error: WireError) -> Self {
        Self::Value(error.into())
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
