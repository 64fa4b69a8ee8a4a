//! Replies: a server's writing half.

mod compound;
mod marked;
mod out;
mod ser;

pub use marked::{Set, Status, Verbatim};

use super::{version::Version, write};
use crate::error::EncodeError;
use bytes::BytesMut;
use out::{Out, too_large};
use ser::Place;
use serde::Serialize;

/// Bytes of one reply on the wire, unless told otherwise.
const MAX_REPLY_BYTES: usize = 64 << 20;
/// Bytes of an error's text; a longer one is cut.
const MAX_TEXT: usize = 64 << 10;

/// Writes the replies of one connection.
///
/// | the value is | RESP2 | RESP3 |
/// |---|---|---|
/// | `None`, a unit within a value, [`Any::Null`](crate::types::Any::Null) | `$-1` | `_` |
/// | a unit that is the whole reply | `+OK` | `+OK` |
/// | a boolean | `:1`, `:0` | `#t`, `#f` |
/// | an integer of 64 bits with sign | `:n` | `:n` |
/// | a larger one | bulk of its digits | `(digits` |
/// | a float | bulk of its shortest digits, `inf`, `-inf`, `nan` | `,1.5` |
/// | a text, bytes, the name of a variant | bulk | bulk |
/// | a [`Time`](crate::types::Time) | bulk of RFC 3339 | bulk of RFC 3339 |
/// | a list, a tuple, a [`Complex`](crate::types::Complex) | array | array |
/// | a [`Set`] | array | set |
/// | a map, a struct, a variant that holds something | array of names and values in turn | map |
/// | a [`Verbatim`] text | bulk | `=n`, `txt:` |
/// | a [`Status`] | `+text` | `+text` |
///
/// Nothing is built in between, and nothing allocated but by `out`.
///
/// ```
/// use rpcwrap_codecs::resp::{ReplyEncoder, Version};
/// #[derive(serde::Serialize)]
/// struct Hit { name: &'static str, score: Option<f64> }
///
/// let mut out = bytes::BytesMut::new();
/// ReplyEncoder::new(Version::Resp2).encode(&Hit { name: "kota", score: None }, &mut out).unwrap();
/// assert_eq!(out, "*4\r\n$4\r\nname\r\n$4\r\nkota\r\n$5\r\nscore\r\n$-1\r\n");
///
/// out.clear();
/// ReplyEncoder::new(Version::Resp3).encode(&Hit { name: "kota", score: Some(1.5) }, &mut out).unwrap();
/// assert_eq!(out, "%2\r\n$4\r\nname\r\n$4\r\nkota\r\n$5\r\nscore\r\n,1.5\r\n");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyEncoder {
    version: Version,
    max_reply_bytes: usize,
}

impl ReplyEncoder {
    /// An encoder of replies of at most 64 MiB.
    pub const fn new(version: Version) -> Self {
        Self { version, max_reply_bytes: MAX_REPLY_BYTES }
    }

    /// The same with another limit for the bytes of one reply on the wire.
    #[must_use]
    pub const fn up_to(self, max_reply_bytes: usize) -> Self {
        Self { max_reply_bytes, ..self }
    }

    /// The version that replies are written in.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Writes what follows in that version: `HELLO`, `RESET`.
    pub const fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Appends one whole reply to `out`, or nothing.
    ///
    /// # Errors
    /// It would be longer than the limit (the text is `reply too large`), or the value has something to say against it;
    /// `out` is as it was.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.encode_from(out.len(), value, Place::Whole, out)
    }

    /// Appends one element of an array that has begun at `start` of `out` and gets its header by
    /// [`finish_array`](Self::finish_array): the items of a stream.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), of all elements together; `out` is as it was.
    pub fn encode_item<T: Serialize + ?Sized>(
        &self,
        value: &T,
        start: usize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        self.encode_from(start, value, Place::Part, out)
    }

    /// Makes an array of the `count` values that `out` has from `start` on.
    ///
    /// # Errors
    /// It is longer than the limit; `out` ends at `start`.
    pub fn finish_array(&self, start: usize, count: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        let items = out.len();
        write::header(b'*', count, out);
        let header = out.len() - items;
        if out.len().saturating_sub(start) > self.max_reply_bytes {
            out.truncate(start);
            return Err(too_large());
        }
        if let Some(array) = out.get_mut(start..) {
            array.rotate_right(header);
        }
        Ok(())
    }

    /// Appends one whole error to `out`: `-CODE text`. Blanks stand where the text has CR or LF; of one over 64 KiB
    /// the rest is cut.
    pub fn encode_error(&self, code: &str, text: &str, out: &mut BytesMut) {
        let blank = if text.is_empty() { "" } else { " " };
        write::clean_line(b'-', &format!("{code}{blank}{}", cut(text)), out);
    }

    /// The same for a text that may have a code of its own, in front of its first blank: at least two capital letters.
    /// Any other is an `ERR`.
    pub fn encode_error_text(&self, text: &str, out: &mut BytesMut) {
        match text.split_once(' ') {
            Some((code, text)) if code.len() >= 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                self.encode_error(code, text, out);
            }
            _ => self.encode_error("ERR", text, out),
        }
    }

    #[inline]
    fn encode_from<T: Serialize + ?Sized>(
        &self,
        start: usize,
        value: &T,
        place: Place,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let before = out.len();
        let end = start.saturating_add(self.max_reply_bytes);
        let written = ser::to_out(value, place, &mut Out::new(out, end, self.version));
        if written.is_err() {
            out.truncate(before);
        }
        written
    }
}

impl Default for ReplyEncoder {
    /// Of version 2, as a connection begins.
    fn default() -> Self {
        Self::new(Version::default())
    }
}

/// At most [`MAX_TEXT`] bytes of whole characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
