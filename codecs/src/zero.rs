//! Go's zero values: what a variable holds that nothing was decoded into.
//!
//! A deserializer without bytes, shared by the codecs whose peers leave zero values out, and the loop that finds out
//! which of them a type wants. Knows no codec's wire.

use crate::error::ValueError;
use serde::{
    de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use std::marker::PhantomData;

/// An error that remembers which member of a struct was missing.
pub(crate) trait ZeroFault: Error + Into<ValueError> {
    /// The same fault, of a struct whose missing members may be made of zero values.
    #[must_use]
    fn of_zero(self) -> Self;

    /// The member whose zero value is wanted and would have helped.
    fn zero_wanted(&self) -> Option<&'static str>;
}

/// Reads until no struct lacks a member any more that may be zero: once, unless the peer left one out.
#[inline]
pub(crate) fn with_zeros<T, F: ZeroFault>(
    read: impl Fn(&[&'static str]) -> Result<T, F>,
) -> Result<T, ValueError> {
    let mut feed = Vec::new();
    loop {
        let fault = match read(&feed) {
            Ok(value) => return Ok(value),
            Err(fault) => fault,
        };
        match fault.zero_wanted() {
            Some(name) if !feed.contains(&name) => feed.push(name),
            _ => return Err(fault.into()),
        }
    }
}

/// Hands over 0, `""`, empty lists and so on. Of a struct's members only those in `feed` are handed over, so that
/// serde's own defaults, options and aliases keep their say: a struct that lacks one more asks for it by
/// [`ZeroFault::zero_wanted`].
#[derive(Debug)]
pub(crate) struct Zero<'f, F> {
    feed: &'f [&'static str],
    fault: PhantomData<F>,
}

impl<'f, F> Zero<'f, F> {
    pub(crate) fn new(feed: &'f [&'static str]) -> Self {
        Self { feed, fault: PhantomData }
    }
}

impl<F> Clone for Zero<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Zero<'_, F> {}

macro_rules! zeros {
    ($($method:ident => $visit:ident($value:expr),)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, F> {
            visitor.$visit($value)
        }
    )*};
}

impl<'de, F: ZeroFault> Deserializer<'de> for Zero<'_, F> {
    type Error = F;

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

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, F> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, F> {
        visitor.visit_none()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, F> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, F> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, F> {
        visitor.visit_seq(Zeros { zero: self, left: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, F> {
        visitor.visit_seq(Zeros { zero: self, left: len })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, F> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, F> {
        visitor.visit_map(ZeroMembers { zero: self, fields: &[] })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, F> {
        visitor.visit_map(ZeroMembers { zero: self, fields }).map_err(F::of_zero)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, F> {
        Err(F::custom(format_args!("{name} has no zero value")))
    }
}

struct Zeros<'f, F> {
    zero: Zero<'f, F>,
    left: usize,
}

impl<'de, F: ZeroFault> SeqAccess<'de> for Zeros<'_, F> {
    type Error = F;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, F> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(self.zero).map(Some)
    }
}

struct ZeroMembers<'f, F> {
    zero: Zero<'f, F>,
    fields: &'static [&'static str],
}

impl<'de, F: ZeroFault> MapAccess<'de> for ZeroMembers<'_, F> {
    type Error = F;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, F> {
        while let Some((&field, rest)) = self.fields.split_first() {
            self.fields = rest;
            if self.zero.feed.contains(&field) {
                return seed.deserialize(field.into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, F> {
        seed.deserialize(self.zero)
    }
}
