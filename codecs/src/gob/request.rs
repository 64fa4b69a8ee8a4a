//! Requests: a server's reading half.
//!
//! Takes two values with [`super::value_reader`] and hands the first to [`super::header`]; never looks into the second.

use super::{
    cache::HeaderLayouts,
    header::{GobHeader, OtherError},
    types::{Id, Types},
    value_reader::{ReadError, Span, ValueReader, malformed},
    wire::Reader,
};
use crate::{
    codec::Limits,
    error::{DecodeError, ValueError},
    message::Request,
    two_part::{Progress, two_part_decoder},
};
use bytes::BytesMut;
use std::ops::Range;

/// Bytes a request's header may have, its definitions included; a method's name is its only long part.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Where the parts of a request are; the arguments end it.
struct Plain {
    seq: u64,
    method: Range<usize>,
    args: Range<usize>,
}

/// Reads the requests of one connection.
#[derive(Debug)]
pub struct RequestDecoder {
    limits: Limits,
    values: ValueReader,
    layouts: HeaderLayouts,
    /// The type of the arguments of the last plain request, which holds no interface, so that a request like the one
    /// before is not looked up. Forgotten with every request read the long way, as only those bring definitions.
    plain_args: Id,
    progress: Progress<Option<Box<OtherError>>>,
}

impl RequestDecoder {
    /// A decoder for one new connection, which knows none of the peer's types yet.
    pub fn new(limits: Limits) -> Self {
        let mut values = ValueReader::new(limits.max_gob_types);
        values.share();
        Self {
            limits,
            values,
            layouts: HeaderLayouts::default(),
            plain_args: Id::NONE,
            progress: Progress::default(),
        }
    }

    /// Other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.values.set_max_types(limits.max_gob_types);
    }

    /// Bytes of memory that it keeps between requests: what the peer's types take, unless they are few.
    #[inline]
    pub fn held_bytes(&self) -> usize {
        self.values.held_bytes()
    }

    /// The types the peer has defined so far: what [`value_from_slice`](super::value_from_slice) needs beside the
    /// arguments.
    pub fn types(&self) -> &Types {
        self.values.types()
    }

    /// Takes one request from the front of `buf`.
    ///
    /// Shape: messages of a length and that many bytes. Each is a definition of a type or a value; the first value is
    /// the struct `{ServiceMethod string, Seq uint}`, by its fields' names, the second the arguments. `Ok(None)`: not
    /// complete yet, `buf` untouched; asking again costs nothing, also with many messages. `Ok(Some(_))`:
    /// exactly its bytes are gone. All messages of a request together may have at most
    /// [`Limits::max_message_bytes`], those of the header 64 KiB; a length is refused before anything is kept for it.
    /// Arguments that cannot be read make a request with broken arguments, so that its caller gets an answer, and the
    /// next message starts the next request, as in Go. Where the stream is out of step instead, all of `buf` is gone
    /// and the next call fails.
    ///
    /// # Errors
    /// [`DecodeError::TooBig`] or [`DecodeError::Malformed`]: the stream is out of step, close the connection.
    ///
    /// Source: Go `net/rpc` `gobServerCodec`, `encoding/gob` `Decoder`.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        self.progress.check()?;
        if self.progress.header.is_none()
            && self.values.is_at_start()
            && let Some(Plain { seq, method, args }) = self.plain(buf)
        {
            // Made where it is returned: a request is large to move.
            let bytes = buf.split_to(args.end).freeze();
            return Ok(Some(Request::new(bytes, seq, method, args)));
        }
        let header = match self.progress.header.take() {
            Some(waiting) => waiting,
            None => {
                let limit = self.limits.max_message_bytes.min(MAX_HEADER_BYTES);
                match GobHeader::next(&mut self.values, &mut self.layouts, buf, limit)? {
                    Some(header) => header,
                    None => return Ok(None),
                }
            }
        };
        match self.values.next(buf, self.limits.max_message_bytes) {
            Ok(Some(span)) => Ok(Some(self.request(header, buf, &span))),
            Ok(None) => {
                self.progress.header = Some(header);
                Ok(None)
            }
            Err(ReadError::Value(error)) if !error.is_fatal() => {
                Ok(Some(self.request(header, buf, &Span::Whole(0..0)).with_broken_args(error)))
            }
            Err(ReadError::Value(error)) => {
                let then = malformed(self.values.at(), "arguments beyond repair");
                Ok(Some(self.refuse(header, buf, error, then)))
            }
            Err(ReadError::Stream(error)) => {
                let args = ValueError::fatal(error.to_string());
                Ok(Some(self.refuse(header, buf, args, error)))
            }
        }
    }

    /// The request at the front of `buf` if it is as nearly all are: both messages are there, the header has method and
    /// number and nothing else, the arguments are of a type without interfaces. Any other is not touched, and read the
    /// long way.
    #[inline]
    fn plain(&mut self, buf: &[u8]) -> Option<Plain> {
        let mut reader = Reader::new(buf);
        let header = reader.bytes().ok()?;
        let header_end = buf.len() - reader.rest().len();
        let args = reader.bytes().ok()?;
        let end = buf.len() - reader.rest().len();
        if header_end > MAX_HEADER_BYTES || end > self.limits.max_message_bytes {
            return None;
        }
        let (method, seq) = self.layouts.plain(header)?;
        let id = Id::new(Reader::new(args).int().ok()?)?;
        if id != self.plain_args {
            if self.values.types().holds_interface(id) {
                return None;
            }
            self.plain_args = id;
        }
        let (header_start, args_start) = (header_end - header.len(), end - args.len());
        let method = header_start + method.start..header_start + method.end;
        Some(Plain { seq, method, args: args_start..end })
    }

    /// The peer has sent its last byte: takes what is left.
    ///
    /// A header without its arguments makes a request whose arguments are broken with Go's `EOF` (nothing of them
    /// came) or `unexpected EOF` (part of them).
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if the rest is not even a header; what [`Self::decode`] says otherwise.
    pub fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        self.decode_rest(buf)
    }

    /// Takes what has been understood out of `buf`.
    #[inline]
    fn request(&mut self, header: GobHeader, buf: &mut BytesMut, args: &Span) -> Request {
        let mut bytes = buf.split_to(self.values.at());
        self.plain_args = Id::NONE;
        self.values.restart();
        self.values.share();
        let args = args.join(&mut bytes);
        header.request(bytes.freeze(), args, ())
    }
}

two_part_decoder! {
    RequestDecoder, Request, (decoder, header: GobHeader, buf) => decoder.request(header, buf, &Span::Whole(0..0))
}
