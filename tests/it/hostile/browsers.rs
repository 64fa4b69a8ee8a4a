//! Web pages that mean no good, by what their visitors' browsers send for them: calls from other origins, and requests
//! under names that were made to lead here (DNS rebinding). The browser itself is in `interop`.

use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rpcwrap::{Config, Method, Mount, PolicyChange};
use rpcwrap_tests::{
    limit,
    raw::{Peer, Response},
    server::{TestServer, start},
    services::services,
};
use std::convert::Infallible;
use tokio::net::TcpStream;

const PAGE: &str = "https://app.example";
const NO_HEADERS: [(&str, &str); 0] = [];

fn config() -> Config {
    Config::default().allow_origins(vec![PAGE.to_owned()])
}

async fn serving(config: Config) -> TestServer {
    let read = rpcwrap::Service::new("Read").with(Method::new("One", |(): ()| async { Ok(1) }).read_only());
    start(services().service(read).config(config)).await
}

/// How a request is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Served,
    OtherOrigin,
    OtherHost,
}
use Ends::{OtherHost, OtherOrigin, Served};

/// Method, path, headers behind `Host`, and how that ends.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], Ends);

/// At the right host.
const ORIGINS: [Row; 25] = [
    // Programs.
    ("POST", "/Echo/Int", &[], Served),
    ("GET", "/Read/One", &[], Served),
    // Browsers of 2023 and later.
    ("POST", "/Echo/Int", &[("sec-fetch-site", "same-origin")], Served),
    ("POST", "/Echo/Int", &[("sec-fetch-site", "none")], Served),
    ("POST", "/Echo/Int", &[("sec-fetch-site", "same-site")], OtherOrigin),
    ("POST", "/Echo/Int", &[("sec-fetch-site", "cross-site")], OtherOrigin),
    ("POST", "/Echo/Int", &[("sec-fetch-site", "new-word")], OtherOrigin),
    (
        "POST",
        "/Echo/Int",
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        OtherOrigin,
    ),
    ("POST", "/Echo/Int", &[("sec-fetch-site", "cross-site"), ("origin", PAGE)], Served),
    ("POST", "/Nope/Nope", &[("sec-fetch-site", "cross-site")], OtherOrigin),
    ("PUT", "/Echo/Int", &[("sec-fetch-site", "cross-site")], OtherOrigin),
    ("POST", "/debug/status", &[("sec-fetch-site", "cross-site")], OtherOrigin),
    // Older ones.
    ("POST", "/Echo/Int", &[("origin", "http://127.0.0.1")], Served),
    ("POST", "/Echo/Int", &[("origin", "http://evil.example")], OtherOrigin),
    ("POST", "/Echo/Int", &[("origin", "http://127.0.0.1:81")], OtherOrigin),
    ("POST", "/Echo/Int", &[("origin", "null")], OtherOrigin),
    ("POST", "/Echo/Int", &[("origin", PAGE)], Served),
    ("POST", "/Echo/Int", &[("origin", "http://app.example")], OtherOrigin),
    // Calls that change nothing, and pages.
    ("GET", "/Read/One", &[("sec-fetch-site", "cross-site")], OtherOrigin),
    ("GET", "/Read/One", &[("sec-fetch-site", "same-site")], OtherOrigin),
    ("GET", "/Read/One", &[("sec-fetch-site", "cross-site"), ("origin", PAGE)], Served),
    ("GET", "/Read/One", &[("sec-fetch-site", "new-word")], Served),
    ("GET", "/debug/status", &[("sec-fetch-site", "cross-site")], Served),
    ("GET", "/healthz", &[("sec-fetch-site", "cross-site")], Served),
    ("POST", "/healthz", &[("sec-fetch-site", "cross-site")], Served),
];

fn assert_ends(row: &str, status: u16, body: &str, ends: Ends) {
    let setting = match ends {
        Served => {
            assert_ne!(status, 403, "{row}: {body}");
            return;
        }
        OtherOrigin => "allow_origins",
        OtherHost => "allow_hosts",
    };
    assert!(status == 403 && body.contains("\"denied\"") && body.contains(setting), "{row}: {status} {body}");
}

async fn ask<'h>(
    peer: &mut Peer,
    method: &str,
    path: &str,
    host: &str,
    headers: impl IntoIterator<Item = &'h (&'h str, &'h str)>,
) -> Response {
    let headers: String = headers.into_iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let host = if host.is_empty() { String::new() } else { format!("Host: {host}\r\n") };
    let body = if method == "POST" { "Content-Length: 1\r\n\r\n1" } else { "\r\n" };
    peer.http(format!("{method} {path} HTTP/1.1\r\n{host}{headers}{body}")).await
}

#[tokio::test]
async fn pages_of_other_origins_call_nothing() {
    let server = serving(config()).await;
    let mut good = Peer::connect_codec(server.addr, "json").await;
    let mut peer = Peer::connect(server.addr).await;
    for (method, path, headers, ends) in ORIGINS {
        let reply = ask(&mut peer, method, path, "127.0.0.1", headers).await;
        assert_ends(&format!("{method} {path} {headers:?}"), reply.status, &reply.body, ends);
        let shown = headers.contains(&("origin", PAGE)).then_some(PAGE);
        assert_eq!(reply.header("access-control-allow-origin"), shown, "{method} {path} {headers:?}");
        assert_eq!(good.call("Echo.Int", "5", 1).await["result"], 5);
    }
    let refused = ORIGINS.iter().filter(|row| row.3 == OtherOrigin).count() as u64;
    let seen = server.snapshot().server;
    assert_eq!((seen.other_origins, seen.other_hosts), (refused, 0));
}

#[tokio::test]
async fn the_same_over_http_2() {
    let server = serving(config()).await;
    let stream = TokioIo::new(limit(TcpStream::connect(server.addr)).await.unwrap());
    let (mut send, connection) = limit(http2::handshake(TokioExecutor::new(), stream)).await.unwrap();
    tokio::spawn(connection);
    let own = format!("http://{}", server.addr);
    let own_origin: &[(&str, &str)] = &[("origin", &own)];
    let others = [
        ("POST", "http://evil.example/Echo/Int", &NO_HEADERS[..], OtherHost),
        ("GET", "http://evil.example/debug/status", &NO_HEADERS, OtherHost),
        ("GET", "http://evil.example/healthz", &NO_HEADERS, Served),
        ("POST", &format!("{own}/Echo/Int"), own_origin, Served),
    ];
    let rows = ORIGINS
        .map(|(method, path, headers, ends)| (method, format!("http://127.0.0.1{path}"), headers, ends));
    let rows = rows.iter().map(|(method, uri, headers, ends)| (*method, uri.as_str(), *headers, *ends));
    for (method, uri, headers, ends) in rows.chain(others) {
        let builder = Request::builder().method(method).uri(uri);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let body = Full::new(if method == "POST" { "1" } else { "" }.into());
        let reply: hyper::Response<hyper::body::Incoming> =
            limit(send.send_request(builder.body::<Full<bytes::Bytes>>(body).unwrap())).await.unwrap();
        let status = reply.status().as_u16();
        let body = limit(reply.into_body().collect()).await.unwrap().to_bytes();
        assert_ends(&format!("{method} {uri} {headers:?}"), status, &String::from_utf8_lossy(&body), ends);
    }
}

/// A name, and whether it is one of this machine, whatever the settings.
const NAMES: [(&str, bool); 9] = [
    ("", true),
    ("127.0.0.1", true),
    ("127.0.0.1:7070", true),
    ("[::1]:7070", true),
    ("localhost:7070", true),
    ("a.localhost", true),
    ("rebound.example", false),
    ("localhost.rebound.example:7070", false),
    ("rpc.example", false),
];

#[tokio::test]
async fn names_that_were_made_to_lead_here_reach_nothing() {
    let server = serving(Config::default()).await;
    let mut good = Peer::connect_codec(server.addr, "json").await;
    let mut peer = Peer::connect(server.addr).await;
    for (allowed, config) in [("", vec![]), ("rpc.example", vec!["RPC.example".to_owned()])] {
        server.change_policy(PolicyChange::new().config(move |old| old.allow_hosts(config))).unwrap();
        for (host, is_own) in NAMES {
            assert_eq!(good.call("Echo.Int", "5", 1).await["result"], 5);
            let ends = if is_own || host == allowed { Served } else { OtherHost };
            for (method, path, ends) in [
                ("POST", "/Echo/Int", ends),
                ("GET", "/Read/One", ends),
                ("GET", "/", ends),
                ("GET", "/metrics", ends),
                ("GET", "/admin/settings", if ends == Served { continue } else { ends }),
                // Probes, and what a browser makes no page of.
                ("GET", "/healthz", Served),
                ("GET", "/livez", Served),
                ("GET", "/readyz", Served),
                ("GET", "/debug/health", Served),
                ("OPTIONS", "/", Served),
                ("OPTIONS", "*", Served),
                ("OPTIONS", "/Echo/Int", Served),
                ("GET", "/nowhere", Served),
            ] {
                let reply = ask(&mut peer, method, path, host, &NO_HEADERS).await;
                assert_ends(&format!("{method} {path} {host}"), reply.status, &reply.body, ends);
            }
        }
    }
    // Absolute URIs come before the header.
    let reply = ask(&mut peer, "GET", "http://rebound.example/", "127.0.0.1", &NO_HEADERS).await;
    assert_ends("absolute", reply.status, &reply.body, OtherHost);
    // CONNECT is none of a browser's requests.
    let mut session = Peer::connect(server.addr).await;
    session.send("CONNECT /_json_rpc_ HTTP/1.1\r\nHost: rebound.example\r\n\r\n").await;
    session.expect(rpcwrap_tests::raw::CONNECTED).await;
    assert_eq!(session.call("Echo.Int", "5", 1).await["result"], 5);
    assert!(server.snapshot().server.other_hosts > 0);
}

#[tokio::test]
async fn other_listeners_look_at_names_once_there_are_some() {
    let server = serving(Config::default()).await;
    let any = rpcwrap_tests::server::tcp(limit(server.listen("0.0.0.0:0")).await.unwrap());
    let mut peers =
        [Peer::connect((std::net::Ipv4Addr::LOCALHOST, any.port()).into()).await, Peer::in_memory(&server)];
    for peer in &mut peers {
        let reply = ask(peer, "POST", "/Echo/Int", "rebound.example", &NO_HEADERS).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "1\n"));
    }
    let allow = |config: Config| config.allow_hosts(vec!["rpc.example".to_owned()]);
    server.change_policy(PolicyChange::new().config(allow)).unwrap();
    for peer in &mut peers {
        for (host, ends) in
            [("rebound.example", OtherHost), ("rpc.example:80", Served), ("192.0.2.1", Served)]
        {
            let reply = ask(peer, "POST", "/Echo/Int", host, &NO_HEADERS).await;
            assert_ends(host, reply.status, &reply.body, ends);
        }
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_are_told_that_they_may() {
    let server = serving(config()).await;
    let mut peer = Peer::connect(server.addr).await;
    let asks = |origin| [("origin", origin), ("access-control-request-method", "POST")];
    for path in ["/Echo/Int", "/Read/One", "/debug/vars"] {
        let reply = ask(&mut peer, "OPTIONS", path, "127.0.0.1", &asks(PAGE)).await;
        let header = |name: &str| reply.header(&format!("access-control-{name}")).map(str::to_owned);
        assert_eq!((reply.status, header("allow-origin").as_deref()), (200, Some(PAGE)), "{path}");
        assert_eq!(header("allow-methods").as_deref(), Some("GET, HEAD, POST"), "{path}");
        assert_eq!(header("allow-headers").as_deref(), Some("Authorization, Content-Type, Rpc-Timeout"));
        assert_eq!(reply.header("vary"), Some("Origin"));
        let reply = ask(&mut peer, "OPTIONS", path, "127.0.0.1", &asks("https://evil.example")).await;
        assert!(reply.headers.iter().all(|(name, _)| !name.starts_with("access-control")), "{reply:?}");
    }
    // What an admin may is never another page's.
    let reply = ask(&mut peer, "OPTIONS", "/admin/settings", "127.0.0.1", &asks(PAGE)).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (405, None));
    // The setting is live.
    server.change_policy(PolicyChange::new().config(|config| config.allow_origins(Vec::new()))).unwrap();
    let reply = ask(&mut peer, "POST", "/Echo/Int", "127.0.0.1", &[("origin", PAGE)]).await;
    assert_ends("taken out", reply.status, &reply.body, OtherOrigin);
}

#[tokio::test]
async fn mounted_services_look_after_themselves_unless_they_ask() {
    let app = tower::service_fn(|_: Request<rpcwrap::RequestBody>| async {
        Ok::<_, Infallible>(hyper::Response::new(Full::new(bytes::Bytes::from_static(b"mounted"))))
    });
    for (mount, ends) in
        [(Mount::new(app), [Served, Served]), (Mount::new(app).guarded(), [OtherOrigin, OtherHost])]
    {
        let server = start(services().mount(mount).config(config())).await;
        let mut peer = Peer::connect(server.addr).await;
        let site = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        let reply = ask(&mut peer, "POST", "/own/path", "127.0.0.1", &site).await;
        assert_ends("origin", reply.status, &reply.body, ends[0]);
        let reply = ask(&mut peer, "GET", "/own/path", "rebound.example", &NO_HEADERS).await;
        assert_ends("host", reply.status, &reply.body, ends[1]);
        let reply = ask(&mut peer, "GET", "/own/path", "127.0.0.1", &[("origin", PAGE)]).await;
        assert_eq!((reply.body.as_str(), reply.header("access-control-allow-origin")), ("mounted", None));
    }
}

#[tokio::test]
async fn http_rpc_is_a_call_too() {
    let server = serving(config()).await;
    let addr = rpcwrap_tests::server::tcp(limit(server.listen_http_rpc("127.0.0.1:0")).await.unwrap());
    let mut peer = Peer::connect(addr).await;
    for (host, headers, ends) in [
        ("127.0.0.1", &[("sec-fetch-site", "cross-site")][..], OtherOrigin),
        ("127.0.0.1", &[("origin", "http://evil.example")], OtherOrigin),
        ("rebound.example", &NO_HEADERS, OtherHost),
        ("127.0.0.1", &[("origin", PAGE)], Served),
    ] {
        let reply = ask(&mut peer, "POST", "/_json_rpc_", host, headers).await;
        assert_ends(host, reply.status, &reply.body, ends);
    }
}
