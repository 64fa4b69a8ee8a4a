//! What a request carries, whatever the version of HTTP: asked for when it is first read, where the client waits for that.

#[cfg(feature = "http2")]
use super::stream_body::StreamBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// The body of a request as a [mounted](crate::Builder::mount) service is given it.
///
/// A client that has sent `Expect: 100-continue` is told to go on when this is polled and none of it has come, over
/// HTTP/1.1 and HTTP/2 alike: a service that refuses a request by its head alone does not read it. Dropped before its
/// end, the rest is not waited for. Its frames are data in the order of the wire, then trailers if there are any. An
/// error is that of the connection, or of the peer that has broken off; the connection deals with either.
pub struct RequestBody(Kind);

enum Kind {
    Http1(Incoming),
    #[cfg(feature = "http2")]
    Http2(StreamBody),
}

impl RequestBody {
    pub(super) fn http1(body: Incoming) -> Self {
        Self(Kind::Http1(body))
    }

    #[cfg(feature = "http2")]
    pub(super) fn http2(body: StreamBody) -> Self {
        Self(Kind::Http2(body))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Http1(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            #[cfg(feature = "http2")]
            Kind::Http2(body) => body.poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Http1(body) => body.is_end_stream(),
            #[cfg(feature = "http2")]
            Kind::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Http1(body) => body.size_hint(),
            #[cfg(feature = "http2")]
            Kind::Http2(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestBody")
    }
}
