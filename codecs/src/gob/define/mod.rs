//! The types we have defined for a peer: one table per direction per connection.
//!
//! A type gets its id when it is first wanted, from a [`traced`] type or from what values have [`observed`], and its
//! definition goes out in front of the first value that needs it. Knows no values.
//! Source: Go `encoding/gob` `encoder.go` (`sendTypeDescriptor`), `type.go` (`wireType`).

mod observed;
mod traced;

use super::{
    ser::SerError,
    types::{Id, Marshaler},
    wire::{put_bytes, put_int, put_uint},
};
use crate::schema::TypeOf;
use bytes::{BufMut, BytesMut};
use std::{borrow::Cow, collections::HashMap};

/// The form of a type of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Array {
        elem: Id,
        len: usize,
    },
    Slice {
        elem: Id,
    },
    Map {
        key: Id,
        elem: Id,
    },
    Struct {
        name: &'static str,
        fields: Cow<'static, [Field]>,
    },
    Time,
    Marshaled(Marshaler),
    /// A type that contains itself, before its parts are known.
    Pending,
}

/// A field of a struct, in the order of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) id: Id,
}

/// The two header types of a direction: Go's, and ours with more fields.
pub(super) type Headers = [Form; 2];

/// Ids that mean the same on every connection; the header's types come first. A table begins with their forms.
pub(super) const HEADER: Id = Id::FIRST_OWN;
pub(super) const LONG_HEADER: Id = HEADER.next();
pub(super) const TIME: Id = LONG_HEADER.next();
pub(super) const ANY_LIST: Id = TIME.next();
pub(super) const ANY_MAP: Id = ANY_LIST.next();
const FIXED: usize = 5;

/// Types that we define on one connection: a program has far fewer, but values of peers that are written back may show
/// ever new ones.
pub(super) const MAX_TYPES: usize = 2048;

/// What a small table has at most.
const SMALL_TYPES: usize = 32;

/// The types of one direction of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// In the order of ids.
    entries: Vec<Entry>,
    /// The variants of traced enums, which interfaces hold.
    variants: Vec<Variant>,
    /// The ids of traced types by [`TypeOf::key`]; none for those that cannot be written as traced.
    traced: Vec<(usize, Option<Id>)>,
    /// What was defined since [`Table::commit`].
    uncommitted: Vec<Id>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Variant {
    of: &'static str,
    name: &'static str,
    id: Id,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    form: Form,
    defined: bool,
}

impl Table {
    pub(super) fn new(headers: &'static Headers) -> Self {
        let [header, long_header] = headers.clone();
        let any_list = Form::Slice { elem: Id::INTERFACE };
        let any_map = Form::Map { key: Id::STRING, elem: Id::INTERFACE };
        let fixed: [Form; FIXED] = [header, long_header, Form::Time, any_list, any_map];
        let entries = fixed.map(|form| Entry { form, defined: false }).into();
        Self { entries, variants: Vec::new(), traced: Vec::new(), uncommitted: Vec::new() }
    }

    /// The form of an id given out here; predefined ids have none.
    #[inline]
    pub(super) fn form(&self, id: Id) -> Option<&Form> {
        self.entries.get(place(id)).map(|entry| &entry.form)
    }

    /// How many types have been given an id, for [`Self::truncate`].
    pub(super) fn len(&self) -> usize {
        self.entries.len() - FIXED
    }

    /// Takes back the ids given out since there were `len`; none of them has been defined yet.
    pub(super) fn truncate(&mut self, len: usize) {
        self.entries.truncate(FIXED + len);
        let is_left = |id| id < HEADER || place(id) < self.entries.len();
        self.variants.retain(|variant| is_left(variant.id));
        self.traced.retain(|(_, id)| id.is_none_or(is_left));
    }

    /// Whether it costs next to nothing to compare this table with another, or to copy it.
    pub(super) fn is_small(&self) -> bool {
        self.len() <= SMALL_TYPES
    }

    /// The id for values of a type that has been traced for this connection, if there is one for it.
    #[inline]
    pub(super) fn traced(&self, type_of: &TypeOf) -> Option<Option<Id>> {
        self.traced.iter().find(|(key, _)| *key == type_of.key()).map(|(_, id)| *id)
    }

    /// The id for values of a type, which is traced if it has not been yet; `None` as in [`Self::of_schema`].
    ///
    /// # Errors
    /// The table is full.
    pub(super) fn of_type(&mut self, type_of: &TypeOf) -> Result<Option<Id>, SerError> {
        let id = self.of_schema(type_of.schema())?;
        self.traced.push((type_of.key(), id));
        Ok(id)
    }

    /// The type writes values that are not what was traced.
    pub(super) fn reject_trace(&mut self, type_of: &TypeOf) {
        if let Some((_, id)) = self.traced.iter_mut().find(|(key, _)| *key == type_of.key()) {
            *id = None;
        }
    }

    /// The type inside a variant of the enum `of`, if that was traced.
    pub(super) fn variant(&self, of: &str, name: &str) -> Option<Id> {
        let found = self.variants.iter().find(|variant| variant.name == name && variant.of == of);
        found.map(|variant| variant.id)
    }

    /// What has been defined so far has reached the peer, or will.
    pub(super) fn commit(&mut self) {
        self.uncommitted = Vec::new();
    }

    /// What was defined since [`Self::commit`] will not reach the peer.
    pub(super) fn rollback(&mut self) {
        while let Some(id) = self.uncommitted.pop() {
            self.set_defined(id, false);
        }
    }

    fn set_defined(&mut self, id: Id, defined: bool) {
        if let Some(entry) = self.entries.get_mut(place(id)) {
            entry.defined = defined;
        }
    }

    fn push(&mut self, form: Form) -> Result<Id, SerError> {
        if self.entries.len() >= MAX_TYPES {
            return Err(SerError::refused(format!("gob: over {MAX_TYPES} types on one connection")));
        }
        self.entries.push(Entry { form, defined: false });
        Ok(id_at(self.entries.len() - 1))
    }

    fn find_or_push(&mut self, form: Form) -> Result<Id, SerError> {
        // A type of a program's own is none of the fixed ones, even where it looks the same.
        match self.entries.iter().skip(FIXED).position(|entry| entry.form == form) {
            Some(place) => Ok(id_at(FIXED + place)),
            None => self.push(form),
        }
    }

    /// The id of the type at the place `at` in `progress`, whose `form` may ask for it again; `None` if it has none.
    fn recursive(
        &mut self,
        progress: &mut HashMap<usize, Progress>,
        at: usize,
        form: impl FnOnce(&mut Self, &mut HashMap<usize, Progress>) -> Result<Option<Form>, SerError>,
    ) -> Result<Option<Id>, SerError> {
        match progress.get(&at) {
            None => progress.insert(at, Progress::Open),
            Some(Progress::Known(id)) => return Ok(Some(*id)),
            Some(Progress::Open) => {
                let id = self.push(Form::Pending)?;
                progress.insert(at, Progress::Known(id));
                return Ok(Some(id));
            }
        };
        let Some(form) = form(self, progress)? else { return Ok(None) };
        if let Some(Progress::Known(id)) = progress.get(&at) {
            if let Some(entry) = self.entries.get_mut(place(*id)) {
                entry.form = form;
            }
            return Ok(Some(*id));
        }
        let id = self.find_or_push(form)?;
        progress.insert(at, Progress::Known(id));
        Ok(Some(id))
    }

    /// Appends the definitions a peer needs for values of type `id` and has not got: the type itself, then those it
    /// is made of, depth first.
    #[cold]
    pub(super) fn define(&mut self, id: Id, out: &mut BytesMut) {
        let mut to_define = vec![id];
        while let Some(id) = to_define.pop() {
            if self.is_defined(id) {
                continue;
            }
            self.uncommitted.push(id);
            self.set_defined(id, true);
            let Some(form) = self.form(id) else { continue };
            put_definition(id, form, out);
            match form {
                Form::Array { elem, .. } | Form::Slice { elem } => to_define.push(*elem),
                Form::Map { key, elem } => to_define.extend([*elem, *key]),
                Form::Struct { fields, .. } => to_define.extend(fields.iter().rev().map(|field| field.id)),
                Form::Time | Form::Marshaled(_) | Form::Pending => {}
            }
        }
    }

    /// Whether the peer has what it needs for values of type `id`.
    #[inline]
    pub(super) fn is_defined(&self, id: Id) -> bool {
        id < HEADER || self.entries.get(place(id)).is_some_and(|entry| entry.defined)
    }
}

/// How far a type is that may contain itself.
#[derive(Debug, Clone, Copy)]
enum Progress {
    /// Its parts are being looked at.
    Open,
    /// It has an id, because one of its parts has asked for it or all are known.
    Known(Id),
}

impl Form {
    /// Go's `struct{}`.
    const EMPTY: Self = Self::fixed_struct("", &[]);

    /// A struct whose fields are known when this is compiled.
    pub(super) const fn fixed_struct(name: &'static str, fields: &'static [Field]) -> Self {
        Self::Struct { name, fields: Cow::Borrowed(fields) }
    }
}

/// Where an id's entry is; far beyond all entries for predefined ids.
#[inline]
fn place(id: Id) -> usize {
    usize::try_from(id.number() - HEADER.number()).unwrap_or(usize::MAX)
}

/// The id of the entry at a place, of which there are far fewer than there are ids.
fn id_at(place: usize) -> Id {
    Id::new(HEADER.number() + place as i64).unwrap_or(Id::NONE)
}

/// A message with the definition of `id`: a `wireType`, in which fields are counted from 1 by their distance.
fn put_definition(id: Id, form: &Form, out: &mut BytesMut) {
    let mut body = Vec::with_capacity(64);
    put_int(&mut body, -id.number());
    let (kind, name) = match form {
        Form::Array { .. } => (1, ""),
        Form::Slice { .. } => (2, ""),
        Form::Struct { name, .. } => (3, *name),
        // No peer gets one: a type that cannot be closed takes its ids back.
        Form::Pending => (3, ""),
        Form::Map { .. } => (4, ""),
        Form::Time => (5, "Time"),
        Form::Marshaled(Marshaler::Gob) => (5, "GobEncoder"),
        Form::Marshaled(Marshaler::Binary) => (6, "BinaryMarshaler"),
        Form::Marshaled(Marshaler::Text) => (7, "TextMarshaler"),
    };
    // The field of wireType, then its CommonType {Name, Id}.
    body.extend_from_slice(&[kind, 1]);
    if name.is_empty() {
        body.put_u8(2);
    } else {
        body.put_u8(1);
        put_bytes(&mut body, name.as_bytes());
        body.put_u8(1);
    }
    put_int(&mut body, id.number());
    body.put_u8(0);
    let mut next_int = |value: i64| {
        // A zero would have to be left out; neither ids nor the lengths that come here are one.
        body.put_u8(1);
        put_int(&mut body, value);
    };
    match form {
        Form::Array { elem, len: 0 } | Form::Slice { elem } => next_int(elem.number()),
        Form::Array { elem, len } => {
            next_int(elem.number());
            next_int(i64::try_from(*len).unwrap_or(i64::MAX));
        }
        Form::Map { key, elem } => {
            next_int(key.number());
            next_int(elem.number());
        }
        Form::Struct { fields, .. } if !fields.is_empty() => {
            body.put_u8(1);
            put_uint(&mut body, fields.len() as u64);
            for field in fields.iter() {
                body.put_u8(1);
                put_bytes(&mut body, field.name.as_bytes());
                body.put_u8(1);
                put_int(&mut body, field.id.number());
                body.put_u8(0);
            }
        }
        Form::Struct { .. } | Form::Time | Form::Marshaled(_) | Form::Pending => {}
    }
    body.extend_from_slice(&[0, 0]);
    put_bytes(out, &body);
}
