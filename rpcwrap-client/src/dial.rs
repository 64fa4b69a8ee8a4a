//! The names Go gives to ways of dialling, each a [`Connector`] that is used once.

use crate::{client::Client, config::Config, connect::Connector, error::DialError};
use codecs::AnyCodec;
use tokio::io::{AsyncRead, AsyncWrite};

/// Connects to `addr` and asks for `codec` on its regular path, `/_<codec>_rpc_`; with the default [`Config`].
///
/// `addr` is `host:port`, `:port` on this machine, or `unix:/path`.
///
/// # Errors
/// As [`Config::dial_http`].
///
/// # Example
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let server = rpcwrap::Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build()?;
/// # let addr = server.listen("127.0.0.1:0").await?.to_string();
/// use rpcwrap_client::{AnyCodec, dial_http};
/// let client = dial_http(&addr, AnyCodec::Json).await?;
/// let said: String = client.call("Echo.Say", "hi").await?;
/// assert_eq!(said, "hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub async fn dial_http(addr: &str, codec: AnyCodec) -> Result<Client, DialError> {
    Config::default().dial_http(addr, codec).await
}

/// As [`dial_http`] on another path, such as Go's `/_goRPC_`.
///
/// # Errors
/// As [`Config::dial_http`].
pub async fn dial_http_path(addr: &str, path: &str, codec: AnyCodec) -> Result<Client, DialError> {
    Config::default().dial_http_path(addr, path, codec).await
}

/// As [`dial_http`] on the path with a login, `/_<codec>_rpc_/auth`, as `user` with `secret` (CRAM-MD5).
///
/// # Errors
/// As [`Config::dial_auth_http`].
pub async fn dial_auth_http(
    addr: &str,
    codec: AnyCodec,
    user: &str,
    secret: &str,
) -> Result<Client, DialError> {
    Config::default().dial_auth_http(addr, codec, user, secret).await
}

/// Connects to a server that speaks `codec` from the first byte on, without CONNECT; with the default [`Config`].
///
/// # Errors
/// [`DialError::Connect`] and [`DialError::Timeout`].
pub async fn dial(addr: &str, codec: AnyCodec) -> Result<Client, DialError> {
    Config::default().dial(addr, codec).await
}

/// Dialling with these settings.
impl Config {
    /// As the function [`dial_http`](crate::dial_http).
    ///
    /// # Errors
    /// No server listens, the server refuses or is no Go-RPC server, or `connect_timeout` is over; the connection is
    /// closed then.
    pub async fn dial_http(self, addr: &str, codec: AnyCodec) -> Result<Client, DialError> {
        Connector::new(codec).config(self).connect(addr).await
    }

    /// As the function [`dial_http_path`](crate::dial_http_path).
    ///
    /// # Errors
    /// As [`dial_http`](Self::dial_http).
    pub async fn dial_http_path(self, addr: &str, path: &str, codec: AnyCodec) -> Result<Client, DialError> {
        Connector::new(codec).path(path).config(self).connect(addr).await
    }

    /// As the function [`dial_auth_http`](crate::dial_auth_http); how, says [`Connector::login`].
    ///
    /// # Errors
    /// As [`dial_http`](Self::dial_http), and [`DialError::Login`].
    pub async fn dial_auth_http(
        self,
        addr: &str,
        codec: AnyCodec,
        user: &str,
        secret: &str,
    ) -> Result<Client, DialError> {
        Connector::new(codec).login(user, secret).config(self).connect(addr).await
    }

    /// As the function [`dial`](crate::dial).
    ///
    /// # Errors
    /// [`DialError::Connect`] and [`DialError::Timeout`].
    pub async fn dial(self, addr: &str, codec: AnyCodec) -> Result<Client, DialError> {
        Connector::new(codec).without_connect().config(self).connect(addr).await
    }

    /// Sends CONNECT for `codec` over a byte stream that leads to a server, and waits for its answer.
    ///
    /// For transports of the program's own, and for tests without sockets: `rpcwrap::Server::connect` makes such a
    /// stream. `connect_timeout` holds.
    ///
    /// # Errors
    /// As [`dial_http`](Self::dial_http).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    ///
    /// # Example
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use rpcwrap_client::{AnyCodec, Config};
    /// let server = rpcwrap::Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build()?;
    /// let client = Config::default().dial_over(server.connect()?, AnyCodec::Json).await?;
    /// let said: String = client.call("Echo.Say", "hi").await?;
    /// assert_eq!(said, "hi");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn dial_over<S>(self, stream: S, codec: AnyCodec) -> Result<Client, DialError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Connector::new(codec).config(self).over(stream).await
    }

    /// As [`dial_over`](Self::dial_over), on the path with a login, as `user` with `secret`.
    ///
    /// # Errors
    /// As [`dial_auth_http`](Self::dial_auth_http).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn dial_over_auth<S>(
        self,
        stream: S,
        codec: AnyCodec,
        user: &str,
        secret: &str,
    ) -> Result<Client, DialError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Connector::new(codec).login(user, secret).config(self).over(stream).await
    }
}
