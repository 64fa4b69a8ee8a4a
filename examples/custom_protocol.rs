//! A protocol of the program's own on the one port: nshead, as bRPC's services speak it, found by its magic.
//!
//! A message is a header of 36 bytes, integers little-endian, and a body: id u16, version u16, log id u32, provider 16
//! bytes, magic u32, reserved u32, length of the body u32. Here the log id is the number of the call; a request's body
//! is `Echo.Say "hi"`, a reply's the value in JSON, or an error's text in JSON and 1 in `reserved`.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use bytes::{Buf, BufMut, Bytes, BytesMut};
use rpcwrap::{
    Server,
    codecs::{
        AnyCodec, CallOptions, Codec, DecodeError, EncodeError, ErrorReply, Head, Limits, Reply, Request,
        ValueError,
        codec::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, Visit},
    },
    protocol::{FramedProtocol, Magic},
};
use std::sync::Arc;

const HEADER_BYTES: usize = 36;
/// Where in the header the numbers are that are read.
const LOG_ID_AT: usize = 4;
const MAGIC_AT: usize = 24;
const RESERVED_AT: usize = 28;
const LEN_AT: usize = 32;
const MAGIC: u32 = 0xfb70_9394;
/// In `reserved`: whether a reply is one or an error.
const OK: u32 = 0;
const FAILED: u32 = 1;

/// The codec, and as it keeps nothing between messages, also each of its four halves.
#[derive(Clone, Copy)]
struct Nshead(Limits);

impl Codec for Nshead {
    fn name(&self) -> &str {
        "nshead"
    }

    fn request_decoder(&self, limits: Limits) -> Box<dyn RequestDecoder> {
        Box::new(Self(limits))
    }

    fn reply_encoder(&self) -> Box<dyn ReplyEncoder> {
        Box::new(*self)
    }

    fn request_encoder(&self) -> Box<dyn RequestEncoder> {
        Box::new(*self)
    }

    fn reply_decoder(&self, limits: Limits) -> Box<dyn ReplyDecoder> {
        Box::new(Self(limits))
    }
}

/// A whole message, header included.
struct Message {
    seq: u64,
    reserved: u32,
    bytes: Bytes,
}

impl Nshead {
    /// The next message, once it is whole.
    fn next(&self, buf: &mut BytesMut) -> Result<Option<Message>, DecodeError> {
        let Some(header) = buf.get(..HEADER_BYTES) else { return Ok(None) };
        let word = |at: usize| (&header[at..]).get_u32_le();
        if word(MAGIC_AT) != MAGIC {
            return Err(DecodeError::Malformed { at: MAGIC_AT, what: "no nshead" });
        }
        let (len, limit) = (HEADER_BYTES + word(LEN_AT) as usize, self.0.max_message_bytes);
        if len > limit {
            return Err(DecodeError::TooBig { len: len as u64, limit });
        }
        let (seq, reserved) = (word(LOG_ID_AT).into(), word(RESERVED_AT));
        if buf.len() < len {
            return Ok(None);
        }
        Ok(Some(Message { seq, reserved, bytes: buf.split_to(len).freeze() }))
    }
}

/// Appends a message, or nothing; `name` stands in front of the value.
fn put_message(
    to: &mut BytesMut,
    seq: u64,
    reserved: u32,
    name: &str,
    value: &dyn erased_serde::Serialize,
) -> Result<(), EncodeError> {
    let json = serde_json::to_vec(value).map_err(|error| EncodeError::new(error.to_string()))?;
    let (id, version, provider) = (0, 0, 0);
    to.put_u16_le(id);
    to.put_u16_le(version);
    to.put_u32_le(seq as u32);
    to.put_u128_le(provider);
    to.put_u32_le(MAGIC);
    to.put_u32_le(reserved);
    to.put_u32_le((name.len() + json.len()) as u32);
    to.put_slice(name.as_bytes());
    to.put_slice(&json);
    Ok(())
}

/// What a codec decodes a value from goes to the type the method or the caller wants through `visit`.
fn visit_json(json: &[u8], visit: Visit<'_>) -> Result<(), ValueError> {
    let mut json = serde_json::Deserializer::from_slice(json);
    let mut json = <dyn erased_serde::Deserializer<'_>>::erase(&mut json);
    visit(&mut json).map_err(|error| ValueError::new(error.to_string()))
}

impl RequestDecoder for Nshead {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        let Some(Message { seq, bytes, .. }) = self.next(buf)? else { return Ok(None) };
        let blank = bytes.iter().skip(HEADER_BYTES).position(|byte| *byte == b' ').unwrap_or_default();
        let args = HEADER_BYTES + blank;
        Ok(Some(Request::new(bytes.clone(), seq, HEADER_BYTES..args, args..bytes.len())))
    }

    fn args(&self, request: &Request, visit: Visit<'_>) -> Result<(), ValueError> {
        visit_json(request.args().map_err(Clone::clone)?, visit)
    }
}

impl ReplyEncoder for Nshead {
    fn encode(
        &mut self,
        head: &Head,
        reply: &dyn erased_serde::Serialize,
        to: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        put_message(to, head.seq(), OK, "", reply)
    }

    fn encode_error(&mut self, head: &Head, error: &ErrorReply, to: &mut BytesMut) {
        // A text is always JSON.
        let _ = put_message(to, head.seq(), FAILED, "", &error.text);
    }
}

impl RequestEncoder for Nshead {
    fn encode(
        &mut self,
        seq: u64,
        service_method: &str,
        _: CallOptions,
        args: &dyn erased_serde::Serialize,
        to: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        put_message(to, seq, OK, &format!("{service_method} "), args)
    }
}

impl ReplyDecoder for Nshead {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let Some(Message { seq, reserved, bytes }) = self.next(buf)? else { return Ok(None) };
        let reply = Reply::new(bytes.clone(), seq, 0..0, HEADER_BYTES..bytes.len());
        if reserved == OK {
            return Ok(Some(reply));
        }
        let text: String = serde_json::from_slice(&bytes[HEADER_BYTES..]).unwrap_or_default();
        Ok(Some(reply.with_error(ErrorReply::new(text))))
    }

    fn body(&self, reply: &Reply, visit: Visit<'_>) -> Result<(), ValueError> {
        visit_json(reply.body(), visit)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let nshead = Nshead(Limits::default());
    let magic = Magic::at(MAGIC_AT, const { &MAGIC.to_le_bytes() });
    let say = |text: String| async move { Ok(text) };
    let server = Server::builder()
        .protocol(FramedProtocol::new("nshead", magic, nshead))
        .method("Echo.Say", say)
        .build()?;
    let running = server.run();
    let addr = server.listen(&addr).await?;
    println!("listening on {addr}");

    let client = rpcwrap_client::dial(&addr.to_string(), AnyCodec::Custom(Arc::new(nshead))).await?;
    println!("Echo.Say: {}", client.call::<_, String>("Echo.Say", "hi").await?);
    println!("Echo.Nope: {:?}", client.call::<_, String>("Echo.Nope", "hi").await.err());
    running.await?;
    Ok(())
}
