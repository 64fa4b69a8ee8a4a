//! `rpcwrap`: a Go-RPC client for terminals and scripts.
//!
//! The command line becomes [`args::Args`], each command is a module of its own, and what goes wrong becomes an exit
//! code in [`failure`].

mod address;
mod args;
mod argument;
mod bench;
mod call;
mod catalogue;
mod codec_name;
mod color;
mod connector;
mod describe;
mod failure;
mod format;
mod generate;
mod http;
mod list;
mod open;
mod options;
mod output;
mod ping;
mod pretty;
mod printable;
mod proxy;
mod session;
mod signals;
mod top;
mod trace;
mod units;
mod watch;

use args::{Args, Command};
use clap::{CommandFactory, Parser};
use failure::{Exit, Failure};
use session::say;
use std::{process::ExitCode, time::Duration};
use tokio::runtime::{self, Runtime};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // That the stream is closed could only be said on that stream.
            let _ = error.print();
            return if error.use_stderr() { (Exit::Usage as u8).into() } else { ExitCode::SUCCESS };
        }
    };
    let ended = runtime(&args.command).and_then(|runtime| {
        let ended = runtime.block_on(run(args));
        // Looking up a name cannot be stopped, and would be waited for.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.exit != Exit::Quiet {
                say(&failure.line());
            }
            (failure.exit as u8).into()
        }
    }
}

/// One thread for commands that print: while stdout takes nothing more the connection is not read either, so a slow
/// reader of a stream slows its server down. All cores for those that move bytes.
fn runtime(command: &Command) -> Result<Runtime, Failure> {
    let mut builder = match command {
        Command::Bench(_) | Command::Proxy(_) => runtime::Builder::new_multi_thread(),
        _ => runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build().map_err(|error| Failure::usage(format!("cannot start: {error}")))
}

async fn run(Args { options, command }: Args) -> Result<(), Failure> {
    let limit = options.max_time;
    match command {
        Command::Call(args) => within(limit, call::run(&options, &args)).await,
        Command::List(args) => within(limit, list::run(&options, &args)).await,
        Command::Describe(args) => within(limit, describe::run(&options, &args)).await,
        Command::Ping(args) => within(limit, ping::run(&options, &args)).await,
        Command::Watch(args) => within(limit, watch::run(&options, &args)).await,
        Command::Top(args) => within(limit, top::run(&options, &args)).await,
        // Its limit is one of each call.
        Command::Bench(args) => bench::run(&options, &args).await,
        Command::Proxy(args) => proxy::run(&options, &args).await,
        Command::Completions(args) => generate::completions(&args, Args::command()),
        Command::Man(args) => generate::man(&args, Args::command()),
    }
}

/// Ends a command when `--max-time` is over.
async fn within(
    limit: Option<Duration>,
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    match limit {
        None => command.await,
        Some(limit) => {
            tokio::time::timeout(limit, command).await.unwrap_or_else(|_| Err(Failure::out_of_time(limit)))
        }
    }
}
