//! Child processes of tests: output collected while they run, every wait limited, none left behind.
//!
//! Knows nothing of the programs it runs; [`crate::peer`] finds those.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How often a child is asked whether it has ended: the standard library has no wait with a limit.
const POLL: Duration = Duration::from_millis(5);
/// How long the pipes of a child that has ended may stay open, held by children of its own.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// A running program; dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// What it has written to standard output so far.
    pub stdout: Output,
    /// What it has written to standard error so far.
    pub stderr: Output,
}

impl Process {
    /// Starts `command` without standard input.
    ///
    /// # Errors
    /// The program cannot be started; the error names it.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
        let mut child = command.spawn().map_err(named)?;
        let stdout = Output::collect(child.stdout.take());
        let stderr = Output::collect(child.stderr.take());
        Ok(Self { name, child, stdout, stderr })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the program to end: SIGTERM.
    ///
    /// # Errors
    /// The signal could not be sent.
    pub fn terminate(&mut self) -> io::Result<()> {
        // The shell's own `kill`: the program of that name is not part of every base system.
        let pid = self.child.id().to_string();
        match Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status()? {
            status if status.success() => Ok(()),
            status => Err(io::Error::other(format!("kill -TERM of {}: {status}", self.name))),
        }
    }

    /// Whether the program has ended; never waits.
    ///
    /// # Errors
    /// The system cannot tell.
    pub fn ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for the end of the program and of its output.
    ///
    /// # Errors
    /// `TimedOut` when it still runs after `limit`; it is killed then.
    pub fn wait(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                self.kill();
                let late = format!("{} still ran after {limit:?} and was killed", self.name);
                return Err(io::Error::new(io::ErrorKind::TimedOut, late));
            }
            thread::sleep(POLL);
        };
        self.stdout.wait_for_end(LAST_OUTPUT);
        self.stderr.wait_for_end(LAST_OUTPUT);
        Ok(status)
    }

    fn kill(&mut self) {
        // Both fail only for a child that has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What both streams of a process hold so far, for messages.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, stdout, stderr, .. } = self;
        write!(f, "--- {name}, stdout:\n{}--- {name}, stderr:\n{}", stdout.text(), stderr.text())
    }
}

/// Everything a process has written to one stream, growing as it writes.
#[derive(Debug, Clone, Default)]
pub struct Output(Arc<(Mutex<Written>, Condvar)>);

#[derive(Debug, Default)]
struct Written {
    text: String,
    ended: bool,
}

impl Output {
    fn collect(stream: Option<impl Read + Send + 'static>) -> Self {
        let output = Self::default();
        let writer = output.clone();
        thread::spawn(move || {
            if let Some(stream) = stream {
                writer.copy(BufReader::new(stream));
            }
            writer.change(|written| written.ended = true);
        });
        output
    }

    /// Whole lines, so that a reader never sees half of one.
    fn copy(&self, mut stream: impl BufRead) {
        let mut line = Vec::new();
        while matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
            self.change(|written| written.text.push_str(&String::from_utf8_lossy(&line)));
            line.clear();
        }
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }

    /// The text is whole lines at any time: a panic elsewhere cannot have left it broken.
    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was written until now.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// The rest of the first line that starts with `prefix`; `None` if the stream ends, or `limit` passes, without one.
    #[must_use]
    pub fn line(&self, prefix: &str, limit: Duration) -> Option<String> {
        let find = |written: &Written| {
            let mut lines = written.text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            lines.find_map(|line| line.trim_end().strip_prefix(prefix).map(str::to_owned))
        };
        self.wait_until(limit, |written| written.ended || find(written).is_some());
        find(&self.lock())
    }

    fn wait_for_end(&self, limit: Duration) {
        self.wait_until(limit, |written| written.ended);
    }

    fn wait_until(&self, limit: Duration, done: impl Fn(&Written) -> bool) {
        let wait = self.0.1.wait_timeout_while(self.lock(), limit, |written| !done(written));
        drop(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LIMIT;

    fn shell(script: &str) -> Process {
        Process::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn status_and_both_streams_are_collected() {
        let mut process = shell("echo out; echo err >&2; exit 3");
        assert_eq!(process.wait(LIMIT).unwrap().code(), Some(3));
        assert_eq!((process.stdout.text().as_str(), process.stderr.text().as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_line_is_found_while_the_process_runs() {
        let process = shell("echo first; echo port 80; exec sleep 60");
        assert_eq!(process.stdout.line("port ", LIMIT).as_deref(), Some("80"));
    }

    #[test]
    fn a_line_that_never_comes_is_not_waited_for_longer_than_the_process_writes() {
        let process = shell("echo other");
        let start = Instant::now();
        assert_eq!(process.stdout.line("port ", LIMIT), None);
        assert!(start.elapsed() < LIMIT);
    }

    #[test]
    fn a_process_over_its_limit_is_killed() {
        let mut process = shell("exec sleep 60");
        let error = process.wait(Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(process.child.try_wait().unwrap().is_some());
    }

    #[test]
    fn terminate_is_a_signal_that_can_be_caught() {
        let mut process = shell("trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
        process.stdout.line("ready", LIMIT).unwrap();
        process.terminate().unwrap();
        assert_eq!(process.wait(LIMIT).unwrap().code(), Some(7));
        assert_eq!(process.stdout.text(), "ready\ncaught\n");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Process::start(&mut Command::new("no-such-program")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().starts_with("no-such-program: "), "{error}");
    }
}
