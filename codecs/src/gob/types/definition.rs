//! A definition on its way into the table: Go's `wireType`, read by hand.
//!
//! Nothing in it is believed beyond its bounds. Source: Go `encoding/gob` `type.go` (`wireType`), `decoder.go`
//! (`recvType`).

use super::{
    Entry, Field, Id, MAX_FIELDS, MAX_NAME_BYTES, Marshaler, Name, Struct, TableLimits, Type, Types,
};
use crate::gob::wire::{Reader, WireError};

impl Types {
    /// Takes in the definition of the type `number`: a `wireType` from the front of `reader`.
    ///
    /// # Errors
    /// The definition is malformed, over a limit, or a second one; the table is of no more use then.
    pub(in crate::gob) fn define(
        &mut self,
        number: i64,
        reader: &mut Reader<'_>,
        limits: TableLimits,
    ) -> Result<(), WireError> {
        let id = Id::new(number).filter(|&id| id >= Id::FIRST_USER);
        let (Some(id), Some(Err(at))) = (id, id.map(|id| self.position(id))) else {
            return Err(WireError::Hostile("gob: duplicate type received"));
        };
        if self.entries.len() >= limits.types {
            return Err(WireError::Hostile("gob: too many types"));
        }
        let mut parts = Parts::default();
        let mut kind = None;
        each_field(reader, |reader, number| {
            if kind.replace(number).is_some() {
                return Err(WireError::Hostile("gob: type of two kinds"));
            }
            each_field(reader, |reader, part| match (number, part) {
                (0..=6, 0) => {
                    parts.name = self.common(reader, limits)?;
                    Ok(())
                }
                (0 | 1, 1) | (3, 2) => read_id(reader).map(|id| parts.elem = id),
                (3, 1) => read_id(reader).map(|id| parts.key = id),
                (0, 2) => {
                    let len = u32::try_from(reader.int()?);
                    len.map(|len| parts.len = len)
                        .map_err(|_| WireError::Hostile("gob: array length out of range"))
                }
                (2, 1) => self.struct_fields(reader, limits).map(|fields| parts.fields = fields),
                _ => Err(UNKNOWN_FIELD),
            })
        })?;
        let shape = match kind {
            Some(0) => Type::Array { elem: parts.elem, len: parts.len },
            Some(1) => Type::Slice { elem: parts.elem },
            Some(2) => Type::Struct(parts.fields),
            Some(3) => Type::Map { key: parts.key, elem: parts.elem },
            Some(4) => Type::Opaque(Marshaler::Gob),
            Some(5) => Type::Opaque(Marshaler::Binary),
            Some(6) => Type::Opaque(Marshaler::Text),
            _ => return Err(WireError::Hostile("gob: type of no kind")),
        };
        self.entries.insert(at, Entry { id, name: parts.name, shape, holds_interface: false });
        self.note_interface(id);
        Ok(())
    }

    /// Reads a `CommonType`: the name; the id in it is not to be believed.
    fn common(&mut self, reader: &mut Reader<'_>, limits: TableLimits) -> Result<Name, WireError> {
        let mut name = Name::default();
        each_field(reader, |reader, number| match number {
            0 => {
                // Information only, so left out rather than refused.
                let text = Some(reader.bytes()?).filter(|text| text.len() <= MAX_NAME_BYTES);
                let text = text.and_then(|text| std::str::from_utf8(text).ok());
                name = self.keep_name(text.unwrap_or_default(), limits)?;
                Ok(())
            }
            1 => reader.int().map(drop),
            _ => Err(UNKNOWN_FIELD),
        })?;
        Ok(name)
    }

    /// Reads a `[]fieldType`.
    fn struct_fields(&mut self, reader: &mut Reader<'_>, limits: TableLimits) -> Result<Struct, WireError> {
        let (first, count) = (self.fields.len(), reader.len()?);
        if count > MAX_FIELDS || first + count > limits.fields {
            return Err(WireError::Hostile("gob: too many fields"));
        }
        for _ in 0..count {
            let (mut name, mut id) = (Name::default(), Id::NONE);
            each_field(reader, |reader, number| match number {
                0 => {
                    let text = std::str::from_utf8(reader.bytes()?);
                    let text = text.map_err(|_| WireError::Hostile("gob: field name is not UTF-8"))?;
                    name = self.keep_name(text, limits)?;
                    Ok(())
                }
                1 => read_id(reader).map(|found| id = found),
                _ => Err(UNKNOWN_FIELD),
            })?;
            self.fields.push(Field { name, id });
        }
        // Both are far below 2^32, see the limits.
        Ok(Struct { first: first as u32, count: count as u32 })
    }

    fn keep_name(&mut self, name: &str, limits: TableLimits) -> Result<Name, WireError> {
        if name.len() > MAX_NAME_BYTES {
            return Err(WireError::Hostile("gob: name too long"));
        }
        if self.names.len() + name.len() > limits.name_bytes {
            return Err(WireError::Hostile("gob: too many names"));
        }
        // Both far below their types' ends, see the limits.
        let kept = Name { start: self.names.len() as u32, len: name.len() as u16 };
        self.names.push_str(name);
        Ok(kept)
    }
}

pub(super) const UNKNOWN_FIELD: WireError = WireError::Hostile("gob: unknown field in a type definition");

/// What a definition said so far; types that it did not name are none.
#[derive(Debug, Default)]
struct Parts {
    name: Name,
    elem: Id,
    key: Id,
    len: u32,
    fields: Struct,
}

fn read_id(reader: &mut Reader<'_>) -> Result<Id, WireError> {
    Id::new(reader.int()?).ok_or(WireError::Hostile("gob: negative type id"))
}

/// Calls `field` with the number of each field of a struct, from 0 on; it reads the value.
#[inline]
fn each_field<'de>(
    reader: &mut Reader<'de>,
    mut field: impl FnMut(&mut Reader<'de>, u64) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut next = 0u64;
    loop {
        let delta = reader.uint()?;
        if delta == 0 {
            return Ok(());
        }
        next = next.saturating_add(delta);
        field(reader, next - 1)?;
    }
}
