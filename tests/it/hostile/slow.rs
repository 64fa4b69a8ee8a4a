//! A thousand peers of each kind that take their time, with the limits as they are by default; silent ones are closed
//! where connections run short only, as Go's clients may connect long before their first call.

use super::{Good, vars};
use crate::program::{Program, Settings};
use rpcwrap_tests::{raw::Peer, within};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

/// What each of them sends first, and then every three seconds.
const KINDS: [(&str, &[u8], &[u8]); 2] = [
    ("slow in the first word", b"CO", b"N"),
    ("slow in the head", b"CONNECT /_json_rpc_ HTTP/1.0\n", b"X-Slow: yes\n"),
];
const OF_EACH: [usize; 2] = [100, 1_000];
const SILENT: usize = 1_000;
const DRIP: Duration = Duration::from_secs(3);
/// `first_byte_timeout` and `header_timeout`, give or take one.
const ALLOWED: std::ops::RangeInclusive<f64> = 9.0..=11.0;

/// How long the server puts up with one of them.
async fn endure(addr: SocketAddr, first: &[u8], then: &[u8]) -> Duration {
    let mut peer = TcpStream::connect(addr).await.unwrap();
    let began = Instant::now();
    peer.write_all(first).await.unwrap();
    let mut drip = interval(DRIP);
    drip.set_missed_tick_behavior(MissedTickBehavior::Delay);
    drip.tick().await;
    let mut answer = [0; 1024];
    loop {
        tokio::select! {
            read = peer.read(&mut answer) => match read {
                // A peer that is told why is closed next.
                Ok(1..) => {}
                Ok(0) | Err(_) => return began.elapsed(),
            },
            _ = drip.tick() => if peer.write_all(then).await.is_err() {
                return began.elapsed();
            },
        }
    }
}

#[tokio::test]
async fn thousands_of_slow_peers_are_gone_at_ten_seconds() {
    let program = Program::daemon(&[]).await;
    let good = Good::now_and_then(program.addr);
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(Peer::connect(program.addr).await);
    }
    let (mut peers, addr) = (JoinSet::new(), program.addr);
    for ((kind, first, then), count) in KINDS.into_iter().zip(OF_EACH) {
        for _ in 0..count {
            peers.spawn(async move { (kind, endure(addr, first, then).await.as_secs_f64()) });
        }
    }
    let ends = within(Duration::from_secs(30), peers.join_all()).await;
    for (kind, _, _) in KINDS {
        let times = || ends.iter().filter(|end| end.0 == kind).map(|end| end.1);
        let (first, last) = (times().fold(f64::INFINITY, f64::min), times().fold(0.0, f64::max));
        println!("{} {kind}: gone after {first:.2} to {last:.2} s", times().count());
        assert!(ALLOWED.contains(&first) && ALLOWED.contains(&last), "{kind}: {first:.2} to {last:.2} s");
    }
    println!("{} calls beside them", good.stop().await);
    let vars = vars(&program).await;
    assert_eq!(vars["counters"]["opening_timeouts"], OF_EACH.iter().sum::<usize>());
    // Their first calls are answered all the same, whole or in two.
    for (n, peer) in silent.iter_mut().take(20).enumerate() {
        let request = b"{\"method\":\"Arith.Multiply\",\"params\":[{\"A\":7,\"B\":8}],\"id\":1}";
        peer.send_pieces(&[&request[..n], &request[n..]]).await;
        assert_eq!(peer.read_json().await["result"], 56);
    }
    drop(silent);
    program.end_quietly().await;
}

#[tokio::test]
async fn silent_peers_are_gone_at_ten_seconds_where_they_take_four_fifths() {
    let settings = Settings::new("crowded", "max_connections = 100\n");
    let program = Program::daemon(&["--config", settings.path()]).await;
    let (mut peers, addr) = (JoinSet::new(), program.addr);
    for _ in 0..95 {
        peers.spawn(endure(addr, b"", b""));
    }
    for _ in 0..15 {
        let seconds =
            within(Duration::from_secs(30), peers.join_next()).await.unwrap().unwrap().as_secs_f64();
        assert!(ALLOWED.contains(&seconds), "gone after {seconds:.2} s");
    }
    // The others may stay until more come, each of which sends one away.
    let mut newcomers = Vec::new();
    for _ in 0..5 {
        newcomers.push(Peer::connect_codec(addr, "json").await);
        within(Duration::from_secs(30), peers.join_next()).await.unwrap().unwrap();
    }
    for peer in &mut newcomers {
        assert_eq!(peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await["result"], 56);
    }
    // Who asks is one more.
    let mut asking = Peer::connect(addr).await;
    within(Duration::from_secs(30), peers.join_next()).await.unwrap().unwrap();
    let vars = asking.http("GET /debug/vars HTTP/1.0\r\n\r\n").await.json();
    assert_eq!(vars["counters"]["opening_timeouts"], 21);
    drop((peers, newcomers));
    program.end_quietly().await;
}
