//! A client of `baidu_std`, bRPC's default protocol: bytes, protobuf messages or JSON, to bRPC's servers and ours.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # use rpcwrap::{RawCall, RawReply, Server};
//! # let echo = |call: RawCall| async move { Ok(RawReply::new(call.body).attachment(call.attachment)) };
//! # let server = Server::builder().method("demo.EchoService.Echo", echo).build()?;
//! # let addr = server.listen("127.0.0.1:0").await?.to_string();
//! use rpcwrap_client::baidu_std;
//!
//! let client = baidu_std::dial(&addr).await?;
//! let reply = client.request("demo.EchoService.Echo").attachment(b"beside").call(b"\x0a\x05hello").await?;
//! assert_eq!((&reply.body[..], &reply.attachment[..]), (&b"\x0a\x05hello"[..], &b"beside"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod request;

pub use codecs::{
    baidu_std::{Payload, code},
    body::ContentType,
    compress::Compression,
};
pub use request::Request;

use crate::{
    client,
    config::Config,
    connect::{Connector, FromConnection, Sealed},
    error::{DialError, Error},
    shared::WireProtocol,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncWrite};

/// Connects to `addr`, which is `host:port`, `:port` on this machine, or `unix:/path`; with the default [`Config`].
///
/// # Errors
/// [`DialError::Connect`] and [`DialError::Timeout`].
pub async fn dial(addr: &str) -> Result<Client, DialError> {
    Config::default().dial_baidu_std(addr).await
}

/// As [`dial`], with each request carrying `user:secret` as `authentication_data`.
///
/// A server that does not take it closes the connection at the first call.
///
/// # Errors
/// As [`dial`].
pub async fn dial_auth(addr: &str, user: &str, secret: &str) -> Result<Client, DialError> {
    Config::default().dial_baidu_std_auth(addr, format!("{user}:{secret}")).await
}

/// One connection to a server of baidu_std, shared by everybody who has a clone of this.
///
/// What [`crate::Client`] says of concurrent calls, `max_in_flight`, broken connections and dropped futures holds here
/// too; correlation ids count 0, 1, 2…
#[derive(Debug, Clone)]
pub struct Client(client::Client);

impl Client {
    /// A client over any byte stream; for transports of the program's own, and for tests without sockets.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn over<S>(stream: S, config: Config) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(client::Client::begin(stream, WireProtocol::BaiduStd(Vec::new()), config))
    }

    /// A call of bytes or of a protobuf message, with options: see [`Request`].
    ///
    /// `service_method` is `demo.EchoService.Echo`: what is behind the last dot is the method.
    pub fn request<'c>(&'c self, service_method: &'c str) -> Request<'c> {
        Request::new(&self.0, service_method)
    }

    /// Calls a method with JSON (`content_type` 1) and waits for its reply: methods of serde types of our servers.
    ///
    /// # Errors
    /// As [`Error`] says; the code of an [`Error::Server`] is bRPC's or the application's number.
    pub async fn call<A, R>(&self, service_method: &str, args: &A) -> Result<R, Error>
    where
        A: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        self.0.call(service_method, args).await.map_err(|error| request::in_our_words(error, None))
    }

    /// As [`crate::Client::close`].
    pub async fn close(&self) {
        self.0.close().await;
    }

    /// Whether new calls are refused: [`close`](Self::close) was called, or the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Calls in flight: sent, or about to be, and not yet taken back by their callers.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight()
    }
}

impl Sealed for Client {}

impl FromConnection for Client {
    fn from_connection(client: client::Client) -> Self {
        Self(client)
    }
}

impl Connector<Client> {
    /// To servers of baidu_std, without authentication.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpcwrap_client::Connector;
    /// let client = Connector::baidu_std().connect("127.0.0.1:8000").await?;
    /// let reply = client.request("demo.EchoService.Echo").call(b"\x0a\x05hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn baidu_std() -> Self {
        Self::speaking(WireProtocol::BaiduStd(Vec::new()))
    }

    /// With these bytes in each request, for the server's authenticator. One that does not take them
    /// closes the connection at the first call.
    #[must_use]
    pub fn authentication_data(self, authentication_data: impl Into<Vec<u8>>) -> Self {
        self.with(|settings| settings.wire = WireProtocol::BaiduStd(authentication_data.into()))
    }
}

impl Config {
    /// As the function [`baidu_std::dial`](dial).
    ///
    /// # Errors
    /// [`DialError::Connect`] and [`DialError::Timeout`].
    pub async fn dial_baidu_std(self, addr: &str) -> Result<Client, DialError> {
        self.dial_baidu_std_auth(addr, Vec::new()).await
    }

    /// The same with this `authentication_data` in each request, for the server's authenticator.
    ///
    /// # Errors
    /// As [`dial_baidu_std`](Self::dial_baidu_std).
    pub async fn dial_baidu_std_auth(
        self,
        addr: &str,
        authentication_data: impl Into<Vec<u8>>,
    ) -> Result<Client, DialError> {
        let connector = Connector::baidu_std().authentication_data(authentication_data);
        connector.config(self).connect(addr).await
    }
}
