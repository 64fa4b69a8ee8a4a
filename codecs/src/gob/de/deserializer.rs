//! What the target asks for: serde's calls on one value.

use super::{
    access::{ByteBuf, Bytes, InterfaceVariant},
    error::DeError,
    fields::Fields,
    typed_value::{TypedValue, deeper},
};
use crate::{
    budget::ListRoom,
    gob::{
        scan::{LENGTH_MISMATCH, Walk},
        types::{Id, Marshaler, Type},
    },
    serde_methods::{each_integer, forward_deserialize, read_numbers},
    types::{ANY, BINARY_MARSHALED, COMPLEX, GOB_ENCODED, TEXT, TIME},
    zero::ZeroFieldError as _,
};
use serde::{
    Deserializer,
    de::{
        IntoDeserializer, Visitor,
        value::{BorrowedBytesDeserializer, BorrowedStrDeserializer, SeqDeserializer},
    },
};

type Result<T> = std::result::Result<T, DeError>;

impl<'de> Deserializer<'de> for TypedValue<'_, '_, 'de> {
    type Error = DeError;

    forward_deserialize!('de: tuple_struct, #[inline] string, byte_buf, unit_struct, identifier, binary);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.de.budget.any::<V::Value>()?;
        self.any(false, visitor)
    }

    each_integer!(read_numbers);
    read_numbers! {
        deserialize_i128 => visit_i128, signed, "int128";
        deserialize_u128 => visit_u128, unsigned, "uint128";
        deserialize_f64 => visit_f64, float, "float64";
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = self.float("float32")?;
        // As in Go: infinities and NaN pass, what is too large for a float32 does not.
        if value.is_finite() && value.abs() > f64::from(f32::MAX) {
            return Err(DeError::range("float32"));
        }
        visitor.visit_f32(value as f32)
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_bool(self.bits(Id::BOOL, "bool")? != 0)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.utf8()? {
            "" => visitor.visit_char('\0'),
            text => visitor.visit_borrowed_str(text),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.kept_utf8()?)
    }

    /// Bytes, what a type marshals itself into, and lists of small enough unsigned integers.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let mut this = self.opened()?;
        match this.shape()? {
            Type::Bytes | Type::Opaque(_) => visitor.visit_borrowed_bytes(this.kept_bytes()?),
            Type::Interface => visitor.visit_borrowed_bytes(b""),
            Type::Slice { elem: Id::UINT } => {
                let left = this.count()?;
                visitor.visit_byte_buf(this.list(Id::UINT, left, None, ByteBuf)?)
            }
            Type::Array { elem: Id::UINT, len } => {
                let left = u64::from(len);
                if !this.absent && this.count()? != left {
                    return Err(LENGTH_MISMATCH.into());
                }
                visitor.visit_byte_buf(this.list(Id::UINT, left, None, ByteBuf)?)
            }
            _ => Err(this.mismatch("[]uint8")),
        }
    }

    /// As a pointer in Go: what is not there is none, and a nil interface neither.
    #[inline]
    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if self.absent || self.take_nil()? { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    /// Nothing to decode: a value of any type will do.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if !self.absent {
            Walk::skip(self.de.types, &mut self.de.reader, self.id)?;
        }
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        match name {
            TEXT => visitor.visit_newtype_struct(BorrowedBytesDeserializer::new(self.kept_text()?)),
            TIME => visitor.visit_newtype_struct(self.packed_time()?.into_deserializer()),
            ANY => self.any(true, visitor),
            GOB_ENCODED => visitor.visit_bytes(self.marshaled(Marshaler::Gob, "GobEncoder")?),
            BINARY_MARSHALED => visitor.visit_bytes(self.marshaled(Marshaler::Binary, "BinaryMarshaler")?),
            COMPLEX => {
                let this = self.opened()?;
                match this.shape()? {
                    Type::Complex | Type::Interface => visitor.visit_newtype_struct(this),
                    _ => Err(this.mismatch("complex128")),
                }
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let mut this = self.opened()?;
        match this.shape()? {
            Type::Slice { elem } => {
                let left = this.count()?;
                this.list(elem, left, None, visitor)
            }
            Type::Bytes => {
                let bytes = this.same().plain_bytes()?;
                let bytes = Bytes { bytes, budget: &this.de.budget, room: ListRoom::default() };
                visitor.visit_seq(bytes).map_err(|error| error.within_list(None))
            }
            Type::Interface => this.zero().deserialize_seq(visitor),
            _ => Err(this.mismatch("slice")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        let this = self.opened()?;
        match this.shape()? {
            Type::Array { elem, len: announced } if announced as usize == len => {
                if !this.absent && this.de.reader.uint()? != u64::from(announced) {
                    return Err(LENGTH_MISMATCH.into());
                }
                this.list(elem, announced.into(), Some(len), visitor)
            }
            Type::Complex if len == 2 => visitor.visit_seq(SeqDeserializer::new(this.complex()?.into_iter())),
            Type::Interface => this.zero().deserialize_tuple(len, visitor),
            _ => Err(this.mismatch(&format!("[{len}]array"))),
        }
    }

    /// A map, or a struct as a map from the names of its fields.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let this = self.opened()?;
        match this.shape()? {
            Type::Map { key, elem } => this.pairs(key, elem, false, visitor),
            Type::Struct(fields) => this.members(fields, visitor),
            Type::Interface => this.zero().deserialize_map(visitor),
            _ => Err(this.mismatch("map")),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        wanted: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let this = self.opened()?;
        match this.shape()? {
            Type::Struct(fields) => {
                this.de.budget.compound::<V::Value>()?;
                // As in Go, only the outermost struct has to have something in common.
                let target = (this.depth == 0).then_some(name);
                let (absent, depth) = (this.absent, deeper(this.depth)?);
                let mut fields = Fields::new(this.de, this.id, fields, depth, wanted, target);
                fields.begin(absent)?;
                let value = visitor.visit_map(&mut fields).map_err(|error| error.may_be_zero(wanted))?;
                fields.finish()?;
                Ok(value)
            }
            Type::Interface => this.zero().deserialize_struct(name, wanted, visitor),
            _ => Err(DeError::placed(format!(
                "gob: type mismatch in decoder: want struct type {name}; got non-struct"
            ))),
        }
    }

    /// The variant of the name that the type inside an interface is registered under; elsewhere a unit variant, by its
    /// name or its number.
    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.de.budget.compound::<V::Value>()?;
        let mut registered: &[u8] = b"";
        while self.id == Id::INTERFACE && !self.absent {
            registered = self.enter()?;
            if let Some(variant) = variants.iter().find(|variant| variant.as_bytes() == registered) {
                return visitor.visit_enum(InterfaceVariant { variant, value: self });
            }
        }
        match self.id {
            Id::STRING => visitor.visit_enum(BorrowedStrDeserializer::new(self.utf8()?)),
            Id::INT => visitor.visit_enum(self.signed::<u32>(name)?.into_deserializer()),
            Id::UINT => visitor.visit_enum(self.unsigned::<u32>(name)?.into_deserializer()),
            Id::INTERFACE => self.zero().deserialize_enum(name, variants, visitor),
            _ if registered.is_empty() => Err(self.mismatch(name)),
            _ => Err(not_registered(registered)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.de.ignored = true;
        self.deserialize_unit(visitor)
    }
}

#[cold]
fn not_registered(name: &[u8]) -> DeError {
    DeError::placed(format!("gob: name not registered for interface: {:?}", String::from_utf8_lossy(name)))
}
