//! The form Go's `time.Time` marshals itself into: what gob carries, and MessagePack from older Go programs.
//!
//! Version 1 is big-endian seconds since year 1, nanoseconds, and minutes east of UTC, -1 for UTC itself; version 2 adds
//! seconds to the offset. Source: Go `time.Time.MarshalBinary`, `UnmarshalBinary`.

use super::Time;

/// Seconds from the start of year 1, where Go counts from, to 1970.
const YEAR_ONE_TO_UNIX: i64 = 62_135_596_800;

/// Reads a time, or says in Go's words why the bytes are none.
pub(crate) fn read(bytes: &[u8]) -> Result<Time, &'static str> {
    let (Some((&version, rest)), len) = (bytes.split_first(), bytes.len()) else {
        return Err("Time.UnmarshalBinary: no data");
    };
    if !matches!(version, 1 | 2) {
        return Err("Time.UnmarshalBinary: unsupported version");
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
        return Err("Time.UnmarshalBinary: invalid length");
    };
    let seconds = seconds.checked_sub(YEAR_ONE_TO_UNIX);
    let Some(time) = seconds.and_then(|seconds| Time::new(seconds, nanos)) else {
        return Err("Time.UnmarshalBinary: out of range");
    };
    // An offset of a day or more is no zone of this earth: the instant counts.
    Ok(if offset == -60 { time } else { time.with_offset_seconds(offset).unwrap_or(time) })
}

/// The bytes of a time, and how many of them count; or why Go could not write it.
pub(crate) fn write(time: Time) -> Result<([u8; 16], usize), &'static str> {
    let (minutes, odd_seconds) = match time.offset_seconds() {
        None => (-1, 0),
        Some(-119..=-60) => return Err("Time.MarshalBinary: unexpected zone offset"),
        // Under a day either way.
        Some(seconds) => ((seconds / 60) as i16, (seconds % 60) as i8),
    };
    // Go wraps around too.
    let seconds = time.unix_seconds().wrapping_add(YEAR_ONE_TO_UNIX);
    let mut bytes = [1; 16];
    bytes[1..9].copy_from_slice(&seconds.to_be_bytes());
    bytes[9..13].copy_from_slice(&time.nanos().to_be_bytes());
    bytes[13..15].copy_from_slice(&minutes.to_be_bytes());
    if odd_seconds == 0 {
        return Ok((bytes, 15));
    }
    bytes[0] = 2;
    bytes[15] = odd_seconds.cast_unsigned();
    Ok((bytes, 16))
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
            assert_eq!(read(&bytes).unwrap().to_string(), text);
            for cut in 0..bytes.len() {
                assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
        for bad in [&b"\x03\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff"[..], b"\x01\0\0\0\0\0\0\0\0\xff\0\0\0\xff\xff"] {
            assert!(read(bad).is_err());
        }
        let far = [b"\x01\x80", &[0; 13][..]].concat();
        assert_eq!(read(&far).unwrap_err(), "Time.UnmarshalBinary: out of range");
    }
}
