//! Handlers that keep their threads, and messages that take long: others are served all the same, and it is said which
//! method it was.

use super::{Good, good_services};
use crate::baidu_std::demo::{HEAD, call, outcome, read_reply, request};
use hyper::{Request, Response};
use rpcwrap::{
    Builder, Config, ListenAddr, Method, Server, Service,
    codecs::{baidu_std::RequestHead, body::ContentType, compress::Compression},
};
use rpcwrap_tests::{
    limit,
    raw::{Peer, json_request},
    server::start,
    until,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    runtime,
    sync::{Notify, oneshot},
};

/// Longer than one poll of a connection goes on with calls.
const LONG: Duration = Duration::from_millis(20);

/// What handlers wait for with their threads.
#[derive(Clone, Default)]
pub(super) struct Barrier(Arc<(Mutex<Counts>, Condvar)>);

#[derive(Default)]
struct Counts {
    entered: usize,
    left: usize,
    /// How many may leave.
    open: usize,
}

impl Barrier {
    /// Keeps the thread: half a minute at most, so that a test that fails ends.
    pub(super) fn pass(&self) {
        let (counts, opened) = &*self.0;
        let mut counts = counts.lock().unwrap();
        counts.entered += 1;
        let limit = Duration::from_secs(30);
        counts = opened.wait_timeout_while(counts, limit, |counts| counts.left >= counts.open).unwrap().0;
        counts.left += 1;
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.0.lock().unwrap()
    }

    pub(super) fn entered(&self) -> usize {
        self.counts().entered
    }

    pub(super) fn left(&self) -> usize {
        self.counts().left
    }

    /// Lets `more` go on.
    pub(super) fn open(&self, more: usize) {
        self.counts().open += more;
        self.0.1.notify_all();
    }

    /// A method whose function keeps its thread.
    fn method(&self, name: &str) -> Method {
        let barrier = self.clone();
        Method::new(name, move |n: u64| {
            let barrier = barrier.clone();
            async move {
                barrier.pass();
                Ok(n)
            }
        })
    }
}

/// A server in a runtime of its own, as it is in a program: what its handlers do does not touch the test's.
struct Apart {
    addr: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The name of all threads in which handlers run.
const PROGRAM: &str = "the program's";

impl Apart {
    /// In so many threads; 0 is the one that all is done by.
    async fn start(threads: usize, builder: Builder) -> Self {
        let (bound, addr) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let serve = async move {
            let server = builder.build().unwrap();
            bound.send(server.listen("127.0.0.1:0").await.unwrap()).unwrap();
            // Gone with the test.
            let _ = ended.await;
        };
        let run = move || {
            let mut builder = match threads {
                0 => runtime::Builder::new_current_thread(),
                _ => runtime::Builder::new_multi_thread(),
            };
            builder.worker_threads(threads.max(1)).thread_name(PROGRAM).enable_all();
            builder.build().unwrap().block_on(serve);
        };
        let thread = thread::Builder::new().name(PROGRAM.to_owned()).spawn(run).unwrap();
        let ListenAddr::Tcp(addr) = limit(addr).await.unwrap() else { panic!("TCP was asked for") };
        Self { addr, end: Some(end), thread: Some(thread) }
    }

    async fn json(&self) -> Peer {
        Peer::connect_codec(self.addr, "json").await
    }

    async fn page(&self, path: &str) -> String {
        let response = Peer::connect(self.addr).await.http(get(path)).await;
        assert_eq!(response.status, 200, "{path}");
        response.body
    }

    /// How often `/debug/vars` says that a method of `Block` has blocked its thread.
    async fn blocked(&self, method: &str) -> u64 {
        let vars: Value = serde_json::from_str(&self.page("/debug/vars").await).unwrap();
        vars["methods"][format!("Block.{method}")]["blocked-threads"].as_u64().unwrap()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && !thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
}

fn post(path: &str, body: &str) -> String {
    let len = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len}\r\n\r\n{body}")
}

const PAGES: [&str; 9] = [
    "/healthz",
    "/livez",
    "/readyz",
    "/debug/health",
    "/metrics",
    "/debug/rpc",
    "/debug/vars",
    "/debug/status",
    "/connections",
];

#[tokio::test]
async fn pages_and_probes_are_answered_while_every_thread_is_kept() {
    for threads in [0, 2] {
        let barrier = Barrier::default();
        let service = Service::new("Block").with(barrier.method("Here"));
        let server = Apart::start(threads, good_services().service(service)).await;
        let (mut old, mut callers) = (Peer::connect(server.addr).await, Vec::new());
        assert_eq!(old.http(get("/healthz")).await.status, 200);
        for _ in 0..8 {
            callers.push(server.json().await);
        }
        for (id, caller) in callers.iter_mut().enumerate() {
            caller.send(json_request("Block.Here", "7", id as u64)).await;
        }
        // Whether one kept thread takes the sockets of others with it is tokio's to say: both are to hold up no page.
        until(|| barrier.entered() > 0).await;
        // On a connection of before, on new ones, and again on those.
        let mut new = Peer::connect(server.addr).await;
        for path in PAGES {
            assert_eq!(old.http(get(path)).await.status, 200, "{path}");
            assert_eq!(new.http(get(path)).await.status, 200, "{path}");
            server.page(path).await;
        }
        assert_eq!(new.http(get("/nothing")).await.status, 404);
        let mut check = Peer::connect(server.addr).await;
        check.send("agent\n").await;
        assert_eq!(check.read_to_end().await, b"ready up 100%\n");
        let mut garbage = Peer::connect(server.addr).await;
        garbage.send(b"\0garbage\r\n\r\n").await;
        garbage.expect_closed().await;
        // A call waits for a thread, and takes no other connection with it.
        let mut waiting = Peer::connect(server.addr).await;
        waiting.send(post("/Echo/Say", "\"hi\"")).await;
        assert_eq!(new.http(get("/readyz")).await.status, 200);
        assert_eq!(barrier.left(), 0, "they are kept");
        barrier.open(8);
        assert_eq!(waiting.read_http(false).await.body, "\"hi\"\n");
        for caller in &mut callers {
            assert_eq!(caller.read_json().await["result"], 7);
        }
    }
}

#[tokio::test]
async fn calls_behind_calls_that_keep_their_thread_hold_up_no_other_connection() {
    const CALLS: usize = 8;
    let barrier = Barrier::default();
    let keeps = barrier.clone();
    let slow = move |n: u64| {
        let barrier = keeps.clone();
        async move {
            barrier.pass();
            thread::sleep(LONG);
            Ok(n)
        }
    };
    let waits = {
        let slow = slow.clone();
        move |n: u64| {
            let slow = slow.clone();
            async move {
                tokio::task::yield_now().await;
                slow(n).await
            }
        }
    };
    let service = Service::new("Block").method("Here", slow).method("Later", waits);
    let server = Apart::start(0, good_services().service(service)).await;
    let (mut other, mut bad) = (server.json().await, server.json().await);
    assert_eq!(other.call("Echo.Say", "\"hi\"", 0).await["result"], "hi");
    for method in ["Block.Here", "Block.Later"] {
        let before = barrier.left();
        bad.send((0..CALLS).map(|id| json_request(method, "7", id as u64)).collect::<String>()).await;
        for done in before..before + CALLS - 1 {
            until(|| barrier.entered() == done + 1).await;
            other.send(json_request("Echo.Say", "\"hi\"", 1)).await;
            barrier.open(1);
            // The next one has started by then, at most: it is not let through before this is answered.
            assert_eq!(other.read_json().await["result"], "hi", "{method}");
            assert!(barrier.left() <= done + 1, "{method}");
        }
        barrier.open(1);
        for _ in 0..CALLS {
            assert_eq!(bad.read_json().await["result"], 7, "{method}");
        }
    }
}

#[tokio::test]
async fn the_method_that_keeps_its_thread_is_named() {
    let barrier = Barrier::default();
    let (blocking, spawned, first) = (barrier.clone(), barrier.clone(), barrier.clone());
    let told = Arc::new(Notify::new());
    let waits = told.clone();
    let service = Service::new("Block")
        .with(barrier.method("Here"))
        .with(Method::spawn("Spawned", move |n: u64| {
            let barrier = spawned.clone();
            async move {
                tokio::task::yield_now().await;
                barrier.pass();
                Ok(n)
            }
        }))
        .method("Before", move |n: u64| {
            first.pass();
            async move { Ok(n) }
        })
        .method("Waits", move |n: u64| {
            let told = waits.clone();
            async move {
                told.notified().await;
                Ok(n)
            }
        })
        .with(Method::blocking("Allowed", move |n: u64| {
            blocking.pass();
            Ok(n)
        }));
    let config = Config::default().blocked_after(Some(LONG));
    let server = Apart::start(2, good_services().config(config).service(service)).await;
    let mut peer = server.json().await;
    for method in ["Here", "Spawned", "Before"] {
        assert_eq!(server.blocked(method).await, 0);
        peer.send(json_request(&format!("Block.{method}"), "7", 1)).await;
        limit(async { while server.blocked(method).await == 0 {} }).await;
        let line =
            format!("rpcwrap_server_blocked_threads_total{{service=\"Block\",method=\"{method}\"}} 1\n");
        assert!(server.page("/metrics").await.contains(&line), "{line}");
        let status = server.page("/debug/status?format=text").await;
        assert!(
            status.contains("BLOCKED THREADS") && status.contains(&format!("Block.{method} ")),
            "{status}"
        );
        barrier.open(1);
        assert_eq!(peer.read_json().await["result"], 7);
        assert_eq!(server.blocked(method).await, 1, "once for one call");
    }
    // One that waits for something else, and one that says that it blocks.
    peer.send(json_request("Block.Waits", "7", 1) + &json_request("Block.Allowed", "7", 2)).await;
    until(|| barrier.entered() == 4).await;
    // Told of meanwhile is one that has come later.
    let mut other = server.json().await;
    other.send(json_request("Block.Here", "7", 1)).await;
    limit(async { while server.blocked("Here").await == 1 {} }).await;
    barrier.open(2);
    told.notify_one();
    for peer in [&mut peer, &mut other] {
        assert_eq!(peer.read_json().await["result"], 7);
    }
    assert_eq!(peer.read_json().await["result"], 7);
    assert_eq!((server.blocked("Waits").await, server.blocked("Allowed").await), (0, 0));
}

/// Keeps those that are decoded or encoded, until it is open.
static CODING: LazyLock<Barrier> = LazyLock::new(Barrier::default);

/// Takes as long to decode, and to encode, as the barrier is closed.
struct Slow(Vec<String>);

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        CODING.pass();
        Ok(Self(Vec::new()))
    }
}

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CODING.pass();
        self.0.serialize(serializer)
    }
}

#[tokio::test]
async fn large_messages_are_decoded_and_encoded_beside_other_calls() {
    let large = json!(["word"; 100_000].to_vec()).to_string();
    assert!(large.len() > 512 << 10);
    let service = Service::new("Large")
        .method("Take", |taken: Slow| async move { Ok(taken.0.len()) })
        .method("Give", |n: usize| async move { Ok(Slow(vec!["word".to_owned(); n])) });
    let server = Apart::start(1, good_services().service(service)).await;
    let mut other = server.json().await;
    // A reply tells of those behind it.
    let mut peer = server.json().await;
    CODING.open(1);
    peer.call("Large.Give", "100000", 0).await;

    let mut kept = 1;
    let mut answered_meanwhile = async |kind: &str| {
        kept += 1;
        until(|| CODING.entered() == kept).await;
        for id in 0..3 {
            assert_eq!(other.call("Echo.Say", "\"hi\"", id).await["result"], "hi", "{kind}");
        }
        assert_eq!(CODING.left(), kept - 1, "{kind}");
        CODING.open(1);
    };
    peer.send(json_request("Large.Take", &large, 1)).await;
    answered_meanwhile("a request").await;
    assert_eq!(peer.read_json().await["result"], 0);
    peer.send(json_request("Large.Give", "100000", 1)).await;
    answered_meanwhile("a reply").await;
    assert_eq!(peer.read_json().await["result"][99_999], "word");

    let mut http = Peer::connect(server.addr).await;
    http.send(post("/Large/Take", &large)).await;
    answered_meanwhile("a body").await;
    assert_eq!(http.read_http(false).await.body, "0\n");

    let mut baidu = Peer::connect(server.addr).await;
    for compression in [Compression::None, Compression::Gzip] {
        let content_type = ContentType::Json;
        let head =
            RequestHead { service_name: "Large", method_name: "Take", content_type, compression, ..HEAD };
        let sent = request(&head, large.as_bytes());
        assert_eq!(sent.len() < 64 << 10, compression == Compression::Gzip);
        baidu.send(sent).await;
        answered_meanwhile(&format!("{compression:?}")).await;
        assert_eq!(&outcome(&read_reply(&mut baidu).await).unwrap().body[..], b"0");
    }
}

/// 256 bytes for each `[]` of a message.
type Lists = Vec<[u64; 32]>;

/// What becomes much, and keeps its thread when it has.
struct Grown(usize);

static GROWN: LazyLock<Barrier> = LazyLock::new(Barrier::default);

impl<'de> Deserialize<'de> for Grown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lists = Lists::deserialize(deserializer)?;
        GROWN.pass();
        Ok(Self(lists.len()))
    }
}

#[tokio::test]
async fn small_messages_that_become_much_wait_for_their_turn_aside() {
    const LISTS: usize = 20_000;
    const PEERS: usize = 8;
    let lists = format!("[[]{}]", ",[]".repeat(LISTS - 1));
    assert!(lists.len() < 64 << 10);
    let service = Service::new("Large")
        .with(Method::new("Count", |grown: Grown| async move { Ok(grown.0) }).read_only());
    let server = Apart::start(1, good_services().service(service)).await;
    let mut other = server.json().await;
    let (mut sessions, mut posts) = (Vec::new(), Vec::new());
    for id in 0..PEERS {
        let mut session = server.json().await;
        // What is behind it is answered behind it or before, and stays whole.
        let behind = json_request("Echo.Say", "\"hi\"", 99);
        session.send(json_request("Large.Count", &lists, id as u64) + &behind).await;
        sessions.push(session);
        let mut http = Peer::connect(server.addr).await;
        http.send(post("/Large/Count", &lists)).await;
        posts.push(http);
    }
    // The places are those of half the cores.
    let places = (thread::available_parallelism().unwrap().get() / 2).max(1);
    for done in 0..2 * PEERS {
        until(|| GROWN.entered() == (done + places).min(2 * PEERS)).await;
        for id in 0..3 {
            assert_eq!(other.call("Echo.Say", "\"hi\"", id).await["result"], "hi");
        }
        assert_eq!((GROWN.entered(), GROWN.left()), ((done + places).min(2 * PEERS), done));
        GROWN.open(1);
    }
    for (id, session) in sessions.iter_mut().enumerate() {
        let mut replies = [session.read_json().await, session.read_json().await];
        replies.sort_by_key(|reply| reply["id"].as_u64());
        assert_eq!((&replies[0]["id"], &replies[0]["result"]), (&id.into(), &LISTS.into()));
        assert_eq!((&replies[1]["id"], &replies[1]["result"]), (&99.into(), &"hi".into()));
    }
    for http in &mut posts {
        assert_eq!(http.read_http(false).await.body, format!("{LISTS}\n"));
    }
}

/// On a clock that goes on when no task has anything left to do: no socket is in it.
#[tokio::test(start_paused = true)]
async fn large_messages_wait_for_nothing_but_others() {
    let service = Service::new("Large").method("Count", |lists: Lists| async move { Ok(lists.len()) });
    let server = start(good_services().service(service)).await;
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    let began = tokio::time::Instant::now();
    for lists in [20_000, 200_000] {
        let args = format!("[[]{}]", ",[]".repeat(lists - 1));
        assert_eq!(peer.call("Large.Count", &args, 1).await["result"], lists);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_handler_that_keeps_its_thread_holds_up_no_large_message_of_others() {
    let barrier = Barrier::default();
    let keeps = barrier.clone();
    let keep = move |lists: Lists| {
        let barrier = keeps.clone();
        async move {
            barrier.pass();
            Ok(lists.len())
        }
    };
    let service = Service::new("Large")
        .method("Keep", keep)
        .method("Count", |lists: Lists| async move { Ok(lists.len()) });
    let server = Apart::start(4, good_services().service(service)).await;
    let (mut bad, mut other) = (server.json().await, server.json().await);
    for lists in [20_000, 200_000] {
        let lists = format!("[[]{}]", ",[]".repeat(lists - 1));
        let kept = barrier.entered();
        bad.send(json_request("Large.Keep", &lists, 1)).await;
        until(|| barrier.entered() == kept + 1).await;
        let count = other.call("Large.Count", &lists, 2).await["result"].clone();
        assert_eq!(barrier.left(), kept);
        barrier.open(1);
        assert_eq!(bad.read_json().await["result"], count);
    }
}

#[tokio::test]
async fn what_would_take_long_for_nothing_is_refused() {
    let server = Apart::start(1, good_services()).await;
    let good = Good::without_pause(server.addr);
    // 16 MB of members that hold nothing.
    let empty = Compression::Gzip.compress(b"");
    let members = empty.repeat((16 << 20) / empty.len());
    let head = RequestHead { service_name: "Echo", method_name: "Say", ..HEAD };
    let mut baidu = Peer::connect(server.addr).await;
    for _ in 0..3 {
        let whole = gzipped(&head, &members);
        baidu.send(whole).await;
        let (_, text) = outcome(&read_reply(&mut baidu).await).unwrap_err();
        assert!(text.contains("compressed bytes that become next to nothing"), "{text}");
    }
    // An id of 60 MB.
    let mut json = server.json().await;
    let request =
        format!("{{\"method\":\"Echo.Say\",\"params\":[\"hi\"],\"id\":\"{}\"}}\n", "7".repeat(60 << 20));
    // It may be closed before all of it is taken.
    let _ = json.try_send(request).await;
    json.expect_closed().await;
    let say = call(&mut baidu, &RequestHead { content_type: ContentType::Json, ..head }, b"\"hi\"").await;
    assert_eq!(&say.unwrap().body[..], b"\"hi\"");
    good.stop().await;
}

/// A request whose body is said to be compressed, as it is.
fn gzipped(head: &RequestHead<'_>, body: &[u8]) -> Vec<u8> {
    // `compress_type`, the third field of the meta: gzip.
    let mut whole = request(head, body).to_vec();
    let meta = u32::from_be_bytes(whole[8..12].try_into().unwrap());
    whole.splice(12..12, [3 << 3, 2]);
    let len = u32::from_be_bytes(whole[4..8].try_into().unwrap()) + 2;
    whole[4..8].copy_from_slice(&len.to_be_bytes());
    whole[8..12].copy_from_slice(&(meta + 2).to_be_bytes());
    whole
}

#[tokio::test]
async fn handlers_run_in_the_programs_runtime_however_they_are_called() {
    let name = || thread::current().name().unwrap_or_default().to_owned();
    let mounted = tower::service_fn(move |_: Request<rpcwrap::RequestBody>| async move {
        Ok::<_, Infallible>(Response::new(thread::current().name().unwrap_or_default().to_owned()))
    });
    for threads in [0, 2] {
        let service = Service::new("Thread")
            .with(Method::new("Name", move |_: Option<u8>| async move { Ok(name()) }).read_only())
            .with(Method::spawn("Spawned", move |_: Option<u8>| async move { Ok(name()) }));
        let server = Apart::start(threads, Server::builder().service(service).mount(mounted)).await;
        let mut peer = server.json().await;
        for method in ["Thread.Name", "Thread.Spawned"] {
            assert_eq!(peer.call(method, "null", 1).await["result"], PROGRAM, "{method}");
        }
        // On one connection, with pages between calls, in all orders.
        let mut http = Peer::connect(server.addr).await;
        for _ in 0..3 {
            assert_eq!(http.http(get("/healthz")).await.status, 200);
            assert_eq!(http.http(post("/Thread/Name", "null")).await.body, format!("\"{PROGRAM}\"\n"));
            assert_eq!(http.http(get("/Thread/Name")).await.body, format!("\"{PROGRAM}\"\n"));
            assert_eq!(http.http(get("/shop")).await.body, PROGRAM);
        }
        let mut at_once = Peer::connect(server.addr).await;
        at_once
            .send([get("/healthz"), post("/Thread/Name", "null"), get("/livez"), get("/shop")].concat())
            .await;
        assert_eq!(at_once.read_http(false).await.status, 200);
        assert_eq!(at_once.read_http(false).await.body, format!("\"{PROGRAM}\"\n"));
        assert_eq!(at_once.read_http(false).await.status, 200);
        assert_eq!(at_once.read_http(false).await.body, PROGRAM);
        let mut chunks = Peer::connect(server.addr).await;
        chunks
            .send("POST /Thread/Name HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nnu\r\n")
            .await;
        chunks.send("2\r\nll\r\n0\r\n\r\n").await;
        assert_eq!(chunks.read_http(false).await.body, format!("\"{PROGRAM}\"\n"));
    }
}
