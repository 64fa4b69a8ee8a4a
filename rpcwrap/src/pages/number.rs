//! Times as people read them.

use std::time::Duration;

/// `61us`, `1.9ms`, `12s`: two or three digits.
pub(super) fn latency(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    let (value, unit) = match nanos {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    if value < 9.95 && nanos >= 1e3 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
}

/// `12s`, `5m06s`, `4h05m`, `3d04h`.
pub(super) fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if minutes == 0 => format!("{seconds}s"),
        () if hours == 0 => format!("{minutes}m{:02}s", seconds % 60),
        () if days == 0 => format!("{hours}h{:02}m", minutes % 60),
        () => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies() {
        for (nanos, text) in [
            (0, "0ns"),
            (320, "320ns"),
            (1_000, "1.0us"),
            (9_949, "9.9us"),
            (9_960, "10us"),
            (61_440, "61us"),
            (1_900_000, "1.9ms"),
            (812_000_000, "812ms"),
            (12_000_000_000, "12s"),
        ] {
            assert_eq!(latency(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn uptimes() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (306, "5m06s"), (14_700, "4h05m"), (273_600, "3d04h")]
        {
            assert_eq!(uptime(Duration::from_secs(seconds)), text);
        }
    }
}
