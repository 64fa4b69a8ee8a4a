//! Peers that look around: pages and introspection show none of them what an access rule hides, nor who else is there.

use rpcwrap::{Access, Config, Credentials, Listen, Service, User, Users};
use rpcwrap_tests::{
    limit,
    raw::{Peer, Response},
    server::{TestServer, start, tcp},
    services::{Empty, services},
    until,
};
use serde_json::Value;
use std::{convert::Infallible, net::SocketAddr};

const NONE: &str = "";
const ALA: &str = "Authorization: Basic YWxhOnA=\r\n";
const OLA: &str = "Authorization: Basic b2xhOnA=\r\n";
const MON: &str = "Authorization: Basic bW9uOnA=\r\n";

const NAMING: [&str; 8] = [
    "/",
    "/?format=html",
    "/debug/status",
    "/debug/status?format=html",
    "/debug/rpc",
    "/debug/rpc?format=json",
    "/debug/vars",
    "/metrics",
];

/// Services for all, for all users, for `ola`, and for one protocol, of which the user `mon` is a monitor. `ala` may not
/// call `Pattern`.
async fn serving(pages: &str, login_required: bool) -> TestServer {
    let guarded = |name: &str, access| {
        Service::new(name).access(access).method("Get", |_: Option<Empty>| async move { Ok(1_i64) })
    };
    let users = Users::new([
        User::new("ala").secret("p").allow(["*", "!Pattern.*"]),
        User::new("ola").secret("p"),
        User::new("mon").secret("p").monitor(true),
    ])
    .unwrap();
    let builder = services()
        .service(guarded("ForUsers", Access::new().authenticated()))
        .service(guarded("ForOla", Access::new().users(["ola"])))
        .service(guarded("ForGoRpc", Access::new().protocols(["go_rpc"])))
        .service(guarded("Pattern", Access::new()))
        .credentials(Credentials::from(users))
        .config(Config::default().pages(pages.parse().unwrap()));
    start(if login_required { builder.require_login() } else { builder }).await
}

async fn get(addr: SocketAddr, path: &str, who: &str) -> Response {
    Peer::connect(addr).await.http(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{who}\r\n")).await
}

/// The names among these that are in `text`.
fn named(text: &str) -> Vec<&'static str> {
    ["Arith", "ForUsers", "ForOla", "ForGoRpc", "Pattern"]
        .into_iter()
        .filter(|name| text.contains(name))
        .collect()
}

#[tokio::test]
async fn what_is_hidden_is_on_no_page() {
    let all = vec!["Arith", "ForUsers", "ForOla", "ForGoRpc", "Pattern"];
    let ala = vec!["Arith", "ForUsers", "ForGoRpc"];
    let without_login = vec!["Arith", "ForGoRpc", "Pattern"];
    for (pages, login_required, limits) in [
        ("auto", true, true),
        ("login", false, true),
        ("open", true, true),
        ("127.0.0.0/8", false, true),
        ("auto", false, false),
        ("open", false, false),
    ] {
        let server = serving(pages, login_required).await;
        for path in NAMING {
            for (who, sees) in [(NONE, &without_login), (ALA, &ala), (OLA, &all), (MON, &all)] {
                let reply = get(server.addr, path, who).await;
                if reply.status == 401 && who == NONE {
                    continue;
                }
                let wanted = if limits { sees } else { &all };
                assert_eq!(
                    (reply.status, &named(&reply.body)),
                    (200, wanted),
                    "{pages} {login_required} {path} {who}"
                );
            }
        }
        let admin = tcp(limit(server.listen_with("127.0.0.1:0", Listen::new().admin())).await.unwrap());
        for path in NAMING {
            assert_eq!(named(&get(admin, path, NONE).await.body), all, "admin {path}");
        }
        let mut peer = Peer::connect(server.addr).await;
        let call =
            format!("POST /_rpcwrap_/Describe HTTP/1.1\r\nHost: 127.0.0.1\r\n{ALA}Content-Length: 0\r\n\r\n");
        assert_eq!(named(&peer.http(call).await.body), ["Arith", "ForUsers"], "by HTTP");
    }
}

#[tokio::test]
async fn only_monitors_see_peers_users_and_the_command_line() {
    let server = serving("auto", true).await;
    // A peer that no protocol knows, and one of another user.
    Peer::connect(server.addr).await.send("\0\0\0\x16\0\x03\0\0user\0haproxy\0\0").await;
    let mut ola = Peer::connect(server.addr).await;
    let call = format!("POST /ForOla/Get HTTP/1.1\r\nHost: 127.0.0.1\r\n{OLA}Content-Length: 0\r\n\r\n");
    assert_eq!(ola.http(call).await.body, "1\n");
    until(|| !server.snapshot().failed_openings.is_empty()).await;
    let json = async |path: &str, who: &str| -> Value { get(server.addr, path, who).await.json() };
    let users = |page: &Value| {
        let rows = page["connections"].as_array().unwrap().iter();
        rows.map(|row| row["user"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    let len = |value: &Value| value.as_array().unwrap().len();
    for (who, sees) in [(ALA, false), (MON, true)] {
        for path in ["/connections?format=json", "/debug/connections?format=json"] {
            let users = users(&json(path, who).await);
            assert_eq!(users.contains(&"ola".to_owned()), sees, "{path} {who} {users:?}");
            assert!(sees || users == ["-"], "its own is there: {users:?}");
        }
        assert_eq!(len(&json("/protocols?format=json", who).await["failed_openings"]) > 0, sees, "{who}");
        assert_eq!(len(&json("/debug/vars", who).await["cmdline"]) > 0, sees, "{who}");
    }
    // A user sees what is its own.
    assert!(users(&json("/connections?format=json", OLA).await).contains(&"ola".to_owned()));
    let text = get(server.addr, "/connections", ALA).await.body;
    assert!(text.starts_with("2 of at most 10000 connections are open, yours here\n"), "{text}");
}

#[tokio::test]
async fn without_a_login_names_that_are_there_are_answered_as_those_that_are_not() {
    let server = serving("auto", true).await;
    let mut peer = Peer::connect(server.addr).await;
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
        let mut answers = Vec::new();
        for path in ["/Arith/Multiply", "/ForOla/Get", "/Arith/Nope", "/Nope/Nope"] {
            peer.send(format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"))
                .await;
            let Response { status, headers, body } = peer.read_http(method == "HEAD").await;
            let headers: Vec<_> = headers
                .into_iter()
                .filter(|(name, _)| !["date", "content-length"].contains(&name.as_str()))
                .collect();
            answers.push((status, headers, body.replace(&path[1..].replace('/', "."), "NAME")));
        }
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{method}: {answers:?}");
    }
}

#[tokio::test]
async fn every_reply_of_ours_tells_browsers_to_be_careful() {
    let mounted = tower::service_fn(|_: hyper::Request<rpcwrap::RequestBody>| async {
        let body = http_body_util::Full::new(bytes::Bytes::from_static(b"mounted"));
        Ok::<_, Infallible>(hyper::Response::new(body))
    });
    let server = start(services().mount(mounted)).await;
    let mut peer = Peer::connect(server.addr).await;
    let careful = |reply: &Response| {
        ["x-content-type-options", "x-frame-options", "referrer-policy"]
            .map(|name| reply.header(name).map(str::to_owned))
    };
    let wanted = ["nosniff", "DENY", "no-referrer"].map(|value| Some(value.to_owned()));
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/debug/rpc"),
        ("GET", "/connections"),
        ("GET", "/metrics"),
        ("GET", "/healthz"),
        ("OPTIONS", "/"),
        ("POST", "/"),
        ("GET", "/admin/settings"),
        ("GET", "/_json_rpc_"),
        ("GET", "/Arith/Multiply"),
        ("POST", "/Echo/Any"),
        ("POST", "/Arith/Nope"),
        ("POST", "/Stream/Count"),
    ] {
        let reply = peer
            .http(format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"))
            .await;
        assert_eq!(careful(&reply), wanted, "{method} {path}: {}", reply.status);
    }
    let foreign = peer.http("GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n").await;
    assert_eq!((foreign.status, careful(&foreign)), (403, wanted));
    let reply = peer.http("GET /own HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert_eq!((reply.body.as_str(), careful(&reply)), ("mounted", [None, None, None]));
}

#[tokio::test]
async fn a_flood_of_pages_hides_no_number_for_long() {
    let server = start(services()).await;
    let (mut flood, mut good) =
        (Peer::connect(server.addr).await, Peer::connect_codec(server.addr, "json").await);
    for id in 1..=50 {
        assert_eq!(good.call("Echo.Int", "5", id).await["result"], 5);
        assert_eq!(flood.http("GET /connections HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.status, 200);
    }
    limit(async {
        loop {
            let vars = flood.http("GET /debug/vars HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.json();
            if vars["methods"]["Echo.Int"]["calls"] == 50 {
                break;
            }
        }
    })
    .await;
}
