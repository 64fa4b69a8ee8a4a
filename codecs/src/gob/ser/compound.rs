//! Lists, arrays, maps and structs in the making.

use super::{Result, Role, SerError, Serializer};
use crate::{
    gob::{
        define::Field,
        types::Id,
        wire::{put_uint, put_uint_at},
    },
    serde_methods::impl_elements,
};
use bytes::BufMut;
use serde::{Serialize, ser};

/// An open list, array, map or complex number.
pub(super) struct Elements<'a> {
    of: Serializer<'a>,
    key: Id,
    elem: Id,
    /// Where everything of it starts.
    start: usize,
    count: usize,
    expects: Expects,
    /// Where the length goes of what an interface holds.
    length_at: Option<usize>,
}

/// How many elements are to come.
#[derive(Debug, Clone, Copy)]
enum Expects {
    /// So many, as has been written.
    Exactly(usize),
    /// As many as there are; their number goes to this place.
    CountAt(usize),
    /// None: nothing has been written.
    Nothing,
    /// Two floats.
    Complex,
}

impl<'a> Elements<'a> {
    pub(super) fn new(of: Serializer<'a>, key: Id, elem: Id, start: usize) -> Self {
        Self { of, key, elem, start, count: 0, expects: Expects::Nothing, length_at: None }
    }

    /// Writes the number of elements, or keeps a place for it.
    pub(super) fn counted(self, len: Option<usize>, written: bool) -> Self {
        let expects = match len {
            _ if !written => Expects::Nothing,
            Some(len) => {
                put_uint(&mut self.of.sink.bytes, len as u64);
                Expects::Exactly(len)
            }
            None => {
                let at = self.of.sink.bytes.len();
                self.of.sink.bytes.put_u8(0);
                Expects::CountAt(at)
            }
        };
        Self { expects, ..self }
    }

    pub(super) fn complex(self) -> Self {
        Self { expects: Expects::Complex, ..self }
    }

    pub(super) fn held_at(self, length_at: usize) -> Self {
        Self { length_at: Some(length_at), ..self }
    }

    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, id: Id, role: Role, value: &T) -> Result<()> {
        if let Expects::Nothing = self.expects {
            return Err(SerError::Mismatch("an element of a list or map"));
        }
        self.of.inner(id, 0, role, value).map(drop)
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.count += 1;
        let role = if self.of.role == Role::Any { Role::Any } else { Role::Plain };
        self.put(self.elem, role, value)
    }

    #[inline]
    fn close(self) -> Result<bool> {
        let (sink, is_field) = (self.of.sink, self.of.delta > 0);
        match self.expects {
            Expects::Nothing => return Ok(false),
            Expects::Exactly(len) if len == self.count => {}
            Expects::Exactly(len) => {
                return Err(SerError::refused(format!(
                    "gob: {} elements where {len} were announced",
                    self.count
                )));
            }
            // An empty list in a field is nil.
            Expects::CountAt(_) if self.count == 0 && is_field && self.key == Id::NONE => {
                if self.length_at.is_none() {
                    sink.bytes.truncate(self.start);
                    return Ok(false);
                }
            }
            Expects::CountAt(at) => put_uint_at(&mut sink.bytes, at, self.count),
            Expects::Complex => {
                if is_field && sink.bytes.ends_with(&[0, 0]) && sink.bytes.len() == self.start + 3 {
                    sink.bytes.truncate(self.start);
                    return Ok(false);
                }
            }
        }
        if let Some(at) = self.length_at {
            sink.close(at);
        }
        Ok(true)
    }
}

impl_elements! {
    [#[inline]] [] Elements<'_> => bool, SerError: SerializeSeq, SerializeTuple, SerializeTupleStruct
}

impl ser::SerializeMap for Elements<'_> {
    type Ok = bool;
    type Error = SerError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.put(self.key, Role::Plain, key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    #[inline]
    fn end(self) -> Result<bool> {
        self.close()
    }
}

/// An open struct. Its fields have to come in the order of its type, as they do when serde derives both.
pub(super) struct Fields<'a> {
    of: Serializer<'a>,
    fields: &'a [Field],
    /// The field expected next.
    next: usize,
    /// The number of the last field written, counted from 1.
    last: usize,
}

impl<'a> Fields<'a> {
    #[inline]
    pub(super) fn new(of: Serializer<'a>, fields: &'a [Field]) -> Self {
        Self { of, fields, next: 0, last: 0 }
    }

    /// The number of a field, counted from 0, and its type.
    #[inline]
    fn find(&self, name: &'static str) -> Option<(usize, Id)> {
        match self.fields.get(self.next) {
            Some(field) if field.name == name => Some((self.next, field.id)),
            _ => self.search(name),
        }
    }

    fn search(&self, name: &'static str) -> Option<(usize, Id)> {
        let at = self.fields.iter().position(|field| field.name == name)?;
        self.fields.get(at).map(|field| (at, field.id))
    }
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = bool;
    type Error = SerError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        // A field that the type does not have may only be one that shows nothing.
        let (at, id) = self.find(key).unwrap_or((self.last, Id::NONE));
        if at < self.last {
            return Err(SerError::Mismatch("a field in another order"));
        }
        // Structs have far fewer than 2^32 fields.
        let delta = (at + 1 - self.last) as u32;
        let written = self.of.inner(id, delta, Role::Plain, value)?;
        if id != Id::NONE {
            self.next = at + 1;
        }
        if written {
            self.last = at + 1;
        }
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<bool> {
        self.of.sink.bytes.put_u8(0);
        Ok(true)
    }
}
