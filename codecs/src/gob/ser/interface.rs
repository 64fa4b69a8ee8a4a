//! Interface values: a name, an id and a value with its length, for [`Any`](crate::types::Any),
//! [`Registered`](crate::types::Registered) and the variants of enums.
//!
//! Go reads a length before the value, so what is held is written first and the length put in front of it.

use super::{Elements, Result, Role, SerError, Serializer, is_struct};
use crate::gob::{
    define::{ANY_LIST, ANY_MAP, TIME, Table},
    types::{Id, MAX_NAME_BYTES},
    wire::{put_bytes, put_int, put_uint_at},
};
use bytes::BufMut;
use serde::Serialize;

/// Where a value goes, and what is found out on the way.
#[derive(Debug, Default)]
pub(in crate::gob) struct Sink {
    pub(in crate::gob) bytes: Vec<u8>,
    /// The types of the values that [`Registered`](crate::types::Registered)s and variants hold, the last one first,
    /// where they are not traced.
    pub(in crate::gob) held: Vec<Id>,
    /// The types that values in interfaces have, beyond those; none twice.
    pub(in crate::gob) uses: Vec<Id>,
}

impl Sink {
    fn mark(&mut self, id: Id) {
        if !self.uses.contains(&id) {
            self.uses.push(id);
        }
    }

    /// Starts the value in an interface; where its length will be.
    fn hold(&mut self, name: &str, id: Id, table: &Table) -> usize {
        if matches!(id, TIME | ANY_LIST | ANY_MAP) {
            self.mark(id);
        }
        put_bytes(&mut self.bytes, name.as_bytes());
        put_int(&mut self.bytes, id.number());
        let at = self.bytes.len();
        self.bytes.put_u8(0);
        if !is_struct(table, id) {
            self.bytes.put_u8(0);
        }
        at
    }

    /// Puts the length in front of the value that starts behind `at`.
    pub(super) fn close(&mut self, at: usize) {
        let len = self.bytes.len() - at - 1;
        put_uint_at(&mut self.bytes, at, len);
    }
}

impl<'a> Serializer<'a> {
    /// Whether this is an interface that holds values of any type.
    #[inline]
    pub(super) fn holds_anything(&self) -> bool {
        self.id == Id::INTERFACE && self.role == Role::Any
    }

    /// Writes a value without parts into an interface.
    #[cold]
    pub(super) fn held_scalar(
        mut self,
        id: Id,
        name: &'static str,
        put: impl FnOnce(&mut Vec<u8>),
    ) -> Result<bool> {
        if !self.holds_anything() {
            return Err(SerError::Mismatch(name));
        }
        self.open();
        let at = self.sink.hold(name, id, self.table);
        put(&mut self.sink.bytes);
        self.sink.close(at);
        Ok(true)
    }

    /// Writes the inside of a newtype of ours, in an interface or not.
    #[inline]
    pub(super) fn special<T: Serialize + ?Sized>(
        self,
        id: Id,
        name: &'static str,
        role: Role,
        value: &T,
    ) -> Result<bool> {
        if self.holds_anything() {
            return self.held(id, name, role, value);
        }
        if self.id != id {
            return Err(SerError::Mismatch(name));
        }
        value.serialize(Self { role, ..self })
    }

    fn held<T: Serialize + ?Sized>(mut self, id: Id, name: &str, role: Role, value: &T) -> Result<bool> {
        self.open();
        let at = self.sink.hold(name, id, self.table);
        self.deepen()?;
        self.inner(id, 0, role, value)?;
        self.sink.close(at);
        Ok(true)
    }

    /// Writes a value under a name of the program's.
    #[cold]
    pub(super) fn held_registered<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<bool> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(SerError::refused(format!("gob: registered name of {} bytes", name.len())));
        }
        if self.id != Id::INTERFACE {
            return Err(SerError::Mismatch("an interface"));
        }
        let id = self.sink.held.pop().ok_or(SerError::Unseen)?;
        self.held(id, name, Role::Plain, value)
    }

    /// Writes the value of a variant under the variant's name.
    pub(super) fn held_variant<T: Serialize + ?Sized>(
        self,
        of: &'static str,
        variant: &'static str,
        value: &T,
    ) -> Result<bool> {
        if self.id != Id::INTERFACE {
            return Err(SerError::Mismatch("an interface"));
        }
        if !self.sink.held.is_empty() {
            return self.held_registered(variant, value);
        }
        let id = self.table.variant(of, variant).ok_or(SerError::Mismatch("an interface"))?;
        self.sink.mark(id);
        self.held(id, variant, Role::Plain, value)
    }

    /// Starts a list or map of the type `id` in an interface, where it goes by `name`.
    #[cold]
    pub(super) fn held_elements(
        mut self,
        name: &str,
        id: Id,
        key: Id,
        len: Option<usize>,
    ) -> Result<Elements<'a>> {
        self.deepen()?;
        let start = self.sink.bytes.len();
        self.open();
        let length_at = self.sink.hold(name, id, self.table);
        Ok(Elements::new(self, key, Id::INTERFACE, start).counted(len, true).held_at(length_at))
    }

    #[cold]
    pub(super) fn not_a_struct(&self) -> SerError {
        if self.holds_anything() {
            return SerError::refused(
                "gob: a struct in an interface needs the name that Go registered; use rpcwrap_codecs::types::Registered",
            );
        }
        SerError::Mismatch("a struct")
    }
}
