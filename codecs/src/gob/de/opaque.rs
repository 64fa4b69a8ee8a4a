//! What Go types marshal by themselves: times, and bytes whose meaning only the program knows.
//!
//! Source: Go `time.Time.UnmarshalBinary`.

use super::error::DeError;
use crate::{gob::YEAR_ONE_TO_UNIX, types::Time};

/// The time of Go's binary form: version 1, big-endian seconds since year 1, nanoseconds and minutes east of UTC, -1
/// for UTC itself; version 2 adds seconds to the offset.
pub(super) fn time(bytes: &[u8]) -> Result<Time, DeError> {
    let (Some((&version, rest)), len) = (bytes.split_first(), bytes.len()) else {
        return Err(DeError::placed("Time.UnmarshalBinary: no data"));
    };
    if !matches!(version, 1 | 2) {
        return Err(DeError::placed("Time.UnmarshalBinary: unsupported version"));
    }
    let parts = rest.split_first_chunk().and_then(|(seconds, rest)| {
        let (nanos, rest) = rest.split_first_chunk()?;
        let (minutes, rest) = rest.split_first_chunk()?;
        // Go adds it as a byte without a sign, which is not what it wrote for zones west of UTC.
        let odd_seconds = rest.first().map_or(0, |&seconds| i32::from(seconds.cast_signed()));
        let offset = i32::from(i16::from_be_bytes(*minutes)) * 60 + odd_seconds;
        Some((i64::from_be_bytes(*seconds), u32::from_be_bytes(*nanos), offset))
    });
    let (Some((seconds, nanos, offset)), true) = (parts, len == 14 + usize::from(version)) else {
        return Err(DeError::placed("Time.UnmarshalBinary: invalid length"));
    };
    let seconds = seconds.checked_sub(YEAR_ONE_TO_UNIX);
    let Some(time) = seconds.and_then(|seconds| Time::new(seconds, nanos)) else {
        return Err(DeError::placed("Time.UnmarshalBinary: out of range"));
    };
    // An offset of a day or more is no zone of this earth: the instant counts.
    Ok(if offset == -60 { time } else { time.with_offset_seconds(offset).unwrap_or(time) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions() {
        let (zero, offset) =
            (b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff", b"\0\0\0\x0e\xcc\x49\x5f\x19\x07\x5b\xcd\x15");
        for (bytes, text) in [
            (zero.to_vec(), "0001-01-01T00:00:00Z"),
            ([b"\x01", &offset[..], b"\x00\x3c"].concat(), "2015-01-15T08:11:21.123456789+01:00"),
            ([b"\x02", &offset[..], b"\x00\x3c\x1e"].concat(), "2015-01-15T08:11:51.123456789+01:00"),
            ([b"\x02", &offset[..], b"\xff\xc4\xe2"].concat(), "2015-01-15T06:10:51.123456789-01:00"),
            ([b"\x01", &offset[..], b"\xff\xff"].concat(), "2015-01-15T07:11:21.123456789Z"),
            ([b"\x01", &offset[..], b"\x7f\xff"].concat(), "2015-01-15T07:11:21.123456789Z"),
        ] {
            assert_eq!(time(&bytes).unwrap().to_string(), text);
            for cut in 0..bytes.len() {
                assert!(time(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
        for bad in [&b"\x03\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff"[..], b"\x01\0\0\0\0\0\0\0\0\xff\0\0\0\xff\xff"] {
            assert!(time(bad).is_err());
        }
        let far = [b"\x01\x80", &[0; 13][..]].concat();
        assert_eq!(time(&far).unwrap_err().to_string(), "Time.UnmarshalBinary: out of range");
    }
}
