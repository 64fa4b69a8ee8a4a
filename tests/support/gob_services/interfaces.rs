//! Go's interface values: an enum whose variants have the names that Go's types are registered under.

use super::types::Inner;
use rpcwrap::codecs::types::{Any, Blob, Complex, GobEncoded, Text, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an interface of the Go programs can hold; `None` of it is nil.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    #[serde(rename = "int")]
    Int(i64),
    #[serde(rename = "int8")]
    Int8(i8),
    #[serde(rename = "int16")]
    Int16(i16),
    #[serde(rename = "int32")]
    Int32(i32),
    #[serde(rename = "int64")]
    Int64(i64),
    #[serde(rename = "uint")]
    Uint(u64),
    #[serde(rename = "uint8")]
    Uint8(u8),
    #[serde(rename = "uint16")]
    Uint16(u16),
    #[serde(rename = "uint32")]
    Uint32(u32),
    #[serde(rename = "uint64")]
    Uint64(u64),
    #[serde(rename = "float32")]
    Float32(f32),
    #[serde(rename = "float64")]
    Float64(f64),
    #[serde(rename = "complex64")]
    Complex64(Complex),
    #[serde(rename = "complex128")]
    Complex128(Complex),
    #[serde(rename = "bool")]
    Bool(bool),
    #[serde(rename = "string")]
    String(Text),
    #[serde(rename = "[]uint8")]
    Bytes(Blob),
    #[serde(rename = "time.Time")]
    Time(Time),
    #[serde(rename = "[]interface {}")]
    List(Vec<Option<Self>>),
    #[serde(rename = "map[string]interface {}")]
    Map(BTreeMap<String, Option<Self>>),
    #[serde(rename = "[]string")]
    Strings(Vec<String>),
    #[serde(rename = "map[string]int")]
    StringInts(BTreeMap<String, i64>),
    #[serde(rename = "[2]int")]
    Pair([i64; 2]),
    #[serde(rename = "rpcwrap/interop/gobtypes.Level")]
    Level(i64),
    #[serde(rename = "rpcwrap/interop/gobtypes.Labels")]
    Labels(Vec<String>),
    #[serde(rename = "rpcwrap/interop/gobtypes.Square")]
    Square(Square),
    #[serde(rename = "*gobtypes.Circle")]
    Circle(Circle),
    #[serde(rename = "rpcwrap/interop/gobtypes.Celsius")]
    Celsius(GobEncoded),
    Registered(Registered),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Square {
    pub side: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Circle {
    pub radius: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Registered {
    pub name: String,
    pub ints: Vec<i64>,
    pub inner: Option<Inner>,
    pub any: Option<Box<Value>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Holder {
    pub v: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mixed {
    pub list: Vec<Option<Value>>,
    pub map: BTreeMap<String, Option<Value>>,
    pub area: Option<Value>,
}

/// A Holder for who does not care which Go type it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AnyHolder {
    pub v: Any,
}

/// What gobtypes.Kind says of a value.
#[must_use]
pub fn kind(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nil".to_owned() };
    match value {
        Value::Int(n) => format!("int {n}"),
        Value::Int64(n) => format!("int64 {n}"),
        Value::Uint8(n) => format!("uint8 {n}"),
        Value::Uint64(n) => format!("uint64 {n}"),
        Value::Bool(b) => format!("bool {b}"),
        Value::String(text) => format!("string {text}"),
        Value::Float64(x) => format!("float64 {x}"),
        Value::Bytes(bytes) => format!("bytes {}", hex(bytes)),
        Value::Time(time) => format!("time {}", time.unix_seconds()),
        Value::Square(square) => format!("square {}", square.side),
        Value::List(list) => {
            list.iter().fold("list".to_owned(), |text, item| format!("{text} ({})", kind(item.as_ref())))
        }
        Value::Map(map) => map
            .iter()
            .fold("map".to_owned(), |text, (key, item)| format!("{text} {key}=({})", kind(item.as_ref()))),
        other => format!("another {other:?}"),
    }
}

/// What gobtypes.Loose says of a value.
#[must_use]
pub fn loose(value: &Any) -> String {
    match value {
        Any::Null => "nil".to_owned(),
        Any::Bool(b) => format!("bool {b}"),
        Any::Int32(n) => format!("int {n}"),
        Any::Int(n) => format!("int {n}"),
        Any::Uint(n) => format!("uint {n}"),
        Any::Float(x) => format!("float {x}"),
        Any::Complex(Complex { re, im }) => format!("complex {re} {im}"),
        Any::Text(text) => format!("string {text}"),
        Any::Blob(bytes) => format!("bytes {}", hex(bytes)),
        Any::Time(time) => format!("time {}", time.unix_seconds()),
        Any::List(list) => {
            list.iter().fold("list".to_owned(), |text, item| format!("{text} ({})", loose(item)))
        }
        Any::Map(members) => {
            let sorted: BTreeMap<_, _> = members.iter().map(|(key, item)| (key, item)).collect();
            let mut text = "map".to_owned();
            for (key, item) in sorted {
                text += &format!(" {key}=({})", loose(item));
            }
            text
        }
        Any::Named(named) => loose(&named.value),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What gobtypes.OfKind gives.
#[must_use]
pub fn of_kind(kind: &str) -> Option<Value> {
    Some(match kind {
        "int" => Value::Int(-5),
        "uint64" => Value::Uint64(1 << 63),
        "float64" => Value::Float64(2.5),
        "bool" => Value::Bool(true),
        "string" => Value::String("text".into()),
        "bytes" => Value::Bytes([0, 0xff].as_ref().into()),
        "time" => Value::Time(Time::new(1_421_325_045, 0)?),
        "square" => Value::Square(Square { side: 4 }),
        "circle" => Value::Circle(Circle { radius: 2 }),
        "list" => Value::List(vec![
            Some(Value::Int(1)),
            Some(Value::String("two".into())),
            Some(Value::Float64(3.5)),
        ]),
        "map" => Value::Map(BTreeMap::from([
            ("a".to_owned(), Some(Value::Int(1))),
            ("b".to_owned(), Some(Value::List(vec![Some(Value::String("deep".into()))]))),
        ])),
        _ => return None,
    })
}

/// What gobtypes.AnyOfKind gives: the types that an `Any` is written as.
#[must_use]
pub fn any_of_kind(kind: &str) -> Any {
    match kind {
        "int" => Any::Int(-5),
        "uint" => Any::Uint(1 << 63),
        "float" => Any::Float(2.5),
        "bool" => Any::Bool(true),
        "string" => "text".into(),
        "bytes" => Any::Blob([0, 0xff].as_ref().into()),
        "time" => Time::new(1_421_325_045, 0).map_or(Any::Null, Any::Time),
        "list" => Any::List(vec![1_i64.into(), "two".into(), 3.5.into(), Any::Null]),
        "map" => Any::Map(vec![("a".into(), 1_i64.into()), ("b".into(), Any::List(vec!["deep".into()]))]),
        _ => Any::Null,
    }
}
