//! Blocking functions that outlive their calls: they hold what is their method's own, and nothing of other methods.

use super::{Good, good_services};
use rpcwrap::{BlockingLoad, Builder, Config, Method, Service};
use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::{TestServer, start},
    until,
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

/// Lets blocking functions return: all of them, once it is open or gone.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    open: bool,
    entered: usize,
    inside: usize,
    most: usize,
}

impl Gate {
    /// What a function does: at most ten seconds, so that a test that fails ends.
    fn pass(&self) {
        let (state, opened) = &*self.0;
        let mut state = state.lock().unwrap();
        state.entered += 1;
        state.inside += 1;
        state.most = state.most.max(state.inside);
        let limit = Duration::from_secs(10);
        state = opened.wait_timeout_while(state, limit, |state| !state.open).unwrap().0;
        state.inside -= 1;
    }

    fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    /// Functions that have started, that run, and the most that ever ran.
    fn counts(&self) -> (usize, usize, usize) {
        let state = self.0.0.lock().unwrap();
        (state.entered, state.inside, state.most)
    }
}

/// `Block.Few`, at most four in flight, `Block.Many` and `Block.Brief`, which has 1 ms, wait for the gate; `Block.Quick`
/// does not.
fn gated(config: Config) -> (Builder, Gate) {
    let gate = Gate::default();
    let hold = || {
        let gate = gate.clone();
        move |n: u64| {
            gate.pass();
            Ok(n)
        }
    };
    let service = Service::new("Block")
        .with(Method::blocking("Few", hold()).max_in_flight(4))
        .with(Method::blocking("Many", hold()))
        .with(Method::blocking("Brief", hold()).timeout(Duration::from_millis(1)))
        .with(Method::blocking("Quick", |n: u64| Ok(n)));
    (good_services().config(config).service(service), gate)
}

/// Functions of a method that run, and calls that wait for a thread.
fn load(server: &TestServer, method: &str) -> (usize, usize) {
    let snapshot = server.snapshot();
    let method = snapshot.methods.iter().find(|info| info.service == "Block" && info.method == method);
    let BlockingLoad { running, queued, .. } = method.unwrap().blocking.unwrap();
    (running, queued)
}

/// Calls and takes back so many times; how many were refused as busy.
async fn call_and_cancel(peer: &mut Peer, method: &str, times: u64) -> usize {
    let mut busy = 0;
    for id in 0..times {
        let cancel = json_request("_goRPC_.Cancel", &json!({ "Seq": id }).to_string(), times + id);
        peer.send(json_request(method, "1", id) + &cancel).await;
        for reply in [peer.read_json().await, peer.read_json().await] {
            busy += usize::from(is_busy(&reply));
        }
    }
    busy
}

fn is_busy(reply: &Value) -> bool {
    reply["error"].as_str().is_some_and(|error| error.starts_with("rpc: server overloaded: Block."))
}

#[tokio::test]
async fn a_permit_is_that_of_the_function_and_not_of_its_call() {
    let (builder, gate) = gated(Config::default());
    let server = start(builder).await;
    let good = Good::now_and_then(server.addr);
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    // Of each of these calls the function either runs, or waits for a thread and goes with its call.
    let mut calls = 0;
    while gate.counts().0 < 4 {
        call_and_cancel(&mut peer, "Block.Few", 1).await;
        calls += 1;
        assert!(calls < 10_000, "{:?}", gate.counts());
    }
    assert_eq!(call_and_cancel(&mut peer, "Block.Few", 100).await, 100);
    assert_eq!((gate.counts(), load(&server, "Few")), ((4, 4, 4), (4, 0)));
    assert_eq!(peer.call("Block.Quick", "5", 9).await["result"], 5);
    gate.open();
    until(|| load(&server, "Few") == (0, 0)).await;
    assert_eq!(peer.call("Block.Few", "5", 9).await["result"], 5);
    good.stop().await;
}

#[tokio::test]
async fn a_deadline_frees_no_thread() {
    let (builder, gate) = gated(Config::default().max_blocking(4).max_blocking_queue(4));
    let server = start(builder).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let mut late = 0;
    while gate.counts().0 < 4 {
        let reply = peer.call("Block.Brief", "5", 1).await;
        assert_eq!(reply["error"], "rpc: deadline exceeded after 1 ms");
        late += 1;
        assert!(late < 10_000, "{:?}", gate.counts());
    }
    // Now they only wait, and go when their time is over.
    for _ in 0..20 {
        assert_eq!(peer.call("Block.Brief", "5", 1).await["error"], "rpc: deadline exceeded after 1 ms");
    }
    assert_eq!((gate.counts(), load(&server, "Brief")), ((4, 4, 4), (4, 0)));
    gate.open();
    until(|| load(&server, "Brief") == (0, 0)).await;
    assert_eq!(gate.counts(), (4, 0, 4));
}

#[tokio::test]
async fn a_method_that_does_not_end_makes_its_own_callers_busy() {
    let (builder, gate) = gated(Config::default().max_blocking(8).max_blocking_queue(16));
    let server = start(builder).await;
    let good = Good::now_and_then(server.addr);
    let mut peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
    peer.send((0..100).map(|id| json_request("Block.Many", "1", id)).collect::<String>()).await;
    for _ in 24..100 {
        let reply = peer.read_json().await;
        assert!(is_busy(&reply), "{reply}");
    }
    until(|| load(&server, "Many") == (8, 16)).await;
    let mut other = Peer::connect_codec(server.addr, "json").await;
    assert!(is_busy(&other.call("Block.Many", "1", 1).await));
    for id in 0..20 {
        assert_eq!(other.call("Block.Quick", "5", id).await["result"], 5);
    }
    let metrics = Peer::connect(server.addr).await.http("GET /metrics HTTP/1.0\r\n\r\n").await.body;
    for (state, functions) in [("running", 8), ("queued", 16)] {
        let labels = format!("service=\"Block\",method=\"Many\",state=\"{state}\"");
        let line = format!("rpcwrap_server_blocking{{{labels}}} {functions}\n");
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
    // Those that wait go with their connection and never run; those that run are all there ever were.
    drop(peer);
    until(|| load(&server, "Many") == (8, 0)).await;
    gate.open();
    until(|| load(&server, "Many") == (0, 0)).await;
    assert_eq!(gate.counts(), (8, 0, 8));
    assert_eq!(other.call("Block.Many", "5", 1).await["result"], 5);
    assert_eq!(server.snapshot().server.busy_calls, 77);
    good.stop().await;
}
