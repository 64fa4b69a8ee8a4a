//! The command line against Go's server: the types Go wants come from the JSON on the line.

use super::{GoServer, judged_by};
use rpcwrap_tests::peer::{self, Go};
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
