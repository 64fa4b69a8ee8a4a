//! Who may look and who may change, and that both are what every other protocol sees and does.

use super::request;
use rpcwrap::{Credentials, User, Users};
use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::{TestServer, start},
    services::{Gate, services},
    until,
};

async fn serve(gate: &Gate) -> TestServer {
    let users = Users::new([
        User::new("ala").secret("kot").admin(true),
        User::new("mon").secret("mon").monitor(true),
        User::new("bob").secret("bob"),
    ]);
    start(services().service(gate.service()).credentials(Credentials::from(users.unwrap()))).await
}

async fn known(server: &TestServer, user: &str, secret: &str) -> Peer {
    let mut peer = Peer::connect(server.addr).await;
    peer.send(request(&format!("AUTH {user} {secret}"))).await;
    peer.expect("+OK\r\n").await;
    peer
}

/// What only monitors see.
const LOOKS: &[&str] = &[
    "CLIENTSTATS",
    "RPCSTATS",
    "SQLSTATS 127.0.0.1",
    "CONFIG GET *",
    "SLOWLOG GET",
    "SLOWLOG LEN",
    "CLIENT LIST",
    "LATENCY HISTOGRAM",
    "ACL USERS",
    "ACL LIST",
    "SETLOGLVL",
];
/// What only admins do.
const CHANGES: &[&str] = &[
    "CONFIG SET max_calls 7",
    "SETLOGLVL debug",
    "CLIENT KILL ID 1",
    "CLIENT KILL 127.0.0.1:1",
    "SLOWLOG RESET",
    "RESTART",
    "SHUTDOWN",
    "SHUTDOWN NOW",
];

#[tokio::test]
async fn monitors_look_and_admins_change() {
    let server = serve(&Gate::default()).await;
    let (mut bob, mut monitor) = (known(&server, "bob", "bob").await, known(&server, "mon", "mon").await);
    let mut unknown = Peer::connect(server.addr).await;
    for words in LOOKS.iter().chain(CHANGES) {
        unknown.send(request(words)).await;
        unknown.expect("-NOAUTH Authentication required.\r\n").await;
        bob.send(request(words)).await;
        assert!(bob.read_line().await.starts_with("-NOPERM bob is no "), "{words}");
    }
    for words in LOOKS {
        monitor.send([request(words), request("ECHO end-of-it")].concat()).await;
        let shown = String::from_utf8(monitor.read_until("end-of-it\r\n").await).unwrap();
        assert!(!shown.starts_with('-'), "{words}: {shown}");
    }
    for words in CHANGES {
        monitor.send(request(words)).await;
        monitor.expect("-NOPERM mon is no admin\r\n").await;
    }
    assert_eq!(server.policy().generation(), 0);
}

#[tokio::test]
async fn without_users_this_machine_looks_and_changes_nothing() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    for words in LOOKS {
        peer.send([request(words), request("ECHO end-of-it")].concat()).await;
        let shown = String::from_utf8(peer.read_until("end-of-it\r\n").await).unwrap();
        assert!(!shown.starts_with('-'), "{words}: {shown}");
    }
    for words in CHANGES {
        peer.send(request(words)).await;
        let told = peer.read_line().await;
        assert!(told.starts_with("-NOPERM this server has no users") && told.contains("AUTH"), "{told}");
    }
}

#[tokio::test]
async fn what_is_changed_is_in_force() {
    let server = serve(&Gate::default()).await;
    let mut admin = known(&server, "ala", "kot").await;
    for (words, reply) in [
        ("CONFIG SET max_calls 500 slow_call 2s", "+OK\r\n"),
        ("CONFIG GET max_calls", "*2\r\n$9\r\nmax_calls\r\n$3\r\n500\r\n"),
        ("CONFIG GET save appendonly", "*0\r\n"),
        ("CONFIG SET max_calls 0", "-ERR max_calls = 0: must be at least 1\r\n"),
        ("CONFIG SET nope 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nope'\r\n"),
        (
            "CONFIG SET max_calls 9 slow_call",
            "-ERR Unknown option or number of arguments for CONFIG SET - 'slow_call'\r\n",
        ),
        ("ACL WHOAMI", "$3\r\nala\r\n"),
        ("ACL USERS", "*3\r\n$3\r\nala\r\n$3\r\nbob\r\n$3\r\nmon\r\n"),
        ("SHUTDOWN ABORT", "-ERR No shutdown in progress.\r\n"),
        ("SHUTDOWN SOON", "-ERR syntax error\r\n"),
        ("SHUTDOWN", "-ERR this program does not wait for being told to stop\r\n"),
        ("RESTART", "-ERR this program cannot restart itself\r\n"),
        ("CLIENT KILL TYPE normal", "-ERR syntax error\r\n"),
        ("CLIENT KILL ID x", "-ERR client-id should be greater than 0\r\n"),
        ("DEBUG SLEEP 1", "-ERR unknown command 'DEBUG', with args beginning with: 'SLEEP' '1' \r\n"),
    ] {
        admin.send(request(words)).await;
        admin.expect(reply).await;
    }
    assert_eq!(server.policy().config().max_calls, 500);
}

/// Connections of every protocol are listed and killed.
#[tokio::test]
async fn connections_of_all_protocols_are_shown_and_closed() {
    let gate = Gate::default();
    let server = serve(&gate).await;
    let mut admin = known(&server, "ala", "kot").await;
    let mut go = Peer::connect_codec(server.addr, "json").await;
    go.send(json_request("Gate.Wait", "1", 1)).await;
    until(|| gate.entered() == 1).await;
    admin.send(request("CLIENTSTATS")).await;
    let shown = String::from_utf8(admin.read_until("Gate.Wait\r\n").await).unwrap();
    assert!(shown.contains("go_rpc") && shown.contains("current_call"), "{shown}");
    admin.send([request("CLIENT LIST"), request("CLIENT KILL ID 2")].concat()).await;
    let lines = String::from_utf8(admin.read_until(":1\r\n").await).unwrap();
    assert!(lines.contains("id=2 addr=127.0.0.1:") && lines.contains("proto=go_rpc"), "{lines}");
    go.expect_closed().await;
}

#[tokio::test]
async fn info_has_more_for_monitors() {
    let server = serve(&Gate::default()).await;
    let (mut bob, mut monitor) = (known(&server, "bob", "bob").await, known(&server, "mon", "mon").await);
    bob.send([request("Arith.Multiply 1 2"), request("INFO"), request("ECHO end-of-it")].concat()).await;
    let shown = String::from_utf8(bob.read_until("end-of-it").await).unwrap();
    for part in ["redis_version:", "loading:0\r\n", "role:master\r\n", "connected_slaves:0\r\n"] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(!shown.contains("cmdstat"), "{shown}");
    monitor.send([request("INFO commandstats"), request("ECHO end-of-it")].concat()).await;
    let shown = String::from_utf8(monitor.read_until("end-of-it").await).unwrap();
    assert!(shown.contains("cmdstat_Arith.Multiply:calls=1,") && !shown.contains("redis_version"), "{shown}");
}
