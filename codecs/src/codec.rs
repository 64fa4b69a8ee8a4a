//! The codec idea: four halves, one object per direction per connection.
//!
//! A server reads requests ([`RequestDecoder`]) and writes replies ([`ReplyEncoder`]); a client writes requests
//! ([`RequestEncoder`]) and reads replies ([`ReplyDecoder`]). Programs bring their own through the trait [`Codec`]; the
//! built-in ones are known by name in the enums of [`crate::any`]. No format is known here.

use crate::{
    budget::{DecodeBudget, OverBudget},
    error::{DecodeError, EncodeError, ValueError},
    message::{ErrorReply, Head, Reply, Request},
};
use bytes::BytesMut;
use std::{any::Any, cell::Cell, time::Duration};

/// How large and how deep a message may be, and what it may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message, header and body together. Default 64 MiB.
    pub max_message_bytes: usize,
    /// Levels of values inside values. Default 100.
    pub max_depth: usize,
    /// Bytes of memory that the value of a message may take, beside 8 for each byte of the message. Default 64 MiB.
    pub max_decoded_bytes: usize,
    /// The same, whatever the length of the message. Default no limit.
    pub max_decoded_total: usize,
    /// Types that one gob connection may define. Its structs may have 8 fields and the names 128 bytes for each of them
    /// (but 4096 fields and 64 KiB in any case), so that each costs 512 bytes of memory at most. Default 2048, under a
    /// MiB; Go takes any number.
    pub max_gob_types: usize,
}

impl Limits {
    /// What is said of each limit.
    pub const DEFAULT: Self = Self {
        max_message_bytes: 64 << 20,
        max_depth: 100,
        max_decoded_bytes: 64 << 20,
        max_decoded_total: usize::MAX,
        max_gob_types: 2048,
    };
}

/// The limits that one value is decoded within, and what it takes.
#[derive(Debug)]
pub struct Decoding<'l> {
    limits: &'l Limits,
    taken: Cell<usize>,
    is_exceeded: Cell<bool>,
}

impl<'l> Decoding<'l> {
    /// Within these limits.
    #[inline]
    pub fn new(limits: &'l Limits) -> Self {
        Self { limits, taken: Cell::new(0), is_exceeded: Cell::new(false) }
    }

    /// Bytes of memory that the decoded value may take, as its budget was charged; 0 before.
    #[inline]
    pub fn taken(&self) -> usize {
        self.taken.get()
    }

    /// Whether the value wanted to take more than it may. Most types then are an error; one that goes on after an error,
    /// as an untagged enum does, may have become something else than was sent.
    #[inline]
    pub fn is_exceeded(&self) -> bool {
        self.is_exceeded.get()
    }

    /// Fails a value that wanted to take more than it may, where it has not failed.
    #[cold]
    pub(crate) fn fail_exceeded<T>(&self, value: &mut Result<T, ValueError>) {
        if value.is_ok() {
            *value = Err(OverBudget::new(self.taken()).into());
        }
    }

    /// Levels of values inside values.
    #[inline]
    pub(crate) fn max_depth(&self) -> usize {
        self.limits.max_depth
    }

    /// For the value of a message of `len` bytes.
    #[inline]
    pub(crate) fn budget(&self, len: usize) -> DecodeBudget {
        DecodeBudget::new(len, self.limits.max_decoded_bytes, self.limits.max_decoded_total)
    }

    /// The value has been decoded with this budget, or could not be.
    #[inline]
    pub(crate) fn note(&self, budget: &DecodeBudget) {
        self.taken.set(budget.taken());
        self.is_exceeded.set(budget.spent().is_some());
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Bytes of a request beside its arguments, and of each part of them: names, ids, options.
pub(crate) const MAX_HEADER_BYTES: usize = 64 << 10;

/// What a client asks of one call beside its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallOptions {
    /// Sent as the optional header member `Timeout` (whole milliseconds, at least 1); servers of ours enforce it.
    pub timeout: Option<Duration>,
    /// Sent as the optional header member `Details`: "I read structured errors".
    pub details: bool,
}

impl CallOptions {
    /// What `Timeout` says: as [`millis_of`].
    pub(crate) fn timeout_millis(&self) -> Option<u64> {
        self.timeout.map(millis_of)
    }

    /// As [`Self::timeout_millis`], for formats whose integers have a sign.
    pub(crate) fn timeout_signed_millis(&self) -> Option<i64> {
        self.timeout_millis().map(|millis| i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// The milliseconds that a limit is sent as: rounded up and at least 1, as a shorter one would read as none.
pub(crate) fn millis_of(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_nanos().div_ceil(1_000_000).max(1)).unwrap_or(u64::MAX)
}

/// The limit that a `Timeout` of so many milliseconds sets: 0 is none.
#[inline]
pub(crate) fn timeout_of(millis: u64) -> Option<Duration> {
    (millis > 0).then(|| Duration::from_millis(millis))
}

/// An encoding of Go-RPC messages, named in `CONNECT /_<name>_rpc_`.
///
/// # Example
/// See `examples/own_codec.rs`: a codec in 170 lines, registered with `Server::builder().codec(…)`.
pub trait Codec: Send + Sync + 'static {
    /// The word between `/_` and `_rpc_`: lower-case letters and digits.
    fn name(&self) -> &str;
    /// A server's reading half for one new connection.
    fn request_decoder(&self, limits: Limits) -> Box<dyn RequestDecoder>;
    /// A server's writing half for one new connection.
    fn reply_encoder(&self) -> Box<dyn ReplyEncoder>;
    /// A client's writing half for one new connection.
    fn request_encoder(&self) -> Box<dyn RequestEncoder>;
    /// A client's reading half for one new connection.
    fn reply_decoder(&self, limits: Limits) -> Box<dyn ReplyDecoder>;
}

/// What [`RequestDecoder::args`] and [`ReplyDecoder::body`] hand the value to.
pub type Visit<'v> =
    &'v mut dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<(), erased_serde::Error>;

/// Reads requests from the bytes of one connection.
pub trait RequestDecoder: Send {
    /// Takes one request from the front of `buf`.
    ///
    /// `Ok(None)`: not complete yet, `buf` untouched. `Ok(Some(_))`: exactly its bytes are gone.
    ///
    /// # Errors
    /// The stream is out of step: the caller closes the connection and never calls this again.
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError>;

    /// The peer has sent its last byte: takes what is left, a request with broken arguments if only they are missing.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if the rest is no request.
    fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        if buf.is_empty() { Ok(None) } else { Err(DecodeError::Truncated) }
    }

    /// Sets other limits for what comes from now on; a codec without limits of its own need not care.
    fn set_limits(&mut self, limits: Limits) {
        let _ = limits;
    }

    /// Hands the arguments of a request of this decoder to `visit`.
    ///
    /// # Errors
    /// The arguments are malformed or do not fit; the text goes to the caller.
    fn args(&self, request: &Request, visit: Visit<'_>) -> Result<(), ValueError>;
}

/// Writes replies for one connection.
pub trait ReplyEncoder: Send {
    /// Appends one whole reply to `out`, or nothing.
    ///
    /// # Errors
    /// The value does not fit the format; `out` is as it was.
    fn encode(
        &mut self,
        head: &Head,
        reply: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError>;

    /// Appends one whole error reply to `out`; the end of a stream is the text [`END_OF_STREAM`](crate::END_OF_STREAM).
    fn encode_error(&mut self, head: &Head, error: &ErrorReply, out: &mut BytesMut);

    /// What the encoder remembers of the replies so far, if it remembers anything: so that a reply can be taken back.
    fn save(&self) -> Option<Box<dyn Any + Send>> {
        None
    }

    /// Forgets what was encoded since [`save`](Self::save) gave `saved`: none of it will be sent.
    fn restore(&mut self, saved: Box<dyn Any + Send>) {
        drop(saved);
    }
}

/// Writes requests for one connection.
pub trait RequestEncoder: Send {
    /// Appends one whole request to `out`, or nothing.
    ///
    /// # Errors
    /// The arguments do not fit the format; `out` is as it was.
    fn encode(
        &mut self,
        seq: u64,
        service_method: &str,
        options: CallOptions,
        args: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError>;
}

/// Reads replies from the bytes of one connection.
pub trait ReplyDecoder: Send {
    /// Takes one reply from the front of `buf`; as [`RequestDecoder::decode`].
    ///
    /// # Errors
    /// The stream is out of step.
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError>;

    /// Hands the value of a reply of this decoder to `visit`.
    ///
    /// # Errors
    /// The value is malformed or does not fit.
    fn body(&self, reply: &Reply, visit: Visit<'_>) -> Result<(), ValueError>;
}
