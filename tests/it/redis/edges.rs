//! Bytes that are no requests, and more of them than anyone should send.

use super::request;
use rpcwrap::Credentials;
use rpcwrap_tests::{raw::Peer, server::start, services::services, until};

/// What is sent, and what is told before the close.
const ENDS: &[(&str, &str)] = &[
    ("*1\r\n*1\r\n", "expected '$', got '*'"),
    ("*1000000000\r\n", "invalid multibulk length"),
    ("*3000000000\r\n", "invalid multibulk length"),
    ("*+1\r\n", "invalid multibulk length"),
    ("*1\r\n$99999999999\r\n", "invalid bulk length"),
    ("*1\r\n$-1\r\n", "invalid bulk length"),
    ("*1\r\n$+4\r\nPING\r\n", "invalid bulk length"),
    ("*1\r\n$4\r\nPINGxx", "expected CRLF after a bulk"),
    ("*1\r\n+PING\r\n", "expected '$', got '+'"),
    ("$4\r\nPING\r\n", "expected '*', got '$'"),
    ("PING \"\r\n", "unbalanced quotes in request"),
];

#[tokio::test]
async fn bytes_out_of_step_are_told_so_behind_all_replies() {
    let server = start(services()).await;
    for (sent, told) in ENDS {
        let mut peer = Peer::connect(server.addr).await;
        peer.send([&request("Arith.Multiply 7 8")[..], sent.as_bytes(), &request("PING")].concat()).await;
        peer.expect(format!(":56\r\n-ERR Protocol error: {told}\r\n")).await;
        peer.expect_closed().await;
    }
    until(|| server.snapshot().server.malformed == ENDS.len() as u64).await;
}

/// Before a login and after one: told, closed, and little is held for them meanwhile.
#[tokio::test]
async fn floods_are_bounded() {
    let users = Credentials::new([("ala", ["kot"])]);
    let server = start(services().credentials(users).require_login()).await;
    let mut good = Peer::connect(server.addr).await;
    good.send(request("AUTH ala kot")).await;
    good.expect("+OK\r\n").await;
    let nested = "*1\r\n".repeat(100_000);
    let line = "x".repeat(1 << 20);
    let word = format!("*2\r\n$4\r\nECHO\r\n$16384\r\n{}", "x".repeat(10_000));
    for is_known in [false, true] {
        for sent in [&nested, &format!("*{line}"), &format!("PING {line}"), &word, "*1000000000\r\n"] {
            let mut peer = Peer::connect(server.addr).await;
            if is_known {
                peer.send(request("AUTH ala kot")).await;
                peer.expect("+OK\r\n").await;
            }
            peer.try_send(sent).await.ok();
            if !std::ptr::eq(sent, word.as_str()) {
                let told = String::from_utf8(peer.read_to_end().await).unwrap();
                // A reset may have taken it.
                assert!(told.is_empty() || told.starts_with("-ERR Protocol error: "), "{told}");
                continue;
            }
            until(|| server.connections(9).iter().any(|one| one.bytes_in > 10_000)).await;
            let held = server.connections(9).iter().map(|one| one.held).max().unwrap();
            assert!(held <= 256 << 10, "{held}");
        }
    }
    good.send(request("Arith.Multiply 7 8")).await;
    good.expect(":56\r\n").await;
}
