//! Values both ways, each by its bytes, and by those of crate `rmp-serde`.

use crate::{
    codec::{Decoding, Limits},
    msgpack::{PeerTimes, TimeForm, ser::to_buf, value_from_peer_within, value_from_slice},
    types::{Any, Blob, Text, Time},
};
use bytes::BytesMut;
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug};

fn written<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    written_as(value, TimeForm::Extension)
}

fn written_as<T: Serialize + ?Sized>(value: &T, times: TimeForm) -> Vec<u8> {
    let mut out = BytesMut::new();
    to_buf(value, times, &mut out).unwrap();
    out.to_vec()
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> T {
    value_from_slice(bytes).unwrap_or_else(|error| panic!("{}: {error}", bytes.escape_ascii()))
}

fn refused<T: DeserializeOwned + Debug>(bytes: &[u8]) -> String {
    value_from_slice::<T>(bytes).unwrap_err().text().to_owned()
}

/// The value is written as `bytes` and read from them.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, bytes: &[u8]) {
    assert_eq!(written(value).escape_ascii().to_string(), bytes.escape_ascii().to_string(), "{value:?}");
    assert_eq!(&read::<T>(bytes), value);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inner {
    name: String,
    n: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    One(i64),
    Two(i64, i64),
    Named { a: i64 },
}

#[test]
fn scalars_in_their_shortest_form() {
    check(&(), b"\xC0");
    check(&true, b"\xC3");
    check(&false, b"\xC2");
    for (value, bytes) in [
        (0, &b"\x00"[..]),
        (127, b"\x7F"),
        (128, b"\xCC\x80"),
        (255, b"\xCC\xFF"),
        (256, b"\xCD\x01\x00"),
        (65_536, b"\xCE\x00\x01\x00\x00"),
        (i64::MAX, b"\xCF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        (-1, b"\xFF"),
        (-32, b"\xE0"),
        (-33, b"\xD0\xDF"),
        (-128, b"\xD0\x80"),
        (-129, b"\xD1\xFF\x7F"),
        (-32_769, b"\xD2\xFF\xFF\x7F\xFF"),
        (i64::MIN, b"\xD3\x80\0\0\0\0\0\0\0"),
    ] {
        check(&value, bytes);
    }
    check(&u64::MAX, b"\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    check(&1.5f32, b"\xCA\x3F\xC0\0\0");
    check(&1.5f64, b"\xCB\x3F\xF8\0\0\0\0\0\0");
    check(&'é', b"\xA2\xC3\xA9");
    check(&String::new(), b"\xA0");
    check(&"x".repeat(31), &[&[0xBF][..], &[b'x'; 31]].concat());
    check(&"x".repeat(32), &[&[0xD9, 32][..], &[b'x'; 32]].concat());
    check(&"x".repeat(256), &[&[0xDA, 1, 0][..], &[b'x'; 256]].concat());
    check(&"x".repeat(65_536), &[&[0xDB, 0, 1, 0, 0][..], &vec![b'x'; 65_536]].concat());
}

#[test]
fn types_of_go() {
    check(&Text::from("hé"), b"\xA3h\xC3\xA9");
    check(&Text::from(vec![b'a', 0xFF]), b"\xA2a\xFF");
    check(&Text::from(vec![0xFF; 40]), &[&[0xD9, 40][..], &[0xFF; 40]].concat());
    check(&BTreeMap::from([(Text::from(vec![0xFF]), 1)]), b"\x81\xA1\xFF\x01");
    check(&Blob::from(b"\x00\xFF"), b"\xC4\x02\x00\xFF");
    check(&Blob::from(vec![7; 256]), &[&[0xC5, 1, 0][..], &[7; 256]].concat());
    let time = |text: &str| text.parse::<Time>().unwrap();
    check(&time("2015-01-15T07:11:21Z"), b"\xD6\xFF\x54\xB7\x68\x19");
    check(&time("2015-01-15T07:11:21.5Z"), b"\xD7\xFF\x77\x35\x94\x00\x54\xB7\x68\x19");
    check(&time("1969-12-31T23:59:59.5Z"), b"\xC7\x0C\xFF\x1D\xCD\x65\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    check(&Time::default(), b"\xC7\x0C\xFF\0\0\0\0\xFF\xFF\xFF\xF1\x88\x6E\x09\0");
    // Go's codec writes these where it does not write extensions.
    assert_eq!(read::<Time>(b"\xA8\x77\x35\x94\x00\x54\xB7\x68\x19"), time("2015-01-15T07:11:21.5Z"));
    assert_eq!(read::<Time>(b"\xA4\x54\xB7\x68\x19"), time("2015-01-15T07:11:21Z"));
    assert_eq!(read::<Blob>(b"\xA2hi"), Blob::from(b"hi"));
    assert_eq!(read::<Blob>(b"\x92\x01\xCC\xFF"), Blob::from(b"\x01\xFF"));
    assert_eq!(read::<Vec<u8>>(b"\xC4\x02\x01\xFF"), [1, 255]);
    assert_eq!(read::<String>(b"\xC4\x02hi"), "hi");
}

#[test]
fn compounds() {
    check(&vec![1, 2], b"\x92\x01\x02");
    check(&vec![0; 16], &[&[0xDC, 0, 16][..], &[0; 16]].concat());
    check(&vec![0; 65_536], &[&[0xDD, 0, 1, 0, 0][..], &vec![0; 65_536]].concat());
    check(&(1, "x".to_owned()), b"\x92\x01\xA1x");
    check(&Inner { name: "x".into(), n: -1 }, b"\x82\xA4Name\xA1x\xA1N\xFF");
    check(&BTreeMap::from([(1, true), (2, false)]), b"\x82\x01\xC3\x02\xC2");
    check(&BTreeMap::from([("k".to_owned(), vec![Some(1), None])]), b"\x81\xA1k\x92\x01\xC0");
    check(&Kind::Unit, b"\xA4Unit");
    check(&Kind::One(5), b"\x81\xA3One\x05");
    check(&Kind::Two(5, 6), b"\x81\xA3Two\x92\x05\x06");
    check(&Kind::Named { a: 5 }, b"\x81\xA5Named\x81\xA1a\x05");
}

#[test]
fn lists_and_maps_of_unknown_length() {
    struct Unknown;
    impl Serialize for Unknown {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::{SerializeMap, SerializeSeq};
            let mut seq = serializer.serialize_seq(None)?;
            struct Map;
            impl Serialize for Map {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let mut map = serializer.serialize_map(None)?;
                    map.serialize_entry("k", &1)?;
                    map.end()
                }
            }
            seq.serialize_element(&Map)?;
            seq.serialize_element(&2)?;
            seq.end()
        }
    }
    assert_eq!(written(&Unknown), b"\xDD\0\0\0\x02\xDF\0\0\0\x01\xA1k\x01\x02");
}

#[test]
fn any_keeps_the_kinds_of_the_wire() {
    for (any, bytes) in [
        (Any::Null, &b"\xC0"[..]),
        (true.into(), b"\xC3"),
        (Any::Int(5), b"\x05"),
        (Any::Int(-5), b"\xFB"),
        (Any::Uint(u64::MAX), b"\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        (1.5.into(), b"\xCB\x3F\xF8\0\0\0\0\0\0"),
        ("x".into(), b"\xA1x"),
        (Blob::from(b"\xFF").into(), b"\xC4\x01\xFF"),
        ("2015-01-15T07:11:21Z".parse::<Time>().unwrap().into(), b"\xD6\xFF\x54\xB7\x68\x19"),
        (Any::List(vec![Any::Int(1), "x".into()]), b"\x92\x01\xA1x"),
        (
            Any::Map(vec![("b".into(), Any::Int(1)), ("a".into(), Any::Map(vec![]))]),
            b"\x82\xA1b\x01\xA1a\x80",
        ),
    ] {
        check(&any, bytes);
    }
    assert_eq!(read::<Any>(b"\xA1\xFF"), Any::from(Text::from(vec![0xFF])));
    assert_eq!(
        written(&read::<Any>(b"\x81\xA1k\x92\xA1\xFF\xC4\x01\xFF")),
        b"\x81\xA1k\x92\xA1\xFF\xC4\x01\xFF"
    );
    assert_eq!(read::<Any>(b"\x81\x05\x01"), Any::Map(vec![("5".into(), Any::Int(1))]));
    assert_eq!(refused::<Any>(b"\xD4\x05\x00"), "msgpack: cannot decode extension into interface {}");
}

#[test]
fn json_values_take_what_they_can() {
    let value: serde_json::Value = read(b"\x83\xA1a\x05\xA1b\x92\xC0\xFF\x07\xD6\xFF\x54\xB7\x68\x19");
    assert_eq!(value, serde_json::json!({"a": 5, "b": [null, -1], "7": "2015-01-15T07:11:21Z"}));
}

#[test]
fn numbers_fit_by_value() {
    assert_eq!(read::<i64>(b"\xCC\x05"), 5);
    assert_eq!(read::<u8>(b"\xD3\0\0\0\0\0\0\0\x05"), 5);
    assert_eq!(read::<i8>(b"\xD1\xFF\x80"), -128);
    assert_eq!(read::<f64>(b"\x05"), 5.0);
    assert_eq!(read::<f64>(b"\xCA\x3F\xC0\0\0"), 1.5);
    assert_eq!(read::<f32>(b"\xFF"), -1.0);
    assert!(read::<bool>(b"\x01"));
    assert_eq!(refused::<u64>(b"\xFF"), "msgpack: value -1 out of range for uint");
    assert_eq!(refused::<i8>(b"\xCC\x80"), "msgpack: value 128 out of range for int8");
    assert_eq!(
        refused::<i64>(b"\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        "msgpack: value 18446744073709551615 out of range for int"
    );
    assert_eq!(refused::<i64>(b"\xCB\x3F\xF0\0\0\0\0\0\0"), "msgpack: cannot decode float into int");
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct All {
    i: i64,
    u: u16,
    f: f64,
    b: bool,
    s: String,
    text: Text,
    blob: Blob,
    time: Time,
    any: Any,
    list: Vec<i64>,
    map: BTreeMap<String, i64>,
    inner: Inner,
    array: [i64; 2],
    some: Option<Inner>,
    #[serde(default = "seven")]
    seven: i64,
}

fn seven() -> i64 {
    7
}

#[test]
fn what_is_absent_is_zero_as_in_go() {
    let zero = All { seven: 7, ..All::default() };
    assert_eq!(read::<All>(b"\x80"), zero);
    assert_eq!(read::<All>(b"\x81\xA5Other\x92\x01\x81\x01\x02"), zero);
    assert_eq!(read::<All>(b"\xC0"), zero);
    assert_eq!(
        read::<All>(b"\x84\xA1I\x05\xA5Inner\x81\xA1N\x09\xA4Some\x80\xA5Seven\x08"),
        All {
            i: 5,
            inner: Inner { n: 9, ..Inner::default() },
            some: Some(Inner::default()),
            seven: 8,
            ..All::default()
        }
    );
    // A struct in a list needs of itself only what it lacks.
    assert_eq!(
        read::<Vec<Inner>>(b"\x93\x81\xA1N\x01\x82\xA4Name\xA1x\xA1N\x02\xC0"),
        [Inner { n: 1, ..Inner::default() }, Inner { name: "x".into(), n: 2 }, Inner::default(),]
    );
}

#[test]
fn nil_is_the_zero_of_everything() {
    let nils = [
        &b"\x8E"[..],
        &["I", "U", "F", "B", "S", "Text", "Blob", "Time", "Any", "List", "Map", "Inner"]
            .iter()
            .chain(&["Array", "Some"])
            .flat_map(|name| [&super::support::text(name)[..], b"\xC0"].concat())
            .collect::<Vec<_>>(),
    ]
    .concat();
    assert_eq!(read::<All>(&nils), All { seven: 7, ..All::default() });
    assert_eq!(refused::<Kind>(b"\xC0"), "Kind has no zero value");
}

#[test]
fn structs_as_lists() {
    assert_eq!(read::<Inner>(b"\x92\xA1x\x05"), Inner { name: "x".into(), n: 5 });
    assert_eq!(read::<Inner>(b"\x91\xA1x"), Inner { name: "x".into(), n: 0 });
    assert_eq!(read::<Inner>(b"\x94\xA1x\x05\x81\x01\x02\xC0"), Inner { name: "x".into(), n: 5 });
    assert_eq!(read::<(Inner, i64)>(b"\x92\x91\xA1x\x05").1, 5);
}

/// A time in each form that Go's codecs write, and what zones become of it.
#[test]
fn times_in_the_form_of_the_peer() {
    let go = b"\x01\0\0\0\x0E\xDC\xE5\xE8\0\0\0\0\x05";
    let in_utc = Time::new(1_700_000_000, 5).unwrap();
    let with_zone = in_utc.with_offset_minutes(60).unwrap();
    let odd = in_utc.with_offset_seconds(3630).unwrap();
    let unspeakable = in_utc.with_offset_seconds(-61).unwrap();
    let of_go = |head: &[u8], time: &[u8]| [head, time].concat();
    let odd_bytes = [b"\x02", &go[1..], b"\0\x3C\x1E"].concat();
    for (time, form, bytes) in [
        (in_utc, TimeForm::GoBinary, of_go(b"\xAF", &[go, &b"\xFF\xFF"[..]].concat())),
        (with_zone, TimeForm::GoBinary, of_go(b"\xAF", &[go, &b"\0\x3C"[..]].concat())),
        (odd, TimeForm::GoBinary, of_go(b"\xB0", &odd_bytes)),
        (in_utc, TimeForm::Timestamp, b"\xA8\0\0\0\x14\x65\x53\xF1\0".to_vec()),
        (in_utc, TimeForm::Extension, b"\xD7\xFF\0\0\0\x14\x65\x53\xF1\0".to_vec()),
        (Time::new(-1, 0).unwrap(), TimeForm::Timestamp, [&b"\xAC\0\0\0\0"[..], &[0xFF; 8]].concat()),
        (Time::new(1, 0).unwrap(), TimeForm::Timestamp, b"\xA4\0\0\0\x01".to_vec()),
    ] {
        assert_eq!(written_as(&time, form).escape_ascii().to_string(), bytes.escape_ascii().to_string());
        assert_eq!(read::<Time>(&bytes), time);
        // Every form is read in every connection, and noted.
        let peer = PeerTimes::new(TimeForm::default());
        assert_eq!(value_from_peer_within(&bytes, Some(&peer), &Decoding::new(&Limits::DEFAULT)), Ok(time));
        assert_eq!(peer.get(), form);
    }
    // As bytes, which go-msgpack 2.1.2 writes and does not read.
    for bytes in [of_go(b"\xC4\x0F", &[go, &b"\0\x3C"[..]].concat()), of_go(b"\xC4\x10", &odd_bytes)] {
        let peer = PeerTimes::new(TimeForm::default());
        let time =
            value_from_peer_within::<Time>(&bytes, Some(&peer), &Decoding::new(&Limits::DEFAULT)).unwrap();
        assert_eq!(written_as(&time, peer.get()), [&[0xA0 | bytes[1]], &bytes[2..]].concat());
    }
    assert_eq!(written_as(&unspeakable, TimeForm::GoBinary), written_as(&in_utc, TimeForm::GoBinary));
    let in_struct = written_as(&vec![Some(with_zone)], TimeForm::GoBinary);
    assert_eq!(in_struct, [b"\x91\xAF", &go[..], b"\0\x3C"].concat());
    // What is no time says nothing: neither a nil, nor a text, nor bytes where bytes are wanted.
    for bytes in [&b"\xC0"[..], b"\xA1x", b"\xAF\x01aaaaaaaaaaaaaa"] {
        let peer = PeerTimes::new(TimeForm::GoBinary);
        let _ = value_from_peer_within::<Text>(bytes, Some(&peer), &Decoding::new(&Limits::DEFAULT));
        let _ =
            value_from_peer_within::<Option<Time>>(b"\xC0", Some(&peer), &Decoding::new(&Limits::DEFAULT));
        assert_eq!(peer.get(), TimeForm::GoBinary);
    }
}

#[test]
fn of_members_with_one_name_the_last_counts() {
    assert_eq!(read::<Inner>(b"\x83\xA1N\x07\xA1N\x09\xA4Name\xA1x"), Inner { name: "x".into(), n: 9 });
    assert_eq!(read::<Inner>(b"\x83\xA1N\x05\xA4Name\xA1x\xA1N\x09"), Inner { name: "x".into(), n: 9 });
    assert_eq!(read::<Inner>(b"\x83\xA1N\x01\xC4\x01N\x02\xA1N\x03"), Inner { n: 3, ..Inner::default() });
    let nested =
        read::<Vec<Inner>>(b"\x92\x82\xA1N\x01\xA1N\x02\x84\xA4Name\xA1a\xA1N\x03\xA1N\x04\xA4Name\xA1b");
    assert_eq!(nested, [Inner { n: 2, ..Inner::default() }, Inner { name: "b".into(), n: 4 }]);
    assert_eq!(read::<BTreeMap<String, i64>>(b"\x82\xA1N\x01\xA1N\x02"), BTreeMap::from([("N".into(), 2)]));
    assert_eq!(read::<Any>(b"\x82\xA1N\x01\xA1N\x02").get("N"), Some(&Any::Int(2)));
}

#[test]
fn what_does_not_fit_says_so() {
    for (error, text) in [
        (refused::<i64>(b"\xA1x"), "msgpack: cannot decode string into int"),
        (refused::<String>(b"\x05"), "msgpack: cannot decode integer into string"),
        (refused::<String>(b"\xA1\xFF"), "string is not valid UTF-8"),
        (refused::<Vec<i64>>(b"\x80"), "msgpack: cannot decode map into slice"),
        (refused::<BTreeMap<String, i64>>(b"\x90"), "msgpack: cannot decode array into map"),
        (refused::<Inner>(b"\xC3"), "msgpack: cannot decode bool into Inner"),
        (refused::<Time>(b"\xA3now"), "msgpack: cannot decode string into time.Time"),
        (refused::<Time>(b"\xD6\x01\0\0\0\0"), "msgpack: cannot decode extension into time.Time"),
        (refused::<Kind>(b"\xA3Who"), "unknown variant `Who`, expected one of `Unit`, `One`, `Two`, `Named`"),
        (refused::<i64>(b""), "unexpected EOF"),
    ] {
        assert_eq!(error, text);
    }
}

/// Everything the data model of JSON can say, and integers of either sign.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1e300..1e300f64).prop_map(Into::into),
        ".{0,40}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 20, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
            proptest::collection::hash_map(".{0,8}", inner, 0..20)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn as_rmp_serde(value in value()) {
        let ours = written(&value);
        prop_assert_eq!(&ours, &rmp_serde::to_vec_named(&value).unwrap());
        prop_assert_eq!(&rmp_serde::from_slice::<serde_json::Value>(&ours).unwrap(), &value);
        prop_assert_eq!(&read::<serde_json::Value>(&ours), &value);
    }

    #[test]
    fn structs_as_rmp_serde(name in ".{0,300}", n in any::<i64>(), list in proptest::collection::vec(any::<i32>(), 0..40)) {
        let value = (Inner { name, n }, list, Kind::Two(n, n));
        let ours = written(&value);
        prop_assert_eq!(&ours, &rmp_serde::to_vec_named(&value).unwrap());
        prop_assert_eq!(&read::<(Inner, Vec<i32>, Kind)>(&ours), &value);
        let listed = rmp_serde::to_vec(&value).unwrap();
        prop_assert_eq!(&read::<(Inner, Vec<i32>, Kind)>(&listed), &value);
    }
}
