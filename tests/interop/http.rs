//! HTTP as its versions have it in common: one table of behaviours, asked by curl, Go's client, `ab` and HAProxy over
//! HTTP/1.0, HTTP/1.1, HTTP/2 by prior knowledge and HTTP/2 over TLS.

use crate::{conformance::Conformance, haproxy::HaProxy};
use rpcwrap_tests::{
    certificates::{Ca, Scratch},
    peer::{self, Go},
};
use std::{process::Command, time::Duration};

const LIMIT: Duration = Duration::from_secs(60);
const GO_LIMIT: Duration = Duration::from_secs(180);
/// Two ways through it, each to a server that is checked.
const PROXY: &str = include_str!("haproxy_http2.cfg");

/// A server that takes TLS and plain connections, and what its clients need.
struct Server {
    server: Conformance,
    ca: String,
    files: Scratch,
}

impl Server {
    fn start() -> Self {
        let (ca, files) = (Ca::new(), Scratch::new());
        let certified = ca.server();
        let path = files.write("ca.pem", &ca.pem());
        let certificate = files.write("server.pem", &certified.certificate);
        let key = files.write("server.key", &certified.key);
        let server = Conformance::start_with(&["--tls-cert", &certificate, "--tls-key", &key]);
        Self { server, ca: path, files }
    }

    /// What curl prints of the heads and the body it got, all in lower case, with its last line.
    fn curl(&self, column: Column, args: &[&str], path: &str) -> String {
        let program = peer::tool("curl").unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(program);
        command.args(["-q", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", &self.ca, "-D", "-"]);
        command.args(["-w", "\n%{http_code} %{http_version} sent %{size_upload}", column.flag()]);
        let scheme = if column == Http2 { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}{path}", self.server.addr.port());
        self.server.judged_by(command.args(args).arg(url), LIMIT).to_lowercase()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Http10,
    Http11,
    Http2Plain,
    Http2,
}

use Column::{Http2, Http2Plain, Http10, Http11};

impl Column {
    const ALL: [Self; 4] = [Http10, Http11, Http2Plain, Http2];

    fn flag(self) -> &'static str {
        match self {
            Http10 => "--http1.0",
            Http11 => "--http1.1",
            Http2Plain => "--http2-prior-knowledge",
            Http2 => "--http2",
        }
    }

    /// As curl names it.
    fn version(self) -> &'static str {
        match self {
            // What curl says of HTTP/1.0.
            Http10 => "1",
            Http11 => "1.1",
            Http2Plain | Http2 => "2",
        }
    }
}

/// One behaviour: what is asked, and what all answers hold, and those of some versions.
struct Row {
    why: &'static str,
    args: Vec<String>,
    path: &'static str,
    status: u16,
    parts: &'static [&'static str],
    own: fn(Column) -> &'static [&'static str],
}

fn row(why: &'static str, args: &[&str], path: &'static str, status: u16) -> Row {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    Row { why, args, path, status, parts: &[], own: |_| &[] }
}

impl Row {
    fn holds(self, parts: &'static [&'static str]) -> Self {
        Self { parts, ..self }
    }

    fn own(self, own: fn(Column) -> &'static [&'static str]) -> Self {
        Self { own, ..self }
    }
}

fn rows(large: &str) -> Vec<Row> {
    let call = r#"{"A":7,"B":8}"#;
    let many: Vec<String> = (0..101).flat_map(|n| ["-H".to_owned(), format!("X-{n}: y")]).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = format!("X: {}", "y".repeat(40_000));
    let expect = ["-H", "Expect: 100-continue"];
    vec![
        row("page", &[], "/healthz", 200).holds(&["\nok\n", "content-length: 3\r\n", "date: "]),
        row("head of a page", &["--head"], "/healthz", 200).holds(&["content-length: 3\r\n"]),
        row("call", &["-d", call], "/Arith/Multiply", 200).holds(&["\n56\n"]),
        row("error", &["-d", call], "/Arith/Nope", 404).holds(&["\"unknown_method\""]),
        // HTTP/1.0 has no other end for a body of unknown length.
        row("stream", &["-d", r#"{"N":3}"#], "/Stream/Count", 200).holds(&["\"index\":2"]).own(|column| {
            match column {
                Http10 => &["connection: close\r\n"],
                Http11 => &["transfer-encoding: chunked\r\n"],
                Http2Plain | Http2 => &[],
            }
        }),
        // HTTP/1.0 knows no leave, and curl waits for none over HTTP/2: Go's client does.
        row("wanted body", &[&["-d", call][..], &expect].concat(), "/Arith/Multiply", 200)
            .holds(&["\n56\n"])
            .own(|column| if column == Http11 { &["http/1.1 100 continue\r\n"] } else { &[] }),
        row("unwanted body", &[&["-d", large][..], &expect].concat(), "/Arith/Nope", 404)
            .holds(&["\"unknown_method\""])
            .own(|column| match column {
                Http11 => &["connection: close\r\n", "sent 0"],
                Http10 => &["connection: close\r\n"],
                Http2Plain | Http2 => &[],
            }),
        row("unwanted body, sent", &["-d", large, "-H", "Expect:"], "/Arith/Nope", 404)
            .holds(&["\"unknown_method\""]),
        row("body for a page", &["-d", large, "-H", "Expect:"], "/healthz", 405).holds(&["allow: get, head"]),
        row("coded body", &["-d", call, "-H", "Content-Encoding: gzip"], "/Echo/Any", 415)
            .holds(&["accept-encoding: identity\r\n", "\"unsupported_encoding\""]),
        row(
            "coded body of a page of calls",
            &["-d", call, "-H", "Content-Encoding: br"],
            "/Arith/Multiply",
            415,
        ),
        row("time limit", &["-d", "10000", "-H", "Rpc-Timeout: 50"], "/Slow/Sleep", 504)
            .holds(&["\"deadline\""]),
        row("time limit in the query", &["-d", "10000"], "/Slow/Sleep?timeout=50", 504),
        row("bad time limit", &["-d", "1", "-H", "Rpc-Timeout: soon"], "/Slow/Sleep", 400)
            .holds(&["\"bad_timeout\""]),
        row("many headers", &many, "/healthz", 431),
        row("large headers", &["-H", &long], "/healthz", 431),
        row("page of another form", &[], "/debug/status?format=xyz", 406),
        row("weights", &["-H", "Accept: text/plain;q=0, application/json"], "/debug/status", 200)
            .holds(&["content-type: application/json"]),
        row("wrong login", &["-u", "ala:wrong", "-d", call], "/Arith/Multiply", 401)
            .holds(&["www-authenticate: basic"]),
        row("method of a page", &["-X", "OPTIONS"], "/healthz", 200)
            .holds(&["allow: get, head, options\r\n"]),
        row("path for CONNECT", &[], "/_json_rpc_", 405).holds(&["allow: connect", "405 must connect\n"]),
    ]
}

#[test]
#[ignore = "needs curl: run tests/run"]
fn every_version_answers_alike() {
    let server = Server::start();
    let large = format!("@{}", server.files.write("large", &"1".repeat(2 << 20)));
    let mut faults = Vec::new();
    for row in rows(&large) {
        for column in Column::ALL {
            let args: Vec<&str> = row.args.iter().map(String::as_str).collect();
            let answer = server.curl(column, &args, row.path);
            // What is refused before it is a request is answered in the server's own version.
            let version = if (row.status, column) == (431, Http10) { "1.1" } else { column.version() };
            let last = format!("\n{} {version} sent ", row.status);
            let parts = row.parts.iter().chain((row.own)(column)).copied().chain([last.as_str()]);
            let missing: Vec<&str> = parts.filter(|part| !answer.contains(part)).collect();
            if !missing.is_empty() {
                faults.push(format!("{} over {column:?} lacks {missing:?}: {answer}", row.why));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    server.server.stop();
}

#[test]
#[ignore = "needs go: run tests/run"]
fn go_http_client_of_every_version() {
    let server = Server::start();
    let program = Go::Newest.program("gohttp").unwrap_or_else(|error| panic!("{error}"));
    let addr = format!("localhost:{}", server.server.addr.port());
    let mut command = Command::new(program);
    let said = server.server.judged_by(command.args(["-addr", &addr, "-ca", &server.ca]), GO_LIMIT);
    assert_eq!(said.lines().count(), 4, "{said}");
    server.server.stop();
}

/// `ab` speaks HTTP/1.0, with and without keep-alive, and counts what is not as the first answer was.
#[test]
#[ignore = "needs ab: run tests/run"]
fn ab_over_http_1_0() {
    let server = Server::start();
    let ab = peer::tool("ab").unwrap_or_else(|error| panic!("{error}"));
    let body = server.files.write("body", r#"{"A":7,"B":8}"#);
    for (scheme, flags, kept) in
        [("http", &["-k"][..], Some(2000)), ("http", &[], None), ("https", &["-k"], Some(2000))]
    {
        for (path, post) in [("/healthz", false), ("/Arith/Multiply", true)] {
            let url = format!("{scheme}://127.0.0.1:{}{path}", server.server.addr.port());
            let mut command = Command::new(&ab);
            command.args(["-n", "2000", "-c", "8", "-s", "20"]).args(flags);
            if post {
                command.args(["-p", &body, "-T", "application/json"]);
            }
            let said = server.server.judged_by(command.arg(&url), LIMIT);
            let number = |name: &str| {
                let line = said.lines().find_map(|line| line.strip_prefix(name));
                line.and_then(|rest| rest.trim().parse::<u32>().ok())
            };
            let seen =
                (number("Complete requests:"), number("Failed requests:"), number("Non-2xx responses:"));
            assert_eq!(seen, (Some(2000), Some(0), None), "{url} {flags:?}: {said}");
            assert_eq!(number("Keep-Alive requests:"), kept, "{url} {flags:?}: {said}");
        }
    }
    server.server.stop();
}

/// In front as a proxy of HTTP that speaks HTTP/2 to the server: agreed on by TLS, and by prior knowledge.
#[test]
#[ignore = "needs haproxy and curl: run tests/run"]
fn haproxy_speaks_http_2_to_the_server() {
    let server = Server::start();
    let haproxy = HaProxy::start(PROXY, 2, server.server.addr);
    let curl = peer::tool("curl").unwrap_or_else(|error| panic!("{error}"));
    let large = format!("@{}", server.files.write("large", &format!("\"{}\"", "x".repeat(2 << 20))));
    let ask = |way: &str, args: &[&str], path: &str| {
        let mut command = Command::new(&curl);
        command.args(["-q", "-sS", "--noproxy", "*", "--max-time", "20", "-H", &format!("Way: {way}")]);
        command.args(["-w", "\n%{http_code}"]).args(args).arg(format!("http://{}{path}", haproxy.addr));
        server.server.judged_by(&mut command, LIMIT)
    };
    for way in ["tls", "plain"] {
        assert_eq!(ask(way, &[], "/healthz"), "ok\n\n200", "{way}");
        assert_eq!(ask(way, &["-d", r#"{"A":7,"B":8}"#], "/Arith/Multiply"), "56\n\n200", "{way}");
        let stream = ask(way, &["-d", r#"{"N":3}"#], "/Stream/Count");
        assert!(stream.lines().count() == 5 && stream.ends_with("200"), "{way}: {stream}");
        let echo = ask(way, &["-d", &large], "/Echo/String");
        assert!(echo.len() > 2 << 20 && echo.ends_with("200"), "{way}: {} bytes", echo.len());
        assert!(ask(way, &["-d", &large], "/Arith/Nope").ends_with("404"), "{way}");
        assert!(ask(way, &["-d", "10000", "-H", "Rpc-Timeout: 50"], "/Slow/Sleep").ends_with("504"), "{way}");
    }
    for checked in haproxy.servers().expect("HAProxy's statistics") {
        assert_eq!(checked.status, "UP");
    }
    drop(haproxy);
    let log = server.server.stop();
    assert!(!log.contains(" WARN ") && !log.contains(" ERROR "), "{log}");
}
