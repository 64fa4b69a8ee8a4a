//! From the first signal to the end of the program.

use super::{Drained, Server};
use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// See [`Server::run`].
pub(super) async fn run(server: &Server) -> io::Result<Drained> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let config = &server.cx.dispatch.config;
    let lame_duck = tokio::select! {
        _ = terminate.recv() => config.lame_duck,
        _ = interrupt.recv() => std::time::Duration::ZERO,
    };
    tracing::info!(lame_duck = ?lame_duck, limit = ?config.drain_timeout, "draining");
    server.start_lame_duck();
    let drain = async {
        tokio::time::sleep(lame_duck).await;
        server.drain(config.drain_timeout).await
    };
    let drained = tokio::select! {
        drained = drain => drained,
        _ = terminate.recv() => server.stop().await,
        _ = interrupt.recv() => server.stop().await,
    };
    tracing::info!(cut = drained.cut, "stopped");
    Ok(drained)
}
