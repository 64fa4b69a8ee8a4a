//! A server to call, servers that misbehave, and the program as a process.
#![allow(clippy::unwrap_used, reason = "test code outside of test functions")]

use rpcwrap::{
    ClientAuth, Context, Credentials, Error, Method, Server, Service, TlsConfig, TlsPolicy,
    codecs::types::Any,
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};
use tokio::runtime::Runtime;

/// No test waits longer for anything.
const LIMIT: Duration = Duration::from_secs(30);

/// A server in this process: the demo services of rpcwrapd, as far as the tests call them.
pub(crate) struct Demo {
    // Before the runtime: it closes its connections when it is dropped.
    _server: Server,
    _runtime: Runtime,
    /// With and without TLS; the certificate is `server.pem`, for `localhost` and `rpc.example`.
    pub(crate) addr: String,
    pub(crate) unix: PathBuf,
    pub(crate) dir: Scratch,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

impl Demo {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let dir = Scratch::new();
        let unix = dir.path.join("rpcwrapd.sock");
        let names = ["localhost", "127.0.0.1", "rpc.example"].map(str::to_owned);
        let certified = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate = dir.file("server.pem", &certified.cert.pem());
        let tls = TlsConfig::from_pem(certified.cert.pem(), certified.signing_key.serialize_pem())
            .client_ca_file(certificate)
            .client_auth(ClientAuth::Optional)
            .policy(TlsPolicy::Allow);
        dir.file("server.key", &certified.signing_key.serialize_pem());
        let server = runtime.block_on(async {
            let server = Server::builder()
                .tls(tls)
                .credentials(Credentials::new([("ala", ["ma kota"])]))
                .service(arith())
                .service(echo())
                .service(slow())
                .service(Service::new("Fail").method("With", |_: Any| async {
                    Err::<(), _>(Error::new("no such account").code("not_found"))
                }))
                .service(count())
                .build()
                .unwrap();
            server.listen(&format!("unix:{}", unix.display())).await.unwrap();
            server
        });
        let addr = runtime.block_on(server.listen("127.0.0.1:0")).unwrap().to_string();
        Self { _server: server, _runtime: runtime, addr, unix, dir }
    }
}

fn arith() -> Service {
    let multiply = |args: Args| async move { Ok::<_, Error>(args.a * args.b) };
    let divide = |args: Args| async move {
        match args.b {
            0 => Err("divide by zero".into()),
            b => Ok(Quotient { quo: args.a / b, rem: args.a % b }),
        }
    };
    Service::new("Arith")
        .doc("Sums.")
        .with(Method::new("Multiply", multiply).doc("A * B").idempotent())
        .method("Divide", divide)
}

fn count() -> Service {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Args {
        // With a sign: the whole numbers of a gob argument have one.
        to: i64,
    }

    let up =
        |args: Args| futures_util::stream::iter((1..=args.to).map(|n| Ok::<u64, Error>(n.unsigned_abs())));
    // 64 KiB each.
    let wide =
        |args: Args| futures_util::stream::iter((0..args.to).map(|_| Ok::<_, Error>("x".repeat(65_535))));
    Service::new("Count").stream("Up", up).stream("Wide", wide)
}

fn echo() -> Service {
    let who =
        |cx: Context, _: Any| async move { Ok::<_, Error>(cx.user().unwrap_or("anonymous").to_owned()) };
    let floats = |_: Any| async { Ok::<_, Error>(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.5]) };
    Service::new("Echo")
        .method("Any", |any: Any| async move { Ok::<_, Error>(any) })
        .with(Method::new("Floats", floats).read_only())
        .method("Who", who)
}

fn slow() -> Service {
    let sleep = |ms: u32| async move {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
        Ok::<_, Error>(ms)
    };
    Service::new("Sleep").method("For", sleep)
}

/// The program, run to its end.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `rpcwrap` with these arguments.
pub(crate) fn rpcwrap(args: &[&str]) -> Ended {
    rpcwrap_with(args, "", &[])
}

/// As `rpcwrap`, with bytes on stdin and in an environment.
pub(crate) fn rpcwrap_with(args: &[&str], stdin: &str, env: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rpcwrap"));
    command.args(args);
    run(command, stdin, env)
}

/// Runs a line of shell in `dir`, where `rpcwrap` is the program under test.
pub(crate) fn shell(line: &str, dir: &Scratch) -> Ended {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_rpcwrap"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(&dir.path);
    run(command, "", &[("PATH", &path)])
}

fn run(mut command: Command, stdin: &str, env: &[(&str, &str)]) -> Ended {
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.envs(env.iter().copied());
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    // A program that does not read its stdin may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let id = child.id();
    let (send, receive) = std::sync::mpsc::channel();
    thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = receive.recv_timeout(LIMIT) else {
        let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
        panic!("{shown} did not end");
    };
    let Output { status, stdout, stderr } = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

/// What a server made of bytes does with each connection.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// Reads until these bytes have come.
    Expect(&'static str),
    /// Writes.
    Send(&'static str),
    /// Keeps the connection open and silent until the client goes.
    Wait,
}

/// Starts a server that does these steps with every connection and then closes it; gives its address.
pub(crate) fn scripted_server(steps: &'static [Step]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            thread::spawn(move || steps.iter().try_for_each(|step| perform(&stream, *step)));
        }
    });
    addr
}

fn perform(mut stream: &TcpStream, step: Step) -> std::io::Result<()> {
    match step {
        Step::Send(bytes) => stream.write_all(bytes.as_bytes()),
        Step::Wait => stream.read_to_end(&mut Vec::new()).map(drop),
        Step::Expect(wanted) => {
            let mut read = Vec::new();
            while !read.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                read.push(byte[0]);
            }
            Ok(())
        }
    }
}

/// A port that gives connections which begin with `G`ET to one address and those with `C`ONNECT to the other.
pub(crate) fn by_first_byte(get: &str, connect: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let (get, connect) = (get.to_owned(), connect.to_owned());
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut first = [0];
            client.peek(&mut first).unwrap();
            let mut server = TcpStream::connect(if first == *b"G" { &get } else { &connect }).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || {
                let _ = std::io::copy(&mut server, &mut client);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    addr
}

/// A folder of one test, gone with it.
pub(crate) struct Scratch {
    pub(crate) path: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("rpcwrap-cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self { path }
    }

    /// Writes a file; gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
