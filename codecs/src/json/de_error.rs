//! What does not fit a type, told in the words of Go's `encoding/json`.
//!
//! The error type of the deserializer: collects the path of struct members on its way out and becomes a
//! [`ValueError`] at the end. Source: Go `encoding/json` `UnmarshalTypeError`.

use crate::{
    again::swallowed::{self, Swallowed},
    budget::OverBudget,
    error::ValueError,
    zero::{ZeroField, ZeroFieldError},
};
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// Boxed: the good path carries its size through every `Result`.
#[derive(Debug)]
pub(super) struct DeError(Box<Details>);

#[derive(Debug)]
struct Details {
    cause: Cause,
    /// The outermost struct, and the members from the innermost to its own.
    root: &'static str,
    path: Vec<&'static str>,
}

#[derive(Debug)]
enum Cause {
    /// `found` stands where Go would have had a value of type `wanted`.
    Mismatch { found: String, wanted: String },
    /// A struct lacks a member that has no default.
    MissingField(&'static str),
    /// As [`Cause::MissingField`], of a struct that has to be made of zero values.
    ZeroWanted(ZeroField),
    /// A struct has a member twice.
    RepeatedField(&'static str),
    /// It would take too much memory, wherever that showed.
    OverBudget(OverBudget),
    /// In the words of a type's own `Deserialize`.
    Other(String),
}

impl DeError {
    fn new(cause: Cause) -> Self {
        Self(Box::new(Details { cause, root: "", path: Vec::new() }))
    }

    #[cold]
    pub(super) fn other(text: impl Into<String>) -> Self {
        Self::new(Cause::Other(text.into()))
    }

    /// `found` in Go's words (`string`, `number 7.5`) where the type `wanted` was due.
    #[cold]
    pub(super) fn mismatch(found: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self::new(Cause::Mismatch { found: found.into(), wanted: wanted.into() })
    }

    /// The same error, seen from the struct around it.
    #[cold]
    pub(super) fn within(mut self, root: &'static str, member: &'static str) -> Self {
        self.0.root = root;
        self.0.path.push(member);
        self
    }
}

impl ZeroFieldError for DeError {
    fn may_be_zero(mut self, fields: &'static [&'static str]) -> Self {
        if let Cause::MissingField(name) = self.0.cause {
            self.0.cause = Cause::ZeroWanted(ZeroField { name, fields });
        }
        self
    }

    fn zero_field(&self) -> Option<ZeroField> {
        match self.0.cause {
            Cause::ZeroWanted(field) => Some(field),
            _ => None,
        }
    }

    fn repeated_field(&self) -> Option<&'static str> {
        match self.0.cause {
            Cause::RepeatedField(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { cause, root, path } = &*self.0;
        let path: Vec<_> = path.iter().rev().copied().collect();
        let path = path.join(".");
        let (before, place) =
            if path.is_empty() { ("", String::new()) } else { (": ", format!("{root}.{path}")) };
        match cause {
            Cause::Mismatch { found, wanted } if path.is_empty() => {
                write!(f, "json: cannot unmarshal {found} into Go value of type {wanted}")
            }
            Cause::Mismatch { found, wanted } => {
                write!(f, "json: cannot unmarshal {found} into Go struct field {place} of type {wanted}")
            }
            Cause::MissingField(name) | Cause::ZeroWanted(ZeroField { name, .. }) => {
                write!(f, "{place}{before}missing field `{name}`")
            }
            Cause::RepeatedField(name) => write!(f, "{place}{before}duplicate field `{name}`"),
            Cause::OverBudget(over) => over.fmt(f),
            Cause::Other(text) => write!(f, "{place}{before}{text}"),
        }
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::other(text.to_string())
    }

    #[cold]
    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "bool",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "number",
            Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "string",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq => "array",
            _ => "object",
        };
        Self::mismatch(found, wanted.to_string())
    }

    #[cold]
    fn missing_field(name: &'static str) -> Self {
        swallowed::note(Swallowed::Missing(name));
        Self::new(Cause::MissingField(name))
    }

    #[cold]
    fn duplicate_field(name: &'static str) -> Self {
        swallowed::note(Swallowed::Repeated(name));
        Self::new(Cause::RepeatedField(name))
    }
}

impl From<OverBudget> for DeError {
    #[cold]
    fn from(over: OverBudget) -> Self {
        Self::new(Cause::OverBudget(over))
    }
}

impl From<DeError> for ValueError {
    fn from(error: DeError) -> Self {
        Self::new(error.to_string())
    }
}
