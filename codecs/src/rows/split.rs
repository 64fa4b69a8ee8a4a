//! A value taken apart, one level deep: the elements of a list, the fields of a struct.

use super::{
    cell::{Cell, OwnedCell},
    cell_error::CellError,
    cell_serializer::write_cell,
};
use crate::{
    error::EncodeError,
    serde_methods::{compound_types, forward_serialize, impl_elements, impl_members, refuse_serialize},
};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// What a value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompoundKind {
    List,
    Tuple,
    Struct,
    Map,
}

/// The name of a part.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    None,
    Field(&'static str),
    Key(&'a OwnedCell),
}

/// Takes the parts of one value.
pub(super) trait Parts {
    /// There is no value.
    fn null(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    /// Whether it wants the parts of such a value.
    fn begin(&mut self, kind: CompoundKind) -> Result<bool, EncodeError>;

    /// The next part.
    fn part<T: Serialize + ?Sized>(&mut self, name: Name<'_>, value: &T) -> Result<(), EncodeError>;

    /// There are no more.
    fn end(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// Hands the parts of `value` over; whether it has some that are wanted, or is nothing.
pub(super) fn split<T: Serialize + ?Sized>(value: &T, parts: &mut impl Parts) -> Result<bool, EncodeError> {
    match value.serialize(Split(parts)) {
        Ok(()) => Ok(true),
        Err(CellError::Nested) => Ok(false),
        Err(CellError::Unfit(error)) => Err(error),
    }
}

struct Split<'p, P>(&'p mut P);

impl<'p, P: Parts> Split<'p, P> {
    fn begin(self, kind: CompoundKind) -> Result<Inside<'p, P>, CellError> {
        // What is not taken apart is told from errors by this one.
        if self.0.begin(kind)? { Ok(Inside { parts: self.0, key: None }) } else { Err(CellError::Nested) }
    }
}

impl<'p, P: Parts> Serializer for Split<'p, P> {
    type Ok = ();
    type Error = CellError;
    compound_types!(Inside<'p, P>);

    // Binary, as cells are read: `write_cell`.
    forward_serialize!(none, some, unit_struct, newtype_struct, binary);

    refuse_serialize! {
        Err(CellError::Nested);
        bool, i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64, char, str, bytes, unit_variant,
        newtype_variant, tuple_variant, struct_variant
    }

    fn serialize_unit(self) -> Result<(), CellError> {
        Ok(self.0.null()?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'p, P>, CellError> {
        self.begin(CompoundKind::List)
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside<'p, P>, CellError> {
        self.begin(CompoundKind::Tuple)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'p, P>, CellError> {
        self.begin(CompoundKind::Tuple)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'p, P>, CellError> {
        self.begin(CompoundKind::Map)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'p, P>, CellError> {
        self.begin(CompoundKind::Struct)
    }
}

struct Inside<'p, P> {
    parts: &'p mut P,
    /// The key of a map whose value is next.
    key: Option<OwnedCell>,
}

impl<P: Parts> Inside<'_, P> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CellError> {
        Ok(self.parts.part(Name::None, value)?)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), CellError> {
        Ok(self.parts.part(Name::Field(name), value)?)
    }

    fn close(self) -> Result<(), CellError> {
        Ok(self.parts.end()?)
    }
}

impl_elements! {
    [] [P: Parts] Inside<'_, P> => (), CellError:
    SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant
}

impl_members!([] [P: Parts] Inside<'_, P> => (), CellError: SerializeStruct, SerializeStructVariant);

impl<P: Parts> SerializeMap for Inside<'_, P> {
    type Ok = ();
    type Error = CellError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CellError> {
        Ok(write_cell(key, &mut |cell: Cell<'_>| {
            self.key = Some(OwnedCell::new(cell));
            Ok(())
        })?)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CellError> {
        let key = self.key.take().ok_or_else(|| CellError::unfit("a value without a key"))?;
        Ok(self.parts.part(Name::Key(&key), value)?)
    }

    fn end(self) -> Result<(), CellError> {
        self.close()
    }
}
