//! Networks of peers: addresses that start with the same bits, and unix sockets.

use super::PeerAddr;
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// Peers by where they come from: addresses (`192.0.2.1`), networks (`10.0.0.0/8`, `fd00::/8`), and `unix` for
/// everybody on a unix socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    networks: Vec<Network>,
    unix: bool,
}

impl Networks {
    /// The networks of these names.
    ///
    /// # Errors
    /// One of them names none.
    pub fn parse<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, BadNetwork> {
        let mut parsed = Self::default();
        for name in names {
            match name.as_ref() {
                "unix" => parsed.unix = true,
                network => parsed.networks.push(network.parse()?),
            }
        }
        Ok(parsed)
    }

    /// Whether a peer is in one of them; the program itself is in none.
    pub fn contain(&self, peer: &PeerAddr) -> bool {
        match peer {
            PeerAddr::Tcp(addr) => self.networks.iter().any(|network| network.contains(addr.ip())),
            PeerAddr::Unix(_) => self.unix,
            PeerAddr::InProcess => false,
        }
    }
}

/// The names, with a comma between them.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unix = self.unix.then(|| "unix".to_owned());
        let names: Vec<String> = self.networks.iter().map(Network::to_string).chain(unix).collect();
        f.write_str(&names.join(","))
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

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.mask.count_ones();
        let addr = Ipv6Addr::from_bits(self.first);
        match addr.to_ipv4_mapped() {
            Some(addr) if bits == Ipv6Addr::BITS => write!(f, "{addr}"),
            Some(addr) if bits >= 96 => write!(f, "{addr}/{}", bits - 96),
            _ if bits == Ipv6Addr::BITS => write!(f, "{addr}"),
            _ => write!(f, "{addr}/{bits}"),
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

    fn contain(peers: &[&str], addr: &str) -> bool {
        let addr: IpAddr = addr.parse().unwrap();
        Networks::parse(peers).unwrap().contain(&PeerAddr::Tcp((addr, 1).into()))
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
            assert_eq!(contain(&[network], addr), wanted, "{network} {addr}");
            let named = Networks::parse([network]).unwrap();
            assert_eq!(Networks::parse([named.to_string()]).unwrap(), named);
        }
        assert!(contain(&["192.0.2.1", "10.0.0.0/8"], "10.0.0.1") && !contain(&[], "127.0.0.1"));
    }

    #[test]
    fn peers_without_an_address() {
        let unix = PeerAddr::Unix(std::path::Path::new("/run/s").into());
        let named = Networks::parse(["::/0", "unix"]).unwrap();
        assert!(named.contain(&unix) && !named.contain(&PeerAddr::InProcess));
        assert!(!Networks::parse(["::/0"]).unwrap().contain(&unix));
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
            let error = Networks::parse([text]).unwrap_err();
            assert_eq!(error.to_string(), format!("bad network {text:?}: {why}"));
        }
    }
}
