//! Calls by plain HTTP: `POST /<Service>/<Method>` with JSON, and the HTTP-RPC of the originals on a port of its own.

use rpcwrap::{Access, Config, Credentials, Error, Service};
use rpcwrap_tests::{
    limit,
    raw::{Peer, Response, bson_request, document},
    server::{TestServer, start, tcp},
    services::{Empty, Gate, services},
    until,
};
use serde_json::json;
use std::time::Duration;

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
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
        .service(Service::new("Fail").method("With", fail))
        .credentials(Credentials::new([("ala", ["ma kota"]), ("ola", ["p"])]))
        .config(Config::default().max_message_bytes(100_000));
    (start(builder).await, gate)
}

#[tokio::test]
async fn a_value_and_a_line_end() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    for (path, body, reply) in [
        ("/Arith/Multiply", r#"{"A":6,"B":7}"#, "42\n"),
        ("/Arith/Divide", r#"{"A":17,"B":5}"#, "{\"Quo\":3,\"Rem\":2}\n"),
        ("/Echo/String", "\"<é>\"", "\"\\u003cé\\u003e\"\n"),
        ("/Ctx/Who", "\"\"", "\"http json -\"\n"),
        ("/Echo/Any", "", "{}\n"),
        ("/Arith/Multiply?x=y", "null", "0\n"),
    ] {
        let response = peer.http(post(path, "", body)).await;
        assert_eq!((response.status, response.body.as_str()), (200, reply), "{path} {body}");
        assert!(response.header("content-type").unwrap().starts_with("application/json"));
    }
    // Chunks are a body as well.
    let request = "POST /Echo/Int HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n4\r\n1\r\n2\r\n0\r\n\r\n";
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
async fn busy_draining_and_authenticated() {
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
    peer.send("POST /Echo/Int HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n").await;
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
async fn bodies_have_a_size() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    let text = format!("\"{}\"", "x".repeat(99_998));
    assert_eq!(peer.http(post("/Echo/String", "", &text)).await.status, 200);
    // Refused by its announcement, before any of it has come.
    let response =
        peer.http("POST /Echo/String HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n").await;
    assert_eq!((response.status, response.json()["error"]["code"].as_str()), (413, Some("too_big")));
}

#[tokio::test]
async fn other_methods_of_a_call_are_405() {
    let (server, _) = server().await;
    let mut peer = Peer::connect(server.addr).await;
    let response = peer.http("GET /Arith/Multiply HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!((response.status, response.header("allow")), (405, Some("POST")));
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
            "{method} /_json_rpc_ HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{call}",
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
