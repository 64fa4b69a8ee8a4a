//! The codec `framed` of the Go program `goserver`, for our client: what a user's own codec looks like against a server
//! that has one too.
//!
//! A message is two frames, the header and the value, each a length of four bytes, most significant first, and so many
//! bytes of JSON. Headers are Go's `rpc.Request` and `rpc.Response`.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use rpcwrap::codecs::{
    CallOptions, Codec, DecodeError, EncodeError, ErrorReply, Head, Limits, Reply, Request, ValueError,
    codec::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, Visit},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

const LENGTH: usize = 4;
const MALFORMED: DecodeError = DecodeError::Malformed { at: 0, what: "header is not what Go's codec writes" };

/// `/_framed_rpc_`.
pub(crate) struct Framed;

impl Codec for Framed {
    fn name(&self) -> &str {
        "framed"
    }

    fn request_decoder(&self, limits: Limits) -> Box<dyn RequestDecoder> {
        Box::new(Frames(limits))
    }

    fn reply_encoder(&self) -> Box<dyn ReplyEncoder> {
        Box::new(Self)
    }

    fn request_encoder(&self) -> Box<dyn RequestEncoder> {
        Box::new(Self)
    }

    fn reply_decoder(&self, limits: Limits) -> Box<dyn ReplyDecoder> {
        Box::new(Frames(limits))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Header {
    service_method: String,
    seq: u64,
    /// Of replies.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    error: String,
}

/// A message, and where in it header and value are.
type Message = (Bytes, Range<usize>, Range<usize>);

/// Cuts messages off the front.
struct Frames(Limits);

impl Frames {
    /// A whole message, and where its two frames lie in it.
    fn message(&self, buf: &mut BytesMut) -> Result<Option<Message>, DecodeError> {
        let Some(header) = self.frame(buf, 0)? else { return Ok(None) };
        let Some(value) = self.frame(buf, header.end)? else { return Ok(None) };
        Ok(Some((buf.split_to(value.end).freeze(), header, value)))
    }

    fn frame(&self, buf: &[u8], at: usize) -> Result<Option<Range<usize>>, DecodeError> {
        let Some(mut length) = buf.get(at..at + LENGTH) else { return Ok(None) };
        let (length, limit) = (length.get_u32() as usize, self.0.max_message_bytes);
        if at + length > limit {
            return Err(DecodeError::TooBig { len: (at + length) as u64, limit });
        }
        let frame = at + LENGTH..at + LENGTH + length;
        Ok((frame.end <= buf.len()).then_some(frame))
    }
}

fn header(message: &[u8], at: Range<usize>) -> Result<Header, DecodeError> {
    serde_json::from_slice(&message[at]).map_err(|_| MALFORMED)
}

/// Where a name lies in the bytes of its header; nowhere if JSON had to write it in another way.
fn position(message: &[u8], name: &str) -> Range<usize> {
    let found = message.windows(name.len().max(1)).position(|window| window == name.as_bytes());
    found.map_or(0..0, |at| at..at + name.len())
}

fn visit_json(json: &[u8], visit: Visit<'_>) -> Result<(), ValueError> {
    let mut json = serde_json::Deserializer::from_slice(json);
    visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json))
        .map_err(|error| ValueError::new(error.to_string()))
}

/// Appends both frames, or nothing.
fn put(out: &mut BytesMut, header: &Header, value: &dyn erased_serde::Serialize) -> Result<(), EncodeError> {
    let json = |value: &dyn erased_serde::Serialize| {
        serde_json::to_vec(value).map_err(|error| EncodeError::new(error.to_string()))
    };
    for frame in [json(&header)?, json(value)?] {
        out.put_u32(u32::try_from(frame.len()).map_err(|error| EncodeError::new(error.to_string()))?);
        out.put_slice(&frame);
    }
    Ok(())
}

impl RequestEncoder for Framed {
    fn encode(
        &mut self,
        seq: u64,
        service_method: &str,
        _: CallOptions,
        args: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        put(out, &Header { service_method: service_method.into(), seq, error: String::new() }, args)
    }
}

impl ReplyDecoder for Frames {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let Some((message, head, value)) = self.message(buf)? else { return Ok(None) };
        let Header { service_method, seq, error } = header(&message, head)?;
        let name = position(&message, &service_method);
        let reply = Reply::new(message, seq, name, value);
        Ok(Some(if error.is_empty() { reply } else { reply.with_error(ErrorReply::new(error)) }))
    }

    fn body(&self, reply: &Reply, visit: Visit<'_>) -> Result<(), ValueError> {
        visit_json(reply.body(), visit)
    }
}

impl RequestDecoder for Frames {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        let Some((message, head, value)) = self.message(buf)? else { return Ok(None) };
        let Header { service_method, seq, .. } = header(&message, head)?;
        let name = position(&message, &service_method);
        Ok(Some(Request::new(message, seq, name, value)))
    }

    fn args(&self, request: &Request, visit: Visit<'_>) -> Result<(), ValueError> {
        visit_json(request.args().map_err(Clone::clone)?, visit)
    }
}

impl ReplyEncoder for Framed {
    fn encode(
        &mut self,
        head: &Head,
        reply: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        put(out, &reply_header(head, ""), reply)
    }

    fn encode_error(&mut self, head: &Head, error: &ErrorReply, out: &mut BytesMut) {
        // A name, a number and a text are always JSON; Go puts an empty struct where a value would be.
        let _ = put(out, &reply_header(head, &error.text), &serde_json::json!({}));
    }
}

fn reply_header(head: &Head, error: &str) -> Header {
    let service_method = String::from_utf8_lossy(head.service_method()).into_owned();
    Header { service_method, seq: head.seq(), error: error.to_owned() }
}
