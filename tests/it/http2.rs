//! HTTP/2: pages and calls as over HTTP/1.x, many at a time, and what becomes of peers that break off or dawdle.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request,
    body::Frame,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rpcwrap::{Access, Config, Credentials, Method, Phase, Server, Service};
use rpcwrap_tests::{
    limit,
    raw::{Peer, each_split},
    server::{TestServer, start},
    services::{Empty, Gate, services},
    until, within,
};
use std::{convert::Infallible, time::Duration};
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A SETTINGS frame without settings.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

type Body = BoxBody<Bytes, Infallible>;

/// A connection, and its end.
struct Client {
    send: SendRequest<Body>,
    ended: JoinHandle<hyper::Result<()>>,
}

async fn connect(server: &TestServer) -> Client {
    let stream = TokioIo::new(limit(TcpStream::connect(server.addr)).await.unwrap());
    let (send, connection) = limit(http2::handshake(TokioExecutor::new(), stream)).await.unwrap();
    Client { send, ended: tokio::spawn(connection) }
}

fn body(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed()
}

/// Status and body of one request.
async fn ask(send: &mut SendRequest<Body>, method: &str, path: &str, sent: Body) -> (u16, String) {
    let request =
        Request::builder().method(method).uri(format!("http://127.0.0.1{path}")).body(sent).unwrap();
    let reply = limit(send.send_request(request)).await.unwrap();
    let status = reply.status().as_u16();
    let got = limit(reply.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8(got.to_vec()).unwrap())
}

#[tokio::test]
async fn pages_and_calls_are_as_in_http_1() {
    let only = |protocols: [&str; 1]| {
        let service = Service::new(protocols[0].to_owned()).access(Access::new().protocols(protocols));
        let read = Method::new("Read", |number: i64| async move { Ok(number) }).read_only();
        service.method("Get", |_: Option<Empty>| async move { Ok(1_i64) }).with(read)
    };
    let server = start(services().service(only(["http"])).service(only(["go_rpc"]))).await;
    let mut client = connect(&server).await;
    for (method, path, sent, wanted) in [
        ("GET", "/healthz", "", (200, "ok\n")),
        ("POST", "/Arith/Multiply", r#"{"A":6,"B":7}"#, (200, "42\n")),
        ("POST", "/Ctx/Who", "\"\"", (200, "\"http json -\"\n")),
        ("POST", "/http/Get", "", (200, "1\n")),
        ("GET", "/http/Read?7", "", (200, "7\n")),
        ("GET", "/http/Get", "", (405, "405 method not allowed\n")),
        ("GET", "/_json_rpc_", "", (405, "405 must CONNECT\n")),
        ("GET", "/nothing", "", (404, "404 page not found\n")),
    ] {
        let (status, got) = ask(&mut client.send, method, path, body(sent)).await;
        assert_eq!((status, got.as_str()), wanted, "{method} {path}");
    }
    assert_eq!(ask(&mut client.send, "POST", "/go_rpc/Get", body("")).await.0, 404);
    let protocols = server.snapshot().protocols;
    let http2 = protocols.iter().find(|protocol| protocol.name == "http2").unwrap();
    assert_eq!((http2.connections, http2.matched), (1, 1));
}

/// What a reply to GET would say of its body, and no byte of it; the connection goes on.
#[tokio::test]
async fn a_reply_to_head_has_no_body() {
    let server = start(services()).await;
    let mut client = connect(&server).await;
    for (path, status, len) in [("/healthz", 200, &b"3"[..]), ("/nothing", 404, b"19")] {
        let uri = format!("http://127.0.0.1{path}");
        let request = Request::builder().method("HEAD").uri(uri).body(body("")).unwrap();
        let reply = limit(client.send.send_request(request)).await.unwrap();
        assert_eq!((reply.status().as_u16(), reply.headers()["content-length"].as_bytes()), (status, len));
        assert_eq!(limit(reply.into_body().collect()).await.unwrap().to_bytes(), "");
    }
    assert_eq!(ask(&mut client.send, "GET", "/healthz", body("")).await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn there_is_no_connect_to_another_protocol() {
    let server = start(services()).await;
    let mut client = connect(&server).await;
    let request = Request::builder().method("CONNECT").uri("x:80").body(body("")).unwrap();
    let reply = limit(client.send.send_request(request)).await.unwrap();
    assert_eq!(reply.status(), 404);
}

#[tokio::test]
async fn a_thousand_calls_on_one_connection_are_answered() {
    let server = start(services()).await;
    let client = connect(&server).await;
    let calls = stream::iter(0..1000).map(|n| {
        let mut send = client.send.clone();
        async move {
            let sent = body(format!(r#"{{"A":{n},"B":2}}"#));
            assert_eq!(ask(&mut send, "POST", "/Arith/Multiply", sent).await, (200, format!("{}\n", 2 * n)));
        }
    });
    within(Duration::from_secs(60), calls.buffer_unordered(300).collect::<Vec<()>>()).await;
    assert_eq!(server.snapshot().server.http_requests, 1000);
}

#[tokio::test]
async fn a_call_its_peer_resets_is_dropped() {
    let gate = Gate::default();
    let server = start(Server::builder().service(gate.service())).await;
    let client = connect(&server).await;
    let request = Request::post("http://127.0.0.1/Gate/Wait").body(body("null")).unwrap();
    let mut send = client.send.clone();
    let call = tokio::spawn(async move { send.send_request(request).await.map(|_| ()) });
    until(|| gate.entered() == 1).await;
    call.abort();
    until(|| gate.left() == 1).await;
    // The connection is as good as before.
    let mut send = client.send.clone();
    assert_eq!(ask(&mut send, "GET", "/healthz", body("")).await.0, 200);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_answered_408() {
    let config = Config::default().stall_timeout(Duration::from_millis(200));
    let server = start(services().config(config)).await;
    let mut client = connect(&server).await;
    let (_held, chunks) = mpsc::channel::<Bytes>(1);
    let chunks = stream::unfold(chunks, |mut chunks| async {
        let chunk = chunks.recv().await?;
        Some((Ok(Frame::data(chunk)), chunks))
    });
    let stalled = StreamBody::new(Box::pin(chunks));
    let request = Request::post("http://127.0.0.1/Arith/Multiply").body(BoxBody::new(stalled)).unwrap();
    let reply = limit(client.send.send_request(request)).await.unwrap();
    assert_eq!(reply.status(), 408);
    until(|| server.snapshot().server.stalled == 1).await;
}

#[tokio::test]
async fn a_draining_server_answers_what_runs_and_says_good_bye() {
    let gate = Gate::default();
    let server = start(Server::builder().service(gate.service())).await;
    let client = connect(&server).await;
    let mut send = client.send.clone();
    let call = tokio::spawn(async move { ask(&mut send, "POST", "/Gate/Wait", body("null")).await });
    until(|| gate.entered() == 1).await;
    let goes_on = async {
        until(|| server.snapshot().phase == Phase::Draining).await;
        gate.open(1);
        assert_eq!(limit(call).await.unwrap().0, 200);
        limit(client.ended).await.unwrap().unwrap();
    };
    let (drained, ()) = tokio::join!(limit(server.drain(Duration::from_secs(600))), goes_on);
    assert_eq!(drained.cut, 0);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let config = Config::default().keep_alive_timeout(Duration::from_millis(500));
    let server = start(services().config(config)).await;
    let mut client = connect(&server).await;
    assert_eq!(ask(&mut client.send, "GET", "/healthz", body("")).await.0, 200);
    limit(client.ended).await.unwrap().unwrap();
    until(|| server.snapshot().server.connections == 0).await;
}

#[tokio::test]
async fn the_preface_may_come_in_any_pieces() {
    let server = start(services()).await;
    for pieces in each_split(PREFACE) {
        let mut peer = Peer::connect(server.addr).await;
        peer.send_pieces(&pieces).await;
        peer.send(SETTINGS).await;
        // The server's own SETTINGS come first.
        let head = |buf: &mut BytesMut| Ok::<_, Infallible>((buf.len() >= 9).then(|| buf.split_to(9)));
        let frame = peer.read_message(head).await;
        assert_eq!((frame[3], &frame[5..]), (4, &[0; 4][..]));
    }
    until(|| server.snapshot().server.connections == 0).await;
    assert!(server.snapshot().server.probes > 0);
}

#[tokio::test]
async fn bytes_that_are_no_frames_end_the_connection_and_are_counted() {
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send([PREFACE, &[0xFF; 64]].concat()).await;
    let last_words = peer.read_to_end().await;
    // GOAWAY is frame type 7.
    assert!(last_words.windows(4).any(|bytes| bytes == [7, 0, 0, 0]), "{}", last_words.escape_ascii());
    let malformed = || {
        let protocols = server.snapshot().protocols;
        protocols.iter().find(|protocol| protocol.name == "http2").unwrap().malformed
    };
    until(|| malformed() == 1).await;
}

#[tokio::test]
async fn the_third_wrong_login_ends_the_connection_in_good_order() {
    let server = start(services().credentials(Credentials::new([("ala", ["kot2"])]))).await;
    let mut client = connect(&server).await;
    for (login, status) in
        [("YWxhOndyb25n", 401), ("YWxhOmtvdDI=", 200), ("YWxhOndyb25n", 401), ("YWxhOng=", 401)]
    {
        let request = Request::post("http://127.0.0.1/Arith/Multiply")
            .header("authorization", format!("Basic {login}"));
        let request = request.body(body(r#"{"A":6,"B":7}"#)).unwrap();
        assert_eq!(limit(client.send.send_request(request)).await.unwrap().status(), status);
    }
    limit(client.ended).await.unwrap().unwrap();
    assert_eq!(server.snapshot().server.login_failures, 3);
}

/// The next frame: its type and what it holds.
async fn frame(peer: &mut Peer) -> (u8, Vec<u8>) {
    let frame = peer.read_message(|buf: &mut BytesMut| {
        let len = match buf.get(..3) {
            Some(len) => 9 + (usize::from(len[0]) << 16 | usize::from(len[1]) << 8 | usize::from(len[2])),
            None => usize::MAX,
        };
        Ok::<_, Infallible>((buf.len() >= len).then(|| buf.split_to(len)))
    });
    let frame = frame.await;
    (frame[3], frame[9..].to_vec())
}

/// The next frame of a reply.
async fn reply_frame(peer: &mut Peer) -> (u8, Vec<u8>) {
    loop {
        // HEADERS and DATA.
        if let frame @ (0 | 1, _) = frame(peer).await {
            return frame;
        }
    }
}

/// HEADERS of a POST on stream 1, in HPACK's static table and literals, whose sender waits for leave to send 13 bytes.
fn announced(path: &str) -> Vec<u8> {
    let literal = |name: &[u8], value: &str| [name, &[value.len() as u8], value.as_bytes()].concat();
    let fields = [
        b"\x83\x86".to_vec(),
        literal(b"\x04", path),
        literal(b"\x01", "127.0.0.1"),
        literal(b"\x0f\x0d", "13"),
        literal(b"\x0f\x14", "100-continue"),
    ]
    .concat();
    [PREFACE, SETTINGS, &[0, 0, fields.len() as u8, 1, 4, 0, 0, 0, 1], &fields].concat()
}

#[tokio::test]
async fn leave_is_given_for_a_body_that_is_wanted_and_has_not_come() {
    const BODY: &[u8] = b"\0\0\x0d\0\x01\0\0\0\x01{\"A\":7,\"B\":8}";
    const CONTINUE: &[u8] = b"\x48\x82\x08\x01";
    let mounted = tower::service_fn(|request: Request<rpcwrap::RequestBody>| async move {
        let is_wanted = request.uri().path() == "/wanted";
        let read =
            if is_wanted { request.into_body().collect().await.unwrap().to_bytes() } else { Bytes::new() };
        Ok::<_, Infallible>(hyper::Response::new(Full::new(read)))
    });
    let server = start(services().mount(mounted)).await;
    // The first byte of the reply's head is its status in the static table.
    for (path, is_sent, leave, status, reply) in [
        ("/Arith/Multiply", false, true, 0x88, &b"56\n"[..]),
        ("/Arith/Multiply", true, false, 0x88, b"56\n"),
        ("/Arith/Nope", false, false, 0x8d, b"{\"error\""),
        ("/wanted", false, true, 0x88, b"{\"A\":7,\"B\":8}"),
        ("/not_wanted", false, false, 0x88, b""),
    ] {
        let mut peer = Peer::connect(server.addr).await;
        let head = announced(path);
        peer.send(if is_sent { [&head, BODY].concat() } else { head }).await;
        let mut head = reply_frame(&mut peer).await;
        assert_eq!(head == (1, CONTINUE.to_vec()), leave, "{path}: {head:?}");
        if leave {
            peer.send(BODY).await;
            head = reply_frame(&mut peer).await;
        }
        assert_eq!((head.0, head.1[0]), (1, status), "{path}");
        if !reply.is_empty() {
            let (kind, body) = reply_frame(&mut peer).await;
            assert!(kind == 0 && body.starts_with(reply), "{path}: {}", body.escape_ascii());
        }
        if !leave && !is_sent {
            // It may all the same have begun to send, and is not to lose the reply to a reset.
            peer.send([BODY, b"\0\0\x08\x06\0\0\0\0\0pingpong"].concat()).await;
            loop {
                match frame(&mut peer).await {
                    (6, asked) if asked == b"pingpong" => break,
                    (kind, _) => assert_ne!(kind, 3, "{path}: RST_STREAM"),
                }
            }
        }
    }
}
