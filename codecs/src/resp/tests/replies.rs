//! Every kind of value in both versions.

use crate::{
    EncodeError, ErrorReply, ReplyTo,
    resp::{ReplyEncoder, Set, Status, Verbatim, Version},
    types::{Any, BinaryMarshaled, Blob, Complex, GobEncoded, Registered, Text, Time},
};
use bytes::BytesMut;
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::Ipv4Addr,
    time::Duration,
};

fn encoded<T: Serialize + ?Sized>(value: &T, version: Version) -> Result<String, EncodeError> {
    let mut out = BytesMut::from("before");
    let written = ReplyEncoder::new(version).encode(value, &mut out);
    let behind = out.strip_prefix(b"before").unwrap();
    written.map(|()| behind.escape_ascii().to_string().replace("\\r\\n", "|").replace("\\\"", "\""))
}

/// Lines end in `|` here. One form for both versions, or RESP2 and RESP3.
fn check<T: Serialize + ?Sized>(value: &T, resp2: &str, resp3: &str) {
    assert_eq!(encoded(value, Version::Resp2).as_deref(), Ok(resp2));
    assert_eq!(encoded(value, Version::Resp3).as_deref(), Ok(resp3));
}

fn same<T: Serialize + ?Sized>(value: &T, both: &str) {
    check(value, both, both);
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct New<T>(T);

#[derive(Serialize)]
struct Pair(i64, &'static str);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<i64>,
}

#[derive(Serialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i64, i64),
    Rect { w: i64, h: i64 },
}

#[test]
fn values_without_parts() {
    check(&None::<i64>, "$-1|", "_|");
    check(&Some(7), ":7|", ":7|");
    check(&true, ":1|", "#t|");
    check(&false, ":0|", "#f|");
    for number in [0, 1, -1, 9, 10, i64::MAX, i64::MIN] {
        same(&number, &format!(":{number}|"));
        same(&i128::from(number), &format!(":{number}|"));
    }
    same(&(i8::MIN, i16::MIN, i32::MIN, u8::MAX), "*4|:-128|:-32768|:-2147483648|:255|");
    same(&(u16::MAX, u32::MAX, i64::MAX as u64), "*3|:65535|:4294967295|:9223372036854775807|");
    check(&u64::MAX, "$20|18446744073709551615|", "(18446744073709551615|");
    check(&(1u128 << 64), "$20|18446744073709551616|", "(18446744073709551616|");
    check(&(-1i128 << 64), "$21|-18446744073709551616|", "(-18446744073709551616|");
    same("", "$0||");
    same("a\r\nb", "$4|a|b|");
    same("Größe", "$7|Gr\\xc3\\xb6\\xc3\\x9fe|");
    same(&'ß', "$2|\\xc3\\x9f|");
    same(&"x".repeat(100), &format!("$100|{}|", "x".repeat(100)));
    same(serde_bytes::Bytes::new(b"\0\xff"), "$2|\\x00\\xff|");
    // All is well as a whole reply, nothing as a part of one.
    same(&(), "+OK|");
    same(&Unit, "+OK|");
    same(&New(()), "+OK|");
    check(&((), Unit), "*2|$-1|$-1|", "*2|_|_|");
    check(&[Some(()), None], "*2|$-1|$-1|", "*2|_|_|");
    check(&json!({"a": null}), "*2|$1|a|$-1|", "%1|$1|a|_|");
}

#[test]
fn floats() {
    for (number, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (1.5, "1.5"),
        (-0.1, "-0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e21"),
        (f64::MAX, "1.7976931348623157e308"),
        (5e-324, "5e-324"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        check(&number, &format!("${}|{text}|", text.len()), &format!(",{text}|"));
        let read: f64 = text.parse().unwrap();
        assert!(read.to_bits() == number.to_bits() || number.is_nan());
    }
    check(&0.1f32, "$3|0.1|", ",0.1|");
    check(&f32::MAX, "$12|3.4028235e38|", ",3.4028235e38|");
}

#[test]
fn lists_sets_and_maps() {
    same(&[(); 0], "*0|");
    same(&vec![1, 2], "*2|:1|:2|");
    same(&(1, "x"), "*2|:1|$1|x|");
    same(&Pair(1, "x"), "*2|:1|$1|x|");
    same(&vec![vec![1], vec![]], "*2|*1|:1|*0|");
    check(&Set(vec![1, 2]), "*2|:1|:2|", "~2|:1|:2|");
    check(&Set(BTreeSet::from(["x"])), "*1|$1|x|", "~1|$1|x|");
    check(&Some(Set([Set([1])])), "*1|*1|:1|", "~1|~1|:1|");
    // Within a set lists are lists; a set of another kind is what it is.
    check(&Set(vec![vec![1]]), "*1|*1|:1|", "~1|*1|:1|");
    same(&HashSet::from([7]), "*1|:7|");
    check(&BTreeMap::from([("a", 1), ("b", 2)]), "*4|$1|a|:1|$1|b|:2|", "%2|$1|a|:1|$1|b|:2|");
    check(&BTreeMap::from([(1, true)]), "*2|:1|:1|", "%1|:1|#t|");
    check(&BTreeMap::<i64, i64>::new(), "*0|", "%0|");
    check(&Args { a: 1, b: Some(2) }, "*4|$1|A|:1|$1|B|:2|", "%2|$1|A|:1|$1|B|:2|");
    check(&Args { a: 1, b: None }, "*2|$1|A|:1|", "%1|$1|A|:1|");
    check(&New(vec![New(Args { a: 1, b: None })]), "*1|*2|$1|A|:1|", "*1|%1|$1|A|:1|");
    let long: Vec<u8> = vec![0; 1000];
    same(&long, &format!("*1000|{}", ":0|".repeat(1000)));
}

#[test]
fn variants() {
    same(&Shape::Point, "$5|Point|");
    check(&Shape::Circle(1.5), "*2|$6|Circle|$3|1.5|", "%1|$6|Circle|,1.5|");
    check(&Shape::Line(1, 2), "*2|$4|Line|*2|:1|:2|", "%1|$4|Line|*2|:1|:2|");
    check(&Shape::Rect { w: 1, h: 2 }, "*2|$4|Rect|*4|$1|w|:1|$1|h|:2|", "%1|$4|Rect|%2|$1|w|:1|$1|h|:2|");
    #[derive(Serialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { x: i64 },
    }
    check(&Tagged::A { x: 1 }, "*4|$4|kind|$1|A|$1|x|:1|", "%2|$4|kind|$1|A|$1|x|:1|");
}

/// Lists and maps that do not know how many they are, or are wrong about it.
struct Counted {
    told: Option<usize>,
    count: usize,
}

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(self.told)?;
        for key in 0..self.count {
            map.serialize_entry(&key, &Unknown { told: self.told, count: key % 2 })?;
        }
        map.end()
    }
}

struct Unknown {
    told: Option<usize>,
    count: usize,
}

impl Serialize for Unknown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut seq = serializer.serialize_seq(self.told)?;
        (0..self.count).try_for_each(|number| seq.serialize_element(&number))?;
        seq.end()
    }
}

#[test]
fn lengths_that_are_not_known_or_not_true() {
    for told in [None, Some(0), Some(1), Some(9), Some(10), Some(1000)] {
        for count in [0, 1, 4, 5, 9, 10, 49, 50, 99, 100, 1000] {
            let elements = |count: usize| (0..count).map(|number| format!(":{number}|")).collect::<String>();
            same(&Unknown { told, count }, &format!("*{count}|{}", elements(count)));
            let entry = |key: usize| format!(":{key}|*{}|{}", key % 2, elements(key % 2));
            let entries = (0..count).map(entry).collect::<String>();
            check(
                &Counted { told, count },
                &format!("*{}|{entries}", 2 * count),
                &format!("%{count}|{entries}"),
            );
        }
    }
    #[derive(Serialize)]
    struct Flat {
        a: i64,
        #[serde(flatten)]
        rest: BTreeMap<String, Blob>,
    }
    let rest = (0..10).map(|key| (format!("{key}"), Blob::from(b"\xff"))).collect();
    let entries: String = (0..10).map(|key| format!("$1|{key}|$1|\\xff|")).collect();
    check(&Flat { a: 1, rest }, &format!("*22|$1|a|:1|{entries}"), &format!("%11|$1|a|:1|{entries}"));
}

#[test]
fn types_of_ours() {
    let time: Time = "2015-01-15T08:11:21.5+01:00".parse().unwrap();
    same(&time, "$27|2015-01-15T08:11:21.5+01:00|");
    same(&Time::default(), "$20|0001-01-01T00:00:00Z|");
    same(&Blob::from(b"\0\xff"), "$2|\\x00\\xff|");
    same(&Text(b"a\xff".to_vec()), "$2|a\\xff|");
    check(&Complex::new(1.5, -2.0), "*2|$3|1.5|$2|-2|", "*2|,1.5|,-2|");
    same(&GobEncoded(b"\xff".to_vec()), "$1|\\xff|");
    same(&BinaryMarshaled(b"\xff".to_vec()), "$1|\\xff|");
    same(&Registered { name: "main.P", value: 7 }, ":7|");
    check(&Any::Null, "$-1|", "_|");
    let any = Any::List(vec![
        Any::Null,
        true.into(),
        7i32.into(),
        (-7i64).into(),
        Any::Uint(u64::MAX),
        1.5.into(),
        "x".into(),
        Blob::from(b"\xff").into(),
        time.into(),
        Any::Map(vec![("k".into(), Any::List(vec![])), (Text(vec![0xFF]), Any::Null)]),
    ]);
    check(
        &any,
        "*10|$-1|:1|:7|:-7|$20|18446744073709551615|$3|1.5|$1|x|$1|\\xff|$27|2015-01-15T08:11:21.5+01:00|\
         *4|$1|k|*0|$1|\\xff|$-1|",
        "*10|_|#t|:7|:-7|(18446744073709551615|,1.5|$1|x|$1|\\xff|$27|2015-01-15T08:11:21.5+01:00|\
         %2|$1|k|*0|$1|\\xff|_|",
    );
    // Types of others that have a form for people.
    same(&Ipv4Addr::LOCALHOST, "$9|127.0.0.1|");
    check(&Duration::from_secs(1), "*4|$4|secs|:1|$5|nanos|:0|", "%2|$4|secs|:1|$5|nanos|:0|");
    check(
        &json!({"b": [1, 1.5, "x", false], "a": {}}),
        "*4|$1|a|*0|$1|b|*4|:1|$3|1.5|$1|x|:0|",
        "%2|$1|a|%0|$1|b|*4|:1|,1.5|$1|x|#f|",
    );
}

#[test]
fn texts_with_a_meaning() {
    same(&Status("PONG"), "+PONG|");
    same(&Status("a\r\nb\n"), "+a  b |");
    same(&[Status(String::from("a"))], "*1|+a|");
    check(&Verbatim("a\r\nb"), "$4|a|b|", "=8|txt:a|b|");
    check(
        &Verbatim("x".repeat(95)),
        &format!("$95|{}|", "x".repeat(95)),
        &format!("=99|txt:{}|", "x".repeat(95)),
    );
    // Other formats see the text and the list.
    assert_eq!(json!([Status("a"), Verbatim("b")]), json!(["a", "b"]));
    assert_eq!(json!(Set([1])), json!([1]));
    assert_eq!(serde_json::from_str::<Set<Vec<u8>>>("[1]").unwrap(), Set(vec![1]));
    assert_eq!(serde_json::from_str::<Status<String>>(r#""a""#).unwrap(), Status("a".to_owned()));
}

#[test]
fn errors() {
    let encoder = ReplyEncoder::new(Version::Resp3);
    let error = |code: &str, text: &str| {
        let mut out = BytesMut::new();
        encoder.encode_error(code, text, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    };
    assert_eq!(error("NOAUTH", "Authentication required."), "-NOAUTH Authentication required.\r\n");
    assert_eq!(error("ERR", "a\r\nb\nc"), "-ERR a  b c\r\n");
    assert_eq!(error("ERR", ""), "-ERR\r\n");
    let long = error("ERR", &"ß".repeat(40_000));
    assert_eq!(long.len(), "-ERR \r\n".len() + (64 << 10));
    for (text, wanted) in [
        ("divide by zero", "-ERR divide by zero\r\n"),
        ("WRONGTYPE Operation against a key", "-WRONGTYPE Operation against a key\r\n"),
        ("ERR no", "-ERR no\r\n"),
        ("A key is missing", "-ERR A key is missing\r\n"),
        ("Not found", "-ERR Not found\r\n"),
        ("BUSY", "-ERR BUSY\r\n"),
        (" x", "-ERR  x\r\n"),
        ("", "-ERR\r\n"),
        ("MOVED\r\n x", "-ERR MOVED   x\r\n"),
    ] {
        let mut out = BytesMut::new();
        ReplyTo::Resp(&encoder).encode_error(&ErrorReply::new(text), &mut out);
        assert_eq!(out, wanted);
    }
}

struct Refused;

impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no such value"))
    }
}

#[test]
fn a_reply_that_does_not_fit_is_taken_back() {
    let values: [&dyn erased_serde::Serialize; 7] = [
        &"x".repeat(40),
        &vec![7; 20],
        &Unknown { told: None, count: 20 },
        &BTreeMap::from([("a", Some("b".repeat(40)))]),
        &(Verbatim("x".repeat(40)), Status("y"), 1.5, Time::default()),
        &[Shape::Rect { w: 1, h: 2 }, Shape::Circle(f64::MAX)],
        &(u128::MAX, -1.5e-300, true, ()),
    ];
    for version in [Version::Resp2, Version::Resp3] {
        for value in values {
            let mut whole = BytesMut::new();
            ReplyEncoder::new(version).encode(value, &mut whole).unwrap();
            for limit in 0..=whole.len() {
                let mut out = BytesMut::from("before");
                let to = ReplyEncoder::new(version).up_to(limit);
                let written = ReplyTo::Resp(&to).encode(value, None, &mut out);
                if limit == whole.len() {
                    assert_eq!((written, &out[6..]), (Ok(()), &whole[..]));
                } else {
                    let error = written.map_err(|error| error.text().to_owned());
                    assert_eq!((error, &out[..]), (Err("reply too large".into()), &b"before"[..]));
                }
            }
        }
        let value = (1, BTreeMap::from([("a", Refused)]));
        assert_eq!(encoded(&value, version).unwrap_err().text(), "no such value");
    }
}

#[test]
fn items_of_a_stream_are_one_array() {
    let encoder = ReplyEncoder::new(Version::Resp3).up_to(30);
    for count in [0, 1, 9] {
        let mut out = BytesMut::from("before");
        let start = out.len();
        (0..count).for_each(|_| encoder.encode_item(&(), start, &mut out).unwrap());
        let wanted = format!("before*{count}\r\n{}", "_\r\n".repeat(count));
        // Nine items and their header are over the limit.
        match encoder.finish_array(start, count, &mut out) {
            Ok(()) => assert_eq!(out, wanted),
            Err(error) => {
                assert!(wanted.len() > 36 && error.text() == "reply too large");
                assert_eq!(out, "before");
            }
        }
    }
    let mut out = BytesMut::from("before");
    let start = out.len();
    (0..10).for_each(|_| encoder.encode_item(&(), start, &mut out).unwrap());
    assert!(encoder.encode_item(&(), start, &mut out).is_err());
    assert_eq!(out.len(), 36);
}

#[test]
fn versions_by_number() {
    for version in [Version::Resp2, Version::Resp3] {
        assert_eq!(Version::from_number(version.number()), Some(version));
    }
    assert_eq!(
        (Version::from_number(1), Version::from_number(4), Version::default().number()),
        (None, None, 2)
    );
    let mut encoder = ReplyEncoder::new(Version::Resp2);
    encoder.set_version(Version::Resp3);
    assert_eq!(encoder.version(), Version::Resp3);
}
