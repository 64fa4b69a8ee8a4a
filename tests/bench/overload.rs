//! How the server fares under too much: what it still gets done at twenty times the calls it can take, how soon the
//! rest is told, what a good client feels of a thousand slow peers, and what SIGTERM costs under load.
//!
//! `cargo run --release -p rpcwrap-tests --bin overload`; builds `rpcwrapd` first. Exit code 1 if a bar is missed, 2
//! for a debug build.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "prints its figures")]

use rpcwrap_client::{AnyCodec, BsonDialect, Client, Error, dial_http};
use rpcwrap_tests::{process::Process, within};
use std::{
    collections::HashMap,
    env, fs,
    process::{Command, ExitCode},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

/// Calls the server takes at a time, and how long each lasts: some 3,000 a second, so that twenty times as many can be
/// sent by the core that is left.
const CALLS: usize = 64;
const HANDLER_MS: u64 = 20;
const TIMES: f64 = 20.0;
const CONNECTIONS: usize = 8;
const MEASURED: Duration = Duration::from_secs(4);
const LIMIT: Duration = Duration::from_secs(60);
const DRAIN: Duration = Duration::from_secs(3);
const CODECS: [AnyCodec; 4] =
    [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack];

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!("overload: only a release build measures anything");
        return ExitCode::from(2);
    }
    build();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut bars = Bars(true);
    runtime.block_on(async {
        overload(&mut bars).await;
        slow_peers(&mut bars).await;
        sigterm(&mut bars).await;
    });
    println!("{}", if bars.0 { "all bars reached" } else { "a bar was MISSED" });
    if bars.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Builds the server program beside this one.
fn build() {
    let folder = env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--release", "-p", "rpcwrapd", "--target-dir"]).arg(folder);
    assert!(cargo.status().unwrap().success(), "rpcwrapd does not build");
}

/// Whether all were reached so far.
struct Bars(bool);

impl Bars {
    fn check(&mut self, reached: bool, figure: &str) {
        println!("{}: {figure}", if reached { "reached" } else { "MISSED" });
        self.0 &= reached;
    }
}

/// The server program and its address.
fn server(settings: &str) -> (Process, String) {
    let path = env::temp_dir().join(format!("rpcwrap-overload-{}.toml", std::process::id()));
    fs::write(&path, settings).unwrap();
    let rpcwrapd = env::current_exe().unwrap().with_file_name("rpcwrapd");
    let mut command = Command::new(rpcwrapd);
    command.args(["--listen", "127.0.0.1:0", "--config"]).arg(&path);
    let server = Process::start(&mut command).unwrap();
    let addr = server.stdout.line("listening on ", LIMIT);
    fs::remove_file(path).unwrap();
    let addr = addr.unwrap_or_else(|| panic!("{server}"));
    (server, addr)
}

/// The time that all but a hundredth stay within, in milliseconds.
fn p99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len().saturating_sub(1 + times.len() / 100)).copied().unwrap_or(f64::NAN)
}

/// Replies of a time: milliseconds from when each call was to be sent.
#[derive(Default)]
struct Seen {
    done: Vec<f64>,
    shed: Vec<f64>,
}

/// Calls sent and not answered, by their number, with the time they were due.
type Waiting = Arc<Mutex<HashMap<u64, Instant>>>;

/// Calls for [`MEASURED`]: `rate` a second without regard to the answers, or, without one, each connection's share of
/// [`CALLS`] again and again.
async fn load(addr: &str, rate: Option<f64>) -> Seen {
    let mut readers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let socket = TcpStream::connect(addr).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (reading, mut writing) = socket.into_split();
        writing.write_all(b"CONNECT /_json_rpc_ HTTP/1.0\n\n").await.unwrap();
        let (waiting, over) = (Waiting::default(), Arc::new(AtomicBool::new(false)));
        let (answered, answers) = tokio::sync::mpsc::unbounded_channel();
        readers.spawn(read(BufReader::new(reading), waiting.clone(), over.clone(), answered));
        readers.spawn(async move {
            send(&mut writing, rate, &waiting, answers).await;
            over.store(true, Ordering::Relaxed);
            writing.shutdown().await.unwrap();
            Seen::default()
        });
    }
    let mut all = Seen::default();
    for seen in within(LIMIT, readers.join_all()).await {
        all.done.extend(seen.done);
        all.shed.extend(seen.shed);
    }
    all
}

async fn send(
    writing: &mut tokio::net::tcp::OwnedWriteHalf,
    rate: Option<f64>,
    waiting: &Waiting,
    mut answers: tokio::sync::mpsc::UnboundedReceiver<()>,
) {
    let (began, mut sent) = (Instant::now(), 0_u64);
    let mut tick = interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while began.elapsed() < MEASURED {
        let due = match rate {
            Some(rate) => {
                tick.tick().await;
                (began.elapsed().as_secs_f64() * rate / CONNECTIONS as f64) as u64
            }
            None if sent < (CALLS / CONNECTIONS) as u64 => (CALLS / CONNECTIONS) as u64,
            None => {
                answers.recv().await.unwrap();
                let mut more = 1;
                while answers.try_recv().is_ok() {
                    more += 1;
                }
                sent + more
            }
        };
        let (mut bytes, now) = (String::new(), Instant::now());
        {
            let mut waiting = waiting.lock().unwrap();
            for id in sent..due {
                // Late ones count from when they were due.
                let at =
                    rate.map(|rate| began + Duration::from_secs_f64(id as f64 * CONNECTIONS as f64 / rate));
                waiting.insert(id, at.unwrap_or(now).min(now));
                bytes += &format!("{{\"method\":\"Sleep.For\",\"params\":[{HANDLER_MS}],\"id\":{id}}}\n");
            }
        }
        sent = due;
        writing.write_all(bytes.as_bytes()).await.unwrap();
    }
}

async fn read(
    reading: BufReader<tokio::net::tcp::OwnedReadHalf>,
    waiting: Waiting,
    over: Arc<AtomicBool>,
    answered: tokio::sync::mpsc::UnboundedSender<()>,
) -> Seen {
    let (mut lines, mut seen) = (reading.lines(), Seen::default());
    while let Some(line) = lines.next_line().await.unwrap() {
        let Some(rest) = line.strip_prefix("{\"id\":") else { continue };
        let (id, rest) = rest.split_once(',').unwrap();
        let due = waiting.lock().unwrap().remove(&id.parse().unwrap()).expect("answered once");
        // What is still to be answered then is of no measured time.
        if !over.load(Ordering::Relaxed) {
            let took = due.elapsed().as_secs_f64() * 1e3;
            if rest.starts_with("\"result\":20,") {
                seen.done.push(took);
            } else {
                assert!(rest.contains("rpc: server overloaded"), "{line}");
                seen.shed.push(took);
            }
        }
        let _ = answered.send(());
    }
    assert!(waiting.lock().unwrap().is_empty(), "calls without an answer");
    seen
}

async fn overload(bars: &mut Bars) {
    let (_server, addr) = server(&format!("max_calls = {CALLS}\n"));
    let mut calm = load(&addr, None).await;
    let per_second = |calls: usize| calls as f64 / MEASURED.as_secs_f64();
    let peak = per_second(calm.done.len());
    let mut wild = load(&addr, Some(peak * TIMES)).await;
    let goodput = per_second(wild.done.len());
    let (calm_p99, wild_p99, shed_p99) = (p99(&mut calm.done), p99(&mut wild.done), p99(&mut wild.shed));
    println!("{CALLS} calls of {HANDLER_MS} ms at a time: {peak:.0} calls/s, p99 {calm_p99:.1} ms");
    let offered = per_second(wild.done.len() + wild.shed.len());
    bars.check(
        offered >= 0.8 * peak * TIMES,
        &format!("{offered:.0} calls/s answered of {:.0} sent", peak * TIMES),
    );
    bars.check(
        goodput >= 0.9 * peak,
        &format!("goodput {goodput:.0} calls/s, {:.2} of the peak; bar: 0.9", goodput / peak),
    );
    bars.check(
        wild_p99 <= 2.0 * calm_p99,
        &format!("p99 of accepted calls {wild_p99:.1} ms, {:.2} times; bar: 2", wild_p99 / calm_p99),
    );
    bars.check(shed_p99 < 5.0, &format!("p99 of shed calls {shed_p99:.2} ms; bar: 5 ms"));
}

/// p99 of calls one after the other, in milliseconds.
async fn calls_alone(client: &Client) -> f64 {
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < MEASURED {
        let called = Instant::now();
        let said: String = client.call("Echo.Say", "hi").await.unwrap();
        assert_eq!(said, "hi");
        times.push(called.elapsed().as_secs_f64() * 1e3);
    }
    p99(&mut times)
}

async fn slow_peers(bars: &mut Bars) {
    let (_server, addr) = server("");
    let client = within(LIMIT, dial_http(&addr, AnyCodec::Json)).await.unwrap();
    let before = calls_alone(&client).await;
    let mut slow = JoinSet::new();
    for _ in 0..1_000 {
        let mut peer = TcpStream::connect(&addr).await.unwrap();
        slow.spawn(async move {
            peer.write_all(b"CONNECT /_json_rpc_ HTTP/1.0\n").await.unwrap();
            loop {
                sleep(Duration::from_secs(3)).await;
                if peer.write_all(b"X-Slow: yes\n").await.is_err() {
                    break;
                }
            }
        });
    }
    let beside = calls_alone(&client).await;
    bars.check(
        beside <= 1.5 * before,
        &format!(
            "p99 beside 1,000 slow peers {beside:.3} ms, {before:.3} ms without: {:.2} times; bar: 1.5",
            beside / before
        ),
    );
}

/// Calls of 0 to 200 ms one after the other until the server says that it goes.
async fn call_on(client: Client, answered: Arc<AtomicU64>, first: u64) -> Option<Error> {
    for n in first.. {
        match client.call::<_, u32>("Sleep.For", &(n * 37 % 200)).await {
            Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
            Err(error) if !error.may_have_executed() => return None,
            Err(error) => return Some(error),
        };
    }
    None
}

async fn sigterm(bars: &mut Bars) {
    for codec in CODECS {
        let (mut server, addr) = server("lame_duck = \"100ms\"\n");
        let (answered, mut callers) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        for connection in 0..32 {
            let client = within(LIMIT, dial_http(&addr, codec.clone())).await.unwrap();
            for caller in 0..20 {
                callers.spawn(call_on(client.clone(), answered.clone(), connection * 1000 + caller * 10));
            }
        }
        sleep(Duration::from_secs(1)).await;
        let (before, began) = (answered.load(Ordering::Relaxed), Instant::now());
        sleep(Duration::from_secs(1)).await;
        let rate = (answered.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
        server.terminate().unwrap();
        let failed = within(LIMIT, callers.join_all()).await.into_iter().flatten().count();
        let status = server.wait(LIMIT).unwrap();
        bars.check(
            failed == 0 && status.success() && rate >= 5_000.0,
            &format!("SIGTERM in {codec:?} at {rate:.0} calls/s: {failed} failed, {status}; bars: 5000, 0"),
        );
    }
    let (mut server, addr) =
        server(&format!("lame_duck = \"100ms\"\ndrain_timeout = \"{}s\"\n", DRAIN.as_secs()));
    let client = within(LIMIT, dial_http(&addr, AnyCodec::Json)).await.unwrap();
    let stays = tokio::spawn(async move { client.call::<_, u32>("Sleep.For", &60_000).await });
    sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    server.terminate().unwrap();
    let status = server.wait(LIMIT).unwrap();
    let took = began.elapsed().as_secs_f64();
    let late = (took - DRAIN.as_secs_f64()).abs();
    bars.check(
        late <= 1.0 && status.code() == Some(3),
        &format!("a client that never closes: {status} after {took:.2} s; bar: {DRAIN:?} ± 1 s"),
    );
    assert!(stays.await.unwrap().is_err());
}
