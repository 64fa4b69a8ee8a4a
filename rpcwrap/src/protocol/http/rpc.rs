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
    call::{
        access::Caller,
        attempt::start_aside,
        in_flight::InFlightCall,
        large::{LARGE, Place},
    },
    error::CallError,
    live::memory::Held,
    protocol::ConnCx,
};
use bytes::{Bytes, BytesMut};
use codecs::{AnyCodec, AnyRequest, AnyServerCodec};
use hyper::{Request, Response, StatusCode};

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
    let bytes = message.len();
    let place = if bytes < LARGE { None } else { Some(Place::wait().await) };
    let decode = || decode(cx, codec, BytesMut::from(message));
    let decoded = match place {
        None => decode(),
        Some(place) => place.work(decode),
    };
    let Some(mut decoded) = decoded else {
        return respond::with_status(StatusCode::OK, Body::full(Bytes::new()));
    };
    let start = |attempt| {
        // The codec of a program need not be shared between threads.
        let (server, request) = &mut decoded;
        let (name, args) = (request.service_method(), server.args(request));
        let timeout = [timeout, request.timeout()].into_iter().flatten().min();
        cx.dispatch.start_in_flight(&peer, name, args, bytes, timeout, attempt)
    };
    let started = start_aside(bytes, start).await;
    let (mut server, request) = decoded;
    match started {
        Err(error) => {
            let mut refusal = BytesMut::new();
            server.reply_to(&request).encode_error(&error.to_reply(), &mut refusal);
            reply(codec, Body::full(refusal.freeze()))
        }
        Ok(call) => match answer_of(call, server, request, &mut held).first().await {
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

/// The request in the message, and the codec that has read it; nothing where there was none.
fn decode(cx: &ConnCx, codec: &AnyCodec, mut message: BytesMut) -> Option<(AnyServerCodec, AnyRequest)> {
    let mut server = codec.server(cx.dispatch.live.config().message_limits());
    match server.decode(&mut message) {
        Ok(Some(request)) => Some((server, request)),
        Ok(None) => server.decode_eof(&mut message).ok()?.map(|request| (server, request)),
        Err(_) => None,
    }
}

/// The call under way, which holds its request no more.
fn answer_of(call: InFlightCall, server: AnyServerCodec, request: AnyRequest, held: &mut Held) -> Answer {
    held.set(call.held_bytes());
    Answer::new(call, Replies::Codec(Box::new((server, request.without_args()))))
}
