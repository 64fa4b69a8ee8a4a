//! Reading a value again, by what the reading before has found out: for what serde does not say beforehand.
//!
//! Which members of a struct are wanted though its peer left them out, which of its members come twice, and under
//! which other names (`#[serde(alias)]`) it knows them: a `Deserialize` says so by its error only. All of it is cold: a
//! value that has what its type wants is read once. What has been found out of a type is remembered, so that a peer that
//! always leaves out the same members costs two readings and not one for each. Knows no format.

mod learned;
pub(crate) mod swallowed;

use crate::{
    error::ValueError,
    zero::{ZeroField, ZeroFieldError},
};
use serde::{
    Deserialize,
    de::{self, Deserializer, Visitor},
    forward_to_deserialize_any,
};
use std::{any::TypeId, cell::Cell, fmt, sync::OnceLock};
use swallowed::Swallowed;

/// What the readings of a value so far have found out, for the next.
#[derive(Debug, Default)]
pub(crate) struct Again {
    /// Nothing yet, for nearly all values.
    found: Option<Box<Found>>,
    /// The name that a struct was given last before it said that it has a member twice.
    pub(crate) given: Cell<Option<&'static str>>,
    /// Whether serde has kept a map until it knows what to make of it: what it says then need not be what is wrong, and
    /// what is wrong need not be said.
    has_kept: Cell<bool>,
    /// Names that structs with flattened fields have been given.
    flattened: Cell<Names>,
}

#[derive(Debug, Default)]
struct Found {
    /// Members that structs ask for and get even where the bytes have none.
    zero_fields: Vec<ZeroField>,
    /// Members that come twice: the last counts, as in Go.
    repeats: Option<Repeats>,
}

/// A set of names without regard to case, in which some are that have not been put into it.
#[derive(Debug, Clone, Copy, Default)]
struct Names(u64);

impl Names {
    fn bit(name: &str) -> u64 {
        let letter = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or_default().to_ascii_lowercase());
        let bytes = name.as_bytes();
        let sum = letter(bytes.first()) + 7 * letter(bytes.last()) + 31 * bytes.len();
        1 << (sum % 64)
    }
}

/// Members of which the last counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repeats {
    fields: Vec<RepeatedField>,
    /// In maps all of them: of what serde has kept nothing could be made.
    in_all_maps: bool,
}

/// A field of structs that is there twice, under one name or under several.
#[derive(Debug, Clone)]
struct RepeatedField {
    /// Its own name, as serde says it.
    own: &'static str,
    /// Its other names, as far as they are known.
    others: Vec<&'static str>,
}

impl Repeats {
    /// The own name of the field that structs with these `fields` know by `name`, if one of them had it twice.
    pub(crate) fn own_name(&self, name: &[u8], fields: &[&'static str]) -> Option<&'static str> {
        let is_called = |field: &&RepeatedField| {
            field.own.as_bytes() == name || field.others.iter().any(|other| other.as_bytes() == name)
        };
        let field = self.fields.iter().find(is_called)?;
        fields.contains(&field.own).then_some(field.own)
    }

    /// The own names of the fields that one struct had twice, of those among these `fields`.
    pub(crate) fn own_names(&self, fields: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
        fields.iter().copied().filter(|own| self.fields.iter().any(|field| field.own == *own))
    }

    /// Whether of the members called `name` of a map only the last is handed over.
    pub(crate) fn count_once(&self, name: &[u8]) -> bool {
        self.in_all_maps || self.fields.iter().any(|field| field.own.as_bytes() == name)
    }
}

impl Again {
    /// Members that structs ask for and get even where the bytes have none.
    #[inline]
    pub(crate) fn zero_fields(&self) -> &[ZeroField] {
        self.found.as_ref().map_or(&[], |found| &found.zero_fields)
    }

    /// Whether a struct with these `fields` asks for the one called `name`.
    pub(crate) fn wants_zero(&self, name: &str, fields: &'static [&'static str]) -> bool {
        self.zero_fields().iter().any(|field| field.name == name && field.is_of(fields))
    }

    /// Members that come twice, if there are any: the last counts, as in Go.
    #[inline]
    pub(crate) fn repeats(&self) -> Option<&Repeats> {
        self.found.as_ref()?.repeats.as_ref()
    }

    /// Notes that a `T` is being read, as the value of a map.
    #[inline]
    pub(crate) fn note_kept<T>(&self) {
        if is_kept_by_serde::<T>() && !self.has_kept.replace(true) {
            swallowed::forget();
        }
    }

    /// Notes the name of a member that a struct with flattened fields has been given.
    #[inline]
    pub(crate) fn note_flattened(&self, name: &str) {
        self.flattened.set(Names(self.flattened.get().0 | Names::bit(name)));
    }

    /// Whether nothing could be made of what serde has kept as it was.
    pub(crate) fn is_second_look(&self) -> bool {
        self.repeats().is_some_and(|repeats| repeats.in_all_maps)
    }

    /// Takes in that a reading of a value of type `of` has failed; `false` if the next would fail like it.
    #[cold]
    fn note(&mut self, error: &impl ZeroFieldError, of: TypeId) -> bool {
        let has_kept = self.has_kept.replace(false);
        if let Some(field) = error.zero_field()
            && self.note_zero(field, of)
        {
            return true;
        }
        let given = self.given.take();
        match error.repeated_field() {
            Some(own) => self.note_repeated(own, given, of),
            // A variant of an untagged enum may have failed for it, which says nothing.
            None if !has_kept => false,
            None => self.note_swallowed(of).is_ok_and(|reads_again| reads_again) || self.count_all_once(),
        }
    }

    /// Takes in what a reading of a value of type `of` has said to flattened options and untagged enums only, for which
    /// it is none of theirs; `false` if there is nothing to be mended.
    ///
    /// # Errors
    /// A member that is there twice, under several names, of which the last cannot be told.
    #[cold]
    fn note_swallowed(&mut self, of: TypeId) -> Result<bool, &'static str> {
        let mut reads_again = false;
        for said in swallowed::take() {
            match said {
                Swallowed::Repeated(own) if self.note_repeated(own, None, of) => reads_again = true,
                Swallowed::Repeated(own) => return Err(own),
                Swallowed::Missing(name) => {
                    let is_there = self.flattened.get().0 & Names::bit(name) != 0;
                    reads_again |= is_there && self.note_zero(ZeroField { name, fields: &[] }, of);
                }
            }
        }
        self.has_kept.set(false);
        Ok(reads_again)
    }

    /// A struct asks for this field.
    fn note_zero(&mut self, field: ZeroField, of: TypeId) -> bool {
        let zero_fields = &mut self.found.get_or_insert_default().zero_fields;
        if zero_fields.contains(&field) {
            return false;
        }
        if zero_fields.is_empty() {
            *zero_fields = learned::zero_fields(of);
        }
        if !zero_fields.contains(&field) {
            zero_fields.push(field);
            learned::learn_zero_field(of, field);
        }
        true
    }

    /// The struct has the member `own` twice, the second time as `given`.
    fn note_repeated(&mut self, own: &'static str, given: Option<&'static str>, of: TypeId) -> bool {
        let fields = &mut self.repeats_mut().fields;
        let is_first = fields.is_empty();
        if is_first {
            *fields = learned::repeated_fields(of);
        }
        let is_news = match fields.iter_mut().find(|field| field.own == own) {
            None => {
                fields.push(RepeatedField { own, others: Vec::new() });
                true
            }
            Some(_) if is_first => return true,
            Some(field) => match given {
                Some(given) if given != own && !field.others.contains(&given) => {
                    field.others.push(given);
                    true
                }
                _ => false,
            },
        };
        if is_news {
            learned::learn_repeated_fields(of, fields);
            return true;
        }
        self.count_all_once()
    }

    /// Lets the last count of all members that maps have twice; `false` if it does already.
    fn count_all_once(&mut self) -> bool {
        !std::mem::replace(&mut self.repeats_mut().in_all_maps, true)
    }

    fn repeats_mut(&mut self) -> &mut Repeats {
        self.found.get_or_insert_default().repeats.get_or_insert_default()
    }
}

/// Reads until there is nothing more to be found out: once, unless the peer left members out or repeated some.
#[inline]
pub(crate) fn read_again<T, E: ZeroFieldError>(
    read: impl Fn(&Again) -> Result<T, E>,
) -> Result<T, ValueError> {
    let mut again = Again::default();
    loop {
        match read(&again) {
            Ok(value) if !again.has_kept.get() => return Ok(value),
            Ok(value) => match again.note_swallowed(typeid::of::<T>()) {
                Ok(true) => {}
                Ok(false) => return Ok(value),
                Err(repeated) => return Err(E::duplicate_field(repeated).into()),
            },
            Err(error) if again.note(&error, typeid::of::<T>()) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether `T` is what serde keeps a value as until it knows what to make of it: for untagged and tagged enums, and for
/// flattened fields.
#[inline]
pub(crate) fn is_kept_by_serde<T>() -> bool {
    static KEPT: OnceLock<Option<TypeId>> = OnceLock::new();
    *KEPT.get_or_init(|| Untagged::deserialize(WhatIsKept).err().and_then(|error| error.0))
        == Some(typeid::of::<T>())
}

/// Keeps what it is made of.
#[derive(Deserialize)]
#[serde(untagged)]
enum Untagged {
    #[allow(dead_code, reason = "none is ever made")]
    Nothing(()),
}

/// Looks at what it is asked for, and has nothing.
struct WhatIsKept;

/// The type of what was asked for.
#[derive(Debug)]
struct Asked(Option<TypeId>);

impl<'de> Deserializer<'de> for WhatIsKept {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(Some(typeid::of::<V::Value>())))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is nothing")
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::any::type_name;

    struct Names;

    impl<'de> Deserializer<'de> for Names {
        type Error = Asked;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
            assert!(is_kept_by_serde::<V::Value>(), "{}", type_name::<V::Value>());
            Err(Asked(None))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
        }
    }

    #[test]
    fn what_serde_keeps_is_known() {
        #[derive(Deserialize)]
        #[serde(untagged)]
        #[allow(dead_code, reason = "none is made")]
        enum Other {
            Number(i64),
            Text(String),
        }
        assert!(Other::deserialize(Names).is_err());
        assert!(!is_kept_by_serde::<serde_json::Value>());
        assert!(!is_kept_by_serde::<Other>());
    }
}
