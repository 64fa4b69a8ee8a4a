//! What owns a connection from its first byte to its close.
//!
//! A [`Protocol`] recognises its opening bytes ([`Protocol::sniff`]) and then serves the connection
//! ([`Protocol::serve`]). It sees bytes and [`ConnCx`], never the registry, the server or another protocol. HTTP may
//! end early with a [`Served::Handover`]: the connection then goes to the protocol that owns the CONNECT path.
//!
//! To add one: write the file, register it with `Server::builder().protocol(…)`, test its opening in the table test.

pub(crate) mod go_rpc;
pub(crate) mod http;

use crate::{
    call::{Peer, PeerAddr},
    dispatch::Dispatch,
    error::CallError,
    io::{Prefixed, Stream},
    snapshot::Snapshot,
};
use bytes::Bytes;
use codecs::AnyCodec;
use std::{fmt, future::Future, io, pin::Pin, sync::Arc, time::Duration};

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

/// How strong a protocol's `Yes` is. Stronger classes are asked first, and a weaker `Yes` waits for their `NeedMore`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Fixed bytes at the start.
    Magic,
    /// A grammar, such as HTTP's request line.
    Grammar,
    /// A guess, such as a magic in the middle of a binary header.
    Weak,
}

/// A future of a protocol.
pub type ServeFuture = Pin<Box<dyn Future<Output = io::Result<Served>> + Send>>;

/// A protocol of the one port.
pub trait Protocol: Send + Sync + 'static {
    /// Its name in pages, logs, metrics and access rules: lower-case letters, digits and `_`.
    fn name(&self) -> &'static str;

    /// How strong its `Yes` is.
    fn class(&self) -> Class {
        Class::Magic
    }

    /// Judges the first bytes of a connection: pure, consumes nothing, called again as more arrive (8 KiB at most).
    fn sniff(&self, head: &[u8]) -> Sniff;

    /// Whether `CONNECT path` hands a connection to this protocol.
    fn takes_path(&self, path: &str) -> bool {
        let _ = path;
        false
    }

    /// Serves the connection until it ends. Dropping the future closes it.
    ///
    /// # Errors
    /// An error of the socket; logged at debug level, as peers that vanish are nothing special.
    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture;
}

/// How a protocol left a connection.
#[derive(Debug)]
pub enum Served {
    /// It is over.
    Closed,
    /// It is over, and never held a complete request: a health probe.
    Probe,
    /// It met `CONNECT` of a path another protocol takes; nothing of the answer has been written.
    Handover(Conn),
}

/// A connection as a protocol gets it.
#[derive(Debug)]
pub struct Conn {
    /// Bytes already read, which the protocol reads first.
    pub prefix: Bytes,
    /// Replies the protocol before still owes the peer: they are written first, best together with the answer to the
    /// CONNECT. [`into_io`](Self::into_io) sees to it.
    pub unsent: Bytes,
    /// The socket.
    pub stream: Stream,
    /// The path of the CONNECT that brought it here, if one did.
    pub path: Option<String>,
}

impl Conn {
    /// The connection as one stream: what is read starts with the prefix, what is written with the unsent.
    pub fn into_io(self) -> Prefixed {
        Prefixed::new(self.prefix, self.stream).owing(self.unsent)
    }
}

/// What a protocol may know and ask of the server while it serves one connection.
#[derive(Clone)]
pub struct ConnCx {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) codecs: Arc<[AnyCodec]>,
    pub(crate) paths: Arc<[Arc<dyn Protocol>]>,
    pub(crate) peer_addr: PeerAddr,
    pub(crate) http_rpc: bool,
}

impl ConnCx {
    /// The address at the other end.
    pub fn peer_addr(&self) -> &PeerAddr {
        &self.peer_addr
    }

    /// Whether some protocol takes connections that ask for `CONNECT path`.
    pub fn takes_path(&self, path: &str) -> bool {
        self.paths.iter().any(|protocol| protocol.takes_path(path))
    }

    /// Whether the server has a service of this name, whoever may reach it.
    pub(crate) fn has_service(&self, name: &str) -> bool {
        self.dispatch.registry.services().contains_key(name)
    }

    /// The server's numbers at this moment.
    pub fn snapshot(&self) -> Snapshot {
        let codecs = self.codecs.iter().map(|codec| codec.name().to_owned()).collect();
        let protocols = self.paths.iter().map(|protocol| protocol.name()).collect();
        Snapshot::take(&self.dispatch, codecs, protocols)
    }

    /// Makes one call with JSON arguments for a JSON reply; a stream's items come one per line.
    ///
    /// Cancelled by dropping the future. For protocols without a codec of their own.
    ///
    /// # Errors
    /// Every way a call can fail; the protocol turns it into its own words.
    pub async fn call(
        &self,
        peer: &Arc<Peer>,
        service_method: &str,
        args: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Bytes, CallError> {
        self.dispatch.call_json(peer, service_method, args, timeout).await
    }
}

impl fmt::Debug for ConnCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnCx").field("peer_addr", &self.peer_addr).finish_non_exhaustive()
    }
}
