//! What does not fit, and where: the error type of the deserializer.

use super::token::{Shortened, Token};
use crate::{budget::OverBudget, error::ValueError};
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// Names that an error lists.
const LISTED: usize = 20;

/// Boxed: the good path carries its size through every `Result`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct DeError(Box<Cause>);

#[derive(Debug, thiserror::Error)]
enum Cause {
    /// No error: the only token is the whole argument in JSON.
    #[error("the argument is JSON")]
    WholeJson,
    /// The token is none of the wanted type.
    #[error("wants {0}")]
    Wants(String),
    /// The token is not the wanted type in JSON, and what serde_json says.
    #[error("wants {0} as JSON: {1}")]
    Json(String, String),
    /// A struct lacks a field that has no default.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// In the words of the type itself, without the token.
    #[error("{0}")]
    Other(String),
    /// All that there is to say.
    #[error("{0}")]
    Told(String),
}

impl DeError {
    fn new(cause: Cause) -> Self {
        Self(Box::new(cause))
    }

    #[cold]
    pub(super) fn whole_json() -> Self {
        Self::new(Cause::WholeJson)
    }

    #[cold]
    pub(super) fn wants(wanted: impl Into<String>) -> Self {
        Self::new(Cause::Wants(wanted.into()))
    }

    #[cold]
    pub(super) fn json(wanted: String, error: &serde_json::Error) -> Self {
        Self::new(Cause::Json(wanted, error.to_string()))
    }

    #[cold]
    pub(super) fn told(text: impl Into<String>) -> Self {
        Self::new(Cause::Told(text.into()))
    }

    /// So many values were given where others were wanted.
    #[cold]
    pub(super) fn count(given: usize, wanted: usize, which: &str) -> Self {
        let plural = if given == 1 { "" } else { "s" };
        let wanted = if wanted == 0 { "none".to_owned() } else { wanted.to_string() };
        let which = if which.is_empty() { String::new() } else { format!(": {which}") };
        Self::told(format!("{given} argument{plural} given, {wanted} wanted{which}"))
    }

    pub(super) fn is_whole_json(&self) -> bool {
        matches!(*self.0, Cause::WholeJson)
    }

    /// The field that is missing.
    pub(super) fn missing(&self) -> Option<&'static str> {
        match *self.0 {
            Cause::Missing(name) => Some(name),
            _ => None,
        }
    }

    /// The same error of the value `token` of `place`, unless it has a place already.
    #[cold]
    pub(super) fn at(self, place: impl fmt::Display, token: Token<'_>) -> Self {
        match *self.0 {
            Cause::Wants(wanted) => Self::told(format!("{place}: wants {wanted}, got {token}")),
            Cause::Json(wanted, text) => {
                Self::told(format!("{place}: wants {wanted} as JSON, got {token}: {text}"))
            }
            Cause::Missing(name) => Self::told(format!("{place}: field {name} is missing, got {token}")),
            Cause::Other(text) => Self::told(format!("{place}: {text}, got {token}")),
            Cause::WholeJson | Cause::Told(_) => self,
        }
    }
}

/// Names in a row, the first ones if there are many.
pub(super) fn list<T: AsRef<[u8]>>(names: &[T]) -> String {
    let shown = names.iter().take(LISTED).map(|name| Shortened(name.as_ref()).to_string());
    let more = if names.len() > LISTED { ", …" } else { "" };
    shown.collect::<Vec<_>>().join(", ") + more
}

impl de::Error for DeError {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(Cause::Other(text.to_string()))
    }

    #[cold]
    fn invalid_type(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::wants(wanted.to_string())
    }

    #[cold]
    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::wants(wanted.to_string())
    }

    #[cold]
    fn unknown_variant(_: &str, wanted: &'static [&'static str]) -> Self {
        Self::wants(format!("one of {}", list(wanted)))
    }

    #[cold]
    fn missing_field(name: &'static str) -> Self {
        Self::new(Cause::Missing(name))
    }

    #[cold]
    fn duplicate_field(name: &'static str) -> Self {
        Self::told(format!("field {name} is given twice"))
    }
}

impl From<OverBudget> for DeError {
    #[cold]
    fn from(over: OverBudget) -> Self {
        Self::told(over.to_string())
    }
}

impl From<DeError> for ValueError {
    fn from(error: DeError) -> Self {
        Self::new(error.to_string())
    }
}
