//! BSON into values of ours: a serde deserializer over the borrowed body, nothing built in between.
//!
//! [`body`] reads a body, whose simple values are wrapped as `{_Val_: x}`; [`element`] reads one element, whose kind
//! must fit what the target asks for; [`access`] walks documents and lists; [`key`] reads keys. Error texts are
//! those of the original. Source: vitess `go/bson/unmarshal.go`.

mod access;
mod body;
mod element;
mod json;
mod key;

use super::read::Reader;
pub(super) use crate::de_error::DeError;
use crate::{
    again::read_again,
    codec::{Decoding, Limits},
    error::ValueError,
    form::Form,
};
use element::Element;
use serde::de::{Deserialize, DeserializeOwned};

pub(super) use json::{any_from_element, json_from_element};

/// Decodes one body document into `T`.
///
/// Shape: a plain document for structs and maps, an array-shaped one for lists, `{_Val_: x}` for anything else
/// (and, as in the original, for those too). A null, and for simple values an empty document, is the zero value;
/// unknown members are skipped, of members with one name the last counts; bytes behind the terminator do not.
///
/// # Errors
/// The bytes do not fit `T`, or would take more memory than [`Limits`](crate::Limits) allow by default; the connection
/// goes on. A string of length 0 and documents nested deeper than 100
/// are [fatal](ValueError::is_fatal).
///
/// Source: vitess `go/bson/unmarshal.go` `UnmarshalFromBuffer`.
///
/// ```
/// let body = b"\x14\0\0\0\x12_Val_\0\x05\0\0\0\0\0\0\0\0";
/// assert_eq!(rpcwrap_codecs::bson::value_from_slice::<i64>(body).unwrap(), 5);
/// ```
#[inline]
pub fn value_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ValueError> {
    value_from_slice_within(bytes, &Decoding::new(&Limits::DEFAULT))
}

/// As [`value_from_slice`], within the limits of `decoding`, which learns what the value takes.
///
/// # Errors
/// As [`value_from_slice`].
#[inline]
pub fn value_from_slice_within<T: DeserializeOwned>(
    bytes: &[u8],
    decoding: &Decoding<'_>,
) -> Result<T, ValueError> {
    read_again(|again| {
        let budget = decoding.budget(bytes.len()).of_form(Form::Bson);
        let mut reader = Reader::for_value::<T>(bytes, budget).with(again);
        let value = T::deserialize(body::Body { reader: &mut reader });
        decoding.note(&reader.budget);
        value
    })
}

/// Decodes the value of one element.
pub(super) fn element<'de, T: Deserialize<'de>>(reader: &mut Reader<'de>, kind: u8) -> Result<T, DeError> {
    T::deserialize(Element { reader, kind })
}

#[cold]
fn unexpected(kind: u8, target: &str) -> DeError {
    DeError::new(format!("unexpected kind {kind} for {target}"))
}

/// A kind where a document or a list is due.
#[cold]
fn not_a_document(kind: u8) -> DeError {
    DeError::new(format!("unexpected kind: {kind}"))
}

#[cold]
fn not_utf8() -> DeError {
    DeError::new("string is not valid UTF-8")
}
