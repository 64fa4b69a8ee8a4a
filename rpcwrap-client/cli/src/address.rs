//! Addresses and names of methods as people type them.

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

    /// As a `Host` header has it: without the zone of an address, which means nothing to the server (RFC 6874).
    pub(crate) fn http_host(&self) -> String {
        if self.unix_path().is_some() {
            return "localhost".to_owned();
        }
        match (self.0.split_once('%'), self.0.split_once(']')) {
            (Some((before, _)), Some((_, after))) => format!("{before}]{after}"),
            _ => self.0.clone(),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") {
            return Err("for TLS write host:port and --tls".to_owned());
        }
        let scheme = ["http://", "tcp://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let text = scheme.map_or(text, |rest| rest.strip_suffix('/').unwrap_or(rest));
        match text.rsplit_once(':') {
            _ if text == "unix:" => Err("unix: needs a path".to_owned()),
            _ if text.starts_with("unix:") => Ok(Self(text.to_owned())),
            _ if text.contains('/') => Err("not host:port; the path of a page is not wanted".to_owned()),
            Some((host, port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => match host {
                // By its name it is reached on whichever loopback address the server listens.
                "" => Ok(Self(format!("localhost:{port}"))),
                host if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) => {
                    Err("an address of IPv6 goes into brackets: [::1]:7070".to_owned())
                }
                host => Ok(Self(format!("{host}:{port}"))),
            },
            _ => Err("not host:port, :port or unix:PATH".to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a method: `Arith.Multiply`, or as in the path of a page, `Arith/Multiply`.
pub(crate) fn parse_method(text: &str) -> Result<String, String> {
    match text.trim_start_matches('/').rsplit_once('/') {
        Some((service, method)) if !text.contains('.') => {
            Ok(format!("{}.{method}", service.replace('/', ".")))
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, full) in [
            ("127.0.0.1:7070", Some("127.0.0.1:7070")),
            (":7070", Some("localhost:7070")),
            ("[::1]:7070", Some("[::1]:7070")),
            ("[fe80::1%eth0]:7070", Some("[fe80::1%eth0]:7070")),
            ("db.example:80", Some("db.example:80")),
            ("http://127.0.0.1:7070", Some("127.0.0.1:7070")),
            ("http://[::1]:7070/", Some("[::1]:7070")),
            ("tcp://:7070", Some("localhost:7070")),
            ("unix:/run/s", Some("unix:/run/s")),
            ("unix:", None),
            ("localhost", None),
            ("localhost:", None),
            (":0", None),
            ("a:65536", None),
            ("::1:7070", None),
            ("http://a", None),
            ("http://a:1/Arith/Multiply", None),
            ("https://a:1", None),
        ] {
            assert_eq!(text.parse::<Address>().ok().as_ref().map(Address::as_str), full, "{text}");
        }
        let unix: Address = "unix:/run/s".parse().unwrap();
        assert_eq!(unix.unix_path(), Some(Path::new("/run/s")));
    }

    #[test]
    fn hosts_of_requests() {
        for (text, host) in [
            ("db.example:80", "db.example:80"),
            ("[fe80::1%eth0]:80", "[fe80::1]:80"),
            ("[::1]:80", "[::1]:80"),
            ("unix:/run/100%]", "localhost"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().http_host(), host);
        }
    }

    #[test]
    fn methods() {
        for (text, name) in [
            ("Arith.Multiply", "Arith.Multiply"),
            ("Arith/Multiply", "Arith.Multiply"),
            ("/Arith/Multiply", "Arith.Multiply"),
            ("/demo/Arith/Multiply", "demo.Arith.Multiply"),
            ("a/b.C", "a/b.C"),
            ("Arith", "Arith"),
            ("", ""),
        ] {
            assert_eq!(parse_method(text).as_deref(), Ok(name));
        }
    }
}
