//! Values as Go's `encoding/json` reads them: null, case, lengths, and the texts of what does not fit.

use super::*;
use crate::types::{Any, Blob, Text, Time};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Debug};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outer {
    args: Args,
    #[serde(alias = "other", default = "seven")]
    count: u8,
    name: String,
    list: Vec<Args>,
    pair: [i64; 2],
    by: Blob,
    at: Time,
    any: Any,
    opt: Option<Box<Args>>,
    unit: (),
}

fn seven() -> u8 {
    7
}

fn zero_outer() -> Outer {
    Outer {
        args: Args::default(),
        count: 7,
        name: String::new(),
        list: vec![],
        pair: [0, 0],
        by: Blob::default(),
        at: Time::default(),
        any: Any::Null,
        opt: None,
        unit: (),
    }
}

fn value<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let whole = value_from_slice::<T>(text.as_bytes()).map_err(|error| error.text().to_owned());
    let params =
        params_from_slice(format!("[{text} , 5]").as_bytes()).map_err(|error| error.text().to_owned());
    match (whole, params) {
        (Ok(_), Ok(params)) => Ok(params),
        (Err(whole), Err(params)) => {
            assert!(params == whole || whole.contains("end of JSON") || whole.contains("invalid character"));
            Err(whole)
        }
        (whole, params) => panic!("{text}: alone {}, in params {}", whole.is_ok(), params.is_ok()),
    }
}

#[track_caller]
fn fits<T: DeserializeOwned + PartialEq + Debug>(text: &str, expected: T) {
    assert_eq!(value::<T>(text), Ok(expected), "{text}");
}

#[track_caller]
fn fails<T: DeserializeOwned + Debug>(text: &str, error: &str) {
    assert_eq!(value::<T>(text).unwrap_err(), error, "{text}");
}

#[test]
fn plain_values() {
    fits("7", 7i64);
    fits(" -7\n", -7i8);
    fits("18446744073709551615", u64::MAX);
    fits("-9223372036854775808", i64::MIN);
    fits("-0", 0u8);
    fits("170141183460469231731687303715884105727", i128::MAX);
    fits("7", 7.0f64);
    fits("-1e+308", -1e308f64);
    fits("0.1", 0.1f32);
    fits("true", true);
    fits(r#""h\u00e9\ud83d\ude00""#, "hé😀".to_owned());
    fits(r#""x""#, 'x');
    fits("[1,2]", vec![1u8, 2]);
    fits(r#"{"1":"a","-2":"b"}"#, BTreeMap::from([(1, "a".to_owned()), (-2, "b".to_owned())]));
    fits(r#"{ "A" : 7 , "B" : 8 }"#, Args { a: 7, b: 8 });
    fits(r#""AP8K""#, Blob::from(b"\x00\xff\n"));
    fits(r#""\ud800""#, Text::from("\u{FFFD}"));
    fits(r#""2015-01-15T07:11:21.5Z""#, Time::new(1_421_305_881, 500_000_000).unwrap());
    fits("[1,1.5,-0.0,\"x\",{}]", vec![Any::Int(1), 1.5.into(), (-0.0).into(), "x".into(), Any::Map(vec![])]);
    fits("5", ());
    fits("{}", ());
    assert_eq!(value_from_slice::<String>(b"\"a\xFFz\"").unwrap(), "a\u{FFFD}z");
}

#[test]
fn null_is_the_zero_value_of_everything() {
    fits("null", 0i64);
    fits("null", 0u8);
    fits("null", 0.0f64);
    fits("null", false);
    fits("null", String::new());
    fits("null", Text::default());
    fits("null", Blob::default());
    fits("null", Time::default());
    fits("null", Any::Null);
    fits("null", Vec::<i64>::new());
    fits("null", [0i64, 0]);
    fits("null", (0i64, String::new()));
    fits("null", BTreeMap::<String, i64>::new());
    fits("null", None::<i64>);
    fits("null", Args::default());
    fits("null", zero_outer());
    fits("[null,null]", vec![Args::default(), Args::default()]);
    fits(r#"{"A":null,"B":null}"#, Args::default());
}

#[test]
fn no_argument_is_the_zero_value_too() {
    assert_eq!(params_from_slice::<i64>(b"[]").unwrap(), 0);
    assert_eq!(params_from_slice::<String>(b"[ ]").unwrap(), "");
    assert_eq!(params_from_slice::<Args>(b"[]").unwrap(), Args::default());
    assert_eq!(params_from_slice::<Outer>(b"[]").unwrap(), zero_outer());
    assert_eq!(params_from_slice::<Option<Outer>>(b"[]").unwrap(), None);
    assert_eq!(params_from_slice::<Any>(b"[]").unwrap(), Any::Null);
}

#[test]
fn params_have_to_be_an_array() {
    for (params, found) in [("{}", "object"), ("\"x\"", "string"), ("5", "number"), ("true", "bool")] {
        let error = params_from_slice::<Args>(params.as_bytes()).unwrap_err();
        assert_eq!(
            error.text(),
            format!("json: cannot unmarshal {found} into Go value of type [1]interface {{}}")
        );
    }
}

#[test]
fn members_by_their_names_in_any_case() {
    fits(r#"{"a":3,"b":4}"#, Args { a: 3, b: 4 });
    fits(r#"{"Z":{"q":[1]},"B":4,"zz":"s","A":3}"#, Args { a: 3, b: 4 });
    fits(r#"{"\u0041":3,"B":4}"#, Args { a: 3, b: 4 });
    #[derive(Debug, PartialEq, Deserialize)]
    struct Cases {
        id: i64,
        #[serde(rename = "ID")]
        upper: i64,
    }
    fits(r#"{"ID":1,"id":2}"#, Cases { id: 2, upper: 1 });
    fits(r#"{"id":2,"ID":1}"#, Cases { id: 2, upper: 1 });
    fits(r#"{"Id":2,"ID":1}"#, Cases { id: 2, upper: 1 });
    // A name that looks like an escape: only its own escaped form means it.
    #[derive(Debug, PartialEq, Deserialize)]
    struct Special {
        #[serde(rename = "a\\b")]
        backslash: i64,
        #[serde(rename = "a\"", default)]
        quote: i64,
    }
    fits(r#"{"a\\b":1,"a\"":2}"#, Special { backslash: 1, quote: 2 });
    fits(r#"{"a\"":2,"a\\b":1}"#, Special { backslash: 1, quote: 2 });
    fails::<Special>(r#"{"a\b":1}"#, "missing field `a\\b`");
}

#[test]
fn arrays_of_another_length_are_cut_or_filled() {
    fits("[1]", [1i64, 0]);
    fits("[]", [0i64, 0]);
    fits("[1,2,3,[4]]", [1i64, 2]);
    fits("[1]", (1i64, String::new()));
}

#[test]
fn enums_as_serde_json_has_them() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Kind {
        Unit,
        New(i64),
        Pair(i64, i64),
        Named { a: i64 },
    }
    fits(r#""Unit""#, Kind::Unit);
    fits(r#"{"Unit":null}"#, Kind::Unit);
    fits(r#"{"New":5}"#, Kind::New(5));
    fits(r#"{"Pair":[5,6]}"#, Kind::Pair(5, 6));
    fits(r#"{"Named":{"A":5}}"#, Kind::Named { a: 5 });
    fails::<Kind>("null", "Kind has no zero value");
    fails::<Kind>("5", "json: cannot unmarshal number into Go value of type Kind");
    fails::<Kind>(r#"{"New":5,"Unit":null}"#, "invalid character ',' at byte 8");
}

#[test]
fn mismatches_in_gos_words() {
    let top =
        |found: &str, wanted: &str| format!("json: cannot unmarshal {found} into Go value of type {wanted}");
    fails::<i64>(r#""seven""#, &top("string", "int"));
    fails::<i64>("7.5", &top("number 7.5", "int"));
    fails::<i64>("1e2", &top("number 1e2", "int"));
    fails::<i64>("9223372036854775808", &top("number 9223372036854775808", "int"));
    fails::<u64>("-1", &top("number -1", "uint"));
    fails::<u64>("18446744073709551616", &top("number 18446744073709551616", "uint"));
    fails::<i8>("128", &top("number 128", "int8"));
    fails::<u32>("4294967296", &top("number 4294967296", "uint32"));
    fails::<f64>("1e999", &top("number 1e999", "float64"));
    fails::<f64>("true", &top("bool", "float64"));
    fails::<bool>("1", &top("number", "bool"));
    fails::<String>("{}", &top("object", "string"));
    fails::<Vec<i64>>("{}", &top("object", "[]interface {}"));
    fails::<BTreeMap<String, i64>>("[]", &top("array", "map[string]interface {}"));
    fails::<BTreeMap<i64, i64>>(r#"{"x":1}"#, &top("number x", "int"));
    fails::<Args>("[1]", &top("array", "Args"));
    fails::<Blob>("5", &top("number", "[]byte (base64 text)"));
    fails::<Time>("false", &top("bool", "time.Time (RFC 3339 text)"));
}

#[test]
fn mismatches_inside_say_where() {
    let text = "json: cannot unmarshal string into Go struct field Args.A of type int";
    fails::<Args>(r#"{"A":"seven","B":"x"}"#, text);
    fails::<Args>(
        r#"{"A":7.5,"B":8}"#,
        "json: cannot unmarshal number 7.5 into Go struct field Args.A of type int",
    );
    fails::<Args>(r#"{"A":7}"#, "missing field `B`");
    fails::<Outer>(
        r#"{"args":{"A":1,"b":"x"}}"#,
        "json: cannot unmarshal string into Go struct field Outer.Args.B of type int",
    );
    fails::<Outer>(r#"{"list":[{"A":1}]}"#, "Outer.List: missing field `B`");
    fails::<Outer>(r#"{"At":"x"}"#, "Outer.At: parsing time \"x\" as RFC 3339: cannot parse");
    fails::<Outer>(r#"{"By":"*"}"#, "Outer.By: illegal base64 data: Invalid symbol 42, offset 0.");
}

#[test]
fn bare_values_have_to_be_json() {
    for (text, error) in [
        ("", "unexpected end of JSON input"),
        ("  ", "unexpected end of JSON input"),
        ("[1", "unexpected end of JSON input"),
        ("\"x", "unexpected end of JSON input"),
        ("{\"a\":", "unexpected end of JSON input"),
        ("tru", "unexpected end of JSON input"),
        ("nulL", "invalid character 'L' at byte 3"),
        ("1 2", "invalid character '2' at byte 2"),
        ("01", "invalid character '1' at byte 1"),
        ("1.", "unexpected end of JSON input"),
        ("1.e5", "invalid character 'e' at byte 2"),
        ("-x", "invalid character 'x' at byte 1"),
        ("[1,]", "invalid character ']' at byte 3"),
        ("[1 2]", "invalid character '2' at byte 3"),
        ("{\"a\":1,}", "invalid character '}' at byte 7"),
        ("{\"a\" 1}", "invalid character '1' at byte 5"),
        ("{a:1}", "invalid character 'a' at byte 1"),
        ("\"\\x\"", "invalid character 'x' at byte 2"),
        ("\"\\u12G4\"", "invalid character 'G' at byte 5"),
        ("\"\n\"", "invalid character '\\n' at byte 1"),
    ] {
        assert_eq!(value_from_slice::<Any>(text.as_bytes()).unwrap_err().text(), error, "{text}");
        assert_eq!(value_from_slice::<()>(text.as_bytes()).unwrap_err().text(), error, "skipped: {text}");
    }
}

#[test]
fn nesting_is_limited_in_every_type() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(value_from_slice::<Any>(nested(100).as_bytes()).is_ok());
    for depth in [101, 1_000_000] {
        assert_eq!(
            value_from_slice::<Any>(nested(depth).as_bytes()).unwrap_err().text(),
            "exceeded max depth"
        );
        assert_eq!(
            value_from_slice::<()>(nested(depth).as_bytes()).unwrap_err().text(),
            "exceeded max depth"
        );
    }
}

#[test]
fn values_nest_as_deep_as_the_limits_say() {
    for (json, levels) in [
        ("5", 0),
        ("[]", 1),
        ("[[],{}]", 2),
        (r#"{"a":["]","[[[\"[["],"b":[[]]}"#, 3),
        (r#"["\\",[1]]"#, 2),
        ("[[[[]]]]", 4),
    ] {
        for max_depth in 0..6 {
            let limits = Limits { max_depth, ..Limits::DEFAULT };
            let decoding = Decoding::new(&limits);
            let any = value_from_slice_within::<Any>(json.as_bytes(), &decoding);
            let skipped = value_from_slice_within::<()>(json.as_bytes(), &decoding);
            assert_eq!((any.is_ok(), skipped.is_ok()), (levels <= max_depth, levels <= max_depth), "{json}");
        }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Repeated {
    a: i64,
    b: i64,
    inner: Option<Box<Self>>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Flat {
    #[serde(rename = "N")]
    n: i64,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}

/// As in Go, whose names match in any case.
#[test]
fn of_members_with_one_name_the_last_counts() {
    let read = |text: &str| value_from_slice::<Repeated>(text.as_bytes()).unwrap();
    let ab = |a, b| Repeated { a, b, inner: None };
    for (text, value) in [
        (r#"{"A":7,"A":9,"B":1}"#, ab(9, 1)),
        (r#"{"A":7,"a":9,"B":1}"#, ab(9, 1)),
        (r#"{"a":7,"B":1,"\u0041":9}"#, ab(9, 1)),
        (r#"{"A":1,"B":2,"A":3,"B":4,"A":5}"#, ab(5, 4)),
        (r#"{"A":5,"x":[{"A":1}],"A":3}"#, ab(3, 0)),
        (r#"{"Inner":{"A":1,"A":2},"A":3}"#, Repeated { a: 3, b: 0, inner: Some(Box::new(ab(2, 0))) }),
        (r#"{"Inner":{"A":1},"Inner":{"B":2}}"#, Repeated { inner: Some(Box::new(ab(0, 2))), ..ab(0, 0) }),
    ] {
        assert_eq!(read(text), value, "{text}");
    }
    let flat = Flat { n: 2, rest: BTreeMap::from([("x".into(), 4)]) };
    assert_eq!(value_from_slice::<Flat>(br#"{"N":1,"x":3,"N":2,"x":4}"#).unwrap(), flat);
    let many = format!("{{{}\"B\":1}}", "\"A\":1,".repeat(100_000));
    assert_eq!(read(&many), ab(1, 1));
}
