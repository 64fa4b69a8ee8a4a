//! The insides of arrays, objects and enums, and the names of members, for the deserializer.

use super::{
    cursor::Cursor,
    de::{De, visit_text},
    de_error::DeError,
};
use crate::{
    again::{Again, Repeats},
    budget::{ListRoom, MapRoom},
    serde_methods::{each_integer, forward_deserialize, forward_variant},
    zero::Zero,
};
use serde::{
    de::{
        DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::BorrowedStrDeserializer,
    },
    forward_to_deserialize_any,
};
use std::borrow::Cow;

/// The elements of an array, then zero values until `expected` are handed over.
pub(super) struct Elements<'a, 'de, 'f> {
    pub(super) de: &'a mut De<'de, 'f>,
    pub(super) expected: usize,
    /// Whether no element has been taken.
    pub(super) first: bool,
    pub(super) room: ListRoom,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de, '_> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DeError> {
        let is_expected = self.expected != 0;
        self.expected = self.expected.saturating_sub(1);
        if self.de.cursor.next(self.first, b']')? {
            self.first = false;
            self.de.budget.element::<S::Value>(&mut self.room)?;
            seed.deserialize(&mut *self.de).map(Some)
        } else if is_expected {
            seed.deserialize(Zero::new(self.de.again.zero_fields())).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// The members of an object, for a map.
pub(super) struct Entries<'a, 'de, 'f> {
    pub(super) de: &'a mut De<'de, 'f>,
    /// Whether no member has been taken.
    pub(super) first: bool,
    pub(super) keys: MapRoom,
    pub(super) values: MapRoom,
    /// Whether it is a struct, with flattened fields: nothing else asks for the name of a member.
    pub(super) is_struct: bool,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de, '_> {
    type Error = DeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DeError> {
        if let Some(repeats) = self.de.again.repeats() {
            drop_repeated(self.de, repeats, &mut self.first)?;
        }
        if !self.de.cursor.next(self.first, b'}')? {
            return Ok(None);
        }
        self.first = false;
        let name = self.de.cursor.name()?;
        self.de.budget.entry::<S::Value>(&mut self.keys)?;
        self.de.budget.bytes(name.len())?;
        let flattened = Flattened { again: self.de.again, is_struct: &mut self.is_struct };
        seed.deserialize(Name { text: name, flattened: Some(flattened) }).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        self.de.cursor.expect(b':')?;
        self.de.budget.entry::<S::Value>(&mut self.values)?;
        self.de.again.note_kept::<S::Value>();
        seed.deserialize(&mut *self.de)
    }
}

/// The members of an object, for a struct with these `fields`, which hears of them by its own names.
pub(super) struct Members<'a, 'de, 'f> {
    pub(super) de: &'a mut De<'de, 'f>,
    /// Whether no member has been taken.
    pub(super) first: bool,
    pub(super) name: &'static str,
    pub(super) fields: &'static [&'static str],
    /// The member a value is due for, and the place in `fields` where the next one probably is.
    pub(super) field: &'static str,
    pub(super) likely: usize,
    /// Where fields of structs come twice.
    pub(super) twice: Option<Box<Twice<'de>>>,
}

impl<'a, 'de, 'f> Members<'a, 'de, 'f> {
    /// A name with escapes, in another case, or of no member of the struct.
    #[cold]
    fn unusual_name(&mut self) -> Result<Cow<'de, str>, DeError> {
        let name = self.de.cursor.name()?;
        let field = field_of(&name, self.fields);
        self.field = field.unwrap_or_default();
        Ok(field.map_or(name, Cow::Borrowed))
    }
}

/// The member of a struct that `name` means.
fn field_of(name: &str, fields: &'static [&'static str]) -> Option<&'static str> {
    let exact = fields.iter().find(|&&field| field == name);
    exact.or_else(|| fields.iter().find(|field| field.eq_ignore_ascii_case(name))).copied()
}

/// Goes past the members of a map that come again under the same name, where the last counts.
#[cold]
fn drop_repeated(de: &mut De<'_, '_>, repeats: &Repeats, first: &mut bool) -> Result<(), DeError> {
    loop {
        let mut ahead = de.cursor.clone();
        if !ahead.next(*first, b'}')? {
            return Ok(());
        }
        let name = ahead.name()?;
        if !repeats.count_once(name.as_bytes()) {
            return Ok(());
        }
        ahead.expect(b':')?;
        ahead.skip()?;
        let next = ahead.clone();
        let comes_again = comes_again(&mut ahead, &name)?;
        // What is looked at more than once is paid for: values inside values may all have members twice.
        de.budget.bytes(ahead.at().saturating_sub(de.cursor.at()))?;
        if !comes_again {
            return Ok(());
        }
        de.cursor = next;
        *first = false;
    }
}

/// Whether one of the members that follow is called `name` too.
fn comes_again(ahead: &mut Cursor<'_>, name: &str) -> Result<bool, DeError> {
    while ahead.next(false, b'}')? {
        if ahead.name()? == name {
            return Ok(true);
        }
        ahead.expect(b':')?;
        ahead.skip()?;
    }
    Ok(false)
}

/// Of a struct that may have fields twice: the last members of these are handed over first, so that the struct says by
/// which other names it knows them, and the others are left out.
#[derive(Debug, Default)]
pub(super) struct Twice<'de> {
    /// The own names of such fields, and where the values of their last members are.
    last: Vec<(&'static str, Cursor<'de>)>,
    /// Where the members go on after those.
    back: Option<Cursor<'de>>,
    /// The name handed over last, and where its value is.
    given: Option<(&'static str, usize)>,
}

impl<'de> Members<'_, 'de, '_> {
    /// Finds the last members of fields that are there twice.
    #[cold]
    pub(super) fn look_for_repeated(&mut self) -> Result<(), DeError> {
        let Some(repeats) = self.de.again.repeats() else { return Ok(()) };
        let (mut ahead, mut first) = (self.de.cursor.clone(), true);
        let mut twice = Twice::default();
        while ahead.next(first, b'}')? {
            first = false;
            let name = ahead.name()?;
            let field = field_of(&name, self.fields).unwrap_or_default();
            if let Some(own) = repeats.own_name(field.as_bytes(), self.fields) {
                twice.last.retain(|(field, _)| *field != own);
                twice.last.push((own, ahead.clone()));
            }
            ahead.expect(b':')?;
            ahead.skip()?;
        }
        // What is looked at more than once is paid for: structs inside structs may all have fields twice.
        self.de.budget.bytes(ahead.at().saturating_sub(self.de.cursor.at()))?;
        self.twice = Some(Box::new(twice));
        Ok(())
    }

    /// The next field that is handed over before its turn. When there is none, goes past members that have been.
    #[cold]
    fn next_repeated(&mut self) -> Result<Option<&'static str>, DeError> {
        let (Some(twice), Some(repeats)) = (&mut self.twice, self.de.again.repeats()) else {
            return Ok(None);
        };
        if let Some(back) = twice.back.take() {
            self.de.cursor = back;
        }
        if let Some((own, value)) = twice.last.pop() {
            twice.given = Some((own, value.at()));
            twice.back = Some(std::mem::replace(&mut self.de.cursor, value));
            self.field = own;
            return Ok(Some(own));
        }
        loop {
            let mut ahead = self.de.cursor.clone();
            if !ahead.next(self.first, b'}')? {
                return Ok(None);
            }
            let name = ahead.name()?;
            let field = field_of(&name, self.fields).unwrap_or_default();
            if repeats.own_name(field.as_bytes(), self.fields).is_none() {
                twice.given = Some((field, ahead.at()));
                return Ok(None);
            }
            ahead.expect(b':')?;
            ahead.skip()?;
            self.de.cursor = ahead;
            self.first = false;
        }
    }

    /// Says of which name the struct said that it has the field already.
    #[cold]
    pub(super) fn failed(&self, error: DeError) -> DeError {
        // An error of a value comes from behind the name.
        if let Some((name, at)) = self.twice.as_ref().and_then(|twice| twice.given)
            && at == self.de.cursor.at()
        {
            self.de.again.given.set(Some(name));
        }
        error
    }

    /// Goes on where the members do.
    #[inline]
    pub(super) fn go_back(&mut self) {
        if let Some(back) = self.twice.as_mut().and_then(|twice| twice.back.take()) {
            self.de.cursor = back;
        }
    }
}

impl<'de> MapAccess<'de> for Members<'_, 'de, '_> {
    type Error = DeError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DeError> {
        if self.twice.is_some()
            && let Some(field) = self.next_repeated()?
        {
            return seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some);
        }
        if !self.de.cursor.next(self.first, b'}')? {
            return Ok(None);
        }
        self.first = false;
        let Some((index, field)) = self.de.cursor.name_of(self.fields, self.likely) else {
            let name = self.unusual_name()?;
            return seed.deserialize(Name::new(name)).map(Some);
        };
        (self.field, self.likely) = (field, index + 1);
        seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        self.de.cursor.expect(b':')?;
        self.de.budget.member::<S::Value>();
        seed.deserialize(&mut *self.de).map_err(|error| error.within(self.name, self.field))
    }
}

/// The name of a member as a key: a text, or a number in quotes.
struct Name<'a, 'de> {
    text: Cow<'de, str>,
    flattened: Option<Flattened<'a>>,
}

impl<'de> Name<'_, 'de> {
    fn new(text: Cow<'de, str>) -> Self {
        Self { text, flattened: None }
    }
}

/// Of what may be a struct with flattened fields, which says no names of its fields: those that a first attempt has
/// found missing are known, and match in any case.
struct Flattened<'a> {
    again: &'a Again,
    /// Nothing else asks for the name of a member.
    is_struct: &'a mut bool,
}

macro_rules! numbers {
    ($($method:ident => $visit:ident, $sign:ident, $go:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            match self.text.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(DeError::mismatch(format!("number {}", self.text), $go)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Name<'_, 'de> {
    type Error = DeError;

    forward_deserialize!('de: option, newtype_struct);

    each_integer!(numbers);
    numbers! {
        deserialize_i128 => visit_i128, signed, "int128";
        deserialize_u128 => visit_u128, unsigned, "uint128";
        deserialize_bool => visit_bool, unsigned, "bool";
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct ignored_any
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let Some(Flattened { again, is_struct }) = self.flattened else {
            return visit_text(self.text, visitor);
        };
        *is_struct = true;
        let name = self.text;
        again.note_flattened(&name);
        let mut missing = again.zero_fields().iter().map(|field| field.name);
        let field = match missing.clone().any(|field| field == name) {
            true => None,
            false => missing.find(|field| field.eq_ignore_ascii_case(&name)),
        };
        visit_text(field.map_or(name, Cow::Borrowed), visitor)
    }

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visit_text(self.text, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_enum(serde::de::value::CowStrDeserializer::new(self.text))
    }
}

/// Of an enum's variant with a value: an object of one member.
impl<'de> EnumAccess<'de> for &mut De<'de, '_> {
    type Error = DeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), DeError> {
        let name = self.cursor.name()?;
        self.cursor.expect(b':')?;
        // What the variant holds may be in a box.
        self.budget.member::<()>();
        Ok((seed.deserialize(Name::new(name))?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut De<'de, '_> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        self.cursor.skip()
    }

    forward_variant!('de: self => self, "");
}
