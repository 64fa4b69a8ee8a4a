//! HTTP as a peer sees it: raw bytes through the whole path from the first byte on, on a clock that does not wait.

use super::{Mount, RequestBody};
use crate::{
    Access, Builder, Config, Credentials, Error, Method, Server, Service,
    live::shutdown::Phase,
    protocol::{Class, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff},
};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::Full;
use hyper::{Request, Response};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{Instant, sleep, timeout},
};

/// Takes `CONNECT /_echo_rpc_` and writes what it was handed: the bytes it got until the peer closed.
struct EchoPrefix;

impl Protocol for EchoPrefix {
    fn name(&self) -> &'static str {
        "echo_prefix"
    }
    fn class(&self) -> Class {
        Class::Weak
    }
    fn prefaces(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn sniff(&self, _: &[u8]) -> Sniff {
        Sniff::No
    }
    fn takes_path(&self, path: &str) -> bool {
        path == "/_echo_rpc_"
    }
    fn serve(self: Arc<Self>, conn: Conn, _: ConnCx) -> ServeFuture {
        Box::pin(async move {
            let path = conn.path.clone().unwrap_or_default();
            let mut io = conn.into_io();
            let mut got = Vec::new();
            io.read_to_end(&mut got).await?;
            io.write_all(format!("{path} got {}", got.escape_ascii()).as_bytes()).await?;
            Ok(Served::Closed)
        })
    }
}

#[derive(serde::Deserialize)]
struct Pair {
    a: i64,
    b: i64,
}

fn builder() -> Builder {
    let arith = Service::new("Arith")
        .method("Multiply", |pair: Pair| async move { Ok(pair.a * pair.b) })
        .method("Divide", |pair: Pair| async move {
            if pair.b == 0 {
                Err(Error::new("divide by zero").code("bad_arguments"))
            } else {
                Ok(pair.a / pair.b)
            }
        });
    let demo = Service::new("Demo")
        .method("Nothing", |(): ()| async { Ok(7) })
        .method("Sleep", |ms: u64| async move {
            sleep(Duration::from_millis(ms)).await;
            Ok(ms)
        })
        .stream("Count", |n: u64| stream::iter((0..n).map(Ok)))
        .stream("Breaks", |n: u64| {
            stream::iter((0..n).map(Ok).chain([Err(Error::new("broken").code("oops"))]))
        })
        .with(Method::new("Panic", |(): ()| async { if true { panic!("on purpose") } else { Ok(0) } }));
    let secret = Service::new("Secret")
        .method("Name", |cx: crate::Context, (): ()| async move { Ok(cx.user().unwrap_or("-").to_owned()) })
        .access(Access::new().users(["ala"]));
    Server::builder().service(arith).service(demo).service(secret).protocol(EchoPrefix)
}

fn server() -> Server {
    builder().build().unwrap()
}

async fn connect(server: &Server, bytes: impl AsRef<[u8]>) -> DuplexStream {
    let mut stream = server.connect().unwrap();
    stream.write_all(bytes.as_ref()).await.unwrap();
    stream
}

/// Everything until the server closes.
async fn rest(mut stream: DuplexStream) -> String {
    let mut seen = Vec::new();
    timeout(Duration::from_secs(600), stream.read_to_end(&mut seen)).await.expect("is closed").unwrap();
    String::from_utf8(seen).unwrap()
}

/// What a server answers to these bytes and the end of the sender's side, dates taken out.
async fn answer(server: &Server, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(server, bytes).await;
    stream.shutdown().await.unwrap();
    without_dates(&rest(stream).await)
}

fn without_dates(seen: &str) -> String {
    seen.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
}

async fn post(server: &Server, path: &str, body: &str) -> (String, String) {
    let head = format!("POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
    let seen = answer(server, head + body).await;
    let (head, body) = seen.split_once("\r\n\r\n").expect(&seen);
    (head.to_owned(), body.to_owned())
}

const OK_HEALTH: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\
    x-content-type-options: nosniff\r\nx-frame-options: DENY\r\nreferrer-policy: no-referrer\r\n\
    content-length: 2\r\n\r\nok";
const GET_HEALTH: &str = "GET /debug/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const NOT_FOUND: &str = "404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\n\
    x-content-type-options: nosniff\r\nx-frame-options: DENY\r\nreferrer-policy: no-referrer\r\n\
    content-length: 19\r\n\r\n404 page not found\n";
const MUST_CONNECT: &str = "405 Method Not Allowed\r\ncontent-type: text/plain; charset=utf-8\r\n\
    allow: CONNECT\r\n\
    x-content-type-options: nosniff\r\nx-frame-options: DENY\r\nreferrer-policy: no-referrer\r\n\
    content-length: 17\r\n\r\n405 must CONNECT\n";

#[tokio::test(start_paused = true)]
async fn refusals_have_gos_words() {
    let server = server();
    for (request, version, wanted) in [
        ("GET /_echo_rpc_ HTTP/1.0\r\n\r\n", "HTTP/1.0", MUST_CONNECT),
        ("GET /_echo_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "HTTP/1.1", MUST_CONNECT),
        ("connect /_echo_rpc_ HTTP/1.0\n\n", "HTTP/1.0", MUST_CONNECT),
        ("OPTIONS /_echo_rpc_ HTTP/1.0\r\n\r\n", "HTTP/1.0", MUST_CONNECT),
        ("POST /_bson_rpc_ HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.0", MUST_CONNECT),
        ("GET /_nope_rpc_ HTTP/1.0\r\n\r\n", "HTTP/1.0", MUST_CONNECT),
        ("GET /_goRPC_ HTTP/1.0\r\n\r\n", "HTTP/1.0", MUST_CONNECT),
        ("CONNECT /_nope_rpc_ HTTP/1.0\n\n", "HTTP/1.0", NOT_FOUND),
        ("CONNECT /_echo_rpc_/ HTTP/1.0\n\n", "HTTP/1.0", NOT_FOUND),
        ("CONNECT /_nope_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "HTTP/1.1", NOT_FOUND),
        ("CONNECT svc:80 HTTP/1.1\r\nHost: svc:80\r\n\r\n", "HTTP/1.1", NOT_FOUND),
        ("CONNECT /healthz HTTP/1.0\r\n\r\n", "HTTP/1.0", NOT_FOUND),
        ("GET /nope HTTP/1.0\r\n\r\n", "HTTP/1.0", NOT_FOUND),
        ("GET /a/b HTTP/1.0\r\n\r\n", "HTTP/1.0", NOT_FOUND),
    ] {
        assert_eq!(answer(&server, request).await, format!("{version} {wanted}"), "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_without_a_body() {
    let server = server();
    for path in ["/", "/debug/rpc", "/debug/health", "/metrics", "/debug/status", "/healthz", "/nope"] {
        let get = answer(&server, format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        let head = answer(&server, format!("HEAD {path} HTTP/1.0\r\n\r\n")).await;
        let (get_head, body) = get.split_once("\r\n\r\n").unwrap();
        assert!(!body.is_empty() && head.ends_with("\r\n\r\n"), "{path}: {head}");
        let names =
            |head: &str| head.lines().map(|l| l.split(':').next().map(str::to_owned)).collect::<Vec<_>>();
        assert_eq!(names(head.trim_end()), names(get_head), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn probes_of_load_balancers() {
    let server = server();
    let options = "200 OK\r\nallow: GET, HEAD, OPTIONS\r\n\
        x-content-type-options: nosniff\r\nx-frame-options: DENY\r\nreferrer-policy: no-referrer\r\n\
        content-length: 0\r\n\r\n";
    for request in
        ["OPTIONS / HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.0\r\n\r\n", "OPTIONS /healthz HTTP/1.0\r\n\r\n"]
    {
        assert_eq!(answer(&server, request).await, format!("HTTP/1.0 {options}"));
    }
    let ready = "GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";
    assert!(answer(&server, ready).await.starts_with("HTTP/1.1 200 OK\r\n"));
    server.start_lame_duck();
    assert!(answer(&server, "OPTIONS / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 503 "));
    assert!(answer(&server, "GET /livez HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200 "));
    let gone = answer(&server, ready).await;
    assert!(gone.starts_with("HTTP/1.1 503 ") && gone.contains("\r\nconnection: close\r\n"), "{gone}");
    assert!(gone.contains("\r\nx-envoy-immediate-health-check-fail: true\r\n"), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn keep_alive_and_pipelining() {
    let server = server();
    let mut stream = connect(&server, GET_HEALTH).await;
    for _ in 0..2 {
        let mut seen = vec![0; 512];
        let n = stream.read(&mut seen).await.unwrap();
        assert_eq!(without_dates(std::str::from_utf8(&seen[..n]).unwrap()), OK_HEALTH);
        stream.write_all(GET_HEALTH.as_bytes()).await.unwrap();
    }
    drop(stream);
    for count in [2, 3, 40] {
        assert_eq!(answer(&server, GET_HEALTH.repeat(count)).await, OK_HEALTH.repeat(count));
    }
    let with_garbage = answer(&server, [GET_HEALTH, "\0\0 nonsense\r\n\r\n"].concat()).await;
    assert!(with_garbage.starts_with(&format!("{OK_HEALTH}HTTP/1.1 400 Bad Request\r\n")), "{with_garbage}");
    let with_half = answer(&server, [GET_HEALTH, "GET /debug/he"].concat()).await;
    assert_eq!(with_half, OK_HEALTH);
    let h2 = answer(&server, [GET_HEALTH, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"].concat()).await;
    assert!(h2.starts_with(OK_HEALTH), "{h2}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_does_not_wait_for_the_call_behind_it() {
    let server = server();
    let slow = "POST /Demo/Sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\n5000";
    let mut stream = connect(&server, [GET_HEALTH, slow].concat()).await;
    let (mut seen, began) = (vec![0; 1024], Instant::now());
    let n = stream.read(&mut seen).await.unwrap();
    assert_eq!(without_dates(std::str::from_utf8(&seen[..n]).unwrap()), OK_HEALTH);
    assert_eq!(began.elapsed(), Duration::ZERO);
    // The next request comes during the call and is answered after it.
    stream.write_all(GET_HEALTH.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let seen = without_dates(&rest(stream).await);
    assert!(seen.contains("\r\n\r\n5000\n") && seen.ends_with(OK_HEALTH), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn connect_hands_the_connection_over() {
    let server = server();
    let get = |rest: &str| [GET_HEALTH, rest].concat();
    for (request, wanted) in [
        ("CONNECT /_echo_rpc_ HTTP/1.0\n\n".to_owned(), "/_echo_rpc_ got ".to_owned()),
        ("CONNECT /_echo_rpc_ HTTP/1.1\r\nHost: x:1\r\n\r\n".to_owned(), "/_echo_rpc_ got ".to_owned()),
        ("CONNECT /_echo_rpc_?a=b HTTP/1.0\n\n".to_owned(), "/_echo_rpc_ got ".to_owned()),
        (
            "CONNECT /_echo_rpc_ HTTP/1.0\nconnection: keep-alive\n\nEARLY".to_owned(),
            "/_echo_rpc_ got EARLY".to_owned(),
        ),
        (
            "CONNECT /_echo_rpc_ HTTP/1.0\nContent-Length: 3\n\nabcdef".to_owned(),
            "/_echo_rpc_ got abcdef".to_owned(),
        ),
        (
            "CONNECT /_echo_rpc_ HTTP/1.0\nContent-Length: 99\n\nab".to_owned(),
            "/_echo_rpc_ got ab".to_owned(),
        ),
        (get("CONNECT /_echo_rpc_ HTTP/1.0\n\n"), format!("{OK_HEALTH}/_echo_rpc_ got ")),
        (get("CONNECT /_echo_rpc_ HTTP/1.0\n\nearly\0"), format!("{OK_HEALTH}/_echo_rpc_ got early\\x00")),
    ] {
        assert_eq!(answer(&server, &request).await, wanted, "{request}");
        // The same, but one byte after the other.
        let mut stream = server.connect().unwrap();
        for byte in request.as_bytes() {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        stream.shutdown().await.unwrap();
        assert_eq!(without_dates(&rest(stream).await), wanted, "bytewise {request}");
    }
    let chunked = "CONNECT /_echo_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(answer(&server, chunked).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_http_is_refused() {
    let server = server();
    for (request, status) in [
        (format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20 << 10)), "431 "),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20 << 10)), "431 "),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "400 "),
        ("CONNECT /_echo_rpc_ HTTP/9.9\n\n".to_owned(), "400 "),
        ("POST x y HTTP/1.1\r\n\r\n".to_owned(), "400 "),
    ] {
        let before = server.snapshot().server.malformed;
        let seen = answer(&server, &request).await;
        assert!(seen.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {seen}");
        assert_eq!(server.snapshot().server.malformed, before + 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_a_probe() {
    let server = server();
    for request in ["CONNECT /_echo_rpc_ HTTP/1.0\n", "HEAD /healthz", "POST "] {
        let before = server.snapshot().server.probes;
        assert_eq!(answer(&server, request).await, "");
        assert_eq!(server.snapshot().server.probes, before + 1, "{request}");
    }
    let snapshot = server.snapshot().server;
    assert_eq!((snapshot.malformed, snapshot.http_requests), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn each_wait_has_its_own_limit() {
    let config = Config::default()
        .header_timeout(Duration::from_secs(3))
        .keep_alive_timeout(Duration::from_secs(20))
        .stall_timeout(Duration::from_secs(7));
    let server = builder().config(config).build().unwrap();
    let body = "POST /Demo/Sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n1";
    for (what, request, seconds) in [
        ("head", "HEAD / HTTP/1.1\r\nHo".to_owned(), 3),
        ("idle", GET_HEALTH.to_owned(), 20),
        ("body", body.to_owned(), 7),
        ("second head", format!("{GET_HEALTH}{GET_HEALTH}"), 20),
    ] {
        let began = Instant::now();
        rest(connect(&server, request).await).await;
        assert_eq!(began.elapsed().as_secs(), seconds, "{what}");
    }
    let seen = server.snapshot().server;
    assert_eq!((seen.opening_timeouts, seen.stalled), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_dripping_head_is_closed_on_time() {
    let config = Config::default().header_timeout(Duration::from_secs(3));
    let server = builder().config(config).build().unwrap();
    for opening in ["HEAD ", &[GET_HEALTH, "G"].concat()] {
        let (mut ours, began) = (connect(&server, opening).await, Instant::now());
        sleep(Duration::from_secs(1)).await;
        while ours.write_all(b"x").await.is_ok() && began.elapsed() < Duration::from_secs(60) {
            sleep(Duration::from_millis(500)).await;
        }
        assert!(began.elapsed() <= Duration::from_millis(4500), "{opening}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_byte_is_closed() {
    let config = Config::default().stall_timeout(Duration::from_secs(7));
    let server = builder().config(config).build().unwrap();
    let request = "POST /Demo/Count HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n1000000000";
    let stream = connect(&server, request).await;
    let began = Instant::now();
    while server.snapshot().server.stalled == 0 && began.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(began.elapsed().as_secs(), 7);
    assert_eq!(server.snapshot().methods.iter().map(|m| m.stats.in_flight()).sum::<u64>(), 0);
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn draining_closes_what_is_idle_and_finishes_what_runs() {
    let server = server();
    let mut idle = connect(&server, GET_HEALTH).await;
    let mut seen = vec![0; 512];
    assert!(idle.read(&mut seen).await.unwrap() > 0);
    let busy =
        connect(&server, "POST /Demo/Sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\n3000")
            .await;
    sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let peers = async {
        let idle = rest(idle).await;
        assert_eq!((idle.as_str(), began.elapsed() < Duration::from_secs(1)), ("", true));
        rest(busy).await
    };
    let (drained, seen) = tokio::join!(server.drain(Duration::from_secs(30)), peers);
    assert_eq!(drained.cut, 0);
    assert!(seen.contains("\r\nconnection: close\r\n") && seen.ends_with("\r\n\r\n3000\n"), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn new_calls_are_refused_while_draining() {
    let server = server();
    let mut stream =
        connect(&server, "POST /Demo/Sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n").await;
    sleep(Duration::from_millis(100)).await;
    server.dispatch.live.shutdown.advance(Phase::Draining);
    stream.write_all(b"\r\n1").await.unwrap();
    let seen = rest(stream).await;
    assert!(seen.starts_with("HTTP/1.1 503 ") && seen.contains("\r\nretry-after: 1\r\n"), "{seen}");
    assert!(seen.contains("rpc: server is draining"), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn calls_by_post() {
    let server = server();
    for (path, body, status, reply) in [
        ("/Arith/Multiply", r#"{"a":7,"b":8}"#, 200, "56\n"),
        ("/Demo/Nothing", "", 200, "7\n"),
        ("/Demo/Nothing", "null", 200, "7\n"),
        (
            "/Arith/Divide",
            r#"{"a":7,"b":0}"#,
            400,
            r#"{"error":{"code":"bad_arguments","message":"divide by zero"}}"#,
        ),
        (
            "/Arith/Nope",
            "1",
            404,
            r#"{"error":{"code":"unknown_method","message":"rpc: can't find method Arith.Nope"}}"#,
        ),
        (
            "/Nope/X",
            "1",
            404,
            r#"{"error":{"code":"unknown_service","message":"rpc: can't find service Nope.X"}}"#,
        ),
        (
            "/Demo/Sleep?timeout=20",
            "5000",
            504,
            r#"{"error":{"code":"deadline","message":"rpc: deadline exceeded after 20 ms"}}"#,
        ),
        ("/Demo/Panic", "null", 500, r#"{"error":{"code":"panicked","message":"rpc: method panicked"}}"#),
        ("/Demo/Count", "3", 200, "0\n1\n2\n"),
        ("/Demo/Count", "0", 200, ""),
        ("/Demo/Breaks", "2", 200, "0\n1\n{\"error\":{\"code\":\"oops\",\"message\":\"broken\"}}\n"),
        ("/Demo/Breaks", "0", 500, r#"{"error":{"code":"oops","message":"broken"}}"#),
    ] {
        let (head, seen) = post(&server, path, body).await;
        assert!(head.starts_with(&format!("HTTP/1.0 {status} ")), "{path} {body}: {head}");
        assert_eq!(seen.trim_end(), reply.trim_end(), "{path} {body}");
        let lines = path.contains("Count") || (path.contains("Breaks") && status == 200);
        let kind = if lines { "application/x-ndjson" } else { "application/json" };
        assert!(head.contains(&format!("content-type: {kind}")), "{path} {body}: {head}");
    }
    let (head, _) = post(&server, "/Arith/Multiply", "not json").await;
    assert!(head.starts_with("HTTP/1.0 400 "), "{head}");
    let get = answer(&server, "GET /Arith/Multiply HTTP/1.0\r\n\r\n").await;
    assert!(get.starts_with("HTTP/1.0 405 ") && get.contains("\r\nallow: POST\r\n"), "{get}");
}

#[tokio::test(start_paused = true)]
async fn bodies_over_the_limit() {
    let config = Config::default().max_message_bytes(1024);
    let server = builder().config(config).build().unwrap();
    let announced = "POST /Demo/Sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1025\r\n\r\n";
    let chunk = format!("400\r\n{}\r\n", " ".repeat(1024));
    let chunks = format!(
        "POST /Demo/Sleep HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
    );
    for request in [announced, &chunks] {
        let seen = answer(&server, request).await;
        assert!(seen.starts_with("HTTP/1.1 413 ") && seen.contains("limit of 1024 bytes"), "{seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn users_by_basic_authentication() {
    let server =
        builder().credentials(Credentials::new([("ala", ["kot2"]), ("ola", ["p"])])).build().unwrap();
    // ala:kot2, ola:p, ala:wrong
    for (login, service, status) in [
        ("", "Secret/Name", 401),
        ("Basic YWxhOmtvdDI=", "Secret/Name", 200),
        ("Basic b2xhOnA=", "Secret/Name", 403),
        ("Basic YWxhOndyb25n", "Secret/Name", 401),
        ("Basic YWxhOndyb25n", "Demo/Nothing", 401),
        ("Basic !!", "Demo/Nothing", 401),
        ("Bearer x", "Demo/Nothing", 200),
        ("", "Demo/Nothing", 200),
    ] {
        let request = format!("POST /{service} HTTP/1.0\r\nAuthorization: {login}\r\n\r\n");
        let seen = answer(&server, request).await;
        assert!(seen.starts_with(&format!("HTTP/1.0 {status} ")), "{login} {service}: {seen}");
        assert_eq!(seen.contains("www-authenticate: Basic "), status == 401, "{seen}");
        assert!(status != 200 || service != "Secret/Name" || seen.ends_with("\"ala\"\n"), "{seen}");
    }
    let seen = server.snapshot().server;
    assert_eq!((seen.logins, seen.login_failures), (2, 3));
}

/// Counts handlers that were started and not dropped.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn enter(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.0.clone())
    }

    async fn reaches(&self, wanted: usize) -> Duration {
        let began = Instant::now();
        while self.0.load(Ordering::SeqCst) != wanted {
            assert!(began.elapsed() < Duration::from_secs(60), "never {wanted}");
            sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }
}

struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn with_waiting_methods(alive: &Alive) -> Server {
    let (one, two) = (alive.clone(), alive.clone());
    let service = Service::new("Wait")
        .method("Long", move |(): ()| {
            let guard = one.enter();
            async move {
                sleep(Duration::from_secs(3600)).await;
                drop(guard);
                Ok(())
            }
        })
        .stream("Items", move |(): ()| {
            let guard = two.enter();
            stream::unfold((guard, 0), |(guard, n)| async move {
                sleep(Duration::from_secs(1)).await;
                Some((Ok(n), (guard, n + 1)))
            })
        });
    Server::builder().service(service).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_peer() {
    let alive = Alive::default();
    let server = with_waiting_methods(&alive);
    let stream = connect(&server, "POST /Wait/Items HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    alive.reaches(1).await;
    drop(stream);
    alive.reaches(0).await;
    assert_eq!(server.snapshot().server.canceled_calls, 1);
}

#[tokio::test]
async fn a_call_whose_peer_has_half_closed_ends_with_a_reset() {
    let alive = Alive::default();
    let server = with_waiting_methods(&alive);
    let addr = server.listen("127.0.0.1:0").await.unwrap().to_string();
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"POST /Wait/Long HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    alive.reaches(1).await;
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    alive.reaches(0).await;
}

#[tokio::test]
async fn a_reset_ends_a_call_at_once() {
    let alive = Alive::default();
    let server = with_waiting_methods(&alive);
    let addr = server.listen("127.0.0.1:0").await.unwrap().to_string();
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"POST /Wait/Long HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
    alive.reaches(1).await;
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert!(alive.reaches(0).await < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_peer_gets_its_stream_while_it_reads() {
    let server = with_waiting_methods(&Alive::default());
    let mut stream = connect(&server, "POST /Wait/Items HTTP/1.0\r\n\r\n").await;
    stream.shutdown().await.unwrap();
    let mut seen = String::new();
    while !seen.contains("\n9\n") {
        let mut chunk = vec![0; 512];
        let n = timeout(Duration::from_secs(60), stream.read(&mut chunk)).await.unwrap().unwrap();
        assert!(n > 0, "closed after {seen}");
        seen.push_str(std::str::from_utf8(&chunk[..n]).unwrap());
    }
}

async fn mounted(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, &'static str> {
    match request.uri().path() {
        "/fails" => Err("on purpose"),
        "/panics" => panic!("on purpose"),
        path => Ok(Response::new(Full::from(format!("mounted {path}")))),
    }
}

#[tokio::test(start_paused = true)]
async fn a_mounted_service_gets_the_other_paths() {
    let server = builder().mount(tower::service_fn(mounted)).build().unwrap();
    for (request, wanted) in [
        ("GET /page HTTP/1.0\r\n\r\n", "200 OK\r\ncontent-length: 13\r\n\r\nmounted /page"),
        ("POST /Nope/X HTTP/1.0\r\n\r\n", "200 OK\r\ncontent-length: 15\r\n\r\nmounted /Nope/X"),
        ("CONNECT /page HTTP/1.0\r\n\r\n", NOT_FOUND),
        ("GET /_echo_rpc_ HTTP/1.0\r\n\r\n", MUST_CONNECT),
    ] {
        assert_eq!(answer(&server, request).await, format!("HTTP/1.0 {wanted}"), "{request}");
    }
    for path in ["/fails", "/panics"] {
        let seen = answer(&server, format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        assert!(seen.starts_with("HTTP/1.0 500 "), "{path}: {seen}");
    }
    assert!(answer(&server, "POST /Demo/Nothing HTTP/1.0\r\n\r\n").await.ends_with("\r\n\r\n7\n"));
    assert_eq!(answer(&server, GET_HEALTH).await, OK_HEALTH);
    let infallible = tower::service_fn(|_: Request<RequestBody>| async {
        Ok::<_, Infallible>(Response::new(Full::from("mounted")))
    });
    let _: Mount = Mount::new(infallible);
}

#[tokio::test(start_paused = true)]
async fn http_rpc_takes_one_message_per_body() {
    let mut server = server();
    Arc::make_mut(&mut server.port).http_rpc = true;
    let call = r#"{"method":"Arith.Multiply","params":[{"a":7,"b":8}],"id":0}"#;
    let ok = "200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n\
        x-content-type-options: nosniff\r\nx-frame-options: DENY\r\nreferrer-policy: no-referrer\r\n\
        content-length: 34\r\n\r\n\
        {\"id\":0,\"result\":56,\"error\":null}\n";
    let nothing = "200 OK\r\n\
        x-content-type-options: nosniff\r\nx-frame-options: DENY\r\nreferrer-policy: no-referrer\r\n\
        content-length: 0\r\n\r\n";
    for (method, body, wanted) in [
        ("POST", call, ok),
        ("PUT", call, ok),
        ("GET", call, ok),
        ("POST", "garbage", nothing),
        ("POST", "", nothing),
    ] {
        let request =
            format!("{method} /_json_rpc_ HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        assert_eq!(answer(&server, request).await, format!("HTTP/1.0 {wanted}"), "{method} {body}");
    }
    let bare = answer(&server, "CONNECT /_json_rpc_ HTTP/1.0\n\n").await;
    assert_eq!(bare, format!("HTTP/1.0 {}", nothing.replace("content-length: 0\r\n", "")));
    for (body, wanted) in [
        (
            r#"{"method":"Nope.X","params":[1],"id":3}"#,
            "{\"id\":3,\"result\":null,\"error\":\"rpc: can't find service Nope.X\"}\n",
        ),
        (
            r#"{"method":"Demo.Count","params":[2],"id":3}"#,
            "{\"id\":3,\"result\":0,\"error\":null}\n{\"id\":3,\"result\":1,\"error\":null}\n{\"id\":3,\"result\":null,\"error\":\"EOS\"}\n",
        ),
        (
            r#"{"method":"Demo.Breaks","params":[0],"id":3}"#,
            "{\"id\":3,\"result\":null,\"error\":\"broken\"}\n",
        ),
    ] {
        let (head, seen) = post(&server, "/_json_rpc_", body).await;
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
        assert_eq!(seen, wanted);
    }
    assert!(
        answer(&server, "GET /_echo_rpc_ HTTP/1.0\r\n\r\n").await.contains("\r\nallow: CONNECT, POST\r\n")
    );
}
