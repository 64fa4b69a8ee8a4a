//! A client's halves as the codec idea has them: requests with the connection's proof, replies under the number of
//! their call.
//!
//! What the bodies are is the caller's business.

use super::{Reply, RequestHead, encode_request};
use crate::{
    error::EncodeError,
    message::{self, ErrorReply},
};
use bytes::BytesMut;

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

    /// As [`encode_request`], with this client's proof where `head` has none of its own.
    ///
    /// # Errors
    /// As [`encode_request`].
    pub fn encode_bytes(
        &mut self,
        head: &RequestHead<'_>,
        body: &[u8],
        attachment: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let mut head = *head;
        if head.authentication_data.is_empty() {
            head.authentication_data = &self.authentication_data;
        }
        encode_request(&head, body, attachment, out)
    }
}

/// The proof is never part of the text.
impl std::fmt::Debug for RequestEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestEncoder").finish_non_exhaustive()
    }
}

/// The same reply in the form of all codecs: its number is the correlation id, its body the whole frame, and the code
/// of an error stands in it as a decimal number. [`Reply::from_frame`] is the way back.
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
