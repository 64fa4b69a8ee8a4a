//! A secret as an argon2id or scrypt hash, in the PHC text form: slow by intent, so that a stolen file tells little.

use argon2::{
    Argon2,
    password_hash::{CustomizedPasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use scrypt::Scrypt;
use std::{fmt, io};

/// Memory one check may take: a typing mistake in the file must not be what ends the process.
const MAX_MEMORY: u64 = 256 << 20;
/// Passes over that memory, and lanes or parallelism, one check may take.
const MAX_PASSES: u32 = 64;

/// A hash of one of the two kinds.
#[derive(Clone)]
pub(crate) struct SlowHash {
    hash: PasswordHash,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Argon2id,
    Scrypt,
}

impl SlowHash {
    /// From its text; what is wrong with it otherwise.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let hash = PasswordHash::new(text).map_err(|error| format!("is not a PHC text: {error}"))?;
        let (kind, memory, passes) = match hash.algorithm.as_str() {
            "argon2id" => {
                let params = argon2::Params::try_from(&hash).map_err(bad_parameters)?;
                let passes = params.t_cost().max(params.p_cost());
                (Kind::Argon2id, u64::from(params.m_cost()) << 10, passes)
            }
            "scrypt" => {
                let params = scrypt::Params::try_from(&hash).map_err(bad_parameters)?;
                let blocks = 1_u64.checked_shl(params.log_n().into()).unwrap_or(u64::MAX);
                (Kind::Scrypt, blocks.saturating_mul(128 * u64::from(params.r())), params.p())
            }
            _ => return Err("is neither argon2id nor scrypt".to_owned()),
        };
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err("has no salt or no hash".to_owned());
        }
        if memory > MAX_MEMORY || passes > MAX_PASSES {
            return Err(format!("takes over {MAX_MEMORY} bytes or {MAX_PASSES} passes to check"));
        }
        Ok(Self { hash, kind })
    }

    /// Whether it is that secret's. Takes tens of milliseconds and of megabytes.
    pub(crate) fn is_of(&self, secret: &str) -> bool {
        let verified = match self.kind {
            Kind::Argon2id => Argon2::default().verify_password(secret.as_bytes(), &self.hash),
            Kind::Scrypt => Scrypt::new().verify_password(secret.as_bytes(), &self.hash),
        };
        verified.is_ok()
    }

    /// The text of a new argon2id hash: 19 MiB, 2 passes, 1 lane, a random salt.
    pub(super) fn argon2id(secret: &str) -> io::Result<String> {
        let params = argon2::Params::default();
        hashed(Argon2::default().hash_password_with_params(secret.as_bytes(), &salt()?, params))
    }

    /// The text of a new scrypt hash: 32 MiB (ln 15, r 8), 3 times over, a random salt.
    pub(super) fn scrypt(secret: &str) -> io::Result<String> {
        let params = scrypt::Params::new(15, 8, 3).map_err(io::Error::other)?;
        hashed(Scrypt::new().hash_password_with_params(secret.as_bytes(), &salt()?, params))
    }
}

fn bad_parameters(error: impl fmt::Display) -> String {
    format!("has bad parameters: {error}")
}

fn salt() -> io::Result<[u8; 16]> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    Ok(salt)
}

fn hashed(hash: argon2::password_hash::Result<PasswordHash>) -> io::Result<String> {
    hash.map(|hash| hash.to_string()).map_err(io::Error::other)
}

impl fmt::Debug for SlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.algorithm.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixture::ARGON2ID;

    #[test]
    fn hashes_of_other_programs() {
        for (text, secret) in [
            (ARGON2ID, "ma kota"),
            // passlib's documentation of its scrypt.
            (
                "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
                "password",
            ),
        ] {
            let hash = SlowHash::parse(text).unwrap();
            assert!(hash.is_of(secret) && !hash.is_of("other") && !hash.is_of(""), "{text}");
        }
    }

    #[test]
    fn own_hashes() {
        for text in [SlowHash::argon2id("ma kota").unwrap(), SlowHash::scrypt("ma kota").unwrap()] {
            let hash = SlowHash::parse(&text).unwrap();
            assert!(hash.is_of("ma kota") && !hash.is_of("kot2"), "{text}");
            assert!(!format!("{hash:?}").contains(&text[20..]));
        }
        assert_ne!(SlowHash::argon2id("x").unwrap(), SlowHash::argon2id("x").unwrap());
    }

    #[test]
    fn what_is_no_hash_is_explained() {
        let salted = "c29tZXNhbHRzb21l$XbaUNbhBqLzTL6tUnbBrYnS2mS9jUIuBySLTIQ4EFFU";
        for (text, why) in [
            ("$argon2id$", "not a PHC text"),
            ("argon2id", "not a PHC text"),
            ("$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l", "neither argon2id nor scrypt"),
            ("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l", "no salt or no hash"),
            (&format!("$argon2id$v=19$m=262145,t=1,p=1${salted}"), "over 268435456 bytes"),
            (&format!("$argon2id$v=19$m=8,t=65,p=1${salted}"), "64 passes"),
            (&format!("$argon2id$v=19$m=8,t=1,p=1,x=3${salted}"), "bad parameters"),
            (&format!("$scrypt$ln=19,r=8,p=1${salted}"), "over 268435456 bytes"),
            (&format!("$scrypt$ln=64,r=8,p=1${salted}"), "bad parameters"),
            (&format!("$scrypt$ln=1,r=8,p=65${salted}"), "64 passes"),
        ] {
            let error = SlowHash::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
