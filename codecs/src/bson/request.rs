//! Requests: a server's reading half and a client's writing half.
//!
//! Frames by the two announced lengths and hands the header to [`super::header`]; never looks into the body.

use super::{
    dialect::{BsonDialect, Dialect, Request},
    header::{self, MAX_HEADER_BYTES, document_len},
    kind, ser,
};
use crate::{
    codec::{CallOptions, Limits},
    error::{DecodeError, EncodeError, ValueError},
    two_part::{Header, Progress, two_part_decoder},
};
use bytes::BytesMut;
use serde::Serialize;

/// Reads the requests of one connection.
#[derive(Debug)]
pub struct RequestDecoder {
    limits: Limits,
    /// The one for all requests; without it each has its own.
    dialect: Option<Dialect>,
    progress: Progress<Dialect>,
}

impl RequestDecoder {
    /// A decoder for one new connection.
    pub fn new(limits: Limits, dialect: BsonDialect) -> Self {
        let dialect = match dialect {
            BsonDialect::Auto => None,
            BsonDialect::Always(dialect) => Some(dialect),
        };
        Self { limits, dialect, progress: Progress::default() }
    }

    /// Other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes one request from the front of `buf`.
    ///
    /// Shape: two documents back to back, `{ServiceMethod: string, Seq: int}` then the arguments; unknown header
    /// members are skipped. `Ok(None)`: not complete yet, `buf` untouched; asking again costs nothing.
    /// `Ok(Some(_))`: exactly its bytes are gone. Both documents together may be at most
    /// [`Limits::max_message_bytes`], the header 64 KiB; four bytes are enough to refuse a length. A body whose
    /// length is refused still makes a request, with broken arguments, so that its caller gets an answer; all of
    /// `buf` is gone then, and the next call fails.
    ///
    /// # Errors
    /// [`DecodeError::TooBig`] or [`DecodeError::Malformed`]: the stream is out of step, close the connection.
    ///
    /// Source: vitess `go/rpcwrap/bsonrpc/custom_codecs.go` `RequestBson.UnmarshalBson`.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        self.progress.check()?;
        let Some(header) = self.header(buf)? else {
            return Ok(None);
        };
        let limit = self.limits.max_message_bytes.saturating_sub(header.len);
        let total = match document_len(buf, header.len, limit) {
            Ok(Some(body)) if buf.len() - header.len >= body => header.len + body,
            Ok(_) => {
                self.progress.header = Some(header);
                return Ok(None);
            }
            Err(error) => {
                return Ok(Some(self.refuse(header, buf, ValueError::new(error.to_string()), error)));
            }
        };
        Ok(Some(self.request(header, buf, total)))
    }

    /// The peer has sent its last byte: takes what is left.
    ///
    /// A header without its body makes a request whose arguments are broken with Go's `EOF` (nothing of the body
    /// came) or `unexpected EOF` (part of it).
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if the rest is not even a header; what [`Self::decode`] says otherwise.
    pub fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        self.decode_rest(buf)
    }

    /// The header at the front of `buf`, as soon as it is there.
    #[inline]
    fn header(&mut self, buf: &[u8]) -> Result<Option<Header<Dialect>>, DecodeError> {
        if let Some(header) = self.progress.header.take() {
            return Ok(Some(header));
        }
        let limit = self.limits.max_message_bytes.min(MAX_HEADER_BYTES);
        let Some(document) = document_len(buf, 0, limit)?.and_then(|len| buf.get(..len)) else {
            return Ok(None);
        };
        header::read_request(document).map(Some)
    }

    #[inline]
    fn request(&mut self, header: Header<Dialect>, buf: &mut BytesMut, total: usize) -> Request {
        let (args, dialect) = (header.len..total, self.dialect.unwrap_or(header.own));
        header.request(buf.split_to(total).freeze(), args, dialect)
    }
}

two_part_decoder! {
    RequestDecoder, Request, (decoder, header: Header<Dialect>, buf) => {
        let end = header.len;
        decoder.request(header, buf, end)
    }
}

/// Writes the requests of one connection.
#[derive(Debug)]
pub struct RequestEncoder {
    dialect: Dialect,
}

impl RequestEncoder {
    /// An encoder that speaks `dialect`: what a server answers in.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect }
    }

    /// Appends one whole request to `out`, or nothing.
    ///
    /// Shape: `{ServiceMethod, Seq[, Timeout][, Details]}` then the arguments; simple values as `{_Val_: x}`.
    /// `Timeout` is in whole milliseconds, rounded up.
    ///
    /// # Errors
    /// The arguments do not fit the format (`cannot marshal nil` for `None`); `out` is as it was.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        seq: u64,
        service_method: &str,
        options: CallOptions,
        args: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let start = header::start(out, self.dialect, service_method.as_bytes(), seq);
        if let Some(millis) = options.timeout_signed_millis() {
            out.extend_from_slice(&[kind::INT64]);
            out.extend_from_slice(b"Timeout\0");
            out.extend_from_slice(&millis.to_le_bytes());
        }
        if options.details {
            out.extend_from_slice(&[kind::BOOL]);
            out.extend_from_slice(b"Details\0\x01");
        }
        header::end(out, start);
        ser::to_buf(args, self.dialect, out).inspect_err(|_| out.truncate(start))
    }
}
