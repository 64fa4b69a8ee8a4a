//! What the decoders of messages in two parts share: a header, then arguments or a value, each found for itself.
//!
//! BSON, gob and MessagePack are such codecs, and their headers say the same. A header may be complete long before its
//! arguments are, and a connection that cannot go on has its last call to answer first: both are kept here. Knows no
//! format.

use crate::{
    error::DecodeError,
    message::{ErrorReply, Reply, Request},
};
use bytes::Bytes;
use std::{ops::Range, time::Duration};

/// What a header says, a request's or a reply's; ranges count from the start of the message. `O` is what only its codec
/// says.
#[derive(Debug, Default)]
pub(crate) struct Header<O = ()> {
    /// Where the header ends.
    pub(crate) len: usize,
    pub(crate) service_method: Range<usize>,
    pub(crate) seq: u64,
    pub(crate) timeout: Option<Duration>,
    pub(crate) details: bool,
    pub(crate) error: Range<usize>,
    pub(crate) code: Range<usize>,
    pub(crate) data: Range<usize>,
    pub(crate) own: O,
}

impl<O> Header<O> {
    /// The request whose arguments are the range `args` of `bytes`; `extension` is the codec's own part of its head.
    #[inline]
    pub(crate) fn request<P>(self, bytes: Bytes, args: Range<usize>, extension: P) -> Request<P> {
        let Self { seq, service_method, timeout, details, .. } = self;
        Request::from_parts(bytes, seq, service_method, args, timeout, details, extension)
    }

    /// The reply whose value is the range `body` of `bytes`; `other` is its error where that is no text, `read_data`
    /// reads the data of an error, or nothing from none. Texts that are not UTF-8 are replaced.
    #[inline]
    pub(crate) fn reply(
        self,
        bytes: Bytes,
        body: Range<usize>,
        other: Option<Box<ErrorReply>>,
        read_data: impl FnOnce(&[u8]) -> Option<serde_json::Value>,
    ) -> Reply {
        if self.error.is_empty() && other.is_none() {
            return Reply::new(bytes, self.seq, self.service_method, body);
        }
        let part = |range: Range<usize>| bytes.get(range).unwrap_or_default();
        let text = |range| String::from_utf8_lossy(part(range)).into_owned();
        let mut error = other.map_or_else(|| ErrorReply::new(text(self.error)), |other| *other);
        if !self.code.is_empty() {
            error.code = text(self.code);
        }
        error.data = read_data(part(self.data)).or(error.data);
        Reply::new(bytes, self.seq, self.service_method, body).with_error(error)
    }
}

/// What a decoder of requests remembers between two calls.
#[derive(Debug, Default)]
pub(crate) struct Progress<O = ()> {
    /// The header at the front of the buffer, read while its arguments are still on the way.
    pub(crate) header: Option<Header<O>>,
    /// Why nothing can be read any more. Boxed: idle connections have none.
    broken: Option<Box<DecodeError>>,
}

impl<O> Progress<O> {
    /// # Errors
    /// The connection was given up.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        match &self.broken {
            None => Ok(()),
            Some(error) => Err(DecodeError::clone(error)),
        }
    }

    /// Gives the connection up: every later call says `error`.
    pub(crate) fn give_up(&mut self, error: DecodeError) {
        self.broken = Some(Box::new(error));
    }
}

/// What is the same in all decoders of such requests. `$without_args` takes the request of `$header` out of `$buf` as
/// far as it has been understood, without arguments.
macro_rules! two_part_decoder {
    ($decoder:ty, $request:ty, ($this:ident, $header:ident: $header_type:ty, $buf:ident) => $without_args:expr) => {
        impl $decoder {
            /// The peer has sent its last byte: takes what is left, with Go's words for what is missing.
            fn decode_rest(&mut self, buf: &mut BytesMut) -> Result<Option<$request>, DecodeError> {
                if let Some(request) = self.decode(buf)? {
                    return Ok(Some(request));
                }
                if buf.is_empty() {
                    return Ok(None);
                }
                let header = self.progress.header.take().ok_or(DecodeError::Truncated)?;
                let text = if buf.len() == header.len { "EOF" } else { "unexpected EOF" };
                Ok(Some(self.refuse(header, buf, ValueError::new(text), DecodeError::Truncated)))
            }

            /// The last request of a connection that cannot go on: `args` is wrong with its arguments, and every later
            /// call says `then`.
            #[cold]
            fn refuse(
                &mut self,
                $header: $header_type,
                $buf: &mut BytesMut,
                args: ValueError,
                then: DecodeError,
            ) -> $request {
                self.progress.give_up(then);
                let $this = self;
                let request = $without_args.with_broken_args(args);
                $buf.clear();
                request
            }
        }
    };
}

pub(crate) use two_part_decoder;
