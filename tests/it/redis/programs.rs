//! Commands of the program's own, and how all are listed.

use super::request;
use rpcwrap::{Command, Config, ConfigError, Context, Credentials, Server, User, Users};
use rpcwrap_tests::{raw::Peer, server::start, services::services};
use std::time::Duration;

fn commands() -> rpcwrap::Builder {
    services()
        .command(Command::new("sum", |all: Vec<i64>| async move { Ok(all.iter().sum::<i64>()) }).read_only())
        .command(Command::new("GET", |key: String| async move { Ok(format!("value of {key}")) }))
        .command(
            Command::new("FLUSHCACHE", |cx: Context, (): ()| async move { Ok(cx.user().map(str::to_owned)) })
                .summary("Empties the cache.")
                .admin(),
        )
        .command(
            Command::new("FOREVER", |(): ()| std::future::pending::<Result<(), rpcwrap::Error>>())
                .timeout(Duration::from_millis(20)),
        )
}

#[tokio::test]
async fn commands_of_the_program_are_run_by_name() {
    let server = start(commands()).await;
    let mut peer = Peer::connect(server.addr).await;
    for (words, reply) in [
        ("SUM 1 2 3", ":6\r\n"),
        ("sum [4,5]", ":9\r\n"),
        ("SUM x", "-ERR invalid argument: "),
        ("GET a", "$10\r\nvalue of a\r\n"),
        ("GET", "-ERR wrong number of arguments for 'get' command: 0 arguments given, 1 wanted: string\r\n"),
        ("FOREVER", "-TIMEOUT rpc: deadline exceeded after 20 ms\r\n"),
        ("FLUSHCACHE", "-NOPERM this server has no users"),
    ] {
        let mut own = Peer::connect(server.addr).await;
        own.send(request(words)).await;
        own.expect(reply).await;
    }
    // A long line of HTTP is not taken for a command.
    let page = format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "x".repeat(5000));
    assert_eq!(Peer::connect(server.addr).await.http(page).await.status, 404);
    // No other protocol reaches them.
    assert!(server.call::<_, i64>("SUM", &[1]).await.is_err());
    peer.send(request("COMMAND INFO sum flushcache nope")).await;
    let info = String::from_utf8(peer.read_until("*3\r\n").await).unwrap();
    assert!(info.starts_with("*3\r\n"), "{info}");
    peer.send(request("HELP flushcache")).await;
    assert!(String::from_utf8(peer.read_until("Empties the cache.").await).unwrap().contains("FLUSHCACHE"));
}

#[tokio::test]
async fn those_for_admins_are_for_admins() {
    let users = Users::new([
        User::new("ala").secret("kot").admin(true),
        User::new("bob").secret("pies").allow(["Arith.*"]),
    ]);
    let server = start(commands().credentials(Credentials::from(users.unwrap()))).await;
    for (login, words, reply) in [
        ("ala kot", "FLUSHCACHE", "$3\r\nala\r\n"),
        ("ala kot", "FLUSHCACHE 1", "-ERR wrong number of arguments for 'flushcache' command: "),
        ("bob pies", "FLUSHCACHE", "-NOPERM bob is no admin\r\n"),
        ("bob pies", "SUM 1", "-NOPERM rpc: bob may not call SUM\r\n"),
        ("bob pies", "Arith.Multiply 1 2", ":2\r\n"),
    ] {
        let mut peer = Peer::connect(server.addr).await;
        peer.send([request(&format!("AUTH {login}")), request(words)].concat()).await;
        peer.expect("+OK\r\n").await;
        peer.expect(reply).await;
    }
    let mut unknown = Peer::connect(server.addr).await;
    unknown.send(request("FLUSHCACHE")).await;
    unknown.expect("-NOAUTH Authentication required.\r\n").await;
}

/// One that becomes more in memory than is decoded in place is run all the same, for admins or not.
#[tokio::test]
async fn commands_take_what_becomes_large() {
    let count = |name| Command::new(name, |lists: Vec<[u64; 32]>| async move { Ok(lists.len()) });
    let ala = User::new("ala").secret("kot").admin(true).rate(0.001, Some(2));
    let users = Credentials::from(Users::new([ala]).unwrap());
    let server =
        start(services().command(count("COUNT")).command(count("COUNTALL").admin()).credentials(users));
    let server = server.await;
    let lists = format!("[[]{}]", ",[]".repeat(9_999));
    let mut peer = Peer::connect(server.addr).await;
    peer.send(request("AUTH ala kot")).await;
    peer.expect("+OK\r\n").await;
    for name in ["COUNT", "COUNTALL"] {
        peer.send(request(&format!("{name} {lists}"))).await;
        peer.expect(":10000\r\n").await;
    }
    // Each has counted once.
    peer.send(request(&format!("COUNTALL {lists}"))).await;
    peer.expect("-BUSY rpc: server overloaded: user ala: over its rate").await;
}

#[test]
fn names_that_no_command_can_have() {
    for (name, why) in [
        ("PING", "is taken by another command"),
        ("config", "is taken by another command"),
        ("POST", "is how connections of another protocol begin"),
        ("A.B", "must be letters, digits, `_` and `-`, a letter first"),
        ("", "must be letters, digits, `_` and `-`, a letter first"),
    ] {
        let command = Command::new(name, |(): ()| async { Ok(()) });
        let error = Server::builder().command(command).build().unwrap_err();
        let name = name.to_ascii_uppercase();
        assert_eq!(error, ConfigError::BadName { what: "command", name, why });
    }
    let twice = || Command::new("TWICE", |(): ()| async { Ok(()) });
    assert!(Server::builder().command(twice()).command(twice()).build().is_err());
    assert!(Server::builder().config(Config::default()).command(twice()).build().is_ok());
}
