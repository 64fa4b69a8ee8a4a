//! One type for every kind of socket: an enum, so that a read or write costs no virtual call.

#[cfg(feature = "tls")]
use super::TlsStream;
use futures_util::FutureExt;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// A connected byte stream.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
    /// A pipe within the program.
    Memory(DuplexStream),
    /// TLS over one of the others; on the heap, so that the others are no larger for it.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
}

impl Stream {
    /// Whether the peer is gone altogether, and does not only send no more: what a reader that has met the end of the
    /// stream, or does not read, is not told. Of TCP it shows when the peer has reset the connection or keep-alive found
    /// it gone, of a unix socket also when the peer has closed it.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.peer_addr().is_err(),
            // The system says of such a socket that its other end is there no more, where it says of TCP only that no
            // more will come.
            Self::Unix(stream) => {
                let ready = stream.ready(Interest::WRITABLE).now_or_never();
                ready.is_some_and(|ready| ready.is_ok_and(|ready| ready.is_write_closed()))
            }
            Self::Memory(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.below().is_gone(),
        }
    }

    /// Has the socket watched by the runtime that is entered, in place of the one before.
    ///
    /// # Errors
    /// That runtime has ended, or the system cannot watch one more socket; the stream is lost.
    pub(crate) fn register_here(&mut self) -> io::Result<()> {
        let socket = match self {
            // Belongs to no runtime.
            Self::Memory(_) => return Ok(()),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => return stream.below_mut().register_here(),
            Self::Tcp(_) | Self::Unix(_) => self.take(),
        };
        *self = match socket {
            Self::Tcp(socket) => Self::Tcp(TcpStream::from_std(socket.into_std()?)?),
            Self::Unix(socket) => Self::Unix(UnixStream::from_std(socket.into_std()?)?),
            other => other,
        };
        Ok(())
    }

    /// Takes the stream out; what stays is one that has ended.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Memory(tokio::io::duplex(1).0))
    }

    /// Writes all of `bytes`, and none of them stays here.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await?;
        self.flush().await
    }
}

macro_rules! each {
    ($self:expr, $stream:ident => $do:expr) => {
        match $self {
            Stream::Tcp($stream) => $do,
            Stream::Unix($stream) => $do,
            Stream::Memory($stream) => $do,
            #[cfg(feature = "tls")]
            Stream::Tls($stream) => $do,
        }
    };
}

impl AsyncRead for Stream {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, net};
    use tokio::{io::AsyncReadExt, runtime};

    #[test]
    fn a_stream_is_watched_by_the_runtime_it_has_moved_to() {
        let runtime = || runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (before, after) = (runtime(), runtime());
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut theirs = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, _) = listener.accept().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut seen = [0; 5];
        let mut ours = before.block_on(async {
            let mut ours = Stream::Tcp(TcpStream::from_std(ours).unwrap());
            theirs.write_all(b"first").unwrap();
            ours.read_exact(&mut seen).await.unwrap();
            ours
        });
        {
            let _after = after.enter();
            ours.register_here().unwrap();
        }
        drop(before);
        after.block_on(async {
            theirs.write_all(b"after").unwrap();
            ours.read_exact(&mut seen).await.unwrap();
        });
        assert_eq!(&seen, b"after");
        // One that is not there any more takes no stream.
        let handle = after.handle().clone();
        drop(after);
        let _gone = handle.enter();
        assert!(ours.register_here().is_err());
    }
}
