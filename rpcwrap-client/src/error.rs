//! What can go wrong, said so that a caller knows what to do: whose fault it is, what became of the connection, and
//! whether the call may have run.
//!
//! [`Error`] is one call's, [`DialError`] a connection's that never came to be.

use codecs::{DecodeError, EncodeError, ErrorReply, ValueError, connect::ConnectError};
use std::{io, sync::Arc, time::Duration};

/// A server that is shutting down answers new calls with this text, and with the code below.
const DRAINING_TEXT: &str = "rpc: server is draining";
const DRAINING_CODE: &str = "draining";
/// The code of a call the server stopped at its deadline.
const DEADLINE_CODE: &str = "deadline";

/// Why a call has no reply.
///
/// Every variant says what became of the connection; [`may_have_executed`](Self::may_have_executed) says whether
/// calling again may do the work twice.
///
/// ```
/// use rpcwrap_client::Error;
/// fn worth_another_server(error: &Error) -> bool {
///     matches!(error, Error::Draining | Error::Shutdown | Error::Io(_)) && !error.may_have_executed()
/// }
/// assert!(worth_another_server(&Error::Draining));
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered that the call failed. The connection lives; the method has probably run.
    #[error("{text}")]
    Server {
        /// The text as it came.
        text: String,
        /// A stable word such as `not_found`; empty unless the server is one of ours and was asked
        /// ([`Config::extensions`](crate::Config::extensions), or a call with a timeout).
        code: String,
        /// What the method attached; under the same condition.
        data: Option<serde_json::Value>,
    },
    /// The server is shutting down and has not started this call: call another one. The connection lives until it
    /// closes it.
    #[error("{DRAINING_TEXT}")]
    Draining,
    /// The connection is closed, by [`Client::close`](crate::Client::close) or because it broke before; nothing of
    /// this call was sent. Dial again.
    #[error("connection is shut down")]
    Shutdown,
    /// The call's time was over. The connection lives, and a late reply is dropped.
    #[error("no reply within {} ms", .after.as_millis())]
    Timeout {
        /// The limit of the call.
        after: Duration,
        /// Whether it had been handed to the connection; if not, it waited for one of `max_in_flight` permits.
        sent: bool,
    },
    /// The connection broke while the call was in flight: closed by the server, reset. All others failed with it.
    #[error("connection lost")]
    Io(#[source] Arc<io::Error>),
    /// The server sent bytes that are no replies, or beyond a limit. The connection is closed, all others failed too.
    #[error("server broke the protocol")]
    Protocol(#[source] DecodeError),
    /// The arguments cannot be written in this codec, or are over `max_message_bytes`. Nothing was sent; the
    /// connection lives.
    #[error("cannot encode the arguments: {0}")]
    Encode(EncodeError),
    /// The reply does not fit the type asked for. Only this call fails; the connection lives.
    #[error("cannot decode the reply: {0}")]
    Decode(ValueError),
    /// The reader of this stream fell so far behind that its buffer is full; the items up to here were delivered. The
    /// connection and everybody else on it go on.
    #[error("stream reader fell behind: {items} items, {bytes} bytes buffered")]
    Overrun {
        /// Items waiting when the next one came.
        items: usize,
        /// Their bytes.
        bytes: usize,
    },
}

impl Error {
    /// Whether the method may have run, or may still run, on the server.
    ///
    /// | variant | |
    /// |---|---|
    /// | `Server`, `Decode`, `Overrun` | true: there was an answer |
    /// | `Io`, `Protocol` | true: the request was sent, or partly |
    /// | `Timeout` | whether it had been sent |
    /// | `Draining`, `Shutdown`, `Encode` | false: calling again elsewhere is safe |
    pub fn may_have_executed(&self) -> bool {
        match self {
            Self::Server { .. }
            | Self::Decode(_)
            | Self::Overrun { .. }
            | Self::Io(_)
            | Self::Protocol(_) => true,
            Self::Timeout { sent, .. } => *sent,
            Self::Draining | Self::Shutdown | Self::Encode(_) => false,
        }
    }

    /// What an error reply means to a caller who gave the call `timeout`.
    pub(crate) fn from_reply(reply: &ErrorReply, timeout: Option<Duration>) -> Self {
        if reply.code == DRAINING_CODE || reply.text == DRAINING_TEXT {
            return Self::Draining;
        }
        match timeout {
            // The server's clock was the faster one; to the caller it is the same limit.
            Some(after) if reply.code == DEADLINE_CODE => Self::Timeout { after, sent: true },
            _ => {
                Self::Server { text: reply.text.clone(), code: reply.code.clone(), data: reply.data.clone() }
            }
        }
    }
}

/// What an error reply means to a caller without a time limit; for programs that read replies themselves.
impl From<&ErrorReply> for Error {
    fn from(reply: &ErrorReply) -> Self {
        Self::from_reply(reply, None)
    }
}

/// Why there is no connection. No call was sent; whatever was open is closed again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name does not resolve, or nobody listens there.
    #[error("cannot connect to {addr}")]
    Connect {
        /// The address as given.
        addr: String,
        /// What the system says.
        source: io::Error,
    },
    /// The whole of it, connecting, CONNECT and login, took longer than
    /// [`Config::connect_timeout`](crate::Config::connect_timeout).
    #[error("no connection to {addr} within {} ms", .after.as_millis())]
    Timeout {
        /// The address as given.
        addr: String,
        /// The limit.
        after: Duration,
    },
    /// The server did not answer the CONNECT with `200 Connected to Go RPC`: wrong path, or no Go-RPC server. Its
    /// text is Go's, such as `unexpected HTTP response: 404 Not Found`.
    #[error(transparent)]
    Handshake(#[from] ConnectError),
    /// The connection broke before the CONNECT was answered.
    #[error("connection lost during the handshake")]
    Io(#[source] io::Error),
    /// Connected, but no TLS: the server's certificate, ours, or no TLS server at all.
    #[cfg(feature = "tls")]
    #[error("no TLS with {addr}")]
    Tls {
        /// The address as given.
        addr: String,
        /// Whose fault it is.
        source: crate::tls::TlsError,
    },
    /// The login failed: refused ([`Error::Server`] with the server's text), or the connection broke.
    #[error("login failed")]
    Login(#[source] Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_replies_by_code_and_by_text() {
        let reply = |text: &str, code: &str| ErrorReply { text: text.into(), code: code.into(), data: None };
        let limit = Some(Duration::from_millis(5));
        for (reply, timeout, expected) in [
            (reply("divide by zero", ""), None, "divide by zero"),
            (reply("rpc: server is draining", ""), None, "rpc: server is draining"),
            (reply("in other words", "draining"), None, "rpc: server is draining"),
            (reply("rpc: deadline exceeded after 5 ms", "deadline"), limit, "no reply within 5 ms"),
            (
                reply("rpc: deadline exceeded after 9 ms", "deadline"),
                None,
                "rpc: deadline exceeded after 9 ms",
            ),
            (reply("rpc: deadline exceeded after 5 ms", ""), limit, "rpc: deadline exceeded after 5 ms"),
        ] {
            let error = Error::from_reply(&reply, timeout);
            assert_eq!(error.to_string(), expected, "{reply:?}");
            assert_eq!(error.may_have_executed(), !matches!(error, Error::Draining), "{reply:?}");
        }
    }
}
