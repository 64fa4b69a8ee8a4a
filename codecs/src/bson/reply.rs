//! Replies: a server's writing half and a client's reading half.
//!
//! Frames like [`super::request`]; the value is left to [`super::ser`] and [`super::de`].

use super::{
    de,
    dialect::Head,
    header::{self, OfReply, document_len},
    ser,
};
use crate::{
    codec::Limits,
    error::{DecodeError, EncodeError},
    message::{ErrorReply, Reply},
    two_part::Header,
};
use bytes::BytesMut;
use serde::Serialize;

/// The body of a reply without a value.
const EMPTY_DOCUMENT: [u8; 5] = [5, 0, 0, 0, 0];

/// Writes the replies of one connection, each in the dialect of its request.
#[derive(Debug, Default)]
pub struct ReplyEncoder;

impl ReplyEncoder {
    /// An encoder; it remembers nothing.
    pub fn new() -> Self {
        Self
    }

    /// Appends one whole reply to `out`, or nothing.
    ///
    /// Shape: `{ServiceMethod, Seq, Error: ""}` in this order, then the value: a struct or map as a plain
    /// document, a list as an array-shaped one, anything else as `{_Val_: x}` (`None` too, and what an `Any` holds that
    /// is no map), `()` as the empty document.
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
        header::put_success(out, head.dialect(), head.service_method(), head.seq());
        ser::to_buf(reply, head.dialect(), out).inspect_err(|_| out.truncate(start))
    }

    /// Appends one whole error reply to `out`: `Error` has the text, the body is empty.
    ///
    /// A peer that asked for details gets `Code` (if there is one) and `Data` (if there is some and the dialect
    /// can carry it) behind `Error`.
    pub fn encode_error(&mut self, head: &Head, error: &ErrorReply, out: &mut BytesMut) {
        let text = error.text_for(head.service_method());
        let start = header::start(out, head.dialect(), head.service_method(), head.seq());
        header::put_text(out, head.dialect(), b"Error\0", &text);
        let (code, data) = error.details(head.details());
        if let Some(code) = code {
            header::put_text(out, head.dialect(), b"Code\0", code.as_bytes());
        }
        if let Some(data) = data {
            let end = out.len();
            if ser::element_to_buf("Data", data, head.dialect(), out).is_err() {
                out.truncate(end);
            }
        }
        header::end(out, start);
        out.extend_from_slice(&EMPTY_DOCUMENT);
    }
}

/// Reads the replies of one connection.
#[derive(Debug)]
pub struct ReplyDecoder {
    limits: Limits,
    waiting: Option<Header<OfReply>>,
}

impl ReplyDecoder {
    /// A decoder for one new connection.
    pub fn new(limits: Limits) -> Self {
        Self { limits, waiting: None }
    }

    /// The limits its replies keep, and their values when they are decoded.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes one reply from the front of `buf`.
    ///
    /// `Ok(None)`: not complete yet, `buf` untouched. `Ok(Some(_))`: exactly its bytes are gone. Limits as in
    /// [`RequestDecoder::decode`](super::RequestDecoder::decode), but a header with an error text or data may be
    /// as long as a message.
    ///
    /// # Errors
    /// The stream is out of step: close the connection.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let mut header = match self.waiting.take() {
            Some(header) => header,
            None => {
                let limit = self.limits.max_message_bytes;
                let Some(document) = document_len(buf, 0, limit)?.and_then(|len| buf.get(..len)) else {
                    return Ok(None);
                };
                header::read_reply(document)?
            }
        };
        let limit = self.limits.max_message_bytes.saturating_sub(header.len);
        let total = match document_len(buf, header.len, limit)? {
            Some(body) if buf.len() - header.len >= body => header.len + body,
            _ => {
                self.waiting = Some(header);
                return Ok(None);
            }
        };
        let body = header.len..total;
        let OfReply { data_kind, other_error } = std::mem::take(&mut header.own);
        let read_data = |data: &[u8]| de::json_from_element(data_kind?, data);
        Ok(Some(header.reply(buf.split_to(total).freeze(), body, other_error, read_data)))
    }
}
