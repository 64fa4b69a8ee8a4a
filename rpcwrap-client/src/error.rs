//! What can go wrong, said so that a caller knows what to do: whose fault it is, what became of the connection, and
//! whether the call may have run.
//!
//! [`Error`] is one call's, [`DialError`] a connection's that never came to be, at one of the [`Step`]s to it.

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

/// Why there is no connection. No call was sent; a connection that was open is closed again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name does not resolve, or no server listens there.
    #[error("cannot connect to {addr}")]
    Connect {
        /// The address as given.
        addr: String,
        /// What the system says.
        source: io::Error,
    },
    /// The whole of it, connecting, CONNECT and login, took longer than
    /// [`Config::connect_timeout`](crate::Config::connect_timeout).
    #[error("no connection to {addr} within {} ms: {}", .after.as_millis(), .step.unanswered())]
    Timeout {
        /// The address as given.
        addr: String,
        /// The limit.
        after: Duration,
        /// What was under way when it was over.
        step: Step,
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

/// The steps from an address to a connection that is ready for calls, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Looking up the name, and the socket.
    Connect,
    /// The TLS handshake.
    Tls,
    /// CONNECT and the answer to it.
    Handshake,
    /// The first two calls.
    Login,
}

impl Step {
    /// What is missing when the time is over.
    fn unanswered(self) -> &'static str {
        match self {
            Self::Connect => "no address answered",
            Self::Tls => "no answer to the TLS handshake",
            Self::Handshake => "no answer to CONNECT",
            Self::Login => "no answer to the login",
        }
    }
}

impl DialError {
    /// The step that failed; those before it had been taken.
    pub fn step(&self) -> Step {
        match self {
            Self::Connect { .. } => Step::Connect,
            Self::Timeout { step, .. } => *step,
            #[cfg(feature = "tls")]
            Self::Tls { .. } => Step::Tls,
            Self::Handshake(_) | Self::Io(_) => Step::Handshake,
            Self::Login(_) => Step::Login,
        }
    }

    /// Whether the other side has said no, rather than nothing: its machine, where no server listens, or the server,
    /// which does not serve the path, has no room, or does not take the certificate or the login.
    ///
    /// | refused at | what to do |
    /// |---|---|
    /// | [`Step::Connect`] | at once another server; this one again after a while |
    /// | [`Step::Handshake`] | the same with status 503, which says that it is full or draining; else it is another kind of server |
    /// | [`Step::Tls`], [`Step::Login`] | ask the user: the next try would be refused too |
    ///
    /// One that was not refused, but ran out of time or broke, may come to be at the next try.
    pub fn is_refused(&self) -> bool {
        match self {
            // A unix socket that is not there.
            Self::Connect { source, .. } => {
                matches!(source.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
            }
            #[cfg(feature = "tls")]
            Self::Tls { source, .. } => matches!(source, crate::tls::TlsError::Refused { .. }),
            Self::Handshake(error) => matches!(error, ConnectError::Refused { .. }),
            Self::Login(error) => matches!(error, Error::Server { .. } | Error::Draining),
            Self::Timeout { .. } | Self::Io(_) => false,
        }
    }
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
    #[test]
    fn dial_errors_say_where_and_whether_they_were_refused() {
        let connect = |kind: io::ErrorKind| DialError::Connect { addr: "a:1".into(), source: kind.into() };
        let timeout = |step| DialError::Timeout { addr: "a:1".into(), after: Duration::ZERO, step };
        let refused = |status| ConnectError::Refused { status, reason: "No".into() };
        let server = Error::Server { text: "no".into(), code: String::new(), data: None };
        let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
        for (error, step, is_refused) in [
            (connect(io::ErrorKind::ConnectionRefused), Step::Connect, true),
            (connect(io::ErrorKind::NotFound), Step::Connect, true),
            (connect(io::ErrorKind::HostUnreachable), Step::Connect, false),
            (timeout(Step::Connect), Step::Connect, false),
            (timeout(Step::Login), Step::Login, false),
            (DialError::Handshake(refused(503)), Step::Handshake, true),
            (DialError::Handshake(refused(404)), Step::Handshake, true),
            (DialError::Io(reset()), Step::Handshake, false),
            (DialError::Login(server), Step::Login, true),
            (DialError::Login(Error::Draining), Step::Login, true),
            (DialError::Login(Error::Io(Arc::new(reset()))), Step::Login, false),
        ] {
            assert_eq!((error.step(), error.is_refused()), (step, is_refused), "{error:?}");
        }
    }
}
