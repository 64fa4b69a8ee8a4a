//! From the first signal, an admin's word or the hand-over to another process, to the end of the program.

use super::{Drained, STOP_LIMIT, Server};
use crate::live::shutdown::Phase;
use std::{future::Future, io, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a server, caught from the moment this exists.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next signal; whether it came from a person at a terminal.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => true,
        }
    }
}

/// See [`Server::run`].
pub(super) fn run(server: &Server) -> impl Future<Output = io::Result<Drained>> + Send + '_ {
    // Not in the future: a signal that comes before its first poll must not end the program either.
    let signals = Signals::catch();
    let mut stop = server.dispatch.live.stop.wait();
    async move {
        let mut signals = signals?;
        let (patient, restarted) = tokio::select! {
            is_person = signals.next() => (!is_person, false),
            () = stop.asked() => (true, false),
            () = server.listeners.handed_over() => (false, true),
        };
        // As they are now: both may have been changed meanwhile.
        let (lame_duck, limit) = {
            let config = server.dispatch.live.config();
            (if patient { config.lame_duck } else { Duration::ZERO }, config.drain_timeout)
        };
        if !restarted {
            server.start_lame_duck();
        }
        // Only now: a log that makes us wait must not keep load balancers from being told.
        tracing::info!(?lame_duck, ?limit, restarted, "draining");
        let drain = async {
            let stopped = server.dispatch.live.shutdown.reached(Phase::Stopped);
            tokio::select! {
                () = tokio::time::sleep(lame_duck) => {}
                () = stopped => {}
            }
            server.drain(limit.saturating_sub(lame_duck.saturating_add(STOP_LIMIT))).await
        };
        let told_twice = async {
            if restarted {
                // The first signal asks for what is done already.
                signals.next().await;
            }
            signals.next().await
        };
        let drained = tokio::select! {
            drained = drain => drained,
            _ = told_twice => server.stop().await,
        };
        tracing::info!(cut = drained.cut, "stopped");
        Ok(drained)
    }
}
