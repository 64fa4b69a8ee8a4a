//! The handle programs hold: cheap to clone, one connection behind all clones.
//!
//! Calls go through [`request`](crate::request) into what handles and connection [share](crate::shared). The last
//! handle that is dropped closes the connection.

use crate::{
    config::Config,
    duplex::Duplex,
    error::Error,
    handle::Handle,
    request::{self, Request},
    shared::{Shared, WireProtocol},
    stream::ReplyStream,
};
use bytes::BytesMut;
use codecs::AnyCodec;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use tokio::io::{AsyncRead, AsyncWrite};

/// One connection to a Go-RPC server, shared by everybody who has a clone of this.
///
/// Concurrent calls travel together: each is written by its caller's own task, all that are ready leave in one write,
/// and replies come back in the order the server finishes them. At most
/// [`max_in_flight`](Config::max_in_flight) are under way; further ones wait for their turn.
///
/// When the connection breaks every call in flight fails at once, and later ones with [`Error::Shutdown`]: dial again.
/// Dropping the last clone closes the connection.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use rpcwrap_client::{AnyCodec, dial_http};
///
/// #[derive(serde::Serialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Args {
///     a: i64,
///     b: i64,
/// }
///
/// let client = dial_http("127.0.0.1:7070", AnyCodec::Json).await?;
/// let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await?;
/// assert_eq!(product, 56);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    handle: Handle,
}

impl Client {
    /// A client over any byte stream on which both sides are ready to speak `codec`: no CONNECT is sent.
    ///
    /// For transports of the program's own, and for tests without sockets. [`Config::dial_over`] sends CONNECT first,
    /// as a server behind [`tokio::io::duplex`] expects it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    ///
    /// # Example
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use rpcwrap_client::{AnyCodec, Client, Config};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// let (ours, mut theirs) = tokio::io::duplex(1024);
    /// tokio::spawn(async move {
    ///     let mut request = [0; 50];
    ///     theirs.read_exact(&mut request).await.unwrap();
    ///     assert_eq!(&request[..], b"{\"method\":\"Echo.String\",\"params\":[\"hello\"],\"id\":0}");
    ///     theirs.write_all(b"{\"id\":0,\"result\":\"hello\",\"error\":null}\n").await.unwrap();
    /// });
    /// let client = Client::over(ours, AnyCodec::Json, Config::default());
    /// let reply: String = client.call("Echo.String", "hello").await?;
    /// assert_eq!(reply, "hello");
    /// # Ok::<(), rpcwrap_client::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn over<S>(stream: S, codec: AnyCodec, config: Config) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self::begin(stream, codec.into(), config)
    }

    /// On a stream on which nothing has been said.
    pub(crate) fn begin(stream: impl Duplex + Send + 'static, wire: WireProtocol, config: Config) -> Self {
        let halves = wire.halves(config.message_limits());
        Self::start(stream, BytesMut::new(), Shared::new(wire, halves, config))
    }

    /// On a stream of which `input` has been read already.
    pub(crate) fn start(stream: impl Duplex + Send + 'static, input: BytesMut, shared: Shared) -> Self {
        Self { handle: Handle::start(stream, input, shared) }
    }

    /// Calls a method and waits for its reply.
    ///
    /// Shape: `args` is the one argument of the method, any serde type; `R` what it replies with. Seq counts 0, 1, 2…
    /// Waits without limit unless [`Config::call_timeout`] or [`Request::timeout`] sets one.
    ///
    /// Dropping the future frees its place at once, also while it waits for its turn; a late reply is dropped, and a
    /// server of ours is told with [`Config::extensions`].
    ///
    /// # Errors
    /// As [`Error`] says; on a streaming method the first item is the reply, and the rest is dropped.
    /// Source: Go `net/rpc` `Client.Call`.
    pub async fn call<A, R>(&self, service_method: &str, args: &A) -> Result<R, Error>
    where
        A: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        if self.shared().config.call_timeout.is_some() {
            return Box::pin(self.request(service_method).call(args)).await;
        }
        request::call(self.shared(), service_method, args, None).await
    }

    /// Calls a streaming method; returns when the request is on its way, the items come from the [`ReplyStream`].
    ///
    /// Shape: the same request as a call; replies with the same Seq until one whose error is `EOS`.
    ///
    /// # Errors
    /// [`Error::Encode`], [`Error::Shutdown`], or [`Error::Timeout`] while waiting for its turn; the rest comes from
    /// the stream. Source: vitess `go/rpcplus` `Client.StreamGo`.
    ///
    /// # Example
    /// ```no_run
    /// # async fn example(client: rpcwrap_client::Client) -> Result<(), rpcwrap_client::Error> {
    /// let mut numbers = client.stream::<_, i64>("Demo.Count", &3).await?;
    /// while let Some(number) = numbers.next().await {
    ///     println!("{}", number?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stream<A, R>(&self, service_method: &str, args: &A) -> Result<ReplyStream<R>, Error>
    where
        A: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        self.request(service_method).stream(args).await
    }

    /// A call with options: see [`Request`].
    pub fn request<'c>(&'c self, service_method: &'c str) -> Request<'c> {
        Request::new(&self.handle, service_method)
    }

    /// Takes no more calls, waits for those in flight, then closes the connection.
    ///
    /// Calls that still wait for their turn fail with [`Error::Shutdown`]. Streams count as in flight until they end
    /// or are dropped. Waits without limit: put [`tokio::time::timeout`] around it and drop the client to cut. Dropping
    /// the future leaves the closing under way. A second close waits for the first.
    pub async fn close(&self) {
        self.shared().start_draining();
        self.shared().closed().await;
    }

    /// Whether new calls are refused: [`close`](Self::close) was called, or the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.shared().is_closed()
    }

    /// Calls and streams in flight: sent, or about to be, and not yet taken back by their callers.
    pub fn in_flight(&self) -> usize {
        self.shared().in_flight()
    }

    pub(crate) fn shared(&self) -> &Shared {
        self.handle.shared()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("in_flight", &self.in_flight())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
