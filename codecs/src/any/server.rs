//! A server's halves: requests in, replies out.

use super::{
    Args,
    body::{self, AsBlob},
};
use crate::{
    bson,
    codec::{Limits, ReplyEncoder, RequestDecoder},
    error::{DecodeError, EncodeError},
    gob, json,
    message::{ErrorReply, Request},
    msgpack,
    raw::{RawBody, RawEncoder},
    schema::TypeOf,
};
use bytes::BytesMut;
use serde::Serialize;
use std::fmt;

/// A server's reading half of any codec.
pub enum RequestReader {
    /// JSON.
    Json(json::RequestDecoder),
    /// BSON.
    Bson(bson::RequestDecoder),
    /// Gob.
    Gob(gob::RequestDecoder),
    /// MessagePack.
    Msgpack(msgpack::RequestDecoder),
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
            Self::Gob(decoder) => decoder.decode(buf),
            Self::Msgpack(decoder) => decoder.decode(buf),
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
            Self::Gob(decoder) => decoder.decode_eof(buf),
            Self::Msgpack(decoder) => decoder.decode_eof(buf),
            Self::Custom(decoder) => decoder.decode_eof(buf),
        }
    }

    /// Sets other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        match self {
            Self::Json(decoder) => decoder.set_limits(limits),
            Self::Bson(decoder) => decoder.set_limits(limits),
            Self::Gob(decoder) => decoder.set_limits(limits),
            Self::Msgpack(decoder) => decoder.set_limits(limits),
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
            (Ok(value), Self::Gob(decoder)) => Args::Gob { types: decoder.types(), value },
            (Ok(bytes), Self::Msgpack(_)) => Args::Msgpack(bytes),
            (Ok(_), Self::Custom(decoder)) => Args::Custom(&**decoder, request),
        }
    }
}

impl fmt::Debug for RequestReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "RequestReader(json)",
            Self::Bson(_) => "RequestReader(bson)",
            Self::Gob(_) => "RequestReader(gob)",
            Self::Msgpack(_) => "RequestReader(msgpack)",
            Self::Custom(_) => "RequestReader(custom)",
        })
    }
}

/// A server's writing half of any codec, or a bare form of a protocol that frames replies itself.
#[non_exhaustive]
pub enum ReplyWriter {
    /// JSON.
    Json(json::ReplyEncoder),
    /// BSON.
    Bson(bson::ReplyEncoder),
    /// Gob.
    Gob(gob::ReplyEncoder),
    /// MessagePack.
    Msgpack(msgpack::ReplyEncoder),
    /// The bare JSON value, for protocols whose own framing carries the id and the error.
    JsonValue,
    /// Bytes, for protocols that carry whatever they are given.
    Raw(Box<dyn RawEncoder>),
    /// A program's own.
    Custom(Box<dyn ReplyEncoder>),
}

impl ReplyWriter {
    /// Appends one whole reply to `out`, or nothing. Its type, where it is known without the value, is for codecs that
    /// put types on the wire; others do not look at it.
    ///
    /// # Errors
    /// The value does not fit the format; `out` is as it was.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        request: &Request,
        reply: &T,
        reply_type: Option<&TypeOf>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Json(encoder) => encoder.encode(request, reply, out),
            Self::Bson(encoder) => encoder.encode(request, reply, out),
            Self::Gob(encoder) => encoder.encode(request, reply, reply_type, out),
            Self::Msgpack(encoder) => encoder.encode(request, reply, out),
            Self::JsonValue => json::value_to_buf(reply, out),
            Self::Raw(encoder) => body::encode(&mut **encoder, request, reply, out),
            Self::Custom(encoder) => encoder.encode(request, &reply, out),
        }
    }

    /// Appends one whole reply that is bytes to `out`, or nothing.
    ///
    /// Codecs get the body as they carry a [`Blob`](crate::types::Blob), and nothing of what is beside it.
    ///
    /// # Errors
    /// The value does not fit the format; `out` is as it was.
    pub fn encode_raw(
        &mut self,
        request: &Request,
        reply: &RawBody<'_>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Raw(encoder) => encoder.encode(request, reply, out),
            _ => self.encode(request, &AsBlob(reply.body), None, out),
        }
    }

    /// Appends one whole error reply to `out`. The bare forms write nothing: their protocols say it in their own way.
    pub fn encode_error(&mut self, request: &Request, error: &ErrorReply, out: &mut BytesMut) {
        match self {
            Self::Json(encoder) => encoder.encode_error(request, error, out),
            Self::Bson(encoder) => encoder.encode_error(request, error, out),
            Self::Gob(encoder) => encoder.encode_error(request, error, out),
            Self::Msgpack(encoder) => encoder.encode_error(request, error, out),
            Self::JsonValue | Self::Raw(_) => {}
            Self::Custom(encoder) => encoder.encode_error(request, error, out),
        }
    }
}

impl fmt::Debug for ReplyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "ReplyWriter(json)",
            Self::Bson(_) => "ReplyWriter(bson)",
            Self::Gob(_) => "ReplyWriter(gob)",
            Self::Msgpack(_) => "ReplyWriter(msgpack)",
            Self::JsonValue => "ReplyWriter(bare json)",
            Self::Raw(_) => "ReplyWriter(bytes)",
            Self::Custom(_) => "ReplyWriter(custom)",
        })
    }
}
