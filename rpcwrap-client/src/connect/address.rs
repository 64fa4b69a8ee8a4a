//! The forms of an address: `host:port`, `[fe80::1%eth0]:port`, `:port` on this machine, `unix:/path`.

use std::borrow::Cow;

/// Where a server listens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// With host and port; what is wrong with them is said when they are looked up.
    Tcp(Cow<'a, str>),
    /// The path of a socket.
    Unix(&'a str),
}

impl<'a> Address<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        match text.strip_prefix("unix:") {
            Some(path) => Self::Unix(path),
            None if text.starts_with(':') => Self::Tcp(format!("localhost{text}").into()),
            None => Self::Tcp(text.into()),
        }
    }

    /// The host, without port and brackets: the name a certificate is expected to have.
    #[cfg(feature = "tls")]
    pub(super) fn host(&self) -> &str {
        let Self::Tcp(text) = self else { return "localhost" };
        let host = text.rsplit_once(':').map_or(&**text, |(host, _)| host);
        match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            // A zone is this machine's name for one of its interfaces.
            Some(address) => address.split_once('%').map_or(address, |(address, _)| address),
            None => host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_addresses() {
        for (text, address) in [
            ("db.example:7070", Address::Tcp("db.example:7070".into())),
            (":7070", Address::Tcp("localhost:7070".into())),
            ("no port", Address::Tcp("no port".into())),
            ("unix:/run/a:b", Address::Unix("/run/a:b")),
        ] {
            assert_eq!(Address::new(text), address, "{text}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn hosts_of_addresses() {
        for (text, host) in [
            ("db.example:7070", "db.example"),
            ("127.0.0.1:7070", "127.0.0.1"),
            ("[::1]:7070", "::1"),
            ("[fe80::1%lo]:7070", "fe80::1"),
            (":7070", "localhost"),
            ("unix:/run/a:b", "localhost"),
        ] {
            assert_eq!(Address::new(text).host(), host, "{text}");
        }
    }
}
