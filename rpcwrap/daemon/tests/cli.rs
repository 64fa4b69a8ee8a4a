//! The program from outside: what it prints, how it ends, what it says when it cannot start.
#![allow(clippy::unwrap_used, reason = "what does not work here fails the test")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(20);

/// A running program; killed when the test is over.
struct Daemon {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Daemon {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rpcwrapd"))
            .args(args)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Reads stdout up to the end of the announcement.
    fn announcement(&self) -> Vec<String> {
        let mut read = Vec::new();
        while !read.last().is_some_and(|line: &String| line.starts_with("Ctrl-C")) {
            read.push(self.stdout.recv_timeout(LIMIT).expect("an announcement"));
        }
        read
    }

    /// Waits for a line of the log.
    fn logged(&self, text: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("log line with {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for the end; gives the rest of stdout and stderr.
    fn end(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let (stdout, stderr) = (rest(&self.stdout), rest(&self.stderr));
        // Both streams are closed, so the program is gone or about to be.
        (self.child.wait().unwrap(), stdout, stderr)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails if it has ended, which is what most tests want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    receive
}

fn rest(lines: &Receiver<String>) -> Vec<String> {
    let mut read = Vec::new();
    loop {
        match lines.recv_timeout(LIMIT) {
            Ok(line) => read.push(line),
            Err(RecvTimeoutError::Disconnected) => return read,
            Err(RecvTimeoutError::Timeout) => panic!("the program did not end; so far: {read:?}"),
        }
    }
}

/// A file of one test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rpcwrapd-cli-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Starts a program that cannot; gives its one line.
fn refusal(args: &[&str]) -> String {
    let (status, stdout, stderr) = Daemon::start(args).end();
    assert_eq!((status.code(), stdout.len()), (Some(1), 0), "{stderr:?}");
    assert_eq!(stderr.len(), 1, "{stderr:?}");
    stderr.into_iter().next().unwrap()
}

#[test]
fn says_where_it_listens_and_ends_on_sigterm() {
    let config = Scratch::new("term.toml", "listen = [\"127.0.0.1:0\"]\nlame_duck = \"10ms\"\n");
    let daemon = Daemon::start(&["--config", config.path(), "--http-rpc-listen", "127.0.0.1:0"]);
    let said = daemon.announcement();
    let port = |line: &str, before: &str| -> u16 { line.strip_prefix(before).unwrap().parse().unwrap() };
    let rpc = port(&said[0], "listening on 127.0.0.1:");
    let http_rpc = port(&said[1], "http-rpc on 127.0.0.1:");
    assert!(rpc > 0 && http_rpc > 0 && rpc != http_rpc);
    assert_eq!(said.iter().filter(|line| line.starts_with("  ")).count(), 3);
    std::net::TcpStream::connect(("127.0.0.1", rpc)).unwrap();

    daemon.signal("TERM");
    let (status, stdout, stderr) = daemon.end();
    assert_eq!((status.code(), stdout), (Some(0), vec![]));
    assert!(stderr.iter().any(|line| line.contains("INFO") && line.contains("draining")), "{stderr:?}");
    assert!(std::net::TcpStream::connect(("127.0.0.1", rpc)).is_err());
}

#[test]
fn serves_a_unix_socket_and_logs_json() {
    let path = std::env::temp_dir().join(format!("rpcwrapd-cli-{}.sock", std::process::id()));
    let daemon = Daemon::start(&["--unix", path.to_str().unwrap(), "--log-format", "json"]);
    assert_eq!(daemon.announcement()[0], format!("listening on unix:{}", path.display()));
    std::os::unix::net::UnixStream::connect(&path).unwrap();
    daemon.signal("INT");
    let (status, _, stderr) = daemon.end();
    assert_eq!(status.code(), Some(0));
    let messages: Vec<String> = stderr
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["message"].to_string())
        .collect();
    assert!(messages.contains(&"\"draining\"".to_owned()), "{messages:?}");
    assert!(!Path::new(&path).exists());
}

#[test]
fn sighup_reloads_and_keeps_what_it_cannot_read() {
    let users = Scratch::new("users.json", r#"{"ala": ["ma kota"]}"#);
    let config =
        Scratch::new("hup.toml", &format!("auth_credentials = {:?}\nlog = \"info\"\n", users.path()));
    let daemon = Daemon::start(&["--config", config.path(), "--listen", "127.0.0.1:0"]);
    daemon.announcement();

    fs::write(&users.0, r#"{"ala": "ma kota"}"#).unwrap();
    daemon.signal("HUP");
    let line = daemon.logged("credentials not reloaded");
    assert!(
        line.contains("WARN") && line.contains(".json:1:17: user") && !line.contains("ma kota"),
        "{line}"
    );
    daemon.logged("log filter reloaded");

    fs::write(&users.0, r#"{"ola": ["p"]}"#).unwrap();
    fs::write(&config.0, "log = \"=\"").unwrap();
    daemon.signal("HUP");
    daemon.logged("credentials reloaded");
    let line = daemon.logged("log filter not reloaded");
    assert!(line.contains("WARN") && line.contains("is no log filter"), "{line}");

    fs::write(&config.0, "log = \"error\"").unwrap();
    daemon.signal("HUP");
    daemon.logged("credentials reloaded");
    daemon.signal("INT");
    let (status, _, stderr) = daemon.end();
    // From the new filter on nothing below an error is written.
    assert_eq!((status.code(), stderr), (Some(0), vec![]));
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for flag in ["--listen", "--http-rpc-listen"] {
        let line = refusal(&["--listen", "127.0.0.1:0", flag, &addr]);
        assert!(
            line.starts_with(&format!("rpcwrapd: cannot listen on {addr}: Address already in use")),
            "{line}"
        );
    }
}

#[test]
fn bad_files_are_explained() {
    let unknown = Scratch::new("unknown.toml", "max_depth = 3\nmax_dept = 4\n");
    let limit = Scratch::new("limit.toml", "max_depth = 1000\n");
    let filter = Scratch::new("filter.toml", "log = \"=\"\n");
    let users = Scratch::new("bad-users.json", "{\"ala\":\n 5}");
    for (args, text) in [
        (["--config", unknown.path()], "line 2: `max_dept = 4`: unknown field `max_dept`"),
        (["--config", limit.path()], "rpcwrapd: max_depth = 1000: must be from 1 to 100"),
        (["--config", filter.path()], "rpcwrapd: log = \"=\" is no log filter: "),
        (["--config", "/nowhere"], "rpcwrapd: cannot read config file /nowhere: "),
        (
            ["--auth-credentials", users.path()],
            ".json:2:2: user \"ala\": has to be a list of secrets or an object",
        ),
        (["--auth-credentials", "/nowhere"], "rpcwrapd: cannot read credentials file /nowhere: "),
        (["--listen", "no-port"], "rpcwrapd: cannot listen on no-port: "),
        (["--tls-cert", "/nowhere"], "rpcwrapd: tls-cert needs tls-key"),
        (["--proxy-protocol-from", "a"], "rpcwrapd: bad network \"a\": not an IP address"),
    ] {
        let line = refusal(&args);
        assert!(line.contains(text), "{args:?}: {line}");
    }
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    let (status, stdout, stderr) = Daemon::start(&["--lisen", "x"]).end();
    assert_eq!((status.code(), stdout.len()), (Some(2), 0));
    assert!(stderr[0].contains("--lisen"), "{stderr:?}");
    let (status, stdout, _) = Daemon::start(&["--help"]).end();
    assert_eq!(status.code(), Some(0));
    for flag in [
        "--listen",
        "--unix",
        "--http-rpc-listen",
        "--auth-credentials",
        "--tls-cert",
        "--tls-key",
        "--tls-client-ca",
        "--tls",
        "--proxy-protocol-from",
        "--log-format",
        "--config",
    ] {
        assert!(stdout.iter().any(|line| line.contains(flag)), "{flag}");
    }
}
