//! The short way against the scanner: the same verdict or none at all.

use super::{
    super::scan::Scanner,
    super::tests::{Choices, shown},
    *,
};
use crate::{codec::Limits, error::DecodeError, json::RequestDecoder};
use bytes::BytesMut;

static NAMES: [&str; 5] = ["method", "params", "id", "timeout", "details"];

/// What the scanner makes of `bytes`, in the same form; `None` if it has other members than those three.
fn scanned(bytes: &[u8], max_depth: usize) -> Result<Option<Plain>, DecodeError> {
    let object = Scanner::new(&NAMES, Limits { max_depth, ..Limits::default() }).scan(bytes)?;
    Ok(object.and_then(|object| {
        let [method, params, id, timeout, details] = object.members;
        let has_name = bytes[method.clone()].starts_with(b"\"");
        let whole = has_name && !params.is_empty() && !id.is_empty();
        (whole && timeout.is_empty() && details.is_empty()).then(|| Plain {
            end: object.end,
            name: method.start + 1..method.end - 1,
            params,
            id,
        })
    }))
}

#[test]
fn requests_of_gos_client() {
    for (bytes, name, params, id) in [
        (
            r#"{"method":"Arith.Multiply","params":[{"A":7,"B":8}],"id":0}"#,
            "Arith.Multiply",
            r#"[{"A":7,"B":8}]"#,
            "0",
        ),
        ("\n{\"method\":\"A.B\",\"params\":[1],\"id\":120}\n", "A.B", "[1]", "120"),
        (r#"{"method":"","params":[],"id":1}{"method":"#, "", "[]", "1"),
        (r#"{"method":"é","params":[null,true,false,""],"id":1}"#, "é", r#"[null,true,false,""]"#, "1"),
        (
            r#"{"method":"A","params":["\n\u003C\"\\",{"\/":"x\b"}],"id":1}"#,
            "A",
            r#"["\n\u003C\"\\",{"\/":"x\b"}]"#,
            "1",
        ),
        (r#"{"method":"A","params":[-0.5e+3,1E9,0,-1],"id":1}"#, "A", "[-0.5e+3,1E9,0,-1]", "1"),
        (
            r#"{"method":"A","params":[[],{},[[1],{"":{"a long name":"and a long text"}}]],"id":1}"#,
            "A",
            r#"[[],{},[[1],{"":{"a long name":"and a long text"}}]]"#,
            "1",
        ),
    ] {
        let found = plain(bytes.as_bytes(), 100).unwrap_or_else(|| panic!("{bytes}"));
        let part = |range: &Range<usize>| &bytes[range.clone()];
        assert_eq!((part(&found.name), part(&found.params), part(&found.id)), (name, params, id), "{bytes}");
        assert_eq!(scanned(bytes.as_bytes(), 100), Ok(Some(found)), "{bytes}");
    }
}

#[test]
fn size_is_limited_as_by_the_scanner() {
    let request = r#"{"method":"A.B","params":[1],"id":1}"#;
    for (limit, passes) in [(request.len() - 1, false), (request.len(), true)] {
        let mut decoder = RequestDecoder::new(Limits { max_message_bytes: limit, ..Limits::default() });
        let mut buf = BytesMut::from(request);
        let decoded = decoder.decode(&mut buf).unwrap().unwrap();
        assert_eq!((decoded.args().is_ok(), decoded.seq()), (passes, 1));
        let after =
            if passes { Ok(None) } else { Err(DecodeError::TooBig { len: request.len() as u64, limit }) };
        assert_eq!(decoder.decode(&mut buf).map(|request| request.map(drop)), after);
    }
}

#[test]
fn no_verdict_on_anything_else() {
    let request = r#"{"method":"A.B","params":[{"A":-1.5e3,"B":"x"},[true,null]],"id":10}"#;
    assert!(plain(request.as_bytes(), 100).is_some());
    for len in 0..request.len() {
        assert_eq!(plain(&request.as_bytes()[..len], 100), None, "{}", &request[..len]);
    }
    for (part, other) in [
        ("{", " {"),
        ("{", "\n\n{"),
        ("method", "Method"),
        (":", ": "),
        ("A.B", "A\\u002eB"),
        ("\"A.B\"", "null"),
        ("true,", "true, "),
        ("[true,null]", "{ }"),
        ("10", "\"10\""),
        ("10", "null"),
        ("10", "-1"),
        ("10", "1.5"),
        ("10", "10,\"timeout\":5"),
        ("\"id\":10", "\"id\":10,\"id\":11"),
    ] {
        let other = request.replacen(part, other, 1);
        assert_eq!(plain(other.as_bytes(), 100), None, "{other}");
        assert!(
            matches!(Scanner::new(&NAMES, Limits::default()).scan(other.as_bytes()), Ok(Some(_))),
            "{other}"
        );
    }
    let long = request.replace('x', &"x".repeat(WINDOW));
    assert_eq!(plain(long.as_bytes(), 100), None);
}

#[test]
fn nesting_is_limited_as_by_the_scanner() {
    for depth in 1..80 {
        let nested = "[{\"x\":".repeat(depth / 2) + &"[]".repeat(depth % 2) + &"}]".repeat(depth / 2);
        let params = if depth % 2 == 0 { nested.replace("\"x\":}", "}") } else { nested };
        let request = format!("{{\"method\":\"A.B\",\"params\":{params},\"id\":1}}");
        // The request itself is a level too, and 62 are as many as there are bits for.
        for max_depth in 0..100 {
            let found = plain(request.as_bytes(), max_depth);
            assert_eq!(found.is_some(), depth < max_depth.min(63), "{depth} levels, limit {max_depth}");
            assert!(found.is_none() || scanned(request.as_bytes(), max_depth) == Ok(found));
        }
        assert!(matches!(scanned(request.as_bytes(), depth), Err(DecodeError::TooDeep { .. })));
    }
}

/// Appends a random value as Go writes it.
fn write_value(choices: &mut Choices, depth: usize, out: &mut String) {
    match choices.below(if depth == 0 { 10 } else { 16 }) {
        0..3 => out.push_str(&choices.below(100_000).to_string()),
        3 => out.push_str(["0", "-0", "-7", "1.5", "2.50e+10", "1E-9"][choices.below(6)]),
        4 => out.push_str(["true", "false", "null"][choices.below(3)]),
        5..10 => write_text(choices, out),
        10..13 => {
            out.push('[');
            for index in 0..choices.below(4) {
                out.push_str(if index == 0 { "" } else { "," });
                write_value(choices, depth - 1, out);
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            for index in 0..choices.below(4) {
                out.push_str(if index == 0 { "" } else { "," });
                write_text(choices, out);
                out.push(':');
                write_value(choices, depth - 1, out);
            }
            out.push('}');
        }
    }
}

fn write_text(choices: &mut Choices, out: &mut String) {
    out.push('"');
    for _ in 0..choices.below(20) {
        out.push_str(["a", "B", ".", "/", " ", "é", "\u{7f}", "\\n", "\\u003c", "\\\""][choices.below(10)]);
    }
    out.push('"');
}

fn random_request(choices: &mut Choices) -> String {
    let mut request = String::from(["", "", "\n"][choices.below(3)]);
    request.push_str("{\"method\":\"");
    request
        .extend((0..choices.below(20)).map(|_| ['a', 'B', '.', '/', ' ', 'é', '\u{7f}'][choices.below(7)]));
    request.push_str("\",\"params\":[");
    if choices.below(10) != 0 {
        write_value(choices, 4, &mut request);
    }
    request.push_str("],\"id\":");
    request.push_str(&choices.below(1000).to_string());
    request + "}"
}

/// One to three bytes changed, gone, new or cut off.
fn mutate(choices: &mut Choices, bytes: &mut Vec<u8>) {
    for _ in 0..=choices.below(3) {
        let at = choices.below(bytes.len() + 1);
        let new = b"{}[]\",:\\0e-. tn"[choices.below(15)];
        match choices.below(6) {
            0 if at < bytes.len() => bytes[at] = choices.below(256) as u8,
            1 if at < bytes.len() => bytes[at] = new,
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 if at < bytes.len() => bytes[at] ^= 1 << choices.below(8),
            4 => bytes.truncate(at),
            _ => bytes.insert(at, new),
        }
    }
}

#[test]
fn what_is_found_is_what_the_scanner_finds() {
    let mut choices = Choices(3);
    let (mut found, mut valid, mut invalid) = (0, 0, 0);
    for _ in 0..250_000 {
        let request = random_request(&mut choices);
        let whole = plain(request.as_bytes(), 100);
        assert!(whole.is_some() || request.len() > WINDOW, "{request}");
        let mut bytes = request.into_bytes();
        mutate(&mut choices, &mut bytes);
        match (plain(&bytes, 100), scanned(&bytes, 100)) {
            (Some(plain), scanned) => {
                assert_eq!(scanned, Ok(Some(plain)), "{}", bytes.escape_ascii());
                found += 1;
            }
            (None, Ok(_)) => valid += 1,
            (None, Err(_)) => invalid += 1,
        }
    }
    assert!(found > 20_000 && valid > 20_000 && invalid > 20_000, "{found}, {valid}, {invalid}");
}

/// What a decoder makes of `bytes` in pieces of the lengths `piece` gives: requests, what is left, and why it stopped
/// (not where: newlines that come alone are not counted).
fn decoded(bytes: &[u8], mut piece: impl FnMut() -> usize) -> (Vec<String>, usize, Option<String>) {
    let mut decoder = RequestDecoder::new(Limits { max_depth: 5, ..Limits::default() });
    let (mut buf, mut requests, mut rest) = (BytesMut::new(), Vec::new(), bytes);
    while !rest.is_empty() {
        let (new, later) = rest.split_at(piece().clamp(1, rest.len()));
        buf.extend_from_slice(new);
        rest = later;
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(request)) => {
                    let shown = shown(&request);
                    requests.push(match shown.split_once("malformed at byte ") {
                        Some((before, place)) => {
                            before.to_owned() + place.trim_start_matches(|c: char| c.is_ascii_digit())
                        }
                        None => shown,
                    });
                }
                Ok(None) => break,
                Err(DecodeError::Malformed { what, .. }) => return (requests, 0, Some(what.to_owned())),
                Err(error) => return (requests, 0, Some(error.to_string())),
            }
        }
    }
    (requests, buf.trim_ascii_start().len(), None)
}

#[test]
fn a_decoder_finds_the_same_with_and_without_it() {
    let mut choices = Choices(4);
    let (mut requests, mut errors) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..=choices.below(4) {
            let mut request = random_request(&mut choices).into_bytes();
            if choices.below(2) == 0 {
                mutate(&mut choices, &mut request);
            }
            bytes.extend(request);
        }
        let whole = decoded(&bytes, || bytes.len());
        // The last byte of a request never comes with its first: the scanner's work alone.
        assert_eq!(decoded(&bytes, || 1), whole, "{}", bytes.escape_ascii());
        assert_eq!(decoded(&bytes, || choices.below(90)), whole, "{}", bytes.escape_ascii());
        requests += whole.0.len();
        errors += usize::from(whole.2.is_some());
    }
    assert!(requests > 20_000 && errors > 5_000, "{requests}, {errors}");
}
