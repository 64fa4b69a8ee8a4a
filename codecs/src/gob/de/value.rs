//! One value: the target says what it wants, the peer's type says what is there.

use super::{
    De,
    access::{ByteBuf, Bytes, Fields, Items, Pair, Pairs},
    misfit::Misfit,
    opaque,
};
use crate::{
    gob::{
        MAX_DEPTH,
        scan::{LENGTH_MISMATCH, Stop, UNDEFINED, Walk, interface_name, next_id, singleton},
        types::{Id, Type},
        wire::Fault,
    },
    types::{ANY, COMPLEX, Complex, TEXT, TIME, Time},
    zero::{Zero, ZeroFault},
};
use serde::{
    Deserializer,
    de::{
        IntoDeserializer, Visitor,
        value::{BorrowedBytesDeserializer, BorrowedStrDeserializer},
    },
};

type Result<T> = std::result::Result<T, Misfit>;

/// A value of a known type.
#[derive(Debug)]
pub(super) struct Value<'r, 'a, 'de> {
    pub(super) de: &'r mut De<'a, 'de>,
    pub(super) id: Id,
    /// Values around this one.
    pub(super) depth: usize,
    /// Not in the bytes: the zero value of its type.
    pub(super) absent: bool,
}

impl<'r, 'a, 'de> Value<'r, 'a, 'de> {
    /// The value inside an interface; of a nil one, an absent interface.
    pub(super) fn opened(mut self) -> Result<Self> {
        while self.id == Id::INTERFACE && !self.absent {
            self.depth = deeper(self.depth)?;
            let (types, reader) = (self.de.types, &mut self.de.reader);
            if interface_name(reader)?.is_empty() {
                self.absent = true;
                break;
            }
            self.id = match next_id(reader)? {
                Ok(id) => id,
                Err(Stop::Definition) => return Err(Fault::Corrupt("gob: definition inside a value").into()),
                Err(_) => return Err(Fault::Eof.into()),
            };
            // The length of the value, which says nothing to those who know its type.
            reader.uint()?;
            singleton(types, reader, self.id)?;
        }
        Ok(self)
    }

    /// The wire form of a number of the type `wanted`.
    #[inline]
    fn bits(self, wanted: Id, local: &'static str) -> Result<u64> {
        if self.id != wanted {
            return self.other_bits(wanted, local);
        }
        if self.absent { Ok(0) } else { Ok(self.de.reader.uint()?) }
    }

    #[cold]
    fn other_bits(self, wanted: Id, local: &'static str) -> Result<u64> {
        match self.opened()? {
            Value { absent: true, id: Id::INTERFACE, .. } => Ok(0),
            inside if inside.id == wanted => Ok(inside.de.reader.uint()?),
            inside => Err(inside.misfit(local)),
        }
    }

    #[inline]
    fn signed<T: TryFrom<i64>>(self, local: &'static str) -> Result<T> {
        let bits = self.bits(Id::INT, local)?;
        let value = (bits >> 1).cast_signed();
        T::try_from(if bits & 1 == 0 { value } else { !value }).map_err(|_| Misfit::range(local))
    }

    #[inline]
    fn unsigned<T: TryFrom<u64>>(self, local: &'static str) -> Result<T> {
        T::try_from(self.bits(Id::UINT, local)?).map_err(|_| Misfit::range(local))
    }

    #[inline]
    fn float(self, local: &'static str) -> Result<f64> {
        self.bits(Id::FLOAT, local).map(|bits| f64::from_bits(bits.swap_bytes()))
    }

    /// A text as it came.
    #[inline]
    fn text(self) -> Result<&'de [u8]> {
        let this = if self.id == Id::STRING { self } else { self.opened()? };
        match this.id {
            _ if this.absent && matches!(this.id, Id::STRING | Id::INTERFACE) => Ok(b""),
            Id::STRING => Ok(this.de.reader.bytes()?),
            _ => Err(this.misfit("string")),
        }
    }

    #[inline]
    fn utf8(self) -> Result<&'de str> {
        std::str::from_utf8(self.text()?).map_err(|_| not_utf8())
    }

    /// What the type of the value is.
    #[inline]
    fn shape(&self) -> Result<Type> {
        Ok(self.de.types.get(self.id).ok_or(UNDEFINED)?)
    }

    /// Bytes that are the value already.
    #[inline]
    fn plain_bytes(self) -> Result<&'de [u8]> {
        if self.absent { Ok(b"") } else { Ok(self.de.reader.bytes()?) }
    }

    /// A time in the packed form of [`TIME`].
    fn packed_time(self) -> Result<i128> {
        let this = self.opened()?;
        match this.shape()? {
            Type::Opaque(_) | Type::Interface if this.absent => Ok(Time::default().to_packed()),
            Type::Opaque(_) => opaque::time(this.de.reader.bytes()?).map(Time::to_packed),
            _ => Err(this.misfit("time.Time")),
        }
    }

    /// Says that `local` is wanted and something else is there.
    #[cold]
    pub(super) fn misfit(&self, local: &str) -> Misfit {
        Misfit::of_type(local, self.de.type_name(self.id))
    }

    #[inline]
    fn list<V: Visitor<'de>>(self, elem: Id, left: u64, len: Option<usize>, visitor: V) -> Result<V::Value> {
        let depth = deeper(self.depth)?;
        let mut items = Items { de: self.de, elem, left, depth, absent: self.absent };
        let value = visitor.visit_seq(&mut items).map_err(|misfit| misfit.within_list(len))?;
        items.finish()?;
        Ok(value)
    }

    /// The number of elements of a slice or pairs of a map.
    #[inline]
    fn count(&mut self) -> Result<u64> {
        if self.absent { Ok(0) } else { Ok(self.de.reader.uint()?) }
    }

    /// A list of any length.
    #[inline]
    fn slice<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let mut this = self.opened()?;
        match this.shape()? {
            Type::Slice { elem } => {
                let left = this.count()?;
                this.list(elem, left, None, visitor)
            }
            Type::Bytes => visitor.visit_seq(Bytes { bytes: this.plain_bytes()? }),
            Type::Interface => this.zero().deserialize_seq(visitor),
            _ => Err(this.misfit("slice")),
        }
    }

    /// A list of exactly `len` elements.
    fn array<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        let this = self.opened()?;
        match this.shape()? {
            Type::Array { elem, len: announced } if announced == len as u64 => {
                if !this.absent && this.de.reader.uint()? != announced {
                    return Err(LENGTH_MISMATCH.into());
                }
                this.list(elem, announced, Some(len), visitor)
            }
            Type::Complex if len == 2 => visitor.visit_seq(Pair(this.complex()?.into_iter())),
            Type::Interface => this.zero().deserialize_tuple(len, visitor),
            _ => Err(this.misfit(&format!("[{len}]array"))),
        }
    }

    fn complex(self) -> Result<[f64; 2]> {
        if self.absent {
            return Ok([0.0; 2]);
        }
        Ok([self.de.reader.float()?, self.de.reader.float()?])
    }

    fn pairs<V: Visitor<'de>>(mut self, key: Id, elem: Id, loose: bool, visitor: V) -> Result<V::Value> {
        let (left, depth) = (self.count()?, deeper(self.depth)?);
        let mut pairs = Pairs { de: self.de, key, elem, left, depth, half: false, loose };
        let value = visitor.visit_map(&mut pairs)?;
        pairs.finish()?;
        Ok(value)
    }

    /// The fields of a struct for a target that has `wanted` ones; `None` for one that takes any.
    #[inline]
    fn fields(self, wanted: Option<&'static [&'static str]>) -> Result<Fields<'r, 'a, 'de>> {
        let Type::Struct(fields) = self.shape()? else { return Err(UNDEFINED.into()) };
        let depth = deeper(self.depth)?;
        Fields::new(self.de, self.id, fields, depth, self.absent, wanted)
    }

    fn members<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let mut fields = self.fields(None)?;
        let value = visitor.visit_map(&mut fields)?;
        fields.finish()?;
        Ok(value)
    }

    /// The zero value of whatever is wanted, in the place of a nil interface.
    fn zero(&self) -> Zero<'a, Misfit> {
        Zero::new(self.de.feed)
    }

    /// The types that mean the same to every target that takes anything; `exact` for the visitor of
    /// [`Any`](crate::types::Any), others get the nearest that serde has.
    fn any<V: Visitor<'de>>(self, exact: bool, visitor: V) -> Result<V::Value> {
        let mut this = self.opened()?;
        match this.shape()? {
            Type::Bool => visitor.visit_bool(this.bits(Id::BOOL, "")? != 0),
            Type::Int => visitor.visit_i64(this.signed("")?),
            Type::Uint => visitor.visit_u64(this.unsigned("")?),
            Type::Float => visitor.visit_f64(this.float("")?),
            Type::Bytes => visitor.visit_borrowed_bytes(this.plain_bytes()?),
            Type::String => {
                let text = this.plain_bytes()?;
                match std::str::from_utf8(text) {
                    Ok(text) => visitor.visit_borrowed_str(text),
                    Err(_) => visitor.visit_borrowed_bytes(text),
                }
            }
            Type::Complex => {
                let [re, im] = this.complex()?;
                if exact {
                    visitor.visit_u128(Complex::new(re, im).to_packed())
                } else {
                    visitor.visit_seq(Pair([re, im].into_iter()))
                }
            }
            Type::Interface => visitor.visit_unit(),
            // Only pointers to these are ever left out.
            Type::Struct(_) | Type::Array { .. } | Type::Opaque(_) if this.absent => visitor.visit_unit(),
            Type::Slice { elem } => {
                let left = this.count()?;
                this.list(elem, left, None, visitor)
            }
            Type::Array { elem, len } => {
                if this.count()? != len {
                    return Err(LENGTH_MISMATCH.into());
                }
                this.list(elem, len, None, visitor)
            }
            Type::Map { key, elem } => this.pairs(key, elem, true, visitor),
            Type::Struct(_) => this.members(visitor),
            Type::Opaque(_) => {
                // Where a pointer to a time is sent, its type has no name.
                let may_be_time = matches!(this.de.types.name(this.id), "Time" | "");
                let bytes = this.plain_bytes()?;
                match opaque::time(bytes) {
                    Ok(time) if may_be_time && exact => visitor.visit_i128(time.to_packed()),
                    Ok(time) if may_be_time => visitor.visit_string(time.to_string()),
                    _ => visitor.visit_borrowed_bytes(bytes),
                }
            }
        }
    }
}

#[inline]
fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_DEPTH { Err(Fault::TooDeep(MAX_DEPTH).into()) } else { Ok(depth + 1) }
}

#[cold]
fn not_utf8() -> Misfit {
    serde::de::Error::custom("string is not valid UTF-8")
}

macro_rules! integers {
    ($($method:ident: $visit:ident($read:ident, $go:literal),)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            visitor.$visit(self.$read($go)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_, '_, 'de> {
    type Error = Misfit;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.any(false, visitor)
    }

    integers! {
        deserialize_i8: visit_i8(signed, "int8"),
        deserialize_i16: visit_i16(signed, "int16"),
        deserialize_i32: visit_i32(signed, "int32"),
        deserialize_i64: visit_i64(signed, "int"),
        deserialize_i128: visit_i128(signed, "int128"),
        deserialize_u8: visit_u8(unsigned, "uint8"),
        deserialize_u16: visit_u16(unsigned, "uint16"),
        deserialize_u32: visit_u32(unsigned, "uint32"),
        deserialize_u64: visit_u64(unsigned, "uint"),
        deserialize_u128: visit_u128(unsigned, "uint128"),
        deserialize_f64: visit_f64(float, "float64"),
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = self.float("float32")?;
        // As in Go: infinities and NaN pass, what is too large for a float32 does not.
        if value.is_finite() && value.abs() > f64::from(f32::MAX) {
            return Err(Misfit::range("float32"));
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
        visitor.visit_borrowed_str(self.utf8()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    /// Bytes, what a type marshals itself into, and lists of small enough unsigned integers.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let mut this = self.opened()?;
        match this.shape()? {
            Type::Bytes | Type::Opaque(_) => visitor.visit_borrowed_bytes(this.plain_bytes()?),
            Type::Interface => visitor.visit_borrowed_bytes(b""),
            Type::Slice { elem: Id::UINT } | Type::Array { elem: Id::UINT, .. } => {
                let left = this.count()?;
                visitor.visit_byte_buf(this.list(Id::UINT, left, None, ByteBuf)?)
            }
            _ => Err(this.misfit("[]uint8")),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    /// As a pointer in Go: what is not there is none.
    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let this = self.opened()?;
        if this.absent { visitor.visit_none() } else { visitor.visit_some(this) }
    }

    /// Nothing to decode: whatever is there will do.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if !self.absent {
            Walk::skip(self.de.types, &mut self.de.reader, self.id)?;
        }
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        match name {
            TEXT => visitor.visit_newtype_struct(BorrowedBytesDeserializer::new(self.text()?)),
            TIME => visitor.visit_newtype_struct(self.packed_time()?.into_deserializer()),
            ANY => self.any(true, visitor),
            COMPLEX => {
                let this = self.opened()?;
                match this.shape()? {
                    Type::Complex | Type::Interface => visitor.visit_newtype_struct(this),
                    _ => Err(this.misfit("complex128")),
                }
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.slice(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.array(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.array(len, visitor)
    }

    /// A map, or a struct as a map from the names of its fields.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let this = self.opened()?;
        match this.shape()? {
            Type::Map { key, elem } => this.pairs(key, elem, false, visitor),
            Type::Struct(_) => this.members(visitor),
            Type::Interface => this.zero().deserialize_map(visitor),
            _ => Err(this.misfit("map")),
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
            Type::Struct(_) => {
                // As in Go, only the outermost struct has to have something in common.
                let target = (this.depth == 0).then_some(name);
                let mut fields = this.fields(Some(wanted))?;
                fields.target = target;
                let value = visitor.visit_map(&mut fields).map_err(ZeroFault::of_zero)?;
                fields.finish()?;
                Ok(value)
            }
            Type::Interface => this.zero().deserialize_struct(name, wanted, visitor),
            _ => Err(Misfit::placed(format!(
                "gob: type mismatch in decoder: want struct type {name}; got non-struct"
            ))),
        }
    }

    /// A unit variant, by its name or its number.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let this = self.opened()?;
        match this.id {
            Id::STRING => visitor.visit_enum(BorrowedStrDeserializer::new(this.utf8()?)),
            Id::INT => visitor.visit_enum(this.signed::<u32>(name)?.into_deserializer()),
            Id::UINT => visitor.visit_enum(this.unsigned::<u32>(name)?.into_deserializer()),
            Id::INTERFACE => this.zero().deserialize_enum(name, variants, visitor),
            _ => Err(this.misfit(name)),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.de.ignored = true;
        self.deserialize_unit(visitor)
    }
}
