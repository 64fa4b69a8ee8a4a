//! What sharing a port costs: nanoseconds per connection to choose a protocol, and instructions per call in each codec
//! with the server's own protocols registered and with seven more, which may not cost more.
//!
//! `cargo run --release -p rpcwrap-tests --bin sniff_cost`; exit code 1 if a bar is missed. Needs valgrind, in which it
//! runs itself. The instructions per call are the measure of changes to the server's hot path: they repeat to a
//! thousandth, where times on a shared machine do not.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]
#![allow(clippy::print_stdout, reason = "prints its figures")]

use bytes::BytesMut;
use rpcwrap::{
    Server, Verdict,
    codecs::{AnyCodec, BsonDialect, CallOptions, RequestWriter},
    protocol::{Class, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff},
};
use std::{
    env,
    hint::black_box,
    process::{Command, ExitCode},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Nanoseconds to choose, per connection.
const BAR_NANOS: f64 = 200.0;
/// Protocols added to the server's own, in the two cases.
const MORE: [usize; 2] = [0, 7];
/// Calls of the two runs whose difference is taken.
const CALLS: [u64; 2] = [2_000, 6_000];
/// Runs of each length: the hash seeds of a process move its count by a thousandth.
const RUNS: usize = 3;
/// Calls in one write.
const BATCH: u64 = 50;
/// The codecs whose calls are counted.
const CODECS: [AnyCodec; 4] =
    [AnyCodec::Gob, AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Msgpack];
const LIMIT: Duration = Duration::from_secs(300);

const OPENINGS: [(&str, &[u8]); 6] = [
    ("CONNECT", b"CONNECT /_bson_rpc_ HTTP/1.0\n\n"),
    (
        "POST",
        b"POST /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 15\r\n\r\n{\"A\":7,\"B\":8}  ",
    ),
    ("GET", b"GET /debug/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    ("agent check", b"agent\n"),
    ("another's magic", b"\x01private6\0\0\0\0"),
    ("garbage", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"),
];

/// One more protocol to ask: a byte, a word, a digit.
struct Private(&'static str, [u8; 9]);

impl Protocol for Private {
    fn name(&self) -> &'static str {
        self.0
    }
    fn class(&self) -> Class {
        Class::Magic
    }
    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![self.1.to_vec()]
    }
    fn sniff(&self, head: &[u8]) -> Sniff {
        Sniff::magic(head, &self.1)
    }
    fn serve(self: Arc<Self>, _: Conn, _: ConnCx) -> ServeFuture {
        Box::pin(async { Ok(Served::Closed) })
    }
}

fn server(more: usize) -> Server {
    let names = ["one", "two", "three", "four", "five", "six", "seven"];
    let add = |builder: rpcwrap::Builder, n: usize| {
        let mut magic = *b"\x01private0";
        magic[8] += n as u8;
        builder.protocol(Private(names[n], magic))
    };
    let multiply = |args: Args| async move { Ok(args.a * args.b) };
    let builder = Server::builder().method("Arith.Multiply", multiply);
    (0..more).fold(builder, add).build().unwrap()
}

/// The argument of the call, as the end-to-end benchmark has it.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [codec, more, calls] = &args[..] {
        let codec = CODECS.into_iter().find(|known| known.name() == codec).unwrap();
        call(&codec, more.parse().unwrap(), calls.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let slowest = choose();
    let [few, many] = MORE.map(|more| server(more).protocols().count());
    println!(
        "\ninstructions per pipelined call of `Arith.Multiply` (bar: no more with more protocols, to a thousandth)\n"
    );
    println!("| codec | {few} protocols | {many} |\n|---|---|---|");
    let mut no_more = true;
    for codec in &CODECS {
        let [few, many] = MORE.map(|more| instructions(codec, more));
        println!("| {} | {few:.0} | {many:.0} |", codec.name());
        no_more &= many <= few * 1.001;
    }
    let reached = slowest <= BAR_NANOS && no_more;
    println!("\n{}", if reached { "both bars reached" } else { "a bar was MISSED" });
    if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints what choosing costs; the most.
fn choose() -> f64 {
    let servers = MORE.map(server);
    let [few, many] = servers.each_ref().map(|server| server.protocols().count());
    println!("choosing a protocol, ns per connection (bar: {BAR_NANOS})\n");
    println!("| opening | {few} protocols | {many} |\n|---|---|---|");
    let mut slowest = 0_f64;
    for (name, opening) in OPENINGS {
        let nanos = servers.each_ref().map(|server| {
            assert_ne!(server.sniff(opening), Verdict::NeedMore);
            // The best of several: anything above it is the machine's.
            (0..20).map(|_| time(server, opening)).fold(f64::INFINITY, f64::min)
        });
        println!("| {name} | {:.0} | {:.0} |", nanos[0], nanos[1]);
        slowest = slowest.max(nanos[0]).max(nanos[1]);
    }
    slowest
}

fn time(server: &Server, opening: &[u8]) -> f64 {
    const TIMES: u32 = 20_000;
    let began = Instant::now();
    for _ in 0..TIMES {
        black_box(server.sniff(black_box(opening)));
    }
    began.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

/// Instructions one more call costs: of the least that several runs of each length took.
fn instructions(codec: &AnyCodec, more: usize) -> f64 {
    let least = |calls| (0..RUNS).map(|_| collected(codec, more, calls)).min().unwrap_or_default();
    let [short, long] = CALLS.map(least);
    (long - short) as f64 / (CALLS[1] - CALLS[0]) as f64
}

/// Instructions of one whole run.
fn collected(codec: &AnyCodec, more: usize, calls: u64) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .arg(codec.name())
        .args([more.to_string(), calls.to_string()]);
    let output = valgrind.output().expect("valgrind is installed");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected =
        text.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    collected.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

/// What valgrind looks at: one session in memory, `calls` calls in batches.
fn call(codec: &AnyCodec, more: usize, calls: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let session = async {
        let server = server(more);
        let mut peer = server.connect().unwrap();
        peer.write_all(format!("CONNECT /_{}_rpc_ HTTP/1.0\n\n", codec.name()).as_bytes()).await.unwrap();
        peer.read_exact(&mut [0; 34]).await.unwrap();
        let mut writer = codec.request_writer();
        // The first may define types, the second is as all that follow.
        exchange(&mut peer, &request(&mut writer)).await;
        let one = request(&mut writer);
        let len = exchange(&mut peer, &one).await;
        let (requests, mut replies) = (one.repeat(BATCH as usize), vec![0; len * BATCH as usize]);
        for _ in 0..calls / BATCH {
            peer.write_all(&requests).await.unwrap();
            peer.read_exact(&mut replies).await.unwrap();
        }
    };
    runtime.block_on(async { tokio::time::timeout(LIMIT, session).await }).unwrap();
}

fn request(writer: &mut RequestWriter) -> BytesMut {
    let mut out = BytesMut::new();
    let args = Args { a: 7, b: 8 };
    writer.encode(1, "Arith.Multiply", CallOptions::default(), &args, None, &mut out).unwrap();
    out
}

/// Sends one request; the length of its reply, which comes in one write.
async fn exchange(peer: &mut DuplexStream, request: &[u8]) -> usize {
    peer.write_all(request).await.unwrap();
    peer.read(&mut [0; 1024]).await.unwrap()
}
