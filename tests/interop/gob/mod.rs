//! Gob, judged by Go's own `net/rpc` in both directions, of the oldest Go and of the newest.
//!
//! Both sides have the same services: tests/support/gob_services here, tests/interop/go/gobserver there.

mod calls;
mod command;
mod evolution;
mod odd;
mod samples;
mod values;

use rpcwrap_client::{AnyCodec, Client, DialError, dial_http_path};
use rpcwrap_tests::{LIMIT, gob_services, peer::Go, process::Process, server, within};
use std::{error::Error, process::Command, time::Duration};

/// A run of one of the Go programs.
const RUN_LIMIT: Duration = Duration::from_secs(180);
/// One case of ours.
const CASE_LIMIT: Duration = Duration::from_secs(20);

/// What Go's server does not have, or loses: a name of two dots is looked up, a value of an unknown name takes the
/// connection along, what comes with the head of CONNECT is thrown away.
const NOT_OF_GO: &str =
    "^(unknown_name|ill_formed_two_dots|early_data_.*|timeout_.*|details_.*|stream.*|cancel.*)$";
/// What ours has not: another path, and the odd peer, which is no server of ours.
const NOT_OF_OURS: &str = "^(odd_.*|dial_http_custom_path)$";

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Runs `peer` to its end, which has to be a success.
async fn judged_by(mut peer: Command) -> String {
    let run = move || {
        let mut run = Process::start(&mut peer).map_err(|error| error.to_string())?;
        match run.wait(RUN_LIMIT) {
            Ok(status) if status.success() => Ok(run.stdout.text()),
            Ok(status) => Err(format!("{status}\n{run}")),
            Err(error) => Err(format!("{error}\n{run}")),
        }
    };
    let said: Result<String, String> = tokio::task::spawn_blocking(run).await.unwrap();
    said.unwrap_or_else(|said| panic!("{said}"))
}

fn program(go: Go, name: &str) -> Command {
    Command::new(go.program(name).unwrap_or_else(|error| panic!("{error}")))
}

async fn go_client_against_us(go: Go) {
    let server = server::start(gob_services::services()).await;
    let mut client = program(go, "gobclient");
    client.args(["-addr", &server.addr.to_string(), "-skip", NOT_OF_OURS]);
    let said = judged_by(client).await;
    let cases = said.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(cases >= 60, "{said}");
    let drained = within(LIMIT, server.stop()).await;
    assert_eq!(drained.cut, 0, "{drained:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn gob_go_client_against_us() {
    go_client_against_us(Go::Newest).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn gob_oldest_go_client_against_us() {
    go_client_against_us(Go::Oldest).await;
}

/// Go's server, on its three ports.
struct GoServer {
    process: Process,
    addr: String,
    raw: String,
    raw_json: String,
}

impl GoServer {
    async fn start(go: Go) -> Self {
        let start = move || {
            let process =
                Process::start(&mut program(go, "gobserver")).unwrap_or_else(|error| panic!("{error}"));
            let address = |name: &str| {
                let address = process.stdout.line(&format!("{name} on "), LIMIT);
                address.unwrap_or_else(|| panic!("no address behind `{name} on `\n{process}"))
            };
            let (addr, raw, raw_json) = (address("listening"), address("raw"), address("rawjson"));
            Self { process, addr, raw, raw_json }
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }

    async fn dial_path(&self, path: &str) -> Result<Client, DialError> {
        dial_http_path(&self.addr, path, AnyCodec::Gob).await
    }

    /// `rpc.DialHTTP`.
    async fn dial(&self) -> Result<Client, DialError> {
        self.dial_path("/_goRPC_").await
    }
}

/// The judge is judged: what the Go client demands is what Go's own server does, across the releases.
async fn go_server_meets_the_same_demands(server: Go, client: Go) {
    let server = GoServer::start(server).await;
    let mut client = program(client, "gobclient");
    client.args([
        "-addr",
        &server.addr,
        "-raw",
        &server.raw,
        "-rawjson",
        &server.raw_json,
        "-skip",
        NOT_OF_GO,
    ]);
    judged_by(client).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn gob_go_server_meets_the_same_demands() {
    go_server_meets_the_same_demands(Go::Newest, Go::Oldest).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn gob_oldest_go_server_meets_the_same_demands() {
    go_server_meets_the_same_demands(Go::Oldest, Go::Newest).await;
}

/// Our client's cases, told as the Go client tells its own.
#[derive(Default)]
struct Cases {
    passed: usize,
    failed: usize,
    said: String,
}

impl Cases {
    async fn case(&mut self, name: &str, case: impl AsyncFnOnce() -> Outcome) {
        // Boxed here: a hundred of these in one function would be too much for a test's stack.
        let outcome = match tokio::time::timeout(CASE_LIMIT, Box::pin(case())).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("not done after {CASE_LIMIT:?}").into()),
        };
        match outcome {
            Ok(()) => {
                self.passed += 1;
                self.said += &format!("ok {name}\n");
            }
            Err(error) => {
                self.failed += 1;
                self.said += &format!("FAIL {name}: {error}\n");
            }
        }
    }
}

async fn our_client_against(go: Go) {
    let server = GoServer::start(go).await;
    let mut cases = Cases::default();
    values::cases(&mut cases, &server).await;
    calls::cases(&mut cases, &server).await;
    evolution::cases(&mut cases, &server).await;
    odd::cases(&mut cases, &server).await;
    let Cases { passed, failed, said } = cases;
    assert!(failed == 0 && passed >= 40, "{said}{passed} passed, {failed} failed\n{}", server.process);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn our_client_against_go_server() {
    our_client_against(Go::Newest).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs go: run tests/run"]
async fn our_client_against_oldest_go_server() {
    our_client_against(Go::Oldest).await;
}

/// A statement that both are equal.
#[allow(clippy::needless_pass_by_value, reason = "most callers have values")]
fn equal<T: PartialEq + std::fmt::Debug>(got: T, wanted: T) -> Outcome {
    if got == wanted { Ok(()) } else { Err(format!("got {got:?}, wanted {wanted:?}").into()) }
}
