//! A server process that is killed while calls are in flight: what their callers learn, and how soon.

use crate::program::{Program, Settings};
use futures_util::future::join_all;
use rpcwrap_client::{AnyCodec, BsonDialect, Config, Error};
use rpcwrap_tests::{limit, raw::Peer};

const CALLS: usize = 1000;

/// Calls that the server has begun and not answered.
async fn in_flight(program: &Program) -> usize {
    let mut peer = Peer::connect(program.addr).await;
    let page = peer.http("GET /metrics HTTP/1.0\r\n\r\n").await.body;
    let line =
        page.lines().find(|line| line.starts_with("rpcwrap_server_inflight{") && line.contains("\"Sleep"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{page}"))
}

/// Kills a server that has begun `begun` of [`CALLS`] calls of one client; what each of them ends with.
async fn killed(codec: AnyCodec, args: &[&str], begun: usize) -> Vec<Error> {
    let program = Program::daemon(args).await;
    let addr = program.addr.to_string();
    let client = limit(Config::default().max_in_flight(CALLS).dial_http(&addr, codec)).await.unwrap();
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call::<_, i64>("Sleep.For", &3_600_000).await })
        })
        .collect();
    limit(async { while in_flight(&program).await < begun {} }).await;
    assert_eq!(client.in_flight(), CALLS);
    program.signal("KILL").await;
    // Each would sleep for an hour.
    let ended = limit(join_all(calls)).await;
    assert!(client.is_closed() && client.in_flight() == 0);
    let later = limit(client.call::<_, i64>("Sleep.For", &1)).await.unwrap_err();
    assert!(matches!(later, Error::Shutdown) && !later.may_have_executed(), "{later:?}");
    ended.into_iter().map(|call| call.unwrap().unwrap_err()).collect()
}

#[tokio::test]
async fn a_thousand_calls_in_flight_learn_at_once_that_they_may_have_run() {
    let settings = Settings::new("killed", "max_in_flight = 1000\n");
    for codec in [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto)] {
        let errors = killed(codec, &["--config", settings.path()], CALLS).await;
        let lost = errors.iter().filter(|error| matches!(error, Error::Io(_)) && error.may_have_executed());
        assert_eq!(lost.count(), CALLS, "{:?}", errors[0]);
    }
}

/// The rest waits in the socket, or in the client: only what was never sent knows that it did not run.
#[tokio::test]
async fn calls_that_the_server_had_not_read_are_told_apart_from_those_never_sent() {
    let errors = killed(AnyCodec::Json, &[], 256).await;
    let lost =
        errors.iter().filter(|error| matches!(error, Error::Io(_)) && error.may_have_executed()).count();
    let unsent = errors.iter().filter(|error| matches!(error, Error::Shutdown)).count();
    assert!(lost >= 256 && lost + unsent == CALLS, "{lost} lost, {unsent} unsent");
}
