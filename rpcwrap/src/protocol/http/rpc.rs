//! HTTP-RPC: one Go-RPC request in a body of any method, its replies in the answer's body.
//!
//! As vitess' `rpcwrap.ServeHTTPRPC`: look-up and application errors are inside the message, so the status is always
//! 200; a body that is no request is answered by nothing. A second message in the body is ignored. `Rpc-Timeout: <ms>`
//! limits the call as the message's own timeout does, whichever is shorter.

use super::{
    body::{self, Body, ReadError},
    call,
    progress::Progress,
    reply::{Answer, First, Replies},
    request_body::RequestBody,
    respond,
};
use crate::{
    call::{access::Caller, large},
    error::CallError,
    live::memory::Held,
    peer::Peer,
    protocol::ConnCx,
};
use bytes::{Bytes, BytesMut};
use codecs::AnyCodec;
use hyper::{Request, Response, StatusCode};
use std::{sync::Arc, time::Duration};

/// Makes the call in the body.
pub(super) async fn answer(
    cx: &ConnCx,
    codec: &AnyCodec,
    request: &mut Request<RequestBody>,
    progress: &Progress,
) -> Response<Body> {
    let Ok(user) = call::user(request.headers(), cx).await else {
        return respond::wrong_user();
    };
    let Ok(timeout) = call::timeout(request.headers(), None) else {
        return respond::bad_timeout();
    };
    let peer = cx.peer(codec.name(), user);
    let (limits, lacks_login) = {
        let policy = cx.dispatch.live.policy();
        let caller = Caller::new(&peer, &policy);
        (caller.message_limits(), caller.lacks_login())
    };
    let mut held = Held::new(&cx.dispatch.live, &cx.tracked);
    let message = match body::read(request.body_mut(), limits.max_message_bytes, progress, &mut held).await {
        Ok(message) => message,
        Err(ReadError::TooBig) if lacks_login => {
            return respond::call_error(&CallError::Unauthenticated(request.uri().path().to_owned()));
        }
        Err(error) => return call::unread(&error, limits.max_message_bytes),
    };
    let started = large::work_on(message.len(), || {
        start(cx, codec, &peer, BytesMut::from(message), timeout, &mut held)
    });
    match started {
        None => respond::with_status(StatusCode::OK, Body::full(Bytes::new())),
        Some(Err(refusal)) => reply(codec, Body::full(refusal)),
        Some(Ok(answer)) => match answer.first().await {
            First::Only(message) | First::Empty(message) => reply(codec, Body::full(message)),
            First::Stream(answer) => reply(codec, Body::reply(answer)),
            First::Failed(error) => respond::call_error(&error),
        },
    }
}

fn reply(codec: &AnyCodec, body: Body) -> Response<Body> {
    let content_type = match codec {
        AnyCodec::Json => respond::TEXT,
        _ => "application/octet-stream",
    };
    respond::reply(StatusCode::OK, content_type, body)
}

/// The call under way, or the message that refuses it, or nothing where there was no request.
fn start(
    cx: &ConnCx,
    codec: &AnyCodec,
    peer: &Arc<Peer>,
    mut message: BytesMut,
    timeout: Option<Duration>,
    held: &mut Held,
) -> Option<Result<Answer, Bytes>> {
    let mut server = codec.server(cx.dispatch.live.config().message_limits());
    let bytes = message.len();
    let request = match server.decode(&mut message) {
        Ok(Some(request)) => request,
        Ok(None) => server.decode_eof(&mut message).ok()??,
        Err(_) => return None,
    };
    let (name, args) = (request.service_method(), server.args(&request));
    let timeout = [timeout, request.timeout()].into_iter().flatten().min();
    Some(match cx.dispatch.start_in_flight(peer, name, args, bytes, timeout) {
        Ok(call) => {
            held.set(call.held_bytes());
            Ok(Answer::new(call, Replies::Codec(Box::new((server, request.without_args())))))
        }
        Err(error) => {
            let mut refusal = BytesMut::new();
            server.reply_to(&request).encode_error(&error.to_reply(), &mut refusal);
            Err(refusal.freeze())
        }
    })
}
