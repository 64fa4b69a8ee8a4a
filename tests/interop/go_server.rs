//! Our client against Go's own server: net/rpc with its jsonrpc codec over CONNECT, ServeCodec with a codec of the
//! program's own, and hijacked connections that go wrong.

use crate::framed::Framed;
use futures_util::future::join_all;
use rpcwrap_client::{AnyCodec, Client, Error, dial_http, dial_http_path};
use rpcwrap_tests::{limit, peer::Go, process::Process, server, within};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, error::Error as _, io, process::Command, sync::Arc, time::Duration};

const START_LIMIT: Duration = Duration::from_secs(20);
/// For a thousand calls on a machine that does other things too.
const MANY_LIMIT: Duration = Duration::from_secs(60);

/// The Go program, killed when dropped.
struct GoServer {
    process: Process,
    addr: String,
}

impl GoServer {
    fn start() -> Self {
        let program = Go::Newest.program("goserver").unwrap_or_else(|error| panic!("{error}"));
        let process = Process::start(&mut Command::new(program)).unwrap_or_else(|error| panic!("{error}"));
        let addr = process.stdout.line("listening on ", START_LIMIT);
        let addr = addr.unwrap_or_else(|| panic!("no address\n{process}"));
        Self { process, addr }
    }

    /// A client of each codec.
    async fn clients(&self) -> Vec<(&'static str, Client)> {
        let framed = AnyCodec::Custom(Arc::new(Framed));
        let json = limit(dial_http(&self.addr, AnyCodec::Json)).await.unwrap();
        let framed = limit(dial_http(&self.addr, framed)).await.unwrap();
        vec![("jsonrpc", json), ("framed", framed)]
    }

    /// A client on a connection that goes wrong in this way.
    async fn faulty(&self, fault: &str) -> Client {
        let path = format!("/faults/{fault}");
        limit(dial_http_path(&self.addr, &path, AnyCodec::Json)).await.unwrap()
    }
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inner {
    name: String,
    n: i64,
}

async fn echoes<T>(client: &Client, method: &str, value: T)
where
    T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
{
    let reply: T =
        limit(client.call(method, &value)).await.unwrap_or_else(|error| panic!("{method}: {error}"));
    assert_eq!(reply, value, "{method}");
}

async fn typed_calls(client: &Client) {
    let product: i64 = limit(client.call("Arith.Multiply", &Args { a: 7, b: 8 })).await.unwrap();
    assert_eq!(product, 56);
    let quotient: Quotient = limit(client.call("Arith.Divide", &Args { a: 7, b: 2 })).await.unwrap();
    assert_eq!(quotient, Quotient { quo: 3, rem: 1 });
}

#[tokio::test]
#[ignore = "needs go: run tests/run"]
async fn typed_calls_of_every_kind() {
    let go = GoServer::start();
    for (_, client) in go.clients().await {
        typed_calls(&client).await;
        echoes(&client, "Echo.String", "zażółć \"<&>\" \u{1F600} \\ \t".to_owned()).await;
        echoes(&client, "Echo.String", String::new()).await;
        echoes(&client, "Echo.String", "x".repeat(300_000)).await;
        for number in [0, -1, i64::MAX, i64::MIN] {
            echoes(&client, "Echo.Int64", number).await;
        }
        echoes(&client, "Echo.Uint64", u64::MAX).await;
        echoes(&client, "Echo.Float64", -1.5e300).await;
        echoes(&client, "Echo.Bool", true).await;
        let inner = Inner { name: "a".to_owned(), n: 1 };
        echoes(&client, "Echo.Inner", inner.clone()).await;
        echoes(&client, "Echo.Inners", vec![inner.clone(), inner]).await;
        echoes(&client, "Echo.Strings", vec!["a".to_owned(), String::new()]).await;
        echoes(&client, "Echo.MapStr", BTreeMap::from([("k".to_owned(), "v".to_owned())])).await;
        client.close().await;
    }
}

#[tokio::test]
#[ignore = "needs go: run tests/run"]
async fn errors_are_gos_own_words_and_end_no_connection() {
    let go = GoServer::start();
    let args = Args { a: 1, b: 0 };
    for (name, client) in go.clients().await {
        for (method, text) in [
            ("Arith.Divide", "divide by zero"),
            ("Arith.Error", "app error: \"quoted\" <tag> é\n"),
            ("Arith.EOSError", "EOS"),
            ("Nope.Multiply", "rpc: can't find service Nope.Multiply"),
            ("Arith.Nope", "rpc: can't find method Arith.Nope"),
            ("Multiply", "rpc: service/method request ill-formed: Multiply"),
        ] {
            let error = limit(client.call::<_, i64>(method, &args)).await.unwrap_err();
            assert!(matches!(&error, Error::Server { text: seen, .. } if seen == text), "{name}: {error:?}");
        }
        let misfit = limit(client.call::<_, i64>("Arith.Multiply", "seven")).await.unwrap_err();
        assert!(misfit.to_string().starts_with("json: cannot unmarshal string"), "{name}: {misfit:?}");
        let unfit = limit(client.call::<_, String>("Arith.Multiply", &args)).await.unwrap_err();
        assert!(matches!(unfit, Error::Decode(_)), "{name}: {unfit:?}");
        // An error without words is a success on the wire.
        assert_eq!(limit(client.call::<_, i64>("Arith.EmptyError", &args)).await.unwrap(), 0);
        typed_calls(&client).await;
    }
}

#[tokio::test]
#[ignore = "needs go: run tests/run"]
async fn a_thousand_concurrent_calls_each_get_their_own_reply() {
    let go = GoServer::start();
    for (name, client) in go.clients().await {
        let calls = (0..1000).map(|n| {
            let client = client.clone();
            async move { client.call::<_, i64>("Arith.Multiply", &Args { a: n, b: n + 1 }).await.unwrap() }
        });
        let products = within(MANY_LIMIT, join_all(calls)).await;
        assert!((0_i64..).zip(products).all(|(n, product)| product == n * (n + 1)), "{name}");
        assert_eq!(client.in_flight(), 0);
    }
}

#[tokio::test]
#[ignore = "needs go: run tests/run"]
async fn replies_come_in_any_order() {
    let go = GoServer::start();
    for (name, client) in go.clients().await {
        let slow = client.call::<_, i64>("Slow.Sleep", &60_000);
        tokio::pin!(slow);
        for round in 0..3 {
            tokio::select! {
                biased;
                slow = &mut slow => panic!("{name}: {slow:?}"),
                () = typed_calls(&client) => {}
            }
            assert_eq!(client.in_flight(), 1, "{name}, round {round}");
        }
        let later = [90, 60, 30];
        let calls = later.iter().map(|ms| client.call::<_, i64>("Slow.Sleep", ms));
        let slept: Vec<i64> = limit(join_all(calls)).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(slept, later, "{name}");
    }
}

#[tokio::test]
#[ignore = "needs go: run tests/run"]
async fn a_reply_after_its_time_limit_is_dropped() {
    let go = GoServer::start();
    for (name, client) in go.clients().await {
        let after = Duration::from_millis(50);
        let late = client.request("Slow.Sleep").timeout(after).call::<_, i64>(&300);
        let error = limit(late).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { sent: true, .. }), "{name}: {error:?}");
        assert_eq!(client.in_flight(), 0);
        // Until well after the late reply has come.
        assert_eq!(limit(client.call::<_, i64>("Slow.Sleep", &600)).await.unwrap(), 600);
        typed_calls(&client).await;
    }
}

#[tokio::test]
#[ignore = "needs go: run tests/run"]
async fn connections_that_go_wrong() {
    let go = GoServer::start();
    let args = Args { a: 7, b: 8 };
    for (fault, is_expected) in [
        (
            "close",
            (|error| matches!(error, Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof))
                as fn(&Error) -> bool,
        ),
        ("garbage", |error| matches!(error, Error::Protocol(_))),
    ] {
        let client = go.faulty(fault).await;
        let error = limit(client.call::<_, i64>("Arith.Multiply", &args)).await.unwrap_err();
        assert!(is_expected(&error) && error.may_have_executed(), "{fault}: {error:?}, {:?}", error.source());
        let later = limit(client.call::<_, i64>("Arith.Multiply", &args)).await.unwrap_err();
        assert!(matches!(later, Error::Shutdown) && !later.may_have_executed(), "{fault}: {later:?}");
    }
    let early = go.faulty("early").await;
    typed_calls(&early).await;

    let silent = go.faulty("silent").await;
    let call = silent.request("Arith.Multiply").timeout(Duration::from_millis(50)).call::<_, i64>(&args);
    let error = limit(call).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { sent: true, .. }), "{error:?}");
    assert!(!silent.is_closed());
    drop(silent);
    assert!(!go.process.stderr.text().contains("panic"), "{}", go.process);
}

/// The codec's other two halves: a server of ours with it.
#[tokio::test]
async fn the_same_codec_on_both_sides() {
    let divide =
        |(a, b): (i64, i64)| async move { if b == 0 { Err("divide by zero".into()) } else { Ok(a / b) } };
    let server = server::start(rpcwrap::Server::builder().codec(Framed).method("Arith.Quo", divide)).await;
    let codec = AnyCodec::Custom(Arc::new(Framed));
    let client = limit(dial_http(&server.addr.to_string(), codec)).await.unwrap();
    assert_eq!(limit(client.call::<_, i64>("Arith.Quo", &(7, 2))).await.unwrap(), 3);
    let error = limit(client.call::<_, i64>("Arith.Quo", &(7, 0))).await.unwrap_err();
    assert_eq!(error.to_string(), "divide by zero");
}
