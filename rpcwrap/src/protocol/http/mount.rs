//! A program's own HTTP pages beside the server's: any tower service, such as an `axum::Router`.

use super::{
    body::Body,
    request_body::{BoxError, RequestBody},
    respond,
};
use bytes::Bytes;
use codecs::LogText;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode};
use std::{error::Error, fmt, future::Future, iter, panic::AssertUnwindSafe, pin::Pin};
use tower::{Service, ServiceExt};

/// Bytes of a service's error and its causes in the log: some quote the request.
const CAUSES: usize = 512;

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

/// What serves the HTTP paths that are not the server's own.
///
/// Made of any cloneable tower service from `Request<rpcwrap::RequestBody>` to a response whose body is of `Bytes`. A
/// service that fails or panics before its response is answered 500 in its place.
pub struct Mount {
    answer: Box<dyn Fn(Request<RequestBody>) -> Answer + Send + Sync>,
    is_guarded: bool,
}

impl Mount {
    /// Mounts `service`; each request is given to a clone of it.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let answer = move |request| {
            let service = service.clone();
            Box::pin(async move {
                let response = service.oneshot(request).await.map_err(Into::into)?;
                Ok(response.map(|body| Body::mounted(body.map_err(Into::into).boxed_unsync())))
            }) as Answer
        };
        Self { answer: Box::new(answer), is_guarded: false }
    }

    /// Has its requests refused as those of methods are: where a page of another origin has made them
    /// ([`Config::allow_origins`](crate::Config::allow_origins)), or they ask for a server of another name
    /// ([`Config::allow_hosts`](crate::Config::allow_hosts)). Otherwise this is left to the service.
    #[must_use]
    pub fn guarded(self) -> Self {
        Self { is_guarded: true, ..self }
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.is_guarded
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<RequestBody>) -> Response<Body> {
        let answered = AssertUnwindSafe(async { (self.answer)(request).await }).catch_unwind().await;
        match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                tracing::error!(error = %LogText::new(with_causes(&*error)).up_to(CAUSES), "mounted service failed");
                failed()
            }
            Err(_) => failed(),
        }
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn failed() -> Response<Body> {
    respond::text(StatusCode::INTERNAL_SERVER_ERROR, "500 internal server error\n")
}

impl<S, B> From<S> for Mount
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn from(service: S) -> Self {
        Self::new(service)
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mount")
    }
}
