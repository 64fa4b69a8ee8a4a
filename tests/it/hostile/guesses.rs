//! Guesses of passwords: three on a connection, each answered late, and few lines of log for however many there are.

use super::{Good, vars};
use crate::program::{Program, Settings};
use futures_util::future::join_all;
use rpcwrap_tests::raw::Peer;
use std::{net::SocketAddr, time::Instant};

/// `ala:wrong`, and `ala:ma kota`.
const WRONG: &str = "Authorization: Basic YWxhOndyb25n\r\n";
const RIGHT: &str = "Authorization: Basic YWxhOm1hIGtvdGE=\r\n";

/// Connections that guess at the same time.
const AT_ONCE: usize = 32;

fn call(login: &str) -> String {
    format!(
        "POST /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\n{login}Content-Length: 13\r\n\r\n{{\"A\":7,\"B\":8}}"
    )
}

/// Guesses until the connection is closed; how often.
async fn guess(addr: SocketAddr) -> usize {
    let mut peer = Peer::connect(addr).await;
    for guessed in 1.. {
        let reply = peer.http(call(WRONG)).await;
        assert_eq!(reply.status, 401);
        if reply.header("connection") == Some("close") {
            peer.expect_closed().await;
            return guessed;
        }
        // Right ones in between are answered, and change nothing.
        assert_eq!(peer.http(call(RIGHT)).await.body, "56\n");
    }
    unreachable!("a connection is closed")
}

#[tokio::test]
async fn a_connection_has_three_and_the_log_few_lines() {
    let users = Settings::new("guesses-users", r#"{"ala": ["ma kota"]}"#);
    // Longer than the log waits for more failures, so that all of them are in it.
    let file = format!("lame_duck = \"1500ms\"\npages = \"open\"\nauth_credentials = {:?}\n", users.path());
    let settings = Settings::new("guesses", &file);
    let program = Program::daemon(&["--config", settings.path()]).await;
    let good = Good::now_and_then(program.addr);
    let start = Instant::now();
    let guessed = join_all((0..AT_ONCE).map(|_| guess(program.addr))).await;
    assert_eq!(guessed, [3; AT_ONCE]);
    // One who knows the password waits for none of this.
    assert_eq!(Peer::connect(program.addr).await.http(call(RIGHT)).await.body, "56\n");
    assert_eq!(vars(&program).await["counters"]["login_failures"], 3 * AT_ONCE);
    good.stop().await;
    program.signal("TERM").await;
    let (status, log) = program.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    let ones = log.lines().filter(|line| line.contains(": login failed ")).count();
    let sums: Vec<&str> = log.lines().filter(|line| line.contains(": logins failed ")).collect();
    let count = |line: &&str| {
        assert!(line.contains("addresses=1 ") && line.contains("127.0.0.1: "), "{line}");
        line.split("count=").nth(1).unwrap().split(' ').next().unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(ones + sums.iter().map(count).sum::<usize>(), 3 * AT_ONCE, "{log}");
    let most = 1 + start.elapsed().as_secs() as usize;
    assert!(ones + sums.len() <= most, "{} lines, at most {most}: {log}", ones + sums.len());
}

/// What the system lets others read is said, and what everyone could log in with is not served.
#[tokio::test]
async fn empty_secrets_are_refused_at_the_start() {
    for (users, fault) in [
        (r#"{"ala": [""]}"#, Some("user \"ala\": secret 1 is empty")),
        (r#"{"ala": {"secrets": ["x", "plain:"], "admin": true}}"#, Some("user \"ala\": secret 2 is empty")),
        (r#"{"probe": {"secrets": [""], "allow": []}}"#, None),
    ] {
        let users = Settings::new("empty-secrets", users);
        let (code, said) = Program::check(&["--auth-credentials", users.path()]).await;
        assert_eq!(code, Some(if fault.is_some() { 2 } else { 0 }), "{said}");
        assert!(said.contains(fault.unwrap_or("mode 0644: others can read the file")), "{said}");
    }
}
