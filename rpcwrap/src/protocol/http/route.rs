//! Which part of the server answers a request: RPC paths, pages, admin operations, calls, the mounted service, in this
//! order.

use super::{
    Http, admin,
    body::Body,
    call, get,
    hijack::{self, HandedOver},
    page_access,
    progress::Progress,
    respond, rpc,
};
use crate::{
    live::shutdown::Phase,
    pages::{self, PageRequest},
    protocol::ConnCx,
};
use codecs::AnyCodec;
use hyper::{
    Method, Request, Response, StatusCode, Version,
    body::{Body as _, Incoming},
    header::{ACCEPT, HOST},
};
use std::sync::Arc;

/// Answers one request, or ends HTTP on its connection.
pub(super) async fn answer(
    http: Arc<Http>,
    cx: ConnCx,
    progress: Progress,
    request: Request<Incoming>,
) -> Result<Response<Body>, HandedOver> {
    cx.dispatch.live.stats.http_requests.add_one();
    progress.notes().begin(request.body().is_end_stream());
    let path = request.uri().path();
    if hands_over(&cx, &request) {
        return Err(hijack::hand_over(request, &progress));
    }
    let _in_flight = cx.tracked.call();
    let reply = if let Some(codec) = http_rpc_codec(&cx, path).cloned() {
        rpc::answer(&cx, &codec, request, &progress).await
    } else if cx.takes_path(path) {
        match *request.method() {
            Method::CONNECT => respond::text(StatusCode::BAD_REQUEST, "400 CONNECT has no chunked body\n"),
            _ => respond::must_connect(cx.port.http_rpc),
        }
    } else {
        other(&http, &cx, request, &progress).await
    };
    Ok(reply.map(|body| body.noted(progress)))
}

/// Whether the connection is another protocol's from here on.
fn hands_over(cx: &ConnCx, request: &Request<Incoming>) -> bool {
    let path = request.uri().path();
    request.method() == Method::CONNECT
        && request.version() < Version::HTTP_2
        && http_rpc_codec(cx, path).is_none()
        && cx.takes_path(path)
        && hijack::is_bare(request)
}

/// The codec of `/_<codec>_rpc_` on a listener that takes calls there.
fn http_rpc_codec<'a>(cx: &'a ConnCx, path: &str) -> Option<&'a AnyCodec> {
    if !cx.port.http_rpc {
        return None;
    }
    let (name, auth) = codecs::connect::parse_path(path)?;
    cx.port.codecs.iter().find(|codec| codec.name() == name && !auth)
}

async fn other(http: &Http, cx: &ConnCx, request: Request<Incoming>, progress: &Progress) -> Response<Body> {
    let path = request.uri().path();
    // What a proxy would be asked; there is nothing behind this server.
    if request.method() == Method::CONNECT {
        return respond::not_found();
    }
    if path == "*" && request.method() == Method::OPTIONS {
        return respond::options(is_ready(cx));
    }
    if let Some(page) = pages::find(path) {
        if let Some(refusal) = page_access::refusal(cx, pages::audience(path), request.headers()).await {
            return refusal;
        }
        return match *request.method() {
            Method::GET | Method::HEAD => {
                let snapshot = cx.port.snapshot(pages::connections_on(path));
                respond::page(page(&snapshot, &ask(&request)))
            }
            Method::OPTIONS => respond::options(is_ready(cx)),
            _ => respond::method_not_allowed("GET, HEAD, OPTIONS"),
        };
    }
    if let Some(operation) = admin::find(path) {
        return admin::answer(cx, operation, request, progress).await;
    }
    // Nothing else is there.
    if cx.port.is_admin {
        return respond::not_found();
    }
    // All paths of this form are Go-RPC's, also those of codecs that are not served: nothing but CONNECT is meant
    // there.
    if codecs::connect::parse_path(path).is_some() {
        return respond::must_connect(false);
    }
    let name = method_name(path);
    if let Some((service, method)) = &name
        && cx.dispatch.registry.services().contains_key(service)
    {
        let full_name = format!("{service}.{method}");
        return match *request.method() {
            Method::POST => call::answer(cx, &full_name, request, progress).await,
            _ => get::answer(cx, &full_name, &request).await,
        };
    }
    match (&http.mount, name) {
        (Some(mount), _) => mount.answer(request).await,
        (None, Some((service, method))) if request.method() == Method::POST => {
            let full_name = format!("{service}.{method}");
            call::answer(cx, &full_name, request, progress).await
        }
        (None, _) => respond::not_found(),
    }
}

fn is_ready(cx: &ConnCx) -> bool {
    cx.dispatch.live.shutdown.phase() == Phase::Serving
}

/// `/Arith/Multiply` → service and method.
fn method_name(path: &str) -> Option<(String, String)> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let is_name = |part: &str| !part.is_empty() && !part.contains('/');
    (is_name(service) && is_name(method)).then(|| (percent_decoded(service), percent_decoded(method)))
}

/// `Gr%C3%B6%C3%9Fe` → `Größe`; what is no escape stays.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', hex @ ..] => hex
                .get(..2)
                .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        out.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a page wants to know of a request.
fn ask(request: &Request<Incoming>) -> PageRequest {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    PageRequest::new(header(ACCEPT), request.uri().query().unwrap_or_default(), header(HOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_methods() {
        let name = |path| method_name(path).map(|(service, method)| format!("{service}.{method}"));
        for (path, wanted) in [
            ("/Arith/Multiply", Some("Arith.Multiply")),
            ("/ns.Arith/Add", Some("ns.Arith.Add")),
            ("/Gr%C3%B6%c3%9Fe/100%25", Some("Größe.100%")),
            ("/A/%4", Some("A.%4")),
            ("/A/%+1x", Some("A.%+1x")),
            ("/Arith", None),
            ("/Arith/", None),
            ("//Multiply", None),
            ("/Arith/Multiply/", None),
            ("/a/b/c", None),
            ("", None),
            ("*", None),
        ] {
            assert_eq!(name(path).as_deref(), wanted, "{path}");
        }
    }
}
