//! Members of any kind in a reply's header: `Data` as JSON, an `Error` that is no text.

use super::element;
use crate::{
    bson::read::Reader,
    codec::{Decoding, Limits},
    error::ValueError,
    form::Form,
    types::{Any, Text},
};
use serde_json::Value;

/// Decodes the value of an element of `kind` into JSON; nothing if it is broken or has a key that is not UTF-8.
///
/// Strings may be of either dialect's kind, bytes as well as strings are texts.
pub(in crate::bson) fn json_from_element(kind: u8, bytes: &[u8]) -> Option<Value> {
    json(any_from_element(kind, bytes).ok()?)
}

/// Decodes the value of an element of `kind`.
pub(in crate::bson) fn any_from_element(kind: u8, bytes: &[u8]) -> Result<Any, ValueError> {
    let budget = Decoding::new(&Limits::DEFAULT).budget(bytes.len()).of_form(Form::Bson);
    Ok(element(&mut Reader::for_value::<Any>(bytes, budget), kind)?)
}

fn json(value: Any) -> Option<Value> {
    Some(match value {
        Any::Blob(bytes) => String::from_utf8_lossy(&bytes).into(),
        Any::List(values) => Value::Array(values.into_iter().map(json).collect::<Option<_>>()?),
        Any::Map(members) => {
            let member = |(key, value): (Text, Any)| Some((key.as_str()?.to_owned(), json(value)?));
            Value::Object(members.into_iter().map(member).collect::<Option<_>>()?)
        }
        other => other.to_json(),
    })
}
