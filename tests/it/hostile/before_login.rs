//! Peers that send much before the server knows who they are, or what for: refused before it is asked for or held.

use crate::{
    baidu_std::demo::{HEAD, request},
    clock::elapse,
};
use rpcwrap::{Config, Credentials, codecs::baidu_std::RequestHead};
use rpcwrap_tests::{
    raw::{Peer, json_request, opening},
    server::{TestServer, start, tcp},
    services::services,
};
use std::time::Duration;
use tokio::time::Instant;

/// What a peer without a login may make the server hold, and what has come with it.
const MOST: u64 = 1 << 20;
const SHORT: Duration = Duration::from_millis(300);

fn config() -> Config {
    Config::default().login_timeout(SHORT)
}

async fn with_login() -> TestServer {
    let users = Credentials::new([("ala", ["kot"])]);
    start(services().credentials(users).require_login().config(config())).await
}

/// A POST of 60 MB, whose sender waits for leave to send them.
fn announced(path: &str, headers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000000\r\n\
        Expect: 100-continue\r\n{headers}\r\n"
    )
}

#[tokio::test]
async fn http_bodies_are_refused_before_they_are_asked_for() {
    let server = with_login().await;
    let http_rpc = tcp(server.listen_http_rpc("127.0.0.1:0").await.unwrap());
    // "ala:kot"
    let ala = "Authorization: Basic YWxhOmtvdA==\r\n";
    for (addr, path, headers, status) in [
        (server.addr, "/Echo/Any", "", 401),
        (server.addr, "/Echo/Nope", "", 401),
        (server.addr, "/Nope/Nope", "", 401),
        (server.addr, "/Echo/Any", "Authorization: Basic YWxhOmtvdDI=\r\n", 401),
        (server.addr, "/Echo/Nope", ala, 404),
        (server.addr, "/Nope/Nope", ala, 404),
        (server.addr, "/", ala, 405),
        (http_rpc, "/_json_rpc_", "", 401),
    ] {
        let mut peer = Peer::connect(addr).await;
        let reply = peer.http(announced(path, headers)).await;
        assert_eq!((reply.status, reply.header("connection")), (status, Some("close")), "{path} {headers}");
        peer.expect_closed().await;
    }
    // Where the call may be made, the body is asked for.
    let mut peer = Peer::connect(server.addr).await;
    peer.send(announced("/Echo/Any", ala)).await;
    peer.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
}

#[tokio::test]
async fn messages_of_unknown_peers_are_small() {
    let server = with_login().await;
    let json = json_request("Echo.Any", &format!("\"{}\"", "x".repeat(8 << 20)), 1);
    let bson = 60_000_000_i32.to_le_bytes();
    let packet =
        request(&RequestHead { service_name: "Echo", method_name: "Any", ..HEAD }, &vec![b' '; 8 << 20]);
    for (what, sent) in [
        ("json session", [opening("/_json_rpc_"), json.clone().into()].concat()),
        ("raw json", json.into()),
        ("bson session", [opening("/_bson_rpc_"), bson.to_vec()].concat()),
        ("baidu_std", packet.to_vec()),
    ] {
        let mut peer = Peer::connect(server.addr).await;
        // It is closed meanwhile.
        let _ = peer.try_send(sent).await;
        peer.read_to_end().await;
        let held = server.snapshot().server.held_bytes;
        assert!(held <= MOST, "{what}: {held} bytes held");
    }
    // A small one is answered.
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let reply = peer.call("Echo.Any", &format!("\"{}\"", "x".repeat(60_000)), 1).await;
    assert_eq!(reply["error"], "rpc: Echo.Any needs an authenticated connection");
}

#[tokio::test]
async fn unknown_peers_are_there_for_a_short_time() {
    let server = with_login().await;
    for sent in ["", "{\"method\":", &json_request("Echo.Any", "5", 1)] {
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        let began = Instant::now();
        peer.send(sent).await;
        peer.read_to_end().await;
        assert!(began.elapsed() >= SHORT - Duration::from_millis(50), "{sent}: {:?}", began.elapsed());
    }
}

/// On a clock that goes on when no task has anything left to do: no socket is in it.
#[tokio::test(start_paused = true)]
async fn servers_that_ask_for_no_login_have_the_limits_of_all() {
    let users = Credentials::new([("ala", ["kot"])]);
    for builder in [services(), services().credentials(users)] {
        let server = start(builder.config(config())).await;
        let mut peer = Peer::in_memory_codec(&server, "json").await;
        let reply = peer.call("Echo.Any", &format!("\"{}\"", "x".repeat(1 << 20)), 1).await;
        assert!(reply["result"].is_string());
        elapse(SHORT * 2).await;
        assert_eq!(peer.call("Echo.Int", "5", 2).await["result"], 5);
    }
}

#[tokio::test]
async fn long_names_are_not_told_back_whole() {
    let server = start(services()).await;
    let name = "N".repeat(50_000);
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    for method in [format!("{name}.X"), format!("Arith.{name}"), name.clone()] {
        let reply = peer.call(&method, "null", 1).await;
        let error = reply["error"].as_str().unwrap();
        assert!(error.len() < 1100 && error.ends_with("..."), "{error}");
    }
    let mut packet = Peer::connect(server.addr).await;
    let head = RequestHead { service_name: &name, method_name: &name[..10_000], ..HEAD };
    packet.send(request(&head, b"")).await;
    packet.half_close().await;
    assert!(packet.read_to_end().await.len() < 2500);
}
