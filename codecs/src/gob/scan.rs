//! Walks over a value of a given type without keeping anything: where it ends, what it brings with it.
//!
//! Used to skip what the target does not want, and to find the definitions that stand in the midst of values with
//! interfaces. The walk keeps its place in a stack of its own, so it can stop at the end of a message and go on in the
//! next, and a hostile value cannot overflow the program's. Source: Go `encoding/gob` `decode.go` (`decIgnoreOpFor`,
//! `decodeInterface`).
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::{
    MAX_DEPTH,
    types::{Field, Id, Struct, Type, Types},
    wire::{Reader, WireError},
};

/// The longest name of an interface's concrete type, in bytes. Source: Go `decodeInterface`.
pub(super) const MAX_INTERFACE_NAME_BYTES: usize = 1024;

/// Why a walk stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The value has ended.
    End,
    /// The message has ended where the type of an interface's value is due; the value goes on in the next.
    Message,
    /// A definition comes next.
    Definition,
}

/// A value on its way.
#[derive(Debug)]
pub(super) struct Walk {
    /// What has begun and not ended, outermost first.
    open: Vec<Open>,
}

#[derive(Debug, Clone, Copy)]
enum Open {
    /// Elements of an array or slice.
    List { elem: Id, left: u64 },
    /// Pairs of a map, or the second half of one.
    Map { key: Id, elem: Id, left: u64, half: bool },
    /// Fields, from the number `next` on.
    Struct { fields: Struct, next: usize },
    /// An interface whose name has been read.
    Named,
    /// An interface whose value has begun.
    Inside,
}

impl Walk {
    /// Drops a value of type `id` that is no message of its own.
    #[inline]
    pub(super) fn skip(types: &Types, reader: &mut Reader<'_>, id: Id) -> Result<(), WireError> {
        let mut walk = Self { open: Vec::new() };
        walk.value(types, reader, id)?;
        match walk.run(types, reader)? {
            Stop::End => Ok(()),
            Stop::Message => Err(WireError::Eof),
            Stop::Definition => Err(WireError::Corrupt("gob: definition inside a value")),
        }
    }

    /// Begins a whole value, which is alone in its message or in its interface.
    pub(super) fn begin(types: &Types, reader: &mut Reader<'_>, id: Id) -> Result<Self, WireError> {
        let mut walk = Self { open: Vec::new() };
        walk.whole(types, reader, id)?;
        Ok(walk)
    }

    fn whole(&mut self, types: &Types, reader: &mut Reader<'_>, id: Id) -> Result<(), WireError> {
        singleton(types, reader, id)?;
        self.value(types, reader, id)
    }

    /// Goes on until the value ends, or until the caller has to take in a definition or the next message first.
    pub(super) fn run(&mut self, types: &Types, reader: &mut Reader<'_>) -> Result<Stop, WireError> {
        while let Some(open) = self.open.last_mut() {
            let id = match open {
                Open::List { left: 0, .. } | Open::Map { left: 0, half: false, .. } | Open::Inside => {
                    self.open.pop();
                    continue;
                }
                Open::List { elem, left } => {
                    present(reader)?;
                    *left = left.saturating_sub(1);
                    *elem
                }
                Open::Map { elem, half: half @ true, .. } => {
                    *half = false;
                    *elem
                }
                Open::Map { key, left, half, .. } => {
                    present(reader)?;
                    *left = left.saturating_sub(1);
                    *half = true;
                    *key
                }
                Open::Struct { fields, next } => match next_field(types.fields(*fields), reader, *next)? {
                    Some((number, field)) => {
                        *next = number.saturating_add(1);
                        field.id
                    }
                    None => {
                        self.open.pop();
                        continue;
                    }
                },
                Open::Named => {
                    match next_id(reader)? {
                        Ok(id) => {
                            *open = Open::Inside;
                            // The length of the value, which definitions inside have made useless.
                            reader.uint()?;
                            self.whole(types, reader, id)?;
                        }
                        Err(stop) => return Ok(stop),
                    }
                    continue;
                }
            };
            self.value(types, reader, id)?;
        }
        Ok(Stop::End)
    }

    /// Drops a simple value, or begins one that has others inside.
    #[inline]
    fn value(&mut self, types: &Types, reader: &mut Reader<'_>, id: Id) -> Result<(), WireError> {
        let open = match types.get(id).ok_or(UNDEFINED)? {
            Type::Bool | Type::Int | Type::Uint | Type::Float => return reader.uint().map(drop),
            Type::Bytes | Type::String | Type::Opaque(_) => return reader.bytes().map(drop),
            Type::Complex => {
                reader.uint()?;
                return reader.uint().map(drop);
            }
            Type::Interface => match interface_name(reader)? {
                b"" => return Ok(()),
                _ => Open::Named,
            },
            Type::Array { elem, len } if reader.uint()? == u64::from(len) => {
                Open::List { elem, left: len.into() }
            }
            Type::Array { .. } => return Err(LENGTH_MISMATCH),
            Type::Slice { elem } => Open::List { elem, left: reader.uint()? },
            Type::Map { key, elem } => Open::Map { key, elem, left: reader.uint()?, half: false },
            Type::Struct(fields) => Open::Struct { fields, next: 0 },
        };
        if self.open.len() >= MAX_DEPTH {
            return Err(WireError::TooDeep(MAX_DEPTH));
        }
        self.open.push(open);
        Ok(())
    }
}

/// A type that the peer has not defined.
pub(super) const UNDEFINED: WireError = WireError::Corrupt("gob: unknown type id or corrupted data");
pub(super) const LENGTH_MISMATCH: WireError = WireError::Corrupt("gob: length mismatch in decodeArray");

/// An element takes at least a byte: what is announced and not there is found out before anything is done with it.
#[inline]
pub(super) fn present(reader: &Reader<'_>) -> Result<(), WireError> {
    if reader.rest().is_empty() {
        return Err(WireError::Corrupt("gob: decoding array or slice: length exceeds input size"));
    }
    Ok(())
}

/// The type of a whole value, and takes the zero away that one that is no struct has in front, as if it were a field.
#[inline(always)]
pub(super) fn singleton(types: &Types, reader: &mut Reader<'_>, id: Id) -> Result<Type, WireError> {
    match types.get(id).ok_or(UNDEFINED)? {
        shape @ Type::Struct(_) => Ok(shape),
        shape if reader.uint()? == 0 => Ok(shape),
        _ => Err(WireError::Corrupt("gob: decode: corrupted data: non-zero delta for singleton")),
    }
}

/// The next field of a struct that is there, or nothing at its end; a message may end instead, as in Go.
#[inline]
pub(super) fn next_field<'a>(
    fields: &'a [Field],
    reader: &mut Reader<'_>,
    next: usize,
) -> Result<Option<(usize, &'a Field)>, WireError> {
    if reader.rest().is_empty() {
        return Ok(None);
    }
    let delta = reader.uint()?;
    let Some(skipped) = delta.checked_sub(1) else { return Ok(None) };
    let number = usize::try_from(skipped).ok().and_then(|skipped| next.checked_add(skipped));
    match number.and_then(|number| Some((number, fields.get(number)?))) {
        Some(found) => Ok(Some(found)),
        None => Err(WireError::Corrupt("gob: bad data: field numbers out of bounds")),
    }
}

/// The name of an interface's concrete type; empty for nil.
pub(super) fn interface_name<'de>(reader: &mut Reader<'de>) -> Result<&'de [u8], WireError> {
    let name = reader.bytes()?;
    if name.len() > MAX_INTERFACE_NAME_BYTES {
        return Err(WireError::Corrupt("gob: interface name too long"));
    }
    Ok(name)
}

/// The id of the type that comes next, or what has to happen before it can be read.
pub(super) fn next_id(reader: &mut Reader<'_>) -> Result<Result<Id, Stop>, WireError> {
    if reader.rest().is_empty() {
        return Ok(Err(Stop::Message));
    }
    let mut ahead = reader.clone();
    let number = ahead.int()?;
    if number < 0 {
        return Ok(Err(Stop::Definition));
    }
    *reader = ahead;
    Id::new(number).ok_or(UNDEFINED).map(Ok)
}
