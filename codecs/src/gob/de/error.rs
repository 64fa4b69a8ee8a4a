//! What does not fit a type, told in the words of Go's `encoding/gob`.
//!
//! The error type of the deserializer: it learns on its way out what stands around the value, and becomes a
//! [`ValueError`] at the end. Source: Go `encoding/gob` `decode.go` (`compileDec`, `compileSingle`, `overflow`).

use crate::{
    again::swallowed::{self, Swallowed},
    budget::OverBudget,
    error::ValueError,
    gob::wire::WireError,
    zero::{ZeroField, ZeroFieldError},
};
use serde::de;
use std::fmt;

/// Boxed: the good path carries its size through every `Result`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct DeError(Box<Cause>);

#[derive(Debug, thiserror::Error)]
enum Cause {
    /// A value of the peer's type `remote` stands where ours is `local`.
    #[error("gob: decoding into local type *{local}, received remote type {remote}")]
    Type { local: String, remote: String },
    /// A number beyond what `local` holds, in the place `of`.
    #[error("value for \"{of}{local}\" out of range")]
    Range { of: String, local: &'static str },
    /// A struct lacks a member that has no default.
    #[error("missing field `{0}`")]
    Missing(&'static str),
    /// As [`Cause::Missing`], where a zero value would do.
    #[error("missing field `{}`", .0.name)]
    ZeroWanted(ZeroField),
    /// In the words of a type's own `Deserialize`, its place not known yet.
    #[error("{0}")]
    Other(String),
    /// In words that say where.
    #[error("{0}")]
    Placed(String),
    /// The bytes are no value at all.
    #[error("{}", ValueError::from(*.0))]
    Wire(WireError),
}

impl DeError {
    fn new(cause: Cause) -> Self {
        Self(Box::new(cause))
    }

    #[cold]
    pub(super) fn of_type(local: &str, remote: &str) -> Self {
        Self::new(Cause::Type { local: local.to_owned(), remote: remote.to_owned() })
    }

    #[cold]
    pub(super) fn range(local: &'static str) -> Self {
        Self::new(Cause::Range { of: String::new(), local })
    }

    /// In words that need no place.
    #[cold]
    pub(super) fn placed(text: impl Into<String>) -> Self {
        Self::new(Cause::Placed(text.into()))
    }

    /// The same error, seen from the list around it, which is an array if it has a length.
    #[cold]
    pub(super) fn within_list(mut self, len: Option<usize>) -> Self {
        match &mut *self.0 {
            Cause::Type { local, .. } => match len {
                Some(len) => *local = format!("[{len}]{local}"),
                None => local.insert_str(0, "[]"),
            },
            Cause::Range { of, .. } => of.insert_str(0, "element of "),
            _ => {}
        }
        self
    }

    /// The same error of a map's key or value; `map` is the type of ours around the type of that.
    #[cold]
    pub(super) fn within_map(mut self, map: impl FnOnce(&str) -> String) -> Self {
        if let Cause::Type { local, .. } = &mut *self.0 {
            *local = map(local);
        }
        self
    }

    /// The same error, seen from the struct around it.
    #[cold]
    pub(super) fn within_field(mut self, name: &str, field: &str) -> Self {
        let placed = match &*self.0 {
            Cause::Type { local, .. } => {
                format!("gob: wrong type ({local}) for received field {name}.{field}")
            }
            Cause::Range { of, .. } => format!("value for \"{of}{field}\" out of range"),
            Cause::Other(text) => format!("{name}.{field}: {text}"),
            _ => return self,
        };
        *self.0 = Cause::Placed(placed);
        self
    }
}

impl ZeroFieldError for DeError {
    fn may_be_zero(mut self, fields: &'static [&'static str]) -> Self {
        if let Cause::Missing(name) = *self.0 {
            *self.0 = Cause::ZeroWanted(ZeroField { name, fields });
        }
        self
    }

    fn zero_field(&self) -> Option<ZeroField> {
        match *self.0 {
            Cause::ZeroWanted(field) => Some(field),
            _ => None,
        }
    }
}

impl de::Error for DeError {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(Cause::Other(text.to_string()))
    }

    #[cold]
    fn missing_field(name: &'static str) -> Self {
        Self::new(Cause::Missing(name))
    }

    #[cold]
    fn duplicate_field(name: &'static str) -> Self {
        swallowed::note(Swallowed::Repeated(name));
        Self::custom(format_args!("duplicate field `{name}`"))
    }
}

impl From<WireError> for DeError {
    #[cold]
    fn from(error: WireError) -> Self {
        Self::new(Cause::Wire(error))
    }
}

impl From<OverBudget> for DeError {
    #[cold]
    fn from(over: OverBudget) -> Self {
        Self::placed(over.to_string())
    }
}

impl From<DeError> for ValueError {
    fn from(error: DeError) -> Self {
        match *error.0 {
            Cause::Wire(error) => error.into(),
            _ => Self::new(error.to_string()),
        }
    }
}
