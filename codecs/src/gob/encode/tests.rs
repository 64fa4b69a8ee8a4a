//! Messages byte by byte, and what a peer knows after each.

use super::*;
use crate::{
    Limits, Request,
    gob::{ReplyDecoder, RequestDecoder, value_from_slice},
    types::{Any, BinaryMarshaled, Blob, Complex, GobEncoded, Named, Registered, Text, Time},
};
use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    time::Duration,
};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

fn request(method: &[u8], seq: u64) -> Request {
    Request::new(Bytes::copy_from_slice(method), seq, 0..method.len(), 0..0)
}

fn head(method: &str, seq: u64) -> Head {
    request(method.as_bytes(), seq).into_head()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the encoder appends for one reply.
fn reply<T: Serialize>(
    encoder: &mut ReplyEncoder,
    value: &T,
    type_of: Option<&TypeOf>,
) -> Result<String, String> {
    let mut out = BytesMut::from(&b"before"[..]);
    let encoded = encoder.encode(&head("S.M", 1), value, type_of, &mut out);
    assert!(out.starts_with(b"before"));
    match encoded {
        Ok(()) => Ok(hex(&out[6..])),
        Err(error) => {
            assert_eq!(out, &b"before"[..], "an error leaves nothing behind");
            Err(error.to_string())
        }
    }
}

/// The header of those replies, once its type is known.
const HEADER_BYTES: &str = "0aff820103532e4d010100";

/// The value alone with its definitions, from an encoder that has sent a header before.
fn value_of<T: Serialize>(value: &T, type_of: Option<&TypeOf>) -> Result<String, String> {
    let mut encoder = ReplyEncoder::new();
    reply(&mut encoder, &0i64, None).unwrap();
    reply(&mut encoder, value, type_of).map(|bytes| bytes.strip_prefix(HEADER_BYTES).unwrap().to_owned())
}

fn by_trace<T: Serialize + DeserializeOwned>(value: &T) -> Result<String, String> {
    value_of(value, Some(&TypeOf::new::<T>()))
}

#[test]
fn a_reply_is_a_header_and_a_value_behind_the_definitions_they_need() {
    let mut encoder = ReplyEncoder::new();
    // As Go's own, but for the id: see the sessions recorded from it.
    let definition = "3aff81030101\
                      08526573706f6e736501ff820001030\
                      10d536572766963654d6574686f64010c00\
                      010353657101060001054572726f72010c000000";
    let first = reply(&mut encoder, &56i64, None).unwrap();
    assert_eq!(first, format!("{definition}{HEADER_BYTES}03040070"));
    assert_eq!(reply(&mut encoder, &56i64, None).unwrap(), format!("{HEADER_BYTES}03040070"));

    let (quotient, type_of) = (Quotient { quo: 2, rem: -1 }, TypeOf::new::<Quotient>());
    let definition = "26ff8b030101085175\
                      6f7469656e7401ff8c000102010351756f01040001035265\
                      6d0104000000";
    let value = "07ff8c0104010100";
    let first = reply(&mut encoder, &quotient, Some(&type_of)).unwrap();
    assert_eq!(first, format!("{HEADER_BYTES}{definition}{value}"));
    assert_eq!(reply(&mut encoder, &quotient, Some(&type_of)).unwrap(), format!("{HEADER_BYTES}{value}"));
    assert_eq!(
        reply(&mut encoder, &Quotient::default(), Some(&type_of)).unwrap(),
        format!("{HEADER_BYTES}03ff8c00")
    );
}

#[test]
fn values_of_predefined_types() {
    macro_rules! both {
        ($($value:expr => $bytes:expr,)*) => {$({
            assert_eq!(value_of(&$value, None).as_deref(), Ok($bytes), "shown: {}", stringify!($value));
            assert_eq!(by_trace(&$value).as_deref(), Ok($bytes), "traced: {}", stringify!($value));
        })*};
    }
    both! {
        true => "03020001",
        0i64 => "03040000",
        -3i8 => "03040005",
        7u16 => "03060007",
        300u64 => "050600fe012c",
        17.0f32 => "050800fe3140",
        -0.0f64 => "040800ff80",
        "hey".to_owned() => "060c0003686579",
        String::new() => "030c0000",
        'x' => "040c000178",
        Text(vec![0xFF]) => "040c0001ff",
        Blob::from(b"hello") => "080a000568656c6c6f",
        Blob::default() => "030a0000",
        Complex::new(1.0, 0.0) => "060e00fef03f00",
        Any::Null => "03100000",
    }
}

/// Sends values to a peer of our own and says what it decoded.
#[derive(Default)]
struct Wire {
    encoder: ReplyEncoder,
    bytes: BytesMut,
    decoder: Option<ReplyDecoder>,
}

impl Wire {
    fn send<T: Serialize, R: DeserializeOwned>(
        &mut self,
        method: &str,
        value: &T,
        type_of: Option<&TypeOf>,
    ) -> Result<R, String> {
        let before = self.bytes.clone();
        if let Err(error) = self.encoder.encode(&head(method, 1), value, type_of, &mut self.bytes) {
            assert_eq!(self.bytes, before);
            return Err(error.to_string());
        }
        let decoder = self.decoder.get_or_insert_with(|| ReplyDecoder::new(Limits::default()));
        let reply = decoder.decode(&mut self.bytes).unwrap().expect("a whole reply");
        assert!(self.bytes.is_empty());
        value_from_slice(reply.types().unwrap(), reply.body()).map_err(|error| error.to_string())
    }
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let type_of = TypeOf::new::<T>();
    for type_of in [None, Some(&type_of)] {
        assert_eq!(Wire::default().send::<T, T>("S.M", value, type_of).as_ref(), Ok(value));
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    small: i8,
    big: u64,
    ratio: f32,
    name: String,
    letter: Option<char>,
    blob: Blob,
    at: Time,
    complex: Complex,
    any: Any,
    list: Vec<String>,
    lists: Vec<Vec<i32>>,
    array: [u8; 3],
    map: BTreeMap<String, Quotient>,
    inner: Quotient,
    pointer: Option<Box<Self>>,
    color: Color,
    nothing: (),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
enum Color {
    #[default]
    Red,
    Blue,
}

fn everything() -> Everything {
    Everything {
        flag: true,
        small: -7,
        big: u64::MAX,
        ratio: 0.5,
        name: "x".repeat(300),
        letter: Some('é'),
        blob: vec![0; 200].into(),
        at: "2015-01-15T08:11:21.5+01:00".parse().unwrap(),
        complex: Complex::new(0.0, -1.0),
        any: Any::Map(vec![
            ("a".into(), Any::List(vec![Any::Null, 1i64.into(), "x".into(), Any::List(vec![])])),
            ("t".into(), Time::default().into()),
            ("long".into(), "y".repeat(200).into()),
        ]),
        list: vec![String::new(), "a".into()],
        lists: vec![vec![1], vec![], vec![-2, 3]],
        array: [0, 200, 0],
        map: [("k".to_owned(), Quotient { quo: 1, rem: 0 }), (String::new(), Quotient::default())].into(),
        inner: Quotient { quo: 0, rem: 5 },
        pointer: Some(Box::new(Everything { big: 1, ..Everything::default() })),
        color: Color::Blue,
        nothing: (),
    }
}

#[test]
fn what_goes_out_comes_back() {
    round_trip(&everything());
    round_trip(&vec![everything(), Everything::default(), everything()]);
    round_trip(&HashMap::from([(-1i16, everything()), (300, Everything::default())]));
    round_trip(&Some(everything()));
    round_trip(&[everything(), everything()]);
    round_trip(&());
    round_trip(&vec![(), ()]);
    round_trip(&Any::List(vec![true.into(), Any::Null, 1.5.into(), Complex::new(1.0, 2.0).into()]));
    round_trip(&Color::Blue);
    round_trip(&(1i64, 2i64));
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct OfNone {
        none: [i32; 0],
        one: [i32; 1],
    }
    round_trip(&OfNone { none: [], one: [0] });
}

/// Strings of which no value has been sent: their type is known by the trace, or else by an earlier value.
#[test]
fn empty_lists_and_maps() {
    let strings = TypeOf::new::<Vec<String>>();
    let empty = Vec::<String>::new();
    assert_eq!(value_of(&empty, Some(&strings)).as_deref(), Ok("0cff8b020102ff8c00010c000004ff8c0000"));
    let untyped = "gob: an empty list or map does not show the type of its elements; \
                   derive Deserialize too, so that the type is known";
    assert_eq!(value_of(&empty, None).unwrap_err(), untyped);

    let mut wire = Wire::default();
    assert_eq!(wire.send::<_, Any>("S.M", &empty, None).unwrap_err(), untyped);
    assert_eq!(wire.send("S.M", &vec!["a"], None), Ok(vec!["a".to_owned()]));
    assert_eq!(wire.send("S.M", &empty, None), Ok(empty.clone()));
    assert_eq!(wire.send::<_, Any>("S.Other", &empty, None).unwrap_err(), untyped);

    let unknown_inside = Wire::default().send::<_, Any>("S.M", &vec![vec![0i32; 0]], None).unwrap_err();
    assert!(
        unknown_inside.starts_with("gob: an empty list or a nil inside a list or map"),
        "{unknown_inside}"
    );
    assert_eq!(
        Wire::default().send::<_, Any>("S.M", &None::<i32>, None).unwrap_err(),
        "gob: cannot encode nil pointer"
    );
}

/// A type that can only be written: nothing is known of it but its values.
#[derive(Debug, Clone, Default, Serialize)]
struct Written {
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    tags: Vec<&'static str>,
    inner: Option<Box<Self>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Read {
    id: i64,
    note: Option<String>,
    tags: Vec<String>,
    inner: Option<Box<Self>>,
}

#[test]
fn what_a_value_does_not_show_is_left_out_until_another_shows_it() {
    let mut wire = Wire::default();
    let plain = Written { id: 1, ..Written::default() };
    // Only `id` is in the definition, and a later value without `tags` is written by the later definition.
    let full = Written { note: Some("n".into()), tags: vec!["t"], ..Written::default() };
    let nested = Written { inner: Some(Box::new(full.clone())), ..plain.clone() };
    for value in [&plain, &full, &plain, &nested, &plain, &full] {
        let read = |value: &Written| Read {
            id: value.id,
            note: value.note.clone(),
            tags: value.tags.iter().map(|tag| (*tag).to_owned()).collect(),
            inner: None,
        };
        let mut expected = read(value);
        expected.inner = value.inner.as_deref().map(|inner| Box::new(read(inner)));
        assert_eq!(wire.send::<_, Read>("S.M", value, None), Ok(expected));
    }
    assert_eq!(wire.encoder.values.table().len(), 4, "shapes of one method grow together");
    let list = wire.send::<_, Vec<Read>>("S.List", &vec![plain.clone(), full, plain], None).unwrap();
    assert_eq!(list.iter().map(|row| row.tags.len()).collect::<Vec<_>>(), [0, 1, 0]);
}

/// Together they would be a type that has something in common with everything.
#[test]
fn values_of_unlike_types_for_one_method_stay_apart() {
    #[derive(Serialize)]
    struct Other {
        name: &'static str,
    }
    let mut wire = Wire::default();
    let quotient = Quotient { quo: 3, rem: 4 };
    assert_eq!(wire.send("S.M", &quotient, None).as_ref(), Ok(&quotient));
    assert_eq!(
        wire.send::<_, Quotient>("S.M", &Other { name: "n" }, None).unwrap_err(),
        "gob: type mismatch: no fields matched compiling decoder for Quotient"
    );
    assert_eq!(wire.send("S.M", &quotient, None).as_ref(), Ok(&quotient));
}

/// Go reads all fields of one type of its own by the definition it meets first, so there is one, for all that they
/// show.
#[test]
fn one_type_has_one_definition_within_a_value() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Route {
        from: Address,
        via: Vec<Address>,
        to: Address,
        none: Vec<()>,
    }
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Address {
        street: Option<String>,
        zip: Option<i64>,
        near: Option<Box<Self>>,
    }
    let street = |name: &str| Address { street: Some(name.into()), ..Address::default() };
    let zip = |zip, near| Address { zip: Some(zip), near: Some(Box::new(near)), ..Address::default() };
    let route = || Route {
        from: street("a"),
        via: vec![zip(1, street("b")), Address::default()],
        to: zip(2, zip(3, Address::default())),
        none: vec![(), ()],
    };
    round_trip(&route());
    let definition = format!("{:02x}{}", 7, hex(b"Address"));
    for type_of in [None, Some(&TypeOf::new::<Route>())] {
        let bytes = value_of(&route(), type_of).unwrap();
        assert_eq!(bytes.matches(&definition).count(), 1, "{bytes}");
    }
    // Alike in form is alike: a set and a list of Rust's are one slice of Go's.
    #[derive(Serialize, Deserialize)]
    struct Alike {
        list: Vec<i64>,
        set: std::collections::BTreeSet<i64>,
        pair: (i64, i64),
        array: [i64; 2],
    }
    let alike = Alike { list: vec![1], set: [1].into(), pair: (1, 2), array: [1, 2] };
    let mut encoder = ReplyEncoder::new();
    reply(&mut encoder, &alike, Some(&TypeOf::new::<Alike>())).unwrap();
    assert_eq!(encoder.values.table().len(), 3);
    reply(&mut encoder, &alike, None).unwrap();
    assert_eq!(encoder.values.table().len(), 3, "what is shown is what was traced");
}

#[test]
fn a_type_that_writes_otherwise_than_it_reads_goes_by_its_values() {
    #[derive(Serialize, Deserialize)]
    struct Renamed {
        #[serde(rename(serialize = "Out", deserialize = "In"))]
        a: i64,
        same: bool,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Out {
        #[serde(rename = "Out")]
        out: i64,
        same: bool,
    }
    fn as_text<S: serde::Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }
    #[derive(Serialize, Deserialize)]
    struct With {
        #[serde(serialize_with = "as_text")]
        number: i64,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Text {
        number: String,
    }
    let (mut wire, renamed, with) = (Wire::default(), TypeOf::new::<Renamed>(), TypeOf::new::<With>());
    for (a, same) in [(1, true), (0, false), (2, false)] {
        assert_eq!(wire.send("S.M", &Renamed { a, same }, Some(&renamed)), Ok(Out { out: a, same }));
        assert_eq!(wire.send("S.N", &With { number: a }, Some(&with)), Ok(Text { number: a.to_string() }));
    }
    // The fields skipped in one direction only are no reason.
    #[derive(Serialize, Deserialize)]
    struct Skips {
        #[serde(skip_serializing)]
        #[allow(dead_code, reason = "the test is about a field that is never read")]
        secret: String,
        list: Vec<i32>,
    }
    let skips = Skips { secret: "s".into(), list: vec![] };
    assert_eq!(skips.secret, "s");
    let bytes = by_trace(&skips).unwrap();
    assert!(bytes.contains(&hex(b"secret")) && bytes.contains(&hex(b"list")), "the traced type: {bytes}");
}

/// After any error the next value is written as if there had been none.
#[test]
fn errors_leave_no_trace() {
    #[derive(Serialize)]
    enum Data {
        Tuple(i32, i32),
        Struct { _a: i32 },
    }
    struct Fails(u8);
    impl Serialize for Fails {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::{Error, SerializeSeq};
            let mut seq = serializer.serialize_seq(Some(2))?;
            seq.serialize_element(&Quotient::default())?;
            match self.0 {
                0 => Err(S::Error::custom("on purpose")),
                _ => seq.end(),
            }
        }
    }
    let (mut wire, mut fresh) = (Wire::default(), ReplyEncoder::new());
    let deep = (0..101).fold(Any::Null, |inner, _| Any::List(vec![inner]));
    macro_rules! refused {
        ($($value:expr => $text:expr,)*) => {$(
            assert_eq!(wire.send::<_, Any>("S.M", &$value, None).unwrap_err(), $text);
        )*};
    }
    refused! {
        Data::Tuple(1, 2) => "gob: Data::Tuple has fields of its own, and Go's interfaces hold one value; put them into a struct",
        vec![Data::Struct { _a: 1 }] =>
            "gob: Data::Struct has fields of its own, and Go's interfaces hold one value; put them into a struct",
        1u128 => "gob: integers have at most 64 bits",
        (1, "x") => "gob: int and string in one list or map, whose values are all of one type; use rpcwrap_codecs::types::Any",
        vec![Some(1), None] => "gob: encodeReflectValue: nil element",
        Fails(0) => "on purpose",
        Fails(1) => "gob: 1 elements where 2 were announced",
        deep => "gob: nesting deeper than 100",
        Registered { name: "", value: 1 } => "gob: registered name of 0 bytes",
        Time::default().with_offset_minutes(-1).unwrap() => "Time.MarshalBinary: unexpected zone offset",
    }
    assert!(wire.bytes.is_empty());
    assert_eq!(wire.encoder.values.table().len(), 0);
    for value in [everything(), Everything::default()] {
        let mut expected = BytesMut::new();
        wire.encoder.encode(&head("S.M", 2), &value, None, &mut wire.bytes).unwrap();
        fresh.encode(&head("S.M", 2), &value, None, &mut expected).unwrap();
        assert_eq!(hex(&wire.bytes), hex(&expected));
        wire.bytes.clear();
    }
}

#[test]
fn registered_values_are_interfaces_of_their_own_types() {
    let circle = |r| Registered { name: "main.Circle", value: BTreeMap::from([("R", r)]) };
    let mut wire = Wire::default();
    let list = vec![circle(1i64), circle(2)];
    let named =
        |name: &str, is_struct, value| Any::Named(Box::new(Named { name: name.into(), is_struct, value }));
    let map = |r: i64| named("main.Circle", false, Any::Map(vec![("R".into(), r.into())]));
    let expected = Any::List(vec![map(1), map(2)]);
    assert_eq!(wire.send("S.M", &list, None), Ok(expected.clone()));
    assert_eq!(wire.send("S.M", &list, None), Ok(expected));
    // A value inside a value, a struct and one that is none.
    #[derive(Serialize)]
    struct Group {
        inner: Registered<i64>,
    }
    let group =
        Registered { name: "main.Group", value: Group { inner: Registered { name: "main.ID", value: 5 } } };
    let id = named("main.ID", false, 5i64.into());
    let expected = named("main.Group", true, Any::Map(vec![("inner".into(), id)]));
    assert_eq!(wire.send("S.Group", &group, None), Ok(expected));
}

/// What an interface may hold, under the names of Go's types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Value {
    #[serde(rename = "int")]
    Int(i64),
    #[serde(rename = "[]interface {}")]
    List(Vec<Option<Self>>),
    #[serde(rename = "map[string]int")]
    Map(BTreeMap<String, i64>),
    #[serde(rename = "main.Quotient")]
    Quotient(Quotient),
    #[serde(rename = "main.Held")]
    Held(Box<Held>),
    #[serde(rename = "main.Celsius")]
    Celsius(GobEncoded),
    #[serde(rename = "main.Nothing")]
    Nothing,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Held {
    names: Vec<String>,
    value: Option<Value>,
    version: BinaryMarshaled,
}

#[test]
fn variants_are_interfaces_of_their_own_types() {
    let filled = |value| {
        let version = BinaryMarshaled(vec![1, 2]);
        Value::Held(Box::new(Held { names: vec!["n".into()], value: Some(value), version }))
    };
    let mut wire = Wire::default();
    let (of_value, of_list) = (TypeOf::new::<Value>(), TypeOf::new::<Vec<Option<Value>>>());
    let values = [
        Value::Int(-1),
        Value::Map([("k".into(), 0)].into()),
        Value::Quotient(Quotient { quo: 0, rem: 5 }),
        Value::Celsius(GobEncoded(vec![0, 0xff])),
        Value::Celsius(GobEncoded::default()),
        filled(filled(Value::Int(5))),
        Value::List(vec![Some(Value::Int(1)), Some(filled(Value::Int(2)))]),
    ];
    for value in &values {
        for type_of in [None, Some(&of_value)] {
            assert_eq!(wire.send("S.M", value, type_of).as_ref(), Ok(value));
        }
    }
    // Of these a value does not show what it is to hold, or that the enum is no plain one.
    let empty = [
        Value::Nothing,
        Value::List(vec![]),
        Value::List(vec![None, Some(Value::List(vec![])), Some(Value::Nothing)]),
        Value::Map(BTreeMap::new()),
        Value::Held(Box::default()),
    ];
    for value in &empty {
        assert_eq!(wire.send("S.M", value, Some(&of_value)).as_ref(), Ok(value));
    }
    let list: Vec<_> = values.into_iter().chain(empty).map(Some).chain([None]).collect();
    assert_eq!(wire.send("S.M", &list, Some(&of_list)).as_ref(), Ok(&list));

    // Who has no variant of the name is told so in Go's words; who takes anything, takes it.
    #[derive(Debug, PartialEq, Deserialize)]
    enum Other {
        #[serde(rename = "main.Other")]
        Other(i64),
        Plain,
    }
    let quotient = Value::Quotient(Quotient { quo: 1, rem: 2 });
    assert_eq!(
        wire.send::<_, Other>("S.M", &quotient, Some(&of_value)).unwrap_err(),
        "gob: name not registered for interface: \"main.Quotient\""
    );
    let any = Any::Map(vec![("Quo".into(), 1i64.into()), ("Rem".into(), 2i64.into())]);
    let any = Any::Named(Box::new(Named { name: "main.Quotient".into(), is_struct: true, value: any }));
    assert_eq!(wire.send("S.M", &quotient, Some(&of_value)), Ok(any));
    assert_eq!(wire.send("S.M", &Any::Text("Plain".into()), None), Ok(Other::Plain));
    assert_eq!(wire.send("S.M", &Value::Int(7), Some(&of_value)), Ok(7i64));
    assert_eq!(wire.send::<_, Option<Value>>("S.M", &Any::Null, None), Ok(None));
}

#[test]
fn marshalers_are_types_of_their_own() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Both {
        gob: GobEncoded,
        binary: Vec<BinaryMarshaled>,
    }
    round_trip(&Both::default());
    round_trip(&Both { gob: GobEncoded(vec![0; 200]), binary: vec![BinaryMarshaled::default(); 2] });
    let (gob, binary) = (GobEncoded(vec![1, 2]), BinaryMarshaled(vec![1, 2]));
    assert_eq!(by_trace(&gob).as_deref(), Ok("16ff8b0501010a476f62456e636f64657201ff8c00000006ff8c00020102"));
    for type_of in [None, Some(&TypeOf::new::<BinaryMarshaled>())] {
        let mut wire = Wire::default();
        assert_eq!(
            wire.send::<_, GobEncoded>("S.M", &binary, type_of).unwrap_err(),
            "gob: decoding into local type *GobEncoder, received remote type BinaryMarshaler"
        );
        assert_eq!(wire.send("S.M", &binary, type_of), Ok(Blob::from(b"\x01\x02")));
        assert_eq!(wire.send::<_, BinaryMarshaled>("S.M", &binary, type_of).as_ref(), Ok(&binary));
    }
    assert!(value_of(&vec![Both::default(), Both { gob, binary: vec![binary] }], None).is_ok());
}

#[test]
fn times_with_zones_to_the_second() {
    for offset in [0, 60, 1172, -1172, 86_399, -86_399, -59, -120] {
        round_trip(&Time::new(5, 7).unwrap().with_offset_seconds(offset).unwrap());
    }
    let odd = Time::new(5, 7).unwrap().with_offset_seconds(-61).unwrap();
    assert_eq!(by_trace(&odd).unwrap_err(), "Time.MarshalBinary: unexpected zone offset");
}

#[test]
fn error_replies_and_the_end_of_a_stream() {
    let mut encoder = ReplyEncoder::new();
    let mut out = BytesMut::new();
    encoder.encode(&head("S.M", 0), &1i64, None, &mut out).unwrap();
    out.clear();
    encoder.encode_error(&head("S.M", 3), &ErrorReply::new("EOS"), &mut out);
    assert_eq!(hex(&out), "0fff820103532e4d01030103454f5300".to_owned() + "03040000");

    let mut error = ErrorReply::new("rpc: can't find service \u{FFFD}");
    (error.code, error.data) = ("unknown_service".into(), Some(serde_json::json!({"a": [1, null]})));
    let raw = request(b"\xff", 9);
    let mut decoder = ReplyDecoder::new(Limits::default());
    for details in [false, true, false, true] {
        out.clear();
        if details {
            encoder.encode_error(raw.clone().with_details(true).head(), &error, &mut out);
        } else {
            encoder = ReplyEncoder::new();
            decoder = ReplyDecoder::new(Limits::default());
            encoder.encode_error(raw.head(), &error, &mut out);
        }
        assert!(
            out.windows(25).any(|text| text == b"rpc: can't find service \xff"),
            "raw names come back raw"
        );
        let read = decoder.decode(&mut out).unwrap().unwrap();
        assert_eq!((read.seq(), read.service_method()), (9, &b"\xff"[..]));
        let expected = if details { error.clone() } else { ErrorReply::new(error.text.clone()) };
        assert_eq!(read.error(), Some(&expected));
    }
}

#[test]
fn requests_with_and_without_options() {
    let mut encoder = RequestEncoder::new();
    let mut decoder = RequestDecoder::new(Limits::default());
    let mut out = BytesMut::new();
    let args = TypeOf::new::<Quotient>();
    let options =
        |millis: Option<u64>, details| CallOptions { timeout: millis.map(Duration::from_millis), details };
    for (seq, options) in [
        (0, options(None, false)),
        (1, options(Some(1500), false)),
        (2, options(None, true)),
        (u64::MAX, options(Some(1), true)),
        (4, options(None, false)),
    ] {
        let value = Quotient { quo: 7, rem: -7 };
        encoder.encode(seq, "Arith.Divide", options, &value, Some(&args), &mut out).unwrap();
        let request = decoder.decode(&mut out).unwrap().unwrap();
        assert!(out.is_empty());
        assert_eq!((request.seq(), request.service_method()), (seq, &b"Arith.Divide"[..]));
        assert_eq!((request.timeout(), request.details()), (options.timeout, options.details));
        assert_eq!(value_from_slice(decoder.types(), request.args().unwrap()), Ok(value));
    }
    let short = CallOptions { timeout: Some(Duration::from_micros(1)), details: false };
    encoder.encode(1, "S.M", short, &(), None, &mut out).unwrap();
    assert_eq!(decoder.decode(&mut out).unwrap().unwrap().timeout(), Some(Duration::from_millis(1)));
}

#[test]
fn connections_that_know_the_same_keep_it_once() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Shared {
        ratio: f32,
        names: Vec<String>,
    }
    let (mut one, mut two) = (Wire::default(), Wire::default());
    let value = Shared { ratio: 0.5, names: vec!["a".into()] };
    let type_of = TypeOf::new::<Shared>();
    for type_of in [None, Some(&type_of)] {
        for wire in [&mut one, &mut two] {
            assert_eq!(wire.send::<_, Shared>("S.M", &value, type_of).as_ref(), Ok(&value));
        }
        assert!(one.encoder.values.shares_with(&two.encoder.values));
    }
    // What one of them says besides is its own business: the other has yet to define it.
    let more = vec![vec![1.5]];
    assert_eq!(two.send::<_, Vec<Vec<f64>>>("S.N", &more, None).as_ref(), Ok(&more));
    assert!(!one.encoder.values.shares_with(&two.encoder.values));
    assert_eq!(one.send::<_, Vec<Vec<f64>>>("S.N", &more, None).as_ref(), Ok(&more));
    assert!(one.encoder.values.shares_with(&two.encoder.values), "the same again");
}

#[test]
fn a_reply_of_another_type_each_time_is_not_looked_up_among_all_others_for_ever() {
    let mut wire = Wire::default();
    for turn in 0..100 {
        assert_eq!(wire.send::<_, Vec<i64>>("S.M", &vec![turn], None), Ok(vec![turn]));
        assert_eq!(wire.send::<_, String>("S.M", &"text", None), Ok("text".to_owned()));
    }
    let mut other = Wire::default();
    other.send::<_, Vec<i64>>("S.M", &vec![1], None).unwrap();
    other.send::<_, String>("S.M", &"text", None).unwrap();
    assert_eq!(wire.encoder.values.table().len(), other.encoder.values.table().len());
    assert!(!wire.encoder.values.shares_with(&other.encoder.values));
}
