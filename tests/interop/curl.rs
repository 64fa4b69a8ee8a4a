//! curl: the pages, calls by POST, HTTP-RPC, and the CONNECT of a proxy's user.

use crate::conformance::Conformance;
use rpcwrap_tests::peer;
use std::{net::SocketAddr, process::Command, time::Duration};

const LIMIT: Duration = Duration::from_secs(30);

/// What curl got.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: String,
    kind: String,
    body: String,
}

/// curl's run with `args`, which has to exit with 0 at every status.
fn curl(server: &Conformance, args: &[&str]) -> Answer {
    let program = peer::tool("curl").unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new(program);
    // No ~/.curlrc and no proxy of this machine; the last line is not part of the body.
    command.args(["-q", "-sS", "--noproxy", "*", "--max-time", "20", "-w", "\n%{http_code} %{content_type}"]);
    let output = server.judged_by(command.args(args), LIMIT);
    let (body, last) = output.rsplit_once('\n').unwrap_or_else(|| panic!("no last line in {output:?}"));
    let (status, kind) = last.split_once(' ').unwrap_or_else(|| panic!("no status in {last:?}"));
    Answer { status: status.to_owned(), kind: kind.to_owned(), body: body.to_owned() }
}

fn url(addr: SocketAddr, path: &str) -> String {
    format!("http://{addr}{path}")
}

#[test]
#[ignore = "needs curl: run tests/run"]
fn pages() {
    let server = Conformance::start();
    // Path, type, part of the page.
    let pages = [
        ("/", "text/plain", "/debug/rpc"),
        ("/debug/rpc", "text/html", "Multiply"),
        ("/debug/vars", "application/json", "\"connection-accepted\""),
        ("/debug/status", "text/plain", "Arith"),
        ("/debug/health", "text/plain", "ok"),
        ("/healthz", "text/plain", "ok"),
        ("/livez", "text/plain", "ok"),
        ("/readyz", "text/plain", "ok"),
        ("/metrics", "text/plain", "# TYPE rpcwrap_"),
    ];
    for (path, kind, part) in pages {
        let url = url(server.addr, path);
        let get = curl(&server, &[&url]);
        assert_eq!(get.status, "200", "{path}: {get:?}");
        assert!(get.kind.starts_with(kind), "{path}: {get:?}");
        assert!(get.body.contains(part), "{path}: {get:?}");
        let head = curl(
            &server,
            &["--head", "-o", "/dev/null", "-w", "%{size_download}\n%{http_code} %{content_type}", &url],
        );
        assert_eq!(head, Answer { body: "0".to_owned(), ..get }, "HEAD {path}");
    }
    let unknown = curl(&server, &[&url(server.addr, "/nothing")]);
    assert_eq!((unknown.status.as_str(), unknown.body.trim_end()), ("404", "404 page not found"));
    server.stop();
}

#[test]
#[ignore = "needs curl: run tests/run"]
fn two_pages_on_one_connection() {
    let server = Conformance::start();
    let (first, second) = (url(server.addr, "/healthz"), url(server.addr, "/livez"));
    let answer = curl(&server, &["-w", "\n%{num_connects} ", &first, &second]);
    // The second transfer opened none.
    assert_eq!((answer.status.as_str(), answer.kind.as_str()), ("0", ""), "{answer:?}");
    server.stop();
}

#[test]
#[ignore = "needs curl: run tests/run"]
fn calls_by_post() {
    let server = Conformance::start();
    let call = |path: &str, argument: &str| curl(&server, &["-d", argument, &url(server.addr, path)]);
    let replies = [
        ("/Arith/Multiply", r#"{"A":7,"B":8}"#, "56"),
        ("/Arith/Divide", r#"{"A":17,"B":5}"#, r#"{"Quo":3,"Rem":2}"#),
        ("/Echo/String", r#""é \u2028""#, r#""é \u2028""#),
        ("/Echo/Ints", "[1,-2]", "[1,-2]"),
        ("/Slow/Sleep", "10", "10"),
    ];
    for (path, argument, reply) in replies {
        let answer = call(path, argument);
        assert_eq!((answer.status.as_str(), answer.body.trim_end_matches('\n')), ("200", reply), "{path}");
        assert_eq!(answer.kind, "application/json", "{path}");
    }
    let stream = call("/Stream/Count", r#"{"N":3}"#);
    assert_eq!(stream.status, "200");
    assert_eq!(stream.body.lines().count(), 3, "{stream:?}");
    assert_eq!(stream.body.lines().nth(1), Some(r#"{"C":3,"Index":1}"#));
    server.stop();
}

#[test]
#[ignore = "needs curl: run tests/run"]
fn errors_of_calls_by_post() {
    let server = Conformance::start();
    // Path, argument, status, code, message if it is fixed.
    let failures = [
        ("/Arith/Nope", "{}", "404", "unknown_method", Some("rpc: can't find method Arith.Nope")),
        ("/Nope/Multiply", "{}", "404", "unknown_service", Some("rpc: can't find service Nope.Multiply")),
        ("/Arith/Multiply", r#"{"A":"x"}"#, "400", "bad_arguments", None),
        ("/Arith/Multiply", r#"{"A":7,"#, "400", "bad_arguments", None),
        ("/Arith/Divide", r#"{"A":7,"B":0}"#, "500", "failed", Some("divide by zero")),
    ];
    for (path, argument, status, code, message) in failures {
        let answer = curl(&server, &["-d", argument, &url(server.addr, path)]);
        let body: serde_json::Value =
            serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{path}: {answer:?}"));
        assert_eq!(
            (answer.status.as_str(), answer.kind.as_str()),
            (status, "application/json"),
            "{path} {argument}"
        );
        assert_eq!(body["error"]["code"], code, "{path} {argument}");
        let text = body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.map_or(!text.is_empty(), |message| text == message), "{path} {argument}: {body}");
    }
    server.stop();
}

#[test]
#[ignore = "needs curl: run tests/run"]
fn http_rpc_on_its_port() {
    let server = Conformance::start();
    let request = r#"{"method":"Arith.Multiply","params":[{"A":7,"B":8}],"id":1}"#;
    let answer = curl(&server, &["-d", request, &url(server.http_rpc, "/_json_rpc_")]);
    assert_eq!(
        (answer.status.as_str(), answer.body.as_str()),
        ("200", "{\"id\":1,\"result\":56,\"error\":null}\n")
    );
    // On the main port the same path is for CONNECT.
    let refused = curl(&server, &["-d", request, &url(server.addr, "/_json_rpc_")]);
    assert_eq!((refused.status.as_str(), refused.body.as_str()), ("405", "405 must CONNECT\n"));
    server.stop();
}

/// `curl -p -x` takes the server for a proxy: it is none.
#[test]
#[ignore = "needs curl: run tests/run"]
fn connect_to_a_host_is_not_found() {
    let server = Conformance::start();
    let proxy = url(server.addr, "");
    // Without a tunnel curl fails, which a shell turns into a success to get at what it printed.
    let program = peer::tool("curl").unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new("sh");
    command.args([
        "-c",
        r#""$0" -q -s --max-time 20 -w '%{http_connect}' -p -x "$1" http://svc.example:80/ || true"#,
    ]);
    let printed = server.judged_by(command.arg(program).arg(proxy), LIMIT);
    assert_eq!(printed.trim_end(), "404");
    server.stop();
}
