//! The body of a request of HTTP/2, and the way to its peer: as long as it is not answered, it can be asked for more.

use crate::lock::lock;
use bytes::Bytes;
use h2::{RecvStream, server};
use hyper::{
    Response, StatusCode,
    body::{Frame, SizeHint},
};
use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

/// The way to answer a request, once; its body has a part in it until then, and leaves here what was not read.
#[derive(Clone)]
pub(super) struct Responder(Arc<Mutex<Shared>>);

struct Shared {
    respond: Option<server::SendResponse<Bytes>>,
    unread: Option<RecvStream>,
}

impl Responder {
    pub(super) fn new(respond: server::SendResponse<Bytes>) -> Self {
        Self(Arc::new(Mutex::new(Shared { respond: Some(respond), unread: None })))
    }

    pub(super) fn take(&self) -> Option<server::SendResponse<Bytes>> {
        lock(&self.0).respond.take()
    }

    pub(super) fn poll_reset(&self, task: &mut Context<'_>) -> Poll<()> {
        match &mut lock(&self.0).respond {
            Some(respond) => respond.poll_reset(task).map(drop),
            None => Poll::Pending,
        }
    }

    /// What was left of the body by the one who was to read it.
    pub(super) fn unread(&self) -> Option<RecvStream> {
        lock(&self.0).unread.take()
    }

    /// Tells the peer to send the body, unless it has been answered.
    fn go_on(&self) {
        let mut head = Response::new(());
        *head.status_mut() = StatusCode::CONTINUE;
        if let Some(respond) = &mut lock(&self.0).respond {
            // Where it fails the stream is over, which reading it finds out.
            let _ = respond.send_informational(head);
        }
    }
}

/// The body of a request.
pub(super) struct StreamBody {
    /// There until this is dropped.
    stream: Option<RecvStream>,
    responder: Responder,
    /// Bytes to come, where that is known.
    left: Option<u64>,
    /// All of its data has been read; trailers may follow.
    is_read: bool,
    is_over: bool,
    /// The peer waits to be asked for it.
    asks: bool,
}

impl StreamBody {
    /// Of `left` bytes, where that is known; `asks` where the peer waits to be asked for it.
    pub(super) fn new(stream: RecvStream, responder: Responder, left: Option<u64>, asks: bool) -> Self {
        Self { stream: Some(stream), responder, left, is_read: false, is_over: false, asks }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        while !self.is_read {
            match stream.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    self.asks = false;
                    // Fails where more is released than was received, which it is not.
                    let _ = stream.flow_control().release_capacity(data.len());
                    self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Poll::Ready(Some(Err(error))) => {
                    (self.is_read, self.is_over) = (true, true);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => self.is_read = true,
                Poll::Pending => {
                    if std::mem::take(&mut self.asks) {
                        self.responder.go_on();
                    }
                    return Poll::Pending;
                }
            }
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        let trailers = ready!(stream.poll_trailers(cx));
        self.is_over = true;
        Poll::Ready(trailers.map(|trailers| trailers.map(Frame::trailers)).transpose())
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.is_over || self.stream.as_ref().is_none_or(RecvStream::is_end_stream)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if !self.is_end_stream() {
            lock(&self.responder.0).unread = self.stream.take();
        }
    }
}
