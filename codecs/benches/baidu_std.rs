//! Nanoseconds per call of the baidu_std format: `cargo bench -p rpcwrap-codecs --bench baidu_std`.
//!
//! Each line is the best of several rounds; the calls of a round share their buffers as those of a connection do.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints, without a caller to hand errors to"
)]

use bytes::BytesMut;
use rpcwrap_codecs::{
    Limits,
    baidu_std::{
        ReplyDecoder, ReplyHead, RequestDecoder, RequestHead, encode_error, encode_reply, encode_request,
    },
};
use std::{hint::black_box, time::Instant};

const CALLS: usize = 64;
const BATCHES: usize = 2_000;
const ROUNDS: usize = 15;
/// `message: "hello"`
const BODY: &[u8] = b"\x0a\x05hello";

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

fn requests(checksum: bool, out: &mut BytesMut) {
    for id in 0..CALLS as i64 {
        let head = RequestHead {
            service_name: "demo.EchoService",
            method_name: "Echo",
            correlation_id: id << 32 | 2,
            checksum,
            ..RequestHead::default()
        };
        encode_request(&head, black_box(BODY), b"", out).unwrap();
    }
}

fn main() {
    let limits = Limits::default();
    for checksum in [false, true] {
        let with = if checksum { ", checksum" } else { "" };
        let mut stream = BytesMut::new();
        requests(checksum, &mut stream);
        let mut decoder = RequestDecoder::new(limits);
        let mut buf = BytesMut::with_capacity(1 << 16);
        measure(&format!("request read{with}"), || {
            buf.reserve(stream.len());
            buf.extend_from_slice(&stream);
            while let Some(request) = decoder.decode(&mut buf).unwrap() {
                black_box(&request);
            }
        });
        measure(&format!("request read, with its payload{with}"), || {
            buf.reserve(stream.len());
            buf.extend_from_slice(&stream);
            while let Some(request) = decoder.decode(&mut buf).unwrap() {
                black_box(request.payload(&limits).unwrap());
            }
        });
        let mut out = BytesMut::with_capacity(1 << 16);
        measure(&format!("request written{with}"), || {
            out.clear();
            requests(checksum, &mut out);
            black_box(&out);
        });
        measure(&format!("reply written{with}"), || {
            out.clear();
            for id in 0..CALLS as i64 {
                let head = ReplyHead { correlation_id: id << 32 | 2, checksum, ..ReplyHead::default() };
                encode_reply(&head, black_box(BODY), b"", &mut out).unwrap();
            }
            black_box(&out);
        });
        let replies = out.clone();
        let mut decoder = ReplyDecoder::new(limits);
        measure(&format!("reply read, with its payload{with}"), || {
            buf.reserve(replies.len());
            buf.extend_from_slice(&replies);
            while let Some(reply) = decoder.decode(&mut buf).unwrap() {
                black_box(reply.payload(&limits).unwrap());
            }
        });
    }
    let mut out = BytesMut::with_capacity(1 << 16);
    measure("error reply written", || {
        out.clear();
        for id in 0..CALLS as i64 {
            encode_error(id, 7777, black_box("[E7777]told to fail: boom"), &mut out);
        }
        black_box(&out);
    });
}
