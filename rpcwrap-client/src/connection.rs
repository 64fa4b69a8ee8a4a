//! The task behind every handle: sends what callers have written, brings them their replies, and ends all of them when
//! the connection ends.
//!
//! Each turn reads what is there, decodes it, hands the batch over and sends the whole output in one write. Knows
//! bytes and Seqs; types are the callers' business.

use crate::{
    duplex::Duplex,
    shared::{CloseReason, OutputAction, Shared},
};
use bytes::{Buf, BytesMut};
use codecs::Reply;
use std::{
    future::{Future, poll_fn},
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};
use tokio::io::{AsyncReadExt, ReadBuf};

/// Bytes of one read.
const READ_BYTES: usize = 16 << 10;
/// Replies handed over at once.
const BATCH: usize = 256;
/// Turns of one poll before other tasks of the thread get theirs.
const TURNS: usize = 16;
/// The most a buffer keeps after a large message, in bytes.
const KEEP_BYTES: usize = 64 << 10;

/// One connection after its handshake.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    shared: Arc<Shared>,
    /// Read and not yet decoded; empty while idle.
    input: BytesMut,
    /// Taken from the callers and not yet by the server; empty while idle.
    writing: BytesMut,
    replies: Vec<Reply>,
    wakers: Vec<Waker>,
    /// Callers have been let through once since the last write.
    yielded: bool,
    unflushed: bool,
}

impl<S: Duplex> Connection<S> {
    /// A connection over `stream`, of which `input` has been read already.
    pub(crate) fn new(stream: S, input: BytesMut, shared: Arc<Shared>) -> Self {
        Self {
            stream,
            shared,
            input,
            writing: BytesMut::new(),
            replies: Vec::new(),
            wakers: Vec::new(),
            yielded: false,
            unflushed: false,
        }
    }

    /// Runs until either side closes.
    pub(crate) async fn run(mut self) {
        let early = if self.input.is_empty() { Ok(()) } else { self.decode() };
        let ended = match early {
            Ok(()) => poll_fn(|cx| self.poll(cx)).await,
            error => error,
        };
        let reason = match ended {
            Ok(()) => {
                // The last call is answered: whether the server hears of the close makes no difference to any call.
                let _ = poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await;
                CloseReason::Here
            }
            Err(reason) => reason,
        };
        self.shared.close(reason);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        for _ in 0..TURNS {
            let received = self.receive(cx)?;
            match self.send(cx).map_err(lost)? {
                SendOutcome::Finished => return Poll::Ready(Ok(())),
                SendOutcome::Progress => {}
                SendOutcome::Nothing if received => {}
                SendOutcome::Nothing | SendOutcome::Yielded => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends as much as there is and the server takes.
    fn send(&mut self, cx: &mut Context<'_>) -> io::Result<SendOutcome> {
        let mut sent = SendOutcome::Nothing;
        loop {
            if self.writing.is_empty() {
                if self.writing.capacity() > KEEP_BYTES {
                    self.writing = BytesMut::new();
                }
                match self.shared.take_output(&mut self.writing, !self.yielded, cx.waker()) {
                    OutputAction::Taken => self.yielded = false,
                    OutputAction::Yield => {
                        self.yielded = true;
                        cx.waker().wake_by_ref();
                        return Ok(SendOutcome::Yielded);
                    }
                    OutputAction::Empty => break,
                    OutputAction::Finished => {
                        sent = SendOutcome::Finished;
                        break;
                    }
                }
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.writing) {
                Poll::Pending => return Ok(sent),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => self.writing.advance(n),
                Poll::Ready(Err(error)) => return Err(error),
            }
            sent = SendOutcome::Progress;
            self.unflushed = true;
        }
        if self.unflushed {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Pending => return Ok(SendOutcome::Nothing),
                Poll::Ready(flushed) => flushed?,
            }
            self.unflushed = false;
        }
        Ok(sent)
    }

    /// Reads what is there and hands it over; whether there was anything.
    fn receive(&mut self, cx: &mut Context<'_>) -> Result<bool, CloseReason> {
        match self.read(cx) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(0)) => Err(lost(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF"))),
            Poll::Ready(Ok(_)) => self.decode().map(|()| true),
            Poll::Ready(Err(error)) => Err(lost(error)),
        }
    }

    /// One read. Between messages it goes through the stack, so that nothing is allocated before there are bytes.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.input.is_empty() {
            self.input.reserve(READ_BYTES);
            return pin!(self.stream.read_buf(&mut self.input)).poll(cx);
        }
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.input.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    /// Decodes what was read and hands it over; the replies before an error still count.
    fn decode(&mut self) -> Result<(), CloseReason> {
        let more = loop {
            let error = self.decode_batch();
            let full = self.replies.len() == BATCH;
            let more = self.shared.deliver(&mut self.replies, &mut self.wakers);
            if let Some(error) = error {
                return Err(CloseReason::Protocol(error));
            }
            if !full {
                break more;
            }
        };
        // Replies that are still held keep their bytes; what no reply holds is used again while there is need.
        if self.input.is_empty() && (!more || self.input.capacity() > KEEP_BYTES) {
            self.input = BytesMut::new();
        }
        if !more {
            self.replies = Vec::new();
            self.wakers = Vec::new();
        }
        Ok(())
    }

    fn decode_batch(&mut self) -> Option<codecs::DecodeError> {
        let mut reader = self.shared.reader();
        while self.replies.len() < BATCH {
            match reader.decode(&mut self.input) {
                Ok(Some(reply)) => self.replies.push(reply),
                Ok(None) => break,
                Err(error) => return Some(error),
            }
        }
        None
    }
}

/// No caller may wait for a connection whose task has ended, however it has ended: also with its runtime, or by a panic
/// in a program's own codec.
impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.shared.close(CloseReason::Here);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum SendOutcome {
    Nothing,
    Progress,
    /// Callers go first.
    Yielded,
    Finished,
}

fn lost(error: io::Error) -> CloseReason {
    CloseReason::Lost(Arc::new(error))
}
