//! Hand-made messages: every field of a meta, checksums, attachments, content types.

use super::support::{LIMITS, S_M, frame, replies, request, requests};
use crate::{
    DecodeError, Limits,
    baidu_std::{
        Payload, ReplyDecoder, ReplyHead, RequestDecoder, RequestHead, code, encode_error, encode_reply,
        encode_request, frame::masked,
    },
    body::ContentType,
    compress::Compression,
};
use bytes::BytesMut;
use std::time::Duration;

const FULL: RequestHead<'static> = RequestHead {
    service_name: "demo.EchoService",
    method_name: "Echo",
    correlation_id: -3,
    log_id: 42,
    trace_id: i64::MAX,
    span_id: i64::MIN,
    parent_span_id: 1,
    request_id: "r-1",
    timeout: Some(Duration::from_millis(1500)),
    authentication_data: b"let me in",
    user_fields: &[("a", "1"), ("", "empty key"), ("b", "")],
    content_type: ContentType::Json,
    compression: Compression::Gzip,
    checksum: true,
};

#[test]
fn every_field_comes_back() {
    let mut out = BytesMut::new();
    encode_request(&FULL, b"{}", b"beside", &mut out).unwrap();
    let request = request(&out);
    assert_eq!(request.service_name(), b"demo.EchoService");
    assert_eq!(request.method_name(), b"Echo");
    assert_eq!(request.correlation_id(), -3);
    assert_eq!((request.log_id(), request.trace_id()), (42, i64::MAX));
    assert_eq!((request.span_id(), request.parent_span_id()), (i64::MIN, 1));
    assert_eq!(request.request_id(), b"r-1");
    assert_eq!(request.timeout(), Some(Duration::from_millis(1500)));
    assert_eq!(request.authentication_data(), b"let me in");
    let fields: Vec<(&[u8], &[u8])> = request.user_fields().collect();
    assert_eq!(fields, [(&b"a"[..], &b"1"[..]), (b"", b"empty key"), (b"b", b"")]);
    assert_eq!(request.wire_len(), out.len());
    assert!(request.has_user_fields());
    // The proof can be read before the body is there.
    let decoder = RequestDecoder::new(LIMITS);
    let meta_len = u32::from_be_bytes(out[8..12].try_into().unwrap()) as usize;
    assert_eq!(decoder.authentication_data(&out[..12 + meta_len]), Ok(Some(&b"let me in"[..])));
    assert_eq!(decoder.authentication_data(&out[..11 + meta_len]), Ok(None));
    assert_eq!(decoder.authentication_data(&frame(S_M, b"")), Ok(Some(&b""[..])));
    assert!(decoder.authentication_data(b"PRPD").is_err());
    let payload = Payload {
        body: (&b"{}"[..]).into(),
        attachment: (&b"beside"[..]).into(),
        content_type: ContentType::Json,
        compression: Compression::Gzip,
        compressed_len: Compression::Gzip.compress(b"{}").len(),
    };
    assert_eq!(request.payload(&LIMITS).unwrap(), payload);

    let mut out = BytesMut::new();
    let head = ReplyHead {
        correlation_id: i64::MIN,
        content_type: ContentType::ProtoText,
        compression: Compression::Zlib,
        checksum: true,
    };
    encode_reply(&head, b"body", b"beside", &mut out).unwrap();
    let reply = &replies(&out).0[0];
    assert_eq!((reply.correlation_id(), reply.error()), (i64::MIN, None));
    let payload = reply.payload(&LIMITS).unwrap();
    assert_eq!((&payload.body[..], &payload.attachment[..]), (&b"body"[..], &b"beside"[..]));
    assert_eq!((payload.content_type, payload.compression), (head.content_type, head.compression));
}

#[test]
fn timeouts_are_milliseconds_rounded_up() {
    for (timeout, sent) in [
        (Duration::from_nanos(1), 1),
        (Duration::from_micros(1001), 2),
        (Duration::ZERO, 1),
        (Duration::MAX, i32::MAX as u64),
    ] {
        let mut out = BytesMut::new();
        let head = RequestHead { timeout: Some(timeout), ..RequestHead::default() };
        encode_request(&head, b"", b"", &mut out).unwrap();
        assert_eq!(request(&out).timeout(), Some(Duration::from_millis(sent)));
    }
    // None, 0 and negative ones are none.
    for timeout in [&b""[..], b"\x40\x00", b"\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"] {
        let inside = [b"\x0a\x01S\x12\x01M", timeout].concat();
        let meta = [&[0x0A, inside.len() as u8][..], &inside].concat();
        assert_eq!(request(&frame(&meta, b"")).timeout(), None);
    }
}

#[test]
fn fields_in_any_order_of_any_length_with_others_between() {
    for meta in [
        [b"\x20\x07", S_M].concat(),
        // Twice: the last one counts, messages are merged.
        [b"\x20\x01\x0a\x04\x0a\x00\x12\x00", S_M, b"\x20\x07"].concat(),
        // Unknown fields of every wire type; known ones of another wire type.
        [
            S_M,
            b"\xa0\x06\x01\xaa\x06\x01x\xad\x06\0\0\0\0\xa1\x06\0\0\0\0\0\0\0\0\x22\x00\x18\x00\x20\x87\x00",
        ]
        .concat(),
    ] {
        let request = request(&frame(&meta, b"data"));
        assert_eq!((request.service_name(), request.method_name()), (&b"S"[..], &b"M"[..]));
        assert_eq!(request.correlation_id(), 7);
        assert_eq!(request.payload(&LIMITS).unwrap().body, &b"data"[..]);
    }
}

#[test]
fn metas_that_are_no_request_are_refused() {
    for meta in [
        &b""[..],
        b"\x20\x07",
        b"\x12\x02\x08\x00",
        b"\x0a\x00",
        b"\x0a\x03\x0a\x01S",
        b"\x0a\x03\x12\x01M",
        b"\x0a\x7f",
        b"\xff\xff\xff\xff",
        b"\x4a\x02\x0a\x05",
    ] {
        let (all, end) = requests(&frame(meta, b"data"));
        assert!(all.is_empty() && matches!(end, Err(DecodeError::Malformed { .. })), "{meta:?}: {end:?}");
    }
    // A reply may leave everything out.
    let (all, end) = replies(&frame(b"", b""));
    assert_eq!((all[0].correlation_id(), all[0].error(), end), (0, None, Ok(0)));
}

#[test]
fn sizes_are_refused_by_the_header_alone() {
    let limits = Limits { max_message_bytes: 1000, ..LIMITS };
    let decode = |header: &[u8]| RequestDecoder::new(limits).decode(&mut BytesMut::from(header)).map(|_| ());
    let sized = |body: u32, meta: u32| [&b"PRPC"[..], &body.to_be_bytes(), &meta.to_be_bytes()].concat();
    assert_eq!(decode(&sized(1000, 1000)), Ok(()));
    assert_eq!(decode(&sized(1001, 0)), Err(DecodeError::TooBig { len: 1001, limit: 1000 }));
    assert_eq!(decode(&sized(u32::MAX, 1)), Err(DecodeError::TooBig { len: u32::MAX.into(), limit: 1000 }));
    assert!(matches!(decode(&sized(8, 9)), Err(DecodeError::Malformed { at: 8, .. })));
    assert!(matches!(decode(b"PRPD"), Err(DecodeError::Malformed { at: 3, .. })));
    assert!(matches!(decode(b"G"), Err(DecodeError::Malformed { at: 0, .. })));
    assert_eq!(decode(b"PRP"), Ok(()));
    // The second message of a stream is held to the same.
    let (all, end) = requests(&[&frame(S_M, b"")[..], b"GET / HTTP/1.1\r\n\r\n"].concat());
    assert!(all.len() == 1 && matches!(end, Err(DecodeError::Malformed { at: 0, .. })));
    // What the stream ends in is told apart from what it waits for.
    let mut cut = BytesMut::from(&frame(S_M, b"data")[..20]);
    assert!(matches!(RequestDecoder::new(LIMITS).decode_eof(&mut cut), Err(DecodeError::Truncated)));
}

/// The error text of a request whose meta is [`S_M`] and these fields.
fn refusal(fields: &[u8], rest: &[u8]) -> String {
    let meta = [S_M, fields].concat();
    request(&frame(&meta, rest)).payload(&LIMITS).unwrap_err().text().to_owned()
}

#[test]
fn payloads_that_cannot_be_read_say_why() {
    let fail = |compress: &str, checksum: &str, size: usize, why: &str| {
        format!(
            "Fail to parse request, ContentType=pb, CompressType={compress}, ChecksumType={checksum}, \
             request_size={size}{why}"
        )
    };
    assert_eq!(refusal(b"\x28\xe7\x07", b"1234567"), "attachment_size=999 is larger than request_size=7");
    let negative = b"\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(refusal(negative, b"1"), "attachment_size=-1 is larger than request_size=1");
    assert_eq!(refusal(b"\x18\x09", b"1234567"), fail("unknown", "none", 7, ""));
    assert_eq!(refusal(b"\x18\x04\x28\x02", b"1234567"), fail("lz4", "none", 5, ""));
    assert!(refusal(b"\x50\x04", b"").contains("ContentType=unknown"));
    assert_eq!(refusal(b"\x58\x02", b"1"), fail("none", "unknown", 1, ": unknown checksum_type"));
    for value in [&b""[..], b"\x62\x00", b"\x62\x03abc", b"\x62\x05abcde"] {
        let fields = [b"\x58\x01", value].concat();
        let wanted = fail("none", "crc32c", 1, ": checksum_value is not of 4 bytes");
        assert_eq!(refusal(&fields, b"1"), wanted);
    }
    let wanted = fail("none", "crc32c", 1, ": checksum_value does not match");
    assert_eq!(refusal(b"\x58\x01\x62\x04abcd", b"1"), wanted);
    assert!(refusal(b"\x18\x01", b"hello").starts_with(&fail("snappy", "none", 5, ": snappy: ")));
    assert!(refusal(b"\x18\x02", b"hello").starts_with(&fail("gzip", "none", 5, ": ")));
    assert_eq!(refusal(b"\x32\x00", b""), "streaming RPC is not supported");
    assert_eq!(refusal(b"\x42\x00", b""), "streaming RPC is not supported");
}

#[test]
fn a_checksum_may_cover_the_attachment() {
    // Recorded from bRPC.
    assert_eq!(masked(&[b"\n\x05hello"]), 0x61F6_3A7E);
    // The masked CRC-32C of `ab` and of `a`, as the library computes them.
    let checksum = |parts: &[&[u8]]| masked(parts).to_be_bytes();
    for (fields, parts) in [(&b""[..], &[&b"a"[..]][..]), (b"\x68\x01", &[b"a", b"b"])] {
        let meta = [S_M, b"\x28\x01\x58\x01\x62\x04", &checksum(parts), fields].concat();
        let payload = request(&frame(&meta, b"ab")).payload(&LIMITS).unwrap();
        assert_eq!((&payload.body[..], &payload.attachment[..]), (&b"a"[..], &b"b"[..]));
    }
}

#[test]
fn a_body_may_not_grow_beyond_a_message() {
    let limits = Limits { max_message_bytes: 1000, ..LIMITS };
    for compression in [Compression::Snappy, Compression::Gzip, Compression::Zlib] {
        for (len, fits) in [(1000, true), (1001, false)] {
            let mut out = BytesMut::new();
            encode_reply(&ReplyHead { compression, ..ReplyHead::default() }, &vec![0; len], b"", &mut out)
                .unwrap();
            let reply = ReplyDecoder::new(limits).decode(&mut out).unwrap().unwrap();
            assert_eq!(reply.payload(&limits).is_ok(), fits, "{compression:?} {len}");
        }
    }
}

#[test]
fn error_texts_are_cut_between_characters() {
    let mut out = BytesMut::new();
    encode_error(7, code::EINTERNAL, &"é".repeat(40_000), &mut out);
    encode_error(-1, -7, "", &mut out);
    let (all, end) = (requests(&out).1, ReplyDecoder::new(LIMITS).decode(&mut out).unwrap().unwrap());
    assert!(all.is_err(), "no request");
    let (number, text) = end.error().unwrap();
    assert_eq!((number, text.len()), (code::EINTERNAL, 64 << 10));
    assert!(std::str::from_utf8(text).is_ok());
    let reply = ReplyDecoder::new(LIMITS).decode(&mut out).unwrap().unwrap();
    assert_eq!((reply.correlation_id(), reply.error()), (-1, Some((-7, &b""[..]))));
}

#[test]
fn codes_have_names() {
    assert_eq!(code::name(code::ELIMIT), Some("ELIMIT"));
    assert_eq!(code::name(7777), None);
}
