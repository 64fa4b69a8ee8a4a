//! One method before the server starts: its name, its options and the function behind it.

pub(crate) mod args;
pub(crate) mod blocking;
pub(crate) mod bytes;
#[cfg(feature = "resp")]
pub(crate) mod command;
pub(crate) mod context;
pub(crate) mod handler;
pub(crate) mod layer;
#[cfg(feature = "macros")]
pub mod macro_support;
#[cfg(feature = "prost")]
pub(crate) mod protobuf;
pub(crate) mod reply;
pub(crate) mod reply_type;
pub(crate) mod running;
pub(crate) mod service;
pub(crate) mod signature;

use crate::method::{
    args::FromArgs,
    handler::{
        Blocking, BlockingHandler, Function, Handler, Inline, Invoke, Spawned, StreamHandler, Streaming,
    },
    signature::Types,
};
use codecs::schema::TypeOf;
use std::{fmt, sync::Arc, time::Duration};

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
    pub(crate) types: Arc<Types>,
    pub(crate) idempotent: bool,
    pub(crate) read_only: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_in_flight: Option<usize>,
    /// Whether it runs on the blocking pool.
    pub(crate) blocks: bool,
    pub(crate) invoke: Arc<dyn Invoke>,
}

impl Method {
    fn describe<A: FromArgs, R>(
        name: impl Into<String>,
        reply: Option<TypeOf>,
        streaming: bool,
        invoke: impl Invoke + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            doc: String::new(),
            types: Arc::new(Types::new::<A, R>(reply, streaming)),
            idempotent: false,
            read_only: false,
            timeout: None,
            max_in_flight: None,
            blocks: false,
            invoke: Arc::new(invoke),
        }
    }

    /// A method whose future is polled on its connection's task: the fast way, for handlers that do not block. One that
    /// does is told of, see [`blocked_after`](crate::Config#structfield.blocked_after).
    pub fn new<M: 'static, H: Handler<M>>(name: impl Into<String>, handler: H) -> Self {
        let function = Function::<Inline, H, M>::new(handler);
        Self::describe::<H::Args, H::Reply>(name, H::reply_type(), false, function)
    }

    /// A method whose future runs as a task of its own, for handlers that compute for long between awaits.
    ///
    /// The task is aborted when its caller goes away.
    pub fn spawn<M: 'static, H: Handler<M>>(name: impl Into<String>, handler: H) -> Self {
        let function = Function::<Spawned, H, M>::new(handler);
        Self::describe::<H::Args, H::Reply>(name, H::reply_type(), false, function)
    }

    /// A plain function that may block its thread; runs on tokio's blocking pool and cannot be aborted.
    ///
    /// So many functions of one method run at the same time as the setting
    /// [`max_blocking`](crate::Config#structfield.max_blocking) says, and others wait, up to
    /// [`max_blocking_queue`](crate::Config#structfield.max_blocking_queue) of them. A call that is cancelled or runs
    /// out of time while it waits is never run; one that runs already counts until its function returns, for
    /// [`max_in_flight`](Self::max_in_flight) and the limits of its user too.
    pub fn blocking<M: 'static, H: BlockingHandler<M>>(name: impl Into<String>, handler: H) -> Self {
        let function = Function::<Blocking, _, M>::new(Arc::new(handler));
        let method = Self::describe::<H::Args, H::Reply>(name, H::reply_type(), false, function);
        Self { blocks: true, ..method }
    }

    /// A method answered by a stream of replies, polled only as fast as the peer reads.
    pub fn stream<M: 'static, H: StreamHandler<M>>(name: impl Into<String>, handler: H) -> Self {
        let function = Function::<Streaming, H, M>::new(handler);
        Self::describe::<H::Args, H::Reply>(name, H::reply_type(), true, function)
    }

    /// The same method, whose reply's type is known as far as `reply` says.
    #[cfg(feature = "macros")]
    pub(crate) fn with_reply_type(mut self, reply: Option<TypeOf>) -> Self {
        if let Some(types) = Arc::get_mut(&mut self.types) {
            types.reply = reply;
        }
        self
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

    /// Calling it changes nothing: clients may retry it, and `GET /<Service>/<Method>?A=7&B=8` calls it too.
    ///
    /// What GET may reach any page that a browser shows may ask for, with the user's login: so that no other method
    /// is reached, [`idempotent`](Self::idempotent) alone does not open it. A request that a browser marks as another
    /// site's (`Sec-Fetch-Site`) is refused.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        (self.read_only, self.idempotent) = (true, true);
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
        write!(f, "{}{}", self.name, self.types.signature())
    }
}
