//! tower's own layers, as they are.

use super::{Product, Way, Work, serve, ways};
use rpcwrap::{CallError, Config, MethodInfo, Server};
use rpcwrap_tests::{
    limit,
    raw::{Peer, json_request},
    until,
};
use std::time::Duration;
use tokio::time::Instant;
use tower::{
    ServiceBuilder,
    limit::{ConcurrencyLimitLayer, RateLimitLayer},
    load_shed::LoadShedLayer,
    timeout::TimeoutLayer,
};

#[tokio::test]
async fn a_timeout_drops_the_handler_and_is_a_deadline() {
    for (count, way) in ways().into_iter().enumerate() {
        let (work, shown) = (Work::new(), format!("{way:?}"));
        // Of the service, or of the server.
        let layer = TimeoutLayer::new(Duration::from_millis(60));
        let server = match count % 2 {
            0 => serve(&work, |builder| builder.layer(layer)).await,
            _ => {
                let service = work.service().layer(layer);
                let lines = crate::line_protocol::Lines;
                rpcwrap_tests::server::start(Server::builder().service(service).protocol(lines)).await
            }
        };
        let mut caller = way.connect(&server).await;
        let began = Instant::now();
        let error = caller.call("Wait", 7, 8).await.unwrap_err();
        let took = began.elapsed().as_millis();
        let ms =
            error.strip_prefix("rpc: deadline exceeded after ").and_then(|text| text.strip_suffix(" ms"));
        let ms: u128 = ms.unwrap_or_else(|| panic!("{shown}: {error}")).parse().unwrap();
        assert!((60..=took).contains(&ms), "{shown}: {ms} of {took}");
        assert_eq!((work.entered(), work.left()), (1, 1), "{shown}");
        assert_eq!(caller.call("Multiply", 7, 8).await, Ok(56), "{shown}");
        assert_eq!(server.snapshot().server.deadlines, 1, "{shown}");
        crate::replay::no_call_is_left(&server);
    }
}

#[tokio::test]
async fn a_concurrency_limit_is_one_for_all_connections() {
    let work = Work::new();
    let server = serve(&work, |builder| builder.layer(ConcurrencyLimitLayer::new(1))).await;
    let calls = ways().map(|way| async {
        let shown = format!("{way:?}");
        let mut caller = way.connect(&server).await;
        assert_eq!(caller.call("Wait", 7, 8).await, Ok(56), "{shown}");
        caller.call("Wait", 7, 9).await
    });
    let (count, calls) = (calls.len(), futures_util::future::join_all(calls));
    let watch = async {
        for left in 0..2 * count {
            until(|| work.entered() == left + 1).await;
            // Only when it is let through the next one comes in.
            assert_eq!(work.left(), left);
            work.open(1);
            until(|| work.left() == left + 1).await;
        }
    };
    let (answers, ()) = tokio::join!(calls, watch);
    assert!(answers.into_iter().all(|answer| answer == Ok(63)));
}

#[tokio::test]
async fn load_shed_refuses_what_a_limit_within_would_keep_waiting() {
    let stack = || ServiceBuilder::new().load_shed().concurrency_limit(1).into_inner();
    for (count, way) in ways().into_iter().enumerate() {
        let (work, shown) = (Work::new(), format!("{way:?}"));
        // One after the other, or as one.
        let server = match count % 2 {
            0 => serve(&work, |b| b.layer(LoadShedLayer::new()).layer(ConcurrencyLimitLayer::new(1))).await,
            _ => serve(&work, |builder| builder.layer(stack())).await,
        };
        let mut first = way.clone().connect(&server).await;
        let mut second = way.connect(&server).await;
        let held = first.call("Wait", 7, 8);
        let shed = async {
            until(|| work.entered() == 1).await;
            for method in ["Multiply", "Spawned", "Blocking", "Wait"] {
                let refused = second.call(method, 7, 8).await;
                assert_eq!(refused, Err("rpc: server overloaded".to_owned()), "{shown}");
            }
            assert_eq!(work.entered(), 1, "no function was called");
            work.open(1);
        };
        assert_eq!(tokio::join!(held, shed).0, Ok(56), "{shown}");
        assert_eq!(first.call("Multiply", 7, 8).await, Ok(56), "{shown}");
        assert_eq!(server.snapshot().server.shed_calls, 4);
        crate::replay::no_call_is_left(&server);
    }
}

#[tokio::test]
async fn a_rate_limit_behind_a_buffer_serves_every_protocol() {
    let work = Work::new();
    let rate = RateLimitLayer::new(10_000, Duration::from_secs(1));
    let server = serve(&work, |builder| builder.layer_buffered(0, rate)).await;
    for way in ways() {
        let shown = format!("{way:?}");
        let mut caller = way.connect(&server).await;
        for method in ["Multiply", "Spawned", "Blocking"] {
            assert_eq!(caller.call(method, 7, 8).await, Ok(56), "{shown}");
            assert_eq!(caller.call(method, 0, 8).await, Err("nothing to do".to_owned()), "{shown}");
        }
    }
    crate::replay::no_call_is_left(&server);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_makes_calls_wait() {
    let work = Work::new();
    let rate = RateLimitLayer::new(2, Duration::from_secs(60));
    let builder = Server::builder().service(work.service()).layer_buffered(8, rate);
    let server = builder.config(Config::default().call_timeout(None)).build().unwrap();
    let began = Instant::now();
    let pair = super::Pair { a: 7, b: 8 };
    let call = || server.call::<_, Product>("Work.Multiply", &pair);
    let waited: Vec<u64> = futures_util::future::join_all((0..5).map(|_| async {
        call().await.unwrap();
        began.elapsed().as_secs()
    }))
    .await;
    assert_eq!(waited, [0, 0, 60, 60, 120]);
}

#[tokio::test(start_paused = true)]
async fn calls_without_a_place_in_a_buffer_are_shed() {
    let work = Work::new();
    let rate = RateLimitLayer::new(1, Duration::from_secs(3600));
    let builder = Server::builder().service(work.service()).layer(LoadShedLayer::new());
    let server = builder.layer_buffered(2, rate).build().unwrap();
    let pair = super::Pair { a: 7, b: 8 };
    let call = || server.call::<_, Product>("Work.Multiply", &pair);
    call().await.unwrap();
    // One that the queue's task holds, two in the queue.
    let waiting = futures_util::future::join_all((0..3).map(|n| async move {
        for _ in 0..n * 4 {
            tokio::task::yield_now().await;
        }
        call().await
    }));
    let shed = async {
        for _ in 0..40 {
            tokio::task::yield_now().await;
        }
        assert_eq!(call().await, Err(CallError::Overloaded));
    };
    let (answers, ()) = tokio::join!(waiting, shed);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((server.snapshot().server.shed_calls, work.entered()), (1, 4));
}

#[tokio::test]
async fn a_call_taken_back_gives_up_its_place() {
    let work = Work::new();
    let server = serve(&work, |builder| builder.layer(ConcurrencyLimitLayer::new(1))).await;
    for round in 0..3 {
        // One that runs, one that waits for it; both gone with their connection.
        let mut peer = Peer::connect_resetting(server.addr).await.handshake("/_json_rpc_").await;
        peer.send([1, 2].map(|id| json_request("Work.Wait", "{}", id)).concat()).await;
        let are_there = |method: &MethodInfo| method.method == "Wait" && method.stats.in_flight() == 2;
        until(|| server.snapshot().methods.iter().any(are_there)).await;
        drop(peer);
        until(|| server.open_connections() == 0).await;
        assert_eq!((work.entered(), work.left()), (round + 1, round + 1));
    }
    let mut caller = Way::Post.connect(&server).await;
    assert_eq!(limit(caller.call("Multiply", 7, 8)).await, Ok(56));
}
