//! The socket under a connection, whatever its kind, with the bytes already read from it put back in front.

mod opening;
mod prefixed;
mod proxy;
mod stream;
#[cfg(feature = "tls")]
pub(crate) mod tls;
mod tls_info;

pub(crate) use opening::Opening;
pub use prefixed::Prefixed;
pub use proxy::{BadNetwork, ProxyProtocol};
pub use stream::Stream;
#[cfg(feature = "tls")]
pub use tls::TlsStream;
pub use tls_info::TlsInfo;
