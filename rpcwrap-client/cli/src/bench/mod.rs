//! `rpcwrap bench`: load a method and report how it answers.
//!
//! ```text
//! args → schedule    what is asked for, and when each request is due
//! load → target      workers make the calls over connections that heal: the open loop
//! closed             the closed loop, at full speed
//! tally → failure    what became of each
//! server_cpu         what they cost the server
//! report             the same figures as text, JSON, CSV, page and histogram
//! ```

mod args;
mod closed;
mod failure;
mod load;
mod progress;
mod report;
mod schedule;
mod server_cpu;
mod tally;
mod target;

pub(crate) use args::BenchArgs;

use crate::{
    argument::Argument,
    call::input,
    catalogue,
    connector::{Speech, with_login},
    failure::{Exit, Failure},
    format::Format,
    open::find,
    options::Options,
    output,
    printable::printable_json,
    signals::Signals,
};
use codecs::types::Any;
use futures_util::{StreamExt, TryFutureExt, TryStreamExt, stream};
use load::{Outcome, Plan};
use progress::Progress;
use report::Report;
use rpcwrap_client::{Config, DialError};
use server_cpu::Cpu;
use std::{fmt::Display, fs, io, iter, path::Path, sync::Arc};
use tally::Second;
use target::{SharedConnection, Target};
use tokio::time::timeout;

/// Connections opened at a time: a server's accept queue has room for them.
const DIALS: usize = 64;

/// Runs the command and prints its report; `--max-time` limits each call.
///
/// # Errors
/// No load at all: wrong usage, no connection, no such method. And, with the report printed, no answer at all, or a
/// signal before the end.
pub(crate) async fn run(options: &Options, args: &BenchArgs) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    // What is wrong with the command line is said before a server is connected to.
    let argument = argument(&args.arg).await?;
    options.login()?;
    let opened = async {
        catalogue::refuse_stream(options, &args.addr, &args.method, "bench").await?;
        let speech = find(options, &args.addr).await?;
        let load = Load::open(Arc::new(target(options, args, argument, speech)?), args).await?;
        Ok::<_, Failure>((load, speech))
    };
    let (mut load, speech) = tokio::select! {
        opened = opened => opened?,
        exit = signals.next() => return Err(Failure::new(exit, "ended before the first request")),
    };
    if let Some(warm_up) = args.warm_up_plan() {
        let (outcome, ended_by) = load.run(args, warm_up, &mut signals, |_| {}).await?;
        check(&outcome, options, args).await?;
        if let Some(exit) = ended_by {
            let report = Report::new(args.settings(speech.codec, warm_up), outcome, None);
            publish(args, options.output, &report)?;
            return Err(Failure::new(exit, "ended in the warm-up, of which the report is"));
        }
    }
    let plan = args.plan();
    let before = args.server_pid.map(cpu_of).transpose()?;
    let mut progress = Progress::new(plan);
    let (outcome, ended_by) = load.run(args, plan, &mut signals, |second| progress.observe(second)).await?;
    // A server that is gone by now has said what it had to say in failures.
    let after = args.server_pid.and_then(|pid| Cpu::of(pid).ok());
    drop(progress);
    check(&outcome, options, args).await?;
    let cpu = after.zip(before).map(|(after, before)| after.since(before));
    let report = Report::new(args.settings(speech.codec, plan), outcome, cpu);
    publish(args, options.output, &report)?;
    if ended_by == Some(Exit::Terminated) {
        return Err(Failure::new(Exit::Terminated, "ended by SIGTERM"));
    }
    if !args.hold.is_zero() {
        let _ = timeout(args.hold, signals.next()).await;
    }
    drop(load);
    match report.exit() {
        None => Ok(()),
        Some(exit) => Err(Failure::new(exit, "no request was answered")),
    }
}

/// A run that has ended because every other request would have failed too.
async fn check(outcome: &Outcome, options: &Options, args: &BenchArgs) -> Result<(), Failure> {
    let Some(last) = outcome.tally.last_failure() else { return Ok(()) };
    let failure = Failure::new(last.kind.exit(), format!("remote error: {}", last.text));
    Err(catalogue::with_advice(failure, options, &args.addr, &args.method).await)
}

/// What makes the calls.
enum Load {
    /// A task for each call in flight: it can wait for its time, and be given up; its connection may use TLS.
    Workers(Vec<Arc<SharedConnection>>),
    /// The fast loop, for calls that do neither.
    Closed(closed::Load),
}

impl Load {
    /// Opens all connections.
    async fn open(target: Arc<Target>, args: &BenchArgs) -> Result<Self, Failure> {
        if args.is_open() || target.max_time.is_some() || target.is_tls {
            let open = || SharedConnection::open(target.clone()).map_ok(Arc::new);
            return Ok(Self::Workers(open_all(args.connections, open).await?));
        }
        closed::Load::open(target, args.connections, args.in_flight()).await.map(Self::Closed)
    }

    /// Runs `plan` until its end or a signal; what came of it, and the exit code of the signal.
    async fn run(
        &mut self,
        args: &BenchArgs,
        plan: Plan,
        signals: &mut Signals,
        observe: impl FnMut(&Second),
    ) -> Result<(Outcome, Option<Exit>), Failure> {
        let mut ended_by = None;
        let interrupt = async { ended_by = Some(signals.next().await) };
        let outcome = match self {
            Self::Closed(load) => load.run(plan, args.grace, interrupt, observe).await?,
            Self::Workers(connections) => {
                load::run(connections, args.in_flight(), plan, args.grace, interrupt, observe).await
            }
        };
        Ok((outcome, ended_by))
    }
}

fn target(options: &Options, args: &BenchArgs, argument: Any, speech: Speech) -> Result<Target, Failure> {
    let config = Config::default().max_in_flight(args.in_flight());
    Ok(Target {
        addr: args.addr.clone(),
        method: args.method.clone(),
        argument: Argument::new(argument, speech.codec),
        connector: with_login(options, config, speech)?,
        is_tls: options.tls.tls,
        max_time: options.max_time,
    })
}

/// The one argument of all calls: inline, from `@FILE`, or from standard input.
async fn argument(source: &str) -> Result<Any, Failure> {
    let mut values = input::values(source)?;
    let argument = values.recv().await.ok_or_else(|| Failure::usage("the argument is empty"))??;
    match values.recv().await {
        None => Ok(argument),
        Some(_) => Err(Failure::usage("bench takes one argument")),
    }
}

/// Opens so many connections, [`DIALS`] at a time.
async fn open_all<C, O: Future<Output = Result<C, DialError>>>(
    count: usize,
    open: impl FnMut() -> O,
) -> Result<Vec<C>, DialError> {
    stream::iter(iter::repeat_with(open).take(count)).buffered(DIALS).try_collect().await
}

/// What the server has used until now.
fn cpu_of(pid: u32) -> Result<Cpu, Failure> {
    Cpu::of(pid).map_err(|error| unusable(format_args!("--server-pid {pid}"), &error))
}

/// Writes the files first: what is printed is then the last thing that can fail.
fn publish(args: &BenchArgs, format: Option<Format>, report: &Report) -> Result<(), Failure> {
    let write =
        |file: &Path, text: String| fs::write(file, text).map_err(|error| unusable(file.display(), &error));
    if let Some(file) = &args.hdr {
        write(file, report.hgrm())?;
    }
    if let Some(file) = &args.html {
        write(file, report.html())?;
    }
    let text = if args.json || (format == Some(Format::Json) && !args.csv) {
        printable_json(format!("{:#}\n", report.json()))
    } else if args.csv {
        report.csv()
    } else {
        report.to_string()
    };
    output::write(text.as_bytes())
}

fn unusable(subject: impl Display, error: &io::Error) -> Failure {
    Failure::new(Exit::Usage, format!("{subject}: {error}"))
}
