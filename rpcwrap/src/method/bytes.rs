//! Methods on bytes: a body passes through as it came, for messages whose schema the program does not know or does not
//! want to decode.
//!
//! Ordinary methods in every other way: limits, access, deadlines, counters and drain are dispatch's. Knows no
//! protocol.

use crate::method::{args::FromArgs, context::ContextSource, reply::WriteReply};
use bytes::{Bytes, BytesMut};
use codecs::{
    Args, Decoding, EncodeError, ReplyTo, ValueError,
    body::{BytesReply, ContentType},
    compress::Compression,
    schema::TypeOf,
    types::Blob,
};

/// A call as bytes: take it as a method's argument.
///
/// By `baidu_std` all of it is filled in. A codec's caller sends a [`Blob`] (Go's `[]byte`), which becomes the body.
///
/// ```
/// use rpcwrap::{RawCall, RawReply, Service};
/// let echo = Service::new("demo.EchoService")
///     .method("Echo", |call: RawCall| async move { Ok(RawReply::new(call.body).attachment(call.attachment)) });
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RawCall {
    /// Full name of the method as it is registered, `demo.EchoService.Echo`.
    pub service_method: String,
    /// The message, decompressed.
    pub body: Bytes,
    /// Bytes beside the message.
    pub attachment: Bytes,
    /// What the body is.
    pub content_type: ContentType,
    /// How the body came.
    pub compression: Compression,
    /// The caller's number for its logs, or 0.
    pub log_id: i64,
    /// The trace the call belongs to, or 0.
    pub trace_id: i64,
    /// The call's place in its trace, or 0.
    pub span_id: i64,
    /// The place of the call that made this one, or 0.
    pub parent_span_id: i64,
    /// The caller's name for the whole request this call is part of, or empty.
    pub request_id: String,
    /// The caller's own keys and values, in their order.
    pub user_fields: Vec<(String, String)>,
}

impl RawCall {
    /// `demo.EchoService`
    pub fn service(&self) -> &str {
        self.service_method.rsplit_once('.').map_or("", |(service, _)| service)
    }

    /// `Echo`
    pub fn method(&self) -> &str {
        self.service_method.rsplit_once('.').map_or("", |(_, method)| method)
    }
}

/// Bytes of a part that is copied out of the buffer it was read into, all of which a clone would keep while the call
/// waits: up to 64 KiB.
const COPIED: usize = 4 << 10;

fn own(part: &Bytes) -> Bytes {
    if part.len() < COPIED { Bytes::copy_from_slice(part) } else { part.clone() }
}

impl FromArgs for RawCall {
    fn from_args(
        args: Args<'_>,
        decoding: &Decoding<'_>,
        source: &ContextSource<'_>,
    ) -> Result<Self, ValueError> {
        let service_method = source.name.to_owned();
        let Args::Bytes(raw) = args else {
            let body = Vec::from(args.decode_within::<Blob>(decoding)?).into();
            return Ok(Self { service_method, body, ..Self::default() });
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Self {
            service_method,
            body: own(&raw.body),
            attachment: own(&raw.attachment),
            content_type: raw.content_type,
            compression: raw.compression,
            log_id: raw.log_id,
            trace_id: raw.trace_id,
            span_id: raw.span_id,
            parent_span_id: raw.parent_span_id,
            request_id: text(raw.request_id),
            user_fields: raw.user_fields.iter().map(|(key, value)| (text(key), text(value))).collect(),
        })
    }
}

/// A reply as bytes: what a method on bytes answers with.
///
/// A codec's caller gets the body as a [`Blob`] and nothing of the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawReply {
    body: Bytes,
    attachment: Bytes,
    content_type: Option<ContentType>,
    compression: Compression,
    checksum: bool,
}

impl RawReply {
    /// A reply with this body, of the kind the request was: uncompressed, without a checksum.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// The same reply with bytes beside the body, never compressed.
    #[must_use]
    pub fn attachment(mut self, attachment: impl Into<Bytes>) -> Self {
        self.attachment = attachment.into();
        self
    }

    /// The same reply with a body of this kind, whatever the request's was.
    #[must_use]
    pub fn content_type(mut self, content_type: ContentType) -> Self {
        self.content_type = Some(content_type);
        self
    }

    /// The same reply, its body to be compressed on the way.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The same reply with a checksum over its body.
    #[must_use]
    pub fn checksum(mut self) -> Self {
        self.checksum = true;
        self
    }
}

impl WriteReply for RawReply {
    fn write_reply(
        &self,
        _: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let body = BytesReply {
            body: &self.body,
            attachment: &self.attachment,
            content_type: self.content_type.unwrap_or(to.content_type()),
            compression: self.compression,
            checksum: self.checksum,
        };
        to.encode_bytes(&body, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_part_does_not_keep_the_buffer_it_came_in() {
        let buffer = Bytes::from(vec![7; 60_000]);
        for (len, keeps) in [(0, false), (20, false), (COPIED - 1, false), (COPIED, true)] {
            let part = buffer.slice(100..100 + len);
            let kept = own(&part);
            assert_eq!(kept, part);
            drop(part);
            assert_eq!(!buffer.is_unique(), keeps, "{len}");
        }
    }
}
