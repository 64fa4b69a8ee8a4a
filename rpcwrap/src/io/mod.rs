//! The socket under a connection, whatever its kind, with the bytes already read from it put back in front.

mod opening;
mod prefixed;
mod stream;

pub(crate) use opening::Opening;
pub use prefixed::Prefixed;
pub use stream::Stream;
