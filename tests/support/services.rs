//! The services tests call: arithmetic, echoes of every type, streams, and handlers that wait for their test.

use futures_util::{Stream, stream};
use rpcwrap::{
    Builder, Context, Error, Method, Server, Service,
    codecs::types::{Any, Blob, Text, Time},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Args {
    pub a: i64,
    pub b: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Quotient {
    quo: i64,
    rem: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Inner {
    name: Text,
    n: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Holder {
    v: Any,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Empty {}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CountArgs {
    n: i64,
    error_at: i64,
    bad_at: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CountReply {
    c: i64,
    index: i64,
}

/// A server with the services of this file that need nothing from their test.
#[must_use]
pub fn services() -> Builder {
    Server::builder().service(arith()).service(echo()).service(count()).service(who())
}

/// `Arith`, as in Go's own example, and its errors.
#[must_use]
pub fn arith() -> Service {
    Service::new("Arith")
        .method("Multiply", |args: Args| async move { Ok(args.a.wrapping_mul(args.b)) })
        .method("Divide", |args: Args| async move {
            match args.a.checked_div(args.b) {
                Some(quo) => Ok(Quotient { quo, rem: args.a.wrapping_rem(args.b) }),
                None => Err(Error::new("divide by zero").code("math").data(serde_json::json!({"b": args.b}))),
            }
        })
        .method("Error", |_: Args| async move { Err::<i64, _>("app error: \"quoted\" <tag> é\n".into()) })
        .method("EmptyError", |_: Args| async move { Ok(0_i64) })
        .method("EOSError", |_: Args| async move { Err::<i64, _>("EOS".into()) })
}

fn same<T: DeserializeOwned + Serialize + Send + 'static>(name: &str) -> Method {
    Method::new(name, |value: T| async move { Ok(value) })
}

/// `Echo`: returns its argument, one method per type.
#[must_use]
pub fn echo() -> Service {
    Service::new("Echo")
        .with(same::<Text>("String"))
        .with(same::<Blob>("Bytes"))
        .with(same::<i64>("Int"))
        .with(same::<i32>("Int32"))
        .with(same::<i64>("Int64"))
        .with(same::<u64>("Uint"))
        .with(same::<u32>("Uint32"))
        .with(same::<u64>("Uint64"))
        .with(same::<f64>("Float64"))
        .with(same::<bool>("Bool"))
        .with(same::<Time>("Time"))
        .with(same::<Inner>("Inner"))
        .with(same::<BTreeMap<Text, Any>>("Map"))
        .with(same::<BTreeMap<Text, Text>>("MapStr"))
        .with(same::<Vec<Text>>("Strings"))
        .with(same::<Vec<Inner>>("Inners"))
        .with(same::<Vec<i64>>("Ints"))
        .with(same::<Any>("Any"))
        .with(same::<Holder>("Hold"))
        .with(same::<Empty>("Empty"))
}

#[allow(clippy::needless_pass_by_value, reason = "a handler is given its argument")]
fn items(args: CountArgs) -> impl Stream<Item = Result<CountReply, Error>> {
    stream::iter((0..args.n).map(move |index| match index {
        0 => Ok(CountReply { c: args.n, index }),
        _ if index == args.error_at => Err("triggered error in middle".into()),
        _ if index == args.bad_at => Err("rpc: passing wrong type to sendReply".into()),
        _ => Ok(CountReply { c: args.n, index }),
    }))
}

/// `Stream.Count`: N items, with an error in the middle on request.
#[must_use]
pub fn count() -> Service {
    Service::new("Stream").stream("Count", items)
}

/// `Ctx.Who`: what a handler sees of its caller, as `protocol codec user`.
#[must_use]
pub fn who() -> Service {
    Service::new("Ctx").method("Who", |cx: Context, _: Text| async move {
        Ok(format!("{} {} {}", cx.protocol(), cx.codec(), cx.user().unwrap_or("-")))
    })
}

/// `Panic`: handlers that panic where Rust code can: when started, when polled, after a wait, and in the reply's
/// own `Serialize`.
#[must_use]
pub fn panics() -> Service {
    struct Unserializable;
    impl Serialize for Unserializable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("in serialize")
        }
    }
    #[allow(clippy::manual_async_fn, reason = "panics before there is a future")]
    fn at_once(_: Args) -> impl Future<Output = Result<i64, Error>> {
        panic!("at once");
        #[allow(unreachable_code, reason = "gives the future its type")]
        std::future::ready(Ok(0))
    }
    async fn later(args: Args) -> Result<i64, Error> {
        tokio::task::yield_now().await;
        if args.a == 13 { panic!("later") } else { Ok(args.a) }
    }
    Service::new("Panic")
        .method("AtOnce", at_once)
        .method(
            "Polled",
            |args: Args| async move { if args.a == 13 { panic!("polled") } else { Ok(args.a) } },
        )
        .method("Later", later)
        .with(Method::spawn("Spawned", later))
        .with(Method::blocking("Blocking", |_: Args| -> Result<i64, Error> { panic!("blocking") }))
        .method("Reply", |_: Args| async move { Ok(Unserializable) })
        .stream("Stream", |_: Args| {
            stream::iter((0..3).map(|n: i64| if n == 2 { panic!("stream") } else { Ok(n) }))
        })
}

/// The test's end of the service `Gate`.
///
/// `Gate.Wait` answers its argument once it is let through; `Gate.Stream` has one item per opening.
#[derive(Debug, Clone)]
pub struct Gate(Arc<State>);

#[derive(Debug)]
struct State {
    open: Semaphore,
    entered: AtomicUsize,
    left: AtomicUsize,
}

/// One handler inside; counts when it goes, done or dropped.
struct Inside(Gate);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.left.fetch_add(1, Ordering::SeqCst);
    }
}

impl Default for Gate {
    fn default() -> Self {
        let state =
            State { open: Semaphore::new(0), entered: AtomicUsize::new(0), left: AtomicUsize::new(0) };
        Self(Arc::new(state))
    }
}

impl Gate {
    /// Lets `calls` go on, waiting or still to come.
    pub fn open(&self, calls: usize) {
        self.0.open.add_permits(calls);
    }

    /// Handlers started so far.
    pub fn entered(&self) -> usize {
        self.0.entered.load(Ordering::SeqCst)
    }

    /// Handlers gone so far: answered or dropped.
    pub fn left(&self) -> usize {
        self.0.left.load(Ordering::SeqCst)
    }

    fn enter(&self) -> Inside {
        self.0.entered.fetch_add(1, Ordering::SeqCst);
        Inside(self.clone())
    }

    async fn pass(&self) {
        self.0.open.acquire().await.unwrap().forget();
    }

    /// The service, with `Wait`, `Spawned` and `Stream` behind this gate.
    pub fn service(&self) -> Service {
        let wait = |gate: Self| {
            move |value: Any| {
                let inside = gate.enter();
                async move {
                    inside.0.pass().await;
                    Ok(value)
                }
            }
        };
        let gate = self.clone();
        Service::new("Gate")
            .method("Wait", wait(self.clone()))
            .with(Method::spawn("Spawned", wait(self.clone())))
            .with(Method::new("Brief", wait(self.clone())).timeout(Duration::from_millis(30)))
            .with(Method::new("Two", wait(self.clone())).max_in_flight(2))
            .stream("Stream", move |_: Any| {
                stream::unfold((gate.enter(), 0), |(inside, n)| async move {
                    inside.0.pass().await;
                    Some((Ok::<i64, Error>(n), (inside, n + 1)))
                })
            })
    }
}
