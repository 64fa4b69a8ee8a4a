//! Time and allocations of the gob codec: `cargo bench -p rpcwrap-codecs --bench gob`.

#![allow(clippy::unwrap_used, reason = "a program that measures, without a caller to hand errors to")]

use bytes::BytesMut;
use divan::{AllocProfiler, Bencher, black_box, counter::ItemsCount};
use rpcwrap_codecs::{
    CallOptions, ErrorReply, Limits, Request,
    gob::{ReplyDecoder, ReplyEncoder, RequestDecoder, RequestEncoder, value_from_slice},
    schema::{Schema, TypeOf},
    types::Any,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

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

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    id: i64,
    name: String,
    score: f64,
    tags: Vec<String>,
}

fn main() {
    divan::main();
}

fn rows() -> Vec<Row> {
    let row = |id| Row {
        id,
        name: format!("row {id}"),
        score: id as f64 / 3.0,
        tags: vec!["a".into(), "b".into()],
    };
    (1..=100).map(row).collect()
}

/// Requests with these arguments, after the first, which brings the definitions.
fn stream<T: Serialize + DeserializeOwned>(args: &T, calls: usize) -> (RequestDecoder, BytesMut) {
    let (mut encoder, type_of) = (RequestEncoder::new(), TypeOf::new::<T>());
    let mut buf = BytesMut::new();
    for seq in 0..=calls as u64 {
        encoder
            .encode(seq, "Arith.Multiply", CallOptions::default(), args, Some(&type_of), &mut buf)
            .unwrap();
    }
    let mut decoder = RequestDecoder::new(Limits::default());
    decoder.decode(&mut buf).unwrap().unwrap();
    (decoder, buf)
}

/// Frames requests and hands each to `then`.
fn frame<T: Serialize + DeserializeOwned>(
    bencher: Bencher<'_, '_>,
    args: &T,
    calls: usize,
    then: impl Fn(&RequestDecoder, &Request),
) {
    let (mut decoder, stream) = stream(args, calls);
    let mut buf = BytesMut::with_capacity(1 << 16);
    bencher.counter(ItemsCount::new(calls)).bench_local(|| {
        buf.reserve(stream.len());
        buf.extend_from_slice(&stream);
        while let Some(request) = decoder.decode(&mut buf).unwrap() {
            then(&decoder, black_box(&request));
        }
    });
}

fn value<T: DeserializeOwned>(decoder: &RequestDecoder, request: &Request) -> T {
    value_from_slice(decoder.types(), request.args().unwrap()).unwrap()
}

#[divan::bench]
fn frame_and_header(bencher: Bencher<'_, '_>) {
    frame(bencher, &Args { a: 7, b: 8 }, CALLS, |_, _| {});
}

#[divan::bench]
fn frame_header_and_struct(bencher: Bencher<'_, '_>) {
    frame(bencher, &Args { a: 7, b: 8 }, CALLS, |decoder, request| {
        black_box(value::<Args>(decoder, request));
    });
}

#[divan::bench]
fn frame_header_and_struct_of_zeros(bencher: Bencher<'_, '_>) {
    frame(bencher, &Args { a: 0, b: 0 }, CALLS, |decoder, request| {
        black_box(value::<Args>(decoder, request));
    });
}

#[divan::bench]
fn frame_header_and_a_hundred_rows(bencher: Bencher<'_, '_>) {
    frame(bencher, &rows(), 1, |decoder, request| drop(black_box(value::<Vec<Row>>(decoder, request))));
}

#[divan::bench]
fn frame_header_and_a_hundred_rows_of_any(bencher: Bencher<'_, '_>) {
    frame(bencher, &rows(), 1, |decoder, request| drop(black_box(value::<Any>(decoder, request))));
}

/// Only the arguments, which have been framed already.
fn arguments<T: Serialize + DeserializeOwned>(bencher: Bencher<'_, '_>, args: &T) {
    let (mut decoder, mut buf) = stream(args, CALLS);
    let requests: Vec<Request> = std::iter::from_fn(|| decoder.decode(&mut buf).unwrap()).collect();
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        for request in &requests {
            black_box(value::<T>(&decoder, black_box(request)));
        }
    });
}

#[divan::bench]
fn struct_alone(bencher: Bencher<'_, '_>) {
    arguments(bencher, &Args { a: 7, b: 8 });
}

#[divan::bench]
fn struct_of_zeros_alone(bencher: Bencher<'_, '_>) {
    arguments(bencher, &Args { a: 0, b: 0 });
}

/// Replies to `CALLS` requests.
fn replies<T: Serialize + DeserializeOwned>(bencher: Bencher<'_, '_>, reply: &T) {
    let (mut decoder, mut buf) = stream(&Args { a: 7, b: 8 }, CALLS);
    let requests: Vec<Request> = std::iter::from_fn(|| decoder.decode(&mut buf).unwrap()).collect();
    let (mut encoder, type_of) = (ReplyEncoder::new(), TypeOf::new::<T>());
    let mut out = BytesMut::with_capacity(1 << 16);
    encoder.encode(requests[0].head(), reply, Some(&type_of), &mut out).unwrap();
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        out.clear();
        for request in &requests {
            encoder.encode(request.head(), black_box(reply), Some(&type_of), &mut out).unwrap();
        }
    });
}

#[divan::bench]
fn reply_with_an_i64(bencher: Bencher<'_, '_>) {
    replies(bencher, &56i64);
}

#[divan::bench]
fn reply_with_a_struct(bencher: Bencher<'_, '_>) {
    replies(bencher, &Quotient { quo: 3, rem: 2 });
}

/// A reply that is only `Serialize`: its type is what it shows.
#[divan::bench]
fn reply_with_a_struct_untraced(bencher: Bencher<'_, '_>) {
    let (mut decoder, mut buf) = stream(&Args { a: 7, b: 8 }, 1);
    let request = decoder.decode(&mut buf).unwrap().unwrap();
    let (mut encoder, mut out) = (ReplyEncoder::new(), BytesMut::with_capacity(1 << 16));
    let reply = Quotient { quo: 3, rem: 2 };
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        out.clear();
        (0..CALLS).for_each(|_| encoder.encode(request.head(), black_box(&reply), None, &mut out).unwrap());
    });
}

/// One reply of a hundred rows, by the traced type, by the type the last one has shown, and when nothing is known.
#[divan::bench(args = ["traced", "shown before", "first"])]
fn reply_with_a_hundred_rows(bencher: Bencher<'_, '_>, known: &str) {
    let (mut decoder, mut buf) = stream(&Args { a: 7, b: 8 }, 1);
    let request = decoder.decode(&mut buf).unwrap().unwrap();
    let (mut encoder, type_of) = (ReplyEncoder::new(), TypeOf::new::<Vec<Row>>());
    let type_of = (known == "traced").then_some(&type_of);
    let (rows, mut out) = (rows(), BytesMut::with_capacity(1 << 16));
    bencher.bench_local(|| {
        out.clear();
        if known == "first" {
            encoder = ReplyEncoder::new();
        }
        encoder.encode(request.head(), black_box(&rows), type_of, &mut out).unwrap();
    });
}

#[divan::bench]
fn request_with_a_struct(bencher: Bencher<'_, '_>) {
    let (mut encoder, type_of) = (RequestEncoder::new(), TypeOf::new::<Args>());
    let mut out = BytesMut::with_capacity(1 << 16);
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        out.clear();
        for seq in 0..CALLS as u64 {
            let (options, args) = (CallOptions::default(), black_box(&Args { a: 7, b: 8 }));
            encoder.encode(seq, "Arith.Multiply", options, args, Some(&type_of), &mut out).unwrap();
        }
    });
}

#[divan::bench(types = [Args, Row, Vec<Row>])]
fn trace<T: DeserializeOwned>() -> Schema {
    Schema::of::<T>()
}

#[divan::bench]
fn error_reply(bencher: Bencher<'_, '_>) {
    let (mut decoder, mut buf) = stream(&Args { a: 7, b: 8 }, 1);
    let request = decoder.decode(&mut buf).unwrap().unwrap();
    let (mut encoder, error) = (ReplyEncoder::new(), ErrorReply::new("divide by zero"));
    let mut out = BytesMut::with_capacity(1 << 16);
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        out.clear();
        (0..CALLS).for_each(|_| encoder.encode_error(black_box(request.head()), &error, &mut out));
    });
}

#[divan::bench]
fn reply_read_with_a_struct(bencher: Bencher<'_, '_>) {
    let (mut requests, mut buf) = stream(&Args { a: 7, b: 8 }, 1);
    let request = requests.decode(&mut buf).unwrap().unwrap();
    let (mut encoder, type_of) = (ReplyEncoder::new(), TypeOf::new::<Quotient>());
    let mut stream = BytesMut::new();
    let reply = Quotient { quo: 3, rem: 2 };
    encoder.encode(request.head(), &reply, Some(&type_of), &mut stream).unwrap();
    let mut decoder = ReplyDecoder::new(Limits::default());
    decoder.decode(&mut stream).unwrap().unwrap();
    (0..CALLS).for_each(|_| encoder.encode(request.head(), &reply, Some(&type_of), &mut stream).unwrap());
    let mut buf = BytesMut::with_capacity(1 << 16);
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| {
        buf.reserve(stream.len());
        buf.extend_from_slice(&stream);
        while let Some(reply) = decoder.decode(&mut buf).unwrap() {
            black_box(value_from_slice::<Quotient>(reply.types().unwrap(), reply.body()).unwrap());
        }
    });
}
