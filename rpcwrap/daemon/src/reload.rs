//! SIGHUP: the credentials file and the config file's limits and log filter are read again and put in force together,
//! certificates and keys beside them. What cannot be read changes nothing, what needs a restart is said.

use crate::{config_file::ConfigFile, log, systemd::Notifier};
use rpcwrap::{PolicyChange, Server};
use std::{convert::Infallible, io, path::Path};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGHUP, caught from here on.
pub(crate) struct Hangup(Signal);

impl Hangup {
    /// Starts to catch it.
    ///
    /// # Errors
    /// The system does not let us.
    pub(crate) fn new() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Reloads at every signal, for ever; `tls` is whether there are certificates, `started_with` the config file and
    /// what it said then.
    pub(crate) async fn reload(
        mut self,
        server: &Server,
        tls: bool,
        started_with: Option<(&Path, &ConfigFile)>,
        notifier: &Notifier,
    ) -> Infallible {
        loop {
            // `None` would mean that the runtime has ended, and we with it.
            self.0.recv().await;
            notifier.reloading();
            reload(server, started_with);
            if tls {
                reload_tls(server);
            }
            notifier.ready();
        }
    }
}

/// One change of all that can be read. It is announced before: the filter of the log may be part of it.
fn reload(server: &Server, started_with: Option<(&Path, &ConfigFile)>) {
    let mut change = PolicyChange::new();
    let mut parts = Vec::new();
    if let Some(credentials) = server.policy().credentials() {
        match credentials.read_again() {
            Ok(credentials) => {
                change = change.credentials(Some(credentials));
                parts.push("credentials");
            }
            Err(error) => tracing::warn!(%error, "credentials not reloaded, the old ones stay"),
        }
    }
    if let Some((path, before)) = started_with {
        match read(path) {
            Ok((file, filter)) => {
                for key in before.fixed_differences(&file) {
                    tracing::warn!("{key} has changed, which needs a restart");
                }
                let (limits, now) = (file.limits, server.policy());
                let (dialect, times) = (now.config().bson_dialect, now.config().msgpack_times);
                change = change.config(move |_| limits.bson_dialect(dialect).msgpack_times(times));
                parts.push("limits");
                change = change.log(filter);
                parts.push("log filter");
            }
            Err(error) => tracing::warn!(error, "limits and log filter not reloaded, the old ones stay"),
        }
    }
    if parts.is_empty() {
        return;
    }
    tracing::info!("reloading {}", parts.join(", "));
    match server.change_policy(change) {
        Ok(_) => tracing::info!("reloaded {}", parts.join(", ")),
        Err(error) => tracing::warn!(%error, "nothing reloaded, all stays as it was"),
    }
}

/// The file, and the filter that it or `RUST_LOG` wants.
fn read(path: &Path) -> Result<(ConfigFile, String), String> {
    let file = ConfigFile::read(path).map_err(|faults| faults.to_string().replace('\n', "; "))?;
    let read = log::read(file.log.as_deref());
    let (filter, _) = read.map_err(|(source, why)| format!("{source}: {why}"))?;
    Ok((file, filter))
}

fn reload_tls(server: &Server) {
    match server.reload_tls() {
        Ok(()) => tracing::info!("certificates reloaded"),
        Err(error) => tracing::warn!(%error, "certificates not reloaded, the old ones stay"),
    }
}
