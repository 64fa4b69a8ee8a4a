//! What one connection may expect of its session: order, windows, backpressure, half-close, cancellation.

use crate::clock::pass;
use rpcwrap::{Config, Phase};
use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::{TestServer, start},
    services::{Gate, services},
    until,
};
use serde_json::{Value, json};
use std::{collections::HashSet, time::Duration};
use tokio::time::Instant;

async fn gated(config: Config) -> (TestServer, Gate) {
    let gate = Gate::default();
    let server = start(services().service(gate.service()).config(config)).await;
    (server, gate)
}

fn wait(id: u64) -> String {
    json_request("Gate.Wait", &id.to_string(), id)
}

fn multiply(id: u64) -> String {
    json_request("Arith.Multiply", &format!("{{\"A\":{id},\"B\":2}}"), id)
}

#[tokio::test]
async fn replies_go_out_as_they_are_ready() {
    let (server, gate) = gated(Config::default()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(wait(1) + &multiply(2)).await;
    peer.expect("{\"id\":2,\"result\":4,\"error\":null}\n").await;
    gate.open(1);
    peer.expect("{\"id\":1,\"result\":1,\"error\":null}\n").await;
}

#[tokio::test]
async fn the_same_number_twice_is_answered_twice() {
    let (server, gate) = gated(Config::default()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(wait(7) + &wait(7) + &multiply(7)).await;
    peer.expect("{\"id\":7,\"result\":14,\"error\":null}\n").await;
    gate.open(2);
    for _ in 0..2 {
        peer.expect("{\"id\":7,\"result\":7,\"error\":null}\n").await;
    }
}

#[tokio::test]
async fn ten_thousand_calls_in_one_write() {
    let (server, _) = gated(Config::default()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let all: String = (0..10_000).map(multiply).collect();
    peer.send(all).await;
    for id in 0..10_000 {
        peer.expect(format!("{{\"id\":{id},\"result\":{},\"error\":null}}\n", id * 2)).await;
    }
    // The same with calls that all have to wait, in a window of 256.
    let (server, gate) = gated(Config::default()).await;
    gate.open(10_000);
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let all: String = (0..10_000).map(wait).collect();
    let sending = tokio::spawn(async move {
        peer.send(all).await;
        peer
    });
    let mut peer = sending.await.unwrap();
    let mut seen = HashSet::new();
    for _ in 0..10_000 {
        let reply = peer.read_json().await;
        assert_eq!(reply["id"], reply["result"]);
        assert!(seen.insert(reply["id"].as_u64().unwrap()));
    }
    peer.half_close().await;
    peer.expect_closed().await;
}

#[tokio::test]
async fn a_fifth_call_waits_for_one_of_four() {
    let (server, gate) = gated(Config::default().max_in_flight(4)).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send((1..=6).map(wait).collect::<String>()).await;
    until(|| gate.entered() == 4).await;
    // Another connection gets a turn, again and again: it stays at four.
    let mut other = Peer::connect_codec(server.addr, "json").await;
    for id in 0..20 {
        assert_eq!(other.call("Echo.Int", "1", id).await["result"], 1);
        assert_eq!(gate.entered(), 4);
    }
    gate.open(1);
    until(|| gate.entered() == 5).await;
    peer.read_json().await;
    assert_eq!(gate.entered(), 5);
    gate.open(5);
    for _ in 0..5 {
        peer.read_json().await;
    }
    assert_eq!(gate.entered(), 6);
}

#[tokio::test]
async fn a_half_closed_peer_gets_all_its_replies() {
    let (server, gate) = gated(Config::default()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send((1..=3).map(wait).collect::<String>() + &multiply(4)).await;
    peer.half_close().await;
    until(|| gate.entered() == 3).await;
    peer.expect("{\"id\":4,\"result\":8,\"error\":null}\n").await;
    gate.open(3);
    let mut ids = HashSet::new();
    for _ in 0..3 {
        ids.insert(peer.read_json().await["id"].as_u64().unwrap());
    }
    assert_eq!(ids, HashSet::from([1, 2, 3]));
    peer.expect_closed().await;
}

#[tokio::test]
async fn a_half_closed_peer_gets_also_what_waited_for_a_permit() {
    let (server, gate) = gated(Config::default().max_in_flight(2)).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send((0..50).map(wait).collect::<String>()).await;
    peer.half_close().await;
    until(|| gate.entered() == 2).await;
    gate.open(50);
    for _ in 0..50 {
        peer.read_json().await;
    }
    peer.expect_closed().await;
}

#[tokio::test]
async fn a_peer_that_never_reads_is_no_longer_read() {
    let (server, _) = gated(Config::default().max_output_bytes(64 << 10)).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    // A stopped clock goes on when no task has anything left to do: all of this is one thread, and no socket is in it.
    tokio::time::pause();
    let call = json_request("Echo.String", &format!("\"{}\"", "x".repeat(4000)), 1);
    // 400 MB of replies if they were all answered.
    let call = call.as_bytes();
    let mut sent = 0;
    loop {
        match tokio::time::timeout(Duration::from_millis(300), peer.try_send(call)).await {
            Ok(sending) => sending.unwrap(),
            Err(_) => break,
        }
        sent += 1;
        assert!(sent < 100_000, "nothing stops this peer");
    }
    tokio::time::resume();
    let answered = server.snapshot().methods.iter().find(|m| m.method == "String").unwrap().stats.finished;
    // What a pipe holds, and 64 KiB.
    assert!(answered < 100, "{answered} calls answered whose replies are not read");
    let mut other = Peer::connect_codec(server.addr, "json").await;
    // What is in the way of another connection stays there: it would not be answered at all.
    for id in 0..100 {
        other.call("Echo.Int", "1", id).await;
    }
    let later = server.snapshot().methods.iter().find(|m| m.method == "String").unwrap().stats.finished;
    assert_eq!(later, answered, "calls go on being answered");
}

#[tokio::test]
async fn a_peer_that_moves_no_byte_is_closed() {
    let stall = Duration::from_millis(200);
    let config = Config::default().stall_timeout(stall).max_output_bytes(1 << 10);
    let (server, _) = gated(config).await;
    // In the middle of a request.
    let started = Instant::now();
    let mut half = Peer::connect_codec(server.addr, "json").await;
    half.send("{\"method\":").await;
    half.expect_closed().await;
    assert!(started.elapsed() >= stall, "closed after {:?}", started.elapsed());
    assert_eq!(server.snapshot().server.stalled, 1);
    // With replies it does not take; there is more than any socket buffer.
    let mut deaf = Peer::in_memory_codec(&server, "json").await;
    let call = json_request("Echo.String", &format!("\"{}\"", "x".repeat(60_000)), 1);
    let started = Instant::now();
    while deaf.try_send(&call).await.is_ok() {}
    assert!(started.elapsed() >= stall);
    assert_eq!(server.snapshot().server.stalled, 2);
    // One that only waits for its call, or says nothing at all, owes nothing.
    let (server, gate) = gated(Config::default().stall_timeout(Duration::from_millis(50))).await;
    let mut patient = Peer::in_memory_codec(&server, "json").await;
    let mut silent = Peer::in_memory_codec(&server, "json").await;
    patient.send(wait(1)).await;
    pass(Duration::from_secs(60)).await;
    gate.open(1);
    assert_eq!(patient.read_json().await["result"], 1);
    assert_eq!(silent.call("Echo.Int", "5", 1).await["result"], 5);
}

#[tokio::test]
async fn a_stream_runs_only_as_fast_as_it_is_read() {
    let (server, gate) = gated(Config::default().max_output_bytes(1 << 10)).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    gate.open(1_000_000);
    peer.send(json_request("Gate.Stream", "null", 1)).await;
    for n in 0..10 {
        assert_eq!(peer.read_json().await, json!({"id": 1, "result": n, "error": null}));
    }
    // 64 KiB of pipe and 1 KiB of output hold fewer than 3,000 items of some 35 bytes.
    pass(Duration::from_millis(1)).await;
    let stats = &server.snapshot().methods.iter().find(|m| m.method == "Stream").unwrap().stats.clone();
    assert!(stats.bytes_out < 100_000, "{} bytes of a stream that is not read", stats.bytes_out);
    assert_eq!(gate.left(), 0);
    // The rest of the session lives: another call is answered in its turn.
    peer.send(multiply(2)).await;
    while peer.read_json().await["id"] != 2 {}
    drop(peer);
    until(|| gate.left() == 1).await;
}

#[tokio::test]
async fn handlers_go_when_their_peer_does() {
    let (server, gate) = gated(Config::default()).await;
    for method in ["Gate.Wait", "Gate.Spawned", "Gate.Stream"] {
        let left = gate.left();
        let mut peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
        peer.send(json_request(method, "null", 1)).await;
        let entered = left + 1;
        until(|| gate.entered() == entered).await;
        drop(peer);
        until(|| gate.left() == entered).await;
    }
    assert_eq!(server.snapshot().server.canceled_calls, 3);
    // A stream whose peer has closed as usual goes with the first item that cannot be written.
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Gate.Stream", "null", 1)).await;
    gate.open(1);
    peer.read_json().await;
    drop(peer);
    gate.open(1_000_000);
    until(|| gate.left() == 4).await;
    crate::replay::no_call_is_left(&server);
}

#[tokio::test]
async fn a_peer_that_vanishes_after_its_half_close_is_noticed() {
    let (server, gate) = gated(Config::default()).await;
    let mut peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
    peer.send(wait(1)).await;
    peer.half_close().await;
    until(|| gate.entered() == 1).await;
    drop(peer);
    until(|| gate.left() == 1).await;
    assert_eq!(server.snapshot().server.canceled_calls, 1);
    until(|| server.snapshot().server.connections == 0).await;
}

#[tokio::test]
async fn a_call_can_be_taken_back() {
    let (server, gate) = gated(Config::default()).await;
    for method in ["Gate.Wait", "Gate.Spawned", "Gate.Stream"] {
        let entered = gate.entered() + 1;
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        peer.send(json_request(method, "null", 5)).await;
        until(|| gate.entered() == entered).await;
        peer.send(json_request("_goRPC_.Cancel", "{\"Seq\":5}", 6)).await;
        let mut replies = vec![peer.read_line().await, peer.read_line().await];
        replies.sort();
        let canceled = r#"{"id":5,"result":null,"error":"context canceled"}"#;
        assert_eq!(replies, [canceled, r#"{"id":6,"result":true,"error":null}"#], "{method}");
        until(|| gate.left() == entered).await;
        // Again, and for calls that never were.
        for seq in [5, 99] {
            let reply = peer.call("_goRPC_.Cancel", &format!("{{\"Seq\":{seq}}}"), 7).await;
            assert_eq!(reply, json!({"id": 7, "result": false, "error": null}));
        }
    }
    // It is no call, neither of a method nor of one that is not there.
    assert_eq!(server.snapshot().server.unknown_calls, 0);
    // Arguments that are none are said to be so.
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let reply = peer.call("_goRPC_.Cancel", "{\"Seq\":-5}", 7).await;
    assert!(reply["error"].as_str().is_some_and(|error| error.contains("-5")), "{reply}");
    // Another connection's calls are not one's own.
    let entered = gate.entered() + 1;
    let mut one = Peer::connect_codec(server.addr, "json").await;
    let mut two = Peer::connect_codec(server.addr, "json").await;
    one.send(wait(1)).await;
    until(|| gate.entered() == entered).await;
    assert_eq!(two.call("_goRPC_.Cancel", "{\"Seq\":1}", 2).await["result"], false);
    gate.open(1);
    assert_eq!(one.read_json().await["error"], Value::Null);
}

#[tokio::test]
async fn a_call_can_be_taken_back_while_the_server_drains() {
    let (server, gate) = gated(Config::default()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(wait(1)).await;
    until(|| gate.entered() == 1).await;
    let drained = tokio::join!(server.drain(Duration::from_secs(600)), async {
        until(|| server.snapshot().phase == Phase::Draining).await;
        peer.send(json_request("_goRPC_.Cancel", "{\"Seq\":1}", 2)).await;
        let mut replies = vec![peer.read_line().await, peer.read_line().await];
        replies.sort();
        let canceled = r#"{"id":1,"result":null,"error":"context canceled"}"#;
        assert_eq!(replies, [canceled, r#"{"id":2,"result":true,"error":null}"#]);
        peer.expect_closed().await;
    });
    assert_eq!((drained.0.cut, server.snapshot().server.drained_calls), (0, 0));
}
