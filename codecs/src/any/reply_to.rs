//! Where and how one reply is written, for all protocols.

use super::body;
use crate::{
    body::{BytesReply, BytesReplyEncoder, ContentType},
    codec::ReplyEncoder,
    error::EncodeError,
    json,
    message::{ErrorReply, Head},
    schema::TypeOf,
    types::AsBlob,
};
use bytes::BytesMut;
use serde::Serialize;
use std::{any::Any, fmt};

/// The answer to one request: its connection's encoder and what the encoder needs of the request.
///
/// A stream writes all its replies, one after the other, to the same.
#[non_exhaustive]
pub enum ReplyTo<'a> {
    /// JSON.
    Json(&'a mut json::ReplyEncoder, &'a json::Head),
    #[cfg(feature = "bson")]
    /// BSON.
    Bson(&'a mut crate::bson::ReplyEncoder, &'a crate::bson::Head),
    #[cfg(feature = "gob")]
    /// Gob.
    Gob(&'a mut crate::gob::ReplyEncoder, &'a Head),
    #[cfg(feature = "msgpack")]
    /// MessagePack.
    Msgpack(&'a mut crate::msgpack::ReplyEncoder, &'a Head),
    /// The bare JSON value, for protocols whose own framing says whose reply it is and what failed.
    JsonValue,
    /// Bytes, in the frames of a protocol that carries them.
    Bytes(&'a mut dyn BytesReplyEncoder),
    #[cfg(feature = "resp")]
    /// RESP, whose replies do not say what they answer.
    Resp(&'a crate::resp::ReplyEncoder),
    /// A program's own codec.
    Custom(&'a mut dyn ReplyEncoder, &'a Head),
}

impl ReplyTo<'_> {
    /// Appends one whole reply to `out`, or nothing. Its type, where it is known without the value, is for codecs that
    /// put types on the wire; others do not look at it.
    ///
    /// # Errors
    /// The value does not fit the format; `out` is as it was.
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        reply: &T,
        reply_type: Option<&TypeOf>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Json(encoder, head) => encoder.encode(head, reply, out),
            #[cfg(feature = "bson")]
            Self::Bson(encoder, head) => encoder.encode(head, reply, out),
            #[cfg(feature = "gob")]
            Self::Gob(encoder, head) => encoder.encode(head, reply, reply_type, out),
            #[cfg(feature = "msgpack")]
            Self::Msgpack(encoder, head) => encoder.encode(head, reply, out),
            Self::JsonValue => json::value_to_buf(reply, out),
            Self::Bytes(encoder) => body::encode(&mut **encoder, reply, out),
            #[cfg(feature = "resp")]
            Self::Resp(encoder) => encoder.encode(reply, out),
            Self::Custom(encoder, head) => encoder.encode(head, &reply, out),
        }
    }

    /// Appends one whole reply that is bytes to `out`, or nothing.
    ///
    /// Codecs get the body as they carry a [`Blob`](crate::types::Blob), and nothing of what is beside it.
    ///
    /// # Errors
    /// The value does not fit the format; `out` is as it was.
    pub fn encode_bytes(&mut self, reply: &BytesReply<'_>, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Self::Bytes(encoder) => encoder.encode(reply, out),
            _ => self.encode(&AsBlob(reply.body), None, out),
        }
    }

    /// Appends one whole error reply to `out`. The forms without a codec write nothing: their protocols say it in their
    /// own way.
    pub fn encode_error(&mut self, error: &ErrorReply, out: &mut BytesMut) {
        match self {
            Self::Json(encoder, head) => encoder.encode_error(head, error, out),
            #[cfg(feature = "bson")]
            Self::Bson(encoder, head) => encoder.encode_error(head, error, out),
            #[cfg(feature = "gob")]
            Self::Gob(encoder, head) => encoder.encode_error(head, error, out),
            #[cfg(feature = "msgpack")]
            Self::Msgpack(encoder, head) => encoder.encode_error(head, error, out),
            Self::JsonValue | Self::Bytes(_) => {}
            #[cfg(feature = "resp")]
            Self::Resp(encoder) => encoder.encode_error_text(&error.text, out),
            Self::Custom(encoder, head) => encoder.encode_error(head, error, out),
        }
    }

    /// What the body of a reply that is bytes is taken for where the method does not say.
    pub fn content_type(&self) -> ContentType {
        match self {
            Self::Bytes(encoder) => encoder.content_type(),
            _ => ContentType::default(),
        }
    }

    /// What the encoder remembers of earlier replies, so that later ones can be taken back. Cheap: a reference.
    pub fn save(&self) -> Saved {
        Saved(match self {
            #[cfg(feature = "gob")]
            Self::Gob(encoder, _) => EncoderState::Gob(encoder.save()),
            Self::Custom(encoder, _) => encoder.save().map_or(EncoderState::Nothing, EncoderState::Custom),
            _ => EncoderState::Nothing,
        })
    }

    /// The replies since [`save`](Self::save) will not be sent: the caller, who cuts them off `out`, says so, and the
    /// encoder forgets them.
    pub fn restore(&mut self, saved: Saved) {
        match (self, saved.0) {
            #[cfg(feature = "gob")]
            (Self::Gob(encoder, _), EncoderState::Gob(saved)) => encoder.restore(saved),
            (Self::Custom(encoder, _), EncoderState::Custom(saved)) => encoder.restore(saved),
            _ => {}
        }
    }
}

impl fmt::Debug for ReplyTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head: &dyn fmt::Debug = match self {
            Self::Json(_, head) => head,
            #[cfg(feature = "bson")]
            Self::Bson(_, head) => head,
            #[cfg(feature = "gob")]
            Self::Gob(_, head) => head,
            #[cfg(feature = "msgpack")]
            Self::Msgpack(_, head) => head,
            Self::Custom(_, head) => head,
            Self::JsonValue => &"a bare value",
            Self::Bytes(_) => &"bytes",
            #[cfg(feature = "resp")]
            Self::Resp(encoder) => encoder,
        };
        f.debug_tuple("ReplyTo").field(head).finish()
    }
}

/// What an encoder remembered when [`ReplyTo::save`] was called.
pub struct Saved(EncoderState);

enum EncoderState {
    Nothing,
    #[cfg(feature = "gob")]
    Gob(crate::gob::Saved),
    Custom(Box<dyn Any + Send>),
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved").finish_non_exhaustive()
    }
}
