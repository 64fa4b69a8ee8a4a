//! The header structs of both directions, read by hand.
//!
//! Shape: request `{ServiceMethod string, Seq uint}`, reply `{ServiceMethod string, Seq uint, Error string}`, by the
//! names in the definition that the peer sent, in any order, other fields skipped, absent ones zero. Optional fields of
//! ours that other peers skip: request `Timeout` (int or uint, milliseconds) and `Details` (bool), reply `Code`
//! (string) and `Data` (a string of JSON). Source: Go `net/rpc` `Request`, `Response`.

use super::{
    scan::{Walk, next_field},
    types::{Field, Id, Type, Types},
    value_reader::malformed,
    wire::{Reader, WireError},
};
use crate::{codec::timeout_of, error::DecodeError};
use std::{ops::Range, time::Duration};

/// What a field of a header means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    ServiceMethod,
    Seq,
    Error,
    TimeoutInt,
    TimeoutUint,
    Details,
    Code,
    Data,
    Other,
}

/// Fields whose roles are kept; those of further ones are found out each time.
const PLANNED: usize = 12;

/// The roles of the first fields of a struct that headers are made of.
#[derive(Debug, Clone, Copy)]
struct Plan {
    id: Id,
    roles: [Role; PLANNED],
}

/// What the peer's header structs look like: the one used last, and the one used before it, for peers that use two in
/// turn. Nothing here is on the heap, where thousands of idle connections would pay for it.
#[derive(Debug, Default)]
pub(super) struct Plans {
    last: Option<Plan>,
    before: Option<Plan>,
}

impl Plans {
    /// The roles of the first fields of the struct `id`.
    ///
    /// # Errors
    /// It is no struct, has a field we know under another type, or none that we know.
    #[inline]
    fn of(&mut self, types: &Types, id: Id) -> Result<&[Role; PLANNED], &'static str> {
        if self.last.is_none_or(|plan| plan.id != id) {
            std::mem::swap(&mut self.last, &mut self.before);
        }
        let last = match self.last {
            Some(plan) if plan.id == id => plan,
            _ => Plan { id, roles: roles(types, id)? },
        };
        Ok(&self.last.insert(last).roles)
    }

    /// Where in `header` the method lies, and the number, if it is of the type used last, which begins with these two
    /// fields, and has them and no others.
    #[inline]
    pub(super) fn plain(&self, header: &[u8]) -> Option<(Range<usize>, u64)> {
        let Plan { id, roles } = self.last.as_ref()?;
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
fn roles(types: &Types, id: Id) -> Result<[Role; PLANNED], &'static str> {
    let fields = match types.get(id) {
        Some(Type::Struct(fields)) => types.fields(fields),
        Some(_) => return Err("header is no struct"),
        None => return Err("header of an undefined type"),
    };
    let (mut roles, mut known) = ([Role::Other; PLANNED], fields.is_empty());
    for (number, &field) in fields.iter().enumerate() {
        let role = role(types, field)?;
        known |= matches!(role, Role::ServiceMethod | Role::Seq | Role::Error);
        if let Some(place) = roles.get_mut(number) {
            *place = role;
        }
    }
    if known { Ok(roles) } else { Err("no field of a header") }
}

fn role(types: &Types, field: Field) -> Result<Role, &'static str> {
    match (types.field_name(field), field.id) {
        ("ServiceMethod", Id::STRING) => Ok(Role::ServiceMethod),
        ("Seq", Id::UINT) => Ok(Role::Seq),
        ("Error", Id::STRING) => Ok(Role::Error),
        ("ServiceMethod" | "Seq" | "Error", _) => Err("wrong type for a field of the header"),
        ("Timeout", Id::INT) => Ok(Role::TimeoutInt),
        ("Timeout", Id::UINT) => Ok(Role::TimeoutUint),
        ("Details", Id::BOOL) => Ok(Role::Details),
        ("Code", Id::STRING) => Ok(Role::Code),
        ("Data", Id::STRING) => Ok(Role::Data),
        _ => Ok(Role::Other),
    }
}

/// What a header says; ranges count from the start of the buffer.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) service_method: Range<usize>,
    pub(super) seq: u64,
    pub(super) error: Range<usize>,
    pub(super) timeout: Option<Duration>,
    pub(super) details: bool,
    pub(super) code: Range<usize>,
    pub(super) data: Range<usize>,
}

impl Header {
    /// Reads the value that lies at `at` in `buf`.
    #[inline]
    pub(super) fn read(
        plans: &mut Plans,
        types: &Types,
        buf: &[u8],
        at: Range<usize>,
    ) -> Result<Self, DecodeError> {
        let end = at.end;
        let mut reader = Reader::new(buf.get(at.clone()).unwrap_or_default());
        // A message begins with the id of its value.
        let id = reader.int().ok().and_then(Id::new);
        let id = id.ok_or_else(|| malformed(at.start, "header of an undefined type"))?;
        let roles = plans.of(types, id).map_err(|what| malformed(at.start, what))?;
        let mut header = Self::default();
        let read = header.fields(roles, types, id, &mut reader, end);
        read.map_err(|error| malformed(end - reader.rest().len(), error.what()))?;
        Ok(header)
    }

    #[inline]
    fn fields(
        &mut self,
        roles: &[Role; PLANNED],
        types: &Types,
        id: Id,
        reader: &mut Reader<'_>,
        end: usize,
    ) -> Result<(), WireError> {
        let Some(Type::Struct(fields)) = types.get(id) else { return Ok(()) };
        let (fields, mut next) = (types.fields(fields), 0);
        let text = |reader: &mut Reader<'_>| {
            let len = reader.bytes()?.len();
            let end = end - reader.rest().len();
            Ok(end - len..end)
        };
        while let Some((number, field)) = next_field(fields, reader, next)? {
            next = number + 1;
            let known = roles.get(number).copied();
            match known.or_else(|| role(types, *field).ok()).unwrap_or(Role::Other) {
                Role::ServiceMethod => self.service_method = text(reader)?,
                Role::Seq => self.seq = reader.uint()?,
                Role::Error => self.error = text(reader)?,
                Role::TimeoutInt => self.timeout = u64::try_from(reader.int()?).ok().and_then(timeout_of),
                Role::TimeoutUint => self.timeout = timeout_of(reader.uint()?),
                Role::Details => self.details = reader.uint()? != 0,
                Role::Code => self.code = text(reader)?,
                Role::Data => self.data = text(reader)?,
                Role::Other => Walk::skip(types, reader, field.id)?,
            }
        }
        Ok(())
    }
}
