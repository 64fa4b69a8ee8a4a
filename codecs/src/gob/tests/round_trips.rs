//! Encoded values come back, by traced types and by what values show, whole or in pieces.

use crate::{
    CallOptions, Limits,
    gob::{RequestDecoder, RequestEncoder, value_from_slice},
    schema::TypeOf,
    types::{Any, Blob, Complex, Text, Time},
};
use bytes::BytesMut;
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Leaf {
    flag: bool,
    small: i8,
    int: i64,
    uint: u64,
    single: f32,
    double: f64,
    name: String,
    raw: Text,
    blob: Blob,
    at: Time,
    complex: Complex,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Branch {
    leaf: Leaf,
    any: Any,
    leaves: Vec<Leaf>,
    array: [i32; 3],
    texts: Vec<Vec<String>>,
    by_name: BTreeMap<String, Leaf>,
    by_number: BTreeMap<i16, Vec<u32>>,
    pointer: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<i64>,
    next: Option<Box<Self>>,
}

/// Not the zero with a sign, which fields lose, nor what is equal to nothing.
fn float() -> impl Strategy<Value = f64> {
    any::<f64>().prop_map(|float| if float.is_nan() || float == 0.0 { 0.0 } else { float })
}

prop_compose! {
    fn time()(
        seconds in any::<i64>().prop_map(|seconds| seconds >> 8),
        nanos in 0..1_000_000_000u32,
        // Minus one minute is how Go says UTC.
        offset in option::of((-86_399..86_400).prop_filter("minute -1", |offset| offset / 60 != -1)),
    ) -> Time {
        let time = Time::new(seconds, nanos).unwrap();
        offset.map_or(time, |offset| time.with_offset_seconds(offset).unwrap())
    }
}

prop_compose! {
    fn leaf()(
        (flag, small, int, uint) in any::<(bool, i8, i64, u64)>(),
        (single, double, re, im) in (float(), float(), float(), float()),
        name in any::<String>(),
        (raw, blob) in any::<(Vec<u8>, Vec<u8>)>(),
        at in time(),
    ) -> Leaf {
        Leaf {
            flag,
            small,
            int,
            uint,
            single: single as f32,
            double,
            name,
            raw: Text(raw),
            blob: Blob(blob),
            at,
            complex: Complex::new(re, im),
        }
    }
}

/// Without what comes back as another kind: `Int32`, and texts that are no UTF-8.
fn anything() -> impl Strategy<Value = Any> {
    let one = prop_oneof![
        Just(Any::Null),
        any::<bool>().prop_map(Any::from),
        any::<i64>().prop_map(Any::from),
        any::<u64>().prop_map(Any::from),
        float().prop_map(Any::from),
        (float(), float()).prop_map(|(re, im)| Any::Complex(Complex::new(re, im))),
        any::<String>().prop_map(Any::from),
        any::<Vec<u8>>().prop_map(|bytes| Any::Blob(Blob(bytes))),
        time().prop_map(Any::from),
    ];
    one.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Any::List),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Any::Map(map.into_iter().map(|(key, value)| (key.into(), value)).collect())),
        ]
    })
}

prop_compose! {
    fn branch_with(next: Option<Box<Branch>>)(
        (leaf, any, array) in (leaf(), anything(), any::<[i32; 3]>()),
        leaves in vec(leaf(), 0..3),
        // Lists that show what they are lists of: elsewhere `the element type cannot be told`.
        texts in vec(vec(any::<String>(), 1..3), 0..3),
        by_name in btree_map(any::<String>(), leaf(), 0..3),
        by_number in btree_map(any::<i16>(), vec(any::<u32>(), 1..4), 0..3),
        pointer in option::of(leaf()),
        absent in option::of(1i64..),
        next in Just(next),
    ) -> Branch {
        Branch { leaf, any, leaves, array, texts, by_name, by_number, pointer, absent, next }
    }
}

fn branch() -> impl Strategy<Value = Branch> {
    branch_with(None)
        .prop_recursive(3, 4, 1, |inner| inner.prop_flat_map(|inner| branch_with(Some(Box::new(inner)))))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Several values over one connection, so that later ones go by the types of earlier ones.
    #[test]
    fn what_goes_out_comes_back(values in vec(branch(), 1..5), traced: bool, chunk in 1usize..2000) {
        let type_of = TypeOf::new::<Branch>();
        let mut encoder = RequestEncoder::new();
        let mut bytes = BytesMut::new();
        for (seq, value) in values.iter().enumerate() {
            let type_of = traced.then_some(&type_of);
            encoder.encode(seq as u64, "S.M", CallOptions::default(), value, type_of, &mut bytes).unwrap();
        }
        let mut decoder = RequestDecoder::new(Limits::default());
        let (mut buf, mut decoded) = (BytesMut::new(), Vec::new());
        for piece in bytes.chunks(chunk) {
            buf.extend_from_slice(piece);
            while let Some(request) = decoder.decode(&mut buf).unwrap() {
                prop_assert_eq!(request.seq(), decoded.len() as u64);
                decoded.push(value_from_slice::<Branch>(decoder.types(), request.args().unwrap()).unwrap());
            }
        }
        prop_assert_eq!(decoded, values);
    }

    /// In lists and maps, where all elements are of one type, even if they show different parts of it.
    #[test]
    fn elements_come_back(list in vec(branch(), 1..4), traced: bool) {
        let list: BTreeMap<usize, Vec<Branch>> = [(1, list)].into();
        let type_of = TypeOf::new::<BTreeMap<usize, Vec<Branch>>>();
        let (mut encoder, mut bytes) = (RequestEncoder::new(), BytesMut::new());
        let options = CallOptions::default();
        encoder.encode(1, "S.M", options, &list, traced.then_some(&type_of), &mut bytes).unwrap();
        let mut decoder = RequestDecoder::new(Limits::default());
        let request = decoder.decode(&mut bytes).unwrap().unwrap();
        prop_assert_eq!(value_from_slice::<BTreeMap<usize, Vec<Branch>>>(decoder.types(), request.args().unwrap()), Ok(list));
    }
}
