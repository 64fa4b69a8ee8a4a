//! Requests: a server's reading half and a client's writing half.
//!
//! Frames by walking over the two values ([`super::scan`]) and hands the first to [`super::header`]; never looks into
//! the body.

use super::{
    header::{self, MAX_HEADER_BYTES},
    scan::Scanner,
    ser,
    time::{PeerTimes, TimeForm},
    write,
};
use crate::{
    codec::{CallOptions, Limits},
    error::{DecodeError, EncodeError, ValueError},
    message::Request,
    two_part::{Header, Progress, two_part_decoder},
};
use bytes::BytesMut;
use serde::Serialize;

/// Reads the requests of one connection.
#[derive(Debug)]
pub struct RequestDecoder {
    limits: Limits,
    scanner: Scanner,
    progress: Progress,
    times: PeerTimes,
}

impl RequestDecoder {
    /// A decoder for one new connection.
    pub fn new(limits: Limits) -> Self {
        Self::with_times(limits, TimeForm::default())
    }

    /// As [`new`](Self::new); `times` is the form of a peer that has sent no time yet.
    pub fn with_times(limits: Limits, times: TimeForm) -> Self {
        Self {
            limits,
            scanner: Scanner::default(),
            progress: Progress::default(),
            times: PeerTimes::new(times),
        }
    }

    /// How the peer writes times, as far as its arguments have been decoded.
    #[inline]
    pub fn times(&self) -> &PeerTimes {
        &self.times
    }

    /// Other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes one request from the front of `buf`.
    ///
    /// Shape: two values back to back, `{ServiceMethod: string, Seq: int}` (or `[string, int]`) then the arguments;
    /// unknown header members are skipped. `Ok(None)`: not complete yet, `buf` untouched; what has been walked over is
    /// not walked over again. `Ok(Some(_))`: exactly its bytes are gone. Both values together may be at most
    /// [`Limits::max_message_bytes`], the header 64 KiB; a length or a count beyond is refused before anything of it
    /// has arrived. A body that is refused still makes a request, with broken arguments, so that its caller gets an
    /// answer; all of `buf` is gone then, and the next call fails.
    ///
    /// # Errors
    /// [`DecodeError::TooBig`], [`DecodeError::TooDeep`] or [`DecodeError::Malformed`]: the stream is out of step,
    /// close the connection.
    ///
    /// Source: `hashicorp/net-rpc-msgpackrpc` `MsgpackCodec.ReadHeader`, `ReadRequestBody`.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        self.progress.check()?;
        let Limits { max_message_bytes, max_depth, .. } = self.limits;
        let Some(header) = self.header(buf)? else { return Ok(None) };
        match self.scanner.scan(buf, max_message_bytes, max_depth) {
            Ok(Some(end)) => Ok(Some(self.request(header, buf, end))),
            Ok(None) => {
                self.progress.header = Some(header);
                Ok(None)
            }
            Err(error) => Ok(Some(self.refuse(header, buf, ValueError::new(error.to_string()), error))),
        }
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
    fn header(&mut self, buf: &[u8]) -> Result<Option<Header>, DecodeError> {
        if let Some(header) = self.progress.header.take() {
            return Ok(Some(header));
        }
        let limit = self.limits.max_message_bytes.min(MAX_HEADER_BYTES);
        // Mostly all of it is there and as it should be. Where it is not, the scanner says how, and walks no byte
        // twice.
        if self.scanner.is_at_start()
            && let Ok(header) = header::read_request(buf.get(..limit).unwrap_or(buf))
        {
            self.scanner.skip_first(header.len);
            return Ok(Some(header));
        }
        let Some(end) = self.scanner.scan(buf, limit, self.limits.max_depth)? else { return Ok(None) };
        header::read_request(buf.get(..end).unwrap_or_default()).map(Some)
    }

    #[inline]
    fn request(&mut self, header: Header, buf: &mut BytesMut, end: usize) -> Request {
        self.scanner.restart();
        let args = header.len..end;
        header.request(buf.split_to(end).freeze(), args, ())
    }
}

two_part_decoder! {
    RequestDecoder, Request, (decoder, header: Header, buf) => {
        let end = header.len;
        decoder.request(header, buf, end)
    }
}

/// Writes the requests of one connection.
#[derive(Debug, Default)]
pub struct RequestEncoder {
    times: TimeForm,
}

impl RequestEncoder {
    /// An encoder that writes times as the extension -1; it remembers nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// An encoder that writes times in this form.
    pub fn with_times(times: TimeForm) -> Self {
        Self { times }
    }

    /// Appends one whole request to `out`, or nothing.
    ///
    /// Shape: `{ServiceMethod, Seq[, Timeout][, Details]}` then the arguments. `Timeout` is in whole milliseconds,
    /// rounded up.
    ///
    /// # Errors
    /// The arguments do not fit the format; `out` is as it was.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        seq: u64,
        service_method: &str,
        options: CallOptions,
        args: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let members = 2 + u8::from(options.timeout.is_some()) + u8::from(options.details);
        header::put(out, members, service_method.as_bytes(), seq);
        if let Some(millis) = options.timeout_millis() {
            out.extend_from_slice(b"\xA7Timeout");
            write::uint(out, millis);
        }
        if options.details {
            out.extend_from_slice(b"\xA7Details\xC3");
        }
        ser::to_buf(args, self.times, out).inspect_err(|_| out.truncate(start))
    }
}
