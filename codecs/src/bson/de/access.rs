//! The inside of documents and lists.
//!
//! Their own lengths do not count, the terminator does. The key `_Val_` means "this very target" at any depth: its
//! document's members are the target's own.

use super::{element::Element, key::Key, not_a_document};
use crate::{
    bson::{VAL, kind, read::Reader},
    budget::{ListRoom, MapRoom},
    error::ValueError,
    serde_methods::forward_variant,
};
use serde::{
    Deserializer as _,
    de::{
        DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
        value::BorrowedStrDeserializer,
    },
};

type Result<T> = std::result::Result<T, ValueError>;

/// The members of an entered document.
#[derive(Debug)]
pub(super) struct Members<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// Kind of the member whose key was read last.
    kind: u8,
    /// Documents entered and not left: this one and those under `_Val_`.
    open: usize,
    /// Names that are likely to come next, in the order in which the target declares them.
    fields: &'static [&'static str],
}

impl<'r, 'de> Members<'r, 'de> {
    /// The members of the document just entered, or none of a null, for a target that has `fields`.
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'de>, open: bool, fields: &'static [&'static str]) -> Self {
        Self { reader, kind: kind::NULL, open: open.into(), fields }
    }

    /// The next key if it is the next field, as where both sides declare the same struct: known faster by comparing
    /// than by looking for its end, and UTF-8. Its value is read next.
    #[inline]
    fn next_field(&mut self) -> Option<&'static str> {
        let (&field, fields) = self.fields.split_first()?;
        if self.open == 0 || field == VAL || !self.reader.repeated.is_empty() {
            return None;
        }
        self.kind = self.reader.kind_of(field.as_bytes())?;
        self.fields = fields;
        Some(field)
    }

    /// The next key; its value is read next.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<&'de [u8]>> {
        while self.open > 0 {
            self.kind = self.reader.byte()?;
            if self.kind == 0 {
                self.reader.leave();
                self.open -= 1;
                continue;
            }
            let key = self.reader.cstr()?;
            if key != VAL.as_bytes() {
                return Ok(Some(key));
            }
            match self.kind {
                kind::DOCUMENT | kind::ARRAY => {
                    self.reader.enter()?;
                    self.open += 1;
                }
                kind::NULL => {}
                other => return Err(not_a_document(other)),
            }
        }
        Ok(None)
    }

    /// Whether the member whose key was read last is repeated further on: the last of them counts.
    #[cold]
    fn comes_again(&self, key: &[u8]) -> Result<bool> {
        if !self.reader.repeated.iter().any(|name| name.as_bytes() == key) {
            return Ok(false);
        }
        let mut ahead = Reader::new(self.reader.rest());
        let mut kind = self.kind;
        let comes_again = loop {
            ahead.skip(kind)?;
            kind = ahead.byte()?;
            if kind == 0 || ahead.cstr()? == key {
                break kind != 0;
            }
        };
        // What is looked at more than once is paid for: values inside values may all have members twice.
        self.reader.budget.bytes(self.reader.rest().len().saturating_sub(ahead.rest().len()))?;
        Ok(comes_again)
    }

    /// As [`next`](Self::next), past members that are repeated further on.
    #[inline]
    fn next_counted(&mut self) -> Result<Option<&'de [u8]>> {
        let Some(mut key) = self.next()? else { return Ok(None) };
        while !self.reader.repeated.is_empty() && self.comes_again(key)? {
            self.reader.skip(self.kind)?;
            match self.next()? {
                Some(next) => key = next,
                None => return Ok(None),
            }
        }
        Ok(Some(key))
    }

    /// The value behind the key read last.
    #[inline]
    pub(super) fn value(&mut self) -> Element<'_, 'de> {
        Element { reader: self.reader, kind: self.kind }
    }

    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(mut self) -> Result<()> {
        while self.next()?.is_some() {
            self.reader.skip(self.kind)?;
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for &mut Members<'_, 'de> {
    type Error = ValueError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if let Some(field) = self.next_field() {
            return seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some);
        }
        match self.next_counted()? {
            Some(key) => seed.deserialize(Key(key)).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.reader.budget.member::<V::Value>();
        seed.deserialize(self.value())
    }
}

/// The members of an entered document, for a target that keeps all keys and values.
#[derive(Debug)]
pub(super) struct Entries<'r, 'de> {
    members: Members<'r, 'de>,
    keys: MapRoom,
    values: MapRoom,
}

impl<'r, 'de> Entries<'r, 'de> {
    #[inline]
    pub(super) fn new(members: Members<'r, 'de>) -> Self {
        Self { members, keys: MapRoom::default(), values: MapRoom::default() }
    }

    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(self) -> Result<()> {
        self.members.finish()
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = ValueError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some(key) = self.members.next_counted()? else { return Ok(None) };
        self.members.reader.budget.entry::<K::Value>(&mut self.keys)?;
        self.members.reader.budget.bytes(key.len())?;
        seed.deserialize(Key(key)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.members.reader.budget.entry::<V::Value>(&mut self.values)?;
        seed.deserialize(self.members.value())
    }
}

/// The elements of an entered list; keys do not count, order does.
#[derive(Debug)]
pub(super) struct List<'r, 'de> {
    members: Members<'r, 'de>,
    /// Elements handed over so far.
    count: usize,
    /// As many the target insists on; those that are not there are zero.
    expected: usize,
    room: ListRoom,
}

impl<'r, 'de> List<'r, 'de> {
    #[inline]
    pub(super) fn new(members: Members<'r, 'de>, expected: usize) -> Self {
        Self { members, count: 0, expected, room: ListRoom::new(expected) }
    }

    /// A target of fixed length has taken its elements: there must be no more.
    #[inline]
    pub(super) fn finish(mut self) -> Result<()> {
        match self.members.next()? {
            None => Ok(()),
            Some(_) => Err(ValueError::custom(format_args!("array index {} out of bounds", self.count))),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut List<'_, 'de> {
    type Error = ValueError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.members.next()?.is_none() {
            if self.count >= self.expected {
                return Ok(None);
            }
            self.members.kind = kind::NULL;
        }
        self.count += 1;
        self.members.reader.budget.element::<T::Value>(&mut self.room)?;
        seed.deserialize(self.members.value()).map(Some)
    }
}

/// An enum as `{variant: value}`.
impl<'de> EnumAccess<'de> for &mut Members<'_, 'de> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let key = self.next()?.ok_or_else(|| ValueError::new("empty document for an enum"))?;
        // What the variant holds may be in a box.
        self.reader.budget.member::<()>();
        Ok((seed.deserialize(Key(key))?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Members<'_, 'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<()> {
        Ok(self.reader.skip(self.kind)?)
    }

    forward_variant!('de: self => self.value(), "");
}
