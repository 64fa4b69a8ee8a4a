//! HAProxy's agent check on the same port: `agent` and a line end in, one line about our health and weight out, close.
//!
//! Shape: `ready up 75%` while calls are taken, the share of `max_connections` that is free, at least 1 %; `drain` from
//! the first signal to stop on. `ready` because a server that has once said `drain` stays in that state until it is
//! said, even when a new process answers in its place. HAProxy rounds the weight down, so a `server` line without
//! `weight 100` turns anything below 100 % into no traffic.
//! Source: HAProxy configuration manual, `agent-check` and `agent-send "agent\n"`.

use super::{AuthMode, Class, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff};
use crate::{io::close::close_gently, live::shutdown::Phase};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

const OPENING: &[u8] = b"agent\n";

/// The protocol of HAProxy's agent checks.
pub(crate) struct AgentCheck;

impl AgentCheck {
    pub(crate) const NAME: &'static str = "agent_check";
}

impl Protocol for AgentCheck {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn class(&self) -> Class {
        Class::Magic
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![OPENING.to_vec()]
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        Sniff::magic(head, OPENING)
    }

    /// It makes no calls.
    fn auth(&self) -> AuthMode {
        AuthMode::Certificate
    }

    fn serve(self: Arc<Self>, mut conn: Conn, cx: ConnCx) -> ServeFuture {
        Box::pin(async move {
            let live = &cx.dispatch.live;
            let free_percent = live.tracker.free_percent(live.config().max_connections);
            let answer = answer(live.shutdown.phase(), free_percent);
            // In one write: HAProxy resets the connection as soon as it has the line.
            if conn.stream.write_all(answer.as_bytes()).await.is_ok() {
                cx.tracked.sent(answer.len());
                // A probe whatever its end.
                let _ = close_gently(&mut conn.stream, || true).await;
            }
            Ok(Served::Probe)
        })
    }
}

fn answer(phase: Phase, free_percent: usize) -> String {
    match phase {
        Phase::Serving => format!("ready up {}%\n", free_percent.max(1)),
        Phase::LameDuck | Phase::Draining | Phase::Stopped => "drain\n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(answer(Phase::Serving, 100), "ready up 100%\n");
        assert_eq!(answer(Phase::Serving, 0), "ready up 1%\n");
        for phase in [Phase::LameDuck, Phase::Draining, Phase::Stopped] {
            assert_eq!(answer(phase, 100), "drain\n");
        }
    }
}
