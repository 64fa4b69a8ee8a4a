//! Logins, and what a peer may do before one.

use super::request;
use rpcwrap::Credentials;
use rpcwrap_tests::{
    raw::Peer,
    server::{TestServer, start},
    services::services,
    until,
};

const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
const NOAUTH: &str = "-NOAUTH Authentication required.\r\n";

async fn guarded() -> TestServer {
    let users = Credentials::new([("ala", vec!["kot"]), ("default", vec!["pies"])]);
    start(services().credentials(users).require_login()).await
}

#[tokio::test]
async fn nothing_but_a_login_is_answered_before_it() {
    let server = guarded().await;
    let mut peer = Peer::connect(server.addr).await;
    for words in ["PING", "Arith.Multiply 7 8", "CALL Nope.X", "NOPE", "INFO", "CLIENT ID", "SELECT 0"] {
        peer.send(request(words)).await;
        peer.expect(NOAUTH).await;
    }
    peer.send(request("HELLO 3")).await;
    assert!(peer.read_line().await.starts_with("-NOAUTH HELLO must be called with the client already"));
    for (words, reply) in
        [("AUTH ala kotek", WRONG), ("AUTH ala", WRONG), ("PING", NOAUTH), ("AUTH pies", "+OK\r\n")]
    {
        peer.send(request(words)).await;
        match reply {
            // The third wrong one would close.
            WRONG if words == "AUTH ala" => peer.expect(WRONG).await,
            reply => peer.expect(reply).await,
        }
    }
    peer.send([request("Ctx.Who ''"), request("AUTH ala kot"), request("Ctx.Who ''")].concat()).await;
    peer.expect("$14\r\nredis  default\r\n+OK\r\n$10\r\nredis  ala\r\n").await;
    assert_eq!(server.connections(1)[0].user.as_deref(), Some("ala"));
    // RESET is the end of the login.
    peer.send([request("RESET"), request("PING")].concat()).await;
    peer.expect(format!("+RESET\r\n{NOAUTH}")).await;
}

#[tokio::test]
async fn hello_logs_in_and_chooses_the_version_or_neither() {
    let server = guarded().await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send(request("HELLO 3 AUTH ala pies SETNAME me")).await;
    peer.expect(WRONG).await;
    peer.send([request("HELLO 3 AUTH ala kot SETNAME me"), request("Echo.Bool true")].concat()).await;
    let reply = String::from_utf8(peer.read_until("#t\r\n").await).unwrap();
    assert!(
        reply.starts_with("%7\r\n$6\r\nserver\r\n") && reply.contains("$5\r\nproto\r\n:3\r\n"),
        "{reply}"
    );
    assert_eq!(server.connections(1)[0].label.name, "me");
}

#[tokio::test]
async fn three_wrong_ones_are_the_last() {
    let server = guarded().await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send(request("AUTH ala pies").repeat(4)).await;
    peer.expect(WRONG.repeat(3)).await;
    peer.expect_closed().await;
    until(|| server.snapshot().server.login_failures == 3).await;
}

#[tokio::test]
async fn limits_are_small_before_the_login() {
    let server = guarded().await;
    let bulk = |len: usize| format!("*2\r\n$4\r\nPING\r\n${len}\r\n{}\r\n", "x".repeat(len));
    for (sent, told) in [
        (format!("*11\r\n{}", "$1\r\nx\r\n".repeat(11)), "unauthenticated multibulk length"),
        (bulk(16_385), "unauthenticated bulk length"),
        (format!("PING {}\r\n", "x".repeat(16 << 10)), "too big inline request"),
    ] {
        let mut peer = Peer::connect(server.addr).await;
        peer.try_send(&sent).await.ok();
        peer.expect(format!("-ERR Protocol error: {told}\r\n")).await;
        peer.expect_closed().await;
        let mut known = Peer::connect(server.addr).await;
        known.send(request("AUTH ala kot")).await;
        known.expect("+OK\r\n").await;
        known.send(&sent).await;
        let first = known.read_line().await;
        assert!(!first.contains("Protocol error"), "{first}");
    }
    let mut peer = Peer::connect(server.addr).await;
    peer.send(bulk(16_384)).await;
    peer.expect(NOAUTH).await;
}

#[tokio::test]
async fn a_server_without_users_has_none_to_log_in_as() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send(request("AUTH kot")).await;
    assert!(
        peer.read_line().await.starts_with("-ERR AUTH <password> called without any password configured")
    );
    peer.send(request("AUTH ala kot")).await;
    peer.expect(WRONG).await;
}
