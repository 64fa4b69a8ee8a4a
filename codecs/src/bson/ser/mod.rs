//! Values of ours into BSON: a serde serializer that appends to the outgoing buffer.
//!
//! Nothing is built in between; lengths are patched in when a document ends. The place of a value (the top of a
//! body, a struct's member, a list's element, behind a key already written) decides what goes in front of it, the
//! [`Dialect`] the kinds of strings and unsigned integers. On an error the caller cuts the buffer back.
//! Source: vitess `go/bson/marshal.go`.

mod compound;
mod key;

use super::{Dialect, VAL, crate_types, kind, time};
use crate::{
    error::EncodeError,
    form::{Form, FormScope},
    serde_methods::{compound_types, forward_serialize},
    types::{ANY, TEXT, TIME},
};
use bytes::BytesMut;
use compound::{Document, Struct};
use serde::{Serialize, ser};

type Result<T> = std::result::Result<T, EncodeError>;

/// Appends `value` as the body of a message; on an error `out` has lost nothing but may have grown.
#[inline]
pub(super) fn to_buf<T: Serialize + ?Sized>(value: &T, dialect: Dialect, out: &mut BytesMut) -> Result<()> {
    let _form = FormScope::enter(Form::Bson);
    value.serialize(Serializer { out, dialect, place: Place::Top, role: Role::Plain })
}

/// Appends `value` as the member `key` of a document that the caller writes.
pub(super) fn element_to_buf<T: Serialize + ?Sized>(
    key: &'static str,
    value: &T,
    dialect: Dialect,
    out: &mut BytesMut,
) -> Result<()> {
    let _form = FormScope::enter(Form::Bson);
    value.serialize(Serializer { out, dialect, place: Place::Member(key), role: Role::Plain })
}

/// Where a value goes.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// It is the body itself.
    Top,
    /// A member; the key is still to be written.
    Member(&'static str),
    /// An element of a list; its number is still to be written as the key.
    Element(usize),
    /// Behind a key; its kind goes to this offset.
    Behind(usize),
}

/// What a newtype's name has said about the value inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Text,
    Time,
    /// Of any type: a reader knows it only by its kind.
    Any,
    Uuid,
    RawDocument,
    RawArray,
}

/// Writes one value.
#[derive(Debug)]
pub(super) struct Serializer<'a> {
    out: &'a mut BytesMut,
    dialect: Dialect,
    place: Place,
    role: Role,
}

impl<'a> Serializer<'a> {
    /// Writes the kind and the key of an element.
    #[inline]
    fn head(&mut self, kind: u8) -> Result<()> {
        match self.place {
            Place::Top => {}
            Place::Member(key) => {
                check_key(key.as_bytes())?;
                self.out.extend_from_slice(&[kind]);
                self.out.extend_from_slice(key.as_bytes());
                self.out.extend_from_slice(&[0]);
            }
            Place::Element(number) => {
                self.out.extend_from_slice(&[kind]);
                self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                self.out.extend_from_slice(&[0]);
            }
            Place::Behind(at) => {
                if let Some(place) = self.out.get_mut(at) {
                    *place = kind;
                }
            }
        }
        Ok(())
    }

    /// Writes a whole element of fixed size.
    #[inline]
    fn fixed<const N: usize>(mut self, kind: u8, value: [u8; N]) -> Result<()> {
        if matches!(self.place, Place::Top) {
            let mut document = *b"\0\0\0\0\0_Val_\0\0\0\0\0\0\0\0\0\0";
            document[0] = 12 + N as u8;
            document[4] = kind;
            if let Some(place) = document.get_mut(11..11 + N) {
                place.copy_from_slice(&value);
            }
            self.out.extend_from_slice(document.get(..12 + N).unwrap_or_default());
            return Ok(());
        }
        self.head(kind)?;
        self.out.extend_from_slice(&value);
        Ok(())
    }

    /// Writes a whole element of any size, its value in parts.
    #[inline]
    pub(super) fn parts(mut self, kind: u8, parts: [&[u8]; 3]) -> Result<()> {
        let len = parts[0].len() + parts[1].len() + parts[2].len();
        self.out.reserve(len + 16);
        let top = matches!(self.place, Place::Top);
        if top {
            self.out.extend_from_slice(&wire_len(len + 12)?);
            self.place = Place::Member(VAL);
        }
        self.head(kind)?;
        for part in parts {
            self.out.extend_from_slice(part);
        }
        if top {
            self.out.extend_from_slice(&[0]);
        }
        Ok(())
    }

    #[inline]
    fn binary(self, subtype: u8, bytes: &[u8]) -> Result<()> {
        let [a, b, c, d] = wire_len(bytes.len())?;
        self.parts(kind::BINARY, [&[a, b, c, d, subtype], bytes, &[]])
    }

    /// A string, in the kind of the dialect.
    #[inline]
    fn text(self, text: &[u8]) -> Result<()> {
        if self.dialect == Dialect::Vitess {
            return self.binary(kind::GENERIC, text);
        }
        let text = String::from_utf8_lossy(text);
        let len = wire_len(text.len() + 1)?;
        self.parts(kind::STRING, [&len, text.as_bytes(), &[0]])
    }

    /// A document that is already encoded.
    fn encoded(mut self, kind: u8, document: &[u8]) -> Result<()> {
        if document.first_chunk() != Some(&wire_len(document.len())?) {
            return Err(EncodeError::new("raw document of a wrong length"));
        }
        self.head(kind)?;
        self.out.extend_from_slice(document);
        Ok(())
    }

    /// Opens a document or list that is the value.
    #[inline]
    fn open(mut self, kind: u8) -> Result<Document<'a>> {
        self.head(kind)?;
        Ok(Document::open(self.out, self.dialect))
    }

    /// Opens `{variant: {…}}` or `{variant: […]}`.
    fn open_variant(self, variant: &'static str, kind: u8) -> Result<Document<'a>> {
        let outer = self.open(kind::DOCUMENT)?;
        let start = outer.start();
        let inner = outer.into_member(variant).open(kind)?;
        Ok(inner.inside(start))
    }

    /// A value of the `bson` crate that serde's model has no word for.
    pub(super) fn crate_type(self, members: crate_types::Members) -> Result<()> {
        let (kind, bytes) = members.into_element()?;
        self.parts(kind, [&bytes, &[], &[]])
    }
}

macro_rules! widened {
    ($($method:ident: $type:ty => $wide:ident,)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<()> {
            self.$wide(value.into())
        }
    )*};
}

impl<'a> ser::Serializer for Serializer<'a> {
    type Ok = ();
    type Error = EncodeError;
    compound_types! {
        Document<'a>:
        SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, SerializeMap, SerializeStructVariant
    }
    type SerializeStruct = Struct<'a>;

    forward_serialize! {
        char, #[inline] some, unit_struct, unit_variant, #[inline] tuple, tuple_struct, binary
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        self.fixed(kind::BOOL, [value.into()])
    }

    widened! {
        serialize_i8: i8 => serialize_i32,
        serialize_i16: i16 => serialize_i32,
        serialize_u8: u8 => serialize_u64,
        serialize_u16: u16 => serialize_u64,
        serialize_u32: u32 => serialize_u64,
        serialize_f32: f32 => serialize_f64,
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<()> {
        self.fixed(kind::INT32, value.to_le_bytes())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.fixed(kind::INT64, value.to_le_bytes())
    }

    fn serialize_i128(self, _: i128) -> Result<()> {
        Err(EncodeError::new("don't know how to marshal int128"))
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<()> {
        match (self.dialect, i64::try_from(value)) {
            (Dialect::Vitess, _) => self.fixed(kind::UINT64, value.to_le_bytes()),
            (Dialect::Standard, Ok(value)) => self.serialize_i64(value),
            (Dialect::Standard, Err(_)) => {
                Err(EncodeError::new(format!("integer {value} does not fit into a signed 64-bit one")))
            }
        }
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.fixed(kind::DOUBLE, value.to_le_bytes())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.text(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        match self.role {
            Role::Plain | Role::Any => self.binary(kind::GENERIC, value),
            Role::Time => {
                let packed = value.try_into().map_err(|_| EncodeError::new("packed time out of range"))?;
                let millis = time::to_millis(i128::from_be_bytes(packed), self.dialect);
                self.fixed(kind::DATETIME, millis.to_le_bytes())
            }
            Role::Text => self.text(value),
            Role::Uuid => self.binary(kind::UUID, value),
            Role::RawDocument => self.encoded(kind::DOCUMENT, value),
            Role::RawArray => self.encoded(kind::ARRAY, value),
        }
    }

    /// As a body too, where the original refuses: its readers take `{_Val_: null}` for the zero value.
    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.fixed(kind::NULL, [])
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        if matches!(self.place, Place::Top) && self.role != Role::Any {
            return self.open(kind::DOCUMENT)?.close();
        }
        self.fixed(kind::NULL, [])
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        let role = match name {
            TEXT => Role::Text,
            TIME => Role::Time,
            ANY => Role::Any,
            crate_types::UUID => Role::Uuid,
            crate_types::RAW_DOCUMENT => Role::RawDocument,
            crate_types::RAW_ARRAY => Role::RawArray,
            _ => Role::Plain,
        };
        value.serialize(Self { role, ..self })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let mut document = self.open(kind::DOCUMENT)?;
        document.member(variant, value)?;
        document.close()
    }

    #[inline]
    fn serialize_seq(self, _len: Option<usize>) -> Result<Document<'a>> {
        if self.role == Role::Any && matches!(self.place, Place::Top) {
            return self.open_variant(VAL, kind::ARRAY);
        }
        self.open(kind::ARRAY)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Document<'a>> {
        self.open_variant(variant, kind::ARRAY)
    }

    #[inline]
    fn serialize_map(self, _len: Option<usize>) -> Result<Document<'a>> {
        self.open(kind::DOCUMENT)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Struct<'a>> {
        if crate_types::is_struct(name) {
            return Struct::crate_type(self, name);
        }
        self.open(kind::DOCUMENT).map(Struct::Document)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Document<'a>> {
        self.open_variant(variant, kind::DOCUMENT)
    }
}

/// A key ends at its first zero byte, so it cannot have one inside.
#[inline]
fn check_key(key: &[u8]) -> Result<()> {
    if key.contains(&0) {
        return Err(EncodeError::new(format!("key with a zero byte: {}", key.escape_ascii())));
    }
    Ok(())
}

/// A length as it stands on the wire.
#[inline]
fn wire_len(len: usize) -> Result<[u8; 4]> {
    match i32::try_from(len) {
        Ok(len) => Ok(len.to_le_bytes()),
        Err(_) => Err(EncodeError::new(format!("{len} bytes are more than a BSON length can say"))),
    }
}
