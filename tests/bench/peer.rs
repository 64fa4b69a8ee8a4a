//! The servers that are compared: how each is built, started on its core and stopped.
//! It must not know what is measured on them.

use crate::Result;
use crate::load::Endpoint;
use crate::workload::{ARGUMENT, Codec, METHOD, PRODUCT};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);
const START_LIMIT: Duration = Duration::from_secs(10);

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The raw echo of this program.
    Floor,
    Rpcwrap,
    /// Go's net/rpc.
    Go,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Floor, Self::Rpcwrap, Self::Go];
}

/// One server as measured: a program and the codec spoken with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) codec: Codec,
}

/// All targets, in the order of a round: each rpcwrap right behind its floor.
pub(crate) const TARGETS: [Target; 10] = [
    Target { kind: Kind::Floor, codec: Codec::Bson },
    Target { kind: Kind::Rpcwrap, codec: Codec::Bson },
    Target { kind: Kind::Floor, codec: Codec::Json },
    Target { kind: Kind::Rpcwrap, codec: Codec::Json },
    Target { kind: Kind::Floor, codec: Codec::Gob },
    Target { kind: Kind::Rpcwrap, codec: Codec::Gob },
    Target { kind: Kind::Floor, codec: Codec::Msgpack },
    Target { kind: Kind::Rpcwrap, codec: Codec::Msgpack },
    GO_GOB,
    GO_JSONRPC,
];
pub(crate) const GO_GOB: Target = Target { kind: Kind::Go, codec: Codec::Gob };
pub(crate) const GO_JSONRPC: Target = Target { kind: Kind::Go, codec: Codec::Json };

impl Target {
    pub(crate) fn name(self) -> String {
        match (self.kind, self.codec) {
            (Kind::Go, Codec::Json) => "go-jsonrpc".to_owned(),
            _ => format!("{}-{}", self.kind_name(), self.codec.name()),
        }
    }

    pub(crate) const fn kind_name(self) -> &'static str {
        match self.kind {
            Kind::Floor => "floor",
            Kind::Rpcwrap => "rpcwrap",
            Kind::Go => "go",
        }
    }

    fn command(self, programs: &Programs) -> Command {
        match self.kind {
            Kind::Floor => {
                let mut command = Command::new(&programs.bench);
                command.args(["floor", "--listen", "127.0.0.1:0", "--codec", self.codec.name()]);
                command
            }
            Kind::Rpcwrap => {
                let mut command = Command::new(&programs.rpcwrapd);
                command.args(["--listen", "127.0.0.1:0"]).env("TOKIO_WORKER_THREADS", "1");
                command
            }
            Kind::Go => {
                let mut command = Command::new(&programs.go);
                command.args(["-listen", "127.0.0.1:0"]).env("GOMAXPROCS", "1");
                command
            }
        }
    }
}

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    bench: PathBuf,
    rpcwrap: PathBuf,
    rpcwrapd: PathBuf,
    go: PathBuf,
}

impl Programs {
    /// Beside this program, unless `rpcwrapd` names another server.
    pub(crate) fn locate(rpcwrapd: Option<&Path>) -> Result<Self> {
        let bench = std::env::current_exe()?;
        let rpcwrapd = rpcwrapd.map_or_else(|| bench.with_file_name("rpcwrapd"), Path::to_owned);
        let [rpcwrap, go] = ["rpcwrap", "bench-go"].map(|name| bench.with_file_name(name));
        Ok(Self { rpcwrap, rpcwrapd, go, bench })
    }

    /// This program, which holds the floor and the Rust clients.
    pub(crate) fn bench(&self) -> &Path {
        &self.bench
    }

    /// The command line, which holds the load generator.
    pub(crate) fn rpcwrap(&self) -> &Path {
        &self.rpcwrap
    }

    /// The server program.
    pub(crate) fn rpcwrapd(&self) -> &Path {
        &self.rpcwrapd
    }

    /// The Go program, server and client.
    pub(crate) fn go(&self) -> &Path {
        &self.go
    }

    /// Builds these packages with cargo, into the directory where this program was built.
    pub(crate) fn build(&self, packages: &[&str]) -> Result<()> {
        let target_dir = self.bench.ancestors().nth(2).ok_or("this program has no target directory")?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--release", "--target-dir"]).arg(target_dir);
        command.args(packages.iter().flat_map(|package| ["--package", package]));
        run(command.current_dir(env!("CARGO_MANIFEST_DIR")))
    }

    /// Builds the Go server; it needs the standard library only, hence no network.
    pub(crate) fn build_go(&self) -> Result<()> {
        let mut command = Command::new("go");
        command.args(["build", "-buildvcs=false", "-o"]).arg(&self.go).arg(".");
        command.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local");
        run(command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/bench/go")))
    }
}

/// Runs a build to its end, for at most [`BUILD_LIMIT`].
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = Running(command.spawn().map_err(|error| format!("{name}: {error}"))?);
    let start = Instant::now();
    while start.elapsed() < BUILD_LIMIT {
        if let Some(status) = child.0.try_wait()? {
            return if status.success() { Ok(()) } else { Err(format!("{name}: {status}").into()) };
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(format!("{name}: not done after {BUILD_LIMIT:?}").into())
}

/// Starts `program` on `core` alone, with its output to be read.
///
/// setpriv has the kernel kill it should this program die without running its destructors.
pub(crate) fn start_on(program: &Command, core: usize, stdin: Stdio) -> Result<Running> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "taskset", "-c", &core.to_string()]);
    command.arg(program.get_program()).args(program.get_args());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(stdin).stdout(Stdio::piped());
    Ok(Running(command.spawn().map_err(|error| format!("setpriv (util-linux): {error}"))?))
}

/// A child that is killed when dropped.
pub(crate) struct Running(Child);

impl Running {
    /// setpriv and taskset exec what follows them: this is the program's own id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its output, once.
    pub(crate) fn stdout(&mut self) -> Result<ChildStdout> {
        Ok(self.0.stdout.take().ok_or("a child without output")?)
    }

    /// Its input, once, if it has one.
    pub(crate) fn stdin(&mut self) -> Result<ChildStdin> {
        Ok(self.0.stdin.take().ok_or("a child without input")?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a child that has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A running server; dropping it stops it.
pub(crate) struct Peer {
    pub(crate) target: Target,
    pub(crate) endpoint: Endpoint,
    _child: Running,
}

impl Peer {
    /// Starts `target` on `core` alone and waits until it listens.
    pub(crate) fn start(target: Target, programs: &Programs, core: usize) -> Result<Self> {
        let mut child = start_on(&target.command(programs), core, Stdio::null())?;
        let addr = listening_on(child.stdout()?).map_err(|error| format!("{}: {error}", target.name()))?;
        if target.kind != Kind::Floor {
            check(programs, addr, target.codec).map_err(|error| format!("{}: {error}", target.name()))?;
        }
        let endpoint = Endpoint { addr, pid: child.id(), codec: target.codec };
        Ok(Self { target, endpoint, _child: child })
    }
}

/// One call, whose reply has to be right: the load generator only compares one with another.
fn check(programs: &Programs, addr: SocketAddr, codec: Codec) -> Result<()> {
    let mut command = Command::new(programs.rpcwrap());
    command.args(["call", &addr.to_string(), METHOD, ARGUMENT, "--codec", codec.name(), "--max-time", "10s"]);
    let called = command.output()?;
    let (printed, said) = (String::from_utf8_lossy(&called.stdout), String::from_utf8_lossy(&called.stderr));
    if printed.trim() == PRODUCT.to_string() {
        Ok(())
    } else {
        Err(format!("7 × 8 is {printed:?} {said}").into())
    }
}

/// The address in the server's first line, `listening on <address>`. Later lines are thrown away, so
/// that the server can never block on its output.
pub(crate) fn listening_on(stdout: ChildStdout) -> Result<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
            // The receiver is gone after the first line.
            sender.send(line).ok();
        }
    });
    let line = receiver.recv_timeout(START_LIMIT).map_err(|_| "ended or was silent instead of listening")?;
    let addr = line.strip_prefix("listening on ").and_then(|rest| rest.trim().parse().ok());
    addr.ok_or_else(|| format!("its first line is {line:?}, not `listening on <address>`").into())
}
