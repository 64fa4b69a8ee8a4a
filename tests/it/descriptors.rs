//! The server without a descriptor left: who is there is served, no thread spins, and it goes on as soon as there are
//! some.

use crate::program::Program;
use rpcwrap_tests::{limit, raw::Peer};
use std::{
    net::TcpStream,
    process::Stdio,
    time::{Duration, Instant},
};

async fn accept_failures(page: &mut Peer) -> u64 {
    let metrics = page.http("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("rpcwrap_server_accept_failures_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_server_without_free_descriptors_serves_its_connections_and_recovers() {
    let limited = "ulimit -n 64; exec \"$0\" \"$@\"";
    let program = Program::daemon_by(limited, Stdio::null(), &["--listen", "127.0.0.1:0"]).await;
    let mut page = Peer::connect(program.addr).await;
    let mut caller = Peer::connect_codec(program.addr, "json").await;
    assert_eq!(caller.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 0).await["result"], 56);
    let crowd: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(program.addr).unwrap()).collect();
    limit(async { while accept_failures(&mut page).await == 0 {} }).await;

    let (failures, cpu, started) = (accept_failures(&mut page).await, program.cpu(), Instant::now());
    let mut id = 1;
    // What it costs is measured over a time.
    while started.elapsed() < Duration::from_secs(2) {
        assert_eq!(caller.call("Arith.Multiply", "{\"A\":7,\"B\":8}", id).await["result"], 56);
        tokio::time::sleep(Duration::from_millis(50)).await;
        id += 1;
    }
    let (took, cpu) = (started.elapsed(), program.cpu() - cpu);
    let failures = accept_failures(&mut page).await - failures;
    println!("{cpu:?} of processor time and {failures} accepts in {took:?}");
    assert!(cpu < took / 20, "{cpu:?} of processor time in {took:?}");
    // Ten a second, where a loop that spins has a hundred thousand.
    assert!(u128::from(failures) <= took.as_millis() / 100 + 2, "{failures} accepts in {took:?}");

    drop(crowd);
    let freed = Instant::now();
    let mut late = Peer::connect_codec(program.addr, "json").await;
    assert_eq!(late.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await["result"], 56);
    println!("served {:?} after descriptors were free", freed.elapsed());
    let now = accept_failures(&mut page).await;
    drop((page, caller, late));
    program.signal("INT").await;
    let (status, stderr) = program.end().await;
    assert_eq!(status.code(), Some(0), "{stderr}");
    let said = stderr.lines().filter(|line| line.contains("accept failed")).count();
    assert!(said == 1, "said {said} times for {now} failures: {stderr}");
}
