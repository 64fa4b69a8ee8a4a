//! The shape of a value: the part of its type that the value itself shows.
//!
//! For values whose type could not be traced. What a value does not show (nothing in an option, no element in a
//! list) stays [`Shape::Unseen`] and is left out of the definition and of the value: a guess could be wrong, and Go
//! refuses a wrong type even where no value of it is sent.

use super::Fault;
use crate::gob::types::{Id, Marshaler};

/// What one value, or several of one type, have shown.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::gob) enum Shape {
    Unseen,
    /// A type with a fixed id.
    Scalar(Id),
    Marshaled(Marshaler),
    List {
        elem: Box<Self>,
        /// Whether there was an element.
        filled: bool,
    },
    Array {
        elem: Box<Self>,
        len: usize,
    },
    Map {
        key: Box<Self>,
        elem: Box<Self>,
        filled: bool,
    },
    Struct {
        name: &'static str,
        fields: Vec<(&'static str, Self)>,
    },
}

impl Shape {
    /// `()` where a value has to be.
    pub(super) const UNIT: Self = Self::Struct { name: "", fields: Vec::new() };

    /// Whether one type may have shown both: structs of different names are different types.
    pub(in crate::gob) fn may_be_of_the_type_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Struct { name, .. }, Self::Struct { name: other, .. }) => name == other,
            _ => true,
        }
    }

    /// The shape of both: what one has not shown the other may have.
    ///
    /// # Errors
    /// No type has both shapes.
    pub(in crate::gob) fn merge(self, other: Self) -> Result<Self, Fault> {
        Ok(match (self, other) {
            (Self::Unseen, shape) | (shape, Self::Unseen) => shape,
            (Self::Scalar(one), Self::Scalar(two)) if one == two => Self::Scalar(one),
            (Self::Marshaled(one), Self::Marshaled(two)) if one == two => Self::Marshaled(one),
            (Self::List { elem: one, filled }, Self::List { elem: two, filled: also }) => {
                Self::List { elem: Box::new(one.merge(*two)?), filled: filled | also }
            }
            (Self::Array { elem: one, len }, Self::Array { elem: two, len: same }) if len == same => {
                Self::Array { elem: Box::new(one.merge(*two)?), len }
            }
            (Self::Map { key, elem, filled }, Self::Map { key: key2, elem: elem2, filled: also }) => {
                Self::Map {
                    key: Box::new(key.merge(*key2)?),
                    elem: Box::new(elem.merge(*elem2)?),
                    filled: filled | also,
                }
            }
            (Self::Struct { name, fields }, Self::Struct { fields: more, .. }) => {
                Self::Struct { name, fields: merge_fields(fields, more)? }
            }
            (one, two) => {
                return Err(Fault::refused(format!(
                    "gob: {} and {} in one list or map, whose values are all of one type; use codecs::types::Any",
                    one.word(),
                    two.word()
                )));
            }
        })
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Unseen => "nil",
            Self::Scalar(Id::BOOL) => "bool",
            Self::Scalar(Id::INT) => "int",
            Self::Scalar(Id::UINT) => "uint",
            Self::Scalar(Id::FLOAT) => "float",
            Self::Scalar(Id::BYTES) => "[]byte",
            Self::Scalar(Id::STRING) => "string",
            Self::Scalar(Id::COMPLEX) => "complex",
            Self::Scalar(Id::INTERFACE) => "interface{}",
            Self::Scalar(_) => "time.Time",
            Self::Marshaled(_) => "a value that its type has marshaled",
            Self::List { .. } => "a list",
            Self::Array { .. } => "an array",
            Self::Map { .. } => "a map",
            Self::Struct { name: "", .. } => "a struct",
            Self::Struct { name, .. } => name,
        }
    }
}

/// All fields of both; a new one goes in front of the next one that both have, since numbers of fields have to rise.
/// (Derived implementations name every field each time, so this matters to handwritten ones only.)
fn merge_fields(
    mut fields: Vec<(&'static str, Shape)>,
    more: Vec<(&'static str, Shape)>,
) -> Result<Vec<(&'static str, Shape)>, Fault> {
    let mut next = 0;
    let mut new = Vec::new();
    for (name, shape) in more {
        // Mostly it is the very next one.
        let at = match fields.get(next) {
            Some((other, _)) if *other == name => Some(next),
            _ => fields.iter().position(|(other, _)| *other == name),
        };
        let Some((at, (_, known))) = at.and_then(|at| fields.get_mut(at).map(|field| (at, field))) else {
            new.push((name, shape));
            continue;
        };
        *known = std::mem::replace(known, Shape::Unseen).merge(shape)?;
        next = at + 1 + new.len();
        fields.splice(at..at, new.drain(..));
    }
    fields.append(&mut new);
    Ok(fields)
}
