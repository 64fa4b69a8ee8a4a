//! Connecting to one of several addresses: each gets a head start over the next, and the first that answers is taken.
//!
//! An address that refuses gives way at once, one that is silent after its head start, and goes on beside the others.
//! Source: RFC 8305, "Happy Eyeballs".

use futures_util::stream::{FuturesUnordered, StreamExt};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

/// RFC 8305, section 5: "Connection Attempt Delay".
const HEAD_START: Duration = Duration::from_millis(250);
/// Addresses whose errors are told one by one.
const TOLD: usize = 4;

/// Connects to whichever of `addrs` answers first; all of them get their turn before `until`.
///
/// # Errors
/// What each of them says; the kind is that of the first to which there is a way.
pub(super) async fn connect(addrs: Vec<SocketAddr>, until: Option<Instant>) -> io::Result<TcpStream> {
    let mut waiting = by_turns(addrs).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        if let Some(addr) = waiting.next() {
            attempts.push(attempt(addr));
        }
        let ended = match waiting.len() {
            0 => attempts.next().await,
            left => match timeout(head_start(left, until), attempts.next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            },
        };
        match ended {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(failure)) => failures.push(failure),
            None => return Err(all_failed(failures)),
        }
    }
}

async fn attempt(addr: SocketAddr) -> Result<TcpStream, (SocketAddr, io::Error)> {
    TcpStream::connect(addr).await.map_err(|error| (addr, error))
}

/// Less than usual where the rest of the time would not do for those that are `left`.
fn head_start(left: usize, until: Option<Instant>) -> Duration {
    let Some(until) = until else { return HEAD_START };
    let shares = u32::try_from(left + 1).unwrap_or(u32::MAX);
    HEAD_START.min(until.saturating_duration_since(Instant::now()) / shares)
}

/// One of each family after the other, beginning with the family that the system prefers.
fn by_turns(addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addrs.first().map(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<_>, Vec<_>) =
        addrs.into_iter().partition(|addr| Some(addr.is_ipv6()) == first);
    let mut others = others.into_iter();
    let mut all = Vec::new();
    for addr in preferred {
        all.push(addr);
        all.extend(others.next());
    }
    all.extend(others);
    all
}

fn all_failed(mut failures: Vec<(SocketAddr, io::Error)>) -> io::Error {
    let has_way = |error: &io::Error| {
        !matches!(error.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable)
    };
    let Some(telling) = failures.iter().position(|(_, error)| has_way(error)).or(failures.first().map(|_| 0))
    else {
        return io::ErrorKind::NotFound.into();
    };
    if failures.len() == 1 {
        return failures.swap_remove(telling).1;
    }
    let kind = failures[telling].1.kind();
    let mut text: Vec<String> =
        failures.iter().take(TOLD).map(|(addr, error)| format!("{addr}: {error}")).collect();
    if failures.len() > TOLD {
        text.push(format!("and {} more addresses", failures.len() - TOLD));
    }
    io::Error::new(kind, text.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Socket, Type};
    use std::net::TcpListener;

    /// A listener on a loopback address.
    fn listener(host: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        (listener, addr)
    }

    /// An address of a machine that answers, where no server listens.
    fn dead(host: &str) -> SocketAddr {
        listener(host).1
    }

    /// An address that takes no connection and says nothing: its queue is full as long as these sockets live.
    async fn silent(host: &str) -> (SocketAddr, Vec<TcpStream>, Socket) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = format!("{host}:0").parse().unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(0).unwrap();
        let addr = socket.local_addr().unwrap().as_socket().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(100), TcpStream::connect(addr)).await {
            queue.push(stream.unwrap());
            assert!(queue.len() < 16, "the queue does not fill up");
        }
        (addr, queue, socket)
    }

    async fn reached(addrs: &[SocketAddr], limit: Duration) -> io::Result<SocketAddr> {
        let until = Instant::now() + limit;
        let stream = timeout(limit, connect(addrs.to_vec(), Some(until))).await??;
        stream.peer_addr()
    }

    #[tokio::test]
    async fn the_dead_and_the_silent_give_way() {
        let (_listening, alive) = listener("127.0.0.3");
        let (quiet, _queue, _socket) = silent("127.0.0.2").await;
        let refused = dead("127.0.0.1");
        let limit = Duration::from_secs(10);
        for addrs in [
            &[alive][..],
            &[refused, alive],
            &[quiet, alive],
            &[alive, quiet, refused],
            &[quiet, refused, quiet, refused, alive],
        ] {
            assert_eq!(reached(addrs, limit).await.unwrap(), alive, "{addrs:?}");
        }
        // A limit that is shorter than the head starts is shared out.
        let short = Duration::from_millis(400);
        assert_eq!(reached(&[quiet, quiet, quiet, alive], short).await.unwrap(), alive);
        let error = reached(&[quiet, refused], short).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn both_families_are_tried() {
        let Ok(six) = TcpListener::bind("[::1]:0") else { return };
        let six = six.local_addr().map(|addr| (six, addr)).unwrap();
        let (_four, four) = listener("127.0.0.1");
        let limit = Duration::from_secs(10);
        assert_eq!(reached(&[dead("127.0.0.1"), six.1], limit).await.unwrap(), six.1);
        assert_eq!(reached(&[dead("::1"), four], limit).await.unwrap(), four);
    }

    #[tokio::test]
    async fn when_all_fail_each_has_its_say() {
        let limit = Duration::from_secs(10);
        let refused = [dead("127.0.0.1"), dead("127.0.0.2")];
        let one = reached(&refused[..1], limit).await.unwrap_err();
        assert_eq!((one.kind(), one.raw_os_error().is_some()), (io::ErrorKind::ConnectionRefused, true));
        let both = reached(&refused, limit).await.unwrap_err();
        assert_eq!(both.kind(), io::ErrorKind::ConnectionRefused);
        for addr in refused {
            assert!(both.to_string().contains(&format!("{addr}: ")), "{both}");
        }
    }

    #[test]
    fn no_way_there_tells_less_than_a_refusal() {
        let addr = || "[::1]:1".parse().unwrap();
        let failed =
            |kinds: &[io::ErrorKind]| all_failed(kinds.iter().map(|&kind| (addr(), kind.into())).collect());
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
        assert_eq!(failed(&[NetworkUnreachable, ConnectionRefused]).kind(), ConnectionRefused);
        assert_eq!(failed(&[HostUnreachable, ConnectionRefused]).kind(), HostUnreachable);
        assert_eq!(failed(&[NetworkUnreachable]).kind(), NetworkUnreachable);
        let many = failed(&[ConnectionRefused; 6]).to_string();
        assert!(many.ends_with("; and 2 more addresses"), "{many}");
    }

    #[test]
    fn families_take_turns() {
        let addrs = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        for (given, wanted) in [
            (&["[::1]:1", "[::2]:1", "1.0.0.1:1"][..], &["[::1]:1", "1.0.0.1:1", "[::2]:1"][..]),
            (&["1.0.0.1:1", "1.0.0.2:1", "[::1]:1"], &["1.0.0.1:1", "[::1]:1", "1.0.0.2:1"]),
            (&["1.0.0.1:1", "[::1]:1", "[::2]:1"], &["1.0.0.1:1", "[::1]:1", "[::2]:1"]),
            (&[], &[]),
        ] {
            assert_eq!(by_turns(addrs(given)), addrs(wanted), "{given:?}");
        }
    }
}
