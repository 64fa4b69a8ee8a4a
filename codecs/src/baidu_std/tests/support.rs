//! The recordings, and ways to feed bytes.

use crate::{
    DecodeError, Limits,
    baidu_std::{Reply, ReplyDecoder, Request, RequestDecoder},
};
use bytes::BytesMut;
use serde::{Deserialize, Deserializer, de::Error};

pub(super) const LIMITS: Limits = Limits { max_message_bytes: 64 << 20, max_depth: 100, ..Limits::DEFAULT };

#[derive(Debug, Deserialize)]
pub(super) struct Exchange {
    pub(super) name: String,
    pub(super) frames: Vec<Recorded>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Recorded {
    pub(super) direction: String,
    #[serde(deserialize_with = "hex", rename = "hex")]
    pub(super) bytes: Vec<u8>,
    pub(super) decoded: serde_json::Value,
    pub(super) note: String,
}

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).map_err(D::Error::custom);
    text.as_bytes().chunks(2).map(byte).collect()
}

/// The recorded exchanges of this protocol; the others show what else the port answers.
pub(super) fn exchanges() -> Vec<Exchange> {
    let all: Vec<Exchange> =
        serde_json::from_str(include_str!("../../../testdata/baidu_std/exchanges.json")).unwrap();
    all.into_iter().filter(|exchange| !exchange.name.starts_with("h")).collect()
}

impl Exchange {
    /// What went one way, in full.
    pub(super) fn sent(&self, direction: &str) -> &Recorded {
        self.frames.iter().find(|frame| frame.direction == direction).unwrap()
    }
}

/// All messages of `bytes` and what ended them, fed in the pieces of `chunks`.
fn feed<'a, T>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    decode: &mut dyn FnMut(&mut BytesMut) -> Result<Option<T>, DecodeError>,
) -> (Vec<T>, Result<usize, DecodeError>) {
    let (mut buf, mut all) = (BytesMut::new(), Vec::new());
    for chunk in chunks {
        buf.extend_from_slice(chunk);
        loop {
            let before = buf.len();
            match decode(&mut buf) {
                Ok(Some(message)) => all.push(message),
                Ok(None) => {
                    assert_eq!(buf.len(), before, "nothing is taken of what is not complete");
                    break;
                }
                Err(error) => return (all, Err(error)),
            }
        }
    }
    (all, Ok(buf.len()))
}

/// The same, whole, split at every byte and one byte at a time, which must not differ.
fn in_every_way<T: std::fmt::Debug>(
    bytes: &[u8],
    decode: &mut dyn FnMut(&mut BytesMut) -> Result<Option<T>, DecodeError>,
) -> (Vec<T>, Result<usize, DecodeError>) {
    let whole = feed([bytes], decode);
    let same = |other: (Vec<T>, Result<usize, DecodeError>)| {
        assert_eq!(format!("{other:?}"), format!("{whole:?}"), "{}", bytes.escape_ascii());
    };
    same(feed(bytes.chunks(1), decode));
    for at in 0..bytes.len() {
        let (a, b) = bytes.split_at(at);
        same(feed([a, b], decode));
    }
    whole
}

/// The requests in `bytes`, and how many bytes are left or why there can be no more.
pub(super) fn requests(bytes: &[u8]) -> (Vec<Request>, Result<usize, DecodeError>) {
    in_every_way(bytes, &mut |buf| RequestDecoder::new(LIMITS).decode(buf))
}

/// The replies in `bytes`, and how many bytes are left or why there can be no more.
pub(super) fn replies(bytes: &[u8]) -> (Vec<Reply>, Result<usize, DecodeError>) {
    in_every_way(bytes, &mut |buf| ReplyDecoder::new(LIMITS).decode(buf))
}

/// The one request in `bytes`.
pub(super) fn request(bytes: &[u8]) -> Request {
    let (mut all, left) = requests(bytes);
    assert_eq!((all.len(), left), (1, Ok(0)));
    all.remove(0)
}

/// A frame by hand.
pub(super) fn frame(meta: &[u8], rest: &[u8]) -> Vec<u8> {
    let body = (meta.len() + rest.len()) as u32;
    [b"PRPC", &body.to_be_bytes()[..], &(meta.len() as u32).to_be_bytes(), meta, rest].concat()
}

/// `request {service_name: "S", method_name: "M"}`, a field of a meta.
pub(super) const S_M: &[u8] = b"\x0a\x06\x0a\x01S\x12\x01M";
