//! Layers around calls, and observers of their ends: the same by every protocol, for calls of every kind.

mod after;
mod ends;
mod observer;
mod tower_layers;

use crate::line_protocol::Lines;
use futures_util::future::BoxFuture;
use rpcwrap::{
    Builder, CallOutcome, CallRequest, CallService, Config, Error, Method, Server, Service as RpcService,
};
use rpcwrap_client::{AnyCodec, BsonDialect, baidu_std, dial_http};
use rpcwrap_tests::{
    limit,
    raw::Peer,
    server::{TestServer, start, tcp},
    services::Args,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};
use tokio::sync::Semaphore;
use tower::{BoxError, Layer, Service};

/// A reply that has a type of its own, which gob has to define before its first value.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Product {
    value: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    a: i64,
    b: i64,
}

/// The test's end of the service `Work`, all of whose methods multiply.
#[derive(Debug, Clone)]
pub(crate) struct Work(Arc<WorkState>);

#[derive(Debug)]
struct WorkState {
    open: Semaphore,
    entered: AtomicUsize,
    left: AtomicUsize,
}

struct Inside(Work);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.left.fetch_add(1, SeqCst);
    }
}

impl Work {
    pub(crate) fn new() -> Self {
        let state = WorkState { open: Semaphore::new(0), entered: 0.into(), left: 0.into() };
        Self(Arc::new(state))
    }

    /// Functions called so far.
    pub(crate) fn entered(&self) -> usize {
        self.0.entered.load(SeqCst)
    }

    /// Handlers gone so far.
    pub(crate) fn left(&self) -> usize {
        self.0.left.load(SeqCst)
    }

    pub(crate) fn open(&self, calls: usize) {
        self.0.open.add_permits(calls);
    }

    fn enter(&self) -> Inside {
        self.0.entered.fetch_add(1, SeqCst);
        Inside(self.clone())
    }

    /// `Multiply` at once, `Wait` when it is let through, `Spawned` and `Blocking` elsewhere, `Count` as a stream;
    /// a factor 0 is an error, 13 panics.
    pub(crate) fn service(&self) -> RpcService {
        let multiply = |work: Self| {
            move |args: Args| {
                let _inside = work.enter();
                async move { product(&args) }
            }
        };
        let (wait, blocking, count) = (self.clone(), self.clone(), self.clone());
        let wait = move |args: Args| {
            let inside = wait.enter();
            async move {
                inside.0.0.open.acquire().await.unwrap().forget();
                product(&args)
            }
        };
        let blocking = move |args: Args| {
            let _inside = blocking.enter();
            product(&args)
        };
        let count = move |args: Args| {
            let inside = count.enter();
            futures_util::stream::iter((0..args.a).map(move |value| {
                let _ = &inside;
                if value == args.b { Err("in the middle".into()) } else { Ok(Product { value }) }
            }))
        };
        RpcService::new("Work")
            .with(Method::new("Multiply", multiply(self.clone())).read_only())
            .with(Method::new("Wait", wait).read_only())
            .with(Method::new("Full", multiply(self.clone())).max_in_flight(0).read_only())
            .with(Method::spawn("Spawned", multiply(self.clone())).read_only())
            .with(Method::blocking("Blocking", blocking).read_only())
            .with(Method::stream("Count", count).read_only())
    }
}

fn product(args: &Args) -> Result<Product, Error> {
    match args.a {
        0 => Err(Error::new("nothing to do").code("idle")),
        13 => panic!("polled"),
        a => Ok(Product { value: a * args.b }),
    }
}

/// A server with `Work`, to which `add` adds.
pub(crate) async fn serve(work: &Work, add: impl FnOnce(Builder) -> Builder) -> TestServer {
    crate::panics::quiet();
    start(add(Server::builder().service(work.service()).config(Config::default()).protocol(Lines))).await
}

/// One way to make a call.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    InProcess,
    Post,
    Get,
    GoRpc(AnyCodec),
    BaiduStd,
    /// Replies in order, arguments as text.
    Lines,
}

pub(crate) fn ways() -> [Way; 9] {
    [
        Way::GoRpc(AnyCodec::Gob),
        Way::GoRpc(AnyCodec::Json),
        Way::GoRpc(AnyCodec::Bson(BsonDialect::Auto)),
        Way::GoRpc(AnyCodec::Msgpack),
        Way::Post,
        Way::Get,
        Way::BaiduStd,
        Way::Lines,
        Way::InProcess,
    ]
}

impl Way {
    /// What [`rpcwrap::Peer`] says of its callers.
    pub(crate) fn protocol(&self) -> (&'static str, &str) {
        match self {
            Self::InProcess => ("in_process", ""),
            Self::Post | Self::Get => ("http", "json"),
            Self::GoRpc(codec) => ("go_rpc", codec.name()),
            Self::BaiduStd => ("baidu_std", ""),
            Self::Lines => ("lines", ""),
        }
    }

    pub(crate) async fn connect(self, server: &TestServer) -> Caller<'_> {
        let addr = server.addr.to_string();
        match self {
            Self::InProcess => Caller::InProcess(server),
            Self::Post => Caller::Http(Peer::connect(server.addr).await, "POST"),
            Self::Get => Caller::Http(Peer::connect(server.addr).await, "GET"),
            Self::GoRpc(codec) => Caller::GoRpc(limit(dial_http(&addr, codec)).await.unwrap()),
            Self::BaiduStd => Caller::BaiduStd(limit(baidu_std::dial(&addr)).await.unwrap()),
            Self::Lines => {
                let lines = limit(server.listen_only("127.0.0.1:0", &["lines"])).await.unwrap();
                Caller::Lines(Peer::connect(tcp(lines)).await)
            }
        }
    }
}

/// One connection.
pub(crate) enum Caller<'s> {
    InProcess(&'s TestServer),
    Http(Peer, &'static str),
    GoRpc(rpcwrap_client::Client),
    BaiduStd(baidu_std::Client),
    Lines(Peer),
}

impl Caller<'_> {
    /// Calls `Work.<method>`: the product, or the error's text.
    pub(crate) async fn call(&mut self, method: &str, a: i64, b: i64) -> Result<i64, String> {
        let (name, pair) = (format!("Work.{method}"), Pair { a, b });
        let product: Product = match self {
            Self::InProcess(server) => {
                limit(server.call(&name, &pair)).await.map_err(|error| error.to_string())?
            }
            Self::GoRpc(client) => {
                limit(client.call(&name, &pair)).await.map_err(|error| error.to_string())?
            }
            Self::BaiduStd(client) => {
                // The text begins with a number: `[E1008]…`
                limit(client.call(&name, &pair)).await.map_err(|error| {
                    let text = error.to_string();
                    text.split_once(']').map_or(text.clone(), |(_, text)| text.to_owned())
                })?
            }
            Self::Http(peer, verb) => {
                let body = json!({"A": a, "B": b}).to_string();
                let request = if *verb == "GET" {
                    format!("GET /Work/{method}?A={a}&B={b} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                } else {
                    let len = body.len();
                    format!(
                        "POST /Work/{method} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len}\r\n\r\n{body}"
                    )
                };
                let response = peer.http(request).await;
                if response.status != 200 {
                    return Err(response.json()["error"]["message"].as_str().unwrap().to_owned());
                }
                serde_json::from_str(&response.body).unwrap()
            }
            Self::Lines(peer) => {
                peer.send(format!("{name} {a} {b}\n")).await;
                let line = peer.read_line().await;
                match line.strip_prefix("ERR ") {
                    Some(error) => return Err(error.to_owned()),
                    None => serde_json::from_str(&line).unwrap(),
                }
            }
        };
        Ok(product.value)
    }
}

/// A layer made of a function on the service within and a request.
#[derive(Clone)]
pub(crate) struct Around<F>(pub(crate) F);

#[derive(Clone)]
pub(crate) struct AroundService<F> {
    around: F,
    inner: CallService,
}

pub(crate) type Answer = Result<CallOutcome, BoxError>;

impl<F: Clone> Layer<CallService> for Around<F> {
    type Service = AroundService<F>;

    fn layer(&self, inner: CallService) -> AroundService<F> {
        AroundService { around: self.0.clone(), inner }
    }
}

impl<F> Service<CallRequest> for AroundService<F>
where
    F: Fn(CallService, CallRequest) -> BoxFuture<'static, Answer>,
{
    type Response = CallOutcome;
    type Error = BoxError;
    type Future = BoxFuture<'static, Answer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: CallRequest) -> Self::Future {
        let inner = self.inner.clone();
        (self.around)(std::mem::replace(&mut self.inner, inner), request)
    }
}

/// A list that a layer or an observer fills.
#[derive(Debug, Default, Clone)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Notes each request as `name protocol codec user size`, and its outcome as `code size`.
pub(crate) fn recorder(
    log: &Log,
) -> Around<impl Fn(CallService, CallRequest) -> BoxFuture<'static, Answer> + Clone + Send + Sync + 'static> {
    let log = log.clone();
    Around(move |mut inner: CallService, request: CallRequest| {
        let log = log.clone();
        Box::pin(async move {
            assert_eq!(request.service_method(), format!("{}.{}", request.service(), request.method()));
            let (peer, user) = (request.peer(), request.user().unwrap_or("-"));
            let (name, protocol, codec) = (request.service_method(), peer.protocol(), peer.codec());
            log.add(format!("{name} {protocol} {codec} {user} {}", request.size()));
            let outcome = inner.call(request).await?;
            log.add(format!("{} {}", outcome.code().unwrap_or("ok"), outcome.size()));
            Ok(outcome)
        }) as BoxFuture<'static, Answer>
    })
}

#[tokio::test]
async fn each_call_is_seen_once_with_its_facts() {
    let (log, ended) = (Log::default(), Log::default());
    let server = serve(&Work::new(), |builder| {
        let ended = ended.clone();
        builder.layer(recorder(&log)).on_call(move |call| {
            let (name, protocol, codec) =
                (call.service_method(), call.peer().protocol(), call.peer().codec());
            let user = call.user().unwrap_or("-");
            ended.add(format!("{name} {protocol} {codec} {user} {}", call.request_size()));
            ended.add(format!("{} {}", call.code().unwrap_or("ok"), call.reply_size()));
        })
    })
    .await;
    for way in ways() {
        let (protocol, codec) = way.protocol();
        let (codec, shown) = (codec.to_owned(), format!("{way:?}"));
        let mut caller = way.connect(&server).await;
        for method in ["Multiply", "Spawned", "Blocking"] {
            assert_eq!(caller.call(method, 7, 8).await, Ok(56), "{shown}");
            let lines = log.take();
            let called = format!("Work.{method} {protocol} {codec} - ");
            assert_eq!(lines.len(), 2, "{lines:?}");
            let size: usize = lines[0].strip_prefix(&called).expect(&shown).parse().unwrap();
            let reply_size: usize = lines[1].strip_prefix("ok ").expect(&shown).parse().unwrap();
            assert!(size >= 3 && reply_size >= 1, "{lines:?}");
            if shown == "Post" {
                assert_eq!((size, reply_size), (r#"{"A":7,"B":8}"#.len(), r#"{"Value":56}"#.len()));
            }
            assert_eq!(ended.take(), lines, "{shown}");
            assert_eq!(caller.call(method, 0, 8).await, Err("nothing to do".to_owned()));
            let lines = log.take();
            assert!(lines[0].starts_with(&called) && lines[1..] == ["idle 0"], "{lines:?}");
            assert_eq!(ended.take(), lines, "{shown}");
        }
    }
    crate::replay::no_call_is_left(&server);
}

#[tokio::test]
async fn the_first_layer_added_is_the_outermost_and_those_of_a_service_are_within() {
    let log = Log::default();
    let named = |name: &'static str| {
        let log = log.clone();
        Around(move |mut inner: CallService, request: CallRequest| {
            let log = log.clone();
            Box::pin(async move {
                log.add(name);
                let answer = inner.call(request).await;
                log.add(format!("/{name}"));
                answer
            }) as BoxFuture<'static, Answer>
        })
    };
    let other = RpcService::new("Other").method("Say", |text: String| async move { Ok(text) });
    let server = Server::builder()
        .service(Work::new().service().layer(named("c")).layer_buffered(8, named("d")))
        .service(other)
        .layer_buffered(8, named("a"))
        .layer(named("b"))
        .build()
        .unwrap();
    limit(server.call::<_, Product>("Work.Multiply", &Pair { a: 1, b: 2 })).await.unwrap();
    assert_eq!(log.take(), ["a", "b", "c", "d", "/d", "/c", "/b", "/a"]);
    limit(server.call::<_, String>("Other.Say", &"hi")).await.unwrap();
    assert_eq!(log.take(), ["a", "b", "/b", "/a"]);
    limit(server.call::<_, bool>("_rpcwrap_.Ping", &())).await.unwrap();
    assert_eq!(log.take(), ["a", "b", "/b", "/a"]);
    // What is no call of a method passes none.
    limit(server.call::<_, bool>("Work.Nope", &())).await.unwrap_err();
    limit(server.call::<_, bool>("Work.Multiply", &"text")).await.unwrap_err();
    assert_eq!(log.len(), 0);
}
