//! What clients send to Redis and what it answers: read in full, and written alike.

use super::support::{before_login, feed, in_every_way, logged_in, skip, skip_in_every_way};
use crate::{
    resp::{
        ReplyClass, ReplyEncoder, ReplyLimits, RequestDecoder, RequestError, Set, Status, Verbatim, Version,
        encode_request,
    },
    types::Any,
};
use bytes::BytesMut;
use redis_protocol::{resp2, resp3};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
pub(super) struct Exchange {
    pub(super) name: String,
    #[serde(deserialize_with = "hex")]
    pub(super) requests: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    pub(super) replies: Vec<u8>,
    note: String,
}

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).map_err(D::Error::custom);
    text.as_bytes().chunks(2).map(byte).collect()
}

pub(super) fn exchanges() -> Vec<Exchange> {
    serde_json::from_str(include_str!("../../../testdata/resp/exchanges.json")).unwrap()
}

impl Exchange {
    fn decoder(&self) -> fn() -> RequestDecoder {
        if self.name.starts_with("login_") { before_login } else { logged_in }
    }
}

/// Where the server closed, it was for an error that we have too, in the same words.
#[test]
fn every_request_is_read_and_every_refusal_said() {
    let (mut seen, mut refused) = (0, 0);
    for exchange in exchanges() {
        let Exchange { name, requests, replies, note } = &exchange;
        let (all, end) = match requests.len() {
            0..2000 => in_every_way(exchange.decoder(), requests),
            _ => feed(exchange.decoder()(), [&requests[..]]),
        };
        seen += all.len();
        assert_eq!(end.is_err(), note.contains("the server closed"), "{name}: {end:?}");
        let answers = skip(ReplyLimits::DEFAULT, [&replies[..]]).0;
        let answered = answers.iter().filter(|(class, _)| *class != ReplyClass::Push).count();
        match end {
            // Redis takes back what it had said.
            Err(RequestError::Http) => assert!(replies.is_empty(), "{name}"),
            Err(error) => {
                let mut out = BytesMut::new();
                error.write(&mut out);
                assert!(replies.ends_with(&out), "{name}: {error}, not {}", replies.escape_ascii());
                assert_eq!(answered, all.len() + 1, "{name}");
                refused += 1;
            }
            Ok(left) => assert_eq!((left, answered), (0, all.len()), "{name}"),
        }
    }
    assert!(seen >= 150 && refused >= 20, "{seen} {refused}");
}

#[test]
fn arrays_are_written_as_clients_write_them() {
    let mut seen = 0;
    for exchange in exchanges().iter().filter(|exchange| exchange.requests.starts_with(b"*")) {
        let (all, end) = feed(exchange.decoder()(), [&exchange.requests[..]]);
        if end.is_ok() && exchange.requests.iter().filter(|byte| **byte == b'*').count() == all.len() {
            let mut out = BytesMut::new();
            all.iter().for_each(|words| encode_request(words, &mut out));
            assert_eq!(out, exchange.requests, "{}", exchange.name);
            seen += 1;
        }
    }
    assert!(seen >= 25, "{seen}");
}

#[test]
fn lines_are_split_as_redis_splits_them() {
    let exchanges = exchanges();
    let lines = exchanges.iter().filter(|exchange| exchange.name.starts_with("words_"));
    let mut seen = 0;
    for Exchange { name, requests, replies, .. } in lines {
        let (all, _) = feed(logged_in(), [&requests[..]]);
        // EVAL, its script and a number come before them.
        let mut out = BytesMut::new();
        encode_request(&all[0][3..], &mut out);
        assert_eq!(out, replies, "{name}");
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn every_reply_is_cut_where_the_judge_cuts_it() {
    let mut seen = 0;
    for Exchange { name, replies, .. } in exchanges() {
        let (all, end) = match replies.len() {
            0..2000 => skip_in_every_way(ReplyLimits::DEFAULT, &replies),
            _ => skip(ReplyLimits::DEFAULT, [&replies[..]]),
        };
        assert_eq!(end, Ok(0), "{name}");
        let mut rest = &replies[..];
        for (class, len) in all {
            // Its RESP3 does not know the nulls of RESP2, which are well-formed in both.
            let (wanted, judged) = match resp2::decode::decode(rest) {
                Ok(Some((resp2::types::OwnedFrame::Error(_), len))) => (ReplyClass::Error, len),
                Ok(Some((_, len))) => (ReplyClass::Value, len),
                _ => match resp3::decode::complete::decode(rest).unwrap().unwrap() {
                    (resp3::types::OwnedFrame::Push { .. }, len) => (ReplyClass::Push, len),
                    (_, len) => (ReplyClass::Value, len),
                },
            };
            assert_eq!((class, len), (wanted, judged), "{name}");
            rest = &rest[len..];
            seen += 1;
        }
    }
    assert!(seen >= 200, "{seen}");
}

/// What `HELLO` answers.
#[derive(Serialize)]
struct Hello {
    server: &'static str,
    version: &'static str,
    proto: u64,
    id: u64,
    mode: &'static str,
    role: &'static str,
    modules: [(); 0],
}

#[test]
fn values_are_written_as_redis_writes_them() {
    let exchanges = exchanges();
    // Behind the answer to HELLO, which has its own number for each connection.
    let recorded = |name: &str, version: Version| {
        let name = format!("type{}_{name}", version.number());
        let replies = &exchanges.iter().find(|exchange| exchange.name == name).unwrap().replies;
        if version == Version::Resp2 {
            return replies.clone();
        }
        let (all, _) = skip(ReplyLimits::DEFAULT, [&replies[..]]);
        let (hello, value) = replies.split_at(all[0].1);
        let digits: Vec<u8> = hello.split(|byte| *byte == b':').nth(2).unwrap().to_vec();
        let id = digits.iter().take_while(|byte| byte.is_ascii_digit());
        let wanted = Hello {
            server: "redis",
            version: "7.0.15",
            proto: 3,
            id: id.fold(0, |id, digit| id * 10 + u64::from(digit - b'0')),
            mode: "standalone",
            role: "master",
            modules: [],
        };
        let mut out = BytesMut::new();
        ReplyEncoder::new(version).encode(&wanted, &mut out).unwrap();
        assert_eq!(out, hello);
        value.to_vec()
    };
    let booleans = BTreeMap::from([(0, false), (1, true), (2, false)]);
    let values: [(&str, &dyn erased_serde::Serialize); 10] = [
        ("string", &"Hello World"),
        ("integer", &12_345),
        ("double", &(3141.0 / 1000.0)),
        ("null", &Any::Null),
        ("array", &[0, 1, 2]),
        ("set", &Set([0, 1, 2])),
        ("map", &booleans),
        ("verbatim", &Verbatim("This is a verbatim\nstring")),
        ("true", &true),
        ("false", &false),
    ];
    for version in [Version::Resp2, Version::Resp3] {
        let encoder = ReplyEncoder::new(version);
        let mut out = BytesMut::new();
        for (name, value) in values {
            out.clear();
            encoder.encode(value, &mut out).unwrap();
            assert_eq!(out, recorded(name, version), "{name} {version:?}");
        }
        out.clear();
        encoder.encode(&1_234_567_999_999_999_999_999_999_999_999_999_999u128, &mut out).unwrap();
        assert_eq!(out, recorded("bignum", version));
    }
    let replies = |name: &str| &exchanges.iter().find(|exchange| exchange.name == name).unwrap().replies;
    let mut out = BytesMut::new();
    let encoder = ReplyEncoder::default();
    encoder.encode(&Status("PONG"), &mut out).unwrap();
    assert_eq!(out, replies("cli_ping"));
    out.clear();
    encoder.encode_error("NOAUTH", "Authentication required.", &mut out);
    assert_eq!(out, replies("login_noauth"));
    out.clear();
    encoder.encode(&None::<()>, &mut out).unwrap();
    assert_eq!(out, replies("cli_nil"));
}
