//! Server CPU per baidu_std call, one connection, 1 and 64 in flight: `cargo bench -p rpcwrap --bench baidu_std`.
//!
//! Beside the least a tokio server can do: an echo that counts requests by their length and answers constant bytes of
//! the same sizes, one write per batch. Both servers run on a thread of their own in this process, the load on another;
//! CPU time is the kernel's for that thread (`schedstat`). Rounds alternate, a ratio is taken within its round, medians
//! are printed. The bar is bRPC's own: pipelining cheapens its call from 44.7 to 6.59–7.37 µs, ours has to gain twice
//! that.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints, with no caller to hand errors to"
)]

use bytes::{Buf, BytesMut};
use rpcwrap::{
    RawCall, RawReply, Server,
    codecs::baidu_std::{ReplyHead, RequestHead, encode_reply, encode_request},
};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(500);
const WARM_UP: Duration = Duration::from_millis(200);
/// `message: "hello"`
const BODY: &[u8] = b"\x0a\x05hello";
/// bRPC's cost of a call, 64 in flight to one: the better of what was recorded.
const BRPC_GAIN: f64 = 6.59 / 44.7;

fn request() -> Vec<u8> {
    let head = RequestHead {
        service_name: "demo.EchoService",
        method_name: "Echo",
        correlation_id: 1 << 32 | 2,
        ..RequestHead::default()
    };
    let mut out = BytesMut::new();
    encode_request(&head, BODY, b"", &mut out).unwrap();
    out.to_vec()
}

fn reply() -> Vec<u8> {
    let mut out = BytesMut::new();
    let head = ReplyHead { correlation_id: 1 << 32 | 2, ..ReplyHead::default() };
    encode_reply(&head, BODY, b"", &mut out).unwrap();
    out.to_vec()
}

/// Runs `serve` on a single-threaded runtime in a thread of that name; where it listens.
fn start<F>(name: &str, serve: impl FnOnce(mpsc::Sender<SocketAddr>) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()>,
{
    let (sender, addr) = mpsc::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(serve(sender));
    };
    thread::Builder::new().name(name.to_owned()).spawn(run).unwrap();
    addr.recv().unwrap()
}

async fn rpcwrap(addr: mpsc::Sender<SocketAddr>) {
    let echo = |call: RawCall| async move { Ok(RawReply::new(call.body)) };
    let server = Server::builder().method("demo.EchoService.Echo", echo).build().unwrap();
    let bound = server.listen("127.0.0.1:0").await.unwrap().to_string();
    addr.send(bound.parse().unwrap()).unwrap();
    std::future::pending::<()>().await;
}

async fn floor(addr: mpsc::Sender<SocketAddr>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    addr.send(listener.local_addr().unwrap()).unwrap();
    let (request, reply) = (request().len(), reply());
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let reply = reply.clone();
        tokio::spawn(async move {
            let (mut input, mut output) = (BytesMut::with_capacity(16 << 10), Vec::new());
            while socket.read_buf(&mut input).await.is_ok_and(|n| n > 0) {
                while input.len() >= request {
                    input.advance(request);
                    output.extend_from_slice(&reply);
                }
                // The load goes away in the middle of a round.
                if socket.write_all(&output).await.is_err() {
                    break;
                }
                output.clear();
                input.reserve(16 << 10);
            }
        });
    }
}

/// CPU time the thread of that name has used.
fn cpu(name: &str) -> Duration {
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        if fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name) {
            let schedstat = fs::read_to_string(task.join("schedstat")).unwrap();
            return Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap());
        }
    }
    panic!("no thread {name}");
}

/// Server CPU per call, in µs, with `window` calls in flight.
fn measure(name: &str, addr: SocketAddr, window: usize) -> f64 {
    let (request, reply) = (request(), reply());
    let mut socket = TcpStream::connect(addr).unwrap();
    socket.set_nodelay(true).unwrap();
    let requests = request.repeat(window);
    let mut replies = vec![0; reply.len() * window];
    socket.write_all(&requests).unwrap();
    let (mut partial, mut calls) = (0, 0_u64);
    let mut run = |until: Instant| {
        while Instant::now() < until {
            let read = partial + socket.read(&mut replies[partial..]).unwrap();
            let whole = read / reply.len();
            assert!(whole == 0 || replies[..reply.len()] == reply);
            partial = read % reply.len();
            replies.copy_within(whole * reply.len()..read, 0);
            socket.write_all(&requests[..whole * request.len()]).unwrap();
            calls += whole as u64;
        }
        calls
    };
    let before = run(Instant::now() + WARM_UP);
    let began = cpu(name);
    let calls = run(Instant::now() + ROUND) - before;
    (cpu(name) - began).as_secs_f64() * 1e6 / calls as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let (ours, echo) = (start("ours", rpcwrap), start("floor", floor));
    let rounds: Vec<[f64; 4]> = (0..ROUNDS)
        .map(|_| {
            [
                measure("floor", echo, 1),
                measure("ours", ours, 1),
                measure("floor", echo, 64),
                measure("ours", ours, 64),
            ]
        })
        .collect();
    let of = |value: fn(&[f64; 4]) -> f64| median(rounds.iter().map(value).collect());
    println!("µs of server CPU per call   floor   rpcwrap   ÷ floor");
    println!(
        "1 × 1                     {:>7.3}   {:>7.3}   {:>7.2}",
        of(|r| r[0]),
        of(|r| r[1]),
        of(|r| r[1] / r[0])
    );
    println!(
        "1 × 64                    {:>7.3}   {:>7.3}   {:>7.2}",
        of(|r| r[2]),
        of(|r| r[3]),
        of(|r| r[3] / r[2])
    );
    let gain = of(|r| r[3] / r[1]);
    let share = gain / BRPC_GAIN;
    println!("1 × 64 ÷ 1 × 1: {gain:.3}, of bRPC {BRPC_GAIN:.3}; that is {share:.2} of it (bar 0.5)");
}
