//! The types of tests/interop/go/gobtypes: field by field what Go has there, by serde's derive alone.

use rpcwrap::codecs::types::{BinaryMarshaled, Blob, Complex, GobEncoded, Text, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! types {
    ($($(#[$attribute:meta])* struct $name:ident { $($(#[$of_field:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$attribute])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $name {
            $($(#[$of_field])* pub $field: $type,)*
        }
    )*};
}

types! {
    struct Args {
        a: i64,
        b: i64,
    }

    struct Quotient {
        quo: i64,
        rem: i64,
    }

    struct Empty {}

    #[derive(Copy, Eq, PartialOrd, Ord)]
    struct Point {
        x: i64,
        y: i64,
    }

    struct Inner {
        name: String,
        n: i64,
    }

    struct Scalars {
        i: i64,
        i8: i8,
        i16: i16,
        i32: i32,
        i64: i64,
        u: u64,
        u8: u8,
        u16: u16,
        u32: u32,
        u64: u64,
        f32: f32,
        f64: f64,
        c64: Complex,
        c128: Complex,
        b: bool,
        s: Text,
        by: Blob,
    }

    struct Lists {
        ints: Vec<i64>,
        small: Vec<i8>,
        words: Vec<u16>,
        floats: Vec<f64>,
        bools: Vec<bool>,
        strings: Vec<Text>,
        bytes: Vec<Blob>,
        points: Vec<Point>,
        grid: Vec<Vec<Point>>,
        maps: Vec<BTreeMap<String, i64>>,
        options: Vec<Option<Inner>>,
    }

    struct Arrays {
        ints: [i64; 3],
        bytes: [u8; 4],
        strings: [String; 2],
        points: [Point; 2],
        grid: [[f64; 2]; 2],
    }

    struct Maps {
        string_int: BTreeMap<Text, i64>,
        int_string: BTreeMap<i64, String>,
        string_inner: BTreeMap<String, Inner>,
        int_point: BTreeMap<i64, Point>,
        string_strings: BTreeMap<String, Vec<String>>,
        map_map: BTreeMap<String, BTreeMap<String, i64>>,
        bool_float: BTreeMap<bool, f64>,
        byte_string: BTreeMap<u8, String>,
        point_string: BTreeMap<Point, String>,
        pair_string: BTreeMap<[i64; 2], String>,
        string_pointer: BTreeMap<String, Option<Inner>>,
    }

    struct Nested {
        name: String,
        r#in: Inner,
        ptr: Option<Inner>,
        list: Vec<Inner>,
        map: BTreeMap<String, Inner>,
        empty: Empty,
        deep: Deep,
    }

    struct Deep {
        a: Deeper,
    }

    struct Deeper {
        b: Deepest,
    }

    struct Deepest {
        c: i64,
    }

    struct Pointers {
        i: Option<i64>,
        u: Option<u8>,
        f: Option<f64>,
        b: Option<bool>,
        s: Option<String>,
        by: Option<Blob>,
        r#in: Option<Inner>,
        l: Option<Vec<i64>>,
        m: Option<BTreeMap<String, i64>>,
    }

    struct Base {
        #[serde(rename = "ID")]
        id: i64,
        kind: String,
    }

    struct Embedded {
        base: Base,
        inner: Option<Inner>,
        extra: String,
    }

    struct Node {
        value: i64,
        next: Option<Box<Node>>,
    }

    struct Tree {
        value: i64,
        children: Vec<Tree>,
    }

    struct Dir {
        files: Vec<String>,
        sub: BTreeMap<String, Dir>,
    }

    struct Ping {
        n: i64,
        pong: Option<Box<Pong>>,
    }

    struct Pong {
        s: String,
        ping: Option<Box<Ping>>,
    }

    struct Shape {
        nodes: i64,
        depth: i64,
        total: i64,
    }

    struct Named {
        level: i64,
        label: String,
        flags: u8,
        ratio: f64,
        yes: bool,
        labels: Vec<String>,
        raw: Blob,
        table: BTreeMap<String, i64>,
        pair: [i64; 2],
        duration: i64,
        weekday: i64,
    }

    struct Times {
        at: Time,
        ptr: Option<Time>,
        list: Vec<Time>,
        map: BTreeMap<String, Time>,
    }

    #[derive(Copy, Eq)]
    struct Moment {
        seconds: i64,
        nanos: i64,
        offset: i64,
    }

    struct Color {
        r: u8,
        g: u8,
        b: u8,
    }

    struct Opaques {
        celsius: GobEncoded,
        version: BinaryMarshaled,
        ptr: Option<BinaryMarshaled>,
        list: Vec<GobEncoded>,
        map: BTreeMap<String, BinaryMarshaled>,
        color: Color,
        int: Option<GobEncoded>,
        addr: BinaryMarshaled,
        location: BinaryMarshaled,
    }

    struct Record {
        #[serde(rename = "ID")]
        id: i64,
        name: String,
        tags: Vec<String>,
        scores: BTreeMap<String, f64>,
        inner: Inner,
        ptr: Option<Inner>,
        count: u64,
    }

    struct Narrow {
        i8: i8,
        i16: i16,
        u8: u8,
        u32: u32,
        f32: f32,
    }

    #[derive(Copy)]
    struct CountArgs {
        n: i64,
        error_at: i64,
        bad_at: i64,
    }

    #[derive(Copy)]
    struct CountReply {
        c: i64,
        index: i64,
    }

    struct Meeting {
        key: String,
        calls: i64,
    }
}

/// Lists all the way down.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rose(pub Vec<Self>);

impl Tree {
    /// A tree of that depth, with children numbered from 1 and each node's number as its value.
    #[must_use]
    pub fn of_depth(depth: i64, value: i64) -> Self {
        let child = |i| Self::of_depth(depth - 1, 2 * value + i);
        Self { value, children: if depth > 1 { vec![child(1), child(2)] } else { Vec::new() } }
    }

    /// Counts.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let own = Shape { nodes: 1, depth: 1, total: self.value };
        self.children.iter().map(Self::shape).fold(own, |sum, child| Shape {
            nodes: sum.nodes + child.nodes,
            depth: sum.depth.max(child.depth + 1),
            total: sum.total + child.total,
        })
    }
}

impl Node {
    /// A list of `n` nodes, `n` first.
    #[must_use]
    pub fn list(n: i64) -> Self {
        let list = (1..=n).fold(None, |next, value| Some(Box::new(Self { value, next })));
        list.map_or_else(Self::default, |first| *first)
    }
}
