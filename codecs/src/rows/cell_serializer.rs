//! One value as a cell.

use super::{cell::Cell, cell_error::CellError, shape::Kind};
use crate::{
    error::EncodeError,
    serde_methods::{compound_types, forward_serialize, refuse_serialize},
    types::{TEXT, TIME, Time},
};
use serde::ser::{Impossible, Serialize, Serializer};

/// Takes one cell.
pub(super) type Put<'p> = &'p mut dyn FnMut(Cell<'_>) -> Result<(), EncodeError>;

/// Hands `value` to `put` as one cell: a list, map or struct as JSON.
pub(super) fn write_cell<T: Serialize + ?Sized>(value: &T, put: Put<'_>) -> Result<(), EncodeError> {
    // The form of binary formats, which has bytes, times and texts that are not UTF-8.
    match value.serialize(CellSerializer { put, role: Role::Plain, readable: false }) {
        Err(CellError::Nested) => {}
        result => return result.map_err(EncodeError::from),
    }
    let json = serde_json::to_string(value)
        .map_err(|error| EncodeError::new(format!("a cell is no JSON: {error}")))?;
    if json.starts_with(['{', '[']) {
        return put(Cell::Json(&json));
    }
    // Nested in binary formats only, such as addresses: for people it is a text.
    Ok(value.serialize(CellSerializer { put, role: Role::Plain, readable: true })?)
}

/// The kind of a value of no known type, which has none if it is NULL.
pub(super) fn kind_of<T: Serialize + ?Sized>(value: &T) -> Result<Option<Kind>, EncodeError> {
    let mut kind = None;
    let mut put = |cell: Cell<'_>| {
        kind = Kind::of_cell(&cell);
        Ok(())
    };
    match value.serialize(CellSerializer { put: &mut put, role: Role::Plain, readable: false }) {
        Ok(()) => Ok(kind),
        Err(CellError::Nested) => Ok(Some(Kind::Json)),
        Err(CellError::Unfit(error)) => Err(error),
    }
}

/// What the value next in line is, apart from what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    /// The packed form of a time.
    Time,
    /// The bytes of a text.
    Text,
}

struct CellSerializer<'p> {
    put: Put<'p>,
    role: Role,
    readable: bool,
}

macro_rules! cells {
    ($($method:ident($type:ty) => $kind:ident;)*) => {$(
        fn $method(self, value: $type) -> Result<(), CellError> {
            Ok((self.put)(Cell::$kind(value.into()))?)
        }
    )*};
}

impl Serializer for CellSerializer<'_> {
    type Ok = ();
    type Error = CellError;
    compound_types!(Impossible<(), CellError>);

    forward_serialize!(char, none, some, unit_struct, unit_variant);

    refuse_serialize!(Err(CellError::Nested); newtype_variant, compounds);

    cells! {
        serialize_bool(bool) => Bool;
        serialize_i8(i8) => Int;
        serialize_i16(i16) => Int;
        serialize_i32(i32) => Int;
        serialize_i64(i64) => Int;
        serialize_i128(i128) => Int;
        serialize_u8(u8) => Uint;
        serialize_u16(u16) => Uint;
        serialize_u32(u32) => Uint;
        serialize_u64(u64) => Uint;
        serialize_u128(u128) => Uint;
        serialize_f32(f32) => Float32;
        serialize_f64(f64) => Float;
    }

    fn serialize_str(self, value: &str) -> Result<(), CellError> {
        Ok((self.put)(Cell::Text(value.as_bytes()))?)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), CellError> {
        let cell = match self.role {
            Role::Text => Cell::Text(value),
            Role::Plain => Cell::Bytes(value),
            Role::Time => Cell::Time(
                Time::from_packed_bytes(value).ok_or_else(|| CellError::unfit("packed time out of range"))?,
            ),
        };
        Ok((self.put)(cell)?)
    }

    fn serialize_unit(self) -> Result<(), CellError> {
        Ok((self.put)(Cell::Null)?)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), CellError> {
        let role = match name {
            TIME => Role::Time,
            TEXT => Role::Text,
            _ => Role::Plain,
        };
        value.serialize(CellSerializer { role, ..self })
    }

    fn is_human_readable(&self) -> bool {
        self.readable
    }
}
