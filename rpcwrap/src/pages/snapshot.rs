//! Everything pages show, gathered at one moment as plain data.

use crate::{
    call::{dispatch::Dispatch, registry::MethodInfo},
    live::{connection_info::ConnectionInfo, shutdown::Phase, stats::ServerSnapshot},
    pages::{protocol_info::ProtocolInfo, rejected_info::FailedOpening},
};
use std::{
    fs,
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
    /// The program it runs in.
    pub process: Process,
    /// Where the server is in its life.
    pub phase: Phase,
    /// The limit on open connections.
    pub max_connections: usize,
    /// The limit on waiting calls.
    pub max_calls: usize,
    /// Calls that wait for their handlers.
    pub waiting_calls: usize,
    /// Numbers of the whole server.
    pub server: ServerSnapshot,
    /// Every service's name and description.
    pub services: Vec<(String, String)>,
    /// Every method with its numbers, in the order of names.
    pub methods: Vec<MethodInfo>,
    /// Names of the codecs.
    pub codecs: Vec<String>,
    /// The protocols, in the order they are asked.
    pub protocols: Vec<ProtocolInfo>,
    /// The last connections that no protocol took, the oldest first; at most 32.
    pub failed_openings: Vec<FailedOpening>,
    /// Open connections, the oldest first; empty but on the page that shows them.
    pub connections: Vec<ConnectionInfo>,
    /// Whether more is there than its viewer may see.
    pub(crate) is_part: bool,
}

impl Snapshot {
    /// Starts the clock of `uptime`.
    pub(crate) fn start_clock() {
        LazyLock::force(&STARTED);
    }

    /// The numbers of `dispatch`, with what only a listener knows: its codecs, protocols and rejected connections.
    pub(crate) fn take(
        dispatch: &Dispatch,
        codecs: Vec<String>,
        protocols: Vec<ProtocolInfo>,
        failed_openings: Vec<FailedOpening>,
    ) -> Self {
        Self {
            now: SystemTime::now(),
            uptime: STARTED.elapsed(),
            process: Process::look(),
            phase: dispatch.live.shutdown.phase(),
            max_connections: dispatch.live.config().max_connections,
            max_calls: dispatch.live.config().max_calls,
            waiting_calls: dispatch.live.waiting.now(),
            server: dispatch.live.server_snapshot(),
            services: dispatch.registry.services().iter().map(|(n, d)| (n.clone(), d.clone())).collect(),
            methods: dispatch.registry.methods(),
            codecs,
            protocols,
            failed_openings,
            connections: Vec::new(),
            is_part: false,
        }
    }

    /// The part for a viewer who knows the methods for whose full names `knows` says so, and is shown the connections
    /// that are its own; peers and command line it is not.
    pub(crate) fn part(
        &self,
        knows: impl Fn(&str) -> bool,
        is_own: impl Fn(&ConnectionInfo) -> bool,
    ) -> Self {
        let is_known = |method: &&MethodInfo| knows(&format!("{}.{}", method.service, method.method));
        let methods: Vec<_> = self.methods.iter().filter(is_known).cloned().collect();
        let is_hidden = |service: &str| {
            let is_of = |method: &MethodInfo| method.service == service;
            self.methods.iter().any(is_of) && !methods.iter().any(is_of)
        };
        let services = self.services.iter().filter(|(name, _)| !is_hidden(name)).cloned().collect();
        Self {
            now: self.now,
            uptime: self.uptime,
            process: Process { command: Vec::new(), ..self.process },
            phase: self.phase,
            max_connections: self.max_connections,
            max_calls: self.max_calls,
            waiting_calls: self.waiting_calls,
            server: self.server.clone(),
            services,
            methods,
            codecs: self.codecs.clone(),
            protocols: self.protocols.clone(),
            failed_openings: Vec::new(),
            connections: self.connections.iter().filter(|one| is_own(one)).cloned().collect(),
            is_part: true,
        }
    }
}

/// What the operating system says of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its process id.
    pub id: u32,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Bytes of memory it occupies; 0 where the system does not say.
    pub resident_bytes: u64,
    /// Bytes of address space it has reserved; 0 where the system does not say.
    pub virtual_bytes: u64,
}

impl Process {
    fn look() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            id: std::process::id(),
            command: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            resident_bytes: status_bytes(&status, "VmRSS:"),
            virtual_bytes: status_bytes(&status, "VmSize:"),
        }
    }
}

/// A line such as `VmRSS:      5120 kB`.
fn status_bytes(status: &str, label: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(label));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture;

    #[test]
    fn a_part_has_neither_what_is_hidden_nor_other_peers() {
        let whole = fixture::snapshot();
        let part = whole.part(|name| name == "Arith.Divide", |one| one.id == 2);
        let names = |methods: &[MethodInfo]| methods.iter().map(|one| one.method.clone()).collect::<Vec<_>>();
        assert_eq!(names(&part.methods), ["Divide"]);
        assert_eq!(part.services, whole.services[1..]);
        assert_eq!(part.connections, whole.connections[1..]);
        assert!(part.process.command.is_empty() && part.failed_openings.is_empty() && part.is_part);
    }

    #[test]
    fn memory_is_read_from_the_status_file() {
        let status = "Name:\tx\nVmSize:\t  226304 kB\nVmRSS:\t    5120 kB\n";
        assert_eq!(status_bytes(status, "VmRSS:"), 5120 * 1024);
        assert_eq!(status_bytes(status, "VmSize:"), 226_304 * 1024);
        assert_eq!(status_bytes("", "VmRSS:"), 0);
        assert_eq!(Process::look().id, std::process::id());
    }
}
