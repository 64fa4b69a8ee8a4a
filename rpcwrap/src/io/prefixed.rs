//! A stream whose first bytes have been read already and are read again, and that may owe its peer a few.

use super::Stream;
use crate::live::{front::Front, tracked::Tracked};
use bytes::{Buf, Bytes};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A [`Stream`] with a prefix: the bytes read while sniffing, or left over by the protocol that had it before.
#[derive(Debug)]
pub struct Prefixed {
    prefix: Bytes,
    unsent: Bytes,
    stream: Stream,
    tracked: Option<Arc<Tracked>>,
    /// Until the connection has left it.
    front: Option<Arc<Front>>,
}

impl Prefixed {
    /// `prefix` is read first, then the stream.
    pub fn new(prefix: Bytes, stream: Stream) -> Self {
        Self { prefix, unsent: Bytes::new(), stream, tracked: None, front: None }
    }

    /// The same stream, which writes `unsent` before anything else.
    #[must_use]
    pub fn owing(self, unsent: Bytes) -> Self {
        Self { unsent, ..self }
    }

    /// The same stream, whose bytes are counted.
    #[must_use]
    pub(crate) fn tracked(self, tracked: Option<Arc<Tracked>>) -> Self {
        Self { tracked, ..self }
    }

    /// The same stream, which is read elsewhere once its connection has left `front`.
    #[must_use]
    pub(crate) fn leaving(self, front: Option<Arc<Front>>) -> Self {
        Self { front, ..self }
    }

    /// Moves the socket to the runtime of this task, where that is another than before.
    #[inline]
    fn follow(&mut self, cx: &Context<'_>) -> io::Result<()> {
        if self.front.as_ref().is_some_and(|front| front.has_left()) {
            self.front = None;
            self.stream.register_here()?;
            // What waited for the socket there is not told any more.
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    /// As [`Stream::register_here`].
    #[cfg(feature = "tls")]
    pub(crate) fn register_here(&mut self) -> io::Result<()> {
        self.stream.register_here()
    }

    #[inline]
    fn poll_send_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let written = Pin::new(&mut self.stream).poll_write(cx, &self.unsent);
            match ready!(self.count_sent(written))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.unsent.advance(n),
            }
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn count_sent(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Some(tracked) = &self.tracked {
            tracked.set_unsent(written.is_pending());
            if let Poll::Ready(Ok(n)) = &written {
                tracked.sent(*n);
            }
        }
        written
    }

    /// As [`Stream::is_gone`].
    pub(crate) fn is_gone(&self) -> bool {
        self.stream.is_gone()
    }

    /// The unread rest of the prefix, and the stream. What is still owed is lost: flush first.
    pub fn into_parts(self) -> (Bytes, Stream) {
        (self.prefix, self.stream)
    }
}

impl AsyncRead for Prefixed {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.prefix.is_empty() {
            let n = self.prefix.len().min(buf.remaining());
            buf.put_slice(&self.prefix[..n]);
            self.prefix.advance(n);
            return Poll::Ready(Ok(()));
        }
        self.follow(cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if let Some(tracked) = &self.tracked {
            tracked.received(buf.filled().len() - before);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send_unsent(cx))?;
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.count_sent(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send_unsent(cx))?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.count_sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_unsent(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_unsent(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn the_prefix_is_read_first_however_small_the_reads() {
        for step in 1..8 {
            let (ours, mut theirs) = duplex(64);
            theirs.write_all(b"after").await.unwrap();
            drop(theirs);
            let mut stream = Prefixed::new(Bytes::from_static(b"before "), Stream::Memory(ours));
            let (mut seen, mut buf) = (Vec::new(), vec![0; step]);
            while let n @ 1.. = stream.read(&mut buf).await.unwrap() {
                seen.extend_from_slice(&buf[..n]);
            }
            assert_eq!(seen, b"before after", "reads of {step}");
        }
    }

    #[tokio::test]
    async fn what_is_owed_is_written_first() {
        let (ours, mut theirs) = duplex(64);
        let owed = Bytes::from_static(b"before ");
        let mut stream = Prefixed::new(Bytes::new(), Stream::Memory(ours)).owing(owed);
        stream.write_all(b"after").await.unwrap();
        drop(stream);
        let mut seen = Vec::new();
        theirs.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, b"before after");
    }
}
