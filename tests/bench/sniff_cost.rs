//! What sharing a port costs: nanoseconds per connection to choose a protocol, and instructions per message with the
//! server's own protocols registered and with seven more, which have to be the same.
//!
//! `cargo run --release -p rpcwrap-tests --bin sniff_cost`; exit code 1 if a bar is missed. Needs valgrind, in which it
//! runs itself.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]
#![allow(clippy::print_stdout, reason = "prints its figures")]

use rpcwrap::{
    Server, Verdict,
    protocol::{Class, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff},
};
use std::{
    env,
    hint::black_box,
    process::{Command, ExitCode},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Nanoseconds to choose, per connection.
const BAR_NANOS: f64 = 200.0;
/// Protocols added to the server's own, in the two cases.
const MORE: [usize; 2] = [0, 7];
/// Messages of the two runs whose difference is taken.
const MESSAGES: [u64; 2] = [2_000, 6_000];
/// Messages in one write.
const BATCH: u64 = 50;
const LIMIT: Duration = Duration::from_secs(300);

const OPENINGS: [(&str, &[u8]); 6] = [
    ("CONNECT", b"CONNECT /_bson_rpc_ HTTP/1.0\n\n"),
    ("POST", b"POST /Arith/Multiply HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{\"A\":7,\"B\":8}  "),
    ("GET", b"GET /debug/health HTTP/1.1\r\nHost: x\r\n\r\n"),
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
    fn openings(&self) -> Vec<Vec<u8>> {
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
    let builder = Server::builder().method("Echo.Int", |n: i64| async move { Ok(n) });
    (0..more).fold(builder, add).build().unwrap()
}

fn main() -> ExitCode {
    let args: Vec<u64> = env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    if let [more, messages] = args[..] {
        call(more as usize, messages);
        return ExitCode::SUCCESS;
    }
    let slowest = choose();
    let [few, many] = MORE.map(instructions);
    println!("\ninstructions per message: {few:.1} and {many:.1}");
    // Counted over thousands of messages; what is left are the hash seeds of the process.
    let reached = slowest <= BAR_NANOS && (few - many).abs() <= few * 0.001;
    println!("{}", if reached { "both bars reached" } else { "a bar was MISSED" });
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

/// Instructions one more message costs.
fn instructions(more: usize) -> f64 {
    let [short, long] = MESSAGES.map(|messages| {
        let mut valgrind = Command::new("valgrind");
        valgrind
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().unwrap());
        valgrind.args([more.to_string(), messages.to_string()]);
        let output = valgrind.output().expect("valgrind is installed");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let collected =
            text.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
        collected.and_then(|count| count.parse::<u64>().ok()).unwrap_or_else(|| panic!("{text}"))
    });
    (long - short) as f64 / (MESSAGES[1] - MESSAGES[0]) as f64
}

/// What valgrind looks at: one JSON session in memory, `messages` calls in batches.
fn call(more: usize, messages: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let session = async {
        let server = server(more);
        let mut peer = server.connect().unwrap();
        peer.write_all(b"CONNECT /_json_rpc_ HTTP/1.0\n\n").await.unwrap();
        let mut reply = vec![0; 34];
        peer.read_exact(&mut reply).await.unwrap();
        let request = b"{\"method\":\"Echo.Int\",\"params\":[7],\"id\":1}\n".repeat(BATCH as usize);
        reply.resize("{\"id\":1,\"result\":7,\"error\":null}\n".len() * BATCH as usize, 0);
        for _ in 0..messages / BATCH {
            peer.write_all(&request).await.unwrap();
            peer.read_exact(&mut reply).await.unwrap();
        }
    };
    runtime.block_on(async { tokio::time::timeout(LIMIT, session).await }).unwrap();
}
