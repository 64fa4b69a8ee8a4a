//! Nothing, in every codec: how `()`, `None` and what is empty go out, and what comes of nothing. The tables of
//! `rpcwrap/docs/wire.md`, cell by cell.

#![allow(clippy::unwrap_used, reason = "a test stops at the first error")]

use bytes::BytesMut;
use rpcwrap_codecs::{
    AnyCodec, Args, BsonDialect, CallOptions, Dialect, EncodeError, Limits, ReplyTo,
    body::{BytesReply, BytesReplyEncoder, ContentType},
    gob::{self, Types},
    schema::TypeOf,
    types::{Any, Blob},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug, fs, path::Path};

const CODECS: [&str; 4] = ["json", "bson", "msgpack", "gob"];

fn codec(name: &str) -> AnyCodec {
    match name {
        "json" => AnyCodec::Json,
        "bson" => AnyCodec::Bson(BsonDialect::Always(Dialect::Standard)),
        "msgpack" => AnyCodec::Msgpack,
        _ => AnyCodec::Gob,
    }
}

/// How a value goes out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum As {
    Argument { details: bool },
    Reply { details: bool },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Field<T> {
    v: T,
}

/// To be read: gob wants one field at least that both sides have.
#[derive(Deserialize)]
struct Fields<T> {
    #[allow(dead_code, reason = "it is read for its name")]
    o: Option<i64>,
    v: T,
}

/// The value on the wire, in words; `is_known` says whether its type is known without it.
fn sent<T: Serialize + Deserialize<'static>>(name: &str, value: &T, sent_as: As, is_known: bool) -> String {
    let type_of = TypeOf::new::<T>();
    let type_of = is_known.then_some(&type_of);
    let (mut out, mut request) = (BytesMut::new(), BytesMut::new());
    let mut writer = codec(name).request_writer();
    let (As::Argument { details } | As::Reply { details }) = sent_as;
    let options = CallOptions { details, ..CallOptions::default() };
    if let As::Argument { .. } = sent_as {
        if let Err(error) = writer.encode(1, "A.B", options, value, type_of, &mut request) {
            return in_words(error.text());
        }
        let mut server = codec(name).server(Limits::default());
        let request = server.decode(&mut request).unwrap().unwrap();
        return match server.args(&request) {
            Args::JsonParams(params) => {
                let params = String::from_utf8_lossy(params).into_owned();
                params.strip_prefix('[').and_then(|params| params.strip_suffix(']')).unwrap().to_owned()
            }
            Args::Bson(document) => bson(document),
            Args::MsgpackOf(bytes, _) => msgpack(&mut &bytes[..]),
            Args::Gob { types, value } => in_gob(types, value),
            other => panic!("{other:?}"),
        };
    }
    writer.encode(1, "A.B", options, &1, None, &mut request).unwrap();
    let mut server = codec(name).server(Limits::default());
    let request = server.decode(&mut request).unwrap().unwrap();
    if let Err(error) = server.reply_to(&request).encode(value, type_of, &mut out) {
        return in_words(error.text());
    }
    let reply = codec(name).reply_reader(Limits::default()).decode(&mut out).unwrap().unwrap();
    match name {
        "json" => String::from_utf8_lossy(reply.body()).into_owned(),
        "bson" => bson(reply.body()),
        "msgpack" => msgpack(&mut &reply.body()[..]),
        _ => in_gob(reply.types().unwrap(), reply.body()),
    }
}

fn in_words(error: &str) -> String {
    assert!(error.starts_with("gob: "), "{error}");
    "error".into()
}

fn bson(bytes: &[u8]) -> String {
    fn value(one: &bson::Bson) -> String {
        match one {
            bson::Bson::Document(members) => document(members),
            bson::Bson::Array(elements) => {
                format!("[{}]", elements.iter().map(value).collect::<Vec<_>>().join(", "))
            }
            bson::Bson::Null => "null".into(),
            bson::Bson::String(text) => format!("{text:?}"),
            other => other.to_string(),
        }
    }
    fn document(members: &bson::Document) -> String {
        let members: Vec<_> =
            members.iter().map(|(key, member)| format!("{key}: {}", value(member))).collect();
        format!("{{{}}}", members.join(", "))
    }
    document(&bson::deserialize_from_slice(bytes).unwrap())
}

/// Of the values of these tests.
fn msgpack(bytes: &mut &[u8]) -> String {
    let (&first, rest) = bytes.split_first().unwrap();
    *bytes = rest;
    match first {
        0xC0 => "nil".into(),
        0x00..=0x7F => first.to_string(),
        0x80..=0x8F => {
            let members: Vec<_> = (0x80..first)
                .map(|_| format!("{}: {}", msgpack(bytes).trim_matches('"').to_owned(), msgpack(bytes)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        0x90..=0x9F => format!("[{}]", (0x90..first).map(|_| msgpack(bytes)).collect::<Vec<_>>().join(", ")),
        0xA0..=0xBF => {
            let (text, rest) = bytes.split_at(usize::from(first - 0xA0));
            *bytes = rest;
            format!("{:?}", String::from_utf8_lossy(text))
        }
        other => panic!("{other:#x}"),
    }
}

fn in_gob(types: &Types, value: &[u8]) -> String {
    // The id of an interface, the zero in front of what is no struct, and no name.
    if value == [0x10, 0, 0] {
        return "a nil interface".into();
    }
    let any: Any = gob::value_from_slice(types, value).unwrap();
    // A struct of which nothing was written is its id, of two bytes, and its end.
    match any {
        Any::Map(members) if value.ends_with(&[0]) && value.len() == 3 => match members.first() {
            Some(_) => "left out".into(),
            None => "{}".into(),
        },
        any => any.to_json().to_string(),
    }
}

/// What stands in the only field of a struct.
fn of_field(name: &str, whole: &str) -> String {
    let (open, close) = match name {
        "json" | "gob" => ("{\"v\":", "}"),
        _ => ("{v: ", "}"),
    };
    let inside = whole.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    match whole {
        "{}" | "left out" => "left out".into(),
        _ => inside.unwrap().into(),
    }
}

/// What stands in a list of one element, or what is said instead.
fn of_list(name: &str, whole: &str) -> String {
    // Lists are documents in the body of a BSON message.
    let (open, close) = if name == "bson" { ("{0: ", "}") } else { ("[", "]") };
    whole.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).unwrap_or(whole).into()
}

/// A cell of the table: code, unless it is words.
fn cell(name: &str, known: &str, unknown: &str) -> String {
    let shown = |text: &str| match text {
        "left out" | "error" | "a nil interface" => text.to_owned(),
        code => format!("`{code}`"),
    };
    if known == unknown {
        return shown(known);
    }
    assert_eq!(name, "gob");
    format!("{}; {} where its type is not known", shown(known), shown(unknown))
}

/// One row of the first table: how a value goes out in each of these ways, all of which are alike.
fn row<T: Serialize + Deserialize<'static>>(
    label: &str,
    value: &T,
    ways: &[As],
    part: fn(&str, &str) -> String,
) -> String {
    let cells = CODECS.map(|name| {
        let told = |way: As| {
            let told = |is_known| part(name, &sent(name, value, way, is_known));
            cell(name, &told(true), &told(false))
        };
        let all: Vec<_> = ways.iter().map(|way| told(*way)).collect();
        assert!(all.iter().all(|one| *one == all[0]), "{label}: {name}: {all:?}");
        all[0].clone()
    });
    format!("| {label} | {} |", cells.join(" | "))
}

fn whole(_: &str, text: &str) -> String {
    text.to_owned()
}

const REPLY: As = As::Reply { details: false };
const REPLY_TO_DETAILS: As = As::Reply { details: true };
const ARGUMENT: As = As::Argument { details: false };
const ARGUMENT_WITH_DETAILS: As = As::Argument { details: true };
const ALL: [As; 4] = [REPLY, REPLY_TO_DETAILS, ARGUMENT, ARGUMENT_WITH_DETAILS];

fn of_sent() -> Vec<String> {
    let none = None::<i64>;
    let list = Vec::<i64>::new();
    let map = BTreeMap::<String, i64>::new();
    let text = String::new();
    let mut rows = vec![
        row("`()` as a reply", &(), &[REPLY], whole),
        row("`()` as an argument, or as a reply where `details` are asked for", &(), &ALL[1..], whole),
        row("`None` as a reply", &none, &[REPLY], whole),
        row("`None` as an argument", &none, &[ARGUMENT], whole),
        row("`None` as either, where `details` are asked for", &none, &[ALL[1], ALL[3]], whole),
        row("a nil `Any` as a reply", &Any::Null, &[REPLY], whole),
        row(
            "a nil `Any` as an argument, or as a reply where `details` are asked for",
            &Any::Null,
            &ALL[1..],
            whole,
        ),
        row("an empty list", &list, &ALL, whole),
        row("an empty map", &map, &ALL, whole),
        row("an empty text", &text, &ALL, whole),
    ];
    rows.push(row("in a field: `()`", &Field { v: () }, &ALL, of_field));
    rows.push(row("in a field: `None`", &Field { v: none }, &ALL, of_field));
    rows.push(row("in a field: a nil `Any`", &Field { v: Any::Null }, &ALL, of_field));
    rows.push(row("in a field: an empty list", &Field { v: list.clone() }, &ALL, of_field));
    rows.push(row("in a field: `Some` of an empty list", &Field { v: Some(list.clone()) }, &ALL, of_field));
    rows.push(row("in a field: an empty map, `Some` or not", &Field { v: map.clone() }, &ALL, of_field));
    rows.push(row("in a field: an empty text", &Field { v: text.clone() }, &ALL, of_field));
    rows.push(row("in a field: `Some` of an empty text", &Field { v: Some(text) }, &ALL, of_field));
    rows.push(row("in a field: 0", &Field { v: 0 }, &ALL, of_field));
    rows.push(row("in a field: `Some(0)`", &Field { v: Some(0) }, &ALL, of_field));
    rows.push(row("in a list or map: `None`", &vec![none], &ALL, of_list));
    rows.push(row("in a list or map: `()`", &vec![()], &ALL, of_list));
    rows.push(row("in a list or map: a nil `Any`", &vec![Any::Null], &ALL, of_list));
    rows.push(row("in a list or map: an empty list", &vec![list], &ALL, of_list));
    let some = row("in a field: an empty map, `Some` or not", &Field { v: Some(map) }, &ALL, of_field);
    assert!(rows.contains(&some));
    rows
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    x: i64,
    y: Option<i64>,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Enum {
    A,
    B(i64),
}

/// What is read of nothing: the whole of the arguments, or the field `v` of a struct.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Whole,
    Field,
}

fn decode<T: DeserializeOwned>(args: &Args<'_>, of: Of) -> Option<T> {
    match of {
        Of::Whole => args.decode().ok(),
        Of::Field => args.decode::<Fields<T>>().ok().map(|fields| fields.v),
    }
}

/// What comes of it as a `T`: this value, called so, or an error.
fn read<T: DeserializeOwned + Debug + PartialEq>(
    args: &Args<'_>,
    of: Of,
    value: &T,
    word: &'static str,
) -> &'static str {
    match decode::<T>(args, of) {
        Some(read) => {
            assert_eq!(&read, value);
            word
        }
        None => "an error",
    }
}

/// One row of the second table: what comes of nothing that was sent so, as values of several types.
fn read_row(label: &str, all: &[Args<'_>], of: Of) -> String {
    let rows: Vec<_> = all
        .iter()
        .map(|args| {
            let option = match decode::<Option<i64>>(args, of) {
                Some(Some(0)) => "`Some(0)`",
                _ => read(args, of, &None::<i64>, "`None`"),
            };
            let any = match decode::<Any>(args, of) {
                Some(Any::Map(members)) if members.is_empty() => "an empty map",
                _ => read(args, of, &Any::Null, "`Null`"),
            };
            let simple = [
                read(args, of, &0i64, "zero"),
                read(args, of, &0.0f64, "zero"),
                read(args, of, &false, "zero"),
                read(args, of, &String::new(), "zero"),
                read(args, of, &Vec::<i64>::new(), "zero"),
                read(args, of, &Blob::default(), "zero"),
                read(args, of, &[0i64; 2], "zero"),
            ];
            assert!(simple.iter().all(|word| *word == simple[0]), "{label}: {simple:?}");
            [
                option,
                read(args, of, &(), "`()`"),
                any,
                simple[0],
                read(args, of, &BTreeMap::<String, i64>::new(), "empty"),
                read(args, of, &Inner { x: 0, y: None }, "of zeros"),
                read(args, of, &Enum::A, "the first"),
            ]
        })
        .collect();
    assert!(rows.iter().all(|row| *row == rows[0]), "{label}: {rows:?}");
    format!("| {label} | {} |", rows[0].join(" | "))
}

/// A message of gob: its length, then its bytes.
fn message(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// The arguments of a call in gob whose type is this struct, of the id 80: its fields, and what is there of it.
fn in_struct(fields: &[(&str, u8)], value: &[u8]) -> (Types, Vec<u8>) {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let definition = |id: u8, fields: &[(&str, u8)]| {
        let mut bytes = vec![0xFF, id * 2 - 1, 3, 1, 1, 1, b'T', 1, 0xFF, id * 2, 0, 1, fields.len() as u8];
        for (name, id) in fields {
            bytes.extend([&[1], &text(name)[..], &[1, id * 2, 0]].concat());
        }
        message(&[&bytes[..], &[0, 0]].concat())
    };
    let stream = [
        definition(65, &[("ServiceMethod", 6), ("Seq", 3)]),
        message(&[&[0xFF, 130, 1], &text("A.B")[..], &[0]].concat()),
        definition(80, fields),
        message(&[&[0xFF, 160], value].concat()),
    ];
    let mut decoder = gob::RequestDecoder::new(Limits::default());
    let request = decoder.decode(&mut BytesMut::from(&stream.concat()[..])).unwrap().unwrap();
    (decoder.types().clone(), request.args().unwrap().to_vec())
}

fn of_read() -> Vec<String> {
    let types = Types::new();
    let (nil_types, nil) = in_struct(&[("o", 2), ("v", 8)], &[1, 2, 1, 0, 0]);
    let (zero_types, zero) = in_struct(&[("o", 2), ("v", 8)], &[1, 2, 0]);
    let (none_types, none) = in_struct(&[("o", 2)], &[1, 2, 0]);
    let gob = |types, value| [Args::Gob { types, value }];
    let json = [Args::JsonValue(b"null"), Args::JsonParams(b"[]"), Args::JsonParams(b"[null]")];
    vec![
        read_row("json: `null`, no argument", &json, Of::Whole),
        read_row("json: `null` in a field", &[Args::JsonValue(br#"{"v":null}"#)], Of::Field),
        read_row("json: a field that is missing", &[Args::JsonValue(br#"{"o":1}"#)], Of::Field),
        read_row("bson: `{_Val_: null}`", &[Args::Bson(b"\x0c\0\0\0\x0a_Val_\0\0")], Of::Whole),
        read_row("bson: `{}`", &[Args::Bson(b"\x05\0\0\0\0")], Of::Whole),
        read_row("bson: null in a field", &[Args::Bson(b"\x08\0\0\0\x0av\0\0")], Of::Field),
        read_row("bson: a field that is missing", &[Args::Bson(b"\x08\0\0\0\x0ao\0\0")], Of::Field),
        read_row("msgpack: nil", &[Args::Msgpack(b"\xc0")], Of::Whole),
        read_row("msgpack: nil in a field", &[Args::Msgpack(b"\x81\xa1v\xc0")], Of::Field),
        read_row("msgpack: a field that is missing", &[Args::Msgpack(b"\x81\xa1o\x01")], Of::Field),
        read_row("gob: a nil interface", &gob(&types, b"\x10\0\0"), Of::Whole),
        read_row("gob: a nil interface in a field", &gob(&nil_types, &nil), Of::Field),
        read_row("gob: a field of an interface, left out", &gob(&zero_types, &zero), Of::Field),
        read_row("gob: a field that is missing", &gob(&none_types, &none), Of::Field),
    ]
}

/// The rows of the document's section are these.
#[test]
fn the_document_says_what_happens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rpcwrap/docs/wire.md");
    let document = fs::read_to_string(path).unwrap();
    let section = document.split("\n### Nothing\n").nth(1).unwrap().split("\n### ").next().unwrap();
    let told: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).collect();
    let rows: Vec<String> = of_sent().into_iter().chain(of_read()).collect();
    let is = rows.join("\n");
    let said = told
        .into_iter()
        .filter(|line| !line.starts_with("| sent ") && !line.starts_with("| what is there "))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(is == said, "the document says\n{said}\nand what happens is\n{is}");
}

/// Takes the body of a reply.
struct Body(String);

impl BytesReplyEncoder for Body {
    fn content_type(&self) -> ContentType {
        ContentType::Json
    }

    fn encode(&mut self, reply: &BytesReply<'_>, _: &mut BytesMut) -> Result<(), EncodeError> {
        self.0 = String::from_utf8_lossy(reply.body).into_owned();
        Ok(())
    }
}

#[test]
fn over_post_and_in_baidu_std() {
    fn check<T: Serialize>(value: &T, post: &str, in_frames: &str) {
        let mut out = BytesMut::new();
        ReplyTo::JsonValue.encode(value, None, &mut out).unwrap();
        assert_eq!(out.split(), post);
        let mut body = Body(String::new());
        ReplyTo::Bytes(&mut body).encode(value, None, &mut out).unwrap();
        assert_eq!(body.0, in_frames);
    }
    check(&(), "null", "{}");
    check(&None::<i64>, "null", "{}");
    check(&Any::Null, "null", "{}");
    check(&Field { v: None::<i64> }, "{\"v\":null}", "{\"v\":null}");
}

/// What is `Some` of nothing is nothing, in every codec.
#[test]
fn some_of_nothing_is_nothing() {
    for name in CODECS {
        for way in ALL {
            for is_known in [false, true] {
                let none = sent(name, &None::<i64>, way, is_known);
                assert_eq!(sent(name, &Some(None::<i64>), way, is_known), none, "{name} {way:?}");
                let unit = sent(name, &(), way, is_known);
                assert_eq!(sent(name, &Some(()), way, is_known), unit, "{name} {way:?}");
            }
        }
    }
}
