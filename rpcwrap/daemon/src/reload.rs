//! SIGHUP: the credentials file, certificates and keys, and the config file's log filter are read again; what cannot be read changes nothing.

use crate::{config_file::ConfigFile, log::Filter, systemd::Notifier};
use rpcwrap::Server;
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

    /// Reloads at every signal, for ever; `tls` is whether there are certificates.
    pub(crate) async fn reload(
        mut self,
        server: &Server,
        tls: bool,
        config_file: Option<&Path>,
        filter: &Filter,
        notifier: &Notifier,
    ) -> Infallible {
        loop {
            // `None` would mean that the runtime has ended, and we with it.
            self.0.recv().await;
            notifier.reloading();
            reload(server, tls, config_file, filter);
            notifier.ready();
        }
    }
}

fn reload(server: &Server, tls: bool, config_file: Option<&Path>, filter: &Filter) {
    match server.reload_credentials() {
        Ok(()) => tracing::info!("credentials reloaded"),
        Err(error) => tracing::warn!(%error, "credentials not reloaded, the old ones stay"),
    }
    match server.reload_tls() {
        Ok(()) if !tls => {}
        Ok(()) => tracing::info!("certificates reloaded"),
        Err(error) => tracing::warn!(%error, "certificates not reloaded, the old ones stay"),
    }
    let Some(path) = config_file else { return };
    let read = ConfigFile::read(path).map_err(|faults| faults.to_string().replace('\n', "; "));
    match read.and_then(|file| filter.set(file.log.as_deref())) {
        Ok(()) => tracing::info!("log filter reloaded"),
        Err(error) => tracing::warn!(error, "log filter not reloaded, the old one stays"),
    }
}
