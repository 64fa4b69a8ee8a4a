//! Objects in pieces, back to back, with names in any case.

use super::*;

static NAMES: [&str; 2] = ["id", "params"];
const LIMITS: Limits = Limits { max_message_bytes: 1 << 20, max_depth: 10, ..Limits::DEFAULT };

fn large() -> Vec<u8> {
    let mut text = b"{\"id\":5,\"params\":[".to_vec();
    while text.len() < 64 << 10 {
        text.extend_from_slice(br#"{"name":"some text \u00e9","n":[1,-2.5e7,true]},"#);
    }
    text.extend_from_slice(b"null]}");
    text
}

#[test]
fn a_value_in_pieces_is_scanned_once() {
    let text = large();
    for piece in [1, 7, 1024, text.len()] {
        let mut scanner = Scanner::new(&NAMES, LIMITS);
        let mut ends = Vec::new();
        let mut len = 0;
        while len < text.len() {
            len = (len + piece).min(text.len());
            ends.extend(scanner.scan(&text[..len]).unwrap());
        }
        assert_eq!(ends.len(), 1);
        assert_eq!(ends[0].end, text.len());
        assert_eq!(ends[0].members, [6..7, 17..text.len() - 1]);
        // Positions only grow: each byte was passed once, in pieces of any size.
        assert_eq!(scanner.work, text.len());
    }
}

#[test]
fn objects_back_to_back_start_over() {
    let mut scanner = Scanner::new(&NAMES, LIMITS);
    let first = scanner.scan(br#"{"ID":[1]} {"params":2}"#).unwrap().unwrap();
    assert_eq!(first, Object { end: 10, members: [6..9, 0..0] });
    let second = scanner.scan(br#" {"params":2}"#).unwrap().unwrap();
    assert_eq!(second, Object { end: 13, members: [0..0, 11..12] });
    assert_eq!(scanner.scan(b"  ").unwrap(), None);
    assert!(scanner.forget_blanks());
    assert_eq!(scanner.scan(b"{").unwrap(), None);
    assert!(!scanner.forget_blanks());
}

#[test]
fn names_match_in_any_case_and_only_on_the_outermost_level() {
    for (text, members) in [
        (r#"{"Id":1}"#, [6..7, 0..0]),
        (r#"{"i":1,"idx":2,"":3}"#, [0..0, 0..0]),
        (r#"{"x":{"id":1},"id":2,"y":[{"id":3}]}"#, [19..20, 0..0]),
        (r#"{"\u0049d":1}"#, [11..12, 0..0]),
        (r#"{"id":1,"id":22}"#, [13..15, 0..0]),
        (r#"{"id": "x" ,"params" : {} }"#, [7..10, 23..25]),
    ] {
        let object = Scanner::new(&NAMES, LIMITS).scan(text.as_bytes()).unwrap().unwrap();
        assert_eq!(object, Object { end: text.len(), members }, "{text}");
    }
}
