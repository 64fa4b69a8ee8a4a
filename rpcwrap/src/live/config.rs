//! Every limit and every wait of the server: what it bounds, its unit, its default and why that default.

use crate::{
    error::ConfigError,
    live::{
        memory::half_of_limit,
        page_access::PageAccess,
        settings::{Field, Value},
    },
};
#[cfg(feature = "bson")]
use codecs::BsonDialect;
use codecs::Limits;
#[cfg(feature = "msgpack")]
use codecs::TimeForm;
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
        /// From accept, or the end of the TLS handshake, to the protocol decision; covers half-sent openings, and silent
        /// ones while more than four fifths of `max_connections` are open. Default 10 s.
        pub first_byte_timeout: Duration = Duration::from_secs(10);
        /// When `first_byte_timeout` begins, or that it does not count. Default `Accept`.
        pub first_byte_clock: OpeningClock = OpeningClock::Accept;
        /// For the PROXY header of a trusted proxy, from accept on. Default 10 s.
        pub proxy_header_timeout: Duration = Duration::from_secs(10);
        /// For the TLS handshake, from its first byte on. Default 10 s.
        pub tls_handshake_timeout: Duration = Duration::from_secs(10);
        /// For one HTTP head. Default 10 s.
        pub header_timeout: Duration = Duration::from_secs(10);
        /// For a login: the whole dialog of an `/auth` path, the first message of `baidu_std`; and, where a login is
        /// required, for a session until its peer has logged in. Default 10 s.
        pub login_timeout: Duration = Duration::from_secs(10);
        /// Bytes of one HTTP head. Default 16 KiB; hyper's own floor is 8 KiB.
        pub max_header_bytes: usize = 16 << 10;
        /// Bytes of one message or HTTP body. Default 64 MiB, as bRPC. Nothing near it is allocated in advance.
        pub max_message_bytes: usize = 64 << 20;
        /// Bytes of one message, or of one body of HTTP-RPC, of a peer that has not logged in where a login is required.
        /// Default 64 KiB.
        pub max_message_bytes_before_login: usize = 64 << 10;
        /// Bytes of memory that the arguments of one call may take once decoded, beside 8 for each byte of the message
        /// that brings them, and with those at most a quarter of `memory_budget`; beyond it the call fails. Default
        /// 64 MiB: a message that is honest data stays within.
        pub max_decoded_bytes: usize = 64 << 20;
        /// Levels of values inside values. Default 100: far from any stack's end.
        pub max_depth: usize = 100;
        /// Types that one gob connection may define, with 8 fields and 128 bytes of names for each of them; one more closes
        /// it. Each takes 512 bytes of memory at most, which count against `memory_budget`. Default 2048: under a MiB, and
        /// more than programs define. From 16 to 1,000,000.
        pub max_gob_types: usize = 2048;
        /// Calls accepted and not yet answered per connection; the next request waits unread. Default 256.
        pub max_in_flight: usize = 256;
        /// Calls of the whole server that wait for their handlers. Where they run short, from three quarters of it on,
        /// a call is refused at once with `rpc: server overloaded`, before its handler is started, if those that wait
        /// of its address and those of its connection are together nine times what is left: one address alone comes to
        /// nine tenths of it, the more of it the fewer connections it has, and every other address has a share. A
        /// connection without waiting calls may always start one. Calls whose handler is done, and all whose peer
        /// takes no more replies or items, are never in the way of others. Default 100,000: far from what handlers in
        /// good health come to. Each thread may exceed it by one.
        pub max_calls: usize = 100_000;
        /// Functions of one blocking method that run at the same time; further calls wait for one of them to return. A
        /// function that outlives its call counts until it returns. Default 128: a quarter of the threads of tokio's
        /// pool, which all blocking methods share.
        pub max_blocking: usize = 128;
        /// Calls of one blocking method that wait for a thread; one more is refused as busy, and no other method's is.
        /// Default 4,096.
        pub max_blocking_queue: usize = 4096;
        /// Open connections. Where so many are open, the one that is idle for longest, of the address that has most of
        /// them, gives way to one of another address with fewer; never one with calls in flight. One more beside them
        /// is answered pages, probes and admin operations, at most 32 or a hundredth of this at a time, and gets `503`
        /// for everything else. Default 10,000.
        pub max_connections: usize = 10_000;
        /// Open connections of one address: an IPv4 address, 64 bits of an IPv6 address, a unix socket, or the client
        /// that a trusted proxy names. Default none, as balancers may share one.
        pub max_connections_per_address: Option<usize> = None;
        /// Bytes of replies a peer may leave unread before its requests are no longer read. Default 8 MiB.
        pub max_output_bytes: usize = 8 << 20;
        /// Bytes that all peers together may make the server hold: messages that have come in part, requests that wait
        /// for their handlers, replies that are not taken. Over it the connections that hold most are closed, and of
        /// those the slowest first. Over half of it a peer that moves less than 1 KiB/s for `stall_timeout` is closed.
        /// Default half of what the process may have: of its control group, its address space or the machine.
        pub memory_budget: usize = half_of_limit();
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
        /// A handler that keeps its thread for this long without waiting for anything, so that other tasks of that thread
        /// have to wait, is logged and counted, also where it has told tokio so (`block_in_place`). Default 1 s; none looks
        /// at no thread.
        pub blocked_after: Option<Duration> = Some(Duration::from_secs(1));
        /// Rows of statistics by peer address and method, about 400 bytes each; the row that was not touched for
        /// longest makes room for a new one. Default 4096; 0 for none.
        pub max_peer_statistics: usize = 4096;
        /// Who may see pages. Default: every peer, or where a login is required those that have logged in.
        pub pages: PageAccess = PageAccess::Auto;
        /// Origins of web pages that may call methods and read the answers, such as `https://app.example`; to the
        /// others' browsers calls are refused. Default none.
        pub allow_origins: Vec<String> = Vec::new();
        /// Names, without a port, by which HTTP may ask for this server, beside IP addresses and `localhost`. With some,
        /// requests for others are refused on all listeners; with none, the default, on those bound to a loopback
        /// address, which no other name leads a browser to but one that was made to (DNS rebinding).
        pub allow_hosts: Vec<String> = Vec::new();
        /// Kinds of BSON element in replies. Default: as the client's own.
        pub bson_dialect: BsonDialect = BsonDialect::Auto, with feature "bson";
        /// How times are written in MessagePack to peers that have sent none; others are answered as they write. Default:
        /// as the extension -1, which go-msgpack 0.5 does not read.
        pub msgpack_times: TimeForm = TimeForm::Extension, with feature "msgpack";
    }
}

/// From when on a connection has to say which protocol it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OpeningClock {
    /// From accept: a silent connection holds its permit no longer than this when connections run short, and a half-sent
    /// opening never.
    #[default]
    Accept,
    /// From its first byte, and before that `keep_alive_timeout`: for pools that open connections ahead.
    FirstByte,
    /// Never: a silent connection stays. For networks where every peer is trusted.
    Off,
}

/// Rows that fit into half a gigabyte.
const MAX_PEER_STATISTICS: usize = 1_000_000;

/// What a handful of connections need for one message each.
const MIN_MEMORY_BUDGET: usize = 1 << 20;
/// Whether a browser may name its page so: a scheme and a host, with or without a port.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_part))
}

fn is_host_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

impl Config {
    /// The part of it codecs keep to.
    pub(crate) fn message_limits(&self) -> Limits {
        Limits {
            max_message_bytes: self.max_message_bytes,
            max_depth: self.max_depth,
            max_decoded_bytes: self.max_decoded_bytes,
            max_decoded_total: self.memory_budget / 4,
            max_gob_types: self.max_gob_types,
        }
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
        if self.max_message_bytes_before_login < 1024 {
            let value = self.max_message_bytes_before_login;
            return bad("max_message_bytes_before_login", value, "must be at least 1024");
        }
        if self.max_decoded_bytes < 1 << 20 {
            return bad("max_decoded_bytes", self.max_decoded_bytes, "must be at least 1048576");
        }
        if self.max_depth == 0 || self.max_depth > 100 {
            return bad("max_depth", self.max_depth, "must be from 1 to 100");
        }
        if !(16..=1_000_000).contains(&self.max_gob_types) {
            return bad("max_gob_types", self.max_gob_types, "must be from 16 to 1000000");
        }
        if self.max_peer_statistics > MAX_PEER_STATISTICS {
            return bad("max_peer_statistics", self.max_peer_statistics, "must be at most 1000000");
        }
        if self.memory_budget < MIN_MEMORY_BUDGET {
            return bad("memory_budget", self.memory_budget, "must be at least 1048576");
        }
        if let Some(origin) = self.allow_origins.iter().find(|origin| !is_origin(origin)) {
            let (setting, value) = ("allow_origins", origin.clone());
            let why = "must be http:// or https:// and a host, and its port if it has one";
            return Err(ConfigError::BadLimit { setting, value, why });
        }
        if let Some(host) = self.allow_hosts.iter().find(|host| !is_host_name(host)) {
            let (setting, value) = ("allow_hosts", host.clone());
            return Err(ConfigError::BadLimit {
                setting,
                value,
                why: "must be a host's name without a port",
            });
        }
        for (setting, value) in [
            ("max_in_flight", self.max_in_flight),
            ("max_calls", self.max_calls),
            ("max_blocking", self.max_blocking),
            ("max_connections", self.max_connections),
            ("max_connections_per_address", self.max_connections_per_address.unwrap_or(1)),
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
            ("login_timeout", self.login_timeout),
            ("stall_timeout", self.stall_timeout),
            ("keep_alive_timeout", self.keep_alive_timeout),
            ("idle_timeout", self.idle_timeout.unwrap_or(Duration::MAX)),
            ("max_connection_age", self.max_connection_age.unwrap_or(Duration::MAX)),
            ("call_timeout", self.call_timeout.unwrap_or(Duration::MAX)),
            ("slow_call", self.slow_call.unwrap_or(Duration::MAX)),
            ("blocked_after", self.blocked_after.unwrap_or(Duration::MAX)),
        ] {
            if value.is_zero() {
                return Err(ConfigError::BadLimit { setting, value: "0s".into(), why: "must be longer" });
            }
        }
        Ok(())
    }
}
