//! Writes a value of ours as the type the peer knows it by.
//!
//! The type is an id of a [`Table`]; every call of serde is checked against it, so that what is written always is
//! a value of that type. A value that turns out to be of another is a [`SerError::Mismatch`], and its caller tries
//! another type: the one [`observe`] sees. Knows no headers and no messages.
//! Source: Go `encoding/gob` `encode.go`.

mod compound;
mod interface;
mod observe;
mod shape;
#[cfg(test)]
mod tests;

use super::{
    MAX_DEPTH,
    define::{self, Form, Table},
    types::{Id, Marshaler},
    wire::{put_bytes, put_float, put_int, put_uint},
};
use crate::{
    form::{self, FormScope},
    serde_methods::{compound_types, forward_serialize},
    types::{ANY, BINARY_MARSHALED, COMPLEX, GOB_ENCODED, INTERFACE, TEXT, TIME, Time, time::binary},
};
use bytes::BufMut;
use compound::{Elements, Fields};
use serde::{
    Serialize,
    ser::{self, Impossible},
};
use std::fmt;

pub(super) use interface::Sink;
pub(super) use observe::{Observation, observe};
pub(super) use shape::{Shape, Structs};

type Result<T> = std::result::Result<T, SerError>;

/// Why a value was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SerError {
    /// It is not of the type it was written as; what it is.
    #[error("gob: {0} where the value's type has something else")]
    Mismatch(&'static str),
    /// It holds a value under a name of the program's, whose type the value itself has to show.
    #[error("gob: an interface with a value that does not show its type")]
    Unseen,
    /// It is nothing at all, for which only peers of ours have a form.
    #[error("gob: cannot encode nil pointer")]
    Nil,
    /// It has no form in gob; the whole text.
    #[error("{0}")]
    Refused(Box<str>),
}

impl SerError {
    pub(super) fn refused(text: impl Into<Box<str>>) -> Self {
        Self::Refused(text.into())
    }

    #[cold]
    fn too_deep() -> Self {
        Self::refused(format!("gob: nesting deeper than {MAX_DEPTH}"))
    }
}

impl ser::Error for SerError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::refused(text.to_string())
    }
}

#[cold]
fn refused_int128() -> SerError {
    SerError::refused("gob: integers have at most 64 bits")
}

#[cold]
fn refused_variant(name: &str, variant: &str) -> SerError {
    SerError::refused(format!(
        "gob: {name}::{variant} has fields of its own, and Go's interfaces hold one value; put them into a struct"
    ))
}

/// Appends `value` to `sink` as a value of type `id`, behind the zero that marks what is no struct.
///
/// # Errors
/// It is of another type, or has no form. What was written is of no use then.
#[inline]
pub(super) fn write<T: Serialize + ?Sized>(value: &T, id: Id, table: &Table, sink: &mut Sink) -> Result<()> {
    if !is_struct(table, id) {
        sink.bytes.put_u8(0);
    }
    let _form = FormScope::enter(form::Form::Gob);
    value.serialize(Serializer { sink, table, id, delta: 0, depth: 0, role: Role::Plain }).map(drop)
}

#[inline]
fn is_struct(table: &Table, id: Id) -> bool {
    matches!(table.form(id), Some(Form::Struct { .. }))
}

/// What newtypes around it have said about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Text,
    Time,
    Complex,
    Marshaled,
    /// An interface that holds a value of any type.
    Any,
    /// The next newtype is the registered name of what an interface holds.
    Registered,
}

/// Writes one value; says whether there was something to write.
struct Serializer<'a> {
    sink: &'a mut Sink,
    table: &'a Table,
    /// Its type; [`Id::NONE`] for fields that the struct's type does not have.
    id: Id,
    /// A field's distance from the last one written, and then zeros are not written; 0 elsewhere.
    delta: u32,
    depth: usize,
    role: Role,
}

impl<'a> Serializer<'a> {
    /// Writes a value inside this one, which has been [deepened](Self::deepen).
    #[inline]
    fn inner<T: Serialize + ?Sized>(&mut self, id: Id, delta: u32, role: Role, value: &T) -> Result<bool> {
        value.serialize(Serializer { sink: &mut *self.sink, id, delta, role, ..*self })
    }

    /// Goes one level further in, for what is inside.
    #[inline]
    fn deepen(&mut self) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return Err(SerError::too_deep());
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn open(&mut self) {
        if self.delta > 0 {
            put_uint(&mut self.sink.bytes, self.delta.into());
        }
    }

    /// A value without parts. In an interface it goes by `name`.
    #[inline]
    fn scalar(
        self,
        id: Id,
        name: &'static str,
        is_zero: bool,
        put: impl FnOnce(&mut Vec<u8>),
    ) -> Result<bool> {
        if self.id != id {
            return self.held_scalar(id, name, put);
        }
        if self.delta > 0 {
            if is_zero {
                return Ok(false);
            }
            put_uint(&mut self.sink.bytes, self.delta.into());
        }
        put(&mut self.sink.bytes);
        Ok(true)
    }

    #[inline]
    fn int(self, name: &'static str, value: i64) -> Result<bool> {
        self.scalar(Id::INT, name, value == 0, |bytes| put_int(bytes, value))
    }

    #[inline]
    fn uint(self, name: &'static str, value: u64) -> Result<bool> {
        self.scalar(Id::UINT, name, value == 0, |bytes| put_uint(bytes, value))
    }

    #[inline]
    fn text(self, value: &[u8]) -> Result<bool> {
        self.scalar(Id::STRING, "string", value.is_empty(), |bytes| put_bytes(bytes, value))
    }

    /// The inside of a time.
    fn time(self, packed: &[u8]) -> Result<bool> {
        let time = Time::from_packed_bytes(packed)
            .ok_or_else(|| SerError::refused("gob: packed time out of range"))?;
        let (bytes, len) = binary::write(time).map_err(SerError::refused)?;
        let bytes = bytes.get(..len).unwrap_or_default();
        self.scalar(define::TIME, "time.Time", time == Time::default(), |out| put_bytes(out, bytes))
    }

    /// Nothing, where the type may have something.
    fn nil(self) -> Result<bool> {
        match self.id {
            _ if self.delta > 0 => Ok(false),
            Id::INTERFACE => {
                self.sink.bytes.put_u8(0);
                Ok(true)
            }
            _ if self.depth == 0 => Err(SerError::Nil),
            _ => Err(SerError::refused("gob: encodeReflectValue: nil element")),
        }
    }

    /// What a type of the peer's made of itself.
    fn marshaled<T: Serialize + ?Sized>(self, marshaler: Marshaler, value: &T) -> Result<bool> {
        match self.table.form(self.id) {
            Some(Form::Marshaled(own)) if *own == marshaler => {
                value.serialize(Self { role: Role::Marshaled, ..self })
            }
            _ => Err(SerError::Mismatch("a value that its type has marshaled")),
        }
    }
}

macro_rules! integers {
    ($($method:ident($type:ty) => $write:ident, $go:literal;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<bool> {
            self.$write($go, value.into())
        }
    )*};
}

/// Variants with fields of their own, for a `Serializer` that makes `$ok`.
macro_rules! refuse_variants {
    ($ok:ty) => {
        type SerializeTupleVariant = Impossible<$ok, SerError>;
        type SerializeStructVariant = Impossible<$ok, SerError>;

        fn serialize_tuple_variant(
            self,
            name: &'static str,
            _: u32,
            variant: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant> {
            Err(refused_variant(name, variant))
        }

        fn serialize_struct_variant(
            self,
            name: &'static str,
            _: u32,
            variant: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant> {
            Err(refused_variant(name, variant))
        }
    };
}

use refuse_variants;

impl<'a> ser::Serializer for Serializer<'a> {
    type Ok = bool;
    type Error = SerError;
    compound_types!(Elements<'a>: SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeMap);
    type SerializeStruct = Fields<'a>;
    refuse_variants!(bool);

    forward_serialize! {
        char, unit_struct, tuple_struct, binary
    }

    /// What is there is written where it is zero too: left out, it would be nothing. Go's reader takes it.
    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool> {
        let Serializer { sink, table, id, delta, depth, role } = self;
        let written = value.serialize(Serializer { sink: &mut *sink, table, id, delta, depth, role })?;
        if written || delta == 0 || id == Id::NONE {
            return Ok(written);
        }
        Ok(put_zero(value, Serializer { sink, table, id, delta, depth, role }))
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<bool> {
        self.scalar(Id::BOOL, "bool", !value, |bytes| bytes.put_u8(value.into()))
    }

    integers! {
        serialize_i8(i8) => int, "int8";
        serialize_i16(i16) => int, "int16";
        serialize_i32(i32) => int, "int32";
        serialize_i64(i64) => int, "int64";
        serialize_u8(u8) => uint, "uint8";
        serialize_u16(u16) => uint, "uint16";
        serialize_u32(u32) => uint, "uint32";
        serialize_u64(u64) => uint, "uint64";
    }

    fn serialize_i128(self, _: i128) -> Result<bool> {
        Err(refused_int128())
    }

    fn serialize_u128(self, _: u128) -> Result<bool> {
        Err(refused_int128())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<bool> {
        self.scalar(Id::FLOAT, "float32", value == 0.0, |bytes| put_float(bytes, value.into()))
    }

    /// Go's test is `f != 0`: a negative zero in a field is left out too.
    #[inline]
    fn serialize_f64(self, value: f64) -> Result<bool> {
        self.scalar(Id::FLOAT, "float64", value == 0.0, |bytes| put_float(bytes, value))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<bool> {
        self.text(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<bool> {
        match self.role {
            Role::Text => return self.text(value),
            Role::Time => return self.time(value),
            Role::Marshaled => {
                let id = self.id;
                return self.scalar(id, "", value.is_empty(), |bytes| put_bytes(bytes, value));
            }
            _ => {}
        }
        self.scalar(Id::BYTES, "[]uint8", value.is_empty(), |bytes| put_bytes(bytes, value))
    }

    fn serialize_none(self) -> Result<bool> {
        self.nil()
    }

    fn serialize_unit(self) -> Result<bool> {
        match self.table.form(self.id) {
            Some(Form::Struct { fields, .. }) if self.delta == 0 && fields.is_empty() => {
                self.sink.bytes.put_u8(0);
                Ok(true)
            }
            _ if self.delta > 0 || self.id == Id::INTERFACE => self.nil(),
            _ => Err(SerError::Mismatch("struct{}")),
        }
    }

    fn serialize_unit_variant(self, of: &'static str, _: u32, variant: &'static str) -> Result<bool> {
        if self.id == Id::INTERFACE {
            return self.held_variant(of, variant, &());
        }
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<bool> {
        if self.role == Role::Registered {
            return self.held_registered(name, value);
        }
        match name {
            TEXT => self.special(Id::STRING, "string", Role::Text, value),
            TIME => self.special(define::TIME, "time.Time", Role::Time, value),
            COMPLEX => self.special(Id::COMPLEX, "complex128", Role::Complex, value),
            ANY => value.serialize(Self { role: Role::Any, ..self }),
            INTERFACE => value.serialize(Self { role: Role::Registered, ..self }),
            GOB_ENCODED => self.marshaled(Marshaler::Gob, value),
            BINARY_MARSHALED => self.marshaled(Marshaler::Binary, value),
            _ => value.serialize(self),
        }
    }

    /// An interface that holds the value under the variant's name.
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        of: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<bool> {
        self.held_variant(of, variant, value)
    }

    fn serialize_seq(mut self, len: Option<usize>) -> Result<Elements<'a>> {
        if self.holds_anything() {
            return self.held_elements("[]interface {}", define::ANY_LIST, Id::NONE, len);
        }
        let elem = match self.table.form(self.id) {
            Some(Form::Slice { elem }) => *elem,
            _ if self.id == Id::NONE => Id::NONE,
            _ => return Err(SerError::Mismatch("a list")),
        };
        self.deepen()?;
        let start = self.sink.bytes.len();
        let written = self.id != Id::NONE && (self.delta == 0 || len != Some(0));
        if written {
            self.open();
        }
        Ok(Elements::new(self, Id::NONE, elem, start).counted(len, written))
    }

    fn serialize_tuple(mut self, len: usize) -> Result<Elements<'a>> {
        self.deepen()?;
        let start = self.sink.bytes.len();
        if self.role == Role::Complex && self.id == Id::COMPLEX && len == 2 {
            self.open();
            return Ok(Elements::new(self, Id::NONE, Id::FLOAT, start).complex());
        }
        match self.table.form(self.id) {
            Some(Form::Array { elem, len: same }) if len == *same => {
                let elem = *elem;
                self.open();
                Ok(Elements::new(self, Id::NONE, elem, start).counted(Some(len), true))
            }
            // An array of none shows no type, so its struct's type does not have it.
            _ if self.id == Id::NONE => {
                Ok(Elements::new(self, Id::NONE, Id::NONE, start).counted(Some(len), false))
            }
            _ => Err(SerError::Mismatch("an array or tuple")),
        }
    }

    fn serialize_map(mut self, len: Option<usize>) -> Result<Elements<'a>> {
        if self.holds_anything() {
            return self.held_elements("map[string]interface {}", define::ANY_MAP, Id::STRING, len);
        }
        let (key, elem) = match self.table.form(self.id) {
            Some(Form::Map { key, elem }) => (*key, *elem),
            _ if self.id == Id::NONE => (Id::NONE, Id::NONE),
            _ => return Err(SerError::Mismatch("a map")),
        };
        self.deepen()?;
        let start = self.sink.bytes.len();
        // An empty map is not nil: it is written.
        let written = self.id != Id::NONE;
        if written {
            self.open();
        }
        Ok(Elements::new(self, key, elem, start).counted(len, written))
    }

    #[inline]
    fn serialize_struct(mut self, _: &'static str, _: usize) -> Result<Fields<'a>> {
        let Some(Form::Struct { fields, .. }) = self.table.form(self.id) else {
            return Err(self.not_a_struct());
        };
        self.deepen()?;
        self.open();
        Ok(Fields::new(self, fields))
    }
}

/// Writes a field that is zero; `false` if it turns out to be nothing.
#[cold]
fn put_zero<T: Serialize + ?Sized>(value: &T, serializer: Serializer<'_>) -> bool {
    let Serializer { sink, table, id, delta, depth, role } = serializer;
    let start = sink.bytes.len();
    put_uint(&mut sink.bytes, delta.into());
    let written = value.serialize(Serializer { sink: &mut *sink, table, id, delta: 0, depth, role });
    let is_there = written == Ok(true) && id != Id::INTERFACE;
    if !is_there {
        sink.bytes.truncate(start);
    }
    is_there
}
