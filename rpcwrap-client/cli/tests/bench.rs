//! `rpcwrap bench` from outside, against server processes that are stopped, killed, or not there.
#![allow(clippy::unwrap_used, reason = "what does not work here fails the test")]

use serde_json::Value;
use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

/// No run here lasts half as long.
const LIMIT: Duration = Duration::from_secs(60);
/// Set for the process that is a server.
const IS_SERVER: &str = "RPCWRAP_TEST_IS_SERVER";

/// Not a test: the server process of the tests here. It ends with its standard input.
#[test]
#[ignore = "the server of the other tests, which start it"]
fn server_process() {
    if env::var_os(IS_SERVER).is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = rpcwrap::Server::builder()
        .method("Echo.Say", |text: String| async move { Ok(text) })
        .method("Sleep.Millis", |millis: u64| async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok(millis)
        })
        .method("Fail.Always", |text: String| async move { Err::<(), _>(text.into()) })
        .build()
        .unwrap();
    let addr = runtime.block_on(server.listen("127.0.0.1:0")).unwrap();
    writeln!(io::stdout(), "\nlistening on {addr}").unwrap();
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A child process, killed when dropped.
struct Process(Child);

impl Process {
    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for the end, within [`LIMIT`].
    fn end(mut self) -> Output {
        let read = |mut from: Box<dyn Read + Send>| {
            let (sender, receiver) = channel();
            thread::spawn(move || {
                let mut text = Vec::new();
                from.read_to_end(&mut text).unwrap();
                sender.send(text)
            });
            receiver
        };
        let stdout = read(Box::new(self.0.stdout.take().unwrap()));
        let stderr = read(Box::new(self.0.stderr.take().unwrap()));
        let stdout = stdout.recv_timeout(LIMIT).expect("the end of the program");
        let stderr = stderr.recv_timeout(LIMIT).expect("the end of the program");
        Output { status: self.0.wait().unwrap(), stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if it has ended, which is what most tests want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Server {
    process: Process,
    addr: String,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["server_process", "--exact", "--ignored", "--nocapture"])
            .env(IS_SERVER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let process = Process(child);
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut lines = lines.map_while(Result::ok);
            let addr = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
            sender.send(addr)
        });
        let addr = receiver.recv_timeout(LIMIT).unwrap().expect("the server's address");
        Self { process, addr }
    }

    fn bench(&self, line: &str) -> Process {
        bench(&self.addr, line)
    }

    /// Calls of `method` so far, as the server's own page counts them.
    fn calls(&self, method: &str) -> u64 {
        let mut page = TcpStream::connect(&self.addr).unwrap();
        page.set_read_timeout(Some(LIMIT)).unwrap();
        page.write_all(b"GET /debug/vars HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        page.read_to_string(&mut text).unwrap();
        let vars: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
        vars["methods"][method]["calls"].as_u64().unwrap()
    }

    /// Waits until `method` was called so often, at most [`LIMIT`].
    fn wait_for_calls(&self, method: &str, calls: u64) {
        let begun = Instant::now();
        while self.calls(method) < calls {
            assert!(begun.elapsed() < LIMIT, "{method} was not called {calls} times");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn bench(addr: &str, line: &str) -> Process {
    let child = Command::new(env!("CARGO_BIN_EXE_rpcwrap"))
        .args(["bench", addr])
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Process(child)
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The sum of what the report says became of the requests.
fn accounted_for(report: &Value) -> u64 {
    let requests = &report["requests"];
    ["done", "failed", "in_flight_at_end", "not_sent"]
        .iter()
        .map(|name| requests[name].as_u64().unwrap())
        .sum()
}

/// What was to be made.
fn intended(report: &Value) -> u64 {
    report["requests"]["intended"].as_u64().unwrap()
}

#[test]
fn a_server_that_is_stopped_for_two_seconds_shows_in_the_open_loop() {
    let server = Server::start();
    let running = server.bench("Echo.Say \"x\" --rate 100 -z 8s --json");
    server.wait_for_calls("Echo.Say", 300);
    server.process.signal("STOP");
    // The pause is what is measured.
    thread::sleep(Duration::from_secs(2));
    server.process.signal("CONT");
    let output = running.end();
    let report = json(&output);

    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!((&report["requests"]["intended"], &report["requests"]["done"]), (&800.into(), &800.into()));
    let p99 = report["response_time_ms"]["p99"].as_f64().unwrap();
    // Of 800, eight were due in the first 80 ms of at least 2 s.
    assert!(p99 >= 1900.0, "{report:#}");
    // Most of the requests never met the pause.
    assert!(report["response_time_ms"]["p50"].as_f64().unwrap() < p99 / 2.0, "{report:#}");
}

#[test]
fn waiting_for_a_free_call_is_response_time_and_not_service_time() {
    let server = Server::start();
    // One call at a time of 50 ms, asked for every 10 ms.
    let report =
        json(&server.bench("Sleep.Millis 50 --rate 100 -n 40 --inflight 1 --grace 30s --json").end());
    assert_eq!(report["requests"]["done"], 40, "{report:#}");
    let [response, service] =
        ["response_time_ms", "service_time_ms"].map(|times| report[times]["p50"].as_f64().unwrap());
    assert!(service >= 49.0 && response > 4.0 * service, "{report:#}");
    let rate = &report["rate"];
    assert!(rate["achieved"].as_f64().unwrap() < rate["asked"].as_f64().unwrap() / 3.0, "{report:#}");
}

#[test]
fn requests_that_are_unfinished_at_the_end_are_counted_and_not_forgotten() {
    let server = Server::start();
    let output = server.bench("Sleep.Millis 60000 --rate 100 -z 1s --inflight 30 --grace 500ms --json").end();
    let report = json(&output);
    let expected =
        serde_json::json!({"intended": 100, "done": 0, "failed": 0, "in_flight_at_end": 30, "not_sent": 70});
    assert_eq!(report["requests"], expected);
    // The oldest has waited for the whole run and the grace.
    assert!(report["response_time_ms"]["max"].as_f64().unwrap() >= 1490.0, "{report:#}");
    assert_eq!(output.status.code(), Some(28));
}

#[test]
fn a_server_that_is_killed_fails_requests_by_kind_and_loses_none() {
    let server = Server::start();
    let running = server.bench("Sleep.Millis 5 --rate 200 -z 3s -c 2 --json");
    server.wait_for_calls("Sleep.Millis", 200);
    server.process.signal("KILL");
    let report = json(&running.end());
    assert_eq!((accounted_for(&report), &report["requests"]["intended"]), (600, &600.into()));
    let requests = &report["requests"];
    assert!(requests["done"].as_u64().unwrap() > 0, "{report:#}");
    let failures = &report["failures"];
    let [refused, reset] = ["refused", "reset"].map(|kind| failures[kind]["count"].as_u64().unwrap());
    assert!(refused > 100, "{report:#}");
    assert_eq!(requests["failed"].as_u64().unwrap(), refused + reset, "{report:#}");
}

#[test]
fn a_closed_loop_makes_the_calls_it_was_asked_for() {
    let server = Server::start();
    for codec in ["json", "bson"] {
        let line = format!("Echo.Say \"x\" -n 500 -c 3 --inflight 4 --codec {codec} --warm-up 100ms --json");
        let report = json(&server.bench(&line).end());
        assert_eq!((&report["requests"]["done"], accounted_for(&report)), (&500.into(), 500), "{report:#}");
        assert_eq!((&report["codec"], &report["loop"]), (&codec.into(), &"closed".into()));
        assert!(report["response_time_ms"].is_null());
    }
}

#[test]
fn a_closed_loop_meets_a_server_that_is_killed_and_loses_no_request() {
    let server = Server::start();
    let running = server.bench("Sleep.Millis 20 -z 2s -c 2 --inflight 3 --json");
    server.wait_for_calls("Sleep.Millis", 100);
    server.process.signal("KILL");
    let report = json(&running.end());
    let requests = &report["requests"];
    assert_eq!((accounted_for(&report), &requests["in_flight_at_end"]), (intended(&report), &0.into()));
    assert!(requests["done"].as_u64().unwrap() > 0, "{report:#}");
    let failures = &report["failures"];
    let [refused, reset] = ["refused", "reset"].map(|kind| failures[kind]["count"].as_u64().unwrap());
    // What was in flight, then one try after the other.
    assert!(reset == 6 && refused > 6, "{report:#}");
    assert_eq!(requests["failed"].as_u64().unwrap(), refused + reset, "{report:#}");
}

#[test]
fn a_closed_loop_logs_in_and_finds_unix_sockets() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let socket = env::temp_dir().join(format!("rpcwrap-bench-{}.sock", std::process::id()));
    let secret = env::temp_dir().join(format!("rpcwrap-bench-{}.secret", std::process::id()));
    std::fs::write(&secret, "ma kota\n").unwrap();
    let server = rpcwrap::Server::builder()
        .credentials(rpcwrap::Credentials::new([("ala", ["ma kota"])]))
        .method("Who.Am", |cx: rpcwrap::Context, _: i64| async move {
            cx.user().map(str::to_owned).ok_or_else(|| rpcwrap::Error::new("anonymous"))
        })
        .build()
        .unwrap();
    let addr = format!("unix:{}", socket.display());
    runtime.block_on(server.listen(&addr)).unwrap();
    for codec in ["json", "bson", "gob", "msgpack"] {
        let line = format!("Who.Am 7 -n 100 -c 2 --inflight 4 --codec {codec} --json");
        let refused = json(&bench(&addr, &line).end());
        assert_eq!(refused["failures"]["remote"], serde_json::json!({"count": 100, "example": "anonymous"}));
        let line = format!("{line} --user ala --password-file {}", secret.display());
        let report = json(&bench(&addr, &line).end());
        assert_eq!(report["requests"]["done"], 100, "{report:#}");
    }
    std::fs::remove_file(secret).unwrap();
}

#[test]
fn connections_are_held_after_the_report_until_ctrl_c() {
    let server = Server::start();
    for flags in ["-n 2", "--rate 100 -n 2"] {
        let mut running = server.bench(&format!("Echo.Say \"x\" {flags} -c 2 --hold 10m --json"));
        let stdout = running.0.stdout.take().unwrap();
        let report = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>().next();
        assert_eq!(report.unwrap().unwrap()["requests"]["done"], 2);
        assert!(running.0.try_wait().unwrap().is_none(), "{flags}: it has ended");
        running.signal("INT");
        assert_eq!(running.0.wait().unwrap().code(), Some(0), "{flags}");
    }
}

#[test]
fn the_cost_to_the_server_is_reported_if_its_process_is_named() {
    let server = Server::start();
    let pid = server.process.0.id();
    for flags in ["-n 2000", "--rate 200 -n 100"] {
        let line = format!("Echo.Say \"x\" {flags} --warm-up 50ms --server-pid {pid} --json");
        let report = json(&server.bench(&line).end());
        assert!(report["server"]["cpu_us_per_call"].as_f64().unwrap() > 0.0, "{report:#}");
    }
    let output = server.bench("Echo.Say \"x\" -n 1 --server-pid 4294967295").end();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert!(said.starts_with("rpcwrap: --server-pid 4294967295: "), "{said}");
}

#[test]
fn errors_of_the_method_are_counted_and_decide_the_exit_code() {
    let server = Server::start();
    let output = server.bench("Fail.Always \"no\" -n 5").end();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("requests  5: 0 done, 5 failed"), "{text}");
    assert!(text.lines().any(|line| line.split_whitespace().eq(["remote", "5", "no"])), "{text}");
    assert_eq!(output.status.code(), Some(65));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "rpcwrap: no request was answered\n");
}

#[test]
fn a_call_has_its_own_time_limit() {
    let server = Server::start();
    let output = server.bench("Sleep.Millis 60000 -n 3 --inflight 3 --max-time 50ms --json").end();
    assert_eq!(json(&output)["failures"]["timeout"]["count"], 3);
    assert_eq!(output.status.code(), Some(28));
}

#[test]
fn ctrl_c_prints_the_report_so_far() {
    let server = Server::start();
    for line in ["Echo.Say \"x\" -z 10m -o json", "Echo.Say \"x\" --rate 100 -z 10m --json"] {
        let before = server.calls("Echo.Say");
        let running = server.bench(line);
        server.wait_for_calls("Echo.Say", before + 100);
        running.signal("INT");
        let output = running.end();
        let report = json(&output);
        assert_eq!((output.status.code(), &report["interrupted"]), (Some(0), &true.into()));
        assert!(report["requests"]["done"].as_u64().unwrap() > 10, "{report:#}");
        assert_eq!(report["requests"]["intended"], accounted_for(&report));
        assert!(report["elapsed_s"].as_f64().unwrap() < 60.0);
    }
}

#[test]
fn files_hold_the_page_and_the_histogram() {
    let server = Server::start();
    let file = |end: &str| env::temp_dir().join(format!("rpcwrap-bench-{}.{end}", std::process::id()));
    let (html, hdr) = (file("html"), file("hgrm"));
    let line = format!("Echo.Say \"x\" -n 50 --csv --html {} --hdr {}", html.display(), hdr.display());
    let output = server.bench(&line).end();
    let read = |file| {
        let text = std::fs::read_to_string(file).unwrap();
        std::fs::remove_file(file).unwrap();
        text
    };
    assert!(read(&html).starts_with("<!DOCTYPE html>"));
    assert!(read(&hdr).contains("Total count    =           50"));
    let csv = String::from_utf8(output.stdout).unwrap();
    assert_eq!(csv.lines().count(), 2, "{csv}");
}

#[test]
fn without_a_server_or_an_argument_there_is_no_report() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (addr, line, code, text) in [
        (unused.as_str(), "Echo.Say \"x\"", 7, "rpcwrap: cannot connect to 127.0.0.1:"),
        (&unused, "Echo.Say {", 1, "rpcwrap: argument: "),
        (&unused, "Echo.Say 1 2", 1, "error: unexpected argument"),
        (&unused, "Echo.Say @/nowhere", 1, "rpcwrap: /nowhere: "),
        (&unused, "Echo.Say --user x", 1, "rpcwrap: --user needs --password-file"),
    ] {
        let output = bench(addr, line).end();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{line}: {said}");
        assert!(said.starts_with(text), "{line}: {said}");
    }
}

#[test]
fn an_unknown_method_ends_the_run_at_the_first_answer() {
    let server = Server::start();
    for flags in ["-n 100000000", "-z 10m", "--rate 100 -z 10m", "-n 100 --max-time 10s", "--warm-up 10m"] {
        let output = server.bench(&format!("Echo.Sai \"x\" {flags} --json")).end();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(65), 0), "{flags}: {said}");
        let wanted = "rpcwrap: remote error: rpc: can't find method Echo.Sai; did you mean Echo.Say?\n";
        assert_eq!(said, wanted, "{flags}");
    }
}

#[test]
fn what_a_method_says_gives_a_terminal_no_orders() {
    let server = Server::start();
    let argument = r#""x\u001b]0;pwn\u0007\u001b[2J\u009b\u007f""#;
    for flags in ["", "--json", "--csv"] {
        let output = server.bench(&format!("Fail.Always {argument} -n 2 {flags}")).end();
        for text in [output.stdout, output.stderr] {
            let text = String::from_utf8(text).unwrap();
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{flags}: {text:?}");
        }
    }
}

#[test]
fn a_signal_gives_a_report_of_what_was_done() {
    let server = Server::start();
    for (flags, signal, code) in [
        ("-z 10m", "TERM", 143),
        ("--rate 100 -z 10m", "TERM", 143),
        ("--warm-up 10m", "INT", 130),
        ("--warm-up 10m --rate 100", "TERM", 143),
    ] {
        let before = server.calls("Echo.Say");
        let running = server.bench(&format!("Echo.Say \"x\" {flags} --json"));
        server.wait_for_calls("Echo.Say", before + 100);
        running.signal(signal);
        let output = running.end();
        let report = json(&output);
        assert_eq!((output.status.code(), &report["interrupted"]), (Some(code), &true.into()), "{flags}");
        assert!(report["requests"]["done"].as_u64().unwrap() > 10, "{report:#}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("rpcwrap: ended "), "{flags}");
    }
}
