//! Programs of this project as processes: built once, started on a free port, told to stop.

use rpcwrap_tests::{limit, within};
use std::{
    env, fs,
    net::SocketAddr,
    path::PathBuf,
    process::{self, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::{Notify, OnceCell},
    task::JoinHandle,
};

/// The folder binaries of this build are in: `target/debug`, wherever that is.
pub(crate) fn built_folder() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().to_owned()
}

/// Builds the programs and the examples, as `cargo test` of this package alone does not. Quick if they are there.
async fn built() {
    static BUILT: OnceCell<()> = OnceCell::const_new();
    let build = async || {
        let folder = built_folder();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--quiet",
            "-p",
            "rpcwrapd",
            "-p",
            "rpcwrap-cli",
            "-p",
            "rpcwrap-tests",
            "--bins",
        ]);
        cargo.args(["-p", "rpcwrap-examples", "--examples"]);
        cargo.arg("--target-dir").arg(folder.parent().unwrap()).current_dir(crate::tidy::root());
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        // What `cargo test` tells this test of its package; build scripts that look at such names would run again.
        for (name, _) in env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
            {
                cargo.env_remove(name);
            }
        }
        let built = within(Duration::from_secs(1800), cargo.status()).await.unwrap();
        assert!(built.success(), "the programs do not build");
    };
    BUILT.get_or_init(build).await;
}

/// What an example that ends by itself prints.
pub(crate) async fn output(name: &str, args: &[&str]) -> String {
    built().await;
    let path = built_folder().join("examples").join(name);
    let output = Command::new(path).args(args).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = within(Duration::from_secs(30), output).await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{name}: {} {stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// What `--help` of a program prints.
pub(crate) async fn help(name: &str) -> String {
    built().await;
    let mut program = Command::new(built_folder().join(name));
    let output = limit(program.arg("--help").kill_on_drop(true).output()).await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A file of settings for the server program, gone with its test.
#[derive(Debug)]
pub(crate) struct Settings(PathBuf);

impl Settings {
    /// The file of that name, which no other test has, with this text.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let path = env::temp_dir().join(format!("rpcwrap-it-{}-{name}.toml", process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A running program that has said `listening on …`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) addr: SocketAddr,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// Has its stderr read, from now on and to its end.
    read_log: Arc<Notify>,
    stderr: JoinHandle<String>,
}

impl Program {
    /// An example, with these arguments.
    pub(crate) async fn example(name: &str, args: &[&str]) -> Self {
        built().await;
        Self::start(built_folder().join("examples").join(name), args).await
    }

    /// The server program, on a free port.
    pub(crate) async fn daemon(args: &[&str]) -> Self {
        let listen = ["--listen", "127.0.0.1:0"];
        Self::daemon_with(&[&listen[..], args].concat()).await
    }

    /// The server program with these arguments and no others.
    pub(crate) async fn daemon_with(args: &[&str]) -> Self {
        built().await;
        Self::start(built_folder().join("rpcwrapd"), args).await
    }

    /// The server program with these settings and as many descriptors as there may be.
    pub(crate) async fn daemon_for_many(settings: &Settings) -> Self {
        let most = "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\"";
        let args = ["--listen", "127.0.0.1:0", "--config", settings.path()];
        Self::daemon_by(most, Stdio::null(), &args).await
    }

    /// The server program as a shell starts it, which may set limits first: `script` ends in `exec "$0" "$@"`.
    pub(crate) async fn daemon_by(script: &str, stdin: impl Into<Stdio>, args: &[&str]) -> Self {
        built().await;
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(built_folder().join("rpcwrapd")).args(args).stdin(stdin);
        Self::spawn(shell).await
    }

    /// The same for a log that nothing reads before the program has ended.
    pub(crate) async fn daemon_unread(script: &str, args: &[&str]) -> Self {
        built().await;
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(built_folder().join("rpcwrapd")).args(args).stdin(Stdio::null());
        Self::spawn_unread(shell).await
    }

    /// What `--check-config` with these arguments ends with and says on stderr.
    pub(crate) async fn check(args: &[&str]) -> (Option<i32>, String) {
        built().await;
        let mut program = Command::new(built_folder().join("rpcwrapd"));
        program.arg("--check-config").args(args).env_remove("RUST_LOG").kill_on_drop(true);
        let output = limit(program.output()).await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    async fn start(path: PathBuf, args: &[&str]) -> Self {
        let mut program = Command::new(path);
        program.args(args).stdin(Stdio::null());
        Self::spawn(program).await
    }

    async fn spawn(program: Command) -> Self {
        let program = Self::spawn_unread(program).await;
        program.read_log.notify_one();
        program
    }

    async fn spawn_unread(mut program: Command) -> Self {
        let mut child = program
            .env_remove("RUST_LOG")
            .env_remove("RUST_BACKTRACE")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stderr = child.stderr.take().unwrap();
        let read_log = Arc::new(Notify::new());
        let reading = read_log.clone();
        let stderr = tokio::spawn(async move {
            reading.notified().await;
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.unwrap();
            text
        });
        let line = limit(stdout.next_line()).await.unwrap().unwrap_or_default();
        let addr = line.strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
        let addr = addr.unwrap_or_else(|| panic!("{program:?} says {line:?}"));
        Self { addr, child, stdout, read_log, stderr }
    }

    /// The next line of its output.
    pub(crate) async fn line(&mut self) -> String {
        limit(self.stdout.next_line()).await.unwrap().unwrap()
    }

    /// Bytes of memory it holds.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.child.id().unwrap())).unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    }

    /// The most bytes of memory it has held so far.
    pub(crate) fn peak_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Files and sockets it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id().unwrap())).unwrap().count()
    }

    /// Processor time it has used.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id().unwrap())).unwrap();
        // Behind the name in brackets, the 12th and 13th: user and system time in hundredths of a second.
        let times = stat.rsplit(' ').collect::<Vec<_>>().into_iter().rev();
        let after_name: Vec<&str> = times.skip_while(|word| !word.ends_with(')')).collect();
        let ticks: u64 = after_name[12..14].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Sends a signal by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.child.id().unwrap());
        assert!(limit(Command::new("sh").args(["-c", &kill]).status()).await.unwrap().success());
    }

    /// Waits for its own end, which may leave its output to a process after it.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        within(Duration::from_secs(35), self.child.wait()).await.unwrap()
    }

    /// Waits for its end; its status and what it has written to stderr.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let status = within(Duration::from_secs(35), self.child.wait()).await.unwrap();
        self.read_log.notify_one();
        (status, limit(self.stderr).await.unwrap())
    }

    /// SIGTERM, and the end that should follow: exit status 0 and no word of a panic.
    pub(crate) async fn terminate(self) {
        self.signal("TERM").await;
        self.end_well().await;
    }

    /// The same by SIGINT, which does not wait for load balancers.
    pub(crate) async fn interrupt(self) {
        self.signal("INT").await;
        self.end_well().await;
    }

    /// The end by SIGINT of one that has had no trouble with any peer: not a line of a warning.
    pub(crate) async fn end_quietly(self) {
        self.signal("INT").await;
        let (status, log) = self.end().await;
        let loud: Vec<_> = log.lines().filter(|line| !line.contains(" INFO ")).collect();
        assert!(status.code() == Some(0) && loud.is_empty(), "{status}, {loud:#?}");
    }

    async fn end_well(self) {
        let (status, stderr) = self.end().await;
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert!(!stderr.contains("panicked at"), "{stderr}");
    }
}

/// A process that a restart has started: not a child of the test; killed when dropped.
#[derive(Debug)]
pub(crate) struct Successor(u32);

impl Successor {
    /// The one systemd is told of.
    pub(crate) fn of(told: &str) -> Self {
        let id = told.strip_prefix("MAINPID=").and_then(|rest| rest.strip_suffix("\nREADY=1"));
        Self(id.unwrap_or_else(|| panic!("{told:?}")).parse().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.0);
        assert!(process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Whether it has ended; what is left of it may wait for a parent that does not ask.
    pub(crate) fn has_ended(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.signal("KILL");
        }
    }
}
