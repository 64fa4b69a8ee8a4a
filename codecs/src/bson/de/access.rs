//! The inside of documents and lists.
//!
//! Their own lengths do not count, the terminator does. The key `_Val_` means "this very target" at any depth: its
//! document's members are the target's own.

use super::{DeError, element::Element, key::Key, not_a_document};
use crate::{
    again::Repeats,
    bson::{
        VAL, kind,
        read::{Place, Reader},
    },
    budget::{ListRoom, MapRoom},
    serde_methods::forward_variant,
};
use serde::{
    Deserializer as _,
    de::{
        DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
        value::BorrowedStrDeserializer,
    },
};

type Result<T> = std::result::Result<T, DeError>;

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
    /// Where fields of structs come twice.
    twice: Option<Box<Twice<'de>>>,
}

/// Of a struct that may have fields twice: the last members of these are handed over first, so that the struct says by
/// which other names it knows them, and the others are left out.
#[derive(Debug)]
struct Twice<'de> {
    repeats: &'de Repeats,
    fields: &'static [&'static str],
    /// The own names of such fields, and kind and place of the values of their last members.
    last: Vec<(&'static str, u8, Place<'de>)>,
    /// Where the members go on after those.
    back: Option<Place<'de>>,
    /// The name handed over last, and how many bytes are left behind it.
    given: Option<(&'static str, usize)>,
}

impl<'r, 'de> Members<'r, 'de> {
    /// The members of the document just entered, or none of a null, for a target that has `fields`.
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'de>, open: bool, fields: &'static [&'static str]) -> Self {
        Self { reader, kind: kind::NULL, open: open.into(), fields, twice: None }
    }

    /// The next key if it is the next field, as where both sides declare the same struct: known faster by comparing
    /// than by looking for its end, and UTF-8. Its value is read next.
    #[inline]
    fn next_field(&mut self) -> Option<&'static str> {
        let (&field, fields) = self.fields.split_first()?;
        if self.open == 0 || field == VAL || self.twice.is_some() {
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

    /// The members from here on, whose values are not kept.
    fn ahead<'a>(&self, reader: &'a mut Reader<'de>) -> Members<'a, 'de> {
        Members { reader, kind: self.kind, open: self.open, fields: &[], twice: None }
    }

    /// Whether a member further on is called as the one whose key was read last.
    fn comes_again(&self, key: &[u8]) -> Result<bool> {
        let mut reader = self.reader.ahead();
        let mut ahead = self.ahead(&mut reader);
        ahead.reader.skip(ahead.kind)?;
        let comes_again = loop {
            match ahead.next()? {
                Some(next) if next == key => break true,
                Some(_) => ahead.reader.skip(ahead.kind)?,
                None => break false,
            }
        };
        self.pay_for(&reader)?;
        Ok(comes_again)
    }

    /// What is looked at more than once is paid for: values inside values may all have members twice.
    fn pay_for(&self, ahead: &Reader<'_>) -> Result<()> {
        Ok(self.reader.budget.bytes(self.reader.rest().len().saturating_sub(ahead.rest().len()))?)
    }

    /// As [`next`](Self::next), for a map: past members that come again under the same name.
    #[cold]
    fn next_of_repeated(&mut self, repeats: &Repeats) -> Result<Option<&'de [u8]>> {
        loop {
            match self.next()? {
                Some(key) if repeats.count_once(key) && self.comes_again(key)? => {
                    self.reader.skip(self.kind)?;
                }
                next => return Ok(next),
            }
        }
    }

    /// Finds the last members of a struct's fields that are there twice.
    #[cold]
    pub(super) fn look_for_repeated(&mut self, repeats: &'de Repeats) -> Result<()> {
        let mut reader = self.reader.ahead();
        let mut ahead = self.ahead(&mut reader);
        let mut last: Vec<(&'static str, u8, Place<'de>)> = Vec::new();
        while let Some(key) = ahead.next()? {
            if let Some(own) = repeats.own_name(key, self.fields) {
                last.retain(|(field, ..)| *field != own);
                last.push((own, ahead.kind, ahead.reader.place()));
            }
            ahead.reader.skip(ahead.kind)?;
        }
        self.pay_for(&reader)?;
        self.twice = Some(Box::new(Twice { repeats, fields: self.fields, last, back: None, given: None }));
        Ok(())
    }

    /// The next key of a struct that has fields twice: those handed over before their turn, then the others.
    #[cold]
    fn next_of_twice(&mut self) -> Result<Option<&'de [u8]>> {
        let Some(mut twice) = self.twice.take() else { return self.next() };
        let next = self.next_beside(&mut twice);
        self.twice = Some(twice);
        next
    }

    fn next_beside(&mut self, twice: &mut Twice<'de>) -> Result<Option<&'de [u8]>> {
        if let Some(back) = twice.back.take() {
            self.reader.go_to(back);
        }
        if let Some((own, kind, value)) = twice.last.pop() {
            twice.back = Some(self.reader.place());
            twice.given = Some((own, value.left()));
            self.reader.go_to(value);
            self.kind = kind;
            return Ok(Some(own.as_bytes()));
        }
        while let Some(key) = self.next()? {
            if twice.repeats.own_name(key, twice.fields).is_none() {
                let field = twice.fields.iter().find(|field| field.as_bytes() == key);
                twice.given = field.map(|field| (*field, self.reader.rest().len()));
                return Ok(Some(key));
            }
            self.reader.skip(self.kind)?;
        }
        Ok(None)
    }

    /// Says of which name the struct said that it has the field already.
    #[cold]
    pub(super) fn failed(&self, error: DeError) -> DeError {
        // An error of a value comes from behind the name.
        if let Some((name, left)) = self.twice.as_ref().and_then(|twice| twice.given)
            && left == self.reader.rest().len()
            && let Some(again) = self.reader.again
        {
            again.given.set(Some(name));
        }
        error
    }

    /// Goes on where the members do.
    #[inline]
    fn go_back(&mut self) {
        if let Some(back) = self.twice.as_mut().and_then(|twice| twice.back.take()) {
            self.reader.go_to(back);
        }
    }

    /// The value behind the key read last.
    #[inline]
    pub(super) fn value(&mut self) -> Element<'_, 'de> {
        Element { reader: self.reader, kind: self.kind }
    }

    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(mut self) -> Result<()> {
        self.go_back();
        while self.next()?.is_some() {
            self.reader.skip(self.kind)?;
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for &mut Members<'_, 'de> {
    type Error = DeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if let Some(field) = self.next_field() {
            return seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some);
        }
        let key = if self.twice.is_some() { self.next_of_twice()? } else { self.next()? };
        match key {
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
    type Error = DeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let key = match self.members.reader.repeats() {
            None => self.members.next()?,
            Some(repeats) => self.members.next_of_repeated(repeats)?,
        };
        let Some(key) = key else { return Ok(None) };
        self.members.reader.budget.entry::<K::Value>(&mut self.keys)?;
        self.members.reader.budget.bytes(key.len())?;
        seed.deserialize(Key(key)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.members.reader.budget.entry::<V::Value>(&mut self.values)?;
        if let Some(again) = self.members.reader.again {
            again.note_kept::<V::Value>();
        }
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
            Some(_) => Err(DeError::custom(format_args!("array index {} out of bounds", self.count))),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut List<'_, 'de> {
    type Error = DeError;

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
    type Error = DeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let key = self.next()?.ok_or_else(|| DeError::new("empty document for an enum"))?;
        // What the variant holds may be in a box.
        self.reader.budget.member::<()>();
        Ok((seed.deserialize(Key(key))?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Members<'_, 'de> {
    type Error = DeError;

    fn unit_variant(self) -> Result<()> {
        Ok(self.reader.skip(self.kind)?)
    }

    forward_variant!('de: self => self.value(), "");
}
