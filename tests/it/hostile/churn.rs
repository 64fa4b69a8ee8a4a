//! What comes and goes by the ten thousand: nothing of it stays.

use super::{Good, MIB, alone};
use crate::program::Program;
use rpcwrap_tests::{
    raw::{CONNECTED, Peer, json_request, opening},
    until, within,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

const AT_ONCE: usize = 32;

/// Connects, calls once and closes, so many times; the client closes first.
async fn come_and_go(program: &Program, connections: usize) {
    let (addr, left) = (program.addr, Arc::new(AtomicUsize::new(connections)));
    let mut peers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let left = left.clone();
        peers.spawn(async move {
            let one = |left: usize| left.checked_sub(1);
            while let Ok(id) = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one) {
                let mut peer = Peer::connect(addr).await;
                let call = json_request("Arith.Multiply", &format!("{{\"A\":{id},\"B\":2}}"), id as u64);
                peer.send([opening("/_json_rpc_"), call.into()].concat()).await;
                peer.expect(CONNECTED).await;
                peer.expect(format!("{{\"id\":{id},\"result\":{},\"error\":null}}\n", id * 2)).await;
            }
        });
    }
    within(Duration::from_secs(120), peers.join_all()).await;
}

#[tokio::test]
async fn twenty_thousand_connections_of_one_call_leave_nothing() {
    let program = Program::daemon(&[]).await;
    come_and_go(&program, 2_000).await;
    alone(&program).await;
    let (before, descriptors) = (program.resident_bytes(), program.descriptors());
    come_and_go(&program, 20_000).await;
    assert_eq!(alone(&program).await["methods"]["Arith.Multiply"]["calls"], 22_000);
    let grown = program.resident_bytes().saturating_sub(before);
    println!("20,000 connections: {} KiB more memory", grown >> 10);
    assert!(grown <= 4 * MIB, "{} KiB more memory", grown >> 10);
    // Who asks may be on its way out.
    until(|| program.descriptors() <= descriptors + 1).await;
    program.end_quietly().await;
}

/// As a kernel under attack has them: established, reset, and still to be accepted.
#[tokio::test]
async fn three_thousand_resets_in_the_accept_queue_are_no_failures() {
    let program = Program::daemon(&[]).await;
    let good = Good::now_and_then(program.addr);
    for round in 1..=3_u64 {
        let before = alone_beside_good(&program).await;
        program.signal("STOP").await;
        for _ in 0..1_000 {
            drop(Peer::connect_resetting(program.addr).await);
        }
        program.signal("CONT").await;
        let mut served = Peer::connect_codec(program.addr, "json").await;
        assert_eq!(served.call("Arith.Multiply", "{\"A\":7,\"B\":8}", round).await["result"], 56);
        let after = alone_beside_good(&program).await;
        println!("{} of 1,000 resets came out of the queue", after - before);
    }
    good.stop().await;
    let counters = &alone(&program).await["counters"];
    assert_eq!((&counters["accept_failures"], &counters["malformed"]), (&0.into(), &0.into()));
    program.end_quietly().await;
}

/// Connections that said nothing, so far.
async fn alone_beside_good(program: &Program) -> u64 {
    super::vars(program).await["counters"]["silent_probes"].as_u64().unwrap()
}

#[tokio::test]
async fn ten_thousand_panics_cost_no_memory() {
    let program = Program::daemon(&[]).await;
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    let mut before = 0;
    // One call in a hundred panics, as often as it takes.
    for round in 0..1_000_u64 {
        let good = json_request("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).repeat(99);
        peer.send([&good, &json_request("Fail.Panic", "1", 2).repeat(10)[..]].concat()).await;
        let mut panicked = 0;
        for _ in 0..109 {
            let line = peer.read_line().await;
            if line == r#"{"id":2,"result":null,"error":"rpc: method panicked"}"# {
                panicked += 1;
            } else {
                assert_eq!(line, r#"{"id":1,"result":56,"error":null}"#);
            }
        }
        assert_eq!(panicked, 10);
        if round == 100 {
            before = program.resident_bytes();
        }
    }
    let grown = program.resident_bytes().saturating_sub(before);
    println!("10,000 panics: {} KiB more memory", grown >> 10);
    assert!(grown <= MIB, "{} KiB more memory", grown >> 10);
    drop(peer);
    assert_eq!(alone(&program).await["counters"]["panics"], 10_000);
    program.signal("INT").await;
    assert_eq!(program.end().await.0.code(), Some(0));
}
