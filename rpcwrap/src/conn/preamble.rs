//! What comes before a protocol's first byte: the PROXY header of a trusted proxy, then the TLS handshake.
//!
//! The first names the peer in [`ConnCx`], the second may name its user. Each has a deadline of its own and leaves the
//! stream as the next step is to see it. Knows no protocol.

use crate::{
    conn::Ended,
    io::{Opening, ProxyProtocol},
    live::{
        config::{Config, OpeningClock},
        deadline::DeadlinePassed,
    },
    pages::rejected_info::OpeningFailure,
    peer::PeerAddr,
    protocol::ConnCx,
};
use codecs::proxy_header::{self, Source};
use tokio::time::Instant;

/// Runs the steps this listener has, in their order.
pub(crate) async fn prepare(mut opening: Opening, cx: &mut ConnCx) -> Result<Opening, Ended> {
    let port = cx.port.clone();
    if let Some(proxy) = port.proxy.as_ref().filter(|proxy| proxy.trusts(&cx.peer_addr)) {
        read_proxy_header(&mut opening, cx, proxy).await?;
        opening.since = Instant::now();
    }
    #[cfg(feature = "tls")]
    let opening = match port.opening_tls() {
        Some((tls, policy)) => tls::shake_hands(opening, cx, tls, policy).await?,
        None => opening,
    };
    Ok(opening)
}

/// Waits for the first byte, as long as a connection may take for it: one whose time counts from accept on stays beyond
/// it while there is room for others, as clients may connect long before their first call.
pub(crate) async fn first_byte(opening: &mut Opening, cx: &ConnCx) -> Result<(), Ended> {
    if !opening.prefix.is_empty() {
        return Ok(());
    }
    let since = opening.since;
    let deadline = |config: &Config| match config.first_byte_clock {
        OpeningClock::Accept => since.checked_add(config.first_byte_timeout),
        OpeningClock::FirstByte => since.checked_add(config.keep_alive_timeout),
        OpeningClock::Off => None,
    };
    let live = &cx.dispatch.live;
    loop {
        if let Ok(read) = live.until(deadline, read_more(opening, cx)).await {
            return read;
        }
        let stays = {
            let config = live.config();
            config.first_byte_clock == OpeningClock::Accept
                && !live.tracker.is_crowded(config.max_connections)
        };
        if !stays {
            return Err(late(opening));
        }
        let read_or_crowded = async {
            tokio::select! {
                biased;
                read = read_more(opening, cx) => Some(read),
                () = live.tracker.crowded() => None,
            }
        };
        // A change of the settings may make it crowded, too.
        let crowded = |config: &Config| live.tracker.is_crowded(config.max_connections).then(Instant::now);
        if let Ok(Some(read)) = live.until(crowded, read_or_crowded).await {
            return read;
        }
    }
}

/// Reads what is there, at least a byte.
pub(crate) async fn read_more(opening: &mut Opening, cx: &ConnCx) -> Result<(), Ended> {
    match opening.read_more().await {
        Ok(0) | Err(_) => Err(Ended::Probe { silent: opening.silent, stream: Some(opening.stream.take()) }),
        Ok(n) => {
            cx.tracked.received(n);
            Ok(())
        }
    }
}

/// The end of a connection that was too slow.
pub(crate) fn late(opening: &mut Opening) -> Ended {
    failed(OpeningFailure::Timeout, opening, "")
}

/// The end of a connection whose first bytes are refused; `detail` is what they do not show themselves.
pub(crate) fn failed(why: OpeningFailure, opening: &mut Opening, detail: impl Into<String>) -> Ended {
    let (head, stream) = (opening.prefix.split().freeze(), opening.stream.take());
    Ended::Failed { why, head, detail: detail.into(), stream }
}

async fn read_proxy_header(
    opening: &mut Opening,
    cx: &mut ConnCx,
    proxy: &ProxyProtocol,
) -> Result<(), Ended> {
    if proxy.is_optional() {
        // A connection of the proxy's own may be as silent as any other.
        first_byte(opening, cx).await?;
    }
    let source =
        cx.dispatch.live.within(|config| config.proxy_header_timeout, source(opening, cx, proxy)).await;
    let source = source.unwrap_or_else(|DeadlinePassed| {
        Err(failed(OpeningFailure::Timeout, opening, "in the PROXY header"))
    })?;
    if let Some(Source::Client(addr)) = source {
        let addr = PeerAddr::Tcp(addr);
        tracing::debug!(proxy = %cx.peer_addr, peer = %addr, "connection of a proxy's client");
        let limit = cx.dispatch.live.config().max_connections_per_address;
        let fits = cx.dispatch.live.tracker.set_addr(&cx.tracked, addr.clone(), limit);
        cx.peer_addr = addr;
        if !fits {
            cx.dispatch.live.stats.connections_refused.add_one();
            return Err(Ended::Counted);
        }
    }
    Ok(())
}

/// What the header says; `None` where there is none and none is needed.
async fn source(opening: &mut Opening, cx: &ConnCx, proxy: &ProxyProtocol) -> Result<Option<Source>, Ended> {
    loop {
        match proxy_header::is_header(&opening.prefix) {
            Some(false) if proxy.is_optional() => return Ok(None),
            Some(false) => return Err(failed(OpeningFailure::NoProxyHeader, opening, "")),
            None => {}
            Some(true) => match proxy_header::decode(&mut opening.prefix) {
                Ok(Some(source)) => return Ok(Some(source)),
                Ok(None) => {}
                Err(error) => return Err(failed(OpeningFailure::ProxyHeader, opening, error.to_string())),
            },
        }
        read_more(opening, cx).await?;
    }
}

#[cfg(feature = "tls")]
mod tls {
    //! The TLS handshake, where the first byte asks for one.

    use super::{failed, first_byte};
    use crate::{
        conn::Ended,
        io::{
            Opening,
            close::refuse,
            tls::{PortTls, TlsPolicy},
        },
        pages::rejected_info::OpeningFailure,
        peer::PeerAddr,
        protocol::{ConnCx, NoTls},
    };
    use tokio::time::timeout;

    /// The first byte of every TLS handshake: a record of that type, RFC 8446 section 5.1.
    const HANDSHAKE: u8 = 0x16;
    /// What a client that speaks no TLS is told, in Go's words, which any program can show.
    const PLAIN: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Length: 48\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

    pub(super) async fn shake_hands(
        mut opening: Opening,
        cx: &mut ConnCx,
        tls: &PortTls,
        policy: TlsPolicy,
    ) -> Result<Opening, Ended> {
        first_byte(&mut opening, cx).await?;
        if opening.prefix.first() != Some(&HANDSHAKE) {
            // Within the program no peer can listen in between.
            if policy == TlsPolicy::Allow || cx.peer_addr == PeerAddr::InProcess {
                return Ok(opening);
            }
            let limit = cx.dispatch.live.config().tls_handshake_timeout;
            // The peer may be gone: then there is none to be told.
            let _ = timeout(limit, refuse(&mut opening.stream, PLAIN)).await;
            return Err(failed(OpeningFailure::Plain, &mut opening, ""));
        }
        let head = opening.prefix.freeze();
        match cx.shake_hands(tls, head, opening.stream).await {
            Ok(stream) => Ok(Opening { silent: false, ..Opening::new(stream) }),
            Err(NoTls::Gone(_)) => Err(Ended::Probe { silent: false, stream: None }),
            Err(NoTls::Failed(_)) => Err(Ended::Counted),
        }
    }
}
