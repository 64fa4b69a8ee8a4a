//! Which part of the server answers a request: RPC paths, pages, admin operations, calls, the mounted service, in this
//! order.

use super::{
    Http, Mount, admin,
    body::{self, Body},
    browser, call, framing, get,
    hijack::{self, HandedOver},
    page_access,
    progress::Progress,
    request_body::RequestBody,
    respond, rpc,
    snapshots::Snapshots,
};
use crate::{
    pages::{self, Audience, PageEntry, PageRequest},
    protocol::ConnCx,
};
use bytes::Bytes;
use codecs::AnyCodec;
use hyper::{
    Method, Request, Response, StatusCode, Version,
    body::Body as _,
    header::{ACCEPT, CONNECTION, HOST},
};
use std::{sync::Arc, time::Instant};

/// What browsers ask for beside every page.
const ICON: &str = "/favicon.ico";

/// Answers one request, or ends HTTP on its connection.
pub(super) async fn answer(
    http: Arc<Http>,
    cx: ConnCx,
    progress: Progress,
    mut request: Request<RequestBody>,
) -> Result<Response<Body>, HandedOver> {
    cx.dispatch.live.stats.http_requests.add_one();
    progress.notes().begin(request.body().is_end_stream());
    let is_in_reserve = cx.is_in_reserve();
    let fault = framing::fault(&request);
    if !is_in_reserve && fault.is_none() && hands_over(&cx, &request) {
        return Err(hijack::hand_over(request, &progress));
    }
    let in_flight = cx.tracked.call();
    let target = find(&http, &cx, &request);
    let origin = match target.is_for_pages() {
        true => browser::allowed_origin(&cx.dispatch.live.config(), request.headers()),
        false => None,
    };
    let is_faulty = fault.is_some();
    let refusal = match (fault, is_in_reserve && !matches!(target, Target::Page(..) | Target::Admin(_))) {
        (Some(fault), _) => Some(fault),
        (None, true) => {
            cx.dispatch.live.stats.connections_refused.add_one();
            Some(respond::text(StatusCode::SERVICE_UNAVAILABLE, "too many connections\n"))
        }
        (None, false) => target.refusal(&cx, &request),
    };
    let is_ours = refusal.is_some() || !matches!(target, Target::Mount(_));
    let version = request.version();
    let is_head = *request.method() == Method::HEAD;
    // Whether the rest of the request is ours to read.
    let mut rest = None;
    let reply = match (refusal, target) {
        (Some(refusal), _) => {
            rest = Some(request);
            refusal
        }
        (None, _) if origin.is_some() && browser::is_preflight(&request) => browser::preflight(),
        (None, target) => {
            if target.runs_programs_code(request.method())
                && let Some(front) = &cx.front
            {
                front.leave().await;
            }
            match target {
                Target::Mount(mount) => mount.answer(request).await,
                target => {
                    let reply = target.answer(&cx, &mut request, &progress).await;
                    rest = Some(request);
                    reply
                }
            }
        }
    };
    let is_last = match rest {
        _ if is_faulty => true,
        Some(mut request) if version < Version::HTTP_2 && progress.notes().is_receiving() => {
            !body::skip(&mut request, &cx, &progress).await
        }
        _ => false,
    };
    // HTTP/1.0 has no other end for a body of unknown length.
    let is_last = is_last || (version == Version::HTTP_10 && reply.body().size_hint().exact().is_none());
    let reply = match origin {
        Some(origin) => browser::shown_to(origin, reply),
        None => reply,
    };
    let reply = if is_ours { respond::guarded(reply) } else { reply };
    // hyper does the same for HTTP/1.
    let reply = if is_head && version >= Version::HTTP_2 { respond::without_body(reply) } else { reply };
    let reply = reply.map(|body| body.held(&cx).noted(progress, in_flight));
    // There are few places in the reserve.
    let closes = is_in_reserve || (is_last && version < Version::HTTP_2);
    let reply = if closes { respond::with(reply, CONNECTION, "close") } else { reply };
    Ok(if version == Version::HTTP_10 { respond::as_in_1_0(reply) } else { reply })
}

/// Whether the connection is another protocol's from here on.
fn hands_over(cx: &ConnCx, request: &Request<RequestBody>) -> bool {
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

/// What answers a request.
enum Target<'s> {
    HttpRpc(AnyCodec),
    /// A path for CONNECT, asked for by another method or with a body in chunks.
    RpcPath {
        http_rpc: bool,
    },
    /// What a load balancer asks of the server as a whole.
    Options,
    Page(&'static PageEntry, &'s Snapshots),
    Admin(&'static admin::Path),
    /// A method's full name.
    Call(String),
    Mount(&'s Mount),
    Icon,
    Nothing,
}

fn find<'s>(http: &'s Http, cx: &ConnCx, request: &Request<RequestBody>) -> Target<'s> {
    let (method, path) = (request.method(), request.uri().path());
    if let Some(codec) = http_rpc_codec(cx, path) {
        return Target::HttpRpc(codec.clone());
    }
    if cx.takes_path(path) {
        return Target::RpcPath { http_rpc: cx.port.http_rpc };
    }
    // What a proxy would be asked; there is nothing behind this server.
    if method == Method::CONNECT {
        return Target::Nothing;
    }
    if path == "*" && method == Method::OPTIONS {
        return Target::Options;
    }
    if let Some(page) = pages::find(path) {
        return Target::Page(page, &http.snapshots);
    }
    if let Some(operation) = admin::find(path) {
        return Target::Admin(operation);
    }
    // Nothing else is there.
    if cx.port.is_admin {
        return if path == ICON { Target::Icon } else { Target::Nothing };
    }
    // All paths of this form are Go-RPC's, also those of codecs that are not served: nothing but CONNECT is meant
    // there.
    if codecs::connect::parse_path(path).is_some() {
        return Target::RpcPath { http_rpc: false };
    }
    let name = method_name(path);
    let is_known = |(service, _): &(String, String)| cx.dispatch.registry.services().contains_key(service);
    // Where a login is required, a peer without one learns no names: not by another refusal of those that are there.
    let is_call = name.as_ref().is_some_and(is_known)
        || http.mount.is_none() && (method == Method::POST || cx.dispatch.live.policy().login_required());
    match (name, &http.mount) {
        (Some((service, method)), _) if is_call => Target::Call(format!("{service}.{method}")),
        (_, Some(mount)) => Target::Mount(mount),
        (_, None) if path == ICON => Target::Icon,
        (_, None) => Target::Nothing,
    }
}

impl Target<'_> {
    /// Whether pages of other origins may be shown the answer, where a setting says which.
    fn is_for_pages(&self) -> bool {
        matches!(self, Self::HttpRpc(_) | Self::Page(..) | Self::Call(_))
    }

    /// Whether code of the program has a part in the answer, which may keep its thread.
    fn runs_programs_code(&self, method: &Method) -> bool {
        match self {
            Self::HttpRpc(_) | Self::Call(_) | Self::Mount(_) => true,
            // A restart, or another filter of the log.
            Self::Admin(_) => *method == Method::POST,
            Self::RpcPath { .. } | Self::Options | Self::Page(..) | Self::Icon | Self::Nothing => false,
        }
    }

    /// The reply to a browser that has been led here, if it has been; `None` if the request is to be answered.
    fn refusal(&self, cx: &ConnCx, request: &Request<RequestBody>) -> Option<Response<Body>> {
        match self {
            Self::HttpRpc(_) | Self::Call(_) => {
                browser::call_refusal(cx, request).or_else(|| framing::coding_refusal(request))
            }
            Self::Mount(mount) if mount.is_guarded() => browser::call_refusal(cx, request),
            Self::Page(..) if pages::audience(request.uri().path()) != Audience::Probes => {
                browser::page_refusal(cx, request)
            }
            // Whether another page asks for it is looked at where the refusal is noted.
            Self::Admin(_) => browser::host_refusal(cx, request).or_else(|| framing::coding_refusal(request)),
            _ => None,
        }
    }

    async fn answer(
        self,
        cx: &ConnCx,
        request: &mut Request<RequestBody>,
        progress: &Progress,
    ) -> Response<Body> {
        match self {
            Self::HttpRpc(codec) => rpc::answer(cx, &codec, request, progress).await,
            Self::RpcPath { .. } if *request.method() == Method::CONNECT => {
                respond::text(StatusCode::BAD_REQUEST, "400 CONNECT has no chunked body\n")
            }
            Self::RpcPath { http_rpc } => respond::must_connect(http_rpc),
            Self::Options => respond::options(cx.dispatch.live.is_ready()),
            Self::Page(page, snapshots) => answer_page(cx, page, snapshots, request).await,
            Self::Admin(operation) => admin::answer(cx, operation, request, progress).await,
            Self::Call(full_name) if *request.method() == Method::POST => {
                call::answer(cx, &full_name, request, progress).await
            }
            Self::Call(full_name) => get::answer(cx, &full_name, request).await,
            Self::Icon => respond::with_status(StatusCode::NO_CONTENT, Body::full(Bytes::new())),
            Self::Mount(_) | Self::Nothing => respond::not_found(),
        }
    }
}

async fn answer_page(
    cx: &ConnCx,
    page: &PageEntry,
    snapshots: &Snapshots,
    request: &Request<RequestBody>,
) -> Response<Body> {
    let path = request.uri().path();
    let audience = pages::audience(path);
    let sight = match page_access::sight(cx, audience, request.headers()).await {
        Ok(sight) => sight,
        Err(refusal) => return refusal,
    };
    match *request.method() {
        Method::GET | Method::HEAD => {
            let Some(ask) = ask(request, page) else {
                return respond::not_acceptable(&page.forms());
            };
            let connections = pages::connections_on(path);
            let take = || cx.port.snapshot(connections);
            // What a probe is told has to be true now.
            let snapshot = match audience {
                Audience::Probes => Arc::new(take()),
                _ => snapshots.get(Instant::now(), connections > 0, take),
            };
            respond::page((page.make)(&sight.of(cx, &snapshot), &ask))
        }
        Method::OPTIONS => respond::options(cx.dispatch.live.is_ready()),
        _ => respond::method_not_allowed("GET, HEAD, OPTIONS"),
    }
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

/// What a page wants to know of a request; `None` if it has no form that would do.
fn ask(request: &Request<RequestBody>, page: &PageEntry) -> Option<PageRequest> {
    let header = |name| {
        let values = request.headers().get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
    };
    page.ask(&header(ACCEPT), request.uri().query().unwrap_or_default(), &header(HOST))
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
