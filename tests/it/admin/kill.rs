//! Connections and calls that an admin ends, on every protocol.

use super::{ALA, Log, ROOT, ask, builder, done, list, message, post, serving};
use crate::auth::login;
use rpcwrap::{Config, Credentials};
use rpcwrap_tests::{
    limit,
    raw::{Peer, json_request},
    server::{TestServer, start},
    services::Gate,
    until,
};
use serde_json::json;
use std::time::Duration;

/// The number of the youngest connection.
fn youngest(server: &TestServer) -> u64 {
    server.connections(1000).last().unwrap().id
}

/// An open connection of each kind, in the midst of a call where it can be, with how many that are.
async fn open(server: &TestServer, kind: &str) -> (Peer, usize) {
    let wait = "POST /Gate/Wait HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n7";
    match kind {
        "silent" => (Peer::connect(server.addr).await, 0),
        "half an opening" => {
            let mut peer = Peer::connect(server.addr).await;
            peer.send("CONN").await;
            (peer, 0)
        }
        "idle session" => (Peer::connect_codec(server.addr, "gob").await, 0),
        "busy session" => {
            let mut peer = Peer::connect_codec(server.addr, "json").await;
            peer.send(json_request("Gate.Wait", "7", 1) + &json_request("Gate.Spawned", "7", 2)).await;
            (peer, 2)
        }
        "raw session" => {
            let mut peer = Peer::connect(server.addr).await;
            peer.send(json_request("Gate.Wait", "7", 1)).await;
            (peer, 1)
        }
        "idle HTTP" => {
            let mut peer = Peer::connect(server.addr).await;
            assert_eq!(peer.http("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.status, 200);
            (peer, 0)
        }
        "busy HTTP" => {
            let mut peer = Peer::connect(server.addr).await;
            peer.send(wait).await;
            (peer, 1)
        }
        "stream over HTTP" => {
            let mut peer = Peer::connect(server.addr).await;
            peer.send(wait.replace("Wait", "Stream")).await;
            (peer, 1)
        }
        "HTTP/2" => {
            let mut peer = Peer::connect(server.addr).await;
            peer.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
            // Its settings, and the acknowledgement of ours.
            peer.read_until("\0\0\0\x04\x01\0\0\0\0").await;
            (peer, 0)
        }
        kind => panic!("{kind}"),
    }
}

const KINDS: [&str; 9] = [
    "silent",
    "half an opening",
    "idle session",
    "busy session",
    "raw session",
    "idle HTTP",
    "busy HTTP",
    "stream over HTTP",
    "HTTP/2",
];

#[tokio::test]
async fn a_connection_of_any_kind_is_closed_at_once() {
    let (server, gate) = serving().await;
    let mut calls = 0;
    for kind in KINDS {
        let (mut peer, busy) = open(&server, kind).await;
        calls += busy;
        until(|| gate.entered() == calls && server.open_connections() == 1).await;
        let id = youngest(&server);
        let log = Log::new();
        let reply = done(&server, "kill", &format!(r#"{{"connection":{id}}}"#)).await;
        assert_eq!(reply, json!({"connections": 1, "calls": 0}), "{kind}");
        let line = format!(
            r#"user="root" operation="kill" details="connection {id}" outcome="done: 1 connections, 0 calls""#
        );
        assert_eq!(log.audit(), [line]);
        let words = peer.read_to_end().await;
        // GOAWAY, which is 17 bytes.
        let is_told = kind == "HTTP/2" && words.len() == 17 && words.starts_with(b"\0\0\x08\x07");
        assert!(is_told || words.is_empty(), "{kind}: {}", words.escape_ascii());
        until(|| gate.left() == calls && server.open_connections() == 0).await;
        let reply = post(&server, "kill", &format!(r#"{{"connection":{id}}}"#)).await;
        assert_eq!((reply.status, message(&reply)), (404, format!("no connection {id}")));
        until(|| server.open_connections() == 0).await;
    }
}

#[tokio::test]
async fn connections_of_an_address_are_closed_but_the_admins_own() {
    let (server, _) = serving().await;
    let mut peers = Vec::new();
    for kind in KINDS {
        peers.push(open(&server, kind).await.0);
    }
    until(|| server.open_connections() == KINDS.len()).await;
    let port = server.connections(1)[0].peer.to_string();
    let reply = done(&server, "kill", &format!(r#"{{"address":"{port}"}}"#)).await;
    assert_eq!(reply["connections"], 1);
    peers.remove(0).expect_closed().await;
    assert_eq!(done(&server, "kill", r#"{"address":"127.0.0.2"}"#).await["connections"], 0);
    let mut own = Peer::connect(server.addr).await;
    let body = r#"{"address":"127.0.0.1"}"#;
    let request =
        format!("POST /admin/kill HTTP/1.1\r\nHost: 127.0.0.1\r\n{ROOT}Content-Length: 23\r\n\r\n{body}");
    for killed in [KINDS.len() - 1, 0] {
        let reply = own.http(&request).await;
        assert_eq!(reply.json(), json!({"connections": killed, "calls": 0}));
        for mut peer in peers.drain(..) {
            peer.read_to_end().await;
        }
        until(|| server.open_connections() == 1).await;
    }
}

#[tokio::test]
async fn connections_of_a_user_are_closed() {
    let (server, gate) = serving().await;
    let mut ala = login(&server, "ala", "ma kota").await;
    ala.send(json_request("Gate.Wait", "7", 2)).await;
    let mut mon = login(&server, "mon", "m").await;
    let mut http = Peer::connect(server.addr).await;
    let call = format!("POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\n{ALA}Content-Length: 1\r\n\r\n7");
    assert_eq!(http.http(call).await.status, 200);
    until(|| gate.entered() == 1).await;
    assert_eq!(done(&server, "kill", r#"{"user":"ala"}"#).await["connections"], 2);
    ala.expect_closed().await;
    http.expect_closed().await;
    assert_eq!(mon.call("Echo.Int", "5", 1).await["result"], 5);
    assert_eq!(done(&server, "kill", r#"{"user":"ala"}"#).await, json!({"connections": 0, "calls": 0}));
}

#[tokio::test]
async fn a_call_is_answered_as_cancelled_and_the_others_go_on() {
    let (server, gate) = serving().await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    for id in 1..=3 {
        peer.send(json_request("Gate.Wait", &id.to_string(), id)).await;
        until(|| gate.entered() == id as usize).await;
    }
    let shown = list(&server, "calls").await;
    let calls = shown["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 3, "{shown}");
    let second = calls[1]["id"].as_u64().unwrap();
    let log = Log::new();
    assert_eq!(
        done(&server, "kill", &format!(r#"{{"call":{second}}}"#)).await,
        json!({"connections": 0, "calls": 1})
    );
    assert!(log.audit()[0].contains(&format!(r#"details="call {second}""#)));
    assert_eq!(peer.read_json().await, json!({"id": 2, "result": null, "error": "context canceled"}));
    assert_eq!(gate.left(), 1);
    gate.open(2);
    for id in [1, 3] {
        assert_eq!(peer.read_json().await, json!({"id": id, "result": id, "error": null}));
    }
    let reply = post(&server, "kill", &format!(r#"{{"call":{second}}}"#)).await;
    assert_eq!((reply.status, message(&reply)), (404, format!("no call {second} waits")));
    assert_eq!(server.snapshot().server.canceled_calls, 1);
}

#[tokio::test]
async fn calls_over_http_are_answered_as_cancelled() {
    let (server, gate) = serving().await;
    for path in ["Gate/Wait", "Gate/Spawned", "Gate/Stream"] {
        let calls = gate.entered();
        let addr = server.addr;
        let path = format!("/{path}");
        let waiting = tokio::spawn(async move { ask(addr, "POST", &path, "", "7").await });
        let shown = async {
            loop {
                let shown = list(&server, "calls").await;
                if let Some(call) = shown["calls"].get(0) {
                    break call.clone();
                }
            }
        };
        let call = limit(shown).await;
        assert_eq!((&call["protocol"], gate.entered()), (&json!("http"), calls + 1));
        done(&server, "kill", &format!(r#"{{"call":{}}}"#, call["id"])).await;
        let reply = limit(waiting).await.unwrap();
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (503, &json!("canceled")));
        until(|| gate.left() == calls + 1).await;
    }
}

#[tokio::test]
async fn what_is_cut_does_not_hold_a_drain() {
    let gate = Gate::default();
    let config = Config::default().drain_timeout(Duration::from_secs(600));
    let users = Credentials::from(super::users());
    let server = start(builder(&gate).config(config).credentials(users)).await;
    let mut busy = Peer::connect_codec(server.addr, "json").await;
    busy.send(json_request("Gate.Wait", "7", 1)).await;
    until(|| gate.entered() == 1).await;
    let id = youngest(&server);
    let mut own = Peer::connect(server.addr).await;
    let body = format!(r#"{{"connection":{id}}}"#);
    let len = body.len();
    own.send(format!(
        "POST /admin/kill HTTP/1.1\r\nHost: 127.0.0.1\r\n{ROOT}Content-Length: {len}\r\n\r\n{body}"
    ))
    .await;
    let drained = limit(server.drain(Duration::from_secs(600))).await;
    assert_eq!(drained.cut, 0, "killed, not cut");
    busy.expect_closed().await;
}
