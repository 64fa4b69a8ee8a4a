//! Why a request has no reply, in the few kinds a report tells apart. It must not know how often each happened.

use crate::{
    failure::{Exit, chain, is_overload, is_unknown_method},
    printable::printable,
};
use codecs::END_OF_STREAM;
use codecs::connect::ConnectError;
use rpcwrap_client::{DialError, Error};
use std::io::ErrorKind;

/// One kind of failure: a row of the report, and the program's exit code if there was nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No server listens.
    Refused,
    /// The name does not resolve, or no way leads there.
    Unreachable,
    /// The connection broke before the reply.
    Reset,
    /// No reply, or no connection, in time.
    Timeout,
    /// The method, or the server, answered with an error.
    Remote,
    /// The server sheds load.
    Busy,
    /// The server is shutting down.
    Draining,
    /// What came is no Go-RPC.
    Protocol,
}

impl Kind {
    /// In the order of the report, each with its name in every form of it.
    pub(crate) const ALL: [(Self, &'static str); 8] = [
        (Self::Refused, "refused"),
        (Self::Unreachable, "unreachable"),
        (Self::Reset, "reset"),
        (Self::Timeout, "timeout"),
        (Self::Remote, "remote"),
        (Self::Busy, "busy"),
        (Self::Draining, "draining"),
        (Self::Protocol, "protocol"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The program's exit code for it.
    pub(crate) const fn exit(self) -> Exit {
        match self {
            Self::Refused | Self::Unreachable => Exit::Connect,
            Self::Timeout => Exit::Timeout,
            Self::Reset => Exit::Empty,
            Self::Remote => Exit::Remote,
            Self::Protocol => Exit::Protocol,
            Self::Busy | Self::Draining => Exit::Unavailable,
        }
    }
}

/// One failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// For people.
    pub(crate) text: String,
    /// Every other request would fail in the same way: the method is not there, or is no such method.
    pub(crate) is_final: bool,
}

/// Behind the error that ends a stream.
const STREAMS: &str = ": a stream, and bench measures methods with one reply";

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let kind = match error {
            Error::Server { text, code, .. } if is_overload(text, code) => Kind::Busy,
            Error::Server { .. } => Kind::Remote,
            Error::Draining => Kind::Draining,
            Error::Shutdown | Error::Io(_) => Kind::Reset,
            Error::Timeout { .. } => Kind::Timeout,
            // The rest is bytes that fit neither side; the client's list of errors may grow.
            _ => Kind::Protocol,
        };
        let mut text = printable(&chain(error)).into_owned();
        let is_stream = matches!(error, Error::Server { text, .. } if text == END_OF_STREAM);
        if is_stream {
            text.push_str(STREAMS);
        }
        let is_final = is_stream || matches!(error, Error::Server { text, .. } if is_unknown_method(text));
        Self { kind, text, is_final }
    }
}

impl From<&DialError> for Failure {
    fn from(error: &DialError) -> Self {
        let kind = match error {
            DialError::Connect { source, .. } if source.kind() == ErrorKind::ConnectionRefused => {
                Kind::Refused
            }
            DialError::Connect { source, .. } if source.kind() == ErrorKind::ConnectionReset => Kind::Reset,
            DialError::Connect { .. } => Kind::Unreachable,
            DialError::Timeout { .. } => Kind::Timeout,
            DialError::Handshake(ConnectError::Refused { status: 503, .. }) => Kind::Busy,
            DialError::Io(_) => Kind::Reset,
            DialError::Login(error) => Self::from(error).kind,
            _ => Kind::Protocol,
        };
        Self { kind, text: printable(&chain(error)).into_owned(), is_final: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpcwrap_client::Step;
    use std::{io, sync::Arc, time::Duration};

    fn server(text: &str, code: &str) -> Error {
        Error::Server { text: text.into(), code: code.into(), data: None }
    }

    #[test]
    fn every_error_of_a_call_has_its_kind() {
        let reset = || Arc::new(io::Error::from(ErrorKind::ConnectionReset));
        for (error, kind, text) in [
            (server("divide by zero", ""), Kind::Remote, "divide by zero"),
            (server("too much", "busy"), Kind::Busy, "too much"),
            (
                server("rpc: server overloaded: A.B already has 1 calls in flight", ""),
                Kind::Busy,
                "rpc: server",
            ),
            (Error::Draining, Kind::Draining, "rpc: server is draining"),
            (Error::Shutdown, Kind::Reset, "connection is shut down"),
            (Error::Io(reset()), Kind::Reset, "connection lost: connection reset"),
            (
                Error::Timeout { after: Duration::from_millis(5), sent: true },
                Kind::Timeout,
                "no reply within 5 ms",
            ),
            (Error::Overrun { items: 1, bytes: 1 }, Kind::Protocol, "stream reader"),
        ] {
            let failure = Failure::from(&error);
            assert_eq!((failure.kind, failure.is_final), (kind, false), "{error:?}");
            assert!(failure.text.starts_with(text), "{failure:?}");
        }
    }

    #[test]
    fn what_would_always_fail_is_final() {
        for text in ["rpc: can't find service A.B", "rpc: can't find method A.B", "EOS"] {
            assert!(Failure::from(&server(text, "")).is_final, "{text}");
        }
    }

    #[test]
    fn what_a_peer_says_gives_no_orders() {
        assert_eq!(
            Failure::from(&server("x\x1b]0;pwn\x07\x1b[2J\u{9b}", "")).text.matches('\u{FFFD}').count(),
            4
        );
    }

    #[test]
    fn every_error_of_a_connection_has_its_kind() {
        let connect = |kind: ErrorKind| DialError::Connect { addr: "a:1".into(), source: kind.into() };
        let refused = |status| DialError::Handshake(ConnectError::Refused { status, reason: "x".into() });
        for (error, kind) in [
            (connect(ErrorKind::ConnectionRefused), Kind::Refused),
            (connect(ErrorKind::NotFound), Kind::Unreachable),
            (
                DialError::Timeout { addr: "a:1".into(), after: Duration::ZERO, step: Step::Login },
                Kind::Timeout,
            ),
            (refused(404), Kind::Protocol),
            (refused(503), Kind::Busy),
            (DialError::Io(ErrorKind::UnexpectedEof.into()), Kind::Reset),
            (DialError::Login(server("no such user", "")), Kind::Remote),
        ] {
            assert_eq!(Failure::from(&error).kind, kind, "{error:?}");
        }
    }
}
