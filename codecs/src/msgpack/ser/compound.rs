//! Lists and maps in the making.

use super::{Result, Serializer, fits};
use crate::{
    error::EncodeError,
    msgpack::{time::TimeForm, write},
    serde_methods::{impl_elements, impl_entries, impl_members},
};
use bytes::BytesMut;
use serde::Serialize;

/// An open list or map.
#[derive(Debug)]
pub(super) struct Compound<'a> {
    out: &'a mut BytesMut,
    times: TimeForm,
    length: Length,
    /// Elements, or pairs, written so far.
    count: usize,
}

#[derive(Debug, Clone, Copy)]
enum Length {
    /// It stands in front, and has to come true.
    Written(usize),
    /// It goes to the four bytes at this offset.
    At(usize),
}

impl<'a> Compound<'a> {
    #[inline]
    pub(super) fn list(out: &'a mut BytesMut, times: TimeForm, len: Option<usize>) -> Result<Self> {
        Self::open(out, times, len, write::list, write::LIST_32)
    }

    #[inline]
    pub(super) fn map(out: &'a mut BytesMut, times: TimeForm, len: Option<usize>) -> Result<Self> {
        Self::open(out, times, len, write::map, write::MAP_32)
    }

    #[inline]
    fn open(
        out: &'a mut BytesMut,
        times: TimeForm,
        len: Option<usize>,
        start: impl FnOnce(&mut BytesMut, usize) -> Option<()>,
        unknown: u8,
    ) -> Result<Self> {
        let length = match len {
            Some(len) => {
                fits(start(out, len))?;
                Length::Written(len)
            }
            None => {
                out.extend_from_slice(&[unknown, 0, 0, 0, 0]);
                Length::At(out.len() - 4)
            }
        };
        Ok(Self { out, times, length, count: 0 })
    }

    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(Serializer::new(self.out, self.times))
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.count += 1;
        self.value(value)
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.count += 1;
        fits(write::str(self.out, key))?;
        self.value(value)
    }

    #[inline]
    fn close(self) -> Result<()> {
        match self.length {
            Length::Written(len) if len == self.count => Ok(()),
            Length::Written(len) => {
                let text = format!("a value of {len} parts by its own account has {}", self.count);
                Err(EncodeError::new(text))
            }
            Length::At(at) => {
                let len = u32::try_from(self.count).ok();
                fits(len.map(drop))?;
                if let (Some(len), Some(place)) =
                    (len, self.out.get_mut(at..).and_then(<[u8]>::first_chunk_mut))
                {
                    *place = len.to_be_bytes();
                }
                Ok(())
            }
        }
    }
}

impl_elements! {
    [#[inline]] [] Compound<'_> => (), EncodeError:
    SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant
}

impl_members!([#[inline]] [] Compound<'_> => (), EncodeError: SerializeStruct, SerializeStructVariant);

impl_entries!([#[inline]] [] Compound<'_> => (), EncodeError);
