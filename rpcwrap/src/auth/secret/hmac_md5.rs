//! What CRAM-MD5 needs of a secret: HMAC-MD5 as it stands after its key, which is not the secret.
//!
//! The two MD5 states, outer and inner, are what Dovecot keeps as its scheme `CRAM-MD5`. Who has them can log in by
//! CRAM-MD5, but does not know the secret.

use super::hex;
use md5::{
    Digest, Md5,
    digest::common::hazmat::{SerializableState, SerializedState},
};
use std::fmt;
use subtle::{Choice, ConstantTimeEq};

const BLOCK: usize = 64;
const STATE: usize = 16;

/// HMAC-MD5 with its key taken in.
#[derive(Clone)]
pub(crate) struct HmacMd5 {
    outer: Md5,
    inner: Md5,
}

impl HmacMd5 {
    /// With a secret as the key.
    pub(crate) fn of(secret: &str) -> Self {
        let mut key = [0; BLOCK];
        if secret.len() > BLOCK {
            key[..STATE].copy_from_slice(&Md5::digest(secret));
        } else {
            key[..secret.len()].copy_from_slice(secret.as_bytes());
        }
        let after = |pad: u8| Md5::new_with_prefix(key.map(|byte| byte ^ pad));
        Self { outer: after(0x5c), inner: after(0x36) }
    }

    /// From 64 hexadecimal digits: the outer state, then the inner one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let states: [u8; 2 * STATE] = hex::decode(text)?;
        let (outer, inner) = states.split_at(STATE);
        Some(Self { outer: restore(outer)?, inner: restore(inner)? })
    }

    /// What [`parse`](Self::parse) takes.
    pub(super) fn to_hex(&self) -> String {
        hex::encode(&self.states())
    }

    /// The message's authentication code in lower-case hex, as a proof has it.
    pub(crate) fn digest(&self, message: &str) -> String {
        let inner = self.inner.clone().chain_update(message).finalize();
        hex::encode(&self.outer.clone().chain_update(inner).finalize())
    }

    /// Whether it is that secret's.
    pub(super) fn is_of(&self, secret: &str) -> Choice {
        self.states().ct_eq(&Self::of(secret).states())
    }

    fn states(&self) -> [u8; 2 * STATE] {
        let mut states = [0; 2 * STATE];
        states[..STATE].copy_from_slice(&self.outer.serialize()[..STATE]);
        states[STATE..].copy_from_slice(&self.inner.serialize()[..STATE]);
        states
    }
}

/// MD5 as it stands after one block: the state, the number of blocks, an empty buffer.
fn restore(state: &[u8]) -> Option<Md5> {
    let mut serialized = SerializedState::<Md5>::default();
    serialized[..STATE].copy_from_slice(state);
    serialized[STATE] = 1;
    Md5::deserialize(&serialized).ok()
}

impl fmt::Debug for HmacMd5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacMd5")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codecs::cram_md5::proof;

    #[test]
    fn digests_are_hmac_md5() {
        let long = "k".repeat(65);
        for secret in ["", "ma kota", "tanstaaftanstaaf", &"k".repeat(64), &long] {
            for message in ["", "<1896.697170952@postoffice.reston.mci.net>", &"m".repeat(200)] {
                let expected = proof("u", secret, message);
                assert_eq!(format!("u {}", HmacMd5::of(secret).digest(message)), expected, "{secret}");
                let kept = HmacMd5::parse(&HmacMd5::of(secret).to_hex()).unwrap();
                assert_eq!(format!("u {}", kept.digest(message)), expected, "{secret}");
            }
        }
    }

    #[test]
    fn the_text_is_dovecot_s() {
        // `doveadm pw -s CRAM-MD5 -p test`.
        let text = "e02d374fde0dc75a17a557039a3a5338c7743304777dccd376f332bee68d2cf6";
        assert_eq!(HmacMd5::of("test").to_hex(), text);
        let kept = HmacMd5::parse(text).unwrap();
        assert!(bool::from(kept.is_of("test")) && !bool::from(kept.is_of("Test")));
        assert!(HmacMd5::parse(&text[1..]).is_none() && HmacMd5::parse("").is_none());
        assert!(!format!("{kept:?}").contains("e02d"));
    }
}
