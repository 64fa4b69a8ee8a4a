//! Methods of every kind: on bytes, on messages, of serde types; names, errors, numbers of the caller's.

use super::demo::{EchoRequest, EchoResponse, HEAD, call, demo, head, outcome, read_reply, request};
use prost::Message;
use rpcwrap::{
    Context, Error, Method, Protobuf, RawCall, RawReply, Service,
    codecs::{baidu_std::RequestHead, body::ContentType, compress::Compression, types::Blob},
};
use rpcwrap_tests::{raw::Peer, server::start, services::services};
use std::{collections::BTreeMap, time::Duration};

const JSON: RequestHead<'static> =
    RequestHead { service_name: "Arith", method_name: "Multiply", content_type: ContentType::Json, ..HEAD };

#[tokio::test]
async fn messages_are_decoded_and_encoded_by_prost() {
    let server = start(demo()).await;
    let mut peer = Peer::connect(server.addr).await;
    let typed = head("demo.EchoService", "Typed", 9);
    let body = EchoRequest::new("hello").encode_to_vec();
    let reply = call(&mut peer, &typed, &body).await.unwrap();
    assert_eq!(EchoResponse::decode(reply.body).unwrap().message.as_deref(), Some("hello"));
    // A checksum and a compression of the request are undone before.
    let packed = RequestHead { compression: Compression::Snappy, checksum: true, ..typed };
    let reply = call(&mut peer, &packed, &body).await.unwrap();
    assert_eq!((&reply.body[..], reply.compression), (&b"\n\x05hello"[..], Compression::None));

    let (code, text) = call(&mut peer, &typed, b"\xff\xff\xff").await.unwrap_err();
    assert_eq!(code, 1003);
    let facts = "[E1003]Fail to parse request, ContentType=pb, CompressType=none, ChecksumType=none, \
        request_size=3: no EchoRequest: ";
    assert!(text.starts_with(facts), "{text}");
    let json = RequestHead { content_type: ContentType::Json, ..typed };
    let (code, text) = call(&mut peer, &json, b"{}").await.unwrap_err();
    assert_eq!(code, 1003);
    assert!(
        text.ends_with(
            "ContentType=json, CompressType=none, ChecksumType=none, request_size=2: the method \
        takes EchoRequest as protobuf (content_type 0)"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn serde_methods_take_json() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    let reply = call(&mut peer, &JSON, br#"{"A":7,"B":8}"#).await.unwrap();
    assert_eq!((&reply.body[..], reply.content_type), (&b"56"[..], ContentType::Json));
    let divide = RequestHead { method_name: "Divide", ..JSON };
    assert_eq!(call(&mut peer, &divide, br#"{"A":7}"#).await, Err((2001, "[E2001]divide by zero".into())));
    let (code, text) = call(&mut peer, &JSON, br#"{"A":"7"}"#).await.unwrap_err();
    assert_eq!(code, 1003);
    assert!(text.starts_with("[E1003]Fail to parse request, ContentType=json,"), "{text}");

    // Whose schema would it be?
    let protobuf = RequestHead { content_type: ContentType::Protobuf, ..JSON };
    let no_schema = "[E1003]Fail to parse request, ContentType=pb, CompressType=none, ChecksumType=none, \
        request_size=4: the method takes JSON (content_type 1) or bytes, not a message of its own schema";
    assert_eq!(call(&mut peer, &protobuf, b"\x08\x07\x10\x08").await, Err((1003, no_schema.into())));
    let (_, text) = call(&mut peer, &head("Stream", "Count", 3), b"").await.unwrap_err();
    assert!(text.ends_with("the method answers with a stream, and this protocol carries one reply per call"));
}

#[tokio::test]
async fn methods_of_bytes_take_any_body() {
    let reverse = |blob: Blob| async move { Ok(Blob(blob.iter().rev().copied().collect())) };
    let length = |blob: Blob| async move { Ok(blob.len()) };
    let service = Service::new("Bytes").method("Reverse", reverse).method("Length", length);
    let server = start(services().service(service)).await;
    let mut peer = Peer::connect(server.addr).await;
    let reply = call(&mut peer, &head("Bytes", "Reverse", 1), b"\x01\x02").await.unwrap();
    assert_eq!((&reply.body[..], reply.content_type), (&b"\x02\x01"[..], ContentType::Protobuf));
    let json = RequestHead { service_name: "Bytes", method_name: "Reverse", ..JSON };
    assert_eq!(call(&mut peer, &json, br#""AQI=""#).await.unwrap().body, &br#""AgE=""#[..]);
    // A reply that is no bytes does not fit a body that is.
    let error = (2002, "[E2002]the method's reply is no bytes: call it with JSON (content_type 1)".into());
    assert_eq!(call(&mut peer, &head("Bytes", "Length", 1), b"abc").await, Err(error));
}

#[tokio::test]
async fn methods_on_bytes_are_called_in_every_codec() {
    let server = start(demo()).await;
    let mut peer = Peer::connect_codec(server.addr, "json").await;
    // `message: "hello"` in base64, as Go writes []byte.
    for method in ["demo.EchoService.Echo", "demo.EchoService.Typed"] {
        let reply = peer.call(method, r#""CgVoZWxsbw==""#, 1).await;
        assert_eq!(reply["result"], "CgVoZWxsbw==", "{method}");
    }
    let reply = peer.call("demo.EchoService.Typed", r#""/w==""#, 1).await;
    assert!(reply["error"].as_str().unwrap().starts_with("no EchoRequest: "), "{reply}");
}

#[tokio::test]
async fn a_raw_call_has_all_that_came_with_it() {
    let tell = |call: RawCall| async move {
        let fields: BTreeMap<_, _> = call.user_fields.iter().cloned().collect();
        let text = format!(
            "{} {} {} {:?} {:?} {} {} {} {} {} {fields:?}",
            call.service(),
            call.method(),
            call.body.len(),
            call.content_type,
            call.compression,
            call.log_id,
            call.trace_id,
            call.span_id,
            call.parent_span_id,
            call.request_id,
        );
        Ok(RawReply::new(text).attachment("beside").compression(Compression::Zlib).checksum())
    };
    let server = start(demo().service(Service::new("a.Tell").method("All", tell))).await;
    let mut peer = Peer::connect(server.addr).await;
    let all = RequestHead {
        log_id: 42,
        trace_id: 1,
        span_id: 2,
        parent_span_id: 3,
        request_id: "r",
        user_fields: &[("k", "v")],
        content_type: ContentType::ProtoText,
        compression: Compression::Gzip,
        checksum: true,
        ..head("Tell", "All", 5)
    };
    let reply = call(&mut peer, &all, b"body").await.unwrap();
    assert_eq!(reply.body, &b"a.Tell All 4 ProtoText Gzip 42 1 2 3 r {\"k\": \"v\"}"[..]);
    assert_eq!((&reply.attachment[..], reply.compression), (&b"beside"[..], Compression::Zlib));
    assert_eq!(reply.content_type, ContentType::ProtoText, "as the request's");
}

#[tokio::test]
async fn services_go_by_their_last_name_if_it_is_theirs_alone() {
    let who = |cx: Context, _: RawCall| async move { Ok(RawReply::new(cx.protocol())) };
    let service = |name: &str| Service::new(name).method("Who", who);
    let server =
        start(demo().service(service("a.Twice")).service(service("b.Twice")).service(service("Bare"))).await;
    let mut peer = Peer::connect(server.addr).await;
    for name in ["a.Twice", "b.Twice", "Bare", "any.package.Bare"] {
        assert_eq!(
            call(&mut peer, &head(name, "Who", 1), b"").await.unwrap().body,
            &b"baidu_std"[..],
            "{name}"
        );
    }
    for (service, method, code, text) in [
        ("Twice", "Who", 1001, "[E1001]Fail to find service=Twice"),
        ("c.Twice", "Who", 1002, "[E1002]Fail to find method=c.Twice/Who"),
        ("Bare", "Nope", 1002, "[E1002]Fail to find method=Bare/Nope"),
        ("EchoService", "Nope", 1002, "[E1002]Fail to find method=EchoService/Nope"),
        ("", "", 1001, "[E1001]Fail to find service="),
    ] {
        let error = call(&mut peer, &head(service, method, 1), b"").await;
        assert_eq!(error, Err((code, text.into())), "{service} {method}");
    }
}

#[tokio::test]
async fn failures_have_brpcs_codes() {
    let service = Service::new("Fail")
        .method("Panic", |_: RawCall| async {
            if true { panic!("on purpose") } else { Ok(RawReply::default()) }
        })
        .method("Plain", |_: RawCall| async { Err::<RawReply, _>("plain".into()) })
        .method("Coded", |_: RawCall| async { Err::<RawReply, _>(Error::new("coded").code("-3")) })
        .with(
            Method::new("Slow", |_: RawCall| std::future::pending::<Result<RawReply, Error>>())
                .max_in_flight(1),
        );
    let server = start(demo().service(service)).await;
    let mut peer = Peer::connect(server.addr).await;
    for (method, code, text) in [
        ("Panic", 2001, "[E2001]rpc: method panicked"),
        ("Plain", 2001, "[E2001]plain"),
        ("Coded", -3, "[E-3]coded"),
    ] {
        assert_eq!(call(&mut peer, &head("Fail", method, 1), b"").await, Err((code, text.into())));
    }
    let limited = RequestHead { timeout: Some(Duration::from_millis(30)), ..head("Fail", "Slow", 1) };
    let error = (1008, "[E1008]rpc: deadline exceeded after 30 ms".to_owned());
    assert_eq!(call(&mut peer, &limited, b"").await, Err(error));
    // One waits for ever; the second is one too many, at once.
    peer.send(request(&head("Fail", "Slow", 1), b"")).await;
    let text = "[E2004]Rejected by Fail.Slow's ConcurrencyLimiter, concurrency=2";
    assert_eq!(call(&mut peer, &head("Fail", "Slow", 2), b"").await, Err((2004, text.into())));
    let slow = server.snapshot().methods.into_iter().find(|method| method.method == "Slow").unwrap();
    assert_eq!((slow.stats.calls, slow.stats.failed, slow.stats.in_flight()), (3, 2, 1));
}

#[tokio::test]
async fn streaming_rpc_is_refused() {
    let server = start(demo()).await;
    let mut peer = Peer::connect(server.addr).await;
    // `stream_settings {}` behind the smallest request.
    let mut bytes = request(&head("demo.EchoService", "Echo", 7), b"").to_vec();
    let len = bytes.len();
    bytes.extend_from_slice(b"\x42\x00");
    bytes[7] = (len - 12 + 2) as u8;
    bytes[11] = (len - 12 + 2) as u8;
    peer.send(bytes).await;
    let reply = read_reply(&mut peer).await;
    assert_eq!(outcome(&reply), Err((1003, "[E1003]streaming RPC is not supported".into())));
}

#[tokio::test]
async fn what_a_method_logs_carries_the_callers_numbers() {
    let log = |_: RawCall| async {
        tokio::task::yield_now().await;
        tracing::info!("at work");
        Ok(RawReply::default())
    };
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = start(demo().service(Service::new("Log").method("It", log))).await;
    let mut peer = Peer::connect(server.addr).await;
    let numbered = RequestHead { log_id: 42, request_id: "abc", ..head("Log", "It", 1) };
    call(&mut peer, &numbered, b"").await.unwrap();
    let text = lines.text();
    let line = text.lines().find(|line| line.contains("at work")).unwrap();
    assert!(line.contains("call{log_id=42 ") && line.contains("request_id=abc"), "{line}");
}

/// What was logged.
#[derive(Debug, Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_message_can_be_an_argument_of_every_kind_of_method() {
    let blocking = Method::blocking("Blocking", |Protobuf(request): Protobuf<EchoRequest>| {
        Ok(Protobuf(EchoResponse { message: request.message }))
    });
    let spawned =
        Method::spawn("Spawned", |_: Context, Protobuf(request): Protobuf<EchoRequest>| async move {
            Ok(Protobuf(EchoResponse { message: request.message }))
        });
    let server = start(demo().service(Service::new("Kinds").with(blocking).with(spawned))).await;
    let mut peer = Peer::connect(server.addr).await;
    let body = EchoRequest::new("hello").encode_to_vec();
    for method in ["Blocking", "Spawned"] {
        let reply = call(&mut peer, &head("Kinds", method, 1), &body).await.unwrap();
        assert_eq!(reply.body, &b"\n\x05hello"[..], "{method}");
    }
}
