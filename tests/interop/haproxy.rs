//! HAProxy in front of the server: its health checks are content and leave no trace in the log, and what it forwards
//! arrives.

use crate::{conformance::Conformance, go};
use rpcwrap_tests::{
    certificates::{Ca, Scratch},
    peer::{self, Go},
    process::Process,
};
use std::{
    env, fs,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{self, Command},
    thread,
    time::{Duration, Instant},
};

const CONFIG: &str = include_str!("haproxy.cfg");
const START_LIMIT: Duration = Duration::from_secs(10);
const TRAFFIC_LIMIT: Duration = Duration::from_secs(180);
/// How long the checks run at least: 30 of each kind.
const WATCHED: Duration = Duration::from_secs(3);
/// The checks of the configuration and what each comes to.
const CHECKS: [(&str, &str, &str); 7] = [
    ("traffic", "UP", "L4OK"),
    ("http_options", "UP", "L7OK"),
    ("http_get", "UP", "L7OK"),
    ("http_head", "UP", "L7OK"),
    ("http_1_1", "UP", "L7OK"),
    ("rpc", "UP", "L7OK"),
    ("control", "DOWN", "L7STS"),
];

const PROXIES: &str = include_str!("haproxy_send_proxy.cfg");
/// The same for a server that wants PROXY headers.
const PROXY_CHECKS: [(&str, &str, &str); 6] = [
    ("traffic", "UP", "L4OK"),
    ("version_1", "UP", "L4OK"),
    ("http_1", "UP", "L7OK"),
    ("http_2", "UP", "L7OK"),
    ("tls", "UP", "L7OK"),
    ("control", "DOWN", "L7RSP"),
];

/// HAProxy with a configuration of its test; its directory goes when it does.
pub(crate) struct HaProxy {
    process: Process,
    directory: PathBuf,
    /// Where it takes traffic.
    pub(crate) addr: SocketAddr,
}

/// One server as HAProxy sees it.
pub(crate) struct Checked {
    backend: String,
    pub(crate) status: String,
    last_check: String,
    failed_checks: String,
}

impl HaProxy {
    /// Starts it with `config`, what is in braces filled in, and waits until each of its `checks` has been made.
    pub(crate) fn start(config: &str, checks: usize, server: SocketAddr) -> Self {
        // HAProxy binds by itself, so another program may take the free port in between: then again with another.
        for attempt in 0..5 {
            let mut haproxy = Self::start_once(config, server, attempt).expect("HAProxy starts");
            if haproxy.checks_all(checks) {
                return haproxy;
            }
            let said = haproxy.process.to_string();
            assert!(said.contains("cannot bind socket"), "{said}");
        }
        panic!("five free ports were taken by others");
    }

    fn start_once(config: &str, server: SocketAddr, attempt: u32) -> io::Result<Self> {
        let directory =
            env::temp_dir().join(format!("rpcwrap-haproxy-{}-{}-{attempt}", process::id(), server.port()));
        fs::create_dir_all(&directory)?;
        let addr = free_address()?;
        let config = config
            .replace("{stats}", &directory.join("stats").to_string_lossy())
            .replace("{bind}", &addr.to_string())
            .replace("{server}", &server.to_string());
        let path = directory.join("haproxy.cfg");
        fs::write(&path, config)?;
        let program = peer::tool("haproxy").map_err(io::Error::other)?;
        let process = Process::start(Command::new(program).arg("-db").arg("-f").arg(path))?;
        Ok(Self { process, directory, addr })
    }

    /// Waits until each server has been checked once; `false` if HAProxy ends instead.
    fn checks_all(&mut self, checks: usize) -> bool {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if self.process.ended().expect("the state of a child") {
                return false;
            }
            // There are no statistics before it is up.
            let servers = self.servers().unwrap_or_default();
            if servers.len() == checks && servers.iter().all(|server| server.last_check != "INI") {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("not every server was checked within {START_LIMIT:?}\n{}", self.process);
    }

    /// The servers in HAProxy's statistics.
    pub(crate) fn servers(&self) -> io::Result<Vec<Checked>> {
        let mut stats = UnixStream::connect(self.directory.join("stats"))?;
        stats.set_read_timeout(Some(START_LIMIT))?;
        stats.write_all(b"show stat\n")?;
        stats.shutdown(Shutdown::Write)?;
        let mut table = String::new();
        stats.read_to_string(&mut table)?;
        let mut rows = table.trim_start_matches("# ").lines().map(|line| line.split(',').collect::<Vec<_>>());
        let names = rows.next().unwrap_or_default();
        let cell = |row: &[&str], name: &str| {
            let column = names.iter().position(|column| *column == name);
            column.and_then(|column| row.get(column)).copied().unwrap_or_default().to_owned()
        };
        let servers = rows.filter(|row| cell(row, "type") == "2").map(|row| Checked {
            backend: cell(&row, "pxname"),
            status: cell(&row, "status"),
            // "* " stands in front while the next check runs.
            last_check: cell(&row, "check_status").trim_start_matches("* ").to_owned(),
            failed_checks: cell(&row, "chkfail"),
        });
        Ok(servers.collect())
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        // What is left in the temporary directory does no harm.
        fs::remove_dir_all(&self.directory).ok();
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// What HAProxy has to think of the servers it checks.
fn assert_checked(haproxy: &HaProxy, checks: &[(&str, &str, &str)]) {
    let servers = haproxy.servers().expect("HAProxy's statistics");
    for (backend, status, last_check) in checks {
        let seen = servers
            .iter()
            .find(|server| server.backend == *backend)
            .expect("every backend of the configuration");
        assert_eq!((seen.status.as_str(), seen.last_check.as_str()), (*status, *last_check), "{backend}");
        assert!(
            *status == "DOWN" || seen.failed_checks == "0",
            "{backend}: {} failed checks",
            seen.failed_checks
        );
    }
}

/// The log of a server that has nothing to complain of; its text.
fn assert_quiet(log: &str) {
    // The log is one that shows what it should not have: the drain is in it.
    assert!(log.contains(" INFO "), "{log}");
    let loud: Vec<_> =
        log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
    assert!(loud.is_empty(), "{} lines, such as {}", loud.len(), loud[0]);
}

#[test]
#[ignore = "needs haproxy and go: run tests/run"]
fn haproxy_checks_and_forwards() {
    let server = Conformance::start();
    let haproxy = HaProxy::start(CONFIG, CHECKS.len(), server.addr);
    let start = Instant::now();
    server.judged_by(&mut go::client(Go::Newest, &haproxy.addr.to_string()), TRAFFIC_LIMIT);
    thread::sleep(WATCHED.saturating_sub(start.elapsed()));
    assert_checked(&haproxy, &CHECKS);
    drop(haproxy);
    assert_quiet(&server.stop());
}

#[test]
#[ignore = "needs haproxy, curl and go: run tests/run"]
fn haproxy_says_whose_connection_it_is() {
    let (certified, files) = (Ca::new().server(), Scratch::new());
    let certificate = files.write("cert.pem", &certified.certificate);
    let key = files.write("key.pem", &certified.key);
    let flags = ["--proxy-protocol-from", "127.0.0.1", "--tls-cert", &certificate, "--tls-key", &key];
    let server = Conformance::start_with(&flags);
    let haproxy = HaProxy::start(PROXIES, PROXY_CHECKS.len(), server.addr);
    let start = Instant::now();
    server.judged_by(&mut go::client(Go::Newest, &haproxy.addr.to_string()), TRAFFIC_LIMIT);
    // HAProxy itself comes from 127.0.0.1.
    let curl = peer::tool("curl").unwrap_or_else(|error| panic!("{error}"));
    let mut curl = Command::new(curl);
    curl.args(["-q", "-sS", "--noproxy", "*", "--max-time", "20", "--interface", "127.0.0.9", "-d", "\"\""]);
    let who = server.judged_by(curl.arg(format!("http://{}/Ctx/Who", haproxy.addr)), TRAFFIC_LIMIT);
    assert!(who.contains("\"127.0.0.9:"), "{who}");
    thread::sleep(WATCHED.saturating_sub(start.elapsed()));
    assert_checked(&haproxy, &PROXY_CHECKS);
    drop(haproxy);
    let log = server.stop();
    assert_quiet(&log);
    // Only the check that has to fail is told of.
    let told: Vec<_> = log.lines().filter(|line| line.contains(" head=")).collect();
    assert!(!told.is_empty() && told.iter().all(|line| line.contains("no PROXY header")), "{told:?}");
}
