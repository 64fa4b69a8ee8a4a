//! A request exactly as Go's client writes it, found in one go.
//!
//! Short cut in front of the scanner for the text nearly all requests have:
//! `{"method":"Arith.Multiply","params":[{"A":7,"B":8}],"id":0}`, all there, without blanks, at most a newline in
//! front. What it finds is what the scanner would find; everything else, errors too, is left to the scanner. It keeps
//! no state and is asked once per message: one that comes in pieces costs at most [`WINDOW`] bytes looked at twice.
//! Source: RFC 8259; Go `net/rpc/jsonrpc` `clientRequest`.

use super::text::plain_len;
use std::ops::Range;

/// How far it looks, in bytes: so much of a larger request is scanned twice.
const WINDOW: usize = 1024;

/// Where the parts of a request lie.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain {
    /// Where it ends.
    pub(super) end: usize,
    /// The method's name without its quotes; no escapes.
    pub(super) name: Range<usize>,
    /// The array of arguments, valid JSON.
    pub(super) params: Range<usize>,
    /// Digits.
    pub(super) id: Range<usize>,
}

/// The request at the front of `bytes`, nested `max_depth` levels at most; `None` is no verdict.
#[inline]
pub(super) fn plain(bytes: &[u8], max_depth: usize) -> Option<Plain> {
    let bytes = bytes.get(..WINDOW).unwrap_or(bytes);
    let start = usize::from(bytes.first() == Some(&b'\n'));
    let name = after(bytes, start, b"{\"method\":\"")?;
    let name = name..name + plain_len(bytes.get(name..)?);
    let params = after(bytes, name.end, b"\",\"params\":")?;
    let params = params..array(bytes, params, max_depth)?;
    let id = after(bytes, params.end, b",\"id\":")?;
    let id = id..natural(bytes, id)?;
    let end = after(bytes, id.end, b"}")?;
    Some(Plain { end, name, params, id })
}

/// Behind `word`, which has to be at `at`.
#[inline(always)]
fn after<const N: usize>(bytes: &[u8], at: usize, word: &[u8; N]) -> Option<usize> {
    let found = bytes.get(at..)?.first_chunk::<N>()?;
    (found == word).then_some(at + N)
}

/// The end of a string, at its closing quote.
#[inline(always)]
fn text(bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + plain_len(bytes.get(at..)?);
    if bytes.get(end)? == &b'"' { Some(end) } else { escaped_text(bytes, end) }
}

/// The end of a string that goes on with an escape.
#[inline(never)]
fn escaped_text(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'"', _) => return Some(at),
            (b'\\', Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => at + 2,
            (b'\\', Some(b'u')) => {
                let digits = bytes.get(at + 2..at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 6)?
            }
            _ => return None,
        };
        at += plain_len(bytes.get(at..)?);
    }
}

/// The end of an array, by an automaton: `levels` has one bit for each open array (0) or object (1) below a leading 1.
#[inline(always)]
fn array(bytes: &[u8], start: usize, max_depth: usize) -> Option<usize> {
    if bytes.get(start) != Some(&b'[') {
        return None;
    }
    let mut at = start;
    let mut levels = 1u64;
    loop {
        at = match bytes.get(at)? {
            open @ (b'[' | b'{') => {
                let object = *open == b'{';
                levels = levels << 1 | u64::from(object);
                // The request itself is a level too.
                if levels >> max_depth.min(63) != 0 {
                    return None;
                }
                at += 1;
                match (object, bytes.get(at)?) {
                    (false, b']') | (true, b'}') => at,
                    (false, _) => continue,
                    (true, _) => {
                        at = key(bytes, at)?;
                        continue;
                    }
                }
            }
            b'"' => text(bytes, at + 1)? + 1,
            b'-' => number(bytes, at + 1)?,
            b'0'..=b'9' => number(bytes, at)?,
            b't' => after(bytes, at, b"true")?,
            b'f' => after(bytes, at, b"false")?,
            b'n' => after(bytes, at, b"null")?,
            _ => return None,
        };
        loop {
            match (bytes.get(at)?, levels & 1) {
                (b',', 0) => {
                    at += 1;
                    break;
                }
                (b',', _) => {
                    at = key(bytes, at + 1)?;
                    break;
                }
                (b']', 0) | (b'}', 1) => {
                    at += 1;
                    levels >>= 1;
                    if levels == 1 {
                        return Some(at);
                    }
                }
                _ => return None,
            }
        }
    }
}

/// Behind a member's name and its colon.
#[inline(always)]
fn key(bytes: &[u8], at: usize) -> Option<usize> {
    let start = after(bytes, at, b"\"")?;
    after(bytes, text(bytes, start)?, b"\":")
}

/// Behind a number whose sign has been taken.
#[inline(always)]
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let end = natural(bytes, at)?;
    if let b'.' | b'e' | b'E' = bytes.get(end)? { fraction(bytes, end) } else { Some(end) }
}

/// Behind the digits of a whole number without needless zeros.
#[inline(always)]
fn natural(bytes: &[u8], at: usize) -> Option<usize> {
    let end = digits(bytes, at)?;
    (bytes.get(at) != Some(&b'0') || end == at + 1).then_some(end)
}

/// Behind one or more digits.
#[inline(always)]
fn digits(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    while bytes.get(end)?.is_ascii_digit() {
        end += 1;
    }
    (end != at).then_some(end)
}

fn fraction(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    if bytes.get(end) == Some(&b'.') {
        end = digits(bytes, end + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        end = digits(bytes, end + 1 + usize::from(sign))?;
    }
    Some(end)
}

#[cfg(test)]
mod tests;
