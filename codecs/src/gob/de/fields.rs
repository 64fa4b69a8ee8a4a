//! The inside of structs: the peer's fields for the target's, by name.

use super::{
    De, FREE_NAME_BYTES, NAME_BYTES_PER_BYTE, access::FieldName, error::DeError, typed_value::TypedValue,
};
use crate::{
    again::is_kept_by_serde,
    budget::MapRoom,
    gob::{
        MAX_DEPTH,
        scan::{Walk, next_field},
        types::{Field, Id, Struct, Type},
        wire::{Reader, WireError},
    },
    zero::Zero,
};
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess};

type Result<T> = std::result::Result<T, DeError>;

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
    /// How many of the target's fields have been looked at for ones that the type lacks and that are to be zero.
    zeros_passed: usize,
    /// The target's name, if it has to have a field in common with the type.
    target: Option<&'static str>,
    /// Whether it has, and the first field that would have fitted but for its case.
    matched: bool,
    miscased: Option<(&'a str, &'static str)>,
    /// Of a target that keeps names and values, what it has room for.
    keys: MapRoom,
    values: MapRoom,
    /// Of a target that has fields which serde flattens.
    embedding: Option<Box<Embedding<'a, 'de>>>,
}

/// Structs around this one, which Go has embedded in one another.
#[derive(Debug, Default)]
pub(super) struct Embedding<'a, 'de> {
    around: Vec<Around<'a, 'de>>,
}

/// A struct that has been left for one embedded in it.
#[derive(Debug)]
struct Around<'a, 'de> {
    id: Id,
    fields: &'a [Field],
    next: usize,
    /// Behind the embedded one.
    reader: Reader<'de>,
    ahead: usize,
}

impl<'r, 'a, 'de> Fields<'r, 'a, 'de> {
    #[inline]
    pub(super) fn new(
        de: &'r mut De<'a, 'de>,
        id: Id,
        fields: Struct,
        depth: usize,
        wanted: Option<&'static [&'static str]>,
        target: Option<&'static str>,
    ) -> Self {
        let fields = de.types.fields(fields);
        let (matched, miscased) = (false, None);
        Self {
            de,
            id,
            fields,
            depth,
            next: 0,
            ahead: 0,
            wanted,
            zeros_passed: 0,
            target,
            matched,
            miscased,
            keys: MapRoom::default(),
            values: MapRoom::default(),
            embedding: None,
        }
    }

    /// Where nothing could be made of what serde has kept as it was, it gets the fields of structs that Go has embedded in
    /// this one, too: there may be flattened fields in what is tried. Not in structs whose fields are handed over twice
    /// anyway, so that chains of them end.
    #[inline]
    pub(super) fn look_again(&mut self) {
        if self.de.again.is_second_look() && self.de.embedded == 0 {
            self.embedding = Some(Box::default());
        }
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
    fn look_ahead(&mut self, from: usize) -> Result<()> {
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
    fn name(&self, number: usize) -> &'a str {
        self.fields.get(number).map(|&field| self.de.types.field_name(field)).unwrap_or_default()
    }

    #[cold]
    fn within_field(&self, error: DeError, number: usize) -> DeError {
        error.within_field(self.de.type_name(self.id), self.name(number))
    }

    /// Counts a name against what targets that keep names may have; `false` if it is too much.
    fn afford(&mut self, bytes: usize) -> bool {
        let names = self.de.names.saturating_add(bytes);
        let affordable =
            names <= FREE_NAME_BYTES.saturating_add(self.de.len.saturating_mul(NAME_BYTES_PER_BYTE));
        if affordable {
            self.de.names = names;
        }
        affordable
    }

    /// The next field for a target that keeps names.
    fn next_kept(&mut self) -> Result<()> {
        // A field that is not there costs the peer nothing, so it may not cost us much: with many, they stay away.
        if self.next < self.ahead && !self.afford(self.name(self.next).len() + 64) {
            self.next = self.ahead;
        }
        if self.next < self.fields.len()
            && self.next == self.ahead
            && !self.afford(self.name(self.next).len())
        {
            return Err(DeError::placed("gob: names of fields outweigh their values"));
        }
        Ok(())
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
        let wanted = self.wanted.unwrap_or_default();
        while let Some(&name) = wanted.get(self.zeros_passed) {
            self.zeros_passed += 1;
            self.de.look_for(self.fields.len())?;
            if self.de.again.zero_fields.contains(&name) && !self.has(name) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The fields of a field's type, if that may be a struct that Go has embedded: the field is named after it.
    fn embedded(&self, field: Field) -> Option<Struct> {
        let types = self.de.types;
        match types.get(field.id) {
            Some(Type::Struct(fields)) if types.name(field.id) == types.field_name(field) => Some(fields),
            _ => None,
        }
    }

    /// Goes into a struct that Go has embedded, if the field just read may be one: to Go its fields are those of the
    /// struct around it, and gob has them in a field named after its type. `value` is where it starts, or nothing if it
    /// is not there.
    #[cold]
    fn embed(&mut self, field: Field, value: Option<Reader<'de>>) -> Result<()> {
        let types = self.de.types;
        let Some(fields) = self.embedded(field) else { return Ok(()) };
        let Some(embedding) = &mut self.embedding else { return Ok(()) };
        if self.depth + embedding.around.len() >= MAX_DEPTH {
            return Err(WireError::TooDeep(MAX_DEPTH).into());
        }
        let (id, outer) = (self.id, self.fields);
        let reader = self.de.reader.clone();
        embedding.around.push(Around { id, fields: outer, next: self.next, reader, ahead: self.ahead });
        (self.id, self.fields, self.next) = (field.id, types.fields(fields), 0);
        let absent = value.is_none();
        if let Some(value) = value {
            self.de.reader = value;
        }
        self.begin(absent)
    }

    /// Goes on to the next field that is to be handed over: out of embedded structs at their ends, past fields of
    /// theirs that one around them has too.
    #[cold]
    fn next_embedded(&mut self) -> Result<()> {
        loop {
            if self.next < self.fields.len() {
                let name = self.name(self.next);
                let types = self.de.types;
                let hides = |field: &Field| types.field_name(*field) == name;
                let around = self.embedding.iter().flat_map(|embedding| &embedding.around);
                if !around.into_iter().any(|around| around.fields.iter().any(hides)) {
                    return Ok(());
                }
                let number = self.next;
                self.next += 1;
                if number == self.ahead {
                    let id = self.fields.get(number).map_or(Id::NONE, |field| field.id);
                    Walk::skip(self.de.types, &mut self.de.reader, id)?;
                    self.look_ahead(number + 1)?;
                }
                continue;
            }
            match self.embedding.as_mut().and_then(|embedding| embedding.around.pop()) {
                Some(around) => self.leave(around),
                None => return Ok(()),
            }
        }
    }

    #[cold]
    fn leave_all(&mut self) {
        while let Some(around) = self.embedding.as_mut().and_then(|embedding| embedding.around.pop()) {
            self.leave(around);
        }
    }

    fn leave(&mut self, around: Around<'a, 'de>) {
        let Around { id, fields, next, reader, ahead } = around;
        (self.id, self.fields, self.next, self.ahead) = (id, fields, next, ahead);
        self.de.reader = reader;
    }

    /// The value of the field whose name has been handed over.
    #[inline]
    fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let number = self.next;
        let Some(field) = self.fields.get(number) else {
            return seed.deserialize(Zero::new(&self.de.again.zero_fields));
        };
        let absent = number != self.ahead;
        if absent {
            self.de.look_for(1)?;
        }
        self.next += 1;
        match self.wanted {
            Some(_) => self.de.budget.member::<S::Value>(),
            None => {
                self.de.budget.entry::<S::Value>(&mut self.values)?;
                self.de.again.note_kept::<S::Value>();
            }
        }
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

    /// As [`value`](Self::value), for a target that has flattened fields: they may be inside of this one.
    #[cold]
    fn flattened_value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let field = self.fields.get(self.next).copied();
        let start = (self.next == self.ahead).then(|| self.de.reader.clone());
        let field = field.filter(|field| is_kept_by_serde::<S::Value>() && self.embedded(*field).is_some());
        let Some(field) = field else { return self.value(seed) };
        self.de.embedded += 1;
        let value = self.value(seed);
        self.de.embedded -= 1;
        let value = value?;
        self.embed(field, start)?;
        Ok(value)
    }

    /// Skips what the target did not ask for.
    #[inline]
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.embedding.is_some() {
            self.leave_all();
        }
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
        if self.wanted.is_none() {
            if self.embedding.is_some() {
                self.next_embedded()?;
            }
            self.next_kept()?;
        }
        if self.next < self.fields.len() {
            if self.wanted.is_none() {
                self.de.budget.entry::<S::Value>(&mut self.keys)?;
                self.de.budget.bytes(self.name(self.next).len())?;
                let name = self.name(self.next);
                let name = FieldName { name, embedding: &mut self.embedding };
                return seed.deserialize(name).map(Some);
            }
            return seed.deserialize(self.name(self.next).into_deserializer()).map(Some);
        }
        if self.zeros_passed == 0 {
            self.check()?;
        }
        if self.de.again.zero_fields.is_empty() {
            return Ok(None);
        }
        match self.next_zero_field()? {
            Some(name) => seed.deserialize(name.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        if self.embedding.is_some() {
            return self.flattened_value(seed);
        }
        self.value(seed)
    }
}
