//! What each Rust type accepts from each kind, with which words it refuses, and how it goes out.

use super::support::{Any, Blob, Text, Time, binary, document, element, string, wrapped};
use crate::{
    BsonDialect, Dialect, EncodeError, Limits, ValueError,
    bson::{ReplyEncoder, RequestDecoder, kind, ser, time, value_from_slice},
};
use bytes::BytesMut;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug};

/// A value behind every kind there is, all of them "5" where they can be.
fn kinds() -> Vec<(u8, Vec<u8>)> {
    vec![
        (kind::DOUBLE, 5f64.to_le_bytes().to_vec()),
        (kind::STRING, string(b"5")),
        (kind::DOCUMENT, document(&[])),
        (kind::ARRAY, document(&[])),
        (kind::BINARY, binary(b"5")),
        (kind::OBJECT_ID, vec![0; 12]),
        (kind::BOOL, vec![1]),
        (kind::DATETIME, 5i64.to_le_bytes().to_vec()),
        (kind::NULL, vec![]),
        (kind::INT32, 5i32.to_le_bytes().to_vec()),
        (kind::TIMESTAMP, vec![0; 8]),
        (kind::INT64, 5i64.to_le_bytes().to_vec()),
        (kind::UINT64, 5i64.to_le_bytes().to_vec()),
    ]
}

/// `T` takes the `accepted` kinds and refuses all others, under `_Val_`, in a struct, a map, a list, an option.
#[track_caller]
fn accepts<T: DeserializeOwned + Debug>(go: &str, accepted: &[u8]) {
    for (kind, value) in kinds() {
        let results = [
            value_from_slice::<T>(&wrapped(kind, &value)).map(drop),
            value_from_slice::<Vec<T>>(&document(&[element(kind, "0", &value)])).map(drop),
            value_from_slice::<BTreeMap<Text, T>>(&document(&[element(kind, "k", &value)])).map(drop),
            value_from_slice::<(T,)>(&document(&[element(kind, "0", &value)])).map(drop),
        ];
        for result in results {
            if accepted.contains(&kind) || kind == kind::NULL {
                assert_eq!(result, Ok(()), "{go} from 0x{kind:02x}");
            } else {
                assert_eq!(result.unwrap_err().text(), format!("unexpected kind {kind} for {go}"));
            }
        }
    }
}

#[test]
fn kinds_each_type_accepts() {
    use kind::*;
    accepts::<String>("string", &[STRING, BINARY]);
    accepts::<Text>("string", &[STRING, BINARY]);
    accepts::<char>("string", &[STRING, BINARY]);
    accepts::<Blob>("[]byte", &[STRING, BINARY, OBJECT_ID]);
    accepts::<i64>("int64", &[INT32, INT64, UINT64]);
    accepts::<u64>("uint64", &[INT32, INT64, UINT64]);
    accepts::<i8>("int8", &[INT32, INT64]);
    accepts::<i16>("int16", &[INT32, INT64]);
    accepts::<i32>("int32", &[INT32, INT64]);
    accepts::<u8>("uint8", &[INT32, INT64, UINT64]);
    accepts::<u16>("uint16", &[INT32, INT64, UINT64]);
    accepts::<u32>("uint32", &[INT32, INT64, UINT64]);
    accepts::<f64>("float64", &[DOUBLE, INT32, INT64, UINT64]);
    accepts::<f32>("float32", &[DOUBLE, INT32, INT64, UINT64]);
    accepts::<bool>("bool", &[BOOL, INT32, INT64, UINT64]);
    accepts::<Time>("time.Time", &[DATETIME]);
    accepts::<Any>(
        "interface{}",
        &[DOUBLE, STRING, DOCUMENT, ARRAY, BINARY, BOOL, DATETIME, INT32, INT64, UINT64],
    );
}

#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Pair {
    #[serde(rename = "A")]
    a: i64,
    #[serde(rename = "B")]
    b: i64,
}

#[test]
fn documents_and_lists_are_one_and_refuse_all_else() {
    for (kind, value) in kinds() {
        let member = document(&[element(kind, "k", &value)]);
        for result in [
            value_from_slice::<BTreeMap<String, Pair>>(&member).map(drop),
            value_from_slice::<BTreeMap<String, BTreeMap<String, i64>>>(&member).map(drop),
            value_from_slice::<BTreeMap<String, Vec<i64>>>(&member).map(drop),
            value_from_slice::<BTreeMap<String, ()>>(&member).map(drop),
        ] {
            match kind {
                kind::DOCUMENT | kind::ARRAY | kind::NULL => assert_eq!(result, Ok(())),
                _ => assert_eq!(result.unwrap_err().text(), format!("unexpected kind: {kind}")),
            }
        }
        let result = value_from_slice::<Pair>(&document(&[element(kind, "unknown", &value)]));
        match kind {
            kind::OBJECT_ID | kind::TIMESTAMP => {
                assert_eq!(result.unwrap_err().text(), format!("unexpected kind {kind} for skip"));
            }
            _ => assert_eq!(result, Ok(Pair::default())),
        }
    }
}

#[track_caller]
fn decodes<T: DeserializeOwned + PartialEq + Debug>(body: &[u8], wanted: Result<T, &str>) {
    let found = value_from_slice::<T>(body);
    assert_eq!(found.map_err(|error| error.text().to_owned()), wanted.map_err(str::to_owned));
}

#[test]
fn integers_at_their_edges() {
    let int32 = |value: i32| wrapped(kind::INT32, &value.to_le_bytes());
    let int64 = |value: i64| wrapped(kind::INT64, &value.to_le_bytes());
    let uint64 = |value: u64| wrapped(kind::UINT64, &value.to_le_bytes());
    decodes(&int32(-7), Ok(-7i64));
    decodes(&int32(-1), Ok(0xFFFF_FFFFu64));
    decodes(&int32(-1), Ok(0xFFFF_FFFFu32));
    decodes(&int64(-1), Ok(u64::MAX));
    decodes(&uint64(1 << 63), Ok(i64::MIN));
    decodes(&int64(i64::from(i32::MIN)), Ok(i32::MIN));
    decodes::<i32>(&int64(1 << 31), Err("value 2147483648 out of range for int32"));
    decodes::<u32>(&int64(-1), Err("value -1 out of range for uint32"));
    decodes::<u32>(&uint64(1 << 32), Err("value 4294967296 out of range for uint32"));
    decodes(&uint64(0xFFFF_FFFF), Ok(u32::MAX));
    decodes(&int32(-128), Ok(i8::MIN));
    decodes::<i8>(&int32(128), Err("value 128 out of range for int8"));
    decodes::<u8>(&int32(-1), Err("value 4294967295 out of range for uint8"));
    decodes(&uint64(u64::MAX), Ok(u64::MAX as f64));
    decodes(&int32(-3), Ok(-3f32));
    decodes(&uint64(1 << 40), Ok(true));
    decodes(&int32(0), Ok(false));
}

#[test]
fn zero_values() {
    for body in [document(&[]), wrapped(kind::NULL, &[])] {
        decodes(&body, Ok(0i64));
        decodes(&body, Ok(0u8));
        decodes(&body, Ok(0.0f64));
        decodes(&body, Ok(false));
        decodes(&body, Ok('\0'));
        decodes(&body, Ok(String::new()));
        decodes(&body, Ok(Blob::default()));
        decodes(&body, Ok(Time(time::zero())));
        decodes(&body, Ok(Pair::default()));
        decodes(&body, Ok(Vec::<i64>::new()));
        decodes(&body, Ok([0i64; 3]));
        decodes(&body, Ok(()));
    }
    decodes(&wrapped(kind::NULL, &[]), Ok(None::<Pair>));
    decodes(&document(&[]), Ok(Some(Pair::default())));
    decodes(&document(&[]), Ok(Any::Map(vec![])));
    decodes(&wrapped(kind::NULL, &[]), Ok(Any::Null));
}

#[test]
fn val_means_this_very_target() {
    let a = element(kind::INT32, "A", &[7, 0, 0, 0]);
    let b = element(kind::INT32, "B", &[8, 0, 0, 0]);
    let ab = document(&[a.clone(), b.clone()]);
    let val = |kind, value: &[u8]| element(kind, "_Val_", value);
    let pair = Pair { a: 7, b: 8 };
    let twice = document(&[val(kind::DOCUMENT, &document(&[val(kind::ARRAY, &ab)]))]);
    decodes(&twice, Ok(Pair { a: 7, b: 8 }));
    decodes(&document(&[a.clone(), val(kind::DOCUMENT, &document(&[b]))]), Ok(Pair { a: 7, b: 8 }));
    decodes(&document(&[val(kind::NULL, &[]), a]), Ok(Pair { a: 7, b: 0 }));
    decodes(&document(&[element(kind::DOCUMENT, "k", &twice)]), Ok(BTreeMap::from([("k".to_owned(), pair)])));
    decodes(&twice, Ok(vec![7i64, 8]));
    decodes::<Pair>(&wrapped(kind::INT32, &[0; 4]), Err("unexpected kind: 16"));
    decodes::<i64>(&wrapped(kind::DOCUMENT, &twice), Err("unexpected kind 3 for int64"));
    decodes::<String>(&ab, Err("internal error: unindexable type string"));
    decodes::<i64>(&document(&[val(kind::NULL, &[]), val(kind::NULL, &[])]), {
        Err("internal error: unindexable type int64")
    });
    decodes(&wrapped(kind::INT32, &[5, 0, 0, 0]), Ok(Any::Int32(5)));
    decodes(&ab, Ok(Any::Map(vec![("A".into(), Any::Int32(7)), ("B".into(), Any::Int32(8))])));
    decodes(&wrapped(kind::INT32, &[5, 0, 0, 0]), Ok(Some(Box::new(5i64))));
}

/// Members of structs are looked for by the name that is likely to be next.
#[test]
fn members_of_structs_in_every_order() {
    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Names {
        #[serde(alias = "an")]
        a: i64,
        ab: i64,
        abc: i64,
        #[serde(rename = "_Val_")]
        val: i64,
    }
    let number = |key: &str, value: i32| element(kind::INT32, key, &value.to_le_bytes());
    let names = |a, ab, abc| Names { a, ab, abc, val: 0 };
    let rows: [(&[(&str, i32)], Names); 9] = [
        (&[("a", 1), ("ab", 2), ("abc", 3)], names(1, 2, 3)),
        (&[("abc", 3), ("ab", 2), ("a", 1)], names(1, 2, 3)),
        (&[("ab", 2), ("a", 1), ("abc", 3)], names(1, 2, 3)),
        (&[("ab", 2), ("abc", 3)], names(0, 2, 3)),
        (&[("abcd", 9), ("a", 1), ("abcd", 9), ("ab", 2)], names(1, 2, 0)),
        (&[("", 9), ("a", 1), ("", 9)], names(1, 0, 0)),
        (&[("an", 1), ("ab", 2)], names(1, 2, 0)),
        (&[], names(0, 0, 0)),
        (&[("abc", 3)], names(0, 0, 3)),
    ];
    for (members, wanted) in rows {
        let elements: Vec<_> = members.iter().map(|&(key, value)| number(key, value)).collect();
        let inside = document(&elements);
        for len in 0..inside.len() {
            decodes::<Names>(&inside[..len], Err("unexpected EOF"));
        }
        decodes(&inside, Ok(wanted));
    }
    let twice = document(&[number("a", 1), number("a", 2)]);
    decodes(&twice, Ok(names(2, 0, 0)));
    let often = document(&[number("a", 1), number("ab", 5), number("a", 2), number("ab", 6), number("a", 3)]);
    decodes(&often, Ok(names(3, 6, 0)));
}

#[test]
fn lists_of_fixed_length() {
    let list = |numbers: &[i32]| {
        let elements = numbers.iter().map(|number| element(kind::INT32, "x", &number.to_le_bytes()));
        document(&elements.collect::<Vec<_>>())
    };
    decodes(&list(&[1, 2]), Ok([1i64, 2]));
    decodes(&list(&[1]), Ok([1i64, 0]));
    decodes::<[i64; 2]>(&list(&[1, 2, 3]), Err("array index 2 out of bounds"));
    decodes(&list(&[1, 2]), Ok((1i32, 2u8)));
}

#[test]
fn truncated_and_overlong_values() {
    let body = document(&[element(kind::BINARY, "A", &binary(b"abc")), element(kind::INT32, "B", &[0; 4])]);
    for len in 0..body.len() {
        decodes::<BTreeMap<String, Any>>(&body[..len], Err("unexpected EOF"));
    }
    decodes::<String>(&wrapped(kind::BINARY, &[0xFF; 5]), Err("unexpected EOF"));
    decodes::<String>(&wrapped(kind::STRING, &[0xFF; 5]), Err("unexpected EOF"));
    let short = document(&[element(kind::DOCUMENT, "x", &[3, 0, 0, 0, 0])]);
    decodes::<Pair>(&short, Err("Object or Array should at least be 4 bytes long"));
    let behind = [&wrapped(kind::INT32, &[5, 0, 0, 0])[..], b"more"].concat();
    decodes(&behind, Ok(5i64));
    let mut wrong_inner_length = document(&[element(kind::DOCUMENT, "k", &document(&[]))]);
    wrong_inner_length[7] = 77;
    decodes(&wrong_inner_length, Ok(BTreeMap::from([("k".to_owned(), Pair::default())])));
}

#[test]
fn strings_that_are_not_utf8() {
    let body = wrapped(kind::BINARY, &binary(b"h\xff"));
    decodes::<String>(&body, Err("string is not valid UTF-8"));
    decodes(&body, Ok(Text(b"h\xff".to_vec())));
    let keyed = document(&[element(kind::NULL, "k", &[])]);
    let keyed = keyed.iter().map(|&byte| if byte == b'k' { 0xFF } else { byte }).collect::<Vec<_>>();
    decodes::<BTreeMap<String, Any>>(&keyed, Err("string is not valid UTF-8"));
    decodes(&keyed, Ok(BTreeMap::from([(Text(vec![0xFF]), Any::Null)])));
    decodes(&keyed, Ok(Pair::default()));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    New(i64),
    Tuple(i32, i32),
    Struct { a: bool },
}

/// `value` in both dialects.
fn encoded<T: Serialize>(value: &T) -> [Result<Vec<u8>, EncodeError>; 2] {
    [Dialect::Vitess, Dialect::Standard].map(|dialect| {
        let mut out = BytesMut::new();
        ser::to_buf(value, dialect, &mut out).map(|()| out.to_vec())
    })
}

#[track_caller]
fn encodes<T: Serialize>(value: T, vitess: &[u8], standard: &[u8]) {
    assert_eq!(encoded(&value), [Ok(vitess.to_vec()), Ok(standard.to_vec())]);
}

/// The same, and it comes back.
#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: &T,
    vitess: &[u8],
    standard: &[u8],
) {
    encodes(value, vitess, standard);
    for body in [vitess, standard] {
        assert_eq!(value_from_slice::<T>(body).as_ref(), Ok(value));
        decodes(body, Ok(()));
    }
}

#[test]
fn simple_values_go_out_wrapped() {
    let both = |kind, value: &[u8]| (wrapped(kind, value), wrapped(kind, value));
    let (v, s) = both(kind::INT32, &(-5i32).to_le_bytes());
    round_trip(&-5i8, &v, &s);
    round_trip(&-5i16, &v, &s);
    round_trip(&-5i32, &v, &s);
    let (v, s) = both(kind::INT64, &(-5i64).to_le_bytes());
    round_trip(&-5i64, &v, &s);
    let (v, _) = both(kind::UINT64, &5u64.to_le_bytes());
    let (_, s) = both(kind::INT64, &5u64.to_le_bytes());
    round_trip(&5u8, &v, &s);
    round_trip(&5u16, &v, &s);
    round_trip(&5u32, &v, &s);
    round_trip(&5u64, &v, &s);
    let (v, s) = both(kind::DOUBLE, &1.5f64.to_le_bytes());
    round_trip(&1.5f32, &v, &s);
    round_trip(&1.5f64, &v, &s);
    let (v, s) = both(kind::BOOL, &[1]);
    round_trip(&true, &v, &s);
    let (v, s) =
        (wrapped(kind::BINARY, &binary("é".as_bytes())), wrapped(kind::STRING, &string("é".as_bytes())));
    round_trip(&"é".to_owned(), &v, &s);
    round_trip(&'é', &v, &s);
    round_trip(&Text::from("é"), &v, &s);
    let (v, s) = both(kind::BINARY, &binary(b"\0\xff"));
    round_trip(&Blob(b"\0\xff".to_vec()), &v, &s);
    let v = wrapped(kind::DATETIME, &(-6_795_364_578_871i64).to_le_bytes());
    let s = wrapped(kind::DATETIME, &(-62_135_596_800_000i64).to_le_bytes());
    encodes(Time::default(), &v, &s);
    let (v, s) = both(kind::DATETIME, &1_421_305_881_123i64.to_le_bytes());
    round_trip(&Time(time::from_millis(1_421_305_881_123)), &v, &s);
    let (v, s) = (wrapped(kind::BINARY, &binary(b"Unit")), wrapped(kind::STRING, &string(b"Unit")));
    round_trip(&Shape::Unit, &v, &s);
    encodes(Some(&Shape::Unit), &v, &s);
    let (v, s) =
        (wrapped(kind::BINARY, &binary(b"\xff")), wrapped(kind::STRING, &string("\u{FFFD}".as_bytes())));
    encodes(Text(vec![0xFF]), &v, &s);
}

#[test]
fn compound_values_go_out_bare() {
    let same = |bytes: Vec<u8>| (bytes.clone(), bytes);
    let (v, s) = same(document(&[]));
    round_trip(&(), &v, &s);
    round_trip(&Vec::<i64>::new(), &v, &s);
    let long = |key, value: i64| element(kind::INT64, key, &value.to_le_bytes());
    let int = |key, value: i32| element(kind::INT32, key, &value.to_le_bytes());
    let (v, s) = same(document(&[long("A", 7), long("B", -8)]));
    round_trip(&Pair { a: 7, b: -8 }, &v, &s);
    let many: Vec<_> = (0..12)
        .map(|n| long(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"][n], n as i64))
        .collect();
    let (v, s) = same(document(&many));
    round_trip(&(0..12i64).collect::<Vec<_>>(), &v, &s);
    let (v, s) = same(document(&[long("-1", 2), long("3", 4)]));
    round_trip(&BTreeMap::from([(-1i8, 2i64), (3, 4)]), &v, &s);
    let (v, s) = same(document(&[long("New", 5)]));
    round_trip(&Shape::New(5), &v, &s);
    let (v, s) = same(document(&[element(kind::ARRAY, "Tuple", &document(&[int("0", 1), int("1", 2)]))]));
    round_trip(&Shape::Tuple(1, 2), &v, &s);
    let inside = document(&[element(kind::BOOL, "a", &[1])]);
    let (v, s) = same(document(&[element(kind::DOCUMENT, "Struct", &inside)]));
    round_trip(&Shape::Struct { a: true }, &v, &s);
    let (v, s) = same(document(&[element(kind::NULL, "k", &[]), element(kind::ARRAY, "l", &document(&[]))]));
    encodes(Any::Map(vec![("k".into(), Any::Null), ("l".into(), Any::List(vec![]))]), &v, &s);
    let none = wrapped(kind::NULL, &[]);
    round_trip(&None::<i64>, &none, &none);
}

#[test]
fn values_that_do_not_fit_leave_no_trace() {
    let mut request = BytesMut::from(&super::support::exchange("raw/bson_header_string_kind").requests[..]);
    let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Auto);
    let request = decoder.decode(&mut request).unwrap().unwrap();
    let mut out = BytesMut::from(&b"before"[..]);
    let mut refused = |value: Any, text: &str| {
        let error = ReplyEncoder::new().encode(request.head(), &value, &mut out).unwrap_err();
        assert_eq!((error.text(), &out[..]), (text, &b"before"[..]));
    };
    refused(Any::Uint(1 << 63), "integer 9223372036854775808 does not fit into a signed 64-bit one");
    let nested = Any::Map(vec![("k".into(), Any::List(vec![Any::Bool(true), Any::Uint(u64::MAX)]))]);
    refused(nested, "integer 18446744073709551615 does not fit into a signed 64-bit one");
    refused(Any::Map(vec![(Text(b"a\0b".to_vec()), Any::Null)]), "key with a zero byte: a\\x00b");
    let refused = |result: Result<(), EncodeError>, text: &str| {
        assert_eq!(result.unwrap_err().text(), text);
    };
    let mut encoder = ReplyEncoder::new();
    refused(encoder.encode(request.head(), &7i128, &mut out), "don't know how to marshal int128");
    let keys = BTreeMap::from([((1, 2), 3)]);
    refused(encoder.encode(request.head(), &keys, &mut out), "can't marshall maps with non-string key types");
    #[derive(Serialize)]
    struct Zero {
        #[serde(rename = "a\0")]
        a: i64,
    }
    refused(encoder.encode(request.head(), &Zero { a: 1 }, &mut out), "key with a zero byte: a\\x00");
    assert_eq!(&out[..], b"before");
}

#[test]
fn flattened_and_untagged_types_work() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        name: String,
        #[serde(flatten)]
        pair: Pair,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Pair(Pair),
    }
    for body in encoded(&Outer { name: "x".into(), pair: Pair { a: 1, b: 2 } }) {
        decodes(&body.unwrap(), Ok(Outer { name: "x".into(), pair: Pair { a: 1, b: 2 } }));
    }
    for value in [Either::Text("t".into()), Either::Pair(Pair { a: 1, b: 2 })] {
        for body in encoded(&value) {
            assert_eq!(value_from_slice::<Either>(&body.unwrap()).as_ref(), Ok(&value));
        }
    }
}

#[test]
fn fatal_errors() {
    let empty = wrapped(kind::STRING, &[0; 5]);
    let unread = document(&[element(kind::STRING, "unknown", &[0; 5])]);
    let error = ValueError::fatal("string of length 0");
    assert_eq!(value_from_slice::<String>(&empty), Err(error.clone()));
    assert_eq!(value_from_slice::<Any>(&empty), Err(error.clone()));
    assert_eq!(value_from_slice::<Pair>(&unread), Err(error));
    let nested = |levels: usize| {
        let mut body = document(&[]);
        for _ in 1..levels {
            body = document(&[element(kind::DOCUMENT, "k", &body)]);
        }
        body
    };
    assert!(value_from_slice::<Any>(&nested(100)).is_ok());
    assert_eq!(value_from_slice::<Any>(&nested(101)), Err(ValueError::fatal("nesting deeper than 100")));
    assert!(value_from_slice::<Pair>(&nested(101)).is_ok(), "an unknown member is skipped unread");
    assert!(!value_from_slice::<i64>(&wrapped(kind::BOOL, &[1])).unwrap_err().is_fatal());
}
