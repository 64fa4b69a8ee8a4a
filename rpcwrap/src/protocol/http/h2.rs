//! HTTP/2, by prior knowledge or by ALPN: the pages, calls and mounted services of HTTP/1.x, many at a time, and so
//! gRPC for programs that mount a service of it.
//!
//! hyper frames and multiplexes; streams run in the connection's own task ([`tasks`](super::tasks)) and are answered by
//! [`route`](super::route). There is no CONNECT to another protocol here.

use super::{
    Http,
    body::Body,
    driver::poll_limit,
    hijack::HandedOver,
    progress::{Limit, Progress},
    respond, route,
    sniff::PREFACE,
    tasks::{Inbox, Tasks},
};
use crate::{
    call::slice::{self, Slice},
    error::ProtocolError,
    io::{Prefixed, close::close_gently},
    live::{
        config::Config,
        deadline::{Timer, poll_timer},
        lifetime::{Age, Stage},
        shutdown::Phase,
    },
    lock::lock,
    protocol::{AuthMode, Conn, ConnCx, Protocol, ServeFuture, Served, Sniff},
};
use codecs::LogText;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    server::conn::http2::{self, Connection},
    service::Service,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    error::Error,
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

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
        Box::pin(serve(self.0.clone(), conn, cx))
    }
}

async fn serve(http: Arc<Http>, conn: Conn, cx: ConnCx) -> Result<Served, ProtocolError> {
    let requests = Arc::new(AtomicU64::new(0));
    let service = Requests { http, cx: cx.clone(), requests: requests.clone() };
    let tasks = Tasks::default();
    let back = Arc::new(Mutex::new(None));
    let config = cx.dispatch.live.config();
    let stream = conn.into_io().leaving(cx.front.clone());
    let io = TokioIo::new(Lent { stream: Some(stream), back: back.clone() });
    let connection = http2::Builder::new(tasks.inbox())
        .timer(TokioTimer::new())
        .max_concurrent_streams(u32::try_from(config.max_in_flight).unwrap_or(u32::MAX))
        .max_header_list_size(u32::try_from(config.max_header_bytes).unwrap_or(u32::MAX))
        // Together the stall timeout: a peer that is gone, or takes no byte, answers no ping.
        .keep_alive_interval(Some(config.stall_timeout.min(LONGEST_STALL) / 2))
        .keep_alive_timeout(config.stall_timeout.min(LONGEST_STALL) / 2)
        .serve_connection(io, service);
    // Not held while the connection lives.
    drop(config);
    go_on(connection, tasks, cx, requests, back).await
}

/// Serves the connection to its end, or until it has to be served elsewhere.
fn go_on(
    mut connection: HyperConnection,
    mut tasks: Tasks,
    cx: ConnCx,
    requests: Arc<AtomicU64>,
    back: Arc<Mutex<Option<Prefixed>>>,
) -> ServeFuture {
    Box::pin(async move {
        let Some(ended) = drive(&mut connection, &mut tasks, &cx).await else {
            return Ok(Served::Calling(go_on(connection, tasks, cx, requests, back)));
        };
        drop((connection, tasks));
        let left = lock(&back).take();
        if let Some(stream) = left {
            let (_, mut stream) = stream.into_parts();
            // The peer may be gone.
            let _ = close_gently(&mut stream, || cx.is_hurried()).await;
        }
        result_of(ended, &cx, &requests)
    })
}

fn result_of(ended: hyper::Result<()>, cx: &ConnCx, requests: &AtomicU64) -> Result<Served, ProtocolError> {
    match ended {
        Err(error) if is_fault(&error) => {
            tracing::debug!(peer = %cx.peer_addr, error = %LogText::new(error), "not HTTP/2");
            Err(ProtocolError::Malformed("not HTTP/2"))
        }
        _ if requests.load(Relaxed) == 0 => Ok(Served::Probe),
        _ => Ok(Served::Closed),
    }
}

/// More than the pings of one `stall_timeout` and their answers, and other frames without a reply's bytes: 17 bytes each.
const PINGS: u64 = 1 << 10;

/// hyper adds its times to the clock unchecked.
const LONGEST_STALL: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether the peer broke the rules, and did not just go away.
fn is_fault(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>());
    cause.is_some_and(|cause| cause.is_library())
}

type HyperConnection = Connection<TokioIo<Lent>, Requests, Inbox>;

/// The stream while hyper has it, which does not give it back itself.
struct Lent {
    /// There until it is dropped.
    stream: Option<Prefixed>,
    back: Arc<Mutex<Option<Prefixed>>>,
}

impl Lent {
    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut Prefixed>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.stream {
            Some(stream) => poll(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *lock(&self.back) = self.stream.take();
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Lent {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_shutdown(cx))
    }
}

/// Runs the connection and its streams until there are no more, the peer is gone, or it has been idle for too long;
/// `None` where it has to be run elsewhere.
async fn drive(
    connection: &mut HyperConnection,
    tasks: &mut Tasks,
    cx: &ConnCx,
) -> Option<hyper::Result<()>> {
    let mut draining = pin!(cx.dispatch.live.shutdown.reached(Phase::Draining));
    let mut close_timer = CloseTimer::default();
    let mut leaving = false;
    let mut age = Age::default();
    let mut unsent = UnsentTimer::default();
    poll_fn(|task| {
        let _slice = Slice::begin();
        loop {
            if let Poll::Ready(result) = Pin::new(&mut *connection).poll(task) {
                return Poll::Ready(Some(result));
            }
            // What a stream has said is hyper's to send.
            if !tasks.poll(task) {
                break;
            }
            if slice::is_over() {
                slice::wake_later(task);
                break;
            }
        }
        if cx.front.as_ref().is_some_and(|front| front.is_leaving()) {
            return Poll::Ready(None);
        }
        if unsent.poll(task, cx).is_ready() {
            tracing::debug!(peer = %cx.peer_addr, "HTTP/2 peer takes no reply");
            cx.dispatch.live.stats.stalled.add_one();
            return Poll::Ready(Some(Ok(())));
        }
        let aged = age.poll(&cx.tracked, &cx.dispatch.live.config(), task);
        if matches!(aged, Poll::Ready(Stage::Refusing | Stage::Over)) {
            return Poll::Ready(Some(Ok(())));
        }
        if !leaving
            && (aged.is_ready() || cx.tracked.logins.are_used_up() || draining.as_mut().poll(task).is_ready())
        {
            leaving = true;
            close_timer.start_closing();
            Pin::new(&mut *connection).graceful_shutdown();
            task.waker().wake_by_ref();
        }
        if close_timer.poll(task, &cx.dispatch.live.config(), tasks.is_empty()).is_pending() {
            return Poll::Pending;
        }
        if leaving {
            tracing::debug!(peer = %cx.peer_addr, "HTTP/2 peer did not say good-bye");
            return Poll::Ready(Some(Ok(())));
        }
        leaving = true;
        close_timer.start_closing();
        Pin::new(&mut *connection).graceful_shutdown();
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// How long a connection without streams is kept, and how long it may then take to close.
#[derive(Default)]
struct CloseTimer {
    since: Option<Instant>,
    timer: Timer,
    leaving: bool,
}

impl CloseTimer {
    /// The next time it goes off is the last.
    fn start_closing(&mut self) {
        *self = Self { leaving: true, ..Self::default() };
    }

    fn poll(&mut self, task: &mut Context<'_>, config: &Config, idle: bool) -> Poll<()> {
        if !idle {
            (self.since, self.timer) = (None, None);
            return Poll::Pending;
        }
        let limit = if self.leaving { config.header_timeout } else { config.keep_alive_timeout };
        match self.since.get_or_insert_with(Instant::now).checked_add(limit) {
            Some(deadline) => poll_timer(&mut self.timer, deadline, task),
            // Beyond the clock's end.
            None => Poll::Pending,
        }
    }
}

/// How long a peer takes nothing of the replies that wait for it: it answers pings, and is not stalled by what the
/// socket shows.
#[derive(Default)]
struct UnsentTimer {
    /// Since when it is watched, and what had moved then.
    since: Option<(Instant, u64)>,
    timer: Timer,
}

impl UnsentTimer {
    /// Ready when `stall_timeout` has passed without more than pings.
    fn poll(&mut self, task: &mut Context<'_>, cx: &ConnCx) -> Poll<()> {
        if cx.tracked.unsent_bytes.load(Relaxed) == 0 {
            (self.since, self.timer) = (None, None);
            return Poll::Pending;
        }
        loop {
            let moved = cx.tracked.bytes_moved();
            let (since, before) = *self.since.get_or_insert_with(|| (Instant::now(), moved));
            let deadline = since + cx.dispatch.live.config().stall_timeout;
            ready!(poll_timer(&mut self.timer, deadline, task));
            if moved - before < PINGS {
                return Poll::Ready(());
            }
            (self.since, self.timer) = (None, None);
        }
    }
}

/// hyper's service of one connection.
struct Requests {
    http: Arc<Http>,
    cx: ConnCx,
    requests: Arc<AtomicU64>,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Body>;
    type Error = HandedOver;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, HandedOver>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.requests.fetch_add(1, Relaxed);
        let (http, cx, progress) = (self.http.clone(), self.cx.clone(), Progress::new());
        Box::pin(async move {
            let mut answer = pin!(route::answer(http, cx.clone(), progress.clone(), request));
            let mut timer = None;
            poll_fn(|task| match answer.as_mut().poll(task) {
                Poll::Ready(answer) => Poll::Ready(answer),
                Poll::Pending => {
                    poll_limit(&progress, &cx, &mut timer, task).map(|limit| Ok(late(&cx, limit)))
                }
            })
            .await
        })
    }
}

/// The reply to a request whose body stopped coming.
fn late(cx: &ConnCx, limit: Limit) -> Response<Body> {
    tracing::debug!(peer = %cx.peer_addr, ?limit, "HTTP/2 request ran out of time");
    cx.dispatch.live.stats.stalled.add_one();
    respond::guarded(respond::text(StatusCode::REQUEST_TIMEOUT, "408 the body did not come in time\n"))
}
