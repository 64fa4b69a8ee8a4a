//! Values to get past what stands before the wanted part: elements of a tuple, keys of a map.
//!
//! A deserializer without bytes that hands over the simplest value of the type that is asked for.

use super::pass_end::PassEnd;
use crate::{
    serde_methods::{forward_deserialize, forward_variant},
    types::{COMPLEX, TIME, Time},
    zero::simplest_values,
};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess, Visitor,
    value::{MapDeserializer, SeqDeserializer, StrDeserializer},
};
use std::iter::repeat_n;

/// Levels of samples inside samples; a type that needs more cannot be built from samples.
const MAX_DEPTH: u8 = 64;

/// Hands over `number`, empty texts and lists, no option, the first variant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    number: bool,
    depth: u8,
}

impl Sample {
    /// Samples whose numbers are all 0 or, as types without a zero want it, 1.
    pub(super) fn new(number: bool) -> Self {
        Self { number, depth: 0 }
    }

    fn deeper(self) -> Result<Self, PassEnd> {
        if self.depth == MAX_DEPTH {
            return Err(PassEnd::custom("no end of samples"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl IntoDeserializer<'_, PassEnd> for Sample {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Sample {
    type Error = PassEnd;

    forward_deserialize!('de: unit_struct, tuple_struct, binary);

    simplest_values!('de: self => self.number);

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, PassEnd> {
        match name {
            TIME => visitor.visit_i128(Time::default().to_packed()),
            COMPLEX => self.deserialize_tuple(2, visitor),
            _ => visitor.visit_newtype_struct(self.deeper()?),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
        self.deserialize_tuple(0, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, PassEnd> {
        visitor.visit_seq(SeqDeserializer::new(repeat_n(self.deeper()?, len)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PassEnd> {
        let inner = self.deeper()?;
        visitor.visit_map(MapDeserializer::new(repeat_n((inner, inner), 0)))
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
        visitor.visit_enum(Variant { name: first, content: self.deeper()? })
    }
}

/// A variant by its name, and what it holds.
pub(super) struct Variant<A> {
    pub(super) name: &'static str,
    pub(super) content: A,
}

impl<'de, A: VariantAccess<'de, Error = PassEnd>> EnumAccess<'de> for Variant<A> {
    type Error = PassEnd;
    type Variant = A;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, A), PassEnd> {
        Ok((seed.deserialize(StrDeserializer::new(self.name))?, self.content))
    }
}

impl<'de> VariantAccess<'de> for Sample {
    type Error = PassEnd;

    fn unit_variant(self) -> Result<(), PassEnd> {
        Ok(())
    }

    forward_variant!('de: self => self, "");
}
