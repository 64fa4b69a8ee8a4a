//! What does not fit a type, told in the words of Go's `encoding/gob`.
//!
//! The error type of the deserializer: it learns on its way out what stands around the value, and becomes a
//! [`ValueError`] at the end. Source: Go `encoding/gob` `decode.go` (`compileDec`, `compileSingle`, `overflow`).

use crate::{error::ValueError, gob::wire::Fault, zero::ZeroFault};
use serde::de;
use std::fmt;

/// Boxed: the good path carries its size through every `Result`.
#[derive(Debug)]
pub(super) struct Misfit(Box<Cause>);

#[derive(Debug)]
enum Cause {
    /// A value of the peer's type `remote` stands where ours is `local`.
    Type { local: String, remote: String },
    /// A number beyond what `local` holds, in the place `of`.
    Range { of: String, local: &'static str },
    /// A struct lacks a member that has no default.
    Missing(&'static str),
    /// As [`Cause::Missing`], where a zero value would do.
    ZeroWanted(&'static str),
    /// In the words of a type's own `Deserialize`, its place not known yet.
    Other(String),
    /// In words that say where.
    Placed(String),
    /// The bytes are no value at all.
    Wire(Fault),
}

impl Misfit {
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

    /// The same misfit, seen from the list around it, which is an array if it has a length.
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

    /// The same misfit of a map's value, whose keys are of the type `key`.
    #[cold]
    pub(super) fn within_map(mut self, key: &str) -> Self {
        if let Cause::Type { local, .. } = &mut *self.0 {
            *local = format!("map[{key}]{local}");
        }
        self
    }

    /// The same misfit of a map's key.
    #[cold]
    pub(super) fn within_key(mut self, elem: &str) -> Self {
        if let Cause::Type { local, .. } = &mut *self.0 {
            *local = format!("map[{local}]{elem}");
        }
        self
    }

    /// The same misfit, seen from the struct around it.
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

impl ZeroFault for Misfit {
    fn of_zero(mut self) -> Self {
        if let Cause::Missing(name) = *self.0 {
            *self.0 = Cause::ZeroWanted(name);
        }
        self
    }

    fn zero_wanted(&self) -> Option<&'static str> {
        match *self.0 {
            Cause::ZeroWanted(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Type { local, remote } => {
                write!(f, "gob: decoding into local type *{local}, received remote type {remote}")
            }
            Cause::Range { of, local } => write!(f, "value for \"{of}{local}\" out of range"),
            Cause::Missing(name) | Cause::ZeroWanted(name) => write!(f, "missing field `{name}`"),
            Cause::Other(text) | Cause::Placed(text) => f.write_str(text),
            Cause::Wire(fault) => f.write_str(ValueError::from(*fault).text()),
        }
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(Cause::Other(text.to_string()))
    }

    #[cold]
    fn missing_field(name: &'static str) -> Self {
        Self::new(Cause::Missing(name))
    }
}

impl From<Fault> for Misfit {
    #[cold]
    fn from(fault: Fault) -> Self {
        Self::new(Cause::Wire(fault))
    }
}

impl From<Misfit> for ValueError {
    fn from(misfit: Misfit) -> Self {
        match *misfit.0 {
            Cause::Wire(fault) => fault.into(),
            _ => Self::new(misfit.to_string()),
        }
    }
}
