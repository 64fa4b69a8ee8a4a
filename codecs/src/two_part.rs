//! What the decoders of requests in two parts share: a header, then the arguments, each found for itself.
//!
//! BSON, gob and MessagePack are such codecs. A header may be complete long before its arguments are, and a connection
//! that cannot go on has its last call to answer first: both are kept here. Knows no format.

use crate::error::DecodeError;

/// What a decoder remembers between two calls.
#[derive(Debug)]
pub(crate) struct Progress<H> {
    /// The header at the front of the buffer, read while its arguments are still on the way.
    pub(crate) header: Option<H>,
    /// Why nothing can be read any more. Boxed: idle connections have none.
    broken: Option<Box<DecodeError>>,
}

impl<H> Default for Progress<H> {
    fn default() -> Self {
        Self { header: None, broken: None }
    }
}

impl<H> Progress<H> {
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

/// What is the same in all decoders of such requests. `$header_end` is where `$header` ends in the buffer,
/// `$without_args` takes the request out of `$buf` as far as it has been understood, without arguments.
macro_rules! two_part_decoder {
    (
        $decoder:ty, $request:ty, $header:ident: $header_type:ty => $header_end:expr,
        ($this:ident, $buf:ident) => $without_args:expr
    ) => {
        impl $decoder {
            /// The peer has sent its last byte: takes what is left, with Go's words for what is missing.
            fn decode_rest(&mut self, buf: &mut BytesMut) -> Result<Option<$request>, DecodeError> {
                if let Some(request) = self.decode(buf)? {
                    return Ok(Some(request));
                }
                if buf.is_empty() {
                    return Ok(None);
                }
                let $header = self.progress.header.take().ok_or(DecodeError::Truncated)?;
                let text = if buf.len() == $header_end { "EOF" } else { "unexpected EOF" };
                Ok(Some(self.refuse($header, buf, ValueError::new(text), DecodeError::Truncated)))
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
