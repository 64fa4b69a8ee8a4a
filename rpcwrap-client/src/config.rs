//! Every limit and every wait of a client: what it bounds, its unit, its default and why that default.

#[cfg(feature = "tls")]
use crate::tls::TlsConfig;
use codecs::Limits;
use std::time::Duration;

/// Limits and times of one connection, and what it may write beyond what Go's client writes.
///
/// Also the way to dial with anything but the defaults: [`dial_http`](Self::dial_http) and its siblings.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use rpcwrap_client::{AnyCodec, Config};
/// use std::time::Duration;
/// let client = Config::default()
///     .connect_timeout(Duration::from_secs(2))
///     .max_in_flight(1000)
///     .dial_http("127.0.0.1:7070", AnyCodec::Json)
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// For connecting, CONNECT and login together. Default 10 s, the server's own limit for a head.
    pub connect_timeout: Duration,
    /// Time limit of every call that is not given one of its own. Default none, as Go.
    pub call_timeout: Option<Duration>,
    /// Calls and streams in flight; one more waits for its turn. Default 256, what our servers take from one
    /// connection. At least 1.
    pub max_in_flight: usize,
    /// Bytes of one reply, and of one request. A longer reply ends the connection, a longer request only its call.
    /// Default 64 MiB; nothing near it is allocated in advance.
    pub max_message_bytes: usize,
    /// Bytes of memory that the value of one reply may take once decoded, beside 8 for each byte of the reply; beyond it
    /// the call fails. Default 64 MiB.
    pub max_decoded_bytes: usize,
    /// Levels of values inside values in a reply. Default 100: far from any stack's end.
    pub max_depth: usize,
    /// Types that a gob server may define on one connection, with 8 fields and 128 bytes of names for each of them; one
    /// more ends it. Default 2048, under a MiB of memory; a server of Go's that answers with more types needs more.
    pub max_gob_types: usize,
    /// Items of one stream that may wait for its reader; one more ends that stream. Default 1024.
    pub stream_buffer_items: usize,
    /// Bytes of one stream that may wait for its reader, always at least one item. Default 1 MiB.
    pub stream_buffer_bytes: usize,
    /// Whether to use what only our servers understand and others skip: every call asks for structured errors, and a
    /// call that is dropped is taken back with `_goRPC_.Cancel`.
    ///
    /// Default off, so that a client writes byte for byte what Go's writes, and no server ever answers a cancel with
    /// `can't find service`. A call with a timeout sends it, and asks for structured errors, in any case: the program
    /// has asked for it, and every known server skips header members it does not know.
    pub extensions: bool,
    /// TLS for the connections that are dialled; those over a stream of the program's own are left as they are.
    /// Default none.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            call_timeout: None,
            max_in_flight: 256,
            max_message_bytes: 64 << 20,
            max_decoded_bytes: 64 << 20,
            max_depth: 100,
            max_gob_types: 2048,
            stream_buffer_items: 1024,
            stream_buffer_bytes: 1 << 20,
            extensions: false,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {
        impl Config {
            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](#structfield.", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

setters! {
    connect_timeout: Duration,
    call_timeout: Option<Duration>,
    max_in_flight: usize,
    max_message_bytes: usize,
    max_decoded_bytes: usize,
    max_depth: usize,
    max_gob_types: usize,
    stream_buffer_items: usize,
    stream_buffer_bytes: usize,
    extensions: bool,
}

impl Config {
    /// Dials over TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The part of it codecs keep to.
    pub(crate) fn message_limits(&self) -> Limits {
        Limits {
            max_message_bytes: self.max_message_bytes,
            max_depth: self.max_depth,
            max_decoded_bytes: self.max_decoded_bytes,
            max_gob_types: self.max_gob_types,
            ..Limits::DEFAULT
        }
    }
}
