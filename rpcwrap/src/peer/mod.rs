//! The other end of a connection: its address, what TLS has established of it, and the user it has proven to be.

pub(crate) mod load;
mod network;

pub use network::{BadNetwork, Networks};

use crate::auth::Identity;
use load::ConnectionLoad;
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

/// The address at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerAddr {
    /// A TCP peer.
    Tcp(SocketAddr),
    /// A unix socket's peer; it has no address of its own, so this is the path of ours.
    Unix(Arc<Path>),
    /// The program itself.
    InProcess,
}

impl PeerAddr {
    /// What all connections of one peer have in common: of IPv6 a network of 64 bits, as hosts have one to themselves.
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Tcp(addr) => Address::Ip(match addr.ip().to_canonical() {
                IpAddr::V6(addr) => Ipv6Addr::from_bits(addr.to_bits() & !u128::from(u64::MAX)).into(),
                addr @ IpAddr::V4(_) => addr,
            }),
            Self::Unix(path) => Address::Unix(path.clone()),
            Self::InProcess => Address::InProcess,
        }
    }

    /// Whether it is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.ip().is_none_or(|ip| ip.to_canonical().is_loopback())
    }

    /// The IP address; `None` where there is none.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(addr) => Some(addr.ip()),
            Self::Unix(_) | Self::InProcess => None,
        }
    }
}

/// By which connections are told to come from the same peer, see [`PeerAddr::address`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Address {
    Ip(IpAddr),
    Unix(Arc<Path>),
    InProcess,
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::InProcess => f.write_str("in-process"),
        }
    }
}

/// What the program's own calls have for a protocol. It need not log in to itself.
pub(crate) const IN_PROCESS: &str = "in_process";

/// What is known of a connection when it starts to make calls.
///
/// Made by [`ConnCx::peer`](crate::protocol::ConnCx::peer) only, so that no protocol can call in another's name or as
/// a user that has not been verified.
#[derive(Debug, Clone)]
pub struct Peer {
    pub(crate) addr: PeerAddr,
    /// The number of its connection; 0 for the program itself.
    pub(crate) connection: u64,
    pub(crate) protocol: &'static str,
    pub(crate) codec: Arc<str>,
    pub(crate) user: Option<Identity>,
    pub(crate) tls: Option<Arc<TlsInfo>>,
    /// Its listener requires TLS, which it has not started yet.
    pub(crate) needs_tls: bool,
    /// The waiting calls of its connection.
    pub(crate) load: Arc<ConnectionLoad>,
}

impl Peer {
    /// The program itself, which calls without a connection.
    pub(crate) fn in_process(load: Arc<ConnectionLoad>) -> Self {
        Self {
            addr: PeerAddr::InProcess,
            connection: 0,
            protocol: IN_PROCESS,
            codec: Arc::from(""),
            user: None,
            tls: None,
            needs_tls: false,
            load,
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self::in_process(Arc::default())
    }

    /// Its address.
    pub fn addr(&self) -> &PeerAddr {
        &self.addr
    }

    /// The protocol it speaks, such as `go_rpc` or `http`.
    pub fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// The codec it speaks, such as `bson`; empty where the protocol has none.
    pub fn codec(&self) -> &str {
        &self.codec
    }

    /// The user it has proven to be.
    pub fn user(&self) -> Option<&str> {
        self.user.as_ref().map(Identity::name)
    }

    /// What TLS has established; `None` for a plain connection.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }
}

/// What a TLS handshake has established.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The protocol both sides agreed on (ALPN), such as `h2`; it decides which protocols the connection may be.
    pub alpn: Option<String>,
    /// The name the client asked for (SNI).
    pub server_name: Option<String>,
    /// The name in the client's certificate, which has been verified: its common name or, without one, its first
    /// e-mail address, DNS name or URI. `None` for a client without certificate.
    pub client_name: Option<String>,
}
