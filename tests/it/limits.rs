//! What the server refuses to hold, and for how long it waits: connections, bytes, levels, silence.

use crate::{
    baidu_std::demo::{call, head},
    clock::{elapse, pass},
};
use rpcwrap::{
    Builder, Config, Method, Service,
    codecs::{baidu_std::RequestHead, body::ContentType},
};
use rpcwrap_tests::{
    limit,
    raw::{CONNECTED, Peer, bson_request, json_request, opening},
    server::start,
    services::{Gate, services},
    until,
};
use std::{future::Future, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::Instant,
};

fn with(config: Config) -> Builder {
    services().config(config)
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let server = start(with(Config::default().max_connections(2))).await;
    let mut one = Peer::connect_codec(server.addr, "json").await;
    let two = Peer::connect(server.addr).await;
    until(|| server.snapshot().server.connections == 2).await;
    let mut three = Peer::connect(server.addr).await;
    three
        .expect(
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Content-Length: 21\r\nConnection: close\r\n\r\ntoo many connections\n",
        )
        .await;
    three.expect_closed().await;
    let seen = server.snapshot().server;
    assert_eq!((seen.connections, seen.connections_refused, seen.accepted), (2, 1, 3));
    assert_eq!(one.call("Echo.Int", "5", 1).await["result"], 5);
    drop(two);
    until(|| server.snapshot().server.connections == 1).await;
    let mut four = Peer::connect_codec(server.addr, "json").await;
    assert_eq!(four.call("Echo.Int", "5", 1).await["result"], 5);
    assert!(server.connect().is_err(), "in-memory connections count as well");
}

#[tokio::test]
async fn messages_have_a_size_limit() {
    let server = start(with(Config::default().max_message_bytes(4096))).await;
    // Exactly 4096 bytes are in order, one more is not, whether or not they have come.
    let json = |len: usize| {
        let text = "x".repeat(len - json_request("Echo.String", "\"\"", 1).trim_end().len());
        json_request("Echo.String", &format!("\"{text}\""), 1)
    };
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json(4096)).await;
    assert!(peer.read_json().await["result"].is_string());
    peer.send(json(4097)).await;
    peer.expect("{\"id\":1,\"result\":null,\"error\":\"message of 4097 bytes, limit 4096\"}\n").await;
    peer.expect_closed().await;
    let mut endless = Peer::connect_codec(server.addr, "json").await;
    endless.try_send("[".to_owned() + &json(5000)).await.ok();
    endless.expect_closed().await;
    let mut endless = Peer::connect_codec(server.addr, "json").await;
    endless.try_send(&json(10_000)[..5000]).await.ok();
    endless.expect_closed().await;
    // BSON says its size first: 4 bytes are enough to be refused.
    let mut peer = Peer::connect_codec(server.addr, "bson").await;
    peer.send(4097_i32.to_le_bytes()).await;
    peer.expect_closed().await;
    // Header and body count together.
    let mut peer = Peer::connect_codec(server.addr, "bson").await;
    peer.send(bson_request("Echo.String", 1, &4090_i32.to_le_bytes())).await;
    peer.read_bson_frame().await;
    peer.read_bson_frame().await;
    peer.expect_closed().await;
    assert_eq!(server.snapshot().methods.iter().map(|method| method.stats.in_flight()).sum::<u64>(), 0);
}

#[tokio::test]
async fn json_nests_100_deep() {
    let server = start(services()).await;
    // The request's object and its params are two of the levels.
    for (levels, fits) in [(98, true), (99, false), (100_000, false)] {
        let value = "[".repeat(levels) + &"]".repeat(levels);
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        let sent = peer.try_send(json_request("Echo.Any", &value, 1)).await;
        if fits {
            sent.unwrap();
            peer.expect(format!("{{\"id\":1,\"result\":{value},\"error\":null}}\n")).await;
        } else {
            peer.expect("{\"id\":1,\"result\":null,\"error\":\"nesting deeper than 100\"}\n").await;
            peer.expect_closed().await;
        }
    }
}

#[tokio::test]
async fn json_of_other_protocols_nests_as_deep_as_any_message() {
    for (most, builder) in [(100, services()), (7, with(Config::default().max_depth(7)))] {
        let server = start(builder).await;
        let mut peer = Peer::connect(server.addr).await;
        let mut baidu = Peer::connect(server.addr).await;
        for (depth, status) in [(most, 200), (most + 1, 400), (1000, 400)] {
            let body = "[".repeat(depth) + &"]".repeat(depth);
            let head = RequestHead { content_type: ContentType::Json, ..head("Echo", "Any", 1) };
            let called = call(&mut baidu, &head, body.as_bytes()).await;
            assert_eq!(called.is_ok(), status == 200, "baidu_std: {depth} of {most}");
            let post = "POST /Echo/Any HTTP/1.1\r\nHost: 127.0.0.1\r\n";
            let request = format!("{post}Content-Length: {}\r\n\r\n{body}", body.len());
            assert_eq!(peer.http(request).await.status, status, "{depth} of {most}");
        }
    }
}

/// Requests behind it go with it, those before it are answered.
#[tokio::test]
async fn a_request_nested_too_deep_is_answered_between_others() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Gate.Wait", "1", 1)).await;
    until(|| gate.entered() == 1).await;
    let deep = "[".repeat(200) + &"]".repeat(200);
    let behind = json_request("Echo.Int", "5", 3);
    peer.send(json_request("Echo.Any", &deep, 2) + &behind).await;
    peer.expect("{\"id\":2,\"result\":null,\"error\":\"nesting deeper than 100\"}\n").await;
    gate.open(1);
    peer.expect("{\"id\":1,\"result\":1,\"error\":null}\n").await;
    peer.expect_closed().await;
}

/// Checks that `peer` is closed, no earlier than `wait` from now.
async fn closed_after(wait: Duration, peer: impl Future<Output = ()>) {
    let started = Instant::now();
    peer.await;
    assert!(started.elapsed() >= wait, "closed after {:?}", started.elapsed());
}

#[tokio::test]
async fn silence_is_closed_after_the_first_byte_timeout() {
    let wait = Duration::from_millis(300);
    let config = Config::default().first_byte_timeout(wait).max_connections(1);
    let server = start(with(config)).await;
    closed_after(wait, async {
        let mut silent = Peer::connect(server.addr).await;
        silent.expect_closed().await;
    })
    .await;
    assert_eq!(server.snapshot().server.opening_timeouts, 1);
    until(|| server.open_connections() == 0).await;
    // A session may be silent for as long as it likes.
    let mut idle = Peer::in_memory_codec(&server, "json").await;
    pass(Duration::from_secs(60)).await;
    assert_eq!(idle.call("Echo.Int", "5", 1).await["result"], 5);
}

/// On a clock that goes on when no task has anything left to do: no socket is in it.
#[tokio::test(start_paused = true)]
async fn a_slow_head_is_closed_after_the_header_timeout() {
    let wait = Duration::from_millis(300);
    let config = Config::default().first_byte_timeout(wait).header_timeout(wait);
    let server = start(with(config)).await;
    closed_after(wait, async {
        let mut slow = Peer::in_memory(&server);
        slow.send("CONNECT /_json_rpc_ HTTP/1.0\n").await;
        // One header line after another, none of them late by itself.
        for n in 0..1000 {
            if slow.try_send(format!("X-{n}: y\n")).await.is_err() {
                break;
            }
            elapse(Duration::from_millis(20)).await;
        }
        let answer = slow.read_to_end().await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", answer.escape_ascii());
    })
    .await;
    until(|| server.snapshot().server.connections == 0).await;
    let mut half = Peer::in_memory(&server);
    closed_after(wait, async {
        half.send("CONN").await;
        half.expect_closed().await;
    })
    .await;
}

#[tokio::test]
async fn an_http_head_has_a_size_limit() {
    let server = start(services()).await;
    let head = |len: usize| {
        let start = "CONNECT /_json_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ";
        format!("{start}{}\r\n\r\n", "y".repeat(len - start.len() - 4))
    };
    let mut peer = Peer::connect(server.addr).await;
    peer.send(head(16 << 10)).await;
    peer.expect(CONNECTED).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.try_send(head(17 << 10)).await.ok();
    assert_eq!(peer.read_http(false).await.status, 431);
    peer.read_to_end().await;
    // A line that never ends is not collected either.
    let mut peer = Peer::connect(server.addr).await;
    peer.try_send("GET /".to_owned() + &"x".repeat(64 << 10)).await.ok();
    let answer = peer.read_to_end().await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", answer.escape_ascii());
    until(|| server.snapshot().server.connections == 1).await;
}

#[tokio::test]
async fn a_get_has_1000_parameters_at_most() {
    let count = |numbers: Vec<i64>| async move { Ok(numbers.len()) };
    let read = Service::new("Read").with(Method::new("Count", count).read_only());
    let server = start(services().service(read)).await;
    let mut peer = Peer::connect(server.addr).await;
    for (count, refused) in [(1000, false), (1001, true)] {
        let query = "7&".repeat(count);
        let answer = peer.http(format!("GET /Read/Count?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await;
        match refused {
            false => assert_eq!((answer.status, answer.body.as_str()), (200, "1000\n")),
            true => {
                assert_eq!(answer.status, 400);
                assert!(answer.body.contains("query of 1001 parameters, limit 1000"), "{}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn of_a_body_that_is_refused_no_more_than_64_kib_are_read() {
    let server = start(with(Config::default().max_message_bytes(4096))).await;
    let mut peer = Peer::connect(server.addr).await;
    let head = format!(
        "POST /Echo/String HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n",
        (64 << 10) + 1
    );
    peer.send(head).await;
    let answer = peer.read_http(false).await;
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{}", answer.body);
}

#[tokio::test]
async fn a_peer_that_half_closes_during_a_call_waits_as_long_as_it_takes() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = server.connect().unwrap();
    let call = b"POST /Gate/Wait HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nnull";
    peer.write_all(call).await.unwrap();
    peer.shutdown().await.unwrap();
    until(|| gate.entered() == 1).await;
    pass(Duration::from_secs(300)).await;
    gate.open(1);
    let mut reply = String::new();
    limit(peer.read_to_string(&mut reply)).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
}

#[tokio::test]
async fn settings_that_could_never_work_are_refused() {
    for (config, text) in [
        (Config::default().max_header_bytes(100), "max_header_bytes = 100: must be at least 8192"),
        (Config::default().max_message_bytes(0), "max_message_bytes = 0: must be from 1024 to 2147483647"),
        (Config::default().max_depth(101), "max_depth = 101: must be from 1 to 100"),
        (Config::default().max_in_flight(0), "max_in_flight = 0: must be at least 1"),
        (Config::default().max_connections(0), "max_connections = 0: must be at least 1"),
        (Config::default().max_output_bytes(0), "max_output_bytes = 0: must be at least 1"),
    ] {
        assert_eq!(with(config).build().unwrap_err().to_string(), text);
    }
}

#[tokio::test]
async fn times_beyond_the_end_of_the_clock_are_none() {
    let mut config = Config::default();
    let times = config.settings().filter(|setting| setting.wanted.contains("ms, s, m or h"));
    for setting in times.collect::<Vec<_>>() {
        config.set(setting.name, "18446744073709551615s").unwrap();
    }
    let server = start(with(config)).await;
    let mut page = Peer::connect(server.addr).await;
    for _ in 0..2 {
        assert_eq!(page.http("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.body, "ok\n");
    }
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    assert_eq!(peer.call("Echo.Int", "5", 1).await["result"], 5);
    // HTTP/2: its settings are answered.
    let mut http2 = Peer::connect(server.addr).await;
    http2.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    http2.read_until("\0\0\0\u{4}\u{1}\0\0\0\0").await;
    assert_eq!(server.snapshot().server.malformed, 0);
}

#[tokio::test]
async fn a_thousand_connections_that_close_are_all_forgotten() {
    let server = start(services()).await;
    for _ in 0..20 {
        let mut peers = Vec::new();
        for _ in 0..50 {
            let mut peer = Peer::connect(server.addr).await;
            peer.send([opening("/_json_rpc_"), json_request("Echo.Int", "5", 1).into()].concat()).await;
            peers.push(peer);
        }
        for mut peer in peers {
            peer.expect(CONNECTED).await;
            peer.expect("{\"id\":1,\"result\":5,\"error\":null}\n").await;
        }
    }
    until(|| server.snapshot().server.connections == 0).await;
    assert_eq!(server.snapshot().server.accepted, 1000);
}
