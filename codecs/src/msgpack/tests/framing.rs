//! Where a message ends, what its header may be, and what happens to the buffer.

use super::support::{header, map, text};
use crate::{
    CallOptions, DecodeError, ErrorReply, Limits, Reply, Request,
    msgpack::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, value_from_slice},
};
use bytes::BytesMut;
use serde_json::json;
use std::{fmt::Debug, time::Duration};

const LIMITS: Limits = Limits { max_message_bytes: 1 << 20, max_depth: 100, ..Limits::DEFAULT };

/// What the bytes decode to: whole, split at every byte, and one byte at a time.
fn fed<T: Debug>(
    bytes: &[u8],
    decoder: impl Fn() -> Box<dyn FnMut(&mut BytesMut) -> Result<Option<T>, DecodeError>>,
) -> Result<Option<T>, DecodeError> {
    let feed = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let (mut decode, mut buf) = (decoder(), BytesMut::new());
        let mut last = Ok(None);
        for chunk in chunks {
            buf.extend_from_slice(chunk);
            let before = buf.clone();
            last = decode(&mut buf);
            match &last {
                Ok(None) => assert_eq!(buf, before),
                _ => break,
            }
        }
        last
    };
    let whole = feed(&mut std::iter::once(bytes));
    let same = |other: Result<Option<T>, DecodeError>| {
        assert_eq!(format!("{other:?}"), format!("{whole:?}"), "{}", bytes.escape_ascii());
    };
    same(feed(&mut bytes.chunks(1)));
    for at in 0..bytes.len() {
        let (a, b) = bytes.split_at(at);
        same(feed(&mut [a, b].into_iter()));
    }
    whole
}

fn decode(bytes: &[u8]) -> Result<Option<Request>, DecodeError> {
    fed(bytes, || {
        let mut decoder = RequestDecoder::new(LIMITS);
        Box::new(move |buf| decoder.decode(buf))
    })
}

fn decode_reply(bytes: &[u8]) -> Result<Option<Reply>, DecodeError> {
    fed(bytes, || {
        let mut decoder = ReplyDecoder::new(LIMITS);
        Box::new(move |buf| decoder.decode(buf))
    })
}

fn request(header: &[u8]) -> Request {
    decode(&[header, &[5]].concat()).unwrap().unwrap()
}

/// What `hashicorp/net-rpc-msgpackrpc` 2.0.0 sent for `Call("Arith.Multiply", Args{7, 8}, …)`.
const OF_GO: &[u8] = b"\x82\xa3Seq\x00\xadServiceMethod\xaeArith.Multiply\x82\xa1A\x07\xa1B\x08";

#[test]
fn a_request_of_gos_client() {
    let request = decode(OF_GO).unwrap().unwrap();
    assert_eq!((request.service_method(), request.seq()), (&b"Arith.Multiply"[..], 0));
    let args: serde_json::Value = value_from_slice(request.args().unwrap()).unwrap();
    assert_eq!(args, json!({"A": 7, "B": 8}));
}

#[test]
fn headers_of_every_shape_in_use() {
    let name = text("A.B");
    let bin = b"\xC4\x03A.B";
    for (header, seq) in [
        (header("A.B", 9), 9),
        (map(&[("ServiceMethod", &name), ("Seq", &[9])]), 9),
        (map(&[("ServiceMethod", bin), ("Seq", b"\xCC\x09")]), 9),
        (map(&[("ServiceMethod", &name), ("Seq", b"\xD3\0\0\0\0\0\0\0\x09")]), 9),
        (map(&[("ServiceMethod", &name), ("Seq", b"\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")]), u64::MAX),
        (map(&[("ServiceMethod", &name), ("Seq", b"\xC0")]), 0),
        (map(&[("ServiceMethod", &name)]), 0),
        (map(&[("x", b"\x92\x81\x01\xC0\x90"), ("Seq", &[1]), ("ServiceMethod", &name), ("Seq", &[9])]), 9),
        ([&b"\x81\xC4\x0DServiceMethod"[..], &name].concat(), 0),
        ([&b"\x92"[..], &name, &[9]].concat(), 9),
        ([&b"\xDC\0\x04"[..], &name, b"\x09\xC0\x93\x01\x02\x03"].concat(), 9),
        ([&b"\xDD\0\0\0\x01"[..], &name].concat(), 0),
    ] {
        let request = request(&header);
        assert_eq!((request.service_method(), request.seq()), (&b"A.B"[..], seq));
        assert_eq!(value_from_slice::<i64>(request.args().unwrap()).unwrap(), 5);
        assert_eq!((request.timeout(), request.details()), (None, false));
    }
    for header in [&b"\x80"[..], b"\x90", b"\x81\xADServiceMethod\xC0"] {
        assert_eq!((request(header).service_method(), request(header).seq()), (&b""[..], 0));
    }
}

#[test]
fn optional_members_of_ours() {
    let millis = |value: &[u8]| request(&map(&[("Timeout", value), ("Seq", &[1])])).timeout();
    assert_eq!(millis(&[100]), Some(Duration::from_millis(100)));
    assert_eq!(millis(b"\xD1\x01\x00"), Some(Duration::from_millis(256)));
    for none in [&b"\x00"[..], b"\xFF", b"\xC0", b"\xA3250", b"\xCB\x40\x59\0\0\0\0\0\0", b"\x91\x01"] {
        assert_eq!(millis(none), None);
    }
    let details = |value: &[u8]| request(&map(&[("Details", value), ("Seq", &[1])])).details();
    assert!(details(b"\xC3"));
    for not in [&b"\xC2"[..], b"\x01", b"\xC0", b"\xA4true", b"\x80"] {
        assert!(!details(not));
    }
}

#[test]
fn headers_that_end_the_connection() {
    for (header, at, what) in [
        (b"\xC0".to_vec(), 1, "header is neither map nor list"),
        (text("ServiceMethod"), 14, "header is neither map nor list"),
        (b"\x81\x01\x02".to_vec(), 2, "header member whose name is no string"),
        (map(&[("ServiceMethod", &[1])]), 16, "header member that is no string"),
        (map(&[("Seq", b"\xFF")]), 6, "Seq is no unsigned integer"),
        (map(&[("Seq", b"\xA11")]), 7, "Seq is no unsigned integer"),
        (b"\xC1".to_vec(), 0, "the byte c1 starts no value"),
        (map(&[("x", b"\xC1")]), 3, "the byte c1 starts no value"),
    ] {
        let found = decode(&[&header[..], &[5]].concat()).unwrap_err();
        assert_eq!(found, DecodeError::Malformed { at, what }, "{}", header.escape_ascii());
    }
}

#[test]
fn what_announces_too_much_is_refused_at_once() {
    let limit = 64 << 10;
    for (bytes, len) in [
        (&b"\xDB\xFF\xFF\xFF\xFF"[..], 5 + 0xFFFF_FFFF),
        (b"\xC6\x80\0\0\0", 5 + 0x8000_0000),
        (b"\xC9\x80\0\0\0", 6 + 0x8000_0000),
        (b"\xDD\xFF\xFF\xFF\xFF", 5 + 0xFFFF_FFFF),
        (b"\xDF\xFF\xFF\xFF\xFF", 5 + 2 * 0xFFFF_FFFF),
        (b"\x82\xDF\xFF\xFF\xFF\xFF", 6 + 2 * 0xFFFF_FFFF),
        (b"\xDA\xFF\xFF", 3 + 0xFFFF),
        (b"\xDC\xFF\xFE", 3 + 0xFFFE),
    ] {
        assert_eq!(
            decode(bytes).unwrap_err(),
            DecodeError::TooBig { len, limit },
            "{}",
            bytes.escape_ascii()
        );
    }
    assert!(decode(b"\xDA\xFF\xFD").unwrap().is_none());
}

#[test]
fn a_refused_body_is_answered_and_then_the_end() {
    let head = header("A.B", 7);
    for (body, text) in [
        (&b"\xC1"[..], format!("malformed at byte {}: the byte c1 starts no value", head.len())),
        (
            b"\xDB\x7F\xFF\xFF\xFF",
            format!("message of {} bytes, limit 1048576", head.len() + 5 + 0x7FFF_FFFF),
        ),
        (&[0x91; 101], "nesting deeper than 100".to_owned()),
    ] {
        let bytes = [&head[..], body].concat();
        let request = decode(&bytes).unwrap().unwrap();
        assert_eq!(request.args().unwrap_err().text(), text);
        assert_eq!((request.seq(), request.service_method()), (7, &b"A.B"[..]));

        let (mut decoder, mut buf) = (RequestDecoder::new(LIMITS), BytesMut::from(&bytes[..]));
        buf.extend_from_slice(b"and more");
        assert!(decoder.decode(&mut buf).unwrap().is_some());
        assert!(buf.is_empty());
        buf.extend_from_slice(OF_GO);
        assert!(decoder.decode(&mut buf).is_err());
        assert!(decoder.decode_eof(&mut buf).is_err());
    }
}

#[test]
fn a_message_may_be_as_long_as_the_limit() {
    let head = header("A.B", 7);
    let text = vec![b'x'; (1 << 20) - head.len() - 5];
    let len = u32::try_from(text.len()).unwrap().to_be_bytes();
    let mut buf = BytesMut::from(&[&head[..], &[0xDB], &len, &text].concat()[..]);
    let request = RequestDecoder::new(LIMITS).decode(&mut buf).unwrap().unwrap();
    assert_eq!(value_from_slice::<String>(request.args().unwrap()).unwrap().into_bytes(), text);
}

#[test]
fn requests_back_to_back_are_taken_one_by_one() {
    let (mut decoder, mut buf) = (RequestDecoder::new(LIMITS), BytesMut::new());
    for seq in 0..3 {
        buf.extend_from_slice(&[&header("A.B", seq)[..], b"\x92\x01\x80"].concat());
    }
    for seq in 0..3 {
        assert_eq!(decoder.decode(&mut buf).unwrap().unwrap().seq(), seq);
    }
    assert!(decoder.decode(&mut buf).unwrap().is_none());
}

#[test]
fn the_end_of_the_stream() {
    let (head, body) = (header("A.B", 7), text("body"));
    let at_eof = |bytes: &[u8]| {
        let (mut decoder, mut buf) = (RequestDecoder::new(LIMITS), BytesMut::from(bytes));
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
    assert!(at_eof(&[&head[..], &body].concat()).unwrap().unwrap().args().is_ok());
}

#[test]
fn what_is_written() {
    let mut out = BytesMut::new();
    let mut requests = RequestEncoder::new();
    requests.encode(1, "A.B", CallOptions::default(), &5, &mut out).unwrap();
    assert_eq!(&out[..], b"\x82\xADServiceMethod\xA3A.B\xA3Seq\x01\x05");
    out.clear();
    let options = CallOptions { timeout: Some(Duration::from_micros(1500)), details: true };
    requests.encode(300, "A.B", options, &(), &mut out).unwrap();
    assert_eq!(
        &out[..],
        b"\x84\xADServiceMethod\xA3A.B\xA3Seq\xCD\x01\x2C\xA7Timeout\x02\xA7Details\xC3\xC0"
    );
    let asked = decode(&out).unwrap().unwrap();
    assert_eq!((asked.timeout(), asked.details()), (Some(Duration::from_millis(2)), true));

    let plain = request(&header("A.B", 7));
    let error = ErrorReply { text: "no".into(), code: "failed".into(), data: Some(json!({"n": [1, null]})) };
    for (request, reply, written) in [
        (&plain, None, &b"\x83\xADServiceMethod\xA3A.B\xA3Seq\x07\xA5Error\xA0\x05"[..]),
        (&plain, Some(&error), b"\x83\xADServiceMethod\xA3A.B\xA3Seq\x07\xA5Error\xA2no\xC0"),
        (
            &asked,
            Some(&error),
            b"\x85\xADServiceMethod\xA3A.B\xA3Seq\xCD\x01\x2C\xA5Error\xA2no\
              \xA4Code\xA6failed\xA4Data\x81\xA1n\x92\x01\xC0\xC0",
        ),
    ] {
        let (mut replies, mut out) = (ReplyEncoder::new(), BytesMut::new());
        match reply {
            None => replies.encode(request.head(), &5, &mut out).unwrap(),
            Some(error) => replies.encode_error(request.head(), error, &mut out),
        }
        assert_eq!(out.escape_ascii().to_string(), written.escape_ascii().to_string());
        let read = decode_reply(&out).unwrap().unwrap();
        assert_eq!((read.seq(), read.service_method()), (request.seq(), &b"A.B"[..]));
        match (reply, read.error()) {
            (None, None) => assert_eq!(value_from_slice::<i64>(read.body()).unwrap(), 5),
            (Some(error), Some(read)) if request.details() => assert_eq!(read, error),
            (Some(error), Some(read)) => assert_eq!(read, &ErrorReply::new(error.text.clone())),
            (reply, error) => panic!("{reply:?} came back as {error:?}"),
        }
    }
}

/// A name that is not UTF-8 is echoed as it came, in the header and in the text about it.
#[test]
fn a_name_that_is_not_utf8_is_echoed_raw() {
    let mut buf = BytesMut::from(&b"\x82\xADServiceMethod\xA3A.\xFF\xA3Seq\x07\xC0"[..]);
    let request = RequestDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    let mut out = BytesMut::new();
    let error = ErrorReply::new("rpc: can't find method A.\u{FFFD}");
    ReplyEncoder::new().encode_error(request.head(), &error, &mut out);
    let wanted = b"\x83\xADServiceMethod\xA3A.\xFF\xA3Seq\x07\xA5Error\xBArpc: can't find method A.\xFF\xC0";
    assert_eq!(out.escape_ascii().to_string(), wanted.escape_ascii().to_string());
}

/// As Go's codec writes a reply; the value of a failed call may be anything.
#[test]
fn replies_of_gos_server() {
    let reply = b"\x83\xA5Error\xA0\xA3Seq\x05\xADServiceMethod\xA3A.B\x38";
    let read = decode_reply(reply).unwrap().unwrap();
    assert_eq!((read.seq(), read.error()), (5, None));
    assert_eq!(value_from_slice::<i64>(read.body()).unwrap(), 56);
    let failed = b"\x83\xA5Error\xAEdivide by zero\xA3Seq\x05\xADServiceMethod\xA3A.B\x80";
    let read = decode_reply(failed).unwrap().unwrap();
    assert_eq!(read.error(), Some(&ErrorReply::new("divide by zero")));
    let listed = b"\x93\xA3A.B\x05\xA2no\xC0";
    assert_eq!(decode_reply(listed).unwrap().unwrap().error(), Some(&ErrorReply::new("no")));
}

#[test]
fn a_value_that_does_not_fit_leaves_nothing_behind() {
    struct Liar;
    impl serde::Serialize for Liar {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let list = serializer.serialize_seq(Some(5))?;
            serde::ser::SerializeSeq::end(list)
        }
    }
    let mut out = BytesMut::from(&b"before"[..]);
    let error = ReplyEncoder::new().encode(request(&header("A.B", 7)).head(), &Liar, &mut out).unwrap_err();
    assert_eq!(error.text(), "a value of 5 parts by its own account has 0");
    let error = RequestEncoder::new().encode(1, "A.B", CallOptions::default(), &u128::MAX, &mut out);
    assert!(error.is_err());
    assert_eq!(&out[..], b"before");
}
