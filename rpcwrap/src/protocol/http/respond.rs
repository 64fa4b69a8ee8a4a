//! Replies that are all there when they start: pages, refusals, one call's value or error.

use super::body::Body;
use crate::{
    error::{CallError, Error},
    pages::Page,
};
use bytes::Bytes;
use hyper::{
    Response, StatusCode, Version,
    body::Body as _,
    header::{
        ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
        RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use serde_json::{Value, json};

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// How a peer can say who it is.
pub(super) const BASIC: &str = "Basic realm=\"rpcwrap\"";

/// A reply of this status, type and body.
pub(super) fn reply(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let reply = with_status(status, body);
    with(reply, CONTENT_TYPE, content_type)
}

/// The same reply with one more header.
pub(super) fn with(mut reply: Response<Body>, name: HeaderName, value: &'static str) -> Response<Body> {
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
    reply
}

/// A reply of this status without a type.
pub(super) fn with_status(status: StatusCode, body: Body) -> Response<Body> {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply
}

/// A line of plain text.
pub(super) fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    reply(status, TEXT, Body::full(body))
}

/// The reply with what it tells browsers: to take it for what it says it is, to show it in no frame, and to name it to
/// none of the servers its links lead to.
pub(super) fn guarded(reply: Response<Body>) -> Response<Body> {
    let reply = with(reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
    let reply = with(reply, X_FRAME_OPTIONS, "DENY");
    with(reply, REFERRER_POLICY, "no-referrer")
}

/// A page.
pub(super) fn page(page: Page) -> Response<Body> {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = reply(status, page.content_type, Body::full(page.body));
    for (name, value) in page.headers {
        reply.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    reply
}

/// Nothing is there: the text Go answers.
pub(super) fn not_found() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// An RPC path was asked for by another method: the bytes Go answers, and what it should have been.
pub(super) fn must_connect(http_rpc: bool) -> Response<Body> {
    let allow = if http_rpc { "CONNECT, POST" } else { "CONNECT" };
    with(text(StatusCode::METHOD_NOT_ALLOWED, "405 must CONNECT\n"), ALLOW, allow)
}

/// A path that is there but not for this method.
pub(super) fn method_not_allowed(allow: &'static str) -> Response<Body> {
    with(text(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n"), ALLOW, allow)
}

/// The reply to HEAD: what the reply to GET says of its body, without it.
pub(super) fn without_body(reply: Response<Body>) -> Response<Body> {
    let (mut head, body) = reply.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    Response::from_parts(head, Body::full(Bytes::new()))
}

/// The reply to a request of HTTP/1.0: one that says `close` is not to say `keep-alive` too, as hyper adds to replies of
/// a later version.
pub(super) fn as_in_1_0(mut reply: Response<Body>) -> Response<Body> {
    let says_close = |value: &HeaderValue| {
        let mut tokens = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        tokens.any(|token| token.eq_ignore_ascii_case(b"close"))
    };
    if reply.headers().get_all(CONNECTION).iter().any(says_close) {
        *reply.version_mut() = Version::HTTP_10;
    }
    reply
}

/// A page that has none of the forms asked for, but these.
pub(super) fn not_acceptable(forms: &str) -> Response<Body> {
    let text = format!("406 not acceptable: this page comes as {forms}\n");
    reply(StatusCode::NOT_ACCEPTABLE, TEXT, Body::full(text))
}

/// What `OPTIONS` of a page says: to load balancers, whether to send more.
pub(super) fn options(ready: bool) -> Response<Body> {
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    with(with_status(status, Body::full(Bytes::new())), ALLOW, "GET, HEAD, OPTIONS")
}

/// A call's JSON value.
pub(super) fn value(value: Bytes) -> Response<Body> {
    reply(StatusCode::OK, JSON, Body::full(value))
}

/// A failure in JSON.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    reply(status, JSON, Body::full(error_text(code, message, None)))
}

/// A time limit that is none.
pub(super) fn bad_timeout() -> Response<Body> {
    let message = "Rpc-Timeout and ?timeout= take whole milliseconds";
    error(StatusCode::BAD_REQUEST, "bad_timeout", message)
}

/// A credential that proves nothing.
pub(super) fn wrong_user() -> Response<Body> {
    call_error(&CallError::Failed(Error::new("wrong user or password").code("unauthenticated")))
}

/// A call that failed, with the status HTTP has for it.
pub(super) fn call_error(error: &CallError) -> Response<Body> {
    let status = status_of(error);
    let text = error_text(error.code(), &error.to_string(), error.data());
    let reply = reply(status, JSON, Body::full(text));
    match status {
        StatusCode::UNAUTHORIZED => with(reply, WWW_AUTHENTICATE, BASIC),
        StatusCode::SERVICE_UNAVAILABLE => with(reply, RETRY_AFTER, "1"),
        _ => reply,
    }
}

/// `{"error":{"code","message"[,"data"]}}` and a line end.
pub(super) fn error_text(code: &str, message: &str, data: Option<&Value>) -> Vec<u8> {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(data), Some(members)) = (data, error.as_object_mut()) {
        members.insert("data".to_owned(), data.clone());
    }
    let mut text = json!({ "error": error }).to_string().into_bytes();
    text.push(b'\n');
    text
}

fn status_of(error: &CallError) -> StatusCode {
    match error {
        CallError::IllFormed(_) | CallError::BadArguments(_) => StatusCode::BAD_REQUEST,
        CallError::UnknownService(_) | CallError::UnknownMethod(_) => StatusCode::NOT_FOUND,
        CallError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        CallError::NeedsTls(_) | CallError::Denied { .. } => StatusCode::FORBIDDEN,
        CallError::Busy { .. } | CallError::OverUserLimit { .. } => StatusCode::TOO_MANY_REQUESTS,
        CallError::Overloaded | CallError::Draining | CallError::Canceled => StatusCode::SERVICE_UNAVAILABLE,
        CallError::Deadline(_) => StatusCode::GATEWAY_TIMEOUT,
        CallError::Panicked | CallError::BadReply(_) => StatusCode::INTERNAL_SERVER_ERROR,
        CallError::Failed(_) => match error.code() {
            "bad_arguments" | "invalid_argument" => StatusCode::BAD_REQUEST,
            "unauthenticated" => StatusCode::UNAUTHORIZED,
            "denied" => StatusCode::FORBIDDEN,
            "not_found" => StatusCode::NOT_FOUND,
            "busy" => StatusCode::TOO_MANY_REQUESTS,
            "unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            "deadline" => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codecs::{EncodeError, ValueError};
    use std::time::Duration;

    #[test]
    fn every_failure_has_its_status() {
        let name = || "Arith.Divide".to_owned();
        let own = |code: &'static str| CallError::Failed(Error::new("no").code(code));
        for (error, status) in [
            (CallError::IllFormed(name()), 400),
            (CallError::BadArguments(ValueError::new("no")), 400),
            (CallError::UnknownService(name()), 404),
            (CallError::UnknownMethod(name()), 404),
            (CallError::Unauthenticated(name()), 401),
            (CallError::NeedsTls(name()), 403),
            (CallError::Denied { name: name(), user: "ala".into() }, 403),
            (CallError::Busy { name: name(), limit: 1 }, 429),
            (CallError::Overloaded, 503),
            (CallError::Draining, 503),
            (CallError::Canceled, 503),
            (CallError::Deadline(Duration::from_millis(5)), 504),
            (CallError::Panicked, 500),
            (CallError::BadReply(EncodeError::new("no")), 500),
            (CallError::Failed("no".into()), 500),
            (own("not_found"), 404),
            (own("bad_arguments"), 400),
            (own("invalid_argument"), 400),
            (own("denied"), 403),
            (own("unauthenticated"), 401),
            (own("busy"), 429),
            (own("unavailable"), 503),
            (own("deadline"), 504),
            (own("anything_else"), 500),
        ] {
            let reply = call_error(&error);
            assert_eq!(reply.status(), status, "{error:?}");
            assert_eq!(reply.headers().contains_key(WWW_AUTHENTICATE), status == 401);
            assert_eq!(reply.headers().contains_key(RETRY_AFTER), status == 503);
        }
    }

    #[test]
    fn errors_carry_code_text_and_data() {
        assert_eq!(
            error_text("failed", "divide by \"zero\"", None),
            b"{\"error\":{\"code\":\"failed\",\"message\":\"divide by \\\"zero\\\"\"}}\n"
        );
        let with_data: Value =
            serde_json::from_slice(&error_text("x", "y", Some(&json!({ "account": 7 })))).unwrap();
        assert_eq!(with_data["error"]["data"]["account"], 7);
    }
}
