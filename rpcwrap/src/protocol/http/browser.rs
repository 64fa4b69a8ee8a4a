//! What a browser says of a request: which page has made it, and by which name this server was asked.
//!
//! A page of another site must neither call methods by its visitor's browser nor, once its own name leads to this
//! server (DNS rebinding), read what is here. Calls are judged as by `http.CrossOriginProtection` of Go 1.25, and those
//! by GET by what the browser says of them; programs, which send neither `Sec-Fetch-Site` nor `Origin`, are not.

use super::{body::Body, respond};
use crate::{live::config::Config, protocol::ConnCx};
use hyper::{
    Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
    },
};
use std::net::IpAddr;

const SEC_FETCH_SITE: &str = "sec-fetch-site";
const OTHER_ORIGIN: &str =
    "a page of another origin has made this request; the setting allow_origins allows some";
const OTHER_HOST: &str =
    "the host of this request is no name of this server; the setting allow_hosts names some";

/// The reply to a request for a page of ours that a page of another origin has made, unless it changes nothing, or that
/// asks for a server of another name.
pub(super) fn page_refusal<B>(cx: &ConnCx, request: &Request<B>) -> Option<Response<Body>> {
    if is_safe(request.method()) { host_refusal(cx, request) } else { call_refusal(cx, request) }
}

/// The reply to a call that a page may not make, or that asks for a server of another name; `None` if it may be made.
pub(super) fn call_refusal<B>(cx: &ConnCx, request: &Request<B>) -> Option<Response<Body>> {
    let config = cx.dispatch.live.config();
    let is_refused = !is_exempt(request.method())
        && is_of_other_site(request)
        && allowed_origin(&config, request.headers()).is_none();
    drop(config);
    if is_refused {
        cx.dispatch.live.stats.other_origins.add_one();
        return Some(respond::error(StatusCode::FORBIDDEN, "denied", OTHER_ORIGIN));
    }
    host_refusal(cx, request)
}

/// The reply to a request that asks for a server of another name; `None` if the name is ours, or is not looked at.
pub(super) fn host_refusal<B>(cx: &ConnCx, request: &Request<B>) -> Option<Response<Body>> {
    let config = cx.dispatch.live.config();
    if !cx.port.is_loopback && config.allow_hosts.is_empty() {
        return None;
    }
    let is_own =
        is_exempt(request.method()) || names(request).all(|name| is_own_name(name, &config.allow_hosts));
    drop(config);
    if is_own {
        return None;
    }
    cx.dispatch.live.stats.other_hosts.add_one();
    Some(respond::error(StatusCode::FORBIDDEN, "denied", OTHER_HOST))
}

/// Whether a browser says that a page of another origin is behind the request. For one that changes nothing,
/// `Sec-Fetch-Site` has to say so; a browser that is too old for it cannot show its answer to the page anyway.
pub(super) fn is_of_other_site<B>(request: &Request<B>) -> bool {
    let said = |site: &&[u8]| !site.is_empty();
    let sites = request.headers().get_all(SEC_FETCH_SITE).iter().map(HeaderValue::as_bytes).filter(said);
    let mut sites = sites.peekable();
    if is_safe(request.method()) {
        return sites.any(|site| matches!(site, b"cross-site" | b"same-site"));
    }
    if sites.peek().is_some() {
        return sites.any(|site| !matches!(site, b"same-origin" | b"none"));
    }
    names_other_origin(request)
}

/// Whether no page can make requests of this method but a browser for itself, or a load balancer.
fn is_exempt(method: &Method) -> bool {
    matches!(*method, Method::OPTIONS | Method::CONNECT)
}

/// Whether requests of this method change nothing.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether the request has an `Origin` that is not where it was sent to.
pub(super) fn names_other_origin<B>(request: &Request<B>) -> bool {
    let own = names(request).next();
    let is_own = |origin: &[u8]| {
        let host = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
        host.zip(own).is_some_and(|(host, own)| host.eq_ignore_ascii_case(own))
    };
    request.headers().get_all(ORIGIN).iter().any(|origin| !is_own(origin.as_bytes()))
}

/// What the request calls the server, with the port: its URI's authority, which HTTP/2 has in the place of `Host`, then
/// `Host`.
fn names<B>(request: &Request<B>) -> impl Iterator<Item = &[u8]> {
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    authority.into_iter().chain(request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes))
}

/// Whether `name`, with or without a port, is that of every machine or one of `allowed`. No site's name leads to an
/// address by itself, so one that is an address has not been rebound.
fn is_own_name(name: &[u8], allowed: &[String]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let host = match name.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => name.rsplit_once(':').map_or(name, |(host, _)| host),
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host.is_empty()
        || host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok()
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host))
}

/// The origin of the page behind the request, if it is one of `allow_origins`.
pub(super) fn allowed_origin(config: &Config, headers: &HeaderMap) -> Option<HeaderValue> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (origin, None) = (origins.next()?, origins.next()) else { return None };
    let is_it = |allowed: &String| origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes());
    config.allow_origins.iter().any(is_it).then(|| origin.clone())
}

/// What a browser asks before it lets a page make a request that no form could.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    *request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that question of a page that may.
pub(super) fn preflight() -> Response<Body> {
    let reply = respond::with_status(StatusCode::OK, Body::full(""));
    let reply = respond::with(reply, ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST");
    let reply =
        respond::with(reply, ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, Rpc-Timeout");
    respond::with(reply, ACCESS_CONTROL_MAX_AGE, "600")
}

/// The reply as a browser shows it to the page of `origin`.
pub(super) fn shown_to(origin: HeaderValue, mut reply: Response<Body>) -> Response<Body> {
    reply.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    respond::with(reply, VARY, "Origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let builder = Request::builder().method(method).uri(uri);
        headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value)).body(()).unwrap()
    }

    #[test]
    fn pages_of_other_origins() {
        let host = ("host", "a.example:7070");
        let origin = |origin| ("origin", origin);
        let site = |site| ("sec-fetch-site", site);
        for (method, headers, wanted) in [
            // Programs.
            ("POST", vec![], false),
            ("POST", vec![host], false),
            // Browsers of 2023 and later.
            ("POST", vec![host, site("same-origin")], false),
            ("POST", vec![host, site("none")], false),
            ("POST", vec![host, site("same-site")], true),
            ("POST", vec![host, site("cross-site")], true),
            ("POST", vec![host, site("new-word")], true),
            ("PUT", vec![host, site("cross-site")], true),
            ("POST", vec![host, site("same-origin"), site("cross-site")], true),
            ("POST", vec![host, site("same-origin"), origin("http://b.example")], false),
            // Older ones.
            ("POST", vec![host, origin("http://a.example:7070")], false),
            ("POST", vec![host, origin("https://A.example:7070")], false),
            ("POST", vec![host, site(""), origin("http://a.example:7070")], false),
            ("POST", vec![host, site(""), origin("http://b.example")], true),
            ("POST", vec![host, origin("http://a.example:7071")], true),
            ("POST", vec![host, origin("http://a.example")], true),
            ("POST", vec![host, origin("http://b.example")], true),
            ("POST", vec![host, origin("null")], true),
            ("POST", vec![host, origin("a.example:7070")], true),
            ("POST", vec![origin("http://a.example:7070")], true),
            // What changes nothing.
            ("GET", vec![host, site("cross-site")], true),
            ("HEAD", vec![host, site("same-site")], true),
            ("GET", vec![host, site("none"), site("cross-site")], true),
            ("GET", vec![host, site("new-word")], false),
            ("GET", vec![host, origin("http://b.example")], false),
        ] {
            assert_eq!(is_of_other_site(&request(method, "/A/B", &headers)), wanted, "{method} {headers:?}");
        }
        // The URI's authority comes before the header, as HTTP has it, and may stand alone in HTTP/2.
        for (headers, wanted) in [
            (vec![origin("http://a.example:7070")], false),
            (vec![origin("http://b.example"), ("host", "b.example")], true),
        ] {
            assert_eq!(is_of_other_site(&request("POST", "http://a.example:7070/A/B", &headers)), wanted);
        }
    }

    #[test]
    fn names_of_this_server() {
        let allowed = ["rpc.example".to_owned(), "other".to_owned()];
        for name in [
            "",
            ":7070",
            "127.0.0.1",
            "127.0.0.1:7070",
            "192.0.2.1:80",
            "[::1]",
            "[::1]:7070",
            "localhost",
            "LocalHost:7070",
            "localhost.",
            "a.b.localhost:80",
            "rpc.example",
            "RPC.example:7070",
            "rpc.example.:80",
            "other",
        ] {
            assert!(is_own_name(name.as_bytes(), &allowed), "{name}");
        }
        for name in [
            "x",
            "evil.example",
            "evil.example:7070",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "a.rpc.example",
            "rpc.example@evil.example",
            "[rpc",
            "1.2.3",
            "0x7f.0.0.1",
            "é",
        ] {
            assert!(!is_own_name(name.as_bytes(), &allowed), "{name}");
        }
    }

    #[test]
    fn every_name_of_a_request_counts() {
        let all = |uri, headers: &[_]| {
            let request = request("GET", uri, headers);
            names(&request).map(|name| name.escape_ascii().to_string()).collect::<Vec<_>>()
        };
        assert!(all("/", &[]).is_empty());
        assert_eq!(all("http://a/", &[("host", "b"), ("host", "c:1")]), ["a", "b", "c:1"]);
    }

    #[test]
    fn allowed_origins() {
        let config = Config::default().allow_origins(vec!["https://app.example".to_owned()]);
        for (headers, wanted) in [
            (vec![("origin", "https://app.example")], true),
            (vec![("origin", "https://App.example")], true),
            (vec![("origin", "http://app.example")], false),
            (vec![("origin", "https://app.example:8443")], false),
            (vec![("origin", "null")], false),
            (vec![("origin", "https://app.example"), ("origin", "https://b.example")], false),
            (vec![], false),
        ] {
            let request = request("POST", "/", &headers);
            assert_eq!(allowed_origin(&config, request.headers()).is_some(), wanted, "{headers:?}");
        }
    }
}
