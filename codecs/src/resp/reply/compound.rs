//! Lists and maps in the making.

use super::{
    out::{Header, Out, Result},
    ser::Serializer,
};
use crate::{
    error::EncodeError,
    serde_methods::{impl_elements, impl_entries, impl_members},
};
use serde::Serialize;

/// An open list or map.
#[derive(Debug)]
pub(super) struct Compound<'a, 'o> {
    out: &'a mut Out<'o>,
    kind: u8,
    /// What the header counts for each element or pair.
    weight: usize,
    header: Header,
    /// What the header says.
    announced: usize,
    /// Elements, or pairs, written so far.
    count: usize,
}

impl<'a, 'o> Compound<'a, 'o> {
    /// A header of unknown length is corrected in the end, and so is one that did not come true.
    #[inline]
    pub(super) fn open(out: &'a mut Out<'o>, kind: u8, weight: usize, len: Option<usize>) -> Result<Self> {
        let announced = len.unwrap_or_default().saturating_mul(weight);
        let header = out.header(kind, announced)?;
        Ok(Self { out, kind, weight, header, announced, count: 0 })
    }

    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(Serializer::part(self.out))
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.count += 1;
        self.value(value)
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.count += 1;
        self.out.bulk(key.as_bytes())?;
        self.value(value)
    }

    #[inline]
    fn close(self) -> Result<()> {
        let number = self.count.saturating_mul(self.weight);
        if number == self.announced { Ok(()) } else { self.out.correct(self.header, self.kind, number) }
    }
}

impl_elements! {
    [#[inline]] [] Compound<'_, '_> => (), EncodeError:
    SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant
}

impl_members!([#[inline]] [] Compound<'_, '_> => (), EncodeError: SerializeStruct, SerializeStructVariant);

impl_entries!([#[inline]] [] Compound<'_, '_> => (), EncodeError);
