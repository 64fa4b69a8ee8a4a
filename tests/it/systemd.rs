//! `rpcwrapd` as a systemd service: what it says of itself, and restarts behind a socket that stays.

use crate::program::{Program, Successor};
use rpcwrap_tests::{limit, raw::Peer, until};
use std::{
    fs,
    net::SocketAddr,
    os::fd::OwnedFd,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};
use tokio::net::{TcpStream, UnixDatagram};

/// A service manager: it has the listening socket and hears what its service says.
struct Manager {
    socket: std::net::TcpListener,
    notifications: UnixDatagram,
    folder: PathBuf,
}

impl Manager {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rpcwrap-it-systemd-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("rpcwrapd.toml"), "lame_duck = \"100ms\"\n").unwrap();
        Self {
            socket: std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
            notifications: UnixDatagram::bind(folder.join("notify")).unwrap(),
            folder,
        }
    }

    /// Starts the service with the socket as descriptor 3.
    async fn start(&self) -> Program {
        let notify = self.folder.join("notify");
        let script = format!(
            "LISTEN_FDS=1 LISTEN_PID=$$ WATCHDOG_USEC=100000 NOTIFY_SOCKET={} exec \"$0\" \"$@\" 3<&0 </dev/null",
            notify.display()
        );
        let config = self.folder.join("rpcwrapd.toml");
        let socket = OwnedFd::from(self.socket.try_clone().unwrap());
        let settings = ["--config", config.to_str().unwrap()];
        let program = Program::daemon_by(&script, Stdio::from(socket), &settings).await;
        assert_eq!(program.addr, self.socket.local_addr().unwrap());
        self.hears("READY=1").await;
        program
    }

    /// Waits until the service says something that starts like this, after anything else; the whole of it.
    async fn hears(&self, start: &str) -> String {
        loop {
            let mut text = [0; 300];
            let n = limit(self.notifications.recv(&mut text)).await.unwrap();
            let text = String::from_utf8(text[..n].to_vec()).unwrap();
            if text.starts_with(start) {
                return text;
            }
            assert_eq!(text, "WATCHDOG=1", "before {start}");
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Calls on a new connection each until told to stop.
async fn call_anew(addr: SocketAddr, answered: Arc<AtomicUsize>, stop: Arc<AtomicBool>) {
    while !stop.load(SeqCst) {
        let connected = limit(TcpStream::connect(addr)).await;
        let mut peer = Peer::over(connected.expect("no connection is refused"));
        let call = "POST /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 13\r\n\r\n\
            {\"A\":7,\"B\":8}";
        match peer.http(call).await {
            reply if reply.status == 200 => {
                answered.fetch_add(1, SeqCst);
            }
            // By a server that was told to stop behind this connection's back: nothing was done.
            reply => assert!(reply.body.contains("rpc: server is draining"), "{reply:?}"),
        }
    }
}

#[tokio::test]
async fn a_restart_refuses_no_connection() {
    let manager = Manager::new("restart");
    let first = manager.start().await;
    let (addr, answered, stop) =
        (first.addr, Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> =
        (0..4).map(|_| tokio::spawn(call_anew(addr, answered.clone(), stop.clone()))).collect();
    until(|| answered.load(SeqCst) > 50).await;
    first.signal("TERM").await;
    let stopping = manager.hears("STOPPING=1").await;
    assert_eq!(stopping, "STOPPING=1\nEXTEND_TIMEOUT_USEC=31000000");
    let (status, stderr) = first.end().await;
    assert_eq!(status.code(), Some(0), "{stderr}");
    // No process serves now; connections wait in the socket.
    let before = answered.load(SeqCst);
    let second = manager.start().await;
    until(|| answered.load(SeqCst) > before + 50).await;
    stop.store(true, SeqCst);
    for caller in callers {
        limit(caller).await.unwrap();
    }
    second.interrupt().await;
}

#[tokio::test]
async fn reloads_and_watchdog_pings_are_sent_to_the_manager() {
    let manager = Manager::new("reload");
    let program = manager.start().await;
    manager.hears("WATCHDOG=1").await;
    program.signal("HUP").await;
    let text = manager.hears("RELOADING=1\nMONOTONIC_USEC=").await;
    assert!(text.rsplit('=').next().unwrap().parse::<u64>().unwrap() > 0, "{text}");
    manager.hears("READY=1").await;
    program.interrupt().await;
}

#[tokio::test]
async fn a_restart_by_signal_keeps_the_sockets_of_the_manager() {
    let manager = Manager::new("handed-over");
    let mut program = manager.start().await;
    program.signal("USR2").await;
    manager.hears("RELOADING=1").await;
    let successor = Successor::of(&manager.hears("MAINPID=").await);
    assert_eq!(program.exit().await.code(), Some(0));
    // They are served, not the default address.
    let again = async {
        let mut line = String::new();
        while !line.starts_with("listening on ") {
            line = program.line().await;
        }
        line
    };
    assert_eq!(limit(again).await, format!("listening on {}", manager.socket.local_addr().unwrap()));
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    assert_eq!(peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await["result"], 56);
    successor.signal("INT");
    let (_, log) = program.end().await;
    assert!(log.lines().all(|line| line.contains(" INFO ")), "{log}");
}
