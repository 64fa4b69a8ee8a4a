//! gRPC beside everything else on the one port: Python's own gRPC judges the example that mounts a tonic service.

use rpcwrap_tests::{peer, process::Process};
use std::{path::Path, process::Command, time::Duration};

const START_LIMIT: Duration = Duration::from_secs(20);
const LIMIT: Duration = Duration::from_secs(120);

#[test]
#[ignore = "needs python3 with grpcio: run tests/run"]
fn python_grpc_client_of_the_mounted_health_service() {
    let example = peer::example("grpc").unwrap_or_else(|error| panic!("{error}"));
    let python = peer::python_with_modules().unwrap_or_else(|error| panic!("{error}"));
    let server =
        Process::start(Command::new(example).arg("127.0.0.1:0")).unwrap_or_else(|error| panic!("{error}"));
    let addr = server.stdout.line("listening on ", START_LIMIT);
    let addr = addr.unwrap_or_else(|| panic!("no address\n{server}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/python/grpc_client.py");
    let mut client = Command::new(python);
    let mut run =
        Process::start(client.arg("-B").arg(script).arg(addr)).unwrap_or_else(|error| panic!("{error}"));
    let status = run.wait(LIMIT);
    assert!(status.is_ok_and(|status| status.success()), "{run}{server}");
}
