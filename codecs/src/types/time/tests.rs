//! Times in their three forms: Go's text, milliseconds, packed.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn time(seconds: i64, nanos: u32) -> Time {
    Time::new(seconds, nanos).unwrap()
}

/// Text, seconds, nanoseconds, offset; the texts are what Go prints for them.
const TABLE: &[(&str, i64, u32, Option<i16>)] = &[
    ("0001-01-01T00:00:00Z", ZERO_SECONDS, 0, None),
    ("0000-01-01T00:00:00Z", -62_167_219_200, 0, None),
    ("9999-12-31T23:59:59.999999999Z", 253_402_300_799, 999_999_999, None),
    ("2015-01-15T07:11:21.123456789Z", 1_421_305_881, 123_456_789, None),
    ("1969-12-31T23:59:59.5Z", -1, 500_000_000, None),
    ("1970-01-01T00:00:00.000000001Z", 0, 1, None),
    ("2015-01-15T08:11:21.5+01:00", 1_421_305_881, 500_000_000, Some(60)),
    ("2015-01-15T01:41:21-05:30", 1_421_305_881, 0, Some(-330)),
    ("2000-02-29T12:00:00Z", 951_825_600, 0, None),
];

#[test]
fn rfc3339_both_ways() {
    for &(text, seconds, nanos, offset) in TABLE {
        let mut expected = time(seconds, nanos);
        if let Some(minutes) = offset {
            expected = expected.with_offset_minutes(minutes).unwrap();
        }
        assert_eq!(text.parse(), Ok(expected), "{text}");
        assert_eq!(expected.to_string(), text);
        let json = format!("\"{text}\"");
        assert_eq!(serde_json::to_string(&expected).unwrap(), json);
        assert_eq!(serde_json::from_str::<Time>(&json).unwrap(), expected);
        assert_eq!(Time::from_packed(expected.to_packed()), Some(expected));
    }
}

#[test]
fn other_spellings_of_the_same_time() {
    for (text, printed) in [
        ("2015-01-15T07:11:21.100Z", "2015-01-15T07:11:21.1Z"),
        ("2015-01-15T07:11:21.000Z", "2015-01-15T07:11:21Z"),
        ("2015-01-15T07:11:21.1234567899Z", "2015-01-15T07:11:21.123456789Z"),
        ("2015-01-15T07:11:21+00:00", "2015-01-15T07:11:21Z"),
        ("2015-01-15T07:11:21-00:00", "2015-01-15T07:11:21Z"),
    ] {
        assert_eq!(text.parse::<Time>().unwrap().to_string(), printed);
    }
}

#[test]
fn refused_texts() {
    for text in [
        "",
        "2015-01-15",
        "2015-01-15T07:11:21",
        "2015-01-15 07:11:21Z",
        "2015-01-15t07:11:21Z",
        "2015-01-15T07:11:21z",
        "2015-01-15T07:11:21Z ",
        "2015-01-15T07:11:21.Z",
        "2015-01-15T07:11:21,5Z",
        "2015-01-15T7:11:21Z",
        "2015-13-15T07:11:21Z",
        "2015-00-15T07:11:21Z",
        "2015-02-29T07:11:21Z",
        "1900-02-29T07:11:21Z",
        "2015-01-00T07:11:21Z",
        "2015-01-15T24:00:00Z",
        "2015-01-15T07:60:21Z",
        "2015-01-15T07:11:60Z",
        "2015-01-15T07:11:21+24:00",
        "2015-01-15T07:11:21+01:60",
        "2015-01-15T07:11:21+0100",
        "2015-01-15T07:11:21+01",
        "+015-01-15T07:11:21Z",
        "10000-01-01T00:00:00Z",
    ] {
        assert_eq!(text.parse::<Time>(), Err(TimeError), "{text}");
    }
    assert!(serde_json::from_str::<Time>("5").is_err());
    assert_eq!(serde_json::from_str::<Time>("null").unwrap(), Time::default());
}

#[test]
fn years_text_cannot_carry_are_refused() {
    for seconds in [-62_167_219_201, 253_402_300_800, i64::MIN, i64::MAX] {
        let error = serde_json::to_string(&time(seconds, 0)).unwrap_err();
        assert_eq!(error.to_string(), "Time.MarshalJSON: year outside of range [0,9999]");
    }
}

#[test]
fn milliseconds_are_cut_toward_zero() {
    for (time, millis) in [
        (Time::default(), -62_135_596_800_000),
        (time(253_402_300_799, 999_000_000), 253_402_300_799_999),
        (time(i64::MAX, 0), i64::MAX),
        (time(-2, 498_500_000), -1501),
        (time(-1, 998_500_000), -1),
        (time(0, 1_500_000), 1),
        (time(1_421_305_881, 123_456_789), 1_421_305_881_123),
    ] {
        assert_eq!(time.unix_millis(), millis, "{time}");
    }
    for (millis, printed) in [
        (-1, "1969-12-31T23:59:59.999Z"),
        (0, "1970-01-01T00:00:00Z"),
        (1_421_305_881_123, "2015-01-15T07:11:21.123Z"),
    ] {
        assert_eq!(Time::from_unix_millis(millis).to_string(), printed);
        assert_eq!(Time::from_unix_millis(millis).unix_millis(), millis);
    }
}

#[test]
fn packed_form_is_checked() {
    assert_eq!(time(1, 2).to_packed(), (1 << 64) | (2 << 32) | 0x8000_0000);
    assert_eq!(time(-1, 0).with_offset_minutes(-1).unwrap().to_packed(), (-1 << 64) | 0xFFFF_FFC4);
    assert_eq!(Time::from_packed(1_000_000_000 << 32), None);
    assert_eq!(Time::from_packed(86_400), None);
    assert_eq!(Time::new(0, 1_000_000_000), None);
}

#[test]
fn offsets_with_seconds_are_kept_and_printed_to_the_minute() {
    for (offset, minutes, text) in [
        (1172, 19, "1970-01-01T00:19:32+00:19"),
        (-75, -1, "1969-12-31T23:58:45-00:01"),
        (-59, 0, "1969-12-31T23:59:01Z"),
        (86_399, 1439, "1970-01-01T23:59:59+23:59"),
    ] {
        let time = time(0, 0).with_offset_seconds(offset).unwrap();
        assert_eq!((time.offset_seconds(), time.offset_minutes()), (Some(offset), Some(minutes)));
        assert_eq!(time.to_string(), text);
    }
    assert_eq!(time(0, 0).with_offset_seconds(86_400), None);
    assert_eq!(time(0, 0).with_offset_seconds(i32::MIN), None);
}

#[test]
fn system_time_both_ways() {
    for (duration, before) in
        [(Duration::new(5, 7), false), (Duration::new(5, 7), true), (Duration::new(5, 0), true)]
    {
        let system = if before { UNIX_EPOCH - duration } else { UNIX_EPOCH + duration };
        assert_eq!(SystemTime::try_from(Time::from(system)), Ok(system));
    }
    assert_eq!(Time::from(UNIX_EPOCH - Duration::new(1, 500_000_000)), time(-2, 500_000_000));
}

/// Formats that are not codecs of this crate: text formats get RFC 3339, binary ones all of the time.
#[test]
fn foreign_serde_formats() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Time(Time),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Event {
        at: Time,
        #[serde(flatten)]
        more: BTreeMap<String, Untagged>,
    }
    let at = time(1_421_305_881, 123_456_789).with_offset_minutes(60).unwrap();
    let event = Event { at, more: [("until".to_owned(), Untagged::Time(at))].into() };
    let json =
        "{\"at\":\"2015-01-15T08:11:21.123456789+01:00\",\"until\":\"2015-01-15T08:11:21.123456789+01:00\"}";
    assert_eq!(serde_json::to_string(&event).unwrap(), json);
    assert_eq!(serde_json::from_str::<Event>(json).unwrap(), event);
    let value = serde_json::to_value(&event).unwrap();
    assert_eq!(serde_json::from_value::<Event>(value).unwrap(), event);
    for time in [at, time(-1, 1), Time::default()] {
        let bytes = rmp_serde::to_vec(&time).unwrap();
        assert_eq!(rmp_serde::from_slice::<Time>(&bytes).unwrap(), time, "MessagePack of another crate");
        let value = bson::serialize_to_bson(&time).unwrap();
        assert_eq!(bson::deserialize_from_bson::<Time>(value).unwrap(), time, "BSON of another crate");
    }
}

proptest! {
    #[test]
    fn text_round_trip(seconds in -62_167_219_200i64 + 86_400..253_402_300_800 - 86_400, nanos in 0u32..1_000_000_000, offset in -1439i16..1440) {
        let expected = time(seconds, nanos).with_offset_minutes(offset).unwrap();
        let again: Time = expected.to_string().parse().unwrap();
        prop_assert_eq!((again.unix_seconds(), again.nanos()), (seconds, nanos));
        prop_assert_eq!(again.offset_minutes().unwrap_or(0), offset);
    }

    #[test]
    fn packed_round_trip(seconds: i64, nanos in 0u32..1_000_000_000, offset in -86_399i32..86_400) {
        let expected = time(seconds, nanos).with_offset_seconds(offset).unwrap();
        prop_assert_eq!(Time::from_packed(expected.to_packed()), Some(expected));
        prop_assert_eq!(Time::from_packed(time(seconds, nanos).to_packed()), Some(time(seconds, nanos)));
    }

    #[test]
    fn parsing_never_panics(text in "\\PC*") {
        let _ = text.parse::<Time>();
    }
}
