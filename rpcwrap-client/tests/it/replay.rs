//! Recorded connections of the original Go clients to the original server: our client makes the same calls, the
//! recorded server answers, and our client must write the same bytes and see what the original saw.
//!
//! Arguments are taken from the recorded requests, kind by kind; replies are decoded into each method's own type. See
//! `testdata/PROVENANCE.md`. The Python client's connections are not here: it counts from Seq 1.

use crate::peer::{Peer, run};
use bytes::BytesMut;
use codecs::{
    AnyCodec, AnyRequest, BsonDialect, Limits,
    types::{Any, Blob, Text, Time},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use rpcwrap_client::{Client, Config, DialError, Error};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeMap, error::Error as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    join,
};

/// Exchanges that cannot be the same, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("bson_go_client/echo_any", "the original server never answered and its client hung"),
    ("bson_go_client/bad_reply_mapkey", "the original server never answered and its client hung"),
    ("bson_go_client/arg_nil", "nothing was sent; see `no_argument_is_sent_as_an_empty_document`"),
    ("bson_go_client/close_with_pending_call", "our close waits for calls in flight"),
];

#[derive(Deserialize)]
struct Exchange {
    name: String,
    codec: String,
    client_saw: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    dir: String,
    hex: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Counted {
    c: i64,
    index: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inner {
    name: Text,
    n: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Who {
    addr: Text,
    user: String,
}

/// Go's nil lists, maps and bytes are `None`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct All {
    i32: i32,
    i64: i64,
    i: i64,
    u32: u32,
    u64: u64,
    u: u64,
    f: f64,
    b: bool,
    s: Text,
    by: Option<Blob>,
    t: Time,
    r#in: Inner,
    p_in: Option<Inner>,
    nil_p: Option<Inner>,
    r#if: Any,
    nil_if: Any,
    m_s: Option<BTreeMap<Text, Text>>,
    s_s: Option<Vec<Text>>,
    s_i: Option<Vec<i64>>,
    s_in: Option<Vec<Inner>>,
    e_s: Option<Vec<Text>>,
    n_s: Option<Vec<Text>>,
    e_m: Option<BTreeMap<Text, Text>>,
    n_m: Option<BTreeMap<Text, Text>>,
    e_b: Option<Blob>,
    n_b: Option<Blob>,
}

fn exchanges() -> Vec<Exchange> {
    serde_json::from_str(include_str!("../../testdata/exchanges.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn codec(exchange: &Exchange) -> AnyCodec {
    if exchange.codec == "json" { AnyCodec::Json } else { AnyCodec::Bson(BsonDialect::Auto) }
}

/// What the client is expected to send. Go writes a byte that is no UTF-8 as the escape of U+FFFD, we as U+FFFD
/// itself: the same value.
fn sent(exchange: &Exchange, hex: &str) -> Vec<u8> {
    let sent = bytes(hex);
    match String::from_utf8(sent) {
        Ok(text) if exchange.codec == "json" => text.replace("\\ufffd", "\u{FFFD}").into_bytes(),
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

/// Plays the server: takes exactly the recorded bytes, answers with the recorded ones.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut peer: Peer<S>, exchange: &Exchange) {
    for step in &exchange.steps {
        match (&step.hex, step.dir.as_str()) {
            (Some(hex), "c2s") => peer.expect(sent(exchange, hex)).await,
            (Some(hex), _) => peer.send(bytes(hex)).await,
            (None, _) => break,
        }
    }
    peer.expect_fin().await;
}

/// The recorded requests after the handshake (and after the login, whose calls are not the program's).
fn requests(exchange: &Exchange) -> Vec<(String, Any)> {
    let codec = codec(exchange);
    let sent = exchange.steps.iter().filter(|step| step.dir == "c2s").filter_map(|step| step.hex.as_deref());
    let mut buf = BytesMut::from_iter(sent.skip(1).flat_map(bytes));
    let mut server = codec.server(Limits::default());
    let mut requests = Vec::new();
    while let Some(request) = server.decode(&mut buf).unwrap() {
        let args = server.args(&request).decode().unwrap();
        if !name(&request).starts_with("Authenticator") {
            requests.push((name(&request), args));
        }
    }
    requests
}

fn name(request: &AnyRequest) -> String {
    String::from_utf8(request.service_method().to_vec()).unwrap()
}

/// A value as Go's JSON shows it.
fn shown(value: &impl Serialize) -> Value {
    let mut text = BytesMut::new();
    codecs::json::value_to_buf(value, &mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

async fn typed<R: DeserializeOwned + Serialize>(
    client: &Client,
    method: &str,
    args: &Any,
) -> Result<Value, Error> {
    client.call::<_, R>(method, args).await.map(|reply| shown(&reply))
}

/// Calls a method of the recorded server with the type of its reply.
async fn call(client: &Client, method: &str, args: &Any) -> Result<Value, Error> {
    match method {
        "Arith.Divide" => typed::<Quotient>(client, method, args).await,
        "Stream.Count" => typed::<Counted>(client, method, args).await,
        "Echo.All" => typed::<All>(client, method, args).await,
        "Echo.Inner" => typed::<Inner>(client, method, args).await,
        "Echo.Inners" => typed::<Vec<Inner>>(client, method, args).await,
        "Echo.String" => typed::<Text>(client, method, args).await,
        "Echo.Strings" => typed::<Vec<Text>>(client, method, args).await,
        "Echo.MapStr" => typed::<BTreeMap<Text, Text>>(client, method, args).await,
        "Echo.Bytes" => typed::<Blob>(client, method, args).await,
        "Echo.Time" => typed::<Time>(client, method, args).await,
        "Echo.Uint" => typed::<u64>(client, method, args).await,
        "Echo.Uint32" => typed::<u32>(client, method, args).await,
        "Echo.Int32" => typed::<i32>(client, method, args).await,
        "Echo.Float64" => typed::<f64>(client, method, args).await,
        "Echo.Bool" => typed::<bool>(client, method, args).await,
        "Ctx.Who" => client.call::<_, Who>(method, args).await.map(|who| who.user.into()),
        "Echo.Ints" => typed::<Vec<i64>>(client, method, args).await,
        "Echo.Int" | "Echo.Int64" => typed::<i64>(client, method, args).await,
        _ if method.starts_with("Echo.") => typed::<Any>(client, method, args).await,
        _ => typed::<i64>(client, method, args).await,
    }
}

/// What the Go program would have printed: the reply, or the error.
///
/// Beside an error it prints its reply variable, which was never written; a Rust call has a reply or an error.
fn printed(seen: &Result<Value, Error>) -> String {
    match seen {
        Ok(value) => value.to_string(),
        Err(Error::Server { text, .. }) => format!("ERR {text}"),
        Err(other) => format!("{other:?}"),
    }
}

/// `client_saw` in the same form: reply variables beside errors and Go's type names taken off.
fn expected(exchange: &Exchange) -> String {
    let saw = &exchange.client_saw;
    match saw.split_once("ERR ") {
        Some((_, error)) => format!("ERR {}", error.split_once(": ").unwrap().1),
        None => {
            serde_json::from_str::<Value>(saw).map_or_else(|_| format!("\"{saw}\""), |saw| saw.to_string())
        }
    }
}

async fn connect(exchange: &Exchange) -> (Client, impl Future<Output = ()>) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let serving = Box::pin(serve(Peer { stream: theirs }, exchange));
    let dialling = Config::default().dial_over(ours, codec(exchange));
    // The server plays on while the client dials.
    match futures_util::future::select(Box::pin(dialling), serving).await {
        futures_util::future::Either::Left((client, serving)) => (client.unwrap(), serving),
        futures_util::future::Either::Right(_) => panic!("{}: the server has ended", exchange.name),
    }
}

#[test]
fn plain_calls() {
    let mut replayed = 0;
    for exchange in exchanges() {
        let special = ["/stream_", "/auth_", "/pipelined", "/three_"];
        let different = DIFFERENT.iter().any(|(name, _)| *name == exchange.name);
        let streamed = special.iter().any(|part| exchange.name.contains(part))
            && !exchange.name.ends_with("called_plainly");
        if different || streamed {
            continue;
        }
        run(async {
            let (client, serving) = connect(&exchange).await;
            let [(method, args)] = &requests(&exchange)[..] else { panic!("{}", exchange.name) };
            let calling = async {
                let seen = call(&client, method, args).await;
                drop(client);
                seen
            };
            let (seen, ()) = join!(calling, serving);
            assert_eq!(printed(&seen), expected(&exchange), "{}", exchange.name);
        });
        replayed += 1;
    }
    assert!(replayed >= 90, "only {replayed}");
}

#[test]
fn streams() {
    let mut replayed = 0;
    for exchange in exchanges() {
        if !exchange.name.contains("/stream_") || exchange.name.ends_with("called_plainly") {
            continue;
        }
        run(async {
            let (client, serving) = connect(&exchange).await;
            let (method, args) = requests(&exchange).remove(0);
            let calling = async {
                let mut items = client.stream::<_, Counted>(&method, &args).await.unwrap();
                drop(client);
                let mut seen = Vec::new();
                let mut error = String::new();
                while let Some(item) = items.next().await {
                    match item {
                        Ok(item) => seen.push(format!("{{C:{} Index:{}}}", item.c, item.index)),
                        Err(Error::Server { text, .. }) => {
                            error = format!(" ERR rpcplus.ServerError: {text}")
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
                format!("[{}]{error}", seen.join(" "))
            };
            assert_eq!(join!(calling, serving).0, exchange.client_saw, "{}", exchange.name);
        });
        replayed += 1;
    }
    assert_eq!(replayed, 8);
}

/// The numbers of the calls in the order their replies came.
async fn at_once(client: &Client, requests: &[(String, Any)]) -> String {
    let calls = requests.iter().enumerate().map(|(n, (method, args))| async move {
        call(client, method, args).await.unwrap();
        n.to_string()
    });
    let order: Vec<_> = calls.collect::<FuturesUnordered<_>>().collect().await;
    format!("[{}]", order.join(" "))
}

async fn in_turn(client: &Client, requests: &[(String, Any)]) -> String {
    let mut seen = Vec::new();
    for (method, args) in requests {
        seen.push(call(client, method, args).await);
    }
    let [Ok(first), Err(error), Ok(last)] = &seen[..] else { panic!("{seen:?}") };
    format!("{first} {last} <nil>{error}<nil>")
}

#[test]
fn several_calls_on_one_connection() {
    let mut replayed = 0;
    for exchange in exchanges() {
        let pipelined = exchange.name.contains("/pipelined");
        if !pipelined && !exchange.name.contains("/three_") {
            continue;
        }
        run(async {
            let (client, serving) = connect(&exchange).await;
            let requests = requests(&exchange);
            let calling = async {
                let seen = if pipelined {
                    at_once(&client, &requests).await
                } else {
                    in_turn(&client, &requests).await
                };
                drop(client);
                seen
            };
            let seen = join!(calling, serving).0;
            assert_eq!(seen, exchange.client_saw, "{}", exchange.name);
        });
        replayed += 1;
    }
    assert_eq!(replayed, 6);
}

#[test]
fn logins() {
    let mut replayed = 0;
    for exchange in exchanges() {
        let Some((_, login)) = exchange.name.split_once("/auth_") else { continue };
        let (user, secret) = login.split_once('_').unwrap();
        run(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addr = listener.local_addr().unwrap().to_string();
            let serving = async {
                serve(Peer { stream: listener.accept().await.unwrap().0 }, &exchange).await;
            };
            let calling = async {
                match Config::default().dial_auth_http(&addr, codec(&exchange), user, secret).await {
                    Ok(client) => {
                        let (method, args) = requests(&exchange).remove(0);
                        printed(&call(&client, &method, &args).await)
                    }
                    Err(DialError::Login(error)) => printed(&Err(error)),
                    Err(other) => panic!("{other:?}: {:?}", other.source()),
                }
            };
            assert_eq!(join!(calling, serving).0, expected(&exchange), "{}", exchange.name);
        });
        replayed += 1;
    }
    assert!(replayed >= 4, "only {replayed}");
}

#[test]
fn no_argument_is_sent_as_an_empty_document() {
    run(async {
        let (client, mut peer) = crate::peer::connected(AnyCodec::Bson(BsonDialect::Auto), Config::default());
        let serve = async {
            // Where vitess' client says `cannot marshal nil` and sends nothing.
            peer.expect(b"\x2a\x00\x00\x00\x05ServiceMethod\x00\x04\x00\x00\x00\x00").await;
            peer.expect(b"S.No").await;
            peer.expect(b"\x3fSeq\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00").await;
            drop(peer);
        };
        let (called, ()) = join!(client.call::<_, i64>("S.No", &()), serve);
        assert!(matches!(called, Err(Error::Io(_))));
    });
}
