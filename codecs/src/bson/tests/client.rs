//! The client's halves against the server's, structured errors, and the recorded client's bytes.

use super::support::{binary, document, element, exchange, exchanges, string, wrapped};
use crate::{
    BsonDialect, CallOptions, DecodeError, Dialect, ErrorReply, Limits,
    bson::{ReplyDecoder, ReplyEncoder, Request, RequestDecoder, RequestEncoder, kind, value_from_slice},
};
use bytes::BytesMut;
use serde_json::json;
use std::time::Duration;

fn request(dialect: Dialect, options: CallOptions) -> (Vec<u8>, Request) {
    let mut out = BytesMut::new();
    RequestEncoder::new(dialect).encode(7, "A.B", options, &5i64, &mut out).unwrap();
    let bytes = out.to_vec();
    let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Auto);
    let request = decoder.decode(&mut out).unwrap().unwrap();
    assert!(out.is_empty());
    (bytes, request)
}

#[test]
fn requests_in_the_kinds_of_their_dialect() {
    let seq = 7u64.to_le_bytes();
    let body = wrapped(kind::INT64, &5i64.to_le_bytes());
    for (dialect, members) in [
        (
            Dialect::Vitess,
            [element(kind::BINARY, "ServiceMethod", &binary(b"A.B")), element(kind::UINT64, "Seq", &seq)],
        ),
        (
            Dialect::Standard,
            [element(kind::STRING, "ServiceMethod", &string(b"A.B")), element(kind::INT64, "Seq", &seq)],
        ),
    ] {
        let (bytes, read) = request(dialect, CallOptions::default());
        assert_eq!(bytes, [document(&members), body.clone()].concat());
        assert_eq!((read.head().dialect(), read.timeout(), read.details()), (dialect, None, false));
    }
}

#[test]
fn optional_members_only_when_asked() {
    for (asked, sent) in [
        (Duration::ZERO, 1),
        (Duration::from_micros(1), 1),
        (Duration::from_micros(1001), 2),
        (Duration::from_millis(250), 250),
        (Duration::MAX, i64::MAX as u64),
    ] {
        let (_, read) = request(Dialect::Vitess, CallOptions { timeout: Some(asked), details: true });
        assert_eq!((read.timeout(), read.details()), (Some(Duration::from_millis(sent)), true));
    }
}

#[test]
fn the_bytes_of_the_recorded_go_client() {
    let mut out = BytesMut::new();
    let mut encoder = RequestEncoder::new(Dialect::Vitess);
    encoder.encode(0, "Echo.String", CallOptions::default(), "", &mut out).unwrap();
    assert_eq!(out, exchange("bson_go_client/echo_string_empty").requests);
    let text = encoder.encode(1, "Echo.Any", CallOptions::default(), &7i128, &mut out).unwrap_err();
    assert_eq!(text.text(), "don't know how to marshal int128");
    assert_eq!(out, exchange("bson_go_client/echo_string_empty").requests);
}

#[test]
fn recorded_replies_in_every_split() {
    let mut errors = 0;
    // The original's stream is out of step after a reply it could not encode.
    for exchange in exchanges().into_iter().filter(|exchange| !exchange.name.contains("marshal_failure")) {
        let read = |chunks: &mut dyn Iterator<Item = &[u8]>| {
            let mut decoder = ReplyDecoder::new(Limits::default());
            let (mut buf, mut found) = (BytesMut::new(), Vec::new());
            for chunk in chunks {
                buf.extend_from_slice(chunk);
                while let Some(reply) = decoder.decode(&mut buf).unwrap() {
                    found.push((reply.seq(), reply.error().cloned(), reply.body().to_vec()));
                }
            }
            assert!(buf.is_empty());
            found
        };
        let whole = read(&mut std::iter::once(&exchange.replies[..]));
        assert_eq!(read(&mut exchange.replies.chunks(1)), whole, "{}", exchange.name);
        errors += whole.iter().filter(|(_, error, _)| error.is_some()).count();
    }
    assert!(errors > 40, "{errors}");
}

fn error_reply(request: &Request, error: &ErrorReply) -> (usize, ErrorReply) {
    let mut out = BytesMut::new();
    ReplyEncoder::new().encode_error(request.head(), error, &mut out);
    let len = out.len();
    let reply = ReplyDecoder::new(Limits::default()).decode(&mut out).unwrap().unwrap();
    assert_eq!((reply.seq(), reply.service_method(), reply.body()), (7, &b"A.B"[..], &[5, 0, 0, 0, 0][..]));
    (len, reply.error().unwrap().clone())
}

#[test]
fn structured_errors_reach_those_who_asked() {
    let data = json!({ "text": "x", "list": [1, -1, 1.5, true, null, u64::MAX], "deep": { "k": {} } });
    let error = ErrorReply { text: "text".into(), code: "code".into(), data: Some(data) };
    let (_, plain) = request(Dialect::Vitess, CallOptions::default());
    assert_eq!(error_reply(&plain, &error).1, ErrorReply::new("text"));
    let details = CallOptions { details: true, ..CallOptions::default() };
    assert_eq!(error_reply(&request(Dialect::Vitess, details).1, &error).1, error);
    let standard = request(Dialect::Standard, details).1;
    let unfit = ErrorReply { data: None, ..error.clone() };
    assert_eq!(error_reply(&standard, &error).1, unfit, "2^64-1 has no standard kind");
    let fits = ErrorReply { data: Some(json!({ "text": ["x", 5] })), ..error };
    assert_eq!(error_reply(&standard, &fits).1, fits);
    let bare = ErrorReply::new("text");
    assert_eq!(error_reply(&standard, &bare), (error_reply(&standard, &bare).0, bare.clone()));
}

#[test]
fn refused_replies() {
    let head = super::support::header(b"A.B", 7);
    let mut decoder = ReplyDecoder::new(Limits { max_message_bytes: 100, ..Limits::default() });
    let too_long = [&head[..], &[0, 0, 1, 0]].concat();
    assert_eq!(
        decoder.decode(&mut BytesMut::from(&too_long[..])).unwrap_err(),
        DecodeError::TooBig { len: 65536, limit: 100 - head.len() }
    );
    let mut decoder = ReplyDecoder::new(Limits::default());
    let too_short = [&head[..], &[4, 0, 0, 0]].concat();
    assert!(matches!(
        decoder.decode(&mut BytesMut::from(&too_short[..])),
        Err(DecodeError::Malformed { at: 41, .. })
    ));
}

#[test]
fn replies_of_lists_and_nothing() {
    let (_, call) = request(Dialect::Vitess, CallOptions::default());
    let mut out = BytesMut::new();
    ReplyEncoder::new().encode(call.head(), &(), &mut out).unwrap();
    ReplyEncoder::new().encode(call.head(), &["a", "b"], &mut out).unwrap();
    let mut decoder = ReplyDecoder::new(Limits::default());
    let reply = decoder.decode(&mut out).unwrap().unwrap();
    assert_eq!(value_from_slice::<()>(reply.body()), Ok(()));
    let reply = decoder.decode(&mut out).unwrap().unwrap();
    assert_eq!(value_from_slice::<Vec<String>>(reply.body()), Ok(vec!["a".to_owned(), "b".to_owned()]));
}
