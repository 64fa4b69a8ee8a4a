//! Addresses that take all connections: idle ones give way to others, and pages are answered all the same.

use super::{Good, good_services};
use rpcwrap::{Config, ProxyProtocol};
use rpcwrap_tests::{
    limit,
    raw::{CONNECTED, Peer, json_request, opening},
    server::{TestServer, start},
    services::Gate,
    until,
};
use std::net::SocketAddr;
use tokio::net::TcpSocket;

const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 21\r\nConnection: close\r\n\r\ntoo many connections\n";
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// A connection from `127.0.0.<last>`.
async fn from(last: u8, server: SocketAddr) -> Peer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, last], 0).into()).unwrap();
    Peer::over(limit(socket.connect(server)).await.unwrap())
}

/// The same after its handshake.
async fn session(last: u8, server: SocketAddr) -> Peer {
    let mut peer = from(last, server).await;
    peer.send(opening("/_json_rpc_")).await;
    peer.expect(CONNECTED).await;
    peer
}

async fn gated(config: Config) -> (TestServer, Gate) {
    let gate = Gate::default();
    (start(good_services().service(gate.service()).config(config)).await, gate)
}

/// Sessions from `127.0.0.<last>` with a call that waits in each of them.
async fn working(last: u8, count: usize, server: &TestServer, gate: &Gate) -> Vec<Peer> {
    let (mut peers, entered) = (Vec::new(), gate.entered());
    for _ in 0..count {
        let mut peer = session(last, server.addr).await;
        peer.send(json_request("Gate.Wait", "7", 1)).await;
        peers.push(peer);
    }
    until(|| gate.entered() == entered + count).await;
    // Their sessions have gone to sleep since.
    until(|| server.connections(100).iter().filter(|seen| seen.in_flight == 1).count() >= count).await;
    peers
}

#[tokio::test]
async fn idle_connections_of_the_greediest_address_give_way_and_working_ones_do_not() {
    let (server, gate) = gated(Config::default().max_connections(20)).await;
    let mut at_work = working(2, 2, &server, &gate).await;
    let mut idle = Vec::new();
    for _ in 0..17 {
        idle.push(session(2, server.addr).await);
    }
    let mut other = session(3, server.addr).await;
    assert_eq!(server.open_connections(), 20);
    let good = Good::now_and_then(server.addr);
    // The one that has been idle for longest is the first to go.
    idle[0].expect_closed().await;
    until(|| server.snapshot().server.connections_displaced >= 1).await;
    // Greed does not help: its own newcomers displace nothing.
    let displaced = server.snapshot().server.connections_displaced;
    let calls = good.stop().await;
    assert!(calls > 0 && displaced <= 17, "{displaced}");
    assert_eq!(other.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await["result"], 56);
    gate.open(2);
    for peer in &mut at_work {
        assert_eq!(peer.read_json().await["result"], 7);
    }
    assert_eq!(server.snapshot().server.canceled_calls, 0);
    let metrics = from(3, server.addr).await.http("GET /metrics HTTP/1.0\r\n\r\n").await.body;
    assert!(metrics.contains("rpcwrap_server_connections_cut_total{reason=\"displaced\"} "), "{metrics}");
}

#[tokio::test]
async fn a_full_server_answers_pages_and_nothing_else() {
    let (server, gate) = gated(Config::default().max_connections(4)).await;
    let mut at_work = working(1, 4, &server, &gate).await;
    for last in [1, 2] {
        for path in ["/healthz", "/readyz", "/metrics", "/debug/status"] {
            let mut probe = from(last, server.addr).await;
            let page = probe.http(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await;
            assert_eq!((page.status, page.header("connection")), (200, Some("close")), "{path}");
            probe.expect_closed().await;
        }
        let mut call = from(last, server.addr).await;
        let post =
            "POST /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 13\r\n\r\n{\"A\":7,\"B\":8}";
        assert_eq!(call.http(post).await.status, 503);
        let mut dial = from(last, server.addr).await;
        assert_eq!(dial.http(opening("/_json_rpc_")).await.status, 503);
        let mut raw = from(last, server.addr).await;
        raw.send(b"PRPC\0\0\0\0\0\0\0\0").await;
        raw.expect(REFUSAL).await;
    }
    let mut silent = from(1, server.addr).await;
    silent.expect(REFUSAL).await;
    assert_eq!(server.open_connections(), 4);
    gate.open(4);
    for peer in &mut at_work {
        assert_eq!(peer.read_json().await["result"], 7);
    }
    drop(at_work);
    until(|| server.open_connections() == 0).await;
    Good::without_pause(server.addr).stop().await;
}

#[tokio::test]
async fn the_reserve_is_bounded_and_comes_back() {
    let (server, gate) = gated(Config::default().max_connections(2)).await;
    let at_work = working(2, 2, &server, &gate).await;
    let mut crowd = Vec::new();
    // Each of those beyond the reserve is told at once, those in it after a second without a word.
    for _ in 0..50 {
        crowd.push(from(2, server.addr).await);
    }
    for peer in &mut crowd {
        peer.expect(REFUSAL).await;
    }
    drop(crowd);
    limit(async { while from(2, server.addr).await.http(HEALTH).await.status != 200 {} }).await;
    assert!(server.snapshot().server.connections_refused >= 50);
    drop(at_work);
}

#[tokio::test]
async fn an_address_has_no_more_connections_than_it_may() {
    let proxies = ProxyProtocol::from_peers(["127.0.0.9/32"]).unwrap();
    let config = Config::default().max_connections_per_address(Some(2));
    let server = start(good_services().config(config).proxy_protocol(proxies)).await;
    let mut both = [session(2, server.addr).await, session(2, server.addr).await];
    assert_eq!(from(2, server.addr).await.http(HEALTH).await.status, 200);
    assert_eq!(from(2, server.addr).await.http(opening("/_json_rpc_")).await.status, 503);
    // A proxy's clients count as themselves.
    let header = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 7070\r\n";
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = from(9, server.addr).await;
        client.send([header.as_bytes(), &opening("/_json_rpc_")].concat()).await;
        client.expect(CONNECTED).await;
        clients.push(client);
    }
    let mut third = from(9, server.addr).await;
    third.send([header.as_bytes(), &opening("/_json_rpc_")].concat()).await;
    third.expect_closed().await;
    let mut other = from(9, server.addr).await;
    other.send([b"PROXY TCP4 192.0.2.8 192.0.2.1 4711 7070\r\n", &*opening("/_json_rpc_")].concat()).await;
    other.expect(CONNECTED).await;
    for peer in &mut both {
        assert_eq!(peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await["result"], 56);
    }
}
