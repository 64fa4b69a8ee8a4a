//! Bytes of ill will: nothing panics, nothing is allocated for what has not arrived, nothing is walked over twice.

use super::support::{header, map, text};
use crate::{
    DecodeError, Limits,
    msgpack::{ReplyDecoder, RequestDecoder, value_from_slice},
    types::{Any, Text, Time},
};
use bytes::BytesMut;
use serde::{Deserialize, de::IgnoredAny};
use std::collections::BTreeMap;

/// A fixed sequence of numbers (SplitMix64), so that a failure comes back.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % below as u64) as usize
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "only decoded")]
struct Tree {
    name: String,
    when: Time,
    inner: Vec<Self>,
    other: BTreeMap<Text, Option<Box<Self>>>,
}

/// Decodes as a server and as a client would, and every body into types that take anything.
fn decode(bytes: &[u8]) {
    let mut buf = BytesMut::from(bytes);
    let mut decoder = RequestDecoder::new(Limits::default());
    while let Ok(Some(request)) = decoder.decode_eof(&mut buf) {
        if let Ok(body) = request.args() {
            let _ = value_from_slice::<Any>(body);
            let _ = value_from_slice::<serde_json::Value>(body);
            let _ = value_from_slice::<Tree>(body);
            let _ = value_from_slice::<Vec<(String, Option<u32>)>>(body);
        }
    }
    let mut buf = BytesMut::from(bytes);
    let mut decoder = ReplyDecoder::new(Limits::default());
    while let Ok(Some(reply)) = decoder.decode(&mut buf) {
        let _ = value_from_slice::<IgnoredAny>(reply.body());
    }
}

#[test]
fn mutated_messages_do_no_harm() {
    let inner = map(&[("Name", &text("x")), ("When", b"\xD6\xFF\x54\xB7\x68\x19"), ("Inner", b"\x90")]);
    let tree = map(&[
        ("Name", &text("root")),
        ("Inner", &[&b"\x92"[..], &inner, b"\xC0"].concat()),
        ("Other", &[&b"\xDE\0\x02"[..], &text("a"), &inner, b"\xC4\x01b\xC0"].concat()),
    ]);
    let reply = map(&[("Error", &text("no")), ("Seq", &[7]), ("Data", b"\x93\x01\xFF\xA1x")]);
    let messages = [
        [header("A.B", 7), tree.clone()].concat(),
        [header("A.B", 7), b"\x92\xA1x\x05\xCB\x3F\xF8\0\0\0\0\0\0".to_vec()].concat(),
        [b"\x92\xA3A.B\x07".to_vec(), tree.clone(), header("A.B", 8), tree].concat(),
        [reply, b"\xC7\x0C\xFF\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()].concat(),
    ];
    let markers =
        [0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xC4, 0xC7, 0xCA, 0xCB, 0xCC, 0xD3, 0xD4, 0xD8, 0xDB, 0xDD, 0xDF];
    let mut numbers = Numbers(1);
    for _ in 0..100_000 {
        let mut bytes = messages[numbers.next(messages.len())].clone();
        for _ in 0..=numbers.next(4) {
            let at = numbers.next(bytes.len());
            match numbers.next(4) {
                0 => bytes[at] = numbers.next(256) as u8,
                1 => bytes[at] = markers[numbers.next(markers.len())] | numbers.next(4) as u8,
                2 => bytes[at] ^= 1 << numbers.next(8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        decode(&bytes);
    }
}

#[test]
fn a_million_levels_do_not_touch_the_stack() {
    let deep = vec![0x91; 1_000_000];
    assert!(value_from_slice::<Any>(&deep).unwrap_err().is_fatal());
    assert!(value_from_slice::<serde_json::Value>(&deep).unwrap_err().is_fatal());
    let maps: Vec<u8> = b"\x81\xA5Inner\x91".repeat(200_000);
    assert!(value_from_slice::<Tree>(&maps).unwrap_err().is_fatal());
    assert_eq!(value_from_slice::<IgnoredAny>(&deep).unwrap_err().text(), "unexpected EOF");
    let mut closed = deep;
    closed.push(0xC0);
    assert!(value_from_slice::<IgnoredAny>(&closed).is_ok());
    let mut buf = BytesMut::from(&[&header("A.B", 7)[..], &closed].concat()[..]);
    let request = RequestDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    assert_eq!(request.args().unwrap_err().text(), "nesting deeper than 100");
}

#[test]
fn levels_up_to_the_limit_are_fine() {
    let mut deep = vec![0x91; 99];
    deep.push(0x90);
    assert!(value_from_slice::<Any>(&deep).is_ok());
    let mut buf = BytesMut::from(&[&header("A.B", 7)[..], &deep].concat()[..]);
    let request = RequestDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    assert!(request.args().is_ok());
}

#[test]
fn counts_cost_nothing_before_their_elements_arrive() {
    for body in [&b"\xDD\x7F\xFF\xFF\xFF"[..], b"\xDF\x7F\xFF\xFF\xFF", b"\x81\xA1x\xDD\x7F\xFF\xFF\xFF"] {
        let info = allocation_counter::measure(|| {
            assert!(value_from_slice::<Vec<[u64; 16]>>(body).is_err());
            assert!(value_from_slice::<BTreeMap<u64, u64>>(body).is_err());
            assert!(value_from_slice::<Any>(body).is_err());
        });
        assert!(info.bytes_max < 4096, "{info:?}");
        let mut buf = BytesMut::from(&[&header("A.B", 7)[..], body].concat()[..]);
        let request = RequestDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
        assert!(request.args().is_err());
    }
}

/// A list that comes one byte at a time is walked over once: the decoder looks at the new bytes only.
#[test]
fn what_has_been_walked_over_is_not_walked_over_again() {
    let elements = 200_000;
    let mut bytes = [&header("A.B", 7)[..], &[0xDD], &u32::to_be_bytes(elements)].concat();
    bytes.extend(vec![0x01; elements as usize]);
    let (mut decoder, mut buf) = (RequestDecoder::new(Limits::default()), BytesMut::new());
    let (last, rest) = bytes.split_last().unwrap();
    for byte in rest {
        buf.extend_from_slice(&[*byte]);
        assert!(decoder.decode(&mut buf).unwrap().is_none());
    }
    buf.extend_from_slice(&[*last]);
    let request = decoder.decode(&mut buf).unwrap().unwrap();
    assert_eq!(value_from_slice::<Vec<u8>>(request.args().unwrap()).unwrap().len(), elements as usize);
}

#[test]
fn a_limit_set_later_holds_from_then_on() {
    let mut decoder = RequestDecoder::new(Limits::default());
    decoder.set_limits(Limits { max_message_bytes: 64, ..Limits::default() });
    let mut buf = BytesMut::from(&b"\x81\xADServiceMethod\xD9\x80"[..]);
    assert_eq!(decoder.decode(&mut buf).unwrap_err(), DecodeError::TooBig { len: 145, limit: 64 });
}
