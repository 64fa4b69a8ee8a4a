//! Certificates and keys in PEM form, from files, from the program, or from where the system keeps its roots.

use super::TlsError;
use std::{env, fmt, fs, path::PathBuf, sync::Arc};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// Where distributions keep the roots the system trusts; the list of Go's `crypto/x509`.
const SYSTEM_ROOTS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// PEM text, or where it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Pem {
    File(PathBuf),
    Text(Arc<[u8]>),
}

impl Pem {
    pub(super) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into().into())
    }

    /// The roots the system trusts: the file `SSL_CERT_FILE` names, or the distribution's.
    pub(super) fn system_roots() -> Result<Self, TlsError> {
        let named = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let mut known = SYSTEM_ROOTS.into_iter().map(PathBuf::from);
        named.or_else(|| known.find(|path| path.is_file())).map(Self::File).ok_or_else(|| {
            let why = "none of the usual files is there; name one in SSL_CERT_FILE";
            TlsError::setup("the system's roots", why)
        })
    }

    /// All certificates in it, at least one.
    pub(super) fn certificates(&self, what: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.read(what)?).collect();
        match read {
            Ok(certificates) if certificates.is_empty() => Err(self.error(what, "no PEM certificate in it")),
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(self.error(what, error)),
        }
    }

    pub(super) fn key(&self, what: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.read(what)?).map_err(|error| self.error(what, error))
    }

    pub(super) fn error(&self, what: &str, why: impl fmt::Display) -> TlsError {
        let what = match self {
            Self::File(path) => format!("{what} {}", path.display()),
            Self::Text(_) => what.to_owned(),
        };
        TlsError::setup(what, why)
    }

    fn read(&self, what: &str) -> Result<Arc<[u8]>, TlsError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => fs::read(path).map(Into::into).map_err(|error| self.error(what, error)),
        }
    }
}

/// Text may be a key: it is never shown.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Text(_) => f.write_str("PEM"),
        }
    }
}
