//! Keys of maps: texts as they are, numbers in quotes, as Go writes them.

use super::{ser::integers, text::write_quoted};
use crate::{
    error::EncodeError,
    serde_methods::{compound_types, forward_serialize, refuse_serialize},
};
use bytes::BytesMut;
use serde::ser::{Impossible, Serializer};

/// Writes one key, quoted.
pub(super) struct Key<'o> {
    pub(super) out: &'o mut BytesMut,
}

fn no_key<T>() -> Result<T, EncodeError> {
    Err(EncodeError::new("json: unsupported type: map with keys that are neither text nor integers"))
}

impl Serializer for Key<'_> {
    type Ok = ();
    type Error = EncodeError;
    compound_types!(Impossible<(), EncodeError>);

    forward_serialize!(char, some, unit_variant, newtype_struct);

    refuse_serialize!(no_key(); f32, f64, bytes, none, unit, unit_struct, newtype_variant, compounds);

    integers!(self, digits => self.serialize_str(digits));

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.serialize_str(if value { "true" } else { "false" })
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        write_quoted(value, self.out);
        Ok(())
    }
}
