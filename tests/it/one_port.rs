//! What went wrong where others shared a port, each a test named after it: cmux, Linkerd, Envoy and Istio, sslh,
//! hyper-util, bRPC.

use crate::{clock::pass, program::Program, protocols::Words};
use bytes::BytesMut;
use rpcwrap::{
    Config, OpeningClock, Server, Verdict,
    protocol::{Class, Conn, ConnCx, FramedProtocol, Magic, Protocol, ServeFuture, Served, Sniff},
};
use rpcwrap_tests::{
    limit,
    raw::{CONNECTED, Peer, json_request, opening},
    server::start,
    services::services,
    until,
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::Instant;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const SHORT: Duration = Duration::from_millis(150);
/// Longer than any step of a test may take.
const LONG: Duration = Duration::from_secs(3600);

fn impatient() -> Config {
    Config::default().first_byte_timeout(SHORT).header_timeout(SHORT)
}

/// A protocol by its sniff alone; answers with its name and closes.
struct Sniffs(&'static str, Class, &'static [u8], fn(&[u8]) -> Sniff);

impl Protocol for Sniffs {
    fn name(&self) -> &'static str {
        self.0
    }
    fn class(&self) -> Class {
        self.1
    }
    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![self.2.to_vec()]
    }
    fn sniff(&self, head: &[u8]) -> Sniff {
        (self.3)(head)
    }
    fn serve(self: Arc<Self>, conn: Conn, _: ConnCx) -> ServeFuture {
        Box::pin(async move {
            let mut io = conn.into_io();
            tokio::io::AsyncWriteExt::write_all(&mut io, self.0.as_bytes()).await?;
            Ok(Served::Closed)
        })
    }
}

/// nshead: bytes 24 to 28 of its header are the same in every message.
pub(crate) fn nshead() -> FramedProtocol {
    FramedProtocol::new("nshead", Magic::at(24, b"\x94\x93\x70\xfb"), Words)
}

fn matched(server: &Server) -> u64 {
    server.snapshot().protocols.iter().map(|one| one.matched).sum()
}

#[tokio::test]
async fn cmux_65_silence_a_byte_or_half_a_magic_are_closed_at_the_deadline() {
    // Connections run short with one, or the silent one might stay.
    let server = start(services().protocol(nshead()).config(impatient().max_connections(1))).await;
    // bRPC holds the last four for ever, sslh#348 answers them as another protocol.
    let begun =
        [&b""[..], b"C", b"GE", b"agen", b"CONNECT", b"\r\n", b"\x01\x01\x01\x01\x01\x01\x01\x01", b"GET /"];
    for (n, bytes) in begun.iter().enumerate() {
        let began = Instant::now();
        let mut peer = Peer::connect(server.addr).await;
        peer.send(bytes).await;
        peer.expect_closed().await;
        assert!(began.elapsed() >= SHORT, "{} closed early", bytes.escape_ascii());
        assert_eq!(server.snapshot().server.opening_timeouts, n as u64 + 1, "{}", bytes.escape_ascii());
        until(|| server.open_connections() == 0).await;
    }
    assert_eq!(matched(&server), 0, "a protocol that is CONNECT so far has not been chosen");
}

#[tokio::test]
async fn cmux_76_the_end_of_the_server_does_not_wait_for_a_silent_peer() {
    let server = start(services().config(Config::default().first_byte_timeout(LONG))).await;
    let (mut silent, mut begun) = (Peer::connect(server.addr).await, Peer::connect(server.addr).await);
    begun.send("CONN").await;
    until(|| server.snapshot().server.connections == 2).await;
    limit(server.drain(LONG)).await;
    silent.expect_closed().await;
    begun.expect_closed().await;
}

#[tokio::test]
async fn cmux_35_an_undecided_opening_ends_at_8_kib() {
    let endless = Sniffs("endless", Class::Magic, b"~~!", |head| match head.strip_prefix(b"~~") {
        Some(rest) if rest.contains(&b'!') => Sniff::Yes,
        Some(_) => Sniff::NeedMore,
        None => Sniff::magic(head, b"~~"),
    });
    let server = start(services().protocol(endless).config(Config::default().first_byte_timeout(LONG))).await;
    let mut peer = Peer::connect(server.addr).await;
    // The server may close before it has read all of it.
    peer.try_send([b'~'; 64 << 10]).await.ok();
    peer.expect_closed().await;
    assert_eq!(server.snapshot().server.long_openings, 1);
    assert_eq!(server.snapshot().failed_openings[0].head, [b'~'; 16]);
    let mut peer = Peer::connect(server.addr).await;
    peer.send([&[b'~'; 8000][..], b"!"].concat()).await;
    peer.expect("endless").await;
}

/// The next HTTP/2 frame: its type, and what it carries.
async fn frame(peer: &mut Peer) -> (u8, Vec<u8>) {
    let whole = |buf: &mut BytesMut| {
        let Some(&[a, b, c, kind]) = buf.first_chunk() else { return Ok::<_, Infallible>(None) };
        let len = 9 + u32::from_be_bytes([0, a, b, c]) as usize;
        Ok((buf.len() >= len).then(|| (kind, buf.split_to(len).split_off(9).to_vec())))
    };
    peer.read_message(whole).await
}

#[tokio::test]
async fn cmux_22_64_a_client_that_waits_for_settings_gets_them_for_its_preface() {
    const SETTINGS: u8 = 4;
    const HEADERS: u8 = 1;
    const WINDOW_UPDATE: u8 = 8;
    let server = start(services().config(Config::default().first_byte_timeout(LONG))).await;
    let mut client = Peer::connect(server.addr).await;
    // Not a byte more than the preface, neither settings nor headers, is there to decide on.
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(frame(&mut client).await.0, SETTINGS);
    // GET /healthz of x, as stream 1, with its end; `88` is the status 200.
    let get = b"\0\0\x0f\x01\x05\0\0\0\x01\x82\x86\x04\x08/healthz\x01\x01x";
    client.send([b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0", &get[..]].concat()).await;
    let headers = loop {
        match frame(&mut client).await {
            (HEADERS, headers) => break headers,
            (kind, _) => assert!([SETTINGS, WINDOW_UPDATE].contains(&kind), "frame of type {kind}"),
        }
    };
    assert_eq!(headers.first(), Some(&0x88));
}

#[tokio::test]
async fn rpcx_the_request_line_decides_not_the_headers() {
    let server = services().build().unwrap();
    assert_eq!(server.sniff(b"POST /x HTTP/1.1\r\n"), Verdict::Protocol("http"));
    assert_eq!(server.sniff(b"CONNECT "), Verdict::Protocol("http"));
    assert_eq!(server.sniff(b"GET / HTTP/1.0\n"), Verdict::Protocol("http"));
}

#[tokio::test]
async fn sslh_348_istio_16581_a_slow_client_gets_its_own_protocol() {
    let server = start(services()).await;
    let mut slow = Peer::in_memory(&server);
    for piece in ["G", "ET /healthz", " HTTP/1.1\r\nHost", ": x\r\n\r\n"] {
        // A decision on a short timer would have been taken by now.
        pass(Duration::from_secs(1)).await;
        slow.send(piece).await;
    }
    assert_eq!(slow.read_http(false).await.status, 200);
}

#[tokio::test]
async fn linkerd_3721_a_connection_closed_without_a_byte_is_no_protocols() {
    let server = start(services()).await;
    let mut silent = Peer::connect(server.addr).await;
    silent.half_close().await;
    silent.expect_closed().await;
    let mut begun = Peer::connect(server.addr).await;
    begun.send("GE").await;
    begun.half_close().await;
    begun.expect_closed().await;
    let seen = server.snapshot().server;
    assert_eq!((seen.probes, seen.silent_probes, matched(&server)), (2, 1, 0));
}

#[tokio::test]
async fn hyper_3962_an_http_head_that_stops_is_closed() {
    let server = start(services().config(impatient())).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n").await;
    peer.read_to_end().await;
    assert_eq!(server.snapshot().server.opening_timeouts, 1);
}

#[tokio::test]
async fn axum_2736_curl_is_always_answered_in_text() {
    let server = start(services().protocol(nshead())).await;
    for request in
        ["GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"]
    {
        let mut peer = Peer::connect(server.addr).await;
        let response = peer.http(request).await;
        assert_eq!((response.status, response.body.as_str()), (404, "404 page not found\n"));
    }
}

#[tokio::test]
async fn warpgate_2379_probes_are_no_lines_in_the_log() {
    let program = Program::daemon(&[]).await;
    for _ in 0..50 {
        for bytes in [&b""[..], b"C", b"agent\n", &opening("/_json_rpc_"), HEALTH.as_bytes()] {
            let mut peer = Peer::connect_resetting(program.addr).await;
            peer.send(bytes).await;
            if bytes.len() > 1 {
                // As HAProxy does: reads the beginning of the answer, then resets.
                peer.read_line().await;
            }
        }
    }
    let mut page = Peer::connect(program.addr).await;
    let probes = async || {
        let vars = page.http("GET /debug/vars HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.json();
        {
            let counter = |name: &str| vars["counters"][name].clone();
            (counter("probes"), counter("malformed"), counter("unknown_openings"))
        }
    };
    let mut probes = probes;
    limit(async { while probes().await != (200.into(), 0.into(), 0.into()) {} }).await;
    drop(page);
    program.signal("INT").await;
    let (status, log) = program.end().await;
    let noise: Vec<_> =
        log.lines().filter(|line| !line.contains("draining") && !line.contains("stopped")).collect();
    assert!(status.success() && noise.is_empty(), "{noise:#?}");
}

#[tokio::test]
async fn haproxy_2450_a_proxy_header_is_not_taken_from_anyone() {
    let server = start(services()).await;
    for header in [&b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let mut peer = Peer::connect(server.addr).await;
        peer.send([header, HEALTH.as_bytes()].concat()).await;
        peer.expect_closed().await;
    }
    assert_eq!((server.snapshot().server.unknown_openings, matched(&server)), (2, 0));
}

#[tokio::test]
async fn zoekt_516_hijacked_connections_are_part_of_the_end() {
    let server = start(services().protocol(nshead())).await;
    let mut hijacked = Peer::connect_codec(server.addr, "json").await;
    assert_eq!(hijacked.call("Echo.Int", "5", 1).await["result"], 5);
    assert_eq!((server.open_connections(), server.connections(10).len()), (1, 1));
    let drained = limit(server.drain(LONG)).await;
    assert_eq!((drained.cut, server.open_connections(), server.connections(10).len()), (0, 0, 0));
    hijacked.expect_closed().await;
}

#[tokio::test]
async fn brpc_854_a_weak_protocol_that_waits_delays_no_other() {
    let server = start(services().protocol(nshead())).await;
    let mut short = Peer::connect(server.addr).await;
    short.send("agent\n").await;
    short.expect("ready up 100%\n").await;
    let mut http = Peer::connect(server.addr).await;
    http.send("GET / HTTP/1.0\r\n").await;
    until(|| server.snapshot().protocols.iter().any(|one| one.name == "http" && one.connections == 1)).await;
}

#[tokio::test]
async fn brpc_3109_the_prefix_of_a_magic_is_not_eaten_by_a_weaker_protocol() {
    let private = || Sniffs("private", Class::Magic, b"QUIETER", |head| Sniff::magic(head, b"QUIETER"));
    let greedy = Sniffs("greedy", Class::Weak, b"QUXX", |head| Sniff::magic(head, b"QU"));
    // One that would eat all of another's opening does not get as far as serving.
    let error = services().protocol(greedy).protocol(private()).build().unwrap_err();
    assert_eq!(error.to_string(), r#"protocol private opens with "QUIETER", which is taken by greedy"#);
    // What only looks like its beginning is waited for.
    let greedy = Sniffs("greedy", Class::Weak, b"QUI\0", |head| match head {
        b"QUIETER" => Sniff::No,
        head => Sniff::magic(head, b"QUI"),
    });
    let server = services().protocol(greedy).protocol(private()).build().unwrap();
    assert_eq!(server.sniff(b"QUIETE"), Verdict::NeedMore);
    assert_eq!(server.sniff(b"QUIETER"), Verdict::Protocol("private"));
    assert_eq!(server.sniff(b"QUI\0"), Verdict::Protocol("greedy"));
}

#[tokio::test]
async fn brpc_two_requests_in_one_segment_have_two_replies() {
    let server = start(services()).await;
    for requests in [2, 3, 10] {
        let mut peer = Peer::connect(server.addr).await;
        peer.send(HEALTH.repeat(requests)).await;
        for _ in 0..requests {
            assert_eq!(peer.read_http(false).await.status, 200);
        }
    }
}

#[tokio::test]
async fn brpc_a_connection_never_changes_its_protocol() {
    let server = start(services().protocol(FramedProtocol::new("words", b"MAG ", Words))).await;
    let mut http = Peer::connect(server.addr).await;
    assert_eq!(http.http(HEALTH).await.status, 200);
    http.send("agent\nMAG Echo.Int 5\n").await;
    assert_eq!(http.read_http(false).await.status, 400);
    http.expect_closed().await;
    let mut words = Peer::connect(server.addr).await;
    words.send("MAG Echo.Int 5\n").await;
    words.expect("5\n").await;
    words.send(HEALTH).await;
    words.expect_closed().await;
    // Nor in one write: what came before is answered, the rest is the same protocol's fault.
    let mut both = Peer::connect(server.addr).await;
    both.send([HEALTH, "MAG Echo.Int 5\n\n"].concat()).await;
    assert_eq!(both.read_http(false).await.status, 200);
    assert_eq!(both.read_http(false).await.status, 400);
    both.expect_closed().await;
}

#[tokio::test]
async fn brpc_an_unknown_http_version_is_not_answered_200() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send("GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n").await;
    let status = peer.read_http(false).await.status;
    assert!([400, 505].contains(&status), "{status}");
}

#[tokio::test]
async fn brpc_connect_is_no_page() {
    let server = start(services()).await;
    for path in ["host:80", "/_nope_rpc_", "/debug/status", "/"] {
        let mut peer = Peer::connect(server.addr).await;
        assert_eq!(peer.http(format!("CONNECT {path} HTTP/1.0\r\n\r\n")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn brpc_one_byte_is_enough_to_know_tls() {
    let server = start(services().config(Config::default().first_byte_timeout(LONG))).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send([0x16]).await;
    peer.expect_closed().await;
    assert_eq!(server.snapshot().failed_openings[0].why.text(), "a TLS hello on a plain port");
}

#[tokio::test]
async fn brpc_what_follows_a_malformed_frame_goes_to_no_other_protocol() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    // A meta longer than the frame that holds it; bRPC takes the frame out and offers the rest to all protocols.
    peer.send([&b"PRPC\0\0\0\x08\0\0\0\x09"[..], HEALTH.as_bytes()].concat()).await;
    peer.expect_closed().await;
    let counted = |name| {
        let protocols = server.snapshot().protocols;
        protocols.iter().find(|one| one.name == name).map(|one| (one.matched, one.malformed))
    };
    until(|| counted("baidu_std") == Some((1, 1))).await;
    assert_eq!(counted("http"), Some((0, 0)));
}

#[tokio::test]
async fn go_bytes_behind_the_connect_are_the_codecs() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send([&opening("/_json_rpc_")[..], json_request("Echo.Int", "5", 1).as_bytes()].concat()).await;
    peer.expect(CONNECTED).await;
    assert_eq!(peer.read_json().await["result"], 5);
}

#[tokio::test]
async fn a_connect_that_is_reset_without_a_call_is_a_probe() {
    let server = start(services()).await;
    let probe = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
    drop(probe);
    until(|| server.snapshot().server.connections == 0).await;
    let seen = server.snapshot().server;
    assert_eq!((seen.probes, seen.malformed, seen.stalled), (1, 0, 0));
}

#[tokio::test]
async fn pools_that_connect_ahead_have_time_until_their_first_byte() {
    let config = impatient().first_byte_clock(OpeningClock::FirstByte).keep_alive_timeout(SHORT * 4);
    let server = start(services().config(config)).await;
    let began = Instant::now();
    let mut ahead = Peer::in_memory(&server);
    pass(SHORT * 2).await;
    assert_eq!(ahead.http(HEALTH).await.status, 200);
    let mut half = Peer::connect(server.addr).await;
    half.send("GE").await;
    half.expect_closed().await;
    let mut silent = Peer::connect(server.addr).await;
    silent.expect_closed().await;
    assert!(began.elapsed() >= SHORT * 7);
    assert_eq!(server.snapshot().server.opening_timeouts, 2);
}

#[tokio::test]
async fn the_clock_can_be_off() {
    let server = start(services().config(impatient().first_byte_clock(OpeningClock::Off))).await;
    let mut ahead = Peer::in_memory(&server);
    ahead.send("GET /hea").await;
    pass(Duration::from_secs(60)).await;
    ahead.send("lthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert_eq!(ahead.read_http(false).await.status, 200);
}

#[tokio::test]
async fn haproxys_agent_is_told_weight_and_drain() {
    let server = start(services().config(Config::default().max_connections(4))).await;
    let ask = async |wanted: &str| {
        let mut agent = Peer::connect(server.addr).await;
        agent.send("agent\n").await;
        agent.expect(wanted).await;
        agent.expect_closed().await;
        until(|| server.snapshot().server.connections <= 2).await;
    };
    ask("ready up 75%\n").await;
    let held =
        [Peer::connect_codec(server.addr, "json").await, Peer::connect_codec(server.addr, "json").await];
    ask("ready up 25%\n").await;
    server.start_lame_duck();
    ask("drain\n").await;
    drop(held);
}
