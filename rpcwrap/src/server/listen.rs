//! Listening sockets: bind, accept without spinning, and leave no connection in the queue when draining.

use super::{
    bind::{KEEPALIVE, bind_tcp, lookup},
    inherited::Name,
};
use crate::{
    conn,
    io::{Stream, close::refuse},
    live::{front::Front, shutdown::Phase, tracker::Admitted},
    lock::lock,
    peer::PeerAddr,
    protocol::{ConnCx, NO_ROOM, Port},
};
use socket2::{SockAddr, SockRef, Socket};
use std::{
    fmt, fs, io,
    net::SocketAddr,
    os::{fd::OwnedFd, unix::fs::FileTypeExt},
    path::Path,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

/// Refusals written at the same time; the rest of a flood is closed without a word.
const REFUSALS: usize = 64;

/// An address a server is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenAddr {
    /// A TCP address, with the port that was taken.
    Tcp(SocketAddr),
    /// A unix socket's path.
    Unix(Arc<Path>),
}

impl ListenAddr {
    pub(super) fn as_tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(addr) => addr.ip().to_canonical().is_loopback(),
            Self::Unix(_) => false,
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A bound socket.
pub(super) struct Listener {
    socket: Socketed,
    pub(super) addr: ListenAddr,
    /// By what it was opened, if it was by this program.
    pub(super) name: Option<Name>,
    /// Another process has it too and serves what we leave in its queue.
    pub(super) shared: Arc<AtomicBool>,
}

enum Socketed {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Sockets at `addr`: one, or those of all addresses of a name.
    pub(super) async fn bind(addr: &str) -> io::Result<Vec<Self>> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {addr}: {error}"));
        match addr.strip_prefix("unix:") {
            Some(path) => Self::bind_unix(Path::new(path)).map(|one| vec![one]).map_err(named),
            None => {
                let addrs = lookup(addr).await.map_err(named)?;
                Self::bind_tcp(&addrs).map_err(named)
            }
        }
    }

    /// Sockets at all of these addresses, where the port is 0 at the same port.
    pub(super) fn bind_tcp(addrs: &[SocketAddr]) -> io::Result<Vec<Self>> {
        let listening = |socket: TcpListener| {
            let addr = ListenAddr::Tcp(socket.local_addr()?);
            Ok(Self::new(Socketed::Tcp(socket), addr, false))
        };
        bind_tcp(addrs)?.into_iter().map(listening).collect()
    }

    fn bind_unix(path: &Path) -> io::Result<Self> {
        // A socket file without a listener is what a killed server leaves behind.
        let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
        if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
            fs::remove_file(path)?;
        }
        let socket = UnixListener::bind(path)?;
        Ok(Self::new(Socketed::Unix(socket), ListenAddr::Unix(path.into()), false))
    }

    /// A socket that listens already, as [`Server::listen_on`](super::Server::listen_on) takes it.
    pub(super) fn take(socket: OwnedFd, shared: bool) -> io::Result<Self> {
        let socket = Socket::from(socket);
        if !socket.is_listener()? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket does not listen"));
        }
        socket.set_nonblocking(true)?;
        let addr = socket.local_addr()?;
        if let Some(addr) = addr.as_socket() {
            socket.set_tcp_keepalive(&KEEPALIVE)?;
            let socket = TcpListener::from_std(socket.into())?;
            return Ok(Self::new(Socketed::Tcp(socket), ListenAddr::Tcp(addr), shared));
        }
        if !addr.is_unix() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a TCP nor a unix socket"));
        }
        // One without a path, as in Linux' abstract names, is shown without.
        let addr = ListenAddr::Unix(addr.as_pathname().unwrap_or(Path::new("")).into());
        let socket = UnixListener::from_std(OwnedFd::from(socket).into())?;
        Ok(Self::new(Socketed::Unix(socket), addr, shared))
    }

    fn new(socket: Socketed, addr: ListenAddr, shared: bool) -> Self {
        Self { socket, addr, name: None, shared: Arc::new(AtomicBool::new(shared)) }
    }

    /// The same, watched by the runtime that is entered.
    pub(super) fn register_here(self) -> io::Result<Self> {
        let socket = match self.socket {
            Socketed::Tcp(socket) => Socketed::Tcp(TcpListener::from_std(socket.into_std()?)?),
            Socketed::Unix(socket) => Socketed::Unix(UnixListener::from_std(socket.into_std()?)?),
        };
        Ok(Self { socket, ..self })
    }

    /// Its socket once more.
    pub(super) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.socket().try_clone().map(OwnedFd::from)
    }

    fn socket(&self) -> SockRef<'_> {
        match &self.socket {
            Socketed::Tcp(socket) => socket.into(),
            Socketed::Unix(socket) => socket.into(),
        }
    }

    /// Accepts until the server drains or `handed_over`, then what waits in the queue unless it is another process'
    /// too, then closes. The connections' calls run in the runtime of `handlers`.
    pub(super) async fn accept_all(
        self,
        port: Arc<Port>,
        handlers: Handle,
        handed_over: impl Future<Output = ()> + Send,
    ) {
        let port = match self.addr.is_loopback() {
            true => Arc::new(port.on_loopback()),
            false => port,
        };
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        let admission = Admission { port, handlers, refusals, displaced: Mutex::default() };
        let mut shortage = Shortage::default();
        let mut draining = pin!(admission.port.dispatch.live.shutdown.reached(Phase::Draining));
        let mut handed_over = pin!(handed_over);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut draining => break,
                () = &mut handed_over => break,
                accepted = self.accept() => accepted,
            };
            match accepted {
                Ok((stream, addr)) => admission.admit(stream, addr),
                Err(error) if has_gone(&error) => {}
                Err(error) => {
                    admission.port.dispatch.live.stats.accept_failures.add_one();
                    shortage.pause(&error).await;
                }
            }
        }
        if !self.shared.load(Ordering::Acquire) {
            self.empty_queue(&admission);
        }
    }

    async fn accept(&self) -> io::Result<(Stream, PeerAddr)> {
        match &self.socket {
            Socketed::Tcp(socket) => socket.accept().await.map(tcp),
            Socketed::Unix(socket) => {
                socket.accept().await.map(|(stream, _)| (Stream::Unix(stream), self.unix_peer()))
            }
        }
    }

    fn unix_peer(&self) -> PeerAddr {
        match &self.addr {
            ListenAddr::Unix(path) => PeerAddr::Unix(path.clone()),
            ListenAddr::Tcp(addr) => PeerAddr::Tcp(*addr),
        }
    }

    /// Closing a listener resets what its peers already count as connected: take those first.
    fn empty_queue(&self, admission: &Admission) {
        // Not by the runtime, which may not have been told of them.
        let queue = self.socket();
        while let Some((socket, addr)) = next(|| queue.accept()) {
            if let Ok((stream, addr)) = self.accepted(socket, &addr) {
                admission.admit(stream, addr);
            }
        }
        if let ListenAddr::Unix(path) = &self.addr {
            remove_socket(path);
        }
    }

    /// What was accepted without the runtime.
    fn accepted(&self, socket: Socket, addr: &SockAddr) -> io::Result<(Stream, PeerAddr)> {
        socket.set_nonblocking(true)?;
        match addr.as_socket() {
            Some(addr) => Ok(tcp((TcpStream::from_std(socket.into())?, addr))),
            None => {
                let socket = UnixStream::from_std(OwnedFd::from(socket).into())?;
                Ok((Stream::Unix(socket), self.unix_peer()))
            }
        }
    }
}

/// The next connection of a queue, past those whose peers have gone.
fn next<T>(mut accept: impl FnMut() -> io::Result<T>) -> Option<T> {
    loop {
        match accept() {
            Err(error) if has_gone(&error) => {}
            accepted => return accepted.ok(),
        }
    }
}

fn remove_socket(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(path = %path.display(), %error, "socket file not removed");
    }
}

fn tcp((stream, addr): (TcpStream, SocketAddr)) -> (Stream, PeerAddr) {
    // Replies are whole batches already; waiting to fill a segment would only delay them. If the peer has reset
    // meanwhile this fails, and so will the first read.
    let _ = stream.set_nodelay(true);
    (Stream::Tcp(stream), PeerAddr::Tcp(addr))
}

/// Whether it is the peer that failed, which gave up before it was accepted: no reason to wait.
fn has_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// How long accepting rests when descriptors or memory have run out: the connection stays in the queue, and with it
/// the listener readable, so that the loop would spin.
const PAUSE: Duration = Duration::from_millis(100);
/// How often that is said at most.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// The last time that accepting failed and it was said.
#[derive(Default)]
struct Shortage(Option<Instant>);

impl Shortage {
    async fn pause(&mut self, error: &io::Error) {
        if self.0.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            tracing::error!(%error, "accept failed; tried again every {PAUSE:?}");
            self.0 = Some(Instant::now());
        }
        sleep(PAUSE).await;
    }
}

struct Admission {
    port: Arc<Port>,
    handlers: Handle,
    refusals: Arc<Semaphore>,
    displaced: Mutex<Displaced>,
}

/// Connections that have given way since that was last said.
#[derive(Default)]
struct Displaced {
    said: Option<Instant>,
    since: u64,
}

impl Admission {
    fn admit(&self, stream: Stream, peer_addr: PeerAddr) {
        let live = &self.port.dispatch.live;
        live.stats.accepted.add_one();
        let config = live.config();
        // Of a trusted proxy's connections the addresses are still to come.
        let is_proxy = self.port.proxy.as_ref().is_some_and(|proxy| proxy.trusts(&peer_addr));
        let of_address = if is_proxy { None } else { config.max_connections_per_address };
        let permit =
            match live.tracker.admit_or_displace(peer_addr.clone(), config.max_connections, of_address) {
                Admitted::Open(permit, is_displaced) => {
                    if is_displaced {
                        self.note_displaced(config.max_connections);
                    }
                    permit
                }
                Admitted::Reserve(permit) => permit,
                Admitted::Refused => return self.refuse(stream),
            };
        let mut cx = ConnCx::new(self.port.clone(), permit.tracked.clone(), peer_addr);
        cx.front = Some(Arc::new(Front::new(self.handlers.clone())));
        // Owned by its permit, which drain waits for.
        tokio::spawn(conn::serve(stream, cx, permit));
    }

    /// Counts a connection that gives way, and says so at most once a second.
    fn note_displaced(&self, max_connections: usize) {
        self.port.dispatch.live.stats.connections_displaced.add_one();
        let mut displaced = lock(&self.displaced);
        displaced.since += 1;
        if displaced.said.is_none_or(|said| said.elapsed() >= Duration::from_secs(1)) {
            let count = std::mem::take(&mut displaced.since);
            displaced.said = Some(Instant::now());
            drop(displaced);
            tracing::warn!(max_connections, count, "connections are full: idle ones give way to new ones");
        }
    }

    fn refuse(&self, mut stream: Stream) {
        self.port.dispatch.live.stats.connections_refused.add_one();
        // In plain text: of no use to a client that wants TLS.
        if self.port.requires_tls() {
            return;
        }
        if let Ok(slot) = self.refusals.clone().try_acquire_owned() {
            // Bounded by its slot and its own deadline.
            tokio::spawn(async move {
                let _ = timeout(Duration::from_secs(1), refuse(&mut stream, NO_ROOM)).await;
                drop(slot);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::SockRef;

    #[tokio::test]
    async fn accepted_connections_ask_whether_their_peer_is_there() {
        let listener = Listener::bind("127.0.0.1:0").await.unwrap().remove(0);
        let ListenAddr::Tcp(addr) = &listener.addr else { panic!("TCP was asked for") };
        let _peer = std::net::TcpStream::connect(addr).unwrap();
        let (Stream::Tcp(stream), _) = listener.accept().await.unwrap() else { panic!("TCP was asked for") };
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && stream.nodelay().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(15));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(5));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    }

    #[tokio::test]
    async fn of_a_flood_64_are_told_that_there_is_no_room() {
        use tokio::io::AsyncReadExt;
        let server = crate::Server::builder().build().unwrap();
        let (refusals, displaced) = (Arc::new(Semaphore::new(REFUSALS)), Mutex::default());
        let admission =
            Admission { port: server.port.clone(), handlers: Handle::current(), refusals, displaced };
        // No task runs meanwhile, so that none of them is done with.
        let peers: Vec<_> = (0..=REFUSALS)
            .map(|_| {
                let (ours, theirs) = tokio::io::duplex(1024);
                admission.refuse(Stream::Memory(ours));
                theirs
            })
            .collect();
        let mut told = Vec::new();
        for mut peer in peers {
            let mut text = Vec::new();
            peer.read_to_end(&mut text).await.unwrap();
            told.push(text);
        }
        assert_eq!(told.iter().filter(|text| *text == NO_ROOM).count(), 64);
        assert!(told[64].is_empty());
    }
}
