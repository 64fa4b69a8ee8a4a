//! The end-to-end benchmark: server CPU per call and memory per idle connection, of rpcwrap beside a
//! raw tokio echo and Go's net/rpc, all in one run under one load generator; and client CPU per call.
//!
//! `cargo run --release -p rpcwrap-tests --bin bench`; how to read the table: README.md beside this
//! file. This file holds the command line and the order of a run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is output, the rest progress")]

mod answer;
mod bars;
mod client;
mod client_row;
mod floor;
mod footprint;
mod hostile;
mod load;
mod machine;
mod peer;
mod report;
/// As `rpcwrap bench` measures it.
#[path = "../../rpcwrap-client/cli/src/bench/server_cpu.rs"]
mod server_cpu;
mod workload;

use clap::{Parser, Subcommand};
use client_row::{CALLERS, Caller};
use footprint::Footprint;
use load::{Generator, Shape};
use peer::{Kind, Peer, Programs, TARGETS, Target};
use report::{Idle, Results, Row};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;
use workload::Codec;

/// For what `main` prints and no code matches on.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const SHAPES: [Shape; 4] = [
    Shape { connections: 1, in_flight: 1 },
    Shape { connections: 1, in_flight: 64 },
    Shape { connections: 64, in_flight: 1 },
    Shape { connections: 256, in_flight: 16 },
];
const IDLE: &str = "idle";
const IDLE_CONNECTIONS: usize = 10_000;
const OPEN_FILES: &str = "20000";
const WARM_UP: Duration = Duration::from_millis(300);
/// For memory to come to rest: longer than a server's deferred clean-up.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a server may take to be as it was when everybody has left.
const CLOSED: Duration = Duration::from_secs(5);

/// Server CPU per call and memory per idle connection, beside a raw echo and Go.
#[derive(Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    command: Option<Program>,
    /// Measured time per row and round.
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    seconds: f64,
    /// Rounds over all servers, per shape.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure only these: parts of `server/shape` such as bson, 1x64, rpcwrap-json/256x16, go/idle.
    #[arg(long, value_delimiter = ',', value_parser = filter)]
    only: Vec<String>,
    /// Exit with 1 unless every bar was measured and reached.
    #[arg(long)]
    check: bool,
    /// Measure what a good client and a probe feel beside hostile peers, and nothing else.
    #[arg(long, conflicts_with_all = ["only", "check"])]
    hostile: bool,
    /// Measure this server instead of building rpcwrapd.
    #[arg(long)]
    rpcwrapd: Option<PathBuf>,
    /// The core of the servers.
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// The core of the load generator.
    #[arg(long, default_value_t = 1)]
    load_core: usize,
    /// Set by this program when it starts itself again on `load_core`.
    #[arg(long, hide = true)]
    pinned: bool,
}

#[derive(Subcommand)]
enum Program {
    /// Serve the raw echo that the others are compared with.
    Floor {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        codec: Codec,
    },
    /// Serve the constant replies that the clients are compared with.
    Answer {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        codec: Codec,
    },
    /// Be a client that is compared.
    Client {
        #[arg(long)]
        kind: client::Kind,
        #[arg(long)]
        call: SocketAddr,
        #[arg(long)]
        codec: Codec,
        #[arg(long)]
        in_flight: usize,
    },
}

impl Program {
    fn run(&self) -> Result<()> {
        match *self {
            Self::Floor { listen, codec } => floor::serve(listen, codec),
            Self::Answer { listen, codec } => answer::serve(listen, codec),
            Self::Client { kind, call, codec, in_flight } => client::run(kind, call, codec, in_flight),
        }
    }
}

fn main() -> ExitCode {
    match start(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

/// `false` if a bar was to be checked and is missed.
fn start(options: &Options) -> Result<bool> {
    if cfg!(debug_assertions) {
        return Err("only a release build measures anything: cargo run --release".into());
    }
    if let Some(program) = &options.command {
        program.run()?;
        return Ok(true);
    }
    let programs = Programs::locate(options.rpcwrapd.as_deref())?;
    if !options.pinned {
        options.build(&programs)?;
        return Err(start_again_pinned(options.load_core));
    }
    options.watch();
    if options.hostile {
        println!("{}  ", machine::describe());
        return hostile::measure(&programs, options.server_core);
    }
    let machine = machine::describe();
    let results = Results {
        rows: options.measure_rows(&programs)?,
        idle: options.measure_idle(&programs)?,
        clients: options.measure_clients(&programs)?,
    };
    println!("{machine}  ");
    println!(
        "Servers on core {}, load generator or client on core {}; median (range) of {} rounds of {} s.\n",
        options.server_core, options.load_core, options.rounds, options.seconds
    );
    println!("{}", results.markdown());
    if !options.check {
        return Ok(true);
    }
    let bars = bars::bars(&results, &SHAPES);
    bars.iter().for_each(|bar| println!("{bar}"));
    Ok(bars.iter().all(bars::Bar::is_reached))
}

/// Replaces this process by itself on one core and with enough file descriptors; returns only on failure.
fn start_again_pinned(core: usize) -> Box<dyn std::error::Error + Send + Sync> {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error.into(),
    };
    let script = "ulimit -n \"$1\" && shift && exec taskset -c \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "bench", OPEN_FILES, &core.to_string()]).arg(program);
    command.args(std::env::args_os().skip(1)).arg("--pinned").exec().into()
}

impl Options {
    fn build(&self, programs: &Programs) -> Result<()> {
        let wanted = |kind| TARGETS.into_iter().any(|target| target.kind == kind && self.selects_any(target));
        let mut packages = Vec::new();
        if Kind::ALL.into_iter().any(wanted) {
            packages.push("rpcwrap-cli");
        }
        if wanted(Kind::Rpcwrap) && self.rpcwrapd.is_none() {
            packages.push("rpcwrapd");
        }
        if !packages.is_empty() {
            programs.build(&packages)?;
        }
        if wanted(Kind::Go) || self.selects_caller(client_row::GO) {
            programs.build_go().map_err(|error| format!("{error} (without Go: --only floor,rpcwrap)"))?;
        }
        Ok(())
    }

    /// Ends the process, and with it the servers, should the run take far longer than it can.
    fn watch(&self) {
        let rows = f64::from(self.rounds) * (TARGETS.len() * SHAPES.len() + CALLERS.len()) as f64;
        let limit = 300.0 + 2.0 * rows * (self.seconds + WARM_UP.as_secs_f64());
        thread::spawn(move || {
            thread::sleep(Duration::from_secs_f64(limit));
            eprintln!("bench: not done after {limit:.0} s");
            std::process::exit(2);
        });
    }

    /// Measures all selected servers one after the other, round by round, shape by shape.
    fn measure_rows(&self, programs: &Programs) -> Result<Vec<Row>> {
        let targets =
            TARGETS.into_iter().filter(|&target| SHAPES.iter().any(|shape| self.selects(target, shape)));
        let peers: Vec<Peer> =
            targets.map(|target| Peer::start(target, programs, self.server_core)).collect::<Result<_>>()?;
        let generator = Generator { programs, core: self.load_core };
        let mut rows = Vec::new();
        for shape in SHAPES {
            let peers: Vec<&Peer> = peers.iter().filter(|peer| self.selects(peer.target, &shape)).collect();
            let first = rows.len();
            rows.extend(peers.iter().map(|peer| Row { shape, target: peer.target, samples: Vec::new() }));
            for round in 1..=self.rounds {
                if !peers.is_empty() {
                    eprintln!("{shape}, round {round} of {}", self.rounds);
                }
                for (peer, row) in peers.iter().zip(&mut rows[first..]) {
                    let sample = generator
                        .load(&peer.endpoint, shape, Duration::from_secs_f64(self.seconds))
                        .map_err(|error| format!("{} at {shape}: {error}", peer.target.name()))?;
                    row.samples.push(sample);
                }
            }
        }
        Ok(rows)
    }

    /// Opens the idle connections to each selected server in turn, every one freshly started.
    fn measure_idle(&self, programs: &Programs) -> Result<Vec<Idle>> {
        let targets = TARGETS.into_iter().filter(|&target| self.selects(target, &IDLE));
        targets
            .map(|target| {
                eprintln!("{IDLE_CONNECTIONS} idle connections to {}", target.name());
                let peer = Peer::start(target, programs, self.server_core)?;
                let generator = Generator { programs, core: self.load_core };
                idle(generator, &peer).map_err(|error| format!("{} idle: {error}", target.name()).into())
            })
            .collect()
    }

    /// Measures all selected clients.
    fn measure_clients(&self, programs: &Programs) -> Result<Vec<report::Client>> {
        let callers: Vec<Caller> =
            CALLERS.into_iter().filter(|&caller| self.selects_caller(caller)).collect();
        let cores = [self.server_core, self.load_core];
        client_row::measure(&callers, programs, cores, self.rounds, Duration::from_secs_f64(self.seconds))
    }

    fn selects_any(&self, target: Target) -> bool {
        SHAPES.iter().any(|shape| self.selects(target, shape)) || self.selects(target, &IDLE)
    }

    fn selects(&self, target: Target, row: &impl ToString) -> bool {
        self.selects_names(&[
            target.name(),
            target.kind_name().to_owned(),
            target.codec.name().to_owned(),
            row.to_string(),
        ])
    }

    fn selects_caller(&self, caller: Caller) -> bool {
        let (kind, codec) = (caller.kind_name().to_owned(), caller.codec.name().to_owned());
        self.selects_names(&[caller.name(), kind, codec, client_row::ROW.to_owned()])
    }

    fn selects_names(&self, names: &[String; 4]) -> bool {
        let matches = |filter: &String| filter.split('/').all(|part| names.iter().any(|name| name == part));
        self.only.is_empty() || self.only.iter().any(matches)
    }
}

/// Memory and descriptors of one server before, with and after [`IDLE_CONNECTIONS`] that made one call each and fell
/// silent.
fn idle(generator: Generator<'_>, peer: &Peer) -> Result<Idle> {
    let look = || Footprint::of(peer.endpoint.pid);
    // What the first connection loads into memory is not part of the price of one more.
    drop(generator.hold(&peer.endpoint, 1)?);
    thread::sleep(SETTLE);
    let before = look()?;
    let held = generator.hold(&peer.endpoint, IDLE_CONNECTIONS)?;
    thread::sleep(SETTLE);
    let during = look()?;
    drop(held);
    thread::sleep(CLOSED);
    Ok(Idle { target: peer.target, connections: IDLE_CONNECTIONS, before, during, after: look()? })
}

fn positive(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => Ok(seconds),
        _ => Err("a number of seconds above 0, up to 3600".to_owned()),
    }
}

/// A filter with a part that names nothing would select nothing, silently.
fn filter(text: &str) -> std::result::Result<String, String> {
    let mut known: Vec<String> = SHAPES.iter().map(ToString::to_string).collect();
    known.extend([IDLE, client_row::ROW].map(str::to_owned));
    for caller in CALLERS {
        known.extend([caller.name(), caller.kind_name().to_owned()]);
    }
    for target in TARGETS {
        known.extend([target.name(), target.kind_name().to_owned(), target.codec.name().to_owned()]);
    }
    known.sort();
    known.dedup();
    match text.split('/').find(|part| !known.iter().any(|name| name == part)) {
        None => Ok(text.to_owned()),
        Some(part) => Err(format!("{part:?} is none of {}", known.join(" "))),
    }
}
