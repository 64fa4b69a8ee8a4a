//! Which tower layers can be put around calls: one bound for server and service, and one explanation for those that
//! cannot.

use super::{
    CallService,
    buffered::Buffered,
    request::{CallOutcome, CallRequest},
};
use tower::{BoxError, Layer, Service};

/// A tower layer whose service takes a [`CallRequest`] to a [`CallOutcome`] and can be cloned for every call.
/// Implemented for all such layers; not to be implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a layer around calls",
    label = "no layer whose service can be cloned for every call",
    note = "it has to be a `tower::Layer<CallService>`, its service a `Service<CallRequest, Response = CallOutcome>` \
        that is `Clone + Send + Sync + 'static`; one that is not `Clone` goes behind a queue, by `layer_buffered`"
)]
pub trait CallLayer: Send + Sync + 'static {
    /// The layer's service around `inner`.
    #[doc(hidden)]
    fn around(self, inner: CallService) -> CallService;
}

impl<L> CallLayer for L
where
    L: Layer<CallService> + Send + Sync + 'static,
    L::Service: Service<CallRequest, Response = CallOutcome, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn around(self, inner: CallService) -> CallService {
        CallService::new(self.layer(inner))
    }
}

/// As [`CallLayer`], for layers whose service cannot be cloned.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a layer around calls",
    label = "no layer whose service takes calls",
    note = "it has to be a `tower::Layer<CallService>`, its service a `Service<CallRequest, Response = CallOutcome>` \
        that is `Send + 'static`, with an error that is `Into<BoxError> + Send + Sync`"
)]
pub trait BufferedCallLayer: Send + Sync + 'static {
    /// The layer's service around `inner`, behind a queue in which `bound` calls wait at most.
    #[doc(hidden)]
    fn around(self, inner: CallService, bound: usize) -> CallService;
}

impl<L> BufferedCallLayer for L
where
    L: Layer<CallService> + Send + Sync + 'static,
    L::Service: Service<
            CallRequest,
            Response = CallOutcome,
            Error: Into<BoxError> + Send + Sync,
            Future: Send + 'static,
        > + Send
        + 'static,
{
    fn around(self, inner: CallService, bound: usize) -> CallService {
        CallService::new(Buffered::new(move || self.layer(inner), bound))
    }
}
