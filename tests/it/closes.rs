//! Every reason for which the server ends a connection: the peer has read what it was told, then a clean end, over plain
//! TCP and under TLS, where the end is said within TLS.

use rpcwrap::{Builder, Config, Credentials, TlsConfig, TlsPolicy};
use rpcwrap_tests::{
    certificates::Ca,
    limit,
    raw::{CONNECTED, json_request, opening},
    server::{TestServer, start},
    services::services,
    within,
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
    /// The server drains, and waits for its peers so long.
    Drain(Duration),
}
use Cause::{Drain, Peer};

struct Row {
    why: &'static str,
    sent: Vec<u8>,
    /// What the answer begins with, and what it holds.
    answer: (&'static [u8], &'static [u8]),
    config: Config,
    cause: Cause,
}

fn row(why: &'static str, sent: impl Into<Vec<u8>>, answer: (&'static [u8], &'static [u8])) -> Row {
    Row { why, sent: sent.into(), answer, config: Config::default(), cause: Peer }
}

impl Row {
    fn with(self, change: impl FnOnce(Config) -> Config) -> Self {
        Self { config: change(self.config), ..self }
    }

    fn drained(self, within: Duration) -> Self {
        Self { cause: Drain(within), ..self }
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

fn rows() -> Vec<Row> {
    let call = json_request("Echo.Int", "5", 1);
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
        row("drained session", session(&call), (CONNECTED, b"\"result\":5")).drained(LONG),
        row("drained HTTP", PAGE, (b"HTTP/1.1 200 ", b"ok\n")).drained(LONG),
        row("drained HTTP/2", PREFACE, (b"\0\0", GOAWAY))
            .with(|config| config.header_timeout(SHORT))
            .drained(LONG),
        row("cut session", session(&call), (CONNECTED, b"\"result\":5")).drained(Duration::ZERO),
        row("cut HTTP", PAGE, (b"HTTP/1.1 200 ", b"ok\n")).drained(Duration::ZERO),
        row("cut HTTP/2", PREFACE, (b"\0\0", b"")).drained(Duration::ZERO),
    ]
}

fn builder(ca: &Ca) -> Builder {
    let server = ca.server();
    let tls = TlsConfig::from_pem(server.certificate, server.key).policy(TlsPolicy::Allow);
    services().tls(tls).credentials(Credentials::new([("ala", ["kot"])]))
}

/// All that the peer reads; an error if the end is not clean.
async fn answer<S>(mut stream: S, row: &Row, server: &TestServer) -> io::Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(&row.sent).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    if let Drain(within) = row.cause {
        let is_there = |answer: &[u8]| answer.starts_with(b"\0\0") || answer.ends_with(b"\n");
        while !(answer.starts_with(row.answer.0) && is_there(&answer)) {
            stream.read_buf(&mut answer).await?;
        }
        let (read, _) = tokio::join!(stream.read_to_end(&mut answer), server.drain(within));
        read?;
    } else {
        stream.read_to_end(&mut answer).await?;
    }
    Ok(answer)
}

#[tokio::test]
async fn every_end_is_said_and_clean() {
    let ca = Ca::new();
    let tls = rpcwrap_client::TlsConfig::new().ca_pem(ca.pem());
    for row in rows() {
        for is_secure in [false, true] {
            let server = start(builder(&ca).config(row.config.clone())).await;
            let tcp = limit(TcpStream::connect(server.addr)).await.unwrap();
            let ended = match is_secure {
                false => limit(answer(tcp, &row, &server)).await,
                true => {
                    let stream = limit(tls.connect(tcp, "localhost")).await.unwrap();
                    limit(answer(stream, &row, &server)).await
                }
            };
            let what = format!("{}, TLS: {is_secure}", row.why);
            let answer = ended.unwrap_or_else(|error| panic!("{what}: {error}"));
            let (start, part) = row.answer;
            let has_part = part.is_empty() || answer.windows(part.len()).any(|seen| seen == part);
            assert!(answer.starts_with(start) && has_part, "{what}: {}", answer.escape_ascii());
        }
    }
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
