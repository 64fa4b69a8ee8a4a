//! Who may see pages: by network, by login, and on a listener of their own.

use super::{ALA, MON, NONE, ROOT, ask, builder};
use rpcwrap::{Builder, Config, Listen, PageAccess};
use rpcwrap_tests::{
    limit,
    raw::{CONNECTED, Peer, opening},
    server::{TestServer, start, tcp},
    services::{Gate, services},
};
use std::net::SocketAddr;

const PROBES: [&str; 4] = ["/healthz", "/livez", "/readyz", "/debug/health"];
const PAGES: [&str; 7] =
    ["/", "/debug/status", "/connections", "/debug/connections", "/protocols", "/debug/rpc", "/debug/vars"];

async fn server(pages: &str, login_required: bool) -> TestServer {
    let config = Config::default().pages(pages.parse().unwrap());
    let builder = builder(&Gate::default()).config(config);
    start(if login_required { builder.require_login() } else { builder }).await
}

async fn status(addr: SocketAddr, path: &str, who: &str) -> u16 {
    let reply = ask(addr, "GET", path, who, "").await;
    let login = (reply.status == 401).then_some("Basic realm=\"rpcwrap\"");
    assert_eq!(reply.header("www-authenticate"), login, "{path}");
    reply.status
}

#[tokio::test]
async fn who_sees_pages_depends_on_the_setting_and_the_login() {
    for (pages, login_required, no_one, user, metrics, admin) in [
        ("auto", false, 200, 200, 200, 200),
        ("auto", true, 401, 200, 200, 200),
        ("open", true, 200, 200, 200, 200),
        ("login", false, 401, 200, 200, 200),
        ("login", true, 401, 200, 200, 200),
        ("127.0.0.0/8", true, 200, 200, 200, 200),
        ("10.0.0.0/8,unix", false, 403, 403, 403, 403),
        ("off", false, 404, 404, 404, 404),
    ] {
        let server = server(pages, login_required).await;
        let case = format!("{pages}, {login_required}");
        for path in PROBES {
            assert_eq!(status(server.addr, path, NONE).await, 200, "{case} {path}");
        }
        for path in PAGES {
            assert_eq!(status(server.addr, path, NONE).await, no_one, "{case} {path}");
            assert_eq!(status(server.addr, path, ALA).await, user, "{case} {path}");
        }
        assert_eq!(status(server.addr, "/metrics", NONE).await, metrics, "{case}");
        assert_eq!(status(server.addr, "/admin/settings", MON).await, admin, "{case}");
        let mut agent = Peer::connect(server.addr).await;
        agent.send("agent\n").await;
        agent.expect("ready up 100%\n").await;
    }
}

#[tokio::test]
async fn pages_that_need_a_login_do_not_open_by_a_wrong_one() {
    let server = server("login", false).await;
    assert_eq!(status(server.addr, "/", "Authorization: Basic eDp5\r\n").await, 401);
}

#[tokio::test]
async fn a_listener_for_pages_and_operations_takes_no_calls() {
    let server = server("off", true).await;
    let admin = tcp(limit(server.listen_with("127.0.0.1:0", Listen::new().admin())).await.unwrap());
    for path in PROBES.into_iter().chain(PAGES).chain(["/metrics"]) {
        assert_eq!(status(admin, path, NONE).await, 200, "{path}");
    }
    for (who, wanted) in [(NONE, 401), (ALA, 403), (MON, 200), (ROOT, 200)] {
        assert_eq!(status(admin, "/admin/connections", who).await, wanted, "{who}");
    }
    let reply = ask(admin, "POST", "/admin/settings", ROOT, r#"{"max_calls":7}"#).await;
    assert_eq!((reply.status, server.policy().config().max_calls), (200, 7));
    assert_eq!(ask(admin, "POST", "/Echo/Int", ROOT, "5").await.status, 404);
    assert_eq!(ask(server.addr, "POST", "/Echo/Int", ROOT, "5").await.status, 200);
    let mut go_rpc = Peer::connect(admin).await;
    go_rpc.send(opening("/_json_rpc_")).await;
    assert!(!go_rpc.read_to_end().await.starts_with(CONNECTED));
}

#[tokio::test]
async fn a_listener_for_pages_takes_no_other_protocol() {
    let server = services().build().unwrap();
    for options in [Listen::new().admin().only(["http"]), Listen::new().admin().http_rpc()] {
        let error = limit(server.listen_with("127.0.0.1:0", options)).await.unwrap_err();
        assert_eq!(error.to_string(), "a listener for pages and /admin takes no calls");
    }
}

#[test]
fn pages_for_users_need_users() {
    let error = builder_without_users().build().unwrap_err();
    assert!(error.to_string().starts_with("a login is required, but there are no credentials"), "{error}");
}

fn builder_without_users() -> Builder {
    services().config(Config::default().pages(PageAccess::Login))
}
