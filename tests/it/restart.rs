//! Restarts of `rpcwrapd`: another process takes its sockets, and neither connections nor calls are lost.

use crate::program::{Program, Settings, Successor};
use rpcwrap::Server;
use rpcwrap_tests::{
    limit,
    raw::{Peer, json_request},
    services::services,
    until,
};
use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    net::{TcpStream, UnixDatagram, UnixStream},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// Long enough to be in flight over a restart, on a machine that has much to do.
const LONG_CALL: u32 = 2500;

/// What hears as a service manager would.
struct Notifications {
    said: UnboundedReceiver<String>,
    path: PathBuf,
}

impl Notifications {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("rpcwrap-it-restart-{}-{name}", process::id()));
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        let (heard, said) = unbounded_channel();
        // The socket has room for few, and what finds none is lost. Ends with the test's runtime.
        tokio::spawn(async move {
            let mut text = [0; 300];
            while let Ok(n) = socket.recv(&mut text).await {
                let _ = heard.send(String::from_utf8(text[..n].to_vec()).unwrap());
            }
        });
        Self { said, path }
    }

    /// The daemon, which tells this.
    async fn start(&mut self, args: &[&str]) -> Program {
        let script = format!(
            "NOTIFY_SOCKET={} WATCHDOG_USEC=100000 WATCHDOG_PID=$$ exec \"$0\" \"$@\"",
            self.path.display()
        );
        let program = Program::daemon_by(&script, Stdio::null(), args).await;
        assert_eq!(self.next().await, "READY=1");
        program
    }

    /// What is said next but for signs of life.
    async fn next(&mut self) -> String {
        loop {
            let text = self.any().await;
            if text != "WATCHDOG=1" {
                return text;
            }
        }
    }

    async fn any(&mut self) -> String {
        limit(self.said.recv()).await.unwrap()
    }

    /// Waits for a sign of life from now on.
    async fn sign_of_life(&mut self) {
        while let Ok(earlier) = self.said.try_recv() {
            assert_eq!(earlier, "WATCHDOG=1");
        }
        assert_eq!(self.any().await, "WATCHDOG=1");
    }

    /// The end of a restart that has begun.
    async fn successor(&mut self) -> Successor {
        let begun = self.next().await;
        assert!(begun.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{begun}");
        let text = self.next().await;
        Successor::of(&text)
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A page on a connection of its own.
async fn page(mut peer: Peer, path: &str) -> String {
    let reply =
        peer.http(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: curl/8\r\n\r\n")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

/// The process that answers at an address.
async fn process_at(addr: SocketAddr) -> u32 {
    process_of(&page(Peer::connect(addr).await, "/debug/status").await)
}

fn process_of(status: &str) -> u32 {
    let id = status.split("pid ").nth(1).and_then(|rest| rest.split_whitespace().next());
    id.unwrap_or_else(|| panic!("{status}")).parse().unwrap()
}

/// Calls, and asks whether the server is ready, on a new connection each until told to stop.
async fn call_anew(addr: SocketAddr, answered: Arc<AtomicUsize>, stop: Arc<AtomicBool>) {
    const ASK: &str = "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    const CALL: &str = "POST /Arith/Multiply HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
        Content-Length: 13\r\n\r\n{\"A\":7,\"B\":8}";
    let connect = async || {
        let connected = limit(TcpStream::connect(addr)).await;
        Peer::over(connected.expect("no connection is refused"))
    };
    while !stop.load(SeqCst) {
        for request in [ASK, CALL] {
            let reply = connect().await.http(request).await;
            assert_eq!(reply.status, 200, "{reply:?}");
        }
        let mut peer = connect().await.handshake("/_json_rpc_").await;
        assert_eq!(peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await["result"], 56);
        answered.fetch_add(1, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_restarts_under_load_lose_neither_connection_nor_call() {
    let mut notifications = Notifications::new("load");
    let mut program = notifications.start(&["--listen", "127.0.0.1:0"]).await;
    let (addr, answered, stop) =
        (program.addr, Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> =
        (0..4).map(|_| tokio::spawn(call_anew(addr, answered.clone(), stop.clone()))).collect();
    let goes_on = async || {
        let before = answered.load(SeqCst);
        until(|| answered.load(SeqCst) > before + 20 || callers.iter().any(|caller| caller.is_finished()))
            .await;
    };
    goes_on().await;

    let mut last: Option<Successor> = None;
    for _ in 0..2 {
        let before = process_at(addr).await;
        let mut old = Vec::new();
        for id in 0..8 {
            let mut peer = Peer::connect_codec(addr, "json").await;
            // The server has read it when it has answered the second.
            peer.send(json_request("Sleep.For", &LONG_CALL.to_string(), id)).await;
            assert_eq!(peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 9).await["result"], 56);
            old.push(peer);
        }
        match &last {
            None => program.signal("USR2").await,
            Some(successor) => successor.signal("USR2"),
        }
        let successor = notifications.successor().await;
        assert_ne!(successor.id(), before);
        goes_on().await;
        for (id, peer) in old.iter_mut().enumerate() {
            let reply = peer.read_json().await;
            assert_eq!((&reply["id"], &reply["result"]), (&id.into(), &LONG_CALL.into()), "{reply}");
            peer.expect_closed().await;
        }
        match &last {
            None => assert_eq!(program.exit().await.code(), Some(0)),
            Some(before) => until(|| before.has_ended()).await,
        }
        assert_eq!(process_at(addr).await, successor.id());
        goes_on().await;
        // Only the new one is left to say it.
        notifications.sign_of_life().await;
        last = Some(successor);
    }

    stop.store(true, SeqCst);
    for caller in callers {
        limit(caller).await.unwrap();
    }
    last.as_ref().unwrap().signal("INT");
    let (status, log) = program.end().await;
    assert_eq!(status.code(), Some(0), "{log}");
    let stopped: Vec<_> = log.lines().filter(|line| line.contains("stopped cut=")).collect();
    assert!(stopped.len() == 3 && stopped.iter().all(|line| line.contains("cut=0")), "{log}");
    assert!(log.lines().all(|line| line.contains(" INFO ")), "{log}");
}

#[tokio::test]
async fn every_kind_of_address_goes_on_and_those_no_longer_wanted_are_closed() {
    let mut notifications = Notifications::new("addresses");
    let [kept, left] = ["kept", "left"].map(|name| {
        let path = env::temp_dir().join(format!("rpcwrap-it-restart-{}-{name}.sock", process::id()));
        let _ = fs::remove_file(&path);
        path
    });
    let config = |unix: &[&Path], more: &str| format!("unix = {unix:?}\n{more}");
    let more = "listen_only = [\"127.0.0.1:0=http\"]\nhttp_rpc_listen = [\"127.0.0.1:0\"]\n";
    let settings = Settings::new("restart-addresses", &config(&[&kept, &left], more));
    let args = ["--listen", "127.0.0.1:0", "--config", settings.path()];
    let mut program = notifications.start(&args).await;
    let unix = |path: &Path| format!("listening on unix:{}", path.display());
    assert_eq!(program.line().await, unix(&kept));
    assert_eq!(program.line().await, unix(&left));
    let (only, http_rpc) = (program.line().await, program.line().await);
    let addr = |line: &str| line.rsplit(' ').next().unwrap().parse::<SocketAddr>().unwrap();
    assert!(only.starts_with("listening on ") && http_rpc.starts_with("http-rpc on "), "{only}, {http_rpc}");

    // No restart may find that the address of the other kind fits too; a fourth one is bound anew.
    fs::write(settings.path(), config(&[&kept], &more.replacen("\"127", "\"localhost:0=http\", \"127", 1)))
        .unwrap();
    program.signal("USR2").await;
    let successor = notifications.successor().await;
    assert_eq!(program.exit().await.code(), Some(0));
    let first = format!("listening on {}", program.addr);
    while program.line().await != first {}
    assert_eq!(program.line().await, unix(&kept));
    let fourth = program.line().await;
    assert_eq!((program.line().await, program.line().await), (only.clone(), http_rpc.clone()));
    for line in [&first, &fourth, &only, &http_rpc] {
        assert_eq!(process_at(addr(line)).await, successor.id(), "{line}");
    }
    let page = page(Peer::connect_unix(&kept).await, "/debug/status").await;
    assert_eq!(process_of(&page), successor.id());
    assert!(!left.exists() && limit(UnixStream::connect(&left)).await.is_err());

    successor.signal("INT");
    let (_, log) = program.end().await;
    assert!(!kept.exists(), "the file goes with the last process");
    assert!(log.lines().all(|line| line.contains(" INFO ")), "{log}");
}

#[tokio::test]
async fn a_new_process_that_cannot_start_leaves_the_old_one_serving() {
    let mut notifications = Notifications::new("faulty");
    let settings = Settings::new("restart-faulty", "max_depth = 50\n");
    let mut program = notifications.start(&["--listen", "127.0.0.1:0", "--config", settings.path()]).await;
    let first = process_at(program.addr).await;
    let mut peer = Peer::connect_codec(program.addr, "json").await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    for text in ["max_depht = 50\n".to_owned(), format!("http_rpc_listen = [\"{taken}\"]\n")] {
        fs::write(settings.path(), &text).unwrap();
        program.signal("USR2").await;
        let begun = notifications.next().await;
        assert!(begun.starts_with("RELOADING=1\n"), "{begun}");
        assert_eq!(notifications.next().await, "READY=1");
        assert_eq!(process_at(program.addr).await, first, "{text}");
        assert_eq!(peer.call("Arith.Multiply", "{\"A\":7,\"B\":8}", 1).await["result"], 56);
    }
    fs::write(settings.path(), "max_depth = 60\n").unwrap();
    program.signal("USR2").await;
    let successor = notifications.successor().await;
    peer.expect_closed().await;
    assert_eq!(program.exit().await.code(), Some(0));
    assert_eq!(process_at(program.addr).await, successor.id());
    successor.signal("INT");
    let (_, log) = program.end().await;
    let refused = log.lines().filter(|line| line.contains("ended before it was ready: exit status: 1"));
    assert_eq!(refused.count(), 2, "{log}");
    assert!(log.contains(&format!("{}:1:1: ", settings.path())), "{log}");
    assert!(log.contains("cannot listen on "), "{log}");
}

/// A command for a new process.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

async fn refusal(server: &Server, command: Command, wait: Duration) -> String {
    let serving = |id| panic!("process {id} serves");
    limit(server.hand_over(command, wait, serving)).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_process_that_does_not_take_over_changes_nothing() {
    let server = services().build().unwrap();
    server.listen("127.0.0.1:0").await.unwrap();
    let long = Duration::from_secs(600);
    for (command, why) in [
        (Command::new("/no/such/program"), "cannot start /no/such/program: "),
        (shell("exit 7"), "ended before it was ready: exit status: 7"),
        (shell("exec 4>&-; echo '[true]' >&2"), "ended before it was ready: exit status: 0"),
        (shell("kill -s KILL $$"), "ended before it was ready: signal: 9"),
        (shell("echo '[true, true]' >&4; exit 3"), "ended before it was ready: exit status: 3"),
        (shell("echo nonsense >&4; exit 4"), "ended before it was ready: exit status: 4"),
    ] {
        let refused = refusal(&server, command, long).await;
        assert!(refused.contains(why), "{refused}");
    }
    // It would go on for longer than a step may take.
    let refused = refusal(&server, shell("exec sleep 60"), Duration::from_millis(50)).await;
    assert!(refused.ends_with("was not ready after 50ms and was killed"), "{refused}");
}

#[tokio::test]
async fn one_restart_at_a_time() {
    let server = services().build().unwrap();
    server.listen("127.0.0.1:0").await.unwrap();
    let long = Duration::from_secs(600);
    let first = refusal(&server, shell("exec sleep 60"), Duration::from_millis(200));
    let second = async {
        tokio::task::yield_now().await;
        refusal(&server, shell("exit 7"), long).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.ends_with("was killed"), "{first}");
    assert_eq!(second, "a restart is under way");
    server.start_lame_duck();
    assert_eq!(refusal(&server, shell("exit 7"), long).await, "the server is about to end");
}
