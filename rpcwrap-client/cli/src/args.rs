//! The command line: every command, every flag, and the examples `--help` shows.
//!
//! Each command's own flags are with its command; what all of them share is [`Options`].

use crate::{
    bench::BenchArgs,
    call::CallArgs,
    describe::DescribeArgs,
    generate::{CompletionsArgs, ManArgs},
    list::ListArgs,
    options::Options,
    ping::PingArgs,
    proxy::ProxyArgs,
    top::TopArgs,
    watch::WatchArgs,
};
use clap::{Parser, Subcommand};

/// Calls Go-RPC servers: ours, Go's net/rpc (gob) and jsonrpc, vitess' bsonrpc, net-rpc-msgpackrpc; over CONNECT or
/// without it.
///
/// Replies are JSON on stdout; everything else is on stderr.
#[derive(Debug, Parser)]
#[command(name = "rpcwrap", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Call(CallArgs),
    List(ListArgs),
    Describe(DescribeArgs),
    Ping(PingArgs),
    Watch(WatchArgs),
    Top(TopArgs),
    Bench(BenchArgs),
    Proxy(ProxyArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

const AFTER_HELP: &str = "\
Addresses: host:port, [fe80::1%eth0]:port, :port on this machine, unix:PATH, http://host:port. Of a name with several
addresses the first that answers is taken.

Exit codes: 0 ok, 1 wrong usage, 7 cannot connect, 28 out of time, 35 no TLS, 52 closed without an answer, 60 the
server's certificate is not to be trusted, 65 the server answered with an error, 66 the server broke the protocol,
67 draining or overloaded, 130 bench was ended by Ctrl-C before its run, 143 by SIGTERM.

Examples:
  rpcwrap call 127.0.0.1:7070 Arith.Multiply '{\"A\":7,\"B\":8}'
  rpcwrap list 127.0.0.1:7070
  rpcwrap describe 127.0.0.1:7070 Arith.Multiply
  rpcwrap ping 127.0.0.1:7070 -c 10";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_description_is_consistent() {
        Args::command().debug_assert();
    }
}
