//! The recordings of a real client and server: read in full, and written again with the same meaning.

use super::support::{Exchange, LIMITS, Recorded, exchanges, replies, requests};
use crate::{
    DecodeError,
    baidu_std::{
        Payload, Reply, ReplyDecoder, ReplyHead, Request, RequestDecoder, RequestHead, encode_error,
        encode_reply, encode_request,
    },
    compress::Compression,
};
use bytes::BytesMut;
use serde_json::Value;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The payload as bRPC saw it: what it says of `data_hex` and `attachment_hex`, before decompression.
fn check_payload(name: &str, wanted: &Value, payload: &Payload) {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(wanted["attachment_hex"], hex(&payload.attachment), "{name}");
    if payload.compression == Compression::None {
        assert_eq!(wanted["data_hex"], hex(&payload.body), "{name}");
    } else {
        // `message: "aaa…"`, 200 of them; requests carry a fourth field too.
        assert!(payload.body.starts_with(&[b"\n\xc8\x01", &[b'a'; 200][..]].concat()), "{name}");
    }
}

/// Lines of bRPC's own rendering of a meta, `name: value`, without those that are 0 or empty.
fn rendered(wanted: &Value) -> Vec<String> {
    let mut lines: Vec<String> = wanted["meta"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap().trim().to_owned())
        .filter(|line| line.contains(": "))
        .filter(|line| {
            !line.ends_with(": 0") && !line.ends_with(": \"\"") && !line.ends_with("CONTENT_TYPE_PB")
        })
        // bRPC says "none" beside the checksum of a reply: it has set the value and not the type.
        .filter(|line| !line.starts_with("checksum"))
        .collect();
    lines.sort();
    lines
}

fn rendered_request(request: &Request) -> Vec<String> {
    let mut lines = vec![
        format!("service_name: {:?}", text(request.service_name())),
        format!("method_name: {:?}", text(request.method_name())),
    ];
    let mut number = |name: &str, value: i64| {
        if value != 0 {
            lines.push(format!("{name}: {value}"));
        }
    };
    number("log_id", request.log_id());
    number("correlation_id", request.correlation_id());
    number("compress_type", request.frame.meta.compress_type.into());
    number("attachment_size", request.frame.meta.attachment_size.into());
    lines.sort();
    lines
}

fn rendered_reply(reply: &Reply) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((code, text)) = reply.error() {
        lines.push(format!("error_code: {code}"));
        lines.push(format!("error_text: \"{}\"", text.escape_ascii()));
    }
    let mut number = |name: &str, value: i64| {
        if value != 0 {
            lines.push(format!("{name}: {value}"));
        }
    };
    number("correlation_id", reply.correlation_id());
    number("compress_type", reply.frame.meta.compress_type.into());
    number("attachment_size", reply.frame.meta.attachment_size.into());
    lines.sort();
    lines
}

/// Exchanges whose requests are wrong on purpose: what becomes of them is in [`refused_exchanges`].
fn is_refused(exchange: &Exchange) -> bool {
    ["raw_bad_meta", "raw_too_big", "raw_meta_gt_body"].contains(&&*exchange.name)
}

fn decoded(recorded: &Recorded) -> &Vec<Value> {
    recorded.decoded.as_array().unwrap()
}

/// The same payload without how long it was while compressed, where every library has its own way.
fn uncompressed(payload: Payload) -> Payload {
    Payload { compressed_len: 0, ..payload }
}

#[test]
fn recorded_requests_are_read_and_written_again() {
    let mut seen = 0;
    for exchange in exchanges().iter().filter(|exchange| !is_refused(exchange)) {
        let (name, recorded) = (&exchange.name, exchange.sent("client->server"));
        let (all, left) = requests(&recorded.bytes);
        assert_eq!((all.len(), left), (decoded(recorded).len(), Ok(0)), "{name}");
        for (request, wanted) in all.iter().zip(decoded(recorded)) {
            assert_eq!(rendered_request(request), rendered(wanted), "{name}");
            seen += 1;
            let Ok(payload) = request.payload(&LIMITS) else {
                assert!(["raw_unknown_compress", "raw_bad_attachment_size"].contains(&&**name), "{name}");
                continue;
            };
            check_payload(name, wanted, &payload);
            let again = write_again(request, &payload);
            assert_eq!(rendered_request(&again), rendered(wanted), "{name}");
            assert_eq!(uncompressed(again.payload(&LIMITS).unwrap()), uncompressed(payload), "{name}");
            assert_eq!(again.frame.meta.checksum_type, request.frame.meta.checksum_type);
            let checksum =
                |request: &Request| request.frame.field(&request.frame.meta.checksum_value).to_vec();
            assert_eq!(checksum(&again), checksum(request), "{name}");
        }
    }
    assert!(seen >= 24, "{seen}");
}

fn write_again(request: &Request, payload: &Payload) -> Request {
    let (service, method) = (text(request.service_name()), text(request.method_name()));
    let head = RequestHead {
        service_name: &service,
        method_name: &method,
        correlation_id: request.correlation_id(),
        log_id: request.log_id(),
        content_type: payload.content_type,
        compression: payload.compression,
        checksum: request.frame.meta.checksum_type != 0,
        ..RequestHead::default()
    };
    let mut out = BytesMut::new();
    encode_request(&head, &payload.body, &payload.attachment, &mut out).unwrap();
    let again = RequestDecoder::new(LIMITS).decode(&mut out).unwrap().unwrap();
    assert!(out.is_empty());
    again
}

#[test]
fn recorded_replies_are_read_and_written_again() {
    let mut seen = 0;
    for exchange in &exchanges() {
        let (name, recorded) = (&exchange.name, exchange.sent("server->client"));
        let (all, left) = replies(&recorded.bytes);
        assert_eq!((all.len(), left), (decoded(recorded).len(), Ok(0)), "{name}");
        for (reply, wanted) in all.iter().zip(decoded(recorded)) {
            assert_eq!(rendered_reply(reply), rendered(wanted), "{name}");
            let payload = reply.payload(&LIMITS).unwrap();
            check_payload(name, wanted, &payload);
            let mut out = BytesMut::new();
            match reply.error() {
                Some((code, error)) => encode_error(reply.correlation_id(), code, &text(error), &mut out),
                None => {
                    let head = ReplyHead {
                        correlation_id: reply.correlation_id(),
                        content_type: payload.content_type,
                        compression: payload.compression,
                        checksum: false,
                    };
                    encode_reply(&head, &payload.body, &payload.attachment, &mut out).unwrap();
                }
            }
            let again = ReplyDecoder::new(LIMITS).decode(&mut out).unwrap().unwrap();
            assert!(out.is_empty(), "{name}");
            assert_eq!(rendered_reply(&again), rendered(wanted), "{name}");
            assert_eq!(uncompressed(again.payload(&LIMITS).unwrap()), uncompressed(payload), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 23, "{seen}");
}

#[test]
fn refused_exchanges() {
    for exchange in exchanges().iter().filter(|exchange| is_refused(exchange)) {
        let recorded = exchange.sent("client->server");
        let (all, end) = requests(&recorded.bytes);
        assert!(all.is_empty());
        match (&*exchange.name, end.unwrap_err()) {
            ("raw_bad_meta", DecodeError::Malformed { at: 12, .. }) => {}
            ("raw_too_big", error) => {
                assert_eq!(error, DecodeError::TooBig { len: (64 << 20) + 1, limit: 64 << 20 });
            }
            ("raw_meta_gt_body", DecodeError::Malformed { at: 8, .. }) => {}
            (name, error) => panic!("{name} ({}): {error}", recorded.note),
        }
    }
}

#[test]
fn the_smallest_request_is_written_as_recorded() {
    let exchanges = exchanges();
    let recorded = exchanges.iter().find(|exchange| exchange.name == "raw_echo_min").unwrap();
    let head = RequestHead {
        service_name: "demo.EchoService",
        method_name: "Echo",
        correlation_id: 7,
        ..RequestHead::default()
    };
    let mut out = BytesMut::new();
    encode_request(&head, b"\n\x05hello", b"", &mut out).unwrap();
    assert_eq!(out, recorded.sent("client->server").bytes);
}
