//! The command line.

use crate::hash_password::HashPassword;
use clap::{Parser, Subcommand, ValueEnum};
use serde::Deserialize;
use std::path::PathBuf;

/// A Go-RPC server with services to try: Arith, Count, Echo, Fail, Sleep.
///
/// One port answers Go-RPC clients (CONNECT /_goRPC_ for gob, /_json_rpc_, /_bson_rpc_, /_msgpack_rpc_, and gob, JSON
/// and MessagePack without CONNECT), curl (POST /SERVICE/METHOD), browsers
/// and probes (/, /debug/status, /healthz, /metrics).
#[derive(Debug, Default, Parser)]
#[command(name = "rpcwrapd", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Address to serve: host:port (a name at all its addresses, port 0 takes a free one) or unix:PATH; repeatable [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<String>,

    /// Unix socket to serve; the same as --listen unix:PATH; repeatable
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Vec<PathBuf>,

    /// Address to serve for some protocols only: ADDR=NAME,NAME, such as 127.0.0.1:7072=http,go_rpc; repeatable
    #[arg(long, value_name = "ADDR=NAMES")]
    pub(crate) listen_only: Vec<String>,

    /// Address where /_CODEC_rpc_ takes one request per POST instead of CONNECT (vitess' HTTP-RPC); repeatable
    #[arg(long, value_name = "ADDR")]
    pub(crate) http_rpc_listen: Vec<String>,

    /// Address for pages, probes and /admin only, where every peer sees them; repeatable
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin_listen: Vec<String>,

    /// JSON file of users, {"user": ["secret", …]} or with rights: opens the /auth paths and HTTP basic authentication
    #[arg(long, value_name = "FILE")]
    pub(crate) auth_credentials: Option<PathBuf>,

    /// Refuse the calls of every peer that has not logged in, whatever its protocol
    #[arg(long)]
    pub(crate) require_login: bool,

    /// PEM file with the server's certificate chain: serves TLS on every address; needs --tls-key
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// PEM file of CAs: clients must show a certificate one of them has signed
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_client_ca: Option<PathBuf>,

    /// Whether plain connections are served beside TLS on the same port [default: require]
    #[arg(long, value_name = "POLICY")]
    pub(crate) tls: Option<Policy>,

    /// Proxy to take PROXY headers (v1, v2) from: address, network such as 10.0.0.0/8, or unix; repeatable
    #[arg(long, value_name = "CIDR")]
    pub(crate) proxy_protocol_from: Vec<String>,

    /// Form of the log lines on stderr [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// TOML file with these settings, the log filter and every limit; flags win over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Check the flags, the config file and the files they name, print ok or every fault, and end without serving
    #[arg(long)]
    pub(crate) check_config: bool,
}

/// What else the program does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    HashPassword(HashPassword),
}

impl Args {
    /// The keys, as the config file has them, of the flags that were given.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        [
            ("listen", !self.listen.is_empty()),
            ("unix", !self.unix.is_empty()),
            ("listen_only", !self.listen_only.is_empty()),
            ("http_rpc_listen", !self.http_rpc_listen.is_empty()),
            ("admin_listen", !self.admin_listen.is_empty()),
            ("auth_credentials", self.auth_credentials.is_some()),
            ("require_login", self.require_login),
            ("tls_cert", self.tls_cert.is_some()),
            ("tls_key", self.tls_key.is_some()),
            ("tls_client_ca", self.tls_client_ca.is_some()),
            ("tls", self.tls.is_some()),
            ("proxy_protocol_from", !self.proxy_protocol_from.is_empty()),
            ("log_format", self.log_format.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect()
    }
}

/// What to do with plain connections where TLS is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Policy {
    /// Refuse them
    #[default]
    Require,
    /// Serve them too
    Allow,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

const AFTER_HELP: &str = "\
Environment:
  RUST_LOG              log filter, such as debug or rpcwrap=trace [default: info]
  TOKIO_WORKER_THREADS  threads that serve connections [default: one per core]
  LISTEN_FDS            sockets of systemd's socket activation: served in place of the default address
  NOTIFY_SOCKET         systemd is told of readiness, reloads, restarts, the end, and WATCHDOG_USEC's signs of life

Signals:
  SIGHUP   reads the credentials file, certificates and keys, and the config file's limits and log filter, again
  SIGUSR2  starts the program again, from the path it was called by, with its sockets, and drains once that serves
  SIGTERM  says \"not ready\" for lame_duck (5 s), answers what was read, ends within drain_timeout (30 s)
  SIGINT   the same without lame_duck; a second signal ends at once

Exit codes: 0 all calls were answered, 1 could not start, 2 wrong usage, 3 calls were cut at the end;
  with --check-config 0 is ok, 2 a fault: on stderr, a line each, file:line:column first.

Without serving:
  rpcwrapd --config rpcwrapd.toml --check-config
  rpcwrapd hash-password ala > users.json

Examples:
  rpcwrapd
  rpcwrapd --listen 0.0.0.0:7070 --unix /run/rpcwrapd.sock
  rpcwrapd --config rpcwrapd.toml --log-format json
  rpcwrapd --auth-credentials users.json --http-rpc-listen 127.0.0.1:7071
  rpcwrapd --auth-credentials users.json --admin-listen 127.0.0.1:7079
  rpcwrapd --tls-cert cert.pem --tls-key key.pem --tls allow
  rpcwrapd --listen 0.0.0.0:7070 --proxy-protocol-from 10.0.0.0/8";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_description_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_are_read() {
        let args = "rpcwrapd --listen a:1 --listen unix:b --unix c --http-rpc-listen d:2 --listen-only g:3=http --admin-listen i:4 \
            --auth-credentials e --log-format json --config f --tls-cert g --tls-key h --tls-client-ca i \
            --tls allow --proxy-protocol-from 10.0.0.0/8 --proxy-protocol-from ::1";
        let args = Args::parse_from(args.split_whitespace());
        assert_eq!(args.given().len(), 12);
        assert!(Args::default().given().is_empty());
        assert_eq!(args.listen, ["a:1", "unix:b"]);
        assert_eq!(args.unix, [PathBuf::from("c")]);
        assert_eq!(args.http_rpc_listen, ["d:2"]);
        assert_eq!(args.admin_listen, ["i:4"]);
        assert_eq!((args.listen_only, args.require_login), (vec!["g:3=http".to_owned()], false));
        assert_eq!(args.log_format, Some(LogFormat::Json));
        assert_eq!((args.auth_credentials, args.config), (Some("e".into()), Some("f".into())));
        assert_eq!((args.tls_cert, args.tls_key), (Some("g".into()), Some("h".into())));
        assert_eq!((args.tls_client_ca, args.tls), (Some("i".into()), Some(Policy::Allow)));
        assert_eq!(args.proxy_protocol_from, ["10.0.0.0/8", "::1"]);
        assert!(Args::try_parse_from(["rpcwrapd", "--log-format", "xml"]).is_err());
        assert!(args.command.is_none());
        let args = Args::parse_from(["rpcwrapd", "hash-password", "ala", "--scrypt"]);
        assert!(matches!(args.command, Some(Command::HashPassword(_))));
        for bad in [["--listen", "a:1", "hash-password"], ["hash-password", "--all", "--scrypt"]] {
            assert!(Args::try_parse_from([&["rpcwrapd"], &bad[..]].concat()).is_err(), "{bad:?}");
        }
    }
}
