//! gob: what Go's client sends and every reply, decoded as Go does it, in all pieces the bytes may come in.

use crate::replay::no_call_is_left;
use bytes::BytesMut;
use rpcwrap::codecs::{
    CallOptions, ErrorReply, Limits,
    gob::{ReplyDecoder, RequestEncoder, value_from_reply},
    types::Any,
};
use rpcwrap_tests::{
    raw::{Peer, each_split},
    server::start,
    services::{Gate, services},
    until,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// All that Go 1.26's `rpc.Dial` sends for `Call("Arith.Multiply", Args{7, 8}, …)`.
pub(crate) const OF_GO: &[u8] = b".\x7f\x03\x01\x01\x07Request\x01\xff\x80\x00\x01\x02\x01\x0dServiceMethod\x01\x0c\x00\
    \x01\x03Seq\x01\x06\x00\x00\x00\x13\xff\x80\x01\x0eArith.Multiply\x00\x1e\xff\x81\x03\x01\x01\x04Args\x01\xff\x82\
    \x00\x01\x02\x01\x01A\x01\x04\x00\x01\x01B\x01\x04\x00\x00\x00\x07\xff\x82\x01\x0e\x01\x10\x00";

/// What a method was answered: its number, its value as JSON, or its error.
type Answer = (u64, Result<Value, ErrorReply>);

/// The replies in `bytes`, all of them.
fn replies(bytes: &[u8]) -> Vec<Answer> {
    let (mut decoder, mut buf) = (ReplyDecoder::new(Limits::default()), BytesMut::from(bytes));
    let mut all = Vec::new();
    while let Some(reply) = decoder.decode(&mut buf).unwrap() {
        let value = match reply.error() {
            Some(error) => Err(error.clone()),
            None => Ok(serde_json::to_value(value_from_reply::<Any>(&reply).unwrap()).unwrap()),
        };
        all.push((reply.seq(), value));
    }
    assert!(buf.is_empty(), "left over: {}", buf.escape_ascii());
    all
}

/// One direction of one connection.
struct Calls {
    encoder: RequestEncoder,
    out: BytesMut,
    seq: u64,
}

impl Calls {
    fn new() -> Self {
        Self { encoder: RequestEncoder::new(), out: BytesMut::new(), seq: 0 }
    }

    fn call(self, method: &str, args: &impl Serialize) -> Self {
        self.call_with(method, CallOptions::default(), args)
    }

    fn call_with(mut self, method: &str, options: CallOptions, args: &impl Serialize) -> Self {
        self.encoder.encode(self.seq, method, options, args, None, &mut self.out).unwrap();
        self.seq += 1;
        self
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    a: i64,
    b: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Count {
    n: i64,
    error_at: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Inner {
    name: &'static str,
    n: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Texts {
    a: &'static str,
    b: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Floats {
    a: f64,
}

#[derive(Serialize)]
struct OtherCase {
    a: i64,
    b: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Cancel {
    seq: u64,
}

fn fails(text: &str) -> Result<Value, ErrorReply> {
    Err(ErrorReply::new(text))
}

#[tokio::test]
async fn each_request_gets_its_replies_however_it_comes() {
    let server = start(services()).await;
    let calls = Calls::new();
    for (sent, wanted) in [
        (OF_GO.to_vec(), vec![(0, Ok(json!(56)))]),
        // Definitions go out once, and what was defined is known from then on.
        (
            Calls::new()
                .call("Arith.Divide", &Pair { a: 17, b: 5 })
                .call("Arith.Divide", &Pair { a: 1, b: 0 })
                .call("Arith.Divide", &Pair { a: 6, b: 3 })
                .call("No.Such", &Pair { a: 1, b: 2 })
                .call("Echo.Inner", &Inner { name: "n", n: 5 })
                .out
                .to_vec(),
            vec![
                (0, Ok(json!({"Quo": 3, "Rem": 2}))),
                (1, fails("divide by zero")),
                (2, Ok(json!({"Quo": 2, "Rem": 0}))),
                (3, fails("rpc: can't find service No.Such")),
                (4, Ok(json!({"Name": "n", "N": 5}))),
            ],
        ),
        (
            calls.call("Stream.Count", &Count { n: 2, error_at: 0 }).out.to_vec(),
            vec![
                (0, Ok(json!({"C": 2, "Index": 0}))),
                (0, Ok(json!({"C": 2, "Index": 1}))),
                (0, fails("EOS")),
            ],
        ),
        (
            Calls::new().call("Stream.Count", &Count { n: 2, error_at: 1 }).out.to_vec(),
            vec![(0, Ok(json!({"C": 2, "Index": 0}))), (0, fails("triggered error in middle"))],
        ),
    ] {
        for pieces in each_split(&sent) {
            let mut peer = Peer::in_memory_codec(&server, "gob").await;
            peer.send_pieces(&pieces).await;
            peer.half_close().await;
            assert_eq!(replies(&peer.read_to_end().await), wanted);
        }
        for path in ["/_goRPC_", "/_gob_rpc_"] {
            let mut peer = Peer::connect(server.addr).await.handshake(path).await;
            peer.send(&sent).await;
            peer.half_close().await;
            assert_eq!(replies(&peer.read_to_end().await), wanted);
        }
    }
    until(|| server.snapshot().server.connections == 0).await;
    no_call_is_left(&server);
}

#[tokio::test]
async fn arguments_that_do_not_fit_fail_that_call_only() {
    let server = start(services()).await;
    let mut peer = Peer::connect_codec(server.addr, "gob").await;
    let calls = Calls::new()
        .call("Arith.Multiply", &Texts { a: "7", b: "8" })
        .call("Arith.Multiply", &Floats { a: 1.5 })
        .call("Arith.Multiply", &"text")
        .call("Arith.Multiply", &OtherCase { a: 7, b: 8 })
        .call("Arith.Multiply", &Pair { a: 6, b: 7 });
    peer.send(&calls.out).await;
    peer.half_close().await;
    let answers = replies(&peer.read_to_end().await);
    let (last, failed) = answers.split_last().unwrap();
    assert_eq!(last, &(4, Ok(json!(42))));
    assert_eq!(failed.len(), 4);
    for (seq, answer) in failed {
        let error = answer.as_ref().unwrap_err();
        assert!(error.text.starts_with("gob: "), "{seq}: {error:?}");
    }
}

#[tokio::test]
async fn broken_bytes_close_the_connection() {
    let server = start(services()).await;
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\xf8\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x03\x04\x00\x70",
        b"\x00",
        b"\xff\xff",
    ] {
        let mut peer = Peer::connect_codec(server.addr, "gob").await;
        let _ = peer.try_send(bytes).await;
        peer.half_close().await;
        peer.expect_closed().await;
    }
    assert!(server.snapshot().server.malformed >= 4);
}

#[tokio::test]
async fn a_call_can_be_limited_and_taken_back() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = Peer::connect_codec(server.addr, "gob").await;
    let mut decoder = ReplyDecoder::new(Limits::default());
    let limited = CallOptions { timeout: Some(Duration::from_millis(5)), details: true };
    let calls = Calls::new().call_with("Gate.Wait", limited, &1u64);
    peer.send(&calls.out).await;
    let late = peer.read_message(|buf| decoder.decode(buf)).await;
    let text = "rpc: deadline exceeded after 5 ms";
    let error = ErrorReply { code: "deadline".into(), ..ErrorReply::new(text) };
    assert_eq!((late.seq(), late.error()), (0, Some(&error)));

    let mut calls = Calls { out: BytesMut::new(), ..calls };
    calls = calls.call("Gate.Wait", &2u64).call("_goRPC_.Cancel", &Cancel { seq: 1 });
    peer.send(&calls.out).await;
    let found = peer.read_message(|buf| decoder.decode(buf)).await;
    assert_eq!((found.seq(), value_from_reply::<bool>(&found)), (2, Ok(true)));
    let canceled = peer.read_message(|buf| decoder.decode(buf)).await;
    assert_eq!((canceled.seq(), canceled.error()), (1, Some(&ErrorReply::new("context canceled"))));
}
