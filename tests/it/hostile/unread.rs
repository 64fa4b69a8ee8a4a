//! Peers that ask for much and read nothing: each is held to its window, then closed, and other peers do not
//! notice.

use super::{Good, MIB, alone};
use crate::{
    baidu_std::demo::{HEAD, request},
    program::{Program, Settings},
};
use bytes::BytesMut;
use futures_util::future::join_all;
use rpcwrap::codecs::{
    AnyCodec, BsonDialect, CallOptions, baidu_std::RequestHead, body::ContentType, types::Blob,
};
use rpcwrap_tests::raw::{Peer, opening};
use serde::Serialize;
use std::net::SocketAddr;

/// What the program may hold for one of them: `max_output_bytes`, in a buffer that has doubled, and some.
const MOST: u64 = 24 * MIB;
/// Bytes of requests in one write: few, so that it ends in time on a busy machine too.
const WRITE: usize = 64 << 10;

/// What one peer sends: a name, how the connection opens, and requests without end.
pub(super) struct RequestSource(pub(super) String, Vec<u8>, Box<dyn FnMut(u64) -> Vec<u8>>);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: u64,
    b: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Up {
    to: u64,
}

/// Requests of one codec, all for the same.
fn go_rpc(codec: &AnyCodec, method: &'static str, args: impl Serialize + 'static) -> RequestSource {
    let mut writer = codec.request_writer();
    let next = move |seq| {
        let mut out = BytesMut::new();
        writer.encode(seq, method, CallOptions::default(), &args, None, &mut out).unwrap();
        out.to_vec()
    };
    let open = opening(&format!("/_{}_rpc_", codec.name()));
    RequestSource(format!("{method} in {codec:?}"), open, Box::new(next))
}

fn baidu_std(method_name: &'static str, body: Vec<u8>, content_type: ContentType) -> RequestSource {
    let service_name = if method_name == "Multiply" { "Arith" } else { "Echo" };
    let head = RequestHead { service_name, method_name, content_type, ..HEAD };
    let next = move |id| request(&RequestHead { correlation_id: id as i64, ..head }, &body).to_vec();
    RequestSource(format!("{method_name} in baidu_std"), Vec::new(), Box::new(next))
}

/// `GET` and `POST`, one behind the other.
fn http(name: &str, request: String) -> RequestSource {
    RequestSource(format!("{name} in HTTP/1.1"), Vec::new(), Box::new(move |_| request.clone().into_bytes()))
}

/// Streams of HTTP/2, each with its own window opened as wide as the connection's.
fn http2() -> RequestSource {
    let mut open = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS: INITIAL_WINDOW_SIZE = 2^31 - 1; WINDOW_UPDATE of the connection by as much as there is room for.
    open.extend(b"\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff");
    open.extend(b"\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0");
    let next = |n| {
        // HEADERS with END_STREAM and END_HEADERS: GET http /metrics of 127.0.0.1, in HPACK's static table and literals.
        let head = b"\x82\x86\x04\x08/metrics\x01\x09127.0.0.1";
        let stream = (2 * n as u32 + 1).to_be_bytes();
        [&[0, 0, head.len() as u8, 1, 5], &stream[..], head].concat()
    };
    RequestSource("GET in HTTP/2".to_owned(), open, Box::new(next))
}

pub(super) fn every_source() -> Vec<RequestSource> {
    let text = || Blob(vec![b'x'; 64 << 10]);
    let mut all = Vec::new();
    for codec in [AnyCodec::Json, AnyCodec::Bson(BsonDialect::Auto), AnyCodec::Gob, AnyCodec::Msgpack] {
        all.push(go_rpc(&codec, "Echo.Bytes", text()));
        all.push(go_rpc(&codec, "Arith.Multiply", Args { a: 1 << 40, b: 1 << 20 }));
        // Each of these few bytes asks for gigabytes.
        all.push(go_rpc(&codec, "Count.Up", Up { to: 1 << 40 }));
    }
    all.push(baidu_std("Bytes", vec![b'x'; 64 << 10], ContentType::Protobuf));
    all.push(baidu_std("Multiply", br#"{"A":1099511627776,"B":1048576}"#.to_vec(), ContentType::Json));
    all.push(http("GET", "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_owned()));
    let json = format!("\"{}\"", "x".repeat(64 << 10));
    let head = "POST /Echo/Say HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    all.push(http("POST", format!("{head}Content-Length: {}\r\n\r\n{json}", json.len())));
    all.push(http2());
    all
}

/// Sends requests for as much as the server takes, until it closes; how much that was.
pub(super) async fn send_until_closed(
    addr: SocketAddr,
    RequestSource(name, open, mut next): RequestSource,
) -> String {
    let mut peer = Peer::connect(addr).await;
    peer.send(open).await;
    let (mut asked, mut sent) = (0, 0);
    loop {
        let mut bytes = Vec::new();
        while bytes.len() < WRITE {
            bytes.extend(next(asked));
            asked += 1;
        }
        sent += bytes.len();
        // Fails once the server has waited for `stall_timeout`.
        if peer.try_send(bytes).await.is_err() {
            return format!("{name}: {asked} requests of {} KiB tried", sent >> 10);
        }
        assert!(sent < 256 << 20, "{name}: nothing stops this peer");
    }
}

async fn never_reads(settings: &Settings, source: RequestSource) {
    let program = Program::daemon(&["--config", settings.path()]).await;
    let good = Good::now_and_then(program.addr);
    let start = program.resident_bytes();
    let asked = send_until_closed(program.addr, source).await;
    let grown = program.peak_bytes().saturating_sub(start);
    println!("{asked}, {} KiB more memory", grown >> 10);
    assert!(grown <= MOST, "{asked}: {} KiB more memory", grown >> 10);
    good.stop().await;
    assert_eq!(alone(&program).await["counters"]["panics"], 0);
    program.end_quietly().await;
}

#[tokio::test]
async fn unread_replies_are_bounded_in_every_protocol() {
    let settings = Settings::new("unread", "stall_timeout = \"15s\"\n");
    join_all(every_source().into_iter().map(|source| never_reads(&settings, source))).await;
}
