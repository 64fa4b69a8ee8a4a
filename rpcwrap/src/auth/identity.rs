//! Who a peer has proven to be: made by the one check of a credential, or by a client certificate TLS has verified.
//!
//! No protocol can make an [`Identity`] of its own, so none can skip the check.

use std::{fmt, sync::Arc};

/// A user's name that has been proven.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    name: Arc<str>,
    by_certificate: bool,
}

impl Identity {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a client certificate has proven it: such a user need not be in the table of users. One that has
    /// logged in has no rights any more when it is no longer there.
    pub fn is_by_certificate(&self) -> bool {
        self.by_certificate
    }

    /// A user of the table who has shown one of its secrets.
    pub(super) fn of_table(name: Arc<str>) -> Self {
        Self { name, by_certificate: false }
    }

    /// The name in a client certificate that TLS has verified.
    #[cfg(feature = "tls")]
    pub(crate) fn from_certificate(name: &str) -> Self {
        Self { name: name.into(), by_certificate: true }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// What a peer offers to prove who it is.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Credential<'a> {
    /// A user and a secret in plain text.
    Password {
        /// The user.
        user: &'a str,
        /// One of the user's secrets.
        secret: &'a str,
    },
    /// The answer to a challenge: the user, a blank, and the HMAC-MD5 of the challenge under a secret, in hex.
    CramMd5 {
        /// The challenge this connection was given.
        challenge: &'a str,
        /// The answer.
        proof: &'a str,
    },
    /// The answer to a nonce by MySQL's plugin `mysql_native_password`.
    MysqlNative {
        /// The user.
        user: &'a str,
        /// The nonce this connection was given.
        nonce: &'a [u8],
        /// The answer: 20 bytes, else it is wrong.
        token: &'a [u8],
    },
    /// The answer to a nonce by MySQL's plugin `caching_sha2_password`, its fast path.
    CachingSha2 {
        /// The user.
        user: &'a str,
        /// The nonce this connection was given.
        nonce: &'a [u8],
        /// The answer: 32 bytes, else it is wrong.
        token: &'a [u8],
    },
}

/// The secrets are never part of the text.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, user) = match self {
            Self::Password { user, .. } => ("Password", Some(user)),
            Self::CramMd5 { .. } => ("CramMd5", None),
            Self::MysqlNative { user, .. } => ("MysqlNative", Some(user)),
            Self::CachingSha2 { user, .. } => ("CachingSha2", Some(user)),
        };
        let mut text = f.debug_struct(kind);
        if let Some(user) = user {
            text.field("user", user);
        }
        text.finish_non_exhaustive()
    }
}

/// The credential proves nothing: an unknown user or a wrong secret, it is not said which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("authentication failed")]
pub struct Denied {
    close: bool,
}

impl Denied {
    /// A wrong login.
    pub(crate) fn new() -> Self {
        Self { close: false }
    }

    /// One of too many: the connection's third, or of a flood.
    pub(super) fn and_close() -> Self {
        Self { close: true }
    }

    /// Whether the connection is to be closed rather than given another try: three of its logins were wrong, or the
    /// server is flooded with logins.
    pub fn must_close(&self) -> bool {
        self.close
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let shown = format!("{:?}", Credential::Password { user: "ala", secret: "ma kota" });
        assert!(shown.contains("ala") && !shown.contains("kota"), "{shown}");
    }

    #[test]
    fn denials_read_alike() {
        assert_eq!(Denied::new().to_string(), Denied::and_close().to_string());
        assert!(Denied::and_close().must_close() && !Denied::new().must_close());
    }
}
