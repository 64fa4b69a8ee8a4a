//! The attribute from outside: what it makes of an `impl` block, called through a server without sockets.
#![allow(clippy::unwrap_used, reason = "what does not work here fails the test")]
#![allow(clippy::needless_pass_by_value, reason = "methods own their arguments")]

use futures_util::{Stream, stream};
use rpcwrap::{Context, Error, MethodInfo, Server, Service};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

#[derive(Deserialize, Serialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Default)]
struct Arith {
    calls: AtomicU64,
}

/// Arithmetic on integers.
#[rpcwrap::service]
impl Arith {
    const STEP: i64 = 1;

    fn new() -> Self {
        Self::default()
    }

    /// Multiplies.
    #[rpc(idempotent)]
    async fn multiply(&self, args: Args) -> Result<i64, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(args.a * args.b)
    }

    #[rpc(name = "Div", read_only)]
    async fn divide(&self, args: Args) -> Result<i64, Error> {
        args.a.checked_div(args.b).ok_or_else(|| "divide by zero".into())
    }

    async fn calls_so_far(&self) -> Result<u64, Error> {
        Ok(self.calls.load(Ordering::Relaxed))
    }

    async fn who_asks(&self, cx: Context, greeting: String) -> Result<String, Error> {
        Ok(format!("{greeting}, {} by {}", cx.peer_addr(), cx.protocol()))
    }

    #[rpc(blocking)]
    fn thread(self: Arc<Self>, cx: Context, _args: ()) -> Result<bool, Error> {
        Ok(!cx.is_cancelled() && self.plus_one(0) == 1)
    }

    #[rpc(spawn)]
    async fn task(&self, delay_ms: u64) -> Result<bool, Error> {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        Ok(tokio::task::try_id().is_some())
    }

    #[rpc(timeout_ms = 20)]
    async fn for_ever(&self) -> Result<(), Error> {
        std::future::pending().await
    }

    #[rpc(max_in_flight = 1)]
    async fn one_by_one(&self, delay_ms: u64) -> Result<u64, Error> {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        Ok(delay_ms)
    }

    /// Counts up.
    #[rpc(stream)]
    fn count(&self, to: i64) -> impl Stream<Item = Result<i64, Error>> + use<> {
        stream::iter((1..=to).map(Ok))
    }

    #[rpc(stream)]
    fn count_calls(self: Arc<Self>, cx: Context, up_to: u64) -> impl Stream<Item = Result<u64, Error>> {
        stream::unfold((self, cx), move |(this, cx)| async move {
            let calls = this.calls.fetch_add(1, Ordering::Relaxed);
            (calls < up_to && !cx.is_cancelled()).then_some((Ok(calls), (this, cx)))
        })
    }

    #[cfg(any())]
    async fn never_compiled(&self, args: NoSuchType) -> Result<(), Error> {
        Ok(())
    }

    #[rpc(skip)]
    fn plus_one(&self, n: i64) -> i64 {
        n + Self::STEP
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Echo<T>(T);

#[rpcwrap::service(name = "Mirror")]
impl<T> Echo<T>
where
    T: Clone + Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
{
    async fn say(&self, what: Option<Self>) -> Result<Self, Error> {
        Ok(what.unwrap_or_else(|| self.clone()))
    }
}

fn server() -> Server {
    Server::builder().service(Arith::new()).service(Echo("silence".to_owned())).build().unwrap()
}

fn method(server: &Server, name: &str) -> MethodInfo {
    let methods = server.snapshot().methods;
    methods.into_iter().find(|method| format!("{}.{}", method.service, method.method) == name).unwrap()
}

#[tokio::test]
async fn methods_of_every_shape_answer() {
    let server = server();
    let args = Args { a: 7, b: 8 };
    assert_eq!(server.call::<_, i64>("Arith.Multiply", &args).await, Ok(56));
    let error = server.call::<_, i64>("Arith.Div", &Args { a: 7, b: 0 }).await.unwrap_err();
    assert_eq!(error.to_string(), "divide by zero");
    assert_eq!(server.call::<_, u64>("Arith.CallsSoFar", &args).await, Ok(1));
    assert_eq!(server.call::<_, u64>("Arith.CallsSoFar", &"anything").await, Ok(1));
    let who: String = server.call("Arith.WhoAsks", "hi").await.unwrap();
    assert_eq!(who, "hi, in-process by in_process");
    assert_eq!(server.call::<_, bool>("Arith.Thread", &()).await, Ok(true));
    assert_eq!(server.call::<_, bool>("Arith.Task", &1).await, Ok(true));
    assert_eq!(server.call::<_, String>("Mirror.Say", &"hi").await, Ok("hi".to_owned()));
    assert_eq!(server.call::<_, String>("Mirror.Say", &()).await, Ok("silence".to_owned()));
}

#[tokio::test]
async fn what_is_skipped_or_unwritten_cannot_be_called() {
    let server = server();
    for name in ["PlusOne", "New", "NeverCompiled", "Divide", "multiply"] {
        let error = server.call::<_, i64>(&format!("Arith.{name}"), &1).await.unwrap_err();
        assert_eq!(error.to_string(), format!("rpc: can't find method Arith.{name}"));
    }
}

#[tokio::test]
async fn options_reach_the_base_layer() {
    let server = server();
    let late = server.call::<_, ()>("Arith.ForEver", &()).await.unwrap_err();
    assert_eq!(late.to_string(), "rpc: deadline exceeded after 20 ms");

    let (first, second) = tokio::join!(
        server.call::<_, u64>("Arith.OneByOne", &20),
        server.call::<_, u64>("Arith.OneByOne", &20),
    );
    assert_eq!(first, Ok(20));
    assert_eq!(
        second.unwrap_err().to_string(),
        "rpc: server overloaded: Arith.OneByOne already has 1 calls in flight"
    );

    assert!(method(&server, "Arith.Multiply").idempotent);
    assert!(!method(&server, "Arith.Multiply").read_only);
    assert!(method(&server, "Arith.Div").read_only && method(&server, "Arith.Div").idempotent);
    assert!(!method(&server, "Arith.CallsSoFar").idempotent);
}

#[test]
fn docs_and_types_are_kept() {
    let server = server();
    let multiply = method(&server, "Arith.Multiply");
    assert_eq!(
        (&*multiply.doc, multiply.signature.to_string()),
        ("Multiplies.", "(Args, *int64) error".to_owned())
    );
    let count = method(&server, "Arith.Count");
    assert_eq!(
        (&*count.doc, count.signature.to_string()),
        ("Counts up.", "(int64) stream of int64".to_owned())
    );
    assert_eq!(method(&server, "Arith.CountCalls").signature.to_string(), "(uint64) stream of uint64");
    let service = Service::from(Arith::new());
    assert!(format!("{service:?}").contains("Arithmetic on integers."));
}

#[derive(Serialize)]
struct WriteOnly;

struct Kinds;

#[rpcwrap::service]
impl Kinds {
    async fn names(&self, _: Args) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    async fn none(&self) -> Result<&'static str, Error> {
        Ok("")
    }

    async fn write_only(&self, _: Args) -> Result<WriteOnly, Error> {
        Ok(WriteOnly)
    }

    #[rpc(blocking)]
    fn thread(&self, _: Args) -> Result<Option<Args>, Error> {
        Ok(None)
    }

    #[rpc(stream)]
    fn items(&self, _: Args) -> impl Stream<Item = Result<Args, Error>> + use<> {
        stream::empty()
    }
}

#[tokio::test]
async fn replies_that_can_be_read_have_a_known_type() {
    let methods = Server::builder().service(Kinds).build().unwrap().snapshot().methods;
    let shown: Vec<_> =
        methods.iter().map(|method| format!("{}{}", method.method, method.signature)).collect();
    assert_eq!(
        shown,
        [
            "Items(Args) stream of Args",
            "Names(Args, *[]string) error",
            "None(IgnoredAny) &str",
            "Thread(Args, **Args) error",
            "WriteOnly(Args) WriteOnly",
        ]
    );
}
