//! Malformed bytes, by the hundred thousand: no panic, no memory, and a good client beside them sees nothing.

use super::{Good, MIB, alone};
use crate::program::Program;
use rpcwrap_tests::{
    raw::{Peer, bson_request, document, json_request, opening},
    within,
};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Mutex, task::JoinSet};

/// Peers at work at the same time.
const AT_ONCE: usize = 64;

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
        "CONNECT /_json_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "CONNECT /_json_rpc_/auth HTTP/1.0\n\n",
        "CONNECT svc:80 HTTP/1.1\r\nHost: svc:80\r\nUser-Agent: curl\r\nProxy-Connection: Keep-Alive\r\n\r\n",
        "GET /debug/status HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n",
        "HEAD /healthz HTTP/1.0\r\n\r\n",
        "OPTIONS / HTTP/1.0\r\n\r\n",
        "POST /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 13\r\n\r\n{\"A\":7,\"B\":8}",
        "POST /Echo/Any HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n",
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
    let good = Good::without_pause(program.addr);
    attack(&program, (0..1_000).map(|_| make()).collect()).await;
    let before = program.resident_bytes();
    attack(&program, (0..count).map(|_| make()).collect()).await;
    let grown = program.resident_bytes().saturating_sub(before);
    let calls = good.stop().await;
    println!("{count} packets: {} KiB more memory, {calls} good calls beside them", grown >> 10);
    assert!(grown <= 8 * MIB, "{} KiB more memory", grown >> 10);
    assert_eq!(alone(&program).await["counters"]["panics"], 0);
    Arc::into_inner(program).unwrap().interrupt().await;
}

#[tokio::test]
async fn a_hundred_thousand_malformed_openings_are_closed() {
    let (real, mut random) = (first_packets(), Random(0x5eed_0001));
    survives(100_000, || random.malformed(&real)).await;
}

#[tokio::test]
async fn twenty_thousand_malformed_requests_in_json_are_closed() {
    let (real, mut random) = (json_requests(), Random(0x5eed_0002));
    survives(20_000, || [opening("/_json_rpc_"), random.malformed(&real)].concat()).await;
}

#[tokio::test]
async fn twenty_thousand_malformed_requests_in_bson_are_closed() {
    let (real, mut random) = (bson_requests(), Random(0x5eed_0003));
    survives(20_000, || [opening("/_bson_rpc_"), random.malformed(&real)].concat()).await;
}
