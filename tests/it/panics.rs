//! Handlers that panic: an error reply to that call, and nothing happens to any other call.

use rpcwrap::{Error, Service};
use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::start,
    services::{panics, services},
    until,
};
use serde::Serialize;
use serde_json::json;
use std::sync::Once;
use tower::layer::util::Identity;

/// Panics of this mod are meant: not a word about them on the terminal, everything about others.
pub(crate) fn quiet() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let meant = ["at once", "polled", "later", "blocking", "in serialize", "stream", "in drop"];
            let text = info.payload().downcast_ref::<&str>();
            if !text.is_some_and(|text| meant.contains(text)) {
                before(info);
            }
        }));
    });
}

#[tokio::test]
async fn a_handler_that_panics_anywhere_is_an_error_reply() {
    quiet();
    let server = start(services().service(panics())).await;
    let panicked = |id| json!({"id": id, "result": null, "error": "rpc: method panicked"});
    for codec in ["json"] {
        let mut peer = Peer::connect_codec(server.addr, codec).await;
        for (id, method) in
            ["AtOnce", "Polled", "Later", "Spawned", "Blocking", "Reply"].into_iter().enumerate()
        {
            let reply = peer.call(&format!("Panic.{method}"), "{\"A\":13}", id as u64).await;
            assert_eq!(reply, panicked(id), "{method}");
        }
        peer.send(json_request("Panic.Stream", "{}", 9)).await;
        assert_eq!(peer.read_json().await["result"], 0);
        assert_eq!(peer.read_json().await["result"], 1);
        assert_eq!(peer.read_json().await, panicked(9));
        assert_eq!(peer.call("Echo.Int", "5", 10).await["result"], 5);
    }
    assert_eq!(server.snapshot().server.panics, 7);
    crate::replay::no_call_is_left(&server);
}

/// A reply that can be written but not let go of.
#[derive(Serialize)]
struct Sticky(u64);

impl Drop for Sticky {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

#[tokio::test]
async fn a_reply_that_panics_while_encoded_is_an_error_and_the_connection_stays() {
    quiet();
    let sticky = || {
        Service::new("Sticky").method("AtOnce", |n: u64| async move { Ok(Sticky(n)) }).method(
            "Later",
            |n: u64| async move {
                tokio::task::yield_now().await;
                Ok::<_, Error>(Sticky(n))
            },
        )
    };
    for (service, name) in [(sticky(), "plain"), (sticky().layer(Identity::new()), "within a layer")] {
        let server = start(services().service(service)).await;
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        for (id, method) in ["Sticky.AtOnce", "Sticky.Later"].into_iter().enumerate() {
            let reply = peer.call(method, "7", id as u64).await;
            assert_eq!(reply["error"], "rpc: method panicked", "{method} {name}");
            assert_eq!(peer.call("Echo.Int", "5", 10).await["result"], 5, "{method} {name}");
        }
        assert_eq!(server.snapshot().server.panics, 2, "{name}");
        crate::replay::no_call_is_left(&server);
    }
}

#[tokio::test]
async fn ten_thousand_calls_with_a_panic_in_a_hundred_are_all_answered() {
    quiet();
    let server = start(services().service(panics())).await;
    for method in ["Panic.Polled", "Panic.Later"] {
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        for batch in 0..10_u64 {
            let ids = batch * 1000..(batch + 1) * 1000;
            let value = |id: u64| if id % 100 == 50 { 13 } else { id + 1000 };
            let calls: String =
                ids.clone().map(|id| json_request(method, &format!("{{\"A\":{}}}", value(id)), id)).collect();
            peer.send(calls).await;
            let mut answered = 0;
            for _ in ids.clone() {
                let reply = peer.read_json().await;
                let id = reply["id"].as_u64().unwrap();
                assert!(ids.contains(&id));
                answered += id;
                if id % 100 == 50 {
                    assert_eq!(reply["error"], "rpc: method panicked");
                } else {
                    assert_eq!(reply, json!({"id": id, "result": id + 1000, "error": null}));
                }
            }
            assert_eq!(answered, ids.sum::<u64>(), "every call once");
        }
    }
    until(|| server.snapshot().server.panics == 200).await;
    crate::replay::no_call_is_left(&server);
}
