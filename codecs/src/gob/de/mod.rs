//! Gob into values of ours: a serde deserializer over the bytes of one value and the types its peer has defined.
//!
//! [`deserializer`] hears what the target asks for, [`typed_value`] reads it if the peer's type fits; [`access`] walks
//! lists and maps, [`fields`] structs, and [`named_fields`] those that become maps. Types fit as in Go. A field that
//! the peer's type has and the value has not is zero, as it was when the peer left it out; a field that the peer's type
//! lacks is left to serde's own defaults and options, and only where there are none it is zero, as in Go. Source: Go
//! `encoding/gob` `decode.go`.

mod access;
mod deserializer;
mod error;
mod fields;
mod named_fields;
mod typed_value;

use super::{
    scan::{UNDEFINED, singleton},
    types::{Id, Type, Types},
    wire::Reader,
};
use crate::{
    again::{Again, read_again},
    budget::DecodeBudget,
    codec::{Decoding, Limits},
    error::ValueError,
    form::Form,
};
use error::DeError;
use serde::de::DeserializeOwned;
use typed_value::TypedValue;

/// Bytes of fields' names that targets without fields of their own get for nothing, and for each byte of the value.
const FREE_NAME_BYTES: usize = 64 << 10;
const NAME_BYTES_PER_BYTE: usize = 16;

/// Fields that are looked for though they are not there, for each byte of the value and for nothing: they cost the peer
/// nothing, so they may not cost us much.
const ABSENT_FIELDS_PER_BYTE: usize = 64;
const FREE_ABSENT_FIELDS: usize = 1 << 20;

/// Decodes one value into `T`.
///
/// Shape: the type's id, then the value as Go frames it (a zero in front of everything but structs), without the
/// definitions that Go puts inside values with interfaces; further bytes do not count. Integers with a sign, without
/// one, floats, texts, bytes, lists and arrays never stand for each other; a struct takes fields by their exact names
/// and ignores others, but one whose name differs in nothing but case from a field that nothing was received for is an
/// error. A name of a field may be at most 1024 bytes, values may be nested 100 levels deep.
///
/// # Errors
/// The bytes do not fit `T`, or would take more memory than [`Limits`](crate::Limits) allow by default; the connection
/// goes on. Deeper nesting is [fatal](ValueError::is_fatal).
///
/// Source: Go `encoding/gob` `Decoder.DecodeValue`.
///
/// ```
/// use rpcwrap_codecs::gob::{Types, value_from_slice};
/// assert_eq!(value_from_slice::<i64>(&Types::new(), b"\x04\0\x70").unwrap(), 56);
/// ```
#[inline]
pub fn value_from_slice<T: DeserializeOwned>(types: &Types, value: &[u8]) -> Result<T, ValueError> {
    value_from_slice_within(types, value, &Decoding::new(&Limits::DEFAULT))
}

/// As [`value_from_slice`], within the limits of `decoding`, which learns what the value takes.
///
/// # Errors
/// As [`value_from_slice`].
#[inline]
pub fn value_from_slice_within<T: DeserializeOwned>(
    types: &Types,
    value: &[u8],
    decoding: &Decoding<'_>,
) -> Result<T, ValueError> {
    read_again(|again| decode(types, value, again, decoding))
}

/// One attempt. Apart from the loop around it, out of which the compiler would take what only long values need.
#[inline(never)]
fn decode<T: DeserializeOwned>(
    types: &Types,
    value: &[u8],
    again: &Again,
    decoding: &Decoding<'_>,
) -> Result<T, DeError> {
    let mut reader = Reader::new(value);
    let id = Id::new(reader.int()?).ok_or(UNDEFINED)?;
    singleton(types, &mut reader, id)?;
    let budget = decoding.budget(value.len()).of_form(Form::Gob);
    budget.member::<T>();
    let len = value.len();
    let mut de =
        De { types, reader, again, budget, len, names: 0, absent: 0, ignored: false, named: 0, embedded: 0 };
    let value = T::deserialize(TypedValue { de: &mut de, id, depth: 0, absent: false });
    decoding.note(&de.budget);
    value
}

/// What all parts of one value share.
#[derive(Debug)]
struct De<'a, 'de> {
    types: &'a Types,
    reader: Reader<'de>,
    /// What an earlier reading found out: members that are handed over as zero though the peer's type lacks them, and
    /// whether serde may have kept a struct that has others embedded.
    again: &'a Again,
    budget: DecodeBudget,
    /// Bytes of the value.
    len: usize,
    /// Bytes of names handed over to targets that keep them.
    names: usize,
    /// Fields looked for that are not there.
    absent: usize,
    /// Whether the target said of the last value that it does not want it.
    ignored: bool,
    /// Values with names of their own around this one, of which all parts say what they are.
    named: u32,
    /// Structs around this one whose fields are handed over a second time, as those of the struct they are embedded in.
    embedded: u32,
}

impl De<'_, '_> {
    /// Counts fields that are looked for and not there.
    #[inline]
    fn look_for(&mut self, fields: usize) -> Result<(), DeError> {
        self.absent = self.absent.saturating_add(fields);
        if self.absent <= FREE_ABSENT_FIELDS.saturating_add(self.len.saturating_mul(ABSENT_FIELDS_PER_BYTE)) {
            Ok(())
        } else {
            Err(DeError::placed("gob: too many fields left out"))
        }
    }

    /// The peer's word for a type, without what it is made of.
    fn type_name(&self, id: Id) -> &str {
        let kind = match self.types.get(id) {
            None => "undefined",
            Some(Type::Bool) => "bool",
            Some(Type::Int) => "int",
            Some(Type::Uint) => "uint",
            Some(Type::Float) => "float",
            Some(Type::Bytes) => "bytes",
            Some(Type::String) => "string",
            Some(Type::Complex) => "complex",
            Some(Type::Interface) => "interface",
            Some(Type::Array { .. }) => "array",
            Some(Type::Slice { .. }) => "slice",
            Some(Type::Map { .. }) => "map",
            Some(Type::Struct(_)) => "struct",
            Some(Type::Opaque(_)) => "marshaler",
        };
        match self.types.name(id) {
            "" => kind,
            name => name,
        }
    }
}
