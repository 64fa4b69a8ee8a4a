//! The handshake: what a listener accepts TLS connections with, and what can be replaced under it while it runs.

use super::{TlsConfig, TlsError, TlsPolicy, TlsStream, subject};
use crate::{
    io::{Prefixed, Stream},
    lock::lock,
    peer::TlsInfo,
};
use arc_swap::ArcSwap;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ProtocolVersion, ServerConfig, ServerConnection},
};

/// TLS of a server, shared by its listeners.
pub(crate) struct ServerTls {
    pub(crate) config: TlsConfig,
    state: Mutex<State>,
}

struct State {
    current: ServerConfig,
    listeners: Vec<Arc<Acceptor>>,
}

impl ServerTls {
    /// Reads certificates and keys.
    pub(crate) fn new(config: TlsConfig) -> Result<Self, TlsError> {
        let state = State { current: config.read()?, listeners: Vec::new() };
        Ok(Self { config, state: Mutex::new(state) })
    }

    /// Reads them again, for handshakes from now on. Connections that are there keep what they have.
    ///
    /// Nothing of the sessions before can be resumed: who was let in by another client CA has to show a certificate.
    ///
    /// # Errors
    /// Something cannot be read or used; everything stays as it was.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let current = self.config.read()?;
        let mut state = lock(&self.state);
        for listener in &state.listeners {
            listener.current.store(with_alpn(&current, &listener.alpn));
        }
        state.current = current;
        Ok(())
    }

    fn acceptor(&self, alpn: Vec<Vec<u8>>) -> Arc<Acceptor> {
        let mut state = lock(&self.state);
        let current = ArcSwap::new(with_alpn(&state.current, &alpn));
        let acceptor = Arc::new(Acceptor { alpn, current });
        state.listeners.push(acceptor.clone());
        acceptor
    }
}

/// What a listener accepts TLS connections with now.
struct Acceptor {
    alpn: Vec<Vec<u8>>,
    current: ArcSwap<ServerConfig>,
}

/// TLS of one listener.
#[derive(Clone)]
pub(crate) struct PortTls {
    server: Arc<ServerTls>,
    acceptor: Arc<Acceptor>,
    pub(crate) policy: TlsPolicy,
}

impl PortTls {
    /// For a listener whose protocols go by the names `alpn`, the best first.
    pub(crate) fn new<'a>(
        server: Arc<ServerTls>,
        policy: TlsPolicy,
        alpn: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let acceptor = server.acceptor(alpn.into_iter().map(|name| name.as_bytes().to_vec()).collect());
        Self { server, acceptor, policy }
    }

    /// The same for a listener of another kind.
    pub(crate) fn with<'a>(&self, alpn: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(self.server.clone(), self.policy, alpn)
    }

    /// The user a client is by the name in its certificate.
    pub(crate) fn user_of(&self, client_name: Option<&str>) -> Option<String> {
        self.server.config.user_of(client_name)
    }

    /// Shakes hands over `stream`. Without a limit of its own: the caller has one.
    ///
    /// # Errors
    /// With the stream: `InvalidData` if the client broke TLS' rules or ours, which it has been told; anything else if
    /// it is gone.
    pub(crate) async fn accept(&self, stream: Prefixed) -> Result<(Stream, TlsInfo), (io::Error, Stream)> {
        let config = self.acceptor.current.load_full();
        match TlsAcceptor::from(config).accept(stream).into_fallible().await {
            Ok(stream) => {
                let info = info(stream.get_ref().1);
                Ok((Stream::Tls(Box::new(TlsStream::new(stream))), info))
            }
            Err((error, stream)) => Err((error, stream.into_parts().1)),
        }
    }
}

fn with_alpn(config: &ServerConfig, alpn: &[Vec<u8>]) -> Arc<ServerConfig> {
    let mut config = config.clone();
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
