//! Connections beyond `max_connections` for which there is a place in the reserve: they are answered pages, probes and
//! admin operations, and everything else is told that there is no room.

use crate::{
    conn::{Ended, preamble::read_more},
    io::{Opening, Stream, close::refuse},
    protocol::{ConnCx, NO_ROOM, Registered, agent_check::AgentCheck, http::Http},
};
use std::time::Duration;
use tokio::time::timeout;

/// How long such a connection may be silent: places in the reserve are few.
const FIRST_BYTE: Duration = Duration::from_secs(1);
/// How long it may be there at all.
pub(crate) const LIFE: Duration = Duration::from_secs(10);
/// For the refusal.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Waits for its first byte.
pub(super) async fn first_byte(opening: &mut Opening, cx: &ConnCx) -> Result<(), Ended> {
    match timeout(FIRST_BYTE, read_more(opening, cx)).await {
        Ok(read) => read,
        Err(_) => Err(no_room(&mut opening.stream, NO_ROOM, cx).await),
    }
}

/// Refuses a protocol that has no pages.
pub(super) async fn check(registered: &Registered, stream: &mut Stream, cx: &ConnCx) -> Result<(), Ended> {
    if [Http::NAME, AgentCheck::NAME].contains(&registered.protocol.name()) {
        return Ok(());
    }
    Err(no_room(stream, registered.protocol.no_room(), cx).await)
}

async fn no_room(stream: &mut Stream, last_words: &[u8], cx: &ConnCx) -> Ended {
    cx.dispatch.live.stats.connections_refused.add_one();
    // In plain text: of no use to a client that wants TLS.
    if !cx.port.requires_tls() {
        let _ = timeout(LAST_WORDS, refuse(stream, last_words)).await;
    }
    Ended::Counted
}
