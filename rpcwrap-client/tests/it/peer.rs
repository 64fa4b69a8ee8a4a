//! The other side of a client: a byte stream a test reads and writes by hand.

use rpcwrap_client::{AnyCodec, Client, Config};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

/// Nothing in these tests takes this long unless it hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test on one thread, so that what happens at once happens in order.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, test).await.expect("the test hangs") });
}

/// As [`run`], on a clock that jumps to the next timer whenever everybody waits.
pub(crate) fn run_paused(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, test).await.expect("the test hangs") });
}

/// A server's end of a connection.
pub(crate) struct Peer<S = DuplexStream> {
    pub(crate) stream: S,
}

/// A JSON client after its handshake, and its server.
pub(crate) fn json(config: Config) -> (Client, Peer) {
    connected(AnyCodec::Json, config)
}

pub(crate) fn connected(codec: AnyCodec, config: Config) -> (Client, Peer) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    (Client::over(ours, codec, config), Peer { stream: theirs })
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Reads exactly `bytes`, or panics.
    pub(crate) async fn expect(&mut self, bytes: impl AsRef<[u8]>) {
        let expected = bytes.as_ref();
        let mut read = vec![0; expected.len()];
        let mut len = 0;
        while len < expected.len() {
            // What has not come by now does not come: show what did.
            match tokio::time::timeout(LIMIT / 10, self.stream.read(&mut read[len..])).await {
                Ok(Ok(n)) if n > 0 => len += n,
                _ => break,
            }
        }
        assert_eq!(read[..len].escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    /// One line, without its end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        loop {
            match self.stream.read_u8().await.unwrap() {
                b'\n' => return String::from_utf8(line).unwrap(),
                byte => line.push(byte),
            }
        }
    }

    /// The id of the next JSON request; the rest of it is not looked at.
    pub(crate) async fn id(&mut self) -> u64 {
        id(&self.line().await)
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Answers the JSON request `id`.
    pub(crate) async fn answer(&mut self, id: u64, result: &str) {
        self.send(format!("{{\"id\":{id},\"result\":{result},\"error\":null}}\n")).await;
    }

    /// Fails it.
    pub(crate) async fn fail(&mut self, id: u64, error: &str) {
        self.send(format!("{{\"id\":{id},\"result\":null,\"error\":\"{error}\"}}\n")).await;
    }

    /// Waits until the client has closed its side and sent nothing more before.
    pub(crate) async fn expect_fin(&mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest.escape_ascii().to_string(), "");
    }
}

pub(crate) fn id(request: &str) -> u64 {
    let request: serde_json::Value = serde_json::from_str(request).unwrap();
    request["id"].as_u64().unwrap()
}

/// Lets every task that can run do so.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// A stream that counts its writes.
pub(crate) struct Counting<S> {
    pub(crate) stream: S,
    pub(crate) writes: Arc<AtomicUsize>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counting<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
