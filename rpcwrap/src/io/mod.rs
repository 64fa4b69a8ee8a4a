//! The socket under a connection, whatever its kind, with the bytes already read from it put back in front.

pub(crate) mod close;
mod opening;
mod prefixed;
mod proxy;
mod stream;
#[cfg(feature = "tls")]
pub(crate) mod tls;

pub(crate) use opening::Opening;
pub use prefixed::Prefixed;
pub use proxy::ProxyProtocol;
pub use stream::Stream;
#[cfg(feature = "tls")]
pub use tls::TlsStream;
