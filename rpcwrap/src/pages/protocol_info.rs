//! A protocol as pages show it: plain data that the table of protocols fills in.

/// How strong a protocol's `Yes` is. Stronger classes are asked first, and a weaker `Yes` waits for their `NeedMore`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// Fixed bytes at the start.
    Magic,
    /// A grammar, such as HTTP's request line.
    Grammar,
    /// A guess, such as a magic in the middle of a binary header. Its `NeedMore` never holds up another protocol's
    /// `Yes`.
    Weak,
}

/// How the peers of a protocol prove who they are, apart from a TLS client certificate, which does for all.
///
/// Nothing a protocol says here opens anything: where the server requires a login, dispatch refuses the calls of every
/// peer without an [`Identity`](crate::Identity), and only [`ConnCx::verify`](crate::protocol::ConnCx::verify) makes
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AuthMode {
    /// They cannot: where a login is required, only a client certificate lets them call.
    #[default]
    Certificate,
    /// By a login at the start of the connection.
    Connection,
    /// By a credential in each request.
    Request,
}

/// One protocol as pages show it, in the order protocols are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtocolInfo {
    /// Its name.
    pub name: &'static str,
    /// How strong its claim to a connection is.
    pub class: Class,
    /// How its peers prove who they are.
    pub auth: AuthMode,
    /// Whether it has no preface of its own: HTTP's CONNECT leads to it.
    pub by_connect: bool,
    /// Whether it greets its peers, on a listener of its own.
    pub speaks_first: bool,
    /// Connections that are its own now.
    pub connections: u64,
    /// Connections that ever were.
    pub matched: u64,
    /// Connections it gave up because of a message over a limit.
    pub too_big: u64,
    /// Connections it gave up for want of room.
    pub overloaded: u64,
    /// Connections it gave up because of bytes against its rules.
    pub malformed: u64,
}
