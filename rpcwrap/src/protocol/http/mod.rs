//! HTTP: pages, probes and calls by POST for whatever speaks it, and the door to Go-RPC.
//!
//! A request comes in by [`driver`] (HTTP/1.x) or [`h2`] (HTTP/2), [`route`] finds what answers it, and `CONNECT` of a
//! path another protocol takes ends HTTP/1.x on the connection with a hand-over ([`hijack`]). hyper parses and writes
//! HTTP/1.x, crate `h2` HTTP/2; the timers are ours. Only this folder knows hyper's and http's types.

mod admin;
mod body;
mod browser;
mod call;
mod driver;
mod framing;
mod get;
#[cfg(feature = "http2")]
mod h2;
mod hijack;
mod mount;
mod page_access;
mod progress;
mod reply;
mod request_body;
mod respond;
mod route;
mod rpc;
mod snapshots;
mod sniff;
mod socket;
#[cfg(feature = "http2")]
mod stream_body;
#[cfg(test)]
mod tests;

#[cfg(feature = "http2")]
pub(crate) use h2::Http2;
pub use mount::Mount;
pub use request_body::RequestBody;

use self::snapshots::Snapshots;
use super::{AuthMode, Class, Conn, ConnCx, Protocol, ServeFuture, Sniff};
use std::sync::Arc;

/// The protocol of pages, probes, POSTed calls and the CONNECT that leads to Go-RPC.
pub(crate) struct Http {
    /// For paths that are not the server's own.
    mount: Option<Mount>,
    snapshots: Snapshots,
}

impl Http {
    pub(crate) const NAME: &'static str = "http";
    /// Of HTTP/2, where it has a name of its own.
    pub(crate) const NAME_2: &'static str = "http2";

    /// With `mount` for paths that are not the server's own.
    pub(crate) fn new(mount: Option<Mount>) -> Self {
        Self { mount, snapshots: Snapshots::default() }
    }
}

impl Protocol for Http {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn class(&self) -> Class {
        Class::Grammar
    }

    fn prefaces(&self) -> Vec<Vec<u8>> {
        sniff::OPENINGS.map(<[u8]>::to_vec).into()
    }

    fn alpn(&self) -> &[&'static str] {
        &["http/1.1"]
    }

    fn auth(&self) -> AuthMode {
        AuthMode::Request
    }

    fn sniff(&self, head: &[u8]) -> Sniff {
        sniff::sniff(head)
    }

    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        Box::pin(driver::serve(self, conn, cx))
    }
}
