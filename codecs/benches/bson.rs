//! Nanoseconds per call of the BSON codec: `cargo bench -p rpcwrap-codecs --bench bson`.
//!
//! Each line is the best of several rounds; the calls of a round share their buffers as those of a connection do.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints, without a caller to hand errors to"
)]

use bytes::BytesMut;
use rpcwrap_codecs::{
    BsonDialect, CallOptions, Dialect, ErrorReply, Limits,
    bson::{ReplyDecoder, ReplyEncoder, Request, RequestDecoder, RequestEncoder, value_from_slice},
};
use serde::{Deserialize, Serialize};
use std::{hint::black_box, time::Instant};

const CALLS: usize = 64;
const BATCHES: usize = 2_000;
const ROUNDS: usize = 15;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

/// Prints the best time of one of the [`CALLS`] calls of a batch.
fn measure(name: &str, mut batch: impl FnMut()) {
    let best = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..BATCHES).for_each(|_| batch());
            start.elapsed().as_nanos() as f64 / (BATCHES * CALLS) as f64
        })
        .fold(f64::INFINITY, f64::min);
    println!("{name:<44}{best:>8.1} ns");
}

fn main() {
    let mut stream = BytesMut::new();
    for seq in 0..CALLS as u64 {
        RequestEncoder::new(Dialect::Vitess)
            .encode(seq, "Arith.Multiply", CallOptions::default(), &Args { a: 7, b: 8 }, &mut stream)
            .unwrap();
    }
    let stream = stream.freeze();
    let requests = |dialect| {
        let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Always(dialect));
        let mut buf = BytesMut::from(&stream[..]);
        std::iter::from_fn(|| decoder.decode(&mut buf).unwrap()).collect::<Vec<Request>>()
    };

    let mut decoder = RequestDecoder::new(Limits::default(), BsonDialect::Auto);
    let mut buf = BytesMut::with_capacity(1 << 16);
    measure("frame and header", || {
        buf.reserve(stream.len());
        buf.extend_from_slice(&stream);
        while let Some(request) = decoder.decode(&mut buf).unwrap() {
            black_box(&request);
        }
    });
    measure("frame, header and {A, B} into a struct", || {
        buf.reserve(stream.len());
        buf.extend_from_slice(&stream);
        while let Some(request) = decoder.decode(&mut buf).unwrap() {
            black_box(value_from_slice::<Args>(request.args().unwrap()).unwrap());
        }
    });

    for dialect in [Dialect::Vitess, Dialect::Standard] {
        let requests = requests(dialect);
        let mut encoder = ReplyEncoder::new();
        let mut out = BytesMut::with_capacity(1 << 16);
        measure(&format!("reply with an i64 ({dialect:?})"), || {
            out.clear();
            for request in &requests {
                encoder.encode(request.head(), black_box(&56i64), &mut out).unwrap();
            }
            black_box(&out);
        });
        measure(&format!("reply with a struct ({dialect:?})"), || {
            out.clear();
            for request in &requests {
                encoder.encode(request.head(), black_box(&Args { a: 7, b: 8 }), &mut out).unwrap();
            }
            black_box(&out);
        });
        let error = ErrorReply::new("divide by zero");
        measure(&format!("error reply ({dialect:?})"), || {
            out.clear();
            for request in &requests {
                encoder.encode_error(request.head(), black_box(&error), &mut out);
            }
            black_box(&out);
        });
    }

    let mut encoder = RequestEncoder::new(Dialect::Vitess);
    let mut out = BytesMut::with_capacity(1 << 16);
    measure("request with {A, B}", || {
        out.clear();
        for seq in 0..CALLS as u64 {
            encoder
                .encode(
                    seq,
                    "Arith.Multiply",
                    CallOptions::default(),
                    black_box(&Args { a: 7, b: 8 }),
                    &mut out,
                )
                .unwrap();
        }
        black_box(&out);
    });

    let mut replies = BytesMut::new();
    for request in requests(Dialect::Vitess) {
        ReplyEncoder::new().encode(request.head(), &56i64, &mut replies).unwrap();
    }
    let mut decoder = ReplyDecoder::new(Limits::default());
    measure("reply read, with an i64", || {
        buf.reserve(replies.len());
        buf.extend_from_slice(&replies);
        while let Some(reply) = decoder.decode(&mut buf).unwrap() {
            black_box(value_from_slice::<i64>(reply.body()).unwrap());
        }
    });
}
