//! Layers that do something once the method has answered: they fail the call after all, or take their time.

use super::{Answer, Around, Log, Product, Work, recorder, serve, ways};
use futures_util::future::BoxFuture;
use rpcwrap::{CallError, CallRequest, CallService, Error};
use rpcwrap_client::{AnyCodec, Client, dial_http};
use rpcwrap_tests::{
    limit,
    raw::Peer,
    server::{TestServer, start},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use tower::Service;

/// Fails every second call, the first one among them, after its method; if `later`, after a while.
fn fickle(
    later: bool,
) -> Around<impl Fn(CallService, CallRequest) -> BoxFuture<'static, Answer> + Clone + Send + Sync + 'static> {
    let calls = Arc::new(AtomicUsize::new(0));
    Around(move |mut inner: CallService, request: CallRequest| {
        let calls = calls.clone();
        Box::pin(async move {
            let fails = calls.fetch_add(1, SeqCst).is_multiple_of(2);
            let outcome = inner.call(request).await?;
            if later {
                pause().await;
            }
            if fails { Err("over quota".into()) } else { Ok(outcome) }
        }) as BoxFuture<'static, Answer>
    })
}

/// Is pending twice: at the poll in which the method's reply is written, and at that of its connection.
async fn pause() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

fn patient()
-> Around<impl Fn(CallService, CallRequest) -> BoxFuture<'static, Answer> + Clone + Send + Sync + 'static> {
    Around(|mut inner: CallService, request: CallRequest| {
        Box::pin(async move {
            let outcome = inner.call(request).await;
            pause().await;
            outcome
        }) as BoxFuture<'static, Answer>
    })
}

#[tokio::test]
async fn an_error_after_a_success_takes_the_reply_back_and_the_connection_stays_in_step() {
    for later in [false, true] {
        let log = Log::default();
        let work = Work::new();
        work.open(1000);
        let server = serve(&work, |builder| builder.layer(fickle(later)).layer(recorder(&log))).await;
        for way in ways() {
            let shown = format!("{way:?}, later: {later}");
            let mut caller = way.connect(&server).await;
            for round in 0..3 {
                for method in ["Multiply", "Wait", "Spawned"] {
                    let failed = caller.call(method, 7, round).await;
                    assert_eq!(failed, Err("over quota".to_owned()), "{shown}");
                    assert_eq!(caller.call(method, 7, round).await, Ok(7 * round), "{shown}");
                }
            }
            let outcomes: Vec<String> = log.take().into_iter().skip(1).step_by(2).collect();
            assert!(outcomes.iter().all(|line| line.starts_with("ok ")), "{outcomes:?}");
            assert_eq!(outcomes.len(), 18, "{shown}");
        }
        crate::replay::no_call_is_left(&server);
    }
}

/// Bytes of all replies.
fn sent(server: &TestServer) -> u64 {
    server.snapshot().methods.iter().map(|method| method.stats.bytes_out).sum()
}

#[tokio::test]
async fn a_delay_after_the_method_changes_no_byte() {
    let (plain, delayed) = (
        serve(&Work::new(), |b| b).await,
        serve(&Work::new(), |b| b.layer(patient()).layer(patient())).await,
    );
    for way in ways() {
        let shown = format!("{way:?}");
        let (mut one, mut other) = (way.clone().connect(&plain).await, way.connect(&delayed).await);
        let before = (sent(&plain), sent(&delayed));
        for method in ["Multiply", "Spawned", "Blocking", "Multiply"] {
            assert_eq!(one.call(method, 7, 8).await, Ok(56), "{shown} {method}");
            assert_eq!(other.call(method, 7, 8).await, Ok(56), "{shown} {method}");
        }
        assert_eq!(sent(&plain) - before.0, sent(&delayed) - before.1, "{shown}");
        assert_eq!(one.call("Multiply", 0, 8).await, other.call("Multiply", 0, 8).await, "{shown}");
    }
}

async fn items(client: &Client, to: i64, fails_at: i64) -> (Vec<i64>, Option<String>) {
    let args = super::Pair { a: to, b: fails_at };
    let mut stream = limit(client.stream::<_, Product>("Work.Count", &args)).await.unwrap();
    let mut items = Vec::new();
    loop {
        match limit(stream.next()).await {
            Some(Ok(item)) => items.push(item.value),
            Some(Err(error)) => return (items, Some(error.to_string())),
            None => return (items, None),
        }
    }
}

#[tokio::test]
async fn a_stream_is_one_call_to_its_end() {
    for (layer, ends) in
        [("none", [None, None]), ("patient", [None, None]), ("fickle", [Some("over quota"), None])]
    {
        for codec in [AnyCodec::Gob, AnyCodec::Json, AnyCodec::Msgpack] {
            let log = Log::default();
            let server = serve(&Work::new(), |builder| match layer {
                "patient" => builder.layer(patient()).layer(recorder(&log)),
                "fickle" => builder.layer(fickle(true)).layer(recorder(&log)),
                _ => builder.layer(recorder(&log)),
            })
            .await;
            let client = limit(dial_http(&server.addr.to_string(), codec)).await.unwrap();
            for end in ends {
                let wanted = (vec![0, 1, 2], end.map(str::to_owned));
                assert_eq!(items(&client, 3, -1).await, wanted, "{layer}");
            }
            assert_eq!(items(&client, 0, -1).await, (vec![], ends[0].map(str::to_owned)), "{layer}");
            let (some, error) = items(&client, 3, 2).await;
            assert_eq!((some, error.as_deref()), (vec![0, 1], Some("in the middle")), "{layer}");
            let lines = log.take();
            let outcomes: Vec<&str> = lines.iter().skip(1).step_by(2).map(|line| &line[..2]).collect();
            assert_eq!(outcomes, ["ok", "ok", "ok", "fa"], "{lines:?}");
            // gob defines the type with the first item that is sent.
            assert!(lines[5] == "ok 0" && (lines[1] == lines[3] || lines[0].contains("gob")), "{lines:?}");
        }
        // Over HTTP.
        let server = serve(&Work::new(), |builder| match layer {
            "patient" => builder.layer(patient()),
            "fickle" => builder.layer(fickle(false)),
            _ => builder,
        })
        .await;
        let mut peer = Peer::connect(server.addr).await;
        for end in ends {
            let response = peer.http("GET /Work/Count?A=2&B=-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
            let items = "{\"Value\":0}\n{\"Value\":1}\n";
            match end {
                Some(_) => assert!(response.body.starts_with(items) && response.body.contains("over quota")),
                None => assert_eq!(response.body, items, "{layer}"),
            }
        }
    }
}

#[tokio::test]
async fn pipelined_calls_are_all_answered() {
    let server = serve(&Work::new(), |builder| builder.layer(fickle(true))).await;
    for codec in [AnyCodec::Gob, AnyCodec::Json] {
        let client = limit(dial_http(&server.addr.to_string(), codec)).await.unwrap();
        let calls = (0..200).map(|b| {
            let client = client.clone();
            async move {
                let args = super::Pair { a: 7, b };
                match client.call::<_, Product>("Work.Multiply", &args).await {
                    Ok(product) => {
                        assert_eq!(product.value, 7 * b);
                        1
                    }
                    Err(error) => {
                        assert_eq!(error.to_string(), "over quota");
                        0
                    }
                }
            }
        });
        let answered: usize = limit(futures_util::future::join_all(calls)).await.into_iter().sum();
        assert_eq!(answered, 100);
    }
    // In the order of the requests, where that is the protocol's.
    let lines = limit(server.listen_only("127.0.0.1:0", &["lines"])).await.unwrap();
    let mut peer = Peer::connect(rpcwrap_tests::server::tcp(lines)).await;
    peer.send((0..20).map(|b| format!("Work.Multiply 7 {b}\n")).collect::<String>()).await;
    for b in 0..20 {
        let line = peer.read_line().await;
        assert!(line == format!("{{\"Value\":{}}}", 7 * b) || line == "ERR over quota", "{b}: {line}");
    }
}

#[tokio::test]
async fn errors_of_layers_keep_their_kind() {
    type MakeError = fn() -> tower::BoxError;
    let refuse = |error: MakeError| {
        Around(move |_: CallService, _: CallRequest| {
            Box::pin(std::future::ready(Err(error()))) as BoxFuture<'static, Answer>
        })
    };
    let cases: [(MakeError, u16, &str); 4] = [
        (|| CallError::Unauthenticated("Work".to_owned()).into(), 401, "unauthenticated"),
        (|| CallError::Overloaded.into(), 503, "busy"),
        (|| Error::new("no").code("quota").into(), 500, "quota"),
        (|| "no".into(), 500, "failed"),
    ];
    for (error, status, code) in cases {
        let server =
            start(rpcwrap::Server::builder().service(Work::new().service()).layer(refuse(error))).await;
        let mut peer = Peer::connect(server.addr).await;
        let response = peer.http("GET /Work/Multiply?7&8 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
        assert_eq!((response.status, &response.json()["error"]["code"]), (status, &code.into()));
        let counts = server.snapshot().server;
        let counts = (counts.denied_calls, counts.shed_calls);
        assert_eq!(counts, (u64::from(status == 401), u64::from(status == 503)), "{code}");
    }
}
