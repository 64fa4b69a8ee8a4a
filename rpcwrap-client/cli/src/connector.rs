//! From the options to the library's connector, with which every command dials.

use crate::{failure::Failure, options::Options};
use rpcwrap_client::{Config, Connector};

/// To the servers the options mean, without a login; `config` gets its times and TLS from them.
pub(crate) fn connector(options: &Options, config: Config) -> Connector {
    let mut config = config.connect_timeout(options.connect_timeout);
    config.tls = options.tls.config();
    Connector::new(options.codec.into()).config(config)
}

/// The same with the login, if the options say one.
///
/// # Errors
/// The secret cannot be read.
pub(crate) fn with_login(options: &Options, config: Config) -> Result<Connector, Failure> {
    let connector = connector(options, config);
    Ok(match options.login()? {
        Some((user, secret)) => connector.login(user, secret),
        None => connector,
    })
}
