//! The demo service of the recordings, and a client made of frames.

use bytes::BytesMut;
use rpcwrap::{
    Builder, Error, Method, Protobuf, RawCall, RawReply, Server, Service,
    codecs::{
        Limits,
        baidu_std::{Payload, Reply, ReplyDecoder, RequestHead, encode_request},
        body::ContentType,
        compress::Compression,
    },
};
use rpcwrap_tests::raw::Peer;
use std::time::Duration;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EchoRequest {
    #[prost(string, optional, tag = "1")]
    pub(crate) message: Option<String>,
    #[prost(int32, tag = "2")]
    pub(crate) sleep_ms: i32,
    #[prost(int32, tag = "3")]
    pub(crate) fail_code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EchoResponse {
    #[prost(string, optional, tag = "1")]
    pub(crate) message: Option<String>,
}

impl EchoRequest {
    pub(crate) fn new(message: &str) -> Self {
        Self { message: Some(message.into()), ..Self::default() }
    }
}

/// Echoes the message, the attachment and the compression; sleeps and fails as it is told.
async fn echo(call: RawCall) -> Result<RawReply, Error> {
    let bad = |why: &str| Error::new(format!("Fail to parse request: {why}")).code("1003");
    let request: EchoRequest = call.message().map_err(|error| bad(error.text()))?;
    let message = request.message.ok_or_else(|| bad("no message"))?;
    if request.sleep_ms > 0 {
        tokio::time::sleep(Duration::from_millis(request.sleep_ms as u64)).await;
    }
    if request.fail_code != 0 {
        let code = request.fail_code.to_string();
        return Err(Error::new(format!("told to fail: {message}")).code(code));
    }
    let reply = RawReply::message(&EchoResponse { message: Some(message) });
    Ok(reply.attachment(call.attachment).compression(call.compression))
}

async fn typed(Protobuf(request): Protobuf<EchoRequest>) -> Result<Protobuf<EchoResponse>, Error> {
    Ok(Protobuf(EchoResponse { message: request.message }))
}

pub(crate) fn demo() -> Builder {
    let service = Service::new("demo.EchoService")
        .method("Echo", echo)
        .method("Typed", typed)
        .with(Method::new("Limited", echo).max_in_flight(2));
    Server::builder().service(service)
}

pub(crate) const LIMITS: Limits = Limits { max_message_bytes: 64 << 20, max_depth: 100, ..Limits::DEFAULT };

/// One request's bytes.
pub(crate) fn request(head: &RequestHead<'_>, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    encode_request(head, body, b"", &mut out).unwrap();
    out
}

/// A head with nothing in it but a number; `default()` is no constant.
pub(crate) const HEAD: RequestHead<'static> = RequestHead {
    service_name: "",
    method_name: "",
    correlation_id: 1,
    log_id: 0,
    trace_id: 0,
    span_id: 0,
    parent_span_id: 0,
    request_id: "",
    timeout: None,
    authentication_data: b"",
    user_fields: &[],
    content_type: ContentType::Protobuf,
    compression: Compression::None,
    checksum: false,
};

/// A request for `service.method` with this number.
pub(crate) fn head<'a>(service_name: &'a str, method_name: &'a str, id: i64) -> RequestHead<'a> {
    RequestHead { service_name, method_name, correlation_id: id, ..HEAD }
}

pub(crate) async fn read_reply(peer: &mut Peer) -> Reply {
    peer.read_message(|buf| ReplyDecoder::new(LIMITS).decode(buf)).await
}

/// A reply's payload, or its code and text.
pub(crate) fn outcome(reply: &Reply) -> Result<Payload, (i32, String)> {
    match reply.error() {
        None => Ok(reply.payload(&LIMITS).unwrap()),
        Some((code, text)) => Err((code, String::from_utf8(text.to_vec()).unwrap())),
    }
}

/// One call and what came of it.
pub(crate) async fn call(
    peer: &mut Peer,
    head: &RequestHead<'_>,
    body: &[u8],
) -> Result<Payload, (i32, String)> {
    peer.send(request(head, body)).await;
    let reply = read_reply(peer).await;
    assert_eq!(reply.correlation_id(), head.correlation_id);
    outcome(&reply)
}
