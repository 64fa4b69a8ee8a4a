//! Peers that mean no good, against the server program in a process of its own, so that its memory is its own.
//!
//! What a server has to survive, by number, and where that is shown; other subjects have some of it:
//!
//! | | what | where |
//! |---|---|---|
//! | 1 | 10,000 idle connections, 4 KiB each | `idle`; an active call's time beside them: not measured |
//! | 1 | all connections from one address | `connections` |
//! | 2 | what they leave: descriptors, memory | `idle`; of large messages: `given_back` |
//! | 3 | much before a login | `before_login` |
//! | 3 | 100,000 malformed openings | `malformed` |
//! | 4 | 1,000 peers that drip a head: gone at 10 s | `slow`; the limits as settings: `limits` |
//! | 5 | 1,000 peers that say nothing: gone at 10 s where connections run short, else served | `slow` |
//! | 6 | replies that are not read, in every protocol | `unread`; that others are served at once: `sessions` |
//! | 7, 8 | announced lengths, depth | `announced`; sizes of messages: `limits` |
//! | 9 | no descriptors left | `descriptors` |
//! | 10 | resets in the accept queue | `churn` |
//! | 11 | 20 times too many calls | `overload`; one too many: `life`; how fast: the program `overload` |
//! | 11 | of one address: others keep a share | `fairness` |
//! | 12 | a time limit that has passed | `deadlines`; there is no queue: what waits for its turn is not read |
//! | 13 | SIGTERM under load: no call fails | `daemon`; Go's client: `interop` |
//! | 14 | SIGTERM and a peer that never closes or reads | `daemon`, `shutdown` |
//! | 15 | SIGTERM with 500 in the accept queue | `shutdown` |
//! | 16 | one of three servers killed | not here: balancing clients; what callers learn: `killed` |
//! | 17 | 10,000 panics, a call in eleven; a call in a hundred | `churn`; `panics` |
//! | 18 | handlers that block: health is told | `overload`, for `Method::blocking`; `threads`, for all others |
//! | 18 | it is said which; large messages beside others | `threads` |
//! | 18 | and outlive their calls | `blocking` |
//! | 19 | a peer that vanishes: its handlers go | `sessions`, with its window full: `windows`; keep-alive: `server::listen` |
//! | 20 | a half-closed peer has all its replies | `windows` in every codec, `sessions` |
//! | 21 | openings and requests byte by byte | `sniff`, `connect`, `tls`, and each codec's and protocol's own |
//! | 22 | 10,000 calls in one write; bytes behind the CONNECT | `windows`, `sessions`; `one_port` |
//! | 23 | another protocol's bytes | `one_port`, `sniff`, `proxy_header` |
//! | 24 | health probes are no errors | `probes`, `one_port` |
//! | 25 | small messages that would become large values | `decoded` |
//! | – | types without end, of a gob connection | `gob_types` |
//! | 26 | 6, 7 and 11 together in little memory | `squeezed` |
//! | 30 | 20,000 connections of one call | `churn` |
//! | – | a log that is not read, filled by wrong logins and by panics | `unread_log` |
//! | – | names that would forge lines of the log | `forged_log` |
//! | – | guesses of passwords | `guesses`; their delays: `auth::logins` |
//! | 31 | what kills Go | `go`; with replies unread: `unread` |

mod announced;
mod before_login;
mod blocking;
mod browsers;
mod budget;
mod churn;
mod connections;
mod decoded;
mod fairness;
mod forged_log;
mod given_back;
mod go;
mod gob;
mod gob_types;
mod guesses;
mod idle;
mod malformed;
mod onlookers;
mod overload;
mod probes;
mod slow;
mod squeezed;
mod threads;
mod unread;
mod unread_log;
pub(crate) mod windows;

use crate::program::Program;
use rpcwrap::{Builder, Server, Service, codecs::types::Text};
use rpcwrap_tests::{
    limit,
    raw::{Peer, bson_request, document},
    services::arith,
};
use serde_json::Value;
use std::{net::SocketAddr, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

const MIB: u64 = 1 << 20;

/// What [`Good`] calls, for a server within the test.
fn good_services() -> Builder {
    let echo = Service::new("Echo").method("Say", |text: Text| async move { Ok(text) });
    Server::builder().service(arith()).service(echo)
}

/// A client that means well: calls on one connection and on new ones until told, each answered as it should be.
struct Good {
    over: watch::Sender<bool>,
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
        let (over, is_over) = watch::channel(false);
        let calls = tokio::spawn(Self::call(addr, pause, is_over));
        Self { over, calls }
    }

    async fn call(addr: SocketAddr, pause: Duration, mut over: watch::Receiver<bool>) -> u64 {
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
            if *over.borrow() {
                return calls;
            }
            // Until the next round, or the last.
            let _ = timeout(pause, over.wait_for(|over| *over)).await;
        }
    }

    /// How many calls it was; the last of them is made after this was asked.
    async fn stop(self) -> u64 {
        self.over.send_replace(true);
        limit(self.calls).await.unwrap()
    }
}

/// What `/debug/vars` says.
async fn vars(program: &Program) -> Value {
    Peer::connect(program.addr).await.http("GET /debug/vars HTTP/1.0\r\n\r\n").await.json()
}

/// Waits until no connection is left but the one that asks, as the last to go may still be on their way; what
/// `/debug/vars` says then.
async fn alone(program: &Program) -> Value {
    limit(async {
        loop {
            let vars = vars(program).await;
            if vars["connection-count"] == 1 {
                break vars;
            }
        }
    })
    .await
}
