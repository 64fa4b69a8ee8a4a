//! A program's own HTTP pages beside the server's: any tower service, such as an `axum::Router`.

use super::{body::Body, body::BoxError, respond};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode, body::Incoming};
use std::{fmt, future::Future, panic::AssertUnwindSafe, pin::Pin};
use tower::{Service, ServiceExt};

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

/// What serves the HTTP paths that are not the server's own.
///
/// Made of any cloneable tower service from `Request<hyper::body::Incoming>` to a response whose body is of `Bytes`. A
/// service that fails or panics before its response is answered 500 in its place.
pub struct Mount(Box<dyn Fn(Request<Incoming>) -> Answer + Send + Sync>);

impl Mount {
    /// Mounts `service`; each request is given to a clone of it.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Box::new(move |request| {
            let service = service.clone();
            Box::pin(async move {
                let response = service.oneshot(request).await.map_err(Into::into)?;
                Ok(response.map(|body| Body::mounted(body.map_err(Into::into).boxed_unsync())))
            })
        }))
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let answered = AssertUnwindSafe(async { (self.0)(request).await }).catch_unwind().await;
        match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                tracing::error!(error = &*error as &dyn std::error::Error, "mounted service failed");
                failed()
            }
            Err(_) => failed(),
        }
    }
}

fn failed() -> Response<Body> {
    respond::text(StatusCode::INTERNAL_SERVER_ERROR, "500 internal server error\n")
}

impl<S, B> From<S> for Mount
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
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
