//! SIGUSR2, or an admin's `restart`: the program is started again with the listening sockets, and once it serves this
//! process drains.
//!
//! It is found by the path it was started by, so that another version put there takes over; flags and environment are
//! those of this process, the config file is read again. What keeps the new process from serving changes nothing.

use crate::systemd::Notifier;
use rpcwrap::Server;
use std::{
    convert::Infallible,
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    pin::pin,
    process::{self, Command},
    time::Duration,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
};

/// How long the new process may take until it serves.
const LIMIT: Duration = Duration::from_secs(60);

type Reply = oneshot::Sender<Result<String, String>>;

/// By what an admin asks for a restart.
#[derive(Debug, Clone)]
pub(crate) struct Asking(mpsc::Sender<Reply>);

impl Asking {
    /// Has the program restarted; what happened.
    ///
    /// # Errors
    /// Why it was not.
    pub(crate) async fn restart(self) -> Result<String, String> {
        let (reply, done) = oneshot::channel();
        self.0.try_send(reply).map_err(|_| UNDER_WAY.to_owned())?;
        done.await.unwrap_or_else(|_| Err("the program is ending".to_owned()))
    }
}

/// The restarts that admins ask for.
#[derive(Debug)]
pub(crate) struct Asked(mpsc::Receiver<Reply>);

/// A way for admins to ask, and its other end.
pub(crate) fn by_admins() -> (Asking, Asked) {
    let (send, receive) = mpsc::channel(1);
    (Asking(send), Asked(receive))
}

const UNDER_WAY: &str = "a restart is under way";

/// The program to start again, and SIGUSR2, caught from here on.
pub(crate) struct Restart {
    program: PathBuf,
    args: Vec<OsString>,
    signal: Signal,
    asked: Asked,
}

impl Restart {
    /// Starts to catch the signal. To be called early: later the program may lie elsewhere.
    ///
    /// # Errors
    /// The system does not let us, or does not say where the program is.
    pub(crate) fn new(asked: Asked) -> io::Result<Self> {
        let mut args = env::args_os();
        let program = program(args.next(), env::current_exe)?;
        Ok(Self { program, args: args.collect(), signal: signal(SignalKind::user_defined2())?, asked })
    }

    /// Restarts whenever it is told to, until that has succeeded, and then for ever does nothing; what comes meanwhile
    /// is refused.
    pub(crate) async fn when_told(mut self, server: &Server, notifier: &Notifier) -> Infallible {
        loop {
            // `None` would mean that the runtime has ended, and we with it.
            let reply = tokio::select! {
                _ = self.signal.recv() => None,
                Some(reply) = self.asked.0.recv() => Some(reply),
            };
            let mut restarted = pin!(restart(&self.program, &self.args, server, notifier));
            let done = loop {
                tokio::select! {
                    biased;
                    done = &mut restarted => break done,
                    _ = self.signal.recv() => tracing::warn!("restart refused: one is under way"),
                    Some(reply) = self.asked.0.recv() => drop(reply.send(Err(UNDER_WAY.to_owned()))),
                }
            };
            if let Some(reply) = reply {
                // The admin may have gone.
                let _ = reply.send(done.map(|id| format!("process {id} serves")));
            }
        }
    }
}

/// Puts a new process in this one's place; its id.
///
/// # Errors
/// Why there is none; this one goes on.
async fn restart(
    program: &Path,
    args: &[OsString],
    server: &Server,
    notifier: &Notifier,
) -> Result<u32, String> {
    if process::id() == 1 {
        let why = "as process 1 of a container this one would take the new one with it";
        tracing::error!(error = why, "not restarted");
        return Err(why.to_owned());
    }
    tracing::info!(program = %program.display(), "restarting");
    notifier.reloading();
    let mut command = Command::new(program);
    // The sign of life is the new process' to give, though systemd did not start it.
    command.args(args).env_remove("WATCHDOG_PID");
    let handed_over = server.hand_over(command, LIMIT, |id| notifier.replaced_by(id)).await;
    match &handed_over {
        Ok(id) => tracing::info!(id, "restarted: another process serves"),
        Err(error) => {
            tracing::error!(%error, "not restarted, this process goes on");
            notifier.ready();
        }
    }
    handed_over.map_err(|error| error.to_string())
}

/// The path that was called, or where the program was found by its name.
fn program(called: Option<OsString>, found: impl Fn() -> io::Result<PathBuf>) -> io::Result<PathBuf> {
    let called = called.map(PathBuf::from).filter(|path| path.components().count() > 1 && path.exists());
    called.map_or_else(found, Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_path_that_was_called() {
        let here = env::current_exe().unwrap();
        for (called, expected) in [
            (Some(here.clone().into_os_string()), here.as_path()),
            (Some("rpcwrapd".into()), Path::new("/found")),
            (Some("/no/such/program".into()), Path::new("/found")),
            (None, Path::new("/found")),
        ] {
            assert_eq!(program(called.clone(), || Ok("/found".into())).unwrap(), expected, "{called:?}");
        }
    }
}
