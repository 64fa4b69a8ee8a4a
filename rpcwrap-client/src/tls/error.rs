//! Why there is no TLS with a server, said by whose fault it is.

use std::{fmt, io, sync::Arc};
use tokio_rustls::rustls::{CertificateError, Error, InvalidMessage};

/// A TLS handshake that failed, or could not begin. The connection is closed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Our own settings: a file that cannot be read, a key that is not the certificate's, a bad server name.
    #[error("{what}: {why}")]
    Setup {
        /// What cannot be used, with its file if it is one.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server's certificate is not signed by a CA we trust. Wrong CA, or an attacker in between.
    #[error("the server's certificate is not signed by a CA we trust")]
    UnknownIssuer,
    /// The server's certificate is out of date, or one of the two clocks is.
    #[error("the server's certificate has expired")]
    Expired,
    /// The server's certificate is made out for later, or one of the two clocks is wrong.
    #[error("the server's certificate is not valid yet")]
    NotValidYet,
    /// The server's certificate is for other names. Perhaps another server's; see
    /// [`TlsConfig::server_name`](super::TlsConfig::server_name).
    #[error("the server's certificate is not for {name}")]
    WrongName {
        /// The name we asked for.
        name: String,
    },
    /// The server's certificate does not verify for another reason.
    #[error("the server's certificate cannot be used: {0}")]
    BadCertificate(String),
    /// The server broke off with an alert: it wants a certificate of ours, does not know its CA, or does not speak
    /// any of our protocols.
    #[error("the server refused: {alert}")]
    Refused {
        /// The alert by its name in RFC 8446, such as `CertificateRequired`.
        alert: String,
    },
    /// What the server answered is not TLS: a plain port.
    #[error("the server does not speak TLS")]
    NotTls,
    /// The connection broke during the handshake.
    #[error("connection lost during the TLS handshake")]
    Io(#[source] Arc<io::Error>),
    /// Anything else.
    #[error("TLS handshake failed: {0}")]
    Failed(String),
}

impl TlsError {
    pub(super) fn setup(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Setup { what: what.into(), why: why.to_string() }
    }

    /// What broke a connection under TLS, if it was TLS: with TLS 1.3 the server's verdict on our certificate comes
    /// behind the handshake, and may be in an [`Error::Io`](crate::Error::Io).
    pub fn from_io(error: &io::Error) -> Option<Self> {
        Self::of(error, "this server")
    }

    /// What broke a stream under TLS, if it was TLS.
    pub(crate) fn of(error: &io::Error, name: &str) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<Error>()?;
        Some(match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error, name),
            Error::AlertReceived(alert) => Self::Refused { alert: format!("{alert:?}") },
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            other => Self::Failed(other.to_string()),
        })
    }

    fn of_certificate(error: &CertificateError, name: &str) -> Self {
        match error {
            // The other one: a CA of the name is trusted, but it is another.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotValidYet,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName { name: name.to_owned() }
            }
            other => Self::BadCertificate(match other.to_string() {
                // As those are that `openssl req -x509` makes without more ado.
                text if text.contains("CaUsedAsEndEntity") => {
                    "it is a CA's own, and a server's has to say basicConstraints=CA:FALSE".to_owned()
                }
                text => text,
            }),
        }
    }
}
