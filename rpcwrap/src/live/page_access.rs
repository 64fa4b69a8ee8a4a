//! Who may see the pages of the main port.

use crate::peer::{BadNetwork, Networks};
use std::{fmt, str::FromStr};

/// Who may see pages on the server's listeners, but for those of [`Listen::admin`](crate::Listen::admin), where every
/// peer may. Probes (`/healthz`, `/livez`, `/readyz`, `/debug/health`) are never limited.
///
/// As text: `auto`, `open`, `login`, `off`, or networks with a comma between them.
///
/// ```
/// use rpcwrap::PageAccess;
/// let inside: PageAccess = "10.0.0.0/8,::1".parse()?;
/// assert!(matches!(inside, PageAccess::Networks(_)));
/// assert_eq!(inside.to_string(), "10.0.0.0/8,::1");
/// # Ok::<(), rpcwrap::BadNetwork>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageAccess {
    /// Where calls need a login pages need one too, but for `/metrics`; else they are open.
    #[default]
    Auto,
    /// Every peer.
    Open,
    /// Every peer that has proven who it is; `/metrics` stays open.
    Login,
    /// Peers of these networks, who alone may reach `/metrics` and `/admin` too.
    Networks(Networks),
    /// None: pages, `/metrics` and `/admin` are on admin listeners only.
    Off,
}

impl FromStr for PageAccess {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        Ok(match text {
            "auto" => Self::Auto,
            "open" => Self::Open,
            "login" => Self::Login,
            "off" => Self::Off,
            networks => Self::Networks(Networks::parse(networks.split(',').map(str::trim))?),
        })
    }
}

impl fmt::Display for PageAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Open => f.write_str("open"),
            Self::Login => f.write_str("login"),
            Self::Networks(networks) => networks.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["auto", "open", "login", "off", "10.0.0.0/8", "192.0.2.1,fd00::/8,unix"] {
            assert_eq!(text.parse::<PageAccess>().unwrap().to_string(), text);
        }
        assert_eq!(" ::1 , 10.0.0.0/8 ".parse::<PageAccess>().unwrap().to_string(), "::1,10.0.0.0/8");
        for bad in ["", "opne", "10.0.0.0/8,", "10.0.0.1/8"] {
            assert!(bad.parse::<PageAccess>().is_err(), "{bad}");
        }
    }
}
