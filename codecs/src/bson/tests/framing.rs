//! Where a message ends, what its header may be, and what happens to the buffer.

use super::support::{binary, document, element, exchange, header, string, wrapped};
use crate::{
    BsonDialect, DecodeError, Dialect, Limits,
    bson::{Request, RequestDecoder, kind, value_from_slice},
};
use bytes::BytesMut;
use std::time::Duration;

fn decoder() -> RequestDecoder {
    RequestDecoder::new(Limits { max_message_bytes: 1 << 20, ..Limits::default() }, BsonDialect::Auto)
}

/// What the bytes decode to: whole, split at every byte, and one byte at a time.
fn decode(bytes: &[u8]) -> Result<Option<Request>, DecodeError> {
    let feed = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let (mut decoder, mut buf) = (decoder(), BytesMut::new());
        let mut last = Ok(None);
        for chunk in chunks {
            buf.extend_from_slice(chunk);
            let before = buf.clone();
            last = decoder.decode(&mut buf);
            match &last {
                Ok(None) => assert_eq!(buf, before),
                _ => break,
            }
        }
        last
    };
    let whole = feed(&mut std::iter::once(bytes));
    let same = |other: Result<Option<Request>, DecodeError>| {
        assert_eq!(format!("{other:?}"), format!("{whole:?}"), "{}", bytes.escape_ascii());
    };
    same(feed(&mut bytes.chunks(1)));
    for at in 0..bytes.len() {
        let (a, b) = bytes.split_at(at);
        same(feed(&mut [a, b].into_iter()));
    }
    whole
}

fn request(members: &[Vec<u8>]) -> Request {
    decode(&[document(members), wrapped(kind::INT32, &[5, 0, 0, 0])].concat()).unwrap().unwrap()
}

fn name(kind: u8) -> Vec<u8> {
    element(kind, "ServiceMethod", &if kind == kind::STRING { string(b"A.B") } else { binary(b"A.B") })
}

#[test]
fn members_in_any_order_and_of_any_kind_in_use() {
    let seq = |kind, value: &[u8]| element(kind, "Seq", value);
    let long = 9u64.to_le_bytes();
    for (members, number, dialect) in [
        (vec![name(kind::BINARY), seq(kind::UINT64, &long)], 9, Dialect::Vitess),
        (vec![seq(kind::INT64, &long), name(kind::BINARY)], 9, Dialect::Vitess),
        (vec![name(kind::STRING), seq(kind::INT64, &long)], 9, Dialect::Standard),
        (vec![seq(kind::INT32, &[9, 0, 0, 0]), name(kind::STRING)], 9, Dialect::Standard),
        (vec![seq(kind::INT32, &[0xFF; 4]), name(kind::BINARY)], 0xFFFF_FFFF, Dialect::Vitess),
        (vec![seq(kind::UINT64, &[0xFF; 8]), name(kind::BINARY)], u64::MAX, Dialect::Vitess),
        (vec![seq(kind::NULL, &[]), name(kind::BINARY)], 0, Dialect::Vitess),
        (vec![name(kind::BINARY)], 0, Dialect::Vitess),
        (
            vec![
                element(kind::DOCUMENT, "x", &document(&[name(kind::STRING)])),
                seq(kind::INT32, &[1, 0, 0, 0]),
                element(kind::BOOL, "y", &[1]),
                seq(kind::INT32, &[9, 0, 0, 0]),
                name(kind::BINARY),
            ],
            9,
            Dialect::Vitess,
        ),
    ] {
        let request = request(&members);
        assert_eq!(request.service_method(), b"A.B");
        assert_eq!((request.seq(), request.head().dialect()), (number, dialect), "{members:?}");
        assert_eq!(value_from_slice::<i64>(request.args().unwrap()).unwrap(), 5);
        assert_eq!((request.timeout(), request.details()), (None, false));
    }
    for members in [vec![], vec![element(kind::NULL, "ServiceMethod", &[])]] {
        let request = request(&members);
        assert_eq!((request.service_method(), request.seq()), (&b""[..], 0));
    }
}

#[test]
fn optional_members_of_ours() {
    let millis =
        |kind, value: &[u8]| request(&[element(kind, "Timeout", value), name(kind::BINARY)]).timeout();
    let ms = |ms| Some(Duration::from_millis(ms));
    assert_eq!(millis(kind::INT32, &[250, 0, 0, 0]), ms(250));
    assert_eq!(millis(kind::INT64, &250u64.to_le_bytes()), ms(250));
    assert_eq!(millis(kind::UINT64, &u64::MAX.to_le_bytes()), ms(u64::MAX));
    assert_eq!(millis(kind::INT32, &[0; 4]), None);
    assert_eq!(millis(kind::INT32, &[0xFF; 4]), None);
    assert_eq!(millis(kind::BINARY, &binary(b"250")), None);
    assert_eq!(millis(kind::NULL, &[]), None);
    let details =
        |kind, value: &[u8]| request(&[name(kind::BINARY), element(kind, "Details", value)]).details();
    assert!(details(kind::BOOL, &[1]));
    assert!(!details(kind::BOOL, &[0]));
    assert!(!details(kind::INT32, &[1, 0, 0, 0]));
}

#[test]
fn headers_that_end_the_connection() {
    for (what, members) in [
        ("unexpected kind of header member", vec![element(kind::INT32, "ServiceMethod", &[0; 4])]),
        ("unexpected kind of header member", vec![element(kind::DOUBLE, "Seq", &[0; 8])]),
        ("unexpected kind of header member", vec![element(kind::TIMESTAMP, "x", &[0; 8])]),
        ("unexpected kind of header member", vec![element(kind::OBJECT_ID, "Details", &[0; 12])]),
        ("header ends early", vec![element(kind::BINARY, "ServiceMethod", &[9, 0, 0, 0, 0])]),
        ("header ends early", vec![element(kind::BINARY, "x", &[0xFF; 5])]),
        ("header ends early", vec![vec![kind::BOOL, b'k']]),
        ("string of length 0", vec![element(kind::STRING, "ServiceMethod", &[0; 5])]),
        ("document length under 4", vec![element(kind::ARRAY, "x", &[3, 0, 0, 0, 0])]),
    ] {
        match decode(&[document(&members), wrapped(kind::NULL, &[])].concat()) {
            Err(DecodeError::Malformed { what: found, .. }) => assert_eq!(found, what, "{members:?}"),
            other => panic!("{members:?}: {other:?}"),
        }
    }
}

#[test]
fn four_bytes_are_enough_to_refuse_a_length() {
    for (bytes, error) in [
        (b"\0\0\0\0", DecodeError::Malformed { at: 0, what: "document length under 5" }),
        (b"\x04\0\0\0", DecodeError::Malformed { at: 0, what: "document length under 5" }),
        (b"\xff\xff\xff\xff", DecodeError::TooBig { len: 0xFFFF_FFFF, limit: 65536 }),
        (b"\0\0\0\x80", DecodeError::TooBig { len: 0x8000_0000, limit: 65536 }),
        (b"\x01\0\x01\0", DecodeError::TooBig { len: 0x1_0001, limit: 65536 }),
        (b"GET ", DecodeError::TooBig { len: 0x2054_4547, limit: 65536 }),
    ] {
        assert_eq!(decode(bytes).unwrap_err(), error);
    }
    assert!(decode(b"\x05\0\0").unwrap().is_none());
    assert!(decode(b"\0\0\x01\0").unwrap().is_none());
}

#[test]
fn a_body_of_refused_length_is_answered_and_then_the_end() {
    let limit = (1 << 20) - header(b"A.B", 7).len();
    for (len, text) in [
        (0u32, "malformed at byte 41: document length under 5".to_owned()),
        (4, "malformed at byte 41: document length under 5".to_owned()),
        (u32::MAX, format!("message of 4294967295 bytes, limit {limit}")),
        (limit as u32 + 1, format!("message of {} bytes, limit {limit}", limit + 1)),
    ] {
        let bytes = [&header(b"A.B", 7)[..], &len.to_le_bytes()].concat();
        let request = decode(&bytes).unwrap().unwrap();
        assert_eq!(request.args().unwrap_err().text(), text);
        assert_eq!((request.seq(), request.service_method()), (7, &b"A.B"[..]));

        let (mut decoder, mut buf) = (decoder(), BytesMut::from(&bytes[..]));
        buf.extend_from_slice(b"and more");
        assert!(decoder.decode(&mut buf).unwrap().is_some());
        assert!(buf.is_empty());
        assert!(decoder.decode(&mut buf).is_err());
        buf.extend_from_slice(&exchange("raw/bson_ok").requests);
        assert!(decoder.decode(&mut buf).is_err());
        assert!(decoder.decode_eof(&mut buf).is_err());
    }
}

#[test]
fn a_message_may_be_as_long_as_the_limit() {
    let head = header(b"A.B", 7);
    let text = vec![b'x'; (1 << 20) - head.len() - 17];
    let mut buf = BytesMut::from(&[head, wrapped(kind::BINARY, &binary(&text))].concat()[..]);
    assert_eq!(buf.len(), 1 << 20);
    let request = decoder().decode(&mut buf).unwrap().unwrap();
    assert_eq!(value_from_slice::<String>(request.args().unwrap()).unwrap().into_bytes(), text);
}

#[test]
fn the_end_of_the_stream() {
    let (head, body) = (header(b"A.B", 7), wrapped(kind::NULL, &[]));
    let at_eof = |bytes: &[u8]| {
        let (mut decoder, mut buf) = (decoder(), BytesMut::from(bytes));
        let first = decoder.decode_eof(&mut buf);
        assert!(first.is_err() || buf.is_empty());
        first
    };
    let broken = |bytes: &[u8]| at_eof(bytes).unwrap().unwrap().args().unwrap_err().text().to_owned();
    assert!(at_eof(b"").unwrap().is_none());
    for len in 1..head.len() {
        assert_eq!(at_eof(&head[..len]).unwrap_err(), DecodeError::Truncated);
    }
    assert_eq!(broken(&head), "EOF");
    for len in 1..body.len() {
        assert_eq!(broken(&[&head[..], &body[..len]].concat()), "unexpected EOF");
    }
    let whole = [&head[..], &body].concat();
    assert!(at_eof(&whole).unwrap().unwrap().args().is_ok());
}

#[test]
fn a_request_shows_its_dialect() {
    let seq = |kind| element(kind, "Seq", if kind == kind::INT32 { &[1; 4] } else { &[1; 8] });
    for (members, dialect) in [
        (vec![name(kind::BINARY), seq(kind::INT32)], Dialect::Vitess),
        (vec![name(kind::BINARY), seq(kind::INT64)], Dialect::Vitess),
        (vec![name(kind::BINARY), seq(kind::UINT64)], Dialect::Vitess),
        (vec![name(kind::STRING), seq(kind::UINT64)], Dialect::Vitess),
        (vec![seq(kind::UINT64), name(kind::STRING)], Dialect::Vitess),
        (vec![name(kind::STRING), seq(kind::INT32)], Dialect::Standard),
        (vec![seq(kind::INT64), name(kind::STRING)], Dialect::Standard),
        (vec![name(kind::STRING)], Dialect::Standard),
        (vec![name(kind::BINARY), name(kind::STRING)], Dialect::Standard),
        (vec![seq(kind::UINT64)], Dialect::Vitess),
        (vec![seq(kind::INT64)], Dialect::Vitess),
    ] {
        let bytes = [document(&members), wrapped(kind::NULL, &[])].concat();
        let request = decoder().decode(&mut BytesMut::from(&bytes[..])).unwrap().unwrap();
        assert_eq!(request.head().dialect(), dialect, "{}", bytes.escape_ascii());
    }
}

#[test]
fn forced_dialects_do_not_look_at_the_header() {
    for dialect in [Dialect::Vitess, Dialect::Standard] {
        for kind in [kind::STRING, kind::BINARY] {
            let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Always(dialect));
            let mut buf = BytesMut::from(&[document(&[name(kind)]), wrapped(kind::NULL, &[])].concat()[..]);
            assert_eq!(decoder.decode(&mut buf).unwrap().unwrap().head().dialect(), dialect);
        }
    }
}

#[test]
fn a_waiting_request_does_not_touch_the_buffer() {
    let bytes = exchange("raw/bson_ok").requests;
    let (mut decoder, mut buf) = (decoder(), BytesMut::with_capacity(4096));
    let place = buf.as_ptr();
    for &byte in &bytes[..bytes.len() - 1] {
        buf.extend_from_slice(&[byte]);
        assert!(decoder.decode(&mut buf).unwrap().is_none());
    }
    assert_eq!((buf.as_ptr(), buf.capacity()), (place, 4096));
    buf.extend_from_slice(&bytes[bytes.len() - 1..]);
    assert_eq!(decoder.decode(&mut buf).unwrap().unwrap().args().unwrap().as_ptr(), place.wrapping_add(52));
}
