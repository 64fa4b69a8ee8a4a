//! Between times and the forms they have in MessagePack.
//!
//! A timestamp knows no zone: what comes back is in UTC. Go's own form knows it. Source: MessagePack specification,
//! "Timestamp extension type"; `hashicorp/go-msgpack` 0.5.5, whose times are Go's `MarshalBinary`, and 1.1.5 and 2.1.2
//! `codec/msgpack.go` `EncodeTime`, `DecodeTime`.

use super::{read::Token, write};
use crate::types::{Time, time::binary};
use bytes::BytesMut;
use std::sync::atomic::{AtomicU8, Ordering};

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TimeForm {
    /// The extension -1 of the specification of 2017: go-msgpack 1 and 2 with `WriteExt`, libraries of other languages.
    #[default]
    Extension,
    /// The bytes of the extension as a string: go-msgpack 1 and 2 without `WriteExt`.
    Timestamp,
    /// Go's `MarshalBinary` as a string: go-msgpack 0.5, and later ones with `TimeNotBuiltin` for times inside of other
    /// values. With `WriteExt` they write it as bytes, which 2.1.2 itself does not read; the string all of them do.
    GoBinary,
}

/// The form in which a connection's peer wrote its last time, or what is taken for it before the first.
#[derive(Debug, Default)]
pub struct PeerTimes(AtomicU8);

impl PeerTimes {
    const FORMS: [TimeForm; 3] = [TimeForm::Extension, TimeForm::Timestamp, TimeForm::GoBinary];

    pub(super) fn new(form: TimeForm) -> Self {
        Self(AtomicU8::new(form as u8))
    }

    #[inline]
    pub(super) fn get(&self) -> TimeForm {
        let form = Self::FORMS.get(usize::from(self.0.load(Ordering::Relaxed)));
        form.copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn set(&self, form: TimeForm) {
        self.0.store(form as u8, Ordering::Relaxed);
    }
}

/// The type of the extension, as the byte that stands for it.
pub(super) const EXTENSION: i8 = -1;

/// Appends a time.
pub(super) fn put(out: &mut BytesMut, time: Time, form: TimeForm) {
    match form {
        TimeForm::Extension => put_timestamp(out, time, [b"\xD6\xFF", b"\xD7\xFF", b"\xC7\x0C\xFF"]),
        TimeForm::Timestamp => put_timestamp(out, time, [b"\xA4", b"\xA8", b"\xAC"]),
        TimeForm::GoBinary => put_go(out, time),
    }
}

/// As the shortest timestamp that can say it: 32, 64 or 96 bits, each behind its head of `heads`.
fn put_timestamp(out: &mut BytesMut, time: Time, heads: [&[u8]; 3]) {
    let (seconds, nanos) = (time.unix_seconds(), time.nanos());
    let [short, long, longest] = heads;
    match (u32::try_from(seconds), nanos) {
        (Ok(seconds), 0) => {
            out.extend_from_slice(short);
            out.extend_from_slice(&seconds.to_be_bytes());
        }
        _ if (0..1 << 34).contains(&seconds) => {
            out.extend_from_slice(long);
            out.extend_from_slice(&((u64::from(nanos) << 34) | seconds.unsigned_abs()).to_be_bytes());
        }
        _ => {
            out.extend_from_slice(longest);
            out.extend_from_slice(&nanos.to_be_bytes());
            out.extend_from_slice(&seconds.to_be_bytes());
        }
    }
}

/// In Go's form; a time of a zone that this has no word for goes out in UTC, as all timestamps do.
fn put_go(out: &mut BytesMut, time: Time) {
    let in_utc = || Time::new(time.unix_seconds(), time.nanos()).unwrap_or_default();
    let written = binary::write(time).or_else(|_| binary::write(in_utc()));
    if let Ok((bytes, len)) = written {
        // 16 bytes at most, which every length can say.
        let _ = write::raw(out, bytes.get(..len).unwrap_or_default());
    }
}

/// The time of a token and the form it has, if it is one; a nil is Go's zero time and has none.
pub(super) fn of_token(token: &Token<'_>) -> Option<(Time, Option<TimeForm>)> {
    Some(match *token {
        Token::Nil => (Time::default(), None),
        Token::Ext(EXTENSION, bytes) => (read(bytes)?, Some(TimeForm::Extension)),
        Token::Str(bytes) | Token::Bin(bytes) if is_go(bytes) => {
            (binary::read(bytes).ok()?, Some(TimeForm::GoBinary))
        }
        Token::Str(bytes) => (read(bytes)?, Some(TimeForm::Timestamp)),
        // No peer is known to write it so: it says nothing of the form.
        Token::Bin(bytes) => (read(bytes)?, None),
        _ => return None,
    })
}

/// Whether bytes are as long as Go's form, which no timestamp is.
fn is_go(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 15 | 16)
}

/// The time of a timestamp's bytes; `None` if they are none.
pub(super) fn read(timestamp: &[u8]) -> Option<Time> {
    let (seconds, nanos) = match timestamp.len() {
        4 => (u32::from_be_bytes(*timestamp.first_chunk()?).into(), 0),
        8 => {
            let both = u64::from_be_bytes(*timestamp.first_chunk()?);
            ((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32)
        }
        12 => {
            let (nanos, seconds) = timestamp.split_first_chunk()?;
            (i64::from_be_bytes(*seconds.first_chunk()?), u32::from_be_bytes(*nanos))
        }
        _ => return None,
    };
    Time::new(seconds, nanos)
}
