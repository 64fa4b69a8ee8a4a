//! One budget of bytes for all peers: what they make the server hold, in every way there is, and who goes when it is
//! too much.

use super::{Good, MIB};
use crate::program::{Program, Settings};
use futures_util::future::join_all;
use rpcwrap::{Config, Method, Server, Service};
use rpcwrap_tests::{
    limit,
    raw::{Peer, json_request},
    server::{TestServer, start},
    services::arith,
    until,
};
use std::time::Duration;
use tokio::time::timeout;

const BUDGET: usize = 16 << 20;

fn config() -> Config {
    Config::default().memory_budget(BUDGET).stall_timeout(Duration::from_secs(600))
}

/// What the good client calls, and a method that never answers.
async fn serve(config: Config) -> TestServer {
    let echo = Service::new("Echo").method("Say", |text: String| async move { Ok(text) });
    let never = |_: String| std::future::pending::<Result<(), rpcwrap::Error>>();
    let wait = Service::new("Wait").with(Method::new("Long", never));
    let never = |_: Vec<[u64; 32]>| std::future::pending::<Result<(), rpcwrap::Error>>();
    let wait = wait.with(Method::new("Lists", never));
    start(Server::builder().service(arith()).service(echo).service(wait).config(config)).await
}

fn held(server: &TestServer) -> u64 {
    server.snapshot().server.held_bytes
}

fn sheds(server: &TestServer) -> u64 {
    server.snapshot().server.memory_sheds
}

/// The first half of a request of so many bytes.
fn half(bytes: usize) -> String {
    json_request("Echo.Say", &format!("\"{}\"", "x".repeat(bytes)), 1)[..bytes / 2].to_owned()
}

/// A POST of so many bytes, which the server answers with as many.
fn echo(bytes: usize) -> String {
    let body = format!("\"{}\"", "x".repeat(bytes));
    format!("POST /Echo/Say HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn held_by_peers_alone(server: &TestServer, peers: Vec<Peer>) {
    assert!(held(server) <= BUDGET as u64, "{} bytes held", held(server));
    drop(peers);
    limit(until(|| held(server) == 0)).await;
}

#[tokio::test]
async fn messages_in_part_are_held_within_the_budget() {
    let server = serve(config()).await;
    let good = Good::now_and_then(server.addr);
    let peers = join_all((0..20).map(async |_| {
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        // Those that are closed meanwhile do not take it.
        let _ = peer.try_send(half(4 << 20)).await;
        peer
    }));
    let peers = peers.await;
    limit(until(|| sheds(&server) >= 10)).await;
    good.stop().await;
    held_by_peers_alone(&server, peers).await;
}

#[tokio::test]
async fn requests_that_wait_are_held_within_the_budget() {
    let server = serve(config()).await;
    let good = Good::now_and_then(server.addr);
    let text = format!("\"{}\"", "x".repeat(1 << 20));
    let peers = join_all((0..8).map(async |_| {
        // One that only closes its sending side may still want its replies.
        let mut peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
        for id in 0..8 {
            if peer.try_send(json_request("Wait.Long", &text, id)).await.is_err() {
                break;
            }
        }
        peer
    }));
    let peers = peers.await;
    limit(until(|| sheds(&server) >= 3)).await;
    good.stop().await;
    held_by_peers_alone(&server, peers).await;
}

/// A list without elements is one of 32 zeros: 3 bytes of the request are 256 in memory.
#[tokio::test]
async fn decoded_arguments_of_calls_that_wait_are_held_within_the_budget() {
    let server = serve(config()).await;
    let good = Good::now_and_then(server.addr);
    let lists = format!("[{}[]]", "[],".repeat(4095));
    let peers = join_all((0..40).map(async |_| {
        let mut peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
        peer.send(json_request("Wait.Lists", &lists, 1)).await;
        peer
    }));
    let peers = peers.await;
    // Of 40 MiB there is room for 16.
    limit(until(|| sheds(&server) >= 24)).await;
    good.stop().await;
    held_by_peers_alone(&server, peers).await;
}

#[tokio::test]
async fn http_bodies_and_replies_are_held_within_the_budget() {
    let server = serve(config()).await;
    let good = Good::now_and_then(server.addr);
    let unread = join_all((0..16).map(async |n| {
        let mut peer = Peer::connect(server.addr).await;
        let request = echo(3 << 20);
        // Every other one breaks off in the middle of its body.
        let sent = if n % 2 == 0 { &request[..] } else { &request[..request.len() / 2] };
        let _ = peer.try_send(sent).await;
        peer
    }));
    let peers = unread.await;
    limit(until(|| sheds(&server) >= 4)).await;
    good.stop().await;
    held_by_peers_alone(&server, peers).await;
}

#[tokio::test]
async fn the_slowest_of_the_largest_holders_goes_first() {
    // Two of them fit, whose buffers double as they grow, and three do not.
    let budget = 17 << 20;
    let server = serve(config().memory_budget(budget)).await;
    let mut slow = Peer::connect_codec(server.addr, "json").await;
    slow.send(half(12 << 20)).await;
    limit(until(|| held(&server) >= 6 << 20)).await;
    // Later, and of the same size; it has also moved what it holds, and more before.
    let mut active = Peer::connect_codec(server.addr, "json").await;
    for id in 0..20 {
        assert_eq!(active.call("Echo.Say", &format!("\"{}\"", "x".repeat(100 << 10)), id).await["id"], id);
    }
    active.send(half(12 << 20)).await;
    limit(until(|| held(&server) >= 12 << 20)).await;
    let mut last = Peer::connect_codec(server.addr, "json").await;
    last.send(half(12 << 20)).await;
    limit(until(|| sheds(&server) == 1)).await;
    slow.expect_closed().await;
    assert!(held(&server) <= budget as u64);
    // The others are still there.
    assert!(active.try_send("x").await.is_ok() && last.try_send("x").await.is_ok());
    assert_eq!(sheds(&server), 1);
}

/// HTTP/2 whose stream may send nothing, and which answers the server's pings.
#[tokio::test]
async fn a_peer_that_opens_no_window_and_answers_pings_is_stalled() {
    let config = config().stall_timeout(Duration::from_secs(5));
    let server = serve(config).await;
    let good = Good::now_and_then(server.addr);
    let mut peer = Peer::connect(server.addr).await;
    // SETTINGS: INITIAL_WINDOW_SIZE = 0.
    peer.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0").await;
    // HEADERS with END_STREAM and END_HEADERS: GET http /metrics of 127.0.0.1.
    let head = b"\x82\x86\x04\x08/metrics\x01\x09127.0.0.1";
    peer.send([&[0, 0, head.len() as u8, 1, 5, 0, 0, 0, 1], &head[..]].concat()).await;
    limit(async {
        loop {
            let mut frame = [0; 9];
            if peer.try_read_exact(&mut frame).await.is_err() {
                break;
            }
            let len = usize::from(frame[1]) << 8 | usize::from(frame[2]);
            let mut payload = vec![0; len];
            if peer.try_read_exact(&mut payload).await.is_err() {
                break;
            }
            // A PING without ACK.
            if (frame[3], frame[4]) == (6, 0) {
                let _ = peer.try_send([&[0, 0, 8, 6, 1, 0, 0, 0, 0], &payload[..]].concat()).await;
            }
        }
    })
    .await;
    assert_eq!(server.snapshot().server.stalled, 1);
    good.stop().await;
}

#[tokio::test]
async fn a_peer_that_moves_next_to_nothing_goes_when_memory_is_short() {
    let config = config().stall_timeout(Duration::from_secs(5));
    let server = serve(config).await;
    let mut large = Peer::connect_codec(server.addr, "json").await;
    let mut dripping = Peer::connect_codec(server.addr, "json").await;
    large.send(half(18 << 20)).await;
    dripping.send("{\"method\":").await;
    limit(until(|| held(&server) > BUDGET as u64 / 2)).await;
    // One byte at a time moves, but far too little; the large one goes on with more.
    let fed = async {
        loop {
            if dripping.try_send(" ").await.is_err() {
                return;
            }
            large.send("x".repeat(4 << 10)).await;
            // A byte now and then, until it is closed.
            if timeout(Duration::from_millis(50), dripping.expect_closed()).await.is_ok() {
                return;
            }
        }
    };
    limit(fed).await;
    assert!(server.snapshot().server.stalled >= 1);
    assert_eq!(sheds(&server), 0);
}

/// Of addresses.
const SPACE: &str = "ulimit -v 524288; exec \"$0\" \"$@\"";

#[tokio::test]
async fn half_a_gibibyte_of_addresses_is_enough_for_what_peers_leave_behind() {
    let settings = Settings::new("budget", "memory_budget = 134217728\n");
    let args = ["--listen", "127.0.0.1:0", "--config", settings.path()];
    let program = Program::daemon_by(SPACE, std::process::Stdio::null(), &args).await;
    let good = Good::now_and_then(program.addr);
    let peers = join_all((0..20).map(async |n| {
        if n % 2 == 0 {
            let mut peer = Peer::connect_codec(program.addr, "json").await;
            let _ = peer.try_send(half(60 << 20)).await;
            peer
        } else {
            let mut peer = Peer::connect(program.addr).await;
            let _ = peer.try_send(echo(30 << 20)).await;
            peer
        }
    }));
    let peers = peers.await;
    let calls = good.stop().await;
    println!("{} MiB at most, {calls} good calls", program.peak_bytes() >> 20);
    assert!(program.peak_bytes() <= 192 * MIB, "{} MiB", program.peak_bytes() >> 20);
    drop(peers);
    program.end_quietly().await;
}
