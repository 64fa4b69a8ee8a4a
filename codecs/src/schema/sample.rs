//! Values to get past what stands before the wanted part: elements of a tuple, keys of a map.
//!
//! A deserializer without bytes that hands over the simplest value of the type that is asked for.

use super::pass_end::PassEnd;
use crate::{
    serde_methods::{forward_deserialize, forward_variant},
    types::{COMPLEX, TIME, Time},
};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

/// Levels of samples inside samples; a type that needs more cannot be built from samples.
const MAX_DEPTH: u8 = 64;

/// Hands over `number`, empty texts and lists, no option, the first variant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    number: u8,
    depth: u8,
}

impl Sample {
    /// Samples whose numbers are all `number`: types without a zero want 1.
    pub(super) fn new(number: u8) -> Self {
        Self { number, depth: 0 }
    }

    fn deeper(self) -> Result<Self, PassEnd> {
        if self.depth == MAX_DEPTH {
            return Err(PassEnd::custom("no end of samples"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn elements(self, left: usize) -> Result<Samples, PassEnd> {
        self.deeper().map(|sample| Samples { sample, left })
    }
}

macro_rules! numbers {
    ($($method:ident => $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
            visitor.$visit(self.number.into())
        }
    )*};
}

macro_rules! constants {
    ($($method:ident => $visit:ident($($value:expr)?),)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
            visitor.$visit($($value)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Sample {
    type Error = PassEnd;

    forward_deserialize!('de: unit_struct, tuple_struct, binary);

    numbers! {
        deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_i128 => visit_i128,
        deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_u128 => visit_u128,
        deserialize_f32 => visit_f32,
        deserialize_f64 => visit_f64,
    }

    constants! {
        deserialize_any => visit_unit(),
        deserialize_ignored_any => visit_unit(),
        deserialize_bool => visit_bool(false),
        deserialize_char => visit_char('\0'),
        deserialize_str => visit_borrowed_str(""),
        deserialize_string => visit_borrowed_str(""),
        deserialize_identifier => visit_borrowed_str(""),
        deserialize_bytes => visit_borrowed_bytes(b""),
        deserialize_byte_buf => visit_borrowed_bytes(b""),
        deserialize_option => visit_none(),
        deserialize_unit => visit_unit(),
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
        visitor.visit_i8(i8::from(self.number != 0))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        match name {
            TIME => visitor.visit_i128(Time::default().to_packed()),
            COMPLEX => visitor.visit_seq(self.elements(2)?),
            _ => visitor.visit_newtype_struct(self.deeper()?),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
        visitor.visit_seq(self.elements(0)?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, PassEnd> {
        visitor.visit_seq(self.elements(len)?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
        visitor.visit_map(self.elements(0)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        let first = variants.first().ok_or_else(|| PassEnd::custom("an enum without variants"))?;
        visitor.visit_enum(Variant { sample: self.deeper()?, name: first })
    }
}

/// So many samples in a row.
struct Samples {
    sample: Sample,
    left: usize,
}

impl<'de> SeqAccess<'de> for Samples {
    type Error = PassEnd;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, PassEnd> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(self.sample).map(Some)
    }
}

impl<'de> MapAccess<'de> for Samples {
    type Error = PassEnd;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, _: S) -> Result<Option<S::Value>, PassEnd> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, PassEnd> {
        seed.deserialize(self.sample)
    }
}

struct Variant {
    sample: Sample,
    name: &'static str,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = PassEnd;
    type Variant = Sample;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Sample), PassEnd> {
        let name: serde::de::value::StrDeserializer<'_, PassEnd> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.sample))
    }
}

impl<'de> VariantAccess<'de> for Sample {
    type Error = PassEnd;

    fn unit_variant(self) -> Result<(), PassEnd> {
        Ok(())
    }

    forward_variant!('de: self => self, "");
}
