//! A peer as an admin names it: all connections of an IP address, or the one of an address and port.

use crate::peer::PeerAddr;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// An IP address, with or without a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerName {
    Ip(IpAddr),
    Socket(SocketAddr),
}

impl PeerName {
    /// Whether it names a peer; an IPv4 address does so however the socket writes it.
    pub(crate) fn names(self, peer: &PeerAddr) -> bool {
        let PeerAddr::Tcp(addr) = peer else { return false };
        match self {
            Self::Ip(ip) => ip.to_canonical() == addr.ip().to_canonical(),
            Self::Socket(named) => {
                named.ip().to_canonical() == addr.ip().to_canonical() && named.port() == addr.port()
            }
        }
    }
}

impl FromStr for PeerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ip = text.parse().map(Self::Ip);
        let named = ip.or_else(|_| text.parse().map(Self::Socket));
        named.map_err(|_| format!("{text:?} is no IP address, with or without a port"))
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Socket(addr) => addr.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_a_port() {
        for (name, peer, wanted) in [
            ("10.0.0.1", "10.0.0.1:7", true),
            ("10.0.0.1", "[::ffff:10.0.0.1]:7", true),
            ("::ffff:10.0.0.1", "10.0.0.1:7", true),
            ("10.0.0.1", "10.0.0.2:7", false),
            ("10.0.0.1:7", "10.0.0.1:7", true),
            ("10.0.0.1:7", "[::ffff:10.0.0.1]:7", true),
            ("10.0.0.1:7", "10.0.0.1:8", false),
            ("::1", "[::1]:7", true),
            ("[::1]:7", "[::1]:7", true),
            ("[::1]:7", "[::1]:8", false),
        ] {
            let named: PeerName = name.parse().unwrap();
            assert_eq!(named.names(&PeerAddr::Tcp(peer.parse().unwrap())), wanted, "{name} {peer}");
            assert_eq!(named.to_string().parse(), Ok(named));
        }
        for bad in ["", "localhost", "10.0.0.1:", "10.0.0.0/8", "::1:7:"] {
            assert!(bad.parse::<PeerName>().is_err(), "{bad}");
        }
        assert!(!PeerName::Ip([127, 0, 0, 1].into()).names(&PeerAddr::InProcess));
    }
}
