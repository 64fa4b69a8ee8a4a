//! The description of how to reach one kind of server.

use super::{from_connection::FromConnection, login::Login, lookup::Resolver};
use crate::{client::Client, config::Config, shared::WireProtocol};
use codecs::{AnyCodec, connect};
use std::{borrow::Cow, fmt, future::Future, io, marker::PhantomData, net::SocketAddr, sync::Arc};

/// How to reach servers of one kind, at any address: what is spoken with them, TLS, login and limits.
///
/// Every way to dial is one of these: [`dial_http`](crate::dial_http) and its siblings make one and use it once. A
/// value never changes, is cheap to clone and can be used by many tasks at once; each [`connect`](Self::connect) opens
/// one connection more. `C` is the client that comes of it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let server = || rpcwrap::Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build();
/// # let (first, second) = (server()?, server()?);
/// # let addrs = [first.listen("127.0.0.1:0").await?.to_string(), second.listen("127.0.0.1:0").await?.to_string()];
/// use rpcwrap_client::{AnyCodec, Config, Connector};
/// use std::time::Duration;
///
/// let connector = Connector::new(AnyCodec::Json)
///     .config(Config::default().connect_timeout(Duration::from_secs(2)));
/// for addr in &addrs {
///     let client = connector.connect(addr).await?;
///     let said: String = client.call("Echo.Say", "hi").await?;
///     assert_eq!(said, "hi");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Connector<C = Client> {
    pub(super) settings: Arc<ConnectorSettings>,
    client: PhantomData<fn() -> C>,
}

#[derive(Clone)]
pub(crate) struct ConnectorSettings {
    pub(crate) wire: WireProtocol,
    path: ConnectPath,
    pub(super) login: Option<Login>,
    pub(super) config: Config,
    pub(super) resolver: Option<Resolver>,
}

/// Where CONNECT asks for the codec.
#[derive(Debug, Clone)]
enum ConnectPath {
    /// No CONNECT at all.
    None,
    /// On the codec's own path, which depends on whether there is a login.
    OfCodec,
    Other(String),
}

impl Connector {
    /// To servers that are asked for `codec` by CONNECT on its regular path, `/_<codec>_rpc_`; as Go's `rpc.DialHTTP`.
    pub fn new(codec: AnyCodec) -> Self {
        Self::speaking(codec.into()).with(|settings| settings.path = ConnectPath::OfCodec)
    }

    /// On another path, such as Go's `/_goRPC_`.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        self.with(|settings| settings.path = ConnectPath::Other(path.into()))
    }

    /// Without CONNECT, to servers that speak the codec from the first byte on; as Go's `rpc.Dial`.
    #[must_use]
    pub fn without_connect(self) -> Self {
        self.with(|settings| settings.path = ConnectPath::None)
    }

    /// Logs in as `user` with `secret` (CRAM-MD5), on the path `/_<codec>_rpc_/auth` unless [`path`](Self::path) says
    /// another.
    ///
    /// Shape: the first two calls of the connection, Seq 0 and 1: a challenge `{Challenge}` is asked for and answered
    /// with `{Proof}`, see [`cram_md5`](codecs::cram_md5). The secret itself is never sent.
    #[must_use]
    pub fn login(self, user: impl Into<String>, secret: impl Into<String>) -> Self {
        let login = Login { user: user.into(), secret: secret.into() };
        self.with(|settings| settings.login = Some(login))
    }
}

impl<C: FromConnection> Connector<C> {
    /// Without CONNECT and login, with the default config.
    pub(crate) fn speaking(wire: WireProtocol) -> Self {
        let (path, config) = (ConnectPath::None, Config::default());
        let settings = ConnectorSettings { wire, path, login: None, config, resolver: None };
        Self { settings: Arc::new(settings), client: PhantomData }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut ConnectorSettings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// With these limits, times and TLS, for every connection.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        self.with(|settings| settings.config = config)
    }

    /// Looks names up with `resolve` and not with the system: for names that only the program knows, and for tests.
    ///
    /// It gets `host:port` as it was dialled (`:port` as `localhost:port`) and gives all addresses, the preferred first,
    /// which are tried as [`connect`](Self::connect) says. Addresses that are no names (`127.0.0.1:7070`,
    /// `[fe80::1%eth0]:7070`) and unix sockets are not looked up. Its time counts against
    /// [`connect_timeout`](crate::Config::connect_timeout); it is dropped when that is over.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let server = rpcwrap::Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build()?;
    /// # let address: std::net::SocketAddr = server.listen("127.0.0.1:0").await?.to_string().parse()?;
    /// use rpcwrap_client::{AnyCodec, Connector};
    ///
    /// let connector = Connector::new(AnyCodec::Json).resolver(move |name| async move {
    ///     match name.as_str() {
    ///         "echo.internal:7070" => Ok(vec![address]),
    ///         _ => Err(std::io::Error::other(format!("{name} is not in the catalogue"))),
    ///     }
    /// });
    /// let client = connector.connect("echo.internal:7070").await?;
    /// let said: String = client.call("Echo.Say", "hi").await?;
    /// assert_eq!(said, "hi");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of `resolve` are [`DialError::Connect`](crate::DialError::Connect), as is a name without an address.
    #[must_use]
    pub fn resolver<F, R>(self, resolve: F) -> Self
    where
        F: Fn(String) -> R + Send + Sync + 'static,
        R: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        self.with(|settings| settings.resolver = Some(Resolver::new(resolve)))
    }

    /// The path CONNECT asks for, if there is one.
    pub(super) fn connect_path(&self) -> Option<Cow<'_, str>> {
        match (&self.settings.path, &self.settings.wire) {
            (ConnectPath::Other(path), _) => Some(path.into()),
            (ConnectPath::OfCodec, WireProtocol::Codec(codec)) => {
                Some(connect::rpc_path(codec.name(), self.settings.login.is_some()).into())
            }
            _ => None,
        }
    }
}

impl<C> Clone for Connector<C> {
    fn clone(&self) -> Self {
        Self { settings: self.settings.clone(), client: PhantomData }
    }
}

/// Secrets are never part of the text.
impl<C> fmt::Debug for Connector<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConnectorSettings { wire, path, login, config, resolver } = &*self.settings;
        f.debug_struct("Connector")
            .field("speaks", wire)
            .field("path", path)
            .field("login", login)
            .field("config", config)
            .field("resolver", &resolver.is_some())
            .finish()
    }
}
