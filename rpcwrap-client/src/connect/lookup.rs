//! From `host:port` to every socket address it has.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc};
use tokio::net::lookup_host;

type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// What looks names up in place of the system.
#[derive(Clone)]
pub(super) struct Resolver(Arc<dyn Fn(String) -> Resolving + Send + Sync>);

impl Resolver {
    pub(super) fn new<F, R>(resolve: F) -> Self
    where
        F: Fn(String) -> R + Send + Sync + 'static,
        R: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self(Arc::new(move |name| Box::pin(resolve(name))))
    }
}

/// All addresses of `text`, in the order in which they are preferred.
pub(super) async fn addresses(text: &str, resolver: Option<&Resolver>) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = match (in_brackets(text), resolver) {
        // The brackets are the address's, not the host's: with them the system knows no zone (`fe80::1%eth0`).
        (Some(host_and_port), _) => lookup_host(host_and_port).await?.collect(),
        (None, Some(resolver)) if text.parse::<SocketAddr>().is_err() => {
            (resolver.0)(text.to_owned()).await?
        }
        (None, _) => lookup_host(text).await?.collect(),
    };
    match found[..] {
        [] => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
        [..] => Ok(found),
    }
}

/// Host and port of `[host]:port`.
fn in_brackets(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.strip_prefix('[')?.split_once("]:")?;
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_as_they_are_written() {
        for (text, wanted) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("[fe80::1%7]:80", "[fe80::1%7]:80"),
            // The loopback is the first interface everywhere.
            ("[fe80::1%lo]:80", "[fe80::1%1]:80"),
        ] {
            let found: Vec<String> =
                addresses(text, None).await.unwrap().iter().map(SocketAddr::to_string).collect();
            assert_eq!(found, [wanted], "{text}");
        }
        for text in ["no port", "[::1]", "[::1]:http", "[::1%nope]:80", "127.0.0.1:65536"] {
            assert!(addresses(text, None).await.is_err(), "{text}");
        }
    }
}
