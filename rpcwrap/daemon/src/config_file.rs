//! The TOML file: the flags by their names, and every limit of the server by its field's.
//!
//! Only reads and checks the form; [`crate::settings`] decides what counts. Times are texts with a unit (`"10s"`),
//! sizes whole numbers of bytes.

use crate::args::{LogFormat, Policy};
use rpcwrap::{
    Config, OpeningClock,
    codecs::{BsonDialect, Dialect},
};
use serde::Deserialize;
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// What a file says; what it leaves out is `None` or empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConfigFile {
    pub(crate) listen: Vec<String>,
    pub(crate) unix: Vec<PathBuf>,
    pub(crate) listen_only: Vec<String>,
    pub(crate) http_rpc_listen: Vec<String>,
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
    max_connections: Option<usize>,
    max_output_bytes: Option<usize>,
    stall_timeout: Option<Time>,
    keep_alive_timeout: Option<Time>,
    idle_timeout: Option<Time>,
    max_connection_age: Option<Time>,
    max_connection_age_grace: Option<Time>,
    call_timeout: Option<Time>,
    lame_duck: Option<Time>,
    drain_timeout: Option<Time>,
    bson_dialect: Option<DialectName>,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no TOML, or has an unknown key or a value that does not fit; the text names the line.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let error = |line, what| ConfigFileError { path: path.to_owned(), line, what };
        let text = fs::read_to_string(path).map_err(|source| error(None, What::Unreadable(source)))?;
        toml::from_str(&text).map_err(|malformed| {
            let before = malformed.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count();
            let quoted = text.lines().nth(line).unwrap_or_default().trim();
            let why = malformed.message().replace('\n', "; ");
            error(Some(line + 1), What::Malformed(format!("`{quoted}`: {why}")))
        })
    }

    /// The defaults with what the file says in their place.
    pub(crate) fn limits(&self) -> Config {
        let mut config = Config::default();
        macro_rules! take {
            ($($name:ident)*) => {
                $(if let Some(value) = self.$name {
                    config = config.$name(value.into());
                })*
            };
        }
        take! {
            first_byte_timeout first_byte_clock proxy_header_timeout tls_handshake_timeout header_timeout
            max_header_bytes max_message_bytes max_depth max_in_flight max_calls
            max_connections max_output_bytes stall_timeout keep_alive_timeout idle_timeout
            max_connection_age max_connection_age_grace call_timeout lame_duck drain_timeout
            bson_dialect
        }
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
#[serde(try_from = "String")]
struct Time(Duration);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let milliseconds = match unit.trim_start() {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        number
            .parse::<u64>()
            .ok()
            .zip(milliseconds)
            .and_then(|(number, unit)| number.checked_mul(unit))
            .map(|time| Self(Duration::from_millis(time)))
            .ok_or_else(|| {
                format!("{text:?} is no time: want a whole number with ms, s, m or h, such as \"10s\"")
            })
    }
}

impl From<Time> for Duration {
    fn from(time: Time) -> Self {
        time.0
    }
}

impl From<Time> for Option<Duration> {
    fn from(time: Time) -> Self {
        Some(time.0)
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

/// A file that was not taken. One line of text.
#[derive(Debug)]
pub(crate) struct ConfigFileError {
    path: PathBuf,
    line: Option<usize>,
    what: What,
}

#[derive(Debug)]
enum What {
    Unreadable(io::Error),
    Malformed(String),
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match (&self.what, self.line) {
            (What::Unreadable(error), _) => write!(f, "cannot read config file {path}: {error}"),
            (What::Malformed(why), Some(line)) => write!(f, "config file {path}, line {line}: {why}"),
            (What::Malformed(why), None) => write!(f, "config file {path}: {why}"),
        }
    }
}

impl std::error::Error for ConfigFileError {}

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
        assert_eq!(file.limits(), expected.max_connection_age(minutes(60)));
        assert_eq!(file.listen, ["127.0.0.1:7070"]);
        assert!(file.auth_credentials.is_some() && !file.unix.is_empty() && !file.http_rpc_listen.is_empty());
        assert!(!file.listen_only.is_empty() && !file.require_login);
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
            max_connections = 5
            max_output_bytes = 6
            stall_timeout = "7m"
            keep_alive_timeout = "1h"
            idle_timeout = "13m"
            max_connection_age = "14h"
            max_connection_age_grace = "15s"
            call_timeout = "8ms"
            lame_duck = "0s"
            drain_timeout = "9 s"
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
            .max_connections(5)
            .max_output_bytes(6)
            .stall_timeout(seconds(420))
            .keep_alive_timeout(seconds(3600))
            .idle_timeout(Some(seconds(13 * 60)))
            .max_connection_age(Some(seconds(14 * 3600)))
            .max_connection_age_grace(seconds(15))
            .call_timeout(Some(Duration::from_millis(8)))
            .lame_duck(Duration::ZERO)
            .drain_timeout(seconds(9))
            .bson_dialect(BsonDialect::Always(Dialect::Standard));
        assert_eq!(ConfigFile::read(&scratch.0).unwrap().limits(), expected);
    }

    #[test]
    fn mistakes_name_the_line_and_fit_on_one() {
        for (name, text, expected) in [
            ("unknown", "max_depth = 3\nmax_dept = 4\n", "line 2: `max_dept = 4`: unknown field `max_dept`"),
            ("unit", "\n\nlame_duck = \"5\"\n", "line 3: `lame_duck = \"5\"`: \"5\" is no time: want"),
            ("bare", "lame_duck = 5", "line 1: `lame_duck = 5`: invalid type: integer `5`"),
            ("huge", "lame_duck = \"99999999999999999999h\"", "is no time"),
            ("type", "listen = \"a:1\"", "line 1: `listen = \"a:1\"`: invalid type: string"),
            ("negative", "max_depth = -1", "line 1: `max_depth = -1`: invalid value"),
            ("syntax", "listen = [\n\"a\n]", "line 2: `\"a`: "),
            ("twice", "max_depth = 3\nmax_depth = 4", "line 2: `max_depth = 4`: duplicate key"),
            ("format", "log_format = \"xml\"", "line 1: `log_format = \"xml\"`: unknown variant `xml`"),
            ("table", "[limits]\nmax_depth = 3", "line 1: `[limits]`: unknown field `limits`"),
        ] {
            let scratch = Scratch::new(name, text);
            let error = ConfigFile::read(&scratch.0).unwrap_err().to_string();
            assert!(error.contains(expected) && error.lines().count() == 1, "{name}: {error}");
        }
        let missing = ConfigFile::read(Path::new("/nowhere/rpcwrapd.toml")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read config file /nowhere/rpcwrapd.toml: "), "{missing}");
    }
}
