//! The registry of protocols: what is refused when a server is built, who is shown which bytes, how each outcome ends a
//! connection, and that no peer calls before its login.

use crate::custom_codec::{NoClient, visit_json};
use bytes::BytesMut;
use rpcwrap::{
    Builder, ConfigError, Credential, Credentials, Server,
    codecs::{Codec, DecodeError, EncodeError, ErrorReply, Head, Limits, Request, ValueError, codec},
    protocol::{
        AuthMode, Class, Conn, ConnCx, FramedProtocol, Protocol, ProtocolError, ServeFuture, Served, Sniff,
    },
};
use rpcwrap_tests::{
    limit,
    raw::{CONNECTED, Peer, json_request, opening},
    server::{start, tcp},
    services::services,
    until,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// A codec of lines: `MAG Echo.Int 5` → `5`, an error `!text`; without numbers, so one call at a time.
#[derive(Clone, Copy)]
pub(crate) struct Words;

const MALFORMED: DecodeError = DecodeError::Malformed { at: 0, what: "no line of words" };

impl Codec for Words {
    fn name(&self) -> &str {
        "words"
    }
    fn request_decoder(&self, _: Limits) -> Box<dyn codec::RequestDecoder> {
        Box::new(*self)
    }
    fn reply_encoder(&self) -> Box<dyn codec::ReplyEncoder> {
        Box::new(*self)
    }
    fn request_encoder(&self) -> Box<dyn codec::RequestEncoder> {
        Box::new(NoClient)
    }
    fn reply_decoder(&self, _: Limits) -> Box<dyn codec::ReplyDecoder> {
        Box::new(NoClient)
    }
}

impl codec::RequestDecoder for Words {
    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        let Some(end) = buf.iter().position(|byte| *byte == b'\n') else {
            let limit = 64;
            let too_big = DecodeError::TooBig { len: buf.len() as u64, limit };
            return if buf.len() > limit { Err(too_big) } else { Ok(None) };
        };
        let line = buf.split_to(end + 1).freeze();
        let blank = line[..end].iter().skip(4).position(|byte| *byte == b' ').ok_or(MALFORMED)? + 4;
        if !line.starts_with(b"MAG ") {
            return Err(MALFORMED);
        }
        Ok(Some(Request::new(line, 0, 4..blank, blank..end)))
    }
    fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Request>, DecodeError> {
        // The last line may go without its end.
        if buf.is_empty() {
            return Ok(None);
        }
        buf.extend_from_slice(b"\n");
        self.decode(buf)
    }
    fn args(&self, request: &Request, visit: codec::Visit<'_>) -> Result<(), ValueError> {
        visit_json(request, visit)
    }
}

impl codec::ReplyEncoder for Words {
    fn encode(
        &mut self,
        _: &Head,
        reply: &dyn erased_serde::Serialize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let json = serde_json::to_vec(reply).map_err(|error| EncodeError::new(error.to_string()))?;
        out.extend_from_slice(&[&json[..], b"\n"].concat());
        Ok(())
    }
    fn encode_error(&mut self, _: &Head, error: &ErrorReply, out: &mut BytesMut) {
        out.extend_from_slice(format!("!{}\n", error.text).as_bytes());
    }
}

fn words() -> FramedProtocol {
    FramedProtocol::new("words", b"MAG ", Words)
}

/// A protocol of one opening, which ends as it is told after the reply `said`, and counts how often it is asked.
#[derive(Clone)]
struct Told {
    name: &'static str,
    opening: &'static [u8],
    said: &'static [u8],
    end: fn() -> Result<Served, ProtocolError>,
    asked: Arc<AtomicUsize>,
}

fn told(name: &'static str, opening: &'static [u8]) -> Told {
    Told { name, opening, said: b"", end: || Ok(Served::Closed), asked: Arc::default() }
}

impl Protocol for Told {
    fn name(&self) -> &'static str {
        self.name
    }
    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![self.opening.to_vec()]
    }
    fn sniff(&self, head: &[u8]) -> Sniff {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Sniff::magic(head, self.opening)
    }
    fn serve(self: Arc<Self>, mut conn: Conn, _: ConnCx) -> ServeFuture {
        Box::pin(async move {
            conn.stream.write_all(self.said).await?;
            (self.end)()
        })
    }
}

fn build_error(builder: Builder) -> String {
    builder.build().unwrap_err().to_string()
}

#[test]
fn two_protocols_of_one_opening_are_refused() {
    let same = services().protocol(told("one", b"MAGIC")).protocol(told("two", b"MAGIC"));
    assert_eq!(build_error(same), r#"protocol one opens with "MAGIC", which is taken by two"#);
    let prefix = services().protocol(told("one", b"MAGIC")).protocol(told("two", b"MAG"));
    assert_eq!(build_error(prefix), r#"protocol one opens with "MAGIC", which is taken by two"#);
    let https = services().protocol(told("mine", b"POST /mine HTTP/1.1\r\n"));
    assert_eq!(
        build_error(https),
        r#"protocol mine opens with "POST /mine HTTP/1.1\r\n", which is taken by http"#
    );
    let agents = services().protocol(told("mine", b"agent\nx"));
    assert_eq!(build_error(agents), r#"protocol mine opens with "agent\nx", which is taken by agent_check"#);
    // Of an empty one everything is a beginning: the first to be checked finds it out.
    let empty = build_error(services().protocol(told("mine", b"")));
    assert!(empty.ends_with("which is taken by mine"), "{empty}");
    assert!(services().protocol(told("one", b"MAGIC1")).protocol(told("two", b"MAGIC2")).build().is_ok());
}

#[test]
fn names_of_protocols_are_checked() {
    for name in ["", "Upper", "with blank", "in_process"] {
        let error = services().protocol(told(name, b"MAGIC")).build().unwrap_err();
        assert!(matches!(&error, ConfigError::BadName { what: "protocol", .. }), "{error}");
    }
    assert_eq!(
        services().protocol(told("http", b"MAGIC")).build().unwrap_err(),
        ConfigError::DuplicateProtocol("http".into())
    );
}

#[tokio::test]
async fn a_protocol_that_is_not_enabled_on_a_listener_never_sees_a_byte() {
    let (mine, other) = (told("mine", b"MINE"), told("other", b"OTHER"));
    let asked = (mine.asked.clone(), other.asked.clone());
    let server = start(services().protocol(mine).protocol(other)).await;
    asked.0.store(0, Ordering::Relaxed);
    asked.1.store(0, Ordering::Relaxed);
    let only = tcp(limit(server.listen_only("127.0.0.1:0", &["http", "go_rpc", "mine"])).await.unwrap());
    for opening in [&b"OTHER\n"[..], b"GET /healthz HTTP/1.0\r\n\r\n", b"MINE", b"agent\n", b"\0\x01"] {
        let mut peer = Peer::connect(only).await;
        peer.send(opening).await;
        let got = peer.read_to_end().await;
        assert_eq!(got.is_empty(), !opening.starts_with(b"GET"), "{}", opening.escape_ascii());
    }
    assert_eq!((asked.0.load(Ordering::Relaxed) > 0, asked.1.load(Ordering::Relaxed)), (true, 0));
    let of = |name| server.snapshot().protocols.iter().find(|one| one.name == name).unwrap().matched;
    assert_eq!((of("other"), of("agent_check"), of("mine"), of("http")), (0, 0, 1, 1));
    assert_eq!(server.snapshot().server.unknown_openings, 3);
    // CONNECT does not lead to what is not enabled either.
    let http = tcp(limit(server.listen_only("127.0.0.1:0", &["http"])).await.unwrap());
    let mut peer = Peer::connect(http).await;
    assert_eq!(peer.http(opening("/_json_rpc_")).await.status, 404);
    Peer::connect(only).await.handshake("/_json_rpc_").await;
}

#[tokio::test]
async fn a_listener_for_http_alone_says_what_is_wrong_with_any_bytes() {
    let server = start(services()).await;
    let http = tcp(limit(server.listen_only("127.0.0.1:0", &["http"])).await.unwrap());
    let mut peer = Peer::connect(http).await;
    peer.send("\u{1}\u{2}garbage\r\n\r\n").await;
    assert_eq!(peer.read_http(false).await.status, 400);
}

#[tokio::test]
async fn an_unknown_protocol_name_opens_no_listener() {
    let server = start(services()).await;
    let error = limit(server.listen_only("127.0.0.1:0", &["http", "htpt"])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    let names: Vec<_> = server.protocols().map(Protocol::name).collect();
    assert_eq!(error.to_string(), format!("no protocol \"htpt\"; there are {}", names.join(", ")));
}

#[tokio::test]
async fn each_outcome_closes_after_the_protocols_own_words_and_is_counted() {
    type End = fn() -> Result<Served, ProtocolError>;
    let ends: [(&str, &[u8], &[u8], End); 4] = [
        ("big", b"BIG", b"-ERR too big\n", || Err(ProtocolError::TooBig { limit: 7 })),
        ("full", b"FULL", b"-ERR no room\n", || Err(ProtocolError::Overloaded)),
        ("bad", b"BAD", b"", || Err(ProtocolError::Malformed("no good"))),
        ("gone", b"GONE", b"", || Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())),
    ];
    let builder = ends.into_iter().fold(services(), |builder, (name, opening, said, end)| {
        builder.protocol(Told { said, end, ..told(name, opening) })
    });
    let server = start(builder).await;
    for (_, opening, said, _) in ends {
        let mut peer = Peer::connect(server.addr).await;
        // The rest of the stream is not read any more.
        peer.send([opening, b"GET / HTTP/1.0\r\n\r\n"].concat()).await;
        assert_eq!(peer.read_to_end().await, said);
    }
    until(|| server.snapshot().server.connections == 0).await;
    let counts = |name| {
        let snapshot = server.snapshot();
        let one = snapshot.protocols.iter().find(|one| one.name == name).unwrap();
        (one.matched, one.too_big, one.overloaded, one.malformed)
    };
    assert_eq!(
        ["big", "full", "bad", "gone", "http"].map(counts),
        [(1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1), (1, 0, 0, 0), (0, 0, 0, 0)]
    );
    assert_eq!(server.snapshot().server.malformed, 2);
}

#[tokio::test]
async fn a_framed_protocol_answers_what_it_read_then_says_how_it_ended() {
    let server = start(services().protocol(words())).await;
    let counts = || {
        let snapshot = server.snapshot();
        let one = snapshot.protocols.iter().find(|one| one.name == "words").unwrap();
        (one.matched, one.too_big, one.malformed)
    };
    let mut peer = Peer::connect(server.addr).await;
    peer.send("MAG Echo.Int 5\nMAG Nope.X 1\nMAG Ctx.Who \"\"\n").await;
    peer.expect("5\n!rpc: can't find service Nope.X\n\"words words -\"\n").await;
    // Malformed in the middle: what came before is answered, what comes after is not read.
    peer.send("MAG Echo.Int 6\nGET / HTTP/1.0\n\nMAG Echo.Int 7\n").await;
    peer.expect("6\n").await;
    peer.expect_closed().await;
    until(|| counts() == (1, 0, 1)).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send(["MAG Echo.String \"", &"x".repeat(100)].concat()).await;
    peer.expect_closed().await;
    until(|| counts() == (2, 1, 1)).await;
    // The end of the stream may end a message.
    let mut peer = Peer::connect(server.addr).await;
    peer.send("MAG Echo.Int 8").await;
    peer.half_close().await;
    peer.expect("8\n").await;
    peer.expect_closed().await;
    assert_eq!(counts(), (3, 1, 1));
}

/// `LOGIN user secret` in the first line, then a call per line.
struct Login;

impl Protocol for Login {
    fn name(&self) -> &'static str {
        "login"
    }
    fn class(&self) -> Class {
        Class::Magic
    }
    fn prefaces(&self) -> Vec<Vec<u8>> {
        vec![b"LOGIN ".to_vec()]
    }
    fn sniff(&self, head: &[u8]) -> Sniff {
        Sniff::magic(head, b"LOGIN ")
    }
    fn auth(&self) -> AuthMode {
        AuthMode::Connection
    }
    fn serve(self: Arc<Self>, conn: Conn, cx: ConnCx) -> ServeFuture {
        Box::pin(async move {
            let (read, mut write) = tokio::io::split(conn.into_io());
            let mut lines = BufReader::new(read).lines();
            let line = lines.next_line().await?.unwrap_or_default();
            let words: Vec<&str> = line.split(' ').collect();
            let [_, user, secret] = words[..] else {
                return Err(ProtocolError::Malformed("LOGIN user secret"));
            };
            // A protocol that forgets to look at the result opens nothing.
            let peer = cx.peer("", cx.verify(&Credential::Password { user, secret }).await.ok());
            while let Some(line) = lines.next_line().await? {
                let (name, args) = line.split_once(' ').unwrap_or((&line, "null"));
                let reply = match cx.call(&peer, name, args.as_bytes(), None).await {
                    Ok(reply) => String::from_utf8_lossy(&reply).into_owned(),
                    Err(error) => error.code().to_owned(),
                };
                write.write_all([reply.as_bytes(), b"\n"].concat().as_slice()).await?;
            }
            Ok(Served::Closed)
        })
    }
}

fn guarded() -> Builder {
    let users = Credentials::new([("ala", ["kot"])]);
    services().credentials(users).require_login().protocol(Login).protocol(words())
}

#[tokio::test]
async fn with_a_login_required_no_protocol_calls_without_one() {
    let server = start(guarded()).await;
    let refused = "rpc: Echo.Int needs an authenticated connection";
    // Go-RPC without the dialog; names that do not exist are not told apart from those that do.
    let mut json = Peer::connect_codec(server.addr, "json").await;
    assert_eq!(json.call("Echo.Int", "5", 1).await["error"], refused);
    assert_eq!(json.call("Nope.X", "5", 2).await["error"], "rpc: Nope.X needs an authenticated connection");
    assert_eq!(
        json.call("_rpcwrap_.Describe", "null", 3).await["error"],
        "rpc: _rpcwrap_.Describe needs an authenticated connection"
    );
    // HTTP, also with a wrong credential, and vitess' HTTP-RPC.
    let http_rpc = tcp(limit(server.listen_http_rpc("127.0.0.1:0")).await.unwrap());
    let post = |path: &str, authorization: &str, body: &str| {
        let len = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Content-Length: {len}\r\n\r\n{body}"
        )
    };
    let (right, wrong) = ("Authorization: Basic YWxhOmtvdA==\r\n", "Authorization: Basic YWxhOnBpZXM=\r\n");
    let mut http = Peer::connect(server.addr).await;
    for (authorization, status) in [("", 401), (wrong, 401), (right, 200)] {
        assert_eq!(http.http(post("/Echo/Int", authorization, "5")).await.status, status, "{authorization}");
    }
    let mut rpc = Peer::connect(http_rpc).await;
    let call = json_request("Echo.Int", "5", 1);
    assert!(rpc.http(post("/_json_rpc_", "", &call)).await.body.contains(refused));
    assert_eq!(rpc.http(post("/_json_rpc_", wrong, &call)).await.status, 401);
    assert_eq!(rpc.http(post("/_json_rpc_", right, &call)).await.json()["result"], 5);
    // Protocols of the program's own.
    let mut framed = Peer::connect(server.addr).await;
    framed.send("MAG Echo.Int 5\n").await;
    framed.expect(format!("!{refused}\n")).await;
    let mut denied = Peer::connect(server.addr).await;
    denied.send("LOGIN ala pies\nEcho.Int 5\n").await;
    denied.expect("unauthenticated\n").await;
    // And those who have proven who they are.
    let mut known = Peer::connect(server.addr).await;
    known.send("LOGIN ala kot\nCtx.Who \"\"\n").await;
    known.expect("\"login  ala\"\n").await;
    let mut known = crate::auth::login(&server, "ala", "kot").await;
    assert_eq!(known.call("Echo.Int", "5", 2).await["result"], 5);
    // The program itself need not log in to itself; pages and probes are no calls.
    assert_eq!(server.call::<_, i64>("Echo.Int", &5).await.unwrap(), 5);
    let mut page = Peer::connect(server.addr).await;
    assert_eq!(page.http("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.status, 200);
}

#[test]
fn a_login_no_peer_could_pass_builds_no_server() {
    assert_eq!(services().require_login().build().unwrap_err(), ConfigError::NoWayToLogIn);
}

#[test]
fn protocols_are_asked_by_class_and_then_in_the_order_they_came() {
    let server = guarded().build().unwrap();
    let all: Vec<_> = server.protocols().map(|one| (one.name(), one.class(), one.auth())).collect();
    assert!(all.is_sorted_by_key(|(_, class, _)| *class), "{all:?}");
    let place = |wanted| all.iter().position(|one| *one == wanted);
    let login = place(("login", Class::Magic, AuthMode::Connection)).unwrap();
    // The program's own come after the server's of their class.
    assert_eq!(place(("words", Class::Magic, AuthMode::Certificate)), Some(login + 1));
    assert!(place(("agent_check", Class::Magic, AuthMode::Certificate)).unwrap() < login);
    assert!(place(("http", Class::Grammar, AuthMode::Request)).unwrap() > login);
}

async fn page(server: &Server, path: &str) -> serde_json::Value {
    let mut peer = Peer::in_memory(server);
    peer.http(format!("GET {path}?format=json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await.json()
}

#[tokio::test]
async fn every_connection_is_shown_from_accept_to_close() {
    let gate = rpcwrap_tests::services::Gate::default();
    let users = Credentials::new([("ala", ["kot"])]);
    let server = start(services().credentials(users).service(gate.service())).await;
    let silent = Peer::connect(server.addr).await;
    let mut known = crate::auth::login(&server, "ala", "kot").await;
    known.send(json_request("Echo.Int", "5", 2) + &json_request("Gate.Wait", "null", 3)).await;
    assert_eq!(known.read_json().await["result"], 5);
    until(|| server.connections(10).iter().any(|one| one.in_flight == 1)).await;
    let shown = page(&server, "/connections").await;
    let rows = shown["connections"].as_array().unwrap();
    assert_eq!((&shown["open"], rows.len()), (&serde_json::json!(3), 3));
    assert_eq!((&rows[0]["protocol"], &rows[0]["bytes_in"]), (&"".into(), &0.into()));
    let row = &rows[1];
    for (key, wanted) in [("protocol", "go_rpc"), ("codec", "json"), ("user", "ala")] {
        assert_eq!(row[key], wanted, "{row}");
    }
    // The login's two requests are not calls.
    assert_eq!((&row["calls"], &row["in_flight"]), (&2.into(), &1.into()), "{row}");
    assert!(row["bytes_in"].as_u64().unwrap() > 200 && row["bytes_out"].as_u64().unwrap() > 100, "{row}");
    assert!(row["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{row}");
    assert_eq!((&rows[2]["protocol"], &rows[2]["peer"]), (&"http".into(), &"in-process".into()));
    gate.open(1);
    assert_eq!(known.read_json().await["id"], 3);
    until(|| server.connections(10).iter().all(|one| one.in_flight == 0)).await;
    drop((silent, known));
    until(|| server.connections(10).is_empty()).await;
    let shown = page(&server, "/debug/connections").await;
    assert_eq!(shown["connections"].as_array().unwrap().len(), 1, "the one that asks");
}

#[tokio::test]
async fn bytes_are_counted_from_the_first_to_the_last() {
    let server = start(services()).await;
    let call = json_request("Echo.Int", "5", 1);
    let sent = [&opening("/_json_rpc_")[..], call.as_bytes()].concat();
    let reply = "{\"id\":1,\"result\":5,\"error\":null}\n";
    let mut peer = Peer::in_memory(&server);
    peer.send(&sent).await;
    peer.expect(CONNECTED).await;
    peer.expect(reply).await;
    let seen = || {
        let one = server.connections(1).remove(0);
        (one.calls, one.bytes_in, one.bytes_out)
    };
    assert_eq!(seen(), (1, sent.len() as u64, (CONNECTED.len() + reply.len()) as u64));
}

#[tokio::test]
async fn first_bytes_of_no_protocol_are_shown_in_hex() {
    let server = start(services()).await;
    for head in [&b"\x00\x01\x02\x03"[..], b"\x16\x03\x01\x02\x00"] {
        let mut peer = Peer::connect(server.addr).await;
        peer.send(head).await;
        peer.expect_closed().await;
    }
    until(|| server.snapshot().failed_openings.len() == 2).await;
    let shown = page(&server, "/protocols").await;
    let failed = shown["failed_openings"].as_array().unwrap();
    assert_eq!(
        (&failed[0]["bytes"], &failed[0]["why"]),
        (&"1603010200".into(), &"a TLS hello on a plain port".into())
    );
    assert_eq!(failed[1]["bytes"], "00010203");
    assert_eq!(shown["outcomes"]["unknown"], 2);
}
