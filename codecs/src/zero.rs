//! Go's zero values: what a variable holds that nothing was decoded into.
//!
//! A deserializer without bytes, shared by the codecs whose peers leave zero values out. Knows no codec's wire.

use crate::{error::ValueError, serde_methods::forward_deserialize};
use serde::de::{
    Deserializer, Error, IntoDeserializer, MapAccess, Visitor,
    value::{MapDeserializer, SeqDeserializer},
};
use std::marker::PhantomData;

/// An error that remembers which member of a struct was missing, or there twice.
pub(crate) trait ZeroFieldError: Error + Into<ValueError> {
    /// The same error, of a struct with these `fields` whose missing members may be made of zero values.
    #[must_use]
    fn may_be_zero(self, fields: &'static [&'static str]) -> Self;

    /// The member whose zero value is wanted and would have helped.
    fn zero_field(&self) -> Option<ZeroField>;

    /// The member that was there more than once.
    fn repeated_field(&self) -> Option<&'static str> {
        None
    }
}

/// A member of a struct that is made of its zero value: serde has no default of its own for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ZeroField {
    pub(crate) name: &'static str,
    /// All members of the struct: others may have a default for one of that name. Of a flattened struct they are not
    /// known, and none.
    pub(crate) fields: &'static [&'static str],
}

impl ZeroField {
    /// Whether a struct with these `fields` is meant.
    pub(crate) fn is_of(&self, fields: &'static [&'static str]) -> bool {
        self.fields == fields
    }
}

/// Hands over 0, `""`, empty lists and so on. Of a struct's members only those in `zero_fields` are handed over, so
/// that serde's own defaults, options and aliases keep their say: a struct that lacks one more asks for it by
/// [`ZeroFieldError::zero_field`].
#[derive(Debug)]
pub(crate) struct Zero<'f, E> {
    zero_fields: &'f [ZeroField],
    error: PhantomData<E>,
}

impl<'f, E> Zero<'f, E> {
    pub(crate) fn new(zero_fields: &'f [ZeroField]) -> Self {
        Self { zero_fields, error: PhantomData }
    }
}

impl<E> Clone for Zero<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Zero<'_, E> {}

impl<'f, E: ZeroFieldError> Zero<'f, E> {
    /// Those members of a struct that are handed over.
    fn members<'de>(self, fields: &'static [&'static str]) -> impl MapAccess<'de, Error = E> {
        let handed_over = self.zero_fields.iter().filter(move |field| field.is_of(fields));
        MapDeserializer::new(handed_over.map(move |field| (field.name, self)))
    }
}

impl<'de, E: ZeroFieldError> IntoDeserializer<'de, E> for Zero<'_, E> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Methods of a deserializer without bytes: the simplest value of each type without parts. Numbers are `$number`, which
/// is a `bool`.
macro_rules! simplest_values {
    ($de:lifetime: $this:ident => $number:expr) => {
        $crate::zero::simplest_values! {
            @$de $this:
            deserialize_any => visit_unit(),
            deserialize_ignored_any => visit_unit(),
            deserialize_unit => visit_unit(),
            deserialize_option => visit_none(),
            deserialize_bool => visit_bool(false),
            deserialize_i8 => visit_i8($number.into()),
            deserialize_i16 => visit_i16($number.into()),
            deserialize_i32 => visit_i32($number.into()),
            deserialize_i64 => visit_i64($number.into()),
            deserialize_i128 => visit_i128($number.into()),
            deserialize_u8 => visit_u8($number.into()),
            deserialize_u16 => visit_u16($number.into()),
            deserialize_u32 => visit_u32($number.into()),
            deserialize_u64 => visit_u64($number.into()),
            deserialize_u128 => visit_u128($number.into()),
            deserialize_f32 => visit_f32($number.into()),
            deserialize_f64 => visit_f64($number.into()),
            deserialize_char => visit_char('\0'),
            deserialize_str => visit_borrowed_str(""),
            deserialize_string => visit_borrowed_str(""),
            deserialize_identifier => visit_borrowed_str(""),
            deserialize_bytes => visit_borrowed_bytes(b""),
            deserialize_byte_buf => visit_borrowed_bytes(b""),
        }
    };
    (@$de:lifetime $this:ident: $($method:ident => $visit:ident($($value:expr)?),)*) => {$(
        fn $method<V: Visitor<$de>>($this, visitor: V) -> Result<V::Value, Self::Error> {
            visitor.$visit($($value)?)
        }
    )*};
}

pub(crate) use simplest_values;

impl<'de, E: ZeroFieldError> Deserializer<'de> for Zero<'_, E> {
    type Error = E;

    forward_deserialize!('de: unit_struct, newtype_struct, tuple_struct);

    simplest_values!('de: self => false);

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_tuple(0, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::repeat_n(self, len)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_map(MapDeserializer::new(std::iter::empty::<(&str, Self)>()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_map(self.members(fields)).map_err(|error| error.may_be_zero(fields))
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
