//! Bytes by hand and the recordings.

use crate::gob::{
    types::{TableLimits, Types},
    wire::{Reader, put_int, put_uint},
};
use bytes::BytesMut;
use serde::Deserialize;

/// All that one side of a recorded connection was sent.
#[derive(Debug, Deserialize)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) to: String,
    hex: String,
    pub(super) messages: Vec<Message>,
}

/// What a message of a recording says.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Message {
    Good {
        method: String,
        seq: u64,
        error: Option<String>,
        value: serde_json::Value,
    },
    /// The stream is out of step from here on.
    Bad {
        ends: String,
    },
}

impl Stream {
    pub(super) fn bytes(&self) -> Vec<u8> {
        unhex(&self.hex)
    }
}

/// Every stream to a server or a client.
pub(super) fn streams(to: &str) -> Vec<Stream> {
    let files = [
        include_str!("../../../testdata/gob/sessions.json"),
        include_str!("../../../testdata/gob/exchanges.json"),
    ];
    let streams = files.into_iter().flat_map(|file| {
        let file = repeated(&repeated(file, "00"), "AAA");
        serde_json::from_str::<Vec<Stream>>(&file).unwrap()
    });
    streams.filter(|stream| stream.to == to).collect()
}

/// Writes every `(word*n)` out.
fn repeated(text: &str, word: &str) -> String {
    let mark = format!("({word}*");
    let mut parts = text.split(&mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (count, after) = part.split_once(')').unwrap();
        out.push_str(&word.repeat(count.parse().unwrap()));
        out.push_str(after);
    }
    out
}

pub(super) fn unhex(hex: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}

/// Bytes by hand: integers as gob has them, texts with their length.
pub(super) fn uint(value: u64) -> Vec<u8> {
    let mut out = BytesMut::new();
    put_uint(&mut out, value);
    out.to_vec()
}

pub(super) fn int(value: i64) -> Vec<u8> {
    let mut out = BytesMut::new();
    put_int(&mut out, value);
    out.to_vec()
}

pub(super) fn text(text: &str) -> Vec<u8> {
    [uint(text.len() as u64), text.into()].concat()
}

/// Definitions by hand, without their ids.
pub(super) fn slice(elem: i64) -> Vec<u8> {
    [b"\x02\x01\x00\x01", &int(elem)[..], b"\0\0"].concat()
}

pub(super) fn array(elem: i64, len: i64) -> Vec<u8> {
    [b"\x01\x01\x00\x01", &int(elem)[..], b"\x01", &int(len), b"\0\0"].concat()
}

pub(super) fn map(key: i64, elem: i64) -> Vec<u8> {
    [b"\x04\x01\x00\x01", &int(key)[..], b"\x01", &int(elem), b"\0\0"].concat()
}

pub(super) fn structure(name: &str, fields: &[(&str, i64)]) -> Vec<u8> {
    let mut out = [b"\x03\x01\x01", &text(name)[..], b"\0\x01", &uint(fields.len() as u64)].concat();
    for (field, id) in fields {
        out.extend([b"\x01", &text(field)[..], b"\x01", &int(*id), b"\0"].concat());
    }
    [&out[..], b"\0\0"].concat()
}

/// Kind 5 is a GobEncoder, 6 a BinaryMarshaler, 7 a TextMarshaler.
pub(super) fn marshaler(kind: u8, name: &str) -> Vec<u8> {
    [&[kind, 1, 1], &text(name)[..], b"\0\0\0"].concat()
}

/// A table of these types, from id 65 on.
pub(super) fn types(definitions: &[Vec<u8>]) -> Types {
    let mut types = Types::new();
    for (id, definition) in (65..).zip(definitions) {
        types.define(id, &mut Reader::new(definition), TableLimits::new(2048)).unwrap();
    }
    types
}

/// A message of these parts.
pub(super) fn message(parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [uint(content.len() as u64), content].concat()
}
