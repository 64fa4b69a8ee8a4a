//! Between the packed time of [`crate::types::TIME`] and MessagePack's timestamps.
//!
//! A timestamp knows no zone: what comes back is in UTC. Source: MessagePack specification, "Timestamp extension type".

use crate::types::Time;
use bytes::BytesMut;

/// The type of the extension, as the byte that stands for it.
pub(super) const EXTENSION: i8 = -1;

/// Appends a time as the shortest timestamp that can say it: 32, 64 or 96 bits.
pub(super) fn put(out: &mut BytesMut, time: Time) {
    let (seconds, nanos) = (time.unix_seconds(), time.nanos());
    match (u32::try_from(seconds), nanos) {
        (Ok(seconds), 0) => {
            out.extend_from_slice(b"\xD6\xFF");
            out.extend_from_slice(&seconds.to_be_bytes());
        }
        _ if (0..1 << 34).contains(&seconds) => {
            out.extend_from_slice(b"\xD7\xFF");
            out.extend_from_slice(&((u64::from(nanos) << 34) | seconds.unsigned_abs()).to_be_bytes());
        }
        _ => {
            out.extend_from_slice(b"\xC7\x0C\xFF");
            out.extend_from_slice(&nanos.to_be_bytes());
            out.extend_from_slice(&seconds.to_be_bytes());
        }
    }
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
