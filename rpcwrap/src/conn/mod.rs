//! One socket's life: accept → [`prepare`] (PROXY header, TLS) → [`sniff`] → serve, hand-overs, and the count when it
//! ends. A protocol that speaks first and has the listener for itself is served without sniffing.
//!
//! Each step hands on what it read too much: [`Opening::prefix`]. Everything before `serve` has a deadline of its own,
//! which covers silent and half-sent openings.
//!
//! A connection of a listener begins on the server's [front](crate::live::front). It leaves it with the protocol that
//! makes calls, or with its first call over HTTP.

mod preamble;
pub(crate) mod reserve;

use crate::{
    conn::preamble::{failed, first_byte, late, prepare, read_more},
    io::{
        Opening, Stream,
        close::{close, close_gently},
    },
    live::{
        config::{Config, OpeningClock},
        deadline::DeadlinePassed,
        shutdown::{Phase, Reached},
        tracked::{Place, Tracked},
        tracker::ConnectionPermit,
    },
    pages::rejected_info::OpeningFailure,
    protocol::{
        Class, Conn, ConnCx, OpenConnection, ProtocolError, Registered, ServeFuture, Served,
        agent_check::AgentCheck,
        http::Http,
        sniff::{Choice, MAX_PREFIX, after_blank_lines, choose},
    },
    session::SessionFuture,
};
use bytes::{Buf, Bytes};
use codecs::LogText;
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How long a connection may take to say what it came for once the server drains: those that waited in the accept
/// queue have sent it already, and are answered.
const DRAINING_PREFACE_TIMEOUT: Duration = Duration::from_millis(100);

/// Serves an accepted connection to its end.
///
/// The parts are tasks one after the other, not one future: what the opening needed is then gone while the session
/// it led to sits idle.
pub(crate) async fn serve(stream: Stream, mut cx: ConnCx, permit: ConnectionPermit) {
    let draining = cx.dispatch.live.shutdown.reached(Phase::Draining);
    let opened = {
        let tracked = cx.tracked.clone();
        let over = async {
            reached_or_killed(draining, &tracked).await;
            if !tracked.is_killed() {
                sleep(DRAINING_PREFACE_TIMEOUT).await;
            }
        };
        tokio::select! {
            biased;
            opened = open(stream, &mut cx) => opened,
            () = over => return,
        }
    };
    match opened {
        Ok((conn, registered)) => run(conn, registered, cx, permit),
        Err(end) => {
            count(&end, &cx);
            end.close().await;
        }
    }
}

/// Waits for the phase, or until an admin has ended the connection.
fn reached_or_killed(mut reached: Reached, tracked: &Tracked) -> impl Future<Output = ()> {
    let mut is_known = false;
    // Of a connection in the reserve; a box, as most are not.
    let mut life = (tracked.place() == Place::Reserve).then(|| Box::pin(sleep(reserve::LIFE)));
    // In this order: what ends a connection wakes those that wait for a phase.
    poll_fn(move |task| {
        if !is_known {
            is_known = true;
            tracked.set_waker(task.waker());
        }
        if life.as_mut().is_some_and(|life| life.as_mut().poll(task).is_ready()) {
            return Poll::Ready(());
        }
        match Pin::new(&mut reached).poll(task) {
            Poll::Pending if !tracked.is_killed() => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
}

/// Why a connection ended before it had a protocol.
pub(crate) enum Ended {
    /// The peer closed or reset it: a health probe, whether or not it sent a byte. It is counted before it is closed.
    Probe { silent: bool, stream: Option<Stream> },
    /// It is refused, as there was no room for it or its TLS handshake failed; it has been told and counted.
    Counted,
    /// It is refused, with its first bytes and what they do not show. It is counted before it is closed: who sees the one
    /// may ask for the other.
    Failed { why: OpeningFailure, head: Bytes, detail: String, stream: Stream },
}

impl Ended {
    /// Closes our side. There is no answer that the peer could lose.
    async fn close(self) {
        // The peer may be gone.
        let _ = match self {
            // It may be sending still, and a reset would be all that it sees.
            Self::Failed { head, mut stream, .. } if !head.is_empty() => {
                close_gently(&mut stream, || true).await
            }
            Self::Failed { mut stream, .. } | Self::Probe { stream: Some(mut stream), .. } => {
                close(&mut stream).await
            }
            Self::Probe { stream: None, .. } | Self::Counted => Ok(()),
        };
    }
}

async fn open(stream: Stream, cx: &mut ConnCx) -> Result<(Conn, Arc<Registered>), Ended> {
    let mut opening = Opening::new(stream);
    let is_in_reserve = cx.is_in_reserve();
    if is_in_reserve {
        Box::pin(reserve::first_byte(&mut opening, cx)).await?;
    }
    let opening = prepare(opening, cx).await?;
    let (mut conn, registered) = match &cx.port.greeter {
        Some(greeter) => (Conn::new(opening.prefix, opening.stream), greeter.clone()),
        None => sniff(opening, cx).await?,
    };
    if is_in_reserve {
        Box::pin(reserve::check(&registered, &mut conn.stream, cx)).await?;
    }
    Ok((conn, registered))
}

/// Reads until the first bytes tell whose connection it is.
async fn sniff(mut opening: Opening, cx: &ConnCx) -> Result<(Conn, Arc<Registered>), Ended> {
    first_byte(&mut opening, cx).await?;
    let (accepted, first_byte) = (opening.since, Instant::now());
    let deadline = |config: &Config| match config.first_byte_clock {
        // Of one that was silent for longer than that, which it may be, the time counts from its first byte on.
        OpeningClock::Accept => {
            let is_late = first_byte.saturating_duration_since(accepted) >= config.first_byte_timeout;
            let since = if is_late { first_byte } else { accepted };
            since.checked_add(config.first_byte_timeout)
        }
        OpeningClock::FirstByte => first_byte.checked_add(config.first_byte_timeout),
        OpeningClock::Off => None,
    };
    let chosen = cx.dispatch.live.until(deadline, choose_protocol(&mut opening, cx)).await;
    let registered = chosen.unwrap_or_else(|DeadlinePassed| Err(late(&mut opening)))?;
    Ok((Conn::new(opening.prefix, opening.stream), registered))
}

async fn choose_protocol(opening: &mut Opening, cx: &ConnCx) -> Result<Arc<Registered>, Ended> {
    let protocols = candidates(cx);
    let failed = |why, opening: &mut Opening| Err(failed(why, opening, ""));
    loop {
        let blank = after_blank_lines(&opening.prefix);
        let head = opening.prefix.get(blank.unwrap_or(0)..).unwrap_or_default();
        let choice = match blank {
            Some(_) => choose(head, protocols.clone()),
            None => Choice::Unknown,
        };
        match choice {
            Choice::Found(registered) => {
                let registered = registered.clone();
                opening.prefix.advance(blank.unwrap_or(0));
                return Ok(registered);
            }
            Choice::NeedMore if opening.prefix.len() >= MAX_PREFIX => {
                return failed(OpeningFailure::TooLong, opening);
            }
            Choice::NeedMore => read_more(opening, cx).await?,
            Choice::Unknown if head.starts_with(b"\x16") => return failed(OpeningFailure::Tls, opening),
            Choice::Unknown => {
                // Where one grammar is all there is to choose, it says itself what is wrong with the bytes.
                let mut protocols = protocols.clone();
                if let (Some(only), None) = (protocols.next(), protocols.next())
                    && only.protocol.class() == Class::Grammar
                {
                    return Ok(only.clone());
                }
                return failed(OpeningFailure::Unknown, opening);
            }
        }
    }
}

/// The protocols a connection may turn out to be: all of its listener's, or those its ALPN stands for.
fn candidates(cx: &ConnCx) -> impl Iterator<Item = &Arc<Registered>> + Clone {
    let alpn = cx.tls().and_then(|tls| tls.alpn.as_deref());
    let is_meant = move |one: &&Arc<Registered>| alpn.is_none_or(|alpn| one.protocol.alpn().contains(&alpn));
    cx.port.sniffed.iter().filter(is_meant)
}

fn count(end: &Ended, cx: &ConnCx) {
    let (why, head, detail) = match end {
        Ended::Probe { silent, .. } => {
            let stats = &cx.dispatch.live.stats;
            stats.probes.add_one();
            if *silent {
                stats.silent_probes.add_one();
            }
            tracing::debug!(peer = %cx.peer_addr, "closed before its first request: a probe");
            return;
        }
        Ended::Counted => return,
        Ended::Failed { why, head, detail, .. } => (*why, head, detail),
    };
    cx.count_failure(why);
    if head.is_empty() {
        tracing::debug!(peer = %cx.peer_addr, "{}", why.text());
    } else {
        cx.port.table.failed.add(why, &cx.peer_addr, head, detail);
    }
}

/// A connection in the hands of its protocol. Written by hand: an `async` block would keep room for every step at once,
/// and most connections sit idle in the second.
enum Serving {
    Opening(ServeFuture),
    Session(SessionFuture),
}

impl Future for Serving {
    type Output = Result<Served, ProtocolError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut *self {
                Self::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(Served::Session(session)) => *self = Self::Session(session),
                    served => return Poll::Ready(served),
                },
                Self::Session(session) => return session.as_mut().poll(cx).map_ok(Served::from),
            }
        }
    }
}

/// Protocols that are served by the front, as long as they make no calls.
const IN_FRONT: [&str; 3] = [Http::NAME, Http::NAME_2, AgentCheck::NAME];

/// Starts the protocol on a task of its own, which hands over to the next one if it must.
fn run(mut conn: Conn, registered: Arc<Registered>, mut cx: ConnCx, permit: ConnectionPermit) {
    cx.protocol = registered.protocol.name();
    cx.tracked.set_protocol(cx.protocol);
    conn.tracked = Some(cx.tracked.clone());
    let front = if IN_FRONT.contains(&cx.protocol) { None } else { cx.front.take() };
    let _handlers = front.as_ref().map(|front| front.enter_handlers());
    if front.is_some()
        && let Err(error) = conn.stream.register_here()
    {
        tracing::debug!(peer = %cx.peer_addr, %error, "connection lost on its way to its handlers");
        return;
    }
    let taken = registered.take();
    // Made here: what its future is given would otherwise stay in the task's memory for as long as it runs.
    let serving = Serving::Opening(registered.protocol.clone().serve(conn, cx.clone()));
    go_on(serving, registered, taken, cx, permit);
}

/// Serves on a task of its own.
fn go_on(
    serving: Serving,
    registered: Arc<Registered>,
    taken: OpenConnection,
    mut cx: ConnCx,
    permit: ConnectionPermit,
) {
    // Owned by the permit it holds: the server's drain waits for the last permit and cuts what remains by phase.
    tokio::spawn(async move {
        let served = {
            let stopped = cx.dispatch.live.shutdown.reached(Phase::Stopped);
            let stopped = pin!(reached_or_killed(stopped, &cx.tracked));
            tokio::select! {
                biased;
                served = serving => served,
                () = stopped => return,
            }
        };
        if let Ok(Served::Calling(rest)) = served {
            let front = cx.front.take();
            let _handlers = front.as_ref().map(|front| front.enter_handlers());
            return go_on(Serving::Opening(rest), registered, taken, cx, permit);
        }
        drop(taken);
        match served {
            Ok(Served::Handover(conn)) => {
                let next = cx.port.taker_of(conn.path.as_deref().unwrap_or_default()).cloned();
                if let Some(next) = next {
                    return run(conn, next, cx, permit);
                }
            }
            Ok(Served::Probe) => cx.dispatch.live.stats.probes.add_one(),
            Ok(Served::Closed | Served::Session(_) | Served::Calling(_)) => {}
            Err(error) => {
                registered.count(&error);
                if error.is_malformed() {
                    cx.dispatch.live.stats.malformed.add_one();
                }
                let error = LogText::new(error);
                tracing::debug!(peer = %cx.peer_addr, protocol = cx.protocol, %error, "connection ended");
            }
        }
        drop(permit);
    });
}
