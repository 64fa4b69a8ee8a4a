//! What is wrong with how a request is framed, whatever it asks for: where hyper is more lenient than RFC 9112 or Go.

use super::{body::Body, respond};
use hyper::{
    Method, Request, Response, StatusCode, Version,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, HOST, HeaderMap, TRANSFER_ENCODING},
};

/// Header lines of a request. hyper has this limit for HTTP/1.
const MAX_HEADERS: usize = 100;

/// The reply to a request that cannot be believed; its connection is closed, as where the next one begins is not sure.
pub(super) fn fault<B>(request: &Request<B>) -> Option<Response<Body>> {
    if request.headers().len() > MAX_HEADERS {
        let text = "431 request header fields too large: more than 100 of them\n";
        return Some(respond::guarded(respond::text(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)));
    }
    if request.version() >= Version::HTTP_2 {
        return None;
    }
    let (status, text) = http1_fault(request.version(), request.method(), request.headers())?;
    Some(respond::guarded(respond::text(status, text)))
}

/// As Go's server has it, in its words.
fn http1_fault(version: Version, method: &Method, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    match headers.get_all(HOST).iter().count() {
        0 if version == Version::HTTP_11 && method != Method::CONNECT => {
            return Some((StatusCode::BAD_REQUEST, "400 Bad Request: missing required Host header\n"));
        }
        0 | 1 => {}
        _ => return Some((StatusCode::BAD_REQUEST, "400 Bad Request: too many Host headers\n")),
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => None,
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => None,
        (Some(_), None) => Some((StatusCode::NOT_IMPLEMENTED, "501 Unsupported transfer encoding\n")),
        (Some(_), Some(_)) => {
            Some((StatusCode::BAD_REQUEST, "400 Bad Request: too many transfer encodings\n"))
        }
    }
}

/// The reply to a body in a coding: none is undone here, and what it holds is not what it looks like.
pub(super) fn coding_refusal<B: hyper::body::Body>(request: &Request<B>) -> Option<Response<Body>> {
    let is_plain = |value: &hyper::header::HeaderValue| {
        let mut codings = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
    };
    if request.body().is_end_stream() || request.headers().get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return None;
    }
    let message = "bodies are taken without Content-Encoding only";
    let reply = respond::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", message);
    Some(respond::with(reply, ACCEPT_ENCODING, "identity"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;

    fn request(version: Version, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from_static(b"x")));
        *request.version_mut() = version;
        for (name, value) in headers {
            let name: hyper::header::HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        request
    }

    #[test]
    fn requests_of_doubtful_framing() {
        let host = ("host", "a");
        for (version, headers, wanted) in [
            (Version::HTTP_11, &[host][..], None),
            (Version::HTTP_11, &[("host", "")], None),
            (Version::HTTP_11, &[], Some(400)),
            (Version::HTTP_10, &[], None),
            (Version::HTTP_2, &[], None),
            (Version::HTTP_11, &[host, host], Some(400)),
            (Version::HTTP_10, &[host, ("host", "b")], Some(400)),
            (Version::HTTP_11, &[host, ("transfer-encoding", "chunked")], None),
            (Version::HTTP_11, &[host, ("transfer-encoding", "Chunked")], None),
            (Version::HTTP_11, &[host, ("transfer-encoding", "gzip, chunked")], Some(501)),
            (Version::HTTP_11, &[host, ("transfer-encoding", "chunked, chunked")], Some(501)),
            (
                Version::HTTP_11,
                &[host, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
                Some(400),
            ),
            (Version::HTTP_2, &[("x", "y"); 100], None),
            (Version::HTTP_2, &[("x", "y"); 101], Some(431)),
        ] {
            let found = fault(&request(version, headers)).map(|reply| reply.status().as_u16());
            assert_eq!(found, wanted, "{version:?} {headers:?}");
        }
    }

    #[test]
    fn bodies_in_a_coding() {
        for (codings, wanted) in [
            (&[][..], None),
            (&["identity"], None),
            (&["gzip"], Some(415)),
            (&["identity, br"], Some(415)),
            (&["identity", "zstd"], Some(415)),
        ] {
            let headers: Vec<_> = codings.iter().map(|coding| ("content-encoding", *coding)).collect();
            let found = coding_refusal(&request(Version::HTTP_11, &headers));
            assert_eq!(found.map(|reply| reply.status().as_u16()), wanted, "{codings:?}");
        }
    }
}
