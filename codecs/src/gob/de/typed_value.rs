//! One value of the peer's: what is there, if it is what the target wants.

use super::{
    De,
    access::{Items, Named, Pairs},
    error::DeError,
    fields::Fields,
    named_fields::NamedFields,
};
use crate::{
    budget::{ListRoom, MapRoom},
    gob::{
        MAX_DEPTH,
        scan::{LENGTH_MISMATCH, Stop, UNDEFINED, interface_name, next_id, singleton},
        types::{Id, Marshaler, Struct, Type},
        wire::WireError,
    },
    types::{Complex, Time, raw_text, time::binary},
    zero::Zero,
};
use serde::de::{Visitor, value::SeqDeserializer};

type Result<T> = std::result::Result<T, DeError>;

/// A value of a known type.
#[derive(Debug)]
pub(super) struct TypedValue<'r, 'a, 'de> {
    pub(super) de: &'r mut De<'a, 'de>,
    pub(super) id: Id,
    /// Values around this one.
    pub(super) depth: usize,
    /// Not in the bytes: the zero value of its type.
    pub(super) absent: bool,
}

impl<'r, 'a, 'de> TypedValue<'r, 'a, 'de> {
    /// The same value for a while, after which there is still something to do with its reader.
    #[inline]
    pub(super) fn same(&mut self) -> TypedValue<'_, 'a, 'de> {
        TypedValue { de: &mut *self.de, ..*self }
    }

    /// The value inside an interface; of a nil one, an absent interface.
    pub(super) fn opened(mut self) -> Result<Self> {
        while self.id == Id::INTERFACE && !self.absent {
            self.enter()?;
        }
        Ok(self)
    }

    /// Goes into an interface, and gives the name of what it holds; a nil one has no name and is absent from then on.
    pub(super) fn enter(&mut self) -> Result<&'de [u8]> {
        self.depth = deeper(self.depth)?;
        let (types, reader) = (self.de.types, &mut self.de.reader);
        let name = interface_name(reader)?;
        if name.is_empty() {
            self.absent = true;
            return Ok(name);
        }
        self.id = match next_id(reader)? {
            Ok(id) => id,
            Err(Stop::Definition) => return Err(WireError::Corrupt("gob: definition inside a value").into()),
            Err(_) => return Err(WireError::Eof.into()),
        };
        // The length of the value, which says nothing to those who know its type.
        reader.uint()?;
        singleton(types, reader, self.id)?;
        Ok(name)
    }

    /// Takes a nil interface out of the bytes, if one is next.
    #[inline]
    pub(super) fn take_nil(&mut self) -> Result<bool> {
        if self.id != Id::INTERFACE {
            return Ok(false);
        }
        let mut ahead = self.de.reader.clone();
        let nil = interface_name(&mut ahead)?.is_empty();
        if nil {
            self.de.reader = ahead;
        }
        Ok(nil)
    }

    /// The wire form of a number of the type `wanted`.
    #[inline]
    pub(super) fn bits(self, wanted: Id, local: &'static str) -> Result<u64> {
        if self.id != wanted {
            return self.other_bits(wanted, local);
        }
        if self.absent { Ok(0) } else { Ok(self.de.reader.uint()?) }
    }

    #[cold]
    fn other_bits(self, wanted: Id, local: &'static str) -> Result<u64> {
        match self.opened()? {
            TypedValue { absent: true, id: Id::INTERFACE, .. } => Ok(0),
            inside if inside.id == wanted => Ok(inside.de.reader.uint()?),
            inside => Err(inside.mismatch(local)),
        }
    }

    #[inline]
    pub(super) fn signed<T: TryFrom<i64>>(self, local: &'static str) -> Result<T> {
        let bits = self.bits(Id::INT, local)?;
        let value = (bits >> 1).cast_signed();
        T::try_from(if bits & 1 == 0 { value } else { !value }).map_err(|_| DeError::range(local))
    }

    #[inline]
    pub(super) fn unsigned<T: TryFrom<u64>>(self, local: &'static str) -> Result<T> {
        T::try_from(self.bits(Id::UINT, local)?).map_err(|_| DeError::range(local))
    }

    #[inline]
    pub(super) fn float(self, local: &'static str) -> Result<f64> {
        self.bits(Id::FLOAT, local).map(|bits| f64::from_bits(bits.swap_bytes()))
    }

    /// A text as it came.
    #[inline]
    pub(super) fn text(self) -> Result<&'de [u8]> {
        let this = if self.id == Id::STRING { self } else { self.opened()? };
        match this.id {
            _ if this.absent && matches!(this.id, Id::STRING | Id::INTERFACE) => Ok(b""),
            Id::STRING => Ok(this.de.reader.bytes()?),
            _ => Err(this.mismatch("string")),
        }
    }

    #[inline]
    pub(super) fn utf8(self) -> Result<&'de str> {
        std::str::from_utf8(self.text()?).map_err(|_| not_utf8())
    }

    /// A text as it came, for a target that may keep it.
    #[inline]
    pub(super) fn kept_text(mut self) -> Result<&'de [u8]> {
        let text = self.same().text()?;
        self.de.budget.bytes(text.len())?;
        Ok(text)
    }

    #[inline]
    pub(super) fn kept_utf8(self) -> Result<&'de str> {
        std::str::from_utf8(self.kept_text()?).map_err(|_| not_utf8())
    }

    /// What the type of the value is.
    #[inline]
    pub(super) fn shape(&self) -> Result<Type> {
        Ok(self.de.types.get(self.id).ok_or(UNDEFINED)?)
    }

    /// Bytes that are the value already.
    #[inline]
    pub(super) fn plain_bytes(self) -> Result<&'de [u8]> {
        if self.absent { Ok(b"") } else { Ok(self.de.reader.bytes()?) }
    }

    /// As [`plain_bytes`](Self::plain_bytes), for a target that may keep them.
    #[inline]
    pub(super) fn kept_bytes(mut self) -> Result<&'de [u8]> {
        let bytes = self.same().plain_bytes()?;
        self.de.budget.bytes(bytes.len())?;
        Ok(bytes)
    }

    /// The bytes that a type of the peer's made of itself by `marshaler`.
    pub(super) fn marshaled(self, marshaler: Marshaler, local: &'static str) -> Result<&'de [u8]> {
        let this = self.opened()?;
        match this.shape()? {
            Type::Opaque(other) if other == marshaler => this.kept_bytes(),
            Type::Interface => Ok(b""),
            _ => Err(this.mismatch(local)),
        }
    }

    /// A time in the packed form of [`TIME`](crate::types::TIME).
    pub(super) fn packed_time(self) -> Result<i128> {
        let this = self.opened()?;
        match this.shape()? {
            Type::Opaque(_) | Type::Interface if this.absent => Ok(Time::default().to_packed()),
            Type::Opaque(_) => match binary::read(this.de.reader.bytes()?) {
                Ok(time) => Ok(time.to_packed()),
                Err(why) => Err(DeError::placed(why)),
            },
            _ => Err(this.mismatch("time.Time")),
        }
    }

    /// Says that `local` is wanted and something else is there.
    #[cold]
    pub(super) fn mismatch(&self, local: &str) -> DeError {
        DeError::of_type(local, self.de.type_name(self.id))
    }

    #[inline]
    pub(super) fn list<V: Visitor<'de>>(
        self,
        elem: Id,
        left: u64,
        len: Option<usize>,
        visitor: V,
    ) -> Result<V::Value> {
        let depth = deeper(self.depth)?;
        self.de.budget.compound::<V::Value>()?;
        let room = ListRoom::new(len.unwrap_or_default());
        let mut items = Items { de: self.de, elem, left, depth, absent: self.absent, room };
        let value = visitor.visit_seq(&mut items).map_err(|error| error.within_list(len))?;
        items.finish()?;
        Ok(value)
    }

    /// The number of elements of a slice or pairs of a map.
    #[inline]
    pub(super) fn count(&mut self) -> Result<u64> {
        if self.absent { Ok(0) } else { Ok(self.de.reader.uint()?) }
    }

    pub(super) fn complex(self) -> Result<[f64; 2]> {
        if self.absent {
            return Ok([0.0; 2]);
        }
        Ok([self.de.reader.float()?, self.de.reader.float()?])
    }

    pub(super) fn pairs<V: Visitor<'de>>(
        mut self,
        key: Id,
        elem: Id,
        loose: bool,
        visitor: V,
    ) -> Result<V::Value> {
        let (left, depth) = (self.count()?, deeper(self.depth)?);
        self.de.budget.compound::<V::Value>()?;
        let (keys, values) = (MapRoom::default(), MapRoom::default());
        let mut pairs = Pairs { de: self.de, key, elem, left, depth, half: false, loose, keys, values };
        let value = visitor.visit_map(&mut pairs)?;
        pairs.finish()?;
        Ok(value)
    }

    pub(super) fn members<V: Visitor<'de>>(self, fields: Struct, visitor: V) -> Result<V::Value> {
        self.de.budget.compound::<V::Value>()?;
        let absent = self.absent;
        let mut fields = Fields::new(self.de, self.id, fields, deeper(self.depth)?, &[], None);
        fields.begin(absent)?;
        let mut fields = NamedFields::new(fields);
        let value = visitor.visit_map(&mut fields)?;
        fields.finish()?;
        Ok(value)
    }

    /// The zero value of the target's type, in the place of a nil interface.
    pub(super) fn zero(&self) -> Zero<'a, DeError> {
        Zero::new(self.de.again.zero_fields())
    }

    /// The types that mean the same to every target that takes anything; `exact` for the visitor of
    /// [`Any`](crate::types::Any), others get the nearest that serde has.
    pub(super) fn any<V: Visitor<'de>>(self, exact: bool, visitor: V) -> Result<V::Value> {
        if exact {
            return self.exact(visitor);
        }
        self.opened()?.content(false, visitor)
    }

    /// As [`any`](Self::any), for the visitor of [`Any`](crate::types::Any): what an interface holds comes with the
    /// name of its type, unless that is the one the value is written under anyway.
    fn exact<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let is_part = self.de.named > 0;
        if self.id != Id::INTERFACE || self.absent {
            let is_struct = matches!(self.shape()?, Type::Struct(_)) && !self.absent;
            return match is_part && is_struct {
                true => visitor.visit_enum(Named { name: b"", is_struct, value: self }),
                false => self.content(true, visitor),
            };
        }
        let name = self.enter()?;
        let shape = self.shape()?;
        match (name, shape) {
            (b"int32", Type::Int) if !is_part => visitor.visit_i32(self.signed("int32")?),
            _ if self.absent || self.id == Id::INTERFACE => self.opened()?.content(true, visitor),
            _ if !is_part && is_default_name(name, shape) => self.content(true, visitor),
            _ => {
                let is_struct = matches!(shape, Type::Struct(_));
                visitor.visit_enum(Named { name, is_struct, value: self })
            }
        }
    }

    /// A value of a concrete type for a target that takes anything.
    pub(super) fn content<V: Visitor<'de>>(self, exact: bool, visitor: V) -> Result<V::Value> {
        let mut this = self;
        match this.shape()? {
            Type::Bool => visitor.visit_bool(this.bits(Id::BOOL, "")? != 0),
            Type::Int => visitor.visit_i64(this.signed("")?),
            Type::Uint => visitor.visit_u64(this.unsigned("")?),
            Type::Float => visitor.visit_f64(this.float("")?),
            Type::Bytes => visitor.visit_borrowed_bytes(this.kept_bytes()?),
            Type::String => {
                let text = this.kept_bytes()?;
                match std::str::from_utf8(text) {
                    Ok(text) => visitor.visit_borrowed_str(text),
                    Err(_) if exact => visitor.visit_enum(raw_text(text)),
                    Err(_) => visitor.visit_borrowed_bytes(text),
                }
            }
            Type::Complex => {
                let [re, im] = this.complex()?;
                if exact {
                    visitor.visit_u128(Complex::new(re, im).to_packed())
                } else {
                    visitor.visit_seq(SeqDeserializer::new([re, im].into_iter()))
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
                if this.count()? != u64::from(len) {
                    return Err(LENGTH_MISMATCH.into());
                }
                this.list(elem, len.into(), None, visitor)
            }
            Type::Map { key, elem } => this.pairs(key, elem, true, visitor),
            Type::Struct(fields) => this.members(fields, visitor),
            Type::Opaque(_) => {
                // Where a pointer to a time is sent, its type has no name.
                let may_be_time = matches!(this.de.types.name(this.id), "Time" | "");
                let bytes = this.kept_bytes()?;
                match binary::read(bytes) {
                    Ok(time) if may_be_time && exact => visitor.visit_i128(time.to_packed()),
                    Ok(time) if may_be_time && time.to_exact_text().is_some() => {
                        visitor.visit_string(time.to_string())
                    }
                    _ => visitor.visit_borrowed_bytes(bytes),
                }
            }
        }
    }
}

/// Whether [`Any`](crate::types::Any) writes values of that shape under this name.
fn is_default_name(name: &[u8], shape: Type) -> bool {
    match shape {
        Type::Bool => name == b"bool",
        Type::Int => name == b"int64",
        Type::Uint => name == b"uint64",
        Type::Float => name == b"float64",
        Type::Complex => name == b"complex128",
        Type::Bytes => name == b"[]uint8",
        Type::String => name == b"string",
        Type::Opaque(_) => name == b"time.Time",
        Type::Slice { elem } => elem == Id::INTERFACE && name == b"[]interface {}",
        Type::Map { key, elem } => {
            (key, elem) == (Id::STRING, Id::INTERFACE) && name == b"map[string]interface {}"
        }
        Type::Interface | Type::Array { .. } | Type::Struct(_) => false,
    }
}

#[inline]
pub(super) fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_DEPTH { Err(WireError::TooDeep(MAX_DEPTH).into()) } else { Ok(depth + 1) }
}

#[cold]
fn not_utf8() -> DeError {
    serde::de::Error::custom("string is not valid UTF-8")
}
