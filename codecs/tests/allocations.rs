//! Calls with plain structs allocate nothing once a connection has seen its first.

use bytes::BytesMut;
use rpcwrap_codecs::{
    CallOptions, Limits, gob, msgpack,
    resp::{ReplyEncoder, ReplyLimits, ReplySkipper, RequestDecoder, RequestLimits, Version, encode_request},
    schema::TypeOf,
    text::TextArgs,
    types::{Blob, Time},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

const CALLS: usize = 100;

/// Allocations of `CALLS` calls after a first one, all of whose bytes have room and are read already.
fn allocations(mut call: impl FnMut()) -> u64 {
    call();
    allocation_counter::measure(|| (0..CALLS).for_each(|_| call())).count_total
}

#[test]
fn of_msgpack() {
    let (mut requests, mut input) = (msgpack::RequestEncoder::new(), BytesMut::new());
    for seq in 0..=CALLS as u64 {
        let args = Args { a: 17, b: 5 };
        requests.encode(seq, "Arith.Divide", CallOptions::default(), &args, &mut input).unwrap();
    }
    // Splitting a buffer for the first time makes it shared, once for all that is in it.
    drop(input.split_to(0));
    let mut output = BytesMut::with_capacity(1 << 16);
    let mut decoder = msgpack::RequestDecoder::new(Limits::default());
    let mut encoder = msgpack::ReplyEncoder::new();
    let count = allocations(|| {
        let request = decoder.decode(&mut input).unwrap().unwrap();
        let Args { a, b } = msgpack::value_from_slice(request.args().unwrap()).unwrap();
        encoder.encode(request.head(), &Quotient { quo: a / b, rem: a % b }, &mut output).unwrap();
    });
    assert_eq!(count, 0, "allocations of {CALLS} calls on the server");

    let mut decoder = msgpack::ReplyDecoder::new(Limits::default());
    let mut written = BytesMut::with_capacity(1 << 10);
    let mut seq = 0;
    let count = allocations(|| {
        let reply = decoder.decode(&mut output).unwrap().unwrap();
        let quotient: Quotient = msgpack::value_from_slice(reply.body()).unwrap();
        assert_eq!(quotient, Quotient { quo: 3, rem: 2 });
        written.clear();
        seq += 1;
        let args = Args { a: 17, b: 5 };
        requests.encode(seq, "Arith.Divide", CallOptions::default(), &args, &mut written).unwrap();
    });
    assert_eq!(count, 0, "allocations of {CALLS} calls on the client");
}

/// By the traced types, as arguments and replies that are both `Serialize` and `Deserialize` go, and by what the values
/// show.
#[test]
fn of_gob() {
    static ARGS: TypeOf = TypeOf::new::<Args>();
    static QUOTIENT: TypeOf = TypeOf::new::<Quotient>();
    for (type_of_args, type_of_reply) in [(Some(&ARGS), Some(&QUOTIENT)), (None, None)] {
        let (mut requests, mut input) = (gob::RequestEncoder::new(), BytesMut::new());
        for seq in 0..=CALLS as u64 {
            let args = Args { a: 17, b: 5 };
            let options = CallOptions::default();
            requests.encode(seq, "Arith.Divide", options, &args, type_of_args, &mut input).unwrap();
        }
        drop(input.split_to(0));
        let mut output = BytesMut::with_capacity(1 << 16);
        let mut decoder = gob::RequestDecoder::new(Limits::default());
        let mut encoder = gob::ReplyEncoder::new();
        let count = allocations(|| {
            let request = decoder.decode(&mut input).unwrap().unwrap();
            let Args { a, b } = gob::value_from_slice(decoder.types(), request.args().unwrap()).unwrap();
            let quotient = Quotient { quo: a / b, rem: a % b };
            encoder.encode(request.head(), &quotient, type_of_reply, &mut output).unwrap();
        });
        assert_eq!(count, 0, "allocations of {CALLS} calls on the server");

        let mut decoder = gob::ReplyDecoder::new(Limits::default());
        let mut written = BytesMut::with_capacity(1 << 10);
        let mut seq = 0;
        let count = allocations(|| {
            let reply = decoder.decode(&mut output).unwrap().unwrap();
            let quotient: Quotient = gob::value_from_slice(reply.types().unwrap(), reply.body()).unwrap();
            assert_eq!(quotient, Quotient { quo: 3, rem: 2 });
            written.clear();
            seq += 1;
            let (args, options) = (Args { a: 17, b: 5 }, CallOptions::default());
            requests.encode(seq, "Arith.Divide", options, &args, type_of_args, &mut written).unwrap();
        });
        assert_eq!(count, 0, "allocations of {CALLS} calls on the client");
    }
}

/// Requests as arrays and as lines, whole and in two pieces; replies in both versions.
#[test]
fn of_resp() {
    let mut array = BytesMut::new();
    encode_request(["Arith.Divide", "17", "5"], &mut array);
    for (request, cut) in [(&array[..], None), (b"Arith.Divide \"17\" '5'\r\n", None), (&array, Some(30))] {
        let mut input = BytesMut::with_capacity(1 << 16);
        (0..=CALLS).for_each(|_| input.extend_from_slice(request));
        let mut pieces = BytesMut::with_capacity(1 << 10);
        drop((input.split_to(0), pieces.split_to(0)));
        let mut output = BytesMut::with_capacity(1 << 16);
        let mut decoder = RequestDecoder::new(RequestLimits::DEFAULT);
        let mut version = Version::Resp2;
        let count = allocations(|| {
            let request = match cut {
                None => decoder.decode(&mut input).unwrap().unwrap(),
                Some(cut) => {
                    pieces.reserve(request.len());
                    pieces.extend_from_slice(&request[..cut]);
                    assert_eq!(decoder.decode(&mut pieces), Ok(None));
                    pieces.extend_from_slice(&request[cut..]);
                    decoder.decode(&mut pieces).unwrap().unwrap()
                }
            };
            let words = decoder.words(&request);
            assert!(words.is(0, "arith.divide"));
            let Args { a, b } =
                words.skip(1).with_tokens(|tokens| TextArgs::Positional(tokens).decode(None).unwrap());
            let quotient = Quotient { quo: a / b, rem: a % b };
            ReplyEncoder::new(version).encode(&quotient, &mut output).unwrap();
            version = if version == Version::Resp2 { Version::Resp3 } else { Version::Resp2 };
        });
        assert_eq!(count, 0, "allocations of {CALLS} calls on the server");
        let mut skipper = ReplySkipper::new(ReplyLimits::DEFAULT);
        let count = allocations(|| {
            let (len, _) = skipper.skip(&output).unwrap().unwrap();
            drop(output.split_to(len));
        });
        assert_eq!(count, 0, "allocations of {CALLS} calls in a proxy");
    }
    let mut output = BytesMut::with_capacity(1 << 16);
    let (blob, time) = (Blob::from(b"\0"), Time::new(1_421_305_881, 0).unwrap());
    let value = (1.5, f64::MAX, u128::MAX, blob, time, Some([(); 12]), 'x', false);
    for version in [Version::Resp2, Version::Resp3] {
        let encoder = ReplyEncoder::new(version);
        let count = allocations(|| {
            output.clear();
            encoder.encode(&value, &mut output).unwrap();
        });
        assert_eq!(count, 0, "allocations of {CALLS} replies");
    }
}
