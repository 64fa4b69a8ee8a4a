//! What a server needs for TLS: its certificate, whose clients it asks for theirs, and which connections must use it.
//!
//! A [`TlsConfig`] only describes; files are read when the server is built and at every reload, all of them or none.

use crate::error::TlsError;
use std::{fmt, path::PathBuf, sync::Arc};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

/// Which connections of a port use TLS. Their first byte tells: a TLS handshake starts with 0x16, which no other
/// protocol does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsPolicy {
    /// None. A TLS handshake is closed with one line in the log.
    Off,
    /// Those that want to; the others are served as they are, on the same port.
    Allow,
    /// All. Anything else is answered with a readable HTTP 400 and closed.
    #[default]
    Require,
}

/// Whether clients have to show a certificate, where a CA for them is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// A client without one may connect too. A certificate that does not verify is refused all the same.
    Optional,
    /// A client without one is refused in the handshake.
    #[default]
    Required,
}

type UserMap = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// TLS of a server: TLS 1.2 and 1.3, with rustls and ring.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> std::io::Result<()> {
/// use rpcwrap::{Server, TlsConfig, TlsPolicy};
/// Server::builder()
///     .method("Echo.Say", |text: String| async move { Ok(text) })
///     .tls(TlsConfig::from_files("cert.pem", "key.pem").policy(TlsPolicy::Allow))
///     .serve("127.0.0.1:9001")
///     .await
/// # }
/// ```
#[derive(Clone)]
pub struct TlsConfig {
    certificates: Pem,
    key: Pem,
    client_ca: Option<Pem>,
    client_auth: ClientAuth,
    user: Option<UserMap>,
    pub(crate) policy: TlsPolicy,
}

impl TlsConfig {
    /// The server's certificate, followed by those between it and a root, and its private key (PKCS #8, PKCS #1 or
    /// SEC 1), in PEM files.
    pub fn from_files(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::new(Pem::File(certificates.into()), Pem::File(key.into()))
    }

    /// The same, as PEM text the program has; there is nothing to reload.
    pub fn from_pem(certificates: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self::new(Pem::Text(certificates.into().into()), Pem::Text(key.into().into()))
    }

    fn new(certificates: Pem, key: Pem) -> Self {
        let (client_auth, policy) = (ClientAuth::default(), TlsPolicy::default());
        Self { certificates, key, client_ca: None, client_auth, user: None, policy }
    }

    /// Asks clients for a certificate that one of the CAs in this PEM file has signed.
    #[must_use]
    pub fn client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_ca = Some(Pem::File(path.into()));
        self
    }

    /// The same, with the CAs as PEM text.
    #[must_use]
    pub fn client_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.client_ca = Some(Pem::Text(pem.into().into()));
        self
    }

    /// Whether clients must have such a certificate. Default: they must.
    #[must_use]
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// Makes the user of a connection, as access rules and `Context::user` know it, of the name in its verified
    /// certificate ([`TlsInfo::client_name`](crate::TlsInfo::client_name)); `None` leaves it without. Default: names in
    /// certificates are not users.
    ///
    /// A login on the connection, where there is one, wins.
    #[must_use]
    pub fn user_from_certificate(
        mut self,
        user: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.user = Some(Arc::new(user));
        self
    }

    /// Which connections must use TLS. Default: all.
    #[must_use]
    pub fn policy(mut self, policy: TlsPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Whether a certificate can make a client a user.
    pub(crate) fn makes_users(&self) -> bool {
        self.user.is_some() && self.client_ca.is_some()
    }

    /// The user a client is by the name in its certificate.
    pub(crate) fn user_of(&self, client_name: Option<&str>) -> Option<String> {
        self.user.as_ref().zip(client_name).and_then(|(user, name)| user(name))
    }

    /// Reads everything and makes of it what rustls works with.
    pub(crate) fn read(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let key = self.key.read("private key")?;
        let key =
            PrivateKeyDer::from_pem_slice(&key).map_err(|error| self.key.malformed("private key", error))?;
        let unusable = |what, error: &dyn fmt::Display| TlsError::Unusable { what, why: error.to_string() };
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("protocol versions", &error))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => builder.with_client_cert_verifier(self.verifier(ca, provider)?),
        };
        let certificates = self.certificates.certificates("certificate")?;
        builder
            .with_single_cert(certificates, key)
            .map_err(|error| unusable("certificate and private key", &error))
    }

    fn verifier(
        &self,
        ca: &Pem,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in ca.certificates("client CA")? {
            roots.add(certificate).map_err(|error| ca.malformed("client CA", error))?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        let builder = match self.client_auth {
            ClientAuth::Required => builder,
            ClientAuth::Optional => builder.allow_unauthenticated(),
        };
        builder.build().map_err(|error| TlsError::Unusable { what: "client CA", why: error.to_string() })
    }
}

/// Keys are never part of the text.
impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("certificates", &self.certificates)
            .field("client_ca", &self.client_ca)
            .field("client_auth", &self.client_auth)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Where PEM text comes from.
#[derive(Clone)]
enum Pem {
    File(PathBuf),
    Text(Arc<[u8]>),
}

impl Pem {
    fn read(&self, what: &'static str) -> Result<Arc<[u8]>, TlsError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => match std::fs::read(path) {
                Ok(text) => Ok(text.into()),
                Err(error) => Err(TlsError::Unreadable { what, path: path.clone(), why: error.to_string() }),
            },
        }
    }

    /// All certificates in it, at least one.
    fn certificates(&self, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = self.read(what)?;
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match read {
            Ok(certificates) if certificates.is_empty() => {
                Err(self.malformed(what, "no PEM certificate in it"))
            }
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(self.malformed(what, error)),
        }
    }

    fn malformed(&self, what: &'static str, why: impl fmt::Display) -> TlsError {
        let path = match self {
            Self::File(path) => Some(path.clone()),
            Self::Text(_) => None,
        };
        TlsError::Malformed { what, path, why: why.to_string() }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Text(_) => f.write_str("PEM"),
        }
    }
}
