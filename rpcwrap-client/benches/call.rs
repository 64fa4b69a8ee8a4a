//! What a call costs its client: CPU per call beside a bare tokio client that moves the same bytes.
//!
//! `taskset -c 1 cargo bench -p rpcwrap-client`: the server takes core 0. The server is a process of its own that
//! answers with ready-made bytes and the request's Seq, so that all the CPU counted here is the client's. Both clients
//! run in turn against the same server; ratios are of one round, the medians of all rounds are printed.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use rpcwrap_client::{AnyCodec, BsonDialect, Client, Config};
use serde::Serialize;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::{Builder, Runtime},
};

const ROUNDS: usize = 7;
const SERVE: &str = "RPCWRAP_BENCH_SERVE";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

const ARGS: Args = Args { a: 7, b: 8 };

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Json,
    Bson,
}

impl Format {
    fn codec(self) -> AnyCodec {
        match self {
            Self::Json => AnyCodec::Json,
            Self::Bson => AnyCodec::Bson(BsonDialect::Auto),
        }
    }

    /// A request as a client sends it once its Seq has seven digits.
    fn request(self) -> Vec<u8> {
        let mut out = bytes::BytesMut::new();
        let options = codecs::CallOptions::default();
        self.codec()
            .request_writer()
            .encode(1_000_000, "Arith.Multiply", options, &ARGS, None, &mut out)
            .unwrap();
        out.to_vec()
    }

    /// The reply to a request with the Seq `seq`, as it stands in the request.
    fn reply(self, seq: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Json => {
                out.extend_from_slice(b"{\"id\":");
                out.extend_from_slice(seq);
                out.extend_from_slice(b",\"result\":56,\"error\":null}\n");
            }
            Self::Bson => {
                out.extend_from_slice(b"\x40\0\0\0\x05ServiceMethod\0\x0e\0\0\0\0Arith.Multiply\x3fSeq\0");
                out.extend_from_slice(seq);
                out.extend_from_slice(b"\x05Error\0\0\0\0\0\0\0");
                out.extend_from_slice(b"\x14\0\0\0\x12_Val_\0\x38\0\0\0\0\0\0\0\0");
            }
        }
    }

    /// Answers all whole requests in `input`; how many bytes they had.
    fn answer(self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        match self {
            Self::Bson => {
                let len = self.request().len();
                while input.len() - at >= len {
                    self.reply(&input[at + 43..at + 51], out);
                    at += len;
                }
            }
            Self::Json => {
                while let Some(len) = input[at..].iter().position(|&byte| byte == b'\n') {
                    let line = &input[at..at + len];
                    let id = line.iter().rposition(|&byte| byte == b':').unwrap() + 1;
                    self.reply(&line[id..line.len() - 1], out);
                    at += len + 1;
                }
            }
        }
        at
    }
}

/// The server's process.
fn serve(format: Format) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        stream.set_nodelay(true).unwrap();
        std::thread::spawn(move || {
            let (mut input, mut output) = (vec![0; 256 << 10], Vec::new());
            let mut len = 0;
            while let Ok(n @ 1..) = stream.read(&mut input[len..]) {
                len += n;
                let answered = format.answer(&input[..len], &mut output);
                input.copy_within(answered..len, 0);
                len -= answered;
                if stream.write_all(&output).is_err() {
                    return;
                }
                output.clear();
            }
        });
    }
}

struct Server {
    process: Child,
    addr: String,
}

impl Server {
    fn start(format: Format) -> Self {
        let mut command = Command::new("taskset");
        let mut process = command
            .args(["-c", "0"])
            .arg(std::env::current_exe().unwrap())
            .env(SERVE, if format == Format::Json { "json" } else { "bson" })
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut addr = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut addr).unwrap();
        Self { process, addr: addr.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// CPU time of this process so far, user and system, in ns.
fn cpu() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("schedstat")).unwrap();
    tasks.map(|task| of(task.unwrap()).split(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// ns per call of the bare client: `window` requests in flight, each reply lets another go.
async fn bare(addr: &str, format: Format, calls: usize, window: usize) -> f64 {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let requests = format.request().repeat(window);
    let request = requests.len() / window;
    let mut reply = Vec::new();
    format.answer(&requests[..request], &mut reply);
    let mut buf = bytes::BytesMut::with_capacity(64 << 10);
    let before = cpu();
    stream.write_all(&requests).await.unwrap();
    let (mut sent, mut answered) = (window, 0);
    while answered < calls {
        buf.reserve(16 << 10);
        stream.read_buf(&mut buf).await.unwrap();
        let whole = buf.len() / reply.len();
        bytes::Buf::advance(&mut buf, whole * reply.len());
        answered += whole;
        let next = whole.min(calls - sent.min(calls));
        stream.write_all(&requests[..next * request]).await.unwrap();
        sent += next;
    }
    (cpu() - before) as f64 / calls as f64
}

/// ns per call of the real one: `window` tasks, each calling as soon as it has its reply.
async fn real(addr: &str, format: Format, calls: usize, window: usize) -> f64 {
    let client = Config::default().dial(addr, format.codec()).await.unwrap();
    let left = Arc::new(AtomicUsize::new(calls));
    let before = cpu();
    let callers: Vec<_> = (0..window).map(|_| tokio::spawn(caller(client.clone(), left.clone()))).collect();
    for caller in callers {
        caller.await.unwrap();
    }
    (cpu() - before) as f64 / calls as f64
}

async fn caller(client: Client, left: Arc<AtomicUsize>) {
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let product: i64 = client.call("Arith.Multiply", &ARGS).await.unwrap();
        assert_eq!(product, 56);
    }
}

/// Resident memory of this process, in KiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// KiB per client that has made 64 calls at once and then fell silent.
async fn idle(addr: &str, format: Format) -> f64 {
    const CLIENTS: usize = 500;
    let mut clients = Vec::with_capacity(CLIENTS);
    // The first ones bring what all share.
    let mut before = 0.0;
    for n in 0..CLIENTS + 50 {
        if n == 50 {
            before = resident();
        }
        let client = Config::default().dial(addr, format.codec()).await.unwrap();
        let calls = (0..64).map(|_| client.call::<_, i64>("Arith.Multiply", &ARGS));
        futures_util::future::join_all(calls).await;
        clients.push(client);
    }
    (resident() - before) / CLIENTS as f64
}

/// Bytes per call of 100,000 calls at once on one connection, the futures themselves apart.
async fn crowd(addr: &str, format: Format) -> (usize, f64) {
    const CALLS: usize = 100_000;
    let client = Config::default().dial(addr, format.codec()).await.unwrap();
    let call = || Box::pin(client.call::<_, i64>("Arith.Multiply", &ARGS));
    let size = size_of_val(&*call());
    let calls: Vec<_> = (0..CALLS).map(|_| call()).collect();
    let before = resident();
    let mut most: f64 = before;
    let mut calls: futures_util::stream::FuturesUnordered<_> = calls.into_iter().collect();
    let set = resident() - before;
    while let Some(product) = futures_util::StreamExt::next(&mut calls).await {
        assert_eq!(product.unwrap(), 56);
        if calls.len() % 1000 == 0 {
            most = most.max(resident());
        }
    }
    (size, (most - before - set) * 1024.0 / CALLS as f64)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn row(runtime: &Runtime, threads: &str, format: Format, calls: usize, window: usize) {
    let server = Server::start(format);
    let (mut bares, mut reals, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let b = runtime.block_on(bare(&server.addr, format, calls, window));
        let r = runtime.block_on(real(&server.addr, format, calls, window));
        // The first round warms up.
        if round > 0 {
            bares.push(b);
            reals.push(r);
            ratios.push(r / b);
        }
    }
    let name = if format == Format::Json { "json" } else { "bson" };
    println!(
        "{name}  1 x {window:<3} {threads:<10} bare {:>7.0}  client {:>7.0}  ratio {:>5.2}  ({:.2}-{:.2})",
        median(bares),
        median(reals),
        median(ratios.clone()),
        ratios.iter().copied().fold(f64::INFINITY, f64::min),
        ratios.iter().copied().fold(0.0, f64::max),
    );
}

fn main() {
    match std::env::var(SERVE).as_deref() {
        Ok("json") => return serve(Format::Json),
        Ok(_) => return serve(Format::Bson),
        Err(_) => {}
    }
    let single = Builder::new_current_thread().enable_all().build().unwrap();
    let [one, two] =
        [1, 2].map(|n| Builder::new_multi_thread().worker_threads(n).enable_all().build().unwrap());
    println!("ns of client CPU per call, median of {ROUNDS} rounds");
    for format in [Format::Bson, Format::Json] {
        row(&single, "1 thread", format, 300_000, 64);
        row(&one, "1 worker", format, 300_000, 64);
        row(&two, "2 workers", format, 300_000, 64);
        row(&single, "1 thread", format, 20_000, 1);
        row(&one, "1 worker", format, 20_000, 1);
    }
    let server = Server::start(Format::Bson);
    println!("KiB per idle client: {:.1}", single.block_on(idle(&server.addr, Format::Bson)));
    let (size, more) = single.block_on(crowd(&server.addr, Format::Bson));
    println!("100,000 calls at once: futures of {size} bytes, {more:.0} bytes more per call");
}
