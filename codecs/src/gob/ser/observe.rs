//! Looks at a value and tells its [`Shape`]; writes nothing.

use super::{MAX_DEPTH, Result, SerError, Shape, Structs, refuse_variants, refused_int128, refused_variant};
use crate::{
    form::{Form, FormScope},
    gob::{
        define,
        types::{Id, Marshaler},
    },
    serde_methods::{compound_types, forward_serialize, impl_elements},
    types::{ANY, BINARY_MARSHALED, COMPLEX, GOB_ENCODED, INTERFACE, TEXT, TIME},
};
use serde::{
    Serialize,
    ser::{self, Impossible},
};

/// What a value shows.
#[derive(Debug)]
pub(in crate::gob) struct Observation {
    pub(in crate::gob) shape: Shape,
    /// The shapes of the values it holds in interfaces, in their order.
    pub(in crate::gob) held: Vec<Shape>,
    pub(in crate::gob) structs: Structs,
}

/// Looks at `value`, of whose structs `structs` may be known already.
pub(in crate::gob) fn observe<T: Serialize + ?Sized>(value: &T, structs: Structs) -> Result<Observation> {
    let mut observed = Observation { shape: Shape::Unobserved, held: Vec::new(), structs };
    let _form = FormScope::enter(Form::Gob);
    observed.shape = value.serialize(Observer::new(&mut observed, 0))?;
    Ok(observed)
}

struct Observer<'a> {
    observed: &'a mut Observation,
    depth: usize,
    /// Whether a `()` may be left out.
    is_field: bool,
    /// The next newtype is the name of an interface's value.
    of_interface: bool,
}

impl<'a> Observer<'a> {
    fn new(observed: &'a mut Observation, depth: usize) -> Self {
        Self { observed, depth, is_field: false, of_interface: false }
    }

    fn deeper(self) -> Result<Self> {
        if self.depth == MAX_DEPTH {
            return Err(SerError::too_deep());
        }
        Ok(Self::new(self.observed, self.depth + 1))
    }

    /// An interface that holds `value`.
    fn interface<T: Serialize + ?Sized>(self, value: &T) -> Result<Shape> {
        let Self { observed, depth, .. } = self.deeper()?;
        // Values inside come after it.
        let at = observed.held.len();
        observed.held.push(Shape::Unobserved);
        let shape = value.serialize(Observer::new(observed, depth))?;
        if let Some(place) = observed.held.get_mut(at) {
            *place = shape;
        }
        Ok(Shape::Scalar(Id::INTERFACE))
    }

    fn list(self, kind: Kind) -> Result<Elements<'a>> {
        let Self { observed, depth, .. } = self.deeper()?;
        Ok(Elements { observed, depth, kind, key: Shape::Unobserved, elem: Shape::Unobserved, count: 0 })
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) => $id:expr,)*) => {$(
        fn $method(self, _: $type) -> Result<Shape> {
            Ok(Shape::Scalar($id))
        }
    )*};
}

impl<'a> ser::Serializer for Observer<'a> {
    type Ok = Shape;
    type Error = SerError;
    compound_types!(Elements<'a>: SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeMap);
    type SerializeStruct = Fields<'a>;
    refuse_variants!(Shape);

    forward_serialize!(some, unit_struct, tuple_struct, binary);

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
        Ok(Shape::Unobserved)
    }

    fn serialize_unit(self) -> Result<Shape> {
        Ok(if self.is_field { Shape::Unobserved } else { Shape::Unit })
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
            // Only for the values that it holds under names of their own.
            ANY => value.serialize(self).map(|_| Shape::Scalar(Id::INTERFACE)),
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

    /// A struct with flattened fields comes as a map whose length is not known.
    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'a>> {
        self.list(if len.is_some() { Kind::Map } else { Kind::Flattened })
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'a>> {
        let Self { observed, depth, .. } = self.deeper()?;
        Ok(Fields { observed, depth, name, fields: Vec::with_capacity(len) })
    }
}

enum Kind {
    List,
    Array,
    Map,
    Flattened,
}

/// A list, array or map, of whose elements the shapes are put together.
struct Elements<'a> {
    observed: &'a mut Observation,
    depth: usize,
    kind: Kind,
    key: Shape,
    elem: Shape,
    count: usize,
}

impl Elements<'_> {
    fn shape_of<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Shape> {
        value.serialize(Observer::new(self.observed, self.depth))
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let shape = self.shape_of(value)?;
        self.count += 1;
        let elem = std::mem::replace(&mut self.elem, Shape::Unobserved);
        self.elem = self.observed.structs.merge(elem, shape).map_err(|error| match self.kind {
            Kind::Flattened => SerError::refused(
                "gob: no form for a struct with #[serde(flatten)]: Go has embedded structs in fields named after \
                 their types; use such a field",
            ),
            _ => error,
        })?;
        Ok(())
    }

    fn close(self) -> Result<Shape> {
        let (elem, filled) = (Box::new(self.elem), self.count > 0);
        Ok(match self.kind {
            Kind::List => Shape::List { elem, filled },
            Kind::Array => Shape::Array { elem, len: self.count },
            Kind::Map | Kind::Flattened => Shape::Map { key: Box::new(self.key), elem, filled },
        })
    }
}

impl_elements!([] [] Elements<'_> => Shape, SerError: SerializeSeq, SerializeTuple, SerializeTupleStruct);

impl ser::SerializeMap for Elements<'_> {
    type Ok = Shape;
    type Error = SerError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        let shape = self.shape_of(key)?;
        let key = std::mem::replace(&mut self.key, Shape::Unobserved);
        self.key = self.observed.structs.merge(key, shape)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<Shape> {
        self.close()
    }
}

struct Fields<'a> {
    observed: &'a mut Observation,
    depth: usize,
    name: &'static str,
    fields: Vec<(&'static str, Shape)>,
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = Shape;
    type Error = SerError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        let observer = Observer { is_field: true, ..Observer::new(self.observed, self.depth) };
        self.fields.push((key, value.serialize(observer)?));
        Ok(())
    }

    /// Keeps the place of a field that this value does not have.
    fn skip_field(&mut self, key: &'static str) -> Result<()> {
        self.fields.push((key, Shape::Unobserved));
        Ok(())
    }

    fn end(self) -> Result<Shape> {
        self.observed.structs.add(self.name, self.fields)
    }
}
