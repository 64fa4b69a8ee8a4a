//! The header structs of both directions, read by hand.
//!
//! Shape: request `{ServiceMethod string, Seq uint}`, reply `{ServiceMethod string, Seq uint, Error string}`, by the
//! names in the definition that the peer sent, in any order, other fields skipped, absent ones zero; an `Error` of any
//! type is one. Optional fields of
//! ours that other peers skip: request `Timeout` (int or uint, milliseconds) and `Details` (bool), reply `Code`
//! (string) and `Data` (a string of JSON). Source: Go `net/rpc` `Request`, `Response`.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::{
    cache::{CACHED_FIELDS, HeaderLayouts, Role, role},
    scan::{Walk, next_field},
    types::{Id, Type, Types},
    value_from_slice,
    value_reader::{ReadError, Span, ValueReader, malformed},
    wire::{Reader, WireError, put_int},
};
use crate::{codec::timeout_of, error::DecodeError, message::ErrorReply, two_part::Header, types::Any};
use std::ops::Range;

/// A header, and where its `Error` lies if that is no string.
pub(super) type GobHeader = Header<Option<Box<OtherError>>>;

/// An `Error` of another type than a string.
#[derive(Debug)]
pub(super) struct OtherError {
    id: Id,
    at: Range<usize>,
}

impl OtherError {
    /// What it says, unless that is nil; `bytes` are those of its message.
    #[cold]
    pub(super) fn read(&self, types: &Types, bytes: &[u8]) -> Option<Box<ErrorReply>> {
        let mut value = Vec::new();
        put_int(&mut value, self.id.number());
        if !matches!(types.get(self.id), Some(Type::Struct(_))) {
            value.push(0);
        }
        value.extend_from_slice(bytes.get(self.at.clone()).unwrap_or_default());
        match value_from_slice(types, &value) {
            Ok(Any::Null) => None,
            value => Some(Box::new(ErrorReply::of_value(value))),
        }
    }
}

impl GobHeader {
    /// The header at the front of `buf`, as soon as it is there; with its definitions it may have `limit` bytes.
    #[inline]
    pub(super) fn next(
        values: &mut ValueReader,
        layouts: &mut HeaderLayouts,
        buf: &[u8],
        limit: usize,
    ) -> Result<Option<Self>, DecodeError> {
        let at = match values.next(buf, limit) {
            Ok(None) => return Ok(None),
            Ok(Some(Span::Whole(at))) => at,
            Ok(Some(Span::Pieces(_))) => return Err(malformed(0, "definition inside a header")),
            Err(ReadError::Value(_)) => return Err(malformed(0, "broken header")),
            Err(ReadError::Stream(error)) => return Err(error),
        };
        let (types, end) = (values.types(), at.end);
        let mut reader = Reader::new(buf.get(at.clone()).unwrap_or_default());
        // A message begins with the id of its value.
        let id = reader.int().ok().and_then(Id::new);
        let id = id.ok_or_else(|| malformed(at.start, "header of an undefined type"))?;
        let roles = layouts.of(types, id).map_err(|what| malformed(at.start, what))?;
        let mut header = Self { len: values.at(), ..Self::default() };
        let read = header.fields(roles, types, id, &mut reader, end);
        read.map_err(|error| malformed(reader.at(end), error.what()))?;
        Ok(Some(header))
    }

    #[inline]
    fn fields(
        &mut self,
        roles: &[Role; CACHED_FIELDS],
        types: &Types,
        id: Id,
        reader: &mut Reader<'_>,
        end: usize,
    ) -> Result<(), WireError> {
        let Some(Type::Struct(fields)) = types.get(id) else { return Ok(()) };
        let (fields, mut next) = (types.fields(fields), 0);
        let text = |reader: &mut Reader<'_>| {
            let len = reader.bytes()?.len();
            let end = reader.at(end);
            Ok(end.saturating_sub(len)..end)
        };
        while let Some((number, field)) = next_field(fields, reader, next)? {
            next = number.saturating_add(1);
            let known = roles.get(number).copied();
            match known.or_else(|| role(types, *field).ok()).unwrap_or(Role::Other) {
                Role::ServiceMethod => self.service_method = text(reader)?,
                Role::Seq => self.seq = reader.uint()?,
                Role::Error => self.error = text(reader)?,
                Role::OtherError => {
                    let start = reader.at(end);
                    Walk::skip(types, reader, field.id)?;
                    self.own = Some(Box::new(OtherError { id: field.id, at: start..reader.at(end) }));
                }
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
