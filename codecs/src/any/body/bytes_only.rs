//! serde's calls for a body that is bytes: types that are bytes themselves get them, all others are told why not.

use crate::{
    error::{EncodeError, ValueError},
    serde_methods::{compound_types, forward_deserialize, forward_serialize, refuse_serialize},
};
use serde::{Deserializer, Serializer, de::Visitor, forward_to_deserialize_any, ser::Impossible};

/// Why a body is no argument.
pub(in crate::any) const NO_SCHEMA: &str =
    "the method takes JSON (content_type 1) or bytes, not a message of its own schema";
/// Why a reply is no body.
pub(super) const NO_BYTES: &str = "the method's reply is no bytes: call it with JSON (content_type 1)";

/// A body to be read.
pub(super) struct Bytes<'a> {
    pub(super) body: &'a [u8],
    /// What to say to a type that is none.
    pub(super) why: &'static str,
}

impl<'de> Deserializer<'de> for Bytes<'_> {
    type Error = ValueError;

    forward_deserialize!('de: byte_buf, newtype_struct, binary);

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
        Err(ValueError::new(self.why))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_bytes(self.body)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// Where a body goes.
pub(super) struct Sink<'s>(pub(super) &'s mut dyn FnMut(&[u8]) -> Result<(), EncodeError>);

fn refuse<T>() -> Result<T, EncodeError> {
    Err(EncodeError::new(NO_BYTES))
}

impl Serializer for Sink<'_> {
    type Ok = ();
    type Error = EncodeError;
    compound_types!(Impossible<(), EncodeError>);

    forward_serialize!(newtype_struct, some, binary);

    refuse_serialize! {
        refuse();
        bool, i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64, char, str, none, unit,
        unit_struct, unit_variant, newtype_variant, compounds
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0(bytes)
    }
}
