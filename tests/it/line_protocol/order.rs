//! What a session whose replies are in order holds, and for how long.

use super::Lines;
use rpcwrap::{Config, Credentials, Phase};
use rpcwrap_tests::{
    limit,
    raw::{Peer, each_split},
    server::{TestServer, start, tcp},
    services::{Gate, services},
    until,
};
use std::{net::SocketAddr, time::Duration};

/// The services of all tests, those behind `gate`, and a user.
async fn serve(gate: &Gate, config: Config) -> (TestServer, SocketAddr) {
    let users = Credentials::new([("ala", vec!["kot"])]);
    let builder = services().service(gate.service()).credentials(users).config(config).protocol(Lines);
    let server = start(builder).await;
    let addr = tcp(limit(server.listen_only("127.0.0.1:0", &["lines"])).await.unwrap());
    (server, addr)
}

/// How many calls of this method there were.
fn calls(server: &TestServer, method: &str) -> u64 {
    let methods = server.snapshot().methods;
    methods.iter().find(|one| format!("{}.{}", one.service, one.method) == method).unwrap().stats.calls
}

/// Requests of the oldest connection that are not answered.
fn in_flight(server: &TestServer) -> u64 {
    server.connections(1).first().map_or(0, |connection| connection.in_flight)
}

/// `Stream.Count n` answered.
fn counted(n: u64) -> String {
    (0..n).map(|index| format!("{{\"C\":{n},\"Index\":{index}}}\n")).chain([".\n".to_owned()]).collect()
}

/// Lines and all their answers: each kind of request behind each.
const DIALOG: (&str, &str) = (
    "PING\nArith.Multiply 7 8\nNope.X 1\nArith.Multiply 7 x\nStream.Count 1\nPING\nCtx.Who ''\nAUTH ala kot\n\
     Ctx.Who ''\nArith.Divide 1 0\nArith.Multiply A=2 B=3\nQUIT\n",
    "PONG\n56\nERR rpc: can't find service Nope.X\nERR field B: wants int64, got \"x\"\n{\"C\":1,\"Index\":0}\n.\nPONG\n\
     \"lines  -\"\nOK\n\"lines  ala\"\nERR divide by zero\n6\nBYE\n",
);

#[tokio::test]
async fn lines_in_any_pieces() {
    let (_server, addr) = serve(&Gate::default(), Config::default()).await;
    let (lines, answers) = DIALOG;
    for pieces in each_split(lines.as_bytes()) {
        let mut peer = Peer::connect(addr).await;
        peer.send_pieces(&pieces).await;
        let got = String::from_utf8(peer.read_to_end().await).unwrap();
        assert_eq!(got, answers, "{} pieces", pieces.len());
    }
}

/// Everything behind a call that waits runs, and waits for its turn.
#[tokio::test]
async fn all_behind_a_slow_call_wait_for_it() {
    let gate = Gate::default();
    let (server, addr) = serve(&gate, Config::default()).await;
    let mut peer = Peer::connect(addr).await;
    let lines =
        "Gate.Wait 1\nArith.Multiply 7 8\nPING\nNope.X\nGate.Wait 2\nStream.Count 2\nArith.Multiply 1 2\n";
    peer.send(lines).await;
    // All have begun, and those that could are done.
    until(|| gate.entered() == 2 && in_flight(&server) == 7).await;
    assert_eq!((calls(&server, "Arith.Multiply"), calls(&server, "Stream.Count")), (2, 1));
    let mut other = Peer::connect(addr).await;
    other.send("PING\n").await;
    other.expect("PONG\n").await;
    gate.open(1);
    peer.expect("1\n56\nPONG\nERR rpc: can't find service Nope.X\n").await;
    until(|| in_flight(&server) == 3).await;
    gate.open(1);
    peer.expect(format!("2\n{}2\n", counted(2))).await;
    // With nothing before it a reply is written in place.
    peer.send("PING\nArith.Multiply 2 2\n").await;
    peer.expect("PONG\n4\n").await;
    until(|| in_flight(&server) == 0).await;
}

#[tokio::test]
async fn a_stream_is_answered_whole_before_the_next() {
    let gate = Gate::default();
    let (_server, addr) = serve(&gate, Config::default()).await;
    let mut peer = Peer::connect(addr).await;
    peer.send("Gate.Stream 0\nPING\n").await;
    for n in 0..3 {
        gate.open(1);
        peer.expect(format!("{n}\n")).await;
    }
}

#[tokio::test]
async fn what_waits_for_its_turn_is_bounded() {
    let gate = Gate::default();
    let config = Config::default().max_in_flight(4);
    let (server, addr) = serve(&gate, config).await;
    let mut peer = Peer::connect(addr).await;
    // Calls, refusals and answers of the session itself count alike.
    peer.send("Gate.Wait 1\nPING\nNope.X\nArith.Multiply 1 1\nArith.Multiply 2 2\nPING\n").await;
    until(|| calls(&server, "Arith.Multiply") == 1).await;
    assert_eq!(in_flight(&server), 4);
    gate.open(1);
    peer.expect("1\nPONG\nERR rpc: can't find service Nope.X\n1\n4\nPONG\n").await;

    // And bytes: of ten answers in forty bytes no more than the limit is held.
    let config = Config::default().max_output_bytes(20);
    let (server, addr) = serve(&gate, config).await;
    let mut peer = Peer::connect(addr).await;
    peer.send(format!("Gate.Wait 1\n{}", "PING\n".repeat(10))).await;
    until(|| in_flight(&server) > 1).await;
    assert_eq!(in_flight(&server), 1 + 4);
    gate.open(1);
    peer.expect(format!("1\n{}", "PONG\n".repeat(10))).await;
}

#[tokio::test]
async fn more_than_one_batch_waits_for_its_turn() {
    let gate = Gate::default();
    let (server, addr) = serve(&gate, Config::default().max_in_flight(5000)).await;
    let mut peer = Peer::connect(addr).await;
    let numbers: Vec<String> = (0..1000).map(|n| format!("Arith.Multiply {n} 1\n")).collect();
    peer.send(format!("Gate.Wait 7\n{}Stream.Count 600\nQUIT\n", numbers.concat())).await;
    until(|| in_flight(&server) == 1003).await;
    gate.open(1);
    let products: String = (0..1000).map(|n| format!("{n}\n")).collect();
    let got = String::from_utf8(peer.read_to_end().await).unwrap();
    assert_eq!(got, format!("7\n{products}{}BYE\n", counted(600)));
}

#[tokio::test]
async fn all_before_a_quit_is_answered_and_nothing_behind_it() {
    let gate = Gate::default();
    let (server, addr) = serve(&gate, Config::default()).await;
    let mut peer = Peer::connect(addr).await;
    peer.send("Gate.Wait 1\nArith.Multiply 7 8\nQUIT\nArith.Multiply 7 8\nPING\n").await;
    until(|| in_flight(&server) == 3).await;
    gate.open(1);
    peer.expect("1\n56\nBYE\n").await;
    peer.expect_closed().await;
    assert_eq!(calls(&server, "Arith.Multiply"), 1);
}

/// Nothing behind a login is decoded before it is decided.
#[tokio::test]
async fn calls_behind_a_login_are_made_as_that_user() {
    let gate = Gate::default();
    let (server, addr) = serve(&gate, Config::default()).await;
    let mut peer = Peer::connect(addr).await;
    peer.send("Gate.Wait 1\nCtx.Who ''\nAUTH ala pies\nCtx.Who ''\nAUTH ala kot\nCtx.Who ''\n").await;
    until(|| calls(&server, "Ctx.Who") == 3).await;
    let stats = server.snapshot().server;
    assert_eq!((stats.logins, stats.login_failures, stats.unknown_calls), (1, 1, 0));
    assert_eq!(server.connections(1)[0].user.as_deref(), Some("ala"));
    gate.open(1);
    let who = |user: &str| format!("\"lines  {user}\"\n");
    peer.expect(format!("1\n{}ERR authentication failed\n{}OK\n{}", who("-"), who("-"), who("ala"))).await;
}

#[tokio::test]
async fn a_half_closed_peer_is_answered_in_full() {
    let gate = Gate::default();
    let (server, addr) = serve(&gate, Config::default()).await;
    for (rest, malformed) in [("", 0), ("Arith.Mul", 1)] {
        let mut peer = Peer::connect(addr).await;
        peer.send(format!("Gate.Wait 1\nPING\nAUTH ala kot\nCtx.Who ''\n{rest}")).await;
        peer.half_close().await;
        until(|| gate.entered() == 1 + malformed as usize).await;
        gate.open(1);
        peer.expect("1\nPONG\nOK\n\"lines  ala\"\n").await;
        peer.expect_closed().await;
        until(|| server.snapshot().server.malformed == malformed).await;
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_ends_what_comes_behind_it() {
    let gate = Gate::default();
    let (server, addr) = serve(&gate, Config::default().max_message_bytes(1 << 10)).await;
    let mut peer = Peer::connect(addr).await;
    peer.send(format!("Gate.Wait 1\nPING\n{}\nPING\n", "x".repeat(1025))).await;
    until(|| gate.entered() == 1).await;
    gate.open(1);
    peer.expect("1\nPONG\n").await;
    peer.expect_closed().await;
    until(|| server.snapshot().server.malformed == 1).await;
}

/// Calls that come to nothing keep their place.
#[tokio::test]
async fn a_deadline_is_answered_in_its_turn() {
    let gate = Gate::default();
    let (_server, addr) = serve(&gate, Config::default()).await;
    let mut peer = Peer::connect(addr).await;
    peer.send("Gate.Wait 1\nGate.Brief 2\nPING\n").await;
    until(|| gate.left() == 1).await;
    gate.open(1);
    peer.expect("1\nERR rpc: deadline exceeded after 30 ms\nPONG\n").await;
    peer.send("Gate.Brief 2\nPING\n").await;
    peer.expect("ERR rpc: deadline exceeded after 30 ms\nPONG\n").await;
}

#[tokio::test]
async fn calls_of_a_peer_that_vanishes_end_with_it() {
    let gate = Gate::default();
    let (server, addr) = serve(&gate, Config::default()).await;
    let mut peer = Peer::connect_resetting(addr).await;
    peer.send("Gate.Wait 1\nGate.Wait 2\nArith.Multiply 7 8\nPING\n").await;
    until(|| in_flight(&server) == 4).await;
    drop(peer);
    until(|| gate.left() == 2 && server.open_connections() == 0).await;
}

#[tokio::test]
async fn a_draining_server_refuses_and_answers_in_order() {
    let gate = Gate::default();
    let (server, addr) = serve(&gate, Config::default()).await;
    let mut peer = Peer::connect(addr).await;
    peer.send("Gate.Wait 1\n").await;
    until(|| gate.entered() == 1).await;
    let drained = tokio::join!(server.drain(Duration::from_secs(600)), async {
        until(|| server.snapshot().phase == Phase::Draining).await;
        peer.send("Arith.Multiply 7 8\nPING\n").await;
        until(|| in_flight(&server) == 3).await;
        gate.open(1);
        peer.expect("1\nERR rpc: server is draining\nPONG\n").await;
        peer.expect_closed().await;
    });
    assert_eq!((drained.0.cut, server.snapshot().server.drained_calls), (0, 1));
}
