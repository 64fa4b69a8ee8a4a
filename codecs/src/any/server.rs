//! A server's side of a connection of one codec: requests in, replies out.
//!
//! [`ServerCodec`] is compiled for each codec apart, for those who make many calls; [`AnyServerCodec`] is one of them,
//! for those who make few.

use super::{AnyRequest, Args, ReplyTo};
use crate::{
    codec::{Limits, ReplyEncoder, RequestDecoder},
    error::DecodeError,
    json,
    message::{Head, HeadExtension, Request},
};
use bytes::BytesMut;

/// What a server does with the bytes of one connection whose codec it knows.
pub trait ServerCodec: Send + 'static {
    /// The codec's own part of a request's head.
    type Extension: HeadExtension;

    /// As [`RequestDecoder::decode`].
    ///
    /// # Errors
    /// The stream is out of step.
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request<Self::Extension>>, DecodeError>;

    /// As [`RequestDecoder::decode_eof`].
    ///
    /// # Errors
    /// The stream ended inside a message.
    fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request<Self::Extension>>, DecodeError>;

    /// Sets other limits for what comes from now on.
    fn set_limits(&mut self, limits: Limits);

    /// Bytes of memory that the connection takes beside what is being read and written: gob's types, unless they are
    /// few.
    #[inline]
    fn held_bytes(&self) -> usize {
        0
    }

    /// The arguments of a request of this connection, ready to be decoded into a type.
    fn args<'a>(&'a self, request: &'a Request<Self::Extension>) -> Args<'a>;

    /// The answer to a request of this connection.
    fn reply_to<'a>(&'a mut self, head: &'a Head<Self::Extension>) -> ReplyTo<'a>;
}

/// A server's decoder and encoder of one codec and one connection.
#[derive(Debug)]
pub struct CodecPair<D, E> {
    /// Reads requests.
    pub decoder: D,
    /// Writes replies.
    pub encoder: E,
}

impl<D, E: Default> CodecPair<D, E> {
    /// That decoder and a new encoder.
    pub(super) fn new(decoder: D) -> Self {
        Self { decoder, encoder: E::default() }
    }
}

/// `$args` is made of the decoder, the request and the bytes of its arguments, `$to` of the decoder, the encoder and the
/// head.
macro_rules! server_codec {
    (
        $decoders:ty, $encoders:ty, $own:ty,
        ($decoder:pat, $request:pat, $bytes:pat) => $args:expr,
        ($written:pat, $encoder:ident, $head:ident) => $to:expr
        $(, $held:ident => $held_bytes:expr)?
    ) => {
        impl ServerCodec for CodecPair<$decoders, $encoders> {
            type Extension = $own;

            #[inline]
            fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request<$own>>, DecodeError> {
                self.decoder.decode(buf)
            }

            fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request<$own>>, DecodeError> {
                self.decoder.decode_eof(buf)
            }

            fn set_limits(&mut self, limits: Limits) {
                self.decoder.set_limits(limits);
            }

            $(
                #[inline]
                fn held_bytes(&self) -> usize {
                    let $held = &self.decoder;
                    $held_bytes
                }
            )?

            #[inline]
            fn args<'a>(&'a self, request: &'a Request<$own>) -> Args<'a> {
                match (&self.decoder, request, request.args()) {
                    ($decoder, $request, Ok($bytes)) => $args,
                    (_, _, Err(error)) => Args::Broken(error),
                }
            }

            #[inline]
            fn reply_to<'a>(&'a mut self, $head: &'a Head<$own>) -> ReplyTo<'a> {
                let ($written, $encoder) = (&self.decoder, &mut self.encoder);
                $to
            }
        }
    };
}

server_codec!(
    json::RequestDecoder, json::ReplyEncoder, json::Id,
    (_, _, bytes) => Args::JsonParams(bytes),
    (_, encoder, head) => ReplyTo::Json(encoder, head)
);
#[cfg(feature = "bson")]
server_codec!(
    crate::bson::RequestDecoder, crate::bson::ReplyEncoder, crate::bson::Dialect,
    (_, _, bytes) => Args::Bson(bytes),
    (_, encoder, head) => ReplyTo::Bson(encoder, head)
);
#[cfg(feature = "gob")]
server_codec!(
    crate::gob::RequestDecoder, crate::gob::ReplyEncoder, (),
    (decoder, _, value) => Args::Gob { types: decoder.types(), value },
    (_, encoder, head) => ReplyTo::Gob(encoder, head),
    decoder => decoder.held_bytes()
);
#[cfg(feature = "msgpack")]
server_codec!(
    crate::msgpack::RequestDecoder, crate::msgpack::ReplyEncoder, (),
    (decoder, _, bytes) => Args::MsgpackOf(bytes, decoder.times()),
    (decoder, encoder, head) => {
        encoder.set_times(decoder.times());
        ReplyTo::Msgpack(encoder, head)
    }
);
server_codec!(
    Box<dyn RequestDecoder>, Box<dyn ReplyEncoder>, (),
    (decoder, request, _) => Args::Custom(&**decoder, request),
    (_, encoder, head) => ReplyTo::Custom(&mut **encoder, head)
);

/// The server's side of a connection of any codec.
pub enum AnyServerCodec {
    /// JSON.
    Json(CodecPair<json::RequestDecoder, json::ReplyEncoder>),
    #[cfg(feature = "bson")]
    /// BSON.
    Bson(CodecPair<crate::bson::RequestDecoder, crate::bson::ReplyEncoder>),
    #[cfg(feature = "gob")]
    /// Gob.
    Gob(CodecPair<crate::gob::RequestDecoder, crate::gob::ReplyEncoder>),
    #[cfg(feature = "msgpack")]
    /// MessagePack.
    Msgpack(CodecPair<crate::msgpack::RequestDecoder, crate::msgpack::ReplyEncoder>),
    /// A program's own.
    Custom(CodecPair<Box<dyn RequestDecoder>, Box<dyn ReplyEncoder>>),
}

impl AnyServerCodec {
    /// As [`RequestDecoder::decode`].
    ///
    /// # Errors
    /// The stream is out of step.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<AnyRequest>, DecodeError> {
        Ok(match self {
            Self::Json(pair) => pair.decode(buf)?.map(AnyRequest::Json),
            #[cfg(feature = "bson")]
            Self::Bson(pair) => pair.decode(buf)?.map(AnyRequest::Bson),
            #[cfg(feature = "gob")]
            Self::Gob(pair) => pair.decode(buf)?.map(AnyRequest::Common),
            #[cfg(feature = "msgpack")]
            Self::Msgpack(pair) => pair.decode(buf)?.map(AnyRequest::Common),
            Self::Custom(pair) => pair.decode(buf)?.map(AnyRequest::Common),
        })
    }

    /// As [`RequestDecoder::decode_eof`].
    ///
    /// # Errors
    /// The stream ended inside a message.
    pub fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<AnyRequest>, DecodeError> {
        Ok(match self {
            Self::Json(pair) => pair.decode_eof(buf)?.map(AnyRequest::Json),
            #[cfg(feature = "bson")]
            Self::Bson(pair) => pair.decode_eof(buf)?.map(AnyRequest::Bson),
            #[cfg(feature = "gob")]
            Self::Gob(pair) => pair.decode_eof(buf)?.map(AnyRequest::Common),
            #[cfg(feature = "msgpack")]
            Self::Msgpack(pair) => pair.decode_eof(buf)?.map(AnyRequest::Common),
            Self::Custom(pair) => pair.decode_eof(buf)?.map(AnyRequest::Common),
        })
    }

    /// Sets other limits for what comes from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        match self {
            Self::Json(pair) => pair.set_limits(limits),
            #[cfg(feature = "bson")]
            Self::Bson(pair) => pair.set_limits(limits),
            #[cfg(feature = "gob")]
            Self::Gob(pair) => pair.set_limits(limits),
            #[cfg(feature = "msgpack")]
            Self::Msgpack(pair) => pair.set_limits(limits),
            Self::Custom(pair) => pair.set_limits(limits),
        }
    }

    /// The arguments of a request of this connection, ready to be decoded into a type.
    ///
    /// # Panics
    /// For a request of another codec.
    pub fn args<'a>(&'a self, request: &'a AnyRequest) -> Args<'a> {
        match (self, request) {
            (Self::Json(pair), AnyRequest::Json(request)) => pair.args(request),
            #[cfg(feature = "bson")]
            (Self::Bson(pair), AnyRequest::Bson(request)) => pair.args(request),
            #[cfg(feature = "gob")]
            (Self::Gob(pair), AnyRequest::Common(request)) => pair.args(request),
            #[cfg(feature = "msgpack")]
            (Self::Msgpack(pair), AnyRequest::Common(request)) => pair.args(request),
            (Self::Custom(pair), AnyRequest::Common(request)) => pair.args(request),
            _ => panic!("{self:?} has not read this request"),
        }
    }

    /// The answer to a request of this connection.
    ///
    /// # Panics
    /// For a request of another codec.
    pub fn reply_to<'a>(&'a mut self, request: &'a AnyRequest) -> ReplyTo<'a> {
        match (self, request) {
            (Self::Json(pair), AnyRequest::Json(request)) => pair.reply_to(request.head()),
            #[cfg(feature = "bson")]
            (Self::Bson(pair), AnyRequest::Bson(request)) => pair.reply_to(request.head()),
            #[cfg(feature = "gob")]
            (Self::Gob(pair), AnyRequest::Common(request)) => pair.reply_to(request.head()),
            #[cfg(feature = "msgpack")]
            (Self::Msgpack(pair), AnyRequest::Common(request)) => pair.reply_to(request.head()),
            (Self::Custom(pair), AnyRequest::Common(request)) => pair.reply_to(request.head()),
            (codec, _) => panic!("{codec:?} has not read this request"),
        }
    }
}

debug_by_codec!(AnyServerCodec);
