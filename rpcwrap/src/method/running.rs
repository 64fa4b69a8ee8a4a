//! The running handler behind one call.
//!
//! Dispatch and protocols see a [`Call`]: something to poll that, once ready, writes its own reply with the
//! connection's codec, so that no reply is ever built twice. Nothing here knows a protocol.

use crate::{
    error::{CallError, Error},
    method::{
        context::{CancelOnDrop, ContextSource},
        reply::WriteReply,
    },
};
use bytes::BytesMut;
use codecs::{ReplyTo, schema::TypeOf};
use futures_util::Stream;
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{self, Poll, ready},
};
use tracing::Span;

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
    /// Nothing yet: what looked ready has to wait for its layers; poll again.
    Later,
}

/// A handler at work on one call.
pub(crate) trait Call: Send {
    /// Drives the handler until it has something to write.
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()>;

    /// Writes what the last `Ready` was about, and lets go of it, or keeps a last reply, which may then be taken back
    /// and written again; only called after it.
    fn write(
        self: Pin<&mut Self>,
        keep: Keep,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written;
}

/// Whether a last reply that was written is still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It is let go of at once, within the guard that catches its panics.
    No,
    /// It is kept until the call is dropped.
    Yes,
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
        keep: Keep,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written {
        let result = self.project().result;
        Written::Last(match result.take() {
            Some(Ok(reply)) => {
                let written = reply.write_reply(reply_type, to, out);
                if keep == Keep::Yes {
                    *result = Some(Ok(reply));
                }
                written.map_err(|error| Box::new(CallError::BadReply(error)))
            }
            Some(Err(error)) => Err(Box::new(error)),
            None => Err(Box::new(CallError::Panicked)),
        })
    }
}

struct Deferred<F> {
    start: Option<F>,
    call: Option<BoxCall>,
}

/// The call that `start` makes, when it is first polled.
pub(crate) fn deferred(start: impl FnOnce() -> BoxCall + Send + 'static) -> BoxCall {
    Box::pin(Deferred { start: Some(start), call: None })
}

// What starts is moved out, never polled.
impl<F> Unpin for Deferred<F> {}

impl<F: FnOnce() -> BoxCall + Send> Call for Deferred<F> {
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        if let Some(start) = self.start.take() {
            self.call = Some(start());
        }
        self.call.as_mut().map_or(Poll::Ready(()), |call| call.as_mut().poll(cx))
    }

    fn write(
        mut self: Pin<&mut Self>,
        keep: Keep,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written {
        match &mut self.call {
            Some(call) => call.as_mut().write(keep, reply_type, to, out),
            None => Written::Last(Err(Box::new(CallError::Panicked))),
        }
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
        keep: Keep,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written {
        let Self { call, span } = &mut *self;
        span.in_scope(|| call.as_mut().write(keep, reply_type, to, out))
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
        _: Keep,
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
