//! baidu_std: what goes out, recorded replies, our own server, and failures of each kind.

use crate::peer::run;
use bytes::BytesMut;
use codecs::{
    Limits,
    baidu_std::{ReplyHead, Request, RequestDecoder, encode_error, encode_reply},
};
use rpcwrap::{Credentials, RawCall, RawReply, Server, Service};
use rpcwrap_client::{
    Config, Error,
    baidu_std::{Client, Compression, ContentType, code},
};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// A server made of frames: one end of a stream.
struct Peer {
    stream: DuplexStream,
    input: BytesMut,
}

impl Peer {
    fn pair(config: Config) -> (Client, Self) {
        let (ours, stream) = tokio::io::duplex(1 << 20);
        (Client::over(ours, config), Self { stream, input: BytesMut::new() })
    }

    async fn request(&mut self) -> Request {
        loop {
            if let Some(request) = RequestDecoder::new(Limits::default()).decode(&mut self.input).unwrap() {
                return request;
            }
            assert!(self.stream.read_buf(&mut self.input).await.unwrap() > 0, "closed");
        }
    }

    async fn reply(&mut self, head: &ReplyHead, body: &[u8], attachment: &[u8]) {
        let mut out = BytesMut::new();
        encode_reply(head, body, attachment, &mut out).unwrap();
        self.stream.write_all(&out).await.unwrap();
    }

    async fn error(&mut self, id: i64, code: i32, text: &str) {
        let mut out = BytesMut::new();
        encode_error(id, code, text, &mut out);
        self.stream.write_all(&out).await.unwrap();
    }
}

fn head(correlation_id: i64) -> ReplyHead {
    ReplyHead { correlation_id, ..ReplyHead::default() }
}

#[test]
fn everything_that_is_set_goes_out() {
    run(async {
        let (client, mut peer) = Peer::pair(Config::default());
        let call = async {
            let fields = [("k", "v")];
            let request = client
                .request("demo.EchoService.Echo")
                .timeout(Duration::from_secs(5))
                .attachment(b"beside")
                .compression(Compression::Gzip)
                .checksum()
                .content_type(ContentType::ProtoText)
                .log_id(42)
                .trace(1, 2, 3)
                .request_id("r")
                .user_fields(&fields);
            request.call(b"body").await.unwrap()
        };
        let serve = async {
            let request = peer.request().await;
            assert_eq!(
                (request.service_name(), request.method_name()),
                (&b"demo.EchoService"[..], &b"Echo"[..])
            );
            assert_eq!((request.correlation_id(), request.log_id(), request.trace_id()), (0, 42, 1));
            assert_eq!(
                (request.span_id(), request.parent_span_id(), request.request_id()),
                (2, 3, &b"r"[..])
            );
            let millis = request.timeout().unwrap().as_millis();
            assert!((4000..=5000).contains(&millis), "{millis}");
            assert_eq!(request.user_fields().collect::<Vec<_>>(), [(&b"k"[..], &b"v"[..])]);
            let payload = request.payload(&Limits::default()).unwrap();
            assert_eq!((&payload.body[..], &payload.attachment[..]), (&b"body"[..], &b"beside"[..]));
            assert_eq!(
                (payload.content_type, payload.compression),
                (ContentType::ProtoText, Compression::Gzip)
            );
            let reply = ReplyHead { compression: Compression::Snappy, checksum: true, ..head(0) };
            peer.reply(&reply, b"answer", b"too").await;
        };
        let (reply, ()) = tokio::join!(call, serve);
        assert_eq!((&reply.body[..], &reply.attachment[..]), (&b"answer"[..], &b"too"[..]));
    });
}

#[test]
fn the_smallest_call_is_the_smallest_request() {
    run(async {
        let (client, mut peer) = Peer::pair(Config::default());
        let call = tokio::spawn(async move { client.request("S.M").call(b"ab").await });
        let mut bytes = [0; 24];
        peer.stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"PRPC\0\0\0\x0c\0\0\0\x0a\x0a\x06\x0a\x01S\x12\x01M\x20\x00ab");
        peer.reply(&head(0), b"", b"").await;
        assert!(call.await.unwrap().unwrap().body.is_empty());
    });
}

#[test]
fn replies_find_their_calls_in_any_order() {
    run(async {
        let (client, mut peer) = Peer::pair(Config::default());
        let calls: Vec<_> = (0..10u8)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(async move { client.request("S.M").call(&[number]).await.unwrap().body[0] })
            })
            .collect();
        let mut requests = Vec::new();
        for _ in 0..10 {
            requests.push(peer.request().await);
        }
        for request in requests.iter().rev() {
            let payload = request.payload(&Limits::default()).unwrap();
            peer.reply(&head(request.correlation_id()), &payload.body, b"").await;
        }
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(usize::from(call.await.unwrap()), number);
        }
    });
}

#[test]
fn error_codes_are_the_servers_and_timeouts_the_callers() {
    run(async {
        let (client, mut peer) = Peer::pair(Config::default());
        let serve = async {
            for (code, text) in
                [(7777, "no"), (code::ELIMIT, "full"), (code::ELOGOFF, "bye"), (code::ERPCTIMEDOUT, "late")]
            {
                let id = peer.request().await.correlation_id();
                peer.error(id, code, text).await;
            }
            // The last one is never answered; after it the connection still works.
            peer.request().await;
            let id = peer.request().await.correlation_id();
            peer.reply(&head(id), b"there", b"").await;
        };
        let calls = async {
            let server = |error: Error| match error {
                Error::Server { code, text, .. } => (code, text),
                other => panic!("{other:?}"),
            };
            let call = || client.request("S.M").call(b"");
            assert_eq!(server(call().await.unwrap_err()), ("7777".into(), "no".into()));
            assert_eq!(server(call().await.unwrap_err()), ("2004".into(), "full".into()));
            let error = call().await.unwrap_err();
            assert!(matches!(error, Error::Draining) && !error.may_have_executed());
            assert_eq!(server(call().await.unwrap_err()), ("1008".into(), "late".into()));
            let limit = Duration::from_millis(20);
            let error = client.request("S.M").timeout(limit).call(b"").await.unwrap_err();
            assert!(matches!(error, Error::Timeout { sent: true, after } if after == limit), "{error:?}");
            assert_eq!(call().await.unwrap().body, &b"there"[..]);
        };
        tokio::join!(serve, calls);
        assert_eq!(client.in_flight(), 0);
    });
}

#[test]
fn a_reply_that_cannot_be_read_fails_its_call_and_one_that_is_none_the_connection() {
    run(async {
        let (client, mut peer) = Peer::pair(Config::default());
        let serve = async {
            let id = peer.request().await.correlation_id();
            let mut bytes = BytesMut::new();
            encode_reply(&ReplyHead { checksum: true, ..head(id) }, b"right", b"", &mut bytes).unwrap();
            let last = bytes.len() - 1;
            bytes[last] = b'T';
            peer.stream.write_all(&bytes).await.unwrap();
            peer.request().await;
            peer.stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        };
        let calls = async {
            let call = || client.request("S.M").call(b"");
            let error = call().await.unwrap_err();
            assert!(matches!(&error, Error::Decode(why) if why.text().contains("checksum")), "{error:?}");
            assert!(matches!(call().await, Err(Error::Protocol(_))));
            assert!(matches!(call().await, Err(Error::Shutdown)) && client.is_closed());
        };
        tokio::join!(serve, calls);
    });
}

fn server() -> Server {
    let echo = |call: RawCall| async move { Ok(RawReply::new(call.body).attachment(call.attachment)) };
    let who = |cx: rpcwrap::Context, _: RawCall| async move {
        Ok(RawReply::new(cx.user().unwrap_or("anonymous").to_owned()))
    };
    let service = Service::new("demo.Echo")
        .method("Bytes", echo)
        .method("Who", who)
        .method("Double", |number: i64| async move { Ok(number * 2) });
    Server::builder().service(service).credentials(Credentials::new([("ala", ["ma:kota"])])).build().unwrap()
}

#[test]
fn our_server_answers_bytes_and_json() {
    run(async {
        let server = server();
        let client = Client::over(server.connect().unwrap(), Config::default());
        for compression in [Compression::None, Compression::Snappy, Compression::Gzip, Compression::Zlib] {
            let body = vec![7; 100_000];
            let request =
                client.request("Echo.Bytes").compression(compression).checksum().attachment(b"beside");
            let reply = request.call(&body).await.unwrap();
            assert_eq!((&reply.body[..], &reply.attachment[..]), (&body[..], &b"beside"[..]));
        }
        assert_eq!(client.call::<_, i64>("demo.Echo.Double", &21).await.unwrap(), 42);
        let error = client.call::<_, i64>("demo.Echo.Double", "text").await.unwrap_err();
        assert!(matches!(&error, Error::Server { code, .. } if code == "1003"), "{error:?}");
        // Bytes are no number.
        let error = client.request("demo.Echo.Double").call(b"\x08\x15").await.unwrap_err();
        assert!(matches!(&error, Error::Server { code, .. } if code == "1003"), "{error:?}");
        client.close().await;
        assert!(client.is_closed());
    });
}

#[test]
fn the_proof_goes_with_the_first_message() {
    run(async {
        let server = server();
        let addr = server.listen("127.0.0.1:0").await.unwrap().to_string();
        let client = rpcwrap_client::baidu_std::dial_auth(&addr, "ala", "ma:kota").await.unwrap();
        assert_eq!(client.request("demo.Echo.Who").call(b"").await.unwrap().body, &b"ala"[..]);
        assert_eq!(client.request("demo.Echo.Who").call(b"").await.unwrap().body, &b"ala"[..]);
        let client = rpcwrap_client::baidu_std::dial(&addr).await.unwrap();
        assert_eq!(client.request("demo.Echo.Who").call(b"").await.unwrap().body, &b"anonymous"[..]);
        let client = rpcwrap_client::baidu_std::dial_auth(&addr, "ala", "wrong").await.unwrap();
        assert!(matches!(client.request("demo.Echo.Who").call(b"").await, Err(Error::Io(_))));
    });
}
