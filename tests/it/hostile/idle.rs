//! Ten thousand connections that do nothing: what each costs, and what is left of them.

use super::{Good, alone};
use crate::program::{Program, Settings};
use bytes::BytesMut;
use rpcwrap::codecs::{AnyCodec, BsonDialect, CallOptions, Limits};
use rpcwrap_tests::{
    limit,
    raw::{CONNECTED, Peer, opening},
    until,
};
use serde::Serialize;
use std::{fs, net::SocketAddr, process};
use tokio::{process::Command, time::Instant};

const CONNECTIONS: usize = 10_000;
const CODECS: [AnyCodec; 4] =
    [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack];
/// Opened before any of them is waited for: fewer than wait in any accept queue.
const AT_ONCE: usize = 100;
/// Descriptors for the tests that run beside this one.
const OTHERS: usize = 4_000;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    a: i64,
    b: i64,
}

/// Descriptors this process may have, raised to the most there are.
async fn own_descriptors() -> usize {
    let pid = process::id().to_string();
    let most = format!("prlimit --pid {pid} --nofile=\"$(ulimit -Hn):\"");
    // Where there is no such program, or no such right, fewer will do.
    let _ = limit(Command::new("sh").args(["-c", &most]).output()).await;
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX)
}

/// Connections that have each made one call.
async fn open(addr: SocketAddr, codec: &AnyCodec, count: usize) -> Vec<Peer> {
    let mut request = BytesMut::from(&opening(&format!("/_{}_rpc_", codec.name()))[..]);
    let (mut writer, args) = (codec.request_writer(), Pair { a: 7, b: 8 });
    writer.encode(1, "Arith.Multiply", CallOptions::default(), &args, None, &mut request).unwrap();
    let mut opened = Vec::new();
    while opened.len() < count {
        let from = opened.len();
        for _ in from..count.min(from + AT_ONCE) {
            let mut peer = Peer::connect(addr).await;
            peer.send(&request).await;
            opened.push(peer);
        }
        for peer in &mut opened[from..] {
            peer.expect(CONNECTED).await;
            let mut reader = codec.reply_reader(Limits::default());
            let reply = peer.read_message(|buf| reader.decode(buf)).await;
            assert_eq!((reply.seq(), reply.error()), (1, None));
        }
    }
    opened
}

#[tokio::test]
async fn ten_thousand_idle_connections_cost_4_kib_each() {
    let settings = Settings::new("idle", "max_connections = 11000\n");
    let program = Program::daemon_for_many(&settings).await;
    let room = own_descriptors().await.saturating_sub(OTHERS);
    let count = CONNECTIONS.min(room);
    assert!(count >= 1_000, "room for {room} connections only: raise `ulimit -Hn` to 20000");
    let good = Good::now_and_then(program.addr);
    // The tables that grow with the first connections are not theirs alone.
    drop(open(program.addr, &AnyCodec::Json, 10).await);
    until(|| program.descriptors() <= 20).await;

    let (start, mut before) = (program.resident_bytes(), program.resident_bytes());
    let mut idle = Vec::new();
    for codec in CODECS {
        let opened = open(program.addr, &codec, count / CODECS.len()).await;
        let now = program.resident_bytes();
        let each = now.saturating_sub(before) / opened.len() as u64;
        println!("{} idle in {codec:?}: {each} bytes each", opened.len());
        before = now;
        idle.push(opened);
    }
    let each = program.resident_bytes().saturating_sub(start) / count as u64;
    println!("{count} idle: {each} bytes each");
    assert!(each <= 4 << 10, "{each} bytes for each of {count} connections");
    assert!(program.descriptors() >= count);
    let calls = good.stop().await;

    drop(idle);
    let closed = Instant::now();
    until(|| program.descriptors() <= 20).await;
    println!("descriptors are back after {:?}, {calls} calls beside them", closed.elapsed());
    // Memory is given back too, but for a fifth.
    until(|| program.resident_bytes() <= start + start / 5).await;
    let (left, start) = (program.resident_bytes() >> 10, start >> 10);
    println!("{left} KiB of memory {:?} after the close, {start} before", closed.elapsed());
    assert!(left <= start + start / 5, "{left} KiB of memory, {start} before");
    assert_eq!(alone(&program).await["counters"]["panics"], 0);
    program.end_quietly().await;
}
