//! SIGHUP: the credentials file and the config file's log filter are read again; what cannot be read changes nothing.

use crate::{config_file::ConfigFile, log::Filter};
use rpcwrap::Server;
use std::{io, path::Path};
use tokio::signal::unix::{SignalKind, signal};

/// Reloads at every SIGHUP. Only returns if that cannot be had.
pub(crate) async fn on_hangup(server: &Server, config_file: Option<&Path>, filter: &Filter) -> io::Error {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => return error,
    };
    while hangup.recv().await.is_some() {
        match server.reload_credentials() {
            Ok(()) => tracing::info!("credentials reloaded"),
            Err(error) => tracing::warn!(%error, "credentials not reloaded, the old ones stay"),
        }
        let Some(path) = config_file else { continue };
        let read = ConfigFile::read(path).map_err(|error| error.to_string());
        match read.and_then(|file| filter.set(file.log.as_deref())) {
            Ok(()) => tracing::info!("log filter reloaded"),
            Err(error) => tracing::warn!(error, "log filter not reloaded, the old one stays"),
        }
    }
    io::Error::other("no more signals from the runtime")
}
