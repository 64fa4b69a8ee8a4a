//! Time and allocations of the MessagePack codec: `cargo bench -p rpcwrap-codecs --bench msgpack`.

#![allow(clippy::unwrap_used, reason = "a program that measures, without a caller to hand errors to")]

use bytes::BytesMut;
use divan::{AllocProfiler, Bencher, black_box, counter::ItemsCount};
use rpcwrap_codecs::{
    CallOptions, ErrorReply, Limits, Request,
    msgpack::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, value_from_slice},
};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Calls that share their buffers, as those of a connection do.
const CALLS: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

fn main() {
    divan::main();
}

fn stream() -> BytesMut {
    let mut stream = BytesMut::new();
    for seq in 0..CALLS as u64 {
        let args = Args { a: 7, b: 8 };
        RequestEncoder::new()
            .encode(seq, "Arith.Multiply", CallOptions::default(), &args, &mut stream)
            .unwrap();
    }
    stream
}

fn requests() -> Vec<Request> {
    let (mut decoder, mut buf) = (RequestDecoder::new(Limits::default()), stream());
    std::iter::from_fn(|| decoder.decode(&mut buf).unwrap()).collect()
}

/// Frames `CALLS` requests and hands each to `then`.
fn frame(bencher: Bencher<'_, '_>, then: impl Fn(&Request)) {
    let (stream, mut buf) = (stream(), BytesMut::with_capacity(1 << 16));
    let mut decoder = RequestDecoder::new(Limits::default());
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        buf.reserve(stream.len());
        buf.extend_from_slice(&stream);
        while let Some(request) = decoder.decode(&mut buf).unwrap() {
            then(black_box(&request));
        }
    });
}

#[divan::bench]
fn frame_and_header(bencher: Bencher<'_, '_>) {
    frame(bencher, |_| {});
}

#[divan::bench]
fn frame_header_and_args(bencher: Bencher<'_, '_>) {
    frame(bencher, |request| {
        black_box(value_from_slice::<Args>(request.args().unwrap()).unwrap());
    });
}

#[divan::bench]
fn reply_with_a_struct(bencher: Bencher<'_, '_>) {
    let (requests, mut out) = (requests(), BytesMut::with_capacity(1 << 16));
    let mut encoder = ReplyEncoder::new();
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        out.clear();
        for request in &requests {
            encoder.encode(request.head(), black_box(&Args { a: 7, b: 8 }), &mut out).unwrap();
        }
        black_box(out.len());
    });
}

#[divan::bench]
fn error_reply(bencher: Bencher<'_, '_>) {
    let (requests, mut out) = (requests(), BytesMut::with_capacity(1 << 16));
    let (mut encoder, error) = (ReplyEncoder::new(), ErrorReply::new("divide by zero"));
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        out.clear();
        for request in &requests {
            encoder.encode_error(request.head(), black_box(&error), &mut out);
        }
        black_box(out.len());
    });
}

#[divan::bench]
fn reply_read(bencher: Bencher<'_, '_>) {
    let (mut replies, mut buf) = (BytesMut::new(), BytesMut::with_capacity(1 << 16));
    for request in requests() {
        ReplyEncoder::new().encode(request.head(), &56i64, &mut replies).unwrap();
    }
    let mut decoder = ReplyDecoder::new(Limits::default());
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        buf.reserve(replies.len());
        buf.extend_from_slice(&replies);
        while let Some(reply) = decoder.decode(&mut buf).unwrap() {
            black_box(value_from_slice::<i64>(reply.body()).unwrap());
        }
    });
}
