//! The handshake: what a listener accepts TLS connections with, and what can be replaced under it while it runs.

use super::{TlsConfig, TlsError, TlsStream, subject};
use crate::io::{Prefixed, Stream, TlsInfo};
use std::{
    fmt, io,
    sync::{Arc, PoisonError, RwLock},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ProtocolVersion, ServerConfig, ServerConnection},
};

/// Accepts TLS connections of one listener.
pub(crate) struct Acceptor {
    /// Names of protocols to agree on, the best first.
    alpn: Vec<Vec<u8>>,
    current: RwLock<Arc<ServerConfig>>,
}

impl Acceptor {
    /// Reads certificates and keys for listeners that speak `alpn`.
    pub(crate) fn new(
        config: &TlsConfig,
        alpn: impl IntoIterator<Item = &'static str>,
    ) -> Result<Self, TlsError> {
        let alpn: Vec<_> = alpn.into_iter().map(|name| name.as_bytes().to_vec()).collect();
        let current = RwLock::new(with_alpn(config.read()?, &alpn));
        Ok(Self { alpn, current })
    }

    /// Reads them again, for handshakes from now on. Connections that are there keep what they have.
    ///
    /// Nothing of the old sessions can be resumed: who was let in by the old client CA has to show its certificate.
    ///
    /// # Errors
    /// Something cannot be read or used; everything stays as it was.
    pub(crate) fn reload(&self, config: &TlsConfig) -> Result<(), TlsError> {
        let config = with_alpn(config.read()?, &self.alpn);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Shakes hands over `stream`. Without a limit of its own: the caller has one.
    ///
    /// # Errors
    /// The peer is no TLS client or not one of ours, with the stream, on which it has been told so; or it is gone.
    pub(crate) async fn accept(&self, stream: Prefixed) -> Result<(Stream, TlsInfo), (io::Error, Stream)> {
        let config = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        match TlsAcceptor::from(config).accept(stream).into_fallible().await {
            Ok(stream) => {
                let info = info(stream.get_ref().1);
                Ok((Stream::Tls(Box::new(TlsStream::new(stream))), info))
            }
            Err((error, stream)) => Err((error, stream.into_parts().1)),
        }
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}

fn with_alpn(mut config: ServerConfig, alpn: &[Vec<u8>]) -> Arc<ServerConfig> {
    config.alpn_protocols = alpn.to_vec();
    config.into()
}

/// What the handshake has established.
fn info(session: &ServerConnection) -> TlsInfo {
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    TlsInfo {
        version: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        },
        alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        server_name: session.server_name().map(str::to_owned),
        client_name: certificate.and_then(|certificate| subject::name(certificate)),
    }
}
