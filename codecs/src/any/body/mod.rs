//! Bodies as bytes on their way into and out of serde's types: as JSON where they are that, as they are for a type that
//! is bytes itself ([`Blob`](crate::types::Blob)).

mod bytes_only;

pub(super) use bytes_only::NO_SCHEMA;

use crate::{
    body::{BytesReply, BytesReplyEncoder, ContentType},
    budget::DecodeBudget,
    codec::Decoding,
    error::{EncodeError, ValueError},
    json,
};
use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};

/// Decodes a body from JSON, or as it is for a type that is bytes; each attempt has a `budget` of its own.
///
/// # Errors
/// It does not fit `T`, or is of a kind only its schema explains: `why`.
pub(super) fn decode<T: DeserializeOwned>(
    body: &[u8],
    content_type: ContentType,
    why: &'static str,
    decoding: &Decoding<'_>,
    budget: impl Fn() -> DecodeBudget,
) -> Result<T, ValueError> {
    match content_type {
        ContentType::Json => json::value_within(body, decoding, budget),
        ContentType::Protobuf | ContentType::ProtoJson | ContentType::ProtoText => {
            T::deserialize(bytes_only::Bytes { body, why })
        }
    }
}

/// Writes a reply of any serde type: JSON to a caller who sent JSON, or the bytes themselves.
pub(super) fn encode<T: Serialize + ?Sized>(
    encoder: &mut dyn BytesReplyEncoder,
    reply: &T,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let content_type = encoder.content_type();
    let mut write =
        |body: &[u8]| encoder.encode(&BytesReply { body, content_type, ..BytesReply::default() }, out);
    match content_type {
        ContentType::Json => {
            let mut body = BytesMut::new();
            // Protobuf's messages in JSON are objects.
            json::object_to_buf(reply, &mut body)?;
            write(&body)
        }
        ContentType::Protobuf | ContentType::ProtoJson | ContentType::ProtoText => {
            reply.serialize(bytes_only::Sink(&mut write))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        any::{Args, ReplyTo},
        body::BytesArgs,
        types::{Blob, Text},
    };
    use bytes::Bytes;
    use std::collections::BTreeMap;

    fn args(body: &'static [u8], content_type: ContentType) -> BytesArgs<'static> {
        BytesArgs { body: Bytes::from_static(body), content_type, ..BytesArgs::default() }
    }

    #[test]
    fn json_fits_every_type_and_other_bodies_fit_bytes() {
        let json = args(b" {\"a\": 5}", ContentType::Json);
        assert_eq!(Args::Bytes(&json).decode::<BTreeMap<String, i64>>().unwrap()["a"], 5);
        for content_type in [ContentType::Protobuf, ContentType::ProtoJson, ContentType::ProtoText] {
            let bytes = args(b"\n\x05hello", content_type);
            assert_eq!(Args::Bytes(&bytes).decode::<Blob>().unwrap(), Blob::from(b"\n\x05hello"));
            assert_eq!(Args::Bytes(&bytes).decode::<Text>().unwrap().0, b"\n\x05hello");
            let error = Args::Bytes(&bytes).decode::<i64>().unwrap_err();
            assert_eq!(error.text(), NO_SCHEMA);
            assert!(Args::Bytes(&bytes).decode::<()>().is_err());
            assert!(Args::Bytes(&bytes).decode::<String>().is_err());
            assert!(Args::Bytes(&bytes).decode::<Vec<u8>>().is_err(), "serde sees a list of numbers");
        }
    }

    /// Says what the request was, then the reply.
    struct Plain(ContentType);

    impl BytesReplyEncoder for Plain {
        fn content_type(&self) -> ContentType {
            self.0
        }

        fn encode(&mut self, reply: &BytesReply<'_>, out: &mut BytesMut) -> Result<(), EncodeError> {
            let BytesReply { body, attachment, content_type, .. } = reply;
            out.extend_from_slice(format!("{content_type:?} ").as_bytes());
            out.extend_from_slice(body);
            out.extend_from_slice(attachment);
            Ok(())
        }
    }

    #[test]
    fn replies_are_json_to_json_and_bytes_to_bytes() {
        let (mut json, mut protobuf) = (Plain(ContentType::Json), Plain(ContentType::Protobuf));
        let (mut json, mut protobuf) = (ReplyTo::Bytes(&mut json), ReplyTo::Bytes(&mut protobuf));
        assert_eq!(
            (json.content_type(), protobuf.content_type()),
            (ContentType::Json, ContentType::Protobuf)
        );
        let mut out = BytesMut::new();
        json.encode(&[1, 2], None, &mut out).unwrap();
        assert_eq!(out.split(), "Json [1,2]");
        protobuf.encode(&Blob::from(b"ab"), None, &mut out).unwrap();
        assert_eq!(out.split(), "Protobuf ab");
        protobuf.encode(&Text::from("ab"), None, &mut out).unwrap();
        assert_eq!(out.split(), "Protobuf ab");
        for error in [
            protobuf.encode(&5, None, &mut out),
            protobuf.encode("text", None, &mut out),
            protobuf.encode(&(), None, &mut out),
            protobuf.encode(&[1u8][..], None, &mut out),
            protobuf.encode(&BTreeMap::from([(1, 2)]), None, &mut out),
        ] {
            assert_eq!(error.unwrap_err().text(), bytes_only::NO_BYTES);
        }
        assert!(out.is_empty());
    }

    #[test]
    fn replies_of_bytes_go_into_every_codec() {
        let reply = BytesReply { body: b"ab", attachment: b"+", ..BytesReply::default() };
        let mut out = BytesMut::new();
        ReplyTo::JsonValue.encode_bytes(&reply, &mut out).unwrap();
        assert_eq!(out.split(), "\"YWI=\"");
        ReplyTo::Bytes(&mut Plain(ContentType::Json)).encode_bytes(&reply, &mut out).unwrap();
        assert_eq!(out.split(), "Protobuf ab+");
    }
}
