//! A connection that no protocol took, as pages show it.

use crate::peer::PeerAddr;
use std::time::SystemTime;

/// Why a connection was closed without a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpeningFailure {
    /// No protocol knows these bytes.
    Unknown,
    /// A TLS hello where TLS is not served.
    Tls,
    /// The bytes that would have decided did not come in time.
    Timeout,
    /// Still undecided after 8 KiB.
    TooLong,
    /// A trusted proxy's connection without a PROXY header.
    NoProxyHeader,
    /// A PROXY header against its rules.
    ProxyHeader,
    /// Something else where TLS is required.
    Plain,
    /// A TLS handshake against TLS' rules or ours, such as without a certificate.
    Handshake,
}

impl OpeningFailure {
    /// A few words for pages and logs.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unknown => "no protocol for these first bytes",
            Self::Tls => "a TLS hello on a plain port",
            Self::Timeout => "first bytes did not come in time",
            Self::TooLong => "undecided after 8 KiB",
            Self::NoProxyHeader => "no PROXY header from a trusted proxy",
            Self::ProxyHeader => "malformed PROXY header",
            Self::Plain => "plain bytes on a TLS port",
            Self::Handshake => "TLS handshake failed",
        }
    }
}

/// One connection that no protocol took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedOpening {
    /// When it was closed.
    pub at: SystemTime,
    /// Where it came from.
    pub peer: PeerAddr,
    /// Why it was closed.
    pub why: OpeningFailure,
    /// Its first bytes, at most 16.
    pub head: Vec<u8>,
    /// What they do not show, in a few words more; mostly empty.
    pub detail: String,
}

impl FailedOpening {
    /// Why it was closed, in words.
    pub fn text(&self) -> String {
        match self.detail.as_str() {
            "" => self.why.text().to_owned(),
            detail => format!("{}: {detail}", self.why.text()),
        }
    }

    /// The first bytes in hex.
    pub fn hex(&self) -> String {
        self.head.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
