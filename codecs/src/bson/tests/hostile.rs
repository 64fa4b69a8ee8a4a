//! Bytes of ill will: nothing panics, nothing is allocated for what has not arrived.

use super::support::{Any, Text, document, element, exchanges, header};
use crate::{
    BsonDialect, DecodeError, Limits,
    bson::{ReplyDecoder, RequestDecoder, kind, value_from_slice},
};
use bson::{Bson, Document, RawDocumentBuf};
use bytes::BytesMut;
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

/// Decodes as a server and as a client would, and every body into types that take anything.
fn decode(bytes: &[u8]) {
    let mut buf = BytesMut::from(bytes);
    let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Auto);
    while let Ok(Some(request)) = decoder.decode_eof(&mut buf) {
        if let Ok(body) = request.args() {
            let _ = value_from_slice::<Any>(body);
            let _ = value_from_slice::<Bson>(body);
            let _ = value_from_slice::<RawDocumentBuf>(body);
            let _ = value_from_slice::<BTreeMap<Text, i64>>(body);
            let _ = value_from_slice::<Vec<(String, Option<u32>)>>(body);
        }
    }
    let mut buf = BytesMut::from(bytes);
    while let Ok(Some(reply)) = ReplyDecoder::new(Limits::default()).decode(&mut buf) {
        let _ = value_from_slice::<serde_json::Value>(reply.body());
    }
}

#[test]
fn mutated_recordings_do_no_harm() {
    let recorded: Vec<_> = exchanges()
        .into_iter()
        .flat_map(|exchange| [exchange.requests, exchange.replies])
        .filter(|bytes| (1..1000).contains(&bytes.len()))
        .collect();
    let kinds = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 63, 127, 255];
    let mut numbers = Numbers(1);
    for _ in 0..100_000 {
        let mut bytes = recorded[numbers.next(recorded.len())].clone();
        for _ in 0..=numbers.next(4) {
            let at = numbers.next(bytes.len());
            match numbers.next(4) {
                0 => bytes[at] = numbers.next(256) as u8,
                1 => bytes[at] = kinds[numbers.next(kinds.len())],
                2 => bytes[at] ^= 1 << numbers.next(8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        decode(&bytes);
    }
}

#[test]
fn a_frame_of_2_gib_allocates_nothing() {
    let mut buf = BytesMut::with_capacity(64);
    buf.extend_from_slice(&(2u32 << 30).to_le_bytes());
    let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Auto);
    assert_eq!(decoder.decode(&mut buf).unwrap_err(), DecodeError::TooBig { len: 2 << 30, limit: 1 << 16 });
    assert_eq!(buf.capacity(), 64);

    let mut buf = BytesMut::with_capacity(64);
    buf.extend_from_slice(&header(b"A.B", 1));
    buf.extend_from_slice(&(2u32 << 30).to_le_bytes());
    let request =
        RequestDecoder::new(Limits::default(), BsonDialect::Auto).decode(&mut buf).unwrap().unwrap();
    assert!(request.args().is_err());
    assert_eq!(request.wire_len(), 41);
}

#[test]
fn a_million_levels_do_not_touch_the_stack() {
    let mut body = Vec::new();
    for _ in 0..1_000_000 {
        body.extend_from_slice(&[0xFF, 0, 0, 0, kind::DOCUMENT, b'k', 0]);
    }
    assert!(value_from_slice::<Any>(&body).unwrap_err().is_fatal());
    assert!(value_from_slice::<Bson>(&body).unwrap_err().is_fatal());
    assert!(value_from_slice::<RawDocumentBuf>(&body).unwrap_err().is_fatal());
    assert!(value_from_slice::<Document>(&body).unwrap_err().is_fatal());
    let body: Vec<u8> = b"\xff\0\0\0\x03_Val_\0".repeat(1_000_000);
    assert!(value_from_slice::<Vec<i64>>(&body).unwrap_err().is_fatal());
    let scopes = b"\xff\0\0\0\x0fk\0\xff\0\0\0\x01\0\0\0\0".repeat(100_000);
    assert!(value_from_slice::<Document>(&scopes).unwrap_err().is_fatal());
}

#[test]
fn a_long_list_costs_what_it_brings() {
    let element = element(kind::NULL, "", &[]);
    let body = document(&vec![element; 100_000]);
    assert_eq!(value_from_slice::<Vec<()>>(&body).unwrap().len(), 100_000);
}
