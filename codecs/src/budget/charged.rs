//! Charges what the deserializer of another crate hands over, which knows no budget.
//!
//! A wrapper around every one of serde's calls on the way to the target: nothing is added, left out or changed.

use super::{DecodeBudget, ListRoom, MapRoom, OverBudget};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use std::fmt;

/// A deserializer, a seed or the access to an enum, and the budget it is charged to.
pub(crate) struct Charged<'b, T> {
    inner: T,
    budget: &'b DecodeBudget,
}

impl<'b, T> Charged<'b, T> {
    pub(crate) fn new(inner: T, budget: &'b DecodeBudget) -> Self {
        Self { inner, budget }
    }
}

impl Charged<'_, ()> {
    /// A whole JSON value, as serde_json reads it.
    pub(crate) fn of_json<T: DeserializeOwned>(json: &[u8], budget: &DecodeBudget) -> serde_json::Result<T> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let value = T::deserialize(Charged::new(&mut deserializer, budget))?;
        deserializer.end()?;
        Ok(value)
    }
}

/// The parts of a value with parts.
#[derive(Clone, Copy)]
enum Parts {
    /// Elements or entries, each in a place of its own.
    Own,
    /// Members, which lie inside the value.
    Inside,
}

/// Methods of a deserializer that hand a charged visitor on, by where the parts of the value are; `any` and `compound`
/// are what is charged for the value itself.
macro_rules! hand_on {
    ($($parts:ident: $($method:ident($($arg:ident: $type:ty),*) $($charge:ident)?,)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self $(, $arg: $type)*, visitor: V) -> Result<V::Value, D::Error> {
            $(self.budget.$charge::<V::Value>().map_err(D::Error::custom)?;)?
            let visitor = ChargedVisitor { visitor, budget: self.budget, parts: Parts::$parts };
            self.inner.$method($($arg,)* visitor)
        }
    )*)*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Charged<'_, D> {
    type Error = D::Error;

    hand_on! {
        Own:
        deserialize_any() any,
        deserialize_bool(), deserialize_i8(), deserialize_i16(), deserialize_i32(), deserialize_i64(),
        deserialize_i128(), deserialize_u8(), deserialize_u16(), deserialize_u32(), deserialize_u64(),
        deserialize_u128(), deserialize_f32(), deserialize_f64(), deserialize_char(), deserialize_str(),
        deserialize_string(), deserialize_bytes(), deserialize_byte_buf(), deserialize_option(),
        deserialize_unit(), deserialize_unit_struct(name: &'static str),
        deserialize_newtype_struct(name: &'static str), deserialize_seq() compound, deserialize_map() compound,
        deserialize_identifier(), deserialize_ignored_any(),;
        Inside:
        deserialize_tuple(len: usize) compound,
        deserialize_tuple_struct(name: &'static str, len: usize) compound,
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) compound,
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) compound,;
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// A visitor, and what it is charged for.
struct ChargedVisitor<'b, V> {
    visitor: V,
    budget: &'b DecodeBudget,
    parts: Parts,
}

/// Visits of values without parts.
macro_rules! visits {
    ($($method:ident($type:ty),)*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

/// Visits of texts and bytes.
macro_rules! charged_visits {
    ($($method:ident($type:ty),)*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.budget.bytes(value.len()).map_err(E::custom)?;
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ChargedVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    visits! {
        visit_bool(bool), visit_i8(i8), visit_i16(i16), visit_i32(i32), visit_i64(i64), visit_i128(i128),
        visit_u8(u8), visit_u16(u16), visit_u32(u32), visit_u64(u64), visit_u128(u128), visit_f32(f32),
        visit_f64(f64), visit_char(char),
    }

    charged_visits! {
        visit_str(&str), visit_borrowed_str(&'de str), visit_string(String), visit_bytes(&[u8]),
        visit_borrowed_bytes(&'de [u8]), visit_byte_buf(Vec<u8>),
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Charged::new(value, self.budget))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Charged::new(value, self.budget))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(List {
            seq,
            room: ListRoom::default(),
            budget: self.budget,
            parts: self.parts,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let (keys, values) = (MapRoom::default(), MapRoom::default());
        self.visitor.visit_map(Map { map, keys, values, budget: self.budget, parts: self.parts })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Charged::new(variant, self.budget))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Charged<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Charged::new(deserializer, self.budget))
    }
}

/// A seed that is charged for once it turns out that there is something for it.
struct Paying<'b, S, P> {
    seed: S,
    budget: &'b DecodeBudget,
    pay: P,
}

impl<'de, S, P> DeserializeSeed<'de> for Paying<'_, S, P>
where
    S: DeserializeSeed<'de>,
    P: FnOnce(&DecodeBudget) -> Result<(), OverBudget>,
{
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        (self.pay)(self.budget).map_err(D::Error::custom)?;
        self.seed.deserialize(Charged::new(deserializer, self.budget))
    }
}

struct List<'b, A> {
    seq: A,
    room: ListRoom,
    budget: &'b DecodeBudget,
    parts: Parts,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for List<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let (room, parts) = (&mut self.room, self.parts);
        let pay = |budget: &DecodeBudget| match parts {
            Parts::Own => budget.element::<S::Value>(room),
            Parts::Inside => {
                budget.member::<S::Value>();
                Ok(())
            }
        };
        self.seq.next_element_seed(Paying { seed, budget: self.budget, pay })
    }

    fn size_hint(&self) -> Option<usize> {
        self.seq.size_hint()
    }
}

struct Map<'b, A> {
    map: A,
    keys: MapRoom,
    values: MapRoom,
    budget: &'b DecodeBudget,
    parts: Parts,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Map<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let keys = &mut self.keys;
        match self.parts {
            Parts::Own => {
                let pay = |budget: &DecodeBudget| budget.entry::<S::Value>(keys);
                self.map.next_key_seed(Paying { seed, budget: self.budget, pay })
            }
            // Names of members are compared and not kept.
            Parts::Inside => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.parts {
            Parts::Own => self.budget.entry::<S::Value>(&mut self.values).map_err(A::Error::custom)?,
            Parts::Inside => self.budget.member::<S::Value>(),
        }
        self.map.next_value_seed(Charged::new(seed, self.budget))
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Charged<'b, A> {
    type Error = A::Error;
    type Variant = Charged<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.inner.variant_seed(seed)?;
        self.budget.member::<()>();
        Ok((value, Charged::new(variant, self.budget)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Charged<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Charged::new(seed, self.budget))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = ChargedVisitor { visitor, budget: self.budget, parts: Parts::Inside };
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = ChargedVisitor { visitor, budget: self.budget, parts: Parts::Inside };
        self.inner.struct_variant(fields, visitor)
    }
}
