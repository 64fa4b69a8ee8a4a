//! `Echo`: what goes in comes out, once for every kind of value.

use rpcwrap::{
    Service,
    codecs::types::{Any, Blob, Text, Time},
    with_reply_type,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
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

/// A method that returns its argument; its type is stated for gob, which has to say what an empty list is a list of.
fn same<T: Serialize + DeserializeOwned + Send + 'static>(service: Service, name: &str) -> Service {
    service.method(name, with_reply_type(|value: T| async move { Ok(value) }))
}

pub(crate) fn service() -> Service {
    type Add = fn(Service, &str) -> Service;
    let named: &[(&str, Add)] = &[
        ("All", same::<All>),
        ("Array", same::<AllArr>),
        ("String", same::<Text>),
        ("Bytes", same::<Blob>),
        ("Int", same::<i64>),
        ("Int32", same::<i32>),
        ("Int64", same::<i64>),
        ("Uint", same::<u64>),
        ("Uint32", same::<u32>),
        ("Uint64", same::<u64>),
        ("Float64", same::<f64>),
        ("Bool", same::<bool>),
        ("Time", same::<Time>),
        ("Inner", same::<Inner>),
        ("Map", same::<BTreeMap<Text, Any>>),
        ("MapStr", same::<BTreeMap<Text, Text>>),
        ("Strings", same::<Vec<Text>>),
        ("Inners", same::<Vec<Inner>>),
        ("Ints", same::<Vec<i64>>),
        ("Any", same::<Any>),
        ("Hold", same::<Holder>),
        ("Empty", same::<Empty>),
    ];
    named
        .iter()
        .fold(Service::new("Echo"), |service, (name, add)| add(service, name))
        .method("Bad", |_: Empty| async { Ok(Small { x: 1 }) })
        .method("BadF32", |_: Single| async { Ok(Empty {}) })
        .method("BadKey", |_: Empty| async { Ok(BTreeMap::from([(1, "a")])) })
}
