//! Services: named sets of methods, and who may reach them.
//!
//! A [`Service`] is a description; [`crate::call::registry`] checks and freezes it when the server is built.

use crate::{
    method::Method,
    method::handler::{Handler, StreamHandler},
};

/// A named set of methods.
///
/// ```
/// use rpcwrap::{Error, Service};
/// # #[derive(serde::Deserialize)] struct Pair { a: i64, b: i64 }
/// let arith = Service::new("Arith")
///     .method("Multiply", |p: Pair| async move { Ok(p.a * p.b) })
///     .method("Divide", |p: Pair| async move {
///         if p.b == 0 { Err("divide by zero".into()) } else { Ok(p.a / p.b) }
///     });
/// ```
#[derive(Debug)]
pub struct Service {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) methods: Vec<Method>,
    pub(crate) access: Option<Access>,
}

impl Service {
    /// An empty service. The name is checked when the server is built: not empty, no dot at either end, no blanks.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), doc: String::new(), methods: Vec::new(), access: None }
    }

    /// Adds a method answered by one reply: an `async fn` or closure of `(Args)` or `(Context, Args)`.
    #[must_use]
    pub fn method<M: 'static, H: Handler<M>>(self, name: impl Into<String>, handler: H) -> Self {
        self.with(Method::new(name, handler))
    }

    /// Adds a method answered by a stream of replies: a function of `(Args)` or `(Context, Args)` to a `Stream`.
    #[must_use]
    pub fn stream<M: 'static, H: StreamHandler<M>>(self, name: impl Into<String>, handler: H) -> Self {
        self.with(Method::stream(name, handler))
    }

    /// Adds a method that was given options.
    #[must_use]
    pub fn with(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    /// What the service is for, shown by `describe`.
    #[must_use]
    pub fn doc(mut self, text: impl Into<String>) -> Self {
        self.doc = text.into();
        self
    }

    /// Who may reach the service, and by which way. Without a rule: everybody, by every way.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = Some(access);
        self
    }
}

/// By which way, and by whom, a service may be reached. What a rule does not mention is free.
///
/// A service that cannot be reached this way is answered like one that does not exist, as in vitess, where it
/// would not be registered there.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub(crate) protocols: Option<Vec<String>>,
    pub(crate) codecs: Option<Vec<String>>,
    pub(crate) users: Option<Vec<String>>,
    pub(crate) authenticated: bool,
}

impl Access {
    /// A rule that allows everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only by these protocols, such as `go_rpc`.
    #[must_use]
    pub fn protocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.protocols = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Only in these codecs, such as `bson`.
    #[must_use]
    pub fn codecs<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.codecs = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Only on connections that have proven who they are: the `/auth` paths, HTTP with a password.
    #[must_use]
    pub fn authenticated(mut self) -> Self {
        self.authenticated = true;
        self
    }

    /// Only for these users; implies [`authenticated`](Self::authenticated).
    #[must_use]
    pub fn users<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.users = Some(names.into_iter().map(Into::into).collect());
        self.authenticated()
    }
}
