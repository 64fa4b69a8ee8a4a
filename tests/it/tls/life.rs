//! The life of a connection under TLS: time limits, half-close, large replies, drain, other certificates, memory.

use super::{builder, connect, dial, refusal, serves, tcp, trusts};
use crate::program::Program;
use rpcwrap::{Config, TlsConfig};
use rpcwrap_client::TlsError;
use rpcwrap_tests::{
    certificates::{Ca, Scratch},
    limit,
    raw::{CONNECTED, Peer, json_request, opening},
    server::start,
    until,
};
use std::{fs, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

#[tokio::test]
async fn a_tls_handshake_has_a_time_limit_of_its_own() {
    let ca = Ca::new();
    // One handshake has to be done in time.
    let (first_byte, handshake) = (Duration::from_millis(1000), Duration::from_millis(500));
    let config = Config::default().first_byte_timeout(first_byte).tls_handshake_timeout(handshake);
    let config = config.max_connections(1);
    let server = start(builder(serves(&ca.server())).config(config)).await;
    for (bytes, least, detail) in [
        (&b""[..], first_byte, None),
        (b"\x16", handshake, Some("in the TLS handshake")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", handshake, Some("in the TLS handshake")),
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
    // After the handshake the first bytes have their time again.
    let mut peer = connect(server.addr, &trusts(&ca)).await;
    let start = Instant::now();
    peer.expect_closed().await;
    assert!(start.elapsed() >= first_byte, "{:?}", start.elapsed());
    assert_eq!(server.snapshot().server.opening_timeouts, 4);
}

#[tokio::test]
async fn closed_before_a_request_is_a_probe() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()))).await;
    // Without a byte; in the hello; after the handshake, with and without a good-bye; after the CONNECT.
    drop(tcp(server.addr).await);
    tcp(server.addr).await.write_all(b"\x16\x03\x01\x02").await.unwrap();
    drop(connect(server.addr, &trusts(&ca)).await);
    connect(server.addr, &trusts(&ca)).await.half_close().await;
    connect(server.addr, &trusts(&ca)).await.handshake("/_json_rpc_").await.half_close().await;
    until(|| server.snapshot().server.probes == 5).await;
    let seen = server.snapshot();
    assert_eq!((seen.server.silent_probes, seen.server.tls_failures, seen.failed_openings.len()), (1, 0, 0));
}

#[tokio::test]
async fn a_half_closed_connection_gets_its_replies_and_a_good_bye() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()))).await;
    let mut stream = limit(trusts(&ca).connect(tcp(server.addr).await, "localhost")).await.unwrap();
    let request = [opening("/_json_rpc_"), json_request("Echo.String", "\"hi\"", 1).into_bytes()].concat();
    stream.write_all(&request).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // An error if the end were not said within TLS.
    limit(stream.read_to_end(&mut answer)).await.unwrap();
    let wanted = [CONNECTED, b"{\"id\":1,\"result\":\"hi\",\"error\":null}\n"].concat();
    assert_eq!(answer.escape_ascii().to_string(), wanted.escape_ascii().to_string());
}

#[tokio::test]
async fn a_client_that_reads_late_gets_everything() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()))).await;
    // The pipe takes 64 KiB: what is beyond lies encrypted in the server, which has no more to write, until it is read.
    for len in [1_000, 70_000, 100_000, 120_000, 1_000_000] {
        let mut stream = limit(trusts(&ca).connect(server.connect().unwrap(), "localhost")).await.unwrap();
        stream_after_connect(&mut stream).await;
        let text = "x".repeat(len);
        let request = json_request("Echo.String", &format!("\"{text}\""), 1);
        limit(stream.write_all(request.as_bytes())).await.unwrap();
        limit(stream.flush()).await.unwrap();
        let taken = len.min(100_000) as u64;
        until(|| server.connections(10).iter().any(|connection| connection.bytes_out >= taken)).await;
        let wanted = format!("{{\"id\":1,\"result\":\"{text}\",\"error\":null}}\n");
        let mut answer = vec![0; wanted.len()];
        limit(stream.read_exact(&mut answer)).await.unwrap();
        assert!(answer == wanted.as_bytes(), "{len}");
    }
}

async fn stream_after_connect<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S) -> &mut S {
    stream.write_all(&opening("/_json_rpc_")).await.unwrap();
    let mut answer = [0; CONNECTED.len()];
    limit(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, CONNECTED);
    stream
}

#[tokio::test]
async fn a_drain_ends_idle_connections_with_a_good_bye() {
    let ca = Ca::new();
    let server = start(builder(serves(&ca.server()))).await;
    let mut stream = limit(trusts(&ca).connect(tcp(server.addr).await, "localhost")).await.unwrap();
    stream_after_connect(&mut stream).await;
    let mut page = limit(trusts(&ca).connect(tcp(server.addr).await, "localhost")).await.unwrap();
    page.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    limit(page.read_exact(&mut first)).await.unwrap();
    let drained = tokio::spawn(async move { server.drain(Duration::from_secs(600)).await });
    let mut rest = Vec::new();
    limit(stream.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest.escape_ascii().to_string(), "");
    limit(page.read_to_end(&mut rest)).await.unwrap();
    drop((stream, page));
    assert_eq!(limit(drained).await.unwrap().cut, 0);
}

#[tokio::test]
async fn other_certificates_reach_new_connections_only() {
    let (old, new, scratch) = (Ca::new(), Ca::new(), Scratch::new());
    let write = |ca: &Ca| {
        let certified = ca.server();
        let certificate = scratch.write("cert.pem", &certified.certificate);
        (certificate, scratch.write("key.pem", &certified.key))
    };
    let (certificate, key) = write(&old);
    let server = start(builder(TlsConfig::from_files(&certificate, &key))).await;
    let client = dial(&server, trusts(&old)).await.unwrap();
    let echo = async |text: &str| client.call::<_, String>("Echo.String", text).await.unwrap();
    assert_eq!(echo("before").await, "before");

    write(&new);
    server.reload_tls().unwrap();
    assert_eq!(echo("after").await, "after");
    assert!(matches!(refusal(&server, trusts(&old)).await, TlsError::UnknownIssuer));
    assert!(dial(&server, trusts(&new)).await.is_ok());

    // Half a renewal: the key of one and the certificate of the other. Then none at all.
    fs::write(&certificate, old.server().certificate).unwrap();
    let error = server.reload_tls().unwrap_err().to_string();
    assert!(error.starts_with("unusable certificate and private key"), "{error}");
    fs::remove_file(&key).unwrap();
    let error = server.reload_tls().unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read private key {key}")), "{error}");
    assert!(dial(&server, trusts(&new)).await.is_ok());
    assert_eq!(echo("still").await, "still");
}

#[tokio::test]
async fn the_daemon_reloads_certificates_on_sighup_and_keeps_connections() {
    let (old, new, scratch) = (Ca::new(), Ca::new(), Scratch::new());
    let certified = old.server();
    let certificate = scratch.write("cert.pem", &certified.certificate);
    let key = scratch.write("key.pem", &certified.key);
    let program = Program::daemon(&["--tls-cert", &certificate, "--tls-key", &key, "--tls", "allow"]).await;
    let mut before = connect(program.addr, &trusts(&old)).await.handshake("/_json_rpc_").await;
    let mut plain = Peer::connect_codec(program.addr, "json").await;
    let certified = new.server();
    scratch.write("cert.pem", &certified.certificate);
    scratch.write("key.pem", &certified.key);
    program.signal("HUP").await;
    // The signal says nothing when it is done.
    limit(async {
        while trusts(&new).connect(tcp(program.addr).await, "localhost").await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for peer in [&mut before, &mut plain] {
        assert_eq!(peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await["result"], 56);
    }
    drop((before, plain));
    program.interrupt().await;
}

#[tokio::test]
async fn idle_connections_under_tls_cost_little() {
    const CONNECTIONS: usize = 200;
    let (ca, scratch) = (Ca::new(), Scratch::new());
    let certified = ca.server();
    let certificate = scratch.write("cert.pem", &certified.certificate);
    let key = scratch.write("key.pem", &certified.key);
    let program = Program::daemon(&["--tls-cert", &certificate, "--tls-key", &key, "--tls", "allow"]).await;
    let tls = trusts(&ca);
    let open = async || {
        let mut peer = connect(program.addr, &tls).await.handshake("/_json_rpc_").await;
        peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await;
        peer
    };
    // What the first ones bring into being stays for all.
    let mut first = Vec::new();
    for _ in 0..20 {
        first.push(open().await);
    }
    let before = program.resident_bytes();
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(open().await);
    }
    let each = program.resident_bytes().saturating_sub(before) / CONNECTIONS as u64;
    println!("{CONNECTIONS} idle connections under TLS: {each} bytes each");
    assert!(each <= 24 << 10, "{each} bytes for each idle connection");
    drop((first, idle));
    program.interrupt().await;
}
