//! An argument in the form its codec wants: JSON as it was read, or gob's types made of it.

use crate::codec_name::CodecName;
use codecs::types::{Any, Text};
use serde::{
    Serialize, Serializer,
    ser::{SerializeSeq, SerializeStruct},
};
use std::mem::discriminant;

/// The argument of calls.
///
/// For gob the JSON says the types: objects are structs with these very field names, lists are slices of one type,
/// whole numbers `int` (`uint` beyond its reach), numbers with a point or an exponent `float64`, texts `string`; a list
/// with both kinds of numbers is one of floats, one of values that are not alike one of interfaces. A `null` member is
/// left out, which in Go is the zero value. For other codecs it is the value itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    /// As it is.
    Plain(Any),
    /// Of gob: neither of the two below.
    Scalar(Any),
    /// Of gob: a struct.
    Struct(Vec<(&'static str, Self)>),
    /// Of gob: a slice.
    List(Vec<Self>),
}

impl Argument {
    /// Of a value for calls in `codec`.
    pub(crate) fn new(value: Any, codec: CodecName) -> Self {
        if codec == CodecName::Gob { Self::of_gob(value) } else { Self::Plain(value) }
    }

    fn of_gob(value: Any) -> Self {
        match value {
            Any::Map(members) => {
                let members = members.into_iter().filter(|(_, value)| *value != Any::Null);
                Self::Struct(members.map(|(name, value)| (name_of(&name), Self::of_gob(value))).collect())
            }
            Any::List(items) => Self::List(match Elements::of(&items) {
                Elements::Floats => items.into_iter().map(|item| Self::Scalar(as_float(item))).collect(),
                Elements::Alike => items.into_iter().map(Self::of_gob).collect(),
                Elements::Unlike => items.into_iter().map(Self::Plain).collect(),
            }),
            other => Self::Scalar(other),
        }
    }
}

/// What the values of a list have in common.
enum Elements {
    /// Numbers, of which some have a point.
    Floats,
    Alike,
    /// In Go, only interfaces hold them together.
    Unlike,
}

impl Elements {
    fn of(items: &[Any]) -> Self {
        let is_float = |item: &Any| matches!(item, Any::Float(_));
        let is_number = |item: &Any| matches!(item, Any::Int(_) | Any::Uint(_)) || is_float(item);
        if items.iter().any(is_float) && items.iter().all(is_number) {
            return Self::Floats;
        }
        let mut kinds = items.iter().map(discriminant);
        let first = kinds.next();
        if kinds.all(|kind| Some(kind) == first) { Self::Alike } else { Self::Unlike }
    }
}

/// serde wants names of fields that live as long as the program; an argument's live as long as the command.
fn name_of(name: &Text) -> &'static str {
    Box::leak(name.to_str_lossy().into_owned().into_boxed_str())
}

fn as_float(value: Any) -> Any {
    match value {
        Any::Int(value) => Any::Float(value as f64),
        Any::Uint(value) => Any::Float(value as f64),
        other => other,
    }
}

impl Serialize for Argument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            // By its own type: as a value of any type it would be in an interface.
            Self::Scalar(value) => match value {
                Any::Bool(value) => value.serialize(serializer),
                Any::Int(value) => value.serialize(serializer),
                Any::Uint(value) => value.serialize(serializer),
                Any::Float(value) => value.serialize(serializer),
                Any::Text(value) => value.serialize(serializer),
                other => other.serialize(serializer),
            },
            Self::Struct(members) => {
                let mut fields = serializer.serialize_struct("", members.len())?;
                for (name, value) in members {
                    fields.serialize_field(name, value)?;
                }
                fields.end()
            }
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use codecs::{AnyCodec, CallOptions, Limits};

    /// What a gob server is told of the argument, and gives back as JSON.
    fn through_gob(json: &str) -> Result<String, String> {
        let argument = Argument::new(serde_json::from_str(json).unwrap(), CodecName::Gob);
        let mut out = BytesMut::new();
        AnyCodec::Gob
            .request_writer()
            .encode(0, "A.B", CallOptions::default(), &argument, None, &mut out)
            .map_err(|error| error.to_string())?;
        let mut server = AnyCodec::Gob.server(Limits::default());
        let request = server.decode(&mut out).unwrap().unwrap();
        let back: Any = server.args(&request).decode().unwrap();
        Ok(serde_json::to_string(&back).unwrap())
    }

    #[test]
    fn gob_gets_types_of_json() {
        for (json, back) in [
            ("7", "7"),
            ("-7", "-7"),
            ("18446744073709551615", "18446744073709551615"),
            ("1.5", "1.5"),
            ("\"x\"", "\"x\""),
            ("true", "true"),
            (r#"{"A":7,"B":8}"#, r#"{"A":7,"B":8}"#),
            (r#"{"A":{"N":"x"},"L":[{"I":1},{"I":2}]}"#, r#"{"A":{"N":"x"},"L":[{"I":1},{"I":2}]}"#),
            // A tree's nodes are of one type, with the fields of all.
            (
                r#"{"V":1,"L":{"V":2,"L":{"V":3}},"R":{"V":4}}"#,
                r#"{"V":1,"L":{"V":2,"L":{"V":3,"L":null,"R":null},"R":null},"R":{"V":4,"L":null,"R":null}}"#,
            ),
            ("[1,2.5]", "[1.0,2.5]"),
            (r#"["a","b"]"#, r#"["a","b"]"#),
            (r#"[1,"x"]"#, r#"[1,"x"]"#),
            (r#"[1.5,"x",2]"#, r#"[1.5,"x",2]"#),
            ("[1,18446744073709551615]", "[1,18446744073709551615]"),
            (r#"[{"A":1},7]"#, r#"[{"A":1},7]"#),
            (r#"{"A":7,"N":null,"E":[]}"#, r#"{"A":7}"#),
        ] {
            assert_eq!(through_gob(json).as_deref(), Ok(back), "{json}");
        }
        let empty = through_gob("[]").unwrap_err();
        assert!(empty.starts_with("gob: an empty list or map does not show the type"), "{empty}");
    }

    #[test]
    fn other_codecs_get_the_value() {
        let value: Any = serde_json::from_str(r#"{"A":[1,2.5,null]}"#).unwrap();
        assert_eq!(Argument::new(value.clone(), CodecName::Msgpack), Argument::Plain(value));
    }
}
