//! SIGUSR2: the program is started again with the listening sockets, and once it serves this process drains.
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
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the new process may take until it serves.
const LIMIT: Duration = Duration::from_secs(60);

/// The program to start again, and SIGUSR2, caught from here on.
pub(crate) struct Restart {
    program: PathBuf,
    args: Vec<OsString>,
    signal: Signal,
}

impl Restart {
    /// Starts to catch the signal. To be called early: later the program may lie elsewhere.
    ///
    /// # Errors
    /// The system does not let us, or does not say where the program is.
    pub(crate) fn new() -> io::Result<Self> {
        let mut args = env::args_os();
        let program = program(args.next(), env::current_exe)?;
        Ok(Self { program, args: args.collect(), signal: signal(SignalKind::user_defined2())? })
    }

    /// Restarts at every signal until that has succeeded, and then for ever does nothing; a signal meanwhile is refused.
    pub(crate) async fn at_signals(mut self, server: &Server, notifier: &Notifier) -> Infallible {
        loop {
            // `None` would mean that the runtime has ended, and we with it.
            self.signal.recv().await;
            let mut restarted = pin!(restart(&self.program, &self.args, server, notifier));
            loop {
                tokio::select! {
                    biased;
                    _ = &mut restarted => break,
                    _ = self.signal.recv() => tracing::warn!("restart refused: one is under way"),
                }
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
