//! Go's zero values: what a variable holds that nothing was decoded into.
//!
//! A deserializer without bytes, shared by the codecs whose peers leave zero values out, and the loop that finds out
//! which of them a type wants. Knows no codec's wire.

use crate::{error::ValueError, serde_methods::forward_deserialize};
use serde::{
    de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use std::marker::PhantomData;

/// An error that remembers which member of a struct was missing.
pub(crate) trait ZeroFieldError: Error + Into<ValueError> {
    /// The same error, of a struct whose missing members may be made of zero values.
    #[must_use]
    fn may_be_zero(self) -> Self;

    /// The member whose zero value is wanted and would have helped.
    fn zero_field(&self) -> Option<&'static str>;
}

/// Reads until no struct lacks a member any more that may be zero: once, unless the peer left one out.
#[inline]
pub(crate) fn with_zeros<T, E: ZeroFieldError>(
    read: impl Fn(&[&'static str]) -> Result<T, E>,
) -> Result<T, ValueError> {
    let mut zero_fields = Vec::new();
    loop {
        let error = match read(&zero_fields) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match error.zero_field() {
            Some(name) if !zero_fields.contains(&name) => zero_fields.push(name),
            _ => return Err(error.into()),
        }
    }
}

/// Hands over 0, `""`, empty lists and so on. Of a struct's members only those in `zero_fields` are handed over, so
/// that serde's own defaults, options and aliases keep their say: a struct that lacks one more asks for it by
/// [`ZeroFieldError::zero_field`].
#[derive(Debug)]
pub(crate) struct Zero<'f, E> {
    zero_fields: &'f [&'static str],
    error: PhantomData<E>,
}

impl<'f, E> Zero<'f, E> {
    pub(crate) fn new(zero_fields: &'f [&'static str]) -> Self {
        Self { zero_fields, error: PhantomData }
    }
}

impl<E> Clone for Zero<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Zero<'_, E> {}

macro_rules! zeros {
    ($($method:ident => $visit:ident($value:expr),)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.$visit($value)
        }
    )*};
}

impl<'de, E: ZeroFieldError> Deserializer<'de> for Zero<'_, E> {
    type Error = E;

    forward_deserialize!('de: unit_struct, newtype_struct, tuple_struct);

    zeros! {
        deserialize_bool => visit_bool(false),
        deserialize_i8 => visit_i8(0),
        deserialize_i16 => visit_i16(0),
        deserialize_i32 => visit_i32(0),
        deserialize_i64 => visit_i64(0),
        deserialize_i128 => visit_i128(0),
        deserialize_u8 => visit_u8(0),
        deserialize_u16 => visit_u16(0),
        deserialize_u32 => visit_u32(0),
        deserialize_u64 => visit_u64(0),
        deserialize_u128 => visit_u128(0),
        deserialize_f32 => visit_f32(0.0),
        deserialize_f64 => visit_f64(0.0),
        deserialize_char => visit_char('\0'),
        deserialize_str => visit_borrowed_str(""),
        deserialize_string => visit_borrowed_str(""),
        deserialize_identifier => visit_borrowed_str(""),
        deserialize_bytes => visit_borrowed_bytes(b""),
        deserialize_byte_buf => visit_borrowed_bytes(b""),
    }

    forward_to_deserialize_any! { unit ignored_any }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(Zeros { zero: self, left: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(Zeros { zero: self, left: len })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_map(ZeroMembers { zero: self, fields: &[] })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_map(ZeroMembers { zero: self, fields }).map_err(E::may_be_zero)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, E> {
        Err(E::custom(format_args!("{name} has no zero value")))
    }
}

struct Zeros<'f, E> {
    zero: Zero<'f, E>,
    left: usize,
}

impl<'de, E: ZeroFieldError> SeqAccess<'de> for Zeros<'_, E> {
    type Error = E;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, E> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(self.zero).map(Some)
    }
}

struct ZeroMembers<'f, E> {
    zero: Zero<'f, E>,
    fields: &'static [&'static str],
}

impl<'de, E: ZeroFieldError> MapAccess<'de> for ZeroMembers<'_, E> {
    type Error = E;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, E> {
        while let Some((&field, rest)) = self.fields.split_first() {
            self.fields = rest;
            if self.zero.zero_fields.contains(&field) {
                return seed.deserialize(field.into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, E> {
        seed.deserialize(self.zero)
    }
}
