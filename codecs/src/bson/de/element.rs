//! One element: the target says what it wants, the kind says what is there.

use super::{
    DeError,
    access::{Entries, List, Members},
    not_a_document, not_utf8, unexpected,
};
use crate::{
    bson::{crate_types, kind, read::Reader, time},
    serde_methods::{forward_deserialize, read_numbers},
    types::{ANY, TEXT, TIME},
    zero::Zero,
};
use serde::{
    Deserializer,
    de::{
        Error as _, IntoDeserializer, Visitor,
        value::{BorrowedBytesDeserializer, BorrowedStrDeserializer},
    },
    forward_to_deserialize_any,
};

type Result<T> = std::result::Result<T, DeError>;

/// The value of an element whose kind and key have been read.
#[derive(Debug)]
pub(super) struct Element<'r, 'de> {
    pub(super) reader: &'r mut Reader<'de>,
    pub(super) kind: u8,
}

impl<'de> Element<'_, 'de> {
    /// A string of any kind that strings have; null is the empty one.
    #[inline]
    pub(super) fn text(self, target: &str) -> Result<&'de [u8]> {
        Ok(match self.kind {
            kind::BINARY => self.reader.binary()?.1,
            kind::STRING => self.reader.string()?,
            kind::NULL => b"",
            other => return Err(unexpected(other, target)),
        })
    }

    /// As [`text`](Self::text), for a target that may keep it.
    #[inline]
    fn kept(self, target: &str) -> Result<&'de [u8]> {
        let Self { reader, kind } = self;
        let text = Element { reader: &mut *reader, kind }.text(target)?;
        reader.budget.bytes(text.len())?;
        Ok(text)
    }

    #[inline]
    fn utf8(self) -> Result<&'de str> {
        std::str::from_utf8(self.kept("string")?).map_err(|_| not_utf8())
    }

    /// A time in the packed form of [`TIME`].
    fn packed_time(self) -> Result<i128> {
        match self.kind {
            kind::DATETIME => Ok(time::from_millis(self.reader.i64()?)),
            kind::NULL => Ok(time::zero()),
            other => Err(unexpected(other, "time.Time")),
        }
    }

    /// A signed integer narrower than 64 bits; 0x3F is refused as in the original.
    #[inline]
    fn signed<T: TryFrom<i64>>(self, target: &str) -> Result<T> {
        let value = match self.kind {
            kind::INT32 => self.reader.i32()?.into(),
            kind::INT64 => self.reader.i64()?,
            kind::NULL => 0,
            other => return Err(unexpected(other, target)),
        };
        T::try_from(value).map_err(|_| out_of_range(value.into(), target))
    }

    /// An unsigned integer narrower than 64 bits; 0x10 is zero-extended as in the original.
    #[inline]
    fn unsigned<T: TryFrom<i128>>(self, target: &str) -> Result<T> {
        let value: i128 = match self.kind {
            kind::INT32 => self.reader.u32()?.into(),
            kind::INT64 => self.reader.i64()?.into(),
            kind::UINT64 => self.reader.u64()?.into(),
            kind::NULL => 0,
            other => return Err(unexpected(other, target)),
        };
        T::try_from(value).map_err(|_| out_of_range(value, target))
    }

    #[inline]
    fn float(self, target: &str) -> Result<f64> {
        Ok(match self.kind {
            kind::DOUBLE => f64::from_le_bytes(self.reader.array()?),
            kind::INT32 => self.reader.i32()?.into(),
            kind::INT64 => self.reader.i64()? as f64,
            kind::UINT64 => self.reader.u64()? as f64,
            kind::NULL => 0.0,
            other => return Err(unexpected(other, target)),
        })
    }

    /// Enters the document or list; `None` for null, the empty one.
    #[inline]
    fn enter(&mut self) -> Result<bool> {
        match self.kind {
            kind::DOCUMENT | kind::ARRAY => {
                self.reader.enter()?;
                Ok(true)
            }
            kind::NULL => Ok(false),
            other => Err(not_a_document(other)),
        }
    }

    #[inline]
    fn list<V: Visitor<'de>>(mut self, expected: usize, visitor: V) -> Result<V::Value> {
        self.reader.budget.compound::<V::Value>()?;
        let open = self.enter()?;
        let mut list = List::new(Members::new(self.reader, open, &[]), expected);
        let value = visitor.visit_seq(&mut list)?;
        list.finish()?;
        Ok(value)
    }

    /// The document for the visitor of a struct.
    #[inline]
    fn document<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.reader.budget.compound::<V::Value>()?;
        if self.kind == kind::NULL {
            let zero_fields = self.reader.again.map_or(&[][..], |again| again.zero_fields());
            return Zero::new(zero_fields).deserialize_struct(name, fields, visitor);
        }
        let open = self.enter()?;
        let repeats = self.reader.repeats();
        let mut members = Members::new(self.reader, open, fields);
        if let Some(repeats) = repeats {
            members.look_for_repeated(repeats)?;
        }
        let value = match visitor.visit_map(&mut members) {
            Ok(value) => value,
            Err(error) => return Err(members.failed(error)),
        };
        members.finish()?;
        Ok(value)
    }

    /// The document for the visitor of a map.
    #[inline]
    fn map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        self.reader.budget.compound::<V::Value>()?;
        let open = self.enter()?;
        let mut entries = Entries::new(Members::new(self.reader, open, &[]));
        let value = visitor.visit_map(&mut entries)?;
        entries.finish()?;
        Ok(value)
    }

    /// The kinds that mean the same to every target that takes anything.
    #[inline]
    fn any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.kind {
            kind::DOUBLE => visitor.visit_f64(self.float("")?),
            kind::STRING => {
                let text = self.reader.string()?;
                self.reader.budget.bytes(text.len())?;
                match std::str::from_utf8(text) {
                    Ok(text) => visitor.visit_borrowed_str(text),
                    Err(_) => visitor.visit_borrowed_bytes(text),
                }
            }
            kind::DOCUMENT => self.map(visitor),
            kind::ARRAY => self.list(0, visitor),
            kind::BINARY => {
                let (_, bytes) = self.reader.binary()?;
                self.reader.budget.bytes(bytes.len())?;
                visitor.visit_borrowed_bytes(bytes)
            }
            kind::BOOL => visitor.visit_bool(self.reader.byte()? != 0),
            kind::NULL => visitor.visit_unit(),
            kind::INT32 => visitor.visit_i32(self.reader.i32()?),
            kind::INT64 => visitor.visit_i64(self.reader.i64()?),
            kind::UINT64 => visitor.visit_u64(self.reader.u64()?),
            other => Err(unexpected(other, "interface{}")),
        }
    }

    /// Whether the element is a Binary that is more than plain bytes.
    #[inline]
    fn has_subtype(&self) -> bool {
        self.kind == kind::BINARY
            && self.reader.rest().get(4).is_some_and(|&subtype| subtype != kind::GENERIC)
    }

    /// A newtype whose name says more than its inside.
    #[cold]
    fn crate_type<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        crate_types::visit_newtype(self, name, visitor)
    }
}

#[cold]
fn out_of_range(value: i128, target: &str) -> DeError {
    DeError::new(format!("value {value} out of range for {target}"))
}

impl<'de> Deserializer<'de> for Element<'_, 'de> {
    type Error = DeError;

    forward_deserialize!('de: tuple_struct, #[inline] string, #[inline] byte_buf, unit_struct, identifier, binary);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.budget.any::<V::Value>()?;
        match self.kind {
            kind::BINARY if !self.has_subtype() => self.any(visitor),
            kind::DOUBLE..=kind::ARRAY
            | kind::BOOL
            | kind::NULL
            | kind::INT32
            | kind::INT64
            | kind::UINT64 => self.any(visitor),
            kind => crate_types::visit(self.reader, kind, visitor),
        }
    }

    read_numbers! {
        deserialize_i8 => visit_i8, signed, "int8";
        deserialize_i16 => visit_i16, signed, "int16";
        deserialize_i32 => visit_i32, signed, "int32";
        deserialize_u8 => visit_u8, unsigned, "uint8";
        deserialize_u16 => visit_u16, unsigned, "uint16";
        deserialize_u32 => visit_u32, unsigned, "uint32";
        deserialize_f32 => visit_f64, float, "float32";
        deserialize_f64 => visit_f64, float, "float64";
    }

    #[inline]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i64(match self.kind {
            kind::INT64 | kind::UINT64 => self.reader.i64()?,
            kind::INT32 => self.reader.i32()?.into(),
            kind::NULL => 0,
            other => return Err(unexpected(other, "int64")),
        })
    }

    #[inline]
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u64(match self.kind {
            kind::INT64 | kind::UINT64 => self.reader.u64()?,
            kind::INT32 => self.reader.u32()?.into(),
            kind::NULL => 0,
            other => return Err(unexpected(other, "uint64")),
        })
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_bool(match self.kind {
            kind::BOOL => self.reader.byte()? != 0,
            kind::INT32 => self.reader.i32()? != 0,
            kind::INT64 | kind::UINT64 => self.reader.u64()? != 0,
            kind::NULL => false,
            other => return Err(unexpected(other, "bool")),
        })
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.kind {
            kind::NULL => visitor.visit_char('\0'),
            _ => visitor.visit_borrowed_str(self.utf8()?),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.utf8()?)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        // The crate's ObjectId asks for bytes.
        if self.kind == kind::OBJECT_ID {
            return visitor.visit_borrowed_bytes(self.reader.take(12)?);
        }
        visitor.visit_borrowed_bytes(self.kept("[]byte")?)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.kind == kind::NULL { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.kind {
            kind::NULL | kind::DOCUMENT | kind::ARRAY => self.reader.skip(self.kind)?,
            other => return Err(not_a_document(other)),
        }
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        match name {
            TEXT => visitor.visit_newtype_struct(BorrowedBytesDeserializer::new(self.kept("string")?)),
            TIME => visitor.visit_newtype_struct(self.packed_time()?.into_deserializer()),
            ANY if self.kind == kind::DATETIME => visitor.visit_i128(self.packed_time()?),
            ANY => self.any(visitor),
            crate_types::UUID
            | crate_types::RAW_DOCUMENT
            | crate_types::RAW_ARRAY
            | crate_types::RAW_BSON => self.crate_type(name, visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.list(0, visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.list(len, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.map(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.document(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.reader.budget.compound::<V::Value>()?;
        if matches!(self.kind, kind::STRING | kind::BINARY) {
            return visitor.visit_enum(BorrowedStrDeserializer::new(self.utf8()?));
        }
        if !self.enter()? {
            return Err(DeError::custom("no zero value for an enum"));
        }
        let mut members = Members::new(self.reader, true, &[]);
        let value = visitor.visit_enum(&mut members)?;
        members.finish()?;
        Ok(value)
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.skip(self.kind)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 }
}
