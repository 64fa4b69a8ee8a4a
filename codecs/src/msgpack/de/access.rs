//! The insides of lists, maps and enums.

use super::{De, DeError, Result};
use crate::{
    again::Repeats,
    budget::{DecodeBudget, ListRoom, MapRoom},
    msgpack::read::{Reader, Token},
    serde_methods::forward_variant,
    zero::ZeroFieldError as _,
};
use serde::{
    Deserializer as _,
    de::{
        DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
        value::BorrowedStrDeserializer,
    },
};

/// The elements of a list, then zero values until `expected` are handed over.
///
/// No hint of how many there are: the number is the peer's, and room is made as they arrive.
#[derive(Debug)]
pub(super) struct List<'r, 'de, 'f> {
    pub(super) de: De<'r, 'de, 'f>,
    pub(super) left: u32,
    pub(super) expected: usize,
    pub(super) room: ListRoom,
}

impl List<'_, '_, '_> {
    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(self) -> Result<()> {
        for _ in 0..self.left {
            self.de.input.reader.skip()?;
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut List<'_, 'de, '_> {
    type Error = DeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let is_expected = self.expected > 0;
        self.expected = self.expected.saturating_sub(1);
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.de.input.budget.element::<T::Value>(&mut self.room)?;
                seed.deserialize(self.de.next(false)).map(Some)
            }
            None if is_expected => seed.deserialize(self.de.zero()).map(Some),
            None => Ok(None),
        }
    }
}

/// Bytes as a list of numbers.
#[derive(Debug)]
pub(super) struct Numbers<'r, 'de> {
    pub(super) bytes: &'de [u8],
    pub(super) budget: &'r DecodeBudget,
    pub(super) room: ListRoom,
}

impl<'de> SeqAccess<'de> for Numbers<'_, 'de> {
    type Error = DeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some((&byte, rest)) = self.bytes.split_first() else { return Ok(None) };
        self.bytes = rest;
        self.budget.element::<T::Value>(&mut self.room)?;
        seed.deserialize(byte.into_deserializer()).map(Some)
    }

    /// The bytes are there.
    fn size_hint(&self) -> Option<usize> {
        Some(self.bytes.len())
    }
}

/// The pairs of a map.
#[derive(Debug)]
pub(super) struct Pairs<'r, 'de, 'f> {
    de: De<'r, 'de, 'f>,
    left: u32,
    /// Whether the value of the key read last is still to be read.
    value_pending: bool,
}

impl<'r, 'de, 'f> Pairs<'r, 'de, 'f> {
    #[inline]
    pub(super) fn new(de: De<'r, 'de, 'f>, len: u32) -> Self {
        Self { de, left: len, value_pending: false }
    }

    /// Whether there is another pair, whose key is read next.
    #[inline]
    fn advance(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        self.value_pending = true;
        true
    }

    /// Goes past the members that come again under the same name, where the last counts.
    #[cold]
    fn drop_repeated(&mut self, repeats: &Repeats) -> Result<()> {
        let reader = &mut self.de.input.reader;
        while self.left > 0 {
            let (Token::Str(key) | Token::Bin(key)) = reader.peek()? else { break };
            if !repeats.count_once(key) {
                break;
            }
            let mut ahead = *reader;
            let comes_again = comes_again(&mut ahead, self.left, key)?;
            // What is looked at more than once is paid for: values inside values may all have members twice.
            self.de.input.budget.bytes(reader.left().saturating_sub(ahead.left()))?;
            if !comes_again {
                break;
            }
            reader.skip()?;
            reader.skip()?;
            self.left -= 1;
        }
        Ok(())
    }

    /// The value of the key read last.
    #[inline]
    fn value(&mut self) -> De<'_, 'de, 'f> {
        self.value_pending = false;
        self.de.next(false)
    }

    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(self) -> Result<()> {
        if self.value_pending {
            self.de.input.reader.skip()?;
        }
        for _ in 0..u64::from(self.left) * 2 {
            self.de.input.reader.skip()?;
        }
        Ok(())
    }
}

/// Whether `key`, the first of the next `left` pairs, is the key of another of them.
fn comes_again(reader: &mut Reader<'_>, left: u32, key: &[u8]) -> Result<bool> {
    for _ in 1..left {
        reader.skip()?;
        reader.skip()?;
        if let Token::Str(next) | Token::Bin(next) = reader.peek()?
            && next == key
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The pairs of a map, for a target that keeps all keys and values.
#[derive(Debug)]
pub(super) struct Entries<'r, 'de, 'f> {
    pub(super) pairs: Pairs<'r, 'de, 'f>,
    keys: MapRoom,
    values: MapRoom,
}

impl<'r, 'de, 'f> Entries<'r, 'de, 'f> {
    #[inline]
    pub(super) fn new(pairs: Pairs<'r, 'de, 'f>) -> Self {
        Self { pairs, keys: MapRoom::default(), values: MapRoom::default() }
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de, '_> {
    type Error = DeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if let Some(repeats) = self.pairs.de.again.repeats() {
            self.pairs.drop_repeated(repeats)?;
        }
        if !self.pairs.advance() {
            return Ok(None);
        }
        self.pairs.de.input.budget.entry::<K::Value>(&mut self.keys)?;
        seed.deserialize(self.pairs.de.next(true)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.pairs.de.input.budget.entry::<V::Value>(&mut self.values)?;
        self.pairs.de.again.note_kept::<V::Value>();
        seed.deserialize(self.pairs.value())
    }
}

/// The pairs of a map, then the members of `zero_fields` that a struct has and the bytes do not.
#[derive(Debug)]
pub(super) struct Members<'r, 'de, 'f> {
    pub(super) pairs: Pairs<'r, 'de, 'f>,
    fields: &'static [&'static str],
    /// Those of `zero_fields` that the bytes have.
    seen: Vec<&'static str>,
    /// Of `zero_fields`, those gone through after the last pair.
    zeros_passed: usize,
    /// Where fields of structs come twice.
    twice: Option<Box<Twice<'de>>>,
}

/// Of a struct that may have fields twice: the last members of these are handed over first, or zero where there are
/// none, so that the struct says by which other names it knows them, and the others are left out.
#[derive(Debug, Default)]
struct Twice<'de> {
    /// The own names of such fields, and where the values of their last members are.
    last: Vec<(&'static str, Option<Reader<'de>>)>,
    /// Where the members go on after those.
    back: Option<Reader<'de>>,
    /// The name handed over last, and how many bytes are left behind it.
    given: Option<(&'static str, usize)>,
}

impl<'r, 'de, 'f> Members<'r, 'de, 'f> {
    #[inline]
    pub(super) fn new(pairs: Pairs<'r, 'de, 'f>, fields: &'static [&'static str]) -> Self {
        Self { pairs, fields, seen: Vec::new(), zeros_passed: 0, twice: None }
    }

    /// Finds the last members of fields that are there twice.
    #[cold]
    pub(super) fn look_for_repeated(&mut self) -> Result<()> {
        let again = self.pairs.de.again;
        let Some(repeats) = again.repeats() else { return Ok(()) };
        let mut twice = Twice::default();
        let start = self.pairs.de.input.reader;
        let mut ahead = start;
        for _ in 0..self.pairs.left {
            let key = ahead.token()?;
            // A list or map for a key has parts.
            for _ in 0..key.children() {
                ahead.skip()?;
            }
            if let Token::Str(key) | Token::Bin(key) = key
                && let Some(own) = repeats.own_name(key, self.fields)
            {
                twice.last.retain(|(field, _)| *field != own);
                twice.last.push((own, Some(ahead)));
            }
            ahead.skip()?;
        }
        // What is looked at more than once is paid for: structs inside structs may all have fields twice.
        self.pairs.de.input.budget.bytes(start.left().saturating_sub(ahead.left()))?;
        for own in repeats.own_names(self.fields).filter(|own| again.wants_zero(own, self.fields)) {
            self.seen.push(own);
            if twice.last.iter().all(|(field, _)| *field != own) {
                twice.last.push((own, None));
            }
        }
        self.twice = Some(Box::new(twice));
        Ok(())
    }

    /// The next field that is handed over before its turn. When there is none, goes past members that have been.
    #[cold]
    fn next_repeated(&mut self) -> Result<Option<&'static str>> {
        let again = self.pairs.de.again;
        let (Some(twice), Some(repeats)) = (&mut self.twice, again.repeats()) else { return Ok(None) };
        let reader = &mut self.pairs.de.input.reader;
        if let Some(back) = twice.back.take() {
            *reader = back;
            self.zeros_passed = 0;
        }
        if let Some((own, value)) = twice.last.pop() {
            twice.back = Some(*reader);
            match value {
                Some(value) => *reader = value,
                // As behind the last pair.
                None => self.zeros_passed = 1,
            }
            twice.given = Some((own, reader.left()));
            return Ok(Some(own));
        }
        while self.pairs.left > 0 {
            let (Token::Str(key) | Token::Bin(key)) = reader.peek()? else { break };
            if repeats.own_name(key, self.fields).is_none() {
                let mut ahead = *reader;
                ahead.skip()?;
                let field = self.fields.iter().find(|field| field.as_bytes() == key);
                twice.given = field.map(|field| (*field, ahead.left()));
                break;
            }
            reader.skip()?;
            reader.skip()?;
            self.pairs.left -= 1;
        }
        Ok(None)
    }

    /// Says of which name the struct said that it has the field already.
    #[cold]
    pub(super) fn failed(&self, error: DeError) -> DeError {
        // An error of a value comes from behind the name.
        if let Some((name, left)) = self.twice.as_ref().and_then(|twice| twice.given)
            && left == self.pairs.de.input.reader.left()
        {
            self.pairs.de.again.given.set(Some(name));
        }
        error.may_be_zero(self.fields)
    }

    /// Goes on where the members do.
    #[inline]
    pub(super) fn go_back(&mut self) {
        if let Some(back) = self.twice.as_mut().and_then(|twice| twice.back.take()) {
            self.pairs.de.input.reader = back;
        }
    }

    /// Notes which of the members that would be filled with zero is there.
    fn note(&mut self) -> Result<()> {
        if let Token::Str(key) | Token::Bin(key) = self.pairs.de.input.reader.peek()?
            && let Some(name) = self.fields.iter().find(|name| name.as_bytes() == key)
            && self.pairs.de.again.wants_zero(name, self.fields)
        {
            self.seen.push(name);
        }
        Ok(())
    }

    /// The next member that is filled with zero.
    #[inline]
    fn next_zero_field(&mut self) -> Option<&'static str> {
        if self.pairs.de.again.zero_fields().is_empty() { None } else { self.find_zero_field() }
    }

    #[cold]
    fn find_zero_field(&mut self) -> Option<&'static str> {
        while let Some(field) = self.pairs.de.again.zero_fields().get(self.zeros_passed) {
            self.zeros_passed += 1;
            if field.is_of(self.fields) && !self.seen.contains(&field.name) {
                return Some(field.name);
            }
        }
        None
    }
}

impl<'de> MapAccess<'de> for &mut Members<'_, 'de, '_> {
    type Error = DeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.twice.is_some()
            && let Some(field) = self.next_repeated()?
        {
            return seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some);
        }
        if !self.pairs.advance() {
            return match self.next_zero_field() {
                Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
                None => Ok(None),
            };
        }
        if !self.pairs.de.again.zero_fields().is_empty() {
            self.note()?;
        }
        seed.deserialize(self.pairs.de.next(true)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        if self.zeros_passed > 0 {
            return seed.deserialize(self.pairs.de.zero());
        }
        self.pairs.de.input.budget.member::<V::Value>();
        seed.deserialize(self.pairs.value())
    }
}

/// An enum as `{variant: value}`; the map has been entered.
impl<'de> EnumAccess<'de> for De<'_, 'de, '_> {
    type Error = DeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(mut self, seed: V) -> Result<(V::Value, Self)> {
        self.key = false;
        // What the variant holds may be in a box.
        self.input.budget.member::<()>();
        Ok((seed.deserialize(self.next(false))?, self))
    }
}

impl<'de> VariantAccess<'de> for De<'_, 'de, '_> {
    type Error = DeError;

    fn unit_variant(self) -> Result<()> {
        Ok(self.input.reader.skip()?)
    }

    forward_variant!('de: self => self, "");
}
