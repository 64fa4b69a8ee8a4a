//! Go's `interface{}`: a value of any kind, with the kinds the wire tells apart.
//!
//! Knows serde's calls and nothing of any one codec; binary codecs recognise the newtype name
//! `ANY` and then say what they found by the visit they make.

use super::{ANY, Blob, Complex, Named, Text, Time, named::NamedVisitor};
use crate::form::{self, Form};
use base64::{Engine, engine::general_purpose::STANDARD};
#[cfg(any(feature = "gob", feature = "msgpack"))]
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};
use std::fmt;

/// A value whose kind only the peer knows.
///
/// On the wire: each kind as its own type would be written. JSON brings back `Null`, `Bool`, `Int`, `Uint` (over
/// `i64::MAX` only), `Float`, `Text`, `List` and `Map`; MessagePack these, `Blob` and `Time`; BSON brings back all but
/// `Complex`, gob all. What serde keeps until it knows its place (an `Any` in a flattened struct, an untagged or
/// internally tagged enum) has no word for times and complex numbers, which come back as `Text` and `List`.
///
/// ```
/// use rpcwrap_codecs::types::Any;
/// let any: Any = serde_json::from_str(r#"{"k":[1,"x",null]}"#).unwrap();
/// assert_eq!(any.get("k"), Some(&Any::List(vec![1i64.into(), "x".into(), Any::Null])));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Any {
    /// Go's `nil`.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// Go's `int32`.
    Int32(i32),
    /// Go's `int64`.
    Int(i64),
    /// Go's `uint64`.
    Uint(u64),
    /// Go's `float64`.
    Float(f64),
    /// Go's `complex128`.
    Complex(Complex),
    /// Go's `string`.
    Text(Text),
    /// Go's `[]byte`.
    Blob(Blob),
    /// Go's `time.Time`.
    Time(Time),
    /// Go's `[]interface{}`.
    List(Vec<Self>),
    /// Go's `map[string]interface{}`, in the order of the wire; the last of equal keys counts.
    Map(Vec<(Text, Self)>),
    /// A value of another type that Go has in an interface: `int`, `uint8`, `[]string`, `main.Point`. Only gob brings
    /// these, and only gob writes the name.
    Named(Box<Named>),
}

impl Any {
    /// The member `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self.unnamed() {
            Self::Map(members) => members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value as a signed integer, from any integer kind it fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self.unnamed() {
            Self::Int32(value) => Some(i64::from(*value)),
            Self::Int(value) => Some(*value),
            Self::Uint(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The value as a text, if it is one in UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self.unnamed() {
            Self::Text(text) => text.as_str(),
            _ => None,
        }
    }

    /// The value without the name of its type.
    pub fn unnamed(&self) -> &Self {
        match self {
            Self::Named(named) => named.value.unnamed(),
            _ => self,
        }
    }

    /// The value as JSON has it: bytes as base64 text, times in RFC 3339, complex numbers as lists of two, what is no
    /// number (NaN, infinities) as its name.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int32(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Uint(value) => (*value).into(),
            Self::Float(value) => float(*value),
            Self::Complex(Complex { re, im }) => vec![float(*re), float(*im)].into(),
            Self::Text(text) => text.to_str_lossy().into(),
            Self::Blob(bytes) => STANDARD.encode(&**bytes).into(),
            Self::Time(time) => time.to_string().into(),
            Self::List(values) => values.iter().map(Self::to_json).collect(),
            Self::Map(members) => members
                .iter()
                .map(|(key, value)| (key.to_str_lossy().into_owned(), value.to_json()))
                .collect(),
            Self::Named(named) => named.value.to_json(),
        }
    }
}

fn float(value: f64) -> serde_json::Value {
    if value.is_finite() { value.into() } else { value.to_string().into() }
}

macro_rules! from {
    ($($type:ty => $kind:ident,)*) => {$(
        impl From<$type> for Any {
            fn from(value: $type) -> Self {
                Self::$kind(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool,
    i32 => Int32,
    i64 => Int,
    u64 => Uint,
    f64 => Float,
    Complex => Complex,
    &str => Text,
    String => Text,
    Text => Text,
    Blob => Blob,
    Time => Time,
    Vec<Self> => List,
    Vec<(Text, Self)> => Map,
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if form::is_text(serializer.is_human_readable()) {
            Kind(self).serialize(serializer)
        } else {
            serializer.serialize_newtype_struct(ANY, &Kind(self))
        }
    }
}

/// The value inside, as its own type would be written.
struct Kind<'a>(&'a Any);

impl Serialize for Kind<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Any::Null => serializer.serialize_unit(),
            any => any.serialize_kind(serializer, |part| part),
        }
    }
}

impl Any {
    /// Writes the value inside as its own type would be, and the parts of a list or map as `part` makes them.
    pub(super) fn serialize_kind<'a, S: Serializer, P: Serialize>(
        &'a self,
        serializer: S,
        part: impl Fn(&'a Self) -> P,
    ) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int32(value) => serializer.serialize_i32(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Uint(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Complex(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::Blob(value) => value.serialize(serializer),
            Self::Time(value) => value.serialize(serializer),
            Self::Named(value) => value.serialize(serializer),
            Self::List(values) => {
                let mut seq = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| seq.serialize_element(&part(value)))?;
                seq.end()
            }
            Self::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    // A plain str where it is one: not every serializer takes other keys.
                    match key.as_str() {
                        Some(key) => map.serialize_entry(key, &part(value))?,
                        None => map.serialize_entry(key, &part(value))?,
                    }
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            false => deserializer.deserialize_newtype_struct(ANY, AnyVisitor { of_text: false }),
            true => deserializer.deserialize_any(AnyVisitor { of_text: form::is_text(true) }),
        }
    }
}

/// What hands a text that is not UTF-8 to the visitor of [`Any`].
#[cfg(any(feature = "gob", feature = "msgpack"))]
pub(crate) fn raw_text<'de, E: Error>(text: &'de [u8]) -> impl EnumAccess<'de, Error = E> {
    MapAccessDeserializer::new(MapDeserializer::new(std::iter::once((text, ()))))
}

pub(super) struct AnyVisitor {
    /// From a text format, whose integers have a sign but no kind.
    pub(super) of_text: bool,
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interface {}")
    }

    visits! {
        visit_unit() => Any::Null;
        visit_none() => Any::Null;
        visit_bool(value: bool) => Any::Bool(value);
        visit_i32(value: i32) => Any::Int32(value);
        visit_i64(value: i64) => Any::Int(value);
        visit_f64(value: f64) => Any::Float(value);
        visit_u128(packed: u128) => Any::Complex(Complex::from_packed(packed));
        visit_str(text: &str) => Any::Text(text.into());
        visit_string(text: String) => Any::Text(text.into());
        visit_bytes(bytes: &[u8]) => Any::Blob(bytes.into());
        visit_byte_buf(bytes: Vec<u8>) => Any::Blob(bytes.into());
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        Any::deserialize(deserializer)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Any, E> {
        match i64::try_from(value) {
            Ok(value) if self.of_text => Ok(Any::Int(value)),
            _ => Ok(Any::Uint(value)),
        }
    }

    fn visit_i128<E: Error>(self, packed: i128) -> Result<Any, E> {
        Time::from_packed(packed).map(Any::Time).ok_or_else(|| E::custom("packed time out of range"))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Any::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
        let mut members: Vec<(Text, Any)> = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        if form::current() == Form::Bson
            && let [(key, date)] = members.as_slice()
            && key == "$date"
            && let Some(millis) = date.get("$numberLong").and_then(Any::as_str)
            && let Ok(millis) = millis.parse()
        {
            // The form in which a time of BSON is kept.
            return Ok(Time::from_unix_millis(millis).into());
        }
        Ok(Any::Map(members))
    }

    /// What serde has no word for: a value whose type has a name of its own, and a text that is not UTF-8.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Any, A::Error> {
        match data.variant()? {
            (Variant::Named(name), parts) => parts.tuple_variant(2, NamedVisitor { name }),
            (Variant::RawText(text), _) => Ok(Any::Text(text)),
        }
    }
}

/// The two are told apart by whether the name of the variant is UTF-8.
enum Variant {
    Named(String),
    RawText(Text),
}

impl<'de> Deserialize<'de> for Variant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(VariantVisitor)
    }
}

struct VariantVisitor;

impl Visitor<'_> for VariantVisitor {
    type Value = Variant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a type, or a text")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Variant, E> {
        Ok(Variant::Named(name.to_owned()))
    }

    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<Variant, E> {
        Ok(Variant::RawText(Text(text.to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_kinds() {
        for (json, any) in [
            ("null", Any::Null),
            ("true", true.into()),
            ("-5", Any::Int(-5)),
            ("5", Any::Int(5)),
            ("18446744073709551615", Any::Uint(u64::MAX)),
            ("1.5", Any::Float(1.5)),
            (r#""x""#, "x".into()),
            (r#"[1.5,"x"]"#, Any::List(vec![1.5.into(), "x".into()])),
            (
                r#"{"b":false,"a":{}}"#,
                Any::Map(vec![("b".into(), false.into()), ("a".into(), Any::Map(vec![]))]),
            ),
        ] {
            assert_eq!(serde_json::from_str::<Any>(json).unwrap(), any);
            assert_eq!(serde_json::to_string(&any).unwrap(), json);
        }
    }

    #[test]
    fn kinds_json_has_no_word_for_become_what_go_writes() {
        let any = Any::List(vec![
            7i32.into(),
            Blob::from(b"\xff").into(),
            Time::default().into(),
            Text(vec![0xFF]).into(),
        ]);
        let json = "[7,\"/w==\",\"0001-01-01T00:00:00Z\",\"\u{FFFD}\"]";
        assert_eq!(serde_json::to_string(&any).unwrap(), json);
    }

    #[test]
    fn accessors() {
        let any =
            Any::Map(vec![("k".into(), Any::Null), ("k".into(), 5i32.into()), ("s".into(), "x".into())]);
        assert_eq!(any.get("k").and_then(Any::as_i64), Some(5));
        assert_eq!(any.get("s").and_then(Any::as_str), Some("x"));
        assert_eq!(any.get("none"), None);
        assert_eq!(Any::Uint(u64::MAX).as_i64(), None);
    }
}
