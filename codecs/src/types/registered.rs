//! A value that Go's side holds in an interface, under a name its program has registered.
//!
//! Knows serde's calls and nothing of any one codec; gob recognises the newtype name `INTERFACE`.

use super::INTERFACE;
use crate::form;
use serde::{Serialize, Serializer};

/// A value with the name it has in Go's `gob.Register`, for where Go wants an `interface{}`.
///
/// [`Any`](super::Any) writes Go's own kinds under Go's own names; this is for a program's types, such as
/// `main.Point` (import path and type; `*main.Point` for a pointer). On the wire: gob an interface value; other
/// codecs the value alone. Reading needs no name: the wanted type or `Any` takes what the interface holds. Where the
/// name matters, or several types are possible, an enum has a variant for each: see [`gob`](crate::gob).
///
/// ```
/// use rpcwrap_codecs::types::Registered;
/// #[derive(serde::Serialize)]
/// struct Point { x: i64 }
/// let value = Registered { name: "main.Point", value: Point { x: 1 } };
/// assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"x":1}"#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered<T> {
    /// The registered name, at most 1024 bytes.
    pub name: &'static str,
    /// What the interface holds.
    pub value: T,
}

impl<T: Serialize> Serialize for Registered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if form::is_text(serializer.is_human_readable()) {
            self.value.serialize(serializer)
        } else {
            serializer.serialize_newtype_struct(INTERFACE, &Named(self))
        }
    }
}

struct Named<'a, T>(&'a Registered<T>);

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(self.0.name, &self.0.value)
    }
}
