//! Bytes nobody should send, by the hundred thousand: no panic, no memory, and a good client beside them sees nothing.
//!
//! Against the server program in a process of its own, so that its memory is its own.

use crate::program::Program;
use rpcwrap_tests::{
    raw::{Peer, bson_request, document, json_request, opening},
    within,
};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Mutex, task::JoinSet};

/// Peers at work at the same time.
const AT_ONCE: usize = 64;
const MIB: u64 = 1 << 20;

/// Xorshift: the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Random bytes, or `real` cut short, with flipped bits, with bytes overwritten, or twice in itself.
    fn malformed(&mut self, real: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = real[self.below(real.len())].clone();
        match self.below(5) {
            0 => {
                let len = 1 + self.below(200);
                return self.bytes(len);
            }
            1 => bytes.truncate(1 + self.below(bytes.len())),
            2 => {
                for _ in 0..1 + self.below(4) {
                    let at = self.below(bytes.len());
                    bytes[at] ^= 1 << self.below(8);
                }
            }
            3 => {
                let (at, len) = (self.below(bytes.len()), 1 + self.below(8));
                for byte in bytes[at..].iter_mut().take(len) {
                    *byte = self.next() as u8;
                }
            }
            _ => {
                let (at, from) = (self.below(bytes.len()), self.below(bytes.len()));
                let piece = bytes[from..].to_vec();
                bytes.splice(at..at, piece);
            }
        }
        bytes
    }
}

/// First packets of real clients, probes and other protocols.
fn first_packets() -> Vec<Vec<u8>> {
    let mut packets: Vec<Vec<u8>> = [
        "CONNECT /_bson_rpc_ HTTP/1.0\n\n",
        "CONNECT /_json_rpc_ HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT /_json_rpc_/auth HTTP/1.0\n\n",
        "CONNECT svc:80 HTTP/1.1\r\nHost: svc:80\r\nUser-Agent: curl\r\nProxy-Connection: Keep-Alive\r\n\r\n",
        "GET /debug/status HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n",
        "HEAD /healthz HTTP/1.0\r\n\r\n",
        "OPTIONS / HTTP/1.0\r\n\r\n",
        "POST /Arith/Multiply HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"A\":7,\"B\":8}",
        "POST /Echo/Any HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "PROXY TCP4 127.0.0.1 127.0.0.1 36390 17011\r\n",
        "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "agent\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":1}\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    packets.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec());
    packets.push(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec());
    packets.push(b"\x2e\x7f\x03\x01\x01\x07Request\x01\xff\x80\0".to_vec());
    packets.push(b"PRPC\0\0\0\x10\0\0\0\x08".to_vec());
    packets.push(
        b"PRPC\0\0\0\x24\0\0\0\x17\x0a\x11\x0a\x05Arith\x12\x08Multiply\x20\x07\x50\x01{\"A\":7,\"B\":8}"
            .to_vec(),
    );
    for (codec, request) in [("json", json_requests()), ("bson", bson_requests())] {
        packets.extend(request.iter().map(|r| [&opening(&format!("/_{codec}_rpc_"))[..], r].concat()));
    }
    packets
}

fn json_requests() -> Vec<Vec<u8>> {
    [
        json_request("Arith.Multiply", "{\"A\":7,\"B\":8}", 1),
        json_request("Echo.Any", "{\"a\":[1,-2.5e3,null,true,\"\\u00e9\\n\"],\"b\":{}}", 2),
        json_request("Echo.Say", "\"text\"", 3) + &json_request("Count.Up", "{\"To\":3}", 4),
        json_request("_goRPC_.Cancel", "{\"Seq\":1}", 5),
    ]
    .map(String::into_bytes)
    .into()
}

fn bson_requests() -> Vec<Vec<u8>> {
    let multiply = document(b"\x12A\0\x07\0\0\0\0\0\0\0\x12B\0\x08\0\0\0\0\0\0\0");
    let nested = document(b"\x04L\0\x0c\0\0\0\x100\0\x05\0\0\0\0\x02S\0\x03\0\0\0ab\0\x05Y\0\x01\0\0\0\0z");
    let any = document(&[&b"\x03_Val_\0"[..], &nested].concat());
    let standard = document(b"\x02ServiceMethod\0\x0f\0\0\0Arith.Multiply\0\x12Seq\0\x01\0\0\0\0\0\0\0");
    vec![
        bson_request("Arith.Multiply", 1, &multiply),
        bson_request("Echo.Any", 2, &any),
        [standard, multiply].concat(),
        bson_request("Echo.Say", 3, &document(b"\x05_Val_\0\x04\0\0\0\0text")),
    ]
}

/// Calls without end until told, on one connection and on new ones; how many.
async fn good_client(program: Arc<Program>, over: Arc<AtomicBool>) -> u64 {
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    let mut calls = 0;
    while !over.load(Ordering::Relaxed) {
        for id in calls..calls + 50 {
            let reply = peer.call("Arith.Multiply", &format!("{{\"A\":{id},\"B\":2}}"), id).await;
            assert_eq!((&reply["id"], &reply["result"]), (&id.into(), &(id * 2).into()));
        }
        calls += 50;
        let mut new = Peer::connect_codec(program.addr, "bson").await;
        new.send(bson_request("Echo.Say", 1, &document(b"\x05_Val_\0\x02\0\0\0\0hi"))).await;
        new.read_bson_frame().await;
        new.expect(document(b"\x05_Val_\0\x02\0\0\0\0hi")).await;
    }
    calls
}

/// Sends each packet of `packets` on a connection of its own, `AT_ONCE` at a time, and waits for its close.
async fn attack(program: &Arc<Program>, packets: VecDeque<Vec<u8>>) {
    let (packets, done) = (Arc::new(Mutex::new(packets)), Arc::new(AtomicUsize::new(0)));
    let mut peers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (program, packets, done) = (program.clone(), packets.clone(), done.clone());
        peers.spawn(async move {
            loop {
                let Some(packet) = packets.lock().await.pop_front() else { break };
                // Every other one leaves without a good-bye.
                let polite = done.fetch_add(1, Ordering::Relaxed) % 2 == 0;
                let mut peer = if polite {
                    Peer::connect(program.addr).await
                } else {
                    Peer::connect_resetting(program.addr).await
                };
                // It may have been closed in the middle of the packet.
                if peer.try_send(&packet).await.is_ok() {
                    peer.half_close().await;
                }
                peer.read_to_end().await;
            }
        });
    }
    within(Duration::from_secs(300), async {
        while let Some(peer) = peers.join_next().await {
            peer.unwrap();
        }
    })
    .await;
}

/// Attacks with `count` packets made by `make`; checks memory, the good client, and the end.
async fn survives(count: usize, mut make: impl FnMut() -> Vec<u8>) {
    let program = Arc::new(Program::daemon(&[]).await);
    let over = Arc::new(AtomicBool::new(false));
    let good = tokio::spawn(good_client(program.clone(), over.clone()));
    attack(&program, (0..1_000).map(|_| make()).collect()).await;
    let before = program.resident_bytes();
    attack(&program, (0..count).map(|_| make()).collect()).await;
    let grown = program.resident_bytes().saturating_sub(before);
    over.store(true, Ordering::Relaxed);
    let calls = good.await.unwrap();
    println!("{count} packets: {} KiB more memory, {calls} good calls beside them", grown >> 10);
    assert!(grown <= 8 * MIB, "{} KiB more memory", grown >> 10);
    assert!(calls > 0);
    // The last resets may still be on their way; then nobody is left but who asks.
    within(Duration::from_secs(10), async {
        loop {
            let mut peer = Peer::connect(program.addr).await;
            let vars = peer.http("GET /debug/vars HTTP/1.0\r\n\r\n").await.json();
            assert_eq!(vars["counters"]["panics"], 0);
            if vars["connection-count"] == 1 {
                break;
            }
        }
    })
    .await;
    Arc::into_inner(program).unwrap().interrupt().await;
}

#[tokio::test]
async fn a_hundred_thousand_malformed_openings() {
    let (real, mut random) = (first_packets(), Random(0x5eed_0001));
    survives(100_000, || random.malformed(&real)).await;
}

#[tokio::test]
async fn twenty_thousand_malformed_requests_in_json() {
    let (real, mut random) = (json_requests(), Random(0x5eed_0002));
    survives(20_000, || [opening("/_json_rpc_"), random.malformed(&real)].concat()).await;
}

#[tokio::test]
async fn twenty_thousand_malformed_requests_in_bson() {
    let (real, mut random) = (bson_requests(), Random(0x5eed_0003));
    survives(20_000, || [opening("/_bson_rpc_"), random.malformed(&real)].concat()).await;
}

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
