//! What kills, spins or fattens Go's own decoder, and a million mutations of what Go sends.
//!
//! Memory is counted: nothing here may take more than what has arrived and 64 KiB.

use super::support::{array, int, map, message, slice, streams, structure, text, types, uint};
use crate::{
    DecodeError, Limits,
    gob::{ReplyDecoder, RequestDecoder, Types, types::TableLimits, value_from_slice, wire::Reader},
    types::{Any, Blob, Complex, Text, Time},
};
use bytes::BytesMut;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use std::collections::HashMap;

const INT: i64 = 2;
const UINT: i64 = 3;
const STRING: i64 = 6;
const INTERFACE: i64 = 8;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
}

/// Decodes a value and tells what was said; takes no more memory than allowed.
#[track_caller]
fn told<T: DeserializeOwned>(types: &Types, id: i64, bytes: &[u8]) -> Result<(), String> {
    let value = [&int(id)[..], bytes].concat();
    let mut said = Ok(());
    let used = allocation_counter::measure(|| {
        said = value_from_slice::<T>(types, &value).map(drop).map_err(|error| error.text().to_owned());
    });
    assert!(used.bytes_max <= value.len() as u64 + (64 << 10), "{used:?} for {} bytes", value.len());
    said
}

/// Into a struct that ignores it, and into things that take it.
#[track_caller]
fn refused(types: &Types, id: i64, bytes: &[u8], why: &str) {
    for said in [
        told::<IgnoredAny>(types, id, bytes),
        told::<()>(types, id, bytes),
        told::<Any>(types, id, bytes),
        told::<serde_json::Value>(types, id, bytes),
    ] {
        assert_eq!(said, Err(why.to_owned()));
    }
}

const TOO_DEEP: &str = "nesting deeper than 100";
const TOO_LONG: &str = "gob: decoding array or slice: length exceeds input size";

#[test]
fn types_that_hold_themselves() {
    let table = types(&[
        structure("Rec", &[("A", INT), ("Next", 65)]),
        slice(66),
        array(67, 1),
        map(INT, 68),
        structure("Args", &[("A", INT), ("Extra", 65), ("List", 66), ("Array", 67), ("Map", 68)]),
    ]);
    let millions = 5_000_000;
    refused(&table, 65, &[b"\x02"[..].repeat(millions), b"\0".repeat(millions)].concat(), TOO_DEEP);
    for (id, level) in [(66, &b"\x01"[..]), (67, b"\x01"), (68, b"\x01\x02")] {
        refused(&table, id, &[b"\0", &level.repeat(millions)[..]].concat(), TOO_DEEP);
    }
    for (field, level) in [(2, &b"\x02"[..]), (3, b"\x01"), (4, b"\x01"), (5, b"\x01\x02")] {
        let ignored = [&[field], &level.repeat(millions)[..]].concat();
        assert_eq!(told::<Args>(&table, 69, &ignored), Err(TOO_DEEP.to_owned()));
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[allow(dead_code, reason = "only decoded, never read")]
    struct Rec {
        next: Option<Box<Self>>,
    }
    assert_eq!(told::<Rec>(&table, 65, &b"\x02".repeat(millions)), Err(TOO_DEEP.to_owned()));
    // A hundred levels are fine.
    let fine = [b"\x02".repeat(99), b"\0".repeat(100)].concat();
    assert_eq!(told::<Rec>(&table, 65, &fine), Ok(()));
    assert_eq!(told::<IgnoredAny>(&table, 65, &fine), Ok(()));
    // An interface in an interface in an interface.
    let name = [&text("x")[..], &int(INTERFACE), b"\x01\0"].concat();
    refused(&Types::new(), INTERFACE, &[b"\0", &name.repeat(1_000_000)[..]].concat(), TOO_DEEP);
}

#[test]
fn chains_of_types_cost_nothing_before_they_are_walked() {
    let mut table = Types::new();
    for id in 65..2000 {
        table.define(id, &mut Reader::new(&slice(id + 1)), TableLimits::new(2048)).unwrap();
    }
    assert!(!table.holds_interface(crate::gob::types::Id::new(65).unwrap()));
    refused(&table, 65, &[b"\0", &b"\x01".repeat(2000)[..]].concat(), TOO_DEEP);
    assert_eq!(told::<IgnoredAny>(&table, 65, b"\0\0"), Ok(()));
}

#[derive(Debug, PartialEq, Eq, Hash, Deserialize)]
struct Empty {}

#[test]
fn counts_without_elements() {
    let table = types(&[
        structure("Empty", &[]),
        map(65, 65),
        slice(65),
        array(65, i64::from(u32::MAX)),
        map(STRING, INT),
        slice(INTERFACE),
        slice(UINT),
    ]);
    let counts = [1u64 << 26, 1 << 28, 1 << 40, 1 << 60, u64::MAX];
    for count in counts {
        for id in [67, 69, 70, 71] {
            refused(&table, id, &[b"\0", &uint(count)[..]].concat(), TOO_LONG);
        }
        let empties = [b"\0", &uint(count)[..], &[0; 1000]].concat();
        refused(&table, 67, &empties, TOO_LONG);
        for ends in [&empties, &empties[..empties.len() - 1000]] {
            assert_eq!(told::<IgnoredAny>(&table, 66, ends), Err(TOO_LONG.to_owned()));
            assert_eq!(told::<HashMap<Empty, Empty>>(&table, 66, ends), Err(TOO_LONG.to_owned()));
        }
        let some = [b"\0", &uint(count)[..], b"\x01x\x02\x01y\x02"].concat();
        assert_eq!(told::<HashMap<String, i64>>(&table, 69, &some), Err(TOO_LONG.to_owned()));
        assert_eq!(told::<Vec<u8>>(&table, 71, &empties), Err(TOO_LONG.to_owned()));
        assert_eq!(told::<Blob>(&table, 71, &empties), Err(TOO_LONG.to_owned()));
    }
    refused(&table, 68, &[b"\0", &uint(u32::MAX.into())[..]].concat(), TOO_LONG);
    for id in [5, STRING] {
        refused(&table, id, &[b"\0", &uint(1 << 60)[..]].concat(), "unexpected EOF");
    }
}

#[test]
fn fields_that_cost_the_peer_nothing() {
    let names: Vec<String> = (0..4000).map(|i| format!("{i:0>60}")).collect();
    let mut fields: Vec<(&str, i64)> = names.iter().map(|name| (&**name, INT)).collect();
    fields.push(("A", INT));
    let table = types(&[structure("Wide", &fields), slice(65)]);
    // Each byte is a struct of 4001 fields left out.
    let count = 300_000;
    let bytes = [b"\0", &uint(count)[..], &vec![0; count as usize]].concat();
    assert_eq!(told::<IgnoredAny>(&table, 66, &bytes), Ok(()));
    let value = [&int(66)[..], &bytes].concat();
    let error = value_from_slice::<Vec<Args>>(&table, &value).unwrap_err();
    assert_eq!(error.text(), "gob: too many fields left out");
    // Only so many of them are made for those who keep names.
    let few = [&int(66)[..], b"\0\xfe\x03\xe8", &[0; 1000]].concat();
    let used = allocation_counter::measure(|| {
        let list: Vec<Any> = value_from_slice(&table, &few).unwrap();
        assert_eq!(list.len(), 1000);
    });
    assert!(used.bytes_max < 1 << 18, "{used:?}");
    // A name of a kilobyte for every value of two bytes.
    let long = "x".repeat(1024);
    let table = types(&[structure("Long", &[(&long, INT)]), slice(65)]);
    let value = [b"\0\xfd\x01\0\0", &b"\x01\x02\0".repeat(1 << 16)[..]].concat();
    let value = [&int(66)[..], &value].concat();
    let error = value_from_slice::<Any>(&table, &value).unwrap_err();
    assert_eq!(error.text(), "gob: names of fields outweigh their values");
}

fn request(method: &str) -> Vec<u8> {
    let fields = structure("Request", &[("ServiceMethod", STRING), ("Seq", UINT)]);
    [message(&[&int(-64), &fields]), message(&[&int(64), b"\x01", &text(method), b"\0"])].concat()
}

/// Decodes all of a stream in pieces of `step` bytes; what the decoder itself holds is bounded by what has arrived.
fn stream(bytes: &[u8], step: usize) -> Result<usize, DecodeError> {
    let mut end = Ok(0);
    let used = allocation_counter::measure(|| {
        let mut decoder = RequestDecoder::new(Limits::default());
        let mut buf = BytesMut::with_capacity(bytes.len());
        let mut count = 0;
        for chunk in bytes.chunks(step) {
            buf.extend_from_slice(chunk);
            loop {
                match decoder.decode(&mut buf) {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => break,
                    Err(error) => {
                        end = Err(error);
                        return;
                    }
                }
            }
        }
        end = Ok(count);
    });
    let arrived = bytes.len() as u64;
    assert!(used.bytes_max <= 2 * arrived + (64 << 10), "{used:?} for {arrived} bytes");
    end
}

#[test]
fn streams_without_end() {
    // A method name of 64 MiB, a length of 8 GiB, definitions without a value.
    assert_eq!(
        stream(&request(&"x".repeat(64 << 20))[..1 << 20], 4096),
        Err(DecodeError::TooBig { len: 67_108_922, limit: 65536 })
    );
    let huge = [&request("A.B")[..], b"\xfb\x01\xff\xff\xff\xff", &[0; 1000]].concat();
    assert!(stream(&huge, 1).is_err());
    let define = |id: i64| message(&[&int(-id), &slice(INT)]);
    let definitions: Vec<u8> = (65..200_000).flat_map(define).collect();
    assert!(matches!(
        stream(&definitions, 4096),
        Err(DecodeError::Malformed { what: "gob: too many types", .. })
    ));
    let within: Vec<u8> = (65..200_000)
        .flat_map(|id| [define(id), message(&[&int(64), b"\0"]), message(&[&int(INT), b"\0\0"])].concat())
        .collect();
    let all = [&request("A.B")[..], &message(&[&int(INT), b"\0\0"]), &within].concat();
    assert!(stream(&all, 4096).is_err());
}

#[test]
fn values_in_many_messages_are_walked_once() {
    let list = message(&[&int(-65), &slice(INTERFACE)]);
    // One value of too many messages, and one of 2000.
    let begin = message(&[&int(65), b"\0\xfe\x10\x68", &text("int")]);
    let more = message(&[&int(INT), b"\x02\0\x0a", &text("int")]);
    let last = message(&[&int(INT), b"\x02\0\x0a"]);
    let whole = [&request("A.B")[..], &list, &begin, &more.repeat(4198), &last].concat();
    assert!(matches!(stream(&whole, 7), Err(DecodeError::Malformed { what: "arguments beyond repair", .. })));
    let begin = message(&[&int(65), b"\0\xfe\x07\xd0", &text("int")]);
    let whole = [&request("A.B")[..], &list, &begin, &more.repeat(1998), &last].concat();
    assert_eq!(stream(&whole, 7), Ok(1));
    // A large message in small pieces.
    let bytes = vec![0; 1 << 20];
    let whole = [&request("A.B")[..], &message(&[&int(5), b"\0", &uint(1 << 20), &bytes])].concat();
    assert_eq!(stream(&whole, 1), Ok(1));
}

/// A generator of its own, for the same inputs everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Everything that a mutated value is decoded into.
fn into_types(types: &Types, value: &[u8], which: usize) {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[allow(dead_code, reason = "only decoded, never read")]
    struct Node {
        val: Option<i64>,
        next: Option<Box<Self>>,
        kids: Vec<Self>,
        name: Text,
        n: u8,
        a: (i8, f32),
        v: Vec<Any>,
        m: HashMap<String, Self>,
        raw: Blob,
        c: Complex,
        t: Time,
    }
    match which % 8 {
        0 => drop(value_from_slice::<Any>(types, value)),
        1 => drop(value_from_slice::<serde_json::Value>(types, value)),
        2 => drop(value_from_slice::<Node>(types, value)),
        3 => drop(value_from_slice::<Args>(types, value)),
        4 => drop(value_from_slice::<Vec<HashMap<i64, String>>>(types, value)),
        5 => drop(value_from_slice::<IgnoredAny>(types, value)),
        6 => drop(value_from_slice::<Blob>(types, value)),
        _ => drop(value_from_slice::<Option<Complex>>(types, value)),
    }
}

/// Changes a few bytes: flips, sets, inserts, cuts, repeats.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len().max(1));
        let interesting = [0, 1, 2, 0x7f, 0x80, 0xf7, 0xf8, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];
        match (random.below(6), bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << random.below(8),
            (1, Some(byte)) => *byte = random.next() as u8,
            (2, Some(byte)) => *byte = interesting[random.below(interesting.len())],
            (3, Some(_)) => bytes.insert(at, interesting[random.below(interesting.len())]),
            (4, Some(_)) => drop(bytes.remove(at)),
            (_, Some(_)) => {
                let end = (at + random.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {}
        }
    }
}

/// 500 000 mutations of what was sent to one side: no panic, and no more memory than arrived and 64 KiB.
fn mutations(to: &str, decode: impl Fn(&mut BytesMut, usize)) {
    let seeds: Vec<Vec<u8>> =
        streams(to).iter().map(super::support::Stream::bytes).filter(|b| b.len() < 2000).collect();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..500_000 {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        mutate(&mut random, &mut bytes);
        let mut buf = BytesMut::from(&bytes[..]);
        if round % 64 == 0 {
            let used = allocation_counter::measure(|| decode(&mut buf, round));
            let most = bytes.len() as u64 + (64 << 10);
            assert!(used.bytes_max <= most, "{used:?} for {bytes:02x?}");
        } else {
            decode(&mut buf, round);
        }
    }
}

#[test]
fn half_a_million_mutated_requests() {
    mutations("server", |buf, round| {
        let mut decoder = RequestDecoder::new(Limits::default());
        while let Ok(Some(request)) = decoder.decode_eof(buf) {
            if let Ok(args) = request.args() {
                into_types(decoder.types(), args, round);
            }
        }
    });
}

#[test]
fn half_a_million_mutated_replies() {
    mutations("client", |buf, round| {
        let mut decoder = ReplyDecoder::new(Limits::default());
        while let Ok(Some(reply)) = decoder.decode(buf) {
            if let Some(types) = reply.types() {
                into_types(types, reply.body(), round);
            }
        }
    });
}
