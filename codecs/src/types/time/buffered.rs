//! The forms that a time has where a format handed it over without knowing that it was wanted.
//!
//! Source: Go `time.Time.MarshalBinary`; MessagePack specification, "Timestamp extension type"; MongoDB Extended JSON.

use super::Time;
use crate::form::Form;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// Seconds from 0001-01-01T00:00:00Z, where Go's times start, to 1970-01-01T00:00:00Z.
const YEAR_ONE_TO_UNIX: i64 = 62_135_596_800;

/// The time of bytes that a format of ours handed over; those of other formats mean nothing.
pub(super) fn from_bytes(bytes: &[u8], form: Form) -> Option<Time> {
    match (form, bytes.len()) {
        (Form::Msgpack, 4 | 8 | 12) => from_timestamp(bytes),
        (Form::Msgpack | Form::Gob, 15 | 16) => from_marshaled(bytes),
        _ => None,
    }
}

/// The 4, 8 or 12 bytes of a timestamp, which MessagePack's older codecs send without their kind.
fn from_timestamp(bytes: &[u8]) -> Option<Time> {
    if let Some(seconds) = exactly(bytes) {
        return Time::new(u32::from_be_bytes(seconds).into(), 0);
    }
    if let Some(both) = exactly(bytes) {
        let both = u64::from_be_bytes(both);
        return Time::new((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32);
    }
    let (nanos, seconds) = bytes.split_first_chunk()?;
    Time::new(i64::from_be_bytes(exactly(seconds)?), u32::from_be_bytes(*nanos))
}

/// What Go's times make of themselves: a version, seconds since year 1, nanoseconds, minutes east of UTC (-1 for UTC
/// itself), in version 2 seconds more.
fn from_marshaled(bytes: &[u8]) -> Option<Time> {
    let (&[version], rest) = bytes.split_first_chunk()?;
    let (seconds, rest) = rest.split_first_chunk()?;
    let (nanos, rest) = rest.split_first_chunk()?;
    let (minutes, rest) = rest.split_first_chunk()?;
    let odd_seconds = match (version, rest) {
        (1, []) => 0,
        (2, [seconds]) => i32::from(seconds.cast_signed()),
        _ => return None,
    };
    let seconds = i64::from_be_bytes(*seconds).checked_sub(YEAR_ONE_TO_UNIX)?;
    let time = Time::new(seconds, u32::from_be_bytes(*nanos))?;
    match i32::from(i16::from_be_bytes(*minutes)) * 60 + odd_seconds {
        -60 => Some(time),
        // An offset of a day or more is no zone of this earth: the instant counts.
        offset => Some(time.with_offset_seconds(offset).unwrap_or(time)),
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// `{"$date": …}`, as the crate `bson` and BSON's own tools have it.
pub(super) fn from_date<'de, A: MapAccess<'de>>(mut map: A) -> Result<Time, A::Error> {
    let mut date = None;
    while let Some(key) = map.next_key::<Key>()? {
        match key {
            Key::Date => date = Some(map.next_value::<Date>()?.0),
            Key::Other => drop(map.next_value::<IgnoredAny>()?),
        }
    }
    date.ok_or_else(|| A::Error::custom("a map without $date is no time.Time"))
}

#[derive(Deserialize)]
#[serde(field_identifier)]
enum Key {
    #[serde(rename = "$date")]
    Date,
    #[serde(other)]
    Other,
}

/// Milliseconds since 1970, as `{"$numberLong": "…"}` or a number, or RFC 3339.
struct Date(Time);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DateVisitor)
    }
}

struct DateVisitor;

impl<'de> Visitor<'de> for DateVisitor {
    type Value = Date;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date")
    }

    fn visit_i64<E: Error>(self, millis: i64) -> Result<Date, E> {
        Ok(Date(Time::from_unix_millis(millis)))
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<Date, E> {
        i64::try_from(millis).map(|millis| Date(Time::from_unix_millis(millis))).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Date, E> {
        text.parse().map(Date).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Date, A::Error> {
        let Some((key, millis)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::custom("an empty $date"));
        };
        match (key.as_str(), millis.parse()) {
            ("$numberLong", Ok(millis)) => Ok(Date(Time::from_unix_millis(millis))),
            _ => Err(A::Error::custom("a $date without milliseconds")),
        }
    }
}
