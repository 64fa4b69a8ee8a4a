//! The end of a server: everything read is answered, no connection in the queue is reset, and it is over in time.

use rpcwrap::{Drained, Phase, Server};
use rpcwrap_tests::{
    limit,
    raw::{CONNECTED, Peer, json_request, opening},
    server::{TestServer, start},
    services::{Gate, services},
    until,
};
use serde_json::json;
use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// Longer than any step of a test may take: what ends within a step has not waited for this.
const LONG: Duration = Duration::from_secs(3600);

async fn gated() -> (Arc<TestServer>, Gate) {
    let gate = Gate::default();
    (Arc::new(start(services().service(gate.service())).await), gate)
}

/// Starts the drain and lets it take hold.
async fn drain(server: &Arc<TestServer>, limit: Duration) -> JoinHandle<Drained> {
    let draining = server.clone();
    let draining = tokio::spawn(async move { draining.drain(limit).await });
    until(|| server.snapshot().phase == Phase::Draining).await;
    draining
}

fn refused(id: u64) -> serde_json::Value {
    json!({"id": id, "result": null, "error": "rpc: server is draining"})
}

#[tokio::test]
async fn everything_that_was_read_is_answered() {
    let (server, gate) = gated().await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send((1..=3).map(|id| json_request("Gate.Wait", "null", id)).collect::<String>()).await;
    until(|| gate.entered() == 3).await;
    let draining = drain(&server, LONG).await;
    // New calls of an open connection are told, not left alone.
    assert_eq!(peer.call("Echo.Int", "5", 4).await, refused(4));
    gate.open(3);
    for _ in 0..3 {
        assert!(peer.read_json().await["error"].is_null());
    }
    peer.expect_closed().await;
    drop(peer);
    assert_eq!(limit(draining).await.unwrap().cut, 0);
    assert!(tokio::net::TcpStream::connect(server.addr).await.is_err(), "the server listens no more");
    assert_eq!(server.snapshot().server.drained_calls, 1);
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let (server, _) = gated().await;
    let mut called = Peer::connect_codec(server.addr, "json").await;
    called.call("Echo.Int", "5", 1).await;
    let mut opened = Peer::connect_codec(server.addr, "bson").await;
    let mut silent = Peer::connect(server.addr).await;
    until(|| server.snapshot().server.connections == 3).await;
    let draining = drain(&server, LONG).await;
    called.expect_closed().await;
    opened.expect_closed().await;
    silent.expect_closed().await;
    drop((called, opened, silent));
    assert_eq!(limit(draining).await.unwrap().cut, 0);
}

#[tokio::test]
async fn connections_in_the_accept_queue_are_served() {
    let (server, _) = gated().await;
    // This thread is all the runtime has: as long as it does not await, no call is made; the thread that accepts has some
    // of them by then, and others wait in the queue.
    let peers: Vec<_> = (0..500)
        .map(|_| {
            let mut peer = std::net::TcpStream::connect(server.addr).unwrap();
            peer.write_all(&opening("/_json_rpc_")).unwrap();
            peer.write_all(json_request("Echo.Int", "5", 1).as_bytes()).unwrap();
            peer
        })
        .collect();
    let draining = drain(&server, LONG).await;
    for peer in peers {
        let mut peer = Peer::from_std(peer);
        peer.expect(CONNECTED).await;
        let reply = peer.read_json().await;
        assert!(reply["result"] == 5 || reply == refused(1), "{reply}");
        peer.expect_closed().await;
    }
    assert_eq!(limit(draining).await.unwrap().cut, 0);
    assert_eq!(server.snapshot().server.accepted, 500);
}

#[tokio::test]
async fn a_peer_that_never_closes_does_not_hold_the_drain() {
    let (server, _) = gated().await;
    let mut stubborn = Peer::connect_codec(server.addr, "json").await;
    stubborn.call("Echo.Int", "5", 1).await;
    let drained = limit(drain(&server, LONG).await).await.unwrap();
    assert_eq!((drained.cut, drained.exit_code()), (0, 0));
    stubborn.expect_closed().await;
}

#[tokio::test]
async fn a_peer_that_goes_on_calling_does_not_hold_the_drain() {
    let (server, _) = gated().await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let limit_of_drain = Duration::from_millis(500);
    let draining = drain(&server, limit_of_drain).await;
    let mut id = 0;
    // Told again and again; in the end the connection is closed under it.
    limit(async {
        while peer.try_send(json_request("Echo.Int", "5", id)).await.is_ok()
            && peer.read_line_or_end().await.is_some()
        {
            id += 1;
        }
    })
    .await;
    assert!(id > 0);
    limit(draining).await.unwrap();
}

#[tokio::test]
async fn calls_that_never_end_are_cut_at_the_drain_limit() {
    let limit_of_drain = Duration::from_millis(200);
    for method in ["Gate.Wait", "Gate.Spawned", "Gate.Stream"] {
        let (server, gate) = gated().await;
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        peer.send(json_request(method, "null", 1)).await;
        until(|| gate.entered() == 1).await;
        let started = Instant::now();
        let drained = limit(server.drain(limit_of_drain)).await;
        assert!(started.elapsed() >= limit_of_drain);
        assert_eq!((drained.cut, drained.exit_code()), (1, 3), "{method}");
        peer.expect_closed().await;
        until(|| gate.left() == 1).await;
    }
}

#[tokio::test]
async fn unread_replies_are_cut_at_the_drain_limit() {
    let (server, _) = gated().await;
    let mut deaf = Peer::in_memory_codec(&server, "json").await;
    let text = "x".repeat(30_000);
    for id in 0..4 {
        deaf.send(json_request("Echo.String", &format!("\"{text}\""), id)).await;
    }
    let finished = || server.snapshot().methods.iter().map(|m| m.stats.finished).sum::<u64>() == 4;
    until(finished).await;
    let drained = limit(server.drain(Duration::from_millis(200))).await;
    assert_eq!(drained.cut, 1);
}

#[tokio::test]
async fn a_lame_duck_still_works() {
    let (server, gate) = gated().await;
    let ask = async |path: &str| {
        let mut page = Peer::connect(server.addr).await;
        page.http(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await.status
    };
    assert_eq!(ask("/readyz").await, 200);
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Gate.Wait", "null", 1)).await;
    server.start_lame_duck();
    for (path, status) in [("/readyz", 503), ("/debug/health", 503), ("/livez", 200)] {
        assert_eq!(ask(path).await, status, "{path}");
    }
    assert_eq!(peer.call("Echo.Int", "5", 2).await["result"], 5);
    let mut late = Peer::connect_codec(server.addr, "json").await;
    assert_eq!(late.call("Echo.Int", "5", 1).await["result"], 5);
    gate.open(1);
    assert!(peer.read_json().await["error"].is_null());
}

#[tokio::test]
async fn http_connections_are_answered_and_closed_during_the_drain() {
    let (server, gate) = gated().await;
    let mut page = Peer::connect(server.addr).await;
    assert_eq!(page.http("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.status, 200);
    let mut post = Peer::connect(server.addr).await;
    post.send("POST /Gate/Wait HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n7").await;
    until(|| gate.entered() == 1).await;
    let draining = drain(&server, LONG).await;
    // Idle keep-alive connections are closed, a POST under way is answered and then closed.
    page.expect_closed().await;
    gate.open(1);
    let response = post.read_http(false).await;
    assert_eq!((response.status, response.body.trim_end()), (200, "7"));
    post.expect_closed().await;
    drop((page, post));
    assert_eq!(limit(draining).await.unwrap().cut, 0);
}

#[tokio::test]
async fn dropping_a_server_ends_it_at_once() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Gate.Wait", "null", 1)).await;
    until(|| gate.entered() == 1).await;
    let addr = server.addr;
    drop(server);
    peer.expect_closed().await;
    until(|| gate.left() == 1).await;
    limit(async {
        while tokio::net::TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn stop_does_not_wait_for_calls() {
    let (server, gate) = gated().await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Gate.Wait", "null", 1)).await;
    until(|| gate.entered() == 1).await;
    let inner: &Server = &server;
    assert_eq!(limit(inner.stop()).await.cut, 1);
    peer.expect_closed().await;
}

#[tokio::test]
async fn the_queue_of_a_socket_that_is_shared_is_left_to_the_next() {
    let ours = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let serve = || {
        let server = services().build().unwrap();
        server.listen_on(ours.try_clone().unwrap()).unwrap();
        server
    };
    let (addr, first) = (ours.local_addr().unwrap(), serve());
    let mut served = Peer::connect_codec(addr, "json").await;
    assert_eq!(served.call("Echo.Int", "5", 1).await["result"], 5);
    assert_eq!(limit(first.drain(LONG)).await.cut, 0);
    served.expect_closed().await;
    // No server accepts: it connects all the same, and is served by the next one.
    let mut waiting = Peer::connect(addr).await;
    waiting.send(opening("/_json_rpc_")).await;
    let second = serve();
    waiting.expect(CONNECTED).await;
    assert_eq!(waiting.call("Echo.Int", "6", 1).await["result"], 6);
    drop(waiting);
    assert_eq!(limit(second.drain(LONG)).await.cut, 0);
    let error = second.listen_on(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
