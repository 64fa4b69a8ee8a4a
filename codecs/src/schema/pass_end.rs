//! How a pass through a `Deserialize` implementation ends: always by an error.

use std::fmt;

/// Why a pass came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum PassEnd {
    /// It has seen what it was sent for.
    #[error("the type was only being looked at")]
    Done,
    /// A struct was given this field twice; its own name for it.
    #[error("duplicate field `{0}`")]
    Duplicate(&'static str),
    /// The implementation refused what it was given.
    #[error("{0}")]
    Refused(Box<str>),
}

impl serde::de::Error for PassEnd {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Refused(text.to_string().into())
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Duplicate(field)
    }
}
