//! Replies whose `Error` is no string: the call they answer learns what came.

use super::support::{int, map, message, slice, structure, text, uint};
use crate::{ErrorReply, Limits, gob::ReplyDecoder};
use bytes::BytesMut;
use serde_json::json;

const BOOL: i64 = 1;
const INT: i64 = 2;
const UINT: i64 = 3;
const FLOAT: i64 = 4;
const BYTES: i64 = 5;
const STRING: i64 = 6;
const INTERFACE: i64 = 8;

/// Two replies, the first with such an `Error`; `definitions` are those of the types from 65 on.
fn replies(definitions: &[Vec<u8>], of: i64, error: &[u8]) -> BytesMut {
    let header = structure("Response", &[("ServiceMethod", STRING), ("Seq", UINT), ("Error", of)]);
    let mut bytes = message(&[&int(-64), &header]);
    for (id, definition) in (65..).zip(definitions) {
        bytes.extend(message(&[&int(-id), definition]));
    }
    let value = message(&[&int(INT), b"\0\x0a"]);
    bytes.extend(message(&[&int(64), b"\x01", &text("A.B"), b"\x01\x03\x01", error, b"\0"]));
    bytes.extend_from_slice(&value);
    bytes.extend(message(&[&int(64), b"\x01", &text("A.B"), b"\x01\x04\0"]));
    bytes.extend_from_slice(&value);
    BytesMut::from(&bytes[..])
}

#[test]
fn errors_of_every_type_reach_their_call() {
    let seen = |text: &str, code: &str, data| ErrorReply { text: text.into(), code: code.into(), data };
    let fields = structure("RPCError", &[("Code", INT), ("Message", STRING), ("Data", 66)]);
    let in_interface = [&text("string")[..], &int(STRING), &uint(4), b"\0", &text("no")].concat();
    for (definitions, of, error, expected) in [
        (vec![], INT, int(-7), seen("-7", "", None)),
        (vec![], UINT, uint(u64::MAX), seen("18446744073709551615", "", None)),
        (vec![], BOOL, vec![1], seen("true", "", None)),
        (vec![], FLOAT, uint(1.5f64.to_bits().swap_bytes()), seen("1.5", "", None)),
        (vec![], BYTES, [&uint(3)[..], b"a\xFFb"].concat(), seen("a\u{fffd}b", "", None)),
        (vec![], INTERFACE, in_interface, seen("no", "", None)),
        (
            vec![slice(STRING)],
            65,
            [&[2][..], &text("x"), &text("y")].concat(),
            seen(r#"["x","y"]"#, "", None),
        ),
        (vec![map(STRING, INT)], 65, [&[1][..], &text("k"), &int(5)].concat(), seen(r#"{"k":5}"#, "", None)),
        (
            vec![fields, slice(BOOL)],
            65,
            [b"\x01", &int(-7)[..], b"\x01", &text("no"), b"\x01\x01\x01\0"].concat(),
            seen("no", "-7", Some(json!([true]))),
        ),
    ] {
        let mut buf = replies(&definitions, of, &error);
        let mut decoder = ReplyDecoder::new(Limits::default());
        let failed = decoder.decode(&mut buf).unwrap().unwrap();
        assert_eq!((failed.seq(), failed.error()), (3, Some(&expected)), "type {of}");
        let fine = decoder.decode(&mut buf).unwrap().unwrap();
        assert_eq!((fine.seq(), fine.error(), buf.len()), (4, None, 0));
    }
    // A nil interface is no error.
    let mut buf = replies(&[], INTERFACE, &[0]);
    let fine = ReplyDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    assert_eq!((fine.seq(), fine.error()), (3, None));
}
