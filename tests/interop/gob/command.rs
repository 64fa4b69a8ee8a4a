//! The command line against Go's server: the types Go wants come from the JSON on the line.

use super::{GoServer, judged_by};
use rpcwrap_tests::{
    LIMIT,
    peer::{self, Go},
    within,
};
use std::process::Command;

/// Method, argument, and what is printed. Each argument is one of the type Go's method declares.
const CALLS: &[(&str, &str, &str)] = &[
    ("Arith.Multiply", r#"{"A":7,"B":8}"#, "56"),
    ("Arith.Divide", r#"{"A":17,"B":5}"#, r#"{"Quo":3,"Rem":2}"#),
    ("Echo.Int64", "-5", "-5"),
    ("Echo.Uint64", "18446744073709551615", "18446744073709551615"),
    ("Echo.Float64", "1.5", "1.5"),
    ("Echo.Bool", "true", "true"),
    ("Echo.String", r#""zażółć""#, r#""zażółć""#),
    ("Echo.Ints", "[1,2,3]", "[1,2,3]"),
    ("Echo.Floats", "[1,2.5]", "[1.0,2.5]"),
    ("Echo.Strings", r#"["a",""]"#, r#"["a",""]"#),
    ("Echo.Points", r#"[{"X":1,"Y":2},{"X":3,"Y":4}]"#, r#"[{"X":1,"Y":2},{"X":3,"Y":4}]"#),
    // A nil interface.
    ("Echo.Any", "null", "null"),
    // Nodes show different fields and are of one type all the same.
    (
        "Look.Tree",
        r#"{"Value":1,"Children":[{"Value":2,"Children":[{"Value":3}]},{"Value":4}]}"#,
        r#"{"Nodes":4,"Depth":3,"Total":10}"#,
    ),
    ("Look.Node", r#"{"Value":1,"Next":{"Value":2,"Next":{"Value":3}}}"#, "[1,2,3]"),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn the_command_line_calls_gos_server() {
    let server = GoServer::start(Go::Newest).await;
    for (method, argument, printed) in CALLS {
        let mut call = Command::new(peer::program("rpcwrap").unwrap_or_else(|error| panic!("{error}")));
        call.args(["call", &server.addr, method, argument, "--codec", "gob"]);
        assert_eq!(judged_by(call).await.trim_end(), *printed, "{method} {argument}");
    }
}

/// Exit code, stdout and stderr of the program.
async fn rpcwrap(args: &[&str]) -> (i32, String, String) {
    let mut command =
        tokio::process::Command::new(peer::program("rpcwrap").unwrap_or_else(|e| panic!("{e}")));
    let output = within(LIMIT, command.args(args).kill_on_drop(true).output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Behind `rpc.HandleHTTP`, `rpc.ServeConn` and `jsonrpc.ServeCodec`, without a flag.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn the_command_line_finds_out_what_gos_servers_speak() {
    let server = GoServer::start(Go::Newest).await;
    let args = r#"{"A":7,"B":8}"#;
    for addr in [&server.addr, &server.raw, &server.raw_json] {
        for command in [
            &["call", addr, "Arith.Multiply", args][..],
            &["ping", addr, "-c", "1"],
            &["watch", addr, "Arith.Multiply", args, "-n", "1"],
            &["bench", addr, "Arith.Multiply", args, "-n", "20"],
        ] {
            let (code, stdout, stderr) = rpcwrap(command).await;
            assert_eq!((code, stderr.as_str()), (0, ""), "{command:?}");
            assert!(!stdout.is_empty(), "{command:?}");
        }
        for command in [
            &["call", addr, "Arith.Multply", args][..],
            &["watch", addr, "Arith.Multply", args, "-n", "1"],
            &["bench", addr, "Arith.Multply", args, "-n", "1000"],
        ] {
            let (code, stdout, stderr) = rpcwrap(command).await;
            assert_eq!((code, stdout.as_str()), (65, ""), "{command:?}: {stderr}");
            assert!(stderr.contains("rpc: can't find method Arith.Multply; "), "{command:?}: {stderr}");
        }
        // No stream has ended: it is the text of an error.
        let (code, _, stderr) = rpcwrap(&["call", addr, "Fail.EOS", "{}"]).await;
        assert_eq!((code, stderr.as_str()), (65, "rpcwrap: remote error: EOS\n"));
    }
    let (code, stdout, stderr) = rpcwrap(&["list", &server.addr]).await;
    assert!(code == 0 && stdout.contains("Arith.Multiply\n"), "{stderr}");
    for addr in [&server.raw, &server.raw_json] {
        let (code, _, stderr) = rpcwrap(&["list", addr]).await;
        assert!(code == 65 && stderr.contains("the server does not say what it has"), "{code} {stderr}");
    }
}
