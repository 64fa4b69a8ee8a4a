//! `GET /<Service>/<Method>?A=7&B=8`: a call of a method that changes nothing, its arguments in the query.
//!
//! Shape: `A=7&B=8` names the fields of the argument, `7&8` gives them by their place, `hello` a value without fields;
//! `%41` is a byte and `+` a blank. The reply is that of a POST. `timeout=<ms>` limits the call, unless the argument
//! has a field of that name in any case; `Rpc-Timeout` always does. HEAD is the same without the reply's body; every
//! other method is refused, and so is GET where the method is not [`read_only`](crate::Method::read_only).

use super::{body::Body, call, request_body::RequestBody, respond};
use crate::{
    call::{access::Caller, attempt::start_aside, registry::Entry},
    error::CallError,
    protocol::ConnCx,
};
use codecs::{
    Args, ValueError,
    schema::{Node, Schema, TypeOf},
    text::{Param, Query, TextArgs},
};
use hyper::{Method, Request, Response, StatusCode, body::Body as _, header::CACHE_CONTROL};
use std::borrow::Cow;

/// The parameter that limits a call.
const TIMEOUT: &str = "timeout";

/// Makes the call, or says by which methods it is made.
pub(super) async fn answer(cx: &ConnCx, full_name: &str, request: &Request<RequestBody>) -> Response<Body> {
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let headers = request.headers();
    let Ok(user) = call::user(headers, cx).await else {
        return respond::wrong_user();
    };
    let peer = cx.peer("json", user);
    let policy = cx.dispatch.live.policy();
    let found = cx.dispatch.find(full_name.as_bytes(), &Caller::new(&peer, &policy));
    drop(policy);
    let entry = match found {
        Ok(entry) => entry,
        Err(error) if is_get => return respond::call_error(&error),
        Err(_) => return respond::method_not_allowed("POST"),
    };
    match (entry.options.read_only, is_get) {
        (true, true) => {}
        (true, false) => return respond::method_not_allowed("GET, HEAD, POST"),
        (false, _) => return respond::method_not_allowed("POST"),
    }
    if !request.body().is_end_stream() {
        let message = "the arguments of GET stand in the query, not in a body";
        return respond::error(StatusCode::BAD_REQUEST, "bad_body", message);
    }
    let text = request.uri().query().unwrap_or_default();
    let query = match Query::parse(text.as_bytes()) {
        Ok(query) => query,
        Err(error) => return respond::call_error(&CallError::BadArguments(error)),
    };
    let (params, limit) = match split(&query, entry) {
        Ok(split) => split,
        Err(error) => return respond::call_error(&CallError::BadArguments(error)),
    };
    let Ok(timeout) = call::timeout(headers, limit.as_deref()) else {
        return respond::bad_timeout();
    };
    let started = {
        let start = |attempt| {
            let args = TextArgs::Params(&params);
            let args = Args::Text(&args, entry.options.types.args.as_ref());
            cx.dispatch.start_in_flight(&peer, full_name.as_bytes(), args, text.len(), timeout, attempt)
        };
        start_aside(text.len(), start).await
    };
    respond::with(call::reply(started).await, CACHE_CONTROL, "no-store")
}

/// The arguments, and the time limit if there is one among the parameters.
fn split<'q>(query: &'q Query, entry: &Entry) -> Result<(Vec<Param<'q>>, Option<Cow<'q, str>>), ValueError> {
    let mut params = query.params();
    if entry.options.types.args.as_ref().map(TypeOf::schema).is_some_and(has_timeout) {
        return Ok((params, None));
    }
    let mut limits = query.iter().filter(|(name, _)| *name == Some(TIMEOUT.as_bytes()));
    let limit = limits.next().map(|(_, value)| String::from_utf8_lossy(value));
    if limits.next().is_some() {
        return Err(ValueError::new("timeout is given twice"));
    }
    params.retain(|param| param.name != Some(TIMEOUT.as_bytes()));
    Ok((params, limit))
}

/// Whether the argument has a field of that name.
fn has_timeout(schema: &Schema) -> bool {
    match schema.node(schema.without_options(schema.root()).0) {
        Node::Struct { fields, .. } => fields.iter().any(|field| field.name.eq_ignore_ascii_case(TIMEOUT)),
        _ => false,
    }
}
