//! From an address to a client: connect, CONNECT, and on `/auth` paths the login, all within one time limit.
//!
//! Nothing but the CONNECT line is sent before the server's answer is read; bytes that come with the answer are kept
//! for the codec. Source: Go `net/rpc` `DialHTTPPath`; vitess `go/rpcwrap` `DialHTTP`, `DialAuthHTTP`.

#[cfg(feature = "tls")]
use crate::tls::TlsError;
use crate::{
    client::Client,
    config::Config,
    error::{DialError, Error},
    shared::Wire,
};
use bytes::BytesMut;
use codecs::{
    AnyCodec, connect,
    cram_md5::{self, Challenge, Proof},
};
use serde::de::IgnoredAny;
use socket2::{SockRef, TcpKeepalive};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// A connection without traffic is probed this often, so that a server whose machine is gone is noticed. As Go.
const KEEPALIVE: Duration = Duration::from_secs(15);

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
    /// Nobody listens, the server refuses or is no Go-RPC server, or `connect_timeout` is over; the connection is
    /// closed then.
    pub async fn dial_http(self, addr: &str, codec: AnyCodec) -> Result<Client, DialError> {
        let path = connect::rpc_path(codec.name(), false);
        self.dial_http_path(addr, &path, codec).await
    }

    /// As the function [`dial_http_path`](crate::dial_http_path).
    ///
    /// # Errors
    /// As [`dial_http`](Self::dial_http).
    pub async fn dial_http_path(self, addr: &str, path: &str, codec: AnyCodec) -> Result<Client, DialError> {
        self.within(addr, self.connect(addr, Some(path), codec.into())).await
    }

    /// As the function [`dial_auth_http`](crate::dial_auth_http).
    ///
    /// Shape: the first two calls of the connection, Seq 0 and 1: a challenge `{Challenge}` is asked for and answered
    /// with `{Proof}`, see [`cram_md5`]. The secret itself is never sent.
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
        let path = connect::rpc_path(codec.name(), true);
        let opened = async {
            let client = self.connect(addr, Some(&path), codec.into()).await?;
            log_in(&client, user, secret).await.map_err(DialError::Login)?;
            Ok(client)
        };
        self.within(addr, opened).await
    }

    /// As the function [`dial`](crate::dial).
    ///
    /// # Errors
    /// [`DialError::Connect`] and [`DialError::Timeout`].
    pub async fn dial(self, addr: &str, codec: AnyCodec) -> Result<Client, DialError> {
        self.within(addr, self.connect(addr, None, codec.into())).await
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
        let path = connect::rpc_path(codec.name(), false);
        self.within("stream", self.open(stream, Some(&path), codec.into())).await
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
        let path = connect::rpc_path(codec.name(), true);
        let opened = async {
            let client = self.open(stream, Some(&path), codec.into()).await?;
            log_in(&client, user, secret).await.map_err(DialError::Login)?;
            Ok(client)
        };
        self.within("stream", opened).await
    }

    pub(crate) async fn within<T>(
        &self,
        addr: &str,
        dialling: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, DialError> {
        let after = self.connect_timeout;
        let over = |_| DialError::Timeout { addr: addr.to_owned(), after };
        timeout(after, dialling).await.map_err(over)?
    }

    pub(crate) async fn connect(
        &self,
        addr: &str,
        path: Option<&str>,
        wire: Wire,
    ) -> Result<Client, DialError> {
        let failed = |source| DialError::Connect { addr: addr.to_owned(), source };
        match addr.strip_prefix("unix:") {
            Some(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(failed)?;
                self.open_at(addr, stream, path, wire).await
            }
            None => {
                let stream = connect_tcp(addr).await.map_err(failed)?;
                self.open_at(addr, stream, path, wire).await
            }
        }
    }

    /// Goes on with a connection to `addr`: over TLS, if that is set.
    async fn open_at<S>(
        &self,
        addr: &str,
        stream: S,
        path: Option<&str>,
        wire: Wire,
    ) -> Result<Client, DialError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let name = tls.name(host(addr));
            let failed = |source| DialError::Tls { addr: addr.to_owned(), source };
            let stream = tls.connect(stream, host(addr)).await.map_err(failed)?;
            return self.open(stream, path, wire).await.map_err(|error| match error {
                // With TLS 1.3 the server's verdict on our certificate comes after the handshake.
                DialError::Io(error) => match TlsError::of(&error, name) {
                    Some(source) => failed(source),
                    None => DialError::Io(error),
                },
                error => error,
            });
        }
        let _ = addr;
        self.open(stream, path, wire).await
    }

    pub(crate) async fn open<S>(
        &self,
        mut stream: S,
        path: Option<&str>,
        wire: Wire,
    ) -> Result<Client, DialError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let early = match path {
            Some(path) => shake_hands(&mut stream, path).await?,
            None => BytesMut::new(),
        };
        Ok(Client::start(stream, early, wire, self.clone()))
    }
}

/// The host of an address: without port and brackets.
#[cfg(feature = "tls")]
fn host(addr: &str) -> &str {
    let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host) {
        host if host.is_empty() || addr.starts_with("unix:") => "localhost",
        host => host,
    }
}

async fn connect_tcp(addr: &str) -> io::Result<TcpStream> {
    let stream = match addr.strip_prefix(':') {
        Some(_) => TcpStream::connect(format!("localhost{addr}")).await?,
        None => TcpStream::connect(addr).await?,
    };
    // Requests are gathered before they are written; waiting for more would only add to their way.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

/// Sends the CONNECT line and reads the answer; returns the bytes that came after it.
async fn shake_hands<S>(stream: &mut S, path: &str) -> Result<BytesMut, DialError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buf = BytesMut::with_capacity(128);
    connect::encode_request(path, &mut buf);
    stream.write_all(&buf).await.map_err(DialError::Io)?;
    stream.flush().await.map_err(DialError::Io)?;
    buf.clear();
    loop {
        if stream.read_buf(&mut buf).await.map_err(DialError::Io)? == 0 {
            return Err(DialError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF")));
        }
        if connect::decode_reply(&mut buf)?.is_some() {
            return Ok(buf);
        }
    }
}

async fn log_in(client: &Client, user: &str, secret: &str) -> Result<(), Error> {
    let method = |name| format!("{}.{name}", cram_md5::SERVICE);
    let Challenge { challenge } = client.call(&method(cram_md5::GET_NEW_CHALLENGE), "").await?;
    let proof = Proof { proof: cram_md5::proof(user, secret, &challenge) };
    let IgnoredAny = client.call(&method(cram_md5::AUTHENTICATE), &proof).await?;
    Ok(())
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    #[test]
    fn hosts_of_addresses() {
        for (addr, host) in [
            ("db.example:7070", "db.example"),
            ("127.0.0.1:7070", "127.0.0.1"),
            ("[::1]:7070", "::1"),
            (":7070", "localhost"),
            ("unix:/run/a:b", "localhost"),
        ] {
            assert_eq!(super::host(addr), host, "{addr}");
        }
    }
}
