//! One HTTP/1.x connection from its first request to its end: drives hyper, keeps its time, takes the socket back.

use super::{
    Http,
    hijack::HandedOver,
    progress::{Limit, Progress},
    request_body::RequestBody,
    route,
    socket::{Leftover, Socket},
};
use crate::{
    call::slice::Slice,
    error::ProtocolError,
    io::close::{close, close_gently},
    live::{
        deadline::{Timer, poll_timer},
        lifetime::{Age, Stage},
        shutdown::Phase,
    },
    protocol::{Conn, ConnCx, ServeFuture, Served},
};
use codecs::LogText;
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::http1::{self, Connection},
    service::Service,
};
use hyper_util::rt::TokioIo;
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::time::timeout;

/// Serves requests until the peer or the server has had enough, or one of them is a CONNECT for another protocol.
pub(super) async fn serve(http: Arc<Http>, conn: Conn, cx: ConnCx) -> Result<Served, ProtocolError> {
    let progress = Progress::new();
    let io = conn.into_io().leaving(cx.front.clone());
    let io = TokioIo::new(Socket::new(io, progress.clone()));
    let service = Requests { http, cx: cx.clone(), progress: progress.clone() };
    let connection = http1::Builder::new()
        // Ours, see Progress.
        .header_read_timeout(None)
        .half_close(true)
        .max_buf_size(cx.dispatch.live.config().max_header_bytes)
        // With it, a good request followed by bad bytes in the same segment loses its reply.
        .pipeline_flush(false)
        .serve_connection(io, service);
    go_on(connection, cx, progress).await
}

/// Serves the connection to its end, or until it has to be served elsewhere.
fn go_on(mut connection: HyperConnection, cx: ConnCx, progress: Progress) -> ServeFuture {
    Box::pin(async move {
        match drive(&mut connection, &cx, &progress).await {
            End::Leaving => Ok(Served::Calling(go_on(connection, cx, progress))),
            end => finish(connection, &cx, &progress, end).await,
        }
    })
}

/// Takes the socket back, for the next protocol or for the last words.
async fn finish(
    connection: HyperConnection,
    cx: &ConnCx,
    progress: &Progress,
    end: End,
) -> Result<Served, ProtocolError> {
    let parts = connection.into_parts();
    let Leftover { unread, unsent, mut stream } = parts.io.into_inner().into_rest();
    let (handover, requests, peer_is_done) = {
        let mut notes = progress.notes();
        (notes.handover.take(), notes.requests, notes.has_ended() || notes.gone)
    };
    if let Some((path, early)) = handover {
        let prefix = [early, parts.read_buf, unread].concat();
        let mut conn = Conn::new(prefix, stream);
        (conn.unsent, conn.path) = (unsent, Some(path));
        return Ok(Served::Handover(conn));
    }
    let has_answer = count(&end, cx);
    if has_answer {
        let limit = cx.dispatch.live.config().stall_timeout;
        // The peer may be gone, which closing it finds out.
        let _ = timeout(limit, stream.send(&unsent)).await;
    }
    if has_answer && !peer_is_done {
        close_gently(&mut stream, || cx.is_hurried()).await?;
    } else {
        // Nothing that the peer could lose; it may be gone, too.
        let _ = close(&mut stream).await;
    }
    match end {
        End::Http(Err(error)) if error.is_parse() => Err(ProtocolError::Malformed("not HTTP")),
        // Of a limit a health probe does not fall foul.
        End::Http(_) | End::Gone | End::Old if requests == 0 => Ok(Served::Probe),
        _ => Ok(Served::Closed),
    }
}

/// Counts the end of a connection; whether there may be an answer that is not written yet.
fn count(end: &End, cx: &ConnCx) -> bool {
    let stats = &cx.dispatch.live.stats;
    match end {
        End::Limit(limit) => {
            tracing::debug!(peer = %cx.peer_addr, ?limit, "HTTP connection ran out of time");
            match limit {
                Limit::Head => stats.opening_timeouts.add_one(),
                Limit::Stall => stats.stalled.add_one(),
                Limit::Idle | Limit::HalfClosed | Limit::Look => {}
            }
            false
        }
        End::Gone | End::Old | End::Leaving => false,
        End::Http(Err(error)) if error.is_parse() => {
            tracing::debug!(peer = %cx.peer_addr, error = %LogText::new(error), "not HTTP");
            true
        }
        End::Http(_) => true,
    }
}

/// Why HTTP is over on a connection.
enum End {
    Http(hyper::Result<()>),
    Limit(Limit),
    Gone,
    /// The connection is too old, and was never idle.
    Old,
    /// Not over: it goes on where handlers run.
    Leaving,
}

type HyperConnection = Connection<TokioIo<Socket>, Requests>;

async fn drive(connection: &mut HyperConnection, cx: &ConnCx, progress: &Progress) -> End {
    let mut draining = pin!(cx.dispatch.live.shutdown.reached(Phase::Draining));
    let mut leaving = false;
    let mut age = Age::default();
    let mut timer = None;
    poll_fn(|task| {
        let _slice = Slice::begin();
        if let Poll::Ready(result) = poll_http(connection, progress, task) {
            return Poll::Ready(End::Http(result));
        }
        if cx.front.as_ref().is_some_and(|front| front.is_leaving()) {
            return Poll::Ready(End::Leaving);
        }
        // Only now: a request that has arrived by then is answered before the connection is closed.
        let aged = age.poll(&cx.tracked, &cx.dispatch.live.config(), task);
        if matches!(aged, Poll::Ready(Stage::Refusing | Stage::Over)) {
            return Poll::Ready(End::Old);
        }
        if !leaving
            && (aged.is_ready() || cx.tracked.logins.are_used_up() || draining.as_mut().poll(task).is_ready())
        {
            leaving = true;
            Pin::new(&mut *connection).graceful_shutdown();
            if let Poll::Ready(result) = poll_http(connection, progress, task) {
                return Poll::Ready(End::Http(result));
            }
        }
        if progress.notes().gone {
            return Poll::Ready(End::Gone);
        }
        poll_limit(progress, cx, &mut timer, task).map(End::Limit)
    })
    .await
}

/// Lets hyper do all it can, then lets it write.
fn poll_http(
    connection: &mut HyperConnection,
    progress: &Progress,
    task: &mut Context<'_>,
) -> Poll<hyper::Result<()>> {
    let result = Pin::new(&mut *connection).poll(task);
    if result.is_ready() || !progress.notes().holding {
        return result;
    }
    progress.notes().releasing = true;
    let result = Pin::new(&mut *connection).poll(task);
    progress.notes().releasing = false;
    result
}

/// Waits for the limit that counts now.
pub(super) fn poll_limit(
    progress: &Progress,
    cx: &ConnCx,
    timer: &mut Timer,
    task: &mut Context<'_>,
) -> Poll<Limit> {
    let Some((deadline, limit)) = progress.notes().deadline(&cx.dispatch.live.config()) else {
        return Poll::Pending;
    };
    ready!(poll_timer(timer, deadline, task));
    if limit == Limit::Look {
        progress.notes().look();
        task.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(limit)
}

/// hyper's service of one connection.
pub(super) struct Requests {
    http: Arc<Http>,
    cx: ConnCx,
    progress: Progress,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<super::body::Body>;
    type Error = HandedOver;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, HandedOver>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin({
            let request = request.map(RequestBody::http1);
            route::answer(self.http.clone(), self.cx.clone(), self.progress.clone(), request)
        })
    }
}
