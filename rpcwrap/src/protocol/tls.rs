//! TLS of a connection, started by a listener before the first byte, or a protocol in the middle
//! (`STARTTLS`, MySQL's `SSLRequest`).

use super::{Conn, ConnCx, ProtocolError};
use crate::peer::PeerAddr;
use std::io;
#[cfg(feature = "tls")]
use {
    crate::{
        auth::Identity,
        io::{Prefixed, Stream, close::close_gently, tls::PortTls},
        live::deadline::DeadlinePassed,
        pages::rejected_info::OpeningFailure,
    },
    bytes::Bytes,
    std::sync::Arc,
};

/// Why there is no TLS after a handshake.
#[cfg(feature = "tls")]
pub(crate) enum NoTls {
    /// The peer has gone.
    Gone(io::Error),
    /// The peer broke TLS' rules or ours, which it has been told, or took longer than `tls_handshake_timeout`; the
    /// details, which have been counted and noted.
    Failed(String),
}

impl ConnCx {
    /// Whether [`start_tls`](Self::start_tls) may be offered: the listener has TLS and the connection does not use it
    /// yet. Always false without the cargo feature `tls`.
    pub fn can_start_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_none() && self.port.upgrade_tls().is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// Whether the listener requires TLS and the connection has none yet: every call is refused until it has, so a
    /// protocol asks for it before it asks for a password.
    pub fn needs_tls(&self) -> bool {
        self.tls.is_none() && self.port.requires_tls() && self.peer_addr != PeerAddr::InProcess
    }

    /// Upgrades a connection to TLS, with the certificates of its listener: `STARTTLS`.
    ///
    /// `conn` holds what was read behind the request for the upgrade ([`Conn::prefix`]), which must be all of it, and
    /// the answer to that request, if it is not sent yet ([`Conn::unsent`]). The prefix is taken for the first bytes of
    /// the handshake, so that what was sent in plain is never taken for something that came under TLS (CVE-2011-0411).
    ///
    /// Afterwards [`tls`](Self::tls) and, if the client has shown a certificate that names a user,
    /// [`identity`](Self::identity) are set: peers made by [`peer`](Self::peer) from now on have them. A connection
    /// that is handed over later ([`Served::Handover`](super::Served::Handover)) counts as plain and has no user.
    ///
    /// ```no_run
    /// use rpcwrap::protocol::{Conn, ConnCx, ProtocolError};
    /// async fn start_tls(rest: bytes::Bytes, mut conn: Conn, cx: &mut ConnCx) -> Result<Conn, ProtocolError> {
    ///     conn.prefix = rest;
    ///     conn.unsent = bytes::Bytes::from_static(b"220 go ahead\r\n");
    ///     cx.start_tls(conn).await
    /// }
    /// ```
    ///
    /// # Errors
    /// The handshake failed or took longer than `tls_handshake_timeout`, which is counted, or the peer has gone: the
    /// connection is closed. Also where [`can_start_tls`](Self::can_start_tls) says no (`Unsupported`).
    #[cfg_attr(not(feature = "tls"), expect(clippy::unused_async, reason = "the same for all features"))]
    pub async fn start_tls(&mut self, conn: Conn) -> Result<Conn, ProtocolError> {
        #[cfg(feature = "tls")]
        if self.can_start_tls() {
            let port = self.port.clone();
            if let Some(tls) = port.upgrade_tls() {
                return self.upgrade(conn, tls).await;
            }
        }
        drop(conn);
        Err(io::Error::new(io::ErrorKind::Unsupported, "no TLS to start").into())
    }

    #[cfg(feature = "tls")]
    async fn upgrade(&mut self, conn: Conn, tls: &PortTls) -> Result<Conn, ProtocolError> {
        let Conn { prefix, unsent, mut stream, path, tracked: _ } = conn;
        let shaken = match self.say(&mut stream, &unsent, &prefix).await {
            Ok(()) => self.shake_hands(tls, prefix, stream).await,
            Err(no_tls) => Err(no_tls),
        };
        match shaken {
            Ok(stream) => {
                let tracked = Some(self.tracked.clone());
                Ok(Conn { path, tracked, ..Conn::new(Bytes::new(), stream) })
            }
            Err(NoTls::Gone(error)) => Err(error.into()),
            Err(NoTls::Failed(detail)) => Err(io::Error::new(io::ErrorKind::InvalidData, detail).into()),
        }
    }

    #[cfg(feature = "tls")]
    async fn say(&self, stream: &mut Stream, unsent: &[u8], head: &[u8]) -> Result<(), NoTls> {
        let said = self.dispatch.live.within(|config| config.tls_handshake_timeout, stream.send(unsent));
        match said.await {
            Ok(said) => said.map_err(NoTls::Gone)?,
            Err(DeadlinePassed) => return Err(self.late_for_tls(head)),
        }
        self.tracked.sent(unsent.len());
        Ok(())
    }

    #[cfg(feature = "tls")]
    fn late_for_tls(&self, head: &[u8]) -> NoTls {
        self.failed_tls(OpeningFailure::Timeout, head, "in the TLS handshake".to_owned())
    }

    /// Counts and notes it; before the connection is closed, as who sees the one may ask for the other.
    #[cfg(feature = "tls")]
    fn failed_tls(&self, why: OpeningFailure, head: &[u8], detail: String) -> NoTls {
        self.count_failure(why);
        self.port.table.failed.add(why, &self.peer_addr, head, &detail);
        NoTls::Failed(detail)
    }

    /// Shakes hands over a stream of which `head` has been read, and notes what TLS has established.
    #[cfg(feature = "tls")]
    pub(crate) async fn shake_hands(
        &mut self,
        tls: &PortTls,
        head: Bytes,
        stream: Stream,
    ) -> Result<Stream, NoTls> {
        // On the heap: what a handshake needs is gone when it is over.
        let mut handshake = Box::pin(tls.accept(Prefixed::new(head.clone(), stream)));
        let shaken = self.dispatch.live.within(|config| config.tls_handshake_timeout, &mut handshake).await;
        let Ok(shaken) = shaken else { return Err(self.late_for_tls(&head)) };
        match shaken {
            Ok((stream, info)) => {
                self.dispatch.live.stats.tls_handshakes.add_one();
                let user = tls.user_of(info.client_name.as_deref());
                self.identity = user.map(|user| Identity::from_certificate(&user));
                let info = Arc::new(info);
                self.tracked.set_tls(info.clone());
                self.tls = Some(info);
                Ok(stream)
            }
            // Against the rules, ours or TLS': the peer has been told, and is to read it.
            Err((error, mut stream)) if error.kind() == io::ErrorKind::InvalidData => {
                let failed = self.failed_tls(OpeningFailure::Handshake, &head, error.to_string());
                let _ = close_gently(&mut stream, || self.is_hurried()).await;
                Err(failed)
            }
            Err((error, _)) => Err(NoTls::Gone(error)),
        }
    }
}
