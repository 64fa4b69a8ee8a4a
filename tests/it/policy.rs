//! What changes while the server runs: settings, users, rights and access rules, each change as a whole and for
//! connections that are open.

use crate::auth::login;
use futures_util::future::join_all;
use rpcwrap::{Access, Builder, Credentials, PolicyChange, Service, User, Users};
use rpcwrap_client::{AnyCodec, Client};
use rpcwrap_tests::{
    limit,
    raw::Peer,
    server::{TestServer, start},
    services::services,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Users of whom `ala` has these rights.
fn users(ala: impl FnOnce(User) -> User) -> Credentials {
    let ala = ala(User::new("ala").secret("ma kota"));
    Users::new([ala, User::new("ola").secret("p")]).unwrap().into()
}

fn builder() -> Builder {
    services().credentials(users(|ala| ala))
}

/// The error of one call by JSON, or `ok`.
async fn outcome(peer: &mut Peer, method: &str, args: &str) -> String {
    let reply = peer.call(method, args, 1).await;
    reply["error"].as_str().unwrap_or("ok").to_owned()
}

#[tokio::test]
async fn rights_change_on_connections_that_are_open() {
    const MULTIPLY: (&str, &str) = ("Arith.Multiply", r#"{"A":7,"B":8}"#);
    let server = start(builder()).await;
    let mut ala = login(&server, "ala", "ma kota").await;
    let mut plain = Peer::connect_codec(server.addr, "json").await;
    let change = PolicyChange::new;
    let set = |ala: fn(User) -> User| change().credentials(Some(users(ala)));
    let ola_alone = Users::new([User::new("ola").secret("p")]).unwrap();
    let for_ala = || Access::new().users(["ala"]);
    let (denied, unauthenticated) =
        ("rpc: ala may not call Arith.Multiply", "rpc: Arith.Multiply needs an authenticated connection");
    for (change, of_ala, of_plain) in [
        (change(), "ok", "ok"),
        (set(|ala| ala.allow(["Echo.*"])), denied, "ok"),
        (set(|ala| ala.allow(["*", "!Arith.Divide"])), "ok", "ok"),
        (set(|ala| ala.max_in_flight(1)), "ok", "ok"),
        (change().access("Arith", Some(for_ala())), "ok", unauthenticated),
        (change().access("Arith", Some(Access::new().users(["ola"]))), denied, unauthenticated),
        // A rule of another protocol: there is no such service.
        (
            change().access("Arith", Some(for_ala().protocols(["http"]))),
            "rpc: can't find service Arith.Multiply",
            "rpc: can't find service Arith.Multiply",
        ),
        (change().access("Arith", Some(for_ala())), "ok", unauthenticated),
        // A user that is there no more is unknown, wherever it had logged in.
        (change().credentials(Some(ola_alone.into())), unauthenticated, unauthenticated),
        (set(|ala| ala).access("Arith", None), "ok", "ok"),
        (change().login_required(true), "ok", unauthenticated),
        (change().login_required(false), "ok", "ok"),
    ] {
        let shown = format!("{change:?}");
        server.change_policy(change).unwrap();
        assert_eq!(outcome(&mut ala, MULTIPLY.0, MULTIPLY.1).await, of_ala, "{shown}");
        assert_eq!(outcome(&mut plain, MULTIPLY.0, MULTIPLY.1).await, of_plain, "{shown}");
    }
}

#[tokio::test]
async fn limits_of_a_user_hold_over_all_its_connections_and_changes() {
    let server = start(builder()).await;
    let slow = |ala: User| ala.rate(0.001, Some(2));
    server.change_policy(PolicyChange::new().credentials(Some(users(slow)))).unwrap();
    let mut one = login(&server, "ala", "ma kota").await;
    let mut two = login(&server, "ala", "ma kota").await;
    let mut ola = login(&server, "ola", "p").await;
    assert_eq!(outcome(&mut one, "Arith.Multiply", r#"{"A":7,"B":8}"#).await, "ok");
    assert_eq!(outcome(&mut two, "Arith.Multiply", r#"{"A":7,"B":8}"#).await, "ok");
    let refused = outcome(&mut two, "Arith.Multiply", r#"{"A":7,"B":8}"#).await;
    assert!(refused.starts_with("rpc: server overloaded: user ala: over its rate, wait "), "{refused}");
    assert_eq!(outcome(&mut ola, "Arith.Multiply", r#"{"A":7,"B":8}"#).await, "ok");
    // The same limits again are not a fresh start.
    server.change_policy(PolicyChange::new().credentials(Some(users(slow)))).unwrap();
    let refused = outcome(&mut one, "Arith.Multiply", r#"{"A":7,"B":8}"#).await;
    assert!(refused.starts_with("rpc: server overloaded: user ala: over its rate"), "{refused}");
}

/// A call whose arguments become so much that they are decoded aside is looked at twice, and counts once.
#[tokio::test]
async fn calls_that_become_large_count_once_against_their_users_rate() {
    let slow = users(|ala| ala.rate(0.001, Some(3)).max_in_flight(1));
    let service =
        Service::new("Large").method("Count", |lists: Vec<[u64; 32]>| async move { Ok(lists.len()) });
    let server = start(services().service(service).credentials(slow)).await;
    let mut ala = login(&server, "ala", "ma kota").await;
    let lists = format!("[[]{}]", ",[]".repeat(19_999));
    for _ in 0..3 {
        assert_eq!(ala.call("Large.Count", &lists, 1).await["result"], 20_000);
    }
    let refused = outcome(&mut ala, "Large.Count", &lists).await;
    assert!(refused.starts_with("rpc: server overloaded: user ala: over its rate"), "{refused}");
    let methods = server.snapshot().methods;
    let count = methods.iter().find(|method| method.method == "Count").unwrap();
    assert_eq!((count.stats.calls, count.stats.failed), (4, 1));
}

#[tokio::test]
async fn settings_reach_connections_that_wait() {
    let server = start(services()).await;
    let mut idle = Peer::connect_codec(server.addr, "json").await;
    assert_eq!(outcome(&mut idle, "Arith.Multiply", r#"{"A":7,"B":8}"#).await, "ok");
    let mut page = Peer::connect(server.addr).await;
    assert_eq!(page.http("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.status, 200);
    // Both wait for their peers, one without a limit, the other with one of 75 s.
    let short = Duration::from_millis(50);
    let change = PolicyChange::new();
    server
        .change_policy(
            change.config(move |config| config.idle_timeout(Some(short)).keep_alive_timeout(short)),
        )
        .unwrap();
    idle.expect_closed().await;
    page.expect_closed().await;
}

#[tokio::test]
async fn limits_of_messages_change_between_two_requests() {
    let server = start(services()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let long = format!("\"{}\"", "x".repeat(2000));
    assert_eq!(outcome(&mut peer, "Echo.String", &long).await, "ok");
    server.change_policy(PolicyChange::new().config(|config| config.max_message_bytes(1024))).unwrap();
    assert_eq!(outcome(&mut peer, "Echo.String", "\"short\"").await, "ok");
    peer.send(format!("{{\"method\":\"Echo.String\",\"params\":[{long}],\"id\":1}}\n")).await;
    let rest = peer.read_to_end().await;
    assert!(!rest.windows(4).any(|window| window == b"xxxx"), "{}", rest.escape_ascii());
}

#[tokio::test]
async fn rules_for_go_rpc_hold_without_connect_too() {
    let rule = |names: &[&str]| Some(Access::new().protocols(names.iter().copied()));
    let server = start(services()).await;
    for (names, by_connect, raw) in [
        (&["go_rpc"][..], true, true),
        (&["raw_json"], false, true),
        (&["go_rpc", "http"], true, true),
        (&["http"], false, false),
    ] {
        server.change_policy(PolicyChange::new().access("Arith", rule(names))).unwrap();
        let mut connected = Peer::connect_codec(server.addr, "json").await;
        let mut plain = Peer::connect(server.addr).await;
        let ok = |outcome: String| outcome == "ok";
        let args = r#"{"A":7,"B":8}"#;
        assert_eq!(ok(outcome(&mut connected, "Arith.Multiply", args).await), by_connect, "{names:?}");
        assert_eq!(ok(outcome(&mut plain, "Arith.Multiply", args).await), raw, "{names:?}");
    }
}

#[tokio::test]
async fn only_wrong_logins_wait() {
    let server = start(builder()).await;
    let post = |login: &str| {
        format!(
            "POST /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {login}\r\nContent-Length: 13\r\n\r\n\
             {{\"A\":7,\"B\":8}}"
        )
    };
    let began = Instant::now();
    let mut wrong = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::connect(server.addr).await;
        wrong.push(peer.http(post("YWxhOmtvdA==")).await.status);
    }
    assert_eq!(wrong, [401; 3]);
    assert!(began.elapsed() >= Duration::from_millis(50 + 100 + 150));
    let mut right = Peer::connect(server.addr).await;
    assert_eq!(right.http(post("YWxhOm1hIGtvdGE=")).await.status, 200);
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

/// Calls until it is told to stop; how many it made.
async fn call_until(stop: Arc<AtomicBool>, client: Client, made: Arc<AtomicU64>) -> Result<u64, String> {
    let mut calls = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let product: i64 =
            client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await.map_err(|error| error.to_string())?;
        assert_eq!(product, 56);
        calls += 1;
        made.fetch_add(1, Ordering::Relaxed);
    }
    Ok(calls)
}

async fn logged_in(server: &TestServer, codec: AnyCodec) -> Client {
    let addr = server.addr.to_string();
    let dialled = rpcwrap_client::dial_auth_http(&addr, codec, "ala", "ma kota");
    limit(dialled).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_changes_under_load_fail_no_call() {
    const CHANGES: usize = 1000;
    let server = start(builder()).await;
    // Either of the two lets ala call; any mixture of them does not.
    let closed = || {
        PolicyChange::new()
            .credentials(Some(users(|ala| ala.allow(["Arith.*"]).max_in_flight(1000))))
            .login_required(true)
            .access("Arith", Some(Access::new().users(["ala"]).protocols(["go_rpc"])))
            .config(|config| {
                config.max_in_flight(1).max_calls(1000).call_timeout(Some(Duration::from_secs(60)))
            })
    };
    let open = || {
        PolicyChange::new()
            .credentials(None)
            .login_required(false)
            .access("Arith", Some(Access::new().protocols(["go_rpc"])))
            .config(|config| config.max_in_flight(256).max_calls(100_000).call_timeout(None))
    };
    server.change_policy(closed()).unwrap();
    let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut callers = Vec::new();
    for codec in [AnyCodec::Json, AnyCodec::Bson(Default::default()), AnyCodec::Gob, AnyCodec::Msgpack] {
        for _ in 0..2 {
            let client = logged_in(&server, codec.clone()).await;
            for _ in 0..4 {
                callers.push(tokio::spawn(call_until(stop.clone(), client.clone(), made.clone())));
            }
        }
    }
    for change in 0..CHANGES {
        let before = made.load(Ordering::Relaxed);
        server.change_policy(if change % 2 == 0 { open() } else { closed() }).unwrap();
        // Each of them has calls of its own.
        limit(async {
            while made.load(Ordering::Relaxed) == before {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    let calls = limit(join_all(callers)).await;
    let calls: u64 = calls.into_iter().map(|caller| caller.unwrap().unwrap()).sum();
    assert!(calls >= CHANGES as u64);
    assert_eq!(server.policy().generation(), CHANGES as u64 + 1);
    let numbers = server.snapshot().server;
    assert_eq!((numbers.denied_calls, numbers.unknown_calls, numbers.busy_calls), (0, 0, 0));
}
