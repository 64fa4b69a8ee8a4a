//! Types of every shape a value can be decoded into.
#![allow(dead_code, reason = "their fields are never read")]

use codecs::{
    ValueError, bson, gob, json, msgpack,
    schema::Schema,
    text::TextArgs,
    types::{Any, Blob, Complex, Text, Time},
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use std::collections::HashMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Deserialize)]
enum Color {
    Red,
    Green,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    val: Option<i64>,
    next: Option<Box<Node>>,
    kids: Vec<Node>,
    name: Text,
    n: u8,
    a: (i8, f32),
    v: Vec<Any>,
    m: HashMap<String, Node>,
    raw: Blob,
    c: Complex,
    t: Time,
    color: Option<Color>,
}

#[derive(Deserialize)]
struct Flat {
    #[serde(rename = "A")]
    a: i64,
    #[serde(flatten)]
    rest: HashMap<String, Any>,
}

macro_rules! shapes {
    ($name:ident, ($($arg:ident: $type:ty),*), $decode:path) => {
        /// Decodes a value into everything.
        pub fn $name($($arg: $type),*) {
            let _ = $decode($($arg),*).map(|_: Any| ());
            let _ = $decode($($arg),*).map(|_: serde_json::Value| ());
            let _ = $decode($($arg),*).map(|_: IgnoredAny| ());
            let _ = $decode($($arg),*).map(|_: Args| ());
            let _ = $decode($($arg),*).map(|_: Node| ());
            let _ = $decode($($arg),*).map(|_: Vec<Node>| ());
            let _ = $decode($($arg),*).map(|_: Flat| ());
            let _ = $decode($($arg),*).map(|_: HashMap<i64, Vec<String>>| ());
            let _ = $decode($($arg),*).map(|_: Blob| ());
            let _ = $decode($($arg),*).map(|_: Option<Time>| ());
            let _ = $decode($($arg),*).map(|_: [Complex; 2]| ());
            let _ = $decode($($arg),*).map(|_: Color| ());
        }
    };
}

shapes!(gob, (types: &gob::Types, value: &[u8]), gob::value_from_slice);
shapes!(json, (value: &[u8]), json::value_from_slice);
shapes!(bson, (value: &[u8]), bson::value_from_slice);
shapes!(msgpack, (value: &[u8]), msgpack::value_from_slice);
shapes!(text, (args: TextArgs<'_>), text_args);

/// With the names the type has; without them the names are those serde knows.
fn text_args<T: DeserializeOwned>(args: TextArgs<'_>) -> Result<T, ValueError> {
    let _ = args.decode::<T>(None);
    args.decode(Some(&Schema::of::<T>()))
}
