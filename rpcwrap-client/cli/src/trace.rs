//! The bytes of a connection, shown as they pass: `>` for ours, `<` for the server's.
//!
//! A stream around a stream; it knows no codec and changes nothing.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of one line of a dump.
const LINE: usize = 16;

/// A stream whose bytes are shown on stderr, if the first of them is waited for.
#[derive(Debug)]
pub(crate) struct Traced<S> {
    stream: S,
    first_byte: Option<FirstByte>,
}

/// When the first byte came since the last call of [`take`](Self::take).
#[derive(Debug, Clone, Default)]
pub(crate) struct FirstByte(Arc<Mutex<Option<Instant>>>);

impl FirstByte {
    /// The moment, if there was one; the next byte is a first one again.
    pub(crate) fn take(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn mark(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
    }
}

impl<S> Traced<S> {
    pub(crate) fn new(stream: S, first_byte: Option<FirstByte>) -> Self {
        Self { stream, first_byte }
    }
}

/// Says something about the connection beside its bytes.
pub(crate) fn note(text: &str) {
    // That stderr is closed could only be said on stderr.
    let _ = writeln!(io::stderr(), "* {text}");
}

fn show(arrow: char, bytes: &[u8]) {
    let _ = io::stderr().write_all(dump(arrow, bytes).as_bytes());
}

/// One line with the number of bytes, then 16 bytes a line: offset, hex, text.
fn dump(arrow: char, bytes: &[u8]) -> String {
    let mut out = match bytes.len() {
        0 => format!("{arrow} end of stream\n"),
        1 => format!("{arrow} 1 byte\n"),
        len => format!("{arrow} {len} bytes\n"),
    };
    for (index, line) in bytes.chunks(LINE).enumerate() {
        let mut hex = String::with_capacity(3 * LINE);
        let mut text = String::with_capacity(LINE);
        for &byte in line {
            // Writing to a String cannot fail.
            let _ = write!(hex, " {byte:02x}");
            text.push(if byte.is_ascii_graphic() || byte == b' ' { byte.into() } else { '.' });
        }
        let _ = writeln!(out, "{arrow} {:04x} {hex:<48}  {text}", index * LINE);
    }
    out
}

impl<S: AsyncRead + Unpin> AsyncRead for Traced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if let Some(first_byte) = &self.first_byte {
            first_byte.mark();
            show('<', &buf.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Traced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        if self.first_byte.is_some() {
            show('>', &buf[..written]);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps() {
        let dumped = dump('>', b"CONNECT /_json_rpc_\n\xff");
        let wanted = "\
> 21 bytes
> 0000  43 4f 4e 4e 45 43 54 20 2f 5f 6a 73 6f 6e 5f 72  CONNECT /_json_r
> 0010  70 63 5f 0a ff                                   pc_..
";
        assert_eq!(dumped, wanted);
        assert_eq!(dump('<', b""), "< end of stream\n");
    }
}
