//! Bodies as bytes: what byte-oriented protocols carry, whose schemas nobody here knows.
//!
//! A protocol that frames messages itself hands a request's bytes over as [`RawArgs`] and takes a reply's as
//! [`RawBody`] through its [`RawEncoder`]. Methods of serde types are reached all the same: with JSON in a body that
//! says so, or where the type is bytes itself ([`Blob`](crate::types::Blob)).

mod bytes_only;

use crate::{
    compress::Compression,
    error::{EncodeError, ValueError},
    json,
    message::Request,
};
use bytes::{Bytes, BytesMut};
use serde::{Serialize, de::DeserializeOwned};

/// What the bytes of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentType {
    /// Protobuf of the method's own message type.
    #[default]
    Protobuf,
    /// JSON.
    Json,
    /// Protobuf's JSON mapping.
    ProtoJson,
    /// Protobuf's text format.
    ProtoText,
}

/// The arguments of one call as bytes, and what came beside them. What the protocol has no field for is empty or 0.
#[derive(Debug, Clone, Default)]
pub struct RawArgs<'a> {
    /// The message, decompressed.
    pub body: Bytes,
    /// Bytes beside the message.
    pub attachment: Bytes,
    /// What the body is.
    pub content_type: ContentType,
    /// How the body came, for a method that wants to answer likewise.
    pub compression: Compression,
    /// The caller's number for its logs.
    pub log_id: i64,
    /// The trace the call belongs to.
    pub trace_id: i64,
    /// The call's place in its trace.
    pub span_id: i64,
    /// The place of the call that made this one.
    pub parent_span_id: i64,
    /// The caller's name for the whole request this call is part of.
    pub request_id: &'a [u8],
    /// The caller's own keys and values.
    pub user_fields: Vec<(&'a [u8], &'a [u8])>,
}

impl RawArgs<'_> {
    /// Decodes the body straight into `T`: from JSON, or as it is for a type that is bytes.
    ///
    /// # Errors
    /// The body does not fit `T`, or is of a kind only its schema explains.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ValueError> {
        decode(&self.body, self.content_type, bytes_only::NO_SCHEMA)
    }
}

/// Decodes a body from JSON, or as it is for a type that is bytes; `why` is the text where it is neither.
pub(crate) fn decode<T: DeserializeOwned>(
    body: &[u8],
    content_type: ContentType,
    why: &'static str,
) -> Result<T, ValueError> {
    match content_type {
        ContentType::Json => json::value_from_slice(body),
        ContentType::Protobuf | ContentType::ProtoJson | ContentType::ProtoText => {
            T::deserialize(bytes_only::Bytes { body, why })
        }
    }
}

/// One reply as bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawBody<'a> {
    /// The message.
    pub body: &'a [u8],
    /// Bytes beside the message, where the protocol can carry them.
    pub attachment: &'a [u8],
    /// What the body is.
    pub content_type: ContentType,
    /// How the body is to be compressed, where the protocol can say so.
    pub compression: Compression,
    /// Whether to send a checksum of the body, where the protocol has one.
    pub checksum: bool,
}

/// Frames replies of a protocol that carries bytes. Errors are the protocol's own business.
pub trait RawEncoder: Send {
    /// Appends one whole reply to `out`, or nothing.
    ///
    /// # Errors
    /// The protocol cannot carry it; `out` is as it was.
    fn encode(
        &mut self,
        request: &Request,
        reply: &RawBody<'_>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError>;
}

/// Writes a reply of any serde type: JSON to a caller who sent JSON, or the bytes themselves.
pub(crate) fn encode<T: Serialize + ?Sized>(
    encoder: &mut dyn RawEncoder,
    request: &Request,
    reply: &T,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let content_type = request.content_type();
    let mut write =
        |body: &[u8]| encoder.encode(request, &RawBody { body, content_type, ..RawBody::default() }, out);
    match content_type {
        ContentType::Json => {
            let mut body = BytesMut::new();
            json::value_to_buf(reply, &mut body)?;
            write(&body)
        }
        ContentType::Protobuf | ContentType::ProtoJson | ContentType::ProtoText => {
            reply.serialize(bytes_only::Sink(&mut write))
        }
    }
}

/// Bytes on their way into a codec that has a form of its own for them.
pub(crate) struct AsBlob<'a>(pub(crate) &'a [u8]);

impl Serialize for AsBlob<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::types::serialize_blob(self.0, serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        any::{Args, ReplyWriter},
        types::{Blob, Text},
    };
    use std::collections::BTreeMap;

    fn args(body: &'static [u8], content_type: ContentType) -> RawArgs<'static> {
        RawArgs { body: Bytes::from_static(body), content_type, ..RawArgs::default() }
    }

    #[test]
    fn json_fits_every_type_and_other_bodies_fit_bytes() {
        let json = args(b" {\"a\": 5}", ContentType::Json);
        assert_eq!(Args::Raw(&json).decode::<BTreeMap<String, i64>>().unwrap()["a"], 5);
        for content_type in [ContentType::Protobuf, ContentType::ProtoJson, ContentType::ProtoText] {
            let raw = args(b"\n\x05hello", content_type);
            assert_eq!(Args::Raw(&raw).decode::<Blob>().unwrap(), Blob::from(b"\n\x05hello"));
            assert_eq!(Args::Raw(&raw).decode::<Text>().unwrap().0, b"\n\x05hello");
            let error = Args::Raw(&raw).decode::<i64>().unwrap_err();
            assert_eq!(error.text(), bytes_only::NO_SCHEMA);
            assert!(Args::Raw(&raw).decode::<()>().is_err());
            assert!(Args::Raw(&raw).decode::<String>().is_err());
            assert!(Args::Raw(&raw).decode::<Vec<u8>>().is_err(), "serde sees a list of numbers");
        }
    }

    struct Plain;

    impl RawEncoder for Plain {
        fn encode(
            &mut self,
            request: &Request,
            reply: &RawBody<'_>,
            out: &mut BytesMut,
        ) -> Result<(), EncodeError> {
            let RawBody { body, attachment, content_type, .. } = reply;
            out.extend_from_slice(format!("{} {content_type:?} ", request.seq()).as_bytes());
            out.extend_from_slice(body);
            out.extend_from_slice(attachment);
            Ok(())
        }
    }

    #[test]
    fn replies_are_json_to_json_and_bytes_to_bytes() {
        let mut writer = ReplyWriter::Raw(Box::new(Plain));
        let request =
            |content_type| Request::new(Bytes::new(), 7, 0..0, 0..0).with_content_type(content_type);
        let (json, protobuf) = (request(ContentType::Json), request(ContentType::Protobuf));
        let mut out = BytesMut::new();
        writer.encode(&json, &[1, 2], None, &mut out).unwrap();
        assert_eq!(out.split(), "7 Json [1,2]");
        writer.encode(&protobuf, &Blob::from(b"ab"), None, &mut out).unwrap();
        assert_eq!(out.split(), "7 Protobuf ab");
        writer.encode(&protobuf, &Text::from("ab"), None, &mut out).unwrap();
        assert_eq!(out.split(), "7 Protobuf ab");
        for error in [
            writer.encode(&protobuf, &5, None, &mut out),
            writer.encode(&protobuf, "text", None, &mut out),
            writer.encode(&protobuf, &(), None, &mut out),
            writer.encode(&protobuf, &[1u8][..], None, &mut out),
            writer.encode(&protobuf, &BTreeMap::from([(1, 2)]), None, &mut out),
        ] {
            assert_eq!(error.unwrap_err().text(), bytes_only::NO_BYTES);
        }
        assert!(out.is_empty());
    }

    #[test]
    fn raw_replies_go_into_every_codec() {
        let request = Request::new(Bytes::new(), 7, 0..0, 0..0);
        let reply = RawBody { body: b"ab", attachment: b"+", ..RawBody::default() };
        let mut out = BytesMut::new();
        ReplyWriter::JsonValue.encode_raw(&request, &reply, &mut out).unwrap();
        assert_eq!(out.split(), "\"YWI=\"");
        ReplyWriter::Raw(Box::new(Plain)).encode_raw(&request, &reply, &mut out).unwrap();
        assert_eq!(out.split(), "7 Protobuf ab+");
    }
}
