//! The inside of structs: the peer's fields for a target that has fields of its own, by name.

use super::{De, error::DeError, typed_value::TypedValue};
use crate::{
    gob::{
        scan::{Walk, next_field},
        types::{Field, Id, Struct},
    },
    zero::Zero,
};
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess};

type Result<T> = std::result::Result<T, DeError>;

/// The fields of a struct: all that its type has, those that are not in the bytes as zero.
#[derive(Debug)]
pub(super) struct Fields<'r, 'a, 'de> {
    pub(super) de: &'r mut De<'a, 'de>,
    pub(super) id: Id,
    pub(super) fields: &'a [Field],
    pub(super) depth: usize,
    /// The field to hand over next, and the next one that is in the bytes.
    pub(super) next: usize,
    pub(super) ahead: usize,
    /// The target's fields.
    wanted: &'static [&'static str],
    /// How many of the target's fields have been looked at for ones that the type lacks and that are to be zero.
    zeros_passed: usize,
    /// The target's name, if it has to have a field in common with the type.
    target: Option<&'static str>,
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
        wanted: &'static [&'static str],
        target: Option<&'static str>,
    ) -> Self {
        let fields = de.types.fields(fields);
        let (matched, miscased) = (false, None);
        Self { de, id, fields, depth, next: 0, ahead: 0, wanted, zeros_passed: 0, target, matched, miscased }
    }

    /// Finds the first field, if the struct is in the bytes at all.
    #[inline]
    pub(super) fn begin(&mut self, absent: bool) -> Result<()> {
        if absent {
            self.ahead = self.fields.len();
            return Ok(());
        }
        self.look_ahead(0)
    }

    /// Finds the next field that is in the bytes, at or after `from`.
    #[inline]
    pub(super) fn look_ahead(&mut self, from: usize) -> Result<()> {
        // Mostly it is the very next one.
        if from < self.fields.len() && self.de.reader.tag(1).is_some() {
            self.ahead = from;
            return Ok(());
        }
        self.look_further(from)
    }

    #[inline(never)]
    fn look_further(&mut self, from: usize) -> Result<()> {
        self.ahead = match next_field(self.fields, &mut self.de.reader, from)? {
            Some((number, _)) => number,
            None => self.fields.len(),
        };
        Ok(())
    }

    #[inline]
    pub(super) fn name(&self, number: usize) -> &'a str {
        self.fields.get(number).map(|&field| self.de.types.field_name(field)).unwrap_or_default()
    }

    #[cold]
    fn within_field(&self, error: DeError, number: usize) -> DeError {
        error.within_field(self.de.type_name(self.id), self.name(number))
    }

    /// Says what became of the field `number`.
    #[inline]
    fn record_match(&mut self, number: usize) {
        if !self.de.ignored {
            self.matched = true;
        } else if self.miscased.is_none() {
            self.note_case(number);
        }
    }

    #[cold]
    fn note_case(&mut self, number: usize) {
        let name = self.name(number);
        let mut wanted = self.wanted.iter();
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
        let nothing = !self.matched && !self.fields.is_empty() && !self.wanted.is_empty();
        match (self.target, self.miscased) {
            (Some(target), _) if nothing => Err(DeError::placed(format!(
                "gob: type mismatch: no fields matched compiling decoder for {target}"
            ))),
            (_, Some((name, wanted))) => Err(DeError::placed(format!(
                "gob: received field {}.{name} differs only in case from field {wanted}",
                self.de.type_name(self.id)
            ))),
            _ => Ok(()),
        }
    }

    /// The next of the target's fields that the type lacks and that an earlier attempt found to be needed as zero.
    fn next_zero_field(&mut self) -> Result<Option<&'static str>> {
        while let Some(&name) = self.wanted.get(self.zeros_passed) {
            self.zeros_passed += 1;
            self.de.look_for(self.fields.len())?;
            if self.de.again.wants_zero(name, self.wanted) && !self.has(name) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The value of the field whose name has been handed over.
    #[inline]
    pub(super) fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let number = self.next;
        let Some(field) = self.fields.get(number) else {
            return seed.deserialize(Zero::new(self.de.again.zero_fields()));
        };
        let absent = number != self.ahead;
        if absent {
            self.de.look_for(1)?;
        }
        self.next += 1;
        self.de.budget.member::<S::Value>();
        self.de.ignored = false;
        let value = TypedValue { de: self.de, id: field.id, depth: self.depth, absent };
        let value = match seed.deserialize(value) {
            Ok(value) => value,
            Err(error) => return Err(self.within_field(error, number)),
        };
        self.record_match(number);
        if !absent {
            self.look_ahead(number + 1)?;
        }
        Ok(value)
    }

    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(&mut self) -> Result<()> {
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
    type Error = DeError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.next < self.fields.len() {
            return seed.deserialize(self.name(self.next).into_deserializer()).map(Some);
        }
        if self.zeros_passed == 0 {
            self.check()?;
        }
        if self.de.again.zero_fields().is_empty() {
            return Ok(None);
        }
        match self.next_zero_field()? {
            Some(name) => seed.deserialize(name.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.value(seed)
    }
}
