//! What a protocol that greets first and upgrades to TLS is protected from, and where it can be offered.

use super::Greeting;
use rpcwrap::{
    Builder, Config, Context, Listen, OpeningFailure, ProxyProtocol, Service, TlsConfig, TlsPolicy,
    protocol::{Conn, ConnCx, Protocol, ServeFuture, Sniff},
};
use rpcwrap_tests::{
    certificates::Ca,
    limit,
    raw::{Peer, each_split},
    server::{TestServer, start, tcp},
    services::services,
    until,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::TcpStream,
};

const CALL: &str = "CALL Tls.Who null\r\n";

/// The same protocol by another name, which leaves TLS to its listener.
struct Greets;

impl Protocol for Greets {
    fn name(&self) -> &'static str {
        "greets"
    }

    fn speaks_first(&self) -> bool {
        true
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn sniff(&self, _: &[u8]) -> Sniff {
        Sniff::No
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        Arc::new(Greeting { prefaces: &[] }).serve(conn, cx)
    }
}

/// The services of all tests, and `Tls.Who`: the TLS and the user a handler sees.
fn builder(prefaces: &'static [&'static [u8]]) -> Builder {
    let who = |cx: Context, (): ()| async move {
        let tls = cx.tls().map_or("plain", |tls| tls.version);
        Ok(format!("{tls} {}", cx.user().unwrap_or("-")))
    };
    services()
        .service(Service::new("Tls").method("Who", who))
        .protocol(Greeting { prefaces })
        .protocol(Greets)
}

fn tls(ca: &Ca) -> TlsConfig {
    let server = ca.server();
    TlsConfig::from_pem(server.certificate, server.key)
}

fn trusts(ca: &Ca) -> rpcwrap_client::TlsConfig {
    rpcwrap_client::TlsConfig::new().ca_pem(ca.pem())
}

async fn listen(server: &TestServer, options: Listen) -> SocketAddr {
    tcp(limit(server.listen_with("127.0.0.1:0", options.only(["greeting"]))).await.unwrap())
}

/// A connection that has sent `first` in one segment and read these lines.
async fn after(addr: SocketAddr, first: impl AsRef<[u8]>, lines: &str) -> TcpStream {
    let mut socket = limit(TcpStream::connect(addr)).await.unwrap();
    limit(socket.write_all(first.as_ref())).await.unwrap();
    let mut read = vec![0; lines.len()];
    limit(socket.read_exact(&mut read)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&read), lines);
    socket
}

/// What a TLS client says first.
async fn hello(ca: &Ca) -> Vec<u8> {
    let (ours, mut theirs) = duplex(8 << 10);
    let connecting = tokio::spawn({
        let trusts = trusts(ca);
        async move { trusts.connect(ours, "localhost").await.map(drop) }
    });
    let mut hello = Vec::new();
    while hello.len() < 5 || hello.len() < 5 + usize::from(u16::from_be_bytes([hello[3], hello[4]])) {
        limit(theirs.read_buf(&mut hello)).await.unwrap();
    }
    drop(theirs);
    assert!(limit(connecting).await.unwrap().is_err());
    hello
}

/// How often `Tls.Who` was called.
fn calls(server: &TestServer) -> u64 {
    server.snapshot().methods.iter().find(|method| method.service == "Tls").unwrap().stats.calls
}

/// CVE-2011-0411: what a man in the middle puts behind the request for TLS is not taken for the client's.
#[tokio::test]
async fn plain_text_behind_starttls_goes_to_the_handshake_and_fails() {
    let ca = Ca::new();
    let server = start(builder(&[]).tls(tls(&ca))).await;
    let addr = listen(&server, Listen::new()).await;
    let hello = hello(&ca).await;
    for (n, injected) in [CALL.as_bytes().to_vec(), [CALL.as_bytes(), &hello].concat(), b"QUIT\r\n".to_vec()]
        .iter()
        .enumerate()
    {
        let first = [b"STARTTLS\r\n", &injected[..]].concat();
        let mut socket = after(addr, first, "220 greeting\r\n220 go ahead\r\n").await;
        let mut rest = Vec::new();
        // Some of what was sent may not have been read: a reset is a close.
        let _ = limit(socket.read_to_end(&mut rest)).await;
        // Nothing but TLS' alert: unexpected message, or that it cannot be decoded.
        assert!(rest.is_empty() || rest.starts_with(b"\x15\x03\x03\x00\x02\x02"), "{}", rest.escape_ascii());
        until(|| server.snapshot().server.tls_failures == n as u64 + 1).await;
    }
    assert_eq!((calls(&server), server.snapshot().server.tls_handshakes), (0, 0));
    let failed = server.snapshot().failed_openings;
    assert!(failed.iter().all(|failed| failed.why == OpeningFailure::Handshake), "{failed:?}");
    assert_eq!(failed[0].head, CALL.as_bytes()[..16]);
}

/// A client need not wait for the answer: its hello is in the same segment as its request.
#[tokio::test]
async fn a_client_hello_behind_starttls_goes_to_the_handshake() {
    let ca = Ca::new();
    let server = start(builder(&[]).tls(tls(&ca))).await;
    let addr = listen(&server, Listen::new()).await;
    let (ours, mut theirs) = duplex(64 << 10);
    // Its first bytes go behind the request; from then on everything as it is.
    let pump = async move {
        let mut first = b"STARTTLS\r\n".to_vec();
        theirs.read_buf(&mut first).await.unwrap();
        let mut socket = after(addr, first, "220 greeting\r\n220 go ahead\r\n").await;
        tokio::io::copy_bidirectional(&mut theirs, &mut socket).await
    };
    let pump = tokio::spawn(pump);
    let mut peer = Peer::over(limit(trusts(&ca).connect(ours, "localhost")).await.unwrap());
    peer.send(CALL).await;
    peer.expect("250 \"TLSv1.3 -\"\r\n").await;
    drop(peer);
    let _ = limit(pump).await.unwrap();
    let connections = server.snapshot().server;
    assert_eq!((connections.tls_handshakes, connections.tls_failures), (1, 0));
}

#[tokio::test]
async fn a_certificate_shown_in_the_upgrade_names_the_user() {
    let ca = Ca::new();
    let tls = tls(&ca).client_ca_pem(ca.pem()).user_from_certificate(|name| Some(format!("cn:{name}")));
    let server = start(builder(&[]).tls(tls).require_login()).await;
    let addr = listen(&server, Listen::new().tls_policy(TlsPolicy::Allow)).await;
    let lines = "220 greeting\r\n550 rpc: Tls.Who needs an authenticated connection\r\n220 go ahead\r\n";
    let socket = after(addr, format!("{CALL}STARTTLS\r\n"), lines).await;
    let client = ca.client("ala");
    let trusts = trusts(&ca).certificate_pem(client.certificate, client.key);
    let mut peer = Peer::over(limit(trusts.connect(socket, "localhost")).await.unwrap());
    peer.send(CALL).await;
    peer.expect("250 \"TLSv1.3 cn:ala\"\r\n").await;
    let shown = server.connections(9);
    assert_eq!((shown[0].user.as_deref(), shown[0].protocol), (Some("cn:ala"), "greeting"));
    assert_eq!(shown[0].tls.as_ref().unwrap().client_name.as_deref(), Some("ala"));
    let no_certificate = self::trusts(&ca);
    // Without the certificate the handshake fails, and the connection with it.
    let socket = after(addr, "STARTTLS\r\n", "220 greeting\r\n220 go ahead\r\n").await;
    if let Ok(stream) = limit(no_certificate.connect(socket, "localhost")).await {
        Peer::over(stream).read_to_end().await;
    }
    until(|| server.snapshot().server.tls_failures == 1).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_in_time() {
    let ca = Ca::new();
    let config = Config::default().tls_handshake_timeout(Duration::from_millis(50));
    let server = start(builder(&[]).tls(tls(&ca)).config(config)).await;
    let addr = listen(&server, Listen::new()).await;
    for behind in ["", "\x16\x03\x01"] {
        let first = format!("STARTTLS\r\n{behind}");
        let mut socket = after(addr, first, "220 greeting\r\n220 go ahead\r\n").await;
        let mut rest = Vec::new();
        let _ = limit(socket.read_to_end(&mut rest)).await;
        assert!(rest.is_empty(), "{}", rest.escape_ascii());
    }
    until(|| server.snapshot().server.opening_timeouts == 2).await;
}

#[tokio::test]
async fn tls_is_offered_where_the_listener_has_it() {
    let ca = Ca::new();
    let without = start(builder(&[])).await;
    let with = start(builder(&[]).tls(tls(&ca))).await;
    for (server, options) in [(&without, Listen::new()), (&with, Listen::new().tls_policy(TlsPolicy::Off))] {
        let mut peer = Peer::connect(listen(server, options).await).await;
        peer.expect("220 greeting\r\n").await;
        peer.send(format!("HELP\r\nSTARTTLS\r\n{CALL}")).await;
        peer.expect("214 CALL QUIT\r\n500 what?\r\n250 \"plain -\"\r\n").await;
    }
    let mut peer = Peer::connect(listen(&with, Listen::new().tls_policy(TlsPolicy::Allow)).await).await;
    peer.expect("220 greeting\r\n").await;
    peer.send(format!("HELP\r\n{CALL}")).await;
    peer.expect("214 CALL QUIT STARTTLS\r\n250 \"plain -\"\r\n").await;
}

#[tokio::test]
async fn a_proxys_header_comes_before_the_greeting() {
    let proxies = ProxyProtocol::from_peers(["127.0.0.0/8"]).unwrap();
    let server = start(builder(&[]).proxy_protocol(proxies)).await;
    let addr = listen(&server, Listen::new()).await;
    for pieces in each_split(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n") {
        let mut peer = Peer::connect(addr).await;
        peer.send_pieces(&pieces).await;
        peer.expect("220 greeting\r\n").await;
        assert_eq!(server.connections(1)[0].peer.to_string(), "192.0.2.7:4711");
        peer.send("QUIT\r\n").await;
        peer.expect_closed().await;
        until(|| server.open_connections() == 0).await;
    }
    let mut peer = Peer::connect(addr).await;
    peer.send(CALL).await;
    peer.expect_closed().await;
}

#[tokio::test]
async fn beside_other_protocols_one_that_greets_needs_an_opening() {
    let server = start(builder(&[])).await;
    let mut page = Peer::connect(server.addr).await;
    assert_eq!(page.http("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.body, "ok\n");
    let text = page.http("GET /protocols HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.body;
    assert!(text.contains("greeting  ") && text.contains("its listener"), "{text}");
    // A peer that waits for a greeting is told nothing.
    let mut peer = Peer::connect(server.addr).await;
    peer.send("EHLO x\r\n").await;
    let answer = String::from_utf8(peer.read_to_end().await).unwrap();
    assert!(!answer.contains("220 greeting"), "{answer}");

    let server = start(builder(&[b"CALL "])).await;
    let both = Listen::new().only(["greeting", "http"]);
    let both = tcp(limit(server.listen_with("127.0.0.1:0", both)).await.unwrap());
    for addr in [server.addr, both] {
        for pieces in each_split(CALL.as_bytes()) {
            let mut peer = Peer::connect(addr).await;
            peer.send_pieces(&pieces).await;
            peer.expect("220 greeting\r\n250 \"plain -\"\r\n").await;
        }
    }
}

#[tokio::test]
async fn listeners_where_a_greeting_could_not_work_are_refused() {
    let ca = Ca::new();
    let optional = ProxyProtocol::from_peers(["127.0.0.1"]).unwrap().optional();
    let server = start(builder(&[]).tls(tls(&ca))).await;
    for (options, text) in [
        (
            Listen::new().only(["http", "greeting"]),
            "protocol \"greeting\" speaks first and has no preface: it needs a listener of its own",
        ),
        (
            Listen::new().only(["greeting"]).proxy_protocol(optional),
            "protocol \"greeting\" speaks first: whether an optional PROXY header comes before it is not told",
        ),
        (
            Listen::new().only(["greets"]).tls_policy(TlsPolicy::Allow),
            "protocol \"greets\" speaks first: whether to greet in plain is not told where TLS is allowed and not \
             required",
        ),
    ] {
        let error = limit(server.listen_with("127.0.0.1:0", options)).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (std::io::ErrorKind::InvalidInput, text));
    }
}

#[tokio::test]
async fn one_that_does_not_upgrade_greets_under_its_listeners_tls() {
    let ca = Ca::new();
    let server = start(builder(&[]).tls(tls(&ca))).await;
    let addr = tcp(limit(server.listen_only("127.0.0.1:0", &["greets"])).await.unwrap());
    let socket = limit(TcpStream::connect(addr)).await.unwrap();
    let mut peer = Peer::over(limit(trusts(&ca).connect(socket, "localhost")).await.unwrap());
    peer.expect("220 greeting\r\n").await;
    peer.send(CALL).await;
    peer.expect("250 \"TLSv1.3 -\"\r\n").await;
    let off = Listen::new().only(["greets"]).tls_policy(TlsPolicy::Off);
    let off = tcp(limit(server.listen_with("127.0.0.1:0", off)).await.unwrap());
    Peer::connect(off).await.expect("220 greeting\r\n").await;
}
