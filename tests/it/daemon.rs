//! `rpcwrapd` as a user meets it: the commands it prints, run as they stand, and its end.

use crate::program::Program;
use rpcwrap_tests::{limit, raw::Peer, raw::json_request, until};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::process::Command;

/// Runs a line as typed into a terminal; its output.
async fn shell(line: &str) -> String {
    let output = limit(Command::new("bash").args(["-c", line]).output()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.is_empty(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What the three commands say: a product, a page, a stream of three.
async fn check(commands: &[String]) {
    let [multiply, status, count] = commands else { panic!("not three commands: {commands:?}") };
    assert_eq!(shell(multiply).await, "56\n", "{multiply}");
    let page = shell(status).await;
    assert!(page.contains("Arith.Multiply"), "{status}: {page}");
    let stream = shell(count).await;
    for n in 1..=3 {
        let item = format!("{{\"id\":1,\"result\":{n},\"error\":null}}\n");
        assert!(
            stream.contains(&item) || stream.lines().nth(n - 1) == Some(&n.to_string()),
            "{count}: {stream}"
        );
    }
}

#[tokio::test]
#[ignore = "needs bash and curl"]
async fn the_three_commands_it_prints() {
    let mut program = Program::daemon(&[]).await;
    let mut commands = Vec::new();
    while commands.len() < 3 {
        if let Some(command) = program.line().await.strip_prefix("  ") {
            commands.push(command.to_owned());
        }
    }
    check(&commands).await;
    program.signal("INT").await;
    assert_eq!(program.end().await.0.code(), Some(0));
}

#[tokio::test]
async fn sigterm_under_load_answers_every_request_that_was_read() {
    let config = std::env::temp_dir().join(format!("rpcwrap-it-{}.toml", std::process::id()));
    fs::write(&config, "lame_duck = \"100ms\"\n").unwrap();
    let program = Program::daemon(&["--config", config.to_str().unwrap()]).await;
    let mut callers = Vec::new();
    let busy = Arc::new(AtomicU64::new(0));
    for _ in 0..16 {
        let busy = busy.clone();
        let mut peer = Peer::connect_codec(program.addr, "json").await;
        callers.push(tokio::spawn(async move {
            let (mut answered, mut refused) = (0_u64, 0_u64);
            for id in 0.. {
                let call = json_request("Arith.Multiply", "{\"A\":7,\"B\":8}", id);
                let calls = call.repeat(8);
                if peer.try_send(&calls).await.is_err() {
                    break;
                }
                // The end comes between replies, never within one, and only once calls were refused.
                let Some(first) = peer.read_line_or_end().await else { break };
                let mut lines = vec![first];
                for _ in 1..8 {
                    match peer.read_line_or_end().await {
                        Some(line) => lines.push(line),
                        None => break,
                    }
                }
                for line in lines {
                    if line.ends_with("\"result\":56,\"error\":null}") {
                        assert_eq!(refused, 0, "a call was answered behind a refused one");
                        answered += 1;
                        if answered == 100 {
                            busy.fetch_add(1, Ordering::Relaxed);
                        }
                    } else {
                        assert!(line.contains("rpc: server is draining"), "{line}");
                        refused += 1;
                    }
                }
                if refused > 0 {
                    break;
                }
            }
            (answered, refused)
        }));
    }
    until(|| busy.load(Ordering::Relaxed) == 16).await;
    program.signal("TERM").await;
    for caller in callers {
        let (answered, refused) = limit(caller).await.unwrap();
        assert!(answered > 0 && refused > 0, "{answered} answered, {refused} refused");
    }
    let (status, stderr) = program.end().await;
    assert_eq!(status.code(), Some(0), "{stderr}");
    fs::remove_file(&config).unwrap();
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_says_what_was_cut() {
    let program = Program::daemon(&[]).await;
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    peer.send(json_request("Sleep.For", "60000", 1)).await;
    peer.send(json_request("Nope.Nope", "1", 2)).await;
    assert_eq!(peer.read_json().await["id"], 2);
    program.signal("TERM").await;
    // Signals that come too close are one; this one has been seen.
    let ready = async || {
        let mut probe = Peer::connect(program.addr).await;
        probe.http("GET /readyz HTTP/1.0\r\n\r\n").await.status == 200
    };
    while ready().await {}
    program.signal("TERM").await;
    let (status, stderr) = program.end().await;
    assert_eq!(status.code(), Some(3), "{stderr}");
    peer.expect_closed().await;
}
