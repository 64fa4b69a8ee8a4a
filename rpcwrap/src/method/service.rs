//! Services: named sets of methods, and who may reach them.
//!
//! A [`Service`] is a description; [`crate::call::registry`] checks and freezes it when the server is built.

use crate::{
    auth::Access,
    method::{
        Method,
        handler::{Handler, StreamHandler},
        layer::{BufferedCallLayer, CallLayer, LayerList},
    },
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
    pub(crate) layers: LayerList,
}

impl Service {
    /// An empty service. The name is checked when the server is built: not empty, no dot at either end, no blanks.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            doc: String::new(),
            methods: Vec::new(),
            access: None,
            layers: LayerList::default(),
        }
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

    /// Puts a tower layer around the calls of this service, whatever their protocol: one instance for all its methods,
    /// within the layers of the server. As [`Builder::layer`](crate::Builder::layer) in every other way.
    ///
    /// ```
    /// use rpcwrap::Service;
    /// use std::time::Duration;
    /// use tower::timeout::TimeoutLayer;
    /// let echo = Service::new("Echo")
    ///     .method("Say", |text: String| async move { Ok(text) })
    ///     .layer(TimeoutLayer::new(Duration::from_millis(200)));
    /// ```
    #[must_use]
    pub fn layer(mut self, layer: impl CallLayer) -> Self {
        self.layers.push(layer);
        self
    }

    /// As [`layer`](Self::layer), for a layer whose service cannot be cloned: see
    /// [`Builder::layer_buffered`](crate::Builder::layer_buffered).
    #[must_use]
    pub fn layer_buffered(mut self, bound: usize, layer: impl BufferedCallLayer) -> Self {
        self.layers.push_buffered(bound, layer);
        self
    }
}
