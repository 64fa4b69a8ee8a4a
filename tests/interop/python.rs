//! Python programs of our own: a client on PyMongo's `bson`, one that behaves as vitess', and the replayer of recorded
//! exchanges.

use crate::conformance::Conformance;
use rpcwrap_tests::peer;
use std::{path::Path, process::Command, time::Duration};

const LIMIT: Duration = Duration::from_secs(180);
/// All recorded exchanges; fewer means that the replayer left some out.
const REPLAYED: usize = 365;

/// `python script`, which must not leave its compiled form beside the sources.
fn script(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name));
    command
}

#[test]
#[ignore = "needs python3 with pymongo: run tests/run"]
fn pymongo_bson_in_the_standard_dialect() {
    let python = peer::python_with_modules().unwrap_or_else(|error| panic!("{error}"));
    let server = Conformance::start();
    server.judged_by(script(&python, "python/pymongo_client.py").arg(server.addr.to_string()), LIMIT);
    server.stop();
}

#[test]
#[ignore = "needs python3: run tests/run"]
fn gorpc_client_in_the_vitess_dialect() {
    let python = peer::tool("python3").unwrap_or_else(|error| panic!("{error}"));
    let server = Conformance::start();
    server.judged_by(script(&python, "python/gorpc_client.py").arg(server.addr.to_string()), LIMIT);
    server.stop();
}

#[test]
#[ignore = "needs python3: run tests/run"]
fn recorded_exchanges_replay() {
    let python = peer::tool("python3").unwrap_or_else(|error| panic!("{error}"));
    let server = Conformance::start();
    let mut replay = script(&python, "replay/replay.py");
    replay.arg(server.addr.to_string()).args(["--http-rpc", &server.http_rpc.to_string()]);
    let report = server.judged_by(&mut replay, LIMIT);
    let summary = report.lines().last().unwrap_or_default();
    assert!(summary.starts_with(&format!("{REPLAYED} passed, 0 failed,")), "{report}");
    server.stop();
}
