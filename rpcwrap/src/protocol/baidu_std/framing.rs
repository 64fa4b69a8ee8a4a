//! Between a connection's frames and dispatch: names, payloads, deadlines, traces, replies.

use super::failure::{refusal_of, reply_of};
use crate::{
    call::{
        dispatch::Refused,
        in_flight::Started,
        large::{self, LARGE},
    },
    error::CallError,
    method::running::traced,
    session::{Calls, Framing, Start},
};
use bytes::BytesMut;
use codecs::{
    Args, DecodeError, EncodeError, Limits, LogText, ReplyTo,
    baidu_std::{self, Payload, ReplyHead, RequestDecoder, code, encode_error, encode_reply},
    body::{BytesArgs, BytesReply, BytesReplyEncoder, ContentType},
    compress::Compression,
};
use tracing::Span;

/// What a compressed byte may become, in bytes that are as much work; it may be more.
const DECOMPRESSED: usize = 64;
/// What it is to compress a byte, beside copying one.
const COMPRESSING: usize = 16;

/// The frames of one connection.
pub(super) struct Frames {
    limits: Limits,
    decoder: RequestDecoder,
    /// The head of the request that is being answered.
    answered: Head,
    /// Where the name that is looked up is put together.
    name: Vec<u8>,
}

impl Frames {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, decoder: RequestDecoder::new(limits), answered: Head::default(), name: Vec::new() }
    }
}

/// A request, and what its reply will need.
pub(super) struct Incoming {
    wire: baidu_std::Request,
    head: Head,
}

impl From<baidu_std::Request> for Incoming {
    fn from(wire: baidu_std::Request) -> Self {
        let head = Head { correlation_id: wire.correlation_id(), content_type: wire.content_type() };
        Self { wire, head }
    }
}

/// What a reply needs of its request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head {
    correlation_id: i64,
    content_type: ContentType,
}

/// Writes replies under the correlation id of the request.
impl BytesReplyEncoder for Head {
    fn content_type(&self) -> ContentType {
        self.content_type
    }

    fn encode(&mut self, reply: &BytesReply<'_>, out: &mut BytesMut) -> Result<(), EncodeError> {
        let head = ReplyHead {
            correlation_id: self.correlation_id,
            content_type: reply.content_type,
            compression: reply.compression,
            checksum: reply.checksum,
        };
        let work = reply.body.len().saturating_mul(match reply.compression {
            Compression::None => 1,
            _ => COMPRESSING,
        });
        large::work_on(work, || encode_reply(&head, reply.body, reply.attachment, out))
    }
}

impl Framing for Frames {
    type Request = Incoming;
    type Head = Head;

    #[inline]
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Incoming>, DecodeError> {
        Ok(self.decoder.decode(input)?.map(Incoming::from))
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Incoming>, DecodeError> {
        Ok(self.decoder.decode_eof(input)?.map(Incoming::from))
    }

    fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.decoder = RequestDecoder::new(limits);
    }

    #[inline]
    fn wire_len(request: &Incoming) -> usize {
        request.wire.wire_len()
    }

    #[inline]
    fn start<'d>(&mut self, request: &Incoming, calls: Calls<'d, '_>) -> Start<'d> {
        let Incoming { wire, .. } = request;
        self.name.clear();
        self.name.extend_from_slice(wire.service_name());
        self.name.push(b'.');
        self.name.extend_from_slice(wire.method_name());
        if wire.has_packed_payload()
            && let Err(refused) = calls.check_short(&self.name)
        {
            return Start(Err(refused));
        }
        let becomes = if wire.is_compressed() { wire.wire_len().saturating_mul(DECOMPRESSED) } else { 0 };
        let has_to_wait = |bytes: usize| bytes >= LARGE && large::is_needed_elsewhere();
        if has_to_wait(becomes.max(wire.wire_len())) {
            return Start(Err(Refused::for_place()));
        }
        let payload = wire.payload(&self.limits);
        // It has become more than it looked like.
        if payload.as_ref().is_ok_and(|payload| has_to_wait(payload.body.len())) {
            return Start(Err(Refused::for_place()));
        }
        let span = span_of(wire);
        let entered = span.as_ref().map(Span::enter);
        let started = match &payload {
            Ok(payload) => {
                let raw = raw_args(wire, payload);
                calls.start_short(&self.name, Args::Bytes(&raw), wire.timeout())
            }
            Err(error) => calls.start_short(&self.name, Args::Broken(error), wire.timeout()),
        };
        drop(entered);
        Start(match started.0 {
            Ok(started) => Ok(match span {
                Some(span) => Started { call: traced(started.call, span), ..started },
                None => started,
            }),
            Err(Refused { error: CallError::BadArguments(error), entry, again }) => {
                // The method says what it wants; bRPC's facts of what it got go before that.
                let error = match &payload {
                    Ok(payload) => wire.unreadable(payload, error.text()),
                    Err(_) => error,
                };
                Err(Refused { error: CallError::BadArguments(error), entry, again })
            }
            Err(refused) => Err(refused),
        })
    }

    #[inline]
    fn head(request: &Incoming) -> &Head {
        &request.head
    }

    fn into_head(request: Incoming) -> Head {
        request.head
    }

    fn seq(head: &Head) -> Option<u64> {
        Some(head.correlation_id as u64)
    }

    #[inline]
    fn reply_to<'a>(&'a mut self, head: &'a Head) -> ReplyTo<'a> {
        self.answered = *head;
        ReplyTo::Bytes(&mut self.answered)
    }

    fn refuse(&mut self, request: &Incoming, error: &CallError, out: &mut BytesMut) {
        let (code, text) = refusal_of(&request.wire, error);
        encode_error(request.wire.correlation_id(), code, &text, out);
    }

    fn fail(&mut self, head: &Head, error: &CallError, out: &mut BytesMut) {
        let (code, text) = reply_of(error);
        encode_error(head.correlation_id, code, &text, out);
    }

    /// Streams are not started with bytes; one that ends all the same is a call without a reply.
    fn end_stream(&mut self, head: &Head, out: &mut BytesMut) {
        encode_error(head.correlation_id, code::ERESPONSE, "no reply", out);
    }
}

#[inline]
fn raw_args<'r>(wire: &'r baidu_std::Request, payload: &Payload) -> BytesArgs<'r> {
    BytesArgs {
        body: payload.body.clone(),
        attachment: payload.attachment.clone(),
        content_type: payload.content_type,
        compression: payload.compression,
        compressed_len: payload.compressed_len,
        log_id: wire.log_id(),
        trace_id: wire.trace_id(),
        span_id: wire.span_id(),
        parent_span_id: wire.parent_span_id(),
        request_id: wire.request_id(),
        user_fields: if wire.has_user_fields() { wire.user_fields().collect() } else { Vec::new() },
    }
}

/// The span in which a call with numbers of the caller's own runs, if its level is enabled.
#[inline]
fn span_of(wire: &baidu_std::Request) -> Option<Span> {
    let (log_id, trace_id, span_id) = (wire.log_id(), wire.trace_id(), wire.span_id());
    if log_id == 0 && trace_id == 0 && span_id == 0 && wire.request_id().is_empty() {
        return None;
    }
    let parent_span_id = wire.parent_span_id();
    let request_id = LogText::new(String::from_utf8_lossy(wire.request_id()));
    let span = tracing::info_span!("call", log_id, trace_id, span_id, parent_span_id, %request_id);
    (!span.is_disabled()).then_some(span)
}
