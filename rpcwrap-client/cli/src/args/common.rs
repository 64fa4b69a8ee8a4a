//! The flags all commands share.

use super::tls::TlsArgs;
use crate::{
    codec_name::CodecName, color::ColorWhen, format::Format, options::Options, units::parse_duration,
};
use std::{path::PathBuf, time::Duration};

/// How to reach a server and how to show what it says.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct CommonArgs {
    /// Codec to speak
    ///
    /// In vitess' BSON texts and bytes are one kind: what is UTF-8 is shown as a text. For gob, Go's own, the types are
    /// made of the JSON argument: objects are structs, whole numbers ints, numbers with a point floats, lists slices of
    /// one type; a Go server that wants a map or a uint says so.
    #[arg(long, global = true, value_enum, default_value_t = CodecName::Json, value_name = "CODEC")]
    codec: CodecName,

    /// User to log in as, on the path with a login; needs --password-file
    #[arg(long, global = true, value_name = "USER")]
    user: Option<String>,

    /// File whose first line is the user's secret
    #[arg(long, global = true, value_name = "FILE")]
    password_file: Option<PathBuf>,

    #[command(flatten)]
    tls: TlsArgs,

    /// Limit for connecting, TLS, CONNECT and login together, such as 500ms or 2s
    #[arg(long, global = true, value_parser = parse_duration, default_value = "10s", value_name = "TIME")]
    connect_timeout: Duration,

    /// Limit for everything together; the server is told what is left of it
    #[arg(long, global = true, value_parser = parse_duration, value_name = "TIME")]
    max_time: Option<Duration>,

    /// Show the bytes on the wire on stderr; twice: the time of each phase too
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Form of the output [default: json for replies, else a table on a terminal and plain lines in a pipe]
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    output: Option<Format>,

    /// When to use colours; auto heeds NO_COLOR, CLICOLOR_FORCE and CLICOLOR, in this order
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    color: ColorWhen,
}

impl From<CommonArgs> for Options {
    fn from(args: CommonArgs) -> Self {
        let CommonArgs { codec, user, password_file, tls, connect_timeout, max_time, verbose, output, color } =
            args;
        let tls = tls.config();
        Self { codec, user, password_file, tls, connect_timeout, max_time, verbose, output, color }
    }
}
