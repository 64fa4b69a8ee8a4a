//! What does not fit a type, in the words of this codec.

use crate::{
    de_error::DeError,
    msgpack::read::{Token, WireError},
};

/// `found` stands where Go would have a value of type `wanted`.
#[cold]
pub(super) fn mismatch(found: &Token<'_>, wanted: &str) -> DeError {
    DeError::new(format!("msgpack: cannot decode {} into {wanted}", found.kind()))
}

#[cold]
pub(super) fn out_of_range(value: i128, wanted: &str) -> DeError {
    DeError::new(format!("msgpack: value {value} out of range for {wanted}"))
}

impl From<WireError> for DeError {
    #[cold]
    fn from(error: WireError) -> Self {
        Self::Value(error.into())
    }
}
