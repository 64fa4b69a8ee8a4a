//! What is only announced, a length or a depth, costs nothing.

use super::{MIB, gob};
use crate::{
    baidu_std::demo::{HEAD, call},
    program::Program,
};
use rpcwrap::codecs::{baidu_std::RequestHead, body::ContentType};
use rpcwrap_tests::raw::{Peer, bson_request, document, json_request, opening};
use std::net::SocketAddr;

/// Bytes that announce more than may come: closed at once.
pub(super) fn refused() -> Vec<Vec<u8>> {
    let max = i32::MAX as u32;
    vec![
        bson(&max.to_le_bytes()),
        bson(&u32::MAX.to_le_bytes()),
        bson(&bson_request("Echo.Any", 1, &max.to_le_bytes())),
        post(u64::MAX >> 1),
        gob(b"\xf8\x7f\xff\xff\xff\xff\xff\xff\xff"),
        gob(&[&gob::header("Echo.Any")[..], b"\xfb\x01\xff\xff\xff\xff"].concat()),
        msgpack(b"\xdf\xff\xff\xff\xff"),
        msgpack(&[MSGPACK_HEADER, b"\xc6\xff\xff\xff\xff"].concat()),
        msgpack(&[MSGPACK_HEADER, b"\xdd\xff\xff\xff\xff"].concat()),
        b"PRPC\xff\xff\xff\xff\0\0\0\x10".to_vec(),
        b"PRPC\x7f\xff\xff\xff\x7f\xff\xff\xff".to_vec(),
        // A frame of 16 MiB where 16 KiB were agreed.
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\xff\xff\xff\0\0\0\0\0\x01".to_vec(),
    ]
}

/// Bytes that announce what may come: waited for, but with nothing set aside.
pub(super) fn awaited() -> Vec<Vec<u8>> {
    let len = 60_u32 << 20;
    vec![
        bson(&(64_u32 << 20).to_le_bytes()),
        bson(&bson_request("Echo.Any", 1, &len.to_le_bytes())),
        post(64 << 20),
        gob(&[&gob::header("Echo.Any")[..], b"\xfc", &len.to_be_bytes()].concat()),
        msgpack(&[MSGPACK_HEADER, b"\xc6", &len.to_be_bytes()].concat()),
        msgpack(&[MSGPACK_HEADER, b"\xdd", &len.to_be_bytes()].concat()),
        [b"PRPC", &len.to_be_bytes()[..], b"\0\0\0\x10"].concat(),
    ]
}

const MSGPACK_HEADER: &[u8] = b"\x82\xa3Seq\x01\xadServiceMethod\xa8Echo.Any";

fn bson(bytes: &[u8]) -> Vec<u8> {
    [&opening("/_bson_rpc_"), bytes].concat()
}

fn gob(bytes: &[u8]) -> Vec<u8> {
    [&opening("/_gob_rpc_"), bytes].concat()
}

fn msgpack(bytes: &[u8]) -> Vec<u8> {
    [&opening("/_msgpack_rpc_"), bytes].concat()
}

fn post(len: u64) -> Vec<u8> {
    format!("POST /Echo/Any HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len}\r\n\r\n").into_bytes()
}

/// Sends what is refused and waits for the close, and what is awaited, so many times; who still waits.
pub(super) async fn announce(addr: SocketAddr, times: usize) -> Vec<Peer> {
    let open = async |packet: &[u8]| {
        let mut peer = Peer::connect(addr).await;
        peer.send(packet).await;
        peer
    };
    let mut waiting = Vec::new();
    for _ in 0..times {
        for packet in refused() {
            // With any answer or none, it closes without a byte of what was announced.
            open(&packet).await.read_to_end().await;
        }
        for packet in awaited() {
            waiting.push(open(&packet).await);
        }
    }
    // In order behind all of them on the one loop that accepts.
    Peer::connect(addr).await.http("GET /debug/vars HTTP/1.0\r\n\r\n").await;
    waiting
}

#[tokio::test]
async fn announced_sizes_cost_nothing() {
    const TIMES: usize = 50;
    let program = Program::daemon(&[]).await;
    drop(announce(program.addr, 1).await);
    let before = program.resident_bytes();
    let waiting = announce(program.addr, TIMES).await;
    let grown = program.peak_bytes().saturating_sub(before);
    let announced = TIMES * (refused().len() + awaited().len());
    println!("{announced} announcements of up to 8 EiB: {} KiB more memory", grown >> 10);
    assert!(grown <= 16 * MIB, "{} KiB more memory", grown >> 10);
    assert_eq!(waiting.len(), TIMES * awaited().len());
    drop(waiting);
    program.interrupt().await;
}

#[tokio::test]
async fn depth_costs_nothing() {
    let program = Program::daemon(&[]).await;
    let deep = 100_000;
    let json = json_request("Echo.Any", &("[".repeat(deep) + &"]".repeat(deep)), 1);
    let mut bson = document(b"");
    // Lengths that are right all the way down would make 100,000 documents; a claim is enough.
    bson.splice(4..4, b"\x03a\0\xff\xff\0\0".repeat(deep));
    let len = (bson.len() as u32).to_le_bytes();
    bson[..4].copy_from_slice(&len);
    let bson = bson_request("Echo.Any", 1, &document(&[&b"\x03_Val_\0"[..], &bson].concat()));
    let msgpack = [MSGPACK_HEADER, &vec![0x91; deep]].concat();
    let types = [gob::structure("Rec", &[("Next", 65)])];
    let gob = gob::call("Echo.Any", &types, &b"\x01".repeat(deep));
    let requests = [("json", json.as_bytes()), ("bson", &bson), ("msgpack", &msgpack)];
    for (codec, request) in requests {
        let mut peer = Peer::connect_codec(program.addr, codec).await;
        peer.try_send(request).await.ok();
        peer.read_to_end().await;
    }
    // Gob's messages say where they end: it is told, and goes on.
    let mut peer = Peer::connect_codec(program.addr, "gob").await;
    peer.send(&gob).await;
    peer.read_until("nesting deeper than 100").await;
    let head =
        RequestHead { service_name: "Echo", method_name: "Any", content_type: ContentType::Json, ..HEAD };
    let mut peer = Peer::connect(program.addr).await;
    let body = "[".repeat(deep) + &"]".repeat(deep);
    let (code, text) = call(&mut peer, &head, body.as_bytes()).await.unwrap_err();
    assert_eq!(code, 1003, "{text}");
    let post = format!("POST /Echo/Any HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n", deep * 2);
    let mut peer = Peer::connect(program.addr).await;
    peer.send(post + &"[".repeat(deep) + &"]".repeat(deep)).await;
    let response = peer.read_http(false).await;
    assert_eq!((response.status, response.json()["error"]["code"].as_str()), (400, Some("bad_arguments")));
    drop(peer);
    program.interrupt().await;
}
