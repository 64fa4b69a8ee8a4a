//! Bodies: what is read of a request, and the three kinds of reply.

use super::{
    progress::{Answered, Progress},
    reply::Answer,
    request_body::{BoxError, RequestBody},
};
use crate::{
    live::{
        memory::{Held, HeldReply},
        tracked::InFlight,
    },
    protocol::ConnCx,
};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited, combinators::UnsyncBoxBody};
use hyper::{
    Request,
    body::{Body as _, Frame, SizeHint},
    header::EXPECT,
};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// What a reply carries.
pub(super) enum Kind {
    /// Bytes that are all there, until they are taken.
    Full(Option<Bytes>),
    /// The replies of a streaming call, as its handler makes them and the peer takes them.
    InFlightCall(Box<Answer>),
    /// Whatever the mounted service makes.
    Mounted(UnsyncBoxBody<Bytes, BoxError>),
}

/// A reply's body. When it is dropped the reply is done.
pub(super) struct Body {
    kind: Kind,
    _answered: Option<Answered>,
    _in_flight: Option<InFlight>,
}

impl Body {
    pub(super) fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { kind: Kind::Full((!bytes.is_empty()).then_some(bytes)), _answered: None, _in_flight: None }
    }

    pub(super) fn reply(answer: Box<Answer>) -> Self {
        Self { kind: Kind::InFlightCall(answer), _answered: None, _in_flight: None }
    }

    pub(super) fn mounted(body: UnsyncBoxBody<Bytes, BoxError>) -> Self {
        Self { kind: Kind::Mounted(body), _answered: None, _in_flight: None }
    }

    /// The same body, counted among what the connection holds until it is written.
    pub(super) fn held(self, cx: &ConnCx) -> Self {
        let Kind::Full(bytes) = self.kind else { return self };
        Self {
            kind: Kind::Full(bytes.map(|bytes| HeldReply::count(bytes, &cx.dispatch.live, &cx.tracked))),
            ..self
        }
    }

    /// The same body, whose end `progress` is told, and the count of what is in flight.
    pub(super) fn noted(self, progress: Progress, in_flight: InFlight) -> Self {
        Self { _answered: Some(Answered(progress)), _in_flight: Some(in_flight), ..self }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.kind {
            Kind::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::InFlightCall(answer) => answer.poll_chunk(cx).map(|chunk| Some(Ok(Frame::data(chunk?)))),
            Kind::Mounted(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_none(),
            Kind::InFlightCall(answer) => answer.is_over(),
            Kind::Mounted(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::InFlightCall(_) => SizeHint::default(),
            Kind::Mounted(body) => body.size_hint(),
        }
    }
}

/// The most of a body that is read although it is not needed, so that the next request can follow it.
const SKIPPED: usize = 64 << 10;
/// How long that may take.
const SKIPPING: Duration = Duration::from_millis(100);

/// Reads the rest of a body that is not needed, if that is little; whether it is read.
pub(super) async fn skip(request: &mut Request<RequestBody>, cx: &ConnCx, progress: &Progress) -> bool {
    // A client that asks first whether to send it has not sent it.
    if request.headers().contains_key(EXPECT) {
        return false;
    }
    let mut held = Held::new(&cx.dispatch.live, &cx.tracked);
    let skipped = read(request.body_mut(), SKIPPED, progress, &mut held);
    matches!(timeout(SKIPPING, skipped).await, Ok(Ok(_)))
}

/// Why a request's body was not read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is longer than the limit.
    TooBig,
    /// It broke off or is not framed as HTTP wants it.
    Broken,
}

/// A request's whole body, of at most `limit` bytes. Memory grows with what arrives, not with what is announced, and
/// `held` says how much that is.
pub(super) async fn read(
    body: &mut RequestBody,
    limit: usize,
    progress: &Progress,
    held: &mut Held,
) -> Result<Bytes, ReadError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(ReadError::TooBig);
    }
    let mut body = Limited::new(body, limit);
    let mut whole = BytesMut::new();
    loop {
        progress.notes().read_blocked = true;
        let frame = match body.frame().await {
            None => break,
            Some(Ok(frame)) => frame,
            Some(Err(error)) if error.is::<LengthLimitError>() => return Err(ReadError::TooBig),
            Some(Err(_)) => return Err(ReadError::Broken),
        };
        progress.notes().received();
        if let Ok(data) = frame.into_data() {
            // A body of one piece, as most are, is not copied.
            if whole.is_empty() && body.is_end_stream() {
                progress.notes().whole();
                held.set(data.len());
                return Ok(data);
            }
            whole.extend_from_slice(&data);
            held.set(whole.capacity());
        }
    }
    progress.notes().whole();
    Ok(whole.freeze())
}
