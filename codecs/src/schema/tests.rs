//! Types and what they are traced to.

#![allow(dead_code, reason = "fields of traced types are never read")]

use super::{Field, Node, NodeId, Schema, TypeOf};
use crate::types::{Any, BinaryMarshaled, Blob, Complex, GobEncoded, Text, Time};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, SeqAccess, Visitor},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::{self, Write},
    marker::PhantomData,
    num::NonZeroU16,
};

/// A schema spelled out; a type within itself is `^Name`.
fn show<T: DeserializeOwned>() -> String {
    let (schema, mut text) = (Schema::of::<T>(), String::new());
    spell(&schema, schema.root(), &mut Vec::new(), &mut text);
    text
}

fn spell(schema: &Schema, id: NodeId, around: &mut Vec<NodeId>, text: &mut String) {
    if around.contains(&id) {
        text.push('^');
        if let Node::Struct { name, .. } = schema.node(id) {
            text.push_str(name);
        }
        return;
    }
    around.push(id);
    let mut list = |open: &str, parts: &[Field], close: &str| {
        text.push_str(open);
        for (at, part) in parts.iter().enumerate() {
            text.push_str(if at > 0 { ", " } else { "" });
            text.push_str(part.name);
            if !part.name.is_empty() {
                text.push(' ');
            }
            spell(schema, part.node, around, text);
        }
        text.push_str(close);
    };
    let nameless = |nodes: &[NodeId]| nodes.iter().map(|&node| Field { name: "", node }).collect::<Vec<_>>();
    match schema.node(id) {
        Node::Option(inner) => list("?", &nameless(&[*inner]), ""),
        Node::List(element) => list("[]", &nameless(&[*element]), ""),
        Node::Array(element, len) => list(&format!("[{len}]"), &nameless(&[*element]), ""),
        Node::Map(key, value) => list("map(", &nameless(&[*key, *value]), ")"),
        Node::Tuple(elements) => list("(", &nameless(elements), ")"),
        Node::Struct { name, fields } => list(&format!("{name}{{"), fields, "}"),
        Node::Enum { name, variants } => list(&format!("{name}<"), variants, ">"),
        leaf => write!(text, "{leaf:?}").unwrap(),
    }
    around.pop();
}

macro_rules! check {
    ($($type:ty => $shown:expr,)*) => {$(
        assert_eq!(show::<$type>(), $shown, "{}", stringify!($type));
    )*};
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[test]
fn leaves() {
    check! {
        bool => "Bool",
        i8 => "Int(8)",
        i16 => "Int(16)",
        i32 => "Int(32)",
        i64 => "Int(64)",
        isize => "Int(64)",
        i128 => "Int(128)",
        u8 => "Uint(8)",
        u16 => "Uint(16)",
        u32 => "Uint(32)",
        u64 => "Uint(64)",
        u128 => "Uint(128)",
        f32 => "Float(32)",
        f64 => "Float(64)",
        char => "Char",
        String => "Text",
        Cow<'static, str> => "Text",
        () => "Unit",
        PhantomData<Args> => "Unit",
        NonZeroU16 => "Uint(16)",
        Text => "Text",
        Blob => "Bytes",
        serde_bytes::ByteBuf => "Bytes",
        Time => "Time",
        Complex => "Complex",
        GobEncoded => "GobEncoded",
        BinaryMarshaled => "BinaryMarshaled",
        Any => "Any",
        serde_json::Value => "Untyped(AnyForm)",
        bson::Bson => "Untyped(AnyForm)",
        bson::DateTime => "Untyped(AnyForm)",
        bson::oid::ObjectId => "Bytes",
    }
}

#[test]
fn compounds() {
    struct Unlike;
    #[derive(Deserialize)]
    struct Newtype(Args);
    #[derive(Deserialize)]
    struct Pair(i32, String);
    #[derive(Deserialize)]
    struct Nothing;
    #[derive(Deserialize)]
    struct Empty {}
    check! {
        Args => "Args{A Int(64), B Int(64)}",
        Vec<u8> => "[]Uint(8)",
        Vec<Option<Vec<String>>> => "[]?[]Text",
        BTreeSet<i16> => "[]Int(16)",
        HashMap<String, Args> => "map(Text, Args{A Int(64), B Int(64)})",
        BTreeMap<NonZeroU16, Vec<f32>> => "map(Uint(16), []Float(32))",
        bson::Document => "map(Text, Untyped(AnyForm))",
        [u8; 4] => "[4]Uint(8)",
        [Args; 32] => "[32]Args{A Int(64), B Int(64)}",
        [i32; 0] => "()",
        (i32, i32) => "[2]Int(32)",
        (i32, i64, String) => "(Int(32), Int(64), Text)",
        (NonZeroU16, Args, Vec<Args>) => "(Uint(16), Args{A Int(64), B Int(64)}, []Args{A Int(64), B Int(64)})",
        Newtype => "Args{A Int(64), B Int(64)}",
        Pair => "(Int(32), Text)",
        Nothing => "Unit",
        Empty => "Empty{}",
        Box<Option<Box<str>>> => "?Text",
        Option<Option<bool>> => "??Bool",
        std::time::Duration => "Duration{secs Uint(64), nanos Uint(32)}",
        std::net::Ipv4Addr => "[4]Uint(8)",
        std::net::IpAddr => "IpAddr<V4 [4]Uint(8), V6 [16]Uint(8)>",
    }
    let _ = Unlike;
}

#[test]
fn attributes_of_serde() {
    #[derive(Deserialize)]
    struct Renamed {
        #[serde(rename = "ID")]
        id: u32,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(skip)]
        cache: u8,
        #[serde(rename(deserialize = "In", serialize = "Out"))]
        both: bool,
        #[serde(with = "serde_bytes")]
        raw: Vec<u8>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Aliased {
        #[serde(alias = "aaa", alias = "zzz")]
        name: String,
        #[serde(rename = "Count", alias = "Anzahl", default)]
        count: NonZeroU16_,
        last: bool,
    }
    #[derive(Deserialize)]
    struct LastAliased {
        first: bool,
        #[serde(alias = "a", alias = "z")]
        last: Option<Box<Self>>,
    }
    type NonZeroU16_ = Option<NonZeroU16>;
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Checked;
    impl TryFrom<String> for Checked {
        type Error = &'static str;
        fn try_from(_: String) -> Result<Self, &'static str> {
            Err("never good enough")
        }
    }
    mod elsewhere {
        pub(super) struct Far {
            pub(super) x: i32,
        }
    }
    #[derive(Deserialize)]
    #[serde(remote = "elsewhere::Far")]
    struct Far {
        x: i32,
    }
    #[derive(Deserialize)]
    struct Near {
        #[serde(with = "Far")]
        far: elsewhere::Far,
        checked: Checked,
    }
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Transparent {
        args: Args,
    }
    #[derive(Deserialize)]
    struct Flat {
        id: i64,
        #[serde(flatten)]
        rest: Args,
    }
    check! {
        Renamed => "Renamed{ID Uint(32), tags []Text, In Bool, raw Bytes}",
        Aliased => "Aliased{name Text, Count ?Uint(16), last Bool}",
        LastAliased => "LastAliased{first Bool, last ?^LastAliased}",
        Near => "Near{far Far{x Int(32)}, checked Text}",
        Transparent => "Args{A Int(64), B Int(64)}",
        Flat => "Untyped(Flattened)",
        Vec<Flat> => "[]Untyped(Flattened)",
    }
}

#[test]
fn enums() {
    #[derive(Deserialize)]
    enum Color {
        Red,
        #[serde(rename = "GREEN", alias = "green")]
        Green,
    }
    #[derive(Deserialize)]
    enum Shape {
        Point,
        Circle(f64),
        Line(i32, i32),
        Rect { w: i32, h: i32 },
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(i64),
        Text(String),
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    enum Internal {
        A { x: i32 },
    }
    #[derive(Deserialize)]
    struct Holder {
        id: i32,
        value: Untagged,
    }
    #[derive(Deserialize)]
    enum Never {}
    assert!(show::<Color>().starts_with("Color<Red Unit, GREEN Unit"));
    check! {
        Shape => "Shape<Point Unit, Circle Float(64), Line [2]Int(32), Rect {w Int(32), h Int(32)}>",
        Untagged => "Untyped(AnyForm)",
        Internal => "Untyped(AnyForm)",
        Holder => "Holder{id Int(32), value Untyped(AnyForm)}",
        Result<u8, String> => "Result<Ok Uint(8), Err Text>",
        Never => "Never<>",
    }
}

#[test]
fn recursion_ends() {
    #[derive(Deserialize)]
    struct Node {
        value: i32,
        next: Option<Box<Self>>,
    }
    #[derive(Deserialize)]
    struct Tree(Vec<Self>);
    #[derive(Deserialize)]
    struct Left {
        right: Vec<Right>,
    }
    #[derive(Deserialize)]
    struct Right {
        left: Option<Box<Left>>,
        map: HashMap<String, Self>,
    }
    #[derive(Deserialize)]
    struct Loop(Box<Self>);
    #[derive(Deserialize)]
    struct OptionLoop(Option<Box<Self>>);
    #[derive(Deserialize)]
    struct HoldsLoop {
        a: i32,
        l: OptionLoop,
    }
    check! {
        Node => "Node{value Int(32), next ?^Node}",
        Tree => "[]^",
        Left => "Left{right []Right{left ?^Left, map map(Text, ^Right)}}",
        Loop => "Untyped(Endless)",
        OptionLoop => "Untyped(Endless)",
        HoldsLoop => "HoldsLoop{a Int(32), l Untyped(Endless)}",
    }
    assert!(Schema::of::<Node>().is_static());
    assert!(!Schema::of::<HoldsLoop>().is_static());
}

#[test]
fn names_do_not_make_types_equal() {
    #[derive(Deserialize)]
    struct Page<T> {
        items: Vec<T>,
    }
    mod other {
        #[derive(serde::Deserialize)]
        pub(super) struct Args {
            pub(super) text: String,
        }
    }
    #[derive(Deserialize)]
    struct Both {
        one: Args,
        two: other::Args,
        three: Page<i32>,
        four: Page<String>,
        five: Page<i32>,
    }
    check! {
        Both => "Both{one Args{A Int(64), B Int(64)}, two Args{text Text}, three Page{items []Int(32)}, \
                 four Page{items []Text}, five Page{items []Int(32)}}",
    }
}

/// Runs of elements whose visitor does not say its length by type: `serde_arrays` and the like.
struct Long;

impl<'de> Deserialize<'de> for Long {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Long;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("4096 numbers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Long, A::Error> {
                for _ in 0..4096 {
                    seq.next_element::<i32>()?;
                }
                Ok(Long)
            }
        }
        deserializer.deserialize_tuple(4096, Elements)
    }
}

macro_rules! hostile {
    ($($name:ident: $deserializer:ident => $body:block)*) => {$(
        struct $name;
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>($deserializer: D) -> Result<Self, D::Error> {
                $body
            }
        }
    )*};
}

hostile! {
    Unwraps: deserializer => {
        // As `unwrap` does, but without a message.
        i32::deserialize(deserializer).map(|_| Unwraps).or_else(|_| std::panic::resume_unwind(Box::new(())))
    }
    Panics: _deserializer => { std::panic::resume_unwind(Box::new("at once")) }
    AsksNothing: _deserializer => { Ok(AsksNothing) }
    Refuses: _deserializer => { Err(serde::de::Error::custom("not today")) }
    Swallows: deserializer => { Ok(i32::deserialize(deserializer).map_or(Swallows, |_| Swallows)) }
    NeverGivesUp: deserializer => {
        struct Stubborn;
        impl<'de> Visitor<'de> for Stubborn {
            type Value = NeverGivesUp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<NeverGivesUp, A::Error> {
                loop {
                    if let Ok(None) = seq.next_element::<String>() {
                        return Ok(NeverGivesUp);
                    }
                }
            }
        }
        deserializer.deserialize_seq(Stubborn)
    }
}

#[test]
fn implementations_that_do_not_play_along() {
    #[derive(Deserialize)]
    struct Holder<T> {
        a: i32,
        t: T,
        z: String,
    }
    check! {
        Long => "[4096]Int(32)",
        Holder<Unwraps> => "Holder{a Int(32), t Int(32), z Text}",
        Holder<Swallows> => "Holder{a Int(32), t Int(32), z Text}",
        NeverGivesUp => "[]Text",
        Holder<Panics> => "Holder{a Int(32), t Untyped(Unanswered(\"its Deserialize panicked\")), z Text}",
        Holder<AsksNothing> => "Holder{a Int(32), t Untyped(Unanswered(\"its Deserialize asks for nothing\")), z Text}",
        Vec<AsksNothing> => "[]Untyped(Unanswered(\"its Deserialize asks for nothing\"))",
        Holder<Refuses> => "Holder{a Int(32), t Untyped(Unanswered(\"not today\")), z Text}",
        (Refuses, i32) => "(Untyped(Unanswered(\"not today\")), Untyped(Unanswered(\"not today\")))",
    }
    assert!(!Schema::of::<Holder<AsksNothing>>().is_static());
}

#[test]
fn large_types_have_an_end() {
    // Each level is two types of the next: 2^16 parts.
    #[derive(Deserialize)]
    struct Twice<const N: usize, T> {
        a: Box<T>,
        b: Vec<T>,
    }
    macro_rules! nest {
        ($($n:literal)*) => { nest!(@ i32, $($n)*) };
        (@ $inner:ty, $n:literal $($rest:literal)*) => { nest!(@ Twice<$n, $inner>, $($rest)*) };
        (@ $inner:ty,) => { $inner };
    }
    // Types that were seen are not traced again, so that this is a small one.
    assert!(Schema::of::<nest!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)>().nodes().len() < 100);
}

#[test]
fn go_names() {
    #[derive(Deserialize)]
    struct Tree(Vec<Self>);
    #[derive(Deserialize)]
    enum Color {
        Red,
    }
    macro_rules! go {
        ($($type:ty => $text:expr,)*) => {$(
            assert_eq!(Schema::of::<$type>().to_go(), $text);
        )*};
    }
    go! {
        Args => "Args",
        i64 => "int64",
        f32 => "float32",
        Option<Args> => "*Args",
        Vec<Option<Args>> => "[]*Args",
        HashMap<String, Vec<u16>> => "map[string][]uint16",
        [bool; 3] => "[3]bool",
        (i32, String) => "[]interface {}",
        Blob => "[]byte",
        Text => "string",
        Time => "time.Time",
        Complex => "complex128",
        Any => "interface {}",
        serde_json::Value => "interface {}",
        () => "struct {}",
        Color => "string",
        Result<(), ()> => "string",
        Result<i32, ()> => "interface {}",
        Tree => "[]...",
    }
}

#[test]
fn templates() {
    #[derive(Deserialize)]
    struct Tree(Vec<Self>);
    #[derive(Deserialize)]
    struct Node {
        next: Option<Box<Self>>,
        value: i8,
    }
    #[derive(Deserialize)]
    enum Shape {
        Circle { r: f64 },
    }
    macro_rules! template {
        ($($type:ty => $json:expr,)*) => {$(
            assert_eq!(Schema::of::<$type>().template().to_string(), $json);
        )*};
    }
    template! {
        Args => r#"{"A":0,"B":0}"#,
        Vec<Args> => r#"[{"A":0,"B":0}]"#,
        BTreeMap<String, bool> => r#"{"":false}"#,
        BTreeMap<u8, f32> => r#"{"0":0.0}"#,
        (i32, String, Option<bool>) => r#"[0,"",false]"#,
        [u8; 3] => "[0,0,0]",
        Time => r#""0001-01-01T00:00:00Z""#,
        Complex => "[0.0,0.0]",
        () => "null",
        Shape => r#"{"Circle":{"r":0.0}}"#,
        Tree => "[[]]",
        Node => r#"{"next":null,"value":0}"#,
        Vec<Vec<Vec<Vec<Vec<Vec<Vec<Vec<i32>>>>>>>> => "[[[[[[[]]]]]]]",
    }
}

#[test]
fn a_type_is_traced_once_and_known_by_its_key() {
    static ONE: TypeOf = TypeOf::new::<Vec<Args>>();
    let other = TypeOf::new::<Vec<i64>>();
    assert_eq!(format!("{ONE:?}"), "TypeOf(not traced yet)");
    assert!(std::ptr::eq(ONE.schema(), ONE.schema()));
    assert_eq!(format!("{ONE:?}"), "TypeOf([]Args)");
    assert_ne!(ONE.key(), other.key());
    assert_eq!(*ONE.schema(), Schema::of::<Vec<Args>>());
}
