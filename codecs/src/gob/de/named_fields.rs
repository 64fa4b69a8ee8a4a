//! The inside of structs for targets that keep names: maps, and structs with fields that serde flattens.

use super::{De, FREE_NAME_BYTES, NAME_BYTES_PER_BYTE, access::FieldName, error::DeError, fields::Fields};
use crate::{
    again::is_kept_by_serde,
    budget::MapRoom,
    gob::{
        MAX_DEPTH,
        scan::Walk,
        types::{Field, Id, Struct, Type},
        wire::{Reader, WireError},
    },
};
use serde::de::{DeserializeSeed, MapAccess};

type Result<T> = std::result::Result<T, DeError>;

/// The fields of a struct with their names.
#[derive(Debug)]
pub(super) struct NamedFields<'r, 'a, 'de> {
    fields: Fields<'r, 'a, 'de>,
    /// What the target has room for.
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

impl<'r, 'a, 'de> NamedFields<'r, 'a, 'de> {
    /// Where nothing could be made of what serde has kept as it was, it gets the fields of structs that Go has embedded
    /// in this one, too: there may be flattened fields in what is tried. Not in structs whose fields are handed over
    /// twice anyway, so that chains of them end.
    pub(super) fn new(fields: Fields<'r, 'a, 'de>) -> Self {
        let has_embedded = fields.de.again.is_second_look() && fields.de.embedded == 0;
        let embedding = has_embedded.then(Box::default);
        Self { fields, keys: MapRoom::default(), values: MapRoom::default(), embedding }
    }

    /// Goes on to the next field whose name the target may have.
    fn pass_unaffordable(&mut self) -> Result<()> {
        let fields = &mut self.fields;
        // A field that is not there costs the peer nothing, so it may not cost us much: with many, they stay away.
        if fields.next < fields.ahead && !afford(fields.de, fields.name(fields.next).len() + 64) {
            fields.next = fields.ahead;
        }
        if fields.next < fields.fields.len()
            && fields.next == fields.ahead
            && !afford(fields.de, fields.name(fields.next).len())
        {
            return Err(DeError::placed("gob: names of fields outweigh their values"));
        }
        Ok(())
    }

    /// The fields of a field's type, if that may be a struct that Go has embedded: the field is named after it.
    fn embedded(&self, field: Field) -> Option<Struct> {
        let types = self.fields.de.types;
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
        let types = self.fields.de.types;
        let Some(fields) = self.embedded(field) else { return Ok(()) };
        let Some(embedding) = &mut self.embedding else { return Ok(()) };
        if self.fields.depth + embedding.around.len() >= MAX_DEPTH {
            return Err(WireError::TooDeep(MAX_DEPTH).into());
        }
        let Fields { id, fields: outer, next, ahead, .. } = self.fields;
        let reader = self.fields.de.reader.clone();
        embedding.around.push(Around { id, fields: outer, next, reader, ahead });
        let inner = &mut self.fields;
        (inner.id, inner.fields, inner.next) = (field.id, types.fields(fields), 0);
        let absent = value.is_none();
        if let Some(value) = value {
            self.fields.de.reader = value;
        }
        self.fields.begin(absent)
    }

    /// Goes on to the next field that is to be handed over: out of embedded structs at their ends, past fields of
    /// theirs that one around them has too.
    #[cold]
    fn next_embedded(&mut self) -> Result<()> {
        loop {
            let fields = &mut self.fields;
            if fields.next < fields.fields.len() {
                let name = fields.name(fields.next);
                let types = fields.de.types;
                let hides = |field: &Field| types.field_name(*field) == name;
                let around = self.embedding.iter().flat_map(|embedding| &embedding.around);
                if !around.into_iter().any(|around| around.fields.iter().any(hides)) {
                    return Ok(());
                }
                let number = fields.next;
                fields.next += 1;
                if number == fields.ahead {
                    let id = fields.fields.get(number).map_or(Id::NONE, |field| field.id);
                    Walk::skip(types, &mut fields.de.reader, id)?;
                    fields.look_ahead(number + 1)?;
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
        let left = &mut self.fields;
        (left.id, left.fields, left.next, left.ahead) = (id, fields, next, ahead);
        left.de.reader = reader;
    }

    /// The value of a field whose name has been handed over, for a target that has flattened fields: they may be inside
    /// of this one.
    #[cold]
    fn flattened_value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let field = self.fields.fields.get(self.fields.next).copied();
        let start = (self.fields.next == self.fields.ahead).then(|| self.fields.de.reader.clone());
        let field = field.filter(|field| is_kept_by_serde::<S::Value>() && self.embedded(*field).is_some());
        let Some(field) = field else { return self.fields.value(seed) };
        self.fields.de.embedded += 1;
        let value = self.fields.value(seed);
        self.fields.de.embedded -= 1;
        let value = value?;
        self.embed(field, start)?;
        Ok(value)
    }

    /// Skips what the target did not ask for.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.embedding.is_some() {
            self.leave_all();
        }
        self.fields.finish()
    }
}

/// Counts a name against what targets that keep names may have; `false` if it is too much.
fn afford(de: &mut De<'_, '_>, bytes: usize) -> bool {
    let names = de.names.saturating_add(bytes);
    let affordable = names <= FREE_NAME_BYTES.saturating_add(de.len.saturating_mul(NAME_BYTES_PER_BYTE));
    if affordable {
        de.names = names;
    }
    affordable
}

impl<'de> MapAccess<'de> for &mut NamedFields<'_, '_, 'de> {
    type Error = DeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.embedding.is_some() {
            self.next_embedded()?;
        }
        self.pass_unaffordable()?;
        let fields = &mut self.fields;
        if fields.next >= fields.fields.len() {
            return Ok(None);
        }
        let name = fields.name(fields.next);
        fields.de.budget.entry::<S::Value>(&mut self.keys)?;
        fields.de.budget.bytes(name.len())?;
        seed.deserialize(FieldName { name, embedding: &mut self.embedding }).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.fields.de.budget.entry::<S::Value>(&mut self.values)?;
        self.fields.de.again.note_kept::<S::Value>();
        if self.embedding.is_some() {
            return self.flattened_value(seed);
        }
        self.fields.value(seed)
    }
}
