//! Whose word counts on where a connection comes from: the proxies that are trusted to send a PROXY header.
//!
//! The header itself is read by `codecs::proxy_header`; when, by [`crate::conn::preamble`].

use crate::peer::PeerAddr;
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// The PROXY protocol (versions 1 and 2, as HAProxy's `send-proxy` and `send-proxy-v2`) for connections from trusted
/// proxies. The address in the header is then the peer's, to access rules, logs and pages alike.
///
/// Everybody else's connections are served as they are; a header from them is unknown bytes.
///
/// ```
/// use rpcwrap::ProxyProtocol;
/// let proxies = ProxyProtocol::from_peers(["10.0.0.0/8", "::1", "unix"])?;
/// # let _ = proxies;
/// # Ok::<(), rpcwrap::BadNetwork>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyProtocol {
    networks: Vec<Network>,
    unix: bool,
    optional: bool,
}

impl ProxyProtocol {
    /// Takes headers from these peers: addresses (`192.0.2.1`), networks (`10.0.0.0/8`, `fd00::/8`), and `unix` for
    /// everybody on a unix socket.
    ///
    /// # Errors
    /// One of them is none of these.
    pub fn from_peers<N: AsRef<str>>(peers: impl IntoIterator<Item = N>) -> Result<Self, BadNetwork> {
        let mut trusted = Self { networks: Vec::new(), unix: false, optional: false };
        for peer in peers {
            match peer.as_ref() {
                "unix" => trusted.unix = true,
                network => trusted.networks.push(network.parse()?),
            }
        }
        Ok(trusted)
    }

    /// Serves a trusted proxy's connections without a header too. Default: they are refused.
    ///
    /// Only for proxies that send one in front of every connection that is not their own: whoever comes in through one
    /// that does not could write a header himself, and be believed.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    pub(crate) fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether `peer` may say where its connections come from.
    pub(crate) fn trusts(&self, peer: &PeerAddr) -> bool {
        match peer {
            PeerAddr::Tcp(addr) => self.networks.iter().any(|network| network.contains(addr.ip())),
            PeerAddr::Unix(_) => self.unix,
            PeerAddr::InProcess => false,
        }
    }
}

/// Addresses that start with the same bits. IPv4 has its place within IPv6 (`::ffff:0:0/96`), so that a socket for
/// both sees one of them either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    first: u128,
    mask: u128,
}

impl Network {
    fn contains(&self, addr: IpAddr) -> bool {
        bits(addr) & self.mask == self.first
    }
}

fn bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => addr.to_ipv6_mapped(),
        IpAddr::V6(addr) => addr,
    }
    .to_bits()
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = |why| BadNetwork { text: text.to_owned(), why };
        let (addr, length) = match text.split_once('/') {
            Some((addr, length)) => (addr, Some(length)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| bad("not an IP address, with or without /bits"))?;
        let all = if addr.is_ipv4() { 32 } else { Ipv6Addr::BITS };
        let length = match length {
            None => all,
            Some(length) => {
                length.parse().ok().filter(|length| *length <= all).ok_or(bad("more bits than there are"))?
            }
        };
        let mask = u128::MAX.checked_shl(all - length).unwrap_or(0);
        let network = Self { first: bits(addr), mask };
        if network.contains(addr) {
            Ok(network)
        } else {
            Err(bad("an address within the network, not its first"))
        }
    }
}

/// A text that names no address, no network and not `unix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadNetwork {
    text: String,
    why: &'static str,
}

impl fmt::Display for BadNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad network {:?}: {}", self.text, self.why)
    }
}

impl std::error::Error for BadNetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusts(peers: &[&str], addr: &str) -> bool {
        let addr: IpAddr = addr.parse().unwrap();
        ProxyProtocol::from_peers(peers).unwrap().trusts(&PeerAddr::Tcp((addr, 1).into()))
    }

    #[test]
    fn addresses_and_networks() {
        for (network, addr, wanted) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.128/25", "192.0.2.128", true),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "::1", false),
            ("::1", "::1", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("::/0", "203.0.113.7", true),
            // A socket for both kinds.
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
        ] {
            assert_eq!(trusts(&[network], addr), wanted, "{network} {addr}");
        }
        assert!(trusts(&["192.0.2.1", "10.0.0.0/8"], "10.0.0.1") && !trusts(&[], "127.0.0.1"));
    }

    #[test]
    fn peers_without_an_address() {
        let unix = PeerAddr::Unix(std::path::Path::new("/run/s").into());
        let trusted = ProxyProtocol::from_peers(["::/0", "unix"]).unwrap();
        assert!(trusted.trusts(&unix) && !trusted.trusts(&PeerAddr::InProcess));
        assert!(!ProxyProtocol::from_peers(["::/0"]).unwrap().trusts(&unix));
    }

    #[test]
    fn what_is_no_network() {
        for (text, why) in [
            ("", "not an IP address, with or without /bits"),
            ("localhost", "not an IP address, with or without /bits"),
            ("10.0.0.0/", "more bits than there are"),
            ("10.0.0.0/33", "more bits than there are"),
            ("10.0.0.0/-1", "more bits than there are"),
            ("::/129", "more bits than there are"),
            ("10.0.0.1/8", "an address within the network, not its first"),
            ("127.0.0.1:80", "not an IP address, with or without /bits"),
        ] {
            let error = ProxyProtocol::from_peers([text]).unwrap_err();
            assert_eq!(error.to_string(), format!("bad network {text:?}: {why}"));
        }
    }
}
