//! The types we have defined for a peer: one table per direction per connection.
//!
//! A type gets its id when it is first wanted, from a traced [`Schema`] or from the [`Shape`] of a value, and its
//! definition goes out in front of the first value that needs it. Knows no values.
//! Source: Go `encoding/gob` `encoder.go` (`sendTypeDescriptor`), `type.go` (`wireType`).

use super::{
    ser::{Fault, Shape},
    types::{Id, MAX_TYPES, Marshaler},
    wire::{put_bytes, put_int, put_uint},
};
use crate::schema::{Node, NodeId, Schema};
use bytes::{BufMut, BytesMut};
use std::borrow::Cow;

/// The form of a type of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Array { elem: Id, len: usize },
    Slice { elem: Id },
    Map { key: Id, elem: Id },
    Struct { name: &'static str, fields: Cow<'static, [Field]> },
    Time,
    Marshaled(Marshaler),
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

static TIME_FORM: Form = Form::Time;
static ANY_LIST_FORM: Form = Form::Slice { elem: Id::INTERFACE };
static ANY_MAP_FORM: Form = Form::Map { key: Id::STRING, elem: Id::INTERFACE };

/// The types of one direction of one connection.
#[derive(Debug)]
pub(super) struct Table {
    headers: &'static Headers,
    /// Which of the five ids above the peer knows, one bit each.
    defined: u8,
    entries: Vec<Entry>,
    /// The variants of traced enums, which interfaces hold.
    variants: Vec<Variant>,
    /// What was defined since [`Table::settle`].
    fresh: Vec<Id>,
}

#[derive(Debug)]
struct Variant {
    of: &'static str,
    name: &'static str,
    id: Id,
}

#[derive(Debug)]
struct Entry {
    form: Form,
    defined: bool,
}

impl Table {
    pub(super) fn new(headers: &'static Headers) -> Self {
        Self { headers, defined: 0, entries: Vec::new(), variants: Vec::new(), fresh: Vec::new() }
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
        let entries = &self.entries;
        self.variants.retain(|variant| is_fixed(variant.id) || place(variant.id) < entries.len());
    }

    /// The type inside a variant of the enum `of`, if that was traced.
    pub(super) fn variant(&self, of: &str, name: &str) -> Option<Id> {
        let found = self.variants.iter().find(|variant| variant.name == name && variant.of == of);
        found.map(|variant| variant.id)
    }

    /// What has been defined so far has reached the peer, or will.
    #[inline]
    pub(super) fn settle(&mut self) {
        self.fresh.clear();
    }

    /// What was defined since [`Self::settle`] will not reach the peer.
    pub(super) fn undefine(&mut self) {
        while let Some(id) = self.fresh.pop() {
            match self.entries.get_mut(place(id)) {
                Some(entry) => entry.defined = false,
                None => self.defined &= !fixed_bit(id),
            }
        }
    }

    fn push(&mut self, form: Form) -> Result<Id, Fault> {
        let id = Id::new(FIRST_FREE.number() + self.entries.len() as i64);
        match id {
            // The fixed ones count too.
            Some(id) if self.entries.len() + 5 < MAX_TYPES => {
                self.entries.push(Entry { form, defined: false });
                Ok(id)
            }
            _ => Err(Fault::refused(format!("gob: over {MAX_TYPES} types on one connection"))),
        }
    }

    fn find_or_push(&mut self, form: Form) -> Result<Id, Fault> {
        match self.entries.iter().position(|entry| entry.form == form) {
            Some(place) => Ok(Id::new(FIRST_FREE.number() + place as i64).unwrap_or(Id::NONE)),
            None => self.push(form),
        }
    }

    /// The id for values of a traced type; `None` if gob has no form for some part of it, or it is not static.
    ///
    /// # Errors
    /// The table is full.
    pub(super) fn of_schema(&mut self, schema: &Schema) -> Result<Option<Id>, Fault> {
        if !schema.is_static() {
            return Ok(None);
        }
        let mut ids = vec![None; schema.nodes().len()];
        self.of_node(schema, schema.root(), &mut ids)
    }

    /// `ids` knows the nodes that have an id already, by their number.
    fn of_node(
        &mut self,
        schema: &Schema,
        node: NodeId,
        ids: &mut Vec<Option<Id>>,
    ) -> Result<Option<Id>, Fault> {
        // A static schema has no option that contains itself.
        let (node, _) = schema.without_options(node);
        if let Some(id) = ids.get(node.number()).copied().flatten() {
            return Ok(Some(id));
        }
        let predefined = match schema.node(node) {
            Node::Bool => Id::BOOL,
            Node::Int(8..=64) => Id::INT,
            Node::Uint(8..=64) => Id::UINT,
            Node::Float(_) => Id::FLOAT,
            Node::Char | Node::Text => Id::STRING,
            Node::Bytes => Id::BYTES,
            Node::Time => TIME,
            Node::Complex => Id::COMPLEX,
            Node::Any => Id::INTERFACE,
            Node::GobEncoded => return self.find_or_push(Form::Marshaled(Marshaler::Gob)).map(Some),
            Node::BinaryMarshaled => return self.find_or_push(Form::Marshaled(Marshaler::Binary)).map(Some),
            Node::Unit => return self.find_or_push(Form::EMPTY).map(Some),
            Node::Enum { variants, .. }
                if variants.iter().all(|variant| *schema.node(variant.node) == Node::Unit) =>
            {
                Id::STRING
            }
            Node::Enum { name, variants } => {
                // Said first: a variant may contain the enum.
                if let Some(slot) = ids.get_mut(node.number()) {
                    *slot = Some(Id::INTERFACE);
                }
                for variant in variants {
                    // One without a form can be read and not written.
                    if let Some(id) = self.of_node(schema, variant.node, ids)? {
                        self.variants.push(Variant { of: name, name: variant.name, id });
                    }
                }
                Id::INTERFACE
            }
            Node::Array(..) | Node::Tuple(_) | Node::List(_) | Node::Map(..) | Node::Struct { .. } => {
                Id::NONE
            }
            _ => return Ok(None),
        };
        if predefined != Id::NONE {
            return Ok(Some(predefined));
        }
        // The id is needed first: the type may contain itself.
        let id = self.push(Form::EMPTY)?;
        if let Some(slot) = ids.get_mut(node.number()) {
            *slot = Some(id);
        }
        let Some(form) = self.form_of_node(schema, node, ids)? else { return Ok(None) };
        if let Some(entry) = self.entries.get_mut(place(id)) {
            entry.form = form;
        }
        Ok(Some(id))
    }

    fn form_of_node(
        &mut self,
        schema: &Schema,
        node: NodeId,
        ids: &mut Vec<Option<Id>>,
    ) -> Result<Option<Form>, Fault> {
        let mut part = |node: NodeId| self.of_node(schema, node, ids);
        Ok(match schema.node(node) {
            Node::List(elem) => part(*elem)?.map(|elem| Form::Slice { elem }),
            Node::Array(elem, len) => part(*elem)?.map(|elem| Form::Array { elem, len: *len }),
            Node::Map(key, elem) => match (part(*key)?, part(*elem)?) {
                (Some(key), Some(elem)) => Some(Form::Map { key, elem }),
                _ => None,
            },
            Node::Tuple(elements) => {
                let mut elems =
                    elements.iter().map(|element| part(*element)).collect::<Result<Vec<_>, _>>()?;
                elems.dedup();
                match elems.as_slice() {
                    [Some(elem)] => Some(Form::Array { elem: *elem, len: elements.len() }),
                    _ => None,
                }
            }
            Node::Struct { name, fields } => {
                let mut own = Vec::with_capacity(fields.len());
                for field in fields {
                    if *schema.node(schema.without_options(field.node).0) == Node::Unit {
                        // There is nothing to say about it, and Go's structs cannot say it.
                        continue;
                    }
                    let Some(id) = part(field.node)? else { return Ok(None) };
                    own.push(Field { name: field.name, id });
                }
                Some(Form::Struct { name, fields: own.into() })
            }
            _ => None,
        })
    }

    /// The id for values of this shape; `None` if it has parts that no value has shown.
    ///
    /// # Errors
    /// The parts not shown are part of a value that is there; or the table is full.
    pub(super) fn of_shape(&mut self, shape: &Shape) -> Result<Option<Id>, Fault> {
        let unseen = |filled: bool| {
            if filled {
                return Err(Fault::refused(
                    "gob: an empty list or a nil inside a list or map does not show its type; \
                     derive Deserialize too, so that the type is known",
                ));
            }
            Ok(None)
        };
        let form = match shape {
            Shape::Unseen => return Ok(None),
            Shape::Scalar(id) => return Ok(Some(*id)),
            Shape::Marshaled(marshaler) => Form::Marshaled(*marshaler),
            Shape::List { elem, filled } => match self.of_shape(elem)? {
                Some(elem) => Form::Slice { elem },
                None => return unseen(*filled),
            },
            Shape::Array { elem, len } => match self.of_shape(elem)? {
                Some(elem) => Form::Array { elem, len: *len },
                None => return unseen(*len > 0),
            },
            Shape::Map { key, elem, filled } => match (self.of_shape(key)?, self.of_shape(elem)?) {
                (Some(key), Some(elem)) => Form::Map { key, elem },
                _ => return unseen(*filled),
            },
            Shape::Struct { name, fields } => {
                let mut own = Vec::with_capacity(fields.len());
                for (name, shape) in fields {
                    if let Some(id) = self.of_shape(shape)? {
                        own.push(Field { name, id });
                    }
                }
                Form::Struct { name, fields: own.into() }
            }
        };
        self.find_or_push(form).map(Some)
    }

    /// Appends the definitions a peer needs for values of type `id` and has not got: the type itself, then those it
    /// is made of, depth first.
    #[inline]
    pub(super) fn define(&mut self, id: Id, out: &mut BytesMut) {
        if !self.is_defined(id) {
            self.define_new(id, out);
        }
    }

    #[inline]
    fn is_defined(&self, id: Id) -> bool {
        match self.entries.get(place(id)) {
            Some(entry) => entry.defined,
            None => id < HEADER || self.defined & fixed_bit(id) != 0,
        }
    }

    #[cold]
    fn define_new(&mut self, id: Id, out: &mut BytesMut) {
        let mut due = vec![id];
        while let Some(id) = due.pop() {
            if self.is_defined(id) {
                continue;
            }
            self.fresh.push(id);
            match self.entries.get_mut(place(id)) {
                Some(entry) => entry.defined = true,
                None => self.defined |= fixed_bit(id),
            }
            let Some(form) = self.form(id) else { continue };
            put_definition(id, form, out);
            match form {
                Form::Array { elem, .. } | Form::Slice { elem } => due.push(*elem),
                Form::Map { key, elem } => due.extend([*elem, *key]),
                Form::Struct { fields, .. } => due.extend(fields.iter().rev().map(|field| field.id)),
                Form::Time | Form::Marshaled(_) => {}
            }
        }
    }
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
        Form::Struct { .. } | Form::Time | Form::Marshaled(_) => {}
    }
    body.extend_from_slice(&[0, 0]);
    put_bytes(out, &body);
}
