//! Requests: `{"method":…,"params":[…],"id":…}`, read by servers and written by clients.
//!
//! Between the scanner, which finds the object, and dispatch, which decodes `params`; knows the envelope only.

use super::{
    head::{Id, Request},
    plain::{Plain, plain},
    scan::{Places, Scanner},
    ser,
    text::{compact, is_compact, number, unescape, write_quoted},
};
use crate::{
    codec::{CallOptions, Limits, MAX_HEADER_BYTES, timeout_of},
    error::{DecodeError, EncodeError, ValueError},
    message,
};
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use std::{borrow::Cow, ops::Range};

static MEMBERS: [&str; 5] = ["method", "params", "id", "timeout", "details"];

/// A server's reading half of one connection.
#[derive(Debug)]
pub struct RequestDecoder {
    scanner: Scanner<5>,
    /// Why nothing can be read any more. Boxed: idle connections have none.
    broken: Option<Box<DecodeError>>,
}

impl RequestDecoder {
    /// For a connection whose messages keep `limits`.
    pub fn new(limits: Limits) -> Self {
        Self { scanner: Scanner::new(&MEMBERS, limits), broken: None }
    }

    /// Sets other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.scanner.limits = limits;
    }

    /// Takes one request from the front of `buf`.
    ///
    /// Shape: one JSON object with `method` (text), `params` (array, of which the first element is the argument), `id`
    /// (anything, echoed) and the optional `timeout` (whole milliseconds over 0) and `details` (boolean); names match
    /// in any case, others are skipped, of duplicates the last counts. Blanks in front belong to the request; a `buf`
    /// of blanks only is cleared. A missing `method` is an empty name, missing `params` are broken arguments.
    /// `Ok(None)`: not complete yet, `buf` untouched; what has been scanned is not scanned again. What cannot be read but
    /// for its `id` still makes a request, with broken arguments, so that its caller gets an answer; all of `buf` is
    /// gone then, and the next call fails.
    ///
    /// # Errors
    /// No JSON object, `method` no text, over the limits, `method`, `id` or an option over 64 KiB. The stream is out of
    /// step: close it.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        // So short that no part of it is too long.
        if self.scanner.is_at_front()
            && let Some(Plain { end, name, params, id }) = plain(buf, self.scanner.limits.max_depth)
            && end <= self.scanner.limits.max_message_bytes
        {
            let bytes = buf.split_to(end).freeze();
            return Ok(Some(Request::from_parts(bytes, 0, name, params, None, false, Id(id))));
        }
        self.decode_any(buf)
    }

    /// As [`decode`](Self::decode), of any shape.
    fn decode_any(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        if let Some(error) = &self.broken {
            return Err(DecodeError::clone(error));
        }
        let error = match self.scanner.take(buf) {
            Ok(None) => return Ok(None),
            Ok(Some((bytes, members))) => match name(&bytes, &members) {
                Ok(name) => return Ok(Some(request(bytes, name, members))),
                Err(error) => return self.last(&bytes, &members, error).inspect(|_| buf.clear()),
            },
            Err(error) => error,
        };
        self.last_of(buf, error)
    }

    /// As [`last`](Self::last), of what the scanner has read of `buf`.
    fn last_of(&mut self, buf: &mut BytesMut, error: DecodeError) -> Result<Option<Request>, DecodeError> {
        let members = std::mem::replace(&mut self.scanner.members, [const { 0..0 }; 5]);
        self.last(buf, &members, error).inspect(|_| buf.clear())
    }

    /// The last request of a connection that cannot go on, if its id has been read; every later call says `error`.
    #[cold]
    fn last(
        &mut self,
        bytes: &[u8],
        members: &Places<5>,
        error: DecodeError,
    ) -> Result<Option<Request>, DecodeError> {
        self.scanner.stop();
        self.broken = Some(Box::new(error.clone()));
        let [method, _, id, ..] = members;
        // Where the pieces of a message that is too long end says nothing about it.
        if id.is_empty() || id.end > self.scanner.limits.max_message_bytes || check_part(id).is_err() {
            return Err(error);
        }
        let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        let name = match part(method) {
            [b'"', name @ .., b'"'] if check_part(method).is_ok() => unescape(name),
            _ => Cow::Borrowed(""),
        };
        let copy = [name.as_bytes(), &compact(part(id))].concat();
        let (id, name) = (name.len()..copy.len(), 0..name.len());
        // Without a name there is no method to hand it to: then it is the answer by itself.
        let text = error.to_string();
        let args = if name.is_empty() { ValueError::fatal(text) } else { ValueError::new(text) };
        let request = message::Request::new(copy.into(), 0, name, 0..0).with_extension(Id(id));
        Ok(Some(request.with_broken_args(args)))
    }

    /// As [`decode`](Self::decode) once the peer has sent its last byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if a request was cut off before its `id`; as Go, close without a reply.
    pub fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        match self.decode(buf)? {
            None if !buf.is_empty() => self.last_of(buf, DecodeError::Truncated),
            request => Ok(request),
        }
    }
}

/// Refuses a part of the envelope that is longer than any has to be: it would be copied and echoed.
#[inline]
fn check_part(part: &Range<usize>) -> Result<(), DecodeError> {
    if part.len() > MAX_HEADER_BYTES {
        return Err(DecodeError::TooBig { len: part.len() as u64, limit: MAX_HEADER_BYTES });
    }
    Ok(())
}

/// Where the method's name is in an object all of whose parts are in order.
fn name(bytes: &[u8], members: &Places<5>) -> Result<Range<usize>, DecodeError> {
    let [method, _, id, timeout, details] = members;
    for part in [method, id, timeout, details] {
        check_part(part)?;
    }
    match bytes.get(method.clone()).unwrap_or_default() {
        b"" | b"null" => Ok(0..0),
        [b'"', ..] => Ok(method.start + 1..method.end - 1),
        _ => Err(DecodeError::Malformed { at: method.start, what: "method is no text" }),
    }
}

fn request(bytes: Bytes, name: Range<usize>, members: Places<5>) -> Request {
    let [_, params, id, timeout, details] = members;
    let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    let has_params = !matches!(part(&params), b"" | b"null");
    let timeout = number(part(&timeout)).and_then(timeout_of);
    let details = part(&details) == b"true";
    let as_it_is = !id.is_empty() && is_compact(part(&id)) && !part(&name).contains(&b'\\');
    let request = if as_it_is {
        message::Request::new(bytes, 0, name, params).with_extension(Id(id))
    } else {
        rewritten(&bytes, &name, params, &id)
    };
    let request = request.with_timeout(timeout).with_details(details);
    if has_params {
        return request;
    }
    request.with_broken_args(ValueError::new("jsonrpc: request body missing params"))
}

/// A request whose name has escapes, or whose id is missing or not in Go's form: both stand, as they should be, in a
/// copy of the message behind it.
#[cold]
fn rewritten(bytes: &Bytes, name: &Range<usize>, params: Range<usize>, id: &Range<usize>) -> Request {
    let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    let mut copy = bytes.to_vec();
    copy.extend_from_slice(unescape(part(name)).as_bytes());
    let name = bytes.len()..copy.len();
    if id.is_empty() {
        copy.extend_from_slice(b"null");
    } else {
        copy.extend_from_slice(&compact(part(id)));
    }
    let id = name.end..copy.len();
    message::Request::new(copy.into(), 0, name, params).with_extension(Id(id))
}

/// A client's writing half of one connection.
#[derive(Debug, Default)]
pub struct RequestEncoder;

impl RequestEncoder {
    /// For a new connection.
    pub fn new() -> Self {
        Self
    }

    /// Appends one whole request to `out`, or nothing.
    ///
    /// Shape: `{"method":"Arith.Multiply","params":[{"A":7,"B":8}],"id":0}` and a newline; behind `id`, and only where
    /// `options` ask for it, `"timeout":` in milliseconds (rounded up) and `"details":true`. An argument that is none
    /// goes out as `null`, the zero value of every type in Go.
    ///
    /// # Errors
    /// JSON cannot carry the arguments; `out` is as it was.
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        seq: u64,
        service_method: &str,
        options: CallOptions,
        args: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        out.extend_from_slice(b"{\"method\":");
        write_quoted(service_method, out);
        out.extend_from_slice(b",\"params\":[");
        if let Err(error) = ser::write_value(args, out) {
            out.truncate(start);
            return Err(error);
        }
        let mut digits = itoa::Buffer::new();
        out.extend_from_slice(b"],\"id\":");
        out.extend_from_slice(digits.format(seq).as_bytes());
        if let Some(millis) = options.timeout_millis() {
            out.extend_from_slice(b",\"timeout\":");
            out.extend_from_slice(digits.format(millis).as_bytes());
        }
        if options.details {
            out.extend_from_slice(b",\"details\":true");
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}
