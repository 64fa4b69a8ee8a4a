//! How long the JSON codec takes: nanoseconds per message, the best and the median of several rounds.
//!
//! `cargo bench -p rpcwrap-codecs --bench json`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at the first error"
)]

use bytes::BytesMut;
use rpcwrap_codecs::{
    AnyCodec, Args as Encoded, CallOptions, Limits,
    json::{ReplyDecoder, ReplyEncoder, Request, RequestDecoder, RequestEncoder},
};
use serde::{Deserialize, Serialize};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

const REQUEST: &[u8] = b"{\"method\":\"Arith.Multiply\",\"params\":[{\"A\":7,\"B\":8}],\"id\":123}\n";
const BATCH: usize = 64;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

/// Prints what `work` takes for one of the `messages` it handles at a time.
fn measure(name: &str, messages: usize, mut work: impl FnMut()) {
    let mut rounds: Vec<f64> = (0..15)
        .map(|_| {
            let (start, mut times) = (Instant::now(), 0);
            while start.elapsed() < Duration::from_millis(60) {
                work();
                times += 1;
            }
            start.elapsed().as_nanos() as f64 / (times * messages) as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name:<48} {:>10.1} ns   median {:>10.1}", rounds[0], rounds[rounds.len() / 2]);
}

fn small_requests() {
    let batch = REQUEST.repeat(BATCH);
    let mut decoder = RequestDecoder::new(Limits::default());
    measure("decode request, envelope only", BATCH, || {
        let mut buf = BytesMut::from(&batch[..]);
        while let Some(request) = decoder.decode(&mut buf).unwrap() {
            black_box(request);
        }
    });
    let mut decoder = RequestDecoder::new(Limits::default());
    measure("decode request and {A,B}", BATCH, || {
        let mut buf = BytesMut::from(&batch[..]);
        while let Some(request) = decoder.decode(&mut buf).unwrap() {
            let args: Args = Encoded::JsonParams(request.args().unwrap()).decode().unwrap();
            black_box(args);
        }
    });
    let params = b"[{\"A\":7,\"B\":8}]";
    measure("decode {A,B} alone", 1, || {
        black_box(Encoded::JsonParams(black_box(params)).decode::<Args>().unwrap());
    });
    let mut codec = AnyCodec::Json.server(Limits::default());
    let mut out = BytesMut::new();
    measure("decode, multiply, encode reply", BATCH, || {
        let mut buf = BytesMut::from(&batch[..]);
        out.clear();
        while let Some(request) = codec.decode(&mut buf).unwrap() {
            let args: Args = codec.args(&request).decode().unwrap();
            codec.reply_to(&request).encode(&(args.a * args.b), None, &mut out).unwrap();
        }
        black_box(&out);
    });
}

fn small_writes() {
    let mut buf = BytesMut::from(REQUEST);
    let request: Request = RequestDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    let mut out = BytesMut::with_capacity(1 << 16);
    measure("encode i64 reply", BATCH, || {
        out.clear();
        for _ in 0..BATCH {
            ReplyEncoder::new().encode(request.head(), black_box(&56i64), &mut out).unwrap();
        }
    });
    measure("encode {A,B} request", BATCH, || {
        out.clear();
        for _ in 0..BATCH {
            let args = Args { a: 7, b: black_box(8) };
            RequestEncoder::new()
                .encode(5, "Arith.Multiply", CallOptions::default(), &args, &mut out)
                .unwrap();
        }
    });
    let replies = b"{\"id\":123,\"result\":56,\"error\":null}\n".repeat(BATCH);
    let mut decoder = ReplyDecoder::new(Limits::default());
    measure("decode i64 reply", BATCH, || {
        let mut buf = BytesMut::from(&replies[..]);
        while let Some(reply) = decoder.decode(&mut buf).unwrap() {
            black_box(rpcwrap_codecs::json::value_from_slice::<i64>(reply.body()).unwrap());
        }
    });
}

/// A request of 64 KB, whole and as it comes from a socket.
fn large_request(name: &str, element: &str) {
    let mut request = String::from("{\"method\":\"Echo.All\",\"params\":[[");
    while request.len() < 64 << 10 {
        request.push_str(element);
    }
    request.push_str("0]],\"id\":1}");
    let mut decoder = RequestDecoder::new(Limits::default());
    measure(&format!("64 KB of {name}, whole"), 1, || {
        let mut buf = BytesMut::from(request.as_bytes());
        black_box(decoder.decode(&mut buf).unwrap().unwrap());
    });
    measure(&format!("64 KB of {name}, in pieces of 1 KB"), 1, || {
        let mut buf = BytesMut::with_capacity(request.len());
        for piece in request.as_bytes().chunks(1024) {
            buf.extend_from_slice(piece);
            black_box(decoder.decode(&mut buf).unwrap());
        }
    });
}

fn main() {
    small_requests();
    small_writes();
    large_request("numbers", "12345,");
    large_request("structs", "{\"Name\":\"some name\",\"N\":12345,\"Ok\":true},");
    large_request(
        "text",
        "\"a longer text without anything to escape in it, as logs have them by the thousand\",",
    );
}
