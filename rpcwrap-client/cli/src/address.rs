//! Addresses as people type them.

use std::{fmt, path::Path, str::FromStr};

/// `host:port` or `unix:PATH`; `:port` is this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// The address in full, as the client library takes it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of a unix socket.
    pub(crate) fn unix_path(&self) -> Option<&Path> {
        self.0.strip_prefix("unix:").map(Path::new)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once(':') {
            _ if text == "unix:" => Err("unix: needs a path".to_owned()),
            _ if text.starts_with("unix:") => Ok(Self(text.to_owned())),
            Some((host, port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => {
                let host = if host.is_empty() { "127.0.0.1" } else { host };
                Ok(Self(format!("{host}:{port}")))
            }
            _ => Err("not host:port, :port or unix:PATH".to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, full) in [
            ("127.0.0.1:7070", Some("127.0.0.1:7070")),
            (":7070", Some("127.0.0.1:7070")),
            ("[::1]:7070", Some("[::1]:7070")),
            ("db.example:80", Some("db.example:80")),
            ("unix:/run/s", Some("unix:/run/s")),
            ("unix:", None),
            ("localhost", None),
            ("localhost:", None),
            (":0", None),
            ("a:65536", None),
            ("http://a", None),
        ] {
            assert_eq!(text.parse::<Address>().ok().as_ref().map(Address::as_str), full, "{text}");
        }
        let unix: Address = "unix:/run/s".parse().unwrap();
        assert_eq!(unix.unix_path(), Some(Path::new("/run/s")));
    }
}
