//! The changes of the whole server: drain, restart, log, users, access rules.

use super::{Log, ROOT, ask, builder, done, list, message, post, serving};
use crate::auth::login;
use futures_util::FutureExt;
use rpcwrap::{Config, Credentials, Drained, Phase};
use rpcwrap_tests::{
    certificates::Scratch,
    limit,
    raw::{Peer, json_request},
    server::start,
    services::{Gate, services},
    until,
};
use serde_json::{Value, json};
use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

#[tokio::test]
async fn drain_ends_the_server_as_a_signal_does() {
    let gate = Gate::default();
    let config = Config::default().lame_duck(Duration::ZERO).drain_timeout(Duration::from_secs(600));
    let server = start(builder(&gate).config(config)).await;
    let reply = post(&server, "drain", "").await;
    let why = "this program does not wait for being told to stop";
    assert_eq!((reply.status, message(&reply).as_str()), (409, why));

    let log = Log::new();
    let running = server.run();
    let mut idle = Peer::connect_codec(server.addr, "json").await;
    let mut busy = Peer::connect_codec(server.addr, "json").await;
    busy.send(json_request("Gate.Wait", "7", 1)).await;
    until(|| gate.entered() == 1).await;
    let asked = async {
        assert_eq!(done(&server, "drain", "{}").await, json!({"message": "draining"}));
        let line = r#"user="root" operation="drain" details="" outcome="done: draining""#;
        assert_eq!(log.audit(), [line]);
        idle.expect_closed().await;
        let refused = busy.call("Echo.Int", "5", 2).await;
        assert_eq!(refused["error"], "rpc: server is draining");
        gate.open(1);
        assert_eq!(busy.read_json().await["result"], 7);
        busy.expect_closed().await;
    };
    let (drained, ()) = limit(async { tokio::join!(running, asked) }).await;
    assert_eq!(drained.unwrap().cut, 0);
}

#[tokio::test]
async fn a_server_that_is_stopping_is_not_told_again() {
    let gate = Gate::default();
    let config =
        Config::default().lame_duck(Duration::from_secs(600)).drain_timeout(Duration::from_secs(600));
    let server = start(builder(&gate).config(config)).await;
    let running = server.run();
    let asked = async {
        done(&server, "drain", "").await;
        until(|| server.snapshot().phase == Phase::LameDuck).await;
        let reply = post(&server, "drain", "").await;
        assert_eq!((reply.status, message(&reply).as_str()), (409, "the server is stopping already"));
        server.stop().await
    };
    let stopped: Drained = limit(async {
        tokio::select! {
            drained = running => drained.unwrap(),
            stopped = asked => stopped,
        }
    })
    .await;
    assert_eq!(stopped.cut, 0);
}

#[tokio::test]
async fn restart_is_left_to_the_program() {
    let (server, _) = serving().await;
    let reply = post(&server, "restart", "").await;
    assert_eq!((reply.status, message(&reply).as_str()), (409, "this program cannot restart itself"));

    let times = Arc::new(AtomicUsize::new(0));
    let counted = times.clone();
    let restart = move || {
        let nth = counted.fetch_add(1, Ordering::SeqCst);
        async move { if nth == 0 { Ok("pid 4711".to_owned()) } else { Err("no memory".to_owned()) } }.boxed()
    };
    let server = start(builder(&Gate::default()).on_restart(restart)).await;
    let log = Log::new();
    assert_eq!(done(&server, "restart", "").await, json!({"message": "pid 4711"}));
    let reply = post(&server, "restart", "").await;
    assert_eq!((reply.status, message(&reply).as_str()), (500, "no memory"));
    let start = r#"user="root" operation="restart" details="" outcome="#;
    assert_eq!(
        log.audit(),
        [format!(r#"{start}"done: pid 4711""#), format!(r#"{start}"failed: no memory""#)]
    );
    assert_eq!(times.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_log_has_another_filter_from_now_on() {
    let (server, _) = serving().await;
    let reply = post(&server, "log", r#"{"filter":"debug"}"#).await;
    assert_eq!(reply.status, 400);
    assert!(message(&reply).ends_with("the program has no log whose filter can be changed"));

    let filters = Arc::new(Mutex::new(Vec::new()));
    let set = filters.clone();
    let server = start(builder(&Gate::default()).on_log_filter(move |filter| match filter {
        "=" => Err("no filter".to_owned()),
        filter => {
            set.lock().unwrap().push(filter.to_owned());
            Ok(())
        }
    }))
    .await;
    let log = Log::new();
    assert_eq!(done(&server, "log", r#"{"filter":"debug"}"#).await, json!({"generation": 1}));
    let reply = post(&server, "log", r#"{"filter":"="}"#).await;
    assert_eq!((reply.status, message(&reply).as_str()), (400, "log = \"=\": no filter"));
    assert_eq!(*filters.lock().unwrap(), ["debug"]);
    assert_eq!(list(&server, "settings").await["log"], "debug");
    // Before and after: the filter may be one that keeps no more lines.
    let told = log.audit();
    let outcomes: Vec<_> = told.iter().map(|line| line.split_once("outcome=").unwrap().1).collect();
    let wanted =
        [r#""begun""#, r#""done: generation 1""#, r#""begun""#, r#""refused: log = \"=\": no filter""#];
    assert_eq!(outcomes, wanted);
    assert!(told[0].contains(r#"details="debug""#), "{told:?}");
}

#[tokio::test]
async fn users_are_read_again_for_connections_that_are_open() {
    const ROOTS: &str = r#""root": {"secrets": ["r"], "admin": true}"#;
    let scratch = Scratch::new();
    let file = scratch.write("users.json", &format!("{{{ROOTS}, \"ala\": [\"ma kota\"]}}"));
    let server = start(services().credentials(Credentials::from_file(&file).unwrap())).await;
    done(&server, "access", r#"{"service":"Arith","rule":{"authenticated":true}}"#).await;
    let mut ala = login(&server, "ala", "ma kota").await;
    assert_eq!(ala.call("Arith.Multiply", r#"{"A":7,"B":8}"#, 2).await["result"], 56);
    fs::write(&file, format!("{{{ROOTS}, \"ola\": [\"p\"]}}")).unwrap();
    let log = Log::new();
    done(&server, "reload-users", "").await;
    let line = r#"user="root" operation="reload-users" details="" outcome="done: generation 2""#;
    assert_eq!(log.audit(), [line]);
    let reply = ala.call("Arith.Multiply", r#"{"A":7,"B":8}"#, 3).await;
    assert_eq!(reply["error"], "rpc: Arith.Multiply needs an authenticated connection");
    login(&server, "ola", "p").await;
    // A file that cannot be used changes nothing.
    fs::write(&file, "{").unwrap();
    let reply = post(&server, "reload-users", "").await;
    assert!(reply.status == 500 && message(&reply).contains("users.json:1:1: "), "{}", reply.body);
    login(&server, "ola", "p").await;
    // An admin who is one no more is refused from now on.
    fs::write(&file, r#"{"root": ["r"]}"#).unwrap();
    done(&server, "reload-users", "").await;
    let reply = post(&server, "reload-users", "").await;
    assert_eq!((reply.status, message(&reply).as_str()), (403, "root is no admin"));
}

#[tokio::test]
async fn access_rules_change_on_connections_that_are_open() {
    let (server, _) = serving().await;
    let mut ala = login(&server, "ala", "ma kota").await;
    let mut outcome = async |id| {
        let reply = ala.call("Arith.Multiply", r#"{"A":7,"B":8}"#, id).await;
        reply["error"].as_str().unwrap_or("ok").to_owned()
    };
    let log = Log::new();
    for (id, (rule, shown, wanted)) in [
        ("null", Value::Null, "ok"),
        (
            r#"{"users":["root"]}"#,
            json!({"protocols": null, "codecs": null, "users": ["root"], "authenticated": true}),
            "rpc: ala may not call Arith.Multiply",
        ),
        (
            r#"{"codecs":["bson"]}"#,
            json!({"protocols": null, "codecs": ["bson"], "users": null, "authenticated": false}),
            "rpc: can't find service Arith.Multiply",
        ),
        ("null", Value::Null, "ok"),
    ]
    .into_iter()
    .enumerate()
    {
        done(&server, "access", &format!(r#"{{"service":"Arith","rule":{rule}}}"#)).await;
        assert_eq!(list(&server, "access").await["access"]["Arith"], shown);
        assert_eq!(outcome(id as u64).await, wanted, "{rule}");
    }
    assert_eq!(log.audit().len(), 4);
    for (body, status, why) in [
        (r#"{"service":"Nope","rule":null}"#, 404, "no service \"Nope\""),
        (
            r#"{"service":"Arith","rule":{"codecs":["bsno"]}}"#,
            400,
            "service Arith is allowed for codec \"bsno\", which this server does not have",
        ),
    ] {
        let reply = post(&server, "access", body).await;
        assert_eq!((reply.status, message(&reply).as_str()), (status, why));
    }
    // What is shown can be set again.
    done(&server, "access", r#"{"service":"Arith","rule":{"protocols":["go_rpc"]}}"#).await;
    let shown = list(&server, "access").await["access"]["Arith"].clone();
    done(&server, "access", &json!({"service": "Arith", "rule": shown}).to_string()).await;
    assert_eq!(list(&server, "access").await["access"]["Arith"], shown);
}

#[tokio::test]
async fn bodies_of_admin_requests_have_a_size_limit() {
    let (server, _) = serving().await;
    let long = format!(r#"{{"filter":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(ask(server.addr, "POST", "/admin/log", ROOT, &long).await.status, 413);
}
