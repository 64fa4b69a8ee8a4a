//! A protocol of the program's own on the one port: nshead, as bRPC's services speak it, found by its magic.
//!
//! A message is a header of 36 bytes, integers little-endian, and a body: id u16, version u16, log id u32, provider 16
//! bytes, magic u32, reserved u32, length of the body u32. Here the log id is the number of the call; a request's body
//! is `Echo.Say "hi"`, a reply's the value in JSON, or an error's text in JSON and 1 in `reserved`.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use bytes::{Buf, BufMut, Bytes, BytesMut};
use rpcwrap::{Server, codecs::*, protocol::*};
use std::sync::Arc;

type Json<'a> = &'a dyn erased_serde::Serialize;
type Encoded = Result<(), EncodeError>;
const HEADER: usize = 36;
const MAGIC: u32 = 0xfb70_9394;

/// The codec, and as it keeps nothing between messages, also each of its four halves.
#[derive(Clone, Copy)]
struct Nshead(Limits);

impl Codec for Nshead {
    fn name(&self) -> &str {
        "nshead"
    }
    fn request_decoder(&self, limits: Limits) -> Box<dyn codec::RequestDecoder> {
        Box::new(Self(limits))
    }
    fn reply_encoder(&self) -> Box<dyn codec::ReplyEncoder> {
        Box::new(*self)
    }
    fn request_encoder(&self) -> Box<dyn codec::RequestEncoder> {
        Box::new(*self)
    }
    fn reply_decoder(&self, limits: Limits) -> Box<dyn codec::ReplyDecoder> {
        Box::new(Self(limits))
    }
}

impl Nshead {
    /// The next message, once it is whole: the number of the call, `reserved`, and the message.
    fn next(&self, buf: &mut BytesMut) -> Result<Option<(u64, u32, Bytes)>, DecodeError> {
        let Some(header) = buf.get(..HEADER) else { return Ok(None) };
        let [seq, magic, reserved, len] = [4, 24, 28, 32].map(|at| (&header[at..]).get_u32_le());
        let (len, limit) = (HEADER + len as usize, self.0.max_message_bytes);
        match () {
            () if magic != MAGIC => Err(DecodeError::Malformed { at: 24, what: "no nshead" }),
            () if len > limit => Err(DecodeError::TooBig { len: len as u64, limit }),
            () => Ok((buf.len() >= len).then(|| (seq.into(), reserved, buf.split_to(len).freeze()))),
        }
    }
}

fn put(seq: u64, reserved: u32, name: &str, value: Json<'_>, to: &mut BytesMut) -> Encoded {
    let json = serde_json::to_vec(value).map_err(|error| EncodeError::new(error.to_string()))?;
    let len = (name.len() + json.len()) as u32;
    [0, seq as u32, 0, 0, 0, 0, MAGIC, reserved, len].into_iter().for_each(|word| to.put_u32_le(word));
    to.put_slice(&[name.as_bytes(), &json].concat());
    Ok(())
}

fn visit_json(json: &[u8], visit: codec::Visit<'_>) -> Result<(), ValueError> {
    let mut json = serde_json::Deserializer::from_slice(json);
    let mut json = <dyn erased_serde::Deserializer<'_>>::erase(&mut json);
    visit(&mut json).map_err(|error| ValueError::new(error.to_string()))
}

impl codec::RequestDecoder for Nshead {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        let Some((seq, _, message)) = self.next(buf)? else { return Ok(None) };
        let blank = message.iter().skip(HEADER).position(|byte| *byte == b' ').unwrap_or_default() + HEADER;
        Ok(Some(Request::new(message.clone(), seq, HEADER..blank, blank..message.len())))
    }
    fn args(&self, request: &Request, visit: codec::Visit<'_>) -> Result<(), ValueError> {
        visit_json(request.args().map_err(Clone::clone)?, visit)
    }
}

impl codec::ReplyEncoder for Nshead {
    fn encode(&mut self, head: &Head, reply: Json<'_>, to: &mut BytesMut) -> Encoded {
        put(head.seq(), 0, "", reply, to)
    }
    fn encode_error(&mut self, head: &Head, error: &ErrorReply, to: &mut BytesMut) {
        let _always_fits = put(head.seq(), 1, "", &error.text, to);
    }
}

impl codec::RequestEncoder for Nshead {
    fn encode(&mut self, seq: u64, name: &str, _: CallOptions, args: Json<'_>, to: &mut BytesMut) -> Encoded {
        put(seq, 0, &format!("{name} "), args, to)
    }
}

impl codec::ReplyDecoder for Nshead {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let Some((seq, reserved, message)) = self.next(buf)? else { return Ok(None) };
        let reply = Reply::new(message.clone(), seq, 0..0, HEADER..message.len());
        let text = || serde_json::from_slice::<String>(&message[HEADER..]).unwrap_or_default();
        Ok(Some(if reserved == 0 { reply } else { reply.with_error(ErrorReply::new(text())) }))
    }
    fn body(&self, reply: &Reply, visit: codec::Visit<'_>) -> Result<(), ValueError> {
        visit_json(reply.body(), visit)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let (nshead, magic) = (Nshead(Limits::default()), Magic::at(24, const { &MAGIC.to_le_bytes() }));
    let framed = FramedProtocol::new("nshead", magic, nshead);
    let say = |text: String| async move { Ok(text) };
    let server = Server::builder().protocol(framed).method("Echo.Say", say).build()?;
    let (running, addr) = (server.run(), server.listen(&addr).await?);
    println!("listening on {addr}");

    let client = rpcwrap_client::dial(&addr.to_string(), AnyCodec::Custom(Arc::new(nshead))).await?;
    println!("Echo.Say: {}", client.call::<_, String>("Echo.Say", "hi").await?);
    println!("Echo.Nope: {:?}", client.call::<_, String>("Echo.Nope", "hi").await.err());
    running.await?;
    Ok(())
}
