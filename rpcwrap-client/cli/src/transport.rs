//! From an address to a stream of bytes, with the time each step took.

use crate::{
    address::Address,
    failure::{Exit, Failure},
    options::Options,
};
use rpcwrap_client::DialError;
use socket2::{SockRef, TcpKeepalive};
use std::{
    io,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream, lookup_host},
    time::timeout,
};

/// A server whose machine is gone is noticed in a few of these. As Go and the client library.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Any connected stream.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Transport for S {}

/// A connected stream of either kind.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// For those who do not care which.
    pub(crate) fn boxed(self) -> Box<dyn Transport> {
        match self {
            Self::Tcp(stream) => Box::new(stream),
            Self::Unix(stream) => Box::new(stream),
        }
    }
}

/// A connected stream, and how long it took.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) socket: Socket,
    pub(crate) resolved: Duration,
    pub(crate) connected: Duration,
}

/// A stream to speak over, and how long each step to it took.
pub(crate) struct Opened {
    pub(crate) stream: Box<dyn Transport>,
    pub(crate) resolved: Duration,
    pub(crate) connected: Duration,
    /// The TLS handshake, if there was one.
    pub(crate) secured: Option<Duration>,
}

/// Connects, and shakes hands for TLS if the options say so, within `--connect-timeout`.
pub(crate) async fn connect(options: &Options, addr: &Address) -> Result<Opened, Failure> {
    let limit = options.connect_timeout;
    timeout(limit, open(options, addr)).await.unwrap_or_else(|_| Err(no_connection(addr, limit)))
}

async fn open(options: &Options, addr: &Address) -> Result<Opened, Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Connect, format!("cannot connect to {addr}: {error}"));
    let Connected { socket, resolved, connected } = dial(addr).await.map_err(failed)?;
    let stream = socket.boxed();
    let Some(tls) = &options.tls else {
        return Ok(Opened { stream, resolved, connected, secured: None });
    };
    let start = Instant::now();
    let failed = |source| Failure::from(DialError::Tls { addr: addr.as_str().to_owned(), source });
    let stream = Box::new(tls.connect(stream, addr.host()).await.map_err(failed)?);
    Ok(Opened { stream, resolved, connected, secured: Some(start.elapsed()) })
}

/// `--connect-timeout` is over.
pub(crate) fn no_connection(addr: &Address, limit: Duration) -> Failure {
    Failure::new(Exit::Timeout, format!("no connection to {addr} within {} ms", limit.as_millis()))
}

/// Connects, however long that takes.
pub(crate) async fn dial(addr: &Address) -> io::Result<Connected> {
    let start = Instant::now();
    if let Some(path) = addr.unix_path() {
        let socket = Socket::Unix(UnixStream::connect(path).await?);
        return Ok(Connected { socket, resolved: Duration::ZERO, connected: start.elapsed() });
    }
    let addrs: Vec<_> = lookup_host(addr.as_str()).await?.collect();
    let resolved = start.elapsed();
    let stream = TcpStream::connect(&addrs[..]).await?;
    let connected = start.elapsed().saturating_sub(resolved);
    // Requests are whole when they are written; waiting for more would only add to their way.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(Connected { socket: Socket::Tcp(stream), resolved, connected })
}
