//! A codec of the program's own, `line`: one line per message, reached by `CONNECT /_line_rpc_`.
//!
//! Request `Echo.Say 7 "hi"`, reply `ok 7 "hi"` or `error 7 "text"`: a word, the number of the call, a JSON value. A
//! codec has four halves, one object per direction per connection: the server uses two of them, a client the others.
#![allow(clippy::print_stdout, reason = "examples talk to their terminal")]

use bytes::{BufMut, Bytes, BytesMut};
use rpcwrap::{Server, codecs::*};
use std::ops::Range;

type Json<'a> = &'a dyn erased_serde::Serialize;
/// A line, where in it the word is, the number, and where the value is.
type Parts = (Bytes, Range<usize>, u64, Range<usize>);
type Encoded = Result<(), EncodeError>;
const MALFORMED: DecodeError = DecodeError::Malformed { at: 0, what: "want a word, a number and JSON" };

struct Line;

impl Codec for Line {
    fn name(&self) -> &str {
        "line"
    }
    fn request_decoder(&self, limits: Limits) -> Box<dyn codec::RequestDecoder> {
        Box::new(Lines { limits, searched: 0 })
    }
    fn reply_encoder(&self) -> Box<dyn codec::ReplyEncoder> {
        Box::new(Self)
    }
    fn request_encoder(&self) -> Box<dyn codec::RequestEncoder> {
        Box::new(Self)
    }
    fn reply_decoder(&self, limits: Limits) -> Box<dyn codec::ReplyDecoder> {
        Box::new(Lines { limits, searched: 0 })
    }
}

/// Cuts lines of three words off the front, never looking at a byte twice.
struct Lines {
    limits: Limits,
    searched: usize,
}

impl Lines {
    fn next(&mut self, buf: &mut BytesMut) -> Result<Option<Parts>, DecodeError> {
        let end = buf.iter().skip(self.searched).position(|byte| *byte == b'\n').map(|at| at + self.searched);
        let (len, limit) = (end.unwrap_or(buf.len()), self.limits.max_message_bytes);
        if len > limit {
            return Err(DecodeError::TooBig { len: len as u64, limit });
        }
        self.searched = if end.is_some() { 0 } else { len };
        let Some(end) = end else { return Ok(None) };
        let line = buf.split_to(end + 1).freeze();
        let words: Vec<usize> = line[..end].splitn(3, |byte| *byte == b' ').map(<[u8]>::len).collect();
        let [word, number, _] = words[..] else { return Err(MALFORMED) };
        let seq = String::from_utf8_lossy(&line[word + 1..][..number]).parse().map_err(|_| MALFORMED)?;
        Ok(Some((line, 0..word, seq, word + number + 2..end)))
    }
}

fn visit_json(json: &[u8], visit: codec::Visit<'_>) -> Result<(), ValueError> {
    let mut json = serde_json::Deserializer::from_slice(json);
    let mut json = <dyn erased_serde::Deserializer<'_>>::erase(&mut json);
    visit(&mut json).map_err(|error| ValueError::new(error.to_string()))
}

/// Appends a line, or nothing.
fn put(to: &mut BytesMut, word: &str, seq: u64, json: Json<'_>) -> Encoded {
    let json = serde_json::to_string(json).map_err(|error| EncodeError::new(error.to_string()))?;
    to.put_slice(format!("{word} {seq} {json}\n").as_bytes());
    Ok(())
}

impl codec::RequestDecoder for Lines {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        Ok(self.next(buf)?.map(|(line, method, seq, args)| Request::new(line, seq, method, args)))
    }
    fn args(&self, request: &Request, visit: codec::Visit<'_>) -> Result<(), ValueError> {
        visit_json(request.args().map_err(Clone::clone)?, visit)
    }
}

impl codec::ReplyEncoder for Line {
    fn encode(&mut self, head: &Head, reply: Json<'_>, to: &mut BytesMut) -> Encoded {
        put(to, "ok", head.seq(), reply)
    }
    fn encode_error(&mut self, head: &Head, error: &ErrorReply, to: &mut BytesMut) {
        // A text is always JSON. The end of a stream is the error `EOS`, as in the other codecs.
        let _ = put(to, "error", head.seq(), &error.text);
    }
}

impl codec::RequestEncoder for Line {
    fn encode(&mut self, id: u64, name: &str, _: CallOptions, args: Json<'_>, to: &mut BytesMut) -> Encoded {
        put(to, name, id, args)
    }
}

impl codec::ReplyDecoder for Lines {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Reply>, DecodeError> {
        let Some((line, word, seq, value)) = self.next(buf)? else { return Ok(None) };
        let reply = Reply::new(line.clone(), seq, 0..0, value.clone());
        let text = || serde_json::from_slice::<String>(&line[value]).map_err(|_| MALFORMED);
        Ok(Some(if &line[word] == b"ok" { reply } else { reply.with_error(ErrorReply::new(text()?)) }))
    }
    fn body(&self, reply: &Reply, visit: codec::Visit<'_>) -> Result<(), ValueError> {
        visit_json(reply.body(), visit)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
    let say = |text: String| async move { Ok(text) };
    let server = Server::builder().codec(Line).method("Echo.Say", say).build()?;
    let (running, addr) = (server.run(), server.listen(&addr).await?);
    println!("listening on {addr}");
    println!(r#"printf 'CONNECT /_line_rpc_ HTTP/1.0\n\nEcho.Say 7 "hi"\n' | curl -sNm1 telnet://{addr}"#);
    running.await?;
    Ok(())
}
