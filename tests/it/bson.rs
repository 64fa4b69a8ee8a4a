//! BSON: recorded exchanges, both dialects, and what this server answers where the originals hang or answer worse.

use crate::replay::replay;
use bson::{Document, doc};
use rpcwrap::{
    Config,
    codecs::{BsonDialect, Dialect},
};
use rpcwrap_tests::{
    raw::{CONNECTED, Peer, bson_request, document},
    server::start,
    services::services,
};

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[tokio::test]
async fn recorded_exchanges_get_the_recorded_bytes() {
    replay("bson", include_str!("data/bson.json"), bytes_of_hex).await;
}

/// A request as a stock BSON library writes it.
fn standard(method: &str, seq: i64, body: &Document) -> Vec<u8> {
    let mut bytes = doc! {"ServiceMethod": method, "Seq": seq}.to_vec().unwrap();
    bytes.extend(body.to_vec().unwrap());
    bytes
}

#[tokio::test]
async fn a_client_with_standard_bson_types_is_answered_in_them() {
    let server = start(services()).await;
    let mut peer = Peer::connect_codec(server.addr, "bson").await;
    for (method, body, reply) in [
        ("Arith.Multiply", doc! {"A": 7, "B": -8}, doc! {"_Val_": -56_i64}),
        ("Echo.String", doc! {"_Val_": "żółw"}, doc! {"_Val_": "żółw"}),
        ("Echo.Uint64", doc! {"_Val_": i64::MAX}, doc! {"_Val_": i64::MAX}),
        ("Echo.Inner", doc! {"Name": "n", "N": 2_i64}, doc! {"Name": "n", "N": 2_i64}),
        ("Echo.MapStr", doc! {"a": "b"}, doc! {"a": "b"}),
        ("Echo.Strings", doc! {"_Val_": ["x", "y"]}, doc! {"0": "x", "1": "y"}),
    ] {
        peer.send(standard(method, 7, &body)).await;
        let header = doc! {"ServiceMethod": method, "Seq": 7_i64, "Error": ""};
        assert_eq!(peer.read_bson().await, (header, reply), "{method}");
    }
    peer.send(standard("Arith.Divide", 8, &doc! {"A": 1, "B": 0})).await;
    let header = doc! {"ServiceMethod": "Arith.Divide", "Seq": 8_i64, "Error": "divide by zero"};
    assert_eq!(peer.read_bson().await, (header, doc! {}));
}

#[tokio::test]
async fn a_forced_dialect_does_not_look_at_the_client() {
    let vitess_42 = document(b"\x12_Val_\0\x2a\0\0\0\0\0\0\0");
    let vitess_header = |seq: u8| {
        let mut elements = b"\x05ServiceMethod\0\x0a\0\0\0\0Echo.Int64\x3fSeq\0".to_vec();
        elements.extend([seq, 0, 0, 0, 0, 0, 0, 0]);
        elements.extend(b"\x05Error\0\0\0\0\0\0");
        document(&elements)
    };
    for (dialect, header) in [
        (Dialect::Vitess, vitess_header(3)),
        (
            Dialect::Standard,
            doc! {"ServiceMethod": "Echo.Int64", "Seq": 3_i64, "Error": ""}.to_vec().unwrap(),
        ),
    ] {
        let config = Config::default().bson_dialect(BsonDialect::Always(dialect));
        let server = start(services().config(config)).await;
        for request in
            [bson_request("Echo.Int64", 3, &vitess_42), standard("Echo.Int64", 3, &doc! {"_Val_": 42})]
        {
            let mut peer = Peer::in_memory_codec(&server, "bson").await;
            peer.send(request).await;
            peer.expect(&header).await;
            peer.expect(&vitess_42).await;
        }
    }
}

/// A header of a reply in the kinds of vitess' original.
fn original_reply(method: &str, seq: u8, error: &str) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u32).to_le_bytes()[..], b"\0", text.as_bytes()].concat();
    let elements = [
        b"\x05ServiceMethod\0",
        &text(method)[..],
        b"\x3fSeq\0",
        &u64::from(seq).to_le_bytes(),
        b"\x05Error\0",
        &text(error),
    ];
    document(&elements.concat())
}

/// The original Java client of 2015 and 2016 writes the method's name as a String and `Seq` as 0x3F, and casts what
/// it reads to vitess' kinds. Each line is one of its writes.
#[tokio::test]
async fn the_original_java_client_is_answered_as_by_the_original() {
    let mut writes = include_str!("data/java_gorpc.hex").lines().map(bytes_of_hex);
    let server = start(services()).await;
    let mut peer = Peer::connect(server.addr).await;
    peer.send(writes.next().unwrap()).await;
    peer.expect(CONNECTED).await;
    let int = |value: i64| document(&[&b"\x12_Val_\0"[..], &value.to_le_bytes()].concat());
    let quotient =
        document(&[&b"\x12Quo\0"[..], &3_i64.to_le_bytes(), b"\x12Rem\0", &2_i64.to_le_bytes()].concat());
    for (seq, (method, error, body)) in [
        ("Arith.Multiply", "", int(56)),
        ("Arith.Multiply", "", int(-56)),
        ("Arith.Multiply", "", int(56)),
        ("Arith.Divide", "", quotient),
        ("Arith.Divide", "divide by zero", document(b"")),
    ]
    .into_iter()
    .enumerate()
    {
        peer.send(writes.next().unwrap()).await;
        peer.expect([original_reply(method, seq as u8 + 1, error), body].concat()).await;
    }
    assert_eq!(writes.next(), None);
}

/// A request whose name is a String and whose `Seq` is of this kind, for the `Echo.String` of an `é`.
fn request_of_kinds(seq_kind: u8, seq: u8) -> Vec<u8> {
    let len = if seq_kind == 0x10 { 4 } else { 8 };
    let seq = &u64::from(seq).to_le_bytes()[..len];
    let header = [&b"\x02ServiceMethod\0\x0c\0\0\0Echo.String\0"[..], &[seq_kind], b"Seq\0", seq].concat();
    [document(&header), document(b"\x02_Val_\0\x03\0\0\0\xc3\xa9\0")].concat()
}

/// Peers that share a connection behind a proxy, and a Python 2.7 program whose first name of a method is `unicode`:
/// what one request shows says nothing about the next.
#[tokio::test]
async fn each_request_is_answered_in_its_own_dialect() {
    let server = start(services()).await;
    let mut peer = Peer::connect_codec(server.addr, "bson").await;
    let binary = document(b"\x05_Val_\0\x02\0\0\0\0\xc3\xa9");
    let string = document(b"\x02_Val_\0\x03\0\0\0\xc3\xa9\0");
    // Python 2.7's unicode and PHP on 32 bits, stock libraries and PHP on 64 bits, Java.
    for (seq_kind, is_original) in [(0x10, false), (0x12, false), (0x3F, true)] {
        for seq in [1, 200] {
            peer.send(request_of_kinds(seq_kind, seq)).await;
            if is_original {
                peer.expect([original_reply("Echo.String", seq, ""), binary.clone()].concat()).await;
            } else {
                let header = doc! {"ServiceMethod": "Echo.String", "Seq": i64::from(seq), "Error": ""}
                    .to_vec()
                    .unwrap();
                peer.expect([header, string.clone()].concat()).await;
            }
            // Python's str, Go.
            peer.send(bson_request("Echo.String", seq.into(), &binary)).await;
            peer.expect([original_reply("Echo.String", seq, ""), binary.clone()].concat()).await;
        }
    }
}

/// One call of a fresh connection in vitess' kinds; the error text and the body.
async fn call(method: &str, body: &[u8]) -> (String, Vec<u8>) {
    let server = start(services()).await;
    let mut peer = Peer::in_memory_codec(&server, "bson").await;
    peer.send(bson_request(method, 1, body)).await;
    let header = peer.read_bson_frame().await;
    let at = header.windows(7).position(|seven| seven == b"\x05Error\0").unwrap() + 12;
    let text = String::from_utf8(header[at..header.len() - 1].to_vec()).unwrap();
    (text, peer.read_bson_frame().await)
}

#[tokio::test]
async fn integers_keep_their_sign_and_their_range() {
    let int32 = |value: i32| document(&[&b"\x10_Val_\0"[..], &value.to_le_bytes()].concat());
    let int64 = |value: i64| document(&[&b"\x12_Val_\0"[..], &value.to_le_bytes()].concat());
    let uint64 = |value: u64| document(&[&b"\x3f_Val_\0"[..], &value.to_le_bytes()].concat());
    let float = |value: f64| document(&[&b"\x01_Val_\0"[..], &value.to_le_bytes()].concat());
    for (method, body, reply) in [
        ("Echo.Int", int32(-7), Some(int64(-7))),
        ("Echo.Int64", int32(i32::MIN), Some(int64(i32::MIN.into()))),
        ("Echo.Int32", int64(-7), Some(int32(-7))),
        ("Echo.Int32", int64(1 << 31), None),
        ("Echo.Int32", uint64(5), None),
        ("Echo.Uint32", int64(u32::MAX.into()), Some(uint64(u32::MAX.into()))),
        ("Echo.Uint32", int64(1 << 32), None),
        ("Echo.Uint32", int64(-1), None),
        ("Echo.Uint32", uint64(1 << 32), None),
        ("Echo.Float64", int32(-3), Some(float(-3.0))),
        ("Echo.Float64", int64(1 << 40), Some(float((1_u64 << 40) as f64))),
    ] {
        let (error, got) = call(method, &body).await;
        match reply {
            Some(reply) => assert_eq!((error.as_str(), got), ("", reply), "{method}"),
            None => assert!(!error.is_empty() && got == document(b""), "{method}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn frames_of_impossible_sizes_close_at_once() {
    let server = start(services()).await;
    for len in [0_i32, 3, 4, -1, i32::MIN, i32::MAX, 0x2054_4547] {
        let mut peer = Peer::connect_codec(server.addr, "bson").await;
        peer.send(len.to_le_bytes()).await;
        peer.expect_closed().await;
    }
    // Behind a readable header the caller is told first.
    for body in [&b"\x03\0\0\0"[..], b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff"] {
        let mut peer = Peer::connect_codec(server.addr, "bson").await;
        peer.send(bson_request("Echo.String", 9, body)).await;
        let header = peer.read_bson_frame().await;
        assert!(header.windows(8).any(|eight| eight == b"\x3fSeq\0\x09\0\0"), "{}", header.escape_ascii());
        peer.expect(document(b"")).await;
        peer.expect_closed().await;
    }
}

#[tokio::test]
async fn nesting_is_followed_to_100_levels() {
    let nested = |levels: usize| {
        let mut value = document(b"");
        for _ in 1..levels {
            value = document(&[&b"\x03V\0"[..], &value].concat());
        }
        value
    };
    let server = start(services()).await;
    // What is decoded is followed; what is skipped, member or body, is skipped by its length.
    for (method, deepest) in [("Echo.Hold", 100), ("Echo.Inner", 20_000), ("No.Such", 20_000)] {
        for levels in [100, 101, 20_000] {
            let mut peer = Peer::in_memory_codec(&server, "bson").await;
            let sent = peer.try_send(bson_request(method, 1, &nested(levels))).await;
            peer.read_bson_frame().await;
            peer.read_bson_frame().await;
            if levels <= deepest {
                sent.unwrap();
                peer.half_close().await;
            }
            peer.expect_closed().await;
        }
    }
}
