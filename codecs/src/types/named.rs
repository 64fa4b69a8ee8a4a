//! A value of Go's that an interface holds, with the name of its type.
//!
//! Knows serde's calls and nothing of any one codec; gob recognises the newtype name `INTERFACE`.

use super::{Any, INTERFACE, any::AnyVisitor};
use serde::{
    Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error as _, SeqAccess, Visitor},
    ser::{Error as _, SerializeStruct},
};
use std::{
    collections::HashSet,
    fmt,
    sync::{LazyLock, Mutex, PoisonError},
};

/// Names of types and fields, all in all, that values read from peers may be written back under. They are kept for
/// ever, as serde wants the names of structs.
const MAX_NAMES: usize = 4096;
const MAX_NAME_BYTES: usize = 1024;

/// A value of a Go type that [`Any`] has no kind for, and the name of that type: see [`Any::Named`].
///
/// Read from gob and written to it again, it is of the same type to Go. A program may make them too, for the types that
/// Go knows by itself: `Named { name: "int8".into(), is_struct: false, value: Any::Int(5) }`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Named {
    /// The name that Go has the type registered under, empty for a part of such a value that is in no interface.
    pub name: String,
    /// Whether it is a struct: `value` has its fields then, as a [`Map`](Any::Map) from their names.
    pub is_struct: bool,
    /// The value.
    pub value: Any,
}

/// The one copy of a name, kept for ever.
fn interned(name: &str) -> Option<&'static str> {
    static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Some(known);
    }
    if names.len() >= MAX_NAMES || name.len() > MAX_NAME_BYTES {
        return None;
    }
    let kept: &'static str = String::from(name).leak();
    names.insert(kept);
    Some(kept)
}

fn static_name<E: serde::ser::Error>(name: &str) -> Result<&'static str, E> {
    interned(name)
        .ok_or_else(|| E::custom("over 4096 names of Go types and fields, or one of over 1024 bytes"))
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.name.is_empty() {
            Bare(self).serialize(serializer)
        } else {
            serializer.serialize_newtype_struct(INTERFACE, &WithName(self))
        }
    }
}

struct WithName<'a>(&'a Named);

impl Serialize for WithName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(static_name(&self.0.name)?, &Bare(self.0))
    }
}

/// The value without its name.
struct Bare<'a>(&'a Named);

impl Serialize for Bare<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_struct {
            return Concrete(&self.0.value).serialize(serializer);
        }
        let Any::Map(fields) = &self.0.value else {
            return Err(S::Error::custom("a named struct whose value is no map"));
        };
        let mut open = serializer.serialize_struct(static_name(&self.0.name)?, fields.len())?;
        for (name, value) in fields {
            let name = name.as_str().ok_or_else(|| S::Error::custom("a field whose name is not UTF-8"))?;
            open.serialize_field(static_name(name)?, &Concrete(value))?;
        }
        open.end()
    }
}

/// A value of one type, not in an interface.
struct Concrete<'a>(&'a Any);

impl Serialize for Concrete<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_kind(serializer, Concrete)
    }
}

/// Whether it is a struct, then the value.
pub(super) struct NamedVisitor {
    pub(super) name: String,
}

impl<'de> Visitor<'de> for NamedVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a named type")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
        let (Some(is_struct), Some(value)) = (seq.next_element()?, seq.next_element_seed(Content)?) else {
            return Err(A::Error::custom("a named type without a value"));
        };
        Ok(Any::Named(Box::new(Named { name: self.name, is_struct, value })))
    }
}

struct Content;

impl<'de> DeserializeSeed<'de> for Content {
    type Value = Any;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        deserializer.deserialize_any(AnyVisitor { of_text: false })
    }
}
