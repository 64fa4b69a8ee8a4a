//! The client rows: CPU of a client process per call, for our client library, a bare tokio client and Go's.
//!
//! All of them call the server of [`answer`](crate::answer) on one connection, 64 calls in flight. It must not know how
//! the clients work.

use crate::load::{Sample, Shape};
use crate::peer::{Programs, Running, listening_on, start_on};
use crate::report::Client;
use crate::server_cpu::Cpu;
use crate::workload::Codec;
use crate::{Result, WARM_UP};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The name of these rows in `--only`.
pub(crate) const ROW: &str = "client";
pub(crate) const SHAPE: Shape = Shape { connections: 1, in_flight: 64 };

/// Whose client it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bare,
    Rpcwrap,
    Go,
}

/// A client and the codec it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) kind: Kind,
    pub(crate) codec: Codec,
}

/// All of them, in the order of a round: ours behind the one it is compared with.
pub(crate) const CALLERS: [Caller; 5] = [
    Caller { kind: Kind::Bare, codec: Codec::Bson },
    Caller { kind: Kind::Rpcwrap, codec: Codec::Bson },
    Caller { kind: Kind::Bare, codec: Codec::Json },
    Caller { kind: Kind::Rpcwrap, codec: Codec::Json },
    GO,
];
pub(crate) const GO: Caller = Caller { kind: Kind::Go, codec: Codec::Json };

impl Caller {
    pub(crate) fn name(self) -> String {
        match self.kind {
            Kind::Go => "go-jsonrpc".to_owned(),
            _ => format!("{}-{}", self.kind_name(), self.codec.name()),
        }
    }

    pub(crate) const fn kind_name(self) -> &'static str {
        match self.kind {
            Kind::Bare => "bare",
            Kind::Rpcwrap => "rpcwrap",
            Kind::Go => "go",
        }
    }

    fn command(self, programs: &Programs, addr: SocketAddr) -> Command {
        let (addr, in_flight) = (addr.to_string(), SHAPE.in_flight.to_string());
        if self.kind == Kind::Go {
            let mut command = Command::new(programs.go());
            command.args(["-call", &addr, "-in-flight", &in_flight]).env("GOMAXPROCS", "1");
            return command;
        }
        let mut command = Command::new(programs.bench());
        command.args(["client", "--kind", self.kind_name(), "--codec", self.codec.name()]);
        command.args(["--call", &addr, "--in-flight", &in_flight]);
        command
    }
}

/// Measures `callers` in turn, round by round; servers on `server_core`, clients on `client_core`.
///
/// # Errors
/// A process that cannot be started or ends, and a client that completes no call.
pub(crate) fn measure(
    callers: &[Caller],
    programs: &Programs,
    [server_core, client_core]: [usize; 2],
    rounds: u32,
    duration: Duration,
) -> Result<Vec<Client>> {
    let mut rows: Vec<Client> =
        callers.iter().map(|&caller| Client { caller, samples: Vec::new() }).collect();
    for round in 1..=rounds {
        if !rows.is_empty() {
            eprintln!("clients, round {round} of {rounds}");
        }
        for row in &mut rows {
            let sample = sample(row.caller, programs, server_core, client_core, duration)
                .map_err(|error| format!("client {}: {error}", row.caller.name()))?;
            row.samples.push(sample);
        }
    }
    Ok(rows)
}

fn sample(
    caller: Caller,
    programs: &Programs,
    server_core: usize,
    client_core: usize,
    duration: Duration,
) -> Result<Sample> {
    let mut server = Command::new(programs.bench());
    server.args(["answer", "--listen", "127.0.0.1:0", "--codec", caller.codec.name()]);
    let mut server = start_on(&server, server_core, Stdio::null())?;
    let addr = listening_on(server.stdout()?)?;

    let mut counter = Counter::of(start_on(&caller.command(programs, addr), client_core, Stdio::piped())?)?;
    thread::sleep(WARM_UP);
    let (calls, cpu, start) = (counter.calls()?, Cpu::of(counter.child.id())?, Instant::now());
    thread::sleep(duration);
    let elapsed = start.elapsed();
    let cpu = Cpu::of(counter.child.id())?.since(cpu);
    let calls = counter.calls()? - calls;
    if calls == 0 {
        return Err(format!("no call completed in {duration:?}").into());
    }
    Ok(Sample::of(calls, elapsed, cpu))
}

/// A client process, which says on request how many of its calls were answered.
struct Counter {
    child: Running,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Counter {
    fn of(mut child: Running) -> Result<Self> {
        let (ask, answers) = (child.stdin()?, BufReader::new(child.stdout()?));
        Ok(Self { child, ask, answers })
    }

    fn calls(&mut self) -> Result<u64> {
        self.ask.write_all(b"\n")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        line.trim().parse().map_err(|_| format!("it says {line:?} instead of a number of calls").into())
    }
}
