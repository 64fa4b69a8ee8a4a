//! The types we have defined for a peer: one table per direction per connection.
//!
//! A type gets its id when it is first wanted, from a [`traced`] type or from what values have [`observed`], and its
//! definition goes out in front of the first value that needs it. Knows no values.
//! Source: Go `encoding/gob` `encoder.go` (`sendTypeDescriptor`), `type.go` (`wireType`).

mod observed;
mod traced;

use super::{
    ser::SerError,
    types::{Id, MAX_TYPES, Marshaler},
    wire::{put_bytes, put_int, put_uint},
};
use crate::schema::TypeOf;
use bytes::{BufMut, BytesMut};
use std::borrow::Cow;

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

impl Field {
    pub(super) const fn new(name: &'static str, id: Id) -> Self {
        Self { name, id }
    }
}

/// The two header types of a direction: Go's, and ours with more fields.
pub(super) type Headers = [Form; 2];

/// Ids that mean the same on every connection; the header's types come first.
pub(super) const HEADER: Id = Id::FIRST_OWN;
pub(super) const LONG_HEADER: Id = HEADER.next();
pub(super) const TIME: Id = LONG_HEADER.next();
pub(super) const ANY_LIST: Id = TIME.next();
pub(super) const ANY_MAP: Id = ANY_LIST.next();
const FIRST_FREE: Id = ANY_MAP.next();

/// What a small table has at most.
const SMALL_TYPES: usize = 32;

static TIME_FORM: Form = Form::Time;
static ANY_LIST_FORM: Form = Form::Slice { elem: Id::INTERFACE };
static ANY_MAP_FORM: Form = Form::Map { key: Id::STRING, elem: Id::INTERFACE };

/// The types of one direction of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    headers: &'static Headers,
    /// Which of the five ids above the peer knows, one bit each.
    defined: u8,
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
        Self {
            headers,
            defined: 0,
            entries: Vec::new(),
            variants: Vec::new(),
            traced: Vec::new(),
            uncommitted: Vec::new(),
        }
    }

    /// The form of an id given out here; predefined ids have none.
    #[inline]
    pub(super) fn form(&self, id: Id) -> Option<&Form> {
        match self.entries.get(place(id)) {
            Some(entry) => Some(&entry.form),
            None => self.fixed_form(id),
        }
    }

    #[cold]
    fn fixed_form(&self, id: Id) -> Option<&Form> {
        let [header, long_header] = self.headers;
        match id {
            HEADER => Some(header),
            LONG_HEADER => Some(long_header),
            TIME => Some(&TIME_FORM),
            ANY_LIST => Some(&ANY_LIST_FORM),
            ANY_MAP => Some(&ANY_MAP_FORM),
            _ => None,
        }
    }

    /// How many types have an id, for [`Self::truncate`].
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes back the ids given out since there were `len`; none of them has been defined yet.
    pub(super) fn truncate(&mut self, len: usize) {
        self.entries.truncate(len);
        let is_left = |id| is_fixed(id) || place(id) < self.entries.len();
        self.variants.retain(|variant| is_left(variant.id));
        self.traced.retain(|(_, id)| id.is_none_or(is_left));
    }

    /// Whether it costs next to nothing to compare this table with another, or to copy it.
    pub(super) fn is_small(&self) -> bool {
        self.entries.len() <= SMALL_TYPES
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
            match self.entries.get_mut(place(id)) {
                Some(entry) => entry.defined = false,
                None => self.defined &= !fixed_bit(id),
            }
        }
    }

    fn push(&mut self, form: Form) -> Result<Id, SerError> {
        let id = Id::new(FIRST_FREE.number() + self.entries.len() as i64);
        match id {
            // The fixed ones count too.
            Some(id) if self.entries.len() + 5 < MAX_TYPES => {
                self.entries.push(Entry { form, defined: false });
                Ok(id)
            }
            _ => Err(SerError::refused(format!("gob: over {MAX_TYPES} types on one connection"))),
        }
    }

    fn find_or_push(&mut self, form: Form) -> Result<Id, SerError> {
        match self.entries.iter().position(|entry| entry.form == form) {
            Some(place) => Ok(Id::new(FIRST_FREE.number() + place as i64).unwrap_or(Id::NONE)),
            None => self.push(form),
        }
    }

    /// The id of a type whose parts are known: one that is there, or the one that its parts know it by.
    fn close(&mut self, progress: Progress, form: Form) -> Result<Id, SerError> {
        let Progress::Open(Some(id)) = progress else { return self.find_or_push(form) };
        if let Some(entry) = self.entries.get_mut(place(id)) {
            entry.form = form;
        }
        Ok(id)
    }

    /// The id of a type in progress, which one of its parts asks for.
    fn id_in_progress(&mut self, progress: &mut Progress) -> Result<Option<Id>, SerError> {
        Ok(match progress {
            Progress::New => None,
            Progress::Open(Some(id)) | Progress::Done(id) => Some(*id),
            Progress::Open(None) => {
                let id = self.push(Form::Pending)?;
                *progress = Progress::Open(Some(id));
                Some(id)
            }
        })
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
            match self.entries.get_mut(place(id)) {
                Some(entry) => entry.defined = true,
                None => self.defined |= fixed_bit(id),
            }
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
        if is_fixed(id) {
            return id < HEADER || self.defined & fixed_bit(id) != 0;
        }
        self.entries.get(place(id)).is_some_and(|entry| entry.defined)
    }
}

/// How far a type is that may contain itself.
#[derive(Debug, Clone, Copy)]
enum Progress {
    New,
    /// Its parts are being looked at; it has an id if one of them has asked for it.
    Open(Option<Id>),
    Done(Id),
}

impl Form {
    /// Go's `struct{}`.
    const EMPTY: Self = Self::Struct { name: "", fields: Cow::Borrowed(&[]) };
}

#[inline]
fn is_fixed(id: Id) -> bool {
    id < FIRST_FREE
}

/// Where an id's entry is, if it is not a fixed one.
#[inline]
fn place(id: Id) -> usize {
    usize::try_from(id.number() - FIRST_FREE.number()).unwrap_or(usize::MAX)
}

#[inline]
fn fixed_bit(id: Id) -> u8 {
    u8::try_from(id.number() - HEADER.number()).ok().and_then(|at| 1u8.checked_shl(at.into())).unwrap_or(0)
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
