//! Replies: a server's writing half and a client's reading half.
//!
//! Frames like [`super::request`]; the value is left to [`super::ser`] and [`super::de`].

use super::{
    de, header,
    scan::Scanner,
    ser,
    time::{PeerTimes, TimeForm},
    write::NIL,
};
use crate::{
    codec::Limits,
    error::{DecodeError, EncodeError},
    message::{ErrorReply, Head, Reply},
    two_part::Header,
    types::Any,
};
use bytes::BytesMut;
use serde::Serialize;

/// Writes the replies of one connection.
#[derive(Debug, Default)]
pub struct ReplyEncoder {
    times: TimeForm,
}

impl ReplyEncoder {
    /// An encoder that writes times as the extension -1; it remembers nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes times from now on as the peer does.
    #[inline]
    pub fn set_times(&mut self, times: &PeerTimes) {
        self.times = times.get();
    }

    /// Appends one whole reply to `out`, or nothing.
    ///
    /// Shape: `{ServiceMethod, Seq, Error: ""}` in this order, then the value: structs and maps as maps with names,
    /// bytes as bin, times as the peer writes them, texts as str, `()` and `None` as nil, which every Go type takes for
    /// its zero value.
    ///
    /// # Errors
    /// The value does not fit the format; `out` is as it was.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        head: &Head,
        reply: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        header::put(out, 3, head.service_method(), head.seq());
        out.extend_from_slice(b"\xA5Error\xA0");
        ser::to_buf(reply, self.times, out).inspect_err(|_| out.truncate(start))
    }

    /// Appends one whole error reply to `out`: `Error` has the text, the body is nil.
    ///
    /// A peer that asked for details gets `Code` (if there is one) and `Data` (if there is some) behind `Error`.
    pub fn encode_error(&mut self, head: &Head, error: &ErrorReply, out: &mut BytesMut) {
        let (code, value) = error.details(head.details());
        let mut data = BytesMut::new();
        if let Some(value) = value
            && ser::to_buf(value, self.times, &mut data).is_err()
        {
            data.clear();
        }
        let members = 3 + u8::from(code.is_some()) + u8::from(!data.is_empty());
        header::put(out, members, head.service_method(), head.seq());
        out.extend_from_slice(b"\xA5Error");
        header::put_text(out, &error.text_for(head.service_method()));
        if let Some(code) = code {
            out.extend_from_slice(b"\xA4Code");
            header::put_text(out, code.as_bytes());
        }
        if !data.is_empty() {
            out.extend_from_slice(b"\xA4Data");
            out.extend_from_slice(&data);
        }
        out.extend_from_slice(&[NIL]);
    }
}

/// Reads the replies of one connection.
#[derive(Debug)]
pub struct ReplyDecoder {
    limits: Limits,
    scanner: Scanner,
    waiting: Option<Header<Option<Box<ErrorReply>>>>,
}

impl ReplyDecoder {
    /// A decoder for one new connection.
    pub fn new(limits: Limits) -> Self {
        Self { limits, scanner: Scanner::default(), waiting: None }
    }

    /// The limits its replies keep, and their values when they are decoded.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes one reply from the front of `buf`.
    ///
    /// `Ok(None)`: not complete yet, `buf` untouched. `Ok(Some(_))`: exactly its bytes are gone. Shapes and limits as
    /// in [`RequestDecoder::decode`](super::RequestDecoder::decode), but a header with an error text or data may be as
    /// long as a message.
    ///
    /// # Errors
    /// The stream is out of step: close the connection.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let Limits { max_message_bytes, max_depth, .. } = self.limits;
        let mut header = match self.waiting.take() {
            Some(header) => header,
            None => {
                let Some(end) = self.scanner.scan(buf, max_message_bytes, max_depth)? else {
                    return Ok(None);
                };
                header::read_reply(buf.get(..end).unwrap_or_default())?
            }
        };
        let Some(end) = self.scanner.scan(buf, max_message_bytes, max_depth)? else {
            self.waiting = Some(header);
            return Ok(None);
        };
        self.scanner.restart();
        let (body, other) = (header.len..end, header.own.take());
        Ok(Some(header.reply(buf.split_to(end).freeze(), body, other, |data| {
            de::value_from_slice(data).ok().map(|value: Any| value.to_json())
        })))
    }
}
