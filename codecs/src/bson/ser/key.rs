//! Keys of maps: texts as they are, integers as decimal text; nothing else has a text.

use super::Result;
use crate::{
    bson::Dialect,
    error::EncodeError,
    serde_methods::{compound_types, forward_serialize, refuse_serialize},
    types::TEXT,
};
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
    compound_types!(Impossible<(), EncodeError>);

    forward_serialize!(char, some, unit_variant, binary);

    // The bson crate's ObjectId and the like come as structs.
    refuse_serialize!(no_text(); bool, f32, f64, none, unit, unit_struct, newtype_variant, compounds);

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

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        value.serialize(Self { is_text: name == TEXT, ..self })
    }
}
