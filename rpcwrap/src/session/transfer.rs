//! How a session moves bytes: what it has encoded to the peer, what the peer has sent to where it is decoded.

use super::{Framing, Session, scratch::READ_BYTES};
use crate::live::config::Config;
use bytes::{Buf, BytesMut};
use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
};
use tokio::io::{AsyncReadExt, AsyncWrite};

impl<F: Framing> Session<F> {
    /// Writes as much as the peer takes.
    pub(super) fn send(&mut self, cx: &mut Context<'_>, output: &mut BytesMut) -> io::Result<bool> {
        let mut sent = false;
        while !output.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, output) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => {
                    self.tracked.sent(n);
                    output.advance(n);
                }
                Poll::Ready(Err(error)) => return Err(error),
            }
            sent = true;
            self.unflushed = true;
        }
        // What TLS has taken may still be here.
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(sent)
    }

    /// Reads what is there, once all that was read before has been started.
    pub(super) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        config: &Config,
        input: &mut BytesMut,
        output: &BytesMut,
    ) -> io::Result<bool> {
        if !self.needs_input || self.ended || self.closing || !self.has_room(config, output) {
            return Ok(false);
        }
        input.reserve(READ_BYTES);
        let read = pin!(self.stream.read_buf(input));
        match read.poll(cx) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(0)) => {
                self.ended = true;
                Ok(true)
            }
            Poll::Ready(Ok(n)) => {
                self.tracked.received(n);
                Ok(true)
            }
            Poll::Ready(Err(error)) => Err(error),
        }
    }
}
