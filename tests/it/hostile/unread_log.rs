//! A log that nothing reads stops nothing: neither what peers fill it with, nor the end of the program.

use super::{Good, vars};
use crate::program::{Program, Settings};
use rpcwrap_tests::raw::{Peer, json_request};

/// As much as a pipe holds, before the program starts: its first line of log finds no room.
const FULL: &str = "head -c 65536 /dev/zero >&2; exec \"$0\" \"$@\"";
const FULL_IN_LITTLE_SPACE: &str = "head -c 65536 /dev/zero >&2; ulimit -v 524288; exec \"$0\" \"$@\"";

const WRONG: &str = "GET /debug/vars HTTP/1.0\r\nAuthorization: Basic YWxhOndyb25n\r\n\r\n";

/// Panics in batches until the program says that it has dropped lines.
async fn panic_until_dropped(program: &Program) {
    const BATCH: usize = 500;
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    // What waits is bounded to a mebibyte, and each line is longer than a hundred bytes.
    for _ in 0..(2 << 20) / (100 * BATCH) {
        peer.send(json_request("Fail.Panic", "1", 2).repeat(BATCH)).await;
        for _ in 0..BATCH {
            peer.expect("{\"id\":2,\"result\":null,\"error\":\"rpc: method panicked\"}\n").await;
        }
        if vars(program).await["counters"]["dropped_log_lines"] != 0 {
            return;
        }
    }
    panic!("no line was dropped");
}

#[tokio::test]
async fn a_full_pipe_stops_neither_calls_nor_pages_nor_the_end() {
    for (name, script, format) in
        [("text", FULL, "text"), ("json", FULL, "json"), ("space", FULL_IN_LITTLE_SPACE, "text")]
    {
        let users = Settings::new(&format!("unread-log-users-{name}"), r#"{"ala": ["ma kota"]}"#);
        let file = format!(
            "lame_duck = \"0s\"\npages = \"open\"\nauth_credentials = {:?}\nlog_format = \"{format}\"\n",
            users.path()
        );
        let settings = Settings::new(&format!("unread-log-{name}"), &file);
        let args = ["--listen", "127.0.0.1:0", "--config", settings.path()];
        let program = Program::daemon_unread(script, &args).await;
        let good = Good::now_and_then(program.addr);
        for _ in 0..3 {
            let call = WRONG.replace("GET /debug/vars", "POST /Echo/Say");
            assert_eq!(Peer::connect(program.addr).await.http(&call).await.status, 401);
        }
        panic_until_dropped(&program).await;
        for path in ["/healthz", "/readyz", "/debug/status", "/metrics"] {
            let asked = format!("GET {path} HTTP/1.0\r\n\r\n");
            assert_eq!(Peer::connect(program.addr).await.http(&asked).await.status, 200, "{path}");
        }
        assert!(good.stop().await > 0);
        program.signal("TERM").await;
        let (status, log) = program.end().await;
        assert_eq!(status.code(), Some(0), "{name}");
        assert!(log.trim_start_matches('\0').is_empty(), "it was full: {log}");
    }
}

#[tokio::test]
async fn lines_that_fit_are_all_there_at_the_end() {
    const PANICS: usize = 300;
    for format in ["text", "json"] {
        let settings = Settings::new(&format!("read-log-{format}"), "lame_duck = \"0s\"\n");
        let program = Program::daemon(&["--log-format", format, "--config", settings.path()]).await;
        let mut peer = Peer::connect_codec(program.addr, "json").await;
        peer.send(json_request("Fail.Panic", "1", 2).repeat(PANICS)).await;
        for _ in 0..PANICS {
            peer.expect("{\"id\":2,\"result\":null,\"error\":\"rpc: method panicked\"}\n").await;
        }
        drop(peer);
        program.signal("TERM").await;
        let (status, log) = program.end().await;
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!((status.code(), lines.len()), (Some(0), PANICS + 2), "{log}");
        let (panics, last) = lines.split_at(PANICS);
        assert!(panics.iter().all(|line| line.contains("Fail.Panic was called")), "{log}");
        assert!(last[0].contains("draining") && last[1].contains("stopped"), "{log}");
    }
}
