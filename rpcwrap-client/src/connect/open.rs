//! Opening connections as a [`Connector`] says: all steps at once, or one by one.

#[cfg(feature = "tls")]
use super::address::Address;
use super::{
    attempt::DialAttempt,
    connected::Connected,
    connector::{Connector, ConnectorSettings},
    from_connection::FromConnection,
    handshake::request_connect,
    login::log_in,
    reached::{self, Reached},
    stream::Stream,
};
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use crate::{
    client::Client,
    duplex::Duplex,
    error::{DialError, Step},
    shared::{CodecHalves, Shared},
};
use bytes::BytesMut;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

impl<C: FromConnection> Connector<C> {
    /// Opens a connection to `addr`, which is `host:port`, `:port` on this machine, or `unix:/path`, with all steps
    /// within [`connect_timeout`](crate::Config::connect_timeout).
    ///
    /// Of a name with several addresses the first that answers is taken: they are tried in turn, both families, each
    /// 250 ms after the one before it, sooner if that one refuses or the time is short (RFC 8305). An address of IPv6
    /// may have a zone: `[fe80::1%eth0]:7070`.
    ///
    /// # Errors
    /// As [`DialError`] says; the connection is closed then. No call was sent.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn connect(&self, addr: &str) -> Result<C, DialError> {
        let Connected { stream, prefix, writer, reader, next_seq } =
            self.prepare(self.reach(addr).await?).await?;
        let halves = CodecHalves { writer, reader, next_seq };
        // A connection's task reads and writes the socket itself, not whichever it is.
        Ok(match stream {
            Stream::Tcp(stream) => self.begin(stream, prefix, halves),
            Stream::Unix(stream) => self.begin(stream, prefix, halves),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => self.begin(*stream, prefix, halves),
        })
    }

    /// As [`connect`](Self::connect), over a byte stream that leads to a server already: CONNECT and login, without
    /// TLS.
    ///
    /// For transports of the program's own, and for tests without sockets: `rpcwrap::Server::connect` makes such a
    /// stream.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn over<S>(&self, stream: S) -> Result<C, DialError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let attempt = DialAttempt::new("stream", self.settings.config.connect_timeout);
        let (zero, secured) = (Duration::ZERO, None);
        let reached = Reached { stream, resolved: zero, connected: zero, secured, attempt };
        Ok(self.start(self.prepare(reached).await?))
    }

    /// The first steps: the socket, and TLS if that is set. Begins the time limit of all.
    ///
    /// # Errors
    /// [`DialError::Connect`], [`DialError::Tls`] and [`DialError::Timeout`].
    pub async fn reach(&self, addr: &str) -> Result<Reached, DialError> {
        let ConnectorSettings { config, resolver, .. } = &*self.settings;
        let attempt = DialAttempt::new(addr, config.connect_timeout);
        let reached = reached::reach(attempt, resolver.as_ref()).await?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &config.tls {
            return reached.secure(tls).await;
        }
        Ok(reached)
    }

    /// The next steps: CONNECT and login, where there are any.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpcwrap_client::{AnyCodec, Connector};
    /// let connector = Connector::new(AnyCodec::Json).login("ala", "ma kota");
    /// let reached = connector.reach("127.0.0.1:7070").await?;
    /// println!("connected in {:?}", reached.connected);
    /// let connected = connector.prepare(reached).await?;
    /// let (socket, first_bytes) = (connected.stream.into_std()?, connected.prefix);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DialError::Handshake`], [`DialError::Io`], [`DialError::Login`] and [`DialError::Timeout`]; and
    /// [`DialError::Tls`], as with TLS 1.3 the server's verdict on our certificate comes after the handshake.
    pub async fn prepare<S>(&self, reached: Reached<S>) -> Result<Connected<S>, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let ConnectorSettings { wire, login, config, .. } = &*self.settings;
        let Reached { mut stream, attempt, .. } = reached;
        let prefix = match self.connect_path() {
            None => BytesMut::new(),
            Some(path) => {
                let answered = attempt.within(Step::Handshake, request_connect(&mut stream, &path)).await;
                #[cfg(feature = "tls")]
                let answered = answered.map_err(|error| match reached.secured {
                    Some(_) => self.as_tls_error(error, &attempt),
                    None => error,
                });
                answered?
            }
        };
        let CodecHalves { writer, reader, next_seq } = wire.halves(config.message_limits());
        let mut connected = Connected { stream, prefix, writer, reader, next_seq };
        if let Some(login) = login {
            let logging_in = async { log_in(&mut connected, login, config).await.map_err(DialError::Login) };
            attempt.within(Step::Login, logging_in).await?;
        }
        Ok(connected)
    }

    /// The last step: a client, with its task.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start<S>(&self, connected: Connected<S>) -> C
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Connected { stream, prefix, writer, reader, next_seq } = connected;
        self.begin(stream, prefix, CodecHalves { writer, reader, next_seq })
    }

    fn begin(&self, stream: impl Duplex + Send + 'static, prefix: BytesMut, halves: CodecHalves) -> C {
        let ConnectorSettings { wire, config, .. } = &*self.settings;
        let shared = Shared::new(wire.clone(), halves, config.clone());
        C::from_connection(Client::start(stream, prefix, shared))
    }

    /// What broke a connection under TLS may be the server's verdict on our certificate.
    #[cfg(feature = "tls")]
    fn as_tls_error(&self, error: DialError, attempt: &DialAttempt) -> DialError {
        let (DialError::Io(broken), Some(tls)) = (&error, &self.settings.config.tls) else { return error };
        match TlsError::of(broken, tls.name(Address::new(&attempt.addr).host())) {
            Some(source) => DialError::Tls { addr: attempt.addr.clone(), source },
            None => error,
        }
    }
}
