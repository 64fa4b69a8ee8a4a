//! Who a peer has proven to be: made by the one check of a credential, or by a client certificate TLS has verified.
//!
//! No protocol can make an [`Identity`] of its own, so none can skip the check.

use super::Credentials;
use codecs::cram_md5;
use std::{fmt, sync::Arc};

/// A user's name that has been proven.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity(Arc<str>);

impl Identity {
    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The name in a client certificate that TLS has verified.
    #[cfg(feature = "tls")]
    pub(crate) fn from_certificate(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
}

/// The secrets are never part of the text.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => {
                f.debug_struct("Password").field("user", user).finish_non_exhaustive()
            }
            Self::CramMd5 { .. } => f.debug_struct("CramMd5").finish_non_exhaustive(),
        }
    }
}

/// The credential proves nothing: an unknown user or a wrong secret, it is not said which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("authentication failed")]
pub struct Denied;

impl Credentials {
    /// The one check of every protocol.
    pub(crate) fn verify(&self, credential: &Credential<'_>) -> Result<Identity, Denied> {
        match credential {
            Credential::Password { user, secret } => {
                self.check(user, secret).then(|| Identity((*user).into())).ok_or(Denied)
            }
            Credential::CramMd5 { challenge, proof } => {
                let users = self.table();
                let secrets = |user: &str| users.get(user).map(Vec::as_slice);
                let user = cram_md5::verify(proof, challenge, secrets);
                user.map(|user| Identity(user.into())).ok_or(Denied)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_right_credential_makes_an_identity() {
        let users = Credentials::new([("ala", ["ma kota", "kot2"])]);
        let password = |user, secret| users.verify(&Credential::Password { user, secret });
        assert_eq!(password("ala", "kot2").unwrap().name(), "ala");
        for (user, secret) in [("ala", "wrong"), ("bob", "kot2"), ("", "")] {
            assert_eq!(password(user, secret), Err(Denied), "{user}");
        }
        let challenge = "<1.2@host>";
        let proof = cram_md5::proof("ala", "kot2", challenge);
        let answer = |challenge| users.verify(&Credential::CramMd5 { challenge, proof: &proof });
        assert_eq!(answer(challenge).unwrap().name(), "ala");
        assert_eq!(answer("<other>"), Err(Denied));
    }

    #[test]
    fn secrets_are_not_printed() {
        let shown = format!("{:?}", Credential::Password { user: "ala", secret: "ma kota" });
        assert!(shown.contains("ala") && !shown.contains("kota"), "{shown}");
    }
}
