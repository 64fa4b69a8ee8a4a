//! The handshake of Go-RPC over HTTP: one CONNECT line, one status line, then the socket is the codec's.
//!
//! Both sides, as pure functions over bytes. The first step of every connection; knows paths and codec names but
//! no codec, and leaves refusals (404, 405) to the HTTP server.
//! Source: Go `net/rpc` `DialHTTPPath`, `ServeHTTP`; vitess `go/rpcwrap` `GetRpcPath`.

use bytes::{Buf, BytesMut};

/// A server's whole answer to a CONNECT it accepts.
///
/// LF only and no headers: the Python client waits for the two bytes `\n\n`, the Java client compares the line.
pub const OK: &[u8] = b"HTTP/1.0 200 Connected to Go RPC\n\n";

/// Where gob is served, beside the regular `/_gob_rpc_`.
pub const GOB_PATH: &str = "/_goRPC_";

/// The longest head of a reply that is read, in bytes.
const MAX_HEAD_BYTES: usize = 8 << 10;
const MAX_HEADERS: usize = 64;
const CONNECTED: &str = "Connected to Go RPC";

/// The path a codec is asked for on: `/_bson_rpc_`, with `auth` `/_bson_rpc_/auth`; gob without a login on
/// [`GOB_PATH`], which is the only one Go's own servers have.
pub fn rpc_path(codec: &str, auth: bool) -> String {
    if codec == "gob" && !auth {
        return GOB_PATH.to_owned();
    }
    format!("/_{codec}_rpc_{}", if auth { "/auth" } else { "" })
}

/// The codec's name in a path without query string, and whether it asks for the login dialog.
///
/// Names are lower-case letters and digits; whether such a codec exists is the caller's question.
///
/// ```
/// use rpcwrap_codecs::connect::parse_path;
/// assert_eq!(parse_path("/_bson_rpc_/auth"), Some(("bson", true)));
/// assert_eq!(parse_path("/_goRPC_"), Some(("gob", false)));
/// assert_eq!(parse_path("/_bson_rpc_/"), None);
/// ```
pub fn parse_path(path: &str) -> Option<(&str, bool)> {
    if path == GOB_PATH {
        return Some(("gob", false));
    }
    let (path, auth) = match path.strip_suffix("/auth") {
        Some(path) => (path, true),
        None => (path, false),
    };
    let codec = path.strip_prefix("/_")?.strip_suffix("_rpc_")?;
    let is_name =
        !codec.is_empty() && codec.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_name.then_some((codec, auth))
}

/// Appends a client's whole request for `path`: `CONNECT <path> HTTP/1.0` and two LF, nothing else.
pub fn encode_request(path: &str, out: &mut BytesMut) {
    for part in ["CONNECT ", path, " HTTP/1.0\n\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Why a client's handshake failed; its connection is of no further use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server answered, but not with `200 Connected to Go RPC`: wrong path, or no Go-RPC server.
    #[error("unexpected HTTP response: {status} {reason}")]
    Refused {
        /// The status code, such as 404.
        status: u16,
        /// The server's words, such as `Not Found`.
        reason: String,
    },
    /// What came is an alert of TLS, which clients tell apart: the server speaks nothing else on this port.
    #[error("the server speaks TLS")]
    Tls,
    /// What came is no HTTP response.
    #[error("malformed HTTP response: {0}")]
    Malformed(httparse::Error),
    /// The head of the response has not ended within `limit` bytes.
    #[error("HTTP response head of over {limit} bytes")]
    TooBig {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// Takes a server's answer to [`encode_request`] from the front of `buf`.
///
/// Any HTTP version, line ends and headers will do; the status must be 200 and its text `Connected to Go RPC`, as
/// Go's client demands. `Ok(None)`: not complete yet, `buf` untouched. `Ok(Some(()))`: the head is gone, bytes after
/// it are the codec's.
///
/// # Errors
/// The server refuses or speaks another protocol.
pub fn decode_reply(buf: &mut BytesMut) -> Result<Option<()>, ConnectError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(buf) {
        Ok(httparse::Status::Complete(len)) if len <= MAX_HEAD_BYTES => len,
        Ok(httparse::Status::Partial) if buf.len() < MAX_HEAD_BYTES => return Ok(None),
        Ok(_) => return Err(ConnectError::TooBig { limit: MAX_HEAD_BYTES }),
        Err(error) => return Err(ConnectError::Malformed(error)),
    };
    let (status, reason) = (response.code.unwrap_or(0), response.reason.unwrap_or(""));
    if status != 200 || reason != CONNECTED {
        return Err(ConnectError::Refused { status, reason: reason.to_owned() });
    }
    buf.advance(head);
    Ok(Some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_both_ways() {
        for (path, codec, auth) in
            [("/_bson_rpc_", "bson", false), ("/_json_rpc_/auth", "json", true), ("/_v2_rpc_", "v2", false)]
        {
            assert_eq!(rpc_path(codec, auth), path);
            assert_eq!(parse_path(path), Some((codec, auth)));
        }
        for path in ["/_goRPC_", "/_gob_rpc_"] {
            assert_eq!(parse_path(path), Some(("gob", false)));
        }
        assert_eq!(
            (rpc_path("gob", false), rpc_path("gob", true)),
            ("/_goRPC_".into(), "/_gob_rpc_/auth".into())
        );
    }

    #[test]
    fn other_paths_name_no_codec() {
        for path in [
            "",
            "/",
            "/_bson_rpc_/",
            "/_bson_rpc_/auth/",
            "/_bson_rpc",
            "_bson_rpc_",
            "/__rpc_",
            "/_rpc_",
            "/_BSON_rpc_",
            "/_bson-x_rpc_",
            "/_goRPC_/auth",
            "/_bson_rpc_?x=1",
            "/auth",
        ] {
            assert_eq!(parse_path(path), None, "{path}");
        }
    }

    #[test]
    fn request_bytes() {
        let mut out = BytesMut::new();
        encode_request("/_bson_rpc_", &mut out);
        assert_eq!(&out[..], b"CONNECT /_bson_rpc_ HTTP/1.0\n\n");
    }

    /// What a reply comes to, whole, cut in two at every byte, and byte by byte; with early bytes of the codec behind.
    fn check(reply: &[u8], expected: &Result<(), ConnectError>) {
        let mut bytes = reply.to_vec();
        bytes.extend_from_slice(b"\x05codec");
        let steps = |cuts: &[usize]| {
            let mut buf = BytesMut::new();
            let mut from = 0;
            for &cut in cuts.iter().chain([&bytes.len()]) {
                buf.extend_from_slice(&bytes[from..cut]);
                from = cut;
                let before = buf.len();
                match decode_reply(&mut buf) {
                    Ok(None) => assert_eq!(buf.len(), before),
                    Ok(Some(())) => {
                        buf.extend_from_slice(&bytes[from..]);
                        assert_eq!(&buf[..], b"\x05codec");
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                }
            }
            panic!("no decision on {}", bytes.escape_ascii());
        };
        assert_eq!(&steps(&[]), expected, "{}", reply.escape_ascii());
        for cut in 0..bytes.len() {
            assert_eq!(&steps(&[cut]), expected, "{} cut at {cut}", reply.escape_ascii());
        }
        assert_eq!(&steps(&(0..bytes.len()).collect::<Vec<_>>()), expected, "{}", reply.escape_ascii());
    }

    #[test]
    fn accepted_replies() {
        for reply in [
            OK,
            b"HTTP/1.0 200 Connected to Go RPC\r\n\r\n",
            b"HTTP/1.1 200 Connected to Go RPC\r\nServer: x\r\nDate: y\r\n\r\n",
            b"HTTP/1.1 200 Connected to Go RPC\nServer: x\n\n",
        ] {
            check(reply, &Ok(()));
        }
    }

    #[test]
    fn refused_replies_in_gos_words() {
        for (reply, text) in [
            (
                &b"HTTP/1.0 404 Not Found\r\nContent-Length: 19\r\n\r\n"[..],
                "unexpected HTTP response: 404 Not Found",
            ),
            (b"HTTP/1.1 405 Method Not Allowed\r\n\r\n", "unexpected HTTP response: 405 Method Not Allowed"),
            (b"HTTP/1.1 200 OK\r\n\r\n", "unexpected HTTP response: 200 OK"),
            (
                b"HTTP/1.1 200 connected to go rpc\r\n\r\n",
                "unexpected HTTP response: 200 connected to go rpc",
            ),
            (
                b"HTTP/1.1 201 Connected to Go RPC\r\n\r\n",
                "unexpected HTTP response: 201 Connected to Go RPC",
            ),
        ] {
            let mut buf = BytesMut::from(reply);
            let error = decode_reply(&mut buf).unwrap_err();
            assert_eq!(error.to_string(), text);
            check(reply, &Err(error));
        }
    }

    #[test]
    fn other_protocols_and_endless_heads_are_given_up() {
        for reply in
            [&b"hi\n\n"[..], b"SSH-2.0-OpenSSH_9\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"{\"id\":0}\n"]
        {
            let mut buf = BytesMut::from(reply);
            assert!(
                matches!(decode_reply(&mut buf), Err(ConnectError::Malformed(_))),
                "{}",
                reply.escape_ascii()
            );
        }
        let mut endless = BytesMut::from(&b"HTTP/1.1 200 Connected to Go RPC\r\nX: "[..]);
        endless.resize(MAX_HEAD_BYTES - 1, b'x');
        assert_eq!(decode_reply(&mut endless), Ok(None));
        endless.extend_from_slice(b"x");
        assert_eq!(decode_reply(&mut endless), Err(ConnectError::TooBig { limit: MAX_HEAD_BYTES }));
        endless.extend_from_slice(b"\r\n\r\n");
        assert_eq!(decode_reply(&mut endless), Err(ConnectError::TooBig { limit: MAX_HEAD_BYTES }));
        let mut many = BytesMut::from(&b"HTTP/1.1 200 Connected to Go RPC\r\n"[..]);
        for _ in 0..=MAX_HEADERS {
            many.extend_from_slice(b"X: y\r\n");
        }
        assert_eq!(decode_reply(&mut many), Err(ConnectError::Malformed(httparse::Error::TooManyHeaders)));
    }
}
