//! How a pass through a `Deserialize` implementation ends: always by an error.

use std::fmt;

/// Why a pass came back.
#[derive(Debug)]
pub(super) enum PassEnd {
    /// It has seen what it was sent for.
    Done,
    /// A struct was given this field twice; its own name for it.
    Duplicate(&'static str),
    /// The implementation refused what it was given.
    Refused(Box<str>),
}

impl fmt::Display for PassEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("the type was only being looked at"),
            Self::Duplicate(field) => write!(f, "duplicate field `{field}`"),
            Self::Refused(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for PassEnd {}

impl serde::de::Error for PassEnd {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Refused(text.to_string().into())
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Duplicate(field)
    }
}
