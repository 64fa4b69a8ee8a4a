//! Reading a value again, by what the reading before has found out: for what serde does not say beforehand.
//!
//! Which members of a struct are wanted though its peer left them out, which of its members come twice, and under
//! which other names (`#[serde(alias)]`) it knows them: a `Deserialize` says so by its error only. All of it is cold: a
//! value that has what its type wants is read once. Knows no format.

use crate::{error::ValueError, zero::ZeroFieldError};
use serde::{
    Deserialize,
    de::{self, Deserializer, Visitor},
    forward_to_deserialize_any,
};
use std::{any::TypeId, cell::Cell, fmt, sync::OnceLock};

/// What the readings of a value so far have found out, for the next.
#[derive(Debug, Default)]
pub(crate) struct Again {
    /// Nothing yet, for nearly all values.
    found: Option<Box<Found>>,
    /// The name that a struct was given last before it said that it has a member twice.
    pub(crate) given: Cell<Option<&'static str>>,
    /// Whether serde has kept a map until it knows what to make of it: what it says then need not be what is wrong.
    has_kept: Cell<bool>,
}

#[derive(Debug, Default)]
struct Found {
    /// Members that structs ask for and get even where the bytes have none.
    zero_fields: Vec<&'static str>,
    /// Members that come twice: the last counts, as in Go.
    repeats: Option<Repeats>,
}

/// Members of which the last counts.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    fields: Vec<RepeatedField>,
    /// In maps all of them: of what serde has kept nothing could be made.
    in_all_maps: bool,
}

/// A field of structs that is there twice, under one name or under several.
#[derive(Debug)]
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
    pub(crate) fn zero_fields(&self) -> &[&'static str] {
        self.found.as_ref().map_or(&[], |found| &found.zero_fields)
    }

    /// Members that come twice, if there are any: the last counts, as in Go.
    #[inline]
    pub(crate) fn repeats(&self) -> Option<&Repeats> {
        self.found.as_ref()?.repeats.as_ref()
    }

    /// Notes that a `T` is being read, as the value of a map.
    #[inline]
    pub(crate) fn note_kept<T>(&self) {
        if is_kept_by_serde::<T>() {
            self.has_kept.set(true);
        }
    }

    /// Whether nothing could be made of what serde has kept as it was.
    pub(crate) fn is_second_look(&self) -> bool {
        self.repeats().is_some_and(|repeats| repeats.in_all_maps)
    }

    /// Takes in that a reading has failed; `false` if the next would fail like it.
    #[cold]
    fn note(&mut self, error: &impl ZeroFieldError) -> bool {
        let zero_fields = &mut self.found.get_or_insert_default().zero_fields;
        if let Some(name) = error.zero_field().filter(|name| !zero_fields.contains(name)) {
            zero_fields.push(name);
            return true;
        }
        let given = self.given.take();
        match error.repeated_field() {
            Some(own) => self.note_repeated(own, given),
            // A variant of an untagged enum may have failed for it, which says nothing.
            None => self.has_kept.get() && self.count_all_once(),
        }
    }

    /// The struct has the member `own` twice, the second time as `given`.
    fn note_repeated(&mut self, own: &'static str, given: Option<&'static str>) -> bool {
        let fields = &mut self.repeats_mut().fields;
        let Some(field) = fields.iter_mut().find(|field| field.own == own) else {
            fields.push(RepeatedField { own, others: Vec::new() });
            return true;
        };
        match given {
            Some(given) if given != own && !field.others.contains(&given) => field.others.push(given),
            _ => return self.count_all_once(),
        }
        true
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
            Ok(value) => return Ok(value),
            Err(error) if again.note(&error) => {}
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
