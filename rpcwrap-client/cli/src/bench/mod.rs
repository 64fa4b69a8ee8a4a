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
    connector::with_login,
    failure::{Exit, Failure},
    format::Format,
    options::Options,
    output,
};
use codecs::types::Any;
use futures_util::{StreamExt, TryFutureExt, TryStreamExt, stream};
use load::{Outcome, Plan};
use progress::Progress;
use report::Report;
use rpcwrap_client::{Config, DialError};
use server_cpu::Cpu;
use std::{fmt::Display, fs, future::pending, io, iter, path::Path, sync::Arc};
use tally::Second;
use target::{SharedConnection, Target};
use tokio::time::timeout;

/// Connections opened at a time: a server's accept queue has room for them.
const DIALS: usize = 64;

/// Runs the command and prints its report; `--max-time` limits each call.
///
/// # Errors
/// No load at all: wrong usage, no connection. And, with the report printed, no answer at all.
pub(crate) async fn run(options: &Options, args: &BenchArgs) -> Result<(), Failure> {
    let mut load = Load::open(Arc::new(target(options, args).await?), args).await?;
    if let Some(warm_up) = args.warm_up_plan()
        && load.run(args, warm_up, |_| {}).await?.interrupted
    {
        return Ok(());
    }
    let plan = args.plan();
    let before = args.server_pid.map(cpu_of).transpose()?;
    let mut progress = Progress::new(plan);
    let outcome = load.run(args, plan, |second| progress.observe(second)).await?;
    // A server that is gone by now has said what it had to say in failures.
    let after = args.server_pid.and_then(|pid| Cpu::of(pid).ok());
    drop(progress);
    let cpu = after.zip(before).map(|(after, before)| after.since(before));
    let report = Report::new(args.settings(options, plan), outcome, cpu);
    publish(args, options.output, &report)?;
    if !args.hold.is_zero() {
        let _ = timeout(args.hold, interrupt()).await;
    }
    drop(load);
    match report.exit() {
        None => Ok(()),
        Some(exit) => Err(Failure::new(exit, "no request was answered")),
    }
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

    /// Runs `plan` until its end or Ctrl-C.
    async fn run(
        &mut self,
        args: &BenchArgs,
        plan: Plan,
        observe: impl FnMut(&Second),
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Closed(load) => load.run(plan, args.grace, interrupt(), observe).await,
            Self::Workers(connections) => {
                Ok(load::run(connections, args.in_flight(), plan, args.grace, interrupt(), observe).await)
            }
        }
    }
}

async fn target(options: &Options, args: &BenchArgs) -> Result<Target, Failure> {
    let config = Config::default().max_in_flight(args.in_flight());
    Ok(Target {
        addr: args.addr.clone(),
        method: args.method.clone(),
        argument: Argument::new(argument(&args.arg).await?, options.codec),
        connector: with_login(options, config)?,
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
        format!("{:#}\n", report.json())
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

/// Completes at Ctrl-C; never where there are no signals to be had.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}
