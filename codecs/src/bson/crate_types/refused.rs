//! What becomes of the `bson` crate's types where the cargo feature `bson-types` is off: an error.

use crate::{
    bson::{de::DeError, kind, read::Reader},
    error::EncodeError,
    types::Time,
};
use serde::{Deserializer, Serialize, de::Visitor};

/// The members of a struct whose name says that it is a value of the crate: there are none.
#[derive(Debug)]
pub(in crate::bson) enum Members {}

impl Members {
    pub(in crate::bson) fn new(name: &'static str) -> Result<Self, EncodeError> {
        Err(EncodeError::new(format!("bson: {name} needs the cargo feature bson-types")))
    }

    pub(in crate::bson) fn insert<T: ?Sized + Serialize>(
        &mut self,
        _key: &str,
        _value: &T,
    ) -> Result<(), EncodeError> {
        match *self {}
    }

    pub(in crate::bson) fn into_element(self) -> Result<(u8, Vec<u8>), EncodeError> {
        match self {}
    }
}

pub(in crate::bson) fn visit<'de, V: Visitor<'de>>(
    reader: &mut Reader<'de>,
    kind: u8,
    visitor: V,
) -> Result<V::Value, DeError> {
    if kind == kind::DATETIME
        && let Some(text) = Time::from_unix_millis(reader.i64()?).to_exact_text()
    {
        reader.budget.bytes(text.len())?;
        return visitor.visit_string(text);
    }
    Err(DeError::new(format!("bson: kind {kind} as interface{{}} needs the cargo feature bson-types")))
}

pub(in crate::bson) fn visit_newtype<'de, V: Visitor<'de>>(
    _value: impl Deserializer<'de, Error = DeError>,
    name: &'static str,
    _visitor: V,
) -> Result<V::Value, DeError> {
    Err(DeError::new(format!("bson: {name} needs the cargo feature bson-types")))
}
