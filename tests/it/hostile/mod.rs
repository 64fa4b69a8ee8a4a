//! Peers that mean no good, against the server program in a process of its own, so that its memory is its own.

mod announced;
mod idle;
mod malformed;
mod slow;
mod unread;
mod windows;

use crate::program::Program;
use rpcwrap_tests::{
    limit,
    raw::{Peer, bson_request, document},
    within,
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;

const MIB: u64 = 1 << 20;

/// A client that means well: calls on one connection and on new ones until told, each answered as it should be.
struct Good {
    over: Arc<AtomicBool>,
    calls: JoinHandle<u64>,
}

impl Good {
    /// One call after the other.
    fn without_pause(addr: SocketAddr) -> Self {
        Self::start(addr, Duration::ZERO)
    }

    /// 50 calls and a new connection about ten times a second, for tests that last.
    fn now_and_then(addr: SocketAddr) -> Self {
        Self::start(addr, Duration::from_millis(100))
    }

    fn start(addr: SocketAddr, pause: Duration) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let calls = tokio::spawn(Self::call(addr, pause, over.clone()));
        Self { over, calls }
    }

    async fn call(addr: SocketAddr, pause: Duration, over: Arc<AtomicBool>) -> u64 {
        let mut peer = Peer::connect_codec(addr, "json").await;
        let mut calls = 0;
        loop {
            for id in calls..calls + 50 {
                let reply = peer.call("Arith.Multiply", &format!("{{\"A\":{id},\"B\":2}}"), id).await;
                assert_eq!((&reply["id"], &reply["result"]), (&id.into(), &(id * 2).into()));
            }
            calls += 50;
            let mut new = Peer::connect_codec(addr, "bson").await;
            new.send(bson_request("Echo.Say", 1, &document(b"\x05_Val_\0\x02\0\0\0\0hi"))).await;
            new.read_bson_frame().await;
            new.expect(document(b"\x05_Val_\0\x02\0\0\0\0hi")).await;
            if over.load(Ordering::Relaxed) {
                return calls;
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// How many calls it was; the last of them is made after this was asked.
    async fn stop(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        limit(self.calls).await.unwrap()
    }
}

/// What `/debug/vars` says.
async fn vars(program: &Program) -> Value {
    Peer::connect(program.addr).await.http("GET /debug/vars HTTP/1.0\r\n\r\n").await.json()
}

/// Waits until nobody is left but who asks, as the last to go may still be on their way; what `/debug/vars` says then.
async fn alone(program: &Program) -> Value {
    within(Duration::from_secs(10), async {
        loop {
            let vars = vars(program).await;
            if vars["connection-count"] == 1 {
                break vars;
            }
        }
    })
    .await
}
