//! The recordings of Go's own programs, both directions, in every way a stream can arrive.

use super::support::{Message, streams};
use crate::{
    DecodeError, Limits, ValueError,
    gob::{ReplyDecoder, RequestDecoder, Types, value_from_slice},
    types::Any,
};
use bytes::BytesMut;

/// The messages of a stream that arrives in these chunks.
type Run = fn(&mut dyn Iterator<Item = &[u8]>) -> Vec<Message>;

fn value(types: &Types, body: Result<&[u8], &ValueError>) -> serde_json::Value {
    let any = value_from_slice::<Any>(types, body.unwrap()).unwrap();
    serde_json::to_value(any).unwrap()
}

fn run(
    chunks: &mut dyn Iterator<Item = &[u8]>,
    mut next: impl FnMut(&mut BytesMut) -> Result<Option<Message>, DecodeError>,
) -> Vec<Message> {
    let (mut buf, mut messages) = (BytesMut::new(), Vec::new());
    for chunk in chunks {
        buf.extend_from_slice(chunk);
        loop {
            let before = buf.len();
            match next(&mut buf) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => {
                    assert_eq!(buf.len(), before, "nothing is taken before all is there");
                    break;
                }
                Err(error) => {
                    messages.push(Message::Bad { ends: error.to_string() });
                    return messages;
                }
            }
        }
    }
    assert_eq!(buf.len(), 0, "a recording ends where a message does");
    messages
}

fn requests(chunks: &mut dyn Iterator<Item = &[u8]>) -> Vec<Message> {
    let mut decoder = RequestDecoder::new(Limits::default());
    run(chunks, |buf| {
        let Some(request) = decoder.decode(buf)? else { return Ok(None) };
        Ok(Some(Message::Good {
            method: String::from_utf8(request.service_method().to_vec()).unwrap(),
            seq: request.seq(),
            error: None,
            value: value(decoder.types(), request.args()),
        }))
    })
}

fn replies(chunks: &mut dyn Iterator<Item = &[u8]>) -> Vec<Message> {
    let mut decoder = ReplyDecoder::new(Limits::default());
    run(chunks, |buf| {
        let Some(reply) = decoder.decode(buf)? else { return Ok(None) };
        Ok(Some(Message::Good {
            method: String::from_utf8(reply.service_method().to_vec()).unwrap(),
            seq: reply.seq(),
            error: reply.error().map(|error| error.text.clone()),
            value: value(reply.types().unwrap(), Ok(reply.body())),
        }))
    })
}

/// Where messages begin.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut at = 0;
    std::iter::from_fn(|| {
        let mut reader = crate::gob::wire::Reader::new(bytes.get(at..)?);
        let len = reader.uint().ok()? as usize;
        let start = bytes.len() - reader.rest().len();
        at = start + len;
        Some(at)
    })
    .collect()
}

fn check(to: &str, run: Run) {
    for stream in streams(to) {
        let (bytes, name) = (stream.bytes(), &stream.name);
        assert_eq!(run(&mut [&bytes[..]].into_iter()), stream.messages, "{name}, whole");
        assert_eq!(run(&mut bytes.chunks(1)), stream.messages, "{name}, one byte at a time");
        let splits: Vec<usize> = if bytes.len() < 1500 {
            (0..=bytes.len()).collect()
        } else {
            let near = boundaries(&bytes).into_iter().flat_map(|at| [at - 1, at, at + 1]);
            near.chain((0..bytes.len()).step_by(997)).filter(|&at| at <= bytes.len()).collect()
        };
        for at in splits {
            let (front, back) = bytes.split_at(at);
            assert_eq!(run(&mut [front, back].into_iter()), stream.messages, "{name}, split at {at}");
        }
    }
}

#[test]
fn every_recorded_request() {
    assert_eq!(streams("server").len(), 106);
    check("server", requests);
}

#[test]
fn every_recorded_reply() {
    assert_eq!(streams("client").len(), 104);
    check("client", replies);
}
