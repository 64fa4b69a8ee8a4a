//! `POST /<Service>/<Method>`: one JSON argument in, JSON out, for curl and all that has no Go-RPC client.
//!
//! Shape: the body is the bare argument (none means null); the reply is the bare value and a line end, a stream's
//! items come one per line as `application/x-ndjson`. `Rpc-Timeout: <ms>` or `?timeout=<ms>` limits the call, basic
//! authentication names a user. Failures are `{"error":{"code","message","data"}}` with HTTP's status for them; in the
//! middle of a stream, which has its status already, they are its last line.

use super::{
    body::{self, Body, ReadError},
    progress::Progress,
    reply::{Answer, First, Replies},
    request_body::RequestBody,
    respond,
};
use crate::{
    auth::{Credential, Denied, Identity},
    call::{access::Caller, attempt::start_aside, in_flight::InFlightCall},
    error::CallError,
    live::memory::Held,
    protocol::ConnCx,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use codecs::Args;
use hyper::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap},
};
use std::time::Duration;

const LINES: &str = "application/x-ndjson";
const TIMEOUT: &str = "rpc-timeout";

/// Makes the call.
pub(super) async fn answer(
    cx: &ConnCx,
    full_name: &str,
    request: &mut Request<RequestBody>,
    progress: &Progress,
) -> Response<Body> {
    let Ok(user) = user(request.headers(), cx).await else {
        return respond::wrong_user();
    };
    let peer = cx.peer("json", user);
    // Before the body is asked for, let alone held.
    let refused = {
        let policy = cx.dispatch.live.policy();
        cx.dispatch.find(full_name.as_bytes(), &Caller::new(&peer, &policy)).err()
    };
    if let Some(error) = refused {
        return respond::call_error(&error);
    }
    let Ok(timeout) = timeout(request.headers(), in_query(request.uri().query().unwrap_or_default())) else {
        return respond::bad_timeout();
    };
    let limit = cx.dispatch.live.config().max_message_bytes;
    let mut held = Held::new(&cx.dispatch.live, &cx.tracked);
    let args = match body::read(request.body_mut(), limit, progress, &mut held).await {
        Ok(args) => args,
        Err(error) => return unread(&error, limit),
    };
    let started = {
        let args: &[u8] = if args.is_empty() { b"null" } else { &args };
        let start = |attempt| {
            let (name, json) = (full_name.as_bytes(), Args::JsonValue(args));
            cx.dispatch.start_in_flight(&peer, name, json, args.len(), timeout, attempt)
        };
        start_aside(args.len(), start).await
    };
    drop(args);
    if let Ok(call) = &started {
        held.set(call.held_bytes());
    }
    reply(started).await
}

/// What is sent for a call that was started, or was not.
pub(super) async fn reply(started: Result<InFlightCall, CallError>) -> Response<Body> {
    match started {
        Err(error) => respond::call_error(&error),
        Ok(call) => match Answer::new(call, Replies::Bare).first().await {
            First::Only(value) => respond::value(value),
            First::Stream(answer) => respond::reply(StatusCode::OK, LINES, Body::reply(answer)),
            First::Empty(nothing) => respond::reply(StatusCode::OK, LINES, Body::full(nothing)),
            First::Failed(error) => respond::call_error(&error),
        },
    }
}

/// The reply to a request whose body was not read.
pub(super) fn unread(error: &ReadError, limit: usize) -> Response<Body> {
    match error {
        ReadError::TooBig => {
            let message = format!("body is over the limit of {limit} bytes");
            respond::error(StatusCode::PAYLOAD_TOO_LARGE, "too_big", &message)
        }
        ReadError::Broken => respond::error(StatusCode::BAD_REQUEST, "bad_body", "body broke off"),
    }
}

/// The user a request names and proves to be. A server without users does not read the header.
pub(super) async fn user(headers: &HeaderMap, cx: &ConnCx) -> Result<Option<Identity>, Denied> {
    if !cx.has_users() {
        return Ok(None);
    }
    let Some(login) = headers.get(AUTHORIZATION).and_then(|value| basic(value.as_bytes())) else {
        return Ok(None);
    };
    let decoded = STANDARD.decode(login).ok().and_then(|text| String::from_utf8(text).ok());
    let (user, secret) = decoded.as_deref().and_then(|text| text.split_once(':')).unwrap_or_default();
    cx.verify(&Credential::Password { user, secret }).await.map(Some)
}

/// The part of `Basic <part>`; other schemes are not ours.
fn basic(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    scheme.eq_ignore_ascii_case(b"basic ").then(|| rest.trim_ascii())
}

/// The caller's time limit: the header's, or what else it has said.
pub(super) fn timeout(
    headers: &HeaderMap,
    other: Option<&str>,
) -> Result<Option<Duration>, std::num::ParseIntError> {
    let millis = match headers.get(TIMEOUT) {
        Some(value) => Some(value.to_str().unwrap_or_default()),
        None => other,
    };
    millis.map(|text| text.trim().parse().map(Duration::from_millis)).transpose()
}

fn in_query(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("timeout="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn time_limits() {
        let header = |value: &'static str| {
            HeaderMap::from_iter([(
                hyper::header::HeaderName::from_static(TIMEOUT),
                HeaderValue::from_static(value),
            )])
        };
        let ms = |n| Some(Duration::from_millis(n));
        assert_eq!(timeout(&HeaderMap::new(), in_query("a=b")).unwrap(), None);
        assert_eq!(timeout(&HeaderMap::new(), in_query("a=b&timeout=250")).unwrap(), ms(250));
        assert_eq!(timeout(&header(" 40 "), Some("250")).unwrap(), ms(40));
        for bad in ["", "-1", "1s", "1.5", "99999999999999999999999"] {
            assert!(timeout(&HeaderMap::new(), Some(bad)).is_err(), "{bad}");
        }
        assert!(timeout(&header("soon"), None).is_err());
    }

    #[test]
    fn basic_authentication_headers() {
        assert_eq!(basic(b"Basic YWxhOmtvdDI="), Some(&b"YWxhOmtvdDI="[..]));
        assert_eq!(basic(b"basic  x "), Some(&b"x"[..]));
        assert_eq!(basic(b"Bearer x"), None);
        assert_eq!(basic(b"Basi"), None);
    }
}
