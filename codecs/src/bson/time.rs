//! Between the packed time of [`crate::types::TIME`] and BSON's milliseconds.
//!
//! Packed: Unix seconds in the upper 64 bits, nanoseconds in the next 32, offset in minutes in the lowest 16.

/// The offset that says UTC.
const UTC: i128 = 0x8000;

/// Go's zero time, 0001-01-01 00:00:00 UTC.
pub(super) const ZERO: i128 = (-62_135_596_800 << 64) | UTC;

/// Milliseconds since 1970 of a packed time, cut off toward zero.
///
/// Far years wrap as in Go: its zero time becomes -6795364578871. Source: vitess `go/bson` `EncodeTime`
/// (`UnixNano() / 1e6`).
pub(super) fn to_millis(packed: i128) -> i64 {
    let secs = (packed >> 64) as i64;
    let nanos = (packed >> 32) as u32;
    secs.wrapping_mul(1_000_000_000).wrapping_add(i64::from(nanos)) / 1_000_000
}

/// The packed time, in UTC, of milliseconds since 1970.
pub(super) fn from_millis(millis: i64) -> i128 {
    let secs = i128::from(millis.div_euclid(1000));
    let nanos = i128::from(millis.rem_euclid(1000)) * 1_000_000;
    (secs << 64) | (nanos << 32) | UTC
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(secs: i64, nanos: u32) -> i128 {
        (i128::from(secs) << 64) | (i128::from(nanos) << 32) | 0x003C
    }

    #[test]
    fn millis_are_cut_off_toward_zero_and_wrap_as_in_go() {
        for (time, millis) in [
            (packed(0, 0), 0),
            (packed(1_421_305_881, 123_999_999), 1_421_305_881_123),
            (packed(-1, 998_500_000), -1),
            (packed(-1, 999_500_000), 0),
            (ZERO, -6_795_364_578_871),
        ] {
            assert_eq!(to_millis(time), millis, "{time:x}");
        }
    }

    #[test]
    fn millis_come_back() {
        for millis in [0, 1, -1, -1500, 1_421_305_881_123, -6_795_364_578_871, 9_000_000_000_000] {
            assert_eq!(to_millis(from_millis(millis)), millis);
        }
        assert_eq!(from_millis(-1500), (-2 << 64) | (500_000_000 << 32) | UTC);
    }
}
