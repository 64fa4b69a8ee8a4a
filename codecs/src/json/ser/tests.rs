//! Values as Go's `encoding/json` writes them.

use super::*;
use crate::types::{Any, Blob, Text, Time};
use serde::Serialize;
use std::collections::BTreeMap;

#[track_caller]
fn gives<T: Serialize>(value: T, json: &str) {
    let mut out = BytesMut::from(&b"x"[..]);
    write_value(&value, &mut out).unwrap();
    assert_eq!(std::str::from_utf8(&out[1..]).unwrap(), json);
}

#[test]
fn values_as_go_writes_them() {
    gives(-5i8, "-5");
    gives(u64::MAX, "18446744073709551615");
    gives(i128::MIN, "-170141183460469231731687303715884105728");
    gives(true, "true");
    gives('<', r#""\u003c""#);
    gives("h\"é\n&", "\"h\\\"é\\n\\u0026\"");
    gives(Some(5), "5");
    gives(None::<i64>, "null");
    gives((1, "x", ()), r#"[1,"x",null]"#);
    gives([(); 0], "[]");
    gives(BTreeMap::from([("<k>", 1), ("l", 2)]), r#"{"\u003ck\u003e":1,"l":2}"#);
    gives(BTreeMap::from([(1, "a")]), r#"{"1":"a"}"#);
    gives(BTreeMap::from([(true, 'a')]), r#"{"true":"a"}"#);
    gives(Blob::from(b"\x00\xff\n"), r#""AP8K""#);
    gives(Text(vec![b'a', 0xFF]), "\"a\u{FFFD}\"");
    gives(Time::default(), r#""0001-01-01T00:00:00Z""#);
    gives(Any::Map(vec![("k".into(), Any::Null)]), r#"{"k":null}"#);
    gives(format_args!("<{}>", 5), r#""\u003c5\u003e""#);
}

#[test]
fn floats_as_go_writes_them() {
    for (value, json) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (3.5, "3.5"),
        (-1e308, "-1e+308"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (0.000_001, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-10, "1.25e-10"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5e-324, "5e-324"),
    ] {
        gives(value, json);
        assert_eq!(json.parse::<f64>().unwrap(), value);
    }
    gives(0.1f32, "0.1");
    gives(f32::MAX, "3.4028235e+38");
}

#[test]
fn enums_as_serde_json_writes_them() {
    #[derive(Serialize)]
    enum Kind {
        Unit,
        New(i64),
        Pair(i64, i64),
        Named { a: i64, b: () },
    }
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct New(i64);
    gives(Kind::Unit, r#""Unit""#);
    gives(Kind::New(5), r#"{"New":5}"#);
    gives(Kind::Pair(5, 6), r#"{"Pair":[5,6]}"#);
    gives(Kind::Named { a: 5, b: () }, r#"{"Named":{"a":5,"b":null}}"#);
    gives(Unit, "{}");
    gives(New(5), "5");
    gives(BTreeMap::from([(5u8, Unit)]), r#"{"5":{}}"#);
}

#[test]
fn a_reply_that_is_none_is_an_object_where_null_means_a_broken_connection() {
    fn reply<T: Serialize>(value: T) -> [String; 2] {
        let mut out = [BytesMut::new(), BytesMut::new()];
        object_to_buf(&value, &mut out[0]).unwrap();
        value_to_buf(&value, &mut out[1]).unwrap();
        out.map(|text| String::from_utf8(text.to_vec()).unwrap())
    }
    assert_eq!(reply(()), ["{}", "null"]);
    assert_eq!(reply(None::<i64>), ["{}", "null"]);
    assert_eq!(reply(Any::Null), ["{}", "null"]);
    assert_eq!(reply(serde_json::Value::Null), ["{}", "null"]);
    assert_eq!(reply("null"), ["\"null\""; 2]);
    assert_eq!(reply([(); 1]), ["[null]"; 2]);
}

#[test]
fn what_json_cannot_carry() {
    for (value, error) in [
        (f64::NAN, "json: unsupported value: NaN"),
        (f64::INFINITY, "json: unsupported value: +Inf"),
        (f64::NEG_INFINITY, "json: unsupported value: -Inf"),
    ] {
        let mut out = BytesMut::from(&b"x"[..]);
        assert_eq!(value_to_buf(&[0.0, value], &mut out).unwrap_err().text(), error);
        assert_eq!(out, "x");
    }
    let mut out = BytesMut::new();
    let lists = BTreeMap::from([(vec![1], 1)]);
    assert!(value_to_buf(&lists, &mut out).unwrap_err().text().starts_with("json: unsupported type"));
    assert!(value_to_buf(&BTreeMap::from([((), 1)]), &mut out).is_err());
    let year_10000 = Time::new(253_402_300_800, 0).unwrap();
    let error = value_to_buf(&year_10000, &mut out).unwrap_err();
    assert_eq!(error.text(), "Time.MarshalJSON: year outside of range [0,9999]");
    assert!(out.is_empty());
}
