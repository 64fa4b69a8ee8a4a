//! The insides of lists and maps.

use super::{De, error::DeError, named_fields::Embedding, typed_value::TypedValue};
use crate::{
    budget::{DecodeBudget, ListRoom, MapRoom},
    gob::{
        scan::{Walk, present},
        types::Id,
    },
    serde_methods::{forward_deserialize, forward_variant},
    types::Named as NamedValue,
};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

type Result<T> = std::result::Result<T, DeError>;

/// The elements of a slice or array.
#[derive(Debug)]
pub(super) struct Items<'r, 'a, 'de> {
    pub(super) de: &'r mut De<'a, 'de>,
    pub(super) elem: Id,
    pub(super) left: u64,
    pub(super) depth: usize,
    pub(super) absent: bool,
    pub(super) room: ListRoom,
}

impl Items<'_, '_, '_> {
    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(mut self) -> Result<()> {
        while self.left > 0 && !self.absent {
            self.left -= 1;
            present(&self.de.reader)?;
            Walk::skip(self.de.types, &mut self.de.reader, self.elem)?;
        }
        Ok(())
    }
}

/// No element is believed in before it is there: there is no size hint.
impl<'de> SeqAccess<'de> for &mut Items<'_, '_, 'de> {
    type Error = DeError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if !self.absent {
            present(&self.de.reader)?;
        }
        self.de.budget.element::<S::Value>(&mut self.room)?;
        let value = TypedValue { de: self.de, id: self.elem, depth: self.depth, absent: self.absent };
        seed.deserialize(value).map(Some)
    }
}

/// The pairs of a map.
#[derive(Debug)]
pub(super) struct Pairs<'r, 'a, 'de> {
    pub(super) de: &'r mut De<'a, 'de>,
    pub(super) key: Id,
    pub(super) elem: Id,
    pub(super) left: u64,
    pub(super) depth: usize,
    /// A key has been handed over, its value is due.
    pub(super) half: bool,
    /// For a target that takes anything: keys are handed over as texts.
    pub(super) loose: bool,
    pub(super) keys: MapRoom,
    pub(super) values: MapRoom,
}

impl Pairs<'_, '_, '_> {
    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(mut self) -> Result<()> {
        let (types, reader) = (self.de.types, &mut self.de.reader);
        loop {
            if std::mem::take(&mut self.half) {
                Walk::skip(types, reader, self.elem)?;
            }
            if self.left == 0 {
                return Ok(());
            }
            self.left -= 1;
            self.half = true;
            present(reader)?;
            Walk::skip(types, reader, self.key)?;
        }
    }
}

impl<'de> MapAccess<'de> for &mut Pairs<'_, '_, 'de> {
    type Error = DeError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        present(&self.de.reader)?;
        self.de.budget.entry::<S::Value>(&mut self.keys)?;
        let key = TypedValue { de: self.de, id: self.key, depth: self.depth, absent: false };
        let key = if self.loose { seed.deserialize(TextKey(key)) } else { seed.deserialize(key) };
        let key = key.map_err(|error| {
            error.within_map(|local| format!("map[{local}]{}", self.de.type_name(self.elem)))
        })?;
        self.half = true;
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.half = false;
        self.de.budget.entry::<S::Value>(&mut self.values)?;
        let value = TypedValue { de: self.de, id: self.elem, depth: self.depth, absent: false };
        let value = seed.deserialize(value);
        value
            .map_err(|error| error.within_map(|local| format!("map[{}]{local}", self.de.type_name(self.key))))
    }
}

/// A key of any simple type, as a text.
#[derive(Debug)]
struct TextKey<'r, 'a, 'de>(TypedValue<'r, 'a, 'de>);

/// A number, or a boolean, as a text.
fn number<'de, T: Deserialize<'de> + ToString, V: Visitor<'de>>(
    mut key: TypedValue<'_, '_, 'de>,
    visitor: V,
) -> Result<V::Value> {
    let text = T::deserialize(key.same())?.to_string();
    key.de.budget.bytes(text.len())?;
    visitor.visit_string(text)
}

impl<'de> Deserializer<'de> for TextKey<'_, '_, 'de> {
    type Error = DeError;

    forward_deserialize!('de: binary);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let key = self.0.opened()?;
        match key.id {
            Id::STRING => key.deserialize_any(visitor),
            Id::INT => number::<i64, V>(key, visitor),
            Id::UINT => number::<u64, V>(key, visitor),
            Id::FLOAT => number::<f64, V>(key, visitor),
            Id::BOOL => number::<bool, V>(key, visitor),
            _ => Err(key.mismatch("string")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What an interface holds, as the variant of its type's name.
#[derive(Debug)]
pub(super) struct InterfaceVariant<'r, 'a, 'de> {
    pub(super) variant: &'static str,
    pub(super) value: TypedValue<'r, 'a, 'de>,
}

impl<'r, 'a, 'de> EnumAccess<'de> for InterfaceVariant<'r, 'a, 'de> {
    type Error = DeError;
    type Variant = TypedValue<'r, 'a, 'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, TypedValue<'r, 'a, 'de>)> {
        // What the variant holds may be in a box.
        self.value.de.budget.member::<()>();
        seed.deserialize(self.variant.into_deserializer()).map(|variant| (variant, self.value))
    }
}

impl<'de> VariantAccess<'de> for TypedValue<'_, '_, 'de> {
    type Error = DeError;

    fn unit_variant(self) -> Result<()> {
        <()>::deserialize(self)
    }

    forward_variant!('de: self => self, "struct");
}

/// What an interface holds, or a part of it, with the name of its type: for the visitor of
/// [`Any`](crate::types::Any).
#[derive(Debug)]
pub(super) struct Named<'r, 'a, 'de> {
    pub(super) name: &'de [u8],
    pub(super) is_struct: bool,
    pub(super) value: TypedValue<'r, 'a, 'de>,
}

impl<'de> EnumAccess<'de> for Named<'_, '_, 'de> {
    type Error = DeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let Ok(name) = std::str::from_utf8(self.name) else {
            return Err(DeError::placed("gob: the name of a type is not valid UTF-8"));
        };
        let budget = &self.value.de.budget;
        budget.take(size_of::<NamedValue>())?;
        budget.bytes(name.len())?;
        let name: StrDeserializer<'_, DeError> = name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Named<'_, '_, 'de> {
    type Error = DeError;

    fn unit_variant(self) -> Result<()> {
        <()>::deserialize(self.value)
    }

    /// The value of something that is no struct.
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.value)
    }

    /// Whether it is a struct, then the value.
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(NamedParts { is_struct: Some(self.is_struct), value: self.value })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.value.deserialize_struct("struct", fields, visitor)
    }
}

/// The parts of a [`Named`]: whether it is a struct, then the value.
struct NamedParts<'r, 'a, 'de> {
    is_struct: Option<bool>,
    value: TypedValue<'r, 'a, 'de>,
}

impl<'de> SeqAccess<'de> for NamedParts<'_, '_, 'de> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if let Some(is_struct) = self.is_struct.take() {
            return seed.deserialize(is_struct.into_deserializer()).map(Some);
        }
        self.value.de.named += 1;
        let value = seed.deserialize(ExactContent(self.value.same()))?;
        self.value.de.named -= 1;
        Ok(Some(value))
    }
}

/// A value whose name has been handed over.
struct ExactContent<'r, 'a, 'de>(TypedValue<'r, 'a, 'de>);

impl<'de> Deserializer<'de> for ExactContent<'_, '_, 'de> {
    type Error = DeError;

    forward_deserialize!('de: binary);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.de.budget.any::<V::Value>()?;
        self.0.content(true, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The name of a field, for a target that keeps names or has fields that serde flattens.
pub(super) struct FieldName<'r, 'a, 'de> {
    pub(super) name: &'a str,
    /// Made where the target is a struct with flattened fields: nothing else asks for the name of a member.
    pub(super) embedding: &'r mut Option<Box<Embedding<'a, 'de>>>,
}

impl<'de> Deserializer<'de> for FieldName<'_, '_, 'de> {
    type Error = DeError;

    forward_deserialize!('de: option, newtype_struct, binary);

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_str(self.name)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.embedding.get_or_insert_default();
        visitor.visit_str(self.name)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self.name.into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct ignored_any
    }
}

/// Bytes as the elements of a list, for targets that take them one by one.
#[derive(Debug)]
pub(super) struct Bytes<'r, 'de> {
    pub(super) bytes: &'de [u8],
    pub(super) budget: &'r DecodeBudget,
    pub(super) room: ListRoom,
}

impl<'de> SeqAccess<'de> for Bytes<'_, 'de> {
    type Error = DeError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some((&byte, rest)) = self.bytes.split_first() else { return Ok(None) };
        self.bytes = rest;
        self.budget.element::<S::Value>(&mut self.room)?;
        seed.deserialize(Byte(byte)).map(Some)
    }

    /// The bytes are there.
    fn size_hint(&self) -> Option<usize> {
        Some(self.bytes.len())
    }
}

/// A byte of a `[]byte`, which no wider integer takes.
#[derive(Debug)]
struct Byte(u8);

macro_rules! refuse {
    ($($method:ident => $go:literal,)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
            Err(DeError::of_type($go, "bytes"))
        }
    )*};
}

impl<'de> Deserializer<'de> for Byte {
    type Error = DeError;

    forward_deserialize!('de: newtype_struct);

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u8(self.0)
    }

    refuse! {
        deserialize_i8 => "int8",
        deserialize_i16 => "int16",
        deserialize_i32 => "int32",
        deserialize_i64 => "int",
        deserialize_u16 => "uint16",
        deserialize_u32 => "uint32",
        deserialize_u64 => "uint",
    }

    forward_to_deserialize_any! {
        bool i128 u8 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map
        struct enum identifier ignored_any
    }
}

/// Gathers a list of small enough unsigned integers.
#[derive(Debug)]
pub(super) struct ByteBuf;

impl<'de> Visitor<'de> for ByteBuf {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[]uint8")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
