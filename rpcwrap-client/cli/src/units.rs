//! How times are written on the command line and in reports: `250us`, `50ms`, `2s`, `1m`, `1h`.
//!
//! Pure text; what a time limits is the caller's business.

use std::time::Duration;

/// Longest suffix first: `ms` before `s`.
const SUFFIXES: [(&str, f64); 6] =
    [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
const MAX_SECONDS: f64 = 366.0 * 86400.0;

/// Reads a time such as `500ms` or `1.5s`; a bare number is seconds. From 0 to a year.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = SUFFIXES
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, 1.0));
    match digits.parse::<f64>().map(|number| number * unit) {
        Ok(seconds) if (0.0..=MAX_SECONDS).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("{text:?} is no time, such as 500ms, 2s or 1m")),
    }
}

/// The same for people, with three digits: `1.25 s`, `80.3 ms`, `7.00 µs`.
pub(crate) fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (number, unit) = match seconds {
        // Below this, three digits round up to the next unit.
        0.9995.. => (seconds, "s"),
        0.9995e-3.. => (seconds * 1e3, "ms"),
        _ => (seconds * 1e6, "µs"),
    };
    let decimals = match number {
        99.95.. => 0,
        9.995.. => 1,
        _ => 2,
    };
    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_unit() {
        for (text, micros) in [
            ("2", 2_000_000),
            ("1.5s", 1_500_000),
            ("50ms", 50_000),
            ("7us", 7),
            ("7µs", 7),
            ("2m", 120_000_000),
            ("0", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "s", "-1s", "1d", "NaN", "1e99s", "5 parsecs"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_written_with_three_digits() {
        for (nanos, text) in [
            (7_000, "7.00 µs"),
            (9_996, "10.0 µs"),
            (999_800, "1.00 ms"),
            (80_300_000, "80.3 ms"),
            (999_000_000, "999 ms"),
            (999_900_000, "1.00 s"),
            (1_935_000_000, "1.94 s"),
            (400_000_000_000, "400 s"),
        ] {
            assert_eq!(format_duration(Duration::from_nanos(nanos)), text);
        }
    }
}
