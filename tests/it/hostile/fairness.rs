//! Addresses that fill the server with waiting calls: others keep a share, whatever these do.

use super::{Good, good_services};
use crate::line_protocol::Lines;
use rpcwrap::{Config, Method, Service};
use rpcwrap_tests::{
    limit,
    raw::{CONNECTED, Peer, json_request, opening},
    server::{TestServer, start},
    services::{Gate, who},
    until,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpSocket, sync::Semaphore};

const MAX_CALLS: usize = 1000;

async fn gated(config: Config) -> (TestServer, Gate) {
    let gate = Gate::default();
    let builder = good_services().service(gate.service()).service(who()).config(config);
    (start(builder).await, gate)
}

/// A connection from another address of this machine, `127.0.0.<last>`.
async fn connect_from(last: u8, server: SocketAddr) -> Peer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_zero_linger().unwrap();
    socket.bind(([127, 0, 0, last], 0).into()).unwrap();
    let mut peer = Peer::over(limit(socket.connect(server)).await.unwrap());
    peer.send(opening("/_json_rpc_")).await;
    peer.expect(CONNECTED).await;
    peer
}

/// So many connections from one address, each with as many waiting calls as the server takes of 64; how many these are.
async fn fill(last: u8, connections: usize, server: &TestServer) -> (Vec<Peer>, usize) {
    let before = server.snapshot().waiting_calls;
    let mut peers = Vec::new();
    for _ in 0..connections {
        let mut peer = connect_from(last, server.addr).await;
        let shed = server.snapshot().server.shed_calls;
        let waiting = server.snapshot().waiting_calls;
        peer.send((0..64).map(|id| json_request("Gate.Wait", "1", id)).collect::<String>()).await;
        let refused = || (server.snapshot().server.shed_calls - shed) as usize;
        until(|| server.snapshot().waiting_calls - waiting + refused() == 64).await;
        for _ in 0..refused() {
            assert_eq!(peer.read_json().await["error"], "rpc: server overloaded");
        }
        peers.push(peer);
    }
    (peers, server.snapshot().waiting_calls - before)
}

async fn ready(server: &TestServer) -> (u16, String) {
    let page = Peer::connect(server.addr).await.http("GET /readyz HTTP/1.0\r\n\r\n").await;
    (page.status, page.body)
}

#[tokio::test]
async fn an_address_that_takes_all_calls_leaves_a_share_to_every_other() {
    let (server, gate) = gated(Config::default().max_calls(MAX_CALLS)).await;
    let good = Good::now_and_then(server.addr);
    let (mut hostile, taken) = fill(2, 20, &server).await;
    // Nine tenths, and one call for each connection of the rest.
    assert!((880..=925).contains(&taken), "{taken}");
    assert_eq!(ready(&server).await.0, 200);
    let entered = gate.entered();
    assert_eq!(entered, taken, "a refused call has been started");
    // Instant ones too: this connection has more than its share.
    assert_eq!(hostile[0].call("Ctx.Who", "\"\"", 100).await["error"], "rpc: server overloaded");
    assert_eq!(gate.entered(), entered);

    let mut other = connect_from(3, server.addr).await;
    other.send((0..20).map(|id| json_request("Gate.Wait", "7", id)).collect::<String>()).await;
    until(|| gate.entered() == entered + 20).await;
    assert_eq!(other.call("Ctx.Who", "\"\"", 100).await["result"], "go_rpc json -");
    gate.open(entered + 20);
    for _ in 0..20 {
        assert_eq!(other.read_json().await["result"], 7);
    }
    for peer in &mut hostile {
        assert_eq!(peer.read_json().await["result"], 1);
    }
    good.stop().await;
}

#[tokio::test]
async fn the_server_says_that_it_is_not_ready_and_still_serves_connections_without_waiting_calls() {
    let (server, _gate) = gated(Config::default().max_calls(64)).await;
    let mut hostile = Vec::new();
    for last in 2..40 {
        hostile.push(fill(last, 2, &server).await);
        if server.snapshot().waiting_calls >= 64 {
            break;
        }
    }
    assert_eq!(ready(&server).await, (503, "not ready: overloaded\n".to_owned()));
    let good = Good::now_and_then(server.addr);
    // Its first call waits, its second one would be one more.
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Gate.Wait", "1", 1)).await;
    until(|| server.snapshot().waiting_calls > 64).await;
    assert_eq!(peer.call("Ctx.Who", "\"\"", 2).await["error"], "rpc: server overloaded");
    good.stop().await;
    drop(hostile);
    until(|| server.snapshot().waiting_calls == 1).await;
    assert_eq!(ready(&server).await.0, 200);
    assert_eq!(peer.call("Ctx.Who", "\"\"", 3).await["result"], "go_rpc json -");
}

#[tokio::test]
async fn a_stream_that_is_not_read_waits_for_its_peer_and_not_for_its_handler() {
    let endless = Method::stream("Endless", |_: ()| {
        futures_util::stream::repeat_with(|| Ok::<String, rpcwrap::Error>("x".repeat(10_000)))
    });
    let config = Config::default().max_calls(8).max_output_bytes(1 << 20);
    let server = start(good_services().service(Service::new("Flow").with(endless)).config(config)).await;
    let good = Good::now_and_then(server.addr);
    let mut unread = Vec::new();
    for _ in 0..30 {
        let mut peer = connect_from(2, server.addr).await;
        peer.send(json_request("Flow.Endless", "null", 1)).await;
        unread.push(peer);
    }
    let started = || server.snapshot().methods.iter().any(|m| m.method == "Endless" && m.stats.calls == 30);
    until(started).await;
    until(|| server.snapshot().waiting_calls <= 1).await;
    assert_eq!(ready(&server).await.0, 200);
    good.stop().await;
}

/// So many connections from one address, each of which has eight calls of a megabyte each answered and takes none: its
/// window is small, and full with the first.
async fn take_no_reply(
    connections: usize,
    request: impl Fn(u64) -> Vec<u8>,
    server: &TestServer,
) -> Vec<Peer> {
    let mut peers = Vec::new();
    for _ in 0..connections {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
        let mut peer = Peer::over(limit(socket.connect(server.addr)).await.unwrap());
        peer.send((0..8).flat_map(&request).collect::<Vec<u8>>()).await;
        peers.push(peer);
    }
    peers
}

/// What has been done for a peer that does not read waits for that peer, and not for a handler.
#[tokio::test]
async fn finished_calls_behind_unread_replies_are_no_waiting_calls() {
    let open = Arc::new(Semaphore::new(0));
    let (entered, gate) = (Arc::new(AtomicUsize::new(0)), open.clone());
    let inside = entered.clone();
    let big = Method::new("Big", move |_: i64| {
        inside.fetch_add(1, Ordering::SeqCst);
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok("x".repeat(8 << 20))
        }
    });
    let config = Config::default().max_calls(64).max_output_bytes(64 << 10);
    let services = good_services().service(Service::new("Reply").with(big)).protocol(Lines);
    let server = start(services.config(config)).await;
    let mut unread = take_no_reply(
        2,
        |id| match id {
            0 => [opening("/_json_rpc_"), json_request("Reply.Big", "1", 0).into()].concat(),
            id => json_request("Reply.Big", "1", id).into(),
        },
        &server,
    )
    .await;
    // Replies in order: those behind the first are done before it.
    let line = |id| if id == 0 { "AUTH ala kot\nReply.Big 1\n" } else { "Reply.Big 1\n" };
    unread.extend(take_no_reply(2, |id| line(id).into(), &server).await);
    until(|| entered.load(Ordering::SeqCst) == 32).await;
    assert_eq!(server.snapshot().waiting_calls, 32);
    open.add_permits(32);
    until(|| server.snapshot().waiting_calls == 0).await;
    assert_eq!(server.open_connections(), 4);
    drop(unread);
}
