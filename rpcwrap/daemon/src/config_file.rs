//! The TOML file: the flags by their names, and every limit of the server by its name in the library.
//!
//! Reads and checks it key by key, so that every fault is found at once and has its place; [`crate::settings`] decides
//! what counts. Which limits there are and what they take is for the library to say, so that they are the same here
//! and in admin operations.

use crate::{
    args::{LogFormat, Policy},
    fault::{Fault, Faults, Place},
    keys,
};
use rpcwrap::Config;
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

/// What a file says; what it leaves out is `None` or empty. Its fields are the keys that are no limits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
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

    /// The defaults with what the file says in their place.
    #[serde(skip)]
    pub(crate) limits: Config,
    /// Where each key is.
    #[serde(skip)]
    pub(crate) places: Places,
    /// The value of each key as it is written there.
    #[serde(skip)]
    texts: BTreeMap<String, String>,
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
        let (mut limits, mut faults) = (Config::default(), Vec::new());
        let (mut places, mut texts) = (BTreeMap::new(), BTreeMap::new());
        for (key, value) in found {
            let read = if is_limit(key.get_ref()) {
                limit(&limits, key, value, &lines).map(|with| limits = with)
            } else {
                check(key, value, &lines)
            };
            match read {
                Ok(()) => {
                    places.insert(key.get_ref().to_string(), lines.places(value));
                    texts.insert(key.get_ref().to_string(), lines.written(value).to_owned());
                }
                Err(fault) => faults.push(fault),
            }
        }
        Faults::unless_none(faults)?;
        let mut file = Self::deserialize(Deserializer::from(table)).map_err(malformed)?;
        (file.limits, file.places, file.texts) = (limits, Places(places), texts);
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
}

/// Whether peers must have something or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Needed {
    Required,
    Optional,
}

/// A key and its value as they are in the file.
type Key<'t> = Spanned<Cow<'t, str>>;

fn is_limit(name: &str) -> bool {
    Config::default().settings().any(|setting| setting.name == name)
}

/// `limits` with another value for one of them, which a server could work with.
fn limit(
    limits: &Config,
    key: &Key<'_>,
    value: &Spanned<DeValue<'_>>,
    lines: &Lines<'_>,
) -> Result<Config, Fault> {
    let text = text(value.get_ref(), lines.written(value));
    let mut with = limits.clone();
    match with.set(key.get_ref(), &text).and_then(|()| with.check()) {
        Ok(()) => Ok(with),
        Err(error) => Err(Fault::new(Some(lines.place(value.span().start)), error)),
    }
}

/// A value as the library takes it, in the way of admin operations: `false` is `off`, a list has commas. What no
/// setting takes stays as it is `written`, for the library to refuse.
fn text<'t>(value: &'t DeValue<'_>, written: &'t str) -> Cow<'t, str> {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => {
            let read = i64::from_str_radix(number.as_str(), number.radix());
            read.map_or(written.into(), |number| number.to_string().into())
        }
        DeValue::Boolean(false) => "off".into(),
        DeValue::Array(values) => {
            let texts: Option<Vec<&str>> = values.iter().map(|value| value.get_ref().as_str()).collect();
            texts.map_or(written.into(), |texts| texts.join(",").into())
        }
        _ => written.into(),
    }
}

/// Whether a key that is no limit is known, and its value fits.
fn check(key: &Key<'_>, value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Result<(), Fault> {
    let name = key.get_ref();
    let own = keys::of::<ConfigFile>();
    if !own.contains(&name.as_ref()) {
        let limits = Config::default();
        let known = own.iter().copied().chain(limits.settings().map(|setting| setting.name));
        let what = match (keys::meant(name, known), value.get_ref()) {
            (Some(meant), _) => format!("unknown key `{name}`, did you mean `{meant}`?"),
            (None, DeValue::Table(_)) => format!("unknown table `{name}`: all keys are outside of tables"),
            (None, _) => format!("unknown key `{name}`"),
        };
        return Err(Fault::new(Some(lines.place(key.span().start)), what));
    }
    let alone = DeTable::from_iter([(key.clone(), value.clone())]);
    let alone = ConfigFile::deserialize(Deserializer::from(Spanned::new(key.span(), alone)));
    alone.map(drop).map_err(|error| {
        let at = error.span().map_or(value.span().start, |span| span.start);
        Fault::new(Some(lines.place(at)), format_args!("{name}: {}", error.message()))
    })
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

    fn written(&self, value: &Spanned<DeValue<'_>>) -> &str {
        self.text.get(value.span()).unwrap_or_default()
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
    use rpcwrap::{
        Networks, OpeningClock, PageAccess,
        codecs::{BsonDialect, Dialect, TimeForm},
    };
    use std::time::Duration;

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
        assert_eq!(ConfigFile::read(Path::new(sample)).unwrap().limits, Config::default());
        // Also as it reads with every line that is a comment in it switched on.
        let all: Vec<&str> = text.lines().map(|line| line.strip_prefix("#").unwrap_or(line)).collect();
        let all: Vec<&str> = all.into_iter().filter(|line| !line.starts_with(' ')).collect();
        let file = ConfigFile::parse(Path::new(sample), &all.join("\n")).unwrap();
        for setting in Config::default().settings() {
            assert!(file.places.has(setting.name), "the sample file lacks {}", setting.name);
        }
        // What the machine has decides one default, and one setting is off without a value.
        let limits = file.limits.memory_budget(Config::default().memory_budget);
        assert_eq!(limits, Config::default().max_connections_per_address(Some(100)));
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
            login_timeout = "3s"
            proxy_header_timeout = "11s"
            tls_handshake_timeout = "12s"
            max_header_bytes = 10000
            max_message_bytes = 67_108_865
            max_message_bytes_before_login = 2000
            max_decoded_bytes = 2_000_000
            max_depth = 3
            max_gob_types = 20_000
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
            blocked_after = "250ms"
            max_peer_statistics = 0
            pages = ["10.0.0.0/8", "unix"]
            allow_origins = ["https://app.example", "http://[::1]:80"]
            allow_hosts = ["rpc.example"]
            bson_dialect = "standard"
            msgpack_times = "go_binary"
            "#,
        );
        let seconds = Duration::from_secs;
        let expected = Config::default()
            .first_byte_timeout(seconds(1))
            .first_byte_clock(OpeningClock::FirstByte)
            .header_timeout(seconds(2))
            .login_timeout(seconds(3))
            .proxy_header_timeout(seconds(11))
            .tls_handshake_timeout(seconds(12))
            .max_header_bytes(10_000)
            .max_message_bytes(67_108_865)
            .max_message_bytes_before_login(2000)
            .max_decoded_bytes(2_000_000)
            .max_depth(3)
            .max_gob_types(20_000)
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
            .blocked_after(Some(Duration::from_millis(250)))
            .max_peer_statistics(0)
            .pages(PageAccess::Networks(Networks::parse(["10.0.0.0/8", "unix"]).unwrap()))
            .allow_origins(vec!["https://app.example".to_owned(), "http://[::1]:80".to_owned()])
            .allow_hosts(vec!["rpc.example".to_owned()])
            .bson_dialect(BsonDialect::Always(Dialect::Standard))
            .msgpack_times(TimeForm::GoBinary);
        assert_eq!(ConfigFile::read(&scratch.0).unwrap().limits, expected);
    }

    #[test]
    fn a_limit_has_the_forms_of_admin_operations() {
        let limits = |text: &str| ConfigFile::parse(Path::new("f"), text).unwrap().limits;
        let all = Config::default().max_depth(7).slow_call(None).first_byte_clock(OpeningClock::FirstByte);
        let lines = all.settings().map(|setting| format!("{} = \"{}\"\n", setting.name, setting.value));
        assert_eq!(limits(&lines.collect::<String>()), all);
        for (text, expected) in [
            ("idle_timeout = \"off\"", Config::default()),
            ("max_connection_age = \"off\"", Config::default()),
            ("call_timeout = \"off\"", Config::default()),
            ("slow_call = \"off\"", Config::default().slow_call(None)),
            ("slow_call = false", Config::default().slow_call(None)),
            ("max_header_bytes = 0x4_001", Config::default().max_header_bytes(0x4001)),
            ("max_depth = +3", Config::default().max_depth(3)),
            ("lame_duck = \" 250 us \"", Config::default().lame_duck(Duration::from_micros(250))),
            ("pages = \"::1, unix\"", limits("pages = [\"::1\", \"unix\"]")),
            ("pages = [\"off\"]", Config::default().pages(PageAccess::Off)),
        ] {
            assert_eq!(limits(text), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_have_a_place_and_a_line_each() {
        for (text, expected) in [
            ("max_depth = 3\nmax_dept = 4\n", "f:2:1: unknown key `max_dept`, did you mean `max_depth`?"),
            ("sesame = 4", "f:1:1: unknown key `sesame`"),
            ("[limits]\nmax_depth = 3", "f:1:2: unknown table `limits`: all keys are outside of tables"),
            (
                "\n\nlame_duck = \"5\"\n",
                "f:3:13: lame_duck = \"5\": want a whole number with ms, s, m or h, such as 10s",
            ),
            (
                "lame_duck = 5",
                "f:1:13: lame_duck = \"5\": want a whole number with ms, s, m or h, such as 10s",
            ),
            ("lame_duck = \"off\"", "f:1:13: lame_duck = \"off\": want a whole number with"),
            ("lame_duck = 1.5", "f:1:13: lame_duck = \"1.5\": want a whole number with"),
            ("lame_duck = 07:30:00", "f:1:13: lame_duck = \"07:30:00\": want a whole number with"),
            ("lame_duck = { s = 5 }", "f:1:13: lame_duck = \"{ s = 5 }\": want a whole number with"),
            ("[lame_duck]\ns = 5", "f:1:1: lame_duck = \"[lame_duck]\": want a whole number with"),
            (
                "lame_duck = \"99999999999999999999h\"",
                "f:1:13: lame_duck = \"99999999999999999999h\": want a whole number with",
            ),
            ("slow_call = \"of\"", "f:1:13: slow_call = \"of\": want a whole number with ms, s, m or h, "),
            ("slow_call = true", "f:1:13: slow_call = \"true\": want a whole number with ms, s, m or h, "),
            ("idle_timeout = \"0s\"", "f:1:16: idle_timeout = 0s: must be longer"),
            ("first_byte_clock = 1", "f:1:20: first_byte_clock = \"1\": want accept, first_byte or off"),
            ("pages = \"on\"", "f:1:9: pages = \"on\": want auto, open, login, off, or networks such as"),
            (
                "allow_hosts = [\"a\", \"b:1\"]",
                "f:1:15: allow_hosts = b:1: must be a host's name without a port",
            ),
            ("allow_origins = [\"a\"]", "f:1:17: allow_origins = a: must be http:// or https:// and a host"),
            (
                "pages = [7, \"::1\"]",
                "f:1:9: pages = \"[7, \\\"::1\\\"]\": want auto, open, login, off, or networks",
            ),
            ("pages = []", "f:1:9: pages = \"\": want auto"),
            ("pages = [\"10.0.0.1/8\"]", "f:1:9: pages = \"10.0.0.1/8\": want auto, open, login, off, or"),
            ("listen = \"a:1\"", "f:1:10: listen: invalid type: string \"a:1\", expected a sequence"),
            ("listen = [\n \"a:1\",\n 5]", "f:3:2: listen: invalid type: integer `5`, expected a string"),
            ("max_depth = -1", "f:1:13: max_depth = \"-1\": want a whole number"),
            ("max_depth = 1e1", "f:1:13: max_depth = \"1e1\": want a whole number"),
            (
                "max_depth = 99999999999999999999",
                "f:1:13: max_depth = \"99999999999999999999\": want a whole",
            ),
            ("max_depth = \"many\"", "f:1:13: max_depth = \"many\": want a whole number"),
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
