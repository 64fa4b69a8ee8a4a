//! A connection whose first bytes are being looked at: what PROXY, TLS and sniffing read too much stays in front.

use super::Stream;
use bytes::BytesMut;
use std::io;
use tokio::{io::AsyncReadExt, time::Instant};

/// Bytes read at once before a protocol is chosen.
const CHUNK: usize = 1024;

/// A stream and what has been read of it.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) stream: Stream,
    /// Read and not yet taken by a protocol.
    pub(crate) prefix: BytesMut,
    /// Not a byte has been read, of whatever step.
    pub(crate) silent: bool,
    /// When the step began that looks at it now.
    pub(crate) since: Instant,
}

impl Opening {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, prefix: BytesMut::new(), silent: true, since: Instant::now() }
    }

    /// Reads what is there behind the prefix, at least a byte; 0 if the peer has closed.
    pub(crate) async fn read_more(&mut self) -> io::Result<usize> {
        // Nothing is allocated for a silent peer: the bytes land on the stack.
        let mut chunk = [0; CHUNK];
        let n = self.stream.read(&mut chunk).await?;
        self.prefix.extend_from_slice(&chunk[..n]);
        self.silent &= n == 0;
        Ok(n)
    }
}
