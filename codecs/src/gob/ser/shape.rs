//! The shape of a value: the part of its type that the value itself shows.
//!
//! For values whose type could not be traced. What a value does not show (nothing in an option, no element in a
//! list) stays [`Shape::Unobserved`] and is left out of the definition and of the value: a guess could be wrong, and Go
//! refuses a wrong type even where no value of it is sent.
//!
//! Structs of one name are one type, even if they show different fields: Go's decoder remembers only one way of reading
//! a type of its own within a struct, and reads two fields of one type by the definition of the first. Source: Go
//! `encoding/gob` `decode.go` (`decOpFor`, `inProgress`).

use super::{Result, SerError};
use crate::gob::types::{Id, Marshaler};

/// What one value, or several of one type, have shown.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::gob) enum Shape {
    Unobserved,
    /// `()` where a value has to be.
    Unit,
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
    /// One of [`Structs`].
    Struct(usize),
}

type Fields = Vec<(&'static str, Shape)>;

/// The structs that values have shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::gob) struct Structs(Vec<Struct>);

#[derive(Debug, Clone, PartialEq)]
struct Struct {
    name: &'static str,
    fields: Fields,
    /// The one that has taken this one in.
    joined: Option<usize>,
}

impl Structs {
    /// The place of a struct that may have been joined to another.
    pub(in crate::gob) fn place(&self, mut at: usize) -> usize {
        // Only ever joined to ones that are not joined themselves, so there is no circle.
        while let Some(other) = self.0.get(at).and_then(|of| of.joined) {
            at = other;
        }
        at
    }

    /// The name and the fields of the struct at a place.
    pub(in crate::gob) fn get(&self, at: usize) -> (&'static str, &[(&'static str, Shape)]) {
        self.0.get(self.place(at)).map_or(("", &[]), |of| (of.name, &of.fields))
    }

    /// Takes in what a struct has shown, together with others of its name if no field speaks against it.
    ///
    /// No name says nothing, so structs without one have to have a field in common: a tree's nodes do, whose type Go
    /// has to find defined once; a struct and the field it holds mostly do not.
    pub(super) fn add(&mut self, name: &'static str, fields: Fields) -> Result<Shape> {
        let known = self.0.iter().position(|of| {
            of.joined.is_none()
                && of.name == name
                && (!name.is_empty() || have_one_in_common(&of.fields, &fields))
                && self.fields_fit(&of.fields, &fields, &mut Vec::new())
        });
        match known {
            Some(at) => {
                self.absorb(at, fields)?;
                Ok(Shape::Struct(at))
            }
            None => {
                self.0.push(Struct { name, fields, joined: None });
                Ok(Shape::Struct(self.0.len() - 1))
            }
        }
    }

    /// The shape of both: what one has not shown the other may have. Structs of different names, which only an untagged
    /// enum puts side by side, become one with the fields of both.
    ///
    /// # Errors
    /// No type has both shapes.
    pub(in crate::gob) fn merge(&mut self, one: Shape, two: Shape) -> Result<Shape> {
        Ok(match (one, two) {
            (Shape::Unobserved, shape) | (shape, Shape::Unobserved) => shape,
            (Shape::List { elem: one, filled }, Shape::List { elem: two, filled: also }) => {
                Shape::List { elem: Box::new(self.merge(*one, *two)?), filled: filled | also }
            }
            (Shape::Array { elem: one, len }, Shape::Array { elem: two, len: same }) if len == same => {
                Shape::Array { elem: Box::new(self.merge(*one, *two)?), len }
            }
            (Shape::Map { key, elem, filled }, Shape::Map { key: key2, elem: elem2, filled: also }) => {
                Shape::Map {
                    key: Box::new(self.merge(*key, *key2)?),
                    elem: Box::new(self.merge(*elem, *elem2)?),
                    filled: filled | also,
                }
            }
            (Shape::Struct(one), Shape::Struct(two)) => Shape::Struct(self.join(one, two)?),
            (one, two) if one == two => one,
            (one, two) => {
                return Err(SerError::refused(format!(
                    "gob: {} and {} in one list or map, whose values are all of one type; use rpcwrap_codecs::types::Any",
                    self.word(&one),
                    self.word(&two)
                )));
            }
        })
    }

    fn join(&mut self, one: usize, two: usize) -> Result<usize> {
        let (one, two) = (self.place(one), self.place(two));
        if one != two
            && let Some(joined) = self.0.get_mut(two)
        {
            joined.joined = Some(one);
            let fields = std::mem::take(&mut joined.fields);
            self.absorb(one, fields)?;
        }
        Ok(self.place(one))
    }

    fn absorb(&mut self, at: usize, more: Fields) -> Result<()> {
        let mine = self.0.get_mut(at).map(|of| std::mem::take(&mut of.fields)).unwrap_or_default();
        let merged = self.merge_fields(mine, more)?;
        // Meanwhile it may have been joined to another, or another to it.
        let at = self.place(at);
        match self.0.get_mut(at) {
            Some(of) if !of.fields.is_empty() => return self.absorb(at, merged),
            Some(of) => of.fields = merged,
            None => {}
        }
        Ok(())
    }

    /// All fields of both; a new one goes in front of the next one that both have, since numbers of fields have to
    /// rise. (Derived implementations name every field each time, so this matters to handwritten ones only.)
    fn merge_fields(&mut self, mut fields: Fields, more: Fields) -> Result<Fields> {
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
            *known = self.merge(std::mem::replace(known, Shape::Unobserved), shape)?;
            next = at + 1 + new.len();
            fields.splice(at..at, new.drain(..));
        }
        fields.append(&mut new);
        Ok(fields)
    }

    /// Whether one type may have shown both; structs of different names are different types.
    pub(in crate::gob) fn may_be_one(&self, one: &Shape, two: &Shape) -> bool {
        self.fit(one, two, &mut Vec::new())
    }

    /// As [`Self::may_be_one`]; `assumed` are the structs being compared already.
    fn fit(&self, one: &Shape, two: &Shape, assumed: &mut Vec<(usize, usize)>) -> bool {
        match (one, two) {
            (Shape::Unobserved, _) | (_, Shape::Unobserved) => true,
            (Shape::List { elem: one, .. }, Shape::List { elem: two, .. }) => self.fit(one, two, assumed),
            (Shape::Array { elem: one, len }, Shape::Array { elem: two, len: same }) => {
                len == same && self.fit(one, two, assumed)
            }
            (Shape::Map { key, elem, .. }, Shape::Map { key: key2, elem: elem2, .. }) => {
                self.fit(key, key2, assumed) && self.fit(elem, elem2, assumed)
            }
            (Shape::Struct(one), Shape::Struct(two)) => {
                let pair = (self.place(*one), self.place(*two));
                if pair.0 == pair.1 || assumed.contains(&pair) {
                    return true;
                }
                assumed.push(pair);
                let ((name, fields), (other, more)) = (self.get(pair.0), self.get(pair.1));
                name == other && self.fields_fit(fields, more, assumed)
            }
            (one, two) => one == two,
        }
    }

    fn fields_fit(
        &self,
        one: &[(&'static str, Shape)],
        two: &[(&'static str, Shape)],
        assumed: &mut Vec<(usize, usize)>,
    ) -> bool {
        two.iter().enumerate().all(|(at, (name, shape))| {
            let same = |(other, _): &&(&str, Shape)| other == name;
            let known = one.get(at).filter(same).or_else(|| one.iter().find(same));
            known.is_none_or(|(_, known)| self.fit(known, shape, assumed))
        })
    }

    fn word(&self, shape: &Shape) -> &'static str {
        match shape {
            Shape::Unobserved => "nil",
            Shape::Unit => "struct{}",
            Shape::Scalar(Id::BOOL) => "bool",
            Shape::Scalar(Id::INT) => "int",
            Shape::Scalar(Id::UINT) => "uint",
            Shape::Scalar(Id::FLOAT) => "float",
            Shape::Scalar(Id::BYTES) => "[]byte",
            Shape::Scalar(Id::STRING) => "string",
            Shape::Scalar(Id::COMPLEX) => "complex",
            Shape::Scalar(Id::INTERFACE) => "interface{}",
            Shape::Scalar(_) => "time.Time",
            Shape::Marshaled(_) => "a value that its type has marshaled",
            Shape::List { .. } => "a list",
            Shape::Array { .. } => "an array",
            Shape::Map { .. } => "a map",
            Shape::Struct(at) => match self.get(*at).0 {
                "" => "a struct",
                name => name,
            },
        }
    }
}

fn have_one_in_common(one: &[(&'static str, Shape)], two: &[(&'static str, Shape)]) -> bool {
    one.iter().any(|(name, _)| two.iter().any(|(other, _)| name == other))
}
