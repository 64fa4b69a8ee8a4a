//! The command line: every command, every flag, and the examples `--help` shows.
//!
//! Each command's own flags are with its command; what all of them share is [`Options`].

use crate::{
    bench::BenchArgs,
    call::CallArgs,
    describe::DescribeArgs,
    generate::{CompletionsArgs, ManArgs},
    list::ListArgs,
    ping::PingArgs,
    proxy::ProxyArgs,
    tls::TlsArgs,
    top::TopArgs,
    units::parse_duration,
    watch::WatchArgs,
};
use clap::{Parser, Subcommand, ValueEnum};
use rpcwrap_client::{AnyCodec, BsonDialect};
use std::{path::PathBuf, time::Duration};

/// Calls Go-RPC servers: ours, Go's net/rpc with jsonrpc over CONNECT, vitess' bsonrpc.
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

/// How to reach a server and how to show what it says.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Options {
    /// Codec to speak
    ///
    /// In vitess' BSON texts and bytes are one kind: what is UTF-8 is shown as a text. For gob, Go's own, the types are
    /// made of the JSON argument: objects are structs, whole numbers ints, numbers with a point floats, lists slices of
    /// one type; a Go server that wants a map or a uint says so.
    #[arg(long, global = true, value_enum, default_value_t = CodecName::Json, value_name = "CODEC")]
    pub(crate) codec: CodecName,

    /// User to log in as, on the path with a login; needs --password-file
    #[arg(long, global = true, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// File whose first line is the user's secret
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) tls: TlsArgs,

    /// Limit for connecting, TLS, CONNECT and login together, such as 500ms or 2s
    #[arg(long, global = true, value_parser = parse_duration, default_value = "10s", value_name = "TIME")]
    pub(crate) connect_timeout: Duration,

    /// Limit for everything together; the server is told what is left of it
    #[arg(long, global = true, value_parser = parse_duration, value_name = "TIME")]
    pub(crate) max_time: Option<Duration>,

    /// Show the bytes on the wire on stderr; twice: the time of each phase too
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Form of the output [default: json for replies, else a table on a terminal and plain lines in a pipe]
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    /// When to use colours; auto heeds NO_COLOR, CLICOLOR_FORCE and CLICOLOR, in this order
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    pub(crate) color: ColorWhen,
}

/// The codecs of the client library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodecName {
    Json,
    Bson,
    Gob,
    Msgpack,
}

impl From<CodecName> for AnyCodec {
    fn from(name: CodecName) -> Self {
        match name {
            CodecName::Json => Self::Json,
            CodecName::Bson => Self::Bson(BsonDialect::default()),
            CodecName::Gob => Self::Gob,
            CodecName::Msgpack => Self::Msgpack,
        }
    }
}

/// Forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON: indented on a terminal, one line per value in a pipe
    Json,
    /// Columns
    Table,
    /// Plain lines; texts without quotes
    Raw,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}

const AFTER_HELP: &str = "\
Addresses: host:port, :port on this machine, unix:PATH.

Exit codes: 0 ok, 1 wrong usage, 7 cannot connect, 28 out of time, 35 no TLS, 52 closed without an answer, 60 the
server's certificate is not to be trusted, 65 the server answered with an error, 66 the server broke the protocol,
67 draining or overloaded.

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
