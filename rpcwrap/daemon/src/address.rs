//! What an address to listen on looks like; whether it can be had shows when the server binds it.

use std::{collections::HashSet, net::SocketAddr};

/// Bytes of a unix socket's path, as the system has room for them.
const MAX_PATH: usize = 107;

/// Whether it is an address, and not one of `taken`, which it joins.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(addr: &str, taken: &mut HashSet<String>) -> Result<(), String> {
    let any_port = match addr.strip_prefix("unix:") {
        Some("") => return Err("\"unix:\" has no path".to_owned()),
        Some(path) if path.len() > MAX_PATH => {
            return Err(format!("a path of {} bytes, {MAX_PATH} at most", path.len()));
        }
        Some(_) => false,
        None => {
            port(addr).ok_or_else(|| format!("{addr:?} is no address: want HOST:PORT or unix:PATH"))? == 0
        }
    };
    if !any_port && !taken.insert(addr.to_owned()) {
        return Err(format!("{addr} is there twice"));
    }
    Ok(())
}

/// The port of an IP address or a name with a port.
fn port(addr: &str) -> Option<u16> {
    if let Ok(addr) = addr.parse::<SocketAddr>() {
        return Some(addr.port());
    }
    let (host, port) = addr.rsplit_once(':')?;
    let is_name = !host.is_empty() && !host.contains([':', '[', ']', '/', ' ']);
    is_name.then(|| port.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let mut taken = HashSet::new();
        for good in [
            "127.0.0.1:7070",
            "[::1]:7070",
            "localhost:0",
            "localhost:0",
            "my-host.example:65535",
            "unix:/a b",
        ] {
            assert_eq!(check(good, &mut taken), Ok(()), "{good}");
        }
        let long = format!("unix:{}", "x".repeat(108));
        for (bad, why) in [
            ("", "is no address"),
            ("no-port", "is no address"),
            (":7070", "is no address"),
            ("host:", "is no address"),
            ("host:65536", "is no address"),
            ("host:http", "is no address"),
            ("::1:7070", "is no address"),
            ("[::1]", "is no address"),
            ("http://host:1", "is no address"),
            ("unix:", "has no path"),
            (&long, "108 bytes, 107 at most"),
            ("127.0.0.1:7070", "is there twice"),
            ("unix:/a b", "is there twice"),
        ] {
            let error = check(bad, &mut taken).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
