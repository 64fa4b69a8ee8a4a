//! The stream as hyper sees it: notes what moves, looks ahead for a peer that goes away during a call, and holds small
//! replies until hyper has done all it can, so that those to requests of one segment leave in one write.
//!
//! hyper's own `pipeline_flush` would do the last, but loses the reply to a good request if bad bytes follow it.

use super::progress::Progress;
use crate::io::{Prefixed, Stream};
use bytes::{Buf, Bytes, BytesMut};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes read to learn whether the peer is still there; what came instead of an end is the next request.
const AHEAD: usize = 64;

/// Bytes held before they are written all the same.
const HELD: usize = 16 << 10;

/// A [`Prefixed`] stream that keeps its connection's [`Progress`].
#[derive(Debug)]
pub(super) struct Socket {
    inner: Prefixed,
    ahead: Bytes,
    held: BytesMut,
    progress: Progress,
}

/// What is left of a connection when HTTP is over.
pub(super) struct Leftover {
    /// Read and not asked for.
    pub(super) unread: Bytes,
    /// Held and not written.
    pub(super) unsent: Bytes,
    pub(super) stream: Stream,
}

impl Socket {
    pub(super) fn new(inner: Prefixed, progress: Progress) -> Self {
        Self { inner, ahead: Bytes::new(), held: BytesMut::new(), progress }
    }

    pub(super) fn into_rest(self) -> Leftover {
        let (prefix, stream) = self.inner.into_parts();
        Leftover { unread: [self.ahead, prefix].concat().into(), unsent: self.held.freeze(), stream }
    }

    /// Takes bytes to be written later, if they are few.
    fn hold(&mut self, bufs: &[IoSlice<'_>]) -> Option<usize> {
        let len = bufs.iter().map(|buf| buf.len()).sum();
        if self.held.len() + len > HELD {
            return None;
        }
        for buf in bufs {
            self.held.extend_from_slice(buf);
        }
        self.progress.notes().holding = true;
        Some(len)
    }

    fn poll_send_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let written = Pin::new(&mut self.inner).poll_write(cx, &self.held);
            match ready!(self.note_write(written))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.held.advance(n),
            }
        }
        // An idle connection keeps no buffer.
        self.held = BytesMut::new();
        self.progress.notes().holding = false;
        Poll::Ready(Ok(()))
    }

    /// hyper does not read while a request is answered, or a client that has closed its sending side would lose its
    /// reply. So this reads in its place.
    fn look_ahead(&mut self, cx: &mut Context<'_>) {
        if !self.ahead.is_empty() || !self.progress.notes().expects_nothing() {
            return;
        }
        if self.progress.notes().has_ended() {
            if self.inner.is_gone() {
                self.progress.notes().gone = true;
            }
            return;
        }
        let mut chunk = [0; AHEAD];
        let mut buf = ReadBuf::new(&mut chunk);
        let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(cx, &mut buf) else { return };
        let mut notes = self.progress.notes();
        match read {
            Err(_) => notes.gone = true,
            Ok(()) if buf.filled().is_empty() => {
                notes.end();
                notes.look();
            }
            Ok(()) => self.ahead = Bytes::copy_from_slice(buf.filled()),
        }
    }

    fn note_write(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let mut notes = self.progress.notes();
        match &written {
            Poll::Pending => notes.blocked(),
            Poll::Ready(Ok(_)) => notes.sent(),
            Poll::Ready(Err(_)) => notes.gone = true,
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.ahead.is_empty() {
            let read = Pin::new(&mut self.inner).poll_read(cx, buf);
            if read.is_pending() {
                self.progress.notes().read_blocked = true;
            }
            ready!(read)?;
        } else {
            let n = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead[..n]);
            self.ahead.advance(n);
        }
        let mut notes = self.progress.notes();
        if buf.filled().len() > before {
            notes.received();
        } else if buf.remaining() > 0 {
            notes.end();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(len) = self.hold(bufs) {
            return Poll::Ready(Ok(len));
        }
        ready!(self.poll_send_held(cx))?;
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.note_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// hyper flushes at the end of each of its turns, which makes this the place to look ahead.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look_ahead(cx);
        if self.progress.notes().releasing {
            ready!(self.poll_send_held(cx))?;
        }
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_held(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    fn socket() -> (Socket, Progress, DuplexStream) {
        let (ours, theirs) = duplex(64 << 10);
        let progress = Progress::new();
        let inner = Prefixed::new(Bytes::from_static(b"prefix"), Stream::Memory(ours));
        (Socket::new(inner, progress.clone()), progress, theirs)
    }

    #[tokio::test]
    async fn small_replies_leave_together_when_told() {
        let (mut socket, progress, mut theirs) = socket();
        for reply in [b"one ", b"two "] {
            socket.write_all(reply).await.unwrap();
            socket.flush().await.unwrap();
        }
        let mut seen = [0; 64];
        assert!(progress.notes().holding && theirs.read(&mut seen).now_or_never().is_none());
        progress.notes().releasing = true;
        socket.flush().await.unwrap();
        assert!(!progress.notes().holding);
        assert_eq!(theirs.read(&mut seen).await.unwrap(), 8);
        assert_eq!(&seen[..8], b"one two ");
    }

    #[tokio::test]
    async fn large_replies_and_the_end_wait_for_nobody() {
        let (mut socket, _, mut theirs) = socket();
        socket.write_all(b"small ").await.unwrap();
        socket.write_all(&[b'x'; HELD]).await.unwrap();
        socket.write_all(b" end").await.unwrap();
        socket.shutdown().await.unwrap();
        let mut seen = Vec::new();
        theirs.read_to_end(&mut seen).await.unwrap();
        assert!(seen.starts_with(b"small xxx") && seen.ends_with(b"xxx end") && seen.len() == HELD + 10);
    }

    #[tokio::test]
    async fn what_was_not_asked_for_is_given_back() {
        let (mut socket, progress, _theirs) = socket();
        progress.notes().begin(true);
        socket.write_all(b"held").await.unwrap();
        socket.flush().await.unwrap();
        let rest = socket.into_rest();
        assert_eq!((&rest.unread[..], &rest.unsent[..]), (&b"prefix"[..], &b"held"[..]));
    }
}
