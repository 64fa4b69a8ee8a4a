//! Between the packed time of [`crate::types::TIME`] and BSON's milliseconds.
//!
//! Packed: Unix seconds in the upper 64 bits, nanoseconds in the next 32, then the zone's offset.

use super::Dialect;
use crate::types::Time;

/// Go's zero time, 0001-01-01 00:00:00 UTC.
#[inline]
pub(super) fn zero() -> i128 {
    Time::default().to_packed()
}

/// What Go's zero time becomes on its way through 64-bit nanoseconds.
const ZERO_IN_VITESS: i64 = -6_795_364_578_871;

/// Milliseconds since 1970 of a packed time, cut off toward zero.
///
/// vitess goes through 64-bit nanoseconds, which hold the years 1678 to 2262 only. Its peers know what that makes of
/// the zero time, so this is kept for them; what it makes of other far years is of no use to a peer. Source: vitess
/// `go/bson` `EncodeTime` (`UnixNano() / 1e6`).
pub(super) fn to_millis(packed: i128, dialect: Dialect) -> i64 {
    if packed == zero() && dialect == Dialect::Vitess {
        return ZERO_IN_VITESS;
    }
    let (secs, nanos) = (packed >> 64, i128::from((packed >> 32) as u32));
    let millis = (secs * 1_000_000_000 + nanos) / 1_000_000;
    millis.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// The packed time, in UTC, of milliseconds since 1970.
pub(super) fn from_millis(millis: i64) -> i128 {
    Time::from_unix_millis(millis).to_packed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(secs: i64, nanos: u32) -> i128 {
        (i128::from(secs) << 64) | (i128::from(nanos) << 32) | 0x003C
    }

    #[test]
    fn millis_are_cut_off_toward_zero() {
        for (time, millis) in [
            (packed(0, 0), 0),
            (packed(1_421_305_881, 123_999_999), 1_421_305_881_123),
            (packed(-1, 998_500_000), -1),
            (packed(-1, 999_500_000), 0),
            (packed(253_402_300_799, 999_000_000), 253_402_300_799_999),
            (packed(i64::MAX, 0), i64::MAX),
        ] {
            for dialect in [Dialect::Vitess, Dialect::Standard] {
                assert_eq!(to_millis(time, dialect), millis, "{time:x}");
            }
        }
        assert_eq!(to_millis(zero(), Dialect::Vitess), -6_795_364_578_871);
        assert_eq!(to_millis(zero(), Dialect::Standard), -62_135_596_800_000);
    }

    #[test]
    fn millis_come_back() {
        for millis in [0, 1, -1, -1500, 1_421_305_881_123, -6_795_364_578_871, 253_402_300_799_999] {
            assert_eq!(to_millis(from_millis(millis), Dialect::Vitess), millis);
        }
        let time = Time::new(-2, 500_000_000).unwrap();
        assert_eq!(Time::from_packed(from_millis(-1500)), Some(time), "in UTC");
    }
}
