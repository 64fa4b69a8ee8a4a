//! CONNECT: the line, and the answer to it.
//!
//! Nothing but the line is sent before the answer is read; bytes that come with the answer are kept for the codec.
//! Source: Go `net/rpc` `DialHTTPPath`.

use crate::{duplex::Duplex, error::DialError};
use bytes::BytesMut;
use codecs::connect;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Asks for `path`; returns the bytes that came behind the answer.
pub(super) async fn request_connect(stream: &mut impl Duplex, path: &str) -> Result<BytesMut, DialError> {
    let mut buf = BytesMut::with_capacity(128);
    connect::encode_request(path, &mut buf);
    stream.write_all(&buf).await.map_err(DialError::Io)?;
    stream.flush().await.map_err(DialError::Io)?;
    buf.clear();
    loop {
        if stream.read_buf(&mut buf).await.map_err(DialError::Io)? == 0 {
            return Err(DialError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF")));
        }
        if connect::decode_reply(&mut buf)?.is_some() {
            return Ok(buf);
        }
    }
}
