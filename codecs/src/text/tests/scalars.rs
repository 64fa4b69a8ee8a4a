//! Every type that takes one token.

use super::*;
use crate::types::{Any, BinaryMarshaled, Blob, Complex, GobEncoded, Text, Time};
use serde::Deserialize;
use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU16,
};

#[derive(Debug, PartialEq, Deserialize)]
enum Color {
    Red,
    #[serde(rename = "GREEN", alias = "green")]
    Green,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i32, i32),
    Rect { w: i32, h: i32 },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Meters(f32);

#[derive(Debug, PartialEq, Deserialize)]
struct Nothing;

const LONG: &str = "0123456789012345678901234567890123456789012345";

macro_rules! takes {
    ($($type:ty: $($token:expr => $value:expr),+;)*) => {$($(
        let token: Token<'_> = $token.into();
        assert_eq!(one::<$type>(token), Ok($value), "{} from {token}", stringify!($type));
    )+)*};
}

/// Some tokens, and what the error says was wanted.
macro_rules! refuses {
    ($($type:ty: $wanted:expr, [$($token:expr),+ $(,)?];)*) => {$($(
        let token: Token<'_> = $token.into();
        let text = format!("argument: wants {}, got {token}", $wanted);
        assert_eq!(one::<$type>(token), Err(text), "{} from {token}", stringify!($type));
    )+)*};
}

impl<'a> From<&'a str> for Token<'a> {
    fn from(text: &'a str) -> Self {
        Self::Plain(text.as_bytes())
    }
}

fn text(text: &str) -> Token<'_> {
    Token::Text(text.as_bytes())
}

use Token::{Bool, Bytes, Decimal, Integer, Null, Plain};

#[test]
fn numbers() {
    takes! {
        i8: "-128" => -128, "127" => 127, text("5") => 5, Integer("007") => 7, Bool(true) => 1;
        i16: "-32768" => -32768, "+7" => 7;
        i32: "2147483647" => i32::MAX;
        i64: "-9223372036854775808" => i64::MIN, "9223372036854775807" => i64::MAX, Bool(false) => 0;
        i128: "-170141183460469231731687303715884105728" => i128::MIN;
        u8: "255" => 255, "0" => 0;
        u16: "65535" => u16::MAX;
        u32: "4294967295" => u32::MAX;
        u64: "18446744073709551615" => u64::MAX, Integer("18446744073709551615") => u64::MAX;
        u128: "340282366920938463463374607431768211455" => u128::MAX;
        usize: "7" => 7;
        f32: "1.5" => 1.5, "7" => 7.0, "-0.25e1" => -2.5;
        f64: "1e300" => 1e300, ".5" => 0.5, Decimal("7.25") => 7.25, Integer("7") => 7.0;
        NonZeroU16: "7" => NonZeroU16::new(7).unwrap();
        Meters: "1.5" => Meters(1.5);
    }
    refuses! {
        i8: "int8", ["128", "-129", "eight", "", " 7", "7 ", "7.0", "1e2", "0x7", "7\0", "٧", Null, Bytes(b"7")];
        i16: "int16", ["32768", Integer("40000"), Decimal("7.0")];
        i32: "int32", ["2147483648"];
        i64: "int64", ["9223372036854775808", "--1", text("7 "), "true", LONG, Plain(b"\xff7")];
        i128: "int128", ["170141183460469231731687303715884105728"];
        u8: "uint8", ["256", "-1", "-0"];
        u16: "uint16", ["65536"];
        u32: "uint32", ["4294967296"];
        u64: "uint64", ["18446744073709551616"];
        u128: "uint128", ["340282366920938463463374607431768211456"];
        f32: "float32", ["1e39", "NaN", "1_0"];
        f64: "float64", ["1e309", "nan", "inf", "-Infinity", "", "1,5", "1.5f", Null, Bytes(b"1")];
        NonZeroU16: "a nonzero u16", ["0"];
    }
}

#[test]
fn booleans_characters_and_units() {
    takes! {
        bool: "true" => true, "false" => false, "1" => true, "0" => false, Bool(true) => true, Integer("0") => false;
        char: "x" => 'x', "é" => 'é', " " => ' ', Integer("7") => '7';
    }
    refuses! {
        bool: "bool (true, false, 1 or 0)", ["TRUE", "yes", "", "2", " true", Null, Integer("01"), Decimal("1.0")];
        char: "one character", ["", "xy", Plain(b"\xff"), Null];
    }
    assert_eq!(words::<()>(&[]), Ok(()));
    assert_eq!(words::<Nothing>(&[]), Ok(Nothing));
    assert_eq!(words::<()>(&["x"]), Err("1 argument given, none wanted".into()));
    assert_eq!(words::<Nothing>(&["x", "y"]), Err("2 arguments given, none wanted".into()));
    for unit in ["", "null"] {
        assert_eq!(words::<(u8, ())>(&["7", unit]), Ok((7, ())));
    }
    assert_eq!(words::<(u8, ())>(&["7", "x"]), Err(r#"argument 2: wants null, got "x""#.into()));
}

#[test]
fn texts_are_the_token_as_it_is() {
    takes! {
        String: "kota" => "kota".to_owned(), "" => String::new(), "\"q\"" => "\"q\"".to_owned(), "null" => "null".to_owned(),
            "{x" => "{x".to_owned(), "007" => "007".to_owned(), Integer("007") => "007".to_owned(),
            Decimal("1.50") => "1.50".to_owned(), Bool(true) => "true".to_owned(), Bytes(b"ab") => "ab".to_owned();
        Text: Plain(b"\xff\x00") => Text(vec![0xFF, 0]), "kota" => Text::from("kota"), Bytes(b"\xff") => Text(vec![0xFF]);
        Blob: Plain(b"\xff\x00") => Blob::from(b"\xff\0"), "AP8K" => Blob::from(b"AP8K"), "null" => Blob::from(b"null"),
            text("7") => Blob::from(b"7"), Integer("7") => Blob::from(b"7"), Bytes(b"") => Blob::default();
        serde_bytes::ByteBuf: Plain(b"\xff\x00") => serde_bytes::ByteBuf::from(b"\xff\0");
        GobEncoded: Plain(b"\xff") => GobEncoded(vec![0xFF]);
        BinaryMarshaled: "AP8K" => BinaryMarshaled(b"AP8K".to_vec());
        IpAddr: "10.0.0.1" => IpAddr::from([10, 0, 0, 1]);
        Ipv4Addr: "10.0.0.1" => Ipv4Addr::new(10, 0, 0, 1);
        bson::Uuid: "00112233-4455-6677-8899-aabbccddeeff" =>
            bson::Uuid::parse_str("00112233-4455-6677-8899-aabbccddeeff").unwrap();
    }
    refuses! {
        String: "string in UTF-8", [Plain(b"a\xff"), Bytes(b"\xff")];
        Text: "string", [Null];
        Blob: "[]byte", [Null];
    }
    let error = one::<Ipv4Addr>("10.0.0".into());
    assert_eq!(error, Err(r#"argument: invalid IPv4 address syntax, got "10.0.0""#.into()));
}

#[test]
fn times_and_complex_numbers() {
    let time: Time = "2015-01-15T08:11:21.5+01:00".parse().unwrap();
    takes! {
        Time: "2015-01-15T08:11:21.5+01:00" => time, text("2015-01-15T08:11:21.5+01:00") => time;
        Complex: "[1.5,-2]" => Complex::new(1.5, -2.0);
    }
    refuses! {
        Time: "time.Time (RFC 3339)", ["2015-01-15", "1421305881", "", Null, Integer("7"), "2015-01-15T08:11:21Z "];
    }
    assert!(one::<Option<Time>>("null".into()).unwrap().is_none());
    assert_eq!(words::<Complex>(&["1.5", "-2"]), Ok(Complex::new(1.5, -2.0)));
}

#[test]
fn enums_by_name_or_in_json() {
    takes! {
        Color: "Red" => Color::Red, "GREEN" => Color::Green, "green" => Color::Green, text("Red") => Color::Red;
        Shape: "Point" => Shape::Point, r#"{"Circle":1.5}"# => Shape::Circle(1.5), r#"{"Line":[1,2]}"# => Shape::Line(1, 2),
            r#"{"Rect":{"w":1,"h":2}}"# => Shape::Rect { w: 1, h: 2 };
        Result<u8, String>: r#"{"Ok":7}"# => Ok(7), r#"{"Err":"x"}"# => Err("x".to_owned());
    }
    refuses! {
        Color: "one of Red, GREEN, green", ["red", "", "Red ", "0", Null];
        Shape: "one of Point, Circle, Line, Rect", ["point"];
        Shape: "newtype variant", ["Circle"];
        Shape: "tuple variant", ["Line"];
    }
}

#[test]
fn options() {
    takes! {
        Option<i64>: "null" => None, Null => None, "7" => Some(7);
        Option<bool>: "null" => None, "1" => Some(true);
        Option<String>: "null" => Some("null".to_owned()), Null => None, "" => Some(String::new());
        Option<Text>: "null" => Some("null".into()), Null => None;
        Option<Blob>: "null" => Some(Blob::from(b"null")), Null => None, Plain(b"\xff") => Some(Blob::from(b"\xff"));
        Option<Option<i64>>: "null" => None, "7" => Some(Some(7));
        Option<Color>: "null" => None, "Red" => Some(Color::Red);
        Option<Box<i64>>: "null" => None;
        Option<Vec<u8>>: "null" => None, "[7]" => Some(vec![7]);
        Option<serde_json::Value>: "null" => None, "7" => Some(7.into());
    }
    refuses! {
        Option<i64>: "int64", ["", "NULL", text("null"), "eight"];
    }
    assert_eq!(words::<Option<i64>>(&[]), Ok(None));
    let null = plain(&["null"]);
    let error = TextArgs::Positional(&null).decode::<Option<i64>>(None).unwrap_err();
    assert_eq!(error.text(), r#"argument: wants int64, got "null""#, "an untraced type may be a text");
}

#[test]
fn values_of_any_form() {
    use serde_json::{Value, json};
    for (token, value) in [
        ("7".into(), json!(7)),
        ("-7".into(), json!(-7)),
        ("18446744073709551615".into(), json!(u64::MAX)),
        ("18446744073709551616".into(), json!(18446744073709551616.0)),
        ("1.5e1".into(), json!(15.0)),
        ("true".into(), json!(true)),
        ("null".into(), json!(null)),
        ("".into(), json!("")),
        ("True".into(), json!("True")),
        ("007".into(), json!("007")),
        ("+7".into(), json!("+7")),
        ("7 ".into(), json!("7 ")),
        ("1e999".into(), json!("1e999")),
        ("-".into(), json!("-")),
        ("kota".into(), json!("kota")),
        (r#""7""#.into(), json!("7")),
        (r#""7"#.into(), json!("\"7")),
        (r#"{"a":[1]}"#.into(), json!({"a": [1]})),
        ("[1".into(), json!("[1")),
        (text("7"), json!("7")),
        (text("null"), json!("null")),
        (Integer("007"), json!(7)),
        (Decimal("1.50"), json!(1.5)),
        (Bool(false), json!(false)),
        (Null, json!(null)),
    ] {
        assert_eq!(one::<Value>(token), Ok(value), "{token:?}");
    }
    for (token, value) in [
        ("7".into(), Any::Int(7)),
        ("18446744073709551615".into(), Any::Uint(u64::MAX)),
        ("1.5".into(), Any::Float(1.5)),
        ("x".into(), "x".into()),
        (Plain(b"\xff"), Any::Blob(Blob::from(b"\xff"))),
        (Bytes(b"x"), Any::Blob(Blob::from(b"x"))),
        (text("7"), "7".into()),
        (Null, Any::Null),
        ("[1,\"x\"]".into(), Any::List(vec![1i64.into(), "x".into()])),
    ] {
        assert_eq!(one::<Any>(token), Ok(value), "{token:?}");
    }
}
