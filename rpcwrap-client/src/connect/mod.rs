//! From an address to a client, or to any of the steps between: socket, TLS, CONNECT, login.
//!
//! ```text
//! reach       lookup      host:port → all addresses of that name
//!             race        the first of them that answers
//!             reached     that, or unix:/path → a stream, under TLS if that is set
//! prepare     handshake   CONNECT, and what came with its answer
//!             login       the first two calls
//! start       connected   → a client; or its parts, for programs that send and read by themselves
//! ```
//!
//! One time limit holds for all of them, and [`DialError::step`](crate::DialError::step) says which of them failed.

mod address;
mod attempt;
mod connected;
mod connector;
mod from_connection;
mod handshake;
mod login;
mod lookup;
mod open;
mod race;
mod reached;
mod stream;

pub use connected::Connected;
pub use connector::Connector;
pub use from_connection::FromConnection;
#[cfg(feature = "baidu_std")]
pub(crate) use from_connection::Sealed;
pub use reached::Reached;
pub use stream::Stream;
