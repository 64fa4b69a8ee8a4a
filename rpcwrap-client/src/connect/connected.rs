//! A connection after CONNECT and login, and what both sides have said by then.

use super::stream::Stream;
use bytes::BytesMut;
use codecs::{ReplyReader, RequestWriter};

/// A connection that is ready for its first call, in its parts: for programs that send and read by themselves.
///
/// Codecs remember what was said during the login (gob its types), so calls go out through this writer, with numbers
/// from `next_seq` on, and replies come in through this reader, first of all from `prefix`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected<S = Stream> {
    /// The bytes to and from the server.
    pub stream: S,
    /// Read from it already: what came with the last answer.
    pub prefix: BytesMut,
    /// Has written the requests of the login, if there was one.
    pub writer: RequestWriter,
    /// Has read their replies.
    pub reader: ReplyReader,
    /// The Seq of the next request: 0, after a login 2.
    pub next_seq: u64,
}
