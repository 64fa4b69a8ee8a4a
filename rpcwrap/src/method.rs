//! One method before the server starts: its name, its options and the function behind it.

use crate::handler::{Blocking, BlockingHandler, Handler, Inline, Invoke, Spawned, StreamHandler, StreamOf};
use std::{any::type_name, fmt, sync::Arc, time::Duration};

/// One method with its options.
///
/// ```
/// use rpcwrap::{Method, Service};
/// let slow = Method::blocking("Hash", |text: String| Ok(text.len())).max_in_flight(4).idempotent();
/// let service = Service::new("Work").with(slow);
/// ```
pub struct Method {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) signature: Signature,
    pub(crate) idempotent: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_in_flight: Option<usize>,
    pub(crate) invoke: Arc<dyn Invoke>,
}

/// The types of a method, as Rust names them without their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The argument's type.
    pub args: String,
    /// The reply's type; for a streaming method that of one item.
    pub reply: String,
    /// Whether the method answers with a stream.
    pub streaming: bool,
}

impl Signature {
    fn of<A, R>(streaming: bool) -> Self {
        Self { args: short_name(type_name::<A>()), reply: short_name(type_name::<R>()), streaming }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = if self.streaming { "stream of " } else { "" };
        write!(f, "({}) {stream}{}", self.args, self.reply)
    }
}

/// `alloc::vec::Vec<app::Item>` → `Vec<Item>`.
fn short_name(full: &str) -> String {
    let mut out = String::with_capacity(full.len());
    for piece in full.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        out.push_str(piece.rsplit("::").next().unwrap_or(piece));
    }
    out
}

impl Method {
    fn describe<A, R>(name: impl Into<String>, streaming: bool, invoke: impl Invoke + 'static) -> Self {
        Self {
            name: name.into(),
            doc: String::new(),
            signature: Signature::of::<A, R>(streaming),
            idempotent: false,
            timeout: None,
            max_in_flight: None,
            invoke: Arc::new(invoke),
        }
    }

    /// A method whose future is polled on its connection's task: the fast way, for handlers that do not block.
    pub fn new<M: 'static, H: Handler<M>>(name: impl Into<String>, handler: H) -> Self {
        Self::describe::<H::Args, H::Reply>(name, false, Inline::new(handler))
    }

    /// A method whose future runs as a task of its own, for handlers that compute for long between awaits.
    ///
    /// The task is aborted when its caller goes away.
    pub fn spawn<M: 'static, H: Handler<M>>(name: impl Into<String>, handler: H) -> Self {
        Self::describe::<H::Args, H::Reply>(name, false, Spawned::new(handler))
    }

    /// A plain function that may block its thread; runs on tokio's blocking pool and cannot be aborted.
    pub fn blocking<M: 'static, H: BlockingHandler<M>>(name: impl Into<String>, handler: H) -> Self {
        Self::describe::<H::Args, H::Reply>(name, false, Blocking::new(handler))
    }

    /// A method answered by a stream of replies, polled only as fast as the peer reads.
    pub fn stream<M: 'static, H: StreamHandler<M>>(name: impl Into<String>, handler: H) -> Self {
        Self::describe::<H::Args, H::Reply>(name, true, StreamOf::new(handler))
    }

    /// What the method does, shown by `describe`.
    #[must_use]
    pub fn doc(mut self, text: impl Into<String>) -> Self {
        self.doc = text.into();
        self
    }

    /// Calling it twice does no harm: clients may retry it.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// A time limit for each call, beside the caller's own and [`Config::call_timeout`](crate::Config).
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Refuses further calls with `rpc: server overloaded` while this many run.
    #[must_use]
    pub fn max_in_flight(mut self, limit: usize) -> Self {
        self.max_in_flight = Some(limit);
        self
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_lose_their_paths() {
        for (full, short) in [
            ("i64", "i64"),
            ("alloc::vec::Vec<app::types::Item>", "Vec<Item>"),
            ("(alloc::string::String, core::option::Option<u8>)", "(String, Option<u8>)"),
            ("&str", "&str"),
        ] {
            assert_eq!(short_name(full), short);
        }
    }
}
