//! The insides of lists, maps and structs.

use super::{De, misfit::Misfit, value::Value};
use crate::{
    gob::{
        scan::{Walk, next_field, present},
        types::{Field, Id, Struct, Type},
    },
    zero::Zero,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};

type Result<T> = std::result::Result<T, Misfit>;

impl De<'_, '_> {
    /// The peer's word for a type, without what it is made of.
    pub(super) fn type_name(&self, id: Id) -> &str {
        let kind = match self.types.get(id) {
            None => "undefined",
            Some(Type::Bool) => "bool",
            Some(Type::Int) => "int",
            Some(Type::Uint) => "uint",
            Some(Type::Float) => "float",
            Some(Type::Bytes) => "bytes",
            Some(Type::String) => "string",
            Some(Type::Complex) => "complex",
            Some(Type::Interface) => "interface",
            Some(Type::Array { .. }) => "array",
            Some(Type::Slice { .. }) => "slice",
            Some(Type::Map { .. }) => "map",
            Some(Type::Struct(_)) => "struct",
            Some(Type::Opaque(_)) => "marshaler",
        };
        match self.types.name(id) {
            "" => kind,
            name => name,
        }
    }
}

/// The elements of a slice or array.
#[derive(Debug)]
pub(super) struct Items<'r, 'a, 'de> {
    pub(super) de: &'r mut De<'a, 'de>,
    pub(super) elem: Id,
    pub(super) left: u64,
    pub(super) depth: usize,
    pub(super) absent: bool,
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
    type Error = Misfit;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if !self.absent {
            present(&self.de.reader)?;
        }
        let value = Value { de: self.de, id: self.elem, depth: self.depth, absent: self.absent };
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
    type Error = Misfit;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        present(&self.de.reader)?;
        let key = Value { de: self.de, id: self.key, depth: self.depth, absent: false };
        let key = if self.loose { seed.deserialize(TextKey(key)) } else { seed.deserialize(key) };
        let key = key.map_err(|misfit| misfit.within_key(self.de.type_name(self.elem)))?;
        self.half = true;
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.half = false;
        let value = Value { de: self.de, id: self.elem, depth: self.depth, absent: false };
        seed.deserialize(value).map_err(|misfit| misfit.within_map(self.de.type_name(self.key)))
    }
}

/// A key of any simple type, as a text.
#[derive(Debug)]
struct TextKey<'r, 'a, 'de>(Value<'r, 'a, 'de>);

impl<'de> Deserializer<'de> for TextKey<'_, '_, 'de> {
    type Error = Misfit;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let key = self.0.opened()?;
        match key.id {
            Id::STRING => key.deserialize_any(visitor),
            Id::INT => visitor.visit_string(i64::deserialize(key)?.to_string()),
            Id::UINT => visitor.visit_string(u64::deserialize(key)?.to_string()),
            Id::FLOAT => visitor.visit_string(f64::deserialize(key)?.to_string()),
            Id::BOOL => visitor.visit_string(bool::deserialize(key)?.to_string()),
            _ => Err(key.misfit("string")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The fields of a struct: all that its type has, those that are not in the bytes as zero.
#[derive(Debug)]
pub(super) struct Fields<'r, 'a, 'de> {
    de: &'r mut De<'a, 'de>,
    id: Id,
    fields: &'a [Field],
    depth: usize,
    /// The field to hand over next, and the next one that is in the bytes.
    next: usize,
    ahead: usize,
    /// The target's fields; `None` if it takes any.
    wanted: Option<&'static [&'static str]>,
    /// How many of the target's have been handed over as zero without being in the type.
    fed: usize,
    /// The target's name, if it has to have a field in common with the type.
    pub(super) target: Option<&'static str>,
    /// Whether it has, and the first field that would have fitted but for its case.
    matched: bool,
    miscased: Option<(&'a str, &'static str)>,
}

impl<'r, 'a, 'de> Fields<'r, 'a, 'de> {
    #[inline]
    pub(super) fn new(
        de: &'r mut De<'a, 'de>,
        id: Id,
        fields: Struct,
        depth: usize,
        absent: bool,
        wanted: Option<&'static [&'static str]>,
    ) -> Result<Self> {
        let fields = de.types.fields(fields);
        let (target, matched, miscased) = (None, false, None);
        let mut this =
            Self { de, id, fields, depth, next: 0, ahead: 0, wanted, fed: 0, target, matched, miscased };
        if absent {
            this.ahead = fields.len()
        } else {
            this.look_ahead(0)?
        }
        Ok(this)
    }

    /// Finds the next field that is in the bytes, at or after `from`.
    #[inline]
    fn look_ahead(&mut self, from: usize) -> Result<()> {
        let found = next_field(self.fields, &mut self.de.reader, from)?;
        self.ahead = found.map_or(self.fields.len(), |(number, _)| number);
        Ok(())
    }

    #[inline]
    fn name(&self, number: usize) -> &'a str {
        self.fields.get(number).map(|&field| self.de.types.field_name(field)).unwrap_or_default()
    }

    /// Counts a name against what targets that keep names may have; `false` if it is too much.
    fn afford(&mut self, bytes: usize) -> bool {
        let left = self.de.names_left.checked_sub(bytes);
        self.de.names_left = left.unwrap_or(self.de.names_left);
        left.is_some()
    }

    /// The next field for a target that keeps names.
    fn next_kept(&mut self) -> Result<()> {
        // A field that is not there costs the peer nothing, so it may not cost us much: with many, it stays away.
        while self.next < self.ahead && !self.afford(self.name(self.next).len() + 64) {
            self.next += 1;
        }
        if self.next < self.fields.len()
            && self.next == self.ahead
            && !self.afford(self.name(self.next).len())
        {
            return Err(Misfit::placed("gob: names of fields outweigh their values"));
        }
        Ok(())
    }

    /// Says what became of the field `number`.
    #[inline]
    fn settle(&mut self, number: usize) {
        if !self.de.ignored {
            self.matched = true;
        } else if self.miscased.is_none() {
            self.note_case(number);
        }
    }

    #[cold]
    fn note_case(&mut self, number: usize) {
        let name = self.name(number);
        let mut wanted = self.wanted.unwrap_or_default().iter();
        self.miscased = wanted
            .find(|wanted| wanted.eq_ignore_ascii_case(name) && !self.has(wanted))
            .map(|&wanted| (name, wanted));
    }

    /// Whether the type has a field of that name.
    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|&field| self.de.types.field_name(field) == name)
    }

    /// All fields of the type have been handed over.
    #[inline]
    fn check(&self) -> Result<()> {
        let nothing =
            !self.matched && !self.fields.is_empty() && self.wanted.is_some_and(|wanted| !wanted.is_empty());
        match (self.target, self.miscased) {
            (Some(target), _) if nothing => Err(Misfit::placed(format!(
                "gob: type mismatch: no fields matched compiling decoder for {target}"
            ))),
            (_, Some((name, wanted))) => Err(Misfit::placed(format!(
                "gob: received field {}.{name} differs only in case from field {wanted}",
                self.de.type_name(self.id)
            ))),
            _ => Ok(()),
        }
    }

    /// The next of the target's fields that the type lacks and somebody has asked to be zero.
    fn feed(&mut self) -> Option<&'static str> {
        let wanted = self.wanted?;
        while let Some(&name) = wanted.get(self.fed) {
            self.fed += 1;
            if self.de.feed.contains(&name) && !self.has(name) {
                return Some(name);
            }
        }
        None
    }

    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(mut self) -> Result<()> {
        while let Some(field) = self.fields.get(self.ahead) {
            if self.ahead >= self.next {
                Walk::skip(self.de.types, &mut self.de.reader, field.id)?;
            }
            self.look_ahead(self.ahead + 1)?;
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for &mut Fields<'_, '_, 'de> {
    type Error = Misfit;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.wanted.is_none() {
            self.next_kept()?;
        }
        if self.next < self.fields.len() {
            return seed.deserialize(self.name(self.next).into_deserializer()).map(Some);
        }
        if self.fed == 0 {
            self.check()?;
        }
        if self.de.feed.is_empty() {
            return Ok(None);
        }
        match self.feed() {
            Some(name) => seed.deserialize(name.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let number = self.next;
        let Some(field) = self.fields.get(number) else {
            return seed.deserialize(Zero::new(self.de.feed));
        };
        let absent = number != self.ahead;
        self.next += 1;
        self.de.ignored = false;
        let value = Value { de: self.de, id: field.id, depth: self.depth, absent };
        let value = seed
            .deserialize(value)
            .map_err(|misfit| misfit.within_field(self.de.type_name(self.id), self.name(number)))?;
        self.settle(number);
        if !absent {
            self.look_ahead(number + 1)?;
        }
        Ok(value)
    }
}

/// Two floats, as a list.
#[derive(Debug)]
pub(super) struct Pair(pub(super) std::array::IntoIter<f64, 2>);

impl<'de> SeqAccess<'de> for Pair {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.0.next().map(|part| seed.deserialize(part.into_deserializer())).transpose()
    }
}

/// Bytes as the elements of a list, for targets that take them one by one.
#[derive(Debug)]
pub(super) struct Bytes<'de> {
    pub(super) bytes: &'de [u8],
}

impl<'de> SeqAccess<'de> for Bytes<'de> {
    type Error = Misfit;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some((&byte, rest)) = self.bytes.split_first() else { return Ok(None) };
        self.bytes = rest;
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
            Err(Misfit::of_type($go, "bytes"))
        }
    )*};
}

impl<'de> Deserializer<'de> for Byte {
    type Error = Misfit;

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

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
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
