//! A call within its layers, as its connection polls and writes it.

use super::{
    CallService,
    failure::call_error,
    handover::{Handover, Ready},
    request::{CallOutcome, CallRequest},
};
use crate::{
    error::CallError,
    method::running::{BoxCall, Call, Keep, Written},
};
use bytes::BytesMut;
use codecs::{ReplyTo, schema::TypeOf};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};
use tower::{BoxError, util::Oneshot};

/// What a caller is told when a layer says that all went well and the method has not ended.
const NOT_ENDED: &str = "a layer answered before the method did";

/// One call within its layers.
pub(super) struct LayeredCall {
    /// `None` once the layers have answered.
    layers: Option<Oneshot<CallService, CallRequest>>,
    handover: Arc<Handover>,
    ready: Option<ReadyReply>,
    /// What the method ended with, while the layers go on.
    last: Option<Last>,
    began: Instant,
    /// Of the replies so far.
    size: usize,
}

/// What is ready to be written.
enum ReadyReply {
    Handler(Ready),
    /// The layers have answered.
    Layers(Result<(), BoxError>),
}

enum Last {
    /// The handler's reply, to be written once more.
    Reply(BoxCall),
    Error(Box<CallError>),
    End,
}

impl LayeredCall {
    pub(super) fn new(
        layers: Oneshot<CallService, CallRequest>,
        handover: Arc<Handover>,
        began: Instant,
    ) -> Self {
        Self { layers: Some(layers), handover, ready: None, last: None, began, size: 0 }
    }

    /// Lets the handler write. Its last reply is only sent if the layers, who see it then, are content.
    fn write_handler(
        &mut self,
        ready: Ready,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written {
        let (before, saved) = (out.len(), to.save());
        let take_back = |to: &mut ReplyTo<'_>, out: &mut BytesMut| {
            out.truncate(before);
            to.restore(saved);
        };
        let last = match ready {
            Err(error) => Last::Error(Box::new(error)),
            Ok(mut call) => {
                let write = AssertUnwindSafe(|| call.as_mut().write(Keep::Yes, reply_type, to, out));
                let written = catch_unwind(write).unwrap_or_else(|_| {
                    out.truncate(before);
                    Written::Last(Err(Box::new(CallError::Panicked)))
                });
                self.size += out.len() - before;
                match written {
                    Written::Item | Written::Later => {
                        self.handover.run_on(call);
                        return written;
                    }
                    Written::Last(Ok(())) => Last::Reply(call),
                    Written::Last(Err(error)) => Last::Error(error),
                    Written::End => Last::End,
                }
            }
        };
        let error = match &last {
            Last::Error(error) => Some(CallError::clone(error)),
            Last::Reply(_) | Last::End => None,
        };
        self.handover.end(CallOutcome { error, size: self.size, duration: self.began.elapsed() });
        // A waker that does nothing: what is not ready is polled again, with another.
        match self.poll_layers(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => match last {
                Last::Reply(_) => Written::Last(Ok(())),
                Last::Error(error) => Written::Last(Err(error)),
                Last::End => Written::End,
            },
            Poll::Ready(Err(error)) => {
                take_back(to, out);
                self.failed(error)
            }
            Poll::Pending => {
                take_back(to, out);
                self.last = Some(last);
                Written::Later
            }
        }
    }

    /// Polls the layers, unless they have answered. A panic in one of them is an answer too.
    fn poll_layers(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let Some(layers) = &mut self.layers else { return Poll::Pending };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut *layers).poll(cx)));
        let polled = polled.unwrap_or_else(|_| Poll::Ready(Err(CallError::Panicked.into())));
        if polled.is_ready() {
            self.layers = None;
            self.handover.close();
        }
        polled.map_ok(drop)
    }

    fn failed(&self, error: BoxError) -> Written {
        Written::Last(Err(Box::new(call_error(error, self.began.elapsed()))))
    }
}

impl Call for LayeredCall {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.ready.is_some() {
            return Poll::Ready(());
        }
        let held = self.handover.hold_writer();
        let ready = match self.poll_layers(cx) {
            Poll::Ready(answer) => Some(ReadyReply::Layers(answer)),
            Poll::Pending => self.handover.take_ready(cx.waker(), held).map(ReadyReply::Handler),
        };
        self.ready = ready;
        if self.ready.is_some() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn write(
        mut self: Pin<&mut Self>,
        _: Keep,
        reply_type: Option<&TypeOf>,
        to: &mut ReplyTo<'_>,
        out: &mut BytesMut,
    ) -> Written {
        match (self.ready.take(), self.last.take()) {
            (Some(ReadyReply::Handler(ready)), _) => self.write_handler(ready, reply_type, to, out),
            (Some(ReadyReply::Layers(Err(error))), _) => self.failed(error),
            (Some(ReadyReply::Layers(Ok(()))), Some(Last::Reply(mut call))) => {
                call.as_mut().write(Keep::No, reply_type, to, out)
            }
            (Some(ReadyReply::Layers(Ok(()))), Some(Last::Error(error))) => Written::Last(Err(error)),
            (Some(ReadyReply::Layers(Ok(()))), Some(Last::End)) => Written::End,
            (Some(ReadyReply::Layers(Ok(()))), None) => self.failed(NOT_ENDED.into()),
            (None, _) => Written::Last(Err(Box::new(CallError::Panicked))),
        }
    }
}

impl Drop for LayeredCall {
    fn drop(&mut self) {
        self.handover.close();
    }
}
