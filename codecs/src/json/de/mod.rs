//! From JSON straight into a type, by the rules of Go's `encoding/json`.
//!
//! Second step of decoding, once the method and with it the type is known: a serde deserializer over a whole value.
//! Where serde_json would refuse, Go is followed: `null` is the zero value of everything, member names match in any
//! case, lone surrogates and bad UTF-8 become U+FFFD, `[]byte` is base64, an array may be shorter or longer, of members
//! with one name the last counts.

use super::{
    access::{Elements, Entries, Members},
    cursor::{Cursor, MAX_DEPTH, Number},
    de_error::DeError,
};
use crate::{
    again::{Again, read_again},
    budget::{DecodeBudget, ListRoom, MapRoom},
    codec::{Decoding, Limits},
    error::ValueError,
    serde_methods::{each_integer, forward_deserialize},
    zero::{Zero, ZeroFieldError as _},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use std::{borrow::Cow, str::FromStr};

/// Decodes one bare JSON value, such as the result of a reply.
///
/// # Errors
/// It is no JSON, does not fit `T`, or would take more memory than [`Limits`](crate::Limits) allow by default; the text
/// is Go's.
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
    value_within(bytes, decoding, || decoding.budget(bytes.len()))
}

/// As [`value_from_slice`], each attempt with a budget of its own.
#[inline]
pub(crate) fn value_within<T: DeserializeOwned>(
    bytes: &[u8],
    decoding: &Decoding<'_>,
    budget: impl Fn() -> DecodeBudget,
) -> Result<T, ValueError> {
    read_again(|again| {
        let mut de = De::new::<T>(bytes, decoding.max_depth(), again, budget());
        let value = T::deserialize(&mut de);
        decoding.note(&de.budget);
        let value = value?;
        if de.cursor.peek().is_some() {
            return Err(de.cursor.unexpected());
        }
        Ok(value)
    })
}

/// Decodes the first element of the array `params`, as a [`RequestDecoder`](super::RequestDecoder) found it.
///
/// No element, like `null`, is the zero value of `T`; further elements are ignored.
///
/// # Errors
/// `params` is no array, or its element does not fit `T`; the text is Go's.
#[inline]
pub fn params_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ValueError> {
    params_from_slice_within(bytes, &Decoding::new(&Limits::DEFAULT))
}

/// As [`params_from_slice`], within the limits of `decoding`, which learns what the value takes.
///
/// # Errors
/// As [`params_from_slice`].
#[inline]
pub fn params_from_slice_within<T: DeserializeOwned>(
    bytes: &[u8],
    decoding: &Decoding<'_>,
) -> Result<T, ValueError> {
    read_again(|again| {
        let budget = decoding.budget(bytes.len());
        // They have been walked through with the message.
        let mut de = De::new::<T>(bytes, MAX_DEPTH, again, budget);
        if de.cursor.peek() != Some(b'[') {
            return Err(de.cursor.mismatch("[1]interface {}"));
        }
        de.cursor.enter()?;
        if de.cursor.peek() == Some(b']') {
            T::deserialize(Zero::new(again.zero_fields()))
        } else {
            let value = T::deserialize(&mut de);
            decoding.note(&de.budget);
            value
        }
    })
}

/// The deserializer; `again` is what an earlier reading found out.
#[derive(Debug)]
pub(super) struct De<'de, 'f> {
    pub(super) cursor: Cursor<'de>,
    pub(super) again: &'f Again,
    pub(super) budget: DecodeBudget,
}

impl<'de, 'f> De<'de, 'f> {
    /// For a `T`, which its caller has room for.
    #[inline]
    fn new<T>(bytes: &'de [u8], max_depth: usize, again: &'f Again, budget: DecodeBudget) -> Self {
        budget.member::<T>();
        Self { cursor: Cursor::new(bytes, max_depth), again, budget }
    }

    /// Takes a number, or `null` for 0, where Go has the type `wanted`.
    #[inline]
    fn number(&mut self, wanted: &'static str) -> Result<Number<'de>, DeError> {
        match self.cursor.peek() {
            Some(b'-' | b'0'..=b'9') => self.cursor.number(),
            _ if self.cursor.take_null()? => Ok(Number::ZERO),
            _ => Err(self.cursor.mismatch(wanted)),
        }
    }

    /// Takes a string, or `null` for an empty one, where Go has the type `wanted`.
    #[inline]
    fn text(&mut self, wanted: &'static str) -> Result<Cow<'de, str>, DeError> {
        match self.cursor.peek() {
            Some(b'"') => self.cursor.string(),
            _ if self.cursor.take_null()? => Ok(Cow::Borrowed("")),
            _ => Err(self.cursor.mismatch(wanted)),
        }
    }

    /// Hands over a text, which the target may keep.
    #[inline]
    fn kept<V: Visitor<'de>>(&mut self, text: Cow<'de, str>, visitor: V) -> Result<V::Value, DeError> {
        let len = match &text {
            Cow::Borrowed(text) => text.len(),
            Cow::Owned(text) => text.capacity(),
        };
        self.budget.bytes(len)?;
        visit_text(text, visitor)
    }

    /// An array for `visitor`, which expects `len` elements: zero values if there are fewer.
    fn array<V: Visitor<'de>>(
        &mut self,
        len: usize,
        wanted: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.budget.compound::<V::Value>()?;
        if self.cursor.take_null()? {
            return Zero::new(self.again.zero_fields()).deserialize_tuple(len, visitor);
        }
        if self.cursor.peek() != Some(b'[') {
            return Err(self.cursor.mismatch(wanted));
        }
        self.cursor.enter()?;
        let mut elements = Elements { de: self, expected: len, first: true, room: ListRoom::new(len) };
        let value = visitor.visit_seq(&mut elements)?;
        let first = elements.first;
        self.cursor.skip_rest(first, b']')?;
        Ok(value)
    }

    /// An object for the visitor of a map.
    fn map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DeError> {
        self.budget.compound::<V::Value>()?;
        self.cursor.enter()?;
        let (keys, values) = (MapRoom::default(), MapRoom::default());
        let mut entries = Entries { de: self, first: true, keys, values, is_struct: false };
        let value = match visitor.visit_map(&mut entries) {
            // A struct with flattened fields, one of which may be there in another case.
            Err(error) if entries.is_struct => return Err(error.may_be_zero(&[])),
            value => value?,
        };
        let first = entries.first;
        self.cursor.skip_rest(first, b'}')?;
        Ok(value)
    }

    /// An object for the visitor of a struct, which gets the names of its `fields` in their own case.
    #[inline]
    fn members<V: Visitor<'de>>(
        &mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.budget.compound::<V::Value>()?;
        self.cursor.enter()?;
        let mut members = Members { de: self, first: true, name, fields, field: "", likely: 0, twice: None };
        if members.de.again.repeats().is_some() {
            members.look_for_repeated()?;
        }
        let value = match visitor.visit_map(&mut members) {
            Ok(value) => value,
            Err(error) => return Err(members.failed(error)),
        };
        members.go_back();
        let first = members.first;
        self.cursor.skip_rest(first, b'}')?;
        Ok(value)
    }
}

/// Hands a text over that has been paid for.
#[inline]
pub(super) fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, DeError> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

/// A number whose kind the visitor does not know beforehand.
fn visit_number<'de, V: Visitor<'de>>(number: Number<'de>, visitor: V) -> Result<V::Value, DeError> {
    match (number.unsigned(), number.signed()) {
        (Some(value), _) if !number.negative => visitor.visit_u64(value),
        (_, Some(value)) if value != 0 => visitor.visit_i64(value),
        _ => {
            let value = float(&number, "float64")?;
            if !is_said_by(value, number.text()) {
                return Err(DeError::other(format!(
                    "json: integer {} fits neither 64 bits nor a float64 without loss",
                    number.text()
                )));
            }
            visitor.visit_f64(value)
        }
    }
}

/// Whether a float is what a number says: an integer beyond 64 bits is exactly that float, or the shortest way to write
/// it, as Go does; fractions are always rounded.
#[cold]
fn is_said_by(value: f64, number: &str) -> bool {
    let is_integer = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    !is_integer || number == value.to_string() || number == format!("{value:.0}")
}

fn parse<T: FromStr>(number: &Number<'_>, wanted: &'static str) -> Result<T, DeError> {
    number.text().parse().map_err(|_| out_of_type(number, wanted))
}

fn float<T: FromStr + Into<f64> + Copy>(number: &Number<'_>, wanted: &'static str) -> Result<T, DeError> {
    match parse::<T>(number, wanted) {
        Ok(value) if value.into().is_finite() => Ok(value),
        _ => Err(out_of_type(number, wanted)),
    }
}

#[cold]
fn out_of_type(number: &Number<'_>, wanted: &'static str) -> DeError {
    DeError::mismatch(format!("number {}", number.text()), wanted)
}

macro_rules! integers {
    ($($method:ident => $visit:ident, $value:ident, $go:literal;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            let number = self.number($go)?;
            match number.$value().and_then(|value| value.try_into().ok()) {
                Some(value) => visitor.$visit(value),
                None => Err(out_of_type(&number, $go)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut De<'de, '_> {
    type Error = DeError;

    forward_deserialize! {
        'de: #[inline] string, identifier, byte_buf, unit_struct, ignored_any, #[inline] newtype_struct, tuple_struct
    }

    each_integer!(integers);

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let number = self.number("int128")?;
        visitor.visit_i128(parse(&number, "int128")?)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let number = self.number("uint128")?;
        visitor.visit_u128(parse(&number, "uint128")?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let number = self.number("float32")?;
        visitor.visit_f32(float(&number, "float32")?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let number = self.number("float64")?;
        visitor.visit_f64(float(&number, "float64")?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let value = !self.cursor.take_null()? && self.cursor.boolean()?;
        visitor.visit_bool(value)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.cursor.take_null()? {
            return visitor.visit_char('\0');
        }
        visit_text(self.text("string")?, visitor)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let text = self.text("string")?;
        self.kept(text, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.cursor.peek() == Some(b'[') {
            return self.array(0, "[]uint8", visitor);
        }
        let text = self.text("[]uint8")?;
        match STANDARD.decode(&*text) {
            Ok(bytes) => {
                self.budget.bytes(bytes.len())?;
                visitor.visit_byte_buf(bytes)
            }
            Err(error) => Err(DeError::other(format!("illegal base64 data: {error}"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.cursor.take_null()? { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    /// Nothing to decode: a value of any kind will do.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.cursor.skip()?;
        visitor.visit_unit()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.array(0, "[]interface {}", visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DeError> {
        self.array(len, "[]interface {}", visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.cursor.peek() {
            Some(b'{') => self.map(visitor),
            _ if self.cursor.take_null()? => Zero::new(self.again.zero_fields()).deserialize_map(visitor),
            _ => Err(self.cursor.mismatch("map[string]interface {}")),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match self.cursor.peek() {
            Some(b'{') => self.members(name, fields, visitor),
            _ if self.cursor.take_null()? => {
                Zero::new(self.again.zero_fields()).deserialize_struct(name, fields, visitor)
            }
            _ => Err(self.cursor.mismatch(name)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.budget.compound::<V::Value>()?;
        match self.cursor.peek() {
            Some(b'"') => visitor.visit_enum(self.cursor.string()?.into_deserializer()),
            Some(b'{') => {
                self.cursor.enter()?;
                let value = visitor.visit_enum(&mut *self)?;
                self.cursor.leave(b'}')?;
                Ok(value)
            }
            _ if self.cursor.take_null()? => {
                Zero::new(self.again.zero_fields()).deserialize_enum(name, variants, visitor)
            }
            _ => Err(self.cursor.mismatch(name)),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.budget.any::<V::Value>()?;
        match self.cursor.peek() {
            Some(b'"') => {
                let text = self.cursor.string()?;
                self.kept(text, visitor)
            }
            Some(b'{') => self.map(visitor),
            Some(b'[') => self.array(0, "[]interface {}", visitor),
            Some(b't' | b'f') => visitor.visit_bool(self.cursor.boolean()?),
            Some(b'-' | b'0'..=b'9') => visit_number(self.cursor.number()?, visitor),
            _ if self.cursor.take_null()? => visitor.visit_unit(),
            _ => Err(self.cursor.unexpected()),
        }
    }
}

#[cfg(test)]
mod tests;
