//! What a protocol is given: the connection, and what it may know and ask of the server.

use super::Port;
use crate::{
    auth::{Credential, Denied, Identity},
    call::dispatch::Dispatch,
    error::CallError,
    io::{Prefixed, Stream},
    live::{
        front::Front,
        tracked::{Place, Tracked},
    },
    pages::{rejected_info::OpeningFailure, snapshot::Snapshot},
    peer::{Peer, PeerAddr, TlsInfo},
    session::{self, Framing, Session, SessionFuture},
};
use bytes::{Bytes, BytesMut};
use codecs::{AnyServerCodec, LogText};
use std::{fmt, sync::Arc, time::Duration};

/// How often failed logins are logged.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// A connection as a protocol gets it.
#[derive(Debug)]
#[non_exhaustive]
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
    pub(crate) tracked: Option<Arc<Tracked>>,
}

impl Conn {
    /// A connection of which `prefix` has been read.
    pub fn new(prefix: impl Into<Bytes>, stream: Stream) -> Self {
        Self { prefix: prefix.into(), unsent: Bytes::new(), stream, path: None, tracked: None }
    }

    /// The connection as one stream: what is read starts with the prefix, what is written with the unsent.
    pub fn into_io(self) -> Prefixed {
        Prefixed::new(self.prefix, self.stream).owing(self.unsent).tracked(self.tracked)
    }
}

/// What a protocol may know and ask of the server while it serves one connection.
#[derive(Clone)]
pub struct ConnCx {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) port: Arc<Port>,
    pub(crate) tracked: Arc<Tracked>,
    pub(crate) peer_addr: PeerAddr,
    /// Proven by TLS.
    pub(crate) identity: Option<Identity>,
    /// What TLS has established, if there is any.
    pub(crate) tls: Option<Arc<TlsInfo>>,
    /// The protocol that has the connection.
    pub(crate) protocol: &'static str,
    /// Set while the connection is served by the server's own thread, until it goes where handlers run.
    pub(crate) front: Option<Arc<Front>>,
}

impl ConnCx {
    /// What a connection from `peer_addr` starts with.
    pub(crate) fn new(port: Arc<Port>, tracked: Arc<Tracked>, peer_addr: PeerAddr) -> Self {
        let dispatch = port.dispatch.clone();
        Self { dispatch, port, tracked, peer_addr, identity: None, tls: None, protocol: "", front: None }
    }

    /// The address at the other end: of the client, where a trusted proxy in front has said so.
    pub fn peer_addr(&self) -> &PeerAddr {
        &self.peer_addr
    }

    /// The user a TLS client certificate has proven, before any login of the protocol's own.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What TLS has established, its ALPN among it; `None` for a plain connection.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// Whether there is room for pages, probes and admin operations only.
    pub(crate) fn is_in_reserve(&self) -> bool {
        self.tracked.place() == Place::Reserve
    }

    /// Whether connections that are closed cannot wait for long for their peers: the server drains.
    pub(crate) fn is_hurried(&self) -> bool {
        self.dispatch.live.shutdown.refuses_calls()
    }

    /// Whether some protocol of this listener takes connections that ask for `CONNECT path`.
    pub fn takes_path(&self, path: &str) -> bool {
        self.port.taker_of(path).is_some()
    }

    /// The server's numbers at this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.port.snapshot(0)
    }

    /// Whether the server has users now, so that a login can succeed.
    pub fn has_users(&self) -> bool {
        self.dispatch.live.has_users()
    }

    /// Checks what a peer offers to prove who it is, and counts the login.
    ///
    /// The only way to an [`Identity`] within a protocol. On a server without users every credential is [`Denied`]. Of
    /// a right one it is known at once, or when its slow hash is computed; the answer to a wrong one is delayed, up to
    /// 2 s where one address offers many. May be dropped at any time.
    ///
    /// # Errors
    /// It proves nothing. The protocol says so in its own words and, unless the error
    /// [says otherwise](Denied::must_close), as for the third of a connection, may let the peer try again.
    pub async fn verify(&self, credential: &Credential<'_>) -> Result<Identity, Denied> {
        let verified = self.check_login(credential).await;
        self.count_login(verified.as_ref().ok());
        verified
    }

    /// Counts a connection that ended before it had a protocol, or while it was upgraded to TLS.
    pub(crate) fn count_failure(&self, why: OpeningFailure) {
        let stats = &self.dispatch.live.stats;
        match why {
            OpeningFailure::Timeout => stats.opening_timeouts.add_one(),
            OpeningFailure::TooLong => stats.long_openings.add_one(),
            OpeningFailure::Unknown | OpeningFailure::Tls => stats.unknown_openings.add_one(),
            OpeningFailure::NoProxyHeader | OpeningFailure::ProxyHeader => stats.proxy_failures.add_one(),
            OpeningFailure::Plain | OpeningFailure::Handshake => stats.tls_failures.add_one(),
        }
    }

    /// As [`verify`](Self::verify), without counting: for a step of a longer dialog.
    pub(crate) async fn check_login(&self, credential: &Credential<'_>) -> Result<Identity, Denied> {
        let live = &self.dispatch.live;
        let policy = live.policy_full();
        let users = policy.credentials().ok_or_else(Denied::new)?.users();
        live.logins.check(users, credential, self.peer_addr.ip(), &self.tracked.logins).await
    }

    pub(crate) fn count_login(&self, identity: Option<&Identity>) {
        match identity {
            Some(identity) => {
                self.dispatch.live.stats.logins.add_one();
                let user = LogText::new(identity.name());
                tracing::debug!(peer = %self.peer_addr, %user, "logged in");
            }
            None => {
                self.dispatch.live.stats.login_failures.add_one();
                self.log_failed_login();
            }
        }
    }

    /// At once for the first; for those that follow, once a second, as long as there are any.
    fn log_failed_login(&self) {
        if !self.dispatch.live.failed_logins.add(self.peer_addr.ip()) {
            return;
        }
        tracing::info!(peer = %self.peer_addr, protocol = self.protocol, "login failed");
        let dispatch = Arc::downgrade(&self.dispatch);
        // Nothing waits for it: it ends a second after the last of them, or with the server.
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOG_EVERY).await;
                let Some(dispatch) = dispatch.upgrade() else { return };
                let Some(failed) = dispatch.live.failed_logins.next() else { return };
                let (count, addresses) = (failed.count, failed.addresses());
                tracing::info!(count, addresses, most = %failed, "logins failed");
            }
        });
    }

    /// The peer as calls know it: of this connection and protocol, with the codec it speaks and the user it has
    /// proven to be, if not by its certificate already.
    pub fn peer(&self, codec: &str, identity: Option<Identity>) -> Arc<Peer> {
        let peer = Arc::new(Peer {
            addr: self.peer_addr.clone(),
            connection: self.tracked.id,
            protocol: self.protocol,
            codec: codec.into(),
            user: identity.or_else(|| self.identity.clone()),
            tls: self.tls.clone(),
            needs_tls: self.needs_tls(),
            load: self.tracked.load(),
        });
        self.tracked.set_peer(peer.clone());
        peer
    }

    /// The session in which `peer` makes its calls on a connection: from now on `framing` is asked of every byte.
    ///
    /// ```no_run
    /// use rpcwrap::protocol::{Conn, ConnCx, ProtocolError, Served};
    /// async fn serve(conn: Conn, cx: ConnCx, framing: impl rpcwrap::session::Framing) -> Result<Served, ProtocolError> {
    ///     let peer = cx.peer("", None);
    ///     Ok(Served::Session(Box::pin(cx.session(conn, framing, peer).run())))
    /// }
    /// ```
    pub fn session<F: Framing>(&self, conn: Conn, framing: F, peer: Arc<Peer>) -> Box<Session<F>> {
        let Conn { prefix, unsent, stream, .. } = conn;
        let mut session = self.session_on(stream, BytesMut::from(prefix), framing, peer);
        session.set_unsent(BytesMut::from(unsent));
        session
    }

    /// The same on `stream`, of which `input` has been read already.
    pub(crate) fn session_on<F: Framing>(
        &self,
        stream: Stream,
        input: BytesMut,
        framing: F,
        peer: Arc<Peer>,
    ) -> Box<Session<F>> {
        Box::new(Session::new(stream, input, framing, self.dispatch.clone(), self.tracked.clone(), peer))
    }

    /// The same for a session whose bytes are a codec's and nothing else.
    pub(crate) fn codec_session(
        &self,
        stream: Stream,
        input: BytesMut,
        codec: AnyServerCodec,
        peer: Arc<Peer>,
    ) -> SessionFuture {
        session::serve(stream, input, codec, self.dispatch.clone(), self.tracked.clone(), peer)
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
        let _in_flight = self.tracked.call();
        self.dispatch.call_json(peer, service_method, args, timeout).await
    }
}

impl fmt::Debug for ConnCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer_addr, protocol, .. } = self;
        f.debug_struct("ConnCx")
            .field("peer_addr", peer_addr)
            .field("protocol", protocol)
            .finish_non_exhaustive()
    }
}
