//! TLS under a connection: described by [`TlsConfig`], done for each listener by a [`PortTls`], read and written as a
//! [`TlsStream`].
//!
//! Comes after the PROXY header and before the first bytes of a protocol. rustls is named here only.

mod accept;
mod config;
mod stream;
mod subject;

pub(crate) use crate::error::TlsError;
pub(crate) use accept::{PortTls, ServerTls};
pub use config::{ClientAuth, TlsConfig, TlsPolicy};
pub use stream::TlsStream;
