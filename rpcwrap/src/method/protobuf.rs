//! Methods on protobuf messages: types that implement [`prost::Message`], generated or derived by hand.
//!
//! Over methods on bytes ([`crate::method::bytes`]): the same calls, with the body decoded and encoded by prost.

use crate::method::{
    args::FromArgs,
    bytes::{RawCall, RawReply},
    context::ContextSource,
    reply::WriteReply,
};
use bytes::BytesMut;
use codecs::{
    Args, Decoding, EncodeError, ReplyTo, ValueError,
    body::{BytesReply, ContentType},
    schema::TypeOf,
    types::Blob,
};
use prost::Message;
use std::any::type_name;

/// A protobuf message as a method's argument or reply.
///
/// By `baidu_std` it is the body. A codec's caller sends and gets it encoded, in a [`Blob`] (Go's `[]byte`).
///
/// ```
/// use rpcwrap::{Protobuf, Service};
///
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Text {
///     #[prost(string, tag = "1")]
///     message: String,
/// }
///
/// let echo = Service::new("demo.EchoService")
///     .method("Echo", |Protobuf(text): Protobuf<Text>| async move { Ok(Protobuf(Text { message: text.message })) });
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Protobuf<M>(pub M);

fn decode<M: Message + Default>(body: &[u8], content_type: ContentType) -> Result<M, ValueError> {
    let name = || type_name::<M>().rsplit("::").next().unwrap_or_default();
    match content_type {
        ContentType::Protobuf => {
            M::decode(body).map_err(|error| ValueError::new(format!("no {}: {error}", name())))
        }
        ContentType::Json | ContentType::ProtoJson | ContentType::ProtoText => {
            Err(ValueError::new(format!("the method takes {} as protobuf (content_type 0)", name())))
        }
    }
}

impl<M: Message + Default + 'static> FromArgs for Protobuf<M> {
    fn from_args(args: Args<'_>, decoding: &Decoding<'_>, _: &ContextSource<'_>) -> Result<Self, ValueError> {
        match args {
            Args::Bytes(raw) => decode(&raw.body, raw.content_type),
            args => decode(&args.decode_within::<Blob>(decoding)?, ContentType::Protobuf),
        }
        .map(Self)
    }
}

impl<M: Message + 'static> WriteReply for Protobuf<M> {
    fn write_reply(
        &self,
        _: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let body = self.0.encode_to_vec();
        to.encode_bytes(&BytesReply { body: &body, ..BytesReply::default() }, out)
    }
}

impl RawCall {
    /// Decodes the body, for a method that also wants what is beside it.
    ///
    /// # Errors
    /// It is no such message, or no protobuf. Give it to the caller with `map_err(|error|
    /// Error::new(error).code("1003"))`.
    pub fn message<M: Message + Default>(&self) -> Result<M, ValueError> {
        decode(&self.body, self.content_type)
    }
}

impl RawReply {
    /// A reply with this message as its body.
    pub fn message(message: &impl Message) -> Self {
        Self::new(message.encode_to_vec()).content_type(ContentType::Protobuf)
    }
}
