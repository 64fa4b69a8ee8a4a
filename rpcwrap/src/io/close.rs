//! The end of a connection, so that the last reply is not lost to a reset.

use super::Stream;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

/// Longest wait for a peer to take our end, and then for its next bytes or its own end.
const SILENCE: Duration = Duration::from_secs(1);
/// For how long what a peer still sends is read, as nginx does: a client that sends a large body may look at the reply
/// only behind it.
const LINGER: Duration = Duration::from_secs(30);
/// Bytes that are read of it at most: as many as the largest message has by default.
const MOST: usize = 64 << 20;
/// What is read of it at once.
const CHUNK: usize = 16 << 10;

/// Closes our side, then reads what is still coming until the peer closes its own, so that the last reply is not lost
/// to a reset. Bounded in time, and more so when it `is_hurried`, and in bytes; flush first what may take longer.
pub(crate) async fn close_gently(stream: &mut Stream, is_hurried: impl Fn() -> bool) -> io::Result<()> {
    // What is not taken by now never will be.
    timeout(SILENCE, stream.shutdown()).await.unwrap_or(Ok(()))?;
    let began = Instant::now();
    let (mut chunk, mut read) = (Vec::new(), 0);
    while read < MOST && began.elapsed() < if is_hurried() { SILENCE } else { LINGER } {
        chunk.resize(if chunk.is_empty() { 1 } else { CHUNK }, 0);
        // Whether the peer closed or says no more, the connection ends here.
        match timeout(SILENCE, stream.read(&mut chunk)).await {
            Ok(Ok(more @ 1..)) => read += more,
            Ok(Ok(0) | Err(_)) | Err(_) => break,
        }
    }
    Ok(())
}

/// Says `words`, then closes as [`close_gently`] does, within a second.
pub(crate) async fn refuse(stream: &mut Stream, words: &[u8]) -> io::Result<()> {
    stream.write_all(words).await?;
    close_gently(stream, || true).await
}

/// Closes our side of a connection whose peer has closed its own: under TLS that has to be said.
pub(crate) async fn close(stream: &mut Stream) -> io::Result<()> {
    timeout(SILENCE, stream.shutdown()).await.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    /// How long it lingers for a peer that sends on, and for one that says nothing.
    #[tokio::test(start_paused = true)]
    async fn lingering_is_bounded_in_time_and_by_silence() {
        for (sends, is_hurried, least, most) in
            [(true, false, 30, 31), (true, true, 1, 2), (false, false, 1, 2), (false, true, 1, 2)]
        {
            let (ours, mut theirs) = duplex(64 << 10);
            let began = Instant::now();
            let peer = async {
                while theirs.write_all(&[7; 1000]).await.is_ok() && sends {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                std::future::pending::<()>().await
            };
            let mut stream = Stream::Memory(ours);
            tokio::select! {
                closed = close_gently(&mut stream, || is_hurried) => closed.unwrap(),
                () = peer => {}
            }
            let seconds = began.elapsed().as_secs();
            assert!((least..=most).contains(&seconds), "{sends} {is_hurried}: {seconds} s");
        }
    }

    /// A peer that sends as fast as it can is read up to 64 MiB.
    #[tokio::test(start_paused = true)]
    async fn lingering_is_bounded_in_bytes() {
        let (ours, mut theirs) = duplex(CHUNK);
        let peer = tokio::spawn(async move {
            let mut sent = 0;
            while let Ok(more) = theirs.write(&[7; CHUNK]).await {
                sent += more;
            }
            sent
        });
        let mut stream = Stream::Memory(ours);
        close_gently(&mut stream, || false).await.unwrap();
        drop(stream);
        let sent = peer.await.unwrap();
        assert!((MOST..=MOST + 2 * CHUNK).contains(&sent), "{sent}");
    }
}
