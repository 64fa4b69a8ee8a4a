//! `rpcwrap proxy` from outside: what it prints, what it records, how it ends.
#![allow(clippy::unwrap_used, reason = "what does not work here fails the test")]

use rpcwrap_client::{AnyCodec, Config, DialError, Error};
use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// The program, killed when dropped.
struct Proxy {
    child: Child,
    stdout: BufReader<ChildStdout>,
    addr: String,
}

impl Proxy {
    fn start(to: &str, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rpcwrap"))
            .args(["proxy", "--listen", "127.0.0.1:0", "--to", to])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let addr = first.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("{first:?}"));
        Self { addr: addr.to_owned(), child, stdout }
    }

    /// Ctrl-C; gives the exit code and what else was printed on both streams.
    fn interrupt(mut self) -> (Option<i32>, String, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
        let (mut printed, mut said) = (String::new(), String::new());
        self.stdout.read_to_string(&mut printed).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), printed, said)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Fails if it has ended, which is what every test wants.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn server() -> (rpcwrap::Server, String) {
    let echo = |text: String| async move { Ok(text) };
    let server = rpcwrap::Server::builder().method("Echo.Say", echo).build().unwrap();
    let addr = server.listen("127.0.0.1:0").await.unwrap().to_string();
    (server, addr)
}

#[tokio::test]
async fn calls_pass_and_are_recorded_in_a_file() {
    let (_server, to) = server().await;
    let file = env::temp_dir().join(format!("rpcwrap-proxy-{}.txt", std::process::id()));
    let proxy = Proxy::start(&to, &["--dump", file.to_str().unwrap()]);
    let client = rpcwrap_client::dial_http(&proxy.addr, AnyCodec::Json).await.unwrap();
    let said: String = client.call("Echo.Say", "hello there").await.unwrap();
    assert_eq!(said, "hello there");

    let (code, printed, errors) = proxy.interrupt();
    assert_eq!((code, printed, errors), (Some(0), String::new(), String::new()));
    let record = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    for part in
        ["#1 open 127.0.0.1:", "#1 -> 30 bytes", "|CONNECT /_json_r|", "#1 <- 34 bytes", "|HTTP/1.0 200 Con|"]
    {
        assert!(record.contains(part), "{part}: {record}");
    }
}

#[tokio::test]
async fn faults_reach_the_client_and_can_be_repeated() {
    let (_server, to) = server().await;
    let proxy = Proxy::start(&to, &["--fault", "reset=100%", "--seed", "5", "--dump", "-"]);
    let refused = rpcwrap_client::dial_http(&proxy.addr, AnyCodec::Json).await;
    assert!(matches!(refused, Err(DialError::Io(_))), "{refused:?}");
    let (code, printed, errors) = proxy.interrupt();
    assert_eq!((code, errors.as_str()), (Some(0), "rpcwrap: faults with --seed 5\n"));
    assert!(printed.contains("#1 -> 30 bytes, reset"), "{printed}");
}

#[tokio::test]
async fn a_stall_outlasts_a_call_with_a_time_limit() {
    let (_server, to) = server().await;
    let proxy = Proxy::start(&to, &["--fault", "stall=60s"]);
    // The handshake passes, the first call does not.
    let client = Config::default().dial_http(&proxy.addr, AnyCodec::Json).await.unwrap();
    let limit = Duration::from_millis(100);
    let called: Result<String, Error> = client.request("Echo.Say").timeout(limit).call("x").await;
    assert!(matches!(called, Err(Error::Timeout { sent: true, .. })), "{called:?}");
    assert_eq!(proxy.interrupt().0, Some(0));
}

#[test]
fn what_it_cannot_listen_on_or_write_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for (args, text) in [
        (vec!["--listen", &addr, "--to", ":1"], format!("rpcwrap: cannot listen on {addr}: ")),
        (vec!["--listen", ":0", "--to", ":1", "--dump", "/nowhere/x"], "rpcwrap: /nowhere/x: ".to_owned()),
        (vec!["--listen", ":0", "--to", ":1", "--fault", "loss=200%"], "error: invalid value".to_owned()),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_rpcwrap")).arg("proxy").args(&args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{args:?}: {said}");
        assert!(said.starts_with(&text), "{args:?}: {said}");
    }
}
