//! What was asked of every command: how to reach a server, and how to show what it says.

use crate::{
    codec_name::CodecName,
    color::ColorWhen,
    failure::{Exit, Failure},
    format::Format,
};
use rpcwrap_client::TlsConfig;
use std::{fs, path::PathBuf, time::Duration};

/// Plain data; where it comes from is the caller's business.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) codec: CodecName,
    /// User to log in as.
    pub(crate) user: Option<String>,
    /// File whose first line is the user's secret.
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) tls: Option<TlsConfig>,
    /// Limit for connecting, TLS, CONNECT and login together.
    pub(crate) connect_timeout: Duration,
    /// Limit for everything together.
    pub(crate) max_time: Option<Duration>,
    /// How much of the connection is shown: its bytes, from 2 on the time of each phase too.
    pub(crate) verbose: u8,
    /// Form of the output, if it is not the command's own.
    pub(crate) output: Option<Format>,
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
