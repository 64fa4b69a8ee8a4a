//! What owns a connection from its first byte to its close.
//!
//! A [`Protocol`] recognises its opening bytes ([`Protocol::sniff`]) and then serves the connection
//! ([`Protocol::serve`]). It sees bytes and [`ConnCx`], never the registry, the server or another protocol. HTTP may
//! end early with a [`Served::Handover`]: the connection then goes to the protocol that owns the CONNECT path.
//!
//! To add one: write the file, register it with `Server::builder().protocol(…)`, test its opening in the table test. A
//! protocol of requests and replies serves its connections by [`ConnCx::session`] with a
//! [`Framing`](crate::session::Framing) of its own; one that greets before the first byte [speaks
//! first](Protocol::speaks_first), one that starts in plain [upgrades](ConnCx::start_tls).

pub(crate) mod agent_check;
#[cfg(feature = "baidu_std")]
pub(crate) mod baidu_std;
mod cx;
mod framed;
pub(crate) mod go_rpc;
pub(crate) mod http;
#[cfg(feature = "resp")]
pub(crate) mod redis;
pub(crate) mod rejected;
pub(crate) mod sniff;
mod table;
mod tls;

pub use crate::error::ProtocolError;
pub use crate::pages::protocol_info::{AuthMode, Class, ProtocolInfo};
pub use cx::{Conn, ConnCx};
pub use framed::{FramedProtocol, Magic};
pub(crate) use table::{OpenConnection, Port, Registered, Table};
#[cfg(feature = "tls")]
pub(crate) use tls::NoTls;

use crate::session::{End, SessionFuture};
use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// What a protocol thinks of a connection's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniff {
    /// Not mine, whatever follows.
    No,
    /// Could be mine: a strict prefix of something I accept.
    NeedMore,
    /// Mine.
    Yes,
}

impl Sniff {
    /// The verdict of a protocol whose connections start with `magic`.
    pub fn magic(head: &[u8], magic: &[u8]) -> Self {
        match () {
            () if head.starts_with(magic) => Self::Yes,
            () if magic.starts_with(head) => Self::NeedMore,
            () => Self::No,
        }
    }
}

/// What a peer is told in HTTP for whose connection there is no room.
pub(crate) const NO_ROOM: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 21\r\nConnection: close\r\n\r\ntoo many connections\n";

/// A future of a protocol.
pub type ServeFuture = Pin<Box<dyn Future<Output = Result<Served, ProtocolError>> + Send>>;

/// A protocol of the one port.
pub trait Protocol: Send + Sync + 'static {
    /// Its name in pages, logs, metrics and access rules: lower-case letters, digits and `_`.
    fn name(&self) -> &'static str;

    /// The protocol whose name in access rules covers this one too: its own, or that of a protocol it is another form
    /// of.
    fn family(&self) -> &'static str {
        self.name()
    }

    /// How strong its `Yes` is.
    fn class(&self) -> Class {
        Class::Magic
    }

    /// Example prefaces, whole: one of each kind it accepts. Empty if connections reach it by CONNECT only, or on a
    /// listener of its own because it [speaks first](Self::speaks_first); it is then never asked to
    /// [`sniff`](Self::sniff).
    ///
    /// They are offered to all protocols when the server is built: each has to be this one's and no other's.
    fn prefaces(&self) -> Vec<Vec<u8>>;

    /// Judges the first bytes of a connection: pure, consumes nothing, called again as more arrive (8 KiB at most).
    fn sniff(&self, head: &[u8]) -> Sniff;

    /// The names by which TLS clients ask for it (ALPN), the best first: a connection that agreed on one of them is
    /// this protocol's, or closed. Those of all protocols of a listener are offered in the order the protocols are
    /// asked.
    fn alpn(&self) -> &[&'static str] {
        &[]
    }

    /// Whether `CONNECT path` hands a connection to this protocol.
    fn takes_path(&self, path: &str) -> bool {
        let _ = path;
        false
    }

    /// Whether it greets its peers before they have said a word, as MySQL's and SMTP's servers do.
    ///
    /// On a listener of its own ([`Listen::only`](crate::Listen::only) this one) such a protocol gets its connections
    /// at once, an empty [`Conn::prefix`] with them, behind a trusted proxy's PROXY header; how long a peer may take
    /// for its first byte is then the protocol's to say. Beside others it is only reached by its
    /// [`prefaces`](Self::prefaces), if it has any, by peers that do not wait for the greeting; without them it is not
    /// offered there.
    fn speaks_first(&self) -> bool {
        false
    }

    /// Whether its connections start in plain and are upgraded by [`ConnCx::start_tls`].
    ///
    /// A listener of its own then takes plain connections also where TLS is required; dispatch refuses the calls made
    /// before the upgrade ([`ConnCx::needs_tls`]). One that does not [speak first](Self::speaks_first) may be spoken to
    /// under TLS from the first byte on all the same. On a listener with other protocols the policy is as for those:
    /// where TLS is required, the first byte has to be TLS'.
    fn upgrades_tls(&self) -> bool {
        false
    }

    /// How its peers prove who they are.
    fn auth(&self) -> AuthMode {
        AuthMode::default()
    }

    /// What a peer is told, in its own words, whose connection is one more than `max_connections`: by default an HTTP
    /// answer, `503`. It is then closed.
    fn no_room(&self) -> &'static [u8] {
        NO_ROOM
    }

    /// Serves the connection until it ends. Dropping the future closes it.
    ///
    /// # Errors
    /// Why the connection had to end: see [`ProtocolError`]. What the peer is to read of it has been written.
    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture;
}

/// How a protocol left a connection.
#[non_exhaustive]
pub enum Served {
    /// It is over.
    Closed,
    /// It is over, and never held a complete request: a health probe.
    Probe,
    /// The opening is over, and this serves the connection from now on: nothing the opening needed is kept.
    Session(SessionFuture),
    /// It met `CONNECT` of a path another protocol takes; nothing of the answer has been written.
    Handover(Conn),
    /// This serves the connection from now on, and has to do it where handlers run.
    #[doc(hidden)]
    Calling(ServeFuture),
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("Closed"),
            Self::Probe => f.write_str("Probe"),
            Self::Session(_) => f.write_str("Session(..)"),
            Self::Calling(_) => f.write_str("Calling(..)"),
            Self::Handover(conn) => f.debug_tuple("Handover").field(conn).finish(),
        }
    }
}

impl From<End> for Served {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::Closed,
            End::NoCall => Self::Probe,
        }
    }
}
