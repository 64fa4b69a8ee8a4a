//! A whole body: simple values are unwrapped from `{_Val_: x}`, all others are the document itself.

use super::{DeError, element::Element, unexpected};
use crate::{
    bson::{VAL, crate_types, kind, read::Reader},
    serde_methods::forward_deserialize,
    types::{ANY, TEXT, TIME},
};
use serde::{Deserializer, de::Visitor};

type Result<T> = std::result::Result<T, DeError>;

/// Bytes of `{_Val_: null}`.
const NOTHING_BYTES: usize = 12;

/// The body of a message.
#[derive(Debug)]
pub(super) struct Body<'r, 'de> {
    pub(super) reader: &'r mut Reader<'de>,
}

impl<'r, 'de> Body<'r, 'de> {
    /// Hands the value under `_Val_` to `read`, or a null if the document is empty.
    #[inline]
    fn simple<T>(self, target: &str, read: impl FnOnce(Element<'_, 'de>) -> Result<T>) -> Result<T> {
        self.reader.enter()?;
        let kind = self.reader.byte()?;
        if kind == 0 {
            return read(Element { reader: self.reader, kind: kind::NULL });
        }
        if self.reader.cstr()? != VAL.as_bytes() {
            return Err(unindexable(target));
        }
        let value = read(Element { reader: self.reader, kind })?;
        match self.reader.byte()? {
            0 => Ok(value),
            _ => Err(unindexable(target)),
        }
    }

    /// The body as an element of its own.
    #[inline]
    fn document(self) -> Element<'r, 'de> {
        Element { reader: self.reader, kind: kind::DOCUMENT }
    }

    /// The kind of the value under `_Val_`, if that is the first member.
    fn wrapped_kind(&self) -> Option<u8> {
        let (kind, key) = self.reader.rest().get(4..)?.split_first()?;
        key.starts_with(b"_Val_\0").then_some(*kind)
    }

    /// Wrapped or not, as the first member says.
    fn either<T>(self, read: impl FnOnce(Element<'_, 'de>) -> Result<T>) -> Result<T> {
        match self.wrapped_kind() {
            Some(_) => self.simple("interface{}", read),
            None => read(self.document()),
        }
    }
}

#[cold]
fn unindexable(target: &str) -> DeError {
    DeError::new(format!("internal error: unindexable type {target}"))
}

macro_rules! simple {
    ($($method:ident: $go:literal,)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.simple($go, |element| element.$method(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Body<'_, 'de> {
    type Error = DeError;

    forward_deserialize!('de: tuple_struct, unit_struct, ignored_any, binary);

    simple! {
        deserialize_bool: "bool",
        deserialize_i8: "int8",
        deserialize_i16: "int16",
        deserialize_i32: "int32",
        deserialize_i64: "int64",
        deserialize_u8: "uint8",
        deserialize_u16: "uint16",
        deserialize_u32: "uint32",
        deserialize_u64: "uint64",
        deserialize_f32: "float32",
        deserialize_f64: "float64",
        deserialize_char: "string",
        deserialize_str: "string",
        deserialize_string: "string",
        deserialize_bytes: "[]byte",
        deserialize_byte_buf: "[]byte",
        deserialize_identifier: "string",
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.either(|element| element.deserialize_any(visitor))
    }

    fn deserialize_i128<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(unexpected(kind::DOCUMENT, "int128"))
    }

    fn deserialize_u128<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(unexpected(kind::DOCUMENT, "uint128"))
    }

    /// As a pointer in Go: null is none, any document is some.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.wrapped_kind() {
            Some(kind::NULL) => self.simple("pointer", |_| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    /// A target that wants nothing takes any document whose members can be skipped.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.enter()?;
        loop {
            match self.reader.byte()? {
                0 => return visitor.visit_unit(),
                kind => {
                    self.reader.cstr()?;
                    self.reader.skip(kind)?;
                }
            }
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        match name {
            TEXT | crate_types::UUID => {
                self.simple("string", |element| element.deserialize_newtype_struct(name, visitor))
            }
            TIME => self.simple("time.Time", |element| element.deserialize_newtype_struct(name, visitor)),
            ANY | crate_types::RAW_BSON => {
                self.either(|element| element.deserialize_newtype_struct(name, visitor))
            }
            crate_types::RAW_DOCUMENT => self.document().deserialize_newtype_struct(name, visitor),
            crate_types::RAW_ARRAY => {
                let list = Element { reader: self.reader, kind: kind::ARRAY };
                list.deserialize_newtype_struct(name, visitor)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.document().deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.document().deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.document().deserialize_map(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if self.wrapped_kind() == Some(kind::NULL) && self.reader.rest().len() == NOTHING_BYTES {
            return self.simple(name, |element| element.deserialize_struct(name, fields, visitor));
        }
        self.document().deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.either(|element| element.deserialize_enum(name, variants, visitor))
    }
}
