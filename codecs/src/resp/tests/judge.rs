//! The crate `redis-protocol` as a judge of well-formed frames. It is no judge of others: it takes what Redis refuses.

use super::support::{Random, feed, logged_in, skip};
use crate::{
    resp::{ReplyClass, ReplyEncoder, ReplyLimits, Set, Version, encode_request},
    types::{Any, Blob, Text},
};
use bytes::BytesMut;
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};
use redis_protocol::{resp2, resp3};
use std::collections::BTreeMap;

/// The strings of an array.
fn words(frame: resp2::types::OwnedFrame) -> Vec<Vec<u8>> {
    let resp2::types::OwnedFrame::Array(frames) = frame else { panic!("{frame:?}") };
    let word = |frame| match frame {
        resp2::types::OwnedFrame::BulkString(bytes) => bytes,
        frame => panic!("{frame:?}"),
    };
    frames.into_iter().map(word).collect()
}

/// A value as both versions have it, as far as they do.
fn values() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Null),
        any::<bool>().prop_map(Any::from),
        any::<i64>().prop_map(Any::from),
        any::<u64>().prop_map(Any::from),
        any::<f64>().prop_map(Any::from),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Any::Text(Text(bytes))),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Any::Blob(Blob(bytes))),
    ];
    leaf.prop_recursive(4, 64, 12, |inner| {
        let key = vec(any::<u8>(), 0..8).prop_map(Text);
        prop_oneof![
            vec(inner.clone(), 0..12).prop_map(Any::List),
            // Of equal keys the judge keeps any.
            btree_map(key, inner, 0..12).prop_map(|members| Any::Map(members.into_iter().collect())),
        ]
    })
}

fn is_resp2(frame: &resp2::types::OwnedFrame, any: &Any) -> bool {
    use resp2::types::OwnedFrame::*;
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().parse::<f64>().unwrap();
    match (frame, any) {
        (Null, Any::Null) => true,
        (Integer(number), Any::Bool(value)) => *number == i64::from(*value),
        (Integer(number), Any::Int(value)) => number == value,
        (Integer(number), Any::Uint(value)) => u64::try_from(*number) == Ok(*value),
        (BulkString(digits), Any::Uint(value)) => {
            *digits == value.to_string().as_bytes() && *value > i64::MAX as u64
        }
        (BulkString(text), Any::Float(value)) => number(text).to_bits() == value.to_bits() || value.is_nan(),
        (BulkString(bytes), Any::Text(text)) => *bytes == text.0,
        (BulkString(bytes), Any::Blob(blob)) => *bytes == blob.0,
        (Array(frames), Any::List(values)) => {
            frames.len() == values.len() && frames.iter().zip(values).all(|(frame, any)| is_resp2(frame, any))
        }
        (Array(frames), Any::Map(members)) => {
            frames.len() == 2 * members.len()
                && frames.chunks(2).zip(members).all(|(pair, (key, value))| {
                    pair[0] == BulkString(key.0.clone()) && is_resp2(&pair[1], value)
                })
        }
        _ => false,
    }
}

fn is_resp3(frame: &resp3::types::OwnedFrame, any: &Any) -> bool {
    use resp3::types::OwnedFrame::*;
    match (frame, any) {
        (Null, Any::Null) => true,
        (Boolean { data, .. }, Any::Bool(value)) => data == value,
        (Number { data, .. }, Any::Int(value)) => data == value,
        (Number { data, .. }, Any::Uint(value)) => u64::try_from(*data) == Ok(*value),
        (BigNumber { data, .. }, Any::Uint(value)) => {
            *data == value.to_string().as_bytes() && *value > i64::MAX as u64
        }
        (Double { data, .. }, Any::Float(value)) => data.to_bits() == value.to_bits() || value.is_nan(),
        (BlobString { data, .. }, Any::Text(text)) => *data == text.0,
        (BlobString { data, .. }, Any::Blob(blob)) => *data == blob.0,
        (Array { data, .. }, Any::List(values)) => {
            data.len() == values.len() && data.iter().zip(values).all(|(frame, any)| is_resp3(frame, any))
        }
        (Map { data, .. }, Any::Map(members)) => {
            let members: BTreeMap<_, _> = members.iter().map(|(key, value)| (&key.0, value)).collect();
            data.len() == members.len()
                && data.iter().all(|(key, value)| match key {
                    BlobString { data, .. } => members.get(data).is_some_and(|any| is_resp3(value, any)),
                    _ => false,
                })
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn requests_are_read_and_written_alike(
        requests in vec(vec(vec(any::<u8>(), 0..40), 1..12), 1..6),
        seed in 1u64..,
    ) {
        let mut bytes = BytesMut::new();
        requests.iter().for_each(|words| encode_request(words, &mut bytes));
        let mut rest = &bytes[..];
        for request in &requests {
            let (frame, len) = resp2::decode::decode(rest).unwrap().unwrap();
            prop_assert_eq!(&words(frame), request);
            rest = &rest[len..];
        }
        prop_assert!(rest.is_empty());
        let (mut random, mut pieces, mut rest) = (Random(seed), Vec::new(), &bytes[..]);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(random.below(rest.len() + 1));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(feed(logged_in(), pieces), (requests, Ok(0)));
    }

    #[test]
    fn replies_are_what_the_judge_reads(value in values()) {
        let mut out = BytesMut::new();
        ReplyEncoder::new(Version::Resp2).encode(&value, &mut out).unwrap();
        let (frame, len) = resp2::decode::decode(&out).unwrap().unwrap();
        prop_assert!(len == out.len() && is_resp2(&frame, &value), "{:?} for {:?}", frame, value);
        prop_assert_eq!(skip(ReplyLimits::DEFAULT, [&out[..]]), (vec![(ReplyClass::Value, len)], Ok(0)));

        out.clear();
        ReplyEncoder::new(Version::Resp3).encode(&value, &mut out).unwrap();
        let (frame, len) = resp3::decode::complete::decode(&out).unwrap().unwrap();
        prop_assert!(len == out.len() && is_resp3(&frame, &value), "{:?} for {:?}", frame, value);
        prop_assert_eq!(skip(ReplyLimits::DEFAULT, [&out[..]]), (vec![(ReplyClass::Value, len)], Ok(0)));
    }
}

#[test]
fn sets_and_errors() {
    let mut out = BytesMut::new();
    let encoder = ReplyEncoder::new(Version::Resp3);
    encoder.encode(&Set([1, 2]), &mut out).unwrap();
    let (frame, _) = resp3::decode::complete::decode(&out).unwrap().unwrap();
    assert!(matches!(frame, resp3::types::OwnedFrame::Set { data, .. } if data.len() == 2));
    out.clear();
    encoder.encode_error("ERR", "a\r\nb", &mut out);
    let (frame, len) = resp3::decode::complete::decode(&out).unwrap().unwrap();
    assert!(matches!(frame, resp3::types::OwnedFrame::SimpleError { data, .. } if data == "ERR a  b"));
    assert_eq!(len, out.len());
}
