//! A value taken apart, one level deep: the elements of a list, the fields of a struct.

use super::{
    cell::{Cell, OwnedCell},
    cell_error::CellError,
    cell_serializer::write_cell,
};
use crate::error::EncodeError;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

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
    fn null(&mut self) -> Result<(), EncodeError>;

    /// Whether it wants the parts of such a value.
    fn begin(&mut self, kind: CompoundKind) -> Result<bool, EncodeError>;

    /// The next part.
    fn part<T: Serialize + ?Sized>(&mut self, name: Name<'_>, value: &T) -> Result<(), EncodeError>;

    /// There are no more.
    fn end(&mut self) -> Result<(), EncodeError>;
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

macro_rules! whole {
    ($($method:ident($($type:ty),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<(), CellError> {
            Err(CellError::Nested)
        }
    )*};
}

impl<'p, P: Parts> Serializer for Split<'p, P> {
    type Ok = ();
    type Error = CellError;
    type SerializeSeq = Inside<'p, P>;
    type SerializeTuple = Inside<'p, P>;
    type SerializeTupleStruct = Inside<'p, P>;
    type SerializeTupleVariant = Inside<'p, P>;
    type SerializeMap = Inside<'p, P>;
    type SerializeStruct = Inside<'p, P>;
    type SerializeStructVariant = Inside<'p, P>;

    whole! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_none(self) -> Result<(), CellError> {
        Ok(self.0.null()?)
    }

    fn serialize_unit(self) -> Result<(), CellError> {
        Ok(self.0.null()?)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CellError> {
        Ok(self.0.null()?)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CellError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CellError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), CellError> {
        Err(CellError::Nested)
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

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside<'p, P>, CellError> {
        Err(CellError::Nested)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside<'p, P>, CellError> {
        Err(CellError::Nested)
    }

    /// As cells are read: [`write_cell`].
    fn is_human_readable(&self) -> bool {
        false
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

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), CellError> {
        Ok(self.parts.part(Name::Field(name), value)?)
    }

    fn end(self) -> Result<(), CellError> {
        Ok(self.parts.end()?)
    }
}

macro_rules! elements {
    ($($kind:ident: $method:ident;)*) => {$(
        impl<P: Parts> $kind for Inside<'_, P> {
            type Ok = ();
            type Error = CellError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CellError> {
                self.element(value)
            }

            fn end(self) -> Result<(), CellError> {
                self.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! fields {
    ($($kind:ident;)*) => {$(
        impl<P: Parts> $kind for Inside<'_, P> {
            type Ok = ();
            type Error = CellError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), CellError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), CellError> {
                self.end()
            }
        }
    )*};
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

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
        self.end()
    }
}
