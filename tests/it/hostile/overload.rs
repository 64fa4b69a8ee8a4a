//! Far more calls than handlers: the rest is told so at once, and what is counted is what was told. How fast that goes
//! is measured by the program `overload` beside the benchmark.

use super::{alone, threads::Barrier};
use crate::program::{Program, Settings};
use rpcwrap::{Method, Server, Service};
use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::start,
    until,
};
use std::net::SocketAddr;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 16;
const CALLS: u64 = 2_000;

/// Calls answered and calls shed, of so many from every connection at once.
pub(super) async fn overload(addr: SocketAddr) -> (u64, u64) {
    let mut callers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut peer = Peer::connect_codec(addr, "json").await;
        callers.spawn(async move {
            peer.send((0..CALLS).map(|id| json_request("Sleep.For", "1", id)).collect::<String>()).await;
            let (mut done, mut shed) = (0, 0);
            for _ in 0..CALLS {
                let reply = peer.read_json().await;
                if reply["error"] == "rpc: server overloaded" {
                    shed += 1;
                } else {
                    assert_eq!(reply["result"], 1);
                    done += 1;
                }
            }
            (done, shed)
        });
    }
    let (mut done, mut shed) = (0, 0);
    for (more_done, more_shed) in callers.join_all().await {
        (done, shed) = (done + more_done, shed + more_shed);
    }
    println!("{done} answered, {shed} shed");
    assert_eq!(done + shed, CONNECTIONS as u64 * CALLS);
    assert!(done >= 64 && shed >= 64, "{done} answered, {shed} shed");
    (done, shed)
}

#[tokio::test]
async fn twenty_times_too_many_calls_are_all_answered() {
    let settings = Settings::new("overload", "max_calls = 64\n");
    let program = Program::daemon(&["--config", settings.path()]).await;
    let (done, shed) = overload(program.addr).await;
    let vars = alone(&program).await;
    let method = &vars["methods"]["Sleep.For"];
    assert_eq!((&vars["counters"]["shed_calls"], &method["in-flight"]), (&shed.into(), &0.into()));
    assert_eq!((&method["calls"], &method["errors"]), (&(done + shed).into(), &shed.into()));
    program.end_quietly().await;
}

/// A handler that blocks its thread: where it says so it has one of its own, and not even a server of one thread
/// notices. Where it does not, calls wait for its thread: see `threads`.
#[tokio::test]
async fn health_is_told_while_handlers_block_their_threads() {
    let barrier = Barrier::default();
    let inside = barrier.clone();
    let blocks = Method::blocking("Here", move |n: u64| {
        inside.pass();
        Ok(n)
    });
    let server = start(Server::builder().service(Service::new("Block").with(blocks))).await;
    let mut caller = Peer::connect_codec(server.addr, "json").await;
    caller.send((0..8).map(|id| json_request("Block.Here", "7", id)).collect::<String>()).await;
    until(|| barrier.entered() == 8).await;
    let mut page = Peer::connect(server.addr).await;
    for path in ["/healthz", "/livez", "/readyz", "/debug/health", "/metrics"] {
        let page = page.http(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await;
        assert_eq!((page.status, barrier.left()), (200, 0), "{path}");
    }
    barrier.open(8);
    for _ in 0..8 {
        assert_eq!(caller.read_json().await["result"], 7);
    }
}
