//! The operations as data: what can be asked, what comes back, and why one is refused.

use super::PeerName;
use crate::{
    auth::Access,
    error::ConfigError,
    live::{
        calls::CallInfo, connection_info::ConnectionInfo, peers::PeerStatistics, settings::Setting,
        slow::SlowCall,
    },
    peer::PeerAddr,
};

/// What a server is asked to do or to show.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Takes an admin, and is noted in the log.
    Change(Change),
    /// Takes a monitor.
    Query(Query),
}

/// What a server is asked to do.
#[derive(Debug)]
pub(crate) enum Change {
    /// End as at SIGTERM.
    Drain,
    /// End at once: what is not answered never will be.
    #[cfg(feature = "resp")]
    Stop,
    /// Forget the slow calls so far.
    #[cfg(feature = "resp")]
    ForgetSlowCalls,
    /// Start the program anew, with the sockets it listens on.
    Restart,
    /// Another filter for the log.
    SetLog(String),
    /// Other settings, by name and value, all of them or none.
    Set(Vec<(String, String)>),
    /// Read the users again from the file they came from.
    ReloadUsers,
    /// Another access rule for a service, or none.
    SetAccess { service: String, rule: Option<Access> },
    /// Close connections or cancel calls.
    Kill(Kill),
}

/// What a server is asked to show.
#[derive(Debug)]
pub(crate) enum Query {
    /// The open connections, the oldest first.
    Connections { filter: Filter, most: usize },
    /// The calls that wait for their handlers, the oldest first.
    Calls { filter: Filter, most: usize },
    /// The last slow calls, the latest first.
    SlowCalls { most: usize },
    /// Statistics by peer address and method, those with the most calls first.
    Peers { address: Option<String>, method: Option<String>, most: usize },
    /// Every setting with its value.
    Settings,
    /// The access rule of every service.
    Access,
}

/// What is to be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kill {
    /// The connection of that number.
    Connection(u64),
    /// The call of that number: it is answered `context canceled`.
    Call(u64),
    /// The connections of a peer, but for the one that asks.
    Peer(PeerName),
    /// The connections of a user, but for the one that asks, and its calls on others.
    User(String),
}

/// Which connections or calls are meant; what is `None` is free.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) peer: Option<PeerName>,
    pub(crate) user: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) connection: Option<u64>,
}

impl Filter {
    pub(crate) fn has_connection(&self, one: &ConnectionInfo) -> bool {
        self.has(one.id, &one.peer, one.protocol, one.user.as_deref())
    }

    pub(crate) fn has_call(&self, one: &CallInfo) -> bool {
        self.has(one.connection, &one.peer, one.protocol, one.user.as_deref())
    }

    fn has(&self, connection: u64, peer: &PeerAddr, protocol: &str, user: Option<&str>) -> bool {
        self.connection.is_none_or(|wanted| wanted == connection)
            && self.peer.is_none_or(|wanted| wanted.names(peer))
            && self.protocol.as_deref().is_none_or(|wanted| wanted == protocol)
            && self.user.as_deref().is_none_or(|wanted| Some(wanted) == user)
    }
}

/// What was done or is shown.
#[derive(Debug)]
pub(crate) enum Done {
    /// In words.
    Said(String),
    /// The policy with that generation is in force.
    Changed {
        generation: u64,
    },
    /// So many were ended.
    Killed {
        connections: usize,
        calls: usize,
    },
    Connections(Vec<ConnectionInfo>),
    Calls(Vec<CallInfo>),
    SlowCalls(Vec<SlowCall>),
    Peers(Vec<PeerStatistics>),
    Settings {
        generation: u64,
        log: Option<String>,
        settings: Vec<Setting>,
    },
    Access(Vec<(String, Option<Access>)>),
}

/// Why an operation was not done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The peer has not said who it is.
    #[error("log in first")]
    Unauthenticated,
    /// Nothing makes an admin or monitor of any peer.
    #[error("this server has no users, so that none of them could be an admin or a monitor")]
    NoUsers,
    /// The user has not the right.
    #[error("{user} is no {}", .needs.word())]
    Denied { user: String, needs: Right },
    /// A page of another site is behind it.
    #[error("a page of another site has asked for it")]
    OtherSite,
    /// What it is about is not there.
    #[error("{0}")]
    NotFound(String),
    /// It makes no sense.
    #[error("{0}")]
    Bad(String),
    /// It cannot be done as the server is now.
    #[error("{0}")]
    Impossible(String),
    /// It was tried and did not work.
    #[error("{0}")]
    Failed(String),
}

impl From<ConfigError> for Refused {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::UnknownService(_) => Self::NotFound(error.to_string()),
            ConfigError::Fixed { .. } => Self::Impossible(error.to_string()),
            _ => Self::Bad(error.to_string()),
        }
    }
}

/// What a user has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// A monitor or an admin.
    Monitor,
    Admin,
}

impl Right {
    fn word(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Admin => "admin",
        }
    }
}

impl Change {
    /// Its name in the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Restart => "restart",
            #[cfg(feature = "resp")]
            Self::Stop => "stop",
            #[cfg(feature = "resp")]
            Self::ForgetSlowCalls => "forget-slow-calls",
            Self::SetLog(_) => "log",
            Self::Set(_) => "settings",
            Self::ReloadUsers => "reload-users",
            Self::SetAccess { .. } => "access",
            Self::Kill(_) => "kill",
        }
    }

    /// What it is about, for the log.
    pub(crate) fn details(&self) -> String {
        match self {
            Self::Drain | Self::Restart | Self::ReloadUsers => String::new(),
            #[cfg(feature = "resp")]
            Self::Stop | Self::ForgetSlowCalls => String::new(),
            Self::SetLog(filter) => filter.clone(),
            Self::Set(settings) => {
                let settings = settings.iter().map(|(name, value)| format!("{name}={value}"));
                settings.collect::<Vec<_>>().join(" ")
            }
            Self::SetAccess { service, rule: Some(rule) } => format!("{service} {rule:?}"),
            Self::SetAccess { service, rule: None } => format!("{service} none"),
            Self::Kill(Kill::Connection(id)) => format!("connection {id}"),
            Self::Kill(Kill::Call(id)) => format!("call {id}"),
            Self::Kill(Kill::Peer(name)) => format!("address {name}"),
            Self::Kill(Kill::User(user)) => format!("user {user}"),
        }
    }
}
