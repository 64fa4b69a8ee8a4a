//! Options of methods: a task of its own, a thread of its own, a limit of its own.

use rpcwrap::{Context, Error, Method, Service};
use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::start,
    services::{Gate, services},
    until,
};
use serde_json::json;
use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
};

#[tokio::test]
async fn a_blocking_method_does_not_block_its_connection() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let here = thread::current().id();
    let block = move |n: i64| -> Result<String, Error> {
        released.lock().unwrap().recv().unwrap();
        Ok(format!("{n} {}", thread::current().id() == here))
    };
    let service = Service::new("Work").with(Method::blocking("Block", block));
    let server = start(services().service(service)).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Work.Block", "1", 1)).await;
    // This runtime has one thread; were it the one that blocks, there would be no answer.
    assert_eq!(peer.call("Echo.Int", "5", 2).await["id"], 2);
    release.send(()).unwrap();
    assert_eq!(peer.read_json().await, json!({"id": 1, "result": "1 false", "error": null}));
}

#[tokio::test]
async fn a_spawned_method_runs_beside_its_connection() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Gate.Spawned", "\"a\"", 1)).await;
    assert_eq!(peer.call("Echo.Int", "5", 2).await["id"], 2);
    gate.open(1);
    assert_eq!(peer.read_json().await["result"], "a");
}

#[tokio::test]
async fn a_blocking_handler_can_ask_whether_its_caller_waits() {
    let (asked, answers) = mpsc::channel();
    let watch = move |cx: Context, (): ()| -> Result<(), Error> {
        asked.send(cx.is_cancelled()).unwrap();
        while !cx.is_cancelled() {
            thread::yield_now();
        }
        asked.send(true).unwrap();
        Ok(())
    };
    let service = Service::new("Work").with(Method::blocking("Watch", watch));
    let server = start(services().service(service)).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    peer.send(json_request("Work.Watch", "null", 1)).await;
    let answers = Arc::new(Mutex::new(answers));
    let next = || {
        let answers = answers.clone();
        tokio::task::spawn_blocking(move || {
            answers.lock().unwrap().recv_timeout(rpcwrap_tests::LIMIT).unwrap()
        })
    };
    assert!(!next().await.unwrap());
    peer.call("_goRPC_.Cancel", "{\"Seq\":1}", 2).await;
    assert!(next().await.unwrap());
}

#[tokio::test]
async fn a_method_at_its_limit_refuses_calls_as_busy() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut one = Peer::connect_codec(server.addr, "json").await;
    let mut two = Peer::connect_codec(server.addr, "json").await;
    one.send(json_request("Gate.Two", "1", 1)).await;
    two.send(json_request("Gate.Two", "2", 2)).await;
    until(|| gate.entered() == 2).await;
    let text = "rpc: server overloaded: Gate.Two already has 2 calls in flight";
    assert_eq!(one.call("Gate.Two", "3", 3).await, json!({"id": 3, "result": null, "error": text}));
    assert_eq!(server.snapshot().server.busy_calls, 1);
    gate.open(2);
    assert_eq!(
        (one.read_json().await["result"].clone(), two.read_json().await["result"].clone()),
        (1.into(), 2.into())
    );
    gate.open(1);
    assert_eq!(one.call("Gate.Two", "4", 4).await["result"], 4);
}
