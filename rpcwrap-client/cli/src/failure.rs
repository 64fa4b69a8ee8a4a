//! Why a command ends without success: a line for people, an exit code for scripts.

use codecs::connect::ConnectError;
use rpcwrap_client::{DialError, Error, TlsError};
use std::{error, fmt, io, time::Duration};

/// Exit codes, curl's where curl has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The reader of the output has gone, as `head` does: no failure.
    Quiet = 0,
    Usage = 1,
    Connect = 7,
    Timeout = 28,
    /// No TLS with the server.
    Tls = 35,
    /// The server closed the connection without an answer.
    Empty = 52,
    /// The server's certificate is not to be trusted.
    Certificate = 60,
    /// The server answered that the call failed.
    Remote = 65,
    Protocol = 66,
    /// The server is draining or overloaded.
    Unavailable = 67,
    /// Ended by Ctrl-C before it had done what was asked; the shell's number for it.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

/// Where opening a connection has failed, as far as it says what else could be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailedAt {
    /// The server has answered in HTTP: it has not got this path.
    Http,
    /// The server is there and has given no such answer.
    Answer,
    Elsewhere,
}

/// The end of a command that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) text: String,
    /// What to try next.
    pub(crate) hint: Option<String>,
    /// Of a connection that was not to be had.
    pub(crate) at: FailedAt,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), hint: None, at: FailedAt::Elsewhere }
    }

    /// With what to try next, unless that is said already.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: self.hint.or_else(|| Some(hint.into())), ..self }
    }

    /// For people.
    pub(crate) fn line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.text),
            None => self.text.clone(),
        }
    }

    /// The server refuses the connection under TLS.
    pub(crate) fn no_tls(addr: impl fmt::Display, error: &TlsError) -> Self {
        Self::new(tls(error), format!("no TLS with {addr}: {error}"))
    }

    /// The server has not got the method that was called.
    pub(crate) fn is_unknown_method(&self) -> bool {
        self.exit == Exit::Remote && is_unknown_method(self.text.strip_prefix(REMOTE).unwrap_or_default())
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// `--max-time` is over.
    pub(crate) fn out_of_time(limit: Duration) -> Self {
        Self::new(Exit::Timeout, format!("not done within {} ms", limit.as_millis()))
    }

    /// stdout does not take what is written.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::Quiet, ""),
            _ => Self::usage(format!("cannot write the output: {error}")),
        }
    }

    /// The failure of one part, named.
    pub(crate) fn at(self, part: impl fmt::Display) -> Self {
        Self { text: format!("{part}: {}", self.text), ..self }
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        let exit = match &error {
            DialError::Login(login) => return Self::from(login.clone()).at("login failed"),
            DialError::Connect { .. } => Exit::Connect,
            DialError::Timeout { .. } => Exit::Timeout,
            DialError::Tls { source, .. } => tls(source),
            DialError::Handshake(ConnectError::Refused { status: 503, .. }) => Exit::Unavailable,
            DialError::Handshake(ConnectError::Tls) => {
                return Self::new(Exit::Tls, chain(&error)).hint("try --tls");
            }
            DialError::Io(_) => Exit::Empty,
            _ => Exit::Protocol,
        };
        Self::new(exit, chain(&error))
    }
}

fn tls(error: &TlsError) -> Exit {
    match error {
        TlsError::Setup { .. } => Exit::Usage,
        TlsError::UnknownIssuer
        | TlsError::Expired
        | TlsError::NotValidYet
        | TlsError::WrongName { .. }
        | TlsError::BadCertificate(_) => Exit::Certificate,
        _ => Exit::Tls,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Server { text, code, .. } if is_overload(text, code) => Exit::Unavailable,
            Error::Server { text, code, data } => return remote(text, code, data.as_ref()),
            Error::Draining => Exit::Unavailable,
            Error::Timeout { .. } => Exit::Timeout,
            Error::Io(_) | Error::Shutdown => Exit::Empty,
            Error::Encode(_) => Exit::Usage,
            _ => Exit::Protocol,
        };
        Self::new(exit, chain(&error))
    }
}

/// Whether a server of ours had no room for the call; the code is there only if it was asked for.
pub(crate) fn is_overload(text: &str, code: &str) -> bool {
    code == "busy" || text.starts_with("rpc: server overloaded")
}

/// In Go's words, which all servers have taken over.
pub(crate) fn is_unknown_method(text: &str) -> bool {
    text.starts_with("rpc: can't find ") || text.starts_with("rpc: service/method request ill-formed")
}

const REMOTE: &str = "remote error: ";

/// The server's own text; with code and data if a server of ours attached some.
fn remote(text: &str, code: &str, data: Option<&serde_json::Value>) -> Failure {
    let mut shown = format!("{REMOTE}{text}");
    // What every plain error has says nothing.
    if !code.is_empty() && code != "failed" {
        shown.push_str(&format!(" (code {code})"));
    }
    if let Some(data) = data {
        shown.push_str(&format!(" {data}"));
    }
    Failure::new(Exit::Remote, shown)
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpcwrap_client::Step;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn every_error_has_its_exit_code() {
        let server =
            |text: &str, code: &str| Error::Server { text: text.into(), code: code.into(), data: None };
        let eof = || io::Error::from(io::ErrorKind::UnexpectedEof);
        for (error, exit) in [
            (server("divide by zero", ""), Exit::Remote),
            (server("rpc: server overloaded: A.B already has 4 calls in flight", ""), Exit::Unavailable),
            (server("full", "busy"), Exit::Unavailable),
            (Error::Draining, Exit::Unavailable),
            (Error::Shutdown, Exit::Empty),
            (Error::Io(Arc::new(eof())), Exit::Empty),
            (Error::Timeout { after: Duration::from_secs(1), sent: true }, Exit::Timeout),
            (Error::Encode(codecs::EncodeError::new("x".to_owned())), Exit::Usage),
            (Error::Overrun { items: 1, bytes: 1 }, Exit::Protocol),
        ] {
            let login = Failure::from(DialError::Login(error.clone()));
            assert_eq!((Failure::from(error.clone()).exit, login.exit), (exit, exit), "{error:?}");
        }
        let refused = |status| ConnectError::Refused { status, reason: "No".to_owned() };
        let addr = || "a:1".to_owned();
        for (error, exit) in [
            (DialError::Connect { addr: addr(), source: eof() }, Exit::Connect),
            (
                DialError::Timeout { addr: addr(), after: Duration::from_secs(1), step: Step::Connect },
                Exit::Timeout,
            ),
            (DialError::Handshake(refused(503)), Exit::Unavailable),
            (DialError::Handshake(refused(404)), Exit::Protocol),
            (DialError::Io(eof()), Exit::Empty),
        ] {
            assert_eq!(Failure::from(error).exit, exit);
        }
    }

    #[test]
    fn texts_name_their_causes() {
        let lost = Error::Io(Arc::new(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF")));
        assert_eq!(Failure::from(lost).text, "connection lost: unexpected EOF");
        let rich = Error::Server {
            text: "no such account".to_owned(),
            code: "not_found".to_owned(),
            data: Some(json!({"id": 7})),
        };
        let text = "remote error: no such account (code not_found) {\"id\":7}";
        assert_eq!(Failure::from(rich).text, text);
        let plain = Error::Server { text: "no".to_owned(), code: "failed".to_owned(), data: None };
        assert_eq!(Failure::from(DialError::Login(plain)).text, "login failed: remote error: no");
    }
}
