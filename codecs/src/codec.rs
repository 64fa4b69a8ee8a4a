//! The codec idea: four halves, one object per direction per connection.
//!
//! A server reads requests ([`RequestDecoder`]) and writes replies ([`ReplyEncoder`]); a client writes requests
//! ([`RequestEncoder`]) and reads replies ([`ReplyDecoder`]). Programs bring their own through the trait
//! [`Codec`]; the built-in ones are known by name in the enums [`AnyCodec`], [`RequestReader`], [`ReplyWriter`],
//! [`RequestWriter`] and [`ReplyReader`], so that arguments go straight into the handler's type without a
//! virtual call. This file only hands on: each format's rules live in its own module.

use crate::{
    bson,
    error::{DecodeError, EncodeError, ValueError},
    json,
    message::{Dialect, ErrorReply, Reply, Request},
};
use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, sync::Arc, time::Duration};

/// How large and how deep a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message, header and body together. Default 64 MiB.
    pub max_message_bytes: usize,
    /// Levels of values inside values. Default 100.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_message_bytes: 64 << 20, max_depth: 100 }
    }
}

/// What a client asks of one call beside its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallOptions {
    /// Sent as the optional header member `Timeout` (whole milliseconds, at least 1); servers of ours enforce it.
    pub timeout: Option<Duration>,
    /// Sent as the optional header member `Details`: "I read structured errors".
    pub details: bool,
}

/// An encoding of Go-RPC messages, named in `CONNECT /_<name>_rpc_`.
///
/// # Example
/// See `examples/own_codec.rs`: a codec in 120 lines, registered with `Server::builder().codec(…)`.
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
        request: &Request,
        reply: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError>;

    /// Appends one whole error reply to `out`; the end of a stream is the text [`END_OF_STREAM`](crate::END_OF_STREAM).
    fn encode_error(&mut self, request: &Request, error: &ErrorReply, out: &mut BytesMut);
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

/// Which dialect of BSON a server answers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BsonDialect {
    /// As the connection's first request: ServiceMethod as Binary 0x05 → vitess, as String 0x02 → standard.
    #[default]
    Auto,
    /// Always this one.
    Always(Dialect),
}

/// A codec, built in or brought by the program.
#[derive(Clone)]
#[non_exhaustive]
pub enum AnyCodec {
    /// Go's `net/rpc/jsonrpc`: JSON-RPC 1.0 objects.
    Json,
    /// vitess' `bsonrpc`: two BSON documents.
    Bson(BsonDialect),
    /// A program's own.
    Custom(Arc<dyn Codec>),
}

impl AnyCodec {
    /// The word in `/_<name>_rpc_`.
    pub fn name(&self) -> &str {
        match self {
            Self::Json => json::NAME,
            Self::Bson(_) => bson::NAME,
            Self::Custom(codec) => codec.name(),
        }
    }

    /// A server's reading half for one new connection.
    pub fn request_reader(&self, limits: Limits) -> RequestReader {
        match self {
            Self::Json => RequestReader::Json(json::RequestDecoder::new(limits)),
            Self::Bson(dialect) => RequestReader::Bson(bson::RequestDecoder::new(limits, *dialect)),
            Self::Custom(codec) => RequestReader::Custom(codec.request_decoder(limits)),
        }
    }

    /// A server's writing half for one new connection.
    pub fn reply_writer(&self) -> ReplyWriter {
        match self {
            Self::Json => ReplyWriter::Json(json::ReplyEncoder::new()),
            Self::Bson(_) => ReplyWriter::Bson(bson::ReplyEncoder::new()),
            Self::Custom(codec) => ReplyWriter::Custom(codec.reply_encoder()),
        }
    }

    /// A client's writing half for one new connection.
    pub fn request_writer(&self) -> RequestWriter {
        match self {
            Self::Json => RequestWriter::Json(json::RequestEncoder::new()),
            Self::Bson(BsonDialect::Always(dialect)) => {
                RequestWriter::Bson(bson::RequestEncoder::new(*dialect))
            }
            Self::Bson(BsonDialect::Auto) => RequestWriter::Bson(bson::RequestEncoder::new(Dialect::Vitess)),
            Self::Custom(codec) => RequestWriter::Custom(codec.request_encoder()),
        }
    }

    /// A client's reading half for one new connection.
    pub fn reply_reader(&self, limits: Limits) -> ReplyReader {
        match self {
            Self::Json => ReplyReader::Json(json::ReplyDecoder::new(limits)),
            Self::Bson(_) => ReplyReader::Bson(bson::ReplyDecoder::new(limits)),
            Self::Custom(codec) => ReplyReader::Custom(codec.reply_decoder(limits)),
        }
    }
}

impl fmt::Debug for AnyCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The still encoded arguments of one call, in the form their protocol brought them.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Args<'a> {
    /// A bare JSON value.
    JsonValue(&'a [u8]),
    /// The JSON array `params`, of which the first element counts.
    JsonParams(&'a [u8]),
    /// A BSON document, `{_Val_: x}` for simple values.
    Bson(&'a [u8]),
    /// Whatever a program's own codec reads.
    Custom(&'a dyn RequestDecoder, &'a Request),
    /// Arguments known to be unreadable, and why.
    Broken(&'a ValueError),
}

impl Args<'_> {
    /// Decodes the arguments straight into `T`.
    ///
    /// # Errors
    /// They are malformed or do not fit `T`; the text goes to the caller.
    #[inline]
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ValueError> {
        match self {
            Self::JsonValue(bytes) => json::value_from_slice(bytes),
            Self::JsonParams(bytes) => json::params_from_slice(bytes),
            Self::Bson(bytes) => bson::value_from_slice(bytes),
            Self::Custom(decoder, request) => decode_erased(|visit| decoder.args(request, visit)),
            Self::Broken(error) => Err((*error).clone()),
        }
    }
}

impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JsonValue(_) => "JsonValue",
            Self::JsonParams(_) => "JsonParams",
            Self::Bson(_) => "Bson",
            Self::Custom(..) => "Custom",
            Self::Broken(_) => "Broken",
        })
    }
}

fn decode_erased<T: DeserializeOwned>(
    source: impl FnOnce(Visit<'_>) -> Result<(), ValueError>,
) -> Result<T, ValueError> {
    let mut value = None;
    source(&mut |deserializer| {
        value = Some(erased_serde::deserialize(deserializer)?);
        Ok(())
    })?;
    value.ok_or_else(|| ValueError::new("codec handed over no value"))
}

/// A server's reading half of any codec.
pub enum RequestReader {
    /// JSON.
    Json(json::RequestDecoder),
    /// BSON.
    Bson(bson::RequestDecoder),
    /// A program's own.
    Custom(Box<dyn RequestDecoder>),
}

impl RequestReader {
    /// As [`RequestDecoder::decode`].
    ///
    /// # Errors
    /// The stream is out of step.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        match self {
            Self::Json(decoder) => decoder.decode(buf),
            Self::Bson(decoder) => decoder.decode(buf),
            Self::Custom(decoder) => decoder.decode(buf),
        }
    }

    /// As [`RequestDecoder::decode_eof`].
    ///
    /// # Errors
    /// The stream ended inside a message.
    pub fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        match self {
            Self::Json(decoder) => decoder.decode_eof(buf),
            Self::Bson(decoder) => decoder.decode_eof(buf),
            Self::Custom(decoder) => decoder.decode_eof(buf),
        }
    }

    /// Sets other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        match self {
            Self::Json(decoder) => decoder.set_limits(limits),
            Self::Bson(decoder) => decoder.set_limits(limits),
            Self::Custom(decoder) => decoder.set_limits(limits),
        }
    }

    /// The arguments of a request of this reader, ready to be decoded into a type.
    #[inline]
    pub fn args<'a>(&'a self, request: &'a Request) -> Args<'a> {
        match (request.args(), self) {
            (Err(error), _) => Args::Broken(error),
            (Ok(bytes), Self::Json(_)) => Args::JsonParams(bytes),
            (Ok(bytes), Self::Bson(_)) => Args::Bson(bytes),
            (Ok(_), Self::Custom(decoder)) => Args::Custom(&**decoder, request),
        }
    }
}

impl fmt::Debug for RequestReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "RequestReader(json)",
            Self::Bson(_) => "RequestReader(bson)",
            Self::Custom(_) => "RequestReader(custom)",
        })
    }
}

/// A server's writing half of any codec, or the bare form of a protocol that frames replies itself.
#[non_exhaustive]
pub enum ReplyWriter {
    /// JSON.
    Json(json::ReplyEncoder),
    /// BSON.
    Bson(bson::ReplyEncoder),
    /// The bare JSON value, for protocols whose own framing carries the id and the error.
    JsonValue,
    /// A program's own.
    Custom(Box<dyn ReplyEncoder>),
}

impl ReplyWriter {
    /// Appends one whole reply to `out`, or nothing.
    ///
    /// # Errors
    /// The value does not fit the format; `out` is as it was.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        request: &Request,
        reply: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Json(encoder) => encoder.encode(request, reply, out),
            Self::Bson(encoder) => encoder.encode(request, reply, out),
            Self::JsonValue => json::value_to_buf(reply, out),
            Self::Custom(encoder) => encoder.encode(request, &reply, out),
        }
    }

    /// Appends one whole error reply to `out`. The bare form writes nothing: its protocol says it in its own way.
    pub fn encode_error(&mut self, request: &Request, error: &ErrorReply, out: &mut BytesMut) {
        match self {
            Self::Json(encoder) => encoder.encode_error(request, error, out),
            Self::Bson(encoder) => encoder.encode_error(request, error, out),
            Self::JsonValue => {}
            Self::Custom(encoder) => encoder.encode_error(request, error, out),
        }
    }
}

impl fmt::Debug for ReplyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "ReplyWriter(json)",
            Self::Bson(_) => "ReplyWriter(bson)",
            Self::JsonValue => "ReplyWriter(bare json)",
            Self::Custom(_) => "ReplyWriter(custom)",
        })
    }
}

/// A client's writing half of any codec.
pub enum RequestWriter {
    /// JSON.
    Json(json::RequestEncoder),
    /// BSON.
    Bson(bson::RequestEncoder),
    /// A program's own.
    Custom(Box<dyn RequestEncoder>),
}

impl RequestWriter {
    /// Appends one whole request to `out`, or nothing.
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
        match self {
            Self::Json(encoder) => encoder.encode(seq, service_method, options, args, out),
            Self::Bson(encoder) => encoder.encode(seq, service_method, options, args, out),
            Self::Custom(encoder) => encoder.encode(seq, service_method, options, &args, out),
        }
    }
}

impl fmt::Debug for RequestWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "RequestWriter(json)",
            Self::Bson(_) => "RequestWriter(bson)",
            Self::Custom(_) => "RequestWriter(custom)",
        })
    }
}

/// A client's reading half of any codec.
pub enum ReplyReader {
    /// JSON.
    Json(json::ReplyDecoder),
    /// BSON.
    Bson(bson::ReplyDecoder),
    /// A program's own.
    Custom(Box<dyn ReplyDecoder>),
}

impl ReplyReader {
    /// As [`ReplyDecoder::decode`].
    ///
    /// # Errors
    /// The stream is out of step.
    #[inline]
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        match self {
            Self::Json(decoder) => decoder.decode(buf),
            Self::Bson(decoder) => decoder.decode(buf),
            Self::Custom(decoder) => decoder.decode(buf),
        }
    }

    /// Decodes the value of a reply of this reader straight into `T`.
    ///
    /// # Errors
    /// It is malformed or does not fit `T`.
    pub fn body<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, ValueError> {
        match self {
            Self::Json(_) => json::value_from_slice(reply.body()),
            Self::Bson(_) => bson::value_from_slice(reply.body()),
            Self::Custom(decoder) => decode_erased(|visit| decoder.body(reply, visit)),
        }
    }
}

impl fmt::Debug for ReplyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "ReplyReader(json)",
            Self::Bson(_) => "ReplyReader(bson)",
            Self::Custom(_) => "ReplyReader(custom)",
        })
    }
}
