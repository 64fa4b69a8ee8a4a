//! Values in the words of `go/gobpeer/text.go`: what two languages can compare.

use super::random::{Type, Value};
use rpcwrap::codecs::types::{Any, Blob, Complex, Text, Time};
use std::fmt::Write;

impl Value {
    /// The value as Go says it.
    pub(crate) fn words(&self) -> String {
        self.say(&|any| match any {
            Any::Null => "nil".into(),
            Any::Bool(_) => format!("bool:{}", of_any(any)),
            Any::Int32(_) => format!("int32:{}", of_any(any)),
            Any::Int(_) => format!("int64:{}", of_any(any)),
            Any::Uint(_) => format!("uint64:{}", of_any(any)),
            Any::Float(_) => format!("float64:{}", of_any(any)),
            Any::Complex(_) => format!("complex128:{}", of_any(any)),
            Any::Text(_) => format!("string:{}", of_any(any)),
            Any::Blob(_) => format!("[]uint8:{}", of_any(any)),
            Any::Time(_) => format!("time.Time:{}", of_any(any)),
            Any::List(values) => {
                let values = values.iter().map(|value| Self::Any(value.clone()).words());
                format!("[]interface {{}}:[{}]", joined(values))
            }
            Any::Map(members) => {
                let words = |(key, value): &(Text, Any)| {
                    format!("{}={}", text(key), Self::Any(value.clone()).words())
                };
                format!("map[string]interface {{}}:{{{}}}", sorted(members.iter().map(words)))
            }
            Any::Named(named) => format!("{}:{}", named.name, of_any(any)),
        })
    }

    /// The value as [`Type::words`] says its echo: interfaces without their types.
    pub(crate) fn loose_words(&self) -> String {
        self.say(&of_any)
    }

    fn say(&self, any: &dyn Fn(&Any) -> String) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value, _) => value.to_string(),
            Self::Uint(value, _) => value.to_string(),
            Self::F32(value) => float((*value).into()),
            Self::F64(value) => float(*value),
            Self::Complex(value) => complex(*value),
            Self::Text(value) => text(value),
            Self::Bytes(value) => bytes(value),
            Self::Time(value) => time(*value),
            Self::Any(value) => any(value),
            Self::List(values, _) | Self::Array(values) => {
                format!("[{}]", joined(values.iter().map(|value| value.say(any))))
            }
            Self::Map(members) => {
                let words = |(key, value): &(Self, Self)| format!("{}={}", key.say(any), value.say(any));
                format!("{{{}}}", sorted(members.iter().map(words)))
            }
            Self::Struct(_, fields) => {
                format!("({})", joined(fields.iter().map(|(_, value)| value.say(any))))
            }
            Self::Pointer(value, zero) => value.as_ref().unwrap_or(zero).say(any),
        }
    }
}

impl Type {
    /// An echo that was decoded without knowing the type.
    pub(crate) fn words(&self, echo: &Any) -> String {
        match (self, echo) {
            (Self::Pointer(inner), _) => inner.words(echo),
            (Self::List(elem) | Self::Array(elem, _), Any::List(values)) => {
                format!("[{}]", joined(values.iter().map(|value| elem.words(value))))
            }
            // A list that Go has left out, as it does with empty ones, is nil.
            (Self::List(_), Any::Null) => "[]".into(),
            (Self::Map(key, elem), Any::Map(members)) => {
                let words = |(name, value): &(Text, Any)| {
                    let key = match **key {
                        Self::Text => text(name),
                        _ => name.to_string(),
                    };
                    format!("{key}={}", elem.words(value))
                };
                format!("{{{}}}", sorted(members.iter().map(words)))
            }
            (Self::Map(..), Any::Null) => "{}".into(),
            (Self::Struct(_, fields), Any::Map(_)) => {
                let field = |(name, kind): &(&str, Self)| match echo.get(name) {
                    Some(value) => kind.words(value),
                    None => Value::zero(kind).loose_words(),
                };
                format!("({})", joined(fields.iter().map(field)))
            }
            (Self::Any, _) => of_any(echo),
            (kind, Any::Null) => Value::zero(kind).loose_words(),
            _ => of_any(echo),
        }
    }
}

/// A value of any type without its type's name.
fn of_any(any: &Any) -> String {
    match any {
        Any::Null => "nil".into(),
        Any::Bool(value) => value.to_string(),
        Any::Int32(value) => value.to_string(),
        Any::Int(value) => value.to_string(),
        Any::Uint(value) => value.to_string(),
        Any::Float(value) => float(*value),
        Any::Complex(value) => complex(*value),
        Any::Text(value) => text(value),
        Any::Blob(value) => bytes(value),
        Any::Time(value) => time(*value),
        Any::List(values) => format!("[{}]", joined(values.iter().map(of_any))),
        Any::Map(members) => {
            let words = |(key, value): &(Text, Any)| format!("{}={}", text(key), of_any(value));
            format!("{{{}}}", sorted(members.iter().map(words)))
        }
        Any::Named(named) => of_any(&named.value),
    }
}

fn float(value: f64) -> String {
    format!("{:x}", if value == 0.0 { 0 } else { value.to_bits() })
}

fn complex(value: Complex) -> String {
    format!("{}+{}", float(value.re), float(value.im))
}

fn text(value: &Text) -> String {
    quoted(&value.0)
}

fn bytes(value: &Blob) -> String {
    quoted(&value.0)
}

fn quoted(bytes: &[u8]) -> String {
    let mut words = String::from("'");
    bytes.iter().for_each(|byte| write!(words, "{byte:02x}").unwrap());
    words + "'"
}

fn time(value: Time) -> String {
    format!("{}.{}@{}", value.unix_seconds(), value.nanos(), value.offset_seconds().unwrap_or(0))
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn sorted(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<_> = words.collect();
    words.sort_unstable();
    words.join(" ")
}
