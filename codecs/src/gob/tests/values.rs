//! Values by hand into every kind of type: what fits, what does not, and what is said about it.

use super::support::{array, int, map, marshaler, slice, structure, text, types, uint};
use crate::{
    gob::{Types, value_from_slice},
    types::{Any, Blob, Complex, Text, Time},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const BOOL: i64 = 1;
const INT: i64 = 2;
const UINT: i64 = 3;
const FLOAT: i64 = 4;
const BYTES: i64 = 5;
const STRING: i64 = 6;
const COMPLEX: i64 = 7;
const INTERFACE: i64 = 8;

/// A whole value of the type `id`; a zero in front belongs to `bytes`.
fn decoded<T: DeserializeOwned>(types: &Types, id: i64, bytes: &[u8]) -> Result<T, String> {
    let value = [&int(id)[..], bytes].concat();
    value_from_slice(types, &value).map_err(|error| error.text().to_owned())
}

/// A value of a type that is no struct.
fn single<T: DeserializeOwned>(types: &Types, id: i64, bytes: &[u8]) -> Result<T, String> {
    decoded(types, id, &[b"\0", bytes].concat())
}

/// A value of a predefined type.
fn simple<T: DeserializeOwned>(id: i64, bytes: &[u8]) -> Result<T, String> {
    single(&Types::new(), id, bytes)
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[test]
fn integers_of_every_width_and_their_ranges() {
    assert_eq!(simple(INT, &int(-128)), Ok(-128i8));
    assert_eq!(simple(INT, &int(-32768)), Ok(-32768i16));
    assert_eq!(simple(INT, &int(i32::MAX.into())), Ok(i32::MAX));
    assert_eq!(simple(INT, &int(i64::MIN)), Ok(i64::MIN));
    assert_eq!(simple(INT, &int(i64::MIN)), Ok(i128::from(i64::MIN)));
    assert_eq!(simple(UINT, &uint(255)), Ok(255u8));
    assert_eq!(simple(UINT, &uint(65535)), Ok(65535u16));
    assert_eq!(simple(UINT, &uint(u32::MAX.into())), Ok(u32::MAX));
    assert_eq!(simple(UINT, &uint(u64::MAX)), Ok(u64::MAX));
    assert_eq!(simple(UINT, &uint(u64::MAX)), Ok(u128::from(u64::MAX)));
    let range = |name| Err(format!("value for \"{name}\" out of range"));
    assert_eq!(simple::<i8>(INT, &int(128)).map(drop), range("int8"));
    assert_eq!(simple::<i16>(INT, &int(-32769)).map(drop), range("int16"));
    assert_eq!(simple::<i32>(INT, &int(1 << 31)).map(drop), range("int32"));
    assert_eq!(simple::<u8>(UINT, &uint(256)).map(drop), range("uint8"));
    assert_eq!(simple::<u32>(UINT, &uint(1 << 32)).map(drop), range("uint32"));
}

#[test]
fn other_simple_values() {
    assert_eq!(simple(BOOL, b"\x01"), Ok(true));
    assert_eq!(simple(FLOAT, b"\xfe\x31\x40"), Ok(17.0f64));
    assert_eq!(simple(FLOAT, b"\xfe\xf8\x3f"), Ok(1.5f32));
    assert_eq!(simple(FLOAT, b"\xfe\xf0\x7f"), Ok(f32::INFINITY));
    assert!(simple::<f32>(FLOAT, b"\xfe\xf8\x7f").unwrap().is_nan());
    let large = simple::<f32>(FLOAT, b"\xf8\xff\xff\xff\xff\xff\xff\xef\x7f");
    assert_eq!(large, Err("value for \"float32\" out of range".into()));
    assert_eq!(simple(STRING, b"\x03abc"), Ok("abc".to_owned()));
    assert_eq!(simple(STRING, b"\x02a\xff"), Ok(Text(vec![b'a', 0xFF])));
    assert_eq!(simple::<String>(STRING, b"\x01\xff"), Err("string is not valid UTF-8".into()));
    assert_eq!(simple(STRING, b"\x02\xc3\xa9"), Ok('é'));
    assert_eq!(simple(STRING, b"\0"), Ok('\0'));
    assert_eq!(simple(COMPLEX, b"\xfe\xf8\x3f\xff\xc0"), Ok(Complex::new(1.5, -2.0)));
    assert_eq!(simple(COMPLEX, b"\xfe\xf8\x3f\xff\xc0"), Ok((1.5, -2.0)));
    assert_eq!(simple(BYTES, b"\x02\0\xff"), Ok(Blob::from(b"\0\xff")));
    assert_eq!(simple(BYTES, b"\x02\0\xff"), Ok(vec![0u8, 0xFF]));
    assert_eq!(simple(BYTES, b"\x02\0\xff"), Ok(Any::Blob(Blob::from(b"\0\xff"))));
}

#[test]
fn kinds_never_mix() {
    let table = types(&[slice(INT), array(INT, 2), map(STRING, INT), structure("S", &[("A", INT)])]);
    let [list, pair, dict, record] = [65, 66, 67, 68];
    fn refused<T: DeserializeOwned>(table: &Types, local: &str, cases: &[(i64, &[u8], &str)]) {
        for (id, bytes, remote) in cases {
            let error = single::<T>(table, *id, bytes).map(drop).unwrap_err();
            let wanted = format!("gob: decoding into local type *{local}, received remote type {remote}");
            assert_eq!(error, wanted);
        }
    }
    let (int, uint, float): (_, _, (i64, &[u8], &str)) =
        ((INT, &b"\x02"[..], "int"), (UINT, &b"\x02"[..], "uint"), (FLOAT, b"\x40", "float"));
    let (bytes, string): (_, (i64, &[u8], &str)) =
        ((BYTES, &b"\x01a"[..], "bytes"), (STRING, b"\x01a", "string"));
    let (bool, complex): (_, (i64, &[u8], &str)) =
        ((BOOL, &b"\x01"[..], "bool"), (COMPLEX, b"\0\0", "complex"));
    refused::<i64>(&table, "int", &[uint, float, bool, bytes, string, complex, (list, b"\0", "slice")]);
    refused::<i32>(&table, "int32", &[uint]);
    refused::<u64>(&table, "uint", &[int, float, bool, string]);
    refused::<f64>(&table, "float64", &[int, uint, complex]);
    refused::<bool>(&table, "bool", &[int, uint]);
    refused::<String>(&table, "string", &[bytes, int, (dict, b"\0", "map")]);
    refused::<Text>(&table, "string", &[bytes]);
    refused::<Blob>(&table, "[]uint8", &[string, int, (list, b"\0", "slice")]);
    refused::<Complex>(&table, "complex128", &[float, (pair, b"\x02\0\0", "array")]);
    refused::<Time>(&table, "time.Time", &[string, int]);
    refused::<Vec<i64>>(&table, "slice", &[int, string, (pair, b"\x02\0\0", "array"), (dict, b"\0", "map")]);
    refused::<Vec<i64>>(&table, "[]int", &[(BYTES, b"\x01a", "bytes")]);
    refused::<[i64; 2]>(&table, "[2]array", &[(list, b"\x02\0\0", "slice"), int]);
    refused::<[i64; 3]>(&table, "[3]array", &[(pair, b"\x02\0\0", "array")]);
    refused::<HashMap<String, i64>>(&table, "map", &[int, (list, b"\0", "slice")]);

    let error = "gob: type mismatch in decoder: want struct type Args; got non-struct".to_owned();
    assert_eq!(single::<Args>(&table, STRING, b"\x01a"), Err(error.clone()));
    assert_eq!(single::<Args>(&table, dict, b"\0"), Err(error));
    let error = decoded::<i64>(&table, record, b"\0").unwrap_err();
    assert_eq!(error, "gob: decoding into local type *int, received remote type S");
}

#[test]
fn what_is_wrong_inside_is_told_with_its_place() {
    let table = types(&[
        structure("Nested", &[("Tags", 66), ("M", 67), ("I", INT), ("In", 68), ("U", 69), ("P", 70)]),
        slice(STRING),
        map(STRING, UINT),
        structure("Inner", &[("A", UINT)]),
        slice(INT),
        array(STRING, 2),
    ]);
    fn told<T: DeserializeOwned>(table: &Types, bytes: &[u8]) -> String {
        decoded::<T>(table, 65, bytes).map(drop).unwrap_err()
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[allow(dead_code, reason = "only decoded, never read")]
    struct Tags {
        tags: Vec<i64>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[allow(dead_code, reason = "only decoded, never read")]
    struct Map {
        m: BTreeMap<String, i64>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[allow(dead_code, reason = "only decoded, never read")]
    struct Keys {
        m: BTreeMap<i64, u64>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[allow(dead_code, reason = "only decoded, never read")]
    struct Small {
        i: i8,
        #[serde(default)]
        u: Vec<i8>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[allow(dead_code, reason = "only decoded, never read")]
    struct Deep {
        r#in: Args,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[allow(dead_code, reason = "only decoded, never read")]
    struct Pair {
        p: [i64; 2],
    }
    let wrong = |local: &str, place: &str| format!("gob: wrong type ({local}) for received field {place}");
    assert_eq!(told::<Tags>(&table, b"\x01\x01\x01x\0"), wrong("[]int", "Nested.Tags"));
    assert_eq!(told::<Map>(&table, b"\x02\x01\x01x\x05\0"), wrong("map[string]int", "Nested.M"));
    assert_eq!(told::<Keys>(&table, b"\x02\x01\x01x\x05\0"), wrong("map[int]uint", "Nested.M"));
    assert_eq!(told::<Deep>(&table, b"\x04\x01\x05\0\0"), wrong("int", "Inner.A"));
    assert_eq!(told::<Deep>(&table, b"\x04\0\0"), wrong("int", "Inner.A"), "even where it is not sent");
    assert_eq!(told::<Pair>(&table, b"\x06\x02\x01a\x01b\0"), wrong("[2]int", "Nested.P"));
    assert_eq!(told::<Small>(&table, b"\x03\xfe\x02\0\0"), "value for \"I\" out of range");
    assert_eq!(told::<Small>(&table, b"\x05\x01\xfe\x02\0\0"), "value for \"element of U\" out of range");
}

#[test]
fn lists_maps_tuples_and_bytes() {
    let table =
        types(&[slice(INT), array(UINT, 4), map(INT, STRING), slice(65), slice(UINT), map(BYTES, BOOL)]);
    assert_eq!(single(&table, 65, b"\x03\x02\x01\x00"), Ok(vec![1i64, -1, 0]));
    assert_eq!(single(&table, 65, b"\x02\x02\x02"), Ok(BTreeSet::from([1i64])));
    assert_eq!(single(&table, 66, b"\x04\x01\x00\xff\xc8\xff\xff"), Ok([1u8, 0, 200, 255]));
    assert_eq!(single(&table, 66, b"\x04\x01\x00\xff\xc8\xff\xff"), Ok((1u8, 0u16, 200u32, 255u64)));
    assert_eq!(single(&table, 66, b"\x04\x01\x00\xff\xc8\xff\xff"), Ok(Blob::from(b"\x01\x00\xc8\xff")));
    assert_eq!(single(&table, 69, b"\x02\x01\xff\xff"), Ok(Blob::from(b"\x01\xff")));
    assert_eq!(single(&table, 69, b"\x02\x01\xff\xff"), Ok(vec![1u8, 255]));
    let error = Err("value for \"element of uint8\" out of range".into());
    assert_eq!(single::<Blob>(&table, 69, b"\x01\xfe\x01\x00"), error);
    assert_eq!(
        single(&table, 67, b"\x02\x0d\x01n\x02\x01m"),
        Ok(BTreeMap::from([(-7i64, "n".to_owned()), (1, "m".to_owned())]))
    );
    assert_eq!(single(&table, 70, b"\x01\x01a\x01"), Ok(BTreeMap::from([(Blob::from(b"a"), true)])));
    assert_eq!(single(&table, 68, b"\x02\x01\x02\0"), Ok(vec![vec![1i64], vec![]]));
    assert_eq!(
        single::<[u8; 4]>(&table, 66, b"\x03\0\0\0"),
        Err("gob: length mismatch in decodeArray".into())
    );
    for short_or_long in [&b"\x03\0\0\0"[..], b"\x05\0\0\0\0\0"] {
        assert_eq!(
            single::<Blob>(&table, 66, short_or_long),
            Err("gob: length mismatch in decodeArray".into())
        );
    }
    for cut in [&b"\x03\x02\x02"[..], b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff", b"\x02\xff"] {
        assert!(single::<Vec<i64>>(&table, 65, cut).is_err());
        assert!(single::<serde::de::IgnoredAny>(&table, 65, cut).is_err());
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Id(i64);

#[derive(Debug, PartialEq, Deserialize)]
enum Color {
    Red,
    Green,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    val: Id,
    next: Option<Box<Self>>,
    kids: Vec<Self>,
}

#[test]
fn structs_enums_newtypes_and_recursion() {
    let table = types(&[structure("Node", &[("Val", INT), ("Next", 65), ("Kids", 66)]), slice(65)]);
    let leaf = |val| Node { val: Id(val), next: None, kids: vec![] };
    let node = Node { val: Id(1), next: Some(Box::new(leaf(2))), kids: vec![leaf(0), leaf(4)] };
    let bytes = b"\x01\x02\x01\x01\x04\0\x01\x02\0\x01\x08\0\0";
    assert_eq!(decoded(&table, 65, bytes), Ok(node));
    assert_eq!(
        decoded(&table, 65, &bytes[..bytes.len() - 1]),
        decoded::<Node>(&table, 65, bytes),
        "as in Go"
    );

    assert_eq!(simple(STRING, b"\x05Green"), Ok(Color::Green));
    assert_eq!(simple(INT, &int(1)), Ok(Color::Green));
    assert_eq!(simple(UINT, &uint(0)), Ok(Color::Red));
    assert!(simple::<Color>(INT, &int(-1)).is_err());
    assert!(simple::<Color>(STRING, b"\x04Blue").unwrap_err().starts_with("unknown variant `Blue`"));
    assert_eq!(simple(INT, &int(5)), Ok(Some(5i64)));
}

#[test]
fn fields_match_by_name_alone() {
    let all = types(&[structure("Args", &[("B", INT), ("X", STRING), ("A", INT), ("I", INTERFACE)])]);
    assert_eq!(decoded(&all, 65, b"\x01\x10\x01\x03xyz\x01\x0e\0"), Ok(Args { a: 7, b: 8 }));
    assert_eq!(decoded(&all, 65, b"\x01\x10\x03\x03int\x04\x02\0\x0a\0"), Ok(Args { a: 0, b: 8 }));
    assert_eq!(decoded(&all, 65, b"\x02\x03xyz\0"), Ok(Args::default()), "left out because zero");
    let error = decoded::<Args>(&all, 65, b"\x05\0").unwrap_err();
    assert_eq!(error, "gob: bad data: field numbers out of bounds");
    let error = decoded::<Args>(&all, 65, b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff\0").unwrap_err();
    assert_eq!(error, "gob: bad data: field numbers out of bounds");

    let nothing = "gob: type mismatch: no fields matched compiling decoder for Args";
    let case = "gob: received field Args.b differs only in case from field B";
    for (fields, told) in [
        (&[("X", INT), ("Y", INT)][..], Some(nothing)),
        (&[("a", INT), ("b", INT)], Some(nothing)),
        (&[("A", INT), ("b", INT)], Some(case)),
        (&[("A", INT), ("b", INT), ("B", INT)], None),
        (&[("A", INT)], None),
        (&[], None),
    ] {
        let table = types(&[structure("Args", fields)]);
        assert_eq!(decoded::<Args>(&table, 65, b"\0").err().as_deref(), told, "{fields:?}");
        let bytes = [&[1, 10].repeat(fields.len())[..], b"\0"].concat();
        assert_eq!(decoded::<Args>(&table, 65, &bytes).err().as_deref(), told, "{fields:?}");
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Defaults {
    a: i64,
    name: String,
    #[serde(default = "five")]
    five: i64,
    maybe: Option<i64>,
    list: Vec<i64>,
    #[serde(alias = "Old")]
    new: i64,
    inner: Args,
    any: Any,
    time: Time,
    pair: (i64, i64),
}

fn five() -> i64 {
    5
}

impl Defaults {
    fn zero() -> Self {
        Self {
            a: 0,
            name: String::new(),
            five: 5,
            maybe: None,
            list: vec![],
            new: 0,
            inner: Args::default(),
            any: Any::Null,
            time: Time::default(),
            pair: (0, 0),
        }
    }
}

#[test]
fn absent_fields_are_zero_unless_serde_has_a_default_the_peer_does_not_know_of() {
    let lacking = types(&[structure("Defaults", &[("A", INT)])]);
    assert_eq!(decoded(&lacking, 65, b"\x01\x0e\0"), Ok(Defaults { a: 7, ..Defaults::zero() }));
    let all = types(&[
        structure(
            "Defaults",
            &[
                ("A", INT),
                ("Name", STRING),
                ("Five", INT),
                ("Maybe", INT),
                ("List", 66),
                ("Old", INT),
                ("Inner", 67),
                ("Any", INTERFACE),
                ("Time", 68),
                ("Pair", 69),
            ],
        ),
        slice(INT),
        structure("Args", &[("A", INT), ("B", INT)]),
        marshaler(5, "Time"),
        array(INT, 2),
    ]);
    assert_eq!(decoded(&all, 65, b"\0"), Ok(Defaults { five: 0, ..Defaults::zero() }));
    let old = Defaults { five: 0, new: 3, ..Defaults::zero() };
    assert_eq!(decoded(&all, 65, b"\x06\x06\0"), Ok(old));
    let mut wrong = "gob: wrong type (string) for received field Defaults.Name".to_owned();
    let table = types(&[structure("Defaults", &[("A", INT), ("Name", INT)])]);
    assert_eq!(decoded::<Defaults>(&table, 65, b"\x01\x0e\0"), Err(wrong.clone()));
    wrong = wrong.replace("string", "slice").replace("Name", "List");
    let table = types(&[structure("Defaults", &[("A", INT), ("List", STRING)])]);
    assert_eq!(decoded::<Defaults>(&table, 65, b"\x01\x0e\0"), Err(wrong));
}

#[test]
fn what_go_marshals_by_itself() {
    let table = types(&[marshaler(5, "Time"), marshaler(6, "Addr"), marshaler(7, "T"), marshaler(5, "")]);
    let time: Time = "2015-01-15T08:11:21.123456789+01:00".parse().unwrap();
    let bytes = b"\x0f\x01\0\0\0\x0e\xcc\x49\x5f\x19\x07\x5b\xcd\x15\0\x3c";
    assert_eq!(single(&table, 65, bytes), Ok(time));
    assert_eq!(single(&table, 65, bytes), Ok(Any::Time(time)));
    assert_eq!(single(&table, 68, bytes), Ok(Any::Time(time)), "a pointer's type has no name");
    assert_eq!(single(&table, 65, bytes), Ok(Some(time)));
    assert_eq!(single(&table, 65, bytes), Ok(serde_json::Value::from(time.to_string())));
    assert_eq!(single(&table, 65, bytes), Ok(Blob::from(&bytes[1..])));
    assert!(single::<Time>(&table, 65, b"\x02\x01\0").unwrap_err().starts_with("Time.UnmarshalBinary"));
    for id in [66, 67, 68] {
        assert_eq!(single(&table, id, b"\x02hi"), Ok(Blob::from(b"hi")));
        assert_eq!(single(&table, id, b"\x02hi"), Ok(Any::Blob(Blob::from(b"hi"))));
    }
}

#[test]
fn interfaces() {
    let table = types(&[
        structure("Holder", &[("V", INTERFACE), ("N", INT)]),
        structure("Inner", &[("A", INT), ("B", INT)]),
        slice(INTERFACE),
        map(INTERFACE, INTERFACE),
    ]);
    let inner = [&text("main.Inner")[..], &int(66), b"\x09", b"\x01\x0e\0"].concat();
    let number = [&text("int")[..], &int(INT), b"\x02\0\x0a"].concat();
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Holder<T> {
        v: T,
        n: i64,
    }
    let held = |v: &[u8]| [b"\x01", v, b"\x01\x04\0"].concat();
    assert_eq!(decoded(&table, 65, &held(&inner)), Ok(Holder { v: Args { a: 7, b: 0 }, n: 2 }));
    assert_eq!(decoded(&table, 65, &held(&inner)), Ok(Holder { v: Some(Args { a: 7, b: 0 }), n: 2 }));
    let any = Any::Map(vec![("A".into(), 7i64.into()), ("B".into(), 0i64.into())]);
    let held_any: Holder<Any> = decoded(&table, 65, &held(&inner)).unwrap();
    assert_eq!((held_any.v.unnamed(), held_any.n), (&any, 2));
    assert_eq!(decoded(&table, 65, &held(&number)), Ok(Holder { v: 5i64, n: 2 }));
    assert_eq!(decoded(&table, 65, &held(&number)), Ok(Holder { v: (), n: 2 }));
    assert_eq!(decoded(&table, 65, b"\x02\x04\0"), Ok(Holder { v: Any::Null, n: 2 }));
    assert_eq!(decoded(&table, 65, b"\x02\x04\0"), Ok(Holder { v: None::<i64>, n: 2 }));
    assert_eq!(decoded(&table, 65, b"\x02\x04\0"), Ok(Holder { v: Args::default(), n: 2 }));
    let error = decoded::<Holder<String>>(&table, 65, &held(&number)).unwrap_err();
    assert_eq!(error, "gob: wrong type (string) for received field Holder.V");

    let list = [b"\x03", &number[..], b"\0", &inner].concat();
    let mixed: Vec<Any> = single(&table, 67, &list).unwrap();
    assert_eq!((mixed[0].as_i64(), &mixed[1], mixed[2].get("A")), (Some(5), &Any::Null, Some(&Any::Int(7))));
    let dict = [b"\x01", &number[..], &number].concat();
    let loose: Any = single(&table, 68, &dict).unwrap();
    assert_eq!(loose.get("5").and_then(Any::as_i64), Some(5));
    assert_eq!(single(&table, 68, &dict), Ok(BTreeMap::from([(5i64, 5i64)])));
    let long = [uint(1025), vec![b'x'; 1025]].concat();
    assert_eq!(single::<Any>(&table, INTERFACE, &long), Err("gob: interface name too long".into()));
    let undefined = [&text("x.Y")[..], &int(99), b"\x02\0\x0a"].concat();
    let error = single::<Any>(&table, INTERFACE, &undefined);
    assert_eq!(error, Err("gob: unknown type id or corrupted data".into()));
    let definition = [&text("x.Y")[..], &int(-99), b"\x02\0\x0a"].concat();
    let error = single::<Any>(&table, INTERFACE, &definition);
    assert_eq!(error, Err("gob: definition inside a value".into()));
}

#[test]
fn targets_that_take_anything() {
    let table = types(&[
        structure("S", &[("A", INT), ("L", 66), ("M", 67), ("C", COMPLEX), ("P", 65)]),
        slice(STRING),
        map(BOOL, FLOAT),
    ]);
    let bytes = b"\x02\x01\x01x\x01\x01\x01\xfe\xf8\x3f\x01\xfe\xf8\x3f\xff\xc0\0";
    let json = r#"{"A":0,"L":["x"],"M":{"true":1.5},"C":[1.5,-2.0],"P":null}"#;
    let value: serde_json::Value = decoded(&table, 65, bytes).unwrap();
    assert_eq!(value, serde_json::from_str::<serde_json::Value>(json).unwrap());
    let any: Any = decoded(&table, 65, bytes).unwrap();
    assert_eq!(serde_json::to_string(&any).unwrap(), json);
    assert_eq!(any.get("C"), Some(&Any::Complex(Complex::new(1.5, -2.0))));
    assert_eq!(decoded(&table, 65, bytes), Ok(()));
    assert!(decoded::<serde::de::IgnoredAny>(&table, 65, bytes).is_ok());
    assert!(decoded::<()>(&table, 65, &bytes[..5]).is_err());

    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        #[serde(rename = "L")]
        list: Vec<String>,
        #[serde(flatten)]
        rest: BTreeMap<String, Any>,
    }
    let flat: Flat = decoded(&table, 65, bytes).unwrap();
    assert_eq!((flat.list.len(), flat.rest.len()), (1, 4));
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    assert_eq!(simple(INT, &int(5)), Ok(Either::Number(5)));
    assert_eq!(simple(STRING, b"\x01x"), Ok(Either::Text("x".into())));
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(rename = "A")]
        a: i64,
    }
    assert!(decoded::<Strict>(&table, 65, bytes).unwrap_err().contains("unknown field `L`"));
}

#[test]
fn whole_values_have_their_zero() {
    let table = types(&[structure("S", &[("A", INT)])]);
    let error = "gob: decode: corrupted data: non-zero delta for singleton".to_owned();
    assert_eq!(decoded::<i64>(&table, INT, b"\x01\x70"), Err(error));
    for undefined in [0, 9, 16, 99] {
        let error = "gob: unknown type id or corrupted data".to_owned();
        assert_eq!(single::<i64>(&table, undefined, b"\x70"), Err(error.clone()));
        assert_eq!(single::<Any>(&table, undefined, b"\x70"), Err(error));
    }
    assert_eq!(decoded::<i64>(&table, INT, b"\0\x70further"), Ok(56), "as in Go");
    for empty in [&b""[..], b"\x04", b"\x04\0"] {
        assert_eq!(value_from_slice::<i64>(&table, empty).unwrap_err().text(), "unexpected EOF");
    }
}
