//! A client's halves as the codec idea has them: any serde type as JSON, replies under the number of their call.
//!
//! Beside [`encode_request`] and [`Reply`], which carry bytes; a connection can use both.

use super::{Reply, RequestHead, encode_request};
use crate::{
    codec::{CallOptions, Limits},
    error::{EncodeError, ValueError},
    json,
    message::{self, ErrorReply},
    raw::{self, ContentType},
};
use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};

/// Writes the requests of one connection, each with the same proof of who its client is.
#[derive(Default)]
pub struct RequestEncoder {
    authentication_data: Vec<u8>,
}

impl RequestEncoder {
    /// An encoder; empty `authentication_data` is not sent.
    pub fn new(authentication_data: impl Into<Vec<u8>>) -> Self {
        Self { authentication_data: authentication_data.into() }
    }

    /// Appends one whole request to `out`, or nothing: `args` as JSON, `content_type` 1.
    ///
    /// # Errors
    /// The arguments do not fit JSON; `out` is as it was.
    pub fn encode<T: Serialize + ?Sized>(
        &mut self,
        seq: u64,
        service_method: &str,
        options: CallOptions,
        args: &T,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let (service_name, method_name) = service_method.rsplit_once('.').unwrap_or(("", service_method));
        let mut body = BytesMut::new();
        json::value_to_buf(args, &mut body)?;
        let head = RequestHead {
            service_name,
            method_name,
            correlation_id: seq as i64,
            timeout: options.timeout,
            content_type: ContentType::Json,
            ..RequestHead::default()
        };
        self.encode_raw(&head, &body, b"", out)
    }

    /// As [`encode_request`], with this client's proof where `head` has none of its own.
    ///
    /// # Errors
    /// As [`encode_request`].
    pub fn encode_raw(
        &mut self,
        head: &RequestHead<'_>,
        body: &[u8],
        attachment: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        if head.authentication_data.is_empty() {
            let authentication_data = &self.authentication_data;
            return encode_request(&RequestHead { authentication_data, ..*head }, body, attachment, out);
        }
        encode_request(head, body, attachment, out)
    }
}

/// The proof is never part of the text.
impl std::fmt::Debug for RequestEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestEncoder").finish_non_exhaustive()
    }
}

/// The same reply in the form of all codecs: its number is the correlation id, its body the whole frame, and the code of
/// an error stands in it as a decimal number. [`Reply::from_frame`] is the way back.
impl From<Reply> for message::Reply {
    fn from(reply: Reply) -> Self {
        let error = reply.error().map(|(code, text)| ErrorReply {
            text: String::from_utf8_lossy(text).into_owned(),
            code: code.to_string(),
            data: None,
        });
        let (seq, bytes) = (reply.correlation_id() as u64, reply.into_frame());
        let len = bytes.len();
        let reply = Self::new(bytes, seq, 0..0, 0..len);
        match error {
            Some(error) => reply.with_error(error),
            None => reply,
        }
    }
}

/// Decodes the value of a reply: from JSON, or as it is for a type that is bytes.
pub(crate) fn body<T: DeserializeOwned>(reply: &message::Reply, limits: &Limits) -> Result<T, ValueError> {
    let out_of_step = |error: crate::error::DecodeError| ValueError::new(error.to_string());
    let payload = Reply::from_frame(reply.bytes().clone()).map_err(out_of_step)?.payload(limits)?;
    raw::decode(&payload.body, payload.content_type, NO_SCHEMA)
}

/// Why a reply is no value.
const NO_SCHEMA: &str =
    "the reply is a message of its own schema, neither JSON (content_type 1) nor wanted as bytes";
