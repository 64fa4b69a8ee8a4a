//! Documents and lists in the making: elements go in, the length is patched in at the end.

use super::{Place, Result, Role, Serializer, check_key, key::KeySerializer, wire_len};
use crate::{
    bson::{Dialect, crate_types::Members},
    error::EncodeError,
    serde_methods::{impl_elements, impl_members},
};
use bytes::BytesMut;
use serde::{Serialize, ser};

/// An open document or list.
#[derive(Debug)]
pub(in crate::bson) struct Document<'a> {
    out: &'a mut BytesMut,
    dialect: Dialect,
    start: usize,
    /// Start of the document around this one that ends with it: `{variant: {…}}`.
    around: Option<usize>,
    /// Elements written so far; a list's next key.
    count: usize,
    /// Where the kind of the value behind the key written last goes.
    kind_at: usize,
}

impl<'a> Document<'a> {
    #[inline]
    pub(super) fn open(out: &'a mut BytesMut, dialect: Dialect) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        Self { out, dialect, start, around: None, count: 0, kind_at: start }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// The same document, as the last member of one that starts at `around`.
    pub(super) fn inside(self, around: usize) -> Self {
        Self { around: Some(around), ..self }
    }

    /// Gives the document up for its member `key`.
    pub(super) fn into_member(self, key: &'static str) -> Serializer<'a> {
        Serializer { out: self.out, dialect: self.dialect, place: Place::Member(key), role: Role::Plain }
    }

    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, place: Place, value: &T) -> Result<()> {
        value.serialize(Serializer { out: self.out, dialect: self.dialect, place, role: Role::Plain })
    }

    #[inline]
    pub(super) fn member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.put(Place::Member(key), value)
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let number = self.count;
        self.count += 1;
        self.put(Place::Element(number), value)
    }

    #[inline]
    pub(super) fn close(mut self) -> Result<()> {
        self.terminate(self.start)?;
        self.around.map_or(Ok(()), |start| self.terminate(start))
    }

    #[inline]
    fn terminate(&mut self, start: usize) -> Result<()> {
        self.out.extend_from_slice(&[0]);
        let len = wire_len(self.out.len() - start)?;
        if let Some(place) = self.out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *place = len;
        }
        Ok(())
    }
}

impl_elements! {
    [#[inline]] [] Document<'_> => (), EncodeError:
    SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant
}

impl ser::SerializeMap for Document<'_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.kind_at = self.out.len();
        self.out.extend_from_slice(&[0]);
        key.serialize(KeySerializer { out: self.out, dialect: self.dialect, is_text: false })?;
        check_key(self.out.get(self.kind_at + 1..).unwrap_or_default())?;
        self.out.extend_from_slice(&[0]);
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.put(Place::Behind(self.kind_at), value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.close()
    }
}

impl_members!([#[inline]] [] Document<'_> => (), EncodeError: SerializeStructVariant);

/// An open struct: a document, or a value of the `bson` crate that says its kind by a name such as `$oid`.
#[derive(Debug)]
pub(in crate::bson) enum Struct<'a> {
    Document(Document<'a>),
    CrateType(Serializer<'a>, Box<Members>),
}

impl<'a> Struct<'a> {
    #[cold]
    pub(super) fn crate_type(serializer: Serializer<'a>, name: &'static str) -> Result<Self> {
        Ok(Self::CrateType(serializer, Box::new(Members::new(name)?)))
    }
}

impl ser::SerializeStruct for Struct<'_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        match self {
            Self::Document(document) => document.member(key, value),
            Self::CrateType(_, members) => members.insert(key, value),
        }
    }

    #[inline]
    fn end(self) -> Result<()> {
        match self {
            Self::Document(document) => document.close(),
            Self::CrateType(serializer, members) => serializer.crate_type(*members),
        }
    }
}
