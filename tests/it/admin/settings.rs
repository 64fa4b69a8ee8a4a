//! Every setting that may change: set over HTTP, read back, and in force on connections that were open before.

use super::{Log, builder, done, list, message, post, serving};
use rpcwrap::{Config, Listen, PolicyChange, ProxyProtocol, Service, TlsConfig, TlsPolicy};
use rpcwrap_tests::{
    certificates::Ca,
    limit,
    raw::{Peer, json_request},
    server::{TestServer, start, tcp},
    services::Gate,
    until,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::SocketAddr};
use tokio::net::TcpStream;

/// A value for every setting, how it is read back, and one that is refused, with why.
const SETTINGS: [(&str, &str, &str, &str, &str); 34] = [
    ("first_byte_timeout", "\"5s\"", "5s", "\"0s\"", "must be longer"),
    ("first_byte_clock", "\"first_byte\"", "first_byte", "\"never\"", "want accept, first_byte or off"),
    ("proxy_header_timeout", "\"120s\"", "2m", "10", "want a whole number with ms, s, m or h"),
    ("tls_handshake_timeout", "\"1500ms\"", "1500ms", "\"1.5s\"", "want a whole number"),
    ("header_timeout", "\"10ms\"", "10ms", "null", "want a whole number with ms"),
    ("login_timeout", "\"10ms\"", "10ms", "\"0s\"", "must be longer"),
    ("max_header_bytes", "8192", "8192", "8191", "must be at least 8192"),
    ("max_message_bytes", "1024", "1024", "1023", "must be from 1024 to 2147483647"),
    ("max_message_bytes_before_login", "1024", "1024", "1023", "must be at least 1024"),
    ("max_decoded_bytes", "1048576", "1048576", "1048575", "must be at least 1048576"),
    ("max_depth", "1", "1", "101", "must be from 1 to 100"),
    ("max_gob_types", "16", "16", "15", "must be from 16 to 1000000"),
    ("max_in_flight", "1", "1", "0", "must be at least 1"),
    ("max_calls", "\"1\"", "1", "-1", "want a whole number"),
    ("max_blocking", "1", "1", "-1", "want a whole number"),
    ("max_blocking_queue", "0", "0", "-1", "want a whole number"),
    ("max_connections", "1", "1", "1.5", "want a whole number"),
    ("max_connections_per_address", "1", "1", "0", "must be at least 1"),
    ("max_output_bytes", "7", "7", "\"7 bytes\"", "want a whole number"),
    ("memory_budget", "1048576", "1048576", "1048575", "must be at least 1048576"),
    ("stall_timeout", "\"10ms\"", "10ms", "\"0ms\"", "must be longer"),
    ("keep_alive_timeout", "\"10ms\"", "10ms", "\"off\"", "want a whole number"),
    ("idle_timeout", "\"10ms\"", "10ms", "\"0s\"", "must be longer"),
    ("max_connection_age", "\"10ms\"", "10ms", "\"1d\"", "or off"),
    ("max_connection_age_grace", "\"0s\"", "0s", "\"-1s\"", "want a whole number"),
    ("call_timeout", "\"10ms\"", "10ms", "\"soon\"", "or off"),
    ("lame_duck", "\"0s\"", "0s", "\"\"", "want a whole number"),
    ("drain_timeout", "\"0s\"", "0s", "[]", "want a whole number"),
    ("slow_call", "false", "off", "\"0s\"", "must be longer"),
    ("blocked_after", "\"250ms\"", "250ms", "\"0s\"", "must be longer"),
    ("max_peer_statistics", "0", "0", "1000001", "must be at most 1000000"),
    (
        "pages",
        "[\"10.0.0.0/8\",\"::1\"]",
        "10.0.0.0/8,::1",
        "[\"10.0.0.1/8\"]",
        "want auto, open, login, off",
    ),
    (
        "allow_origins",
        "[\"http://a.example:80\",\"https://b.example\"]",
        "http://a.example:80,https://b.example",
        "[\"a.example\"]",
        "must be http:// or https:// and a host",
    ),
    ("allow_hosts", "\"a.example, b\"", "a.example,b", "\"a:80\"", "must be a host's name without a port"),
];

async fn values(server: &TestServer) -> BTreeMap<String, String> {
    let shown = list(server, "settings").await;
    let text = |row: &Value, member: &str| row[member].as_str().unwrap().to_owned();
    let rows = shown["settings"].as_array().unwrap();
    let live = rows.iter().filter(|row| row["live"] == true);
    live.map(|row| (text(row, "name"), text(row, "value"))).collect()
}

#[tokio::test]
async fn every_setting_is_set_and_read_back_or_refused() {
    let (server, _) = serving().await;
    let known: Vec<String> = values(&server).await.into_keys().collect();
    let mut tried: Vec<_> = SETTINGS.iter().map(|row| row.0).collect();
    tried.sort_unstable();
    assert_eq!(tried, known, "every setting has a row");
    for (name, value, read, bad, why) in SETTINGS {
        // Each on a server of its own: the next request would feel it.
        let (server, _) = serving().await;
        let log = Log::new();
        let before = values(&server).await;
        let reply = post(&server, "settings", &format!(r#"{{"{name}":{bad}}}"#)).await;
        assert!(reply.status == 400 && message(&reply).contains(why), "{name}: {}", reply.body);
        assert_eq!(values(&server).await, before, "{name}");
        assert_eq!(log.audit().len(), 1);
        assert_eq!(
            done(&server, "settings", &format!(r#"{{"{name}":{value}}}"#)).await,
            json!({"generation": 1})
        );
        let line = format!(
            r#"user="root" operation="settings" details="{name}={}" outcome="done: generation 1""#,
            match value {
                "false" => "off",
                value if value.starts_with('[') => read,
                value => value.trim_matches('"'),
            }
        );
        assert_eq!(log.audit(), [line]);
        let now = server.policy().config().settings().find(|setting| setting.name == name).unwrap();
        assert_eq!(now.value, read, "{name}");
        if !["max_connections", "pages", "header_timeout"].contains(&name) {
            assert_eq!(values(&server).await[name], read);
        }
    }
}

#[tokio::test]
async fn several_settings_are_set_together_or_none_is() {
    let (server, _) = serving().await;
    for (body, status, why) in [
        (r#"{"max_calls":7,"max_depth":0}"#, 400, "max_depth = 0: must be from 1 to 100"),
        (r#"{"max_calls":7,"max_dept":3}"#, 400, "no setting \"max_dept\", did you mean max_depth?"),
        (
            r#"{"max_calls":7,"bson_dialect":"vitess"}"#,
            409,
            "bson_dialect cannot be changed while the server runs",
        ),
        (r#"{"max_calls":"many"}"#, 400, "max_calls = \"many\": want a whole number"),
    ] {
        let reply = post(&server, "settings", body).await;
        assert_eq!((reply.status, message(&reply).as_str()), (status, why));
    }
    assert_eq!(server.policy().config(), &Config::default());
    done(&server, "settings", r#"{"max_calls":7,"idle_timeout":"1h","max_depth":3}"#).await;
    assert_eq!((server.policy().generation(), server.policy().config().max_depth), (1, 3));
}

/// A server, a session and an HTTP connection that are open before a setting changes.
struct Open {
    server: TestServer,
    gate: Gate,
    session: Peer,
    http: Peer,
}

impl Open {
    async fn new() -> Self {
        let gate = Gate::default();
        let server = start(builder(&gate)).await;
        let mut session = Peer::connect_codec(server.addr, "json").await;
        assert_eq!(session.call("Echo.Int", "5", 0).await["result"], 5);
        let mut http = Peer::connect(server.addr).await;
        assert_eq!(http.http("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.status, 200);
        Self { server, gate, session, http }
    }

    async fn set(&self, name: &str, value: &str) {
        done(&self.server, "settings", &format!(r#"{{"{name}":{value}}}"#)).await;
    }

    /// A call of the session that waits for the test.
    async fn wait(&mut self, id: u64) {
        self.session.send(json_request("Gate.Wait", &id.to_string(), id)).await;
    }

    async fn page(&mut self, path: &str) -> u16 {
        self.http.http(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await.status
    }
}

#[tokio::test]
async fn changed_idle_timeouts_count_for_open_connections() {
    let mut open = Open::new().await;
    open.set("idle_timeout", "\"10ms\"").await;
    open.session.expect_closed().await;
    assert_eq!(open.page("/").await, 200, "HTTP has a time of its own");

    let mut open = Open::new().await;
    open.set("keep_alive_timeout", "\"10ms\"").await;
    open.http.expect_closed().await;
    assert_eq!(open.session.call("Echo.Int", "5", 1).await["result"], 5);

    let mut open = Open::new().await;
    open.set("max_connection_age", "\"10ms\"").await;
    open.session.expect_closed().await;
    open.http.expect_closed().await;
}

#[tokio::test]
async fn changed_timeouts_count_for_requests_and_calls_under_way() {
    let mut open = Open::new().await;
    open.session.send("{\"method\":").await;
    open.set("stall_timeout", "\"10ms\"").await;
    open.session.expect_closed().await;
    assert_eq!(open.server.snapshot().server.stalled, 1);

    let mut open = Open::new().await;
    open.http.send("GET / HT").await;
    until(|| open.server.connections(9)[1].bytes_in > 30).await;
    open.set("header_timeout", "\"10ms\"").await;
    open.http.expect_closed().await;

    let mut open = Open::new().await;
    open.set("call_timeout", "\"10ms\"").await;
    open.wait(1).await;
    assert_eq!(open.session.read_json().await["error"], "rpc: deadline exceeded after 10 ms");
}

/// A server that takes TLS beside plain connections, and PROXY headers on a listener of its own; and that listener.
async fn with_tls_and_proxy() -> (TestServer, SocketAddr) {
    let certified = Ca::new().server();
    let tls = TlsConfig::from_pem(certified.certificate, certified.key).policy(TlsPolicy::Allow);
    let server = start(builder(&Gate::default()).tls(tls)).await;
    let proxies = ProxyProtocol::from_peers(["127.0.0.1"]).unwrap();
    let listen = Listen::new().proxy_protocol(proxies);
    let proxied = tcp(limit(server.listen_with("127.0.0.1:0", listen)).await.unwrap());
    (server, proxied)
}

#[tokio::test]
async fn changed_opening_timeouts_count_for_connections_that_open() {
    let (server, proxied) = with_tls_and_proxy().await;
    // What has been sent, where, and the setting that ends the wait for the rest.
    for (addr, sent, name, value) in [
        (server.addr, &b""[..], "first_byte_timeout", "\"10ms\",\"max_connections\":1"),
        (server.addr, b"GET /", "first_byte_timeout", "\"10ms\""),
        (proxied, b"", "proxy_header_timeout", "\"10ms\""),
        (proxied, b"PROXY TCP4 ", "proxy_header_timeout", "\"10ms\""),
        (server.addr, b"\x16\x03\x01\x02\x00", "tls_handshake_timeout", "\"10ms\""),
    ] {
        let before = server.policy().config().clone();
        let mut opening = Peer::connect(addr).await;
        opening.send(sent).await;
        until(|| server.connections(9).iter().any(|one| one.bytes_in == sent.len() as u64)).await;
        done(&server, "settings", &format!(r#"{{"{name}":{value}}}"#)).await;
        opening.expect_closed().await;
        server.change_policy(PolicyChange::new().config(|_| before)).unwrap();
        until(|| server.open_connections() == 0).await;
    }
}

#[tokio::test]
async fn a_changed_opening_clock_counts_for_connections_that_open() {
    let open = Open::new().await;
    open.set("first_byte_clock", "\"off\"").await;
    open.set("first_byte_timeout", "\"10ms\"").await;
    let mut opening = Peer::connect(open.server.addr).await;
    opening.send("GET /").await;
    until(|| open.server.connections(9).iter().any(|one| one.bytes_in == 5)).await;
    open.set("first_byte_clock", "\"accept\"").await;
    opening.expect_closed().await;
}

#[tokio::test]
async fn a_changed_age_grace_counts_for_old_connections() {
    let mut open = Open::new().await;
    open.wait(1).await;
    until(|| open.gate.entered() == 1).await;
    done(&open.server, "settings", r#"{"max_connection_age":"10ms","max_connection_age_grace":"1h"}"#).await;
    // Leaving, as HTTP is told; still served while its call runs.
    open.http.expect_closed().await;
    assert_eq!(open.session.call("Echo.Int", "5", 2).await["result"], 5);
    open.set("max_connection_age_grace", "\"0s\"").await;
    open.session.expect_closed().await;
    until(|| open.gate.left() == 1).await;
}

#[tokio::test]
async fn changed_lame_duck_and_drain_times_count_for_the_shutdown() {
    let mut open = Open::new().await;
    open.wait(1).await;
    until(|| open.gate.entered() == 1).await;
    // By default the first would take 5 s and the second 30 s, beyond the limit of this step.
    let running = open.server.run();
    let asked = async {
        done(&open.server, "settings", r#"{"lame_duck":"0s","drain_timeout":"600ms"}"#).await;
        done(&open.server, "drain", "").await;
    };
    let (drained, ()) = limit(async { tokio::join!(running, asked) }).await;
    assert_eq!(drained.unwrap().cut, 1);
}

#[tokio::test]
async fn a_changed_head_size_counts_for_new_connections() {
    let head = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {}\r\n\r\n", "x".repeat(10_000));
    let mut open = Open::new().await;
    assert_eq!(Peer::connect(open.server.addr).await.http(&head).await.status, 200);
    open.set("max_header_bytes", "8192").await;
    assert_eq!(Peer::connect(open.server.addr).await.http(&head).await.status, 431);
    // hyper was told when the connection was opened.
    assert_eq!(open.http.http(&head).await.status, 200);
}

#[tokio::test]
async fn a_changed_output_limit_counts_for_unread_replies() {
    const REPLY: usize = 10_000;
    let big = Service::new("Big").method("Get", |(): ()| async { Ok("x".repeat(REPLY)) });
    let server = start(builder(&Gate::default()).service(big)).await;
    let calls = || {
        let methods = server.snapshot().methods;
        methods.iter().find(|method| method.service == "Big").unwrap().stats.calls
    };
    // In memory there is room for 64 KiB between the two sides.
    let mut peer = Peer::in_memory_codec(&server, "json").await;
    done(&server, "settings", r#"{"max_output_bytes":1}"#).await;
    let requests: String = (1..=30).map(|id| json_request("Big.Get", "null", id)).collect();
    peer.send(requests).await;
    until(|| calls() >= 6).await;
    assert!(calls() <= 8, "{} calls are made for a peer that reads nothing", calls());
    for id in 1..=30 {
        assert_eq!(peer.read_json().await["id"], id);
    }
}

#[tokio::test]
async fn changed_message_limits_count_for_the_next_message() {
    let failed = |open: &Open| {
        let protocols = open.server.snapshot().protocols;
        let go_rpc = protocols.into_iter().find(|protocol| protocol.name == "go_rpc").unwrap();
        (go_rpc.too_big, go_rpc.malformed)
    };
    let mut open = Open::new().await;
    open.set("max_message_bytes", "1024").await;
    open.session.send(json_request("Echo.String", &format!("\"{}\"", "x".repeat(2000)), 1)).await;
    open.session.read_to_end().await;
    let long = "x".repeat(2000);
    let call = format!("POST /Echo/String HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000\r\n\r\n{long}");
    assert_eq!(open.http.http(call).await.status, 413);
    until(|| failed(&open) == (1, 0)).await;

    let mut open = Open::new().await;
    open.set("max_depth", "3").await;
    open.session.send(json_request("Echo.Any", "[[[[[7]]]]]", 1)).await;
    open.session.read_to_end().await;
    until(|| failed(&open) == (0, 1)).await;
}

#[tokio::test]
async fn changed_call_limits_count_for_the_next_call() {
    let mut open = Open::new().await;
    open.set("max_in_flight", "1").await;
    open.wait(1).await;
    open.session.send(json_request("Echo.Int", "5", 2)).await;
    until(|| open.gate.entered() == 1).await;
    open.gate.open(1);
    // The second was not started before the first was answered.
    assert_eq!(open.session.read_json().await["id"], 1);
    assert_eq!(open.session.read_json().await["id"], 2);

    let mut open = Open::new().await;
    open.set("max_calls", "1").await;
    open.wait(1).await;
    until(|| open.gate.entered() == 1).await;
    open.wait(2).await;
    assert_eq!(open.session.read_json().await["error"], "rpc: server overloaded");

    let mut open = Open::new().await;
    open.set("max_output_bytes", "1").await;
    let many: String = (1..=20).map(|id| json_request("Echo.Int", "5", id)).collect();
    open.session.send(many).await;
    for id in 1..=20 {
        assert_eq!(open.session.read_json().await["id"], id, "read while there is room for its reply");
    }
}

#[tokio::test]
async fn a_changed_connection_limit_counts_for_the_next_connection() {
    let open = Open::new().await;
    open.set("max_connections", "1").await;
    let mut refused = Peer::over(limit(TcpStream::connect(open.server.addr)).await.unwrap());
    assert_eq!(refused.read_http(false).await.status, 503);
    // Those that are open stay.
    assert_eq!(open.server.open_connections(), 2);
}

#[tokio::test]
async fn changed_page_access_counts_for_the_next_request() {
    for (value, page, metrics) in [
        ("\"off\"", 404, 404),
        ("\"login\"", 401, 200),
        ("[\"10.0.0.0/8\"]", 403, 403),
        ("[\"127.0.0.0/8\"]", 200, 200),
        ("\"open\"", 200, 200),
    ] {
        let mut open = Open::new().await;
        open.set("pages", value).await;
        assert_eq!((open.page("/").await, open.page("/metrics").await), (page, metrics), "{value}");
        assert_eq!(open.page("/readyz").await, 200, "probes are never limited");
    }
}
