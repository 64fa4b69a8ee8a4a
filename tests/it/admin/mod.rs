//! Admin operations over HTTP: refused without rights, noted in the log, in force for connections that are open.

mod changes;
mod kill;
mod lists;
mod pages;
mod settings;

use rpcwrap::{Builder, Credentials, User, Users};
use rpcwrap_tests::{
    raw::{Peer, Response},
    server::{TestServer, start},
    services::{Gate, services},
};
use serde_json::Value;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex},
};
use tracing::{Dispatch, subscriber::DefaultGuard};

/// `Authorization` of an admin, a monitor, a user that is neither, and of a peer without a user.
const ROOT: &str = "Authorization: Basic cm9vdDpy\r\n";
const MON: &str = "Authorization: Basic bW9uOm0=\r\n";
const ALA: &str = "Authorization: Basic YWxhOm1hIGtvdGE=\r\n";
const NONE: &str = "";

fn users() -> Users {
    let root = User::new("root").secret("r").admin(true);
    let mon = User::new("mon").secret("m").monitor(true);
    Users::new([root, mon, User::new("ala").secret("ma kota")]).unwrap()
}

/// A server with users and handlers that wait for their test.
fn builder(gate: &Gate) -> Builder {
    services().service(gate.service()).credentials(Credentials::from(users()))
}

/// Wants every line and gets none. A line of the log that is first come to in the same moment in which another test
/// starts to listen may be taken for one that no test wants; with this there is none of that kind.
static LISTENER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

async fn serving() -> (TestServer, Gate) {
    LazyLock::force(&LISTENER);
    let gate = Gate::default();
    (start(builder(&gate)).await, gate)
}

/// Asks on a connection of its own.
async fn ask(addr: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Response {
    let mut peer = Peer::connect(addr).await;
    let len = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len}\r\n\r\n");
    peer.http(head + body).await
}

/// Asks an admin's change.
async fn post(server: &TestServer, name: &str, body: &str) -> Response {
    ask(server.addr, "POST", &format!("/admin/{name}"), ROOT, body).await
}

/// The same, which is to succeed.
async fn done(server: &TestServer, name: &str, body: &str) -> Value {
    let reply = post(server, name, body).await;
    assert_eq!(reply.status, 200, "{name} {body}: {}", reply.body);
    reply.json()
}

/// What a monitor is shown.
async fn list(server: &TestServer, name: &str) -> Value {
    let reply = ask(server.addr, "GET", &format!("/admin/{name}"), MON, "").await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")), "{}", reply.body);
    reply.json()
}

fn message(reply: &Response) -> String {
    reply.json()["error"]["message"].as_str().unwrap().to_owned()
}

/// What has been logged since this exists, by the tasks of this thread.
struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

impl Log {
    fn new() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The audit's lines since it was asked last, each from its user on and without the peer.
    fn audit(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.lines.0.lock().unwrap())).unwrap();
        let audit = text.lines().filter(|line| line.contains(" INFO rpcwrap::audit: admin operation "));
        let told = |line: &str| {
            assert!(line.contains(" peer=127.0.0.1:"), "{line}");
            let fields = line.split_once("admin operation ").unwrap().1.split(' ');
            fields.filter(|field| !field.starts_with("peer=")).collect::<Vec<_>>().join(" ")
        };
        audit.map(told).collect()
    }
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an operation is refused with, by who asks.
const REFUSALS: [(&str, u16, &str, &str); 3] = [
    (NONE, 401, "log in first", ""),
    (ALA, 403, "ala is no admin", "ala"),
    (MON, 403, "mon is no admin", "mon"),
];

#[tokio::test]
async fn every_change_is_refused_without_rights_and_noted() {
    let (server, _) = serving().await;
    let log = Log::new();
    let before = server.policy().generation();
    for name in ["drain", "restart", "log", "reload-users", "kill", "settings", "access"] {
        for (who, status, why, user) in REFUSALS {
            let reply = ask(server.addr, "POST", &format!("/admin/{name}"), who, "not even JSON").await;
            assert_eq!((reply.status, message(&reply).as_str()), (status, why), "{name}");
            let login = reply.header("www-authenticate");
            assert_eq!(login, (status == 401).then_some("Basic realm=\"rpcwrap\""));
            let line = format!(r#"user="{user}" operation="{name}" details="" outcome="refused: {why}""#);
            assert_eq!(log.audit(), [line], "{name}");
        }
        // An admin whose words make no sense is refused too, and noted.
        let reply = ask(server.addr, "POST", &format!("/admin/{name}"), ROOT, "not even JSON").await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &"bad_arguments".into()), "{name}");
        let told = log.audit();
        let start = format!(r#"user="root" operation="{name}" details="" outcome="refused: "#);
        assert!(told.len() == 1 && told[0].starts_with(&start), "{told:?}");
    }
    let wrong = ask(server.addr, "POST", "/admin/drain", "Authorization: Basic eDp5\r\n", "").await;
    assert_eq!(wrong.status, 401);
    assert!(log.audit().is_empty(), "a wrong login is noted as one");
    assert_eq!(server.policy().generation(), before);
}

#[tokio::test]
async fn lists_are_for_monitors_and_admins() {
    let (server, _) = serving().await;
    let log = Log::new();
    for name in ["connections", "calls", "slow", "peers", "settings", "access"] {
        for (who, status) in [(NONE, 401), (ALA, 403), (MON, 200), (ROOT, 200)] {
            let reply = ask(server.addr, "GET", &format!("/admin/{name}"), who, "").await;
            assert_eq!(reply.status, status, "{name} {who}: {}", reply.body);
        }
        let reply = ask(server.addr, "GET", &format!("/admin/{name}?no=7"), MON, "").await;
        assert_eq!((reply.status, message(&reply).as_str()), (400, "no filter \"no\" here"));
    }
    assert!(log.audit().is_empty(), "who looks changes nothing");
    for (method, path, allow) in [
        ("GET", "drain", "POST"),
        ("POST", "connections", "GET, HEAD"),
        ("DELETE", "settings", "GET, HEAD, POST"),
    ] {
        let reply = ask(server.addr, method, &format!("/admin/{path}"), ROOT, "").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    assert_eq!(ask(server.addr, "GET", "/admin/nothing", ROOT, "").await.status, 404);
}

#[tokio::test]
async fn web_pages_of_other_sites_change_nothing() {
    let (server, _) = serving().await;
    let log = Log::new();
    for (headers, status) in [
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
        ("Origin: http://evil.example\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Origin: http://127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n", 200),
        ("Sec-Fetch-Site: none\r\n", 200),
    ] {
        let headers = format!("{headers}{ROOT}");
        let reply = ask(server.addr, "POST", "/admin/settings", &headers, r#"{"max_calls":7}"#).await;
        assert_eq!(reply.status, status, "{headers}");
        let told = log.audit();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].contains("refused: a page of another site has asked for it"), status == 403);
    }
}

#[tokio::test]
async fn without_users_there_is_no_admin() {
    let server = start(services()).await;
    for (method, path) in [("POST", "drain"), ("GET", "connections")] {
        let reply = ask(server.addr, method, &format!("/admin/{path}"), ROOT, "").await;
        let why = "this server has no users, so that none of them could be an admin or a monitor";
        assert_eq!((reply.status, message(&reply).as_str()), (403, why));
    }
}
