//! From a target to a connection that is ready for its first call, as the socket itself. It must not know what is sent
//! on it.

use crate::bench::target::Target;
use bytes::BytesMut;
use codecs::{ReplyReader, RequestWriter};
use rpcwrap_client::{DialError, connect::Connected};

/// A connection on which the server waits for calls.
#[derive(Debug)]
pub(super) struct Dialled {
    /// Does not block.
    pub(super) socket: socket2::Socket,
    /// Has written the requests of the login, if there was one.
    pub(super) writer: RequestWriter,
    /// Has read the replies to them.
    pub(super) reader: ReplyReader,
    /// Bytes that came with the last answer.
    pub(super) early: BytesMut,
}

/// Opens one connection.
pub(super) async fn dial(Target { connector, addr, .. }: &Target) -> Result<Dialled, DialError> {
    let connected = connector.prepare(connector.reach(addr.as_str()).await?).await?;
    let Connected { stream, prefix: early, writer, reader, .. } = connected;
    let socket = stream.into_std().map_err(DialError::Io)?.into();
    Ok(Dialled { socket, writer, reader, early })
}
