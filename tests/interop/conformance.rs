//! The server under test, the example `conformance`, and a peer's run against it.

use rpcwrap_tests::{peer, process::Process};
use std::{net::SocketAddr, process::Command, time::Duration};

const START_LIMIT: Duration = Duration::from_secs(20);
/// The server's own limit of a drain is 30 s.
const STOP_LIMIT: Duration = Duration::from_secs(40);
const USERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/conformance/users.json");

pub(crate) struct Conformance {
    process: Process,
    pub(crate) addr: SocketAddr,
    /// Where HTTP-RPC is served.
    pub(crate) http_rpc: SocketAddr,
}

impl Conformance {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With these flags too.
    pub(crate) fn start_with(flags: &[&str]) -> Self {
        let program = peer::example("conformance").unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(program);
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--http-rpc-listen",
            "127.0.0.1:0",
            "--auth-credentials",
            USERS,
        ]);
        command.args(flags);
        command.env("RUST_LOG", "info").env("NO_COLOR", "1");
        let process = Process::start(&mut command).unwrap_or_else(|error| panic!("{error}"));
        let address = |name: &str| {
            let line = process.stdout.line(&format!("{name} on "), START_LIMIT);
            let addr = line.and_then(|addr| addr.parse().ok());
            addr.unwrap_or_else(|| panic!("no address behind `{name} on `\n{process}"))
        };
        let (addr, http_rpc) = (address("listening"), address("http-rpc"));
        Self { process, addr, http_rpc }
    }

    /// Runs `peer` to its end, which has to be a success within `limit`; gives its standard output.
    pub(crate) fn judged_by(&self, peer: &mut Command, limit: Duration) -> String {
        let mut run = Process::start(peer).unwrap_or_else(|error| panic!("{error}"));
        match run.wait(limit) {
            Ok(status) if status.success() => run.stdout.text(),
            Ok(status) => panic!("{status}\n{run}{}", self.process),
            Err(error) => panic!("{error}\n{run}{}", self.process),
        }
    }

    /// Ends the server as an operator does, which has to cut nothing, and gives its log.
    pub(crate) fn stop(mut self) -> String {
        self.process.terminate().unwrap_or_else(|error| panic!("{error}\n{}", self.process));
        let status =
            self.process.wait(STOP_LIMIT).unwrap_or_else(|error| panic!("{error}\n{}", self.process));
        assert!(status.success(), "the server ended with {status}\n{}", self.process);
        let log = self.process.stderr.text();
        assert!(!log.contains("panicked"), "{log}");
        log
    }
}
