//! Time limits of calls: the caller's own, the method's, the server's; the shortest counts.

use rpcwrap::Config;
use rpcwrap_tests::{
    raw::{Peer, bson_request, document},
    server::{TestServer, start},
    services::{Gate, services},
    until,
};
use std::time::Duration;
use tokio::time::Instant;

async fn gated(config: Config) -> (TestServer, Gate) {
    let gate = Gate::default();
    (start(services().service(gate.service()).config(config)).await, gate)
}

/// Sends one request whose handler waits for ever; gives the reply and checks it was not early.
async fn reply_after(server: &TestServer, request: &str, at_least: Duration) -> String {
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let started = Instant::now();
    peer.send(request).await;
    let reply = peer.read_line().await;
    assert!(started.elapsed() >= at_least, "{reply} after {:?}", started.elapsed());
    // The connection goes on.
    assert_eq!(peer.call("Echo.Int", "5", 6).await["result"], 5);
    reply
}

#[tokio::test]
async fn the_callers_time_limit_ends_its_call() {
    let (server, gate) = gated(Config::default()).await;
    let request = r#"{"method":"Gate.Wait","params":[1],"id":3,"timeout":50}"#;
    let reply = reply_after(&server, request, Duration::from_millis(50)).await;
    assert_eq!(reply, r#"{"id":3,"result":null,"error":"rpc: deadline exceeded after 50 ms"}"#);
    assert_eq!((gate.entered(), gate.left()), (1, 1), "the handler is gone");
    let request = r#"{"method":"Gate.Stream","params":[1],"id":3,"timeout":20,"details":true}"#;
    let reply = reply_after(&server, request, Duration::from_millis(20)).await;
    let text = "rpc: deadline exceeded after 20 ms";
    assert_eq!(reply, format!(r#"{{"id":3,"result":null,"error":"{text}","code":"deadline"}}"#));
    assert_eq!(server.snapshot().server.deadlines, 2);
}

#[tokio::test]
async fn the_callers_time_limit_ends_its_call_in_bson() {
    let (server, _) = gated(Config::default()).await;
    let mut peer = Peer::connect_codec(server.addr, "bson").await;
    // {ServiceMethod: "Gate.Wait", Seq: 1, Timeout: int32 30}
    let mut header = b"\x05ServiceMethod\0\x09\0\0\0\0Gate.Wait".to_vec();
    header.extend(b"\x3fSeq\0\x01\0\0\0\0\0\0\0\x10Timeout\0\x1e\0\0\0");
    let mut request = document(&header);
    request.extend(document(b""));
    peer.send(request).await;
    let text = b"rpc: deadline exceeded after 30 ms";
    let mut reply =
        b"\x05ServiceMethod\0\x09\0\0\0\0Gate.Wait\x3fSeq\0\x01\0\0\0\0\0\0\0\x05Error\0".to_vec();
    reply.extend([text.len() as u8, 0, 0, 0, 0]);
    reply.extend(text);
    peer.expect([document(&reply), document(b"")].concat()).await;
    peer.send(bson_request("Echo.Int", 2, &document(b"\x10_Val_\0\x05\0\0\0"))).await;
    peer.read_bson_frame().await;
    peer.expect(document(b"\x12_Val_\0\x05\0\0\0\0\0\0\0")).await;
}

#[tokio::test]
async fn the_methods_time_limit_ends_a_call() {
    let (server, _) = gated(Config::default()).await;
    let request = r#"{"method":"Gate.Brief","params":[1],"id":3}"#;
    let reply = reply_after(&server, request, Duration::from_millis(30)).await;
    assert_eq!(reply, r#"{"id":3,"result":null,"error":"rpc: deadline exceeded after 30 ms"}"#);
}

#[tokio::test]
async fn the_servers_time_limit_ends_a_call() {
    let (server, _) = gated(Config::default().call_timeout(Some(Duration::from_millis(40)))).await;
    let request = r#"{"method":"Gate.Wait","params":[1],"id":3}"#;
    let reply = reply_after(&server, request, Duration::from_millis(40)).await;
    assert_eq!(reply, r#"{"id":3,"result":null,"error":"rpc: deadline exceeded after 40 ms"}"#);
}

#[tokio::test]
async fn the_shortest_time_limit_counts_and_malformed_ones_are_ignored() {
    let (server, gate) = gated(Config::default().call_timeout(Some(Duration::from_millis(200)))).await;
    for (method, timeout, says) in [
        ("Gate.Wait", "60", 60),
        ("Gate.Brief", "60", 30),
        ("Gate.Brief", "5", 5),
        ("Gate.Wait", "5000", 200),
        ("Gate.Wait", "18446744073709551615", 200),
        ("Gate.Wait", "0", 200),
        ("Gate.Wait", "-5", 200),
        ("Gate.Wait", "\"60\"", 200),
        ("Gate.Wait", "null", 200),
    ] {
        let request = format!(r#"{{"method":"{method}","params":[1],"id":3,"timeout":{timeout}}}"#);
        let reply = reply_after(&server, &request, Duration::from_millis(says)).await;
        let text = format!("rpc: deadline exceeded after {says} ms");
        assert_eq!(reply, format!(r#"{{"id":3,"result":null,"error":"{text}"}}"#), "{method} {timeout}");
    }
    // A call that is ready in time is not touched.
    gate.open(1);
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(r#"{"method":"Gate.Brief","params":["x"],"id":1,"timeout":10000}"#).await;
    peer.expect("{\"id\":1,\"result\":\"x\",\"error\":null}\n").await;
    until(|| gate.left() == gate.entered()).await;
}
