//! One call: who asks, how long it may take, and the running handler behind it.
//!
//! A handler sees [`Context`]; dispatch and protocols see a [`Call`]: something to poll that, once ready, writes its
//! own reply with the connection's codec, so that no reply is ever built twice. Nothing here knows a protocol.

use crate::{
    auth::Identity,
    error::{CallError, Error},
    io::TlsInfo,
    method::args::WriteReply,
};
use bytes::BytesMut;
use codecs::{ReplyTo, schema::TypeOf};
use futures_util::Stream;
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{self, Poll, ready},
    time::Instant,
};
use tokio::sync::Notify;
use tracing::Span;

/// The address at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerAddr {
    /// A TCP peer.
    Tcp(SocketAddr),
    /// A unix socket's peer; it has no address of its own, so this is the path of ours.
    Unix(Arc<Path>),
    /// The program itself.
    InProcess,
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::InProcess => f.write_str("in-process"),
        }
    }
}

/// What is known of a connection when it starts to make calls.
///
/// Made by [`ConnCx::peer`](crate::protocol::ConnCx::peer) only, so that no protocol can call in another's name or as
/// a user nobody has verified.
#[derive(Debug, Clone)]
pub struct Peer {
    pub(crate) addr: PeerAddr,
    pub(crate) protocol: &'static str,
    pub(crate) codec: Arc<str>,
    pub(crate) user: Option<Identity>,
    pub(crate) tls: Option<Arc<TlsInfo>>,
}

impl Peer {
    /// Its address.
    pub fn addr(&self) -> &PeerAddr {
        &self.addr
    }

    /// The protocol it speaks, such as `go_rpc` or `http`.
    pub fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// The codec it speaks, such as `bson`; empty where the protocol has none.
    pub fn codec(&self) -> &str {
        &self.codec
    }

    /// The user it has proven to be.
    pub fn user(&self) -> Option<&str> {
        self.user.as_ref().map(Identity::name)
    }

    /// What TLS has established; `None` for a plain connection.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }
}

/// What a handler may know of its call beside the arguments.
///
/// Cheap to clone. Take it as the first of two arguments: `|cx: Context, args: Args| async move { … }`.
#[derive(Debug, Clone)]
pub struct Context {
    peer: Arc<Peer>,
    deadline: Option<Instant>,
    cancellation: Cancellation,
}

impl Context {
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The address of the caller.
    pub fn peer_addr(&self) -> &PeerAddr {
        &self.peer.addr
    }

    /// The authenticated user, if the connection has one.
    pub fn user(&self) -> Option<&str> {
        self.peer.user()
    }

    /// What TLS has established of the caller's connection, the name in its certificate among it; `None` if it is plain.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.peer.tls()
    }

    /// The protocol the call came by: `go_rpc`, `http`, …
    pub fn protocol(&self) -> &'static str {
        self.peer.protocol
    }

    /// The codec the call came in: `bson`, `json`, …; empty for in-process calls.
    pub fn codec(&self) -> &str {
        &self.peer.codec
    }

    /// When the call ends whether it is done or not.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether nobody waits for the reply any more: cancelled, out of time, answered, or the connection is gone.
    ///
    /// A handler polled on its connection (the default) is dropped then; `blocking` ones have to ask.
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.0.over.load(Ordering::Acquire)
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled).
    pub async fn cancelled(&self) {
        let wait = self.cancellation.0.wake.notified();
        let mut wait = std::pin::pin!(wait);
        wait.as_mut().enable();
        if !self.is_cancelled() {
            wait.await;
        }
    }
}

#[derive(Debug, Clone)]
struct Cancellation(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    over: AtomicBool,
    wake: Notify,
}

/// Held by the running call; when it goes, every [`Context`] of the call knows.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(Option<Cancellation>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(cancellation) = &self.0 {
            cancellation.0.over.store(true, Ordering::Release);
            cancellation.0.wake.notify_waiters();
        }
    }
}

/// From which a handler that wants a [`Context`] gets one; handlers that do not pay nothing.
#[derive(Debug)]
pub struct ContextSource<'a> {
    /// Full name of the method.
    pub(crate) name: &'a str,
    pub(crate) peer: &'a Arc<Peer>,
    pub(crate) deadline: Option<Instant>,
    cancellation: Option<Cancellation>,
}

impl<'a> ContextSource<'a> {
    pub(crate) fn new(name: &'a str, peer: &'a Arc<Peer>, deadline: Option<Instant>) -> Self {
        Self { name, peer, deadline, cancellation: None }
    }

    pub(crate) fn context(&mut self) -> Context {
        let cancellation =
            self.cancellation.get_or_insert_with(|| Cancellation(Arc::new(CancelState::default()))).clone();
        Context { peer: self.peer.clone(), deadline: self.deadline, cancellation }
    }

    fn guard(self) -> CancelOnDrop {
        CancelOnDrop(self.cancellation)
    }
}

/// What a ready call wrote.
#[derive(Debug)]
pub(crate) enum Written {
    /// The one reply, or nothing and the error to send in its place; the call is over. Boxed: every call hands its size
    /// on.
    Last(Result<(), Box<CallError>>),
    /// One item of a stream; poll again for more.
    Item,
    /// Nothing: a stream ended. The protocol marks the end in its own way.
    End,
}

/// A handler at work on one call.
pub(crate) trait Call: Send {
    /// Drives the handler until it has something to write.
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()>;

    /// Writes what the last `Ready` was about; only called after it.
    fn write(
        self: Pin<&mut Self>,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written;
}

/// A running call of any type.
pub(crate) type BoxCall = Pin<Box<dyn Call>>;

pin_project! {
    struct Unary<F, R> {
        #[pin]
        future: F,
        result: Option<Result<R, CallError>>,
        guard: CancelOnDrop,
    }
}

/// A call answered by one future.
pub(crate) fn unary<F, R, E>(future: F, source: ContextSource<'_>) -> BoxCall
where
    F: Future<Output = Result<R, E>> + Send + 'static,
    R: WriteReply,
    E: Into<CallError>,
{
    Box::pin(Unary { future, result: None, guard: source.guard() })
}

impl<F, R, E> Call for Unary<F, R>
where
    F: Future<Output = Result<R, E>> + Send,
    R: WriteReply,
    E: Into<CallError>,
{
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = self.project();
        *this.result = Some(ready!(this.future.poll(cx)).map_err(Into::into));
        Poll::Ready(())
    }

    #[inline]
    fn write(
        self: Pin<&mut Self>,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written {
        Written::Last(match self.project().result.take() {
            Some(Ok(reply)) => {
                let written = reply.write_reply(reply_type, to, out);
                written.map_err(|error| Box::new(CallError::BadReply(error)))
            }
            Some(Err(error)) => Err(Box::new(error)),
            None => Err(Box::new(CallError::Panicked)),
        })
    }
}

struct Traced {
    call: BoxCall,
    span: Span,
}

/// The same call, run within `span`, so that what its handler logs carries the span's fields.
pub(crate) fn traced(call: BoxCall, span: Span) -> BoxCall {
    Box::pin(Traced { call, span })
}

impl Call for Traced {
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let Self { call, span } = &mut *self;
        span.in_scope(|| call.as_mut().poll(cx))
    }

    fn write(
        mut self: Pin<&mut Self>,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written {
        let Self { call, span } = &mut *self;
        span.in_scope(|| call.as_mut().write(reply_type, to, out))
    }
}

pin_project! {
    struct Streaming<S, R> {
        #[pin]
        stream: S,
        item: Option<Result<R, Error>>,
        guard: CancelOnDrop,
    }
}

/// A call answered by a stream of replies.
pub(crate) fn streaming<S, R>(stream: S, source: ContextSource<'_>) -> BoxCall
where
    S: Stream<Item = Result<R, Error>> + Send + 'static,
    R: WriteReply,
{
    Box::pin(Streaming { stream, item: None, guard: source.guard() })
}

impl<S, R> Call for Streaming<S, R>
where
    S: Stream<Item = Result<R, Error>> + Send,
    R: WriteReply,
{
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = self.project();
        *this.item = ready!(this.stream.poll_next(cx));
        Poll::Ready(())
    }

    fn write(
        self: Pin<&mut Self>,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written {
        match self.project().item.take() {
            None => Written::End,
            Some(Err(error)) => Written::Last(Err(Box::new(error.into()))),
            Some(Ok(reply)) => match reply.write_reply(reply_type, to, out) {
                Ok(()) => Written::Item,
                Err(error) => Written::Last(Err(Box::new(CallError::BadReply(error)))),
            },
        }
    }
}
