//! HTTP/2, by prior knowledge or by ALPN: the pages, calls and mounted services of HTTP/1.x, many at a time, and so
//! gRPC for programs that mount a service of it.
//!
//! Crate `h2` frames and multiplexes; [streams](stream) run in the connection's own task and are answered by
//! [`route`](super::route). There is no CONNECT to another protocol here.

mod lent;
mod stream;
mod timers;

use self::{
    lent::{Back, Lent},
    timers::{CloseTimer, Pings, UnsentTimer},
};
use super::{Http, sniff::PREFACE};
use crate::{
    call::slice::{self, Slice},
    error::ProtocolError,
    io::close::close_gently,
    live::{
        lifetime::{Age, Stage},
        shutdown::Phase,
    },
    lock::lock,
    protocol::{AuthMode, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff},
};
use ::h2::{
    Error, Reason,
    server::{self, Connection, Handshake},
};
use bytes::Bytes;
use codecs::LogText;
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// What a peer may send of a body, and of all together, before it is read; what crate `h2` keeps of a reply.
const WINDOW: u32 = 1 << 20;
const SEND_BUFFER: usize = 400 << 10;

/// The protocol of [`Http`]'s services over HTTP/2.
pub(crate) struct Http2(pub(crate) Arc<Http>);

impl Protocol for Http2 {
    fn name(&self) -> &'static str {
        Http::NAME_2
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![PREFACE.to_vec()]
    }

    fn alpn(&self) -> &[&'static str] {
        &["h2"]
    }

    fn auth(&self) -> AuthMode {
        AuthMode::Request
    }

    /// On the preface alone: who waits for a request's headers waits for a client that waits for our settings.
    fn sniff(&self, head: &[u8]) -> Sniff {
        Sniff::magic(head, PREFACE)
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        // Access rules and programs know HTTP as one protocol, whatever its version.
        let cx = ConnCx { protocol: Http::NAME, ..cx };
        let back = Back::default();
        let io = Lent::new(conn.into_io().leaving(cx.front.clone()), back.clone());
        go_on(Streams::new(io, self.0.clone(), cx), back)
    }
}

/// Serves the connection to its end, or until it has to be served elsewhere.
fn go_on(mut streams: Streams, back: Back) -> ServeFuture {
    Box::pin(async move {
        let Some(ended) = drive(&mut streams).await else {
            return Ok(Served::Calling(go_on(streams, back)));
        };
        let (cx, requests) = (streams.cx.clone(), streams.requests);
        drop(streams);
        let left = lock(&back).take();
        if let Some(stream) = left {
            let (_, mut stream) = stream.into_parts();
            // The peer may be gone.
            let _ = close_gently(&mut stream, || cx.is_hurried()).await;
        }
        match ended {
            // It broke the rules, and did not just go away.
            Err(error) if error.is_library() => {
                tracing::debug!(peer = %cx.peer_addr, error = %LogText::new(error), "not HTTP/2");
                Err(ProtocolError::Malformed("not HTTP/2"))
            }
            _ if requests == 0 => Ok(Served::Probe),
            _ => Ok(Served::Closed),
        }
    })
}

/// Runs the connection and its streams until there are no more, the peer is gone, or it has been idle for too long;
/// `None` where it has to be run elsewhere.
async fn drive(streams: &mut Streams) -> Option<Result<(), Error>> {
    let cx = streams.cx.clone();
    let mut draining = pin!(cx.dispatch.live.shutdown.reached(Phase::Draining));
    let mut close_timer = CloseTimer::default();
    let mut leaving = false;
    let mut age = Age::default();
    let mut unsent = UnsentTimer::default();
    poll_fn(|task| {
        let _slice = Slice::begin();
        if let Poll::Ready(result) = streams.poll(task) {
            return Poll::Ready(Some(result));
        }
        if cx.front.as_ref().is_some_and(|front| front.is_leaving()) {
            return Poll::Ready(None);
        }
        if unsent.poll(task, &cx).is_ready() || streams.poll_pings(task).is_ready() {
            tracing::debug!(peer = %cx.peer_addr, "HTTP/2 peer takes no reply");
            cx.dispatch.live.stats.stalled.add_one();
            return Poll::Ready(Some(Ok(())));
        }
        let aged = age.poll(&cx.tracked, &cx.dispatch.live.config(), task);
        if matches!(aged, Poll::Ready(Stage::Refusing | Stage::Over)) {
            return Poll::Ready(Some(Ok(())));
        }
        let is_asked =
            aged.is_ready() || cx.tracked.logins.are_used_up() || draining.as_mut().poll(task).is_ready();
        let is_late = (leaving || !is_asked)
            && close_timer.poll(task, &cx.dispatch.live.config(), streams.is_idle()).is_ready();
        if is_late && leaving {
            tracing::debug!(peer = %cx.peer_addr, "HTTP/2 peer did not say good-bye");
            return Poll::Ready(Some(Ok(())));
        }
        if !leaving && (is_asked || is_late) {
            leaving = true;
            close_timer.start_closing();
            streams.leave();
            task.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

/// One connection and the streams it has.
struct Streams {
    http: Arc<Http>,
    cx: ConnCx,
    state: State,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>>,
    requests: u64,
}

enum State {
    Opening(Box<Handshake<Lent, Bytes>>),
    Open(Box<Connection<Lent, Bytes>>, Option<Pings>),
    Over,
}

impl Streams {
    fn new(io: Lent, http: Arc<Http>, cx: ConnCx) -> Self {
        let state = {
            let config = cx.dispatch.live.config();
            let handshake = server::Builder::new()
                .initial_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .max_send_buffer_size(SEND_BUFFER)
                .max_concurrent_streams(u32::try_from(config.max_in_flight).unwrap_or(u32::MAX))
                .max_header_list_size(u32::try_from(config.max_header_bytes).unwrap_or(u32::MAX))
                .handshake(io);
            State::Opening(Box::new(handshake))
        };
        Self { http, cx, state, running: FuturesUnordered::new(), requests: 0 }
    }

    fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Takes in what is new and runs all that can, within the slice of the poll; ready when the connection is over.
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            let accepted = match &mut self.state {
                State::Over => return Poll::Ready(Ok(())),
                State::Opening(handshake) => match Pin::new(handshake).poll(task) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(mut connection)) => {
                        let pings = connection.ping_pong().map(Pings::new);
                        self.state = State::Open(Box::new(connection), pings);
                        continue;
                    }
                    Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
                },
                State::Open(connection, _) => connection.poll_accept(task),
            };
            let is_accepted = match accepted {
                Poll::Pending => false,
                Poll::Ready(None) => {
                    self.state = State::Over;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Some(Err(error))) => {
                    self.state = State::Over;
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Some(Ok((request, respond)))) => {
                    self.requests += 1;
                    let (http, cx) = (self.http.clone(), self.cx.clone());
                    self.running.push(Box::pin(stream::answer(http, cx, request, respond)));
                    true
                }
            };
            let before = self.running.len();
            while let Poll::Ready(Some(())) = self.running.poll_next_unpin(task) {}
            // What a stream has said is the connection's to send.
            if !is_accepted && self.running.len() == before {
                return Poll::Pending;
            }
            if slice::is_over() {
                slice::wake_later(task);
                return Poll::Pending;
            }
        }
    }

    fn poll_pings(&mut self, task: &mut Context<'_>) -> Poll<()> {
        match &mut self.state {
            State::Open(_, Some(pings)) => pings.poll(task, &self.cx, !self.running.is_empty()),
            _ => Poll::Pending,
        }
    }

    /// Takes no more streams once the peer knows, and is over with the last.
    fn leave(&mut self) {
        match &mut self.state {
            State::Open(connection, _) => connection.graceful_shutdown(),
            // Its peer takes not even our settings.
            State::Opening(_) => self.state = State::Over,
            State::Over => {}
        }
    }
}

/// However a connection ends, its peer is told, if that takes no wait.
impl Drop for Streams {
    fn drop(&mut self) {
        if let State::Open(connection, _) = &mut self.state {
            connection.abrupt_shutdown(Reason::NO_ERROR);
            let _ = connection.poll_closed(&mut Context::from_waker(Waker::noop()));
        }
    }
}
