//! The bytes between us and a server: over TCP or a unix socket, under TLS or not.

use crate::duplex::Duplex;
use std::{
    io::{self, IoSlice},
    os::fd::OwnedFd,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// A connection to a server, as a stream of bytes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// `host:port`; without delay for small writes, and probed while idle.
    Tcp(TcpStream),
    /// `unix:/path`.
    Unix(UnixStream),
    /// TLS over one of the others.
    #[cfg(feature = "tls")]
    Tls(Box<crate::tls::TlsStream<Self>>),
}

impl Stream {
    /// The socket itself, non-blocking, for event loops of the program's own; tokio no longer knows it.
    ///
    /// # Errors
    /// The system's, and `Unsupported` for TLS, whose bytes are not the socket's. The connection is closed then.
    pub fn into_std(self) -> io::Result<OwnedFd> {
        match self {
            Self::Tcp(stream) => stream.into_std().map(Into::into),
            Self::Unix(stream) => stream.into_std().map(Into::into),
            #[cfg(feature = "tls")]
            Self::Tls(_) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "a socket under TLS is of no use alone"))
            }
        }
    }

    /// Whichever it is.
    fn get(&mut self) -> Pin<&mut (dyn Duplex + Send)> {
        match self {
            Self::Tcp(stream) => Pin::new(stream),
            Self::Unix(stream) => Pin::new(stream),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get().poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get().poll_write_vectored(cx, bufs)
    }

    /// All of them take several buffers at once.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get().poll_shutdown(cx)
    }
}
