//! From a type straight into JSON, by the rules of Go's `encoding/json`.
//!
//! The last step of encoding: a serde serializer that appends to the output buffer. Where serde_json differs, Go is
//! followed: HTML characters are escaped, NaN is an error, `1.0` is `1`, bytes are base64, a unit struct is `{}`.
//! The caller takes back what an error left behind.

use super::{
    keys::Key,
    text::{write_escaped, write_quoted},
};
use crate::{
    error::EncodeError,
    serde_methods::{compound_types, forward_serialize, impl_elements, impl_members},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt::{self, Display, Write};

/// Appends one bare JSON value; one that is none (`()`, `None`) is `null`.
///
/// # Errors
/// JSON cannot carry the value (NaN, infinities, maps with lists for keys); `out` is as it was.
#[inline]
pub fn value_to_buf<T: Serialize + ?Sized>(value: &T, out: &mut BytesMut) -> Result<(), EncodeError> {
    let start = out.len();
    if let Err(error) = write_value(value, out) {
        out.truncate(start);
        return Err(error);
    }
    Ok(())
}

/// As [`value_to_buf`], for peers that cannot read `null` here: to them one that is none is `{}`.
#[inline]
pub(crate) fn object_to_buf<T: Serialize + ?Sized>(value: &T, out: &mut BytesMut) -> Result<(), EncodeError> {
    let start = out.len();
    value_to_buf(value, out)?;
    if out.get(start..) == Some(b"null") {
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
    Ok(())
}

/// Appends `value` as it is; after an error part of it.
#[inline]
pub(super) fn write_value<T: Serialize + ?Sized>(value: &T, out: &mut BytesMut) -> Result<(), EncodeError> {
    value.serialize(Writer { out })
}

/// Escapes what is formatted into it.
struct Escaped<'o>(&'o mut BytesMut);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_escaped(text, self.0);
        Ok(())
    }
}

pub(super) struct Writer<'o> {
    pub(super) out: &'o mut BytesMut,
}

impl<'o> Writer<'o> {
    fn put(self, text: &[u8]) -> Result<(), EncodeError> {
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn open(self, start: &[u8], end: &'static [u8]) -> Inside<'o> {
        self.out.extend_from_slice(start);
        Inside { out: self.out, first: true, end }
    }

    /// `{"variant":` and what starts the value behind it.
    fn open_variant(self, variant: &str, start: &[u8], end: &'static [u8]) -> Inside<'o> {
        self.out.extend_from_slice(b"{");
        write_quoted(variant, self.out);
        self.out.extend_from_slice(b":");
        self.open(start, end)
    }

    /// A number as Go writes it: the shortest digits, with an exponent only below 1e-6 and from 1e21.
    fn float(self, value: f64, shortest: impl Display + fmt::LowerExp) -> Result<(), EncodeError> {
        let size = value.abs();
        if size == 0.0 || (1e-6..1e21).contains(&size) {
            // Writing to a buffer that grows does not fail.
            let _ = write!(self.out, "{shortest}");
            return Ok(());
        }
        if value.is_finite() {
            let text = format!("{shortest:e}");
            let text = if text.contains("e-") { text } else { text.replace('e', "e+") };
            return self.put(text.as_bytes());
        }
        let name = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        Err(EncodeError::new(format!("json: unsupported value: {name}")))
    }
}

/// The methods of integers: `$write` puts the digits of one somewhere.
macro_rules! integers {
    ($this:ident, $digits:ident => $write:expr) => {
        $crate::json::ser::integers! {
            @$this, $digits => $write;
            serialize_i8(i8),
            serialize_i16(i16),
            serialize_i32(i32),
            serialize_i64(i64),
            serialize_i128(i128),
            serialize_u8(u8),
            serialize_u16(u16),
            serialize_u32(u32),
            serialize_u64(u64),
            serialize_u128(u128),
        }
    };
    (@$this:ident, $digits:ident => $write:expr; $($method:ident($type:ty),)*) => {$(
        #[inline]
        fn $method($this, value: $type) -> Result<(), EncodeError> {
            let mut buffer = itoa::Buffer::new();
            let $digits = buffer.format(value);
            $write
        }
    )*};
}

pub(super) use integers;

impl<'o> Serializer for Writer<'o> {
    type Ok = ();
    type Error = EncodeError;
    compound_types!(Inside<'o>);

    forward_serialize! {
        char, none, some, unit_variant, #[inline] newtype_struct
    }

    integers!(self, digits => self.put(digits.as_bytes()));

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.put(if value { b"true" } else { b"false" })
    }

    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        self.float(f64::from(value), value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        self.float(value, value)
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        write_quoted(value, self.out);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        write_quoted(&STANDARD.encode(value), self.out);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.put(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        self.put(b"{}")
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let inside = self.open_variant(variant, b"", b"}");
        write_value(value, inside.out)?;
        inside.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'o>, EncodeError> {
        Ok(self.open(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside<'o>, EncodeError> {
        Ok(self.open(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'o>, EncodeError> {
        Ok(self.open(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'o>, EncodeError> {
        Ok(self.open_variant(variant, b"[", b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'o>, EncodeError> {
        Ok(self.open(b"{", b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'o>, EncodeError> {
        Ok(self.open(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'o>, EncodeError> {
        Ok(self.open_variant(variant, b"{", b"}}"))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.out.extend_from_slice(b"\"");
        if write!(Escaped(self.out), "{value}").is_err() {
            return Err(EncodeError::new("json: a value could not be formatted"));
        }
        self.put(b"\"")
    }
}

/// Between the brackets of an array or object.
pub(super) struct Inside<'o> {
    out: &'o mut BytesMut,
    first: bool,
    end: &'static [u8],
}

impl Inside<'_> {
    #[inline]
    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.extend_from_slice(b",");
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.comma();
        write_value(value, self.out)
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        self.comma();
        write_quoted(name, self.out);
        self.out.extend_from_slice(b":");
        write_value(value, self.out)
    }

    fn close(self) -> Result<(), EncodeError> {
        self.out.extend_from_slice(self.end);
        Ok(())
    }
}

impl_elements! {
    [] [] Inside<'_> => (), EncodeError:
    SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant
}

impl_members!([#[inline]] [] Inside<'_> => (), EncodeError: SerializeStruct, SerializeStructVariant);

impl SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.comma();
        key.serialize(Key { out: self.out })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.out.extend_from_slice(b":");
        write_value(value, self.out)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

#[cfg(test)]
mod tests;
