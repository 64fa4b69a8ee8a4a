//! Keys of maps: texts as they are, integers as decimal text; nothing else has a text.

use super::Result;
use crate::{bson::Dialect, error::EncodeError, types::TEXT};
use bytes::BytesMut;
use serde::{
    Serialize,
    ser::{self, Impossible},
};

/// Appends a key without its terminator.
#[derive(Debug)]
pub(super) struct KeySerializer<'a> {
    pub(super) out: &'a mut BytesMut,
    pub(super) dialect: Dialect,
    pub(super) is_text: bool,
}

fn no_text<T>() -> Result<T> {
    Err(EncodeError::new("can't marshall maps with non-string key types"))
}

macro_rules! integers {
    ($($method:ident: $type:ty,)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<()> {
            self.serialize_str(itoa::Buffer::new().format(value))
        }
    )*};
}

impl ser::Serializer for KeySerializer<'_> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Impossible<(), EncodeError>;
    type SerializeTuple = Impossible<(), EncodeError>;
    type SerializeTupleStruct = Impossible<(), EncodeError>;
    type SerializeTupleVariant = Impossible<(), EncodeError>;
    type SerializeMap = Impossible<(), EncodeError>;
    type SerializeStruct = Impossible<(), EncodeError>;
    type SerializeStructVariant = Impossible<(), EncodeError>;

    fn is_human_readable(&self) -> bool {
        false
    }

    integers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.out.extend_from_slice(value.as_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        if !self.is_text {
            return no_text();
        }
        match self.dialect {
            Dialect::Vitess => self.out.extend_from_slice(value),
            Dialect::Standard => self.out.extend_from_slice(String::from_utf8_lossy(value).as_bytes()),
        }
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        value.serialize(Self { is_text: name == TEXT, ..self })
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_bool(self, _value: bool) -> Result<()> {
        no_text()
    }

    fn serialize_f32(self, _value: f32) -> Result<()> {
        no_text()
    }

    fn serialize_f64(self, _value: f64) -> Result<()> {
        no_text()
    }

    fn serialize_none(self) -> Result<()> {
        no_text()
    }

    fn serialize_unit(self) -> Result<()> {
        no_text()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        no_text()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<()> {
        no_text()
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Self::SerializeSeq> {
        no_text()
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple> {
        no_text()
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Self::SerializeTupleStruct> {
        no_text()
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        no_text()
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap> {
        no_text()
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Self::SerializeStruct> {
        // The bson crate's ObjectId and the like come this way.
        no_text()
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant> {
        no_text()
    }
}
