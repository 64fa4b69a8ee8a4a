//! One process takes the place of another: the sockets go on, and no connection is refused.
//!
//! The old one starts the new with its sockets and waits until that has opened all it wants; only then it stops
//! accepting. Until then the new one can fail, or be killed, without having taken a connection.

use super::{
    ListenAddr, Server,
    inherited::{GO, Inherited, NAMES},
    listeners::SocketToHandOver,
};
use crate::live::shutdown::Phase;
use command_fds::{CommandFdExt, FdMapping};
use std::{io, os::unix::net::UnixStream as StdUnixStream, process::Command, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    process::Child,
    time::{Instant, sleep, timeout, timeout_at},
};

/// The number of the first socket in the new process.
const FIRST_FD: i32 = 3;
/// How long the new process may take to end once it has closed its side.
const END_LIMIT: Duration = Duration::from_secs(5);
/// The most bytes it may say; each socket takes six.
const MAX_LINE: u64 = 64 << 10;
/// How long a connection is served as before at least, so that the call it was opened for is not refused.
const NEWCOMERS: Duration = Duration::from_secs(1);
/// How often it is looked for connections that are new.
const LOOK: Duration = Duration::from_millis(10);

impl Server {
    /// Listens on the sockets of a service manager, and has `listen` and its kin take those of the process before
    /// where they fit instead of binding others: by the address as it was given, then by the one that is bound.
    ///
    /// Where there is a process before, nothing is accepted until [`take_over`](Self::take_over). Call it before the
    /// server listens, in a tokio runtime. Returns the addresses that were listened on.
    ///
    /// ```no_run
    /// # use rpcwrap::{Inherited, Server};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let inherited = Inherited::from_env()?;
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let server = Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build()?;
    /// server.inherit(inherited)?;
    /// server.listen("127.0.0.1:9001").await?;
    /// let running = server.run();
    /// server.take_over().await?;
    /// running.await?;
    /// # Ok(()) })
    /// # }
    /// ```
    ///
    /// # Errors
    /// One of the service manager's does not listen (`InvalidInput`).
    pub fn inherit(&self, inherited: Inherited) -> io::Result<Vec<ListenAddr>> {
        let unnamed = self.listeners.inherit(inherited);
        unnamed.into_iter().map(|socket| self.listen_on(socket)).collect()
    }

    /// Says that all addresses are open, waits until the process before stops accepting, at most a minute, and
    /// accepts. Sockets of that process that no address was opened for are left to it to close.
    ///
    /// Returns whether there was a process before; without one nothing happens.
    ///
    /// # Errors
    /// The process before does not answer (`TimedOut`): it goes on serving, and this one should end.
    pub async fn take_over(&self) -> io::Result<bool> {
        self.listeners.take_over().await
    }

    /// Starts `command` in this process' place with its listening sockets, and waits at most `limit` until it
    /// [takes over](Self::take_over). From then on this server accepts no more: [`run`](Self::run) drains it, or else
    /// [`drain`](Self::drain) does. `serving` gets the new process' id before that, to tell a service manager.
    ///
    /// Connections in the accept queue, and all to come, are the new process', which [inherits](Self::inherit) the
    /// sockets; those it did not take are closed as in every drain. Returns the id. Dropped before its end, the new
    /// process is killed.
    ///
    /// # Errors
    /// The new process cannot be started, ends or is not ready in time, when it is killed; or the server is about to
    /// end or restarting already (`ResourceBusy`). This one goes on as if nothing had happened.
    pub async fn hand_over(
        &self,
        command: Command,
        limit: Duration,
        serving: impl FnOnce(u32) + Send,
    ) -> io::Result<u32> {
        let busy = |why| io::Error::new(io::ErrorKind::ResourceBusy, why);
        let Ok(_restart) = self.listeners.restart.try_lock() else {
            return Err(busy("a restart is under way"));
        };
        if self.listeners.are_handed_over() || self.dispatch.live.shutdown.phase() > Phase::Serving {
            return Err(busy("the server is about to end"));
        }
        if self.listeners.are_held() {
            return Err(busy("the server has not taken over from the process before"));
        }
        let shareable = self.listeners.shareable()?;
        let deadline = Instant::now() + limit;
        let mut started = NewProcess::start(command, &shareable)?;
        let taken = match timeout_at(deadline, started.ready()).await {
            Ok(Ok(taken)) if taken.len() == shareable.len() => taken,
            Ok(Ok(_) | Err(_)) => return Err(started.failure().await),
            Err(_) => return Err(started.late(limit)),
        };
        // One that has gone meanwhile cannot be told.
        if started.stream.write_all(GO).await.is_err() {
            return Err(started.failure().await);
        }
        shareable.iter().zip(taken).filter(|(_, taken)| *taken).for_each(|(socket, _)| socket.share());
        let id = started.id;
        started.child = None;
        serving(id);
        self.listeners.hand_over();
        Ok(id)
    }
}

/// Waits until no connection is so new that it may not have made its first call, at most `limit`.
pub(super) async fn serve_newcomers(server: &Server, limit: Duration) {
    let tracker = &server.dispatch.live.tracker;
    let served = async {
        while tracker.newest().is_some_and(|age| age < NEWCOMERS) {
            sleep(LOOK).await;
        }
    };
    // Those that are new even then are told that the server drains.
    let _ = timeout(limit, served).await;
}

/// A process that does not serve yet; killed when dropped.
struct NewProcess {
    id: u32,
    /// `None` once it may live without us.
    child: Option<Child>,
    stream: UnixStream,
}

impl NewProcess {
    fn start(mut command: Command, sockets: &[SocketToHandOver]) -> io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let names: Vec<_> = sockets.iter().map(|socket| &socket.name).collect();
        command.env(NAMES, serde_json::to_string(&names)?);
        command.env("LISTEN_FDS", (sockets.len() + 1).to_string());
        for name in ["LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_FDS_FIRST_FD"] {
            command.env_remove(name);
        }
        let mut passed = Vec::new();
        for socket in sockets {
            passed.push(socket.socket.try_clone()?);
        }
        passed.push(theirs.into());
        let mappings = passed.into_iter().zip(FIRST_FD..);
        let mappings = mappings.map(|(parent_fd, child_fd)| FdMapping { parent_fd, child_fd }).collect();
        command.fd_mappings(mappings).map_err(io::Error::other)?;
        let program = command.get_program().to_string_lossy().into_owned();
        let child = tokio::process::Command::from(command)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("cannot start {program}: {error}")))?;
        let id = child.id().unwrap_or_default();
        Ok(Self { id, child: Some(child), stream: UnixStream::from_std(ours)? })
    }

    /// Which of the sockets it has taken.
    async fn ready(&mut self) -> io::Result<Vec<bool>> {
        let mut line = Vec::new();
        BufReader::new((&mut self.stream).take(MAX_LINE)).read_until(b'\n', &mut line).await?;
        Ok(serde_json::from_slice(&line)?)
    }

    /// How it ended that did not say that it is ready.
    async fn failure(mut self) -> io::Error {
        let id = self.id;
        let status = match &mut self.child {
            Some(child) => timeout(END_LIMIT, child.wait()).await,
            None => return io::Error::other(format!("process {id} has gone")),
        };
        io::Error::other(match status {
            Ok(Ok(status)) => format!("process {id} ended before it was ready: {status}"),
            Ok(Err(error)) => format!("process {id} ended before it was ready: {error}"),
            Err(_) => format!("process {id} did not say that it is ready and was killed"),
        })
    }

    fn late(self, limit: Duration) -> io::Error {
        let text = format!("process {} was not ready after {limit:?} and was killed", self.id);
        io::Error::new(io::ErrorKind::TimedOut, text)
    }
}

impl Drop for NewProcess {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It has ended already where this fails. The runtime sees to the rest.
            let _ = child.start_kill();
        }
    }
}
