//! One token as a serde value.

use super::{
    de_error::{DeError, list},
    hint::Hint,
    token::Token,
};
use crate::{
    budget::{Charged, DecodeBudget},
    serde_methods::forward_deserialize,
    types::{Time, is_blob},
};
use serde::de::{Deserializer, IgnoredAny, Visitor, value::StrDeserializer};
use std::str::{self, FromStr};

type Json<'a> = serde_json::Deserializer<serde_json::de::SliceRead<'a>>;

/// The deserializer of one token.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenDeserializer<'a, 's> {
    pub(super) token: Token<'a>,
    pub(super) hint: Hint<'s>,
    pub(super) budget: &'s DecodeBudget,
}

impl<'a, 's> TokenDeserializer<'a, 's> {
    /// The token as bytes; nothing if it is NULL.
    fn bytes(self) -> Option<&'a [u8]> {
        match self.token {
            Token::Plain(bytes) | Token::Text(bytes) | Token::Bytes(bytes) => Some(bytes),
            Token::Integer(text) | Token::Decimal(text) => Some(text.as_bytes()),
            Token::Bool(true) => Some(b"true"),
            Token::Bool(false) => Some(b"false"),
            Token::Null => None,
        }
    }

    /// The digits of a number; a boolean is 1 or 0, as in SQL.
    fn digits(self) -> Option<&'a str> {
        match self.token {
            Token::Plain(bytes) | Token::Text(bytes) => str::from_utf8(bytes).ok(),
            Token::Integer(text) | Token::Decimal(text) => Some(text),
            Token::Bool(value) => Some(if value { "1" } else { "0" }),
            Token::Bytes(_) | Token::Null => None,
        }
    }

    fn parse<T: FromStr>(self, wanted: &str) -> Result<T, DeError> {
        self.digits().and_then(|digits| digits.parse().ok()).ok_or_else(|| DeError::wants(wanted))
    }

    /// A finite number; Rust's names of others are none.
    fn float<T: FromStr + Into<f64> + Copy>(self, wanted: &str) -> Result<T, DeError> {
        let digits = self.digits().filter(|digits| {
            !digits.bytes().any(|byte| byte.is_ascii_alphabetic() && !b"eE".contains(&byte))
        });
        let value: Option<T> = digits.and_then(|digits| digits.parse().ok());
        value.filter(|value| (*value).into().is_finite()).ok_or_else(|| DeError::wants(wanted))
    }

    /// Whether an option is empty.
    pub(super) fn is_none(self) -> bool {
        match self.token {
            Token::Null => true,
            Token::Plain(text) => text == b"null" && !self.hint.some().has_null(),
            _ => false,
        }
    }

    /// Reads the token as JSON; `wanted` is its type in words.
    fn json<T>(
        self,
        wanted: &str,
        bracket: u8,
        read: impl FnOnce(Charged<'_, &mut Json<'a>>) -> serde_json::Result<T>,
    ) -> Result<T, DeError> {
        let wanted = self.hint.name(wanted);
        let text = self.token.as_text().filter(|_| self.token.starts_with(bracket));
        let Some(text) = text else { return Err(DeError::wants(format!("{wanted} as JSON"))) };
        let mut json = serde_json::Deserializer::from_slice(text);
        let value = read(Charged::new(&mut json, self.budget)).and_then(|value| json.end().map(|()| value));
        value.map_err(|error| match self.budget.spent() {
            Some(over) => over.into(),
            None => DeError::json(wanted, &error),
        })
    }

    /// A plain token whose kind shows: JSON if it is valid, else a text.
    fn guess<V: Visitor<'a>>(self, text: &'a [u8], visitor: V) -> Result<V::Value, DeError> {
        match text.first() {
            Some(b't') if text == b"true" => visitor.visit_bool(true),
            Some(b'f') if text == b"false" => visitor.visit_bool(false),
            Some(b'n') if text == b"null" => visitor.visit_unit(),
            Some(b'-' | b'0'..=b'9') if text.last().is_some_and(u8::is_ascii_digit) && is_json(text) => {
                visit_number(str::from_utf8(text).unwrap_or_default(), visitor)
            }
            Some(bracket @ (b'{' | b'[' | b'"')) if is_json(text) => {
                self.json("any value", *bracket, |json| json.deserialize_any(visitor))
            }
            _ => self.kept(text, visitor),
        }
    }

    /// Hands over a text, which the target may keep.
    fn kept<V: Visitor<'a>>(self, text: &'a [u8], visitor: V) -> Result<V::Value, DeError> {
        self.budget.bytes(text.len())?;
        visit_text(text, visitor)
    }
}

pub(super) fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// A text; bytes if it is not UTF-8.
fn visit_text<'a, V: Visitor<'a>>(text: &'a [u8], visitor: V) -> Result<V::Value, DeError> {
    match str::from_utf8(text) {
        Ok(text) => visitor.visit_borrowed_str(text),
        Err(_) => visitor.visit_borrowed_bytes(text),
    }
}

/// A number of no known type: an integer of 64 bits if it is one, as JSON has it; a text if it is too large for all.
fn visit_number<'a, V: Visitor<'a>>(digits: &'a str, visitor: V) -> Result<V::Value, DeError> {
    if let Ok(value) = digits.parse() {
        visitor.visit_i64(value)
    } else if let Ok(value) = digits.parse() {
        visitor.visit_u64(value)
    } else {
        match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => visitor.visit_f64(value),
            _ => visitor.visit_borrowed_str(digits),
        }
    }
}

/// Calls `$table!` with the integers: method of the deserializer and of the visitor, name in Go.
macro_rules! each_integer {
    ($table:ident) => {
        $table! {
            deserialize_i8 => visit_i8, "int8";
            deserialize_i16 => visit_i16, "int16";
            deserialize_i32 => visit_i32, "int32";
            deserialize_i64 => visit_i64, "int64";
            deserialize_i128 => visit_i128, "int128";
            deserialize_u8 => visit_u8, "uint8";
            deserialize_u16 => visit_u16, "uint16";
            deserialize_u32 => visit_u32, "uint32";
            deserialize_u64 => visit_u64, "uint64";
            deserialize_u128 => visit_u128, "uint128";
        }
    };
}

pub(super) use each_integer;

macro_rules! integers {
    ($($method:ident => $visit:ident, $go:literal;)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
            visitor.$visit(self.parse($go)?)
        }
    )*};
}

impl<'a> Deserializer<'a> for TokenDeserializer<'a, '_> {
    type Error = DeError;

    forward_deserialize!('a: string, identifier, byte_buf, unit_struct, newtype_struct, tuple_struct);

    each_integer!(integers);

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_f32(self.float("float32")?)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_f64(self.float("float64")?)
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.bytes() {
            Some(b"true" | b"1") => visitor.visit_bool(true),
            Some(b"false" | b"0") => visitor.visit_bool(false),
            _ => Err(DeError::wants("bool (true, false, 1 or 0)")),
        }
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        let mut chars = self.bytes().and_then(|text| str::from_utf8(text).ok()).unwrap_or_default().chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => visitor.visit_char(char),
            _ => Err(DeError::wants("one character")),
        }
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        let text = self.bytes().ok_or_else(|| DeError::wants("string"))?;
        self.budget.bytes(text.len())?;
        match str::from_utf8(text) {
            Ok(text) => visitor.visit_borrowed_str(text),
            // A text of Go's takes them, a `String` does not.
            Err(_) => {
                visitor.visit_borrowed_bytes(text).map_err(|_: DeError| DeError::wants("string in UTF-8"))
            }
        }
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        let bytes = self.bytes().ok_or_else(|| DeError::wants("[]byte"))?;
        self.budget.bytes(bytes.len())?;
        visitor.visit_borrowed_bytes(bytes)
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        if is_blob::<V>() {
            return self.deserialize_bytes(visitor);
        }
        self.budget.any::<V::Value>()?;
        if self.hint.is_time() {
            return visitor.visit_i128(self.parse::<Time>("time.Time (RFC 3339)")?.to_packed());
        }
        match self.token {
            Token::Plain(text) => self.guess(text, visitor),
            Token::Text(text) => self.kept(text, visitor),
            Token::Integer(digits) | Token::Decimal(digits) => visit_number(digits, visitor),
            Token::Bytes(bytes) => {
                self.budget.bytes(bytes.len())?;
                visitor.visit_borrowed_bytes(bytes)
            }
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Null => visitor.visit_unit(),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.is_none() {
            visitor.visit_none()
        } else {
            visitor.visit_some(Self { hint: self.hint.some(), ..self })
        }
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.token {
            Token::Null | Token::Plain(b"" | b"null") => visitor.visit_unit(),
            _ => Err(DeError::wants("null")),
        }
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.json("a list", b'[', |json| json.deserialize_seq(visitor))
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, len: usize, visitor: V) -> Result<V::Value, DeError> {
        self.json("a list", b'[', |json| json.deserialize_tuple(len, visitor))
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.json("a map", b'{', |json| json.deserialize_map(visitor))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.json(name, b'{', |json| json.deserialize_struct(name, fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if self.token.starts_with(b'{') {
            return self.json(name, b'{', |json| json.deserialize_enum(name, variants, visitor));
        }
        let variant = self.bytes().and_then(|text| str::from_utf8(text).ok());
        match variant.filter(|variant| variants.contains(variant)) {
            Some(variant) => visitor.visit_enum(StrDeserializer::new(variant)),
            None => Err(DeError::wants(format!("one of {}", list(variants)))),
        }
    }
}
