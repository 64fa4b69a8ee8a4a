//! A client's halves: requests out, replies in.

use super::args::decode_erased;
use crate::{
    codec::{CallOptions, Decoding, Limits, ReplyDecoder, RequestEncoder},
    error::{DecodeError, EncodeError, ValueError},
    json,
    message::Reply,
    schema::TypeOf,
};
use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};

/// A client's writing half of any codec.
pub enum RequestWriter {
    /// JSON.
    Json(json::RequestEncoder),
    #[cfg(feature = "bson")]
    /// BSON.
    Bson(crate::bson::RequestEncoder),
    #[cfg(feature = "gob")]
    /// Gob; boxed, as its tables of types are not small.
    Gob(Box<crate::gob::RequestEncoder>),
    #[cfg(feature = "msgpack")]
    /// MessagePack.
    Msgpack(crate::msgpack::RequestEncoder),
    #[cfg(feature = "baidu_std")]
    /// baidu_std, which is no codec of Go-RPC: arguments go as JSON in its frames, `content_type` 1.
    BaiduStd(crate::baidu_std::RequestEncoder),
    /// A program's own.
    Custom(Box<dyn RequestEncoder>),
}

impl RequestWriter {
    /// Appends one whole request to `out`, or nothing. The arguments' type, where it is known without them, is for
    /// codecs that put types on the wire; others do not look at it.
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
        args_type: Option<&TypeOf>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Json(encoder) => encoder.encode(seq, service_method, options, args, out),
            #[cfg(feature = "bson")]
            Self::Bson(encoder) => encoder.encode(seq, service_method, options, args, out),
            #[cfg(feature = "gob")]
            Self::Gob(encoder) => encoder.encode(seq, service_method, options, args, args_type, out),
            #[cfg(feature = "msgpack")]
            Self::Msgpack(encoder) => encoder.encode(seq, service_method, options, args, out),
            #[cfg(feature = "baidu_std")]
            Self::BaiduStd(encoder) => as_json(encoder, seq, service_method, options, args, out),
            Self::Custom(encoder) => encoder.encode(seq, service_method, options, &args, out),
        }
    }

    /// The request encoded last will not be sent: said by the caller that cuts it off `out` again.
    pub fn rollback(&mut self) {
        #[cfg(feature = "gob")]
        if let Self::Gob(encoder) = self {
            encoder.rollback();
        }
    }
}

debug_by_codec!(RequestWriter, #[cfg(feature = "baidu_std")] BaiduStd "baidu_std");

/// A client's reading half of any codec.
pub enum ReplyReader {
    /// JSON.
    Json(json::ReplyDecoder),
    #[cfg(feature = "bson")]
    /// BSON.
    Bson(crate::bson::ReplyDecoder),
    #[cfg(feature = "gob")]
    /// Gob; boxed, as its tables of types are not small.
    Gob(Box<crate::gob::ReplyDecoder>),
    #[cfg(feature = "msgpack")]
    /// MessagePack.
    Msgpack(crate::msgpack::ReplyDecoder),
    #[cfg(feature = "baidu_std")]
    /// baidu_std, which is no codec of Go-RPC.
    BaiduStd(crate::baidu_std::ReplyDecoder),
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
            #[cfg(feature = "bson")]
            Self::Bson(decoder) => decoder.decode(buf),
            #[cfg(feature = "gob")]
            Self::Gob(decoder) => decoder.decode(buf),
            #[cfg(feature = "msgpack")]
            Self::Msgpack(decoder) => decoder.decode(buf),
            #[cfg(feature = "baidu_std")]
            Self::BaiduStd(decoder) => Ok(decoder.decode(buf)?.map(Reply::from)),
            Self::Custom(decoder) => decoder.decode(buf),
        }
    }

    /// Decodes the value of a reply of this reader straight into `T`.
    ///
    /// # Errors
    /// It is malformed, does not fit `T`, or would take more memory than the reader's [`Limits`] allow.
    pub fn body<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, ValueError> {
        match self {
            Self::Json(decoder) => {
                json::value_from_slice_within(reply.body(), &Decoding::new(&decoder.limits()))
            }
            #[cfg(feature = "bson")]
            Self::Bson(decoder) => {
                crate::bson::value_from_slice_within(reply.body(), &Decoding::new(&decoder.limits()))
            }
            #[cfg(feature = "gob")]
            Self::Gob(decoder) => {
                crate::gob::value_from_reply_within(reply, &Decoding::new(&decoder.limits()))
            }
            #[cfg(feature = "msgpack")]
            Self::Msgpack(decoder) => {
                crate::msgpack::value_from_slice_within(reply.body(), &Decoding::new(&decoder.limits()))
            }
            #[cfg(feature = "baidu_std")]
            Self::BaiduStd(decoder) => body_of_frame(reply, &decoder.limits()),
            Self::Custom(decoder) => {
                let budget = Decoding::new(&Limits::DEFAULT).budget(reply.bytes().len());
                decode_erased(&budget, |visit| decoder.body(reply, visit))
            }
        }
    }
}

debug_by_codec!(ReplyReader, #[cfg(feature = "baidu_std")] BaiduStd "baidu_std");

/// Appends one whole request with JSON in a frame of baidu_std, or nothing.
#[cfg(feature = "baidu_std")]
fn as_json<T: Serialize + ?Sized>(
    encoder: &mut crate::baidu_std::RequestEncoder,
    seq: u64,
    service_method: &str,
    options: CallOptions,
    args: &T,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let (service_name, method_name) = service_method.rsplit_once('.').unwrap_or(("", service_method));
    let mut body = BytesMut::new();
    json::object_to_buf(args, &mut body)?;
    let head = crate::baidu_std::RequestHead {
        service_name,
        method_name,
        correlation_id: seq as i64,
        timeout: options.timeout,
        content_type: crate::body::ContentType::Json,
        ..crate::baidu_std::RequestHead::default()
    };
    encoder.encode_bytes(&head, &body, b"", out)
}

/// Why the reply of a frame is no value.
#[cfg(feature = "baidu_std")]
const NO_SCHEMA: &str =
    "the reply is a message of its own schema, neither JSON (content_type 1) nor wanted as bytes";

/// Decodes the value of a reply that is a frame of baidu_std.
#[cfg(feature = "baidu_std")]
fn body_of_frame<T: DeserializeOwned>(reply: &Reply, limits: &Limits) -> Result<T, ValueError> {
    let out_of_step = |error: DecodeError| ValueError::new(error.to_string());
    let payload =
        crate::baidu_std::Reply::from_frame(reply.bytes().clone()).map_err(out_of_step)?.payload(limits)?;
    let decoding = Decoding::new(limits);
    let budget = || payload.budget(&decoding);
    super::body::decode(&payload.body, payload.content_type, NO_SCHEMA, &decoding, budget)
}
