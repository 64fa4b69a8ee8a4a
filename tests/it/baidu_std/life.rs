//! A connection's life: pipelining, bounds, the end of the server, probes.

use super::demo::{EchoRequest, call, demo, head, outcome, read_reply, request};
use bytes::BytesMut;
use prost::Message;
use rpcwrap::{Config, Method, Phase, RawCall, RawReply, Service};
use rpcwrap_tests::{limit, raw::Peer, server::start, until};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// A method that waits for the test: each permit lets one call go on.
fn gated() -> (Service, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let waits = gate.clone();
    let wait = move |call: RawCall| {
        let gate = waits.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(RawReply::new(call.body))
        }
    };
    (Service::new("Gate").method("Wait", wait), gate)
}

#[tokio::test]
async fn replies_leave_in_the_order_they_are_ready() {
    let (service, gate) = gated();
    let server = start(demo().service(service)).await;
    let mut peer = Peer::connect(server.addr).await;
    let mut bytes = request(&head("Gate", "Wait", 1), b"first");
    for id in 2..=65 {
        bytes.extend_from_slice(&request(
            &head("demo.EchoService", "Typed", id),
            &EchoRequest::new("x").encode_to_vec(),
        ));
    }
    peer.send(&bytes).await;
    for id in 2..=65 {
        assert_eq!(read_reply(&mut peer).await.correlation_id(), id);
    }
    gate.add_permits(1);
    let last = read_reply(&mut peer).await;
    assert_eq!((last.correlation_id(), &outcome(&last).unwrap().body[..]), (1, &b"first"[..]));
}

#[tokio::test]
async fn no_more_is_read_than_may_be_in_flight() {
    let (service, gate) = gated();
    let config = Config::default().max_in_flight(3);
    let server = start(demo().service(service).config(config)).await;
    let mut peer = Peer::connect(server.addr).await;
    let mut bytes = BytesMut::new();
    for id in 0..10 {
        bytes.extend_from_slice(&request(&head("Gate", "Wait", id), b""));
    }
    peer.send(&bytes).await;
    let started = || server.snapshot().methods.iter().find(|m| m.method == "Wait").unwrap().stats.calls;
    until(|| started() == 3).await;
    for answered in 1..=10 {
        gate.add_permits(1);
        read_reply(&mut peer).await;
        until(|| started() == (answered + 3).min(10)).await;
    }
}

#[tokio::test]
async fn a_draining_server_answers_what_it_has_and_refuses_the_rest() {
    let (service, gate) = gated();
    let server = Arc::new(start(demo().service(service)).await);
    let mut peer = Peer::connect(server.addr).await;
    peer.send(request(&head("Gate", "Wait", 1), b"kept")).await;
    until(|| server.snapshot().methods.iter().any(|m| m.stats.in_flight() == 1)).await;
    let draining = server.clone();
    let draining = tokio::spawn(async move { draining.drain(Duration::from_secs(3600)).await });
    until(|| server.snapshot().phase == Phase::Draining).await;
    let refused = call(&mut peer, &head("demo.EchoService", "Echo", 2), b"").await;
    assert_eq!(refused, Err((2003, "[E2003]rpc: server is draining".into())));
    gate.add_permits(1);
    assert_eq!(outcome(&read_reply(&mut peer).await).unwrap().body, &b"kept"[..]);
    peer.expect_closed().await;
    assert_eq!(limit(draining).await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_peer_that_stops_within_a_message_is_closed() {
    let config = Config::default().stall_timeout(Duration::from_millis(50));
    let server = start(demo().config(config)).await;
    let bytes = request(&head("demo.EchoService", "Echo", 2), b"\n\x01a");
    for len in [4, 12, 20, bytes.len() - 1] {
        let mut peer = Peer::connect(server.addr).await;
        peer.send(&bytes[..len]).await;
        peer.expect_closed().await;
    }
    assert_eq!(server.snapshot().server.stalled, 4);
}

#[tokio::test]
async fn large_bodies_pass_and_unread_replies_stop_the_reading() {
    let config = Config::default().max_output_bytes(1 << 20);
    let big = Method::new("Big", |_: RawCall| async { Ok(RawReply::new(vec![7; 1 << 20])) });
    let server = start(demo().service(Service::new("Out").with(big)).config(config)).await;
    let mut peer = Peer::connect(server.addr).await;
    let message = "x".repeat(3 << 20);
    let body = EchoRequest::new(&message).encode_to_vec();
    let reply = call(&mut peer, &head("demo.EchoService", "Typed", 1), &body).await.unwrap();
    assert_eq!(reply.body.len(), body.len());
    // 200 MiB are asked for; they are made as they are read.
    let mut bytes = BytesMut::new();
    for id in 0..200 {
        bytes.extend_from_slice(&request(&head("Out", "Big", id), b""));
    }
    peer.send(&bytes).await;
    let made = || server.snapshot().methods.iter().find(|m| m.method == "Big").unwrap().stats.calls;
    for read in 0..200 {
        // What the kernel holds for both sides is some MiB more.
        assert!(made() <= read + 32, "{} made after {read} were read", made());
        read_reply(&mut peer).await;
    }
    assert_eq!(made(), 200);
}

#[tokio::test]
async fn an_opening_without_a_request_is_a_probe() {
    let server = start(demo()).await;
    for bytes in [&b"PRPC"[..], b"PRPC\0\0\0\x20\0\0\0\x10"] {
        let mut peer = Peer::connect(server.addr).await;
        peer.send(bytes).await;
        peer.half_close().await;
        peer.expect_closed().await;
    }
    // The bytes that did come are no whole message.
    let protocols = server.snapshot().protocols;
    let counted = protocols.iter().find(|protocol| protocol.name == "baidu_std").unwrap();
    assert_eq!((counted.matched, counted.connections), (2, 0));
    assert!(server.snapshot().methods.iter().all(|method| method.stats.calls == 0));
}
