//! The command-line client.

mod bench;
mod proxy;
mod units;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A Go-RPC client.
#[derive(Debug, Parser)]
#[command(name = "rpcwrap", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Args),
    Proxy(proxy::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Options::parse().command {
        Command::Bench(args) => bench::execute(args).await,
        Command::Proxy(args) => proxy::execute(args).await,
    }
}
