//! `Echo`: what goes in comes out, once for every kind of value.

use rpcwrap::{
    Error, Service,
    codecs::types::{Any, Blob, Text, Time},
    with_reply_type,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Inner {
    name: Text,
    n: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Holder {
    v: Any,
}

#[derive(Serialize, Deserialize, Default)]
struct Empty {}

/// A struct with a member of every kind, and what else is asked for. On the wire the members are `I32`, …, `PIn`, …
macro_rules! all {
    ($name:ident { $($more:ident: $type:ty)? }) => {
        #[derive(Serialize, Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct $name {
            i32: i32,
            i64: i64,
            i: i64,
            u32: u32,
            u64: u64,
            u: u64,
            f: f64,
            b: bool,
            s: Text,
            by: Blob,
            t: Time,
            r#in: Inner,
            p_in: Option<Inner>,
            nil_p: Option<Inner>,
            r#if: Any,
            nil_if: Any,
            m_s: BTreeMap<Text, Text>,
            s_s: Vec<Text>,
            s_i: Vec<i64>,
            s_in: Vec<Inner>,
            e_s: Vec<Text>,
            n_s: Vec<Text>,
            e_m: BTreeMap<Text, Text>,
            n_m: BTreeMap<Text, Text>,
            e_b: Blob,
            n_b: Blob,
            $($more: $type,)?
        }
    };
}

all!(All {});
all!(AllArr { a_b: [i64; 2] });

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Small {
    x: i8,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Single {
    x: f32,
}

/// Returns its argument.
async fn same<T>(value: T) -> Result<T, Error> {
    Ok(value)
}

/// The types of the replies are stated for gob, which has to say what an empty list is a list of.
pub(crate) fn service() -> Service {
    Service::new("Echo")
        .method("All", with_reply_type(same::<All>))
        .method("Array", with_reply_type(same::<AllArr>))
        .method("String", with_reply_type(same::<Text>))
        .method("Bytes", with_reply_type(same::<Blob>))
        .method("Int", with_reply_type(same::<i64>))
        .method("Int32", with_reply_type(same::<i32>))
        .method("Int64", with_reply_type(same::<i64>))
        .method("Uint", with_reply_type(same::<u64>))
        .method("Uint32", with_reply_type(same::<u32>))
        .method("Uint64", with_reply_type(same::<u64>))
        .method("Float64", with_reply_type(same::<f64>))
        .method("Bool", with_reply_type(same::<bool>))
        .method("Time", with_reply_type(same::<Time>))
        .method("Inner", with_reply_type(same::<Inner>))
        .method("Map", with_reply_type(same::<BTreeMap<Text, Any>>))
        .method("MapStr", with_reply_type(same::<BTreeMap<Text, Text>>))
        .method("Strings", with_reply_type(same::<Vec<Text>>))
        .method("Inners", with_reply_type(same::<Vec<Inner>>))
        .method("Ints", with_reply_type(same::<Vec<i64>>))
        .method("Any", with_reply_type(same::<Any>))
        .method("Hold", with_reply_type(same::<Holder>))
        .method("Empty", with_reply_type(same::<Empty>))
        .method("Bad", |_: Empty| async { Ok(Small { x: 1 }) })
        .method("BadF32", |_: Single| async { Ok(Empty {}) })
        .method("BadKey", |_: Empty| async { Ok(BTreeMap::from([(1, "a")])) })
}
