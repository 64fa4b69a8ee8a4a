//! What the fast path of `caching_sha2_password` needs of a secret: SHA256(SHA256(secret)).
//!
//! MySQL keeps this in memory only, after a first login that sends the secret; here it is what is kept.

use super::hex;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

const SIZE: usize = 32;

/// SHA256(SHA256(secret)).
#[derive(Clone)]
pub(crate) struct CachingSha2([u8; SIZE]);

impl CachingSha2 {
    pub(super) fn of(secret: &str) -> Self {
        Self(Sha256::digest(Sha256::digest(secret)).into())
    }

    /// From 64 hexadecimal digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        hex::decode(text).map(Self)
    }

    /// What [`parse`](Self::parse) takes.
    pub(super) fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// Whether a client that was sent `nonce` and answered `token` knows the secret: token =
    /// SHA256(secret) XOR SHA256(SHA256(SHA256(secret)) ‖ nonce).
    pub(crate) fn verify(&self, nonce: &[u8], token: &[u8]) -> Choice {
        let Ok(token) = <[u8; SIZE]>::try_from(token) else { return 0.into() };
        let mask: [u8; SIZE] = Sha256::new_with_prefix(self.0).chain_update(nonce).finalize().into();
        let once: [u8; SIZE] = std::array::from_fn(|at| token[at] ^ mask[at]);
        let twice: [u8; SIZE] = Sha256::digest(once).into();
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
    fn a_token_is_good_for_its_nonce_and_secret() {
        // By Python's hashlib, from the formulas above, for the secret `ma kota`.
        let kept = CachingSha2::of("ma kota");
        assert_eq!(kept.to_hex(), KEPT);
        assert!(bool::from(CachingSha2::parse(KEPT).unwrap().is_of("ma kota")));
        assert!(!bool::from(kept.is_of("kot2")) && CachingSha2::parse(&KEPT[2..]).is_none());
        let token: [u8; SIZE] = hex::decode(TOKEN).unwrap();
        let good = |nonce: &[u8], token: &[u8]| bool::from(kept.verify(nonce, token));
        assert!(good(NONCE, &token));
        assert!(!good(b"0123456789abcdefghiJ", &token) && !good(b"", &token));
        assert!(!bool::from(CachingSha2::of("kot2").verify(NONCE, &token)));
        for at in 0..SIZE {
            let mut other = token;
            other[at] ^= 1;
            assert!(!good(NONCE, &other) && !good(NONCE, &token[..at]));
        }
    }

    const KEPT: &str = "0409649b9a2b957042f5fa44b91daad701a4865fb9f41d6fea73be3244a7b99f";
    const TOKEN: &str = "9d50d529b3ca5ccb1c74018e53b03c2d331c456b94a47da3c9c2984ff3cddbb8";
}
