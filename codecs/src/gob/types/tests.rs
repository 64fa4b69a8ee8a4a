//! Definitions recorded from Go, and malformed ones, which are refused.

use super::definition::UNKNOWN_FIELD;
use super::*;
use crate::gob::wire::{Reader, WireError};

/// `Request{ServiceMethod string, Seq uint}` under id 64, without its length and its id.
const REQUEST: &[u8] =
    b"\x03\x01\x01\x07Request\x01\xff\x80\x00\x01\x02\x01\x0dServiceMethod\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x00\x00";
/// `[]int` as Go defines it, without its id.
const INTS: &[u8] = b"\x02\x01\x02\xff\x84\x00\x01\x04\x00\x00";

const LIMITS: TableLimits = TableLimits { types: 2048, fields: 16 << 10, name_bytes: 256 << 10 };

type Definitions<'a> = &'a [(i64, &'a [u8])];

fn defined(definitions: Definitions<'_>) -> Result<Types, WireError> {
    let mut types = Types::new();
    for (id, bytes) in definitions {
        let mut reader = Reader::new(bytes);
        types.define(*id, &mut reader, LIMITS)?;
        assert_eq!(reader.rest(), b"", "a definition ends where it ends");
    }
    Ok(types)
}

fn id(number: i64) -> Id {
    Id::new(number).unwrap()
}

#[test]
fn definitions_as_go_sends_them() {
    let array = b"\x01\x01\x02\xff\x86\x00\x01\x06\x01\x08\x00\x00";
    let map = b"\x04\x01\x02\xff\x88\x00\x01\x0c\x01\xff\x80\x00\x00";
    let time = b"\x05\x01\x01\x04Time\x01\xff\x8a\x00\x00\x00";
    let types = defined(&[(64, REQUEST), (66, INTS), (67, array), (68, map), (90, time)]).unwrap();

    let Some(Type::Struct(fields)) = types.get(id(64)) else { panic!("no struct") };
    assert_eq!(types.name(id(64)), "Request");
    let fields: Vec<_> = types.fields(fields).iter().map(|&f| (types.field_name(f), f.id)).collect();
    assert_eq!(fields, [("ServiceMethod", Id::STRING), ("Seq", Id::UINT)]);
    assert_eq!(types.get(id(66)), Some(Type::Slice { elem: Id::INT }));
    assert_eq!(types.name(id(66)), "");
    assert_eq!(types.get(id(67)), Some(Type::Array { elem: Id::UINT, len: 4 }));
    assert_eq!(types.get(id(68)), Some(Type::Map { key: Id::STRING, elem: id(64) }));
    assert_eq!(types.get(id(90)), Some(Type::Opaque(Marshaler::Gob)));
    assert_eq!(types.name(id(90)), "Time");
    for undefined in [0, 9, 16, 63, 65, 69, 91, i64::from(i32::MAX)] {
        assert_eq!(types.get(id(undefined)), None, "{undefined}");
    }
}

#[test]
fn ids_in_any_order() {
    let definitions: Vec<_> = [90, 64, 70, 65, 4000].map(|number| (number, INTS)).into();
    let types = defined(&definitions).unwrap();
    for (number, _) in definitions {
        assert_eq!(types.get(id(number)), Some(Type::Slice { elem: Id::INT }), "{number}");
    }
}

#[test]
fn interfaces_are_found_through_forward_references_and_cycles() {
    let slice_of = |elem: &'static [u8]| [b"\x02\x01\x02\xff\x84\x00\x01", elem, b"\x00\x00"].concat();
    let [of_66, of_67, of_interface] = [b"\xff\x84", b"\xff\x86", &b"\x10"[..]].map(slice_of);
    let mut types = defined(&[(65, &of_66), (66, &of_67)]).unwrap();
    assert!(types.holds_interface(Id::INTERFACE));
    assert!(!types.holds_interface(Id::INT));
    assert!(!types.holds_interface(id(65)), "67 is still to come");
    types.define(67, &mut Reader::new(&of_interface), LIMITS).unwrap();
    assert!(types.holds_interface(id(65)));

    let types = defined(&[(66, &of_67), (67, &of_66)]).unwrap();
    assert!(!types.holds_interface(id(66)));
    assert_eq!(types.waiting.len(), 2, "a pair for each part, however often it is asked");
}

#[test]
fn an_interface_at_the_end_of_a_chain_is_known_to_all_of_it() {
    let int = |value: i64| {
        let mut out = Vec::new();
        crate::gob::wire::put_int(&mut out, value);
        out
    };
    let mut types = Types::new();
    for number in (65..2000).rev().chain([2000]) {
        let elem = if number == 2000 { Id::INTERFACE.number() } else { number + 1 };
        let definition = [b"\x02\x01\x02", &int(number)[..], b"\x00\x01", &int(elem), b"\x00\x00"].concat();
        assert!(!types.holds_interface(id(65)));
        types.define(number, &mut Reader::new(&definition), LIMITS).unwrap();
    }
    assert!((65..=2000).all(|number| types.holds_interface(id(number))));
    assert!(types.waiting.is_empty());
}

#[test]
fn refused() {
    let deep = b"\x03\x01\x01\x01T\x01\xff\x80\x00\x01\xf8\x0f\xff\xff\xff\xff\xff\xff\xff";
    let cases: [(&str, Definitions<'_>, WireError); 11] = [
        ("twice", &[(64, INTS), (64, INTS)], WireError::Hostile("gob: duplicate type received")),
        ("below 64", &[(63, INTS)], WireError::Hostile("gob: duplicate type received")),
        ("over 2^31", &[(1 << 31, INTS)], WireError::Hostile("gob: duplicate type received")),
        ("i64::MIN negated", &[(i64::MIN, INTS)], WireError::Hostile("gob: duplicate type received")),
        ("no kind", &[(64, b"\x00")], WireError::Hostile("gob: type of no kind")),
        ("two kinds", &[(64, b"\x01\x00\x01\x00\x00")], WireError::Hostile("gob: type of two kinds")),
        ("kind 8", &[(64, b"\x08\x01\x02\x02\x00\x00\x00")], UNKNOWN_FIELD),
        ("field past the end", &[(64, b"\x02\x05\x02\x00\x00")], UNKNOWN_FIELD),
        (
            "negative length",
            &[(64, b"\x01\x03\x01\x00\x00")],
            WireError::Hostile("gob: array length out of range"),
        ),
        ("fields without end", &[(64, deep)], WireError::Eof),
        ("cut", &[(64, &REQUEST[..20])], WireError::Eof),
    ];
    for (name, definitions, error) in cases {
        assert_eq!(defined(definitions).err(), Some(error), "{name}");
    }
    let long = [b"\x03\x02\x01\x01\xfe\x04\x01", &[b'x'; 1025][..], b"\x01\x04\x00\x00\x00"].concat();
    assert_eq!(defined(&[(64, &long)]).err(), Some(WireError::Hostile("gob: name too long")));
}

#[test]
fn tables_are_bounded() {
    for (max_types, fields) in [(1, 4096), (16, 4096), (512, 4096), (2048, 16 << 10), (20_000, 160_000)] {
        let limits = TableLimits::new(max_types);
        let mut types = Types::new();
        let error = (64..).find_map(|number| types.define(number, &mut Reader::new(INTS), limits).err());
        assert_eq!((error, types.len()), (Some(WireError::Hostile("gob: too many types")), max_types));

        // Those of one struct, which has them all or as many as one may have.
        let of_fields = |count: u16| {
            let mut bytes = b"\x03\x02\xfe".to_vec();
            bytes.extend(count.to_be_bytes());
            (0..count).for_each(|_| bytes.extend(b"\x01\x01A\x01\x04\x00"));
            bytes.extend(b"\x00\x00");
            bytes
        };
        let define = |definitions: &[&[u8]]| {
            let mut types = Types::new();
            let mut numbered = (64..).zip(definitions);
            numbered.find_map(|(number, bytes)| types.define(number, &mut Reader::new(bytes), limits).err())
        };
        assert_eq!(define(&[&of_fields(4097)]), Some(WireError::Hostile("gob: too many fields")));
        let (whole, rest) = (of_fields(4096), of_fields((fields % 4096) as u16));
        let mut full: Vec<&[u8]> = vec![&whole; fields / 4096];
        full.extend((fields % 4096 > 0).then_some(&rest[..]));
        let full = full.get(..max_types).unwrap_or(&full);
        assert_eq!(define(full), None, "{max_types}");
        let one = of_fields(1);
        let over = [full, &[&one]].concat();
        let what = if full.len() == max_types { "gob: too many types" } else { "gob: too many fields" };
        assert_eq!(define(&over), Some(WireError::Hostile(what)), "{max_types}");

        // Names of 1024 bytes each.
        let named = [b"\x02\x01\x01\xfe\x04\x00", &[b'x'; 1024][..], b"\x00\x01\x04\x00\x00"].concat();
        let names = (max_types * 128).max(64 << 10) / 1024;
        if names < max_types {
            assert_eq!(define(&vec![&named[..]; names]), None, "{max_types}");
            let over = define(&vec![&named[..]; names + 1]);
            assert_eq!(over, Some(WireError::Hostile("gob: too many names")), "{max_types}");
        }
    }

    let cut = [b"\x03\x01\x01\xfe\x08\x00", &[b'x'; 2048][..], b"\x00\x00\x00"].concat();
    assert_eq!(defined(&[(64, &cut)]).unwrap().name(id(64)), "");
}

#[test]
fn what_a_table_takes_is_known_once_it_is_large() {
    let mut types = Types::new();
    for number in 0..2048 {
        types.define(64 + number, &mut Reader::new(INTS), LIMITS).unwrap();
        let held = types.held_bytes();
        match number {
            0..32 => assert_eq!(held, 0, "shared with other connections"),
            _ => assert!((number as usize * 16..1 << 20).contains(&held), "{number}: {held}"),
        }
    }
}
