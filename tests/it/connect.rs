//! The opening: CONNECT in every form clients send it, refusals, and bytes that come early.

use rpcwrap_tests::{
    raw::{CONNECTED, Peer, each_split, json_request, opening},
    server::{TestServer, start},
    services::services,
};

const CALL: &str = "{\"method\":\"Arith.Multiply\",\"params\":[{\"A\":6,\"B\":7}],\"id\":1}\n";
const REPLY: &str = "{\"id\":1,\"result\":42,\"error\":null}\n";

async fn server() -> TestServer {
    start(services()).await
}

#[tokio::test]
async fn exactly_34_bytes_whatever_the_form_of_the_request() {
    let server = server().await;
    assert_eq!(CONNECTED.len(), 34);
    for request in [
        "CONNECT /_json_rpc_ HTTP/1.0\n\n",
        "CONNECT /_json_rpc_ HTTP/1.0\r\n\r\n",
        "CONNECT /_json_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "CONNECT /_json_rpc_ HTTP/1.1\r\n\r\n",
        "CONNECT /_json_rpc_?a=b&c HTTP/1.0\n\n",
        "CONNECT /_json_rpc_ HTTP/1.0\nUser-Agent: x\nAccept: */*\n\n",
        "CONNECT /_json_rpc_ HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: keep-alive\r\n\r\n",
        "\r\n\nCONNECT /_json_rpc_ HTTP/1.0\n\n",
    ] {
        println!("{}", request.escape_debug());
        let mut peer = Peer::connect(server.addr).await;
        peer.send(request).await;
        peer.expect(CONNECTED).await;
        peer.send(CALL).await;
        peer.expect(REPLY).await;
        peer.half_close().await;
        peer.expect_closed().await;
    }
}

#[tokio::test]
async fn the_opening_may_come_in_any_pieces() {
    let server = server().await;
    for request in
        ["CONNECT /_json_rpc_ HTTP/1.0\n\n", "CONNECT /_json_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"]
    {
        let whole = [request, CALL].concat();
        for pieces in each_split(whole.as_bytes()) {
            println!("{:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>());
            let mut peer = Peer::in_memory(&server);
            peer.send_pieces(&pieces).await;
            peer.expect(CONNECTED).await;
            peer.expect(REPLY).await;
            peer.half_close().await;
            peer.expect_closed().await;
        }
    }
}

#[tokio::test]
async fn calls_in_the_packet_of_the_opening_are_served() {
    let server = server().await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send([opening("/_json_rpc_"), CALL.into(), CALL.into()].concat()).await;
    peer.expect(CONNECTED).await;
    peer.expect(REPLY).await;
    peer.expect(REPLY).await;
    // Also those that were larger than any buffer of the opening.
    let text = "x".repeat(100_000);
    let mut peer = Peer::connect(server.addr).await;
    peer.send(
        [opening("/_json_rpc_"), json_request("Echo.String", &format!("\"{text}\""), 2).into()].concat(),
    )
    .await;
    peer.expect(CONNECTED).await;
    assert_eq!(peer.read_json().await["result"], text.as_str());
}

#[tokio::test]
async fn connect_after_pages_on_the_same_connection() {
    let server = server().await;
    for path in ["/debug/health", "/nowhere"] {
        let mut peer = Peer::connect(server.addr).await;
        for _ in 0..2 {
            peer.http(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await;
        }
        peer.send([&opening("/_json_rpc_")[..], CALL.as_bytes()].concat()).await;
        peer.expect(CONNECTED).await;
        peer.expect(REPLY).await;
    }
    // All in one packet.
    let mut peer = Peer::connect(server.addr).await;
    let page = b"GET /debug/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec();
    peer.send([page, opening("/_json_rpc_"), CALL.into()].concat()).await;
    assert_eq!(peer.read_http(false).await.body, "ok");
    peer.expect(CONNECTED).await;
    peer.expect(REPLY).await;
}

#[tokio::test]
async fn unknown_paths_are_404() {
    let server = server().await;
    for (request, closes) in [
        ("CONNECT /_nope_rpc_ HTTP/1.0\n\n", true),
        ("CONNECT /_json_rpc_/ HTTP/1.0\n\n", true),
        ("CONNECT /_json_rpc_/auth HTTP/1.0\n\n", true),
        ("CONNECT /_goRPC_/auth HTTP/1.0\n\n", true),
        ("CONNECT localhost:80 HTTP/1.0\r\n\r\n", true),
        ("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n", false),
        ("GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", false),
    ] {
        let mut peer = Peer::connect(server.addr).await;
        let response = peer.http(request).await;
        assert_eq!((response.status, response.body.as_str()), (404, "404 page not found\n"), "{request}");
        assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"), "{request}");
        if closes {
            peer.expect_closed().await;
        } else {
            assert_eq!(peer.http("GET /debug/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.status, 200);
        }
    }
}

#[tokio::test]
async fn other_methods_on_an_rpc_path_are_405() {
    let server = server().await;
    for method in ["GET", "POST", "PUT", "OPTIONS", "connect", "DELETE"] {
        let mut peer = Peer::connect(server.addr).await;
        let request =
            format!("{method} /_json_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
        let response = peer.http(&request).await;
        assert_eq!((response.status, response.body.as_str()), (405, "405 must CONNECT\n"), "{method}");
        assert_eq!(response.header("allow"), Some("CONNECT"), "{method}");
        assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(peer.http(&request).await.status, 405, "the connection stays");
    }
    let mut peer = Peer::connect(server.addr).await;
    let response = peer.http("HEAD /_json_rpc_ HTTP/1.0\r\n\r\n").await;
    assert_eq!((response.status, response.header("content-length")), (405, Some("17")));
    peer.expect_closed().await;
}

#[tokio::test]
async fn a_peer_that_leaves_in_its_opening_is_a_probe() {
    let server = server().await;
    for (n, bytes) in ["", "C", "CONNECT /_json", "CONNECT /_json_rpc_ HTTP/1.0\n\n"].iter().enumerate() {
        let mut peer = Peer::connect(server.addr).await;
        peer.send(bytes).await;
        peer.half_close().await;
        peer.read_to_end().await;
        rpcwrap_tests::until(|| server.snapshot().server.connections == 0).await;
        assert_eq!(server.snapshot().server.probes, n as u64 + 1, "{bytes:?}");
    }
    assert_eq!(server.snapshot().server.malformed, 0);
}
