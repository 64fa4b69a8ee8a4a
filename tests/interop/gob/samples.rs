//! A value of each type, with something in every part of it.

use rpcwrap::codecs::types::{BinaryMarshaled, Blob, Complex, GobEncoded, Text, Time};
use rpcwrap_tests::gob_services::{
    interfaces::{Circle, Registered, Square, Value},
    types::{
        Arrays, Base, Color, Deep, Deeper, Deepest, Dir, Embedded, Empty, Inner, Lists, Maps, Named, Nested,
        Opaques, Ping, Point, Pointers, Pong, Rose, Scalars, Times,
    },
};
use std::collections::BTreeMap;

pub(super) fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}

pub(super) fn map<K, V, const N: usize>(entries: [(&'static str, V); N]) -> BTreeMap<K, V>
where
    K: Ord + From<&'static str>,
{
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

pub(super) fn all_bytes() -> Blob {
    Blob((0..=255).collect())
}

pub(super) fn inner(name: &str, n: i64) -> Inner {
    Inner { name: name.to_owned(), n }
}

/// Utc, east by half hours, west, and with seconds.
pub(super) fn some_times() -> [Time; 5] {
    let utc = Time::new(1_421_325_045, 123_456_789).unwrap();
    let at = |offset| utc.with_offset_seconds(offset).unwrap();
    [utc, at(19_800), at(-28_800), at(1172), Time::default()]
}

pub(super) fn scalars() -> Scalars {
    Scalars {
        i: i64::MIN,
        i8: i8::MIN,
        i16: i16::MIN,
        i32: i32::MIN,
        i64: i64::MIN,
        u: u64::MAX,
        u8: u8::MAX,
        u16: u16::MAX,
        u32: u32::MAX,
        u64: u64::MAX,
        f32: f32::MAX,
        f64: f64::NEG_INFINITY,
        c64: Complex::new(0.0, -1.0),
        c128: Complex::new(f64::INFINITY, 2.0),
        b: true,
        s: Text(b"\xff".to_vec()),
        by: all_bytes(),
    }
}

pub(super) fn lists() -> Lists {
    Lists {
        ints: vec![0],
        small: vec![-1],
        words: vec![60_000],
        floats: vec![0.5],
        bools: vec![false],
        strings: vec![Text::default()],
        bytes: vec![Blob::default(), Blob::from(b"\x01")],
        points: vec![Point::default()],
        grid: vec![vec![], vec![Point { x: 1, y: 0 }]],
        maps: vec![map([("a", 0)])],
        options: vec![Some(Inner::default()), Some(inner("x", 0))],
    }
}

pub(super) fn arrays() -> Arrays {
    Arrays {
        ints: [1, 0, -1],
        bytes: [0, 255, 128, 1],
        strings: [String::new(), "b".to_owned()],
        points: [Point::default(), Point { x: 1, y: 0 }],
        grid: [[0.5, 0.25], [0.0, 0.0]],
    }
}

pub(super) fn maps() -> Maps {
    Maps {
        string_int: map([("a", 1)]),
        int_string: [(-7, "n".to_owned())].into(),
        string_inner: map([("x", inner("", 1))]),
        int_point: [(1 << 40, Point { x: 0, y: 2 })].into(),
        string_strings: map([("none", vec![]), ("two", texts(["", "b"]))]),
        map_map: map([("outer", map([("inner", 1)]))]),
        bool_float: [(true, 0.5), (false, 0.0)].into(),
        byte_string: [(0, String::new()), (255, "last".to_owned())].into(),
        point_string: [(Point { x: 1, y: 0 }, "x".to_owned())].into(),
        pair_string: [([0, 0], "zero".to_owned()), ([1, -1], "one".to_owned())].into(),
        string_pointer: map([("a", Some(inner("pointed", 0)))]),
    }
}

pub(super) fn nested() -> Nested {
    Nested {
        name: "outer".to_owned(),
        r#in: inner("", 1),
        ptr: Some(inner("p", 0)),
        list: vec![Inner::default(), inner("l", 0)],
        map: map([("m", Inner::default())]),
        empty: Empty {},
        deep: Deep { a: Deeper { b: Deepest { c: -3 } } },
    }
}

pub(super) fn pointers() -> Pointers {
    Pointers {
        i: Some(5),
        u: Some(255),
        f: Some(0.5),
        b: Some(true),
        s: Some("q".to_owned()),
        by: Some(Blob::from(b"\x01")),
        r#in: Some(Inner::default()),
        l: Some(vec![0]),
        m: Some(map([("a", 0)])),
    }
}

pub(super) fn embedded() -> Embedded {
    let base = Base { id: 1, kind: "k".to_owned() };
    Embedded { base, inner: Some(inner("i", 0)), extra: "e".to_owned() }
}

pub(super) fn dir() -> Dir {
    let deeper = Dir { files: texts([""]), ..Dir::default() };
    let deep = Dir { sub: map([("deeper", deeper)]), ..Dir::default() };
    Dir { files: texts(["a"]), sub: map([("empty", Dir::default()), ("deep", deep)]) }
}

pub(super) fn rose() -> Rose {
    Rose(vec![Rose(vec![]), Rose(vec![Rose(vec![])])])
}

pub(super) fn ping() -> Ping {
    let last = Ping { n: 2, pong: Some(Box::default()) };
    Ping { n: 1, pong: Some(Box::new(Pong { s: "s".to_owned(), ping: Some(Box::new(last)) })) }
}

pub(super) fn named() -> Named {
    Named {
        level: -1,
        label: "l".to_owned(),
        flags: 255,
        ratio: 0.5,
        yes: true,
        labels: texts(["x"]),
        raw: Blob::from(b"\0"),
        table: map([("t", 2)]),
        pair: [0, 1],
        duration: -3_600_000_000_000,
        weekday: 5,
    }
}

pub(super) fn times() -> Times {
    let [utc, half_hour, west, seconds, zero] = some_times();
    Times {
        at: utc,
        ptr: Some(west),
        list: vec![zero, half_hour, seconds],
        map: map([("a", utc), ("zero", zero)]),
    }
}

pub(super) fn opaques() -> Opaques {
    Opaques {
        celsius: GobEncoded(vec![0, 215]),
        version: BinaryMarshaled(b"V\x01\x02".to_vec()),
        ptr: Some(BinaryMarshaled(b"V\x03\x04".to_vec())),
        list: vec![GobEncoded(vec![0, 0]), GobEncoded(vec![0xff, 0xfb])],
        map: map([("v", BinaryMarshaled(b"V\0\0".to_vec()))]),
        color: Color { r: 255, g: 0, b: 0 },
        int: Some(GobEncoded(vec![3, 64, 0])),
        addr: BinaryMarshaled(vec![127, 0, 0, 1]),
        location: BinaryMarshaled(b"https://example.org/a%20b".to_vec()),
    }
}

/// A value of each type that an interface of the Go programs can hold.
pub(super) fn held() -> Vec<Value> {
    let registered = Registered {
        name: "outer".to_owned(),
        ints: vec![0, 1],
        inner: Some(inner("", 1)),
        any: Some(Box::new(Value::Square(Square { side: 1 }))),
    };
    vec![
        Value::Int(-1),
        Value::Int8(-1),
        Value::Int16(2),
        Value::Int32(3),
        Value::Int64(i64::MIN),
        Value::Uint(0),
        Value::Uint8(255),
        Value::Uint16(1),
        Value::Uint32(2),
        Value::Uint64(u64::MAX),
        Value::Float32(1.5),
        Value::Float64(f64::INFINITY),
        Value::Complex64(Complex::new(0.0, -1.0)),
        Value::Complex128(Complex::new(1.0, 2.0)),
        Value::Bool(true),
        Value::String(Text(b"\xff".to_vec())),
        Value::Bytes(all_bytes()),
        Value::Time(some_times()[1]),
        Value::List(vec![Some(Value::Int(1)), Some(Value::String("two".into())), None]),
        Value::Map(map([
            ("a", Some(Value::Int(1))),
            ("b", Some(Value::List(vec![Some(Value::Bool(false))]))),
        ])),
        Value::List(vec![]),
        Value::Map(BTreeMap::new()),
        Value::Strings(vec![]),
        Value::StringInts(BTreeMap::new()),
        Value::Strings(texts(["a", ""])),
        Value::StringInts(map([("a", 0)])),
        Value::Pair([0, 1]),
        Value::Level(3),
        Value::Labels(texts(["a"])),
        Value::Square(Square { side: 2 }),
        Value::Circle(Circle::default()),
        Value::Celsius(GobEncoded(vec![0, 215])),
        Value::Registered(registered),
    ]
}
