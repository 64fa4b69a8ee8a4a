//! What a good client and a probe feel beside hostile peers: `bench --hostile`.

use crate::{
    Result,
    peer::{self, Programs},
};
use rpcwrap_client::{AnyCodec, Client, dial_http};
use rpcwrap_tests::attacks::{ATTACKS, Attack};
use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinSet,
};

const MEASURED: Duration = Duration::from_secs(4);
/// Hostile peers at a time.
const PEERS: usize = 8;
/// How many times as long all but a hundredth of the calls of others may take.
const BAR_TIMES: f64 = 3.0;
const BAR_PAGE: Duration = Duration::from_millis(100);

/// Prints the figures; whether both bars were reached.
pub(crate) fn measure(programs: &Programs, core: usize) -> Result<bool> {
    let mut command = Command::new(programs.rpcwrapd());
    command.args(["--listen", "127.0.0.1:0"]).env("TOKIO_WORKER_THREADS", "1").env("RUST_LOG", "off");
    let mut server = peer::start_on(&command, core, Stdio::null())?;
    let addr = peer::listening_on(server.stdout()?)?;
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(rows(addr))
}

async fn rows(addr: SocketAddr) -> Result<bool> {
    let client = dial_http(&addr.to_string(), AnyCodec::Json).await?;
    let (alone, page) = feel(&client, addr).await?;
    println!(
        "| {PEERS} peers with | calls/s of a good client | its p99 ÷ alone (bar {BAR_TIMES}) | slowest page (bar {BAR_PAGE:?}) |"
    );
    println!("|---|---|---|---|");
    println!("| nothing | {:.0} | 1 ({:.3} ms) | {:.1} ms |", alone.rate, alone.p99 * 1e3, page * 1e3);
    let mut reached = true;
    for attack in &ATTACKS {
        let peers = Hostile::start(attack, addr)?;
        let (beside, page) = feel(&client, addr).await?;
        drop(peers);
        let times = beside.p99 / alone.p99;
        println!("| {} | {:.0} | {times:.2} | {:.1} ms |", attack.name, beside.rate, page * 1e3);
        reached &= times <= BAR_TIMES && page <= BAR_PAGE.as_secs_f64();
    }
    println!("\n{}", if reached { "both bars reached" } else { "a bar was MISSED" });
    Ok(reached)
}

/// Hostile peers in a thread of their own, until this is dropped.
struct Hostile {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Hostile {
    /// They run when the client that is measured does not: what they cost themselves is not to be felt.
    fn start(attack: &'static Attack, addr: SocketAddr) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        let run = move || {
            // Of this thread; without it the figures are worse.
            let _ = rustix::process::setpriority_process(None, 19);
            runtime.block_on(async {
                let mut peers = JoinSet::new();
                for _ in 0..PEERS {
                    peers.spawn(attack.go_on(addr));
                }
                // An end either way.
                let _ = ended.await;
            });
        };
        Ok(Self { end: Some(end), thread: Some(thread::spawn(run)) })
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it has been printed.
            let _ = thread.join();
        }
    }
}

struct Calls {
    rate: f64,
    /// Seconds.
    p99: f64,
}

/// Calls one after the other, and pages beside them: what the calls took, and the slowest page in seconds.
async fn feel(client: &Client, addr: SocketAddr) -> Result<(Calls, f64)> {
    let pages = tokio::spawn(async move {
        let (began, mut slowest) = (Instant::now(), 0.0_f64);
        while began.elapsed() < MEASURED {
            slowest = slowest.max(page(addr).await?);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok::<_, std::io::Error>(slowest)
    });
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < MEASURED {
        let called = Instant::now();
        let said: String = client.call("Echo.Say", "hi").await?;
        if said != "hi" {
            return Err(format!("the reply is {said:?}").into());
        }
        times.push(called.elapsed().as_secs_f64());
    }
    let slowest = pages.await??;
    times.sort_by(f64::total_cmp);
    let p99 = times.get(times.len().saturating_sub(1 + times.len() / 100)).copied().unwrap_or(f64::NAN);
    Ok((Calls { rate: times.len() as f64 / MEASURED.as_secs_f64(), p99 }, slowest))
}

/// Seconds that a probe takes, its connection included.
async fn page(addr: SocketAddr) -> std::io::Result<f64> {
    let began = Instant::now();
    let mut socket = TcpStream::connect(addr).await?;
    socket.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await?;
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply).await?;
    if !reply.starts_with(b"HTTP/1.0 200") {
        return Err(std::io::Error::other(String::from_utf8_lossy(&reply).into_owned()));
    }
    Ok(began.elapsed().as_secs_f64())
}
