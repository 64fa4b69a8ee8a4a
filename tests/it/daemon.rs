//! `rpcwrapd` as a user meets it: the commands it prints, run as they stand, and its end.

use crate::program::{Program, Settings};
use rpcwrap_client::{AnyCodec, Client, dial_http};
use rpcwrap_tests::{limit, raw::Peer, raw::json_request, until};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
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
async fn the_three_commands_the_daemon_prints_work() {
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
    let settings = Settings::new("under-load", "lame_duck = \"100ms\"\n");
    let program = Program::daemon(&["--config", settings.path()]).await;
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

/// Calls of 0 to 200 ms one after the other until the server ends; how many were answered.
async fn call_to_the_end(
    client: Client,
    answered: Arc<AtomicU64>,
    first: u64,
) -> Result<(), rpcwrap_client::Error> {
    for n in first.. {
        match client.call::<_, u32>("Sleep.For", &(n * 37 % 200)).await {
            Ok(slept) => assert_eq!(u64::from(slept), n * 37 % 200),
            // Nothing was done: another server would have been asked.
            Err(error) if !error.may_have_executed() => return Ok(()),
            Err(error) => return Err(error),
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_fails_no_call_of_our_client() {
    let settings = Settings::new("sigterm", "lame_duck = \"100ms\"\n");
    let program = Program::daemon(&["--config", settings.path()]).await;
    let answered = Arc::new(AtomicU64::new(0));
    let mut callers = Vec::new();
    for connection in 0..32 {
        let client = limit(dial_http(&program.addr.to_string(), AnyCodec::Json)).await.unwrap();
        for caller in 0..20 {
            let first = connection * 1000 + caller * 10;
            callers.push(tokio::spawn(call_to_the_end(client.clone(), answered.clone(), first)));
        }
    }
    // Some 10 calls each: it runs as it will.
    until(|| answered.load(Ordering::Relaxed) > 6400).await;
    let (before, started) = (answered.load(Ordering::Relaxed), Instant::now());
    until(|| answered.load(Ordering::Relaxed) > before + 3200).await;
    let rate = (answered.load(Ordering::Relaxed) - before) as f64 / started.elapsed().as_secs_f64();
    program.signal("TERM").await;
    let signalled = Instant::now();
    let mut failed = Vec::new();
    for caller in callers {
        failed.extend(limit(caller).await.unwrap().err());
    }
    let (status, stderr) = program.end().await;
    let answered = answered.load(Ordering::Relaxed);
    println!(
        "{rate:.0} calls/s, {answered} answered, {} failed, over in {:?}",
        failed.len(),
        signalled.elapsed()
    );
    assert!(failed.is_empty(), "{} failed, the first with {:?}", failed.len(), failed[0]);
    assert_eq!(status.code(), Some(0), "{stderr}");
}

#[tokio::test]
async fn a_client_that_never_closes_is_cut_at_the_deadline() {
    let settings = Settings::new("deadline", "lame_duck = \"100ms\"\ndrain_timeout = \"2s\"\n");
    let program = Program::daemon(&["--config", settings.path()]).await;
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    peer.send(json_request("Sleep.For", "60000", 1)).await;
    assert_eq!(peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 2).await["result"], 56);
    program.signal("TERM").await;
    let signalled = Instant::now();
    let (status, stderr) = program.end().await;
    println!("cut {:?} after SIGTERM", signalled.elapsed());
    assert_eq!(status.code(), Some(3), "{stderr}");
    peer.expect_closed().await;
}
