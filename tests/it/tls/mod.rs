//! TLS and plain connections on one port: what each of them gets, in all pieces it may come in.

mod client_auth;
mod life;

use rpcwrap::{Builder, Config, Context, Listen, OpeningFailure, Service, TlsConfig, TlsPolicy};
use rpcwrap_client::{AnyCodec, DialError, TlsError};
use rpcwrap_tests::{
    certificates::{Ca, Certified},
    limit,
    raw::{Peer, each_split, opening},
    server::{TestServer, start},
    services::services,
    until,
};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context as Task, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The services of all tests, and `Tls.Who`: version, ALPN, client's name and user, as a handler sees them.
fn builder(tls: TlsConfig) -> Builder {
    let who = |cx: Context, (): ()| async move {
        let Some(tls) = cx.tls() else { return Ok("plain".to_owned()) };
        let or = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let (alpn, name) = (or(tls.alpn.as_deref()), or(tls.client_name.as_deref()));
        Ok(format!("{} {alpn} {name} {}", tls.version, or(cx.user())))
    };
    services().service(Service::new("Tls").method("Who", who)).tls(tls)
}

fn serves(server: &Certified) -> TlsConfig {
    TlsConfig::from_pem(server.certificate.clone(), server.key.clone())
}

/// A client that trusts `ca`.
fn trusts(ca: &Ca) -> rpcwrap_client::TlsConfig {
    rpcwrap_client::TlsConfig::new().ca_pem(ca.pem())
}

/// A TCP connection after its TLS handshake.
async fn connect(addr: SocketAddr, tls: &rpcwrap_client::TlsConfig) -> Peer {
    Peer::over(limit(tls.connect(tcp(addr).await, "localhost")).await.unwrap())
}

async fn tcp(addr: SocketAddr) -> TcpStream {
    let socket = limit(TcpStream::connect(addr)).await.unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

async fn dial(
    server: &TestServer,
    tls: rpcwrap_client::TlsConfig,
) -> Result<rpcwrap_client::Client, DialError> {
    let config = rpcwrap_client::Config::default().tls(tls.server_name("localhost"));
    limit(config.dial_http(&server.addr.to_string(), AnyCodec::Json)).await
}

/// Why it could not be dialled.
async fn refusal(server: &TestServer, tls: rpcwrap_client::TlsConfig) -> TlsError {
    match dial(server, tls).await {
        Err(DialError::Tls { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tls_and_plain_connections_share_a_port() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()).policy(TlsPolicy::Allow))).await;
    let tls = trusts(&ca);
    for _ in 0..3 {
        let mut plain = Peer::connect_codec(server.addr, "json").await;
        assert_eq!(plain.call("Tls.Who", "null", 1).await["result"], "plain");
        let mut secure = connect(server.addr, &tls).await.handshake("/_json_rpc_").await;
        assert_eq!(secure.call("Tls.Who", "null", 1).await["result"], "TLSv1.3 - - -");
        let mut page = connect(server.addr, &tls).await;
        assert_eq!(page.http("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.body, "ok\n");
        // CONNECT after a page, as on a plain connection.
        let mut page = page.handshake("/_json_rpc_").await;
        assert_eq!(page.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 2).await["result"], 56);
        let client = dial(&server, tls.clone()).await.unwrap();
        assert_eq!(client.call::<_, String>("Tls.Who", &()).await.unwrap(), "TLSv1.3 - - -");
    }
    assert_eq!(server.snapshot().server.tls_handshakes, 9);
}

#[tokio::test]
async fn plain_bytes_are_refused_where_tls_is_required() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()))).await;
    let refused = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 48\r\n\
        Connection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let first = [
        &b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"[..],
        &opening("/_json_rpc_"),
        b"{\"method\":\"Tls.Who\",\"params\":[null],\"id\":1}",
        b"\xff\xff\xff\xff",
    ];
    for bytes in first {
        for pieces in each_split(bytes) {
            let mut peer = Peer::connect(server.addr).await;
            peer.send_pieces(&pieces).await;
            peer.expect(refused).await;
            peer.expect_closed().await;
        }
    }
    let failed = server.snapshot().failed_openings;
    assert!(failed.iter().all(|failed| failed.why == OpeningFailure::Plain));
    // Within the program there is no wire to encrypt.
    let mut within = Peer::in_memory_codec(&server, "json").await;
    assert_eq!(within.call("Tls.Who", "null", 1).await["result"], "plain");
}

#[tokio::test]
async fn a_client_hello_on_a_plain_port_is_closed_and_shown() {
    let ca = Ca::new();
    let with = start(builder(serves(&ca.server()))).await;
    let without = start(services()).await;
    let off = limit(with.listen_with("127.0.0.1:0", Listen::new().tls_policy(TlsPolicy::Off))).await.unwrap();
    for (server, addr) in [(&without, without.addr), (&with, rpcwrap_tests::server::tcp(off))] {
        let mut peer = Peer::connect(addr).await;
        peer.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
        peer.expect_closed().await;
        let failed = server.snapshot().failed_openings;
        assert_eq!((failed.len(), failed[0].why), (1, OpeningFailure::Tls));
        assert!(failed[0].hex().starts_with("160301"), "{failed:?}");
        let error = limit(trusts(&ca).connect(tcp(addr).await, "localhost")).await.unwrap_err();
        assert!(matches!(error, TlsError::Io(_)), "{error:?}");
    }
    let error =
        without.listen_with("127.0.0.1:0", Listen::new().tls_policy(TlsPolicy::Allow)).await.unwrap_err();
    assert_eq!(error.to_string(), "TLS, but the server has no certificate");
}

/// A stream whose writes are cut at these places, each piece a segment of its own.
struct Cut {
    socket: TcpStream,
    written: usize,
    /// One byte at a time until here, then in two.
    bytes: usize,
    at: usize,
}

impl AsyncRead for Cut {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Task<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cut {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Task<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let most = match self.written {
            written if written < self.bytes => 1,
            written if written < self.at => self.at - written,
            _ => buf.len(),
        };
        let piece = &buf[..most.min(buf.len())];
        let written = Pin::new(&mut self.socket).poll_write(cx, piece);
        if let Poll::Ready(Ok(n)) = written {
            self.written += n;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_hello_may_come_in_any_pieces() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()).policy(TlsPolicy::Allow))).await;
    let tls = trusts(&ca);
    // The whole handshake byte by byte, then the hello (some 250 bytes) in two at each place.
    for (bytes, at) in [(usize::MAX, 0)].into_iter().chain((1..260).map(|at| (0, at))) {
        let cut = Cut { socket: tcp(server.addr).await, written: 0, bytes, at };
        let mut peer = Peer::over(limit(tls.connect(cut, "localhost")).await.unwrap());
        let page = peer.http("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
        assert_eq!(page.status, 200, "{bytes} {at}");
    }
}

#[tokio::test]
async fn openings_within_tls_may_come_in_any_pieces() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()))).await;
    let tls = trusts(&ca);
    for pieces in each_split(b"CONNECT /_json_rpc_ HTTP/1.0\n\n") {
        let mut peer = connect(server.addr, &tls).await;
        peer.send_pieces(&pieces).await;
        peer.expect(rpcwrap_tests::raw::CONNECTED).await;
        assert_eq!(peer.call("Tls.Who", "null", 1).await["result"], "TLSv1.3 - - -");
    }
}

#[tokio::test]
async fn alpn_says_which_protocol_it_may_be() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()))).await;
    let stream =
        trusts(&ca).alpn(["h3", "http/1.1"]).connect(tcp(server.addr).await, "localhost").await.unwrap();
    assert_eq!(stream.alpn(), Some(&b"http/1.1"[..]));
    let mut peer = Peer::over(stream).handshake("/_json_rpc_").await;
    assert_eq!(peer.call("Tls.Who", "null", 1).await["result"], "TLSv1.3 http/1.1 - -");
    let refused = refusal(&server, trusts(&ca).alpn(["h3"])).await;
    assert!(
        matches!(&refused, TlsError::Refused { alert } if alert == "NoApplicationProtocol"),
        "{refused:?}"
    );
    // A port that does not speak it does not offer it.
    let only = Listen::new().only(["go_rpc"]);
    let only = rpcwrap_tests::server::tcp(limit(server.listen_with("127.0.0.1:0", only)).await.unwrap());
    let stream = trusts(&ca).alpn(["http/1.1"]).connect(tcp(only).await, "localhost").await.unwrap();
    assert_eq!(stream.alpn(), None);
}

#[tokio::test]
async fn the_client_names_why_it_does_not_trust_a_server() {
    let (ca, other) = (Ca::new(), Ca::new());
    let good = start(builder(serves(&ca.server()))).await;
    let refused = refusal(&good, trusts(&other)).await;
    assert!(matches!(refused, TlsError::UnknownIssuer), "{refused:?}");
    assert!(dial(&good, trusts(&other).ca_pem(ca.pem())).await.is_ok());
    assert!(dial(&good, trusts(&other).dangerous_accept_any_certificate()).await.is_ok());

    let addr = good.addr.to_string();
    let named = rpcwrap_client::Config::default().tls(trusts(&ca).server_name("db.example"));
    let error = named.dial_http(&addr, AnyCodec::Json).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no TLS with {addr}"));
    assert!(
        matches!(&error, DialError::Tls { source: TlsError::WrongName { name }, .. } if name == "db.example")
    );
    // The host of the address: an IP address in the certificate.
    let by_address = rpcwrap_client::Config::default().tls(trusts(&ca));
    assert!(by_address.dial_http(&addr, AnyCodec::Json).await.is_ok());

    let expired = start(builder(serves(&ca.server_of_years(2001, 2002)))).await;
    assert!(matches!(refusal(&expired, trusts(&ca)).await, TlsError::Expired));
    let early = start(builder(serves(&ca.server_of_years(2190, 2200)))).await;
    assert!(matches!(refusal(&early, trusts(&ca)).await, TlsError::NotValidYet));
    // Each of them has told the server.
    until(|| good.snapshot().server.tls_failures == 2).await;
    let why: Vec<String> = good.snapshot().failed_openings.iter().map(|failed| failed.text()).collect();
    assert_eq!(
        why,
        [
            "TLS handshake failed: received fatal alert: UnknownCA",
            "TLS handshake failed: received fatal alert: BadCertificate"
        ]
    );
}

#[tokio::test]
async fn a_server_without_tls_and_tls_settings_that_cannot_work_are_errors() {
    let ca = Ca::new();
    // It waits for its peer, and then says in plain words that it does not understand.
    let plain = limit(tokio::net::TcpListener::bind("127.0.0.1:0")).await.unwrap();
    let addr = plain.local_addr().unwrap();
    let answer = async {
        let mut peer = Peer::over(plain.accept().await.unwrap().0);
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        peer.read_to_end().await;
    };
    let tls = trusts(&ca);
    let (refused, ()) =
        limit(async { tokio::join!(tls.connect(tcp(addr).await, "localhost"), answer) }).await;
    assert!(matches!(refused, Err(TlsError::NotTls)), "{refused:?}");

    let server = start(builder(serves(&ca.server()))).await;
    let (ours, theirs) = (ca.client("a"), ca.client("b"));
    let new = rpcwrap_client::TlsConfig::new;
    for (tls, text) in [
        (new().ca_file("/nowhere"), "CA /nowhere: No such file or directory (os error 2)"),
        (new().ca_pem("nothing"), "CA: no PEM certificate in it"),
        (trusts(&ca).certificate_pem(ours.certificate.clone(), ""), "private key: "),
        (trusts(&ca).certificate_pem(ours.certificate, theirs.key), "certificate and private key: "),
    ] {
        let refused = refusal(&server, tls).await.to_string();
        assert!(refused.starts_with(text), "{refused}");
    }
    let no_name = trusts(&ca).server_name("a b");
    let error = limit(no_name.connect(tcp(server.addr).await, "x")).await.unwrap_err().to_string();
    assert!(error.starts_with("server name \"a b\": "), "{error}");
}

#[tokio::test]
async fn certificates_that_cannot_be_served_are_errors() {
    let (one, two) = (Ca::new().server(), Ca::new().server());
    for (tls, text) in [
        (TlsConfig::from_files("/nowhere", "/nowhere"), "cannot read private key /nowhere: No such file"),
        (TlsConfig::from_pem("", one.key.clone()), "malformed certificate: no PEM certificate in it"),
        (TlsConfig::from_pem(one.certificate.clone(), "x"), "malformed private key: "),
        (TlsConfig::from_pem(one.certificate.clone(), two.key), "unusable certificate and private key: "),
        (serves(&one).client_ca_pem("x"), "malformed client CA: no PEM certificate in it"),
    ] {
        let error = services().tls(tls).build().unwrap_err().to_string();
        assert!(error.starts_with(text), "{error}");
    }
    let zero = Config::default().tls_handshake_timeout(std::time::Duration::ZERO);
    let error = builder(serves(&one)).config(zero).build().unwrap_err().to_string();
    assert_eq!(error, "tls_handshake_timeout = 0s: must be longer");
}
