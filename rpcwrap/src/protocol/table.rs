//! The protocols of a server, checked against one another when it is built, and what each listener offers of them.

use super::{Protocol, ProtocolError};
#[cfg(feature = "tls")]
use crate::io::tls::{PortTls, TlsPolicy};
use crate::{
    call::dispatch::Dispatch,
    error::ConfigError,
    io::ProxyProtocol,
    live::stats::Counter,
    pages::{protocol_info::ProtocolInfo, snapshot::Snapshot},
    peer::IN_PROCESS,
    protocol::{
        rejected::FailedOpenings,
        sniff::{Choice, choose},
    },
};
use codecs::{AnyCodec, connect::parse_path};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// A protocol and what it has done.
pub(crate) struct Registered {
    pub(crate) protocol: Arc<dyn Protocol>,
    prefaces: Vec<Vec<u8>>,
    connections: AtomicU64,
    pub(crate) matched: Counter,
    too_big: Counter,
    overloaded: Counter,
    malformed: Counter,
}

impl Registered {
    pub(crate) fn new(protocol: Arc<dyn Protocol>) -> Self {
        Self {
            prefaces: protocol.prefaces(),
            protocol,
            connections: AtomicU64::new(0),
            matched: Counter::default(),
            too_big: Counter::default(),
            overloaded: Counter::default(),
            malformed: Counter::default(),
        }
    }

    /// Counts a connection that is this protocol's until the guard is dropped.
    pub(crate) fn take(self: &Arc<Self>) -> OpenConnection {
        self.matched.add_one();
        self.connections.fetch_add(1, Relaxed);
        OpenConnection(self.clone())
    }

    /// Counts why a connection was given up, if the counters have a word for it.
    pub(crate) fn count(&self, error: &ProtocolError) {
        match error {
            ProtocolError::TooBig { .. } => self.too_big.add_one(),
            ProtocolError::Overloaded => self.overloaded.add_one(),
            ProtocolError::Malformed(_) => self.malformed.add_one(),
            ProtocolError::Io(_) => {}
        }
    }

    fn info(&self) -> ProtocolInfo {
        ProtocolInfo {
            name: self.protocol.name(),
            class: self.protocol.class(),
            auth: self.protocol.auth(),
            by_connect: self.prefaces.is_empty() && !self.protocol.speaks_first(),
            speaks_first: self.protocol.speaks_first(),
            connections: self.connections.load(Relaxed),
            matched: self.matched.get(),
            too_big: self.too_big.get(),
            overloaded: self.overloaded.get(),
            malformed: self.malformed.get(),
        }
    }
}

/// A connection of a protocol, see [`Registered::take`].
pub(crate) struct OpenConnection(Arc<Registered>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}

/// All protocols of a server, by class and then in the order they were registered.
pub(crate) struct Table {
    pub(crate) all: Vec<Arc<Registered>>,
    pub(crate) failed: FailedOpenings,
}

impl Table {
    /// Checks names and prefaces.
    pub(crate) fn new(protocols: Vec<Arc<dyn Protocol>>) -> Result<Self, ConfigError> {
        let mut names = HashSet::new();
        for protocol in &protocols {
            check_name(protocol.name())?;
            if !names.insert(protocol.name()) {
                return Err(ConfigError::DuplicateProtocol(protocol.name().to_owned()));
            }
        }
        let mut all: Vec<_> =
            protocols.into_iter().map(|protocol| Arc::new(Registered::new(protocol))).collect();
        all.sort_by_key(|registered| registered.protocol.class());
        check_prefaces(&all)?;
        Ok(Self { all, failed: FailedOpenings::default() })
    }

    /// Every protocol that access rules can name, with the one whose name covers it too.
    pub(crate) fn families(&self) -> Vec<(&'static str, &'static str)> {
        let families = self.all.iter().map(|one| (one.protocol.name(), one.protocol.family()));
        families.chain([(IN_PROCESS, IN_PROCESS)]).collect()
    }

    pub(crate) fn infos(&self) -> Vec<ProtocolInfo> {
        self.all.iter().map(|registered| registered.info()).collect()
    }
}

fn check_name(name: &str) -> Result<(), ConfigError> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let why = if name.is_empty() || !name.bytes().all(is_plain) {
        "must be lower-case letters, digits and `_`"
    } else if name == IN_PROCESS {
        "is what the program's own calls are known by"
    } else {
        return Ok(());
    };
    Err(ConfigError::BadName { what: "protocol", name: name.to_owned(), why })
}

/// Every preface is its protocol's and no other's, whole and at each byte on the way there.
fn check_prefaces(all: &[Arc<Registered>]) -> Result<(), ConfigError> {
    let sniffed: Vec<_> = all.iter().filter(|registered| !registered.prefaces.is_empty()).collect();
    for owner in &sniffed {
        let name = owner.protocol.name();
        for preface in &owner.prefaces {
            let conflict = |other: &str| ConfigError::Preface {
                protocol: name.to_owned(),
                preface: preface.escape_ascii().to_string(),
                other: other.to_owned(),
            };
            let claims = sniffed.iter().filter(|one| one.protocol.sniff(preface) == super::Sniff::Yes);
            if let Some(other) = claims.map(|one| one.protocol.name()).find(|claimed| *claimed != name) {
                return Err(conflict(other));
            }
            for len in 0..=preface.len() {
                match choose(&preface[..len], sniffed.iter().copied()) {
                    Choice::Found(found) if found.protocol.name() == name => {}
                    Choice::NeedMore if len < preface.len() => {}
                    Choice::Found(found) => return Err(conflict(found.protocol.name())),
                    Choice::NeedMore | Choice::Unknown => return Err(conflict("no protocol")),
                }
            }
        }
    }
    Ok(())
}

/// What one listener offers.
#[derive(Clone)]
pub(crate) struct Port {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) codecs: Arc<[AnyCodec]>,
    pub(crate) table: Arc<Table>,
    /// The protocols whose first bytes are looked for.
    pub(crate) sniffed: Vec<Arc<Registered>>,
    /// The protocol that greets every connection: the only one there is, and it speaks first.
    pub(crate) greeter: Option<Arc<Registered>>,
    /// The protocols reached by a path.
    enabled: Vec<Arc<Registered>>,
    pub(crate) http_rpc: bool,
    /// Whether it is for pages and admin operations, and for nothing else.
    pub(crate) is_admin: bool,
    /// Whether only this machine reaches it.
    pub(crate) is_loopback: bool,
    /// The proxies that say whose their connections are.
    pub(crate) proxy: Option<ProxyProtocol>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<PortTls>,
}

impl Port {
    /// All protocols.
    pub(crate) fn all(dispatch: Arc<Dispatch>, codecs: Arc<[AnyCodec]>, table: Arc<Table>) -> Self {
        let enabled = table.all.clone();
        Self {
            dispatch,
            codecs,
            sniffed: sniffed(&enabled),
            greeter: greeter(&enabled),
            enabled,
            table,
            http_rpc: false,
            is_admin: false,
            is_loopback: false,
            proxy: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The same, where only this machine reaches it.
    pub(crate) fn on_loopback(&self) -> Self {
        Self { is_loopback: true, ..self.clone() }
    }

    /// Only these protocols: the others never see a byte. The name that is not there, if one is not.
    pub(crate) fn only<'n>(&self, names: &[&'n str]) -> Result<Self, &'n str> {
        if let Some(unknown) =
            names.iter().find(|name| !self.enabled.iter().any(|one| one.protocol.name() == **name))
        {
            return Err(unknown);
        }
        let named = |one: &&Arc<Registered>| names.contains(&one.protocol.name());
        let enabled: Vec<_> = self.enabled.iter().filter(named).cloned().collect();
        let port = Self { sniffed: sniffed(&enabled), greeter: greeter(&enabled), enabled, ..self.clone() };
        #[cfg(feature = "tls")]
        let port = Self { tls: self.tls.as_ref().map(|tls| tls.with(port.alpn())), ..port };
        Ok(port)
    }

    /// The names of its protocols in TLS, in their order.
    #[cfg(feature = "tls")]
    pub(crate) fn alpn(&self) -> impl Iterator<Item = &str> {
        let greeter = self.greeter.iter().filter(|greeter| greeter.prefaces.is_empty());
        self.sniffed.iter().chain(greeter).flat_map(|one| one.protocol.alpn().iter().copied())
    }

    /// Checks that what it offers can be told apart from what its connections start with.
    ///
    /// # Errors
    /// In words for the program that asked for such a listener.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Some(greeter) = &self.greeter else { return Ok(()) };
        let name = greeter.protocol.name();
        if self.proxy.as_ref().is_some_and(ProxyProtocol::is_optional) {
            return Err(format!(
                "protocol {name:?} speaks first: whether an optional PROXY header comes before it is not told"
            ));
        }
        #[cfg(feature = "tls")]
        if !greeter.protocol.upgrades_tls()
            && self.tls.as_ref().is_some_and(|tls| tls.policy == TlsPolicy::Allow)
        {
            return Err(format!(
                "protocol {name:?} speaks first: whether to greet in plain is not told where TLS is allowed and not required"
            ));
        }
        Ok(())
    }

    /// The protocols that speak first and that nothing leads to here: they need a listener of their own.
    pub(crate) fn unreachable(&self) -> impl Iterator<Item = &'static str> {
        let unreachable = |one: &&Arc<Registered>| one.protocol.speaks_first() && one.prefaces.is_empty();
        let alone = self.greeter.is_some();
        self.enabled.iter().filter(move |_| !alone).filter(unreachable).map(|one| one.protocol.name())
    }

    /// The TLS that connections start with before a protocol has them, and who of them must.
    #[cfg(feature = "tls")]
    pub(crate) fn opening_tls(&self) -> Option<(&PortTls, TlsPolicy)> {
        let tls = self.tls.as_ref()?;
        let upgrades = matches!(&self.enabled[..], [only] if only.protocol.upgrades_tls());
        match tls.policy {
            TlsPolicy::Off => None,
            _ if upgrades && self.greeter.is_some() => None,
            // Its calls are refused until it has upgraded.
            TlsPolicy::Require if upgrades => Some((tls, TlsPolicy::Allow)),
            policy => Some((tls, policy)),
        }
    }

    /// The TLS a protocol may upgrade its connections to.
    #[cfg(feature = "tls")]
    pub(crate) fn upgrade_tls(&self) -> Option<&PortTls> {
        self.tls.as_ref().filter(|tls| tls.policy != TlsPolicy::Off)
    }

    /// Whether plain connections are refused.
    pub(crate) fn requires_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.as_ref().is_some_and(|tls| tls.policy == TlsPolicy::Require);
        #[cfg(not(feature = "tls"))]
        false
    }

    /// The protocol of this listener that takes connections which ask for `CONNECT path`. Paths of a login are taken
    /// while there are users only.
    pub(crate) fn taker_of(&self, path: &str) -> Option<&Arc<Registered>> {
        let wants_login = parse_path(path).is_some_and(|(_, auth)| auth);
        if wants_login && !self.dispatch.live.has_users() {
            return None;
        }
        self.enabled.iter().find(|one| one.protocol.takes_path(path))
    }

    /// The server's numbers, and `connections` of its connections, the oldest first.
    pub(crate) fn snapshot(&self, connections: usize) -> Snapshot {
        let codecs = self.codecs.iter().map(|codec| codec.name().to_owned()).collect();
        let connections = self.dispatch.live.tracker.list(connections);
        let (protocols, rejected) = (self.table.infos(), self.table.failed.list());
        Snapshot { connections, ..Snapshot::take(&self.dispatch, codecs, protocols, rejected) }
    }
}

fn sniffed(enabled: &[Arc<Registered>]) -> Vec<Arc<Registered>> {
    enabled.iter().filter(|one| !one.prefaces.is_empty()).cloned().collect()
}

fn greeter(enabled: &[Arc<Registered>]) -> Option<Arc<Registered>> {
    match enabled {
        [only] if only.protocol.speaks_first() => Some(only.clone()),
        _ => None,
    }
}
