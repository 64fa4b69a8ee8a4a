//! Whom a client trusts, who it is, and which server it means.

use super::{TlsError, TlsStream, pem::Pem, unverified::Unverified};
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

/// TLS 1.2 and 1.3 for a client's connections, with rustls and ring; see [`Config::tls`](crate::Config::tls).
///
/// By default the roots the system trusts, no certificate of our own, and the host of the address as the server's name.
/// Files are read once, at the first handshake of this value or any of its clones; for renewed ones make a new value.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use rpcwrap_client::{AnyCodec, Config, TlsConfig};
/// let tls = TlsConfig::new().ca_file("ca.pem").certificate_files("me.pem", "me.key");
/// let client = Config::default().tls(tls).dial_http("rpc.example:7070", AnyCodec::Json).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct TlsConfig {
    settings: TlsSettings,
    /// Made at the first handshake; not part of what the value is.
    made: Arc<OnceLock<Result<TlsConnector, TlsError>>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct TlsSettings {
    /// Empty: the system's.
    roots: Vec<Pem>,
    certificate: Option<(Pem, Pem)>,
    server_name: Option<String>,
    alpn: Vec<String>,
    any_certificate: bool,
}

impl TlsConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the CAs in this PEM file, and no longer the system's; may be called again for more.
    #[must_use]
    pub fn ca_file(self, path: impl Into<PathBuf>) -> Self {
        self.with(|settings| settings.roots.push(Pem::File(path.into())))
    }

    /// The same, with the CAs as PEM text.
    #[must_use]
    pub fn ca_pem(self, pem: impl Into<Vec<u8>>) -> Self {
        self.with(|settings| settings.roots.push(Pem::text(pem)))
    }

    /// Shows this certificate, followed by those between it and a root, to servers that ask for one; with its private
    /// key. PEM files.
    #[must_use]
    pub fn certificate_files(self, certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let files = (Pem::File(certificates.into()), Pem::File(key.into()));
        self.with(|settings| settings.certificate = Some(files))
    }

    /// The same, as PEM text.
    #[must_use]
    pub fn certificate_pem(self, certificates: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        let texts = (Pem::text(certificates), Pem::text(key));
        self.with(|settings| settings.certificate = Some(texts))
    }

    /// The name the server's certificate has to be made out to, which the server is also told (SNI). Default: the host
    /// of the address, `localhost` for a unix socket.
    #[must_use]
    pub fn server_name(self, name: impl Into<String>) -> Self {
        self.with(|settings| settings.server_name = Some(name.into()))
    }

    /// Protocols to agree on (ALPN), the best first. Default: none, as Go's `tls.Dial`; a server that offers some
    /// takes any protocol then.
    #[must_use]
    pub fn alpn<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.with(|settings| settings.alpn = names.into_iter().map(Into::into).collect())
    }

    /// Takes any certificate from the server: encrypted, but with an unknown peer. An attacker in between can read
    /// and change everything. For tests.
    #[must_use]
    pub fn dangerous_accept_any_certificate(self) -> Self {
        self.with(|settings| settings.any_certificate = true)
    }

    /// Shakes hands over `stream` with the server at `host`, a name or an IP address.
    ///
    /// Without a time limit of its own. Dropping the future closes the stream.
    ///
    /// # Errors
    /// As [`TlsError`] says. That a server does not like our certificate may show only at the first read: with TLS 1.3
    /// the handshake is over before it has seen it.
    pub async fn connect<S>(&self, stream: S, host: &str) -> Result<TlsStream<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connector = self.made.get_or_init(|| self.settings.make()).clone()?;
        let name = self.name(host);
        let server_name = ServerName::try_from(name.to_owned())
            .map_err(|error| TlsError::setup(format!("server name {name:?}"), error))?;
        let connected = connector.connect(server_name, stream).await;
        connected
            .map(TlsStream)
            .map_err(|error| TlsError::of(&error, name).unwrap_or_else(|| TlsError::Io(Arc::new(error))))
    }

    /// The name a server at `host` has to have.
    pub(crate) fn name<'n>(&'n self, host: &'n str) -> &'n str {
        self.settings.server_name.as_deref().unwrap_or(host)
    }

    fn with(mut self, change: impl FnOnce(&mut TlsSettings)) -> Self {
        change(&mut self.settings);
        Self { settings: self.settings, made: Arc::default() }
    }
}

impl TlsSettings {
    fn make(&self) -> Result<TlsConnector, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::setup("protocol versions", error))?;
        let builder = if self.any_certificate {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(algorithms)))
        } else {
            builder.with_root_certificates(self.root_store()?)
        };
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some((certificates, key)) => {
                let certificates = certificates.certificates("certificate")?;
                let key = key.key("private key")?;
                let built = builder.with_client_auth_cert(certificates, key);
                built.map_err(|error| TlsError::setup("certificate and private key", error))?
            }
        };
        config.alpn_protocols = self.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config).into())
    }

    fn root_store(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        if self.roots.is_empty() {
            let system = Pem::system_roots()?;
            // Old bundles hold certificates of forms that are no longer accepted.
            let (taken, _) = store.add_parsable_certificates(system.certificates("the system's roots")?);
            let unusable = || system.error("the system's roots", "none can be used");
            return (taken > 0).then_some(store).ok_or_else(unusable);
        }
        for pem in &self.roots {
            for certificate in pem.certificates("CA")? {
                store.add(certificate).map_err(|error| pem.error("CA", error))?;
            }
        }
        Ok(store)
    }
}

/// Two values are equal if their settings are.
impl PartialEq for TlsConfig {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl Eq for TlsConfig {}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}
