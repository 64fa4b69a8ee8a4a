//! Whose word counts on where a connection comes from: the proxies that are trusted to send a PROXY header.
//!
//! The header itself is read by `codecs::proxy_header`; when, by [`crate::conn::preamble`].

use crate::peer::{BadNetwork, Networks, PeerAddr};

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
    peers: Networks,
    optional: bool,
}

impl ProxyProtocol {
    /// Takes headers from these peers: addresses (`192.0.2.1`), networks (`10.0.0.0/8`, `fd00::/8`), and `unix` for
    /// everybody on a unix socket.
    ///
    /// # Errors
    /// One of them is none of these.
    pub fn from_peers<N: AsRef<str>>(peers: impl IntoIterator<Item = N>) -> Result<Self, BadNetwork> {
        Ok(Self { peers: Networks::parse(peers)?, optional: false })
    }

    /// Serves a trusted proxy's connections without a header too. Default: they are refused.
    ///
    /// Only for proxies that send one in front of every connection that is not their own: a peer that comes in through
    /// one that does not could write a header himself, and be believed.
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
        self.peers.contain(peer)
    }
}
