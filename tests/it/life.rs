//! How long a connection may be idle and how old it may grow, and how many calls may wait in the whole server.

use crate::clock::elapse;
use rpcwrap::{Builder, Config};
use rpcwrap_tests::{
    raw::{CONNECTED, Peer, json_request, opening},
    server::start,
    services::{Gate, services},
    until,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::time::Instant;

fn gated(config: Config) -> (Builder, Gate) {
    let gate = Gate::default();
    (services().service(gate.service()).config(config), gate)
}

/// A session whose first requests have come with its opening: it has not been idle for a moment.
async fn calling(addr: SocketAddr, requests: &[String]) -> Peer {
    let mut peer = Peer::connect(addr).await;
    peer.send([opening("/_json_rpc_"), requests.concat().into()].concat()).await;
    peer.expect(CONNECTED).await;
    peer
}

fn refused(id: u64, text: &str) -> Value {
    json!({"id": id, "result": null, "error": text})
}

/// Frames of one type from what an HTTP/2 peer was sent.
fn frames(mut bytes: &[u8], kind: u8) -> usize {
    let mut found = 0;
    while let [a, b, c, this, ..] = *bytes {
        let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        found += usize::from(this == kind);
        bytes = bytes.get(9 + len..).unwrap_or_default();
    }
    found
}

#[tokio::test]
async fn an_idle_session_is_closed_and_a_waiting_one_is_not() {
    let idle = Duration::from_millis(200);
    let (builder, gate) = gated(Config::default().idle_timeout(Some(idle)));
    let server = start(builder).await;
    let mut waiting = calling(server.addr, &[json_request("Gate.Wait", "7", 1)]).await;
    let started = Instant::now();
    let mut silent = Peer::connect_codec(server.addr, "bson").await;
    silent.expect_closed().await;
    assert!(started.elapsed() >= idle, "closed after {:?}", started.elapsed());
    let mut called = calling(server.addr, &[json_request("Echo.Int", "5", 1)]).await;
    assert_eq!(called.read_json().await["result"], 5);
    called.expect_closed().await;
    // By now a call has waited for longer than that, and its time starts with its reply.
    let opened = Instant::now();
    gate.open(1);
    assert_eq!(waiting.read_json().await["result"], 7);
    waiting.expect_closed().await;
    assert!(opened.elapsed() >= idle, "closed after {:?}", opened.elapsed());
    assert_eq!(server.snapshot().server.stalled, 0);
}

/// On a clock that goes on when no task has anything left to do: this is one thread, and no socket is in it.
#[tokio::test(start_paused = true)]
async fn a_session_that_calls_now_and_then_is_not_idle() {
    let idle = Duration::from_secs(2);
    let server = start(services().config(Config::default().idle_timeout(Some(idle)))).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    for id in 0..30 {
        assert_eq!(peer.call("Echo.Int", "5", id).await["result"], 5);
        elapse(idle - Duration::from_millis(100)).await;
    }
    elapse(idle).await;
    peer.expect_closed().await;
}

#[tokio::test]
async fn an_old_session_goes_when_it_is_idle() {
    let age = Duration::from_millis(300);
    let config = Config::default().max_connection_age(Some(age));
    let (builder, gate) = gated(config.max_connection_age_grace(Duration::from_secs(3600)));
    let server = start(builder).await;
    let started = Instant::now();
    let mut busy = calling(server.addr, &[json_request("Gate.Wait", "1", 1)]).await;
    let mut silent = Peer::connect_codec(server.addr, "json").await;
    let mut called = Peer::connect_codec(server.addr, "bson").await;
    silent.expect_closed().await;
    called.expect_closed().await;
    // A tenth earlier at most.
    assert!(started.elapsed() >= age.mul_f32(0.9), "closed after {:?}", started.elapsed());
    until(|| started.elapsed() > age.mul_f32(1.1)).await;
    // The one that waits for a call is served meanwhile.
    assert_eq!(busy.call("Echo.Int", "5", 2).await["result"], 5);
    gate.open(1);
    assert_eq!(busy.read_json().await["result"], 1);
    busy.expect_closed().await;
}

#[tokio::test]
async fn an_old_session_that_is_never_idle_is_told_then_cut() {
    let config = Config::default()
        .max_connection_age(Some(Duration::from_millis(50)))
        .max_connection_age_grace(Duration::from_secs(1));
    let (builder, gate) = gated(config);
    let server = start(builder).await;
    let first = [json_request("Gate.Wait", "null", 1), json_request("Echo.Int", "5", 2)];
    let mut peer = calling(server.addr, &first).await;
    assert_eq!(peer.read_json().await, json!({"id": 2, "result": 5, "error": null}));
    let mut told = 0;
    for id in 3.. {
        if peer.try_send(json_request("Echo.Int", "5", id)).await.is_err() {
            break;
        }
        let Some(line) = peer.read_line_or_end().await else { break };
        match serde_json::from_str::<Value>(&line).unwrap() {
            reply if reply["result"] == 5 => assert_eq!(told, 0, "a call was answered behind a refused one"),
            reply => {
                assert_eq!(reply, refused(id, "rpc: server is draining"));
                told += 1;
            }
        }
    }
    assert!(told > 0, "cut without a word");
    until(|| gate.left() == 1).await;
    let seen = server.snapshot().server;
    assert_eq!((seen.canceled_calls, seen.drained_calls), (1, told));
}

/// On a stopped clock, as above.
#[tokio::test(start_paused = true)]
async fn old_http_connections_are_told_in_their_own_words() {
    let age = Duration::from_secs(1);
    let (builder, gate) = gated(Config::default().max_connection_age(Some(age)));
    let server = start(builder).await;
    let mut idle = Peer::in_memory(&server);
    assert_eq!(idle.http("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.header("connection"), None);
    let mut busy = Peer::in_memory(&server);
    busy.send("POST /Gate/Wait HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n7").await;
    let mut http2 = Peer::in_memory(&server);
    http2.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    idle.expect_closed().await;
    // The one with a call is as old by now: a fifth of spread lies between the two.
    elapse(age / 5).await;
    gate.open(1);
    let reply = busy.read_http(false).await;
    assert_eq!((reply.body.trim_end(), reply.header("connection")), ("7", Some("close")));
    busy.expect_closed().await;
    // Good-bye is GOAWAY; it is said twice where requests may be on their way.
    assert!(frames(&http2.read_to_end().await, 7) > 0);
}

#[tokio::test]
async fn one_call_too_many_is_shed_at_once() {
    let (builder, gate) = gated(Config::default().max_calls(2));
    let server = start(builder).await;
    let mut one = Peer::connect_codec(server.addr, "json").await;
    let mut two = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
    one.send(json_request("Gate.Wait", "1", 1)).await;
    two.send(json_request("Gate.Wait", "2", 2)).await;
    until(|| gate.entered() == 2).await;
    let text = "rpc: server overloaded";
    for (id, method) in [(3, "Gate.Wait"), (4, "Echo.Int")] {
        assert_eq!(one.call(method, "5", id).await, refused(id, text), "{method}");
    }
    assert_eq!(gate.entered(), 2, "no handler has seen them");
    let mut probe = Peer::connect(server.addr).await;
    let not_ready = probe.http("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!((not_ready.status, &*not_ready.body), (503, "not ready: overloaded\n"));
    // A connection without waiting calls may always start one.
    let mut post = Peer::connect(server.addr).await;
    let reply = post.http("POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n5").await;
    assert_eq!((reply.status, &*reply.body), (200, "5\n"));
    let metrics = post.http("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.body;
    assert!(metrics.contains("rpcwrap_server_shed_total{reason=\"max_calls\"} 2\n"), "{metrics}");
    // A call that is taken back makes room; so does one that is answered, and one whose peer has gone.
    let taken_back = [one.call("_goRPC_.Cancel", "{\"Seq\":1}", 6).await, one.read_json().await];
    assert!(taken_back.iter().any(|reply| reply["result"] == true), "{taken_back:?}");
    assert_eq!(one.call("Echo.Int", "5", 7).await["result"], 5);
    drop(two);
    until(|| gate.left() == 2).await;
    for n in 0..2 {
        one.send(json_request("Gate.Wait", "1", 8 + n)).await;
    }
    until(|| gate.entered() == 4).await;
    assert_eq!(server.snapshot().server.shed_calls, 2);
    gate.open(2);
    for _ in 0..2 {
        assert_eq!(one.read_json().await["result"], 1);
    }
}
