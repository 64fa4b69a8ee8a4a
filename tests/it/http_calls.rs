//! Calls by plain HTTP: `POST /<Service>/<Method>` with JSON, and the HTTP-RPC of the originals on a port of its own.

use futures_util::stream;
use rpcwrap::{
    Access, Config, Credentials, Error, Method, Service,
    codecs::types::{Any, Blob, Text},
};
use rpcwrap_tests::{
    limit,
    raw::{Peer, Response, bson_request, document},
    server::{TestServer, start, tcp},
    services::{Empty, Gate, services},
    until,
};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn server() -> (TestServer, Gate) {
    let gate = Gate::default();
    let guarded = |name: &str, access| {
        Service::new(name).access(access).method("Get", |_: Option<Empty>| async move { Ok(1_i64) })
    };
    let fail = |code: String| async move { Err::<i64, _>(Error::new("no").code(code)) };
    let builder = services()
        .service(gate.service())
        .service(guarded("Users", Access::new().authenticated()))
        .service(guarded("Ola", Access::new().users(["ola"])))
        .service(guarded("OnlyGoRpc", Access::new().protocols(["go_rpc"])))
        .service(read_only())
        .service(Service::new("Fail").method("With", fail))
        .credentials(Credentials::new([("ala", ["ma kota"]), ("ola", ["p"])]))
        .config(Config::default().max_message_bytes(100_000));
    (start(builder).await, gate)
}

#[tokio::test]
async fn a_reply_is_a_json_value_and_a_line_end() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    for (path, body, reply) in [
        ("/Arith/Multiply", r#"{"A":6,"B":7}"#, "42\n"),
        ("/Arith/Divide", r#"{"A":17,"B":5}"#, "{\"Quo\":3,\"Rem\":2}\n"),
        ("/Echo/String", "\"<é>\"", "\"\\u003cé\\u003e\"\n"),
        ("/Ctx/Who", "\"\"", "\"http json -\"\n"),
        ("/Echo/Any", "", "null\n"),
        ("/Echo/Any", "null", "null\n"),
        ("/Arith/Multiply?x=y", "null", "0\n"),
    ] {
        let response = peer.http(post(path, "", body)).await;
        assert_eq!((response.status, response.body.as_str()), (200, reply), "{path} {body}");
        assert!(response.header("content-type").unwrap().starts_with("application/json"));
    }
    // Chunks are a body as well.
    let request = "POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n4\r\n1\r\n2\r\n0\r\n\r\n";
    assert_eq!(peer.http(request).await.body, "42\n");
}

#[tokio::test]
async fn each_failure_has_its_status() {
    let (server, gate) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    for (path, headers, body, status, code, message) in [
        ("/Arith/Multiply", "", "[1]", 400, "bad_arguments", None),
        ("/Arith/Multiply", "", "{", 400, "bad_arguments", None),
        ("/Arith/Nope", "", "1", 404, "unknown_method", Some("rpc: can't find method Arith.Nope")),
        ("/Nope/Nope", "", "1", 404, "unknown_service", Some("rpc: can't find service Nope.Nope")),
        ("/OnlyGoRpc/Get", "", "1", 404, "unknown_service", Some("rpc: can't find service OnlyGoRpc.Get")),
        (
            "/Users/Get",
            "",
            "",
            401,
            "unauthenticated",
            Some("rpc: Users.Get needs an authenticated connection"),
        ),
        (
            "/Ola/Get",
            "Authorization: Basic YWxhOm1hIGtvdGE=\r\n",
            "",
            403,
            "denied",
            Some("rpc: ala may not call Ola.Get"),
        ),
        (
            "/Users/Get",
            "Authorization: Basic YWxhOnA=\r\n",
            "",
            401,
            "unauthenticated",
            Some("wrong user or password"),
        ),
        ("/Arith/EOSError", "", "{}", 500, "failed", Some("EOS")),
        ("/Fail/With", "", "\"not_found\"", 404, "not_found", Some("no")),
        ("/Fail/With", "", "\"out_of_stock\"", 500, "out_of_stock", Some("no")),
        ("/Gate/Brief", "", "1", 504, "deadline", Some("rpc: deadline exceeded after 30 ms")),
        ("/Gate/Wait?timeout=20", "", "1", 504, "deadline", Some("rpc: deadline exceeded after 20 ms")),
        (
            "/Gate/Wait",
            "Rpc-Timeout: 10\r\n",
            "1",
            504,
            "deadline",
            Some("rpc: deadline exceeded after 10 ms"),
        ),
        ("/Gate/Wait", "Rpc-Timeout: soon\r\n", "1", 400, "bad_timeout", None),
    ] {
        let response = peer.http(post(path, headers, body)).await;
        assert_eq!(response.status, status, "{path} {headers}{body}: {response:?}");
        let error = &response.json()["error"];
        assert_eq!(error["code"], code, "{path} {body}");
        assert!(message.is_none_or(|message| error["message"] == message), "{path} {body}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    // Data goes along.
    let response = peer.http(post("/Arith/Divide", "", r#"{"A":1}"#)).await;
    let error = json!({"error": {"code": "math", "message": "divide by zero", "data": {"b": 0}}});
    assert_eq!((response.status, response.json()), (500, error));
    assert_eq!(gate.entered(), gate.left());
}

#[tokio::test]
async fn a_full_method_a_login_and_a_drain_have_their_statuses() {
    let (server, gate) = server().await;
    let mut peers = Vec::new();
    for _ in 0..2 {
        let mut peer = Peer::connect(server.addr).await;
        peer.send(post("/Gate/Two", "", "1")).await;
        peers.push(peer);
    }
    until(|| gate.entered() == 2).await;
    let mut peer = Peer::connect(server.addr).await;
    let response = peer.http(post("/Gate/Two", "", "1")).await;
    assert_eq!((response.status, response.json()["error"]["code"].as_str()), (429, Some("busy")));
    gate.open(2);
    for peer in &mut peers {
        assert_eq!(peer.read_http(false).await.status, 200);
    }
    let ala = "Authorization: Basic YWxhOm1hIGtvdGE=\r\n";
    assert_eq!(peer.http(post("/Users/Get", ala, "")).await.body, "1\n");
    assert_eq!(peer.http(post("/Ctx/Who", ala, "\"\"")).await.body, "\"http json ala\"\n");
    // What comes behind the first signs of a drain is refused, not dropped.
    peer.send("POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n").await;
    tokio::task::yield_now().await;
    let drain = server.drain(Duration::from_secs(5));
    let answer = async {
        until(|| server.snapshot().phase == rpcwrap::Phase::Draining).await;
        peer.send("5").await;
        let response = peer.read_http(false).await;
        drop((peer, peers));
        response
    };
    let (drained, response) = limit(async { tokio::join!(drain, answer) }).await;
    assert_eq!((response.status, response.json()["error"]["code"].as_str()), (503, Some("draining")));
    assert_eq!(drained.cut, 0);
}

#[tokio::test]
async fn a_panic_is_500_and_the_connection_stays() {
    crate::panics::quiet();
    let server = start(services().service(rpcwrap_tests::services::panics())).await;
    let mut peer = Peer::connect(server.addr).await;
    for method in ["AtOnce", "Polled", "Later", "Spawned", "Blocking", "Reply"] {
        let response = peer.http(post(&format!("/Panic/{method}"), "", "{\"A\":13}")).await;
        let error = json!({"error": {"code": "panicked", "message": "rpc: method panicked"}});
        assert_eq!((response.status, response.json()), (500, error), "{method}");
    }
    assert_eq!(peer.http(post("/Echo/Int", "", "5")).await.body, "5\n");
}

#[tokio::test]
async fn a_stream_is_a_line_per_item() {
    let (server, gate) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    let response = peer.http(post("/Stream/Count", "", "{\"N\":3}")).await;
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/x-ndjson")));
    assert_eq!(response.body, "{\"C\":3,\"Index\":0}\n{\"C\":3,\"Index\":1}\n{\"C\":3,\"Index\":2}\n");
    assert_eq!(peer.http(post("/Stream/Count", "", "{\"N\":0}")).await.body, "");
    let response = peer.http(post("/Stream/Count", "", "{\"N\":3,\"ErrorAt\":1}")).await;
    let error = r#"{"error":{"code":"failed","message":"triggered error in middle"}}"#;
    assert_eq!(response.body, format!("{{\"C\":3,\"Index\":0}}\n{error}\n"));
    // Items come as they are made.
    peer.send(post("/Gate/Stream", "", "null")).await;
    gate.open(1);
    loop {
        let line = peer.read_line().await;
        if line == "0" {
            break;
        }
    }
    assert_eq!(gate.left(), 0);
    drop(peer);
    gate.open(1_000_000);
    until(|| gate.left() == 1).await;
}

#[tokio::test]
async fn a_handler_goes_with_its_peer() {
    let (server, gate) = server().await;
    let mut peer = Peer::connect_resetting(server.addr).await;
    peer.send(post("/Gate/Wait", "", "1")).await;
    until(|| gate.entered() == 1).await;
    drop(peer);
    until(|| gate.left() == 1).await;
    crate::replay::no_call_is_left(&server);
}

#[tokio::test]
async fn bodies_have_a_size_limit() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    let text = format!("\"{}\"", "x".repeat(99_998));
    assert_eq!(peer.http(post("/Echo/String", "", &text)).await.status, 200);
    // Refused by its announcement, before any of it has come.
    let response = peer
        .http("POST /Echo/String HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000000000\r\n\r\n")
        .await;
    assert_eq!((response.status, response.json()["error"]["code"].as_str()), (413, Some("too_big")));
}

#[tokio::test]
async fn other_methods_of_a_call_are_405() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    let response = peer.http("GET /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert_eq!((response.status, response.header("allow")), (405, Some("POST")));
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n")
}

/// The fields of a method's argument, none of which may be missing.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Factors {
    a: i64,
    b: i64,
}

/// A method's own field of the name that otherwise limits the call.
#[derive(Deserialize)]
struct Patience {
    timeout: u32,
}

/// Methods that change nothing, beside one that only may be repeated.
fn read_only() -> Service {
    let multiply = |factors: Factors| async move { Ok(factors.a * factors.b) };
    Service::new("Read")
        .with(Method::new("Multiply", multiply).read_only())
        .with(Method::new("Say", |text: Text| async move { Ok(text) }).read_only())
        .with(Method::new("Size", |blob: Blob| async move { Ok(blob.len()) }).read_only())
        .with(Method::new("Any", |any: Any| async move { Ok(any) }).read_only())
        .with(Method::new("Nothing", |(): ()| async move { Ok(1) }).read_only())
        .with(Method::new("Patience", |patience: Patience| async move { Ok(patience.timeout) }).read_only())
        .with(Method::stream("Count", |to: u32| stream::iter((0..to).map(Ok::<u32, Error>))).read_only())
        .with(Method::new("Wait", |_: i64| std::future::pending::<Result<i64, Error>>()).read_only())
        .with(Method::new("Again", multiply).idempotent())
}

#[tokio::test]
async fn methods_that_change_nothing_are_called_by_get() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    for (path, reply) in [
        ("/Read/Multiply?A=6&B=7", "42\n"),
        ("/Read/Multiply?b=7&%61=6", "42\n"),
        ("/Read/Multiply?6&7", "42\n"),
        ("/Read/Multiply?%7B%22A%22:6,%22B%22:7%7D", "42\n"),
        ("/Read/Multiply?A=6&B=7&timeout=5000", "42\n"),
        ("/Read/Say?a+b%26c", "\"a b\\u0026c\"\n"),
        ("/Read/Say?7", "\"7\"\n"),
        ("/Read/Size?%00%ff%0a", "3\n"),
        ("/Read/Any?x=1&y=z", "{\"x\":1,\"y\":\"z\"}\n"),
        ("/Read/Any", "null\n"),
        ("/Read/Nothing", "1\n"),
        ("/Read/Nothing?", "1\n"),
        ("/Read/Nothing?timeout=5000", "1\n"),
        ("/Read/Patience?timeout=1", "1\n"),
        ("/Read/Count?3", "0\n1\n2\n"),
    ] {
        let response = peer.http(get(path, "")).await;
        assert_eq!((response.status, response.body.as_str()), (200, reply), "{path}");
        assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
    }
    peer.send("HEAD /Read/Multiply?A=6&B=7 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    let head = peer.read_http(true).await;
    assert_eq!((head.status, head.header("content-length"), head.body.as_str()), (200, Some("3"), ""));
    let posted = peer.http(post("/Read/Multiply", "", r#"{"A":6,"B":7}"#)).await;
    assert_eq!((posted.status, posted.body.as_str()), (200, "42\n"));
}

#[tokio::test]
async fn arguments_in_a_query_that_do_not_fit_are_refused() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    for (path, headers, status, code, message) in [
        ("/Read/Multiply?A=6&B=eight", "", 400, "bad_arguments", r#"field B: wants int64, got "eight""#),
        ("/Read/Multiply?A=6", "", 400, "bad_arguments", "field B is missing, there are: A, B"),
        ("/Read/Multiply?A=6&B=7&C=8", "", 400, "bad_arguments", "field C is unknown, there are: A, B"),
        ("/Read/Multiply?A=6&B=7&b=8", "", 400, "bad_arguments", "field b is given twice"),
        ("/Read/Multiply?6", "", 400, "bad_arguments", "1 argument given, 2 wanted: A, B (B is missing)"),
        (
            "/Read/Multiply?A=%4",
            "",
            400,
            "bad_arguments",
            "query parameter 1, A=%4: % without two hexadecimal digits",
        ),
        ("/Read/Nothing?timeout=1&timeout=2", "", 400, "bad_arguments", "timeout is given twice"),
        (
            "/Read/Nothing?timeout=soon",
            "",
            400,
            "bad_timeout",
            "Rpc-Timeout and ?timeout= take whole milliseconds",
        ),
        (
            "/Read/Multiply",
            "Content-Length: 2\r\n\r\n{}",
            400,
            "bad_body",
            "the arguments of GET stand in the query, not in a body",
        ),
        ("/Read/Wait?1&timeout=20", "", 504, "deadline", "rpc: deadline exceeded after 20 ms"),
        ("/Read/Wait?1", "Rpc-Timeout: 10\r\n", 504, "deadline", "rpc: deadline exceeded after 10 ms"),
        ("/Read/Nope", "", 404, "unknown_method", "rpc: can't find method Read.Nope"),
        (
            "/Read/Nothing",
            "Authorization: Basic YWxhOnA=\r\n",
            401,
            "unauthenticated",
            "wrong user or password",
        ),
    ] {
        let response = peer.http(get(path, headers)).await;
        let error = &response.json()["error"];
        assert_eq!((response.status, &error["code"]), (status, &json!(code)), "{path}");
        assert!(error["message"].as_str().unwrap().contains(message), "{path}: {error}");
    }
}

#[tokio::test]
async fn get_opens_nothing_but_methods_that_change_nothing() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    for (request, allow) in [
        ("GET /Read/Again?A=6&B=7", "POST"),
        ("HEAD /Arith/Multiply", "POST"),
        ("PUT /Read/Again", "POST"),
        ("PUT /Read/Multiply", "GET, HEAD, POST"),
        ("OPTIONS /Read/Multiply", "GET, HEAD, POST"),
        ("DELETE /Read/Nope", "POST"),
    ] {
        peer.send(format!("{request} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await;
        let response = peer.read_http(request.starts_with("HEAD")).await;
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{request}");
    }
    // Who may not know of a service learns nothing of its methods.
    assert_eq!(peer.http(get("/OnlyGoRpc/Get", "")).await.status, 404);
    assert_eq!(peer.http(get("/Users/Get", "")).await.status, 401);
}

#[tokio::test]
async fn web_pages_of_other_sites_call_nothing_by_get() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    for (site, status) in
        [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200), ("new-word", 200)]
    {
        let header = format!("Sec-Fetch-Site: {site}\r\n");
        assert_eq!(peer.http(get("/Read/Nothing", &header)).await.status, status, "{site}");
    }
    let twice = "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n";
    let response = peer.http(get("/Read/Nothing", twice)).await;
    assert_eq!((response.status, response.json()["error"]["code"].as_str()), (403, Some("denied")));
    assert_eq!(peer.http(get("/healthz", "Sec-Fetch-Site: cross-site\r\n")).await.status, 200);
}

/// A server whose second port speaks HTTP-RPC.
async fn http_rpc() -> (TestServer, Peer) {
    let server = start(services()).await;
    let addr = tcp(server.listen_http_rpc("127.0.0.1:0").await.unwrap());
    (server, Peer::connect(addr).await)
}

#[tokio::test]
async fn http_rpc_is_always_200() {
    let (_server, mut peer) = http_rpc().await;
    let ok = "{\"id\":1,\"result\":56,\"error\":null}\n";
    let call = r#"{"method":"Arith.Multiply","params":[{"A":7,"B":8}],"id":1}"#;
    for method in ["POST", "PUT", "GET"] {
        let request = format!(
            "{method} /_json_rpc_ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{call}",
            call.len()
        );
        let Response { status, body, headers } = peer.http(request).await;
        assert_eq!((status, body.as_str()), (200, ok), "{method}: {headers:?}");
    }
    let unknown = r#"{"method":"Arith.Nope","params":[{}],"id":2}"#;
    let response = peer.http(post("/_json_rpc_", "", unknown)).await;
    let error = "{\"id\":2,\"result\":null,\"error\":\"rpc: can't find method Arith.Nope\"}\n";
    assert_eq!((response.status, response.body.as_str()), (200, error));
    for nothing in ["", "garbage"] {
        let response = peer.http(post("/_json_rpc_", "", nothing)).await;
        assert_eq!((response.status, response.body.as_str()), (200, ""));
        assert_eq!(response.header("content-type"), None);
    }
    let stream = r#"{"method":"Stream.Count","params":[{"N":1}],"id":3}"#;
    let item = "{\"id\":3,\"result\":{\"C\":1,\"Index\":0},\"error\":null}\n";
    let end = "{\"id\":3,\"result\":null,\"error\":\"EOS\"}\n";
    assert_eq!(peer.http(post("/_json_rpc_", "", stream)).await.body, format!("{item}{end}"));
}

/// A time limit in the head and one in the message: the shorter counts.
#[tokio::test]
async fn http_rpc_keeps_to_the_time_limit_of_its_head() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut peer = Peer::connect(tcp(server.listen_http_rpc("127.0.0.1:0").await.unwrap())).await;
    for (header, member, limit) in
        [("30", "", "30"), ("30", ",\"timeout\":600000", "30"), ("600000", ",\"timeout\":40", "40")]
    {
        let call = format!(r#"{{"method":"Gate.Wait","params":[7],"id":1{member}}}"#);
        let response = peer.http(post("/_json_rpc_", &format!("Rpc-Timeout: {header}\r\n"), &call)).await;
        let error = format!("rpc: deadline exceeded after {limit} ms");
        assert_eq!((response.status, &response.json()["error"]), (200, &error.into()), "{header}{member}");
    }
    let call = r#"{"method":"Echo.Int","params":[7],"id":1}"#;
    let response = peer.http(post("/_json_rpc_", "Rpc-Timeout: soon\r\n", call)).await;
    assert_eq!((response.status, &response.json()["error"]["code"]), (400, &"bad_timeout".into()));
}

#[tokio::test]
async fn http_rpc_in_bson() {
    let (_server, mut peer) = http_rpc().await;
    let message = bson_request("Echo.Int", 1, &document(b"\x10_Val_\0\x05\0\0\0"));
    let head = format!("POST /_bson_rpc_ HTTP/1.0\r\nContent-Length: {}\r\n\r\n", message.len());
    peer.send([head.into_bytes(), message].concat()).await;
    let answer = peer.read_to_end().await;
    let body = document(b"\x12_Val_\0\x05\0\0\0\0\0\0\0");
    assert!(
        answer.starts_with(b"HTTP/1.0 200 OK\r\n") && answer.ends_with(&body),
        "{}",
        answer.escape_ascii()
    );
    assert!(answer.windows(24).any(|part| part == b"application/octet-stream"));
}
