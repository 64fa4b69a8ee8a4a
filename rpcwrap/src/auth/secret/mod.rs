//! One secret of a user: the text itself, or what is kept in its place and proves less to a thief.

mod caching_sha2;
mod hex;
mod hmac_md5;
mod mysql_native;
mod slow_hash;

use caching_sha2::CachingSha2;
use mysql_native::MysqlNative;
use std::{borrow::Cow, fmt, io, sync::Arc};
use subtle::{Choice, ConstantTimeEq};

pub(super) use hmac_md5::HmacMd5;
pub(super) use slow_hash::SlowHash;

const CRAM_MD5: &str = "cram-md5:";
const MYSQL_NATIVE: &str = "mysql-native:";
const CACHING_SHA2: &str = "caching-sha2:";
const PLAIN: &str = "plain:";

/// A secret as the server keeps it.
#[derive(Clone)]
pub(super) enum Secret {
    Plain(Box<str>),
    Slow(Arc<SlowHash>),
    CramMd5(Box<HmacMd5>),
    MysqlNative(MysqlNative),
    CachingSha2(CachingSha2),
}

impl Secret {
    /// From an entry of a credentials file; what is wrong with it otherwise, without the entry itself.
    pub(super) fn parse(entry: &str) -> Result<Self, String> {
        if let Some(hex) = entry.strip_prefix(CRAM_MD5) {
            let state = HmacMd5::parse(hex).ok_or("cram-md5: has to be followed by 64 hexadecimal digits")?;
            return Ok(Self::CramMd5(Box::new(state)));
        }
        if let Some(hex) = entry.strip_prefix(MYSQL_NATIVE) {
            let hash = MysqlNative::parse(hex)
                .ok_or("mysql-native: has to be followed by * and 40 hexadecimal digits")?;
            return Ok(Self::MysqlNative(hash));
        }
        if let Some(hex) = entry.strip_prefix(CACHING_SHA2) {
            let hash =
                CachingSha2::parse(hex).ok_or("caching-sha2: has to be followed by 64 hexadecimal digits")?;
            return Ok(Self::CachingSha2(hash));
        }
        if entry.starts_with("$argon2id$") || entry.starts_with("$scrypt$") {
            return Ok(Self::Slow(Arc::new(SlowHash::parse(entry)?)));
        }
        if is_crypt(entry) {
            return Err("looks like a hash, but of no kind that is known here (argon2id and scrypt are); \
                write plain: before it if it is the secret itself"
                .to_owned());
        }
        Ok(Self::plain(entry.strip_prefix(PLAIN).unwrap_or(entry)))
    }

    /// Whether everyone knows it; of a slow hash that is not found out.
    pub(super) fn is_empty(&self) -> bool {
        self.is_at_once("").into()
    }

    /// The secret itself.
    pub(super) fn plain(secret: impl Into<String>) -> Self {
        Self::Plain(secret.into().into())
    }

    /// Whether it is this secret, as far as that can be said at once: of a slow hash it is not.
    pub(super) fn is_at_once(&self, secret: &str) -> Choice {
        match self {
            Self::Plain(known) => known.as_bytes().ct_eq(secret.as_bytes()),
            Self::Slow(_) => 0.into(),
            Self::CramMd5(known) => known.is_of(secret),
            Self::MysqlNative(known) => known.is_of(secret),
            Self::CachingSha2(known) => known.is_of(secret),
        }
    }

    /// The slow hash, if it is one.
    pub(super) fn slow(&self) -> Option<&Arc<SlowHash>> {
        match self {
            Self::Slow(hash) => Some(hash),
            _ => None,
        }
    }

    /// Whether the digest of a CRAM-MD5 proof was made with this secret.
    pub(super) fn answers_cram_md5(&self, challenge: &str, digest: &str) -> Choice {
        let hmac = match self {
            Self::Plain(secret) => Cow::Owned(HmacMd5::of(secret)),
            Self::CramMd5(hmac) => Cow::Borrowed(&**hmac),
            _ => return 0.into(),
        };
        hmac.digest(challenge).as_bytes().ct_eq(digest.as_bytes())
    }

    /// Whether a token of `mysql_native_password` was made with this secret.
    pub(super) fn answers_mysql_native(&self, nonce: &[u8], token: &[u8]) -> Choice {
        match self {
            Self::Plain(secret) => MysqlNative::of(secret).verify(nonce, token),
            Self::MysqlNative(hash) => hash.verify(nonce, token),
            _ => 0.into(),
        }
    }

    /// Whether a token of `caching_sha2_password` was made with this secret.
    pub(super) fn answers_caching_sha2(&self, nonce: &[u8], token: &[u8]) -> Choice {
        match self {
            Self::Plain(secret) => CachingSha2::of(secret).verify(nonce, token),
            Self::CachingSha2(hash) => hash.verify(nonce, token),
            _ => 0.into(),
        }
    }
}

/// `$kind$rest$more`, as crypt(3) and its kin write hashes.
fn is_crypt(entry: &str) -> bool {
    let Some((kind, rest)) = entry.strip_prefix('$').and_then(|entry| entry.split_once('$')) else {
        return false;
    };
    !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && rest.contains('$')
}

/// The kind alone.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Plain"),
            Self::Slow(hash) => hash.fmt(f),
            Self::CramMd5(hmac) => hmac.fmt(f),
            Self::MysqlNative(_) => f.write_str("MysqlNative"),
            Self::CachingSha2(_) => f.write_str("CachingSha2"),
        }
    }
}

/// What can be kept in the place of a secret, and for which logins it is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verifier {
    /// argon2id (19 MiB, 2 passes): password logins, such as HTTP basic authentication.
    Argon2id,
    /// scrypt (32 MiB, 3 times over): password logins.
    Scrypt,
    /// The key of HMAC-MD5 as Dovecot keeps it: CRAM-MD5 and password logins. A fast hash: who steals it can log in
    /// by CRAM-MD5 and try passwords quickly.
    CramMd5,
    /// SHA1(SHA1(secret)) as MySQL keeps it: `mysql_native_password` and password logins. A fast hash.
    MysqlNative,
    /// SHA256(SHA256(secret)): the fast path of `caching_sha2_password`, and password logins. A fast hash.
    CachingSha2,
}

impl Verifier {
    /// The entry for a credentials file that is kept in the place of `secret`. Slow hashes take tens of milliseconds.
    ///
    /// ```
    /// use rpcwrap::{User, Users, Verifier};
    /// let entry = Verifier::MysqlNative.entry("password")?;
    /// assert_eq!(entry, "mysql-native:*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    /// let users = Users::new([User::new("ala").secret(&entry)]).unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// The system has no random numbers for a salt.
    pub fn entry(self, secret: &str) -> io::Result<String> {
        Ok(match self {
            Self::Argon2id => SlowHash::argon2id(secret)?,
            Self::Scrypt => SlowHash::scrypt(secret)?,
            Self::CramMd5 => format!("{CRAM_MD5}{}", HmacMd5::of(secret).to_hex()),
            Self::MysqlNative => format!("{MYSQL_NATIVE}{}", MysqlNative::of(secret).to_hex()),
            Self::CachingSha2 => format!("{CACHING_SHA2}{}", CachingSha2::of(secret).to_hex()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_secrets_or_what_is_kept_of_them() {
        use Verifier::{Argon2id, CachingSha2, CramMd5, MysqlNative, Scrypt};
        let kept = |verifier: Verifier| Secret::parse(&verifier.entry("ma kota").unwrap()).unwrap();
        for (secret, shown) in [
            (Secret::parse("ma kota").unwrap(), "Plain"),
            (Secret::parse("plain:ma kota").unwrap(), "Plain"),
            (kept(CramMd5), "HmacMd5"),
            (kept(MysqlNative), "MysqlNative"),
            (kept(CachingSha2), "CachingSha2"),
        ] {
            assert_eq!(format!("{secret:?}"), shown);
            assert!(bool::from(secret.is_at_once("ma kota")), "{shown}");
            for wrong in ["ma kot", "ma kotb", "", "plain:ma kota"] {
                assert!(!bool::from(secret.is_at_once(wrong)), "{shown}: {wrong}");
            }
            assert!(secret.slow().is_none());
        }
        for (secret, shown) in [(kept(Argon2id), "argon2id"), (kept(Scrypt), "scrypt")] {
            assert_eq!(format!("{secret:?}"), shown);
            assert!(!bool::from(secret.is_at_once("ma kota")));
            assert!(secret.slow().unwrap().is_of("ma kota"));
        }
    }

    #[test]
    fn empty_secrets_are_found_out_in_every_form() {
        use Verifier::{CachingSha2, CramMd5, MysqlNative};
        let kept = |secret| [CramMd5, MysqlNative, CachingSha2].map(|kind| kind.entry(secret).unwrap());
        for entry in ["", "plain:"].map(str::to_owned).into_iter().chain(kept("")) {
            assert!(Secret::parse(&entry).unwrap().is_empty(), "{entry}");
        }
        for entry in [" ", "plain:plain:"].map(str::to_owned).into_iter().chain(kept("x")) {
            assert!(!Secret::parse(&entry).unwrap().is_empty(), "{entry}");
        }
    }

    #[test]
    fn odd_secrets() {
        for (entry, secret) in [
            ("plain:plain:", "plain:"),
            ("plain:$2b$12$abc", "$2b$12$abc"),
            ("plain:cram-md5:0", "cram-md5:0"),
            ("$", "$"),
            ("$5", "$5"),
            ("$5$", "$5$"),
            ("$$$", "$$$"),
            ("$a b$c$", "$a b$c$"),
            ("CRAM-MD5:0", "CRAM-MD5:0"),
        ] {
            assert!(bool::from(Secret::parse(entry).unwrap().is_at_once(secret)), "{entry}");
        }
        for (entry, why) in [
            ("cram-md5:12", "64 hexadecimal digits"),
            ("mysql-native:*xyz", "40 hexadecimal digits"),
            ("caching-sha2:", "64 hexadecimal digits"),
            ("$2b$12$abcdef", "of no kind that is known"),
            ("$A$005$abcdef", "of no kind that is known"),
            ("$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l", "of no kind that is known"),
            ("$argon2id$v=19", "has no salt"),
        ] {
            let error = Secret::parse(entry).unwrap_err();
            assert!(error.contains(why) && !error.contains("abcdef"), "{entry}: {error}");
        }
    }
}
