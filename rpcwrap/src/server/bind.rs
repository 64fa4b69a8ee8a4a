//! From an address as it is written to sockets that listen: all addresses of a name, at one port.

use socket2::{Domain, Socket, TcpKeepalive, Type};
use std::{io, net::SocketAddr, time::Duration};
use tokio::net::{TcpListener, lookup_host};

const BACKLOG: i32 = 4096;
/// How often a port is looked for that is free at all addresses of a name.
const SAME_PORT_ATTEMPTS: usize = 16;
/// EAFNOSUPPORT.
const NO_FAMILY: i32 = 97;
/// After 15 s of silence three questions, 5 s apart.
pub(super) const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(15))
    .with_interval(Duration::from_secs(5))
    .with_retries(3);
/// The addresses of `host:port`, each once.
pub(super) async fn lookup(addr: &str) -> io::Result<Vec<SocketAddr>> {
    // The brackets are the address's, not the host's: with them the system knows no zone (`fe80::1%eth0`).
    let in_brackets = addr.strip_prefix('[').and_then(|rest| rest.split_once("]:"));
    let found: Vec<SocketAddr> = match in_brackets.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => lookup_host((host, port)).await?.collect(),
        None => lookup_host(addr).await?.collect(),
    };
    let mut addrs = Vec::new();
    for addr in found {
        if !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    Ok(addrs)
}

/// Sockets that listen at all of these addresses, where the port is 0 at the same port.
pub(super) fn bind_tcp(addrs: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match bind_all(addrs) {
            // The port that the system chose for one address is taken at another.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts < SAME_PORT_ATTEMPTS => {
                if addrs.iter().any(|addr| addr.port() != 0) {
                    return Err(error);
                }
            }
            bound => return bound,
        }
    }
}

/// One attempt. A family that this machine lacks is left out where there is another.
fn bind_all(addrs: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut bound: Vec<TcpListener> = Vec::new();
    let mut failed = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for &addr in addrs {
        let mut at = addr;
        if let (0, Some(first)) = (addr.port(), bound.first()) {
            at.set_port(first.local_addr()?.port());
        }
        match listen_tcp(at) {
            Ok(socket) => bound.push(socket),
            Err(error) => {
                let is_missing = is_family_missing(addr, &error) && addrs.len() > 1;
                let text = if addrs.len() > 1 { format!("{at}: {error}") } else { error.to_string() };
                failed = io::Error::new(error.kind(), text);
                if !is_missing {
                    return Err(failed);
                }
                tracing::warn!(%addr, %error, "not listened on: this machine has no such addresses");
            }
        }
    }
    if bound.is_empty() { Err(failed) } else { Ok(bound) }
}

/// Whether it is not this address that cannot be had but all of its family, as where the system has no IPv6 and its
/// names do.
fn is_family_missing(addr: SocketAddr, error: &io::Error) -> bool {
    let is_loopback = addr.is_ipv6() && addr.ip().is_loopback();
    error.raw_os_error() == Some(NO_FAMILY)
        || (is_loopback && error.kind() == io::ErrorKind::AddrNotAvailable)
}

fn listen_tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Accepted connections inherit it: a peer that went without a word is found after 30 s, and its calls with it.
    socket.set_tcp_keepalive(&KEEPALIVE)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn bound(listeners: &[TcpListener]) -> Vec<SocketAddr> {
        listeners.iter().map(|listener| listener.local_addr().unwrap()).collect()
    }

    #[tokio::test]
    async fn all_addresses_of_a_name_at_one_port() {
        let has_six = std::net::TcpListener::bind("[::1]:0").is_ok();
        let names = addrs(&["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"]);
        let listeners = bind_tcp(&names).unwrap();
        let bound = bound(&listeners);
        assert_eq!(bound.len(), if has_six { 3 } else { 2 });
        for (bound, name) in bound.iter().zip(&names) {
            assert_eq!((bound.ip(), bound.port()), (name.ip(), bound.port()));
            assert!(bound.port() != 0 && std::net::TcpStream::connect(bound).is_ok());
        }
    }

    #[tokio::test]
    async fn the_address_that_cannot_be_had_is_named_and_none_is_kept() {
        let taken = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let names = addrs(&[&format!("127.0.0.1:{port}"), &format!("127.0.0.2:{port}")]);
        let error = bind_tcp(&names).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("127.0.0.2:{port}: ")), "{error}");
        assert!(std::net::TcpListener::bind(names[0]).is_ok());
        // An address of another machine is no family that is missing.
        let error = bind_tcp(&addrs(&["127.0.0.1:0", "192.0.2.1:0"])).err().unwrap();
        assert!(error.to_string().starts_with("192.0.2.1:"), "{error}");
        let error = bind_tcp(&[]).err().unwrap();
        assert_eq!(error.to_string(), "the name has no address");
    }

    #[tokio::test]
    async fn addresses_as_they_are_written() {
        for (text, wanted) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("[fe80::1%lo]:80", "[fe80::1%1]:80"),
        ] {
            assert_eq!(lookup(text).await.unwrap(), addrs(&[wanted]), "{text}");
        }
        for text in ["no port", "[::1]", "[::1%nope]:80", "127.0.0.1:65536"] {
            assert!(lookup(text).await.is_err(), "{text}");
        }
    }
}
