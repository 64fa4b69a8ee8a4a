//! The first two steps to a server: the socket, and TLS over it where that is set.

use super::{
    address::Address,
    attempt::DialAttempt,
    lookup::{self, Resolver},
    race,
    stream::Stream,
};
use crate::error::{DialError, Step};
use socket2::{SockRef, TcpKeepalive};
use std::{
    io,
    time::{Duration, Instant},
};
use tokio::{net::UnixStream, time};

/// A connection without traffic is probed this often, so that a server whose machine is gone is noticed. As Go.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A server that has been reached and has not been spoken to, and how long each step took.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reached<S = Stream> {
    /// The way to it.
    pub stream: S,
    /// For looking up the name; zero for a unix socket.
    pub resolved: Duration,
    /// For connecting.
    pub connected: Duration,
    /// For the TLS handshake, if there was one.
    pub secured: Option<Duration>,
    pub(super) attempt: DialAttempt,
}

impl<S> Reached<S> {
    /// The same with another stream, such as one around this one that watches its bytes.
    pub fn map<T>(self, wrap: impl FnOnce(S) -> T) -> Reached<T> {
        let Self { stream, resolved, connected, secured, attempt } = self;
        Reached { stream: wrap(stream), resolved, connected, secured, attempt }
    }
}

#[cfg(feature = "tls")]
impl Reached {
    /// Goes on over TLS.
    pub(super) async fn secure(self, tls: &crate::tls::TlsConfig) -> Result<Self, DialError> {
        let Self { stream, resolved, connected, attempt, .. } = self;
        let start = Instant::now();
        let failed = |source| DialError::Tls { addr: attempt.addr.clone(), source };
        let address = Address::new(&attempt.addr);
        let securing = async { tls.connect(stream, address.host()).await.map_err(failed) };
        let stream = attempt.within(Step::Tls, securing).await?;
        let secured = Some(start.elapsed());
        Ok(Self { stream: Stream::Tls(Box::new(stream)), resolved, connected, secured, attempt })
    }
}

/// Connects, within the time of the attempt.
pub(super) async fn reach(attempt: DialAttempt, resolver: Option<&Resolver>) -> Result<Reached, DialError> {
    let start = Instant::now();
    let address = Address::new(&attempt.addr);
    let failed = |source| DialError::Connect { addr: attempt.addr.clone(), source };
    let connecting = async { connect(&address, resolver, attempt.until()).await.map_err(failed) };
    let (stream, resolved) = attempt.within(Step::Connect, connecting).await?;
    let connected = start.elapsed().saturating_sub(resolved);
    Ok(Reached { stream, resolved, connected, secured: None, attempt })
}

/// The socket, and how long looking up the name took.
async fn connect(
    address: &Address<'_>,
    resolver: Option<&Resolver>,
    until: Option<time::Instant>,
) -> io::Result<(Stream, Duration)> {
    let start = Instant::now();
    let addr = match address {
        Address::Unix(path) => return Ok((Stream::Unix(UnixStream::connect(path).await?), Duration::ZERO)),
        Address::Tcp(addr) => addr,
    };
    let addrs = lookup::addresses(addr, resolver).await?;
    let resolved = start.elapsed();
    let stream = race::connect(addrs, until).await?;
    // Requests are gathered before they are written; waiting for more would only add to their way.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok((Stream::Tcp(stream), resolved))
}
