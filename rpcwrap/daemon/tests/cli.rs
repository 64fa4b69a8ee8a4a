//! The program from outside: what it prints, how it ends, what it says when it cannot start.
#![allow(clippy::unwrap_used, reason = "what does not work here fails the test")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
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
        Self::run(Command::new(env!("CARGO_BIN_EXE_rpcwrapd")).args(args))
    }

    fn run(command: &mut Command) -> Self {
        let mut child = command
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
    assert_eq!(said.iter().filter(|line| line.starts_with("  ")).count(), 4);
    TcpStream::connect(("127.0.0.1", rpc)).unwrap();

    daemon.signal("TERM");
    let (status, stdout, stderr) = daemon.end();
    assert_eq!((status.code(), stdout), (Some(0), vec![]));
    assert!(stderr.iter().any(|line| line.contains("INFO") && line.contains("draining")), "{stderr:?}");
    assert!(TcpStream::connect(("127.0.0.1", rpc)).is_err());
}

#[test]
fn sigint_does_not_wait_for_load_balancers() {
    // Longer than a test waits.
    let config = Scratch::new("int.toml", "listen = [\"127.0.0.1:0\"]\nlame_duck = \"1h\"\n");
    let daemon = Daemon::start(&["--config", config.path()]);
    daemon.announcement();
    daemon.signal("INT");
    let (status, stdout, stderr) = daemon.end();
    assert_eq!((status.code(), stdout), (Some(0), vec![]), "{stderr:?}");
}

#[test]
fn a_name_is_listened_on_at_all_its_addresses() {
    use std::net::ToSocketAddrs;
    let daemon = Daemon::start(&["--listen", "localhost:0"]);
    let said = daemon.announcement();
    let mut bound: Vec<std::net::SocketAddr> =
        said.iter().filter_map(|line| line.strip_prefix("listening on ")?.parse().ok()).collect();
    let mut named: Vec<_> = ("localhost", bound[0].port()).to_socket_addrs().unwrap().collect();
    if TcpListener::bind("[::1]:0").is_err() {
        named.retain(std::net::SocketAddr::is_ipv4);
    }
    for addrs in [&mut bound, &mut named] {
        addrs.sort();
        addrs.dedup();
    }
    assert_eq!(bound, named, "{said:?}");
    for addr in bound {
        TcpStream::connect(addr).unwrap();
    }
}

/// Half of the address space, where that is less than the control group and the machine have.
#[test]
fn the_budget_of_memory_is_half_of_what_ulimit_leaves() {
    const SPACE: usize = 1 << 30;
    let config = Scratch::new("ulimit.toml", "listen = [\"127.0.0.1:0\"]\n");
    let script = format!("ulimit -v {}; exec \"$0\" \"$@\"", SPACE >> 10);
    let daemon = Daemon::run(Command::new("sh").args([
        "-c",
        &script,
        env!("CARGO_BIN_EXE_rpcwrapd"),
        "--config",
        config.path(),
    ]));
    let said = daemon.announcement();
    let addr = said[0].strip_prefix("listening on ").unwrap();
    let mut peer = TcpStream::connect(addr).unwrap();
    peer.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    peer.read_to_string(&mut page).unwrap();
    let budget = page.lines().find_map(|line| line.strip_prefix("rpcwrap_server_memory_budget_bytes "));
    let budget: f64 = budget.unwrap_or_else(|| panic!("{page}")).parse().unwrap();
    assert!(budget <= (SPACE / 2) as f64, "{budget}");
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let total: usize = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next())
        .unwrap()
        .parse()
        .unwrap();
    if total << 10 > SPACE && !Path::new("/sys/fs/cgroup/memory.max").exists() {
        assert_eq!(budget, (SPACE / 2) as f64);
    }
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
    daemon.logged("reloaded limits, log filter");

    fs::write(&users.0, r#"{"ola": ["p"]}"#).unwrap();
    fs::write(&config.0, "log = \"=\"").unwrap();
    daemon.signal("HUP");
    let line = daemon.logged("log filter not reloaded");
    assert!(line.contains("WARN") && line.contains("is no log filter"), "{line}");
    daemon.logged("reloaded credentials");

    fs::write(&config.0, "log = \"error\"\nmax_depth = 7\nlisten = [\"127.0.0.1:1\"]").unwrap();
    daemon.signal("HUP");
    let line = daemon.logged("needs a restart");
    assert!(line.contains("WARN") && line.contains("auth_credentials has changed"), "{line}");
    daemon.logged("listen has changed, which needs a restart");
    daemon.logged("reloading credentials, limits, log filter");
    daemon.signal("INT");
    let (status, _, stderr) = daemon.end();
    // From the new filter on nothing below an error is written.
    assert_eq!((status.code(), stderr), (Some(0), vec![]));
}

/// One request of an admin, `root` with the secret `r`; the answer's head and body.
fn ask(addr: &str, request: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(addr).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let head = "HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Basic cm9vdDpy";
    write!(socket, "{request} {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_admin_changes_a_running_program_and_restarts_it() {
    let users = Scratch::new("admins.json", r#"{"root": {"secrets": ["r"], "admin": true}}"#);
    let settings = |more: &str| {
        let first = format!("listen = [\"127.0.0.1:0\"]\nauth_credentials = {:?}\n", users.path());
        first + "pages = \"off\"\nlame_duck = \"10ms\"\n" + more
    };
    let config = Scratch::new("admin.toml", &settings("max_depth = 9"));
    let daemon = Daemon::start(&["--config", config.path(), "--admin-listen", "127.0.0.1:0"]);
    let said = daemon.announcement();
    let main = said[0].strip_prefix("listening on ").unwrap();
    let admin = said[1].strip_prefix("admin on ").unwrap();
    let pages = || {
        assert!(ask(main, "GET /", "").starts_with("HTTP/1.1 404"));
        assert!(ask(admin, "GET /", "").starts_with("HTTP/1.1 200"));
    };
    pages();

    let filter = |text: &str| ask(admin, "POST /admin/log", &format!("{{\"filter\":\"{text}\"}}"));
    assert!(filter("debug").starts_with("HTTP/1.1 200"));
    let refused = filter("=");
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("no log filter"), "{refused}");
    // The second login, which the filter before did not tell of.
    daemon.logged("DEBUG");
    assert!(ask(main, "POST /admin/log", "{}").starts_with("HTTP/1.1 404"), "it is on its own address");

    let depth = || {
        let shown = ask(admin, "GET /admin/settings", "");
        let value =
            shown.split("\"name\":\"max_depth\",\"value\":\"").nth(1).unwrap_or_else(|| panic!("{shown}"));
        value.split('"').next().unwrap().to_owned()
    };
    assert_eq!(depth(), "9");
    assert!(ask(admin, "POST /admin/settings", "{\"max_depth\":8}").starts_with("HTTP/1.1 200"));
    assert_eq!(depth(), "8");
    // What the file says counts again.
    fs::write(&config.0, settings("max_depth = 7\nbson_dialect = \"vitess\"")).unwrap();
    daemon.signal("HUP");
    daemon.logged("bson_dialect has changed, which needs a restart");
    daemon.logged("reloaded credentials, limits, log filter");
    assert_eq!(depth(), "7");

    let restarted = ask(admin, "POST /admin/restart", "");
    let successor = restarted.split("process ").nth(1).and_then(|rest| rest.split(' ').next());
    let successor = successor.unwrap_or_else(|| panic!("{restarted}")).to_owned();
    pages();
    assert!(Command::new("kill").args(["-s", "TERM", &successor]).status().unwrap().success());
    // Its output is the successor's too.
    let (status, _, _) = daemon.end();
    assert_eq!(status.code(), Some(0));
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

/// What can be wrong with flags and files, and what is said of it. The file is named `FILE` in the text.
fn faults() -> Vec<(Vec<String>, Option<Scratch>, &'static str)> {
    let config = |name: &str, text: &str| {
        let file = Scratch::new(name, text);
        (vec!["--config".to_owned(), file.path().to_owned()], Some(file))
    };
    let flags = |flags: &[&str]| (flags.iter().map(|flag| (*flag).to_owned()).collect(), None);
    let users = Scratch::new("bad-users.json", "{\"ala\":\n 5}");
    let users_flag = vec!["--auth-credentials".to_owned(), users.path().to_owned()];
    let cases = [
        (
            config("unknown.toml", "max_depth = 3\nmax_conections = 4\n"),
            "FILE:2:1: unknown key `max_conections`, did you mean `max_connections`?",
        ),
        (config("limit.toml", "max_depth = 1000\n"), "FILE:1:13: max_depth = 1000: must be from 1 to 100"),
        (config("filter.toml", "log = \"=\"\n"), "FILE:1:7: log: \"=\" is no log filter: "),
        (
            config("time.toml", "\nlame_duck = 5"),
            "FILE:2:13: lame_duck = \"5\": want a whole number with ms, s, m or h",
        ),
        (config("syntax.toml", "listen = [\n"), "FILE:"),
        (
            config("addr.toml", "listen = [\"a:1\", \"b\"]"),
            "FILE:1:18: listen: \"b\" is no address: want HOST:PORT",
        ),
        (
            config("only.toml", "listen_only = [\"a:1=http\",\n \"b:1=htp\"]"),
            "FILE:2:2: listen_only: no protocol \"htp\"; there are ",
        ),
        (
            config("login.toml", "require_login = true"),
            "FILE:1:17: require_login: a login is required, but there are no credentials",
        ),
        (
            config("tls.toml", "tls_key = \"/nowhere/k\"\ntls_cert = \"/nowhere/c\"\n"),
            "FILE:1:11: tls_key: cannot read private key /nowhere/k: ",
        ),
        ((users_flag, Some(users)), "FILE:2:2: user \"ala\": has to be a list of secrets or an object"),
        (flags(&["--config", "/nowhere"]), "cannot read config file /nowhere: "),
        (flags(&["--auth-credentials", "/nowhere"]), "cannot read credentials file /nowhere: "),
        (flags(&["--listen", "no-port"]), "--listen: \"no-port\" is no address: want HOST:PORT or unix:PATH"),
        (flags(&["--tls-cert", "/nowhere"]), "--tls-cert: needs tls_key"),
        (
            flags(&["--proxy-protocol-from", "a"]),
            "--proxy-protocol-from: bad network \"a\": not an IP address",
        ),
    ];
    cases.into_iter().map(|((args, file), text)| (args, file, text)).collect()
}

#[test]
fn a_faulty_start_and_its_check_say_the_same() {
    for (args, file, text) in faults() {
        let text = text.replace("FILE", file.as_ref().map_or("", Scratch::path));
        let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
        let line = refusal(&args);
        assert!(line.starts_with(&format!("rpcwrapd: {text}")), "{args:?}: {line}");

        args.push("--check-config");
        let (status, stdout, stderr) = Daemon::start(&args).end();
        assert_eq!((status.code(), stdout), (Some(2), vec![]), "{args:?}: {stderr:?}");
        assert_eq!(stderr, [line.strip_prefix("rpcwrapd: ").unwrap()]);
    }
}

#[test]
fn a_check_tells_every_fault_at_once() {
    let config = Scratch::new(
        "all.toml",
        "max_dept = 1\nmax_calls = 0\n\nlog_format = \"xml\"\nlisten = [\"127.0.0.1:0\"]\n",
    );
    let (status, stdout, stderr) = Daemon::start(&["--check-config", "--config", config.path()]).end();
    assert_eq!((status.code(), stdout), (Some(2), vec![]));
    let expected = [
        "1:1: unknown key `max_dept`, did you mean `max_depth`?",
        "2:13: max_calls = 0: must be at least 1",
        "4:14: log_format: unknown variant `xml`, expected `text` or `json`",
    ];
    assert_eq!(stderr, expected.map(|line| format!("{}:{line}", config.path())));

    fs::write(&config.0, "tls_cert = \"/nowhere\"\nlisten = [\"x\"]\nlog = \"=\"\n").unwrap();
    let (_, _, stderr) = Daemon::start(&["--check-config", "--config", config.path()]).end();
    let starts: Vec<&str> = stderr.iter().map(|line| &line[config.path().len()..][..6]).collect();
    assert_eq!(starts, [":1:12:", ":3:7: ", ":2:11:"], "{stderr:?}");
}

#[test]
fn a_check_of_good_settings_is_ok_and_listens_nowhere() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let users = Scratch::new("good-users.json", r#"{"ala": {"secrets": ["p"], "allow": ["Arith.*"]}}"#);
    // Others may not read it, which would be warned of.
    fs::set_permissions(users.path(), fs::Permissions::from_mode(0o600)).unwrap();
    let config = Scratch::new(
        "good.toml",
        &format!(
            "listen = [\"{}\"]\nauth_credentials = {:?}\nproxy_protocol = \"optional\"\nidle_timeout = \"off\"\n",
            taken.local_addr().unwrap(),
            users.path()
        ),
    );
    let (status, stdout, stderr) = Daemon::start(&["--config", config.path(), "--check-config"]).end();
    assert_eq!((status.code(), stdout), (Some(0), vec!["ok".to_owned()]));
    let warning = "proxy_protocol: warning: without proxy_protocol_from no header is read";
    assert_eq!(stderr, [format!("{}:3:18: {warning}", config.path())]);
    let (status, stdout, stderr) = Daemon::start(&["--check-config"]).end();
    assert_eq!((status.code(), stdout, stderr), (Some(0), vec!["ok".to_owned()], vec![]));
    // The same is logged where it serves.
    let daemon = Daemon::start(&["--config", config.path(), "--listen", "127.0.0.1:0"]);
    assert!(daemon.logged(warning).contains("WARN"));
}

/// What `hash-password` prints for a password.
fn hashed(args: &[&str], password: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rpcwrapd"))
        .arg("hash-password")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn hashed_passwords_open_the_server() {
    for (args, kinds) in [
        (&[][..], &["$argon2id$v=19$m=19456,t=2,p=1$"][..]),
        (&["--scrypt"], &["$scrypt$ln=15,r=8,p=3$"]),
        (&["--cram-md5"], &["cram-md5:e02d374fde0dc75a17a557039a3a5338c7743304777dccd376f332bee68d2cf6"]),
        (
            &["--all"],
            &[
                "$argon2id$",
                "cram-md5:",
                "mysql-native:*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29",
                "caching-sha2:",
            ],
        ),
        (&["--mysql", "--argon2id"], &["$argon2id$", "mysql-native:*", "caching-sha2:"]),
    ] {
        let output = hashed(args, "test\n");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let entries: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(entries.len(), kinds.len(), "{entries:?}");
        for (entry, kind) in entries.iter().zip(kinds) {
            assert!(entry.starts_with(kind), "{entry}");
        }
    }
    let output = hashed(&["ala"], "ma kota");
    let users = Scratch::new("hashed.json", std::str::from_utf8(&output.stdout).unwrap());
    let daemon = Daemon::start(&["--listen", "127.0.0.1:0", "--auth-credentials", users.path()]);
    let said = daemon.announcement();
    let addr = said[0].strip_prefix("listening on ").unwrap();
    for (login, status) in [("YWxhOm1hIGtvdGE=", "200"), ("YWxhOmtvdDI=", "401")] {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let request = format!(
            "POST /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Basic {login}\r\n\
             Content-Length: 13\r\n\r\n{{\"A\":7,\"B\":8}}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
    }
    let nothing = hashed(&[], "\n");
    assert_eq!((nothing.status.code(), nothing.stdout.len()), (Some(1), 0));
    assert_eq!(nothing.stderr, b"rpcwrapd: no password: want one line on stdin\n");
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
        "--check-config",
        "hash-password",
    ] {
        assert!(stdout.iter().any(|line| line.contains(flag)), "{flag}");
    }
}
