//! Messages: headers of every make, broken arguments that leave the stream in step, and streams that are out of it.

use super::support::{int, message, slice, structure, text, uint, unhex};
use crate::{
    DecodeError, Limits, Request,
    gob::{ReplyDecoder, RequestDecoder, value_from_slice},
    types::Any,
};
use bytes::BytesMut;
use std::time::Duration;

const BOOL: i64 = 1;
const INT: i64 = 2;
const UINT: i64 = 3;
const STRING: i64 = 6;
const INTERFACE: i64 = 8;

/// A definition as a message.
fn define(id: i64, definition: &[u8]) -> Vec<u8> {
    message(&[&int(-id), definition])
}

fn request_type(id: i64) -> Vec<u8> {
    define(id, &structure("Request", &[("ServiceMethod", STRING), ("Seq", UINT)]))
}

fn header(id: i64, method: &str, seq: u8) -> Vec<u8> {
    message(&[&int(id), b"\x01", &text(method), b"\x01", &[seq], b"\0"])
}

/// A whole value that is no struct.
fn value(id: i64, bytes: &[u8]) -> Vec<u8> {
    message(&[&int(id), b"\0", bytes])
}

/// What a stream holds: method and number of each request with its arguments, then how it ends.
fn read(bytes: &[u8]) -> (Vec<String>, Result<(), String>) {
    let mut decoder = RequestDecoder::new(Limits::default());
    let (mut buf, mut requests) = (BytesMut::from(bytes), Vec::new());
    loop {
        match decoder.decode_eof(&mut buf) {
            Ok(Some(request)) => requests.push(told(&decoder, &request)),
            Ok(None) => return (requests, Ok(())),
            Err(error) => return (requests, Err(error.to_string())),
        }
    }
}

fn told(decoder: &RequestDecoder, request: &Request) -> String {
    let args = request.args().map_err(Clone::clone);
    let args = args.and_then(|args| value_from_slice::<Any>(decoder.types(), args));
    let args = match args {
        Ok(any) => serde_json::to_string(&any).unwrap(),
        Err(error) if error.is_fatal() => format!("fatal: {}", error.text()),
        Err(error) => error.text().to_owned(),
    };
    format!("{} {} {args}", String::from_utf8_lossy(request.service_method()), request.seq())
}

/// The same, also in two parts and byte by byte.
fn check(parts: &[Vec<u8>], requests: &[&str], end: Result<(), &str>) {
    let bytes = parts.concat();
    assert_eq!(read(&bytes), (requests.iter().map(|&r| r.to_owned()).collect(), end.map_err(str::to_owned)));
    for step in 1..bytes.len() {
        let mut decoder = RequestDecoder::new(Limits::default());
        let (mut buf, mut found) = (BytesMut::new(), Vec::new());
        for chunk in bytes.chunks(step) {
            buf.extend_from_slice(chunk);
            while let Ok(Some(request)) = decoder.decode(&mut buf) {
                found.push(told(&decoder, &request));
            }
        }
        while let Ok(Some(request)) = decoder.decode_eof(&mut buf) {
            found.push(told(&decoder, &request));
        }
        assert_eq!(found, requests, "in steps of {step}");
    }
}

#[test]
fn headers_of_every_make() {
    let args = value(INT, b"\x0a");
    let swapped = structure("", &[("Extra", 66), ("Seq", UINT), ("ServiceMethod", STRING)]);
    let extra = message(&[&int(200), b"\x01\x02\x02\x04\x01\x07\x01", &text("A.B"), b"\0"]);
    check(&[request_type(64), header(64, "A.B", 1), args.clone()], &["A.B 1 5"], Ok(()));
    check(
        &[define(66, &slice(INT)), define(200, &swapped), extra.clone(), args.clone(), extra, args.clone()],
        &["A.B 7 5", "A.B 7 5"],
        Ok(()),
    );
    // All zero, with and without the struct's end; another type from now on; no fields at all.
    let zero = [message(&[&int(64), b"\0"]), message(&[&int(64)])];
    let none = [define(65, &structure("R", &[])), message(&[&int(65), b"\0"])].concat();
    check(
        &[
            request_type(64),
            zero[0].clone(),
            args.clone(),
            zero[1].clone(),
            args.clone(),
            none,
            args.clone(),
            request_type(90),
            header(90, "é", 127),
            args,
        ],
        &[" 0 5", " 0 5", " 0 5", "é 127 5"],
        Ok(()),
    );
}

#[test]
fn optional_members() {
    for (kind, millis) in [(INT, int(250)), (UINT, uint(250))] {
        let ours = structure(
            "Request",
            &[("ServiceMethod", STRING), ("Seq", UINT), ("Timeout", kind), ("Details", BOOL)],
        );
        let head = message(&[&int(64), b"\x02\x05\x01", &millis, b"\x01\x01\0"]);
        let mut buf = BytesMut::from(&[define(64, &ours), head, value(INT, b"\0")].concat()[..]);
        let request = RequestDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
        assert_eq!((request.timeout(), request.details()), (Some(Duration::from_millis(250)), true));
    }
    let theirs = structure("Request", &[("Seq", UINT), ("Timeout", STRING), ("Details", INT)]);
    let head = message(&[&int(64), b"\x01\x05\x01\x01x\x01\x02\0"]);
    let mut buf = BytesMut::from(&[define(64, &theirs), head, value(INT, b"\0")].concat()[..]);
    let request = RequestDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    assert_eq!((request.timeout(), request.details(), request.seq()), (None, false, 5));

    let reply =
        structure("Response", &[("Seq", UINT), ("Error", STRING), ("Code", STRING), ("Data", STRING)]);
    let head = message(&[
        &int(64),
        b"\x01\x05\x01",
        &text("late"),
        b"\x01",
        &text("deadline"),
        b"\x01",
        &text("[1]"),
        b"\0",
    ]);
    let mut buf = BytesMut::from(&[define(64, &reply), head, value(INT, b"\0")].concat()[..]);
    let reply = ReplyDecoder::new(Limits::default()).decode(&mut buf).unwrap().unwrap();
    let error = reply.error().unwrap();
    assert_eq!((&*error.text, &*error.code), ("late", "deadline"));
    assert_eq!(error.data, Some(serde_json::json!([1])));
}

#[test]
fn broken_arguments_leave_the_stream_in_step() {
    let good = [header(64, "A.B", 2), value(INT, b"\x0a")].concat();
    for (args, told) in [
        (value(99, b"\0"), "gob: unknown type id or corrupted data"),
        (value(STRING, b"\x05ab"), "unexpected EOF"),
        (message(&[&int(INT), b"\x01\x02"]), "gob: decode: corrupted data: non-zero delta for singleton"),
        (message(&[]), "EOF"),
        (message(&[b"\xf7"]), "gob: encoded unsigned integer out of range"),
    ] {
        let broken = format!("A.B 1 {told}");
        check(&[request_type(64), header(64, "A.B", 1), args, good.clone()], &[&broken, "A.B 2 5"], Ok(()));
    }
    check(
        &[request_type(64), header(64, "A.B", 1), value(INT, b"\x0afurther"), good],
        &["A.B 1 5", "A.B 2 5"],
        Ok(()),
    );
}

#[test]
fn out_of_step() {
    let [first, args] = [[request_type(64), header(64, "A.B", 1)].concat(), value(INT, b"\x0a")];
    let fine = "A.B 1 5";
    let at = |parts: &[&[u8]], at: usize, what: &str| {
        let requests: &[&str] = if parts.len() > 2 { &[fine] } else { &[] };
        let parts: Vec<_> = parts.iter().map(|part| part.to_vec()).collect();
        check(&parts, requests, Err(&format!("malformed at byte {at}: {what}")));
    };
    at(&[b"\0\0\0"], 0, "broken header");
    at(&[b"\xf7\0\0\0\0\0\0\0\0\0"], 0, "gob: encoded unsigned integer out of range");
    at(&[&args], 1, "header is no struct");
    at(&[&value(99, b"")], 1, "header of an undefined type");
    at(&[&first, &args, &value(STRING, b"\x01a")], 1, "header is no struct");
    at(
        &[&first, &args, &message(&[&int(64), b"\x03\x01\0"])],
        4,
        "gob: bad data: field numbers out of bounds",
    );
    at(&[&first, &args, &message(&[&int(64), b"\x01\x09abc\0"])], 5, "unexpected EOF");
    at(&[&first, &args, &request_type(64)], 2, "gob: duplicate type received");
    at(&[&first, &args, &define(63, &slice(INT))], 2, "gob: duplicate type received");
    at(&[&message(&[&int(-65), &slice(INT), b"\0"])], 1, "extra data in buffer");
    for (fields, what) in [
        ([("ServiceMethod", INT), ("Seq", UINT)], "wrong type for a field of the header"),
        ([("ServiceMethod", STRING), ("Seq", INT)], "wrong type for a field of the header"),
        ([("A", INT), ("B", INT)], "no field of a header"),
    ] {
        let bytes = [define(64, &structure("Request", &fields)), message(&[&int(64), b"\0"])];
        at(&[&bytes[0], &bytes[1]], bytes[0].len() + 1, what);
    }
    // In the arguments: the caller hears of it, then the connection ends.
    let twice = request_type(64);
    let place = first.len() + 2;
    let told = format!("malformed at byte {place}: gob: duplicate type received");
    check(&[first, twice], &[&format!("A.B 1 fatal: {told}")], Err(&told));
}

#[test]
fn the_end_of_the_stream() {
    let [first, definition] = [[request_type(64), header(64, "A.B", 1)].concat(), define(65, &slice(INT))];
    let eof = Err("unexpected EOF");
    check(&[request_type(64)], &[], eof);
    check(&[request_type(64)[..20].to_vec()], &[], eof);
    check(std::slice::from_ref(&first), &["A.B 1 EOF"], eof);
    check(&[first.clone(), b"\x05".to_vec()], &["A.B 1 unexpected EOF"], eof);
    check(&[first.clone(), definition], &["A.B 1 unexpected EOF"], eof);
    check(&[first, value(INT, b"\x0a")], &["A.B 1 5"], Ok(()));
}

#[test]
fn handshakes_of_other_protocols_wait_or_end() {
    // `gob-raw-http-get` and `gob-raw-zero-len` of net_rpc_handshakes.json.
    let mut buf = BytesMut::from(&unhex("474554202f20485454502f312e300a0a")[..]);
    assert_eq!(RequestDecoder::new(Limits::default()).decode(&mut buf).unwrap().map(drop), None);
    check(&[vec![0, 0, 0]], &[], Err("malformed at byte 0: broken header"));
}

#[test]
fn definitions_inside_values_and_values_of_many_messages() {
    let holder = structure("Holder", &[("V", INTERFACE), ("N", INT)]);
    let inner = structure("Inner", &[("W", INTERFACE)]);
    let first = [request_type(64), header(64, "A.B", 1), define(65, &holder)].concat();
    let name = text("main.Inner");
    let number = [&text("int")[..], &int(INT), b"\x02\0\x0a"].concat();
    // The outer value ends its message with the definition of what it holds, and goes on in the next; the inner one has
    // the same inside, with its length in front.
    let leaf = [&int(-67)[..], &structure("Leaf", &[("X", INT)])].concat();
    let nested = [&b"\x01"[..], &text("main.Leaf"), &leaf].concat();
    let parts = [
        message(&[&int(65), b"\x01", &name, &int(-66), &inner]),
        message(&[
            &int(66),
            &uint(nested.len() as u64),
            &nested,
            b"\x09",
            &int(67),
            b"\x04\x01\x12\0",
            b"\0",
            b"\x01\x04\0",
        ]),
    ];
    let next = [header(64, "A.B", 2), message(&[&int(65), b"\x01", &number, b"\0"])].concat();
    check(
        &[first.clone(), parts[0].clone(), parts[1].clone(), next],
        &[r#"A.B 1 {"V":{"W":{"X":9}},"N":2}"#, r#"A.B 2 {"V":5,"N":0}"#],
        Ok(()),
    );
    // A definition may be a message of its own between the parts, even of a type that does not matter.
    let parts = [
        message(&[&int(65), b"\x01", &name]),
        define(66, &structure("Inner", &[("A", INT)])),
        define(67, &slice(66)),
        message(&[&int(66), b"\x05\x01\x0a\0\0"]),
    ];
    check(&[vec![first.clone()], parts.to_vec()].concat(), &[r#"A.B 1 {"V":{"A":5},"N":0}"#], Ok(()));
    // An empty message where the value should go on.
    let parts =
        [message(&[&int(65), b"\x01", &name]), message(&[]), header(64, "A.B", 2), value(INT, b"\x0a")];
    check(&[vec![first], parts.to_vec()].concat(), &["A.B 1 EOF", "A.B 2 5"], Ok(()));
}

#[test]
fn lengths_are_refused_before_anything_is_kept() {
    let too_big =
        |bytes: &[u8], limits: Limits| match RequestDecoder::new(limits).decode(&mut BytesMut::from(bytes)) {
            Err(DecodeError::TooBig { len, limit }) => (len, limit),
            other => panic!("{other:?}"),
        };
    let limits = Limits { max_message_bytes: 1000, ..Limits::default() };
    assert_eq!(too_big(b"\xfe\x03\xe8", limits), (1003, 1000));
    assert_eq!(too_big(b"\xfd\x01\x00\x00", Limits::default()), (65540, 65536), "a header");
    assert_eq!(too_big(b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff", limits), (u64::MAX, 1000));
    assert_eq!(too_big(b"\xfb\x01\xff\xff\xff\xff", Limits::default()).1, 65536, "8 GiB");

    let first = [request_type(64), header(64, "A.B", 1)].concat();
    let mut decoder = RequestDecoder::new(limits);
    let mut buf = BytesMut::from(&[&first[..], b"\xfe\x03\xe8"].concat()[..]);
    let request = decoder.decode(&mut buf).unwrap().unwrap();
    let len = first.len() + 3 + 1000;
    let told = format!("message of {len} bytes, limit 1000");
    assert_eq!(request.args().unwrap_err().text(), told);
    assert_eq!(decoder.decode(&mut buf).unwrap_err(), DecodeError::TooBig { len: len as u64, limit: 1000 });
    assert!(buf.is_empty());

    // Many small messages of one request count together.
    let mut decoder = RequestDecoder::new(limits);
    let mut buf = BytesMut::from(&first[..]);
    (65..200).for_each(|id| buf.extend_from_slice(&define(id, &slice(INT))));
    let request = decoder.decode(&mut buf).unwrap().unwrap();
    assert!(request.args().unwrap_err().text().ends_with("limit 1000"));
    assert!(decoder.decode(&mut buf).is_err());
}

#[test]
fn replies_share_the_types_of_their_time() {
    let response = structure("Response", &[("ServiceMethod", STRING), ("Seq", UINT), ("Error", STRING)]);
    let head = message(&[&int(64), b"\x02\x01\0"]);
    let mut decoder = ReplyDecoder::new(Limits::default());
    let mut buf = BytesMut::from(
        &[define(64, &response), head.clone(), define(65, &slice(INT)), value(65, b"\x01\x02")].concat()[..],
    );
    let first = decoder.decode(&mut buf).unwrap().unwrap();
    buf.extend_from_slice(&[head.clone(), define(66, &slice(65)), value(66, b"\x01\x01\x04")].concat());
    let second = decoder.decode(&mut buf).unwrap().unwrap();
    assert_eq!(value_from_slice(first.types().unwrap(), first.body()), Ok(vec![1i64]));
    assert_eq!(value_from_slice(second.types().unwrap(), second.body()), Ok(vec![vec![2i64]]));

    // A value that cannot be walked fails its call only.
    buf.extend_from_slice(
        &[head.clone(), value(INTERFACE, b"\x03abc\xf7"), head, value(INT, b"\x0a")].concat(),
    );
    let broken = decoder.decode(&mut buf).unwrap().unwrap();
    assert!(value_from_slice::<Any>(broken.types().unwrap(), broken.body()).is_err());
    let good = decoder.decode(&mut buf).unwrap().unwrap();
    assert_eq!(value_from_slice(good.types().unwrap(), good.body()), Ok(5i64));
}

#[test]
fn connections_whose_peers_define_the_same_keep_it_once() {
    let stream =
        [request_type(65), define(66, &slice(UINT)), header(65, "S.Shared", 1), value(66, &[1, 7])].concat();
    let decode = |decoder: &mut RequestDecoder, bytes: &[u8]| {
        let request = decoder.decode(&mut BytesMut::from(bytes)).unwrap().unwrap();
        told(decoder, &request)
    };
    let mut decoders = [(); 2].map(|()| RequestDecoder::new(Limits::default()));
    for decoder in &mut decoders {
        assert_eq!(decode(decoder, &stream), "S.Shared 1 [7]");
    }
    let [one, two] = &mut decoders;
    assert!(std::ptr::eq(one.types(), two.types()));
    // What one of them defines besides, the other knows nothing of.
    let more = [header(65, "S.More", 2), value(67, &[1, 1, 8])].concat();
    let defined = [define(67, &slice(66)), more.clone()].concat();
    assert_eq!(decode(one, &defined), "S.More 2 [[8]]");
    assert!(!std::ptr::eq(one.types(), two.types()));
    assert_eq!(decode(two, &more), "S.More 2 gob: unknown type id or corrupted data");
    assert_eq!(
        decode(two, &[define(67, &slice(STRING)), header(65, "S.Own", 3), value(67, b"\x01\x01a")].concat()),
        "S.Own 3 [\"a\"]"
    );
    assert_eq!(decode(one, &[header(65, "S.More", 4), value(67, &[0])].concat()), "S.More 4 []");
}

#[test]
fn a_header_may_have_any_number_of_other_fields() {
    let others = (0..40).map(|number| format!("Other{number}")).collect::<Vec<_>>();
    for before in [0, 1, 10, 11, 12, 13, 40] {
        let mut fields = others[..before].iter().map(|name| (name.as_str(), STRING)).collect::<Vec<_>>();
        fields.extend([("ServiceMethod", STRING), ("Seq", UINT)]);
        let header = [&int(65)[..], &uint(before as u64 + 1), &text("S.Far"), b"\x01\x07\0"].concat();
        let stream =
            [define(65, &structure("Request", &fields)), message(&[&header]), value(INT, &[2])].concat();
        assert_eq!(read(&stream), (vec!["S.Far 7 1".to_owned()], Ok(())), "{before}");
    }
}
