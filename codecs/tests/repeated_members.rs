//! Members that a peer has sent more than once, under one name or under several: the last counts, as in Go, wherever serde
//! looks for it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first error")]

use rpcwrap_codecs::{
    Args,
    types::{Any, Blob, Time},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug};

/// The members of a map in their order, the same ones as often as they are there; under a key that begins with `{`, a map
/// of such.
#[derive(Debug, Clone, Copy)]
enum Member {
    Int(&'static str, i64),
    Text(&'static str, &'static str),
    Null(&'static str),
    Map(&'static str, &'static [Self]),
    List(&'static str, &'static [&'static [Self]]),
}
use Member::{Int, List, Map, Null, Text};

impl Member {
    fn name(self) -> &'static str {
        match self {
            Int(name, _) | Text(name, _) | Null(name) | Map(name, _) | List(name, _) => name,
        }
    }
}

fn json(members: &[Member]) -> String {
    let value = |member: &Member| match *member {
        Int(_, value) => value.to_string(),
        Text(_, text) => format!("{text:?}"),
        Null(_) => "null".into(),
        Map(_, members) => json(members),
        List(_, maps) => {
            format!("[{}]", maps.iter().map(|members| json(members)).collect::<Vec<_>>().join(", "))
        }
    };
    let members: Vec<_> =
        members.iter().map(|member| format!("{:?}: {}", member.name(), value(member))).collect();
    format!("{{{}}}", members.join(" , "))
}

fn msgpack(members: &[Member]) -> Vec<u8> {
    let text = |text: &str| [&[0xD9, text.len() as u8], text.as_bytes()].concat();
    let mut bytes = vec![0xDE, 0, members.len() as u8];
    for member in members {
        bytes.extend(text(member.name()));
        match *member {
            Int(_, value) => bytes.extend([&[0xD3][..], &value.to_be_bytes()].concat()),
            Text(_, value) => bytes.extend(text(value)),
            Null(_) => bytes.push(0xC0),
            Map(_, members) => bytes.extend(msgpack(members)),
            List(_, maps) => {
                bytes.extend([0xDC, 0, maps.len() as u8]);
                maps.iter().for_each(|members| bytes.extend(msgpack(members)));
            }
        }
    }
    bytes
}

fn bson(members: &[Member]) -> Vec<u8> {
    let elements = members.iter().map(|member| {
        let (kind, value) = match *member {
            Int(_, value) => (0x12, value.to_le_bytes().to_vec()),
            Text(_, text) => {
                (0x02, [&(text.len() as u32 + 1).to_le_bytes()[..], text.as_bytes(), &[0]].concat())
            }
            Null(_) => (0x0A, vec![]),
            Map(_, members) => (0x03, bson(members)),
            List(_, maps) => {
                let maps = maps.iter().enumerate();
                let maps = maps.map(|(at, members)| {
                    [&[0x03], at.to_string().as_bytes(), &[0], &bson(members)[..]].concat()
                });
                (0x04, framed(&maps.collect::<Vec<_>>().concat()))
            }
        };
        [&[kind], member.name().as_bytes(), &[0], &value[..]].concat()
    });
    framed(&elements.collect::<Vec<_>>().concat())
}

fn framed(inside: &[u8]) -> Vec<u8> {
    [&(inside.len() as u32 + 5).to_le_bytes(), inside, &[0]].concat()
}

/// The same value of these members in every codec whose maps may have members twice.
#[track_caller]
fn read<T: DeserializeOwned + PartialEq + Debug>(members: &[Member], expected: &T) {
    let json = json(members);
    assert_eq!(Args::JsonValue(json.as_bytes()).decode::<T>().as_ref(), Ok(expected), "json: {json}");
    assert_eq!(Args::Bson(&bson(members)).decode::<T>().as_ref(), Ok(expected), "bson: {json}");
    assert_eq!(Args::Msgpack(&msgpack(members)).decode::<T>().as_ref(), Ok(expected), "msgpack: {json}");
}

#[track_caller]
fn refused<T: DeserializeOwned + PartialEq + Debug>(members: &[Member], why: &str) {
    let json = json(members);
    for (codec, result) in [
        ("json", Args::JsonValue(json.as_bytes()).decode::<T>()),
        ("bson", Args::Bson(&bson(members)).decode::<T>()),
        ("msgpack", Args::Msgpack(&msgpack(members)).decode::<T>()),
    ] {
        let error = result.unwrap_err();
        assert!(error.text().contains(why), "{codec}: {json}: {error}");
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Pair {
    a: i64,
    b: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Aliased {
    #[serde(alias = "name", alias = "label")]
    title: String,
    #[serde(alias = "count")]
    number: i64,
}

fn aliased(title: &str, number: i64) -> Aliased {
    Aliased { title: title.into(), number }
}

#[test]
fn under_one_name() {
    let pair = Pair { a: 9, b: 1 };
    read(&[Int("a", 7), Int("a", 9), Int("b", 1)], &pair);
    read(&[Int("a", 7), Int("b", 1), Int("a", 8), Int("a", 9)], &pair);
    read(&[Int("a", 7), Int("b", 5), Int("a", 9), Int("b", 1)], &pair);
    // As in Go, those that do not count have to fit all the same.
    refused::<Pair>(&[Text("a", "no number"), Int("b", 1), Int("a", 9)], "");
    refused::<Pair>(&[Int("a", 7), Int("b", 1), Text("a", "no number")], "");
}

#[test]
fn under_an_alias_and_under_several_names() {
    for members in [
        &[Text("name", "x"), Text("name", "y"), Int("number", 5)][..],
        &[Text("name", "x"), Text("title", "y"), Int("number", 5)],
        &[Text("title", "x"), Text("name", "y"), Int("number", 5)],
        &[Text("title", "x"), Int("count", 4), Text("name", "z"), Text("label", "y"), Int("number", 5)],
        &[Text("label", "x"), Text("label", "z"), Int("count", 4), Int("count", 5), Text("name", "y")],
        &[Int("number", 4), Text("label", "x"), Int("count", 5), Text("title", "z"), Text("label", "y")],
    ] {
        read(members, &aliased("y", 5));
    }
    refused::<Aliased>(&[Text("name", "x"), Text("title", "y"), Text("count", "5")], "");
}

#[test]
fn inside_of_other_values() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        title: i64,
        inner: Aliased,
        many: Vec<Aliased>,
        by_name: BTreeMap<String, Aliased>,
        maybe: Option<Box<Aliased>>,
    }
    const X: &[Member] = &[Text("name", "x"), Int("number", 1)];
    const Y: &[Member] = &[Text("name", "x"), Int("number", 1), Text("title", "y"), Int("count", 2)];
    let outer = Outer {
        title: 9,
        inner: aliased("y", 2),
        many: vec![aliased("x", 1), aliased("y", 2), aliased("x", 1)],
        by_name: BTreeMap::from([("k".into(), aliased("y", 2))]),
        maybe: Some(Box::new(aliased("y", 2))),
    };
    read(
        &[
            Map("inner", X),
            Int("title", 7),
            List("many", &[X, Y, X]),
            Map("by_name", &[Map("k", X), Map("k", Y)]),
            Map("inner", Y),
            Map("maybe", Y),
            Int("title", 9),
        ],
        &outer,
    );
}

#[test]
fn in_flattened_fields() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        own: i64,
        #[serde(flatten)]
        pair: Pair,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct FlatMap {
        own: i64,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }
    let members = [Int("a", 7), Int("own", 1), Int("b", 2), Int("a", 9), Int("own", 3)];
    read(&members, &Flat { own: 3, pair: Pair { a: 9, b: 2 } });
    let rest = BTreeMap::from([("a".into(), 9), ("b".into(), 2)]);
    read(&members, &FlatMap { own: 3, rest });
}

/// A flattened `Option` drops the errors of what is in it, and a value with them.
#[test]
fn in_flattened_options() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        own: i64,
        #[serde(flatten)]
        pair: Option<Pair>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Two {
        #[serde(flatten)]
        pair: Option<Pair>,
        #[serde(flatten)]
        aliased: Option<Box<Aliased>>,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Inside {
        #[serde(flatten)]
        flat: Option<Flat>,
        list: Vec<Flat>,
    }
    const PAIR: &[Member] = &[Int("a", 7), Int("own", 1), Int("b", 2), Int("a", 9), Int("own", 3)];
    const NONE: &[Member] = &[Int("own", 3), Int("a", 7), Int("a", 9)];
    let flat = || Flat { own: 3, pair: Some(Pair { a: 9, b: 2 }) };
    read(PAIR, &flat());
    read(&[Int("b", 7), Int("b", 8), Int("own", 3), Int("b", 2), Int("a", 9)], &flat());
    // One of its members is missing, whatever comes twice.
    read(NONE, &Flat { own: 3, pair: None });
    read(&[Int("own", 3), Int("own", 4)], &Flat { own: 4, pair: None });
    let aliased = Some(Box::new(aliased("y", 5)));
    read(
        &[
            Int("a", 1),
            Text("name", "x"),
            Int("b", 2),
            Text("name", "y"),
            Int("a", 9),
            Int("count", 5),
            Int("c", 6),
        ],
        &Two { pair: Some(Pair { a: 9, b: 2 }), aliased, rest: BTreeMap::from([("c".into(), 6)]) },
    );
    read(
        &[&[List("list", &[PAIR, NONE, PAIR])], PAIR].concat(),
        &Inside { flat: Some(flat()), list: vec![flat(), Flat { own: 3, pair: None }, flat()] },
    );
    // Which of two names came last cannot be told of what serde has kept.
    refused::<Two>(&[Text("name", "x"), Text("title", "y"), Int("count", 5)], "duplicate field `title`");
}

#[test]
fn in_untagged_and_tagged_enums() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Other { other: i64 },
        Pair(Pair),
        Aliased(Aliased),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Pair(Pair),
        Fields { x: i64 },
        Either(Untagged),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind", content = "value")]
    enum Adjacent {
        Pair(Pair),
    }
    let members = [Int("a", 7), Int("a", 9), Int("b", 1)];
    let pair = || Pair { a: 9, b: 1 };
    read(&members, &Untagged::Pair(pair()));
    read(&[Text("name", "x"), Text("name", "y"), Int("number", 5)], &Untagged::Aliased(aliased("y", 5)));
    read(&[Int("other", 5), Int("other", 6)], &Untagged::Other { other: 6 });
    // The first variant that fits counts, not the first that has nothing twice.
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Pair(Pair),
        Map(BTreeMap<String, i64>),
    }
    read(&members, &Loose::Pair(pair()));
    read(&members[..2], &Loose::Map(BTreeMap::from([("a".into(), 9)])));
    read(&[Text("kind", "Pair"), members[0], members[1], members[2]], &Tagged::Pair(pair()));
    read(&[members[0], Text("kind", "Pair"), members[1], members[2]], &Tagged::Pair(pair()));
    let either = Tagged::Either(Untagged::Pair(pair()));
    read(&[Text("kind", "Either"), members[0], members[1], members[2]], &either);
    read(&[Text("kind", "Fields"), Int("x", 1), Int("x", 2)], &Tagged::Fields { x: 2 });
    read(
        &[Map("value", &[Int("a", 7), Int("a", 9), Int("b", 1)]), Text("kind", "Pair")],
        &Adjacent::Pair(pair()),
    );
    read(
        &[Text("kind", "Pair"), Map("value", &[Int("a", 9), Int("b", 0), Int("b", 1)])],
        &Adjacent::Pair(pair()),
    );
    refused::<Untagged>(&[Int("a", 7), Int("a", 9)], "did not match any variant");
    refused::<Untagged>(&[Int("a", 7), Text("b", "x"), Text("b", "y")], "did not match any variant");
}

#[test]
fn maps_and_values_of_any_kind() {
    let members = [Int("a", 7), Null("b"), Int("a", 9)];
    read(&members, &BTreeMap::from([("a".to_owned(), Some(9)), ("b".to_owned(), None)]));
    let json = json(&members);
    for args in
        [Args::JsonValue(json.as_bytes()), Args::Bson(&bson(&members)), Args::Msgpack(&msgpack(&members))]
    {
        assert_eq!(args.decode::<Any>().unwrap().get("a").and_then(Any::as_i64), Some(9));
        assert_eq!(args.decode::<serde_json::Value>().unwrap()["a"], 9);
    }
}

/// A member that is left out by some elements of a list and has another name in others.
#[test]
fn left_out_beside_an_alias() {
    const NAMED: &[Member] = &[Text("name", "x"), Int("number", 1)];
    const NOTHING: &[Member] = &[Int("count", 2)];
    #[derive(Debug, PartialEq, Deserialize)]
    struct List {
        list: Vec<Aliased>,
    }
    let members = [List("list", &[NAMED, NOTHING, NAMED])];
    // A member that is not there is zero in Go's MessagePack.
    let list = vec![aliased("x", 1), aliased("", 2), aliased("x", 1)];
    assert_eq!(Args::Msgpack(&msgpack(&members)).decode(), Ok(List { list }));
    let error = Args::Bson(&bson(&members)).decode::<List>().unwrap_err();
    assert!(error.text().contains("missing field `title`"), "{error}");
}

/// A document under `_Val_` is the value itself, wherever it stands.
#[test]
fn under_bsons_wrapper() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        pair: Pair,
        at: Option<Time>,
        raw: Option<Blob>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Pair(Pair),
        Aliased(Aliased),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        pair: Pair,
        own: i64,
    }
    const A: Member = Int("a", 7);
    const REST: &[Member] = &[Int("a", 9), Int("b", 1)];
    let pair = || Pair { a: 9, b: 1 };
    for members in [
        &[Map("_Val_", &[A, Int("a", 9), Int("b", 1)])][..],
        &[A, Map("_Val_", REST)],
        &[Map("_Val_", &[A]), REST[0], REST[1]],
        &[Map("_Val_", &[A]), Map("_Val_", REST)],
        &[Map("_Val_", &[A, Map("_Val_", &[A, Int("b", 1)])]), REST[0]],
        &[A, Null("_Val_"), REST[0], REST[1]],
    ] {
        let bytes = bson(members);
        assert_eq!(Args::Bson(&bytes).decode(), Ok(pair()), "{members:?}");
        let mut own = members.to_vec();
        own.push(Int("own", 5));
        assert_eq!(Args::Bson(&bson(&own)).decode(), Ok(Flat { pair: pair(), own: 5 }), "{members:?}");
    }
    for members in [
        &[Map("_Val_", &[Text("name", "x"), Text("title", "y"), Int("count", 5)])][..],
        &[Text("name", "x"), Map("_Val_", &[Text("label", "y"), Int("count", 5)])],
        &[Map("_Val_", &[Text("label", "x"), Int("count", 4)]), Text("name", "y"), Int("number", 5)],
    ] {
        assert_eq!(Args::Bson(&bson(members)).decode(), Ok(aliased("y", 5)), "{members:?}");
    }
    let nested = [Map("pair", &[A, Map("_Val_", REST)]), Null("at"), Null("raw")];
    let outer = Outer { pair: pair(), at: None, raw: None };
    assert_eq!(Args::Bson(&bson(&nested)).decode(), Ok(outer));
    let wrapped = [Map("_Val_", &[A, Int("a", 9), Int("b", 1)])];
    assert_eq!(Args::Bson(&bson(&wrapped)).decode(), Ok(Untagged::Pair(pair())));
    let wrapped = [Map("_Val_", &[Text("label", "x"), Text("label", "y"), Int("number", 5)])];
    assert_eq!(Args::Bson(&bson(&wrapped)).decode(), Ok(Untagged::Aliased(aliased("y", 5))));
}

/// What is looked at twice is paid for: values that repeat members on every level end.
#[test]
fn repeated_on_every_level() {
    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Nested {
        #[serde(alias = "in")]
        inner: Option<Box<Self>>,
    }
    let mut value = "{}".to_owned();
    for level in 0..90 {
        let name = if level % 2 == 0 { "in" } else { "inner" };
        value = format!(r#"{{"inner":null,"in":null,"{name}":{value}}}"#);
    }
    let nested: Nested = Args::JsonValue(value.as_bytes()).decode().unwrap();
    let depth = std::iter::successors(Some(&nested), |nested| nested.inner.as_deref()).count();
    assert_eq!(depth, 91);
}

/// What a type has once been read again for is known of it: a peer that repeats or leaves out all members costs two
/// readings, not one for each.
#[test]
fn readings_do_not_grow_with_the_members() {
    thread_local!(static READINGS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });
    #[derive(Debug, PartialEq, Default)]
    struct Counted;
    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            READINGS.set(READINGS.get() + 1);
            serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
        }
    }
    macro_rules! many {
        ($($name:ident $alias:literal,)*) => {
            #[derive(Debug, PartialEq, Deserialize)]
            struct Many {
                counted: Counted,
                $(#[serde(alias = $alias)] $name: i64,)*
            }
            const NAMES: &[(&str, &str)] = &[$((stringify!($name), $alias),)*];
        };
    }
    many!(
        a "ka", b "kb", c "kc", d "kd", e "ke", f "kf", g "kg", h "kh", i "ki", j "kj", k "kk", l "kl", m "km", n "kn",
    );
    let readings = |decode: &dyn Fn()| {
        READINGS.set(0);
        decode();
        READINGS.get()
    };
    let mut members = vec![Int("counted", 0)];
    members.extend(NAMES.iter().flat_map(|&(name, alias)| [Int(name, 1), Int(alias, 2), Int(name, 3)]));
    let text = json(&members);
    let (packed, document) = (msgpack(&members), bson(&members));
    for args in [Args::JsonValue(text.as_bytes()), Args::Msgpack(&packed), Args::Bson(&document)] {
        let decode = || {
            let many = args.decode::<Many>().unwrap();
            assert_eq!((many.a, many.n), (3, 3));
        };
        decode();
        assert_eq!(readings(&decode), 2, "{args:?}");
    }
    let nothing = msgpack(&members[..1]);
    let decode = || assert_eq!(Args::Msgpack(&nothing).decode::<Many>().unwrap().n, 0);
    decode();
    assert_eq!(readings(&decode), 2);
}

/// A field that one struct lacks is zero in that one only: others have defaults of their own for one of that name.
#[test]
fn zero_in_one_struct_is_no_zero_in_another() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Needs {
        size: i64,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Has {
        #[serde(default = "five")]
        size: i64,
        name: String,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Both {
        needs: Needs,
        has: Has,
    }
    const fn five() -> i64 {
        5
    }
    for _ in 0..2 {
        let members = [Map("needs", &[]), Map("has", &[])];
        let both = Both { needs: Needs { size: 0 }, has: Has { size: 5, name: String::new() } };
        assert_eq!(Args::Msgpack(&msgpack(&members)).decode(), Ok(both));
        let members = [Null("needs"), Null("has")];
        let both = Both { needs: Needs { size: 0 }, has: Has { size: 5, name: String::new() } };
        assert_eq!(Args::JsonValue(json(&members).as_bytes()).decode::<Both>(), Ok(both));
    }
}
