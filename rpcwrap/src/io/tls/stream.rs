//! A connection under TLS as a byte stream: what is read and written is plain.

use crate::io::Prefixed;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server;

/// The server's side of a TLS connection after its handshake.
///
/// What is written may stay here, encrypted, until it is flushed or something is to be read. A shutdown sends
/// `close_notify` and closes the sending side below; reading goes on until the peer does the same. A peer that closes
/// without `close_notify` is an `UnexpectedEof`, as the stream may have been cut by a third party.
#[derive(Debug)]
pub struct TlsStream(server::TlsStream<Prefixed>);

impl TlsStream {
    pub(super) fn new(stream: server::TlsStream<Prefixed>) -> Self {
        Self(stream)
    }

    /// The connection below.
    pub(crate) fn below(&self) -> &Prefixed {
        self.0.get_ref().0
    }

    /// The same, to be changed.
    pub(crate) fn below_mut(&mut self) -> &mut Prefixed {
        self.0.get_mut().0
    }
}

impl Drop for TlsStream {
    /// However a connection ends, its peer is told within TLS, if that takes no wait: without `close_notify` it cannot
    /// tell the end from one that a third party has made.
    fn drop(&mut self) {
        let mut no_task = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.0).poll_shutdown(&mut no_task);
    }
}

impl AsyncRead for TlsStream {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Its peer may wait for it before it says more.
        if self.0.get_ref().1.wants_write() {
            // A peer that takes no more may have sent something before; the next write says what is wrong.
            let _ = Pin::new(&mut self.0).poll_flush(cx);
        }
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsStream {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
