//! One open connection as plain data.

use crate::peer::{PeerAddr, TlsInfo};
use std::time::Duration;

/// One open connection as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Counts connections from 1 on.
    pub id: u64,
    /// Where it comes from.
    pub peer: PeerAddr,
    /// What TLS has established; `None` for a plain connection.
    pub tls: Option<TlsInfo>,
    /// The protocol it speaks; empty until its first bytes have told.
    pub protocol: &'static str,
    /// The codec it speaks; empty where the protocol has none or no call was made.
    pub codec: String,
    /// The user it has proven to be.
    pub user: Option<String>,
    /// What the peer calls itself.
    pub label: Label,
    /// Time since it was accepted.
    pub age: Duration,
    /// Time since a byte of the peer last came, or a call of HTTP ended.
    pub idle: Duration,
    /// Requests read.
    pub calls: u64,
    /// Requests read and not yet answered.
    pub in_flight: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Bytes it makes the server hold: messages in part, requests that wait, replies not taken.
    pub held: u64,
}

/// What a peer calls itself, by Redis's `CLIENT SETNAME` and `SETINFO`: nothing of it is proven. Empty where it has not
/// said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// The connection's name.
    pub name: String,
    /// The client library.
    pub library: String,
    /// The version of that.
    pub library_version: String,
}
