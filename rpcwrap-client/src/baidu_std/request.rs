//! One call of bytes: its head, its payload, and what an error reply means.

use super::{Compression, ContentType, Payload, code};
use crate::{client, deadline::Deadline, error::Error, request::exchange};
use bytes::BytesMut;
use codecs::{
    RequestWriter,
    baidu_std::{Reply, RequestHead, encode_request},
};
use std::time::Duration;

/// A call, with options of its own, not yet sent. Nothing that is not set is sent.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing before `call` or `message`"]
pub struct Request<'c> {
    client: &'c client::Client,
    head: RequestHead<'c>,
    attachment: &'c [u8],
}

impl<'c> Request<'c> {
    pub(super) fn new(client: &'c client::Client, service_method: &'c str) -> Self {
        let (service_name, method_name) = service_method.rsplit_once('.').unwrap_or(("", service_method));
        let timeout = client.shared().config.call_timeout;
        let head = RequestHead { service_name, method_name, timeout, ..RequestHead::default() };
        Self { client, head, attachment: b"" }
    }

    /// Gives up after `timeout`, counted from [`call`](Self::call) on and including the wait for its turn; what is left
    /// of it goes out as `timeout_ms`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.head.timeout = Some(timeout);
        self
    }

    /// Bytes beside the body, never compressed.
    pub fn attachment(mut self, attachment: &'c [u8]) -> Self {
        self.attachment = attachment;
        self
    }

    /// Compresses the body. The reply's compression is the server's to choose.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.head.compression = compression;
        self
    }

    /// Sends a checksum (CRC-32C) of the body.
    pub fn checksum(mut self) -> Self {
        self.head.checksum = true;
        self
    }

    /// What the body is; protobuf unless said otherwise.
    pub fn content_type(mut self, content_type: ContentType) -> Self {
        self.head.content_type = content_type;
        self
    }

    /// A number for the logs of both sides.
    pub fn log_id(mut self, log_id: i64) -> Self {
        self.head.log_id = log_id;
        self
    }

    /// The trace the call belongs to, its place in it, and the place of the call that makes it.
    pub fn trace(mut self, trace_id: i64, span_id: i64, parent_span_id: i64) -> Self {
        (self.head.trace_id, self.head.span_id, self.head.parent_span_id) =
            (trace_id, span_id, parent_span_id);
        self
    }

    /// A name for the whole request this call is part of.
    pub fn request_id(mut self, request_id: &'c str) -> Self {
        self.head.request_id = request_id;
        self
    }

    /// Keys and values of the program's own.
    pub fn user_fields(mut self, fields: &'c [(&'c str, &'c str)]) -> Self {
        self.head.user_fields = fields;
        self
    }

    /// Sends `body` and waits for the reply, decompressed and its checksum compared.
    ///
    /// Dropping the future frees its place at once; a late reply is dropped.
    ///
    /// # Errors
    /// [`Error::Server`] with bRPC's or the application's number as its code, see [`code`]; [`Error::Draining`] for
    /// `ELOGOFF`. A limit that is over is [`Error::Timeout`] whichever side noticed first. [`Error::Decode`]: the reply
    /// cannot be read; the connection lives.
    pub async fn call(self, body: &[u8]) -> Result<Payload, Error> {
        let shared = self.client.shared();
        let deadline = self.head.timeout.and_then(Deadline::new);
        let write = |writer: &mut RequestWriter, seq: u64, out: &mut BytesMut| {
            let timeout = deadline.map(|deadline| deadline.left());
            let head = RequestHead { correlation_id: seq as i64, timeout, ..self.head };
            match writer {
                RequestWriter::BaiduStd(encoder) => encoder.encode_bytes(&head, body, self.attachment, out),
                _ => encode_request(&head, body, self.attachment, out),
            }
        };
        let reply = exchange(shared, deadline, write).await?;
        if let Some(error) = reply.error() {
            return Err(in_our_words(Error::from(error), deadline.map(|deadline| deadline.after)));
        }
        let reply = Reply::from_frame(reply.bytes().clone()).map_err(Error::Protocol)?;
        reply.payload(&shared.config.message_limits()).map_err(Error::Decode)
    }

    /// Sends a protobuf message and waits for the one that answers it.
    ///
    /// # Errors
    /// As [`call`](Self::call); [`Error::Decode`] also where the reply is no `R`.
    #[cfg(feature = "prost")]
    pub async fn message<R: prost::Message + Default>(
        self,
        message: &impl prost::Message,
    ) -> Result<R, Error> {
        let reply = self.content_type(ContentType::Protobuf).call(&message.encode_to_vec()).await?;
        R::decode(reply.body).map_err(|error| Error::Decode(codecs::ValueError::new(error.to_string())))
    }
}

/// Codes of the server that have variants of their own.
pub(super) fn in_our_words(error: Error, timeout: Option<Duration>) -> Error {
    let Error::Server { code: number, .. } = &error else { return error };
    match (number.parse(), timeout) {
        (Ok(code::ELOGOFF), _) => Error::Draining,
        // The server's clock was the faster one; to the caller it is the same limit.
        (Ok(code::ERPCTIMEDOUT), Some(after)) => Error::Timeout { after, sent: true },
        _ => error,
    }
}
