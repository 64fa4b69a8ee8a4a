//! serde's own features, through every codec: what is read is what was written, or an error says that it cannot be.

#![allow(clippy::unwrap_used, reason = "a test stops at the first error")]

use bytes::BytesMut;
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};
use rpcwrap_codecs::{
    AnyCodec, Args, BsonDialect, CallOptions, Dialect, Limits,
    schema::TypeOf,
    types::{Any, BinaryMarshaled, Blob, Complex, GobEncoded, Named, Text, Time},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

fn codecs() -> [(&'static str, AnyCodec); 5] {
    [
        ("json", AnyCodec::Json),
        ("vitess", AnyCodec::Bson(BsonDialect::Always(Dialect::Vitess))),
        ("standard", AnyCodec::Bson(BsonDialect::Always(Dialect::Standard))),
        ("gob", AnyCodec::Gob),
        ("msgpack", AnyCodec::Msgpack),
    ]
}

/// The value after a way to a server as arguments and back to its client as a reply.
fn there_and_back<T: Serialize + DeserializeOwned + 'static>(
    codec: &AnyCodec,
    value: &T,
) -> Result<T, String> {
    let type_of = TypeOf::new::<T>();
    let options = CallOptions { details: true, ..CallOptions::default() };
    let mut request = BytesMut::new();
    let encoded = codec.request_writer().encode(1, "A.B", options, value, Some(&type_of), &mut request);
    encoded.map_err(|error| error.to_string())?;
    let mut server = codec.server(Limits::default());
    let request = server.decode(&mut request).unwrap().unwrap();
    let args: T = server.args(&request).decode().map_err(|error| format!("args: {error}"))?;
    let mut answer = BytesMut::new();
    server
        .reply_to(&request)
        .encode(&args, Some(&type_of), &mut answer)
        .map_err(|error| error.to_string())?;
    let mut client = codec.reply_reader(Limits::default());
    let reply = client.decode(&mut answer).unwrap().unwrap();
    client.body(&reply).map_err(|error| format!("body: {error}"))
}

/// The value comes back in every codec but those that refuse it with such a text.
#[track_caller]
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(value: &T, refused: &[(&str, &str)]) {
    for (name, codec) in codecs() {
        let refused = refused.iter().find(|(codec, _)| *codec == name);
        match (there_and_back(&codec, value), refused) {
            (Ok(back), None) => assert_eq!(&back, value, "{name}"),
            (Err(error), Some((_, text))) => assert!(error.contains(text), "{name}: {error}"),
            (result, _) => panic!("{name}: {result:?}"),
        }
    }
}

fn time() -> Time {
    Time::new(1_421_305_881, 123_000_000).unwrap()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Base {
    id: u64,
    at: Time,
    raw: Blob,
    note: String,
    text: Text,
    maybe: Option<i64>,
    list: Vec<i64>,
    float: f64,
}

fn base() -> Base {
    Base {
        id: u64::from(u32::MAX),
        at: time(),
        raw: Blob::from(b"\x00\xffab"),
        note: "nöte".into(),
        text: "text".into(),
        maybe: Some(0),
        list: vec![1, -2],
        float: 1.5,
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    base: Base,
    extra: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FlatMap {
    id: i64,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FlatEnum {
    id: i64,
    #[serde(flatten)]
    what: External,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum External {
    Unit,
    Stamp(Time),
    Bytes(Blob),
    Pair(Blob, Time),
    Fields { at: Time, raw: Blob },
    Whole(Base),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number { n: i64 },
    Stamp { at: Time },
    Bytes { raw: Blob, text: Text },
    Whole(Base),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Unit,
    Stamp { at: Time },
    Bytes { raw: Blob, text: Text },
    Whole(Base),
    Nested(External),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum Adjacent {
    Unit,
    Stamp(Time),
    Pair(Blob, Time),
    Fields { at: Time, raw: Blob },
    Whole(Base),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Newtypes {
    time: Wrapped<Time>,
    blob: Wrapped<Blob>,
    text: Wrapped<Text>,
    number: Wrapped<u8>,
    boxed: Box<Wrapped<String>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped<T>(T);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Options {
    none: Option<i64>,
    zero: Option<i64>,
    empty: Option<String>,
    no_bytes: Option<Blob>,
    no: Option<bool>,
    nothing: Option<Vec<i64>>,
    a_time: Option<Time>,
    complex: Option<Complex>,
    boxed: Option<Box<Base>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct WithModule(#[serde(with = "either")] Blob);

mod either {
    use super::*;
    pub(super) fn serialize<S: serde::Serializer>(blob: &Blob, serializer: S) -> Result<S::Ok, S::Error> {
        (blob, 5i64).serialize(serializer)
    }
    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        <(Blob, i64)>::deserialize(deserializer).map(|(blob, _)| blob)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Integers {
    a: i8,
    b: i16,
    c: i32,
    d: i64,
    e: u8,
    f: u16,
    g: u32,
    h: u64,
    c2: char,
    f32: f32,
    cow: Cow<'static, str>,
    unit: (),
    tuple: (i64, i64),
    keys: BTreeMap<i64, String>,
    gob: GobEncoded,
    binary: BinaryMarshaled,
    complex: Complex,
}

const FLATTEN: (&str, &str) = ("gob", "gob: no form for a struct with #[serde(flatten)]");
const MIXED: (&str, &str) = ("gob", "in one list or map, whose values are all of one type");
const VARIANT: (&str, &str) = ("gob", "has fields of its own");

#[test]
fn flattened_structs_maps_and_enums() {
    same(&Flat { base: base(), extra: "x".into() }, &[FLATTEN]);
    same(&FlatMap { id: 1, rest: BTreeMap::from([("a".into(), 2)]) }, &[]);
    for what in external() {
        let refused = if matches!(what, External::Pair(..)) { MIXED } else { FLATTEN };
        same(&FlatEnum { id: 1, what }, &[refused]);
    }
}

fn external() -> [External; 6] {
    [
        External::Unit,
        External::Stamp(time()),
        External::Bytes(Blob::from(b"abcd")),
        External::Pair(Blob::from(b"abcd"), time()),
        External::Fields { at: time(), raw: Blob::from(b"abcd") },
        External::Whole(base()),
    ]
}

#[test]
fn enums_of_every_kind() {
    for what in external() {
        let refused: &[_] =
            if matches!(what, External::Pair(..) | External::Fields { .. }) { &[VARIANT] } else { &[] };
        same(&what, refused);
        same(&Internal::Nested(what), &[MIXED]);
    }
    same(&Untagged::Number { n: 1 }, &[]);
    same(&Untagged::Stamp { at: time() }, &[]);
    same(&Untagged::Bytes { raw: Blob::from(b"abcd"), text: "efgh".into() }, &[]);
    same(&Untagged::Whole(base()), &[]);
    same(&Internal::Unit, &[]);
    same(&Internal::Stamp { at: time() }, &[]);
    same(&Internal::Bytes { raw: Blob::from(b"abcd"), text: "efgh".into() }, &[]);
    same(&Internal::Whole(base()), &[]);
    same(&Adjacent::Unit, &[]);
    same(&Adjacent::Stamp(time()), &[]);
    same(&Adjacent::Pair(Blob::from(b"abcd"), time()), &[MIXED]);
    same(&Adjacent::Fields { at: time(), raw: Blob::from(b"abcd") }, &[]);
    same(&Adjacent::Whole(base()), &[]);
}

#[test]
fn newtypes_boxes_options_and_modules() {
    same(
        &Newtypes {
            time: Wrapped(time()),
            blob: Wrapped(Blob::from(b"abcd")),
            text: Wrapped("abcd".into()),
            number: Wrapped(7),
            boxed: Box::new(Wrapped("x".into())),
        },
        &[],
    );
    same(
        &Options {
            none: None,
            zero: Some(0),
            empty: Some(String::new()),
            no_bytes: Some(Blob::default()),
            no: Some(false),
            nothing: Some(vec![]),
            a_time: Some(time()),
            complex: Some(Complex::default()),
            boxed: Some(Box::new(base())),
        },
        &[],
    );
    same(&WithModule(Blob::from(b"abcd")), &[MIXED]);
    same(
        &Integers {
            a: -1,
            b: -2,
            c: -3,
            d: i64::MIN,
            e: 255,
            f: 65535,
            g: u32::MAX,
            h: 1 << 60,
            c2: 'ö',
            f32: 0.1,
            cow: "cow".into(),
            unit: (),
            tuple: (1, 2),
            keys: BTreeMap::from([(5, "five".into())]),
            gob: GobEncoded(vec![1, 2]),
            binary: BinaryMarshaled(vec![3]),
            complex: Complex::new(1.0, 2.0),
        },
        &[],
    );
}

#[test]
fn aliases_are_read_and_own_names_written() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Old {
        name: String,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct New {
        #[serde(alias = "name")]
        title: String,
    }
    for (name, codec) in codecs() {
        let mut wire = BytesMut::new();
        let options = CallOptions::default();
        codec.request_writer().encode(1, "A.B", options, &Old { name: "x".into() }, None, &mut wire).unwrap();
        let mut server = codec.server(Limits::default());
        let request = server.decode(&mut wire).unwrap().unwrap();
        assert_eq!(server.args(&request).decode(), Ok(New { title: "x".into() }), "{name}");
    }
    same(&New { title: "y".into() }, &[]);
}

#[test]
fn nothing_comes_back_as_nothing() {
    for (name, codec) in codecs() {
        let reply = |value: &dyn erased_serde::Serialize, details: bool| {
            let options = CallOptions { details, ..CallOptions::default() };
            let (mut wire, mut answer) = (BytesMut::new(), BytesMut::new());
            codec.request_writer().encode(1, "A.B", options, &1, None, &mut wire).unwrap();
            let mut server = codec.server(Limits::default());
            let request = server.decode(&mut wire).unwrap().unwrap();
            let encoded = server.reply_to(&request).encode(value, None, &mut answer);
            encoded.map_err(|error| error.to_string())?;
            let mut client = codec.reply_reader(Limits::default());
            let reply = client.decode(&mut answer).unwrap().unwrap();
            Ok::<_, String>((client, reply))
        };
        // To a peer of ours, in every codec.
        let (client, none) = reply(&None::<Base>, true).unwrap();
        assert_eq!(client.body::<Option<Base>>(&none), Ok(None), "{name}");
        assert_eq!(client.body::<Any>(&none), Ok(Any::Null), "{name}");
        assert_eq!(client.body::<()>(&none), Ok(()), "{name}");
        let (client, unit) = reply(&(), true).unwrap();
        assert_eq!(client.body::<()>(&unit), Ok(()), "{name}");
        // To a peer that may be one of Go's.
        match (name, reply(&None::<i64>, false)) {
            ("gob", reply) => assert_eq!(reply.err().unwrap(), "gob: cannot encode nil pointer"),
            ("json", reply) => assert_eq!(reply.unwrap().1.body(), b"{}"),
            (_, reply) => {
                let (client, none) = reply.unwrap();
                assert_eq!(client.body::<Option<i64>>(&none), Ok(None), "{name}");
            }
        }
    }
    same(&vec![Some(1i64), Some(0)], &[]);
    same(&vec![Some(1i64), None], &[("gob", "nil element")]);
    same(&Any::List(vec![5i64.into(), Any::Null]), &[]);
}

#[test]
fn what_go_has_in_interfaces_keeps_its_type() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Point {
        #[serde(rename = "X")]
        x: u64,
        #[serde(rename = "Name")]
        name: String,
        #[serde(rename = "Any")]
        any: Option<Box<Interface>>,
        #[serde(rename = "Inner")]
        inner: Option<Box<Self>>,
        #[serde(rename = "Tags")]
        tags: Vec<String>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Interface {
        #[serde(rename = "int")]
        Int(i64),
        #[serde(rename = "int8")]
        Int8(i8),
        #[serde(rename = "int32")]
        Int32(i32),
        #[serde(rename = "int64")]
        Int64(i64),
        #[serde(rename = "uint")]
        Uint(u64),
        #[serde(rename = "uint8")]
        Uint8(u8),
        #[serde(rename = "float32")]
        Float32(f32),
        #[serde(rename = "string")]
        Text(String),
        #[serde(rename = "[]string")]
        Texts(Vec<String>),
        #[serde(rename = "[]int")]
        Ints(Vec<i64>),
        #[serde(rename = "map[string]int")]
        Map(BTreeMap<String, i64>),
        #[serde(rename = "main.Point")]
        Point(Point),
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Held<T> {
        held: Vec<T>,
    }
    let inner = Point { x: 0, name: "in".into(), any: None, inner: None, tags: vec![] };
    let held = vec![
        Interface::Int(5),
        Interface::Int8(-5),
        Interface::Int32(7),
        Interface::Int64(8),
        Interface::Uint(9),
        Interface::Uint8(0),
        Interface::Float32(1.5),
        Interface::Text("x".into()),
        Interface::Texts(vec!["a".into(), String::new()]),
        Interface::Ints(vec![1, 2]),
        Interface::Map(BTreeMap::from([("k".into(), 3)])),
        Interface::Point(Point {
            x: 1,
            name: String::new(),
            any: Some(Box::new(Interface::Uint(4))),
            inner: Some(Box::new(inner)),
            tags: vec!["t".into()],
        }),
    ];
    let codec = AnyCodec::Gob;
    let typed = TypeOf::new::<Held<Interface>>();
    let loose = TypeOf::new::<Held<Any>>();
    let mut wire = BytesMut::new();
    let options = CallOptions::default();
    let mut writer = codec.request_writer();
    let all = Held { held };
    writer.encode(1, "A.B", options, &all, Some(&typed), &mut wire).unwrap();
    let mut server = codec.server(Limits::default());
    let request = server.decode(&mut wire).unwrap().unwrap();
    let any: Held<Any> = server.args(&request).decode().unwrap();
    let int = Named { name: "int".into(), is_struct: false, value: Any::Int(5) };
    assert_eq!(any.held[0], Any::Named(int.into()));
    assert_eq!((&any.held[2], &any.held[3]), (&Any::Int32(7), &Any::Int(8)));
    assert_eq!((any.held[1].as_i64(), any.held[7].as_str()), (Some(-5), Some("x")));
    // With and without a type known beforehand, and again on the same connection.
    let mut client = codec.reply_reader(Limits::default());
    for type_of in [None, Some(&loose), None, Some(&loose)] {
        let mut answer = BytesMut::new();
        server.reply_to(&request).encode(&any, type_of, &mut answer).unwrap();
        let reply = client.decode(&mut answer).unwrap().unwrap();
        assert_eq!(client.body(&reply), Ok(all.clone()));
    }
    // Elsewhere the name is left out.
    assert_eq!(any.held[11].to_json()["X"], 1);
    assert_eq!(serde_json::to_value(&any.held[11]).unwrap()["Any"], 4);
}

/// Go has an embedded struct in a field named after its type.
#[test]
fn flattened_fields_are_found_where_go_embeds_them() {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Deep {
        deep: i64,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Base {
        deep: Deep,
        id: u64,
        at: Time,
        raw: Blob,
        note: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Outer {
        base: Base,
        extra: String,
        note: String,
    }
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct FlatBase {
        id: u64,
        at: Time,
        raw: Blob,
        maybe: Option<u64>,
    }
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct FlatOuter {
        #[serde(flatten)]
        base: FlatBase,
        extra: String,
        note: String,
    }
    let go = Outer {
        base: Base {
            deep: Deep { deep: 7 },
            id: 0,
            at: time().with_offset_seconds(1050).unwrap(),
            raw: Blob::from(b"abcd"),
            note: "hidden".into(),
        },
        extra: "x".into(),
        note: "shown".into(),
    };
    let mut wire = BytesMut::new();
    let codec = AnyCodec::Gob;
    codec.request_writer().encode(1, "A.B", CallOptions::default(), &go, None, &mut wire).unwrap();
    let mut server = codec.server(Limits::default());
    let request = server.decode(&mut wire).unwrap().unwrap();
    let outer = FlatOuter {
        base: FlatBase { id: 0, at: go.base.at, raw: go.base.raw.clone(), maybe: None },
        extra: "x".into(),
        note: "shown".into(),
    };
    assert_eq!(server.args(&request).decode(), Ok(outer.clone()));
    // Also where serde tries one type after the other, and under other names.
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "what does not fit")]
    enum Untagged {
        Other { other: i64 },
        Flat(FlatOuter),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "Note")]
    enum Tagged {
        #[serde(rename = "shown")]
        Flat(FlatAliased),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct FlatAliased {
        #[serde(alias = "Extra", alias = "extra")]
        more: String,
        #[serde(flatten)]
        base: Aliased,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Aliased {
        #[serde(alias = "Id", alias = "ID")]
        number: u64,
        #[serde(alias = "At")]
        time: Time,
    }
    let aliased = || FlatAliased { more: "x".into(), base: Aliased { number: 0, time: go.base.at } };
    assert_eq!(server.args(&request).decode(), Ok(Untagged::Flat(outer)));
    assert_eq!(server.args(&request).decode(), Ok(aliased()));
    assert_eq!(server.args(&request).decode(), Ok(Tagged::Flat(aliased())));
    let missing = server.args(&request).decode::<Flat>().unwrap_err();
    assert!(missing.text().contains("missing field"), "{missing}");
}

#[test]
fn names_in_json_match_in_any_case_where_fields_are_flattened_too() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        id: u64,
        user_name: String,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        extra: String,
        #[serde(flatten)]
        inner: Inner,
    }
    for json in [
        r#"{"extra":"x","id":5,"user_name":"n"}"#,
        r#"{"Extra":"x","ID":5,"User_Name":"n"}"#,
        r#"{"EXTRA":"x","USER_NAME":"n","Id":5}"#,
    ] {
        let outer = Outer { extra: "x".into(), inner: Inner { id: 5, user_name: "n".into() } };
        assert_eq!(Args::JsonValue(json.as_bytes()).decode(), Ok(outer), "{json}");
    }
    // An option drops the errors that say what it lacks.
    #[derive(Debug, PartialEq, Deserialize)]
    struct Maybe {
        #[serde(flatten)]
        inner: Option<Inner>,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }
    for json in [r#"{"ID":5,"User_Name":"n","A":1}"#, r#"{"A":1,"USER_NAME":"n","id":5}"#] {
        let inner = Some(Inner { id: 5, user_name: "n".into() });
        let maybe = Maybe { inner, rest: BTreeMap::from([("A".into(), 1)]) };
        assert_eq!(Args::JsonValue(json.as_bytes()).decode(), Ok(maybe), "{json}");
    }
    let maybe = Maybe { inner: None, rest: BTreeMap::from([("A".into(), 1)]) };
    assert_eq!(Args::JsonValue(br#"{"A":1}"#).decode(), Ok(maybe));
    let error = Args::JsonValue(br#"{"Extra":"x","ID":5}"#).decode::<Outer>().unwrap_err();
    assert!(error.text().contains("missing field `user_name`"), "{error}");
    // Keys of a map stay as they are.
    #[derive(Debug, PartialEq, Deserialize)]
    struct Rest {
        id: u64,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }
    let rest = Rest { id: 1, rest: BTreeMap::from([("A".into(), 2), ("ID".into(), 3)]) };
    assert_eq!(Args::JsonValue(br#"{"id":1,"A":2,"ID":3}"#).decode(), Ok(rest));
}

#[test]
fn older_messagepack_has_bytes_and_times_as_strings() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        raw: Blob,
        at: Time,
        text: Text,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        n: i64,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Inner(Inner),
    }
    let marshaled = b"\x01\0\0\0\x0e\xdc\xe5\xe8\0\0\0\0\x05\xff\xff";
    for time in [
        [b"\xAF", &marshaled[..]].concat(),
        [b"\xC4\x0F", &marshaled[..]].concat(),
        b"\xA8\0\0\0\x14\x65\x53\xf1\0".to_vec(),
        b"\xC7\x08\xFF\0\0\0\x14\x65\x53\xf1\0".to_vec(),
    ] {
        let body = [b"\x84\xA1n\x05\xA3raw\xA4abcd\xA2at", &time[..], b"\xA4text\xA2\xff\xfe"].concat();
        let inner = || Inner {
            raw: Blob::from(b"abcd"),
            at: Time::new(1_700_000_000, 5).unwrap(),
            text: Text(b"\xff\xfe".to_vec()),
        };
        assert_eq!(Args::Msgpack(&body).decode(), Ok(Outer { n: 5, inner: inner() }), "{time:x?}");
        assert_eq!(Args::Msgpack(&body).decode(), Ok(Either::Inner(inner())), "{time:x?}");
    }
    // No other format takes such bytes for times or texts for bytes.
    let json = br#"{"n":5,"raw":"YWJjZA==","at":"abcd","text":""}"#;
    assert!(Args::JsonValue(json).decode::<Outer>().is_err());
    let json = br#"{"n":5,"raw":"YWJjZA==","at":"2023-11-14T22:13:20.000000005Z","text":""}"#;
    let outer: Outer = Args::JsonValue(json).decode().unwrap();
    assert_eq!(outer.inner.raw, Blob::from(b"abcd"));
    // Nothing of a format is left behind for what other crates read on this thread.
    let outer: Outer = serde_json::from_slice(json).unwrap();
    assert_eq!(outer.inner.raw, Blob::from(b"abcd"));
}

#[test]
fn formats_of_other_crates() {
    let flat = Flat { base: base(), extra: "x".into() };
    let adjacent = Adjacent::Fields { at: time(), raw: Blob::from(b"abcd") };
    let json = serde_json::to_string(&flat).unwrap();
    assert_eq!(serde_json::from_str::<Flat>(&json).unwrap(), flat);
    let document = bson::serialize_to_vec(&adjacent).unwrap();
    assert_eq!(bson::deserialize_from_slice::<Adjacent>(&document).unwrap(), adjacent);
    let document = bson::serialize_to_vec(&base()).unwrap();
    assert_eq!(bson::deserialize_from_slice::<Base>(&document).unwrap(), base());
    let date = bson::doc! { "at": bson::DateTime::from_millis(time().unix_millis()) };
    let stamp: Untagged = bson::deserialize_from_document(date).unwrap();
    assert_eq!(stamp, Untagged::Stamp { at: time() });
    let bytes = rmp_serde::to_vec_named(&base()).unwrap();
    assert_eq!(rmp_serde::from_slice::<Base>(&bytes).unwrap(), base());
    let bytes = rmp_serde::to_vec_named(&adjacent).unwrap();
    assert_eq!(rmp_serde::from_slice::<Adjacent>(&bytes).unwrap(), adjacent);
}

#[test]
fn numbers_of_json_are_not_rounded_silently() {
    for (json, any) in [
        ("18446744073709551615", Any::Uint(u64::MAX)),
        ("18446744073709551616", Any::Float(18_446_744_073_709_551_616.0)),
        // As Go writes the same float.
        ("18446744073709552000", Any::Float(18_446_744_073_709_551_616.0)),
        ("1e300", Any::Float(1e300)),
        ("-0", Any::Float(-0.0)),
    ] {
        assert_eq!(Args::JsonValue(json.as_bytes()).decode(), Ok(any), "{json}");
    }
    for json in ["18446744073709551617", "-9223372036854775809", "[123456789012345678901234567890]"] {
        let error = Args::JsonValue(json.as_bytes()).decode::<Any>().unwrap_err();
        assert!(error.text().contains("without loss"), "{error}");
        assert!(Args::JsonValue(json.as_bytes()).decode::<serde_json::Value>().is_err());
    }
}

prop_compose! {
    fn any_base()(
        id in 0..=u64::MAX >> 1,
        millis in -62_135_596_800_000i64..253_402_300_800_000,
        raw in vec(any::<u8>(), 0..20),
        note in any::<String>(),
        text in any::<String>(),
        maybe in option::of(any::<i64>()),
        // One at least: where no type is known beforehand, gob has none for an empty list.
        list in vec(any::<i64>(), 1..4),
        float in -1e9..1e9f64,
    ) -> Base {
        // Not Go's zero time, which vitess' dialect has no word for.
        let at = Time::from_unix_millis(if millis == -62_135_596_800_000 { 0 } else { millis });
        Base { id, at, raw: Blob(raw), note, text: text.as_str().into(), maybe, list, float }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_values_with_all_of_it(
        one in any_base(),
        rest in btree_map("[a-z]{1,8}", any::<i64>(), 0..4),
        id in any::<i64>(),
    ) {
        same(&one, &[]);
        same(&Untagged::Whole(one.clone()), &[]);
        same(&Internal::Whole(one.clone()), &[]);
        same(&Adjacent::Whole(one.clone()), &[]);
        same(&External::Whole(one.clone()), &[]);
        same(&Some(one.clone()), &[]);
        same(&Flat { base: one.clone(), extra: one.note.clone() }, &[FLATTEN]);
        let rest = rest.into_iter().filter(|(key, _)| key != "id").collect();
        same(&FlatMap { id, rest }, &[]);
        same(&FlatEnum { id, what: External::Fields { at: one.at, raw: one.raw.clone() } }, &[FLATTEN]);
        same(&FlatEnum { id, what: External::Pair(one.raw, one.at) }, &[MIXED]);
    }
}
