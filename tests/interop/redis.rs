//! Redis's own programs and its Python clients: they connect, log in, call, pipeline and are told what is wrong.

use crate::conformance::Conformance;
use rpcwrap_tests::peer;
use std::{path::Path, process::Command, time::Duration};

const LIMIT: Duration = Duration::from_secs(120);

/// A program of Redis's, told where the server is.
fn program(name: &str, server: &Conformance) -> Command {
    let mut command = Command::new(peer::tool(name).unwrap_or_else(|error| panic!("{error}")));
    command.args(["-h", "127.0.0.1", "-p", &server.addr.port().to_string()]);
    command
}

/// What redis-cli prints for these words.
fn cli(server: &Conformance, words: &[&str]) -> String {
    server.judged_by(program("redis-cli", server).args(words), LIMIT).trim_end().to_owned()
}

#[test]
#[ignore = "needs redis-cli: run tests/run"]
fn redis_cli_calls_and_is_told() {
    let server = Conformance::start();
    for (words, printed) in [
        (&["PING"][..], "PONG"),
        (&["CALL", "Arith.Multiply", r#"{"A":7,"B":8}"#], "56"),
        (&["Arith.Multiply", "7", "8"], "56"),
        (&["arith.multiply", "a", "7", "b", "8"], "56"),
        (&["-3", "Arith.Multiply", "7", "8"], "56"),
        (&["Arith.Multiply", "7", "x"], "ERR invalid argument: field B: wants int64, got \"x\""),
        (&["GET", "key"], "ERR unknown command 'GET', with args beginning with: 'key'"),
        (&["SHUTDOWN"], "NOAUTH Authentication required."),
    ] {
        assert_eq!(cli(&server, words).trim_end(), printed, "{words:?}");
    }
    assert!(cli(&server, &["-3", "HELLO"]).contains("proto 3"));
    assert!(cli(&server, &["INFO"]).contains("loading:0"));
    assert!(cli(&server, &["COMMAND", "DOCS", "ping"]).contains("PONG"));
    server.stop();
}

#[test]
#[ignore = "needs redis-benchmark: run tests/run"]
fn redis_benchmark_runs() {
    let server = Conformance::start();
    for args in [
        &["-t", "ping_inline,ping_mbulk", "-n", "2000"][..],
        &["-P", "16", "-n", "2000", "Arith.Multiply", "7", "8"],
    ] {
        let report = server.judged_by(
            program("redis-benchmark", &server).args(["-q", "--user", "ola", "-a", "p"]).args(args),
            LIMIT,
        );
        assert!(report.contains("requests per second"), "{report}");
    }
    let log = server.stop();
    assert!(!log.contains("malformed"), "{log}");
}

#[test]
#[ignore = "needs python3 with redis and valkey: run tests/run"]
fn python_clients_in_both_versions() {
    let python = peer::python_with_modules().unwrap_or_else(|error| panic!("{error}"));
    let server = Conformance::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/python/redis_clients.py");
    let mut command = Command::new(python);
    server.judged_by(command.arg("-B").arg(script).arg(server.addr.port().to_string()), LIMIT);
    server.stop();
}
