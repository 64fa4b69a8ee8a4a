//! Pages: what is there, for GET and HEAD, and that their numbers are those of the calls.

use rpcwrap_tests::{
    raw::{Peer, json_request},
    server::start,
    services::{Gate, services},
    until,
};
use serde_json::Value;

const PAGES: [(&str, &str); 9] = [
    ("/", "text/plain; charset=utf-8"),
    ("/debug/status", "text/plain; charset=utf-8"),
    ("/debug/rpc", "text/html; charset=utf-8"),
    ("/debug/vars", "application/json; charset=utf-8"),
    ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
    ("/debug/health", "text/plain"),
    ("/healthz", "text/plain; charset=utf-8"),
    ("/livez", "text/plain; charset=utf-8"),
    ("/readyz", "text/plain; charset=utf-8"),
];

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
}

#[tokio::test]
async fn each_page_by_get_and_head() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    for (path, content_type) in PAGES {
        let got = peer.http(get(path)).await;
        assert_eq!((got.status, got.header("content-type")), (200, Some(content_type)), "{path}");
        assert!(!got.body.is_empty(), "{path}");
        // Were there a body, the next answer would not be read from its start.
        let head = peer.http(format!("HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await;
        assert_eq!((head.status, head.header("content-type")), (200, Some(content_type)), "{path}");
        let post =
            peer.http(format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!(post.status, 405, "{path}");
        // As probes send it: no host, no keep-alive, and closed behind the answer.
        let mut probe = Peer::connect(server.addr).await;
        assert_eq!(probe.http(format!("GET {path} HTTP/1.0\r\n\r\n")).await.status, 200);
        probe.expect_closed().await;
    }
    let mut probe = Peer::connect(server.addr).await;
    assert_eq!(probe.http("OPTIONS / HTTP/1.0\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn health_is_ok_without_a_line_end() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    for _ in 0..2 {
        assert_eq!(peer.http(get("/debug/health")).await.body, "ok");
    }
}

#[tokio::test]
async fn the_index_names_every_page_and_every_page_is_there() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    let index = peer.http(get("/")).await.body;
    for (path, _) in PAGES {
        assert!(index.contains(path), "{path} in {index}");
    }
}

#[tokio::test]
async fn numbers_return_to_zero_after_the_load() {
    let gate = Gate::default();
    let server = start(services().service(gate.service())).await;
    let mut page = Peer::connect(server.addr).await;
    let mut vars = async || -> Value { page.http(get("/debug/vars")).await.json() };
    let mut peers = Vec::new();
    for _ in 0..10 {
        let mut peer = Peer::connect_codec(server.addr, "json").await;
        peer.send((0..20).map(|id| json_request("Gate.Wait", "1", id)).collect::<String>()).await;
        peers.push(peer);
    }
    until(|| gate.entered() == 200).await;
    let seen = vars().await;
    assert_eq!(
        (&seen["methods"]["Gate.Wait"]["calls"], &seen["methods"]["Gate.Wait"]["in-flight"]),
        (&200.into(), &200.into())
    );
    assert_eq!((&seen["connection-count"], &seen["connection-accepted"]), (&11.into(), &11.into()));
    gate.open(100);
    // Half of them are answered; of the others, half are left by their peers.
    let methods = || server.snapshot().methods.into_iter().find(|method| method.method == "Wait").unwrap();
    until(|| methods().stats.finished == 100).await;
    gate.open(100);
    for mut peer in peers.drain(..) {
        for _ in 0..20 {
            peer.read_json().await;
        }
    }
    until(|| server.snapshot().server.connections == 1).await;
    let seen = vars().await;
    assert_eq!(
        (&seen["methods"]["Gate.Wait"]["calls"], &seen["methods"]["Gate.Wait"]["in-flight"]),
        (&200.into(), &0.into())
    );
    assert_eq!((&seen["connection-count"], &seen["connection-accepted"]), (&1.into(), &11.into()));
    let status = methods().stats;
    assert_eq!((status.failed, status.latency.iter().sum::<u64>()), (0, 200));
}

#[tokio::test]
async fn calls_failures_and_bytes_are_counted() {
    let server = start(services()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    let (good, bad) = (
        json_request("Arith.Divide", "{\"A\":6,\"B\":3}", 1),
        json_request("Arith.Divide", "{\"A\":6,\"B\":0}", 1),
    );
    let mut bytes_out = 0;
    for request in [&good, &good, &bad] {
        peer.send(request).await;
        bytes_out += peer.read_line().await.len() as u64 + 1;
    }
    peer.call("Nope.Nope", "1", 1).await;
    let divide =
        || server.snapshot().methods.into_iter().find(|method| method.method == "Divide").unwrap().stats;
    until(|| divide().finished == 3).await;
    let stats = divide();
    // The line end behind a request belongs to no request.
    let bytes_in = (good.len() * 2 + bad.len()) as u64;
    assert!(stats.bytes_in + 3 >= bytes_in && stats.bytes_in <= bytes_in, "{} of {bytes_in}", stats.bytes_in);
    assert_eq!((stats.calls, stats.failed, stats.bytes_out), (3, 1, bytes_out));
    assert_eq!(server.snapshot().server.unknown_calls, 1);
    let mut page = Peer::connect(server.addr).await;
    let metrics = page.http(get("/metrics")).await.body;
    let counted = metrics.lines().any(|line| {
        line.contains("Arith") && line.contains("Divide") && !line.starts_with('#') && line.ends_with(" 3")
    });
    assert!(counted, "{metrics}");
    assert!(page.http(get("/debug/rpc")).await.body.contains("Divide"));
    assert!(page.http(get("/debug/status")).await.body.contains("Arith.Divide"));
}

#[tokio::test]
async fn a_mounted_service_gets_what_is_not_the_servers() {
    use hyper::{Request, Response};
    let mounted = tower::service_fn(|request: Request<rpcwrap::RequestBody>| async move {
        let text = format!("mounted {} {}", request.method(), request.uri().path());
        Ok::<_, std::convert::Infallible>(Response::new(http_body_util::Full::<bytes::Bytes>::from(text)))
    });
    let server = start(services().mount(mounted)).await;
    let mut peer = Peer::connect(server.addr).await;
    assert_eq!(peer.http(get("/shop/cart/7")).await.body, "mounted GET /shop/cart/7");
    assert_eq!(peer.http(get("/debug/health")).await.body, "ok");
    let call = "POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n5";
    assert_eq!(peer.http(call).await.body, "5\n");
}
