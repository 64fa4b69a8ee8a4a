//! Middleware: tower layers around calls, whatever their protocol.
//!
//! Built once per server and once per service, when the server is built: what they count and limit is counted and
//! limited for all calls together. Each call clones the outermost service, waits until it is ready and calls it; at the
//! bottom is the method. Calls of methods without layers know nothing of this.

mod buffered;
mod call_layer;
mod failure;
mod handover;
mod layered;
mod request;

use crate::{method::running::BoxCall, peer::Peer};
pub use call_layer::{BufferedCallLayer, CallLayer};
use futures_util::future::{BoxFuture, Either};
use handover::{Handover, Run};
use layered::LayeredCall;
pub use request::{CallOutcome, CallRequest};
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tower::{
    BoxError, Service, ServiceExt,
    util::{BoxCloneSyncService, Oneshot},
};

/// What a layer is put around: the layers within it, and the method at the bottom.
///
/// Give layers to [`Builder::layer`](crate::Builder::layer) or [`Service::layer`](crate::Service::layer).
#[derive(Debug, Clone)]
pub struct CallService(BoxCloneSyncService<CallRequest, CallOutcome, BoxError>);

impl CallService {
    fn new<S>(service: S) -> Self
    where
        S: Service<CallRequest, Response = CallOutcome, Error: Into<BoxError>, Future: Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        Self(BoxCloneSyncService::new(service.map_err(Into::into)))
    }
}

impl Service<CallRequest> for CallService {
    type Response = CallOutcome;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<CallOutcome, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: CallRequest) -> Self::Future {
        self.0.call(request)
    }
}

/// The bottom of a stack: the layers of the request's service, if these are still to come, or its method.
#[derive(Debug, Clone)]
struct InnermostService;

impl Service<CallRequest> for InnermostService {
    type Response = CallOutcome;
    type Error = BoxError;
    type Future = Either<Oneshot<CallService, CallRequest>, Run>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: CallRequest) -> Self::Future {
        match request.inner.take() {
            Some(inner) => Either::Left(inner.oneshot(request)),
            None => Either::Right(Run::new(request.handover)),
        }
    }
}

type Wrap = Box<dyn FnOnce(CallService) -> CallService + Send + Sync>;

/// Layers as they are registered, the outermost first.
#[derive(Default)]
pub(crate) struct LayerList(Vec<Wrap>);

impl LayerList {
    pub(crate) fn push(&mut self, layer: impl CallLayer) {
        self.0.push(Box::new(move |inner| layer.around(inner)));
    }

    pub(crate) fn push_buffered(&mut self, bound: usize, layer: impl BufferedCallLayer) {
        self.0.push(Box::new(move |inner| layer.around(inner, bound)));
    }

    /// All of them around the bottom; `None` if there are none.
    pub(crate) fn stack(self) -> Option<CallService> {
        if self.0.is_empty() {
            return None;
        }
        Some(self.0.into_iter().rfold(CallService::new(InnermostService), |inner, wrap| wrap(inner)))
    }
}

impl fmt::Debug for LayerList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} layers", self.0.len())
    }
}

/// The layers around the calls of one method.
pub(crate) struct Layers {
    name: Arc<str>,
    outer: CallService,
    /// Those of the service, where `outer` are the server's.
    inner: Option<CallService>,
}

impl Layers {
    /// Those of the server around those of the service; `None` if there are neither.
    pub(crate) fn new(
        name: &str,
        server: Option<&CallService>,
        service: Option<&CallService>,
    ) -> Option<Self> {
        let (outer, inner) = match server {
            Some(server) => (server, service),
            None => (service?, None),
        };
        Some(Self { name: name.into(), outer: outer.clone(), inner: inner.cloned() })
    }

    /// A call within its layers: they are asked when it is first polled, and its method starts when they let it.
    pub(crate) fn around(
        &self,
        call: BoxCall,
        peer: &Arc<Peer>,
        deadline: Option<Instant>,
        size: usize,
        began: Instant,
    ) -> BoxCall {
        let handover = Arc::new(Handover::new(call));
        let request = CallRequest {
            name: self.name.clone(),
            peer: peer.clone(),
            deadline,
            size,
            inner: self.inner.clone(),
            handover: handover.clone(),
        };
        Box::pin(LayeredCall::new(self.outer.clone().oneshot(request), handover, began))
    }
}
