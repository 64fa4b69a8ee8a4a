//! The server: built once and checked, then listening until it is told to drain.

mod bind;
mod builder;
mod front;
mod inherited;
mod listen;
mod listeners;
mod options;
mod restart;
mod signal;

pub use builder::Builder;
pub use inherited::Inherited;
pub use listen::ListenAddr;
pub use options::Listen;

#[cfg(feature = "tls")]
use crate::io::tls::{ServerTls, TlsError};
use crate::{
    auth::CredentialsError,
    call::dispatch::Dispatch,
    conn,
    error::{CallError, ConfigError},
    io::Stream,
    live::{
        connection_info::ConnectionInfo,
        policy::{Policy, PolicyChange},
        shutdown::Phase,
    },
    pages::snapshot::Snapshot,
    peer::{Peer, PeerAddr},
    protocol::{
        ConnCx, Port, Protocol,
        sniff::{self, Verdict},
    },
};
use inherited::{Kind, Name};
use listen::Listener;
use listeners::Listeners;
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, io, os::fd::OwnedFd, sync::Arc, time::Duration};
use tokio::io::DuplexStream;

/// What a stop waits for handlers that do not let go of their thread.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// A running server. Dropping it closes its listeners and connections at once; [`drain`](Self::drain) first, or use
/// [`run`](Self::run), to end with nothing lost.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use rpcwrap::Server;
/// let server = Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build()?;
/// // Calls without sockets, for tests.
/// let reply: String = server.call("Echo.Say", &"hi").await?;
/// assert_eq!(reply, "hi");
/// // And with: port 0 takes a free one.
/// let addr = server.listen("127.0.0.1:0").await?;
/// println!("listening on {addr}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Server {
    pub(crate) dispatch: Arc<Dispatch>,
    /// What a listener offers unless it is told otherwise.
    pub(crate) port: Arc<Port>,
    listeners: Listeners,
    #[cfg(feature = "tls")]
    tls: Option<Arc<ServerTls>>,
}

/// What a drain could not finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Calls unanswered, and connections with replies unsent, when the time was over.
    pub cut: usize,
}

impl Drained {
    /// The exit code of a program whose server ended like this: 0, or 3 if something was cut.
    pub fn exit_code(self) -> u8 {
        if self.cut == 0 { 0 } else { 3 }
    }
}

impl Server {
    /// Describes a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Opens the one port: every protocol, RPC by CONNECT and by `POST /<Service>/<Method>`, and the pages.
    ///
    /// `addr` is `host:port` (port 0 takes a free one, `[fe80::1%eth0]:7070` has a zone) or `unix:/path`. A name is
    /// listened on at all its addresses, of IPv4 and IPv6, at one port; a family that this machine lacks is left out
    /// with a warning. Returns the first address bound, [`addresses`](Self::addresses) has all. May be called again for
    /// more addresses.
    ///
    /// Handlers run in the tokio runtime in which this is called. A thread of the server's own accepts connections and
    /// answers pages, so that no handler holds them up.
    ///
    /// # Errors
    /// The address cannot be parsed or resolved, or one of the addresses of the name cannot be bound; the text names it,
    /// and nothing is listened on for it then.
    pub async fn listen(&self, addr: &str) -> io::Result<ListenAddr> {
        self.listen_at(addr, Kind::All, self.port.clone()).await
    }

    /// As [`listen`](Self::listen), for some of the protocols: the others never see a byte of its connections.
    ///
    /// Go-RPC by CONNECT comes in by HTTP, so it needs `"http"` beside `"go_rpc"`.
    ///
    /// # Errors
    /// Also a name no protocol of this server has (`InvalidInput`).
    pub async fn listen_only(&self, addr: &str, protocols: &[&str]) -> io::Result<ListenAddr> {
        self.listen_with(addr, Listen::new().only(protocols.iter().copied())).await
    }

    /// Opens a port on which `/_<codec>_rpc_` takes one request per POST instead of CONNECT: vitess' HTTP-RPC.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub async fn listen_http_rpc(&self, addr: &str) -> io::Result<ListenAddr> {
        self.listen_with(addr, Listen::new().http_rpc()).await
    }

    /// As [`listen`](Self::listen), for what `options` says.
    ///
    /// # Errors
    /// Also options that make no sense for this server (`InvalidInput`).
    pub async fn listen_with(&self, addr: &str, options: Listen) -> io::Result<ListenAddr> {
        let kind = options.kind();
        let port = options.port(&self.port)?;
        self.listen_at(addr, kind, Arc::new(port)).await
    }

    /// As [`listen`](Self::listen), on a socket that listens already: of a service manager or the process before.
    ///
    /// `socket` is a TCP or unix listener. It is taken to be another process's too: when the server drains it stops
    /// accepting at once and leaves those in the queue to the process that serves it next, so that a restart refuses
    /// none. The file of a unix socket stays. Must be called in a tokio runtime.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let server = rpcwrap::Server::builder().build()?;
    /// server.listen_on(socket)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// It is no such socket (`InvalidInput`).
    pub fn listen_on(&self, socket: impl Into<OwnedFd>) -> io::Result<ListenAddr> {
        self.listeners.add(Listener::take(socket.into(), true)?, None, self.port.clone())
    }

    async fn listen_at(&self, addr: &str, kind: Kind, port: Arc<Port>) -> io::Result<ListenAddr> {
        let name = Name { addr: addr.to_owned(), kind };
        let mut first = None;
        for listener in self.listeners.open(&name).await? {
            let bound = self.listeners.add(listener, Some(name.clone()), port.clone())?;
            first.get_or_insert(bound);
        }
        first.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The addresses it listens on, in the order in which they were bound: several where a name has several. None once
    /// the server drains.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let server = rpcwrap::Server::builder().build()?;
    /// server.listen("localhost:0").await?;
    /// for addr in server.addresses() {
    ///     println!("listening on {addr}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn addresses(&self) -> Vec<ListenAddr> {
        self.listeners.addresses()
    }

    /// A connection to this server within the program: what is written goes through the whole path from the first
    /// byte on, without a socket.
    ///
    /// # Errors
    /// `max_connections` are open.
    pub fn connect(&self) -> io::Result<DuplexStream> {
        let limit = self.dispatch.live.config().max_connections;
        let permit = self.dispatch.live.tracker.admit(PeerAddr::InProcess, limit).ok_or_else(|| {
            io::Error::new(io::ErrorKind::ConnectionRefused, "max_connections connections are open")
        })?;
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        self.dispatch.live.stats.accepted.add_one();
        let cx = ConnCx::new(self.port.clone(), permit.tracked.clone(), PeerAddr::InProcess);
        tokio::spawn(conn::serve(Stream::Memory(ours), cx, permit));
        Ok(theirs)
    }

    /// Calls a method in the program itself, through dispatch and all its rules but without a connection.
    ///
    /// Cancelled by dropping the future. Only for methods with one reply.
    ///
    /// # Errors
    /// Every way a call can fail; arguments or a reply that do not fit are `BadArguments` and `BadReply`.
    pub async fn call<A, R>(&self, service_method: &str, args: &A) -> Result<R, CallError>
    where
        A: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        let peer = Peer::in_process(self.dispatch.live.program.clone());
        let bad_args = |e: serde_json::Error| CallError::BadArguments(codecs::ValueError::new(e.to_string()));
        let args = serde_json::to_vec(args).map_err(bad_args)?;
        let reply = self.dispatch.call_json(&Arc::new(peer), service_method, &args, None).await?;
        let bad_reply = |e: codecs::ValueError| CallError::BadReply(codecs::EncodeError::new(e.text()));
        codecs::Args::JsonValue(&reply).decode().map_err(bad_reply)
    }

    /// Which protocol a connection that begins with `prefix` belongs to: what a listener decides, for the tests of a
    /// protocol's opening.
    ///
    /// ```
    /// use rpcwrap::{Server, Verdict};
    /// let server = Server::builder().build()?;
    /// assert_eq!(server.sniff(b"GE"), Verdict::NeedMore);
    /// assert_eq!(server.sniff(b"GET / HTTP/1.1\r\n"), Verdict::Protocol("http"));
    /// # Ok::<(), rpcwrap::ConfigError>(())
    /// ```
    pub fn sniff(&self, prefix: &[u8]) -> Verdict {
        sniff::verdict(prefix, &self.port.sniffed)
    }

    /// The protocols, in the order they are asked.
    pub fn protocols(&self) -> impl Iterator<Item = &dyn Protocol> {
        self.port.table.all.iter().map(|one| &*one.protocol)
    }

    /// The server's numbers at this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.port.snapshot(0)
    }

    /// How many connections are open, whatever they are doing: one read of a counter.
    pub fn open_connections(&self) -> usize {
        self.dispatch.live.tracker.open()
    }

    /// The open connections, the oldest first, at most `most` of them.
    pub fn connections(&self, most: usize) -> Vec<ConnectionInfo> {
        self.dispatch.live.tracker.list(most)
    }

    /// What may change while the server runs, as it is now: limits, users, access rules.
    pub fn policy(&self) -> Arc<Policy> {
        self.dispatch.live.policy_full()
    }

    /// Puts a change in force, as a whole: calls that were started before go on under the policy before. Connections
    /// that are open are affected too. Returns what is in force then.
    ///
    /// # Errors
    /// What in it cannot work; nothing is changed then.
    pub fn change_policy(&self, change: PolicyChange) -> Result<Arc<Policy>, ConfigError> {
        self.dispatch.live.change_policy(change)
    }

    /// Reads the credentials file again: for logins from now on, and for the rights of users on connections that are
    /// open. Without a file nothing happens.
    ///
    /// # Errors
    /// The file cannot be read or has another form; the users stay as they were.
    pub fn reload_credentials(&self) -> Result<(), CredentialsError> {
        let policy = self.policy();
        let Some(credentials) = policy.credentials() else { return Ok(()) };
        let change = PolicyChange::new().credentials(Some(credentials.read_again()?));
        // Other users alone cannot be refused: there were some before.
        let _ = self.change_policy(change);
        Ok(())
    }

    /// Reads certificates, keys and client CAs again, for TLS handshakes from now on. Connections that are there go on
    /// with what they have. Without TLS nothing happens.
    ///
    /// # Errors
    /// One of the files cannot be read or used; everything stays as it was.
    #[cfg(feature = "tls")]
    pub fn reload_tls(&self) -> Result<(), TlsError> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }

    /// Waits until the server has been told to stop, by a signal or by a call, whether or not it is done with that.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.dispatch.live.shutdown.reached(Phase::LameDuck)
    }

    /// Says "not ready" on the readiness pages, and goes on serving.
    pub fn start_lame_duck(&self) {
        self.dispatch.live.shutdown.advance(Phase::LameDuck);
    }

    /// Closes the listeners, answers everything that was read, refuses new calls, and closes connections as they
    /// fall idle; whatever is left after `limit` is cut. Connections in the accept queue are still served: by another
    /// process after [`hand_over`](Self::hand_over).
    pub async fn drain(&self, limit: Duration) -> Drained {
        let shutdown = &self.dispatch.live.shutdown;
        let listeners = self.listeners.close();
        let quiet = async {
            if self.listeners.are_handed_over() {
                restart::serve_newcomers(self, limit / 2).await;
            }
            shutdown.advance(Phase::Draining);
            for listener in listeners {
                // A listener's task cannot panic or be aborted; if it did, it is closed all the same.
                let _ = listener.await;
            }
            self.dispatch.live.tracker.all_gone().await;
        };
        if tokio::time::timeout(limit, quiet).await.is_err() {
            self.stop().await;
        }
        Drained { cut: shutdown.cut() }
    }

    /// Closes everything at once.
    pub async fn stop(&self) -> Drained {
        let shutdown = &self.dispatch.live.shutdown;
        shutdown.advance(Phase::Stopped);
        drop(self.listeners.close());
        // Every task ends at its next poll; a handler that blocks its thread must not hold the program.
        let _ = tokio::time::timeout(STOP_LIMIT, self.dispatch.live.tracker.all_gone()).await;
        Drained { cut: shutdown.cut() }
    }

    /// Runs until SIGTERM, SIGINT or an admin's `drain`, then drains; a second signal ends at once. Drains too once
    /// another process [has the sockets](Self::hand_over).
    ///
    /// SIGTERM, as `drain`, first says "not ready" for `Config::lame_duck`; SIGINT, a person at a terminal, does not
    /// wait. At most `Config::drain_timeout` after the signal it has ended. Signals are caught from this call on, not
    /// from the first poll.
    ///
    /// # Errors
    /// Signal handlers cannot be installed.
    pub fn run(&self) -> impl Future<Output = io::Result<Drained>> + Send + '_ {
        signal::run(self)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.dispatch.live.shutdown.advance(Phase::Stopped);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("phase", &self.dispatch.live.shutdown.phase()).finish_non_exhaustive()
    }
}
