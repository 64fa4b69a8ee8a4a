//! Replies whose `Error` is no string: the call they answer learns what came.

use super::support::{map, text};
use crate::{ErrorReply, Limits, Reply, msgpack::ReplyDecoder};
use bytes::BytesMut;
use serde_json::json;

/// Replies with such an `Error`, and one behind it that is a success.
fn replies(error: &[u8]) -> Vec<Reply> {
    let reply = |seq: u8, error: &[u8]| {
        let header = map(&[("Error", error), ("Seq", &[seq]), ("ServiceMethod", &text("A.B"))]);
        [&header[..], &[5]].concat()
    };
    let bytes = [reply(3, error), reply(4, b"\xA0")].concat();
    let read = |size: usize| {
        let (mut decoder, mut buf) = (ReplyDecoder::new(Limits::default()), BytesMut::new());
        let mut replies = Vec::new();
        for chunk in bytes.chunks(size) {
            buf.extend_from_slice(chunk);
            while let Some(reply) = decoder.decode(&mut buf).unwrap() {
                replies.push(reply);
            }
        }
        replies
    };
    assert_eq!(format!("{:?}", read(1)), format!("{:?}", read(bytes.len())));
    read(bytes.len())
}

#[test]
fn errors_of_every_kind_reach_their_call() {
    let seen = |text: &str, code: &str, data| ErrorReply { text: text.into(), code: code.into(), data };
    for (error, expected) in [
        (&b"\x07"[..], seen("7", "", None)),
        (b"\xD3\x80\0\0\0\0\0\0\0", seen("-9223372036854775808", "", None)),
        (b"\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", seen("18446744073709551615", "", None)),
        (b"\xCB\x3F\xF8\0\0\0\0\0\0", seen("1.5", "", None)),
        (b"\xC2", seen("false", "", None)),
        (b"\x92\xA1x\xC0", seen(r#"["x",null]"#, "", None)),
        (b"\x80", seen("{}", "", None)),
        (b"\x81\x01\x02", seen(r#"{"1":2}"#, "", None)),
        (b"\xC4\x03a\xFFb", seen("a\u{fffd}b", "", None)),
        (b"\xA3a\xFFb", seen("a\u{fffd}b", "", None)),
        (b"\xD6\xFF\x65\x53\xF1\0", seen("2023-11-14T22:13:20Z", "", None)),
        (
            b"\x83\xA4code\xD1\x80\x01\xA7message\xA2no\xA4data\x91\x01",
            seen("no", "-32767", Some(json!([1]))),
        ),
        (b"\x81\xA7Message\xA2no", seen("no", "", None)),
    ] {
        let replies = replies(error);
        assert_eq!((replies[0].seq(), replies[0].error()), (3, Some(&expected)), "{}", error.escape_ascii());
        assert_eq!((replies[1].seq(), replies[1].error()), (4, None));
    }
    assert_eq!(replies(b"\xC0")[0].error(), None);
    let unread = replies(b"\xC7\x01\x05\x01")[0].error().unwrap().text.clone();
    assert!(unread.starts_with("an error that cannot be read: msgpack: "), "{unread}");
}
