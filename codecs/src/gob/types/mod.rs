//! The types a peer has defined: one table per direction per connection, which those that are equal
//! [share](super::cache).
//!
//! A definition may name types that come later, so ids are resolved when a value is read, never before. Everything
//! lies in three flat vectors: a table costs about as much as the bytes that brought it, under a MiB in any case, and
//! copying one is cheap. Definitions come in through [`definition`]. Knows no values. Source: Go `encoding/gob`
//! `type.go` (`wireType`), `decoder.go` (`recvType`).

mod definition;

use std::collections::BTreeSet;

/// Fields one struct may have.
pub(super) const MAX_FIELDS: usize = 4096;
/// Bytes of a field's name.
pub(super) const MAX_NAME_BYTES: usize = 1024;

/// What one connection may define in one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableLimits {
    pub(super) types: usize,
    /// Fields of all structs together.
    fields: usize,
    /// Bytes of all names together.
    name_bytes: usize,
}

impl TableLimits {
    /// What [`Limits::max_gob_types`](crate::Limits::max_gob_types) says. Places of names and fields are 32 bits.
    pub(super) fn new(max_types: usize) -> Self {
        let types = max_types.min(1 << 20);
        Self { types, fields: (types * 8).max(MAX_FIELDS), name_bytes: (types * 128).max(64 << 10) }
    }
}

/// What a small table has at most: types, fields, and bytes of names.
const SMALL_TYPES: usize = 32;
const SMALL_FIELDS: usize = 256;
const SMALL_NAME_BYTES: usize = 4 << 10;

/// The number of a type, the same for one direction of one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(u32);

impl Id {
    /// No type at all.
    pub(super) const NONE: Self = Self(0);
    const MAX: Self = Self(u32::MAX);
    pub(super) const BOOL: Self = Self(1);
    pub(super) const INT: Self = Self(2);
    pub(super) const UINT: Self = Self(3);
    pub(super) const FLOAT: Self = Self(4);
    pub(super) const BYTES: Self = Self(5);
    pub(super) const STRING: Self = Self(6);
    pub(super) const COMPLEX: Self = Self(7);
    pub(super) const INTERFACE: Self = Self(8);
    /// The first id a peer may define; Go 1.21 and later start here, older ones at 65.
    pub(super) const FIRST_USER: Self = Self(64);
    /// The first id we define: accepted by all of them.
    pub(super) const FIRST_OWN: Self = Self(65);

    /// The id as a number on the wire; Go's are 32 bits with a sign (`type.go` `typeId`), negative in front of a
    /// definition.
    #[inline]
    pub(super) fn new(number: i64) -> Option<Self> {
        match u32::try_from(number) {
            Ok(id) if id <= i32::MAX.unsigned_abs() => Some(Self(id)),
            _ => None,
        }
    }

    /// The number on the wire.
    #[inline]
    pub(super) const fn number(self) -> i64 {
        self.0 as i64
    }

    /// The id after this one.
    #[inline]
    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What values of a type look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int,
    Uint,
    Float,
    Bytes,
    String,
    Complex,
    Interface,
    Array {
        elem: Id,
        len: u32,
    },
    Slice {
        elem: Id,
    },
    Map {
        key: Id,
        elem: Id,
    },
    Struct(Struct),
    /// Bytes only their own type reads.
    Opaque(Marshaler),
}

/// Who made an opaque value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marshaler {
    Gob,
    Binary,
    Text,
}

/// The place of a struct's fields in the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Struct {
    first: u32,
    count: u32,
}

impl Struct {
    /// The number of fields.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.count as usize
    }
}

/// Where in the names a name lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Name {
    start: u32,
    len: u16,
}

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    name: Name,
    pub(super) id: Id,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    id: Id,
    name: Name,
    shape: Type,
    /// Whether values may hold interfaces, by what has been defined so far.
    holds_interface: bool,
}

/// The types one peer has defined so far.
///
/// At most [`Limits::max_gob_types`](crate::Limits::max_gob_types), with at most 4096 fields each, and names of at most
/// 1024 bytes each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Types {
    /// In the order of ids.
    entries: Vec<Entry>,
    fields: Vec<Field>,
    names: String,
    /// For each type that holds no interface yet, those that are made of it and would hold one with it: once it turns out
    /// to, they are found without a search. Each pair comes and goes once.
    waiting: BTreeSet<(Id, Id)>,
}

impl Types {
    /// A table of nothing but the predefined types.
    pub fn new() -> Self {
        Self::default()
    }

    #[inline]
    fn entry(&self, id: Id) -> Option<&Entry> {
        // Peers number their types in one go, so the place mostly follows from the number; with few types, of which
        // some peers keep the first numbers for later, the last is often the one.
        let first = self.entries.first()?.id;
        let guess = (id.0.wrapping_sub(first.0) as usize).min(self.entries.len() - 1);
        match self.entries.get(guess) {
            Some(entry) if entry.id == id => Some(entry),
            _ => self.entries.get(self.position(id).ok()?),
        }
    }

    /// Where the entry of a type is, or where it would have to go.
    fn position(&self, id: Id) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id)
    }

    /// The type of that id; `None` if the peer has not defined it.
    #[inline]
    pub(super) fn get(&self, id: Id) -> Option<Type> {
        if id >= Id::FIRST_USER { Some(self.entry(id)?.shape) } else { predefined(id) }
    }

    /// The name the peer gave to a type; empty if it has none.
    pub(super) fn name(&self, id: Id) -> &str {
        self.entry(id).map(|entry| self.text(entry.name)).unwrap_or_default()
    }

    #[inline]
    fn text(&self, name: Name) -> &str {
        let start = name.start as usize;
        self.names.get(start..start + usize::from(name.len)).unwrap_or_default()
    }

    /// The fields of a struct, in the order of their numbers.
    #[inline]
    pub(super) fn fields(&self, fields: Struct) -> &[Field] {
        let first = fields.first as usize;
        self.fields.get(first..first + fields.len()).unwrap_or_default()
    }

    #[inline]
    pub(super) fn field_name(&self, field: Field) -> &str {
        self.text(field.name)
    }

    /// Whether it costs next to nothing to compare this table with another, or to copy it.
    pub(super) fn is_small(&self) -> bool {
        self.entries.len() <= SMALL_TYPES
            && self.fields.len() <= SMALL_FIELDS
            && self.names.len() <= SMALL_NAME_BYTES
    }

    /// Bytes it takes, unless it is small and shared with others.
    pub(super) fn held_bytes(&self) -> usize {
        if self.is_small() {
            return 0;
        }
        let waiting = self.waiting.len() * size_of::<[(Id, Id); 2]>();
        let fields = self.fields.capacity() * size_of::<Field>();
        self.entries.capacity() * size_of::<Entry>() + fields + self.names.capacity() + waiting
    }

    /// How many types the peer has defined.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether values of type `id` may hold interfaces, whose types may be defined in the midst of the value. What types
    /// still to come hold counts when they are there.
    #[inline]
    pub(super) fn holds_interface(&self, id: Id) -> bool {
        if id < Id::FIRST_USER {
            return id == Id::INTERFACE;
        }
        self.entry(id).is_some_and(|entry| entry.holds_interface)
    }

    /// Notes whether the type `id`, which has just been defined, holds an interface, and what that means for others.
    fn note_interface(&mut self, id: Id) {
        let parts = self.parts(id);
        if !parts.iter().any(|&part| self.holds_interface(part)) {
            self.waiting
                .extend(parts.into_iter().filter(|&part| part >= Id::FIRST_USER).map(|part| (part, id)));
            return;
        }
        // With a list and not by recursion: types may be nested as deep as there are ids, and may contain themselves.
        let mut found = vec![id];
        while let Some(id) = found.pop() {
            let Some(entry) = self.position(id).ok().and_then(|at| self.entries.get_mut(at)) else {
                continue;
            };
            if std::mem::replace(&mut entry.holds_interface, true) {
                continue;
            }
            while let Some(&pair) = self.waiting.range((id, Id::NONE)..=(id, Id::MAX)).next() {
                self.waiting.remove(&pair);
                found.push(pair.1);
            }
        }
    }

    /// The types that a type is made of.
    fn parts(&self, id: Id) -> Vec<Id> {
        match self.get(id) {
            Some(Type::Array { elem, .. } | Type::Slice { elem }) => vec![elem],
            Some(Type::Map { key, elem }) => vec![key, elem],
            Some(Type::Struct(fields)) => self.fields(fields).iter().map(|field| field.id).collect(),
            _ => Vec::new(),
        }
    }
}

/// Out of the way of structs, which nearly all values are.
#[inline(never)]
fn predefined(id: Id) -> Option<Type> {
    Some(match id {
        Id::BOOL => Type::Bool,
        Id::INT => Type::Int,
        Id::UINT => Type::Uint,
        Id::FLOAT => Type::Float,
        Id::BYTES => Type::Bytes,
        Id::STRING => Type::String,
        Id::COMPLEX => Type::Complex,
        Id::INTERFACE => Type::Interface,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
