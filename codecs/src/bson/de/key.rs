//! Keys: texts that need not be UTF-8; integers, for maps that have them, in decimal.

use super::{DeError, not_utf8};
use crate::{
    serde_methods::{each_integer, forward_deserialize},
    types::TEXT,
};
use serde::{
    Deserializer,
    de::{
        Visitor,
        value::{BorrowedBytesDeserializer, BorrowedStrDeserializer},
    },
    forward_to_deserialize_any,
};

type Result<T> = std::result::Result<T, DeError>;

/// The key of a member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'de>(pub(super) &'de [u8]);

impl<'de> Key<'de> {
    #[inline]
    fn utf8(self) -> Result<&'de str> {
        std::str::from_utf8(self.0).map_err(|_| not_utf8())
    }
}

macro_rules! integers {
    ($($method:ident => $visit:ident, $sign:ident, $go:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let key = self.utf8()?;
            match key.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(DeError::new(format!("map index is not an integer: {key}"))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = DeError;

    forward_deserialize!('de: string, byte_buf, option, binary);

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match std::str::from_utf8(self.0) {
            Ok(key) => visitor.visit_borrowed_str(key),
            Err(_) => visitor.visit_borrowed_bytes(self.0),
        }
    }

    each_integer!(integers);

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.utf8()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if name == TEXT {
            return visitor.visit_newtype_struct(BorrowedBytesDeserializer::new(self.0));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.utf8()?))
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
