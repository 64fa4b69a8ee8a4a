//! One stream of HTTP/2: a request, what is read of its body, and the reply.

use crate::protocol::{
    ConnCx,
    http::{
        Http,
        body::Body,
        driver::poll_limit,
        progress::{Limit, Progress},
        request_body::{BoxError, RequestBody},
        respond, route,
        stream_body::{Responder, StreamBody},
    },
};
use ::h2::{Reason, RecvStream, SendStream, server};
use bytes::Bytes;
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Body as _,
    header::{CONNECTION, CONTENT_LENGTH, DATE, EXPECT, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE},
};
use std::{
    error::Error,
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};
use tokio::time::timeout;

/// How long the rest of a body that was not needed is taken: reset at once, some clients, such as curl, lose the reply.
const LINGER: Duration = Duration::from_secs(1);

/// Answers one request.
pub(super) async fn answer(
    http: Arc<Http>,
    cx: ConnCx,
    request: Request<RecvStream>,
    respond: server::SendResponse<Bytes>,
) {
    let respond = Responder::new(respond);
    let asks = request.headers().get(EXPECT).is_some_and(is_continue);
    let left = match request.body().is_end_stream() {
        true => Some(0),
        false => length_of(request.headers()),
    };
    let request = request.map(|stream| {
        RequestBody::http2(StreamBody::new(stream, respond.clone(), left, asks && left != Some(0)))
    });
    let reply = {
        let progress = Progress::new();
        let mut answer = pin!(route::answer(http, cx.clone(), progress.clone(), request));
        let mut timer = None;
        poll_fn(|task| {
            if let Poll::Ready(answer) = answer.as_mut().poll(task) {
                return Poll::Ready(answer.ok());
            }
            // The peer has taken its request back.
            if respond.poll_reset(task).is_ready() {
                return Poll::Ready(None);
            }
            poll_limit(&progress, &cx, &mut timer, task).map(|limit| Some(late(&cx, limit)))
        })
        .await
    };
    let (Some(reply), Some(sender)) = (reply, respond.take()) else { return };
    if let Err(error) = send(reply, sender).await {
        tracing::debug!(peer = %cx.peer_addr, %error, "HTTP/2 reply broke off");
        return;
    }
    if let Some(unread) = respond.unread() {
        let _ = timeout(LINGER, discard(unread)).await;
    }
}

/// Reads to the end, or until the peer gives it up.
async fn discard(mut body: RecvStream) {
    while let Some(Ok(data)) = poll_fn(|task| body.poll_data(task)).await {
        let _ = body.flow_control().release_capacity(data.len());
    }
}

fn is_continue(value: &HeaderValue) -> bool {
    value.as_bytes().eq_ignore_ascii_case(b"100-continue")
}

/// What the header says of the body's length; crate `h2` sees to it that it is so.
fn length_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The reply to a request whose body stopped coming.
fn late(cx: &ConnCx, limit: Limit) -> Response<Body> {
    tracing::debug!(peer = %cx.peer_addr, ?limit, "HTTP/2 request ran out of time");
    cx.dispatch.live.stats.stalled.add_one();
    respond::guarded(respond::text(StatusCode::REQUEST_TIMEOUT, "408 the body did not come in time\n"))
}

/// Sends the reply as its peer takes it.
async fn send(reply: Response<Body>, mut respond: server::SendResponse<Bytes>) -> Result<(), ::h2::Error> {
    let (head, body) = reply.into_parts();
    let mut body = pin!(body);
    let mut head = Response::from_parts(head, ());
    let headers = head.headers_mut();
    // About one connection of HTTP/1.
    for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE, TE] {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection"] {
        headers.remove(name);
    }
    headers.entry(DATE).or_insert_with(date);
    if body.is_end_stream() {
        return respond.send_response(head, true).map(drop);
    }
    if let Some(len) = body.size_hint().exact() {
        headers.entry(CONTENT_LENGTH).or_insert_with(|| len.into());
    }
    let mut stream = respond.send_response(head, false)?;
    loop {
        let frame = poll_fn(|task| {
            ready!(poll_room(&mut stream, task))?;
            body.as_mut().poll_frame(task).map(Ok::<_, ::h2::Error>)
        });
        match frame.await? {
            None => return stream.send_data(Bytes::new(), true),
            Some(Err(error)) => {
                stream.send_reset(reason_of(&error));
                return Ok(());
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let is_last = body.is_end_stream();
                    stream.send_data(data, is_last)?;
                    if is_last {
                        return Ok(());
                    }
                }
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        return stream.send_trailers(trailers);
                    }
                }
            },
        }
    }
}

/// Waits until the peer takes a byte more; an error if it takes none ever again.
fn poll_room(stream: &mut SendStream<Bytes>, task: &mut Context<'_>) -> Poll<Result<(), ::h2::Error>> {
    if let Poll::Ready(reset) = stream.poll_reset(task) {
        return Poll::Ready(Err(reset?.into()));
    }
    // How much comes next is not known.
    stream.reserve_capacity(1);
    while stream.capacity() == 0 {
        match ready!(stream.poll_capacity(task)) {
            Some(room) => _ = room?,
            None => return Poll::Ready(Err(Reason::CANCEL.into())),
        }
    }
    Poll::Ready(Ok(()))
}

/// Why the peer is told that a reply broke off.
fn reason_of(error: &BoxError) -> Reason {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&**error);
    while let Some(error) = cause {
        if let Some(reason) = error.downcast_ref::<::h2::Error>().and_then(::h2::Error::reason) {
            return reason;
        }
        cause = error.source();
    }
    Reason::INTERNAL_ERROR
}

fn date() -> HeaderValue {
    let text = httpdate::fmt_http_date(SystemTime::now());
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
