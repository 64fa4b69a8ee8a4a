//! Makes a server of the settings; nothing listens yet. What is wrong with the files they name shows here.

use crate::{
    demo,
    fault::{Fault, Faults},
    log::Log,
    restart::Asking,
    settings::{Origins, Settings},
};
use futures_util::FutureExt;
use rpcwrap::{ConfigError, Credentials, Server, TlsError};

/// The server with the demo services; `hooks` are what a program that is to serve has to tell and to change: its log,
/// and the program itself.
///
/// # Errors
/// Everything that is wrong with the credentials, certificates and names of protocols.
pub(crate) fn server(settings: &Settings, hooks: Option<(Log, Asking)>) -> Result<Server, Faults> {
    let mut faults = Vec::new();
    let mut builder = demo::services(Server::builder().config(settings.config.clone()));
    if let Some(file) = &settings.auth_credentials {
        // With none in place of those that cannot be read, the rest is checked all the same.
        builder = builder.credentials(Credentials::from_file(file).unwrap_or_else(|error| {
            faults.push(Fault::new(None, error));
            Credentials::default()
        }));
    }
    if let Some((log, asking)) = hooks {
        let losses = log.clone();
        builder = builder.on_log_filter(move |text| log.set_filter(text));
        builder = builder.dropped_log_lines(move || losses.dropped_lines());
        builder = builder.on_restart(move || asking.clone().restart().boxed());
    }
    if settings.require_login {
        builder = builder.require_login();
    }
    if let Some(tls) = &settings.tls {
        builder = builder.tls(tls.clone());
    }
    if let Some(proxies) = &settings.proxies {
        builder = builder.proxy_protocol(proxies.clone());
    }
    match builder.build() {
        Ok(server) => {
            faults.extend(unknown_protocols(&server, settings));
            Faults::unless_none(faults)?;
            Ok(server)
        }
        Err(error) => {
            faults.push(blamed(&error, &settings.origins));
            Err(Faults(faults))
        }
    }
}

/// The fault of the setting that made it.
fn blamed(error: &ConfigError, origins: &Origins) -> Fault {
    let key = match error {
        ConfigError::NoWayToLogIn if origins.has("require_login") => "require_login",
        ConfigError::NoWayToLogIn => "pages",
        ConfigError::BadUser { .. } => "auth_credentials",
        ConfigError::Tls(TlsError::Unreadable { what, .. } | TlsError::Malformed { what, .. }) => match *what
        {
            "private key" => "tls_key",
            "client CA" => "tls_client_ca",
            _ => "tls_cert",
        },
        ConfigError::Tls(_) => "tls_cert",
        _ => return Fault::new(None, error),
    };
    origins.fault(key, error)
}

/// Names in `listen_only` that no protocol has.
fn unknown_protocols(server: &Server, settings: &Settings) -> Vec<Fault> {
    let known: Vec<&str> = server.protocols().map(|protocol| protocol.name()).collect();
    let mut faults = Vec::new();
    for (index, (_, names)) in settings.listen_only.iter().enumerate() {
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            let what = format!("no protocol {name:?}; there are {}", known.join(", "));
            faults.push(settings.origins.fault_in("listen_only", index, what));
        }
    }
    faults
}
