//! The settings by their names, each with its value as text: what admin operations read and write.
//!
//! Times are whole numbers with a unit (`10s`), sizes and counts whole numbers, choices words; what there need not be
//! is `off` without.

use crate::{
    error::ConfigError,
    live::{
        config::{Config, FIELDS, OpeningClock},
        page_access::PageAccess,
    },
};
#[cfg(feature = "msgpack")]
use codecs::TimeForm;
#[cfg(feature = "bson")]
use codecs::{BsonDialect, Dialect};
use std::time::Duration;

/// One setting of a [`Config`] as text, see [`Config::settings`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The name of its field.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What values it takes, in words.
    pub wanted: &'static str,
    /// Whether it can change while a server runs.
    pub is_live: bool,
}

/// The settings that cannot change while a server runs.
pub(super) const FIXED: [&str; 2] = ["bson_dialect", "msgpack_times"];

/// A field of [`Config`].
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) wanted: &'static str,
    pub(super) text: fn(&Config) -> String,
    pub(super) set: fn(&mut Config, &str) -> bool,
}

impl Config {
    /// Sets a setting by its name from its value as text. Whether the value is in its range is for
    /// [`check`](Self::check) to say.
    ///
    /// ```
    /// use rpcwrap::Config;
    /// let mut config = Config::default();
    /// config.set("idle_timeout", "10s")?;
    /// assert_eq!(config.idle_timeout, Some(std::time::Duration::from_secs(10)));
    /// let unknown = config.set("idle_timeuot", "off").unwrap_err();
    /// assert_eq!(unknown.to_string(), "no setting \"idle_timeuot\", did you mean idle_timeout?");
    /// # Ok::<(), rpcwrap::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// There is no such setting, or the value is none for it; nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let Some(field) = FIELDS.iter().find(|field| field.name == name) else {
            return Err(ConfigError::UnknownSetting { name: name.to_owned(), meant: meant(name) });
        };
        if (field.set)(self, value.trim()) {
            return Ok(());
        }
        let (setting, value) = (field.name, value.to_owned());
        Err(ConfigError::BadValue { setting, value, wanted: field.wanted })
    }

    /// Every setting with its value.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        FIELDS.iter().map(|field| Setting {
            name: field.name,
            value: (field.text)(self),
            wanted: field.wanted,
            is_live: !FIXED.contains(&field.name),
        })
    }
}

/// The setting that a misspelled name was most likely meant to be.
fn meant(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase().replace('-', "_");
    let distances = FIELDS.iter().map(|field| (strsim::damerau_levenshtein(&name, field.name), field.name));
    distances.min().filter(|(distance, meant)| *distance <= meant.len() / 3).map(|(_, meant)| meant)
}

/// A kind of value.
pub(super) trait Value: Sized {
    const WANTED: &'static str;

    fn read(text: &str) -> Option<Self>;

    fn text(&self) -> String;
}

impl Value for usize {
    const WANTED: &'static str = "a whole number";

    fn read(text: &str) -> Option<Self> {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for Option<usize> {
    const WANTED: &'static str = "a whole number, or off";

    fn read(text: &str) -> Option<Self> {
        if text == "off" { Some(None) } else { usize::read(text).map(Some) }
    }

    fn text(&self) -> String {
        self.map_or_else(|| "off".to_owned(), |number| number.text())
    }
}

/// The units of a time in nanoseconds, the largest first.
const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Value for Duration {
    const WANTED: &'static str = "a whole number with ms, s, m or h, such as 10s";

    fn read(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
        let nanos = number.parse::<u128>().ok()?.checked_mul(*nanos)?;
        let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
        Some(Self::new(seconds, (nanos % 1_000_000_000) as u32))
    }

    /// In the largest unit of which it is a whole number.
    fn text(&self) -> String {
        let nanos = self.as_nanos();
        match UNITS.iter().find(|(_, unit)| nanos.is_multiple_of(*unit)) {
            Some((name, unit)) if nanos > 0 => format!("{}{name}", nanos / unit),
            _ => "0s".to_owned(),
        }
    }
}

impl Value for Option<Duration> {
    const WANTED: &'static str = "a whole number with ms, s, m or h, such as 10s, or off";

    fn read(text: &str) -> Option<Self> {
        if text == "off" { Some(None) } else { Duration::read(text).map(Some) }
    }

    fn text(&self) -> String {
        self.map_or_else(|| "off".to_owned(), |time| time.text())
    }
}

impl Value for Vec<String> {
    const WANTED: &'static str = "texts with a comma between them, or off";

    fn read(text: &str) -> Option<Self> {
        if text.is_empty() || text == "off" {
            return Some(Self::new());
        }
        Some(text.split(',').map(|one| one.trim().to_owned()).collect())
    }

    fn text(&self) -> String {
        if self.is_empty() { "off".to_owned() } else { self.join(",") }
    }
}

impl Value for OpeningClock {
    const WANTED: &'static str = "accept, first_byte or off";

    fn read(text: &str) -> Option<Self> {
        [Self::Accept, Self::FirstByte, Self::Off].into_iter().find(|clock| clock.text() == text)
    }

    fn text(&self) -> String {
        match self {
            Self::Accept => "accept",
            Self::FirstByte => "first_byte",
            Self::Off => "off",
        }
        .to_owned()
    }
}

#[cfg(feature = "bson")]
impl Value for BsonDialect {
    const WANTED: &'static str = "auto, vitess or standard";

    fn read(text: &str) -> Option<Self> {
        let all = [Self::Auto, Self::Always(Dialect::Vitess), Self::Always(Dialect::Standard)];
        all.into_iter().find(|dialect| dialect.text() == text)
    }

    fn text(&self) -> String {
        match self {
            Self::Auto => "auto",
            Self::Always(Dialect::Vitess) => "vitess",
            Self::Always(Dialect::Standard) => "standard",
        }
        .to_owned()
    }
}

#[cfg(feature = "msgpack")]
impl Value for TimeForm {
    const WANTED: &'static str = "extension, timestamp or go_binary";

    fn read(text: &str) -> Option<Self> {
        let all = [Self::Extension, Self::Timestamp, Self::GoBinary];
        all.into_iter().find(|form| form.text() == text)
    }

    fn text(&self) -> String {
        match self {
            Self::Timestamp => "timestamp",
            Self::GoBinary => "go_binary",
            _ => "extension",
        }
        .to_owned()
    }
}

impl Value for PageAccess {
    const WANTED: &'static str = "auto, open, login, off, or networks such as 10.0.0.0/8,::1";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_what_it_writes() {
        let (config, mut again) = (Config::default(), Config::default().max_depth(7).pages(PageAccess::Off));
        for setting in config.settings() {
            again.set(setting.name, &setting.value).unwrap();
        }
        assert_eq!(again, config);
        let fixed: Vec<_> = config.settings().filter(|one| !one.is_live).map(|one| one.name).collect();
        assert_eq!(fixed, FIXED);
    }

    #[test]
    fn values_as_text() {
        let seconds = Duration::from_secs;
        for (text, time, again) in [
            ("0s", seconds(0), "0s"),
            ("0h", seconds(0), "0s"),
            ("90 s", seconds(90), "90s"),
            ("120s", seconds(120), "2m"),
            ("3600s", seconds(3600), "1h"),
            ("1500ms", Duration::from_millis(1500), "1500ms"),
            ("7us", Duration::from_micros(7), "7us"),
            ("18446744073709551615s", seconds(u64::MAX), "18446744073709551615s"),
        ] {
            assert_eq!(Duration::read(text), Some(time), "{text}");
            assert_eq!(time.text(), again);
            assert_eq!(Duration::read(again), Some(time));
        }
        for bad in
            ["", "s", "10", "-1s", "1.5s", "1d", "10s 5s", "off", "18446744073709551616s", &"9".repeat(50)]
        {
            assert_eq!(Duration::read(bad), None, "{bad}");
        }
        assert_eq!(Option::<Duration>::read("off"), Some(None));
        for (text, list, again) in [
            ("off", vec![], "off"),
            ("", vec![], "off"),
            ("a", vec!["a".to_owned()], "a"),
            ("a, b", vec!["a".to_owned(), "b".to_owned()], "a,b"),
        ] {
            assert_eq!(Vec::<String>::read(text).as_ref(), Some(&list), "{text}");
            assert_eq!(list.text(), again);
        }
        for bad in ["", "-1", "+1", "1.0", "0x10", "off", "99999999999999999999"] {
            assert_eq!(usize::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut config = Config::default();
        for (name, value, why) in [
            ("max_dept", "3", "no setting \"max_dept\", did you mean max_depth?"),
            ("Max-Calls", "3", "no setting \"Max-Calls\", did you mean max_calls?"),
            ("sesame", "3", "no setting \"sesame\""),
            ("max_depth", "many", "max_depth = \"many\": want a whole number"),
            (
                "stall_timeout",
                "5",
                "stall_timeout = \"5\": want a whole number with ms, s, m or h, such as 10s",
            ),
            ("first_byte_clock", "never", "first_byte_clock = \"never\": want accept, first_byte or off"),
        ] {
            assert_eq!(config.set(name, value).unwrap_err().to_string(), why);
        }
        assert_eq!(config, Config::default());
    }
}
