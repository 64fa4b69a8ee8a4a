//! Why a call has no reply, in the words that Redis's clients look at.
//!
//! | failure | `-CODE` |
//! |---|---|
//! | no such method | `ERR unknown command 'x', with args beginning with: …` |
//! | arguments | `ERR wrong number of arguments for 'x' command`, `ERR invalid argument: …` |
//! | no login, no right | `NOAUTH`, `NOPERM` |
//! | too many calls, too late, the end of the server | `BUSY`, `TIMEOUT`, `LOADING` |
//! | the method's own | its code as the first word, else `APPERR` with its number, else `ERR` |

use crate::error::{CallError, Error};
use bytes::BytesMut;
use codecs::resp::{ReplyEncoder, Words};

/// Bytes of a name, and of arguments together, that are told back to the peer that has sent them: as Redis has it.
const ECHOED: usize = 128;
/// Codes that mean something to clients which no method should: they would dial elsewhere, log in, or try again.
const KEPT: [&str; 5] = ["MOVED", "ASK", "LOADING", "NOAUTH", "READONLY"];

/// What a peer is told that has to log in.
pub(super) const NOAUTH: (&str, &str) = ("NOAUTH", "Authentication required.");

/// Appends the error of a call; `name` is what was called, if that is still known. Returns the error's code.
pub(super) fn write<'e>(
    encoder: ReplyEncoder,
    error: &'e CallError,
    name: Option<&[u8]>,
    out: &mut BytesMut,
) -> &'e str {
    let (code, text) = match error {
        CallError::BadArguments(error) => match name.filter(|_| is_count(error.text())) {
            Some(name) => ("ERR", wrong_number(name, Some(error.text()))),
            None => ("ERR", format!("invalid argument: {}", error.text())),
        },
        CallError::Unauthenticated(_) => (NOAUTH.0, NOAUTH.1.to_owned()),
        CallError::NeedsTls(_) => ("NOAUTH", error.to_string()),
        CallError::Denied { .. } => ("NOPERM", error.to_string()),
        CallError::Busy { .. } | CallError::OverUserLimit { .. } | CallError::Overloaded => {
            ("BUSY", error.to_string())
        }
        CallError::Draining => ("LOADING", error.to_string()),
        CallError::Deadline(_) => ("TIMEOUT", error.to_string()),
        CallError::Failed(own) => return write_own(encoder, error.code(), own, out),
        _ => ("ERR", error.to_string()),
    };
    encoder.encode_error(code, &text, out);
    code
}

/// The error of a method, with a code of its own where it has one.
fn write_own<'e>(encoder: ReplyEncoder, code: &'e str, error: &Error, out: &mut BytesMut) -> &'e str {
    let text = error.text();
    if is_code(code) && !KEPT.contains(&code) {
        encoder.encode_error(code, text, out);
        return code;
    }
    if !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()) {
        encoder.encode_error("APPERR", &format!("{code} {text}"), out);
        return "APPERR";
    }
    match text.split_once(' ') {
        Some((first, rest)) if first.len() > 1 && is_code(first) && !KEPT.contains(&first) => {
            encoder.encode_error(first, rest, out);
        }
        _ => encoder.encode_error("ERR", text, out),
    }
    "ERR"
}

/// `[A-Z][A-Z0-9]*`
fn is_code(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Whether the text says that there are too many or too few arguments, as `codecs::text` has it.
fn is_count(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < text.len()
        && (rest.starts_with(" argument given, ") || rest.starts_with(" arguments given, "))
}

/// `wrong number of arguments for 'x' command`, and what more there is to say.
pub(super) fn wrong_number(name: &[u8], more: Option<&str>) -> String {
    let name = shown(name, ECHOED).to_ascii_lowercase();
    let more = more.map(|text| format!(": {text}")).unwrap_or_default();
    format!("wrong number of arguments for '{name}' command{more}")
}

/// `unknown command 'x', with args beginning with: 'a' 'b' `, which clients look for as it is.
pub(super) fn unknown(words: Words<'_>) -> String {
    let mut text = format!("unknown command '{}', with args beginning with: ", shown(words.name(), ECHOED));
    let start = text.len();
    for word in words.skip(1).iter() {
        let told = text.len() - start;
        if told >= ECHOED {
            break;
        }
        text.push_str(&format!("'{}' ", shown(word, ECHOED - told)));
    }
    text
}

/// As much of a word as is told back, readable.
pub(super) fn shown(word: &[u8], most: usize) -> String {
    String::from_utf8_lossy(word.get(..most).unwrap_or(word)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use codecs::ValueError;
    use std::time::Duration;

    fn told(error: &CallError) -> String {
        let mut out = BytesMut::new();
        write(ReplyEncoder::default(), error, Some(b"Arith.Multiply"), &mut out);
        String::from_utf8(out.to_vec()).unwrap().trim_end_matches("\r\n").to_owned()
    }

    #[test]
    fn failures() {
        let own = |text: &str| Error::new(text);
        for (error, wanted) in [
            (
                CallError::BadArguments(ValueError::new("3 arguments given, 2 wanted: A, B")),
                "-ERR wrong number of arguments for 'arith.multiply' command: 3 arguments given, 2 wanted: A, B",
            ),
            (
                CallError::BadArguments(ValueError::new("field B: wants int64, got \"x\"")),
                "-ERR invalid argument: field B: wants int64, got \"x\"",
            ),
            (CallError::Unauthenticated("A.B".into()), "-NOAUTH Authentication required."),
            (
                CallError::Denied { name: "A.B".into(), user: "ala".into() },
                "-NOPERM rpc: ala may not call A.B",
            ),
            (CallError::Overloaded, "-BUSY rpc: server overloaded"),
            (CallError::Draining, "-LOADING rpc: server is draining"),
            (CallError::Deadline(Duration::from_millis(30)), "-TIMEOUT rpc: deadline exceeded after 30 ms"),
            (CallError::Panicked, "-ERR rpc: method panicked"),
            (CallError::Failed(own("divide by zero")), "-ERR divide by zero"),
            (CallError::Failed(own("two\r\nlines")), "-ERR two  lines"),
            (CallError::Failed(own("WRONGTYPE no list")), "-WRONGTYPE no list"),
            (CallError::Failed(own("MOVED away")), "-ERR MOVED away"),
            (CallError::Failed(own("A list is wanted")), "-ERR A list is wanted"),
            (CallError::Failed(own("no such account").code("NOTFOUND")), "-NOTFOUND no such account"),
            (CallError::Failed(own("no such account").code("not_found")), "-ERR no such account"),
            (CallError::Failed(own("elsewhere").code("MOVED")), "-ERR elsewhere"),
            (CallError::Failed(own("no such account").code("404")), "-APPERR 404 no such account"),
        ] {
            assert_eq!(told(&error), wanted);
        }
    }
}
