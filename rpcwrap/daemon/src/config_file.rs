//! The TOML file: the flags by their names, and every limit of the server by its field's.
//!
//! Reads and checks it key by key, so that every fault is found at once and has its place; [`crate::settings`] decides
//! what counts. Times are texts with a unit (`"10s"`), sizes whole numbers of bytes.

use crate::{
    args::{LogFormat, Policy},
    fault::{Fault, Faults, Place},
    keys,
};
use rpcwrap::{
    Config, Networks, OpeningClock, PageAccess,
    codecs::{BsonDialect, Dialect},
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue, Deserializer},
};

/// What a file says; what it leaves out is `None` or empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConfigFile {
    pub(crate) listen: Vec<String>,
    pub(crate) unix: Vec<PathBuf>,
    pub(crate) listen_only: Vec<String>,
    pub(crate) http_rpc_listen: Vec<String>,
    pub(crate) admin_listen: Vec<String>,
    pub(crate) auth_credentials: Option<PathBuf>,
    pub(crate) require_login: bool,
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) tls: Option<Policy>,
    pub(crate) tls_client_ca: Option<PathBuf>,
    pub(crate) tls_client_auth: Option<Needed>,
    pub(crate) tls_client_is_user: bool,
    pub(crate) proxy_protocol_from: Vec<String>,
    pub(crate) proxy_protocol: Option<Needed>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) log: Option<String>,

    /// Where each key is.
    #[serde(skip)]
    pub(crate) places: Places,
    /// The value of each key as it is written there.
    #[serde(skip)]
    texts: BTreeMap<String, String>,

    first_byte_timeout: Option<Time>,
    first_byte_clock: Option<ClockName>,
    proxy_header_timeout: Option<Time>,
    tls_handshake_timeout: Option<Time>,
    header_timeout: Option<Time>,
    max_header_bytes: Option<usize>,
    max_message_bytes: Option<usize>,
    max_depth: Option<usize>,
    max_in_flight: Option<usize>,
    max_calls: Option<usize>,
    max_blocking: Option<usize>,
    max_blocking_queue: Option<usize>,
    max_connections: Option<usize>,
    max_connections_per_address: Option<usize>,
    max_output_bytes: Option<usize>,
    stall_timeout: Option<Time>,
    keep_alive_timeout: Option<Time>,
    idle_timeout: Option<Time>,
    max_connection_age: Option<Time>,
    max_connection_age_grace: Option<Time>,
    call_timeout: Option<Time>,
    lame_duck: Option<Time>,
    drain_timeout: Option<Time>,
    slow_call: Option<TimeOrOff>,
    max_peer_statistics: Option<usize>,
    pages: Option<Pages>,
    bson_dialect: Option<DialectName>,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no TOML, or has unknown keys or values that do not fit.
    pub(crate) fn read(path: &Path) -> Result<Self, Faults> {
        let text = fs::read_to_string(path).map_err(|error| {
            Fault::new(None, format_args!("cannot read config file {}: {error}", path.display()))
        })?;
        Self::parse(path, &text)
    }

    /// What `text`, which is `path`'s, says.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Faults> {
        let lines = Lines { path: path.into(), text };
        let (table, errors) = DeTable::parse_recoverable(text);
        let malformed = |error: toml::de::Error| {
            Fault::new(error.span().map(|span| lines.place(span.start)), error.message())
        };
        Faults::unless_none(errors.into_iter().map(malformed).collect())?;

        let mut found: Vec<_> = table.get_ref().iter().collect();
        found.sort_by_key(|(key, _)| key.span().start);
        let mut faults = Vec::new();
        let (mut places, mut texts) = (BTreeMap::new(), BTreeMap::new());
        for (key, value) in found {
            match check(key, value, &lines) {
                Ok(()) => {
                    places.insert(key.get_ref().to_string(), lines.places(value));
                    let written = text.get(value.span()).unwrap_or_default();
                    texts.insert(key.get_ref().to_string(), written.to_owned());
                }
                Err(fault) => faults.push(fault),
            }
        }
        Faults::unless_none(faults)?;
        let mut file = Self::deserialize(Deserializer::from(table)).map_err(malformed)?;
        (file.places, file.texts) = (Places(places), texts);
        Ok(file)
    }

    /// The keys that are written otherwise in `other`, and are no settings that can change while the server runs.
    pub(crate) fn fixed_differences<'f>(&'f self, other: &'f Self) -> Vec<&'f str> {
        let config = Config::default();
        let is_live = |key: &str| {
            key == "log" || config.settings().any(|setting| setting.is_live && setting.name == key)
        };
        let keys: BTreeSet<_> = self.texts.keys().chain(other.texts.keys()).map(String::as_str).collect();
        let differs = |key: &&str| self.texts.get(*key) != other.texts.get(*key) && !is_live(key);
        keys.into_iter().filter(differs).collect()
    }

    /// The defaults with what the file says in their place.
    pub(crate) fn limits(&self) -> Config {
        let mut config = Config::default();
        macro_rules! take {
            ($value:ident => $limit:expr; $($name:ident)*) => {
                $(if let Some($value) = &self.$name {
                    config = config.$name($limit.into());
                })*
            };
        }
        take! { time => time.0;
            first_byte_timeout proxy_header_timeout tls_handshake_timeout header_timeout stall_timeout
            keep_alive_timeout idle_timeout max_connection_age max_connection_age_grace call_timeout lame_duck
            drain_timeout slow_call
        }
        take! { size => *size;
            max_header_bytes max_message_bytes max_depth max_in_flight max_calls max_blocking max_blocking_queue
            max_connections max_connections_per_address max_output_bytes max_peer_statistics
        }
        take! { name => *name; first_byte_clock bson_dialect }
        take! { pages => pages.0.clone(); pages }
        config
    }
}

/// Whether peers must have something or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Needed {
    Required,
    Optional,
}

/// A time as the file has it: a whole number and `ms`, `s`, `m` or `h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
struct Time(Duration);

impl TryFrom<Value> for Time {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        value.as_str().and_then(time).map(Self).ok_or_else(|| {
            format!("{value} is no time: want a whole number with ms, s, m or h, such as \"10s\"")
        })
    }
}

fn time(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit.trim_start() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(milliseconds).map(Duration::from_millis)
}

/// A time, or `off` where there need not be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
struct TimeOrOff(Option<Duration>);

impl TryFrom<Value> for TimeOrOff {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value.as_str() {
            Some("off") => Ok(Self(None)),
            _ => Time::try_from(value).map(|time| Self(Some(time.0))),
        }
    }
}

/// Who may see pages: a word, or a list of networks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
struct Pages(PageAccess);

impl TryFrom<Value> for Pages {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let wanted = || format!("{value} is neither auto, open, login or off nor a list of networks");
        match &value {
            Value::String(word) if ["auto", "open", "login", "off"].contains(&word.as_str()) => {
                word.parse().map(Self).map_err(|_| wanted())
            }
            Value::Array(names) => {
                let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                let networks = Networks::parse(names.ok_or_else(wanted)?);
                networks
                    .map(|networks| Self(PageAccess::Networks(networks)))
                    .map_err(|error| error.to_string())
            }
            _ => Err(wanted()),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClockName {
    Accept,
    FirstByte,
    Off,
}

impl From<ClockName> for OpeningClock {
    fn from(name: ClockName) -> Self {
        match name {
            ClockName::Accept => Self::Accept,
            ClockName::FirstByte => Self::FirstByte,
            ClockName::Off => Self::Off,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DialectName {
    Auto,
    Vitess,
    Standard,
}

impl From<DialectName> for BsonDialect {
    fn from(name: DialectName) -> Self {
        match name {
            DialectName::Auto => Self::Auto,
            DialectName::Vitess => Self::Always(Dialect::Vitess),
            DialectName::Standard => Self::Always(Dialect::Standard),
        }
    }
}

/// Whether a key is known, its value fits, and a server could work with it.
fn check(
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    lines: &Lines<'_>,
) -> Result<(), Fault> {
    let name = key.get_ref();
    let known = keys::of::<ConfigFile>();
    if !known.contains(&name.as_ref()) {
        let what = match (keys::meant(name, known), value.get_ref()) {
            (Some(meant), _) => format!("unknown key `{name}`, did you mean `{meant}`?"),
            (None, DeValue::Table(_)) => format!("unknown table `{name}`: all keys are outside of tables"),
            (None, _) => format!("unknown key `{name}`"),
        };
        return Err(Fault::new(Some(lines.place(key.span().start)), what));
    }
    let alone = DeTable::from_iter([(key.clone(), value.clone())]);
    let alone = ConfigFile::deserialize(Deserializer::from(Spanned::new(key.span(), alone)));
    let place = |at: Option<usize>| Some(lines.place(at.unwrap_or(value.span().start)));
    let alone = alone.map_err(|error| {
        let what = format!("{name}: {}", error.message());
        Fault::new(place(error.span().map(|span| span.start)), what)
    })?;
    alone.limits().check().map_err(|error| Fault::new(place(None), error))
}

/// Where the keys of a file are: each one's value, then what is in it if that is a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(BTreeMap<String, Vec<Place>>);

impl Places {
    /// Whether the file has the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Where its value is, or one thing in it.
    pub(crate) fn of(&self, key: &str, element: Option<usize>) -> Option<Place> {
        let places = self.0.get(key)?;
        element.and_then(|element| places.get(element + 1)).or(places.first()).cloned()
    }
}

/// A file's text, to find places in.
struct Lines<'t> {
    path: Arc<Path>,
    text: &'t str,
}

impl Lines<'_> {
    fn place(&self, at: usize) -> Place {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place { file: self.path.clone(), line, column }
    }

    fn places(&self, value: &Spanned<DeValue<'_>>) -> Vec<Place> {
        let elements = value.get_ref().as_array().into_iter().flatten();
        let spans = [value.span()].into_iter().chain(elements.map(Spanned::span));
        spans.map(|span| self.place(span.start)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of this test's own, gone with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("rpcwrapd-{}-{name}.toml", std::process::id()));
            fs::write(&path, text).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn the_sample_file_says_the_defaults() {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/rpcwrapd.toml");
        let text = fs::read_to_string(sample).unwrap();
        assert_eq!(ConfigFile::read(Path::new(sample)).unwrap().limits(), Config::default());
        // Also as it reads with every line that is a comment in it switched on.
        let all: Vec<&str> = text.lines().map(|line| line.strip_prefix("#").unwrap_or(line)).collect();
        let all: Vec<&str> = all.into_iter().filter(|line| !line.starts_with(' ')).collect();
        let file: ConfigFile = toml::from_str(&all.join("\n")).unwrap();
        let minutes = |n: u64| Some(Duration::from_secs(60 * n));
        let expected = Config::default().call_timeout(minutes(1)).idle_timeout(minutes(60));
        let expected = expected.max_connection_age(minutes(60)).max_connections_per_address(Some(100));
        assert_eq!(file.limits(), expected);
        assert_eq!(file.listen, ["127.0.0.1:7070"]);
        assert!(file.auth_credentials.is_some() && !file.unix.is_empty() && !file.http_rpc_listen.is_empty());
        assert!(!file.listen_only.is_empty() && !file.admin_listen.is_empty() && !file.require_login);
        assert!(file.tls_cert.is_some() && file.tls_key.is_some() && file.tls_client_ca.is_some());
        assert_eq!((file.tls, file.tls_client_auth), (Some(Policy::Require), Some(Needed::Required)));
        assert_eq!((file.proxy_protocol, file.tls_client_is_user), (Some(Needed::Required), false));
        assert!(!file.proxy_protocol_from.is_empty());
        assert!(file.log.is_some() && file.log_format == Some(LogFormat::Text));
    }

    #[test]
    fn every_limit_reaches_the_config() {
        let scratch = Scratch::new(
            "limits",
            r#"
            first_byte_timeout = "1s"
            first_byte_clock = "first_byte"
            header_timeout = "2s"
            proxy_header_timeout = "11s"
            tls_handshake_timeout = "12s"
            max_header_bytes = 10000
            max_message_bytes = 67_108_865
            max_depth = 3
            max_in_flight = 4
            max_calls = 10
            max_blocking = 16
            max_blocking_queue = 0
            max_connections = 5
            max_connections_per_address = 2
            max_output_bytes = 6
            stall_timeout = "7m"
            keep_alive_timeout = "1h"
            idle_timeout = "13m"
            max_connection_age = "14h"
            max_connection_age_grace = "15s"
            call_timeout = "8ms"
            lame_duck = "0s"
            drain_timeout = "9 s"
            slow_call = "off"
            max_peer_statistics = 0
            pages = ["10.0.0.0/8", "unix"]
            bson_dialect = "standard"
            "#,
        );
        let seconds = Duration::from_secs;
        let expected = Config::default()
            .first_byte_timeout(seconds(1))
            .first_byte_clock(OpeningClock::FirstByte)
            .header_timeout(seconds(2))
            .proxy_header_timeout(seconds(11))
            .tls_handshake_timeout(seconds(12))
            .max_header_bytes(10_000)
            .max_message_bytes(67_108_865)
            .max_depth(3)
            .max_in_flight(4)
            .max_calls(10)
            .max_blocking(16)
            .max_blocking_queue(0)
            .max_connections(5)
            .max_connections_per_address(Some(2))
            .max_output_bytes(6)
            .stall_timeout(seconds(420))
            .keep_alive_timeout(seconds(3600))
            .idle_timeout(Some(seconds(13 * 60)))
            .max_connection_age(Some(seconds(14 * 3600)))
            .max_connection_age_grace(seconds(15))
            .call_timeout(Some(Duration::from_millis(8)))
            .lame_duck(Duration::ZERO)
            .drain_timeout(seconds(9))
            .slow_call(None)
            .max_peer_statistics(0)
            .pages(PageAccess::Networks(Networks::parse(["10.0.0.0/8", "unix"]).unwrap()))
            .bson_dialect(BsonDialect::Always(Dialect::Standard));
        assert_eq!(ConfigFile::read(&scratch.0).unwrap().limits(), expected);
    }

    #[test]
    fn mistakes_have_a_place_and_a_line_each() {
        for (text, expected) in [
            ("max_depth = 3\nmax_dept = 4\n", "f:2:1: unknown key `max_dept`, did you mean `max_depth`?"),
            ("sesame = 4", "f:1:1: unknown key `sesame`"),
            ("[limits]\nmax_depth = 3", "f:1:2: unknown table `limits`: all keys are outside of tables"),
            (
                "\n\nlame_duck = \"5\"\n",
                "f:3:13: lame_duck: \"5\" is no time: want a whole number with ms, s, m",
            ),
            ("lame_duck = 5", "f:1:13: lame_duck: 5 is no time: want"),
            (
                "lame_duck = \"99999999999999999999h\"",
                "f:1:13: lame_duck: \"99999999999999999999h\" is no time",
            ),
            ("slow_call = \"of\"", "f:1:13: slow_call: \"of\" is no time: want"),
            ("pages = \"on\"", "f:1:9: pages: \"on\" is neither auto, open, login or off nor a list"),
            ("pages = [7]", "f:1:9: pages: [7] is neither auto"),
            ("pages = [\"10.0.0.1/8\"]", "f:1:9: pages: bad network \"10.0.0.1/8\": "),
            ("listen = \"a:1\"", "f:1:10: listen: invalid type: string \"a:1\", expected a sequence"),
            ("listen = [\n \"a:1\",\n 5]", "f:3:2: listen: invalid type: integer `5`, expected a string"),
            ("max_depth = -1", "f:1:13: max_depth: invalid value"),
            ("max_depth = 0", "f:1:13: max_depth = 0: must be from 1 to 100"),
            ("\u{e9} = 1", "f:1:1: "),
            ("log_format = \"xml\"", "f:1:14: log_format: unknown variant `xml`, expected `text` or `json`"),
            ("listen = [\n\"a\n]", "f:2:3: "),
            ("max_depth = 3\nmax_depth = 4", "f:2:1: duplicate key"),
        ] {
            let error = ConfigFile::parse(Path::new("f"), text).unwrap_err().to_string();
            assert!(error.lines().next().unwrap().starts_with(expected), "{text}: {error}");
        }
        let several = "lame_duck = 5\nmax_calls = 0\ntls_crt = \"x\"\nmax_depth = 9\n";
        let error = ConfigFile::parse(Path::new("f"), several).unwrap_err().to_string();
        let starts: Vec<&str> = error.lines().map(|line| &line[..6]).collect();
        assert_eq!(starts, ["f:1:13", "f:2:13", "f:3:1:"], "{error}");
        let missing = ConfigFile::read(Path::new("/nowhere/rpcwrapd.toml")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read config file /nowhere/rpcwrapd.toml: "), "{missing}");
    }

    #[test]
    fn keys_that_need_a_restart() {
        let parse = |text: &str| ConfigFile::parse(Path::new("f"), text).unwrap();
        let before = parse("listen = [\"a:1\"]\nmax_depth = 3\nlog = \"info\"\nbson_dialect = \"auto\"");
        let after = parse("listen = [\"a:2\"]\nmax_depth = 4\nbson_dialect = \"vitess\"\nunix = [\"/s\"]");
        assert_eq!(before.fixed_differences(&after), ["bson_dialect", "listen", "unix"]);
        assert_eq!(after.fixed_differences(&before), ["bson_dialect", "listen", "unix"]);
        assert!(before.fixed_differences(&before).is_empty());
    }

    #[test]
    fn keys_and_what_is_in_lists_have_places() {
        let text = "max_depth = 3\nlisten = [\n  \"a:1\",\n  \"b:2\"]\n";
        let file = ConfigFile::parse(Path::new("f"), text).unwrap();
        let place = |key, element| file.places.of(key, element).map(|place| (place.line, place.column));
        assert_eq!(place("max_depth", None), Some((1, 13)));
        assert_eq!(place("max_depth", Some(0)), Some((1, 13)));
        assert_eq!(place("listen", None), Some((2, 10)));
        assert_eq!((place("listen", Some(0)), place("listen", Some(1))), (Some((3, 3)), Some((4, 3))));
        assert_eq!(place("log", None), None);
        assert!(file.places.has("listen") && !file.places.has("log"));
    }
}
