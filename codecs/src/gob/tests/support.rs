//! Bytes by hand and the recordings.

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
