//! Every frame a real C++ client sent, and the hand-made ones, against the same service: replies compared field by
//! field. The order of a meta, fields that are 0 and the address in an error text may differ.

use super::demo::{LIMITS, demo, outcome, read_reply};
use bytes::BytesMut;
use futures_util::future::join_all;
use rpcwrap::codecs::baidu_std::{Payload, ReplyDecoder};
use rpcwrap_tests::{
    raw::{Peer, each_split},
    server::start,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Exchange {
    name: String,
    frames: Vec<Frame>,
}

#[derive(Deserialize)]
struct Frame {
    direction: String,
    hex: String,
}

impl Exchange {
    fn sent(&self, direction: &str) -> Vec<u8> {
        let frame = self.frames.iter().find(|frame| frame.direction == direction).unwrap();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        frame.hex.as_bytes().chunks(2).map(byte).collect()
    }

    /// The recorded replies: id, and payload or code and text without bRPC's address.
    fn replies(&self) -> Vec<Answer> {
        let mut bytes = BytesMut::from(&self.sent("server->client")[..]);
        let replies = std::iter::from_fn(|| ReplyDecoder::new(LIMITS).decode(&mut bytes).unwrap());
        let mut replies: Vec<Answer> =
            replies.map(|reply| (reply.correlation_id(), outcome(&reply))).collect();
        replies.sort_by_key(|(id, _)| *id);
        for (_, answer) in &mut replies {
            if let Err((_, text)) = answer {
                *text = text.trim_start_matches("[127.0.0.1:8010]").replace("=demo.EchoRequest", "");
            }
        }
        replies
    }
}

type Answer = (i64, Result<Payload, (i32, String)>);

fn exchanges() -> Vec<Exchange> {
    let all = include_str!("../../../codecs/testdata/baidu_std/exchanges.json");
    let all: Vec<Exchange> = serde_json::from_str(all).unwrap();
    all.into_iter().filter(|exchange| !exchange.name.starts_with("h")).collect()
}

fn exchange(name: &str) -> Exchange {
    exchanges().into_iter().find(|exchange| exchange.name == name).unwrap()
}

async fn ask(peer: &mut Peer, pieces: &[&[u8]], replies: usize) -> Vec<Answer> {
    peer.send_pieces(pieces).await;
    let mut answers = Vec::new();
    for _ in 0..replies {
        let reply = read_reply(peer).await;
        answers.push((reply.correlation_id(), outcome(&reply)));
    }
    answers.sort_by_key(|(id, _)| *id);
    answers
}

/// bRPC says what cannot be parsed, we also say why. How far a body is compressed is for each to choose.
fn is_same(ours: &Answer, recorded: &Answer) -> bool {
    let decompressed = |(id, answer): &Answer| {
        let answer = answer.clone().map(|payload| Payload { compressed_len: 0, ..payload });
        (*id, answer)
    };
    match (&ours.1, &recorded.1) {
        (Err((our_code, our_text)), Err((code, text))) if text.starts_with("[E1003]Fail to parse") => {
            our_code == code && our_text.starts_with("[E1003]Fail to parse request")
        }
        _ => decompressed(ours) == decompressed(recorded),
    }
}

#[tokio::test]
async fn recorded_requests_get_the_recorded_replies() {
    let server = start(demo()).await;
    let closing = ["raw_bad_meta", "raw_too_big", "raw_meta_gt_body", "raw_limited", "slow_timeout"];
    let mut compared = 0;
    for exchange in exchanges().iter().filter(|exchange| !closing.contains(&&*exchange.name)) {
        let (bytes, recorded) = (exchange.sent("client->server"), exchange.replies());
        let ways = each_split(&bytes);
        // Together: some of them sleep.
        let all = ways.iter().map(|pieces| async {
            let mut peer = Peer::in_memory(&server);
            let ours = ask(&mut peer, pieces, recorded.len()).await;
            let same = ours.iter().zip(&recorded).all(|(ours, recorded)| is_same(ours, recorded));
            assert!(same, "{}: {ours:?} instead of {recorded:?}", exchange.name);
            // The connection stays, as it did when this was recorded.
            let again = ask(&mut peer, &[&bytes], recorded.len()).await;
            assert_eq!(again, ours, "{}", exchange.name);
            peer.half_close().await;
            peer.expect_closed().await;
        });
        join_all(all).await;
        compared += 1;
    }
    assert_eq!(compared, 20);
}

#[tokio::test]
async fn two_of_four_calls_are_over_the_limit() {
    let server = start(demo()).await;
    let exchange = exchange("raw_limited");
    let bytes = exchange.sent("client->server");
    let rejected = |answers: &[Answer]| {
        let texts = answers.iter().filter_map(|(_, answer)| answer.clone().err());
        texts.collect::<Vec<_>>()
    };
    for pieces in [vec![&bytes[..]], bytes.chunks(1).collect()] {
        let ours = ask(&mut Peer::connect(server.addr).await, &pieces, 4).await;
        assert_eq!(rejected(&ours), rejected(&exchange.replies()));
        assert_eq!(ours.iter().filter(|(_, answer)| answer.is_ok()).count(), 2);
        assert!(ours[2].1.is_err() && ours[3].1.is_err(), "the first two run: {ours:?}");
    }
}

#[tokio::test]
async fn a_reply_is_sent_after_its_client_gave_up() {
    let server = start(demo()).await;
    let exchange = exchange("slow_timeout");
    let ours = ask(&mut Peer::connect(server.addr).await, &[&exchange.sent("client->server")], 1).await;
    assert_eq!(ours[0].0, 4_294_967_298);
    assert_eq!(ours[0].1.as_ref().unwrap().body, &b"\n\x04slow"[..]);
}

#[tokio::test]
async fn malformed_messages_close_the_connection() {
    let server = start(demo()).await;
    let good = exchange("raw_echo_min");
    for name in ["raw_bad_meta", "raw_too_big", "raw_meta_gt_body"] {
        let bytes = exchange(name).sent("client->server");
        for pieces in each_split(&bytes) {
            let mut peer = Peer::in_memory(&server);
            peer.send_pieces(&pieces).await;
            peer.expect_closed().await;
        }
        // What was asked before is answered.
        let mut peer = Peer::connect(server.addr).await;
        peer.send([good.sent("client->server"), bytes].concat()).await;
        let reply = read_reply(&mut peer).await;
        assert_eq!(good.replies(), [(reply.correlation_id(), outcome(&reply))], "{name}");
        peer.expect_closed().await;
    }
    let protocols = server.snapshot().protocols;
    let counted = protocols.iter().find(|protocol| protocol.name == "baidu_std").unwrap();
    assert!(counted.too_big > 20 && counted.malformed > 20, "{counted:?}");
}

#[tokio::test]
async fn mutated_requests_harm_no_other_connection() {
    let server = start(demo()).await;
    let good = exchange("raw_echo_min").sent("client->server");
    let mut steady = Peer::connect(server.addr).await;
    for exchange in exchanges() {
        let bytes = exchange.sent("client->server");
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            let mut peer = Peer::in_memory(&server);
            peer.try_send(&bytes).await.ok();
            peer.half_close().await;
            // The connections end after their answers; calls that were told to sleep are not waited for.
            drop(peer);
        }
        assert_eq!(ask(&mut steady, &[&good], 1).await[0].1.as_ref().unwrap().body, &b"\n\x05hello"[..]);
    }
}
