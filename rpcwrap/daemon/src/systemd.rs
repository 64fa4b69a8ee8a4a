//! What a service tells systemd of itself, by a socket.
//!
//! Source: sd_notify(3). Without the variables it describes, nothing here does anything.

use rpcwrap::Server;
use std::{
    convert::Infallible,
    env, io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The way to systemd: one datagram per change.
pub(crate) struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that we live.
    watchdog: Option<Duration>,
    /// Another process is the service now.
    replaced: AtomicBool,
}

impl Notifier {
    /// The way `NOTIFY_SOCKET` and `WATCHDOG_USEC` name, if they are there.
    pub(crate) fn from_env() -> Self {
        let name = env::var_os("NOTIFY_SOCKET");
        let socket = name.and_then(|name| match open(name.as_bytes()) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, ?name, "NOTIFY_SOCKET cannot be used");
                None
            }
        });
        let number = |name| env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
        let ours = number("WATCHDOG_PID").is_none_or(|id| id == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|&micros| ours && micros > 0);
        Self { socket, watchdog: watchdog.map(Duration::from_micros), replaced: AtomicBool::new(false) }
    }

    /// Ready to serve, for the first time or after a reload.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// A reload begins; [`ready`](Self::ready) ends it. The time is what Type=notify-reload asks for.
    pub(crate) fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// Another process is ready and the service from now on: nothing is said of this one any more, least of all that
    /// it stops.
    ///
    /// This one is waited for, at most [`PATIENCE`]: without it systemd would take the end of this process for the
    /// service's.
    pub(crate) fn replaced_by(&self, id: u32) {
        if let Some((socket, _)) = &self.socket {
            // Where they fail it is said as all else.
            let _ = socket.set_nonblocking(false);
            let _ = socket.set_write_timeout(Some(PATIENCE));
        }
        self.send(&format!("MAINPID={id}\nREADY=1"));
        self.replaced.store(true, Ordering::Release);
    }

    /// Says that the server lives, for as long as its threads turn, and that it stops, which may take `limit`.
    pub(crate) async fn watch(&self, server: &Server, limit: Duration) -> Infallible {
        let alive = async {
            let Some(every) = self.watchdog else { return std::future::pending().await };
            loop {
                // Twice as often as asked, as sd_watchdog_enabled(3) recommends.
                tokio::time::sleep(every / 2).await;
                self.send("WATCHDOG=1");
            }
        };
        let stops = async {
            server.stopping().await;
            self.send(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", (limit + SPARE).as_micros()));
            std::future::pending().await
        };
        tokio::select! {
            never = alive => never,
            never = stops => never,
        }
    }

    fn send(&self, state: &str) {
        let Some((socket, addr)) = self.socket.as_ref().filter(|_| !self.replaced.load(Ordering::Acquire))
        else {
            return;
        };
        if let Err(error) = socket.send_to_addr(state.as_bytes(), addr) {
            tracing::debug!(%error, state, "systemd was not told");
        }
    }
}

/// The longest that systemd is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a program needs to end beside its drain.
const SPARE: Duration = Duration::from_secs(1);

/// A path, or behind an `@` one of Linux' abstract names.
fn open(name: &[u8]) -> io::Result<(UnixDatagram, SocketAddr)> {
    let addr = match name {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a path nor an abstract name")),
    };
    let socket = UnixDatagram::unbound()?;
    // Never waits for systemd: what does not fit is not said.
    socket.set_nonblocking(true)?;
    Ok((socket, addr))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut text = [0; 200];
        let n = socket.recv(&mut text).unwrap();
        String::from_utf8(text[..n].to_vec()).unwrap()
    }

    #[test]
    fn paths_and_abstract_names_are_reached() {
        let path = env::temp_dir().join(format!("rpcwrapd-notify-{}", std::process::id()));
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("rpcwrapd-notify-{}", std::process::id());
        let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        for (name, socket) in
            [(path.as_os_str().as_bytes(), &by_path), (format!("@{name}").as_bytes(), &by_name)]
        {
            let socket_of = Some(open(name).unwrap());
            let notifier = Notifier { socket: socket_of, watchdog: None, replaced: AtomicBool::new(false) };
            notifier.ready();
            assert_eq!(received(socket), "READY=1");
            notifier.reloading();
            let text = received(socket);
            let micros = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
            assert!(micros.parse::<u64>().unwrap() > 0);
            notifier.replaced_by(7);
            assert_eq!(received(socket), "MAINPID=7\nREADY=1");
            notifier.ready();
            socket.set_nonblocking(true).unwrap();
            assert_eq!(socket.recv(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            socket.set_nonblocking(false).unwrap();
        }
        std::fs::remove_file(path).unwrap();
        assert!(open(b"relative").is_err() && open(b"").is_err());
    }
}
