//! The `bson` crate's types as arguments and replies, and the crate as the judge of the standard dialect.

use super::support::{binary, document, element, wrapped};
use crate::{
    Dialect,
    bson::{kind, ser, value_from_slice},
};
use bson::{
    Binary, Bson, DateTime, DbPointer, Decimal128, Document, JavaScriptCodeWithScope, RawArrayBuf, RawBson,
    RawDocumentBuf, Regex, Timestamp, Uuid, doc, oid::ObjectId, spec::BinarySubtype,
};
use bytes::BytesMut;
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt::Debug;

fn encode<T: Serialize>(value: &T, dialect: Dialect) -> Vec<u8> {
    let mut out = BytesMut::new();
    ser::to_buf(value, dialect, &mut out).unwrap();
    out.to_vec()
}

fn pointer() -> Bson {
    let members = doc! { "$dbPointer": { "$ref": "db.c", "$id": { "$oid": "53e37d08776f724e42000000" } } };
    Bson::DbPointer(bson::deserialize_from_bson::<DbPointer>(Bson::Document(members)).unwrap())
}

/// One of each kind that the crate knows and serde does not.
fn every_kind() -> Document {
    doc! {
        "oid": ObjectId::from_bytes([7; 12]),
        "date": DateTime::from_millis(1_421_305_881_123),
        "old": DateTime::from_millis(-1),
        "first": DateTime::from_millis(i64::MIN),
        "last": DateTime::from_millis(i64::MAX),
        "bytes": Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 255] },
        "uuid": Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] },
        "own": Binary { subtype: BinarySubtype::UserDefined(0x80), bytes: vec![] },
        "old_binary": Binary { subtype: BinarySubtype::BinaryOld, bytes: vec![1, 2, 3] },
        "time": Timestamp { time: 5, increment: u32::MAX },
        "decimal": "1.5E+3".parse::<Decimal128>().unwrap(),
        "regex": Regex { pattern: "a.c".to_owned().try_into().unwrap(), options: "im".to_owned().try_into().unwrap() },
        "code": Bson::JavaScriptCode("f()".into()),
        "scope": JavaScriptCodeWithScope { code: "f()".into(), scope: doc! { "x": 1, "deep": { "o": ObjectId::from_bytes([1; 12]) } } },
        "symbol": Bson::Symbol("s".into()),
        "pointer": pointer(),
        "undefined": Bson::Undefined,
        "min": Bson::MinKey,
        "max": Bson::MaxKey,
        "null": Bson::Null,
        "list": [1, 2i64, 1.5, true, { "k": [] }],
    }
}

#[test]
fn every_kind_as_the_crate_writes_it() {
    let all = every_kind();
    assert_eq!(encode(&all, Dialect::Standard), all.to_vec().unwrap());
    assert_eq!(value_from_slice::<Document>(&all.to_vec().unwrap()).unwrap(), all);
    assert_eq!(value_from_slice::<Document>(&encode(&all, Dialect::Vitess)).unwrap(), all);
    for (key, value) in all {
        let document = doc! { "_Val_": value.clone() };
        let simple = !matches!(value, Bson::Array(_) | Bson::Null);
        if simple {
            assert_eq!(encode(&value, Dialect::Standard), document.to_vec().unwrap(), "{key}");
        }
        assert_eq!(value_from_slice::<Bson>(&document.to_vec().unwrap()).unwrap(), value, "{key}");
    }
}

#[test]
fn each_type_of_its_own() {
    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, kind: u8) {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Holder<T> {
            value: T,
            maybe: Option<T>,
        }
        for dialect in [Dialect::Vitess, Dialect::Standard] {
            let body = encode(value, dialect);
            assert_eq!((body[4], &body[5..11]), (kind, &b"_Val_\0"[..]));
            let back: T = value_from_slice(&body).unwrap();
            assert_eq!(&back, value);
            let holder = Holder { value: back, maybe: None };
            assert_eq!(value_from_slice::<Holder<T>>(&encode(&holder, dialect)).unwrap(), holder);
        }
    }
    check(&ObjectId::from_bytes([7; 12]), kind::OBJECT_ID);
    check(&DateTime::from_millis(-1500), kind::DATETIME);
    check(&DateTime::MAX, kind::DATETIME);
    check(&Binary { subtype: BinarySubtype::Generic, bytes: vec![1] }, kind::BINARY);
    check(&Binary { subtype: BinarySubtype::Md5, bytes: vec![1] }, kind::BINARY);
    check(&Uuid::from_bytes([9; 16]), kind::BINARY);
    check(&Timestamp { time: 1, increment: 2 }, kind::TIMESTAMP);
    check(&"0.1".parse::<Decimal128>().unwrap(), kind::DECIMAL128);
    let regex =
        Regex { pattern: "p".to_owned().try_into().unwrap(), options: "i".to_owned().try_into().unwrap() };
    check(&regex, kind::REGEX);
    let scope = JavaScriptCodeWithScope { code: "c".into(), scope: doc! { "k": 1 } };
    check(&scope, kind::CODE_WITH_SCOPE);
}

#[test]
fn raw_documents() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        raw: RawDocumentBuf,
        value: RawBson,
    }
    let mut all = every_kind();
    // The crate itself loses the inner length of this one when it rebuilds raw documents.
    all.remove("old_binary");
    let raw = RawDocumentBuf::try_from(&all).unwrap();
    for dialect in [Dialect::Vitess, Dialect::Standard] {
        assert_eq!(encode(&raw, dialect), raw.as_bytes());
        let holder = Holder { raw: raw.clone(), value: RawBson::Document(raw.clone()) };
        assert_eq!(value_from_slice::<Holder>(&encode(&holder, dialect)).unwrap(), holder);
    }
    assert_eq!(value_from_slice::<RawDocumentBuf>(&all.to_vec().unwrap()).unwrap(), raw);
    let list = RawArrayBuf::from_iter([1i32, 2]);
    assert_eq!(value_from_slice::<RawArrayBuf>(&encode(&list, Dialect::Vitess)).unwrap(), list);
    assert_eq!(encode(&[&list], Dialect::Standard), document(&[element(kind::ARRAY, "0", list.as_bytes())]));
    for (_, value) in all {
        let body = doc! { "raw": {}, "value": value.clone() }.to_vec().unwrap();
        let holder: Holder = value_from_slice(&body).unwrap();
        assert_eq!(Bson::try_from(holder.value).unwrap(), value);
    }
}

#[test]
fn vitess_kinds_in_the_crates_types() {
    let body = document(&[
        element(kind::UINT64, "small", &5u64.to_le_bytes()),
        element(kind::UINT64, "large", &(1u64 << 40).to_le_bytes()),
        element(kind::BINARY, "text", &binary(b"x")),
    ]);
    let bytes = Binary { subtype: BinarySubtype::Generic, bytes: b"x".to_vec() };
    assert_eq!(
        value_from_slice::<Document>(&body).unwrap(),
        doc! { "small": 5, "large": 1i64 << 40, "text": bytes }
    );
    assert!(value_from_slice::<Bson>(&wrapped(kind::UINT64, &[0xFF; 8])).is_err());
    assert_eq!(
        value_from_slice::<Bson>(&wrapped(0x44, &[])).unwrap_err().text(),
        "unexpected kind 68 for interface{}"
    );
}

fn bson() -> impl Strategy<Value = Bson> {
    let leaf = prop_oneof![
        any::<f64>().prop_filter("NaN is not itself", |value| !value.is_nan()).prop_map(Bson::Double),
        any::<i32>().prop_map(Bson::Int32),
        any::<i64>().prop_map(Bson::Int64),
        any::<bool>().prop_map(Bson::Boolean),
        ".*".prop_map(Bson::String),
        any::<[u8; 12]>().prop_map(|bytes| Bson::ObjectId(ObjectId::from_bytes(bytes))),
        any::<i64>().prop_map(|millis| Bson::DateTime(DateTime::from_millis(millis))),
        (any::<u32>(), any::<u32>())
            .prop_map(|(time, increment)| Bson::Timestamp(Timestamp { time, increment })),
        (any::<u8>(), any::<Vec<u8>>())
            .prop_map(|(subtype, bytes)| Bson::Binary(Binary { subtype: subtype.into(), bytes })),
        any::<[u8; 16]>().prop_map(|bytes| Bson::Decimal128(Decimal128::from_bytes(bytes))),
        Just(Bson::Null),
        Just(Bson::MinKey),
        Just(Bson::MaxKey),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Bson::Array),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|members| Bson::Document(members.into_iter().collect())),
        ]
    })
}

/// Keys with `$` are the crate's own, `_Val_` is Go's.
fn key() -> impl Strategy<Value = String> {
    "[^$\0]{0,12}".prop_filter("a key of Go's", |key| key != "_Val_")
}

fn random_document() -> impl Strategy<Value = Document> {
    prop::collection::vec((key(), bson()), 0..8).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn the_crate_agrees(document in random_document()) {
        let bytes = document.to_vec().unwrap();
        prop_assert_eq!(&encode(&document, Dialect::Standard), &bytes);
        prop_assert_eq!(&value_from_slice::<Document>(&bytes).unwrap(), &document);
    }

    #[test]
    fn bytes_at_random_are_no_danger(bytes in any::<Vec<u8>>()) {
        let _ = value_from_slice::<Document>(&bytes);
        let _ = value_from_slice::<RawDocumentBuf>(&bytes);
    }
}
