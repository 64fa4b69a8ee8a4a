//! What one listener offers where it is not what the server does on the others.

use super::inherited::Kind;
#[cfg(feature = "tls")]
use crate::io::tls::TlsPolicy;
use crate::{io::ProxyProtocol, protocol::Port};
use std::io;

/// The protocols of pages and admin operations.
#[cfg(feature = "http2")]
const ADMIN: &[&str] = &["http", "http2"];
#[cfg(not(feature = "http2"))]
const ADMIN: &[&str] = &["http"];

/// How a listener differs from the server's others, for [`Server::listen_with`](super::Server::listen_with).
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use rpcwrap::{Listen, Server};
/// let server = Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build()?;
/// server.listen("127.0.0.1:0").await?;
/// // Pages and probes for the machine itself.
/// server.listen_with("127.0.0.1:0", Listen::new().only(["http"]).direct()).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Listen {
    protocols: Option<Vec<String>>,
    http_rpc: bool,
    admin: bool,
    proxy: Option<Option<ProxyProtocol>>,
    #[cfg(feature = "tls")]
    policy: Option<TlsPolicy>,
}

impl Listen {
    /// As all the others.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers only these protocols: the others never see a byte of its connections.
    ///
    /// Go-RPC by CONNECT comes in by HTTP, so it needs `"http"` beside `"go_rpc"`. A protocol that [speaks
    /// first](crate::protocol::Protocol::speaks_first) has to be the only one, unless it has prefaces. What comes
    /// before its greeting must then be certain: no optional PROXY headers, and, unless it upgrades to TLS by itself,
    /// no `TlsPolicy::Allow`.
    #[must_use]
    pub fn only<N: Into<String>>(mut self, protocols: impl IntoIterator<Item = N>) -> Self {
        self.protocols = Some(protocols.into_iter().map(Into::into).collect());
        self
    }

    /// Takes one request per POST on `/_<codec>_rpc_` instead of CONNECT: vitess' HTTP-RPC.
    #[must_use]
    pub fn http_rpc(mut self) -> Self {
        self.http_rpc = true;
        self
    }

    /// Is for pages, probes and `/admin` by HTTP, and takes no calls; excludes [`only`](Self::only) and
    /// [`http_rpc`](Self::http_rpc).
    ///
    /// Pages are shown to every peer that can connect; `/admin` needs a monitor or an admin as everywhere. With
    /// [`PageAccess::Off`](crate::PageAccess) all of this is here and on no other listener.
    #[must_use]
    pub fn admin(mut self) -> Self {
        self.admin = true;
        self
    }

    /// Takes the PROXY headers of these proxies.
    #[must_use]
    pub fn proxy_protocol(mut self, proxies: ProxyProtocol) -> Self {
        self.proxy = Some(Some(proxies));
        self
    }

    /// Takes no PROXY headers, whatever the peer.
    #[must_use]
    pub fn direct(mut self) -> Self {
        self.proxy = Some(None);
        self
    }

    /// Has another policy for TLS, with the server's certificates.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_policy(mut self, policy: TlsPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// What it is called when its socket is handed to another process.
    pub(super) fn kind(&self) -> Kind {
        match &self.protocols {
            _ if self.admin => Kind::Admin,
            _ if self.http_rpc => Kind::HttpRpc,
            Some(_) => Kind::Some,
            None => Kind::All,
        }
    }

    /// The port this makes of the server's own.
    ///
    /// # Errors
    /// Options that exclude each other, a name no protocol has, TLS where the server has no certificate, or a protocol
    /// that speaks first where nothing would lead to it or it could not know what to wait for (`InvalidInput`).
    pub(super) fn port(self, base: &Port) -> io::Result<Port> {
        let bad = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
        if self.admin && (self.protocols.is_some() || self.http_rpc) {
            return Err(bad("a listener for pages and /admin takes no calls".to_owned()));
        }
        let protocols = if self.admin {
            Some(ADMIN.iter().map(|name| (*name).to_owned()).collect())
        } else {
            self.protocols
        };
        let mut port = match &protocols {
            None => base.clone(),
            Some(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                base.only(&names).map_err(|unknown| {
                    let known: Vec<_> = base.table.all.iter().map(|one| one.protocol.name()).collect();
                    bad(format!("no protocol {unknown:?}; there are {}", known.join(", ")))
                })?
            }
        };
        (port.http_rpc, port.is_admin) = (self.http_rpc, self.admin);
        if let Some(proxy) = self.proxy {
            port.proxy = proxy;
        }
        #[cfg(feature = "tls")]
        match (self.policy, &mut port.tls) {
            (Some(policy), Some(tls)) => tls.policy = policy,
            (Some(TlsPolicy::Off) | None, _) => {}
            (Some(_), None) => return Err(bad("TLS, but the server has no certificate".to_owned())),
        }
        if protocols.is_some() {
            port.check().map_err(bad)?;
            if let Some(name) = port.unreachable().next() {
                return Err(bad(format!(
                    "protocol {name:?} speaks first and has no preface: it needs a listener of its own"
                )));
            }
        }
        Ok(port)
    }
}
