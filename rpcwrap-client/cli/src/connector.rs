//! From the options to the library's connector, with which every command dials.

use crate::{codec_name::CodecName, failure::Failure, options::Options};
use rpcwrap_client::{AnyCodec, Config, Connector};
use std::fmt;

/// What is spoken with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Speech {
    pub(crate) codec: CodecName,
    /// Whether it is asked for by CONNECT; else it is spoken from the first byte on.
    pub(crate) connect: bool,
}

/// As the flags for it.
impl fmt::Display for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let no_connect = if self.connect { "" } else { " --no-connect" };
        write!(f, "--codec {}{no_connect}", AnyCodec::from(self.codec).name())
    }
}

/// To the machines the options mean, for what is no call: `config` gets its times and TLS from them.
pub(crate) fn connector(options: &Options, config: Config) -> Connector {
    let mut config = config.connect_timeout(options.connect_timeout);
    config.tls = options.tls.config();
    Connector::new(AnyCodec::Json).config(config)
}

/// To servers that speak so, with the login if the options say one.
///
/// # Errors
/// The secret cannot be read.
pub(crate) fn with_login(options: &Options, config: Config, speech: Speech) -> Result<Connector, Failure> {
    let mut config = config.connect_timeout(options.connect_timeout);
    config.tls = options.tls.config();
    let mut connector = Connector::new(speech.codec.into()).config(config);
    if !speech.connect {
        connector = connector.without_connect();
    }
    Ok(match options.login()? {
        Some((user, secret)) => connector.login(user, secret),
        None => connector,
    })
}
