//! What `mysql_native_password` needs of a secret: SHA1(SHA1(secret)), as MySQL prints it after a `*`.

use super::hex;
use sha1::{Digest, Sha1};
use subtle::{Choice, ConstantTimeEq};

const SIZE: usize = 20;

/// SHA1(SHA1(secret)).
#[derive(Clone)]
pub(crate) struct MysqlNative([u8; SIZE]);

impl MysqlNative {
    pub(super) fn of(secret: &str) -> Self {
        Self(Sha1::digest(Sha1::digest(secret)).into())
    }

    /// From 40 hexadecimal digits, with or without the `*`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        hex::decode(text.strip_prefix('*').unwrap_or(text)).map(Self)
    }

    /// As MySQL prints it.
    pub(super) fn to_hex(&self) -> String {
        format!("*{}", hex::encode(&self.0).to_uppercase())
    }

    /// Whether a client that was sent `nonce` and answered `token` knows the secret: token =
    /// SHA1(secret) XOR SHA1(nonce ‖ SHA1(SHA1(secret))).
    pub(crate) fn verify(&self, nonce: &[u8], token: &[u8]) -> Choice {
        let Ok(token) = <[u8; SIZE]>::try_from(token) else { return 0.into() };
        let mask: [u8; SIZE] = Sha1::new_with_prefix(nonce).chain_update(self.0).finalize().into();
        let once: [u8; SIZE] = std::array::from_fn(|at| token[at] ^ mask[at]);
        let twice: [u8; SIZE] = Sha1::digest(once).into();
        twice.ct_eq(&self.0)
    }

    /// Whether it is that secret's.
    pub(super) fn is_of(&self, secret: &str) -> Choice {
        self.0.ct_eq(&Self::of(secret).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &[u8] = b"0123456789abcdefghij";

    #[test]
    fn the_text_is_mysql_s() {
        // SELECT PASSWORD('password') and SELECT PASSWORD('root') of MySQL 5.7.
        for (secret, text) in [
            ("password", "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"),
            ("root", "*81F5E21E35407D884A6CD4A731AEBFB6AF209E1B"),
        ] {
            assert_eq!(MysqlNative::of(secret).to_hex(), text);
            for text in [text, &text[1..], &text.to_lowercase()] {
                let kept = MysqlNative::parse(text).unwrap();
                assert!(bool::from(kept.is_of(secret)) && !bool::from(kept.is_of("other")));
            }
        }
        assert!(MysqlNative::parse("*2470").is_none() && MysqlNative::parse("").is_none());
    }

    #[test]
    fn a_token_is_good_for_its_nonce_and_secret() {
        // By Python's hashlib, from the formula above, for the secret `ma kota`.
        let token: [u8; SIZE] = hex::decode(TOKEN).unwrap();
        let kept = MysqlNative::of("ma kota");
        let good = |nonce: &[u8], token: &[u8]| bool::from(kept.verify(nonce, token));
        assert!(good(NONCE, &token));
        assert!(!good(b"0123456789abcdefghiJ", &token) && !good(b"", &token));
        assert!(!bool::from(MysqlNative::of("kot2").verify(NONCE, &token)));
        for at in 0..SIZE {
            let mut other = token;
            other[at] ^= 1;
            assert!(!good(NONCE, &other) && !good(NONCE, &token[..at]));
        }
    }

    const TOKEN: &str = "66d9a22c89a8434b093a6b2ead37b63a491a8848";
}
