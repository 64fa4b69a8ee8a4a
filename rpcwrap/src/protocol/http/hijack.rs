//! The end of HTTP on a connection: `CONNECT` of a path that another protocol takes.
//!
//! The service fails with [`HandedOver`], upon which hyper writes nothing and gives the socket back; the answer is the
//! next protocol's, down to its line ends. What came with or behind the head belongs to it too.

use super::{progress::Progress, request_body::RequestBody};
use bytes::BytesMut;
use hyper::{Request, body::Body, header::TRANSFER_ENCODING};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Not a failure: the connection goes on without HTTP.
#[derive(Debug, thiserror::Error)]
#[error("connection handed over")]
pub(super) struct HandedOver;

/// Whether the bytes behind this head are the next protocol's, untouched. Chunks would have lost their framing.
pub(super) fn is_bare(request: &Request<RequestBody>) -> bool {
    !request.headers().contains_key(TRANSFER_ENCODING)
}

/// Ends HTTP. With a `Content-Length`, hyper has taken the first bytes for a body: they come first.
pub(super) fn hand_over(mut request: Request<RequestBody>, progress: &Progress) -> HandedOver {
    let mut early = BytesMut::new();
    let mut no_task = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(request.body_mut()).poll_frame(&mut no_task) {
        if let Some(data) = frame.data_ref() {
            early.extend_from_slice(data);
        }
    }
    progress.notes().handover = Some((request.uri().path().to_owned(), early.freeze()));
    HandedOver
}
