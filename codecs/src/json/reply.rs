//! Replies: `{"id":…,"result":…,"error":…}`, written by servers and read by clients.
//!
//! Last step of a server, first step of a client; knows the envelope only.

use super::{
    head::Head,
    scan::{Places, Scanner},
    ser,
    text::{number, unescape, write_quoted},
};
use crate::{
    codec::Limits,
    error::{DecodeError, EncodeError},
    message::{ErrorReply, Reply, worded},
};
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::Value;
use std::ops::Range;

/// A server's writing half of one connection.
#[derive(Debug, Default)]
pub struct ReplyEncoder;

impl ReplyEncoder {
    /// For a new connection.
    pub fn new() -> Self {
        Self
    }

    /// Appends one whole reply to `out`, or nothing.
    ///
    /// Shape: `{"id":0,"result":56,"error":null}` and a newline. A reply that is none (`()`, `None`) goes out as `{}`:
    /// Go's client takes `"result":null,"error":null` for a broken connection. A peer that asks for details is none of
    /// Go's and gets `null`.
    ///
    /// # Errors
    /// JSON cannot carry the value (NaN, infinities); `out` is as it was.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        head: &Head,
        reply: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        write_id(head, out);
        out.extend_from_slice(b",\"result\":");
        let written =
            if head.details() { ser::value_to_buf(reply, out) } else { ser::object_to_buf(reply, out) };
        if let Err(error) = written {
            out.truncate(start);
            return Err(error);
        }
        out.extend_from_slice(b",\"error\":null}\n");
        Ok(())
    }

    /// Appends one whole error reply to `out`.
    ///
    /// Shape: `{"id":0,"result":null,"error":"text"}` and a newline; behind `error`, where the request asked for
    /// details, `"code":"word"` and `"data":` if the error has them.
    pub fn encode_error(&mut self, head: &Head, error: &ErrorReply, out: &mut BytesMut) {
        write_id(head, out);
        out.extend_from_slice(b",\"result\":null,\"error\":");
        write_quoted(&error.text, out);
        let (code, data) = error.details(head.details());
        if let Some(code) = code {
            out.extend_from_slice(b",\"code\":");
            write_quoted(code, out);
        }
        if let Some(data) = data {
            let start = out.len();
            out.extend_from_slice(b",\"data\":");
            if ser::write_value(data, out).is_err() {
                out.truncate(start);
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

#[inline]
fn write_id(head: &Head, out: &mut BytesMut) {
    out.extend_from_slice(b"{\"id\":");
    out.extend_from_slice(head.id());
}

/// Bytes that are told of an id which is none.
const MAX_FOUND_BYTES: usize = 64;

static MEMBERS: [&str; 5] = ["id", "result", "error", "code", "data"];

/// A client's reading half of one connection.
#[derive(Debug)]
pub struct ReplyDecoder {
    scanner: Scanner<5>,
}

impl ReplyDecoder {
    /// For a connection whose messages keep `limits`.
    pub fn new(limits: Limits) -> Self {
        Self { scanner: Scanner::new(&MEMBERS, limits) }
    }

    /// The limits its replies keep, and their values when they are decoded.
    pub fn limits(&self) -> Limits {
        self.scanner.limits
    }

    /// Takes one reply from the front of `buf`.
    ///
    /// Shape: one JSON object with `id` (the number of the call), `result` and `error` (`null` or a text), after a
    /// request for details also `code` (text) and `data`. An `error` of another kind is one too: the `message`, `code`
    /// and `data` of an object, as JSON-RPC 2.0 has them, else its own JSON. Names and blanks as in
    /// [`RequestDecoder::decode`](super::RequestDecoder::decode).
    /// `Ok(None)`: not complete yet, `buf` untouched.
    ///
    /// # Errors
    /// No JSON object, `id` no unsigned integer, neither `result` nor `error` there, over the limits. The stream is out
    /// of step: close it.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        self.scanner.take(buf)?.map(|(bytes, members)| reply(bytes, members)).transpose()
    }
}

fn reply(bytes: Bytes, members: Places<5>) -> Result<Reply, DecodeError> {
    let [id, result, error, code, data] = members;
    let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    let has_failed = !matches!(part(&error), b"" | b"null");
    let Some(seq) = number(part(&id)) else {
        return Err(match (has_failed, part(&id)) {
            (true, _) => DecodeError::Unnumbered { text: said(part(&error)).text.into() },
            (false, b"") => DecodeError::Malformed { at: 0, what: "no id" },
            (false, id) => {
                let found = id.get(..MAX_FOUND_BYTES).unwrap_or(id);
                DecodeError::ForeignId { found: String::from_utf8_lossy(found).into() }
            }
        });
    };
    if !has_failed {
        if result.is_empty() {
            return Err(DecodeError::Malformed { at: 0, what: "neither result nor error" });
        }
        return Ok(Reply::new(bytes, seq, 0..0, result));
    }
    let mut error = said(part(&error));
    if let [b'"', code @ .., b'"'] = part(&code) {
        error.code = unescape(code).into_owned();
    }
    if !data.is_empty() {
        error.data = data_of(part(&data));
    }
    Ok(Reply::new(bytes, seq, 0..0, 0..0).with_error(error))
}

/// What the value of `error` says: a text, or `{"code", "message", "data"}` as in JSON-RPC 2.0, or else its own JSON.
fn said(error: &[u8]) -> ErrorReply {
    if let [b'"', text @ .., b'"'] = error {
        return ErrorReply::new(worded(unescape(text).into_owned()));
    }
    members_said(error).unwrap_or_else(|| ErrorReply::new(String::from_utf8_lossy(error)))
}

static SAID: [&str; 3] = ["message", "code", "data"];

/// What an object with a `message` says.
#[cold]
fn members_said(error: &[u8]) -> Option<ErrorReply> {
    // It has been scanned as a part of the reply, within the limits of that.
    let limits = Limits { max_message_bytes: usize::MAX, max_depth: usize::MAX, ..Limits::DEFAULT };
    let scanned = Scanner::new(&SAID, limits).scan(error);
    let [message, code, data] = scanned.ok().flatten()?.members;
    let part = |range: Range<usize>| error.get(range).unwrap_or_default();
    let [b'"', message @ .., b'"'] = part(message) else { return None };
    let code = match part(code) {
        [b'"', code @ .., b'"'] => unescape(code).into_owned(),
        code @ [b'-' | b'0'..=b'9', ..] => String::from_utf8_lossy(code).into_owned(),
        _ => String::new(),
    };
    Some(ErrorReply { text: worded(unescape(message).into_owned()), code, data: data_of(part(data)) })
}

/// The data of an error; as the text of its JSON if no [`Value`] holds it, such as an integer beyond 64 bits.
fn data_of(json: &[u8]) -> Option<Value> {
    let text = || String::from_utf8_lossy(json).into();
    (!json.is_empty()).then(|| super::value_from_slice(json).unwrap_or_else(|_| text()))
}
