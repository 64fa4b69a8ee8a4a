//! Calls that do not get to their method, or not to its end, in layers.

use super::{Answer, Around, Log, Product, Way, Work, recorder, serve, ways};
use futures_util::future::BoxFuture;
use rpcwrap::{CallOutcome, CallRequest, CallService, Service as RpcService};
use rpcwrap_client::{AnyCodec, dial_http};
use rpcwrap_tests::{limit, raw::Peer, server::start, services::panics, until};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Semaphore;
use tower::Service;

#[tokio::test]
async fn nothing_is_started_before_the_layers_have_agreed() {
    for refuses_later in [false, true] {
        let work = Work::new();
        let refuse = Around(move |_: CallService, request: CallRequest| {
            Box::pin(async move {
                if refuses_later {
                    tokio::task::yield_now().await;
                }
                Err(format!("{} is closed", request.service_method()).into())
            }) as BoxFuture<'static, Answer>
        });
        let server = serve(&work, |builder| builder.layer(refuse)).await;
        for way in ways() {
            let shown = format!("{way:?}");
            let is_bytes = shown == "BaiduStd";
            let mut caller = way.connect(&server).await;
            for method in ["Multiply", "Wait", "Spawned", "Blocking", "Count"] {
                // By bytes there are no streams.
                if !(is_bytes && method == "Count") {
                    let refused = Err(format!("Work.{method} is closed"));
                    assert_eq!(caller.call(method, 13, 8).await, refused, "{shown}");
                }
            }
        }
        assert_eq!(work.entered(), 0);
        crate::replay::no_call_is_left(&server);
    }
}

#[tokio::test]
async fn a_layer_may_wait_before_the_method() {
    let (work, gate) = (Work::new(), Arc::new(Semaphore::new(0)));
    let wait = {
        let gate = gate.clone();
        Around(move |mut inner: CallService, request: CallRequest| {
            let gate = gate.clone();
            Box::pin(async move {
                gate.acquire().await?.forget();
                inner.call(request).await
            }) as BoxFuture<'static, Answer>
        })
    };
    let server = serve(&work, |builder| builder.layer(wait)).await;
    for (count, way) in ways().into_iter().enumerate() {
        let shown = format!("{way:?}");
        let mut caller = way.connect(&server).await;
        let (call, open) = (caller.call("Multiply", 7, 8), async {
            let waits = || server.snapshot().methods.iter().any(|method| method.stats.in_flight() == 1);
            until(waits).await;
            assert_eq!(work.entered(), count, "{shown}");
            gate.add_permits(1);
        });
        assert_eq!(tokio::join!(call, open).0, Ok(56), "{shown}");
    }
}

/// What is within runs as a task of its own, which is woken by others than the connection's.
#[tokio::test]
async fn a_layer_may_run_the_method_in_another_task() {
    let work = Work::new();
    work.open(1000);
    let elsewhere = Around(|mut inner: CallService, request: CallRequest| {
        Box::pin(async move { tokio::spawn(inner.call(request)).await? }) as BoxFuture<'static, Answer>
    });
    let log = Log::default();
    let server = serve(&work, |builder| builder.layer(elsewhere).layer(recorder(&log))).await;
    for way in ways() {
        let shown = format!("{way:?}");
        let mut caller = way.connect(&server).await;
        for method in ["Multiply", "Wait", "Spawned", "Blocking", "Multiply"] {
            assert_eq!(caller.call(method, 7, 8).await, Ok(56), "{shown} {method}");
            assert_eq!(log.take().len(), 2, "{shown} {method}");
        }
        let panicked = Err("rpc: method panicked".to_owned());
        assert_eq!(caller.call("Multiply", 13, 8).await, panicked, "{shown}");
        assert_eq!(log.take()[1], "panicked 0", "{shown}");
    }
    let client = limit(dial_http(&server.addr.to_string(), AnyCodec::Gob)).await.unwrap();
    let args = super::Pair { a: 50, b: -1 };
    let mut stream = limit(client.stream::<_, Product>("Work.Count", &args)).await.unwrap();
    for value in 0..50 {
        assert_eq!(limit(stream.next()).await.unwrap().unwrap(), Product { value });
    }
    assert!(limit(stream.next()).await.is_none());
    crate::replay::no_call_is_left(&server);
}

/// Counts itself out, however it ends.
struct Noted(Log);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.add("gone");
    }
}

#[tokio::test]
async fn a_call_that_is_taken_back_drops_its_layers() {
    let (work, log) = (Work::new(), Log::default());
    let noted = {
        let log = log.clone();
        Around(move |mut inner: CallService, request: CallRequest| {
            let noted = Noted(log.clone());
            Box::pin(async move {
                let _noted = noted;
                if request.size() > 80 {
                    std::future::pending::<()>().await;
                }
                inner.call(request).await
            }) as BoxFuture<'static, Answer>
        })
    };
    let server = serve(&work, |builder| builder.layer(noted)).await;
    // Those that the layer keeps for itself, which do not reach the method, are longer.
    for (blanks, entered) in [("", 3), (" ".repeat(80).as_str(), 3)] {
        let request = |members: &str| {
            format!("{{\"method\":\"Work.Wait\",\"params\":[{{\"A\":7}}],{blanks}\"id\":1{members}}}\n")
        };
        let is_in_flight = || server.snapshot().methods.iter().any(|method| method.stats.in_flight() == 1);
        // By its deadline.
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        peer.send(request(r#","timeout":20"#)).await;
        assert_eq!(peer.read_json().await["error"], "rpc: deadline exceeded after 20 ms");
        assert_eq!(log.take(), ["gone"]);
        // By its caller.
        peer.send(request("")).await;
        until(is_in_flight).await;
        assert_eq!(log.len(), 0);
        peer.send(r#"{"method":"_goRPC_.Cancel","params":[{"Seq":1}],"id":2}"#).await;
        let answers = [peer.read_json().await, peer.read_json().await];
        assert!(answers.iter().any(|answer| answer["error"] == "context canceled"), "{answers:?}");
        assert_eq!(log.take(), ["gone"]);
        // By the end of its connection.
        let mut peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
        peer.send(request("")).await;
        until(is_in_flight).await;
        drop(peer);
        until(|| log.len() == 1).await;
        assert_eq!(log.take(), ["gone"]);
        assert_eq!((work.entered(), work.left()), (entered, entered));
    }
    crate::replay::no_call_is_left(&server);
}

#[tokio::test]
async fn a_panic_in_the_method_is_an_outcome() {
    crate::panics::quiet();
    let log = Log::default();
    let server = start(rpcwrap::Server::builder().service(panics()).layer(recorder(&log))).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let methods = ["AtOnce", "Polled", "Later", "Spawned", "Blocking", "Reply"];
    for (id, method) in methods.into_iter().enumerate() {
        let reply = peer.call(&format!("Panic.{method}"), "{\"A\":13}", id as u64).await;
        assert_eq!(reply["error"], "rpc: method panicked", "{method}");
        assert_eq!(log.take()[1..], ["panicked 0"], "{method}");
        assert_eq!(server.snapshot().server.panics, id as u64 + 1);
    }
    assert_eq!(peer.call("Panic.Polled", "{\"A\":5}", 9).await["result"], 5);
    crate::replay::no_call_is_left(&server);
}

#[tokio::test]
async fn a_panic_in_a_layer_fails_that_call() {
    for place in ["at once", "polled", "later"] {
        let work = Work::new();
        let panics = Around(move |mut inner: CallService, request: CallRequest| {
            let is_meant = request.service_method() == "Work.Spawned";
            assert!(!(is_meant && place == "at once"), "at once");
            Box::pin(async move {
                match place {
                    "polled" if is_meant => panic!("polled"),
                    "later" if is_meant => {
                        inner.call(request).await?;
                        panic!("later")
                    }
                    _ => inner.call(request).await,
                }
            }) as BoxFuture<'static, Answer>
        });
        let server = serve(&work, |builder| builder.layer(panics)).await;
        for (count, way) in ways().into_iter().enumerate() {
            let shown = format!("{way:?}, {place}");
            let mut caller = way.connect(&server).await;
            let panicked = Err("rpc: method panicked".to_owned());
            assert_eq!(caller.call("Spawned", 7, 8).await, panicked, "{shown}");
            assert_eq!(caller.call("Multiply", 7, 8).await, Ok(56), "{shown}");
            assert_eq!(server.snapshot().server.panics, count as u64 + 1, "{shown}");
        }
        crate::replay::no_call_is_left(&server);
    }
}

#[tokio::test]
async fn an_answer_without_the_method_is_an_error() {
    let (work, kept) = (Work::new(), Arc::new(Mutex::new(None::<CallOutcome>)));
    let keeps = Around(move |mut inner: CallService, request: CallRequest| {
        let kept = kept.clone();
        Box::pin(async move {
            let before = kept.lock().unwrap().clone();
            if let Some(outcome) = before {
                return Ok(outcome);
            }
            let outcome = inner.call(request).await?;
            *kept.lock().unwrap() = Some(outcome.clone());
            Ok(outcome)
        }) as BoxFuture<'static, Answer>
    });
    let server = serve(&work, |builder| builder.layer(keeps)).await;
    let mut caller = Way::Post.connect(&server).await;
    assert_eq!(caller.call("Multiply", 7, 8).await, Ok(56));
    let error = Err("a layer answered before the method did".to_owned());
    assert_eq!(caller.call("Multiply", 7, 8).await, error);
    assert_eq!(work.entered(), 1);
}

#[tokio::test]
async fn a_layer_sees_who_calls_and_until_when() {
    let log = Log::default();
    let sees = {
        let log = log.clone();
        Around(move |mut inner: CallService, request: CallRequest| {
            let limit = request.deadline().map(|deadline| deadline - std::time::Instant::now());
            let is_near = limit.is_some_and(|limit| limit <= Duration::from_secs(5));
            log.add(format!("{} {is_near} {}", request.user().unwrap_or("-"), request.peer().addr()));
            Box::pin(async move { inner.call(request).await }) as BoxFuture<'static, Answer>
        })
    };
    let echo = RpcService::new("Echo").method("Say", |text: String| async move { Ok(text) }).layer(sees);
    let users = rpcwrap::Credentials::new([("ala", vec!["kot"])]);
    let server = start(rpcwrap::Server::builder().service(echo).credentials(users)).await;
    let mut peer = Peer::connect(server.addr).await;
    for (headers, wanted) in [
        ("", "- false 127.0.0.1:"),
        ("Rpc-Timeout: 5000\r\n", "- true 127.0.0.1:"),
        ("Authorization: Basic YWxhOmtvdA==\r\n", "ala false 127.0.0.1:"),
    ] {
        let request =
            format!("POST /Echo/Say HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: 4\r\n\r\n\"hi\"");
        assert_eq!(peer.http(request).await.body, "\"hi\"\n");
        let lines = log.take();
        assert!(lines[0].starts_with(wanted), "{lines:?}");
    }
}
