//! Values of ours into MessagePack: a serde serializer that appends to the outgoing buffer.
//!
//! Nothing is built in between. A list or map of unknown length gets room for the longest one, which is filled in at
//! its end. On an error the caller cuts the buffer back.

mod compound;

use super::{
    time::{self, TimeForm},
    write,
};
use crate::{
    error::EncodeError,
    form::{Form, FormScope},
    serde_methods::{compound_types, forward_serialize},
    types::{TEXT, TIME, Time},
};
use bytes::BytesMut;
use compound::Compound;
use serde::{Serialize, ser};

type Result<T> = std::result::Result<T, EncodeError>;

/// Appends `value` as the body of a message; on an error `out` has lost nothing but may have grown.
#[inline]
pub(super) fn to_buf<T: Serialize + ?Sized>(value: &T, times: TimeForm, out: &mut BytesMut) -> Result<()> {
    let _form = FormScope::enter(Form::Msgpack);
    value.serialize(Serializer::new(out, times))
}

/// What a newtype's name has said about the value inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Text,
    Time,
}

/// Writes one value.
#[derive(Debug)]
struct Serializer<'a> {
    out: &'a mut BytesMut,
    role: Role,
    times: TimeForm,
}

impl<'a> Serializer<'a> {
    #[inline]
    fn new(out: &'a mut BytesMut, times: TimeForm) -> Self {
        Self { out, role: Role::Plain, times }
    }

    /// Opens `{variant: …}` around a value.
    #[inline]
    fn variant(self, variant: &'static str) -> Result<Self> {
        fits(write::map(self.out, 1))?;
        fits(write::str(self.out, variant))?;
        Ok(Self::new(self.out, self.times))
    }
}

/// A length that the format cannot say.
#[inline]
fn fits(written: Option<()>) -> Result<()> {
    written.ok_or_else(|| EncodeError::new("more than a MessagePack length can say"))
}

macro_rules! integers {
    ($($method:ident: $type:ty => $write:ident,)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<()> {
            write::$write(self.out, value.into());
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for Serializer<'a> {
    type Ok = ();
    type Error = EncodeError;
    compound_types!(Compound<'a>);

    forward_serialize! {
        char, #[inline] none, #[inline] some, unit_struct, unit_variant, #[inline] tuple, tuple_struct, binary
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        write::boolean(self.out, value);
        Ok(())
    }

    integers! {
        serialize_i8: i8 => int,
        serialize_i16: i16 => int,
        serialize_i32: i32 => int,
        serialize_i64: i64 => int,
        serialize_u8: u8 => uint,
        serialize_u16: u16 => uint,
        serialize_u32: u32 => uint,
        serialize_u64: u64 => uint,
        serialize_f32: f32 => f32,
        serialize_f64: f64 => f64,
    }

    /// 128-bit integers go as far as 64 bits do.
    fn serialize_i128(self, value: i128) -> Result<()> {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => self.serialize_i64(value),
            (_, Ok(value)) => self.serialize_u64(value),
            _ => Err(EncodeError::new(format!("integer {value} does not fit into 64 bits"))),
        }
    }

    fn serialize_u128(self, value: u128) -> Result<()> {
        match u64::try_from(value) {
            Ok(value) => self.serialize_u64(value),
            Err(_) => Err(EncodeError::new(format!("integer {value} does not fit into 64 bits"))),
        }
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        fits(write::str(self.out, value))
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        fits(match self.role {
            Role::Text => write::raw(self.out, value),
            Role::Plain => write::bin(self.out, value),
            Role::Time => {
                let time = Time::from_packed_bytes(value)
                    .ok_or_else(|| EncodeError::new("packed time out of range"))?;
                time::put(self.out, time, self.times);
                Some(())
            }
        })
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        self.out.extend_from_slice(&[write::NIL]);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        let role = match name {
            TEXT => Role::Text,
            TIME => Role::Time,
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
        value.serialize(self.variant(variant)?)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<'a>> {
        Compound::list(self.out, self.times, len)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'a>> {
        self.variant(variant)?.serialize_seq(Some(len))
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Compound<'a>> {
        Compound::map(self.out, self.times, len)
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Compound<'a>> {
        Compound::map(self.out, self.times, Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'a>> {
        self.variant(variant)?.serialize_map(Some(len))
    }
}
