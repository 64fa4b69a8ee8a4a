//! What the fields of the peer's header structs mean, so that their names are not compared again for each message.
//!
//! A peer may define a header with its fields in any order. Valid for good: a connection cannot define an id twice, so
//! the layout of one never changes.

use crate::gob::{
    types::{Field, Id, Type, Types},
    wire::Reader,
};
use std::ops::Range;

/// What a field of a header means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gob) enum Role {
    ServiceMethod,
    Seq,
    Error,
    /// An `Error` that is no string: ours to explain, not to refuse.
    OtherError,
    TimeoutInt,
    TimeoutUint,
    Details,
    Code,
    Data,
    Other,
}

/// Fields whose roles are kept; those of further ones are found out each time.
pub(in crate::gob) const CACHED_FIELDS: usize = 12;

/// The roles of the first fields of a struct that headers are made of.
#[derive(Debug, Clone, Copy)]
struct Layout {
    id: Id,
    roles: [Role; CACHED_FIELDS],
}

/// What the peer's header structs look like: the one used last, and the one used before it, for peers that use two in
/// turn. Nothing here is on the heap, where thousands of idle connections would pay for it.
#[derive(Debug, Default)]
pub(in crate::gob) struct HeaderLayouts {
    last: Option<Layout>,
    before: Option<Layout>,
}

impl HeaderLayouts {
    /// The roles of the first fields of the struct `id`.
    ///
    /// # Errors
    /// It is no struct, has a field we know under another type, or none that we know.
    #[inline]
    pub(in crate::gob) fn of(
        &mut self,
        types: &Types,
        id: Id,
    ) -> Result<&[Role; CACHED_FIELDS], &'static str> {
        if self.last.is_none_or(|layout| layout.id != id) {
            std::mem::swap(&mut self.last, &mut self.before);
        }
        let last = match self.last {
            Some(layout) if layout.id == id => layout,
            _ => Layout { id, roles: roles(types, id)? },
        };
        Ok(&self.last.insert(last).roles)
    }

    /// Where in `header` the method lies, and the number, if it is of the type used last, which begins with these two
    /// fields, and has them and no others.
    #[inline]
    pub(in crate::gob) fn plain(&self, header: &[u8]) -> Option<(Range<usize>, u64)> {
        let Layout { id, roles } = self.last.as_ref()?;
        let mut reader = Reader::new(header);
        if reader.int() != Ok(id.number()) || !matches!(roles, [Role::ServiceMethod, Role::Seq, ..]) {
            return None;
        }
        reader.tag(1)?;
        let len = reader.bytes().ok()?.len();
        let end = header.len() - reader.rest().len();
        reader.tag(1)?;
        let seq = reader.uint().ok()?;
        (reader.rest() == [0]).then_some((end - len..end, seq))
    }
}

#[cold]
fn roles(types: &Types, id: Id) -> Result<[Role; CACHED_FIELDS], &'static str> {
    let fields = match types.get(id) {
        Some(Type::Struct(fields)) => types.fields(fields),
        Some(_) => return Err("header is no struct"),
        None => return Err("header of an undefined type"),
    };
    let (mut roles, mut known) = ([Role::Other; CACHED_FIELDS], fields.is_empty());
    for (number, &field) in fields.iter().enumerate() {
        let role = role(types, field)?;
        known |= matches!(role, Role::ServiceMethod | Role::Seq | Role::Error | Role::OtherError);
        if let Some(place) = roles.get_mut(number) {
            *place = role;
        }
    }
    if known { Ok(roles) } else { Err("no field of a header") }
}

/// What one field means.
///
/// # Errors
/// It is one that we know under another type.
pub(in crate::gob) fn role(types: &Types, field: Field) -> Result<Role, &'static str> {
    match (types.field_name(field), field.id) {
        ("ServiceMethod", Id::STRING) => Ok(Role::ServiceMethod),
        ("Seq", Id::UINT) => Ok(Role::Seq),
        ("Error", Id::STRING) => Ok(Role::Error),
        ("Error", _) => Ok(Role::OtherError),
        ("ServiceMethod" | "Seq", _) => Err("wrong type for a field of the header"),
        ("Timeout", Id::INT) => Ok(Role::TimeoutInt),
        ("Timeout", Id::UINT) => Ok(Role::TimeoutUint),
        ("Details", Id::BOOL) => Ok(Role::Details),
        ("Code", Id::STRING) => Ok(Role::Code),
        ("Data", Id::STRING) => Ok(Role::Data),
        _ => Ok(Role::Other),
    }
}
