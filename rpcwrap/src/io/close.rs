//! The end of a connection, so that the last reply is not lost to a reset.

use super::Stream;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Longest wait for a peer to close its side after ours.
const LINGER: Duration = Duration::from_secs(1);
/// The most of what such a peer still sends that is read before the connection is closed under it.
const LINGER_BYTES: usize = 1 << 20;

/// Closes our side, then reads what is still coming until the peer closes its own, so that the last reply is not lost
/// to a reset. Bounded in time and bytes; flush first what may take longer.
pub(crate) async fn close_gently(stream: &mut Stream) -> io::Result<()> {
    let closing = async {
        stream.shutdown().await?;
        // On the heap: this future is part of every session's, which sits idle for long.
        let (mut chunk, mut seen) = (vec![0; 1024], 0);
        while seen < LINGER_BYTES {
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(n) => seen += n,
            }
        }
        Ok(())
    };
    // Whether the peer closed or the time is over, the connection ends here.
    timeout(LINGER, closing).await.unwrap_or(Ok(()))
}

/// Says `words`, then closes as [`close_gently`] does.
pub(crate) async fn refuse(stream: &mut Stream, words: &[u8]) -> io::Result<()> {
    stream.write_all(words).await?;
    close_gently(stream).await
}

/// Closes our side of a connection whose peer has closed its own: under TLS that has to be said.
pub(crate) async fn close(stream: &mut Stream) -> io::Result<()> {
    timeout(LINGER, stream.shutdown()).await.unwrap_or(Ok(()))
}
