//! Go's `time.Time`: an instant to the nanosecond with the zone offset it was written in.
//!
//! Holds the conversions every codec needs (RFC 3339 text, milliseconds, the packed form codecs exchange with
//! serde) and reads no clock.

#[cfg(any(feature = "gob", feature = "msgpack"))]
pub(crate) mod binary;
mod buffered;

use super::{TIME, civil};
use crate::form;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Seconds from 0001-01-01T00:00:00Z to 1970-01-01T00:00:00Z.
const ZERO_SECONDS: i64 = -62_135_596_800;
const NANOS_PER_SECOND: u32 = 1_000_000_000;
const DAY: i32 = 86_400;
/// In place of an offset: UTC.
const UTC: i32 = i32::MIN;

/// A point in time as Go has it; the default is Go's zero time, 0001-01-01T00:00:00Z.
///
/// On the wire: JSON RFC 3339 text with up to nine digits after the point (years 0 to 9999), which shows a zone's
/// offset to the minute; BSON datetime in milliseconds; gob all of it. Two times are equal if they are the same instant
/// in the same zone. Source: Go `time.Time`, layout `time.RFC3339Nano`.
///
/// ```
/// use rpcwrap_codecs::types::Time;
/// let time: Time = "2015-01-15T08:11:21.5+01:00".parse().unwrap();
/// assert_eq!(time.unix_millis(), 1_421_305_881_500);
/// assert_eq!(time.to_string(), "2015-01-15T08:11:21.5+01:00");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    seconds: i64,
    nanos: u32,
    /// Seconds east of UTC.
    offset: i32,
}

/// A text that is no RFC 3339 time, or a number that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time")]
pub struct TimeError;

impl Default for Time {
    fn default() -> Self {
        Self { seconds: ZERO_SECONDS, nanos: 0, offset: UTC }
    }
}

impl Time {
    /// The instant `seconds` and `nanos` after 1970-01-01T00:00:00Z, in UTC; `nanos` under 1 000 000 000.
    pub const fn new(seconds: i64, nanos: u32) -> Option<Self> {
        if nanos < NANOS_PER_SECOND { Some(Self { seconds, nanos, offset: UTC }) } else { None }
    }

    /// The same instant, written `minutes` east of UTC (under a day either way).
    pub const fn with_offset_minutes(self, minutes: i16) -> Option<Self> {
        self.with_offset_seconds(minutes as i32 * 60)
    }

    /// The same instant, written `seconds` east of UTC (under a day either way), as the local times of before 1900
    /// were.
    pub const fn with_offset_seconds(self, seconds: i32) -> Option<Self> {
        if -DAY < seconds && seconds < DAY { Some(Self { offset: seconds, ..self }) } else { None }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// The nanoseconds on top of [`unix_seconds`](Self::unix_seconds).
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// Minutes east of UTC, seconds cut off, or nothing for UTC itself.
    pub const fn offset_minutes(self) -> Option<i16> {
        // Under a day: within 16 bits.
        if self.offset == UTC { None } else { Some((self.offset / 60) as i16) }
    }

    /// Seconds east of UTC, or nothing for UTC itself.
    pub const fn offset_seconds(self) -> Option<i32> {
        if self.offset == UTC { None } else { Some(self.offset) }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, cut toward zero; beyond 64 bits, the nearest that fit.
    ///
    /// BSON carries these. To peers of vitess' dialect the zero time goes out as -6795364578871 instead, which is what
    /// Go's 64-bit nanoseconds make of it.
    pub const fn unix_millis(self) -> i64 {
        let millis = (self.seconds as i128 * NANOS_PER_SECOND as i128 + self.nanos as i128) / 1_000_000;
        if millis > i64::MAX as i128 {
            i64::MAX
        } else if millis < i64::MIN as i128 {
            i64::MIN
        } else {
            millis as i64
        }
    }

    /// The instant `millis` after (or before) 1970-01-01T00:00:00Z, in UTC.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self {
            seconds: millis.div_euclid(1000),
            nanos: millis.rem_euclid(1000) as u32 * 1_000_000,
            offset: UTC,
        }
    }

    /// The form codecs get from and give to serde: seconds << 64 | nanos << 32 | offset in seconds (0x80000000 = UTC).
    pub const fn to_packed(self) -> i128 {
        (self.seconds as i128) << 64 | (self.nanos as i128) << 32 | self.offset as u32 as i128
    }

    /// The time of a packed form; `None` if it is none.
    pub const fn from_packed(packed: i128) -> Option<Self> {
        let (seconds, nanos, offset) = ((packed >> 64) as i64, (packed >> 32) as u32, packed as i32);
        let Some(time) = Self::new(seconds, nanos) else { return None };
        if offset == UTC { Some(time) } else { time.with_offset_seconds(offset) }
    }

    /// RFC 3339, if all of the time can be read back from it.
    pub(crate) fn to_exact_text(self) -> Option<String> {
        let text = self.to_string();
        (text.parse() == Ok(self) || (self.offset == 0 && text.parse() == Ok(Self { offset: UTC, ..self })))
            .then_some(text)
    }

    /// The time of the bytes inside the newtype [`TIME`].
    #[inline]
    pub(crate) fn from_packed_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_packed(i128::from_be_bytes(bytes.try_into().ok()?))
    }

    /// The year on the wall of its zone.
    fn year(self) -> i64 {
        civil::date(self.wall_seconds().div_euclid(86_400)).0
    }

    fn wall_seconds(self) -> i64 {
        self.seconds.saturating_add(i64::from(self.offset_seconds().unwrap_or(0)))
    }
}

impl From<SystemTime> for Time {
    /// In UTC.
    fn from(time: SystemTime) -> Self {
        let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds);
                match before.subsec_nanos() {
                    0 => (seconds, 0),
                    nanos => (seconds.saturating_sub(1), NANOS_PER_SECOND - nanos),
                }
            }
        };
        Self { seconds, nanos, offset: UTC }
    }
}

impl TryFrom<Time> for SystemTime {
    type Error = TimeError;

    /// # Errors
    /// The system's clock does not reach that far.
    fn try_from(time: Time) -> Result<Self, TimeError> {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let base =
            if time.seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
        base.and_then(|base| base.checked_add(Duration::from_nanos(u64::from(time.nanos)))).ok_or(TimeError)
    }
}

impl fmt::Display for Time {
    /// RFC 3339 as Go's `time.RFC3339Nano`: no trailing zeros, `Z` for a zero offset.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wall = self.wall_seconds();
        let (year, month, day) = civil::date(wall.div_euclid(86_400));
        let of_day = wall.rem_euclid(86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos != 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        match self.offset_minutes().unwrap_or(0) {
            0 => f.write_str("Z"),
            minutes => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Time {
    type Err = TimeError;

    /// Reads RFC 3339 strictly: capital `T` and `Z`, every field with all its digits and in range, a point before
    /// the fraction, digits after the ninth dropped.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse(text.as_bytes()).ok_or(TimeError)
    }
}

fn parse(text: &[u8]) -> Option<Time> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let month = after(&mut rest, b'-', 1..=12)?;
    let day = after(&mut rest, b'-', 1..=civil::days_in_month(year, month))?;
    let hour = after(&mut rest, b'T', 0..=23)?;
    let minute = after(&mut rest, b':', 0..=59)?;
    let second = after(&mut rest, b':', 0..=59)?;
    let nanos = fraction(&mut rest)?;
    let offset = zone(&mut rest)?;
    if !rest.is_empty() {
        return None;
    }
    let wall = civil::days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let east = if offset == UTC { 0 } else { i64::from(offset) };
    Some(Time { seconds: wall - east, nanos, offset })
}

/// Takes exactly `digits` decimal digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (head, tail) = rest.split_at_checked(digits)?;
    *rest = tail;
    head.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// Takes `mark` and a two-digit number in `range`.
fn after(rest: &mut &[u8], mark: u8, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    *rest = rest.strip_prefix(&[mark])?;
    number(rest, 2).filter(|value| range.contains(value))
}

fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some(0) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, tail) = digits.split_at(count);
    *rest = tail;
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    (count > 0).then(|| padded.fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0')))
}

fn zone(rest: &mut &[u8]) -> Option<i32> {
    if let Some(tail) = rest.strip_prefix(b"Z") {
        *rest = tail;
        return Some(UTC);
    }
    let sign = match rest.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mark = *rest.first()?;
    let minutes = after(rest, mark, 0..=23)? * 60 + after(rest, b':', 0..=59)?;
    i32::try_from(sign * minutes * 60).ok()
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !form::is_text(serializer.is_human_readable()) {
            return serializer.serialize_newtype_struct(TIME, &Packed(*self));
        }
        if !(0..=9999).contains(&self.year()) {
            return Err(serde::ser::Error::custom("Time.MarshalJSON: year outside of range [0,9999]"));
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            // Not deserialize_str: only "any" lets other crates' deserializers hand over a null.
            deserializer.deserialize_any(TimeVisitor)
        } else {
            deserializer.deserialize_newtype_struct(TIME, TimeVisitor)
        }
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time.Time (RFC 3339 text)")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        // Older MessagePack has one kind for texts and bytes.
        if form::current() == form::Form::Msgpack
            && let Some(time) = buffered::from_bytes(text.as_bytes(), form::Form::Msgpack)
        {
            return Ok(time);
        }
        text.parse().map_err(|_| E::custom(format_args!("parsing time {text:?} as RFC 3339: cannot parse")))
    }

    fn visit_i128<E: Error>(self, packed: i128) -> Result<Time, E> {
        Time::from_packed(packed).ok_or_else(|| E::custom("packed time out of range"))
    }

    fn visit_unit<E: Error>(self) -> Result<Time, E> {
        Ok(Time::default())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Time, D::Error> {
        deserializer.deserialize_bytes(PackedVisitor)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Time, E> {
        buffered::from_bytes(bytes, form::current()).ok_or_else(|| E::custom("bytes that are no time.Time"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Time, A::Error> {
        buffered::from_date(map)
    }
}

/// The inside of the newtype [`TIME`].
struct Packed(Time);

impl Serialize for Packed {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0.to_packed().to_be_bytes())
    }
}

/// Reads the inside of the newtype [`TIME`], from formats that may not know it.
struct PackedVisitor;

impl<'de> Visitor<'de> for PackedVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the 16 bytes of a time.Time")
    }

    fn visit_i128<E: Error>(self, packed: i128) -> Result<Time, E> {
        TimeVisitor.visit_i128(packed)
    }

    fn visit_unit<E: Error>(self) -> Result<Time, E> {
        Ok(Time::default())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Time, E> {
        match bytes {
            b"" => Ok(Time::default()),
            _ => Time::from_packed_bytes(bytes).ok_or_else(|| E::custom("packed time out of range")),
        }
    }

    /// From formats whose bytes are lists of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Time, A::Error> {
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            *byte = seq.next_element()?.ok_or_else(|| A::Error::custom("packed time of under 16 bytes"))?;
        }
        self.visit_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests;
