//! Every reason for which the server ends a connection: the peer has read what it was told, then a clean end, over plain
//! TCP and under TLS, where the end is said within TLS.

use rpcwrap::{Builder, Config, TlsConfig, TlsPolicy, User, Users};
use rpcwrap_tests::{
    certificates::Ca,
    limit,
    raw::{CONNECTED, Peer as RawPeer, bson_request, document, json_request, opening},
    server::{TestServer, start},
    services::{Gate, services},
    until, within,
};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(600);
const PAGE: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The start of a GOAWAY frame of HTTP/2, behind its length.
const GOAWAY: &[u8] = b"\x07\0\0\0\0\0";

/// What ends a connection that has been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// What the peer has sent, or has not.
    Peer,
    /// The same, and that it has closed its side.
    HalfClose,
    /// The server drains, and waits for its peers so long.
    Drain(Duration),
    /// An admin.
    Kill,
}
use Cause::{Drain, HalfClose, Kill, Peer};

struct Row {
    why: &'static str,
    sent: Vec<u8>,
    /// What the answer begins with, and what it holds.
    answer: (&'static [u8], &'static [u8]),
    config: Config,
    cause: Cause,
    /// The server has as many connections as it may before this one comes.
    is_full: bool,
}

fn row(why: &'static str, sent: impl Into<Vec<u8>>, answer: (&'static [u8], &'static [u8])) -> Row {
    Row { why, sent: sent.into(), answer, config: Config::default(), cause: Peer, is_full: false }
}

impl Row {
    fn with(self, change: impl FnOnce(Config) -> Config) -> Self {
        Self { config: change(self.config), ..self }
    }

    fn ended_by(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    fn at_a_full_server(self) -> Self {
        Self { is_full: true, ..self }.with(|config| config.max_connections(1))
    }
}

/// A session in JSON whose peer has sent this.
fn session(sent: &str) -> Vec<u8> {
    [opening("/_json_rpc_"), sent.into()].concat()
}

/// A POST whose body is `sent` bytes of the `announced`.
fn upload(path: &str, announced: usize, sent: usize) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {announced}\r\n\r\n");
    [head.into_bytes(), vec![b'1'; sent]].concat()
}

/// A session in this codec whose peer has sent this.
fn in_codec(codec: &str, sent: &[u8]) -> Vec<u8> {
    [&opening(&format!("/_{codec}_rpc_"))[..], sent].concat()
}

fn rows() -> Vec<Row> {
    let call = json_request("Echo.Int", "5", 1);
    // The second goes on for as long as the server lets it.
    let busy = call.clone() + &json_request("Gate.Wait", "7", 2);
    let wrong_login = "POST /Echo/Int HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic YWxhOg==\r\n\
        Content-Length: 1\r\n\r\n5";
    let bson = bson_request("Echo.Int", 1, &document(b"\x12_Val_\0\x05\0\0\0\0\0\0\0"));
    let close = b"\r\nconnection: close\r\n";
    vec![
        row("silent", b"", (b"", b"")).with(|config| config.first_byte_timeout(SHORT).max_connections(1)),
        row("half an opening", b"GE", (b"", b"")).with(|config| config.first_byte_timeout(SHORT)),
        row("no protocol", [&b"SSH-2.0-x\r\n"[..], &[0; 100_000]].concat(), (b"", b"")),
        row("agent check", b"agent\n", (b"ready up ", b"")),
        row("half a head", b"GET / HTTP/1.1\r\n", (b"", b"")).with(|config| config.header_timeout(SHORT)),
        row("idle HTTP", PAGE, (b"HTTP/1.1 200 ", b"ok\n")).with(|config| config.keep_alive_timeout(SHORT)),
        row("old HTTP", PAGE, (b"HTTP/1.1 200 ", b"ok\n"))
            .with(|config| config.max_connection_age(Some(SHORT))),
        row(
            "asked to close",
            b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            (b"HTTP/1.1 200 ", close),
        ),
        row("no HTTP", b"POST x y HTTP/1.1\r\n\r\n", (b"HTTP/1.1 400 ", close)),
        row("no host", b"GET / HTTP/1.1\r\n\r\n", (b"HTTP/1.1 400 ", close)),
        row("refused upload", upload("/Arith/Nope", 3_000_000, 3_000_000), (b"HTTP/1.1 404 ", close)),
        row("upload to a page", upload("/", 3_000_000, 3_000_000), (b"HTTP/1.1 405 ", close)),
        row("upload too large", upload("/Echo/Any", 3_000_000, 3_000_000), (b"HTTP/1.1 413 ", close))
            .with(|config| config.max_message_bytes(1_000_000)),
        row("upload that stops", upload("/Echo/Any", 10, 5), (b"", b""))
            .with(|config| config.stall_timeout(SHORT)),
        row("idle session", session(&call), (CONNECTED, b"\"result\":5"))
            .with(|config| config.idle_timeout(Some(SHORT))),
        row("old session", session(&call), (CONNECTED, b"\"result\":5"))
            .with(|config| config.max_connection_age(Some(SHORT))),
        row("half a message", session("{\"method\":"), (CONNECTED, b""))
            .with(|config| config.stall_timeout(SHORT)),
        // It goes on sending what is not read any more.
        row(
            "too old and busy",
            session(&(call.clone() + &json_request("Gate.Wait", "7", 2).repeat(10_000))),
            (CONNECTED, b"\"result\":5"),
        )
        .with(|config| config.max_connection_age(Some(SHORT)).max_connection_age_grace(SHORT)),
        row("no message", session(&("]".to_owned() + &" ".repeat(2_000_000))), (CONNECTED, b"")),
        row("too large a message", session(&"{\"method\":".repeat(200_000)), (CONNECTED, b""))
            .with(|config| config.max_message_bytes(10_000)),
        row(
            "wrong login",
            [opening("/_json_rpc_/auth"), call.clone().into()].concat(),
            (CONNECTED, b"error"),
        ),
        row("no login", [opening("/_json_rpc_/auth"), b"{".to_vec()].concat(), (CONNECTED, b""))
            .with(|config| config.login_timeout(SHORT)),
        row("idle HTTP/2", PREFACE, (b"\0\0", GOAWAY))
            .with(|config| config.keep_alive_timeout(SHORT).header_timeout(SHORT)),
        row("old HTTP/2", PREFACE, (b"\0\0", GOAWAY))
            .with(|config| config.max_connection_age(Some(SHORT)).header_timeout(SHORT)),
        row("no HTTP/2", [PREFACE, &[0xff; 100_000]].concat(), (b"\0\0", GOAWAY)),
        row("drained session", session(&call), (CONNECTED, b"\"result\":5")).ended_by(Drain(LONG)),
        row("drained HTTP", PAGE, (b"HTTP/1.1 200 ", b"ok\n")).ended_by(Drain(LONG)),
        row("drained HTTP/2", PREFACE, (b"\0\0", GOAWAY))
            .with(|config| config.header_timeout(SHORT))
            .ended_by(Drain(LONG)),
        row("drained raw session", call.clone(), (b"{", b"\"result\":5")).ended_by(Drain(LONG)),
        row("cut session", session(&call), (CONNECTED, b"\"result\":5")).ended_by(Drain(Duration::ZERO)),
        row("cut busy session", session(&busy), (CONNECTED, b"\"result\":5")).ended_by(Drain(Duration::ZERO)),
        row("cut HTTP", PAGE, (b"HTTP/1.1 200 ", b"ok\n")).ended_by(Drain(Duration::ZERO)),
        row("cut HTTP/2", PREFACE, (b"\0\0", GOAWAY)).ended_by(Drain(Duration::ZERO)),
        row("killed session", session(&call), (CONNECTED, b"\"result\":5")).ended_by(Kill),
        row("killed busy session", session(&busy), (CONNECTED, b"\"result\":5")).ended_by(Kill),
        row("killed HTTP", PAGE, (b"HTTP/1.1 200 ", b"ok\n")).ended_by(Kill),
        row("killed HTTP/2", PREFACE, (b"\0\0", GOAWAY)).ended_by(Kill),
        row("half-closed session", session(&call), (CONNECTED, b"\"result\":5")).ended_by(HalfClose),
        row("half-closed in a message", session("{\"method\":"), (CONNECTED, b"")).ended_by(HalfClose),
        row("half-closed HTTP", PAGE, (b"HTTP/1.1 200 ", b"ok\n")).ended_by(HalfClose),
        row("half-closed HTTP/2", PREFACE, (b"\0\0", b"")).ended_by(HalfClose),
        row("half an opening, and no more", b"GE", (b"", b"")).ended_by(HalfClose),
        row("quit", b"AUTH ala kot\r\nQUIT\r\n", (b"+OK\r\n", b"+OK\r\n")),
        row("third wrong login", wrong_login.repeat(3), (b"HTTP/1.1 401 ", close)),
        row("head too large", format!("GET /{} HTTP/1.1\r\n", "x".repeat(100_000)), (b"HTTP/1.1 ", close)),
        row(
            "too many headers",
            format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", "a: b\r\n".repeat(100)),
            (b"HTTP/1.1 431 ", close),
        ),
        row("no BSON", in_codec("bson", &[&[4, 0, 0, 0][..], &[7; 100_000]].concat()), (CONNECTED, b"")),
        row(
            "BSON, then none",
            in_codec("bson", &[&bson[..], &[0xff; 100_000]].concat()),
            (CONNECTED, b"Seq\0"),
        ),
        row("no gob", in_codec("gob", &[0xf0; 100_000]), (CONNECTED, b"")),
        row("no MessagePack", in_codec("msgpack", &[0xc1; 100_000]), (CONNECTED, b"")),
        row(
            "no baidu_std",
            [&b"PRPC\xff\xff\xff\xff\xff\xff\xff\xff"[..], &[7; 100_000]].concat(),
            (b"", b""),
        ),
        row("no raw message", format!("{call}]{}", " ".repeat(100_000)), (b"{", b"\"result\":5")),
        row("no room", session(&call), (b"HTTP/1.0 503 ", close)).at_a_full_server(),
        row("no room for HTTP calls", upload("/Echo/Any", 1, 1), (b"HTTP/1.1 503 ", close))
            .at_a_full_server(),
        row("a page without room", PAGE, (b"HTTP/1.1 200 ", close)).at_a_full_server(),
    ]
}

fn builder(ca: &Ca, gate: &Gate) -> Builder {
    let server = ca.server();
    let tls = TlsConfig::from_pem(server.certificate, server.key).policy(TlsPolicy::Allow);
    let users = [User::new("ala").secret("kot"), User::new("root").secret("r").admin(true)];
    services().service(gate.service()).tls(tls).credentials(Users::new(users).unwrap().into())
}

/// Has an admin end the youngest connection.
async fn kill(server: &TestServer) {
    let body = format!(r#"{{"connection":{}}}"#, server.connections(1000).last().unwrap().id);
    // "root:r"
    let head = "POST /admin/kill HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic cm9vdDpy\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let reply = RawPeer::connect(server.addr).await.http(request).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// All that the peer reads; an error if the end is not clean.
async fn answer<S>(mut stream: S, row: &Row, server: &TestServer) -> io::Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(&row.sent).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    if matches!(row.cause, Drain(_) | Kill) {
        let is_there = |answer: &[u8]| answer.starts_with(b"\0\0") || answer.ends_with(b"\n");
        while !(answer.starts_with(row.answer.0) && is_there(&answer)) {
            stream.read_buf(&mut answer).await?;
        }
    }
    let end = async {
        match row.cause {
            Drain(within) => _ = server.drain(within).await,
            Kill => kill(server).await,
            Peer | HalfClose => {}
        }
    };
    if row.cause == HalfClose {
        stream.shutdown().await?;
    }
    tokio::join!(stream.read_to_end(&mut answer), end).0?;
    Ok(answer)
}

#[tokio::test]
async fn every_end_is_said_and_clean() {
    let ca = Ca::new();
    let tls = rpcwrap_client::TlsConfig::new().ca_pem(ca.pem());
    let mut faults = Vec::new();
    for row in rows() {
        for is_secure in [false, true] {
            let gate = Gate::default();
            let server = start(builder(&ca, &gate).config(row.config.clone())).await;
            let mut other = None;
            if row.is_full {
                let mut busy = RawPeer::connect_codec(server.addr, "json").await;
                busy.send(json_request("Gate.Wait", "7", 1)).await;
                until(|| gate.entered() == 1).await;
                other = Some(busy);
            }
            let tcp = limit(TcpStream::connect(server.addr)).await.unwrap();
            let ended = match is_secure {
                false => limit(answer(tcp, &row, &server)).await,
                true => {
                    let stream = limit(tls.connect(tcp, "localhost")).await.unwrap();
                    limit(answer(stream, &row, &server)).await
                }
            };
            let what = format!("{}, TLS: {is_secure}", row.why);
            drop(other);
            let answer = match ended {
                Ok(answer) => answer,
                Err(error) => {
                    faults.push(format!("{what}: {error}"));
                    continue;
                }
            };
            let (start, part) = row.answer;
            let has_part = part.is_empty() || answer.windows(part.len()).any(|seen| seen == part);
            if !(answer.starts_with(start) && has_part) {
                faults.push(format!("{what}: {}", answer[..answer.len().min(1000)].escape_ascii()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A caller that goes on calling is refused for a second or so, not until the server cuts it off.
#[tokio::test]
async fn a_caller_that_goes_on_calling_does_not_hold_up_a_drain() {
    let server = start(services()).await;
    let mut peer = rpcwrap_tests::raw::Peer::connect_codec(server.addr, "json").await;
    peer.call("Echo.Int", "5", 0).await;
    let calls = async {
        for id in 1.. {
            if peer.try_send(json_request("Echo.Int", "5", id)).await.is_err() {
                break;
            }
            match limit(peer.read_line_or_end()).await {
                Some(line) => assert!(line.contains("\"result\":5") || line.contains("draining"), "{line}"),
                None => break,
            }
        }
    };
    let began = Instant::now();
    let (drained, ()) =
        within(Duration::from_secs(20), async { tokio::join!(server.drain(LONG), calls) }).await;
    assert_eq!(drained.cut, 0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
