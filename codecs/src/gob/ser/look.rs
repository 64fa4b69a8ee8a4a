//! Looks at a value and tells its [`Shape`]; writes nothing.

use super::{MAX_DEPTH, Result, SerError, Shape, Structs, refused_int128, refused_variant};
use crate::{
    gob::{
        define,
        types::{Id, Marshaler},
    },
    types::{ANY, BINARY_MARSHALED, COMPLEX, GOB_ENCODED, INTERFACE, TEXT, TIME},
};
use serde::{
    Serialize,
    ser::{self, Impossible},
};

/// What a value shows.
#[derive(Debug)]
pub(in crate::gob) struct Seen {
    pub(in crate::gob) shape: Shape,
    /// The shapes of the values it holds in interfaces, in their order.
    pub(in crate::gob) held: Vec<Shape>,
    pub(in crate::gob) structs: Structs,
}

/// Looks at `value`, of whose structs `structs` may be known already.
pub(in crate::gob) fn look<T: Serialize + ?Sized>(value: &T, structs: Structs) -> Result<Seen> {
    let mut seen = Seen { shape: Shape::Unseen, held: Vec::new(), structs };
    seen.shape = value.serialize(Look { seen: &mut seen, depth: 0, is_field: false, of_interface: false })?;
    Ok(seen)
}

struct Look<'a> {
    seen: &'a mut Seen,
    depth: usize,
    /// Whether a `()` may be left out.
    is_field: bool,
    /// The next newtype is the name of an interface's value.
    of_interface: bool,
}

impl<'a> Look<'a> {
    fn deeper(self) -> Result<Self> {
        if self.depth == MAX_DEPTH {
            return Err(SerError::too_deep());
        }
        Ok(Self { seen: self.seen, depth: self.depth + 1, is_field: false, of_interface: false })
    }

    /// An interface that holds `value`.
    fn interface<T: Serialize + ?Sized>(self, value: &T) -> Result<Shape> {
        let Self { seen, depth, .. } = self.deeper()?;
        // Values inside come after it.
        let at = seen.held.len();
        seen.held.push(Shape::Unseen);
        let shape =
            value.serialize(Look { seen: &mut *seen, depth, is_field: false, of_interface: false })?;
        if let Some(place) = seen.held.get_mut(at) {
            *place = shape;
        }
        Ok(Shape::Scalar(Id::INTERFACE))
    }

    fn list(self, kind: Kind) -> Result<Elements<'a>> {
        let Self { seen, depth, .. } = self.deeper()?;
        Ok(Elements { seen, depth, kind, key: Shape::Unseen, elem: Shape::Unseen, count: 0 })
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) => $id:expr,)*) => {$(
        fn $method(self, _: $type) -> Result<Shape> {
            Ok(Shape::Scalar($id))
        }
    )*};
}

impl<'a> ser::Serializer for Look<'a> {
    type Ok = Shape;
    type Error = SerError;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Impossible<Shape, SerError>;
    type SerializeMap = Elements<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<Shape, SerError>;

    fn is_human_readable(&self) -> bool {
        false
    }

    scalars! {
        serialize_bool(bool) => Id::BOOL,
        serialize_i8(i8) => Id::INT,
        serialize_i16(i16) => Id::INT,
        serialize_i32(i32) => Id::INT,
        serialize_i64(i64) => Id::INT,
        serialize_u8(u8) => Id::UINT,
        serialize_u16(u16) => Id::UINT,
        serialize_u32(u32) => Id::UINT,
        serialize_u64(u64) => Id::UINT,
        serialize_f32(f32) => Id::FLOAT,
        serialize_f64(f64) => Id::FLOAT,
        serialize_char(char) => Id::STRING,
        serialize_str(&str) => Id::STRING,
        serialize_bytes(&[u8]) => Id::BYTES,
    }

    fn serialize_i128(self, _: i128) -> Result<Shape> {
        Err(refused_int128())
    }

    fn serialize_u128(self, _: u128) -> Result<Shape> {
        Err(refused_int128())
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, _: &T) -> Result<Shape> {
        Ok(Shape::Scalar(Id::STRING))
    }

    fn serialize_none(self) -> Result<Shape> {
        Ok(Shape::Unseen)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shape> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Shape> {
        Ok(if self.is_field { Shape::Unseen } else { Shape::Unit })
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Shape> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<Shape> {
        Ok(Shape::Scalar(Id::STRING))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<Shape> {
        if self.of_interface {
            return self.interface(value);
        }
        match name {
            TEXT => Ok(Shape::Scalar(Id::STRING)),
            TIME => Ok(Shape::Scalar(define::TIME)),
            COMPLEX => Ok(Shape::Scalar(Id::COMPLEX)),
            ANY => Ok(Shape::Scalar(Id::INTERFACE)),
            INTERFACE => value.serialize(Self { of_interface: true, ..self }),
            GOB_ENCODED => Ok(Shape::Marshaled(Marshaler::Gob)),
            BINARY_MARSHALED => Ok(Shape::Marshaled(Marshaler::Binary)),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Shape> {
        self.interface(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>> {
        self.list(Kind::List)
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'a>> {
        self.list(Kind::Array)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'a>> {
        self.list(Kind::Array)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        Err(refused_variant(name, variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Elements<'a>> {
        self.list(Kind::Map)
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'a>> {
        let Self { seen, depth, .. } = self.deeper()?;
        Ok(Fields { seen, depth, name, fields: Vec::with_capacity(len) })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant> {
        Err(refused_variant(name, variant))
    }
}

enum Kind {
    List,
    Array,
    Map,
}

/// A list, array or map, of whose elements the shapes are put together.
struct Elements<'a> {
    seen: &'a mut Seen,
    depth: usize,
    kind: Kind,
    key: Shape,
    elem: Shape,
    count: usize,
}

impl Elements<'_> {
    fn shape_of<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Shape> {
        value.serialize(Look { seen: self.seen, depth: self.depth, is_field: false, of_interface: false })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let shape = self.shape_of(value)?;
        self.count += 1;
        let elem = std::mem::replace(&mut self.elem, Shape::Unseen);
        self.elem = self.seen.structs.merge(elem, shape)?;
        Ok(())
    }

    fn shape(self) -> Shape {
        let (elem, filled) = (Box::new(self.elem), self.count > 0);
        match self.kind {
            Kind::List => Shape::List { elem, filled },
            Kind::Array => Shape::Array { elem, len: self.count },
            Kind::Map => Shape::Map { key: Box::new(self.key), elem, filled },
        }
    }
}

macro_rules! elements {
    ($($trait:ident :: $method:ident),*) => {$(
        impl ser::$trait for Elements<'_> {
            type Ok = Shape;
            type Error = SerError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(value)
            }

            fn end(self) -> Result<Shape> {
                Ok(self.shape())
            }
        }
    )*};
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
);

impl ser::SerializeMap for Elements<'_> {
    type Ok = Shape;
    type Error = SerError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        let shape = self.shape_of(key)?;
        let key = std::mem::replace(&mut self.key, Shape::Unseen);
        self.key = self.seen.structs.merge(key, shape)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<Shape> {
        Ok(self.shape())
    }
}

struct Fields<'a> {
    seen: &'a mut Seen,
    depth: usize,
    name: &'static str,
    fields: Vec<(&'static str, Shape)>,
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = Shape;
    type Error = SerError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        let look = Look { seen: self.seen, depth: self.depth, is_field: true, of_interface: false };
        self.fields.push((key, value.serialize(look)?));
        Ok(())
    }

    /// Keeps the place of a field that this value does not have.
    fn skip_field(&mut self, key: &'static str) -> Result<()> {
        self.fields.push((key, Shape::Unseen));
        Ok(())
    }

    fn end(self) -> Result<Shape> {
        self.seen.structs.add(self.name, self.fields)
    }
}
