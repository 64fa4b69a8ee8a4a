//! A rolling restart of two servers behind HAProxy while clients call: no call is lost.
#![allow(clippy::print_stdout, reason = "the figures, with --nocapture")]

use crate::haproxy::HaProxy;
use rpcwrap_client::{AnyCodec, Client, Error, dial_http};
use rpcwrap_tests::{
    peer::{self, Go},
    process::Process,
};
use serde_json::json;
use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

const CONFIG: &str = include_str!("rolling.cfg");
/// One step: a start, an end, the moment until HAProxy knows.
const LIMIT: Duration = Duration::from_secs(30);
/// Load before, between and after the restarts.
const LOADED: Duration = Duration::from_millis(500);
/// Long enough for HAProxy, which asks ten times a second, also on a machine that has much to do.
const SETTINGS: &str = "lame_duck = \"2s\"\n";
/// Refusals after which a call counts as failed.
const REDIALS: usize = 20;

/// One server, the same address in each of its lives.
struct Server {
    process: Process,
    addr: SocketAddr,
}

impl Server {
    fn start(addr: &str, settings: &Path) -> Self {
        let program = peer::program("rpcwrapd").unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(program);
        command.args(["--listen", addr, "--config"]).arg(settings).env("RUST_LOG", "info");
        let process = Process::start(&mut command).unwrap_or_else(|error| panic!("{error}"));
        let addr = process.stdout.line("listening on ", LIMIT).and_then(|addr| addr.parse().ok());
        let addr = addr.unwrap_or_else(|| panic!("no address\n{process}"));
        Self { process, addr }
    }

    fn end(mut self) {
        self.process.terminate().unwrap();
        let status = self.process.wait(LIMIT).unwrap_or_else(|error| panic!("{error}\n{}", self.process));
        assert_eq!(status.code(), Some(0), "something was cut\n{}", self.process);
    }
}

/// Waits until HAProxy sends traffic to both.
fn both_up(haproxy: &HaProxy) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let states: Vec<String> =
            haproxy.servers().unwrap_or_default().into_iter().map(|server| server.status).collect();
        if states == ["UP", "UP"] {
            return;
        }
        assert!(Instant::now() < deadline, "{states:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What a client of ours went through.
#[derive(Debug, Default)]
struct Calls {
    answered: usize,
    redials: usize,
    failed: Vec<Error>,
}

/// One call after the other, each on another connection for as long as it is sure that nothing was done.
async fn call_all_the_time(addr: String, stop: Arc<AtomicBool>) -> Calls {
    let mut calls = Calls::default();
    let mut client: Option<Client> = None;
    let mut turned_away = 0;
    while !stop.load(SeqCst) {
        let dialled = match client.take() {
            Some(client) => client,
            None => dial_http(&addr, AnyCodec::Json).await.expect("HAProxy finds a server"),
        };
        match dialled.call::<_, i64>("Arith.Multiply", &json!({"A": 7, "B": 8})).await {
            Ok(product) => {
                assert_eq!(product, 56);
                (calls.answered, turned_away, client) = (calls.answered + 1, 0, Some(dialled));
            }
            Err(error) if !error.may_have_executed() && turned_away < REDIALS => {
                (calls.redials, turned_away) = (calls.redials + 1, turned_away + 1);
            }
            Err(error) => calls.failed.push(error),
        }
    }
    calls
}

/// Our client, in a thread of its own until it is stopped.
fn our_client(addr: SocketAddr, stop: Arc<AtomicBool>) -> thread::JoinHandle<Calls> {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let callers: Vec<_> =
                (0..4).map(|_| tokio::spawn(call_all_the_time(addr.to_string(), stop.clone()))).collect();
            let mut all = Calls::default();
            for caller in callers {
                let calls = caller.await.unwrap();
                all.answered += calls.answered;
                all.redials += calls.redials;
                all.failed.extend(calls.failed);
            }
            all
        })
    })
}

/// A connection and a call each, as fast as one shell can; ends at SIGTERM like the Go client and says the same.
fn curl(addr: SocketAddr) -> Process {
    let script = r#"
        trap stop=1 TERM
        answered=0 failed=0
        while [ -z "$stop" ]; do
            got=$("$0" -q -sS --noproxy '*' --max-time 20 -d '{"A":7,"B":8}' "$1")
            if [ "$got" = 56 ]; then answered=$((answered + 1)); else failed=$((failed + 1)); echo "got $got"; fi
        done
        echo "$answered answered, 0 redials, $failed failed"
        [ $failed -eq 0 ]"#;
    let program = peer::tool("curl").unwrap_or_else(|error| panic!("{error}"));
    let url = format!("http://{addr}/Arith/Multiply");
    Process::start(Command::new("sh").args(["-c", script]).arg(program).arg(url)).unwrap()
}

fn go(addr: SocketAddr, pause: &str) -> Process {
    let program = Go::Newest.program("goload").unwrap_or_else(|error| panic!("{error}"));
    Process::start(Command::new(program).args(["-addr", &addr.to_string(), "-pause", pause])).unwrap()
}

/// The settings of both servers; gone with the test.
struct Settings(PathBuf);

impl Settings {
    fn write() -> Self {
        let path = env::temp_dir().join(format!("rpcwrap-rolling-{}.toml", process::id()));
        fs::write(&path, SETTINGS).unwrap();
        Self(path)
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

#[test]
#[ignore = "needs haproxy, go and curl: run tests/run"]
fn a_rolling_restart_loses_no_call() {
    let settings = Settings::write();
    let mut servers = [(); 2].map(|()| Some(Server::start("127.0.0.1:0", &settings.0)));
    let mut config = CONFIG.to_owned();
    for (name, server) in ["one", "two"].into_iter().zip(servers.iter().flatten()) {
        config = config
            .replace(&format!("{{{name}}}"), &server.addr.to_string())
            .replace(&format!("{{{name}_port}}"), &server.addr.port().to_string());
    }
    let first = servers[0].as_ref().map(|server| server.addr).expect("one server each");
    let haproxy = HaProxy::start(&config, 2, first);
    both_up(&haproxy);

    let stop = Arc::new(AtomicBool::new(false));
    let ours = our_client(haproxy.addr, stop.clone());
    let mut others = [
        ("go", go(haproxy.addr, "0s")),
        ("go with pauses", go(haproxy.addr, "30ms")),
        ("curl", curl(haproxy.addr)),
    ];
    // The other clients say nothing before their end.
    thread::sleep(LOADED);
    for server in &mut servers {
        let old = server.take().expect("one server each");
        let addr = old.addr.to_string();
        old.end();
        *server = Some(Server::start(&addr, &settings.0));
        both_up(&haproxy);
        thread::sleep(LOADED);
    }

    stop.store(true, SeqCst);
    let calls = ours.join().unwrap();
    println!("ours: {} answered, {} redials, {} failed", calls.answered, calls.redials, calls.failed.len());
    assert!(calls.failed.is_empty(), "{:?}", calls.failed);
    // All of its connections to each of the two were closed once, or it has not been in danger.
    assert!(calls.answered > 0 && calls.redials > 0, "{calls:?}");
    for (name, process) in &mut others {
        process.terminate().unwrap();
        let status = process.wait(LIMIT).unwrap_or_else(|error| panic!("{name}: {error}\n{process}"));
        let said = process.stdout.text();
        println!("{name}: {}", said.lines().last().unwrap_or_default());
        assert!(status.success(), "{name}\n{process}");
    }
    for server in servers.into_iter().flatten() {
        server.end();
    }
}
