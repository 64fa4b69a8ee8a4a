//! Replies whose `Error` is no string: the call they answer learns what came.

use super::support::{binary, document, element, string, wrapped};
use crate::{
    DecodeError, ErrorReply, Limits,
    bson::{ReplyDecoder, kind},
};
use bytes::BytesMut;
use serde_json::json;

/// A reply to the call 3 with such an `Error`.
fn reply(kind: u8, error: &[u8]) -> Vec<u8> {
    let header = document(&[
        element(kind::STRING, "ServiceMethod", &string(b"A.B")),
        element(kind, "Error", error),
        element(kind::INT64, "Seq", &3i64.to_le_bytes()),
    ]);
    [header, wrapped(kind::INT32, &[5, 0, 0, 0])].concat()
}

#[test]
fn errors_of_every_kind_reach_their_call() {
    let seen = |text: &str, code: &str, data| ErrorReply { text: text.into(), code: code.into(), data };
    let structured = document(&[
        element(kind::INT32, "code", &(-7i32).to_le_bytes()),
        element(kind::STRING, "message", &string(b"no")),
        element(kind::ARRAY, "data", &document(&[element(kind::BOOL, "0", &[1])])),
    ]);
    let list = document(&[element(kind::STRING, "0", &string(b"x")), element(kind::NULL, "1", &[])]);
    for (kind, error, expected) in [
        (kind::INT32, (-7i32).to_le_bytes().to_vec(), seen("-7", "", None)),
        (kind::INT64, i64::MIN.to_le_bytes().to_vec(), seen("-9223372036854775808", "", None)),
        (kind::UINT64, u64::MAX.to_le_bytes().to_vec(), seen("18446744073709551615", "", None)),
        (kind::DOUBLE, 1.5f64.to_le_bytes().to_vec(), seen("1.5", "", None)),
        (kind::BOOL, vec![0], seen("false", "", None)),
        (kind::DATETIME, 1_700_000_000_000i64.to_le_bytes().to_vec(), seen("2023-11-14T22:13:20Z", "", None)),
        (kind::BINARY, binary(b"a\xFFb"), seen("a\u{fffd}b", "", None)),
        (kind::ARRAY, list, seen(r#"["x",null]"#, "", None)),
        (kind::DOCUMENT, document(&[]), seen("{}", "", None)),
        (kind::DOCUMENT, structured, seen("no", "-7", Some(json!([true])))),
    ] {
        let mut buf = BytesMut::from(&[reply(kind, &error), reply(kind::NULL, &[])].concat()[..]);
        let mut decoder = ReplyDecoder::new(Limits::default());
        let failed = decoder.decode(&mut buf).unwrap().unwrap();
        assert_eq!((failed.seq(), failed.error()), (3, Some(&expected)), "kind {kind}");
        let fine = decoder.decode(&mut buf).unwrap().unwrap();
        assert_eq!((fine.seq(), fine.error(), buf.len()), (3, None, 0));
    }
    // What cannot be gone past cannot be told either.
    let mut buf = BytesMut::from(&reply(kind::REGEX, b"x\0\0")[..]);
    let error = ReplyDecoder::new(Limits::default()).decode(&mut buf).unwrap_err();
    assert!(
        matches!(error, DecodeError::Malformed { what: "unexpected kind of header member", .. }),
        "{error}"
    );
}
