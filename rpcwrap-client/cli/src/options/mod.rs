//! What is asked of every command: how to reach a server, and how to show what it says.

mod tls;

use crate::{
    codec_name::CodecChoice,
    color::ColorWhen,
    failure::{Exit, Failure},
    format::Format,
    units::parse_duration,
};
use std::{fs, path::PathBuf, time::Duration};
use tls::TlsOptions;

/// The flags all commands share.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Options {
    /// Codec to speak; auto asks for JSON and takes another if that is what the server answers
    ///
    /// In vitess' BSON texts and bytes are one kind: what is UTF-8 is shown as a text. For gob, Go's own, the types are
    /// made of the JSON argument: objects are structs, whole numbers ints, numbers with a point floats, lists slices of
    /// one type; a Go server that wants a map or a uint says so.
    #[arg(long, global = true, value_enum, default_value_t = CodecChoice::Auto, value_name = "CODEC")]
    pub(crate) codec: CodecChoice,

    /// Speak the codec from the first byte on, as to Go's rpc.ServeConn; found out without it, but not as quickly
    #[arg(long, global = true, conflicts_with = "user")]
    pub(crate) no_connect: bool,

    /// User to log in as, on the path with a login; needs --password-file
    #[arg(long, global = true, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// File whose first line is the user's secret
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) tls: TlsOptions,

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

impl Options {
    /// User and secret, if the command is to log in.
    pub(crate) fn login(&self) -> Result<Option<(String, String)>, Failure> {
        match (&self.user, &self.password_file) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(Failure::usage("--user needs --password-file")),
            (None, Some(_)) => Err(Failure::usage("--password-file needs --user")),
            (Some(user), Some(file)) => {
                let text = fs::read_to_string(file)
                    .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", file.display())))?;
                Ok(Some((user.clone(), text.lines().next().unwrap_or_default().to_owned())))
            }
        }
    }
}
