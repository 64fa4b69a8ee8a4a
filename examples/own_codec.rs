//! A codec of the program's own, `line`: one line per message, reached by `CONNECT /_line_rpc_`.
//!
//! Request `Echo.Say 7 "hi"`, reply `ok 7 "hi"` or `error 7 "text"`: a word, the number of the call, a JSON value. A
//! codec has four halves, one object per direction per connection: the server uses two of them, a client the others.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use bytes::{BufMut, Bytes, BytesMut};
use rpcwrap::{
    Server,
    codecs::{
        CallOptions, Codec, DecodeError, EncodeError, ErrorReply, Head, Limits, Reply, Request, ValueError,
        codec::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, Visit},
    },
};
use std::ops::Range;

const MALFORMED: DecodeError = DecodeError::Malformed { at: 0, what: "want a word, a number and JSON" };

/// The codec; as it keeps nothing between messages it is both of its encoders, too.
struct LineCodec;

impl Codec for LineCodec {
    fn name(&self) -> &str {
        "line"
    }

    fn request_decoder(&self, limits: Limits) -> Box<dyn RequestDecoder> {
        Box::new(LineDecoder { limits, searched: 0 })
    }

    fn reply_encoder(&self) -> Box<dyn ReplyEncoder> {
        Box::new(Self)
    }

    fn request_encoder(&self) -> Box<dyn RequestEncoder> {
        Box::new(Self)
    }

    fn reply_decoder(&self, limits: Limits) -> Box<dyn ReplyDecoder> {
        Box::new(LineDecoder { limits, searched: 0 })
    }
}

/// One message: the bytes of its line, and where in them its parts are.
struct Line {
    bytes: Bytes,
    word: Range<usize>,
    seq: u64,
    value: Range<usize>,
}

/// Cuts lines off the front of what was read, never looking at a byte twice.
struct LineDecoder {
    limits: Limits,
    searched: usize,
}

impl LineDecoder {
    /// The next line, once it is whole.
    fn next(&mut self, buf: &mut BytesMut) -> Result<Option<Line>, DecodeError> {
        let unsearched = &buf[self.searched..];
        let end = unsearched.iter().position(|byte| *byte == b'\n').map(|at| self.searched + at);
        let (len, limit) = (end.unwrap_or(buf.len()), self.limits.max_message_bytes);
        if len > limit {
            return Err(DecodeError::TooBig { len: len as u64, limit });
        }
        let Some(end) = end else {
            self.searched = len;
            return Ok(None);
        };
        self.searched = 0;

        let bytes = buf.split_to(end + 1).freeze();
        let words: Vec<&[u8]> = bytes[..end].splitn(3, |byte| *byte == b' ').collect();
        let [word, number, value] = words[..] else { return Err(MALFORMED) };
        let seq = String::from_utf8_lossy(number).parse().map_err(|_| MALFORMED)?;
        let (word, value) = (0..word.len(), end - value.len()..end);
        Ok(Some(Line { bytes, word, seq, value }))
    }
}

/// What a codec decodes a value from goes to the type the method or the caller wants through `visit`.
fn visit_json(json: &[u8], visit: Visit<'_>) -> Result<(), ValueError> {
    let mut json = serde_json::Deserializer::from_slice(json);
    let mut json = <dyn erased_serde::Deserializer<'_>>::erase(&mut json);
    visit(&mut json).map_err(|error| ValueError::new(error.to_string()))
}

/// Appends a line, or nothing.
fn put_line(
    to: &mut BytesMut,
    word: &str,
    seq: u64,
    value: &dyn erased_serde::Serialize,
) -> Result<(), EncodeError> {
    let json = serde_json::to_string(value).map_err(|error| EncodeError::new(error.to_string()))?;
    to.put_slice(format!("{word} {seq} {json}\n").as_bytes());
    Ok(())
}

impl RequestDecoder for LineDecoder {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        let Some(line) = self.next(buf)? else { return Ok(None) };
        Ok(Some(Request::new(line.bytes, line.seq, line.word, line.value)))
    }

    fn args(&self, request: &Request, visit: Visit<'_>) -> Result<(), ValueError> {
        visit_json(request.args().map_err(Clone::clone)?, visit)
    }
}

impl ReplyEncoder for LineCodec {
    fn encode(
        &mut self,
        head: &Head,
        reply: &dyn erased_serde::Serialize,
        to: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        put_line(to, "ok", head.seq(), reply)
    }

    fn encode_error(&mut self, head: &Head, error: &ErrorReply, to: &mut BytesMut) {
        // A text is always JSON. The end of a stream is the error `EOS`, as in the other codecs.
        let _ = put_line(to, "error", head.seq(), &error.text);
    }
}

impl RequestEncoder for LineCodec {
    fn encode(
        &mut self,
        seq: u64,
        service_method: &str,
        _: CallOptions,
        args: &dyn erased_serde::Serialize,
        to: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        put_line(to, service_method, seq, args)
    }
}

impl ReplyDecoder for LineDecoder {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let Some(line) = self.next(buf)? else { return Ok(None) };
        let is_ok = &line.bytes[line.word] == b"ok";
        let reply = Reply::new(line.bytes.clone(), line.seq, 0..0, line.value.clone());
        if is_ok {
            return Ok(Some(reply));
        }
        let text: String = serde_json::from_slice(&line.bytes[line.value]).map_err(|_| MALFORMED)?;
        Ok(Some(reply.with_error(ErrorReply::new(text))))
    }

    fn body(&self, reply: &Reply, visit: Visit<'_>) -> Result<(), ValueError> {
        visit_json(reply.body(), visit)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let say = |text: String| async move { Ok(text) };
    let server = Server::builder().codec(LineCodec).method("Echo.Say", say).build()?;
    let running = server.run();
    let addr = server.listen(&addr).await?;
    println!("listening on {addr}");
    println!(r#"printf 'CONNECT /_line_rpc_ HTTP/1.0\n\nEcho.Say 7 "hi"\n' | curl -sNm1 telnet://{addr}"#);
    running.await?;
    Ok(())
}
