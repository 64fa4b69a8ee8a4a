//! What can go wrong with a call, a configuration or a listener, said by whose fault it is.
//!
//! [`Error`] is what handlers return; [`CallError`] is every way a call can fail, as protocols turn it into their
//! own words; [`ConfigError`] is found when the server is built, never at the first request.

mod over_limit;
mod protocol;
#[cfg(feature = "tls")]
mod tls;

pub use over_limit::OverLimit;
pub use protocol::ProtocolError;
#[cfg(feature = "tls")]
pub use tls::TlsError;

use codecs::{EncodeError, ErrorReply, ValueError};
use std::{borrow::Cow, fmt, io, time::Duration};

/// A handler's own failure: a text for people and, if wanted, a code and data for programs.
///
/// On the wire: Go-RPC's `Error` string; peers that ask for structured errors also get `Code` and `Data`; over HTTP
/// `{"error":{"code","message","data"}}`. The connection stays. An empty text is sent as `unspecified error`,
/// because an empty Go-RPC error string means success.
///
/// ```
/// use rpcwrap::Error;
/// let plain: Error = "divide by zero".into();
/// let rich = Error::new("no such account").code("not_found").data(serde_json::json!({"account": 7}));
/// assert_eq!((plain.text(), rich.text()), ("divide by zero", "no such account"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    text: Cow<'static, str>,
    details: Option<Box<(Cow<'static, str>, Option<serde_json::Value>)>>,
}

impl Error {
    /// An error with the text of anything that can be displayed.
    pub fn new(text: impl fmt::Display) -> Self {
        Self { text: text.to_string().into(), details: None }
    }

    /// The same error with a stable word for programs.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.details.get_or_insert_default().0 = code.into();
        self
    }

    /// The same error with more data.
    #[must_use]
    pub fn data(mut self, data: serde_json::Value) -> Self {
        self.details.get_or_insert_default().1 = Some(data);
        self
    }

    /// The text the caller reads.
    pub fn text(&self) -> &str {
        if self.text.is_empty() { "unspecified error" } else { &self.text }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Error {}

impl From<&'static str> for Error {
    fn from(text: &'static str) -> Self {
        Self { text: text.into(), details: None }
    }
}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self { text: text.into(), details: None }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error)
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Error {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Self::new(error)
    }
}

/// Every way a call can fail. Its `Display` is the text old peers see, in Go's own words where Go has them.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The name has no dot, or more than one and no such service.
    #[error("rpc: service/method request ill-formed: {0}")]
    IllFormed(String),
    /// No service of that name can be reached this way.
    #[error("rpc: can't find service {0}")]
    UnknownService(String),
    /// The service has no such method.
    #[error("rpc: can't find method {0}")]
    UnknownMethod(String),
    /// The arguments do not fit the method's type.
    #[error("{0}")]
    BadArguments(ValueError),
    /// The service asks for an authenticated connection and this one is not.
    #[error("rpc: {0} needs an authenticated connection")]
    Unauthenticated(String),
    /// TLS is required here and the connection has not started it.
    #[error("rpc: {0} needs a TLS connection")]
    NeedsTls(String),
    /// The user may not call this service.
    #[error("rpc: {user} may not call {name}")]
    Denied {
        /// Full name of the method.
        name: String,
        /// Who asked.
        user: String,
    },
    /// As many calls of this method run as it allows.
    #[error("rpc: server overloaded: {name} already has {limit} calls in flight")]
    Busy {
        /// Full name of the method.
        name: String,
        /// Its limit.
        limit: usize,
    },
    /// The user is over one of its limits.
    #[error("rpc: server overloaded: user {user}: {limit}")]
    OverUserLimit {
        /// Who asked.
        user: String,
        /// Which limit, and when to try again.
        limit: OverLimit,
    },
    /// As many calls wait for their handlers as the server allows.
    #[error("rpc: server overloaded")]
    Overloaded,
    /// The server is shutting down and starts no more calls.
    #[error("rpc: server is draining")]
    Draining,
    /// The call did not finish in its time.
    #[error("rpc: deadline exceeded after {} ms", .0.as_millis())]
    Deadline(Duration),
    /// The caller took the call back.
    #[error("context canceled")]
    Canceled,
    /// The handler panicked; no other call is affected.
    #[error("rpc: method panicked")]
    Panicked,
    /// The reply does not fit the codec.
    #[error("{0}")]
    BadReply(EncodeError),
    /// The handler said no.
    #[error("{0}")]
    Failed(Error),
}

/// The most of a name, or of a text that may quote one, that is told back to a peer that has sent it.
const MAX_ECHOED: usize = 1 << 10;

/// A peer's name for something that is not there, as it is told so: cut if it is far longer than names are.
#[cold]
pub(crate) fn echoed(name: &[u8]) -> String {
    match name.get(..MAX_ECHOED) {
        Some(start) if start.len() < name.len() => format!("{}...", String::from_utf8_lossy(start)),
        _ => String::from_utf8_lossy(name).into_owned(),
    }
}

impl CallError {
    /// The same error, with less of what it quotes of the arguments if that is long.
    #[cold]
    pub(crate) fn shortened(self) -> Self {
        match self {
            Self::BadArguments(error) if error.text().len() > MAX_ECHOED => {
                let text = echoed(error.text().as_bytes());
                Self::BadArguments(match error.is_fatal() {
                    true => ValueError::fatal(text),
                    false => ValueError::new(text),
                })
            }
            error => error,
        }
    }

    /// The error for a name that is not registered: Go splits at the last dot, vitess wants exactly one; a name with
    /// more than one whose service is not known is ill-formed, so that both are right where they answer.
    #[cold]
    pub(crate) fn unknown(name: &[u8], is_service: impl Fn(&str) -> bool) -> Self {
        let (text, told) = (String::from_utf8_lossy(name), echoed(name));
        match text.rsplit_once('.') {
            None => Self::IllFormed(told),
            Some((service, _)) if is_service(service) => Self::UnknownMethod(told),
            Some((service, _)) if service.contains('.') => Self::IllFormed(told),
            Some(_) => Self::UnknownService(told),
        }
    }

    /// The stable word for this failure: sent as `Code`, used as a metrics label and to choose an HTTP status.
    pub fn code(&self) -> &str {
        match self {
            Self::IllFormed(_) => "ill_formed",
            Self::UnknownService(_) => "unknown_service",
            Self::UnknownMethod(_) => "unknown_method",
            Self::BadArguments(_) => "bad_arguments",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::NeedsTls(_) => "needs_tls",
            Self::Denied { .. } => "denied",
            Self::Busy { .. } | Self::OverUserLimit { .. } | Self::Overloaded => "busy",
            Self::Draining => "draining",
            Self::Deadline(_) => "deadline",
            Self::Canceled => "canceled",
            Self::Panicked => "panicked",
            Self::BadReply(_) => "bad_reply",
            Self::Failed(error) => match &error.details {
                Some(details) if !details.0.is_empty() => &details.0,
                _ => "failed",
            },
        }
    }

    /// Data beside the text, if the handler gave some.
    pub fn data(&self) -> Option<&serde_json::Value> {
        match self {
            Self::Failed(error) => error.details.as_ref().and_then(|details| details.1.as_ref()),
            _ => None,
        }
    }

    /// The error as codecs write it.
    pub fn to_reply(&self) -> ErrorReply {
        ErrorReply { text: self.to_string(), code: self.code().to_owned(), data: self.data().cloned() }
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A server that cannot be built as described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two services of one name.
    #[error("rpc: service already defined: {0}")]
    DuplicateService(String),
    /// Two methods of one name in one service.
    #[error("rpc: method already defined: {0}")]
    DuplicateMethod(String),
    /// A name that no request could carry.
    #[error("bad {what} name {name:?}: {why}")]
    BadName {
        /// `service`, `method`, `codec`, `protocol` or `command`.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two codecs of one name.
    #[error("codec already defined: {0}")]
    DuplicateCodec(String),
    /// A reply with `#[serde(flatten)]`, which gob has no form for, in a server that serves gob.
    #[error(
        "{0}: its reply has #[serde(flatten)], which gob cannot carry, as Go has embedded structs in fields named \
         after their types: use such a field, or Builder::without_gob"
    )]
    FlattenedInGob(String),
    /// Two protocols of one name.
    #[error("protocol already defined: {0}")]
    DuplicateProtocol(String),
    /// A preface that is not its protocol's alone: two claim it, or its own does not take it.
    #[error("protocol {protocol} opens with \"{preface}\", which is taken by {other}")]
    Preface {
        /// The protocol that gave the preface as its own.
        protocol: String,
        /// The preface, escaped.
        preface: String,
        /// Which would get it, or part of it: another protocol, or `no protocol`.
        other: String,
    },
    /// A user that no server may have, such as one that everyone could log in as.
    #[error("user {user:?}: {why}")]
    BadUser {
        /// Its name.
        user: String,
        /// What is wrong with it.
        why: String,
    },
    /// A login is required and there is no way to log in.
    #[error("a login is required, but there are no credentials and no client certificates to check")]
    NoWayToLogIn,
    /// TLS cannot be served with the certificates and keys there are.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no such service to have an access rule.
    #[error("no service {0:?}")]
    UnknownService(String),
    /// A setting that is fixed when the server is built.
    #[error("{setting} cannot be changed while the server runs")]
    Fixed {
        /// Its name in `Config`.
        setting: &'static str,
    },
    /// A filter of the log that the program did not take.
    #[error("log = {filter:?}: {why}")]
    LogFilter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no setting of that name.
    #[error("no setting {name:?}{}", .meant.map(|meant| format!(", did you mean {meant}?")).unwrap_or_default())]
    UnknownSetting {
        /// The name.
        name: String,
        /// The setting that was most likely meant.
        meant: Option<&'static str>,
    },
    /// A text that is no value for a setting.
    #[error("{setting} = {value:?}: want {wanted}")]
    BadValue {
        /// Its name in `Config`.
        setting: &'static str,
        /// The text.
        value: String,
        /// What would be one.
        wanted: &'static str,
    },
    /// A limit that cannot work.
    #[error("{setting} = {value}: {why}")]
    BadLimit {
        /// Name of the setting in `Config`.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An access rule names something that does not exist.
    #[error("service {service} is allowed for {what} {name:?}, which this server does not have")]
    UnknownAccess {
        /// The service with the rule.
        service: String,
        /// `protocol` or `codec`.
        what: &'static str,
        /// The name that is not there.
        name: String,
    },
}
