//! A command of the program's own, which Redis's clients run by its name.

use crate::method::{Method, handler::Handler};
use std::time::Duration;

/// A command beside the server's own: `FLUSHCACHE`, `WEATHER Kraków`, on connections of Redis's protocol.
///
/// Its words become the handler's argument as a method's do: by its type, in their order or as names and values in
/// turn. The reply is written as a method's. In every other way it is a call: the limits of the server and of the user,
/// its right to call `NAME`, `call_timeout` and the server's layers hold for it, and it is counted by peer. It is listed by
/// `COMMAND` and `HELP`. No other protocol reaches it.
///
/// ```
/// use rpcwrap::{Command, Server};
/// let server = Server::builder()
///     .command(Command::new("FLUSHCACHE", |(): ()| async { Ok("flushed") }).summary("Empties the cache.").admin())
///     .command(Command::new("SUM", |all: Vec<i64>| async move { Ok(all.iter().sum::<i64>()) }).read_only())
///     .build()?;
/// # Ok::<(), rpcwrap::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Command {
    pub(crate) method: Method,
    pub(crate) admin: bool,
}

impl Command {
    /// A command of that name, in any case of letters: an `async fn` or closure of `(Args)` or `(Context, Args)`. The
    /// name is checked when the server is built: letters, digits, `_` and `-`, none of the server's own commands, and
    /// nothing that another protocol begins with.
    pub fn new<M: 'static, H: Handler<M>>(name: impl AsRef<str>, handler: H) -> Self {
        Self { method: Method::new(name.as_ref().to_ascii_uppercase(), handler), admin: false }
    }

    /// What it does, in one sentence, for `HELP` and `COMMAND DOCS`.
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.method = self.method.doc(text);
        self
    }

    /// Only for users with the right `admin`; each use leaves a line in the audit log, who, from where, and how it
    /// ended, without the words behind the name.
    #[must_use]
    pub fn admin(mut self) -> Self {
        self.admin = true;
        self
    }

    /// It changes nothing: `COMMAND` says `readonly` of it, and `write` of all others.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.method = self.method.read_only();
        self
    }

    /// A time limit for each use, beside [`Config::call_timeout`](crate::Config).
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.method = self.method.timeout(limit);
        self
    }
}
