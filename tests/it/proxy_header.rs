//! Behind a proxy: whose word counts, what it says, and what becomes of headers that are none.

use rpcwrap::{
    Builder, Config, Context, Listen, OpeningFailure, PeerAddr, ProxyProtocol, Service, TlsConfig,
    protocol::{Conn, ConnCx, Protocol, ServeFuture, Served, Sniff},
};
use rpcwrap_tests::{
    certificates::Ca,
    limit,
    raw::{CONNECTED, Peer, each_split, opening},
    server::{TestServer, start, tcp},
    services::services,
    until,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Instant};

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// HAProxy's health check with `send-proxy-v2`.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [V2, &[command, family], &len, rest].concat()
}

/// Beside it, HTTP is not all there is to choose from, and so does not answer every unknown byte.
struct Other;

impl Protocol for Other {
    fn name(&self) -> &'static str {
        "other"
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![b"\x01other".to_vec()]
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        Sniff::magic(head, b"\x01other")
    }

    fn serve(self: Arc<Self>, _: Conn, _: ConnCx) -> ServeFuture {
        Box::pin(async { Ok(Served::Closed) })
    }
}

/// The services of all tests, and `Peer.Addr`: where a handler sees its caller.
fn builder(proxies: ProxyProtocol) -> Builder {
    let addr = |cx: Context, (): ()| async move { Ok(cx.peer_addr().to_string()) };
    services().service(Service::new("Peer").method("Addr", addr)).protocol(Other).proxy_protocol(proxies)
}

fn loopback() -> ProxyProtocol {
    ProxyProtocol::from_peers(["127.0.0.0/8"]).unwrap()
}

/// Headers and the address they make; `None` for that of the socket.
fn headers() -> Vec<(Vec<u8>, Option<&'static str>)> {
    let v4 = b"\xc0\0\x02\x01\x7f\0\0\x01\x12\x67\x1b\x9e";
    let mut v6 = [0; 36];
    v6[..16].copy_from_slice(b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07");
    v6[32..34].copy_from_slice(b"\x12\x67");
    vec![
        (b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 7070\r\n".into(), Some("192.0.2.1:4711")),
        (b"PROXY TCP6 2001:db8::7 ::1 4711 7070\r\n".into(), Some("[2001:db8::7]:4711")),
        (b"PROXY UNKNOWN\r\n".into(), None),
        (v2(0x21, 0x11, v4), Some("192.0.2.1:4711")),
        (v2(0x21, 0x21, &v6), Some("[2001:db8::7]:4711")),
        (v2(0x21, 0x11, &[&v4[..], b"\x04\0\x02\0\0"].concat()), Some("192.0.2.1:4711")),
        (v2(0x21, 0x00, b""), None),
        (v2(0x20, 0x11, v4), None),
        (LOCAL.into(), None),
    ]
}

/// The caller's address as a handler sees it, on a connection that starts with these pieces.
async fn seen(addr: SocketAddr, pieces: &[&[u8]]) -> (String, SocketAddr) {
    let socket = limit(TcpStream::connect(addr)).await.unwrap();
    let own = socket.local_addr().unwrap();
    socket.set_nodelay(true).unwrap();
    let mut peer = Peer::over(socket);
    peer.send_pieces(pieces).await;
    peer.expect(CONNECTED).await;
    let reply = peer.call("Peer.Addr", "null", 1).await;
    (reply["result"].as_str().unwrap().to_owned(), own)
}

#[tokio::test]
async fn the_client_of_a_trusted_proxy_is_the_peer() {
    let server = start(builder(loopback())).await;
    for (header, client) in headers() {
        let bytes = [&header[..], &opening("/_json_rpc_")].concat();
        for pieces in each_split(&bytes) {
            let (addr, own) = seen(server.addr, &pieces).await;
            assert_eq!(addr, client.map_or(own.to_string(), str::to_owned), "{}", header.escape_ascii());
        }
    }
    assert_eq!(server.snapshot().failed_openings, []);
}

#[tokio::test]
async fn pages_show_the_client_behind_the_proxy() {
    let server = start(builder(loopback())).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send("PROXY TCP4 192.0.2.1 127.0.0.1 4711 7070\r\n").await;
    let mut peer = peer.handshake("/_json_rpc_").await;
    peer.call("Echo.Int", "1", 1).await;
    let client = PeerAddr::Tcp("192.0.2.1:4711".parse().unwrap());
    assert_eq!(server.connections(10)[0].peer, client);
    // And what a client has done wrong is the client's.
    let mut peer = Peer::connect(server.addr).await;
    peer.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 7070\r\n\xff\xff\0").await;
    peer.expect_closed().await;
    let failed = server.snapshot().failed_openings;
    assert_eq!((failed[0].why, &failed[0].peer), (OpeningFailure::Unknown, &client));
}

#[tokio::test]
async fn a_proxy_header_comes_before_tls_and_the_protocol() {
    let ca = Ca::new();
    let certified = ca.server();
    let tls = TlsConfig::from_pem(certified.certificate, certified.key);
    let server = start(builder(loopback()).tls(tls)).await;
    let client = rpcwrap_client::TlsConfig::new().ca_pem(ca.pem());
    for (header, addr) in headers() {
        let mut socket = limit(TcpStream::connect(server.addr)).await.unwrap();
        let own = socket.local_addr().unwrap().to_string();
        socket.write_all(&header).await.unwrap();
        let stream = limit(client.connect(socket, "localhost")).await.unwrap();
        let mut peer = Peer::over(stream).handshake("/_json_rpc_").await;
        let wanted = addr.map_or(own, str::to_owned);
        assert_eq!(peer.call("Peer.Addr", "null", 1).await["result"], wanted);
    }
}

/// What becomes of a connection that starts like this; it has to be closed without a word.
async fn failure(server: &TestServer, addr: SocketAddr, bytes: &[u8]) -> OpeningFailure {
    let before = server.snapshot().failed_openings.len();
    let mut peer = Peer::connect(addr).await;
    let _ = peer.try_send(bytes).await;
    peer.expect_closed().await;
    until(|| server.snapshot().failed_openings.len() > before).await;
    server.snapshot().failed_openings[before].why
}

#[tokio::test]
async fn headers_from_other_addresses_are_not_believed() {
    let elsewhere = ProxyProtocol::from_peers(["192.0.2.0/24", "unix"]).unwrap();
    let strangers = start(builder(elsewhere)).await;
    let server = start(builder(loopback())).await;
    let direct = tcp(limit(server.listen_with("127.0.0.1:0", Listen::new().direct())).await.unwrap());
    for (server, addr) in [(&strangers, strangers.addr), (&server, direct)] {
        for (header, _) in headers() {
            let bytes = [&header[..], &opening("/_json_rpc_")].concat();
            assert_eq!(
                failure(server, addr, &bytes).await,
                OpeningFailure::Unknown,
                "{}",
                header.escape_ascii()
            );
        }
        // They are served as who they are.
        let (addr, own) = seen(addr, &[&opening("/_json_rpc_")]).await;
        assert_eq!(addr, own.to_string());
    }
}

#[tokio::test]
async fn a_trusted_proxy_has_to_say_it_unless_it_may_be_silent() {
    let server = start(builder(loopback())).await;
    for bytes in [
        &opening("/_json_rpc_")[..],
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    ] {
        assert_eq!(failure(&server, server.addr, bytes).await, OpeningFailure::NoProxyHeader);
    }
    assert_eq!(server.snapshot().server.proxy_failures, 3);
    let optional =
        limit(server.listen_with("127.0.0.1:0", Listen::new().proxy_protocol(loopback().optional()))).await;
    let optional = tcp(optional.unwrap());
    for pieces in each_split(&opening("/_json_rpc_")) {
        let (addr, own) = seen(optional, &pieces).await;
        assert_eq!(addr, own.to_string());
    }
    let bytes = [b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 7070\r\n", &opening("/_json_rpc_")[..]].concat();
    assert_eq!(seen(optional, &[&bytes]).await.0, "192.0.2.1:4711");
    // Once only, and first.
    let twice = [b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 7070\r\n", &bytes[..]].concat();
    assert_eq!(failure(&server, optional, &twice).await, OpeningFailure::Unknown);
    // Letters that two openings share are waited for.
    let mut peer = Peer::connect(optional).await;
    peer.send_pieces(&[
        b"P",
        b"O",
        b"ST /Peer/Addr HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nnull",
    ])
    .await;
    assert_eq!(peer.read_http(false).await.status, 200);
}

#[tokio::test]
async fn hostile_headers_are_refused_when_it_can_be_known() {
    let server = start(builder(loopback())).await;
    for header in [
        // A length that will never be read, and one that is a lie.
        &[V2, b"\x21\x11\xff\xff"].concat()[..],
        &[V2, b"\x20\x00\xff\xff"].concat(),
        &[V2, b"\x21\x11\x20\x01"].concat(),
        &v2(0x21, 0x11, b"\x01\x02\x03"),
        &v2(0x21, 0x21, &[0; 35]),
        &v2(0x21, 0x41, &[0; 300]),
        &v2(0x2f, 0x11, &[0; 12]),
        &v2(0x21, 0x11, b"\xc0\0\x02\x01\x7f\0\0\x01\x12\x67\x1b\x9e\x03\0\x04\0\0\0\0"),
        &[&b"PROXY UNKNOWN "[..], &[b'x'; 4000]].concat(),
        b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 7070\nGET / HTTP/1.0\r\n\r\n",
        b"PROXY TCP4 192.0.2.1 4711 7070\r\n",
        b"PROXY TCP4 999.0.2.1 127.0.0.1 4711 7070\r\n",
        b"PROXY \r\n",
    ] {
        assert_eq!(
            failure(&server, server.addr, header).await,
            OpeningFailure::ProxyHeader,
            "{}",
            header.escape_ascii()
        );
    }
    let failed = server.snapshot().failed_openings;
    assert_eq!(failed[0].text(), "malformed PROXY header: message of 65551 bytes, limit 8192");
}

#[tokio::test]
async fn checks_of_the_proxy_itself_leave_no_trace() {
    let server = start(builder(loopback())).await;
    let tcp4 = b"PROXY TCP4 127.0.0.1 127.0.0.1 36390 17011\r\n";
    let bytes = [&b""[..], b"PRO", LOCAL, tcp4];
    for bytes in bytes {
        // Resets, as HAProxy does, and good-byes.
        let mut peer = Peer::connect_resetting(server.addr).await;
        peer.send(bytes).await;
        drop(peer);
        let mut peer = Peer::connect(server.addr).await;
        peer.send(bytes).await;
        peer.half_close().await;
        peer.expect_closed().await;
    }
    until(|| server.snapshot().server.probes == 8).await;
    let seen = server.snapshot();
    assert_eq!((seen.server.proxy_failures, seen.server.unknown_openings), (0, 0));
    assert_eq!(seen.failed_openings, []);
    // `check-send-proxy` with httpchk: both in one segment.
    let mut peer = Peer::connect(server.addr).await;
    assert_eq!(peer.http([LOCAL, b"GET /healthz HTTP/1.0\r\n\r\n"].concat()).await.body, "ok\n");
}

#[tokio::test]
async fn a_proxy_header_has_a_time_limit_of_its_own() {
    let (header, first_byte) = (Duration::from_millis(100), Duration::from_millis(300));
    let config = Config::default().proxy_header_timeout(header).first_byte_timeout(first_byte);
    let config = config.max_connections(1);
    let server = start(builder(loopback()).config(config)).await;
    for (bytes, least, detail) in [
        (&b""[..], header, None),
        (b"PROXY TCP4", header, Some("in the PROXY header")),
        (V2, header, Some("in the PROXY header")),
        (LOCAL, first_byte, None),
        (b"PROXY UNKNOWN\r\nGET", first_byte, Some("")),
    ] {
        let before = server.snapshot().failed_openings.len();
        let mut peer = Peer::connect(server.addr).await;
        let start = Instant::now();
        peer.send(bytes).await;
        peer.expect_closed().await;
        assert!(start.elapsed() >= least, "{}: {:?}", bytes.escape_ascii(), start.elapsed());
        let failed = server.snapshot().failed_openings;
        let told = failed.get(before).map(|failed| failed.detail.as_str());
        assert_eq!(told, detail, "{}", bytes.escape_ascii());
        until(|| server.open_connections() == 0).await;
    }
    assert_eq!(server.snapshot().server.opening_timeouts, 5);
}
