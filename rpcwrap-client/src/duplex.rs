//! Any stream of bytes in both directions, by one name.

use tokio::io::{AsyncRead, AsyncWrite};

/// Whatever can be read and written.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}
