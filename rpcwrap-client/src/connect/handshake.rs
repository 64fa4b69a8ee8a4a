//! CONNECT: the line, and the answer to it.
//!
//! Nothing but the line is sent before the answer is read; bytes that come with the answer are kept for the codec.
//! Source: Go `net/rpc` `DialHTTPPath`.

use crate::{duplex::Duplex, error::DialError};
use bytes::BytesMut;
use codecs::connect::{self, ConnectError};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Asks for `path`; returns the bytes that came behind the answer.
pub(super) async fn request_connect(stream: &mut impl Duplex, path: &str) -> Result<BytesMut, DialError> {
    let mut buf = BytesMut::with_capacity(128);
    connect::encode_request(path, &mut buf);
    let written = match stream.write_all(&buf).await {
        Ok(()) => stream.flush().await,
        error => error,
    };
    buf.clear();
    loop {
        let read = stream.read_buf(&mut buf).await;
        // A server that has closed may have said why before: the verdict on our certificate comes so.
        if let (Err(error), Ok(0)) = (&written, &read) {
            return Err(DialError::Io(io::Error::new(error.kind(), error.to_string())));
        }
        if read.map_err(DialError::Io)? == 0 {
            return Err(DialError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF")));
        }
        match connect::decode_reply(&mut buf) {
            Ok(Some(())) => return Ok(buf),
            Ok(None) => {}
            Err(_) if is_tls_alert(&buf) => return Err(ConnectError::Tls.into()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Of any version there is, 3.0 to 3.4.
fn is_tls_alert(answer: &[u8]) -> bool {
    matches!(answer, [21, 3, 0..=4, ..])
}
