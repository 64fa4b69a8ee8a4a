//! Hours in minutes: good clients of all codecs whose every reply is compared, connections that are cut at any moment,
//! and hostile peers, beside one server whose memory is watched. Run by `tests/soak`.
//!
//! Prints resident memory once a minute and its slope over the second half. Exit code 1 for a wrong reply, a server
//! that has ended, or a slope of a MiB per 10 minutes.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]
#![allow(clippy::print_stdout, reason = "prints its figures")]

use rpcwrap_client::{AnyCodec, BsonDialect, Client, Error, dial_http};
use rpcwrap_tests::{attacks::ATTACKS, process::Process};
use serde_json::json;
use std::{
    env, fs,
    net::SocketAddr,
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

const CODECS: [AnyCodec; 4] =
    [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack];
const CLIENTS_PER_CODEC: u64 = 4;
const LIMIT: Duration = Duration::from_secs(60);
/// MiB per 10 minutes.
const BAR_SLOPE: f64 = 1.0;

#[derive(Default)]
struct Counts {
    right: AtomicU64,
    wrong: AtomicU64,
    /// Calls whose connection was cut, by this program.
    cut: AtomicU64,
    /// Calls of good clients that failed otherwise.
    failed: AtomicU64,
}

/// Numbers of no meaning, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn main() -> ExitCode {
    let seconds = env::args().nth(1).map_or(1200, |seconds| seconds.parse().unwrap());
    let program = env::current_exe().unwrap().with_file_name("rpcwrapd");
    let mut command = Command::new(program);
    command.args(["--listen", "127.0.0.1:0"]).env("RUST_LOG", "off");
    let mut server = Process::start(&mut command).unwrap();
    let addr = server.stdout.line("listening on ", LIMIT).unwrap_or_else(|| panic!("{server}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let counts = Arc::new(Counts::default());
    let (samples, good) =
        runtime.block_on(soak(addr.parse().unwrap(), server.id(), Duration::from_secs(seconds), &counts));
    let slope = slope(&samples[samples.len() / 2..]) * 600.0;
    let ended = server.ended().unwrap();
    let wrong = counts.wrong.load(Relaxed);
    println!(
        "{} right replies, {wrong} wrong, {} calls cut, {} failed; {slope:+.2} MiB per 10 minutes (bar {BAR_SLOPE})",
        counts.right.load(Relaxed),
        counts.cut.load(Relaxed),
        counts.failed.load(Relaxed),
    );
    let passed = good && !ended && wrong == 0 && counts.failed.load(Relaxed) == 0 && slope < BAR_SLOPE;
    println!("{}", if passed { "passed" } else { "FAILED" });
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Seconds and MiB of resident memory; and whether the server answers in the end.
async fn soak(
    addr: SocketAddr,
    pid: u32,
    duration: Duration,
    counts: &Arc<Counts>,
) -> (Vec<(f64, f64)>, bool) {
    let mut peers = JoinSet::new();
    for (place, codec) in (0..).zip(CODECS) {
        for client in 0..CLIENTS_PER_CODEC {
            let numbers = Numbers(place * 1000 + client);
            peers.spawn(clients(addr, codec.clone(), numbers, counts.clone()));
        }
    }
    peers.spawn(async move {
        // One kind at a time: all at once would be one kind, the heaviest.
        for attack in ATTACKS.iter().cycle() {
            let mut hostile = JoinSet::new();
            (0..3).for_each(|_| drop(hostile.spawn(attack.go_on(addr))));
            sleep(Duration::from_secs(5)).await;
            hostile.shutdown().await;
            sleep(Duration::from_secs(2)).await;
        }
    });
    let (began, mut samples, mut said) = (Instant::now(), Vec::new(), 0);
    while began.elapsed() < duration {
        sleep(Duration::from_secs(1)).await;
        let at = began.elapsed().as_secs_f64();
        samples.push((at, resident_mib(pid)));
        if at as u64 / 60 > said {
            said = at as u64 / 60;
            println!("{said} min: {:.1} MiB", samples[samples.len() - 1].1);
        }
    }
    peers.shutdown().await;
    let client = timeout(LIMIT, dial_http(&addr.to_string(), AnyCodec::Json)).await.unwrap().unwrap();
    let said: Result<String, Error> = timeout(LIMIT, client.call("Echo.Say", "hi")).await.unwrap();
    (samples, said.is_ok_and(|said| said == "hi"))
}

/// One connection after the other, each for some calls, some of them cut in the middle of one.
async fn clients(addr: SocketAddr, codec: AnyCodec, mut numbers: Numbers, counts: Arc<Counts>) {
    loop {
        let Ok(client) = dial_http(&addr.to_string(), codec.clone()).await else {
            counts.failed.fetch_add(1, Relaxed);
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        for _ in 0..numbers.next(400) {
            let outcome = call(&client, &mut numbers).await;
            match outcome {
                Ok(true) => counts.right.fetch_add(1, Relaxed),
                Ok(false) => counts.wrong.fetch_add(1, Relaxed),
                Err(_) => counts.failed.fetch_add(1, Relaxed),
            };
        }
        if numbers.next(2) == 0 {
            // The connection goes with its client, while the call waits.
            let wait = client.call::<_, u32>("Sleep.For", &5_000);
            let _ = timeout(Duration::from_millis(numbers.next(30)), wait).await;
            counts.cut.fetch_add(1, Relaxed);
        }
    }
}

/// One call; whether its reply is right.
async fn call(client: &Client, numbers: &mut Numbers) -> Result<bool, Error> {
    match numbers.next(3) {
        0 => {
            let (a, b) = (numbers.next(1 << 20), numbers.next(1 << 20));
            let product: u64 = client.call("Arith.Multiply", &json!({"A": a, "B": b})).await?;
            Ok(product == a * b)
        }
        1 => {
            let text = "x".repeat(numbers.next(64 << 10) as usize) + &numbers.next(1 << 30).to_string();
            let said: String = client.call("Echo.Say", &text).await?;
            Ok(said == text)
        }
        _ => {
            let ms = numbers.next(20) as u32;
            Ok(client.call::<_, u32>("Sleep.For", &ms).await? == ms)
        }
    }
}

fn resident_mib(pid: u32) -> f64 {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: f64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(f64::NAN);
    pages * 4096.0 / f64::from(1 << 20)
}

/// Of the line that fits best, in MiB per second.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (time, memory) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let together: f64 = samples.iter().map(|(at, mib)| (at - time) * (mib - memory)).sum();
    let alone: f64 = samples.iter().map(|(at, _)| (at - time).powi(2)).sum();
    together / alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_line_through_the_samples() {
        let samples: Vec<(f64, f64)> = (0..10).map(|n| (f64::from(n), 5.0 + 0.25 * f64::from(n))).collect();
        assert!((slope(&samples) - 0.25).abs() < 1e-9);
    }
}
