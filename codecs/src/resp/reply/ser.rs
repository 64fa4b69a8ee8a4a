//! Values of ours into RESP: a serde serializer that appends to the outgoing buffer.
//!
//! Values are in a form of their own ([`Form::Resp`]): bytes are bytes, and types of other crates that look different
//! to people and to programs are as people read them. On an error the caller cuts the buffer back.

use super::{
    compound::Compound,
    marked::{SET, STATUS, VERBATIM},
    out::{Out, Result},
};
use crate::{
    error::EncodeError,
    form::{Form, FormScope},
    resp::version::Version,
    serde_methods::{compound_types, forward_serialize},
    types::{ANY, TIME, Time},
};
use serde::{Serialize, ser};
use std::fmt::{Display, LowerExp};

/// Appends `value`; on an error `out` has lost nothing but may have grown.
#[inline]
pub(super) fn to_out<T: Serialize + ?Sized>(value: &T, place: Place, out: &mut Out<'_>) -> Result<()> {
    let _form = FormScope::enter(Form::Resp);
    value.serialize(Serializer { out, role: Role::Plain, place })
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the whole reply, where a unit says that all is well.
    Whole,
    /// It is a part of one, where a unit is nothing.
    Part,
}

/// What a newtype's name has said about the value inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Any,
    Time,
    Set,
    Status,
    Verbatim,
}

/// Writes one value.
#[derive(Debug)]
pub(super) struct Serializer<'a, 'o> {
    out: &'a mut Out<'o>,
    role: Role,
    place: Place,
}

impl<'a, 'o> Serializer<'a, 'o> {
    /// For a part of a reply.
    #[inline]
    pub(super) fn part(out: &'a mut Out<'o>) -> Self {
        Self { out, role: Role::Plain, place: Place::Part }
    }

    /// Opens `{variant: …}` around a value.
    fn variant(self, variant: &'static str) -> Result<Self> {
        let parts = match self.out.version {
            Version::Resp2 => self.out.header(b'*', 2),
            Version::Resp3 => self.out.header(b'%', 1),
        };
        parts?;
        self.out.bulk(variant.as_bytes())?;
        Ok(Self::part(self.out))
    }

    /// The shortest digits that are read as the same number.
    fn float(self, value: f64, shortest: impl Display + LowerExp) -> Result<()> {
        self.out.formatted(Some(b','), |text| {
            let size = value.abs();
            match value {
                value if value.is_nan() => text.write_str("nan"),
                f64::INFINITY => text.write_str("inf"),
                f64::NEG_INFINITY => text.write_str("-inf"),
                _ if size == 0.0 || (1e-6..1e21).contains(&size) => write!(text, "{shortest}"),
                _ => write!(text, "{shortest:e}"),
            }
        })
    }

    /// A number of over 63 bits.
    fn big(self, digits: &str) -> Result<()> {
        match self.out.version {
            Version::Resp2 => self.out.bulk(digits.as_bytes()),
            Version::Resp3 => self.out.line(b'(', digits.as_bytes()),
        }
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty,)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<()> {
            self.out.line(b':', itoa::Buffer::new().format(value).as_bytes())
        }
    )*};
}

macro_rules! big_integers {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<()> {
            match i64::try_from(value) {
                Ok(value) => self.serialize_i64(value),
                Err(_) => self.big(itoa::Buffer::new().format(value)),
            }
        }
    )*};
}

macro_rules! variants {
    ($($method:ident => $open:ident,)*) => {$(
        fn $method(
            self,
            _: &'static str,
            _: u32,
            variant: &'static str,
            len: usize,
        ) -> Result<Self::SerializeMap> {
            self.variant(variant)?.$open(Some(len))
        }
    )*};
}

impl<'a, 'o> ser::Serializer for Serializer<'a, 'o> {
    type Ok = ();
    type Error = EncodeError;
    compound_types!(Compound<'a, 'o>);

    forward_serialize!(
        char,
        #[inline]
        some,
        unit_struct,
        unit_variant,
        #[inline]
        tuple,
        tuple_struct
    );

    fn serialize_bool(self, value: bool) -> Result<()> {
        match (self.out.version, value) {
            (Version::Resp2, value) => self.out.line(b':', if value { b"1" } else { b"0" }),
            (Version::Resp3, value) => self.out.line(b'#', if value { b"t" } else { b"f" }),
        }
    }

    integers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
    }

    big_integers! {
        serialize_u64: u64,
        serialize_i128: i128,
        serialize_u128: u128,
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.float(f64::from(value), value)
    }

    fn serialize_f64(self, value: f64) -> Result<()> {
        self.float(value, value)
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        match self.role {
            Role::Status => self.out.status(value),
            Role::Verbatim => self.out.verbatim(value),
            _ => self.out.bulk(value.as_bytes()),
        }
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        if self.role != Role::Time {
            return self.out.bulk(value);
        }
        let time =
            Time::from_packed_bytes(value).ok_or_else(|| EncodeError::new("packed time out of range"))?;
        self.collect_str(&time)
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.out.null()
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        match (self.place, self.role) {
            (Place::Part, _) | (_, Role::Any) => self.out.null(),
            (Place::Whole, _) => self.out.status("OK"),
        }
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        let role = match name {
            ANY => Role::Any,
            TIME => Role::Time,
            SET => Role::Set,
            STATUS => Role::Status,
            VERBATIM => Role::Verbatim,
            _ => Role::Plain,
        };
        value.serialize(Self { role, ..self })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self.variant(variant)?)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<'a, 'o>> {
        match (self.role, self.out.version) {
            (Role::Set, Version::Resp3) => Compound::open(self.out, b'~', 1, len),
            _ => Compound::open(self.out, b'*', 1, len),
        }
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Compound<'a, 'o>> {
        match self.out.version {
            Version::Resp2 => Compound::open(self.out, b'*', 2, len),
            Version::Resp3 => Compound::open(self.out, b'%', 1, len),
        }
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Compound<'a, 'o>> {
        self.serialize_map(Some(len))
    }

    variants! {
        serialize_tuple_variant => serialize_seq,
        serialize_struct_variant => serialize_map,
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<()> {
        match self.role {
            Role::Status | Role::Verbatim => self.serialize_str(&value.to_string()),
            _ => self.out.formatted(None, |text| write!(text, "{value}")),
        }
    }
}
