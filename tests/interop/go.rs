//! Go programs of our own on Go's standard library.

use crate::conformance::Conformance;
use rpcwrap_tests::{peer::Go, process::Process};
use std::{process::Command, time::Duration};

const LIMIT: Duration = Duration::from_secs(180);

/// The client with net/rpc's jsonrpc codec, for a server at `addr`.
pub(crate) fn client(go: Go, addr: &str) -> Command {
    let program = go.program("goclient").unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new(program);
    command.args(["-addr", addr]);
    command
}

#[test]
#[ignore = "needs go: run tests/run"]
fn go_client_of_jsonrpc_over_connect() {
    for go in [Go::Oldest, Go::Newest] {
        let server = Conformance::start();
        server.judged_by(&mut client(go, &server.addr.to_string()), LIMIT);
        server.stop();
    }
}

/// The judge is judged: what the client demands is what Go's own server does, but for what that server does not have
/// or loses.
#[test]
#[ignore = "needs go: run tests/run"]
fn go_server_meets_the_same_demands() {
    let program = Go::Newest.program("goserver").unwrap_or_else(|error| panic!("{error}"));
    let server = Process::start(&mut Command::new(program)).unwrap_or_else(|error| panic!("{error}"));
    let addr = server.stdout.line("listening on ", Duration::from_secs(20));
    let addr = addr.unwrap_or_else(|| panic!("no address\n{server}"));
    let not_of_go = "two_dots|all_kinds|early_data|get_then_connect|debug_vars|debug_health";
    let mut run = Process::start(client(Go::Oldest, &addr).args(["-skip", not_of_go]))
        .unwrap_or_else(|error| panic!("{error}"));
    let status = run.wait(LIMIT);
    assert!(status.is_ok_and(|status| status.success()), "{run}");
}
