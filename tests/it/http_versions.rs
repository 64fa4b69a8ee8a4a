//! Requests of HTTP/1.x whose framing is in doubt, and what HTTP/1.0 does without chunks.

use rpcwrap_tests::{raw::Peer, server::start, services::services};

#[tokio::test]
async fn requests_whose_framing_is_in_doubt_are_refused_and_closed() {
    let server = start(services()).await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (headers, status) in [
        ("".to_owned(), 400),
        ("Host: a\r\nHost: a\r\n".to_owned(), 400),
        ("Host: a\r\nHost: b\r\n".to_owned(), 400),
        (format!("Host: 127.0.0.1\r\n{chunked}{chunked}"), 400),
        ("Host: 127.0.0.1\r\nTransfer-Encoding: gzip, chunked\r\n".to_owned(), 501),
    ] {
        let mut peer = Peer::connect(server.addr).await;
        let body = "d\r\n{\"A\":7,\"B\":8}\r\n0\r\n\r\n";
        let reply = peer.http(format!("POST /Arith/Multiply HTTP/1.1\r\n{headers}\r\n{body}")).await;
        assert_eq!((reply.status, reply.header("connection")), (status, Some("close")), "{headers}");
        peer.expect_closed().await;
    }
    // HTTP/1.0 knows no Host, and a CONNECT names its own.
    for request in ["GET /healthz HTTP/1.0\r\n\r\n", "CONNECT /_json_rpc_ HTTP/1.1\r\n\r\n"] {
        let mut peer = Peer::connect(server.addr).await;
        peer.send(request).await;
        assert!(peer.read_line().await.contains(" 200 "), "{request}");
    }
}

/// HTTP/1.0 has no chunks: what is of unknown length ends with the connection, whatever the client would like.
#[tokio::test]
async fn streams_over_http_1_0_end_with_their_connection() {
    let server = start(services()).await;
    let ask = |path: &str, body: &str| {
        let len = body.len();
        format!("POST {path} HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: {len}\r\n\r\n{body}")
    };
    let mut peer = Peer::connect(server.addr).await;
    for _ in 0..2 {
        let reply = peer.http(ask("/Arith/Multiply", "{\"A\":7,\"B\":8}")).await;
        assert_eq!((reply.body.trim_end(), reply.header("connection")), ("56", Some("keep-alive")));
    }
    peer.send(ask("/Stream/Count", "{\"N\":3}")).await;
    let answer = String::from_utf8(peer.read_to_end().await).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("connection: close") && !head.contains("transfer-encoding"), "{head}");
    assert_eq!(body.lines().count(), 3, "{body}");
}

/// Whatever the client has asked for: one that is told both may wait on a connection that is closed.
#[tokio::test]
async fn a_reply_of_http_1_0_says_close_or_keep_alive() {
    let server = start(services()).await;
    let keeps = "HTTP/1.0\r\nConnection: keep-alive\r\n";
    for (request, told) in [
        (format!("GET /healthz {keeps}\r\n"), &["keep-alive"][..]),
        (format!("POST /Stream/Count {keeps}Content-Length: 7\r\n\r\n{{\"N\":3}}"), &["close"]),
        (format!("POST /Nope/Nope {keeps}Content-Length: 9999999\r\n\r\n"), &["close"]),
        (format!("GET /healthz {keeps}Host: a\r\nHost: b\r\n\r\n"), &["close"]),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), &[]),
    ] {
        let reply = Peer::connect(server.addr).await.http(&request).await;
        let said = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
        assert_eq!(said.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), told, "{request}");
    }
}
