//! What is only announced, a length or a depth, costs nothing.

use super::MIB;
use crate::program::Program;
use rpcwrap_tests::raw::{Peer, bson_request, document, json_request, opening};

#[tokio::test]
async fn announced_sizes_cost_nothing() {
    let program = Program::daemon(&[]).await;
    let sized = |len: u32| [&opening("/_bson_rpc_")[..], &len.to_le_bytes()].concat();
    let body =
        |len: u32| [&opening("/_bson_rpc_")[..], &bson_request("Echo.Any", 1, &len.to_le_bytes())].concat();
    let post = |len: u64| {
        format!("POST /Echo/Any HTTP/1.1\r\nHost: x\r\nContent-Length: {len}\r\n\r\n").into_bytes()
    };
    // Over the limit: refused at once. Just within: waited for, but with nothing set aside.
    let refused = [sized(i32::MAX as u32), body(i32::MAX as u32), sized(u32::MAX), post(u64::MAX >> 1)];
    let awaited = [sized(64 << 20), body(60 << 20), post(64 << 20)];
    let open = async |packet: &[u8]| {
        let mut peer = Peer::connect(program.addr).await;
        peer.send(packet).await;
        peer
    };
    for packet in refused.iter().chain(&awaited) {
        let mut peer = open(packet).await;
        if refused.contains(packet) {
            peer.read_to_end().await;
        }
    }
    let before = program.resident_bytes();
    let mut waiting = Vec::new();
    for _ in 0..50 {
        for packet in &refused {
            // Whatever it says, it closes without a byte of what was announced.
            open(packet).await.read_to_end().await;
        }
        for packet in &awaited {
            waiting.push(open(packet).await);
        }
    }
    // In order behind all of them on the one loop that accepts.
    Peer::connect(program.addr).await.http("GET /debug/vars HTTP/1.0\r\n\r\n").await;
    let grown = program.resident_bytes().saturating_sub(before);
    println!("350 announcements of up to 8 EiB: {} KiB more memory", grown >> 10);
    assert!(grown <= 16 * MIB, "{} KiB more memory", grown >> 10);
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
    for (codec, request) in [("json", json.as_bytes()), ("bson", &bson)] {
        let mut peer = Peer::connect_codec(program.addr, codec).await;
        peer.try_send(request).await.ok();
        peer.read_to_end().await;
    }
    let post = format!("POST /Echo/Any HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", deep * 2);
    let mut peer = Peer::connect(program.addr).await;
    peer.send(post + &"[".repeat(deep) + &"]".repeat(deep)).await;
    let response = peer.read_http(false).await;
    assert_eq!((response.status, response.json()["error"]["code"].as_str()), (400, Some("bad_arguments")));
    drop(peer);
    program.interrupt().await;
}
