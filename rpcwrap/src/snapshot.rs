//! Everything pages show, gathered at one moment as plain data.

use crate::{dispatch::Dispatch, registry::MethodInfo, shutdown::Phase, stats::ServerSnapshot};
use std::{
    sync::LazyLock,
    time::{Duration, Instant, SystemTime},
};

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The server at one moment. Pages are pure functions of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Snapshot {
    /// When it was taken.
    pub now: SystemTime,
    /// How long the program has served.
    pub uptime: Duration,
    /// Where the server is in its life.
    pub phase: Phase,
    /// The limit on open connections.
    pub max_connections: usize,
    /// Numbers of the whole server.
    pub server: ServerSnapshot,
    /// Every service's name and description.
    pub services: Vec<(String, String)>,
    /// Every method with its numbers, in the order of names.
    pub methods: Vec<MethodInfo>,
    /// Names of the codecs.
    pub codecs: Vec<String>,
    /// Names of the protocols.
    pub protocols: Vec<&'static str>,
}

impl Snapshot {
    /// Starts the clock of `uptime`.
    pub(crate) fn start_clock() {
        LazyLock::force(&STARTED);
    }

    pub(crate) fn take(dispatch: &Dispatch, codecs: Vec<String>, protocols: Vec<&'static str>) -> Self {
        Self {
            now: SystemTime::now(),
            uptime: STARTED.elapsed(),
            phase: dispatch.shutdown.phase(),
            max_connections: dispatch.config.max_connections,
            server: dispatch.stats.snapshot(dispatch.connections.open()),
            services: dispatch.registry.services().iter().map(|(n, d)| (n.clone(), d.clone())).collect(),
            methods: dispatch.registry.methods(),
            codecs,
            protocols,
        }
    }
}
