//! A layer's service that cannot be cloned, behind a queue that can.

use super::request::{CallOutcome, CallRequest};
use crate::lock::lock;
use futures_util::future::{Either, Ready, ready};
use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tower::{
    BoxError, Service,
    buffer::{Buffer, future::ResponseFuture},
};

/// It was polled outside a runtime once, which is a panic, and its service is lost.
const NO_QUEUE: &str = "the queue of a layer could not be made";

/// One handle of the queue. The task that empties it needs a runtime, and so may the service (a rate limit has a
/// timer): both are made by the first call; they end with the last handle.
pub(super) struct Buffered<S: Service<CallRequest>> {
    made: Arc<Mutex<Made<S>>>,
    buffer: Option<Buffer<CallRequest, S::Future>>,
}

struct Made<S: Service<CallRequest>> {
    make: Option<Box<dyn FnOnce() -> S + Send>>,
    bound: usize,
    buffer: Option<Buffer<CallRequest, S::Future>>,
}

impl<S: Service<CallRequest>> Buffered<S> {
    /// At most `bound` calls wait for the service that `make` makes, at least 1.
    pub(super) fn new(make: impl FnOnce() -> S + Send + 'static, bound: usize) -> Self {
        let made = Made { make: Some(Box::new(make)), bound: bound.max(1), buffer: None };
        Self { made: Arc::new(Mutex::new(made)), buffer: None }
    }
}

impl<S: Service<CallRequest>> Clone for Buffered<S> {
    fn clone(&self) -> Self {
        Self { made: self.made.clone(), buffer: None }
    }
}

impl<S> Service<CallRequest> for Buffered<S>
where
    S: Service<
            CallRequest,
            Response = CallOutcome,
            Error: Into<BoxError> + Send + Sync,
            Future: Send + 'static,
        > + Send
        + 'static,
{
    type Response = CallOutcome;
    type Error = BoxError;
    type Future = Either<ResponseFuture<S::Future>, Ready<Result<CallOutcome, BoxError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.buffer.is_none() {
            let mut made = lock(&self.made);
            if let Some(make) = made.make.take() {
                made.buffer = Some(Buffer::new(make(), made.bound));
            }
            self.buffer = made.buffer.clone();
        }
        match &mut self.buffer {
            Some(buffer) => buffer.poll_ready(cx),
            None => Poll::Ready(Err(NO_QUEUE.into())),
        }
    }

    fn call(&mut self, request: CallRequest) -> Self::Future {
        match &mut self.buffer {
            Some(buffer) => Either::Left(buffer.call(request)),
            None => Either::Right(ready(Err(NO_QUEUE.into()))),
        }
    }
}
