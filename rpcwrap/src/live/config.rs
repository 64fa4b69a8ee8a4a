//! Every limit and every wait of the server: what it bounds, its unit, its default and why that default.

use crate::{
    error::ConfigError,
    live::{
        page_access::PageAccess,
        settings::{Field, Value},
    },
};
#[cfg(feature = "bson")]
use codecs::BsonDialect;
use codecs::Limits;
use std::time::Duration;

/// [`Config`], with the default of each field, and for each a setter and a line in the table of settings.
macro_rules! config {
    ($(#[$about:meta])* pub struct Config {
        $($(#[$doc:meta])* pub $name:ident: $type:ty = $default:expr $(, with feature $feature:literal)?;)*
    }) => {
        $(#[$about])*
        pub struct Config {
            $($(#[$doc])* $(#[cfg(feature = $feature)])? pub $name: $type,)*
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($(#[cfg(feature = $feature)])? $name: $default,)* }
            }
        }

        impl Config {
            $(
                $(#[cfg(feature = $feature)])?
                #[doc = concat!("Sets [`", stringify!($name), "`](#structfield.", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }

        pub(super) const FIELDS: &[Field] = &[$($(#[cfg(feature = $feature)])? Field {
            name: stringify!($name),
            wanted: <$type as Value>::WANTED,
            text: |config| config.$name.text(),
            set: |config, text| Value::read(text).map(|value| config.$name = value).is_some(),
        },)*];
    };
}

config! {
    /// Limits and times of one server. All have defaults that suit a server open to a network.
    ///
    /// ```
    /// use rpcwrap::Config;
    /// use std::time::Duration;
    /// let config = Config::default().max_connections(500).drain_timeout(Duration::from_secs(5));
    /// assert_eq!(config.max_connections, 500);
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Config {
        /// From accept, or the end of the TLS handshake, to the protocol decision; covers silent and half-sent
        /// openings. Default 10 s.
        pub first_byte_timeout: Duration = Duration::from_secs(10);
        /// When `first_byte_timeout` begins, or that it does not count. Default `Accept`.
        pub first_byte_clock: OpeningClock = OpeningClock::Accept;
        /// For the PROXY header of a trusted proxy, from accept on. Default 10 s.
        pub proxy_header_timeout: Duration = Duration::from_secs(10);
        /// For the TLS handshake, from its first byte on. Default 10 s.
        pub tls_handshake_timeout: Duration = Duration::from_secs(10);
        /// For one HTTP head, and for the whole login dialog of an `/auth` path. Default 10 s.
        pub header_timeout: Duration = Duration::from_secs(10);
        /// Bytes of one HTTP head. Default 16 KiB; hyper's own floor is 8 KiB.
        pub max_header_bytes: usize = 16 << 10;
        /// Bytes of one message or HTTP body. Default 64 MiB, as bRPC. Nothing near it is allocated in advance.
        pub max_message_bytes: usize = 64 << 20;
        /// Levels of values inside values. Default 100: far from any stack's end.
        pub max_depth: usize = 100;
        /// Calls accepted and not yet answered per connection; the next request waits unread. Default 256.
        pub max_in_flight: usize = 256;
        /// Calls of the whole server that wait for their handlers; one more is refused at once with `rpc: server
        /// overloaded`, whatever its connection. Calls whose handler is ready at its first poll are never in the way.
        /// Default 100,000: far from what handlers in good health come to. Each thread may exceed it by one.
        pub max_calls: usize = 100_000;
        /// Open connections. One more gets `503` and is closed. Default 10,000.
        pub max_connections: usize = 10_000;
        /// Bytes of replies a peer may leave unread before its requests are no longer read. Default 8 MiB.
        pub max_output_bytes: usize = 8 << 20;
        /// A peer in the middle of a message, or with replies waiting, that moves no byte for this long is closed.
        /// Default 60 s, as nginx.
        pub stall_timeout: Duration = Duration::from_secs(60);
        /// Idle time of an HTTP keep-alive connection. Default 75 s, as nginx.
        pub keep_alive_timeout: Duration = Duration::from_secs(75);
        /// An RPC connection without a call in flight from which no byte comes for this long is closed. Default none: a
        /// hijacked connection may wait for its next call for ever.
        pub idle_timeout: Option<Duration> = None;
        /// From accept on, up to 10 % more or less so that connections of one moment do not all end in another: a
        /// connection of that age is closed when it is idle, so that clients dial again and load balancers choose
        /// again. HTTP/1 is told by `Connection: close`, HTTP/2 by GOAWAY. Default none.
        pub max_connection_age: Option<Duration> = None;
        /// From that age on, for connections that are never idle: so long they are served as before, so long again new
        /// calls are refused as by a draining server, then what is left is cut. HTTP is cut after the first. Default 10
        /// s.
        pub max_connection_age_grace: Duration = Duration::from_secs(10);
        /// Time limit of every call, beside the caller's own. Default none.
        pub call_timeout: Option<Duration> = None;
        /// After SIGTERM: readiness says 503, but calls and connections are still taken, so that load balancers can
        /// look away first. Default 5 s; `0` stops at once.
        pub lame_duck: Duration = Duration::from_secs(5);
        /// From the first signal to the end of the program at the latest, `lame_duck` included. Default 30 s, which is
        /// also how long Kubernetes waits.
        pub drain_timeout: Duration = Duration::from_secs(30);
        /// A call that took this long is kept among the last 128 slow ones. Default 1 s; none keeps none.
        pub slow_call: Option<Duration> = Some(Duration::from_secs(1));
        /// Rows of statistics by peer address and method, about 400 bytes each; the row that was not touched for
        /// longest makes room for a new one. Default 4096; 0 for none.
        pub max_peer_statistics: usize = 4096;
        /// Who may see pages. Default: every peer, or where a login is required those that have logged in.
        pub pages: PageAccess = PageAccess::Auto;
        /// Kinds of BSON element in replies. Default: as the client's own.
        pub bson_dialect: BsonDialect = BsonDialect::Auto, with feature "bson";
    }
}

/// From when on a connection has to say which protocol it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OpeningClock {
    /// From accept: a silent connection holds its permit no longer than this.
    #[default]
    Accept,
    /// From its first byte, and before that `keep_alive_timeout`: for pools that open connections ahead.
    FirstByte,
    /// Never: a silent connection stays. For networks where every peer is trusted.
    Off,
}

/// Rows that fit into half a gigabyte.
const MAX_PEER_STATISTICS: usize = 1_000_000;

impl Config {
    /// The part of it codecs keep to.
    pub(crate) fn message_limits(&self) -> Limits {
        Limits { max_message_bytes: self.max_message_bytes, max_depth: self.max_depth }
    }

    /// Refuses settings that no server could work with, as building one does.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let bad = |setting, value: usize, why| {
            Err(ConfigError::BadLimit { setting, value: value.to_string(), why })
        };
        if self.max_header_bytes < 8192 {
            return bad("max_header_bytes", self.max_header_bytes, "must be at least 8192");
        }
        if self.max_message_bytes < 1024 || self.max_message_bytes > i32::MAX as usize {
            return bad("max_message_bytes", self.max_message_bytes, "must be from 1024 to 2147483647");
        }
        if self.max_depth == 0 || self.max_depth > 100 {
            return bad("max_depth", self.max_depth, "must be from 1 to 100");
        }
        if self.max_peer_statistics > MAX_PEER_STATISTICS {
            return bad("max_peer_statistics", self.max_peer_statistics, "must be at most 1000000");
        }
        for (setting, value) in [
            ("max_in_flight", self.max_in_flight),
            ("max_calls", self.max_calls),
            ("max_connections", self.max_connections),
            ("max_output_bytes", self.max_output_bytes),
        ] {
            if value == 0 {
                return bad(setting, value, "must be at least 1");
            }
        }
        for (setting, value) in [
            ("first_byte_timeout", self.first_byte_timeout),
            ("proxy_header_timeout", self.proxy_header_timeout),
            ("tls_handshake_timeout", self.tls_handshake_timeout),
            ("header_timeout", self.header_timeout),
            ("stall_timeout", self.stall_timeout),
            ("keep_alive_timeout", self.keep_alive_timeout),
            ("idle_timeout", self.idle_timeout.unwrap_or(Duration::MAX)),
            ("max_connection_age", self.max_connection_age.unwrap_or(Duration::MAX)),
            ("call_timeout", self.call_timeout.unwrap_or(Duration::MAX)),
            ("slow_call", self.slow_call.unwrap_or(Duration::MAX)),
        ] {
            if value.is_zero() {
                return Err(ConfigError::BadLimit { setting, value: "0s".into(), why: "must be longer" });
            }
        }
        Ok(())
    }
}
