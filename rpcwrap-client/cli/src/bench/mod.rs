//! `rpcwrap bench`: load a method and report how it answers.
//!
//! ```text
//! args → schedule    what is asked for, and when each request is due
//! run → target       workers make the calls over connections that heal
//! tally → failure    what became of each
//! report             the same figures as text, JSON, CSV, page and histogram
//! ```

mod args;
mod failure;
mod progress;
mod report;
mod run;
mod schedule;
mod tally;
mod target;

pub(crate) use args::Args;

use failure::Failure;
use futures_util::future::try_join_all;
use progress::Progress;
use report::Report;
use rpcwrap_client::Config;
use run::run;
use serde_json::Value;
use std::{
    fs,
    future::pending,
    io::{self, ErrorKind, Read, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};
use target::{Link, Target};

/// Bad usage and files that cannot be read or written.
const USAGE: u8 = 1;
/// Connections opened at a time.
const DIALS: usize = 64;

/// Why there is no report: a text for people and the exit code.
type Refusal = (String, u8);

/// Runs the command; what it prints is the report, everything else goes to stderr.
pub(crate) async fn execute(args: Args) -> ExitCode {
    match bench(&args).await {
        Ok(code) => ExitCode::from(code),
        Err((text, code)) => {
            // Nobody is left to tell when stderr is closed.
            let _ = writeln!(io::stderr(), "rpcwrap: {text}");
            ExitCode::from(code)
        }
    }
}

async fn bench(args: &Args) -> Result<u8, Refusal> {
    let target = Arc::new(target(args)?);
    let mut links = Vec::with_capacity(args.connections);
    while links.len() < args.connections {
        let more = DIALS.min(args.connections - links.len());
        let dialling = (0..more).map(|_| Link::open(target.clone()));
        let opened = try_join_all(dialling).await.map_err(|error| {
            let failure = Failure::from(&error);
            (failure.text, failure.kind.exit_code())
        })?;
        links.extend(opened.into_iter().map(Arc::new));
    }

    if let Some(warm_up) = args.warm_up_plan() {
        let outcome = run(&links, args.in_flight(), warm_up, args.grace, interrupt(), |_| {}).await;
        if outcome.interrupted {
            return Ok(0);
        }
    }
    let plan = args.plan();
    let mut progress = Progress::new(plan);
    let outcome =
        run(&links, args.in_flight(), plan, args.grace, interrupt(), |second| progress.observe(second)).await;
    drop(progress);
    let report = Report::new(args.asked(plan), outcome);
    publish(args, &report)?;
    Ok(report.exit_code())
}

fn target(args: &Args) -> Result<Target, Refusal> {
    let login = match (&args.user, &args.password_file) {
        (Some(user), Some(file)) => {
            let secret = fs::read_to_string(file).map_err(|error| refusal(&file.display(), &error))?;
            Some((user.clone(), secret.trim_end_matches(['\r', '\n']).to_owned()))
        }
        _ => None,
    };
    let config = Config::default().connect_timeout(args.connect_timeout).max_in_flight(args.in_flight());
    Ok(Target {
        addr: args.addr.clone(),
        method: args.method.clone(),
        argument: argument(&args.arg)?,
        codec: args.codec.into(),
        login,
        max_time: args.max_time,
        config,
    })
}

/// The argument as JSON: inline, from `@FILE`, or from standard input.
fn argument(text: &str) -> Result<Value, Refusal> {
    let read = match text.strip_prefix('@') {
        Some(file) => fs::read_to_string(file).map_err(|error| refusal(&file, &error))?,
        None if text == "-" => {
            let mut input = String::new();
            io::stdin().read_to_string(&mut input).map_err(|error| refusal(&"standard input", &error))?;
            input
        }
        None => text.to_owned(),
    };
    serde_json::from_str(&read).map_err(|error| (format!("the argument is no JSON: {error}"), USAGE))
}

/// Writes the files first: what is printed is then the last thing that can fail.
fn publish(args: &Args, report: &Report) -> Result<(), Refusal> {
    let write =
        |file: &Path, text: String| fs::write(file, text).map_err(|error| refusal(&file.display(), &error));
    if let Some(file) = &args.hdr {
        write(file, report.hgrm())?;
    }
    if let Some(file) = &args.html {
        write(file, report.html())?;
    }
    let mut out = io::stdout().lock();
    let written = if args.json {
        writeln!(out, "{:#}", report.json())
    } else if args.csv {
        out.write_all(report.csv().as_bytes())
    } else {
        write!(out, "{}", report.text())
    };
    match written {
        // The reader of a pipe has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(refusal(&"standard output", &error)),
        _ => Ok(()),
    }
}

fn refusal(subject: &dyn std::fmt::Display, error: &io::Error) -> Refusal {
    (format!("{subject}: {error}"), USAGE)
}

/// Completes at Ctrl-C; never where there are no signals to be had.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}
