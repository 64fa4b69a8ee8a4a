//! Listening sockets that came with the process: of a service manager, or of the process this one takes the place of.
//!
//! Both are passed as systemd does, `LISTEN_FDS` sockets from descriptor 3 on (sd_listen_fds(3)). The process before
//! adds [`NAMES`], and behind the listeners a stream on which the two agree when one follows the other: this one says
//! which sockets it took, and accepts on none of them before the other has said [`GO`].

use listenfd::ListenFd;
use serde::{Deserialize, Serialize};
use socket2::SockRef;
use std::{
    env, io,
    net::SocketAddr,
    os::{fd::OwnedFd, unix::net::UnixStream},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The variable with a [`Name`] or null for each socket, as a JSON list.
pub(super) const NAMES: &str = "RPCWRAP_LISTENERS";
/// The answer of the process before.
pub(super) const GO: &[u8] = b"go\n";
/// How long that answer may take.
const GO_LIMIT: Duration = Duration::from_secs(60);

/// By what a listener was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    /// The address as it was given, such as `127.0.0.1:0`.
    pub(super) addr: String,
    pub(super) kind: Kind,
}

/// What is offered there, which tells listeners apart that were given the same address with port 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    All,
    Some,
    HttpRpc,
    Admin,
}

/// The listening sockets this process was started with, for [`Server::inherit`](super::Server::inherit).
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<InheritedSocket>,
    predecessor: Option<UnixStream>,
}

#[derive(Debug)]
struct InheritedSocket {
    name: Option<Name>,
    /// `None` once it was taken.
    socket: Option<OwnedFd>,
}

impl Inherited {
    /// The sockets of `LISTEN_FDS`, if they are meant for this process; takes the variable away from its children.
    ///
    /// Changes the environment: call it once, and while there is one thread.
    ///
    /// # Errors
    /// One of them is neither a TCP nor a unix stream socket.
    pub fn from_env() -> io::Result<Self> {
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for n in 0..passed.len() {
            let socket = match passed.take_tcp_listener(n) {
                Ok(tcp) => tcp.map(OwnedFd::from),
                Err(_) => passed.take_unix_listener(n)?.map(OwnedFd::from),
            };
            sockets.extend(socket);
        }
        Ok(Self::new(sockets, env::var(NAMES).ok().as_deref()))
    }

    fn new(mut sockets: Vec<OwnedFd>, names: Option<&str>) -> Self {
        let names: Option<Vec<Option<Name>>> = names.and_then(|names| serde_json::from_str(names).ok());
        // The variable goes on to children of a process that was restarted, whose sockets are of another origin.
        let names = names.filter(|names| names.len() + 1 == sockets.len());
        let predecessor = names.is_some().then(|| sockets.pop()).flatten().map(UnixStream::from);
        let names = names.unwrap_or_default().into_iter().chain(std::iter::repeat(None));
        let sockets = sockets
            .into_iter()
            .zip(names)
            .map(|(socket, name)| InheritedSocket { name, socket: Some(socket) });
        Self { sockets: sockets.collect(), predecessor }
    }

    /// How many of them no address of this program stands for: those of a service manager.
    pub fn unnamed(&self) -> usize {
        self.sockets.iter().filter(|passed| passed.name.is_none()).count()
    }

    /// Whether this process takes the place of another.
    pub(super) fn has_predecessor(&self) -> bool {
        self.predecessor.is_some()
    }

    /// Those without a name.
    pub(super) fn take_unnamed(&mut self) -> Vec<OwnedFd> {
        let unnamed = self.sockets.iter_mut().filter(|passed| passed.name.is_none());
        unnamed.filter_map(|passed| passed.socket.take()).collect()
    }

    /// The socket that was opened as `name`, or else the one with its address, as given or one of `resolved`.
    pub(super) fn take(&mut self, name: &Name, resolved: &[SocketAddr]) -> Option<OwnedFd> {
        let any_port = name.addr.ends_with(":0");
        let same = |passed: &InheritedSocket| passed.name.as_ref() == Some(name);
        let same_addr = |passed: &InheritedSocket| {
            !any_port && passed.name.as_ref().is_some_and(|other| other.addr == name.addr)
        };
        let bound_there = |passed: &InheritedSocket| {
            let local = passed.socket.as_ref().and_then(|socket| SockRef::from(socket).local_addr().ok());
            passed.name.is_some()
                && local.and_then(|addr| addr.as_socket()).is_some_and(|addr| resolved.contains(&addr))
        };
        let rules: [&dyn Fn(&InheritedSocket) -> bool; 3] = [&same, &same_addr, &bound_there];
        rules.into_iter().find_map(|fits| {
            self.sockets.iter_mut().find(|passed| passed.socket.is_some() && fits(passed))?.socket.take()
        })
    }

    /// Closes what was not taken, says so, and waits until the process before stops accepting.
    pub(super) async fn take_over(self) -> io::Result<()> {
        let Some(predecessor) = self.predecessor else { return Ok(()) };
        let taken: Vec<bool> = self.sockets.iter().map(|passed| passed.socket.is_none()).collect();
        drop(self.sockets);
        let line = format!("{}\n", serde_json::to_string(&taken)?);
        predecessor.set_nonblocking(true)?;
        let mut predecessor = tokio::net::UnixStream::from_std(predecessor)?;
        let agreed = async {
            predecessor.write_all(line.as_bytes()).await?;
            let mut go = [0; GO.len()];
            predecessor.read_exact(&mut go).await
        };
        // Had the process before changed its mind, it would have killed this one: any other end is its own, and the
        // sockets are left to this one.
        match tokio::time::timeout(GO_LIMIT, agreed).await {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the process before did not let go of its sockets within {GO_LIMIT:?}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn tcp() -> (SocketAddr, OwnedFd) {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        (socket.local_addr().unwrap(), socket.into())
    }

    fn name(addr: &str, kind: Kind) -> Name {
        Name { addr: addr.to_owned(), kind }
    }

    fn bound(socket: &Option<OwnedFd>) -> Option<SocketAddr> {
        let socket = SockRef::from(socket.as_ref()?);
        socket.local_addr().unwrap().as_socket()
    }

    #[test]
    fn sockets_are_found_by_name_then_address() {
        let stream = UnixStream::pair().unwrap().0;
        let sockets: Vec<_> = (0..5).map(|_| tcp()).collect();
        let addrs: Vec<_> = sockets.iter().map(|(addr, _)| *addr).collect();
        let names = [
            Some(name("127.0.0.1:0", Kind::HttpRpc)),
            Some(name("127.0.0.1:0", Kind::All)),
            Some(name("127.0.0.1:0", Kind::All)),
            Some(name("localhost:7070", Kind::All)),
            None,
        ];
        let text = serde_json::to_string(&names).unwrap();
        let sockets = sockets.into_iter().map(|(_, socket)| socket).chain([stream.into()]).collect();
        let mut inherited = Inherited::new(sockets, Some(&text));
        assert!(inherited.has_predecessor() && inherited.unnamed() == 1);
        for (wanted, resolved, found) in [
            (name("127.0.0.1:0", Kind::All), vec![], Some(1)),
            (name("127.0.0.1:0", Kind::Some), vec![], None),
            (name("localhost:7070", Kind::Some), vec![], Some(3)),
            (name("localhost:7070", Kind::All), vec![], None),
            (name("host:1", Kind::All), vec![addrs[2]], Some(2)),
            (name("host:1", Kind::All), vec![addrs[4]], None),
            (name("127.0.0.1:0", Kind::HttpRpc), vec![], Some(0)),
            (name("127.0.0.1:0", Kind::All), vec![], None),
        ] {
            let expected = found.map(|n: usize| addrs[n]);
            assert_eq!(bound(&inherited.take(&wanted, &resolved)), expected, "{wanted:?}");
        }
        assert_eq!(inherited.take_unnamed().len(), 1);
    }

    #[test]
    fn names_of_other_sockets_count_for_nothing() {
        for names in [None, Some(""), Some("[null, null]"), Some("{}"), Some("[null]")] {
            let inherited = Inherited::new(vec![tcp().1], names);
            assert_eq!((inherited.has_predecessor(), inherited.unnamed()), (false, 1), "{names:?}");
        }
    }
}
