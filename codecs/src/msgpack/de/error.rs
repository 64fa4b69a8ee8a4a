//! What does not fit a type.
//!
//! The error type of the deserializer: knows a missing member from everything else, and becomes a [`ValueError`] at the
//! end.

use crate::{
    budget::OverBudget,
    error::ValueError,
    msgpack::read::{Token, WireError},
    zero::ZeroFieldError,
};
use serde::de;
use std::fmt;

/// Why a value cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeError {
    /// A struct lacks a member that has no default.
    #[error("missing field `{0}`")]
    Missing(&'static str),
    /// A struct has a member twice.
    #[error("duplicate field `{0}`")]
    Repeated(&'static str),
    /// Anything else.
    #[error("{0}")]
    Value(ValueError),
}

impl DeError {
    #[cold]
    pub(super) fn other(text: impl Into<Box<str>>) -> Self {
        Self::Value(ValueError::new(text))
    }

    /// `found` stands where Go would have a value of type `wanted`.
    #[cold]
    pub(super) fn mismatch(found: &Token<'_>, wanted: &str) -> Self {
        Self::other(format!("msgpack: cannot decode {} into {wanted}", found.kind()))
    }

    #[cold]
    pub(super) fn out_of_range(value: i128, wanted: &str) -> Self {
        Self::other(format!("msgpack: value {value} out of range for {wanted}"))
    }
}

impl ZeroFieldError for DeError {
    /// Any struct's missing members may be zero here, also of one that is there.
    fn may_be_zero(self) -> Self {
        self
    }

    fn zero_field(&self) -> Option<&'static str> {
        match self {
            Self::Missing(name) => Some(name),
            Self::Repeated(_) | Self::Value(_) => None,
        }
    }

    fn repeated_field(&self) -> Option<&'static str> {
        match self {
            Self::Repeated(name) => Some(name),
            Self::Missing(_) | Self::Value(_) => None,
        }
    }
}

impl de::Error for DeError {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::other(text.to_string())
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
