//! Passwords that a slow hash has found right, so that each request of a client need not pay for it again.
//!
//! Neither the password nor the user is kept, but an HMAC of both and of the table they were right for, under a key
//! that lasts as long as the process. What was wrong is not kept: a guess costs its full price every time.

use super::users::Users;
use crate::lock::lock;
use hmac::{Hmac, KeyInit, Mac};
use lru::LruCache;
use sha2::Sha256;
use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

/// How long a password is known to be right.
const KNOWN: Duration = Duration::from_secs(300);
/// Passwords known at a time.
const PASSWORDS: usize = 1024;

type Key = [u8; 32];

/// The passwords found right of late.
pub(super) struct Verified {
    /// None where the system has no random numbers: then nothing is kept.
    mac: Option<Hmac<Sha256>>,
    /// Until when each is known, the last found right first.
    known: Mutex<LruCache<Key, Instant>>,
}

impl Verified {
    pub(super) fn new() -> Self {
        let mut key = [0; 64];
        let mac = getrandom::fill(&mut key).ok().and_then(|()| Hmac::new_from_slice(&key).ok());
        Self { mac, known: Mutex::new(LruCache::unbounded()) }
    }

    /// By what a password of a user is known, as far as `users` goes.
    pub(super) fn key(&self, users: &Users, user: &str, password: &str) -> Option<Key> {
        let mut mac = self.mac.clone()?;
        mac.update(&users.id().to_le_bytes());
        mac.update(&(user.len() as u64).to_le_bytes());
        mac.update(user.as_bytes());
        mac.update(password.as_bytes());
        Some(mac.finalize().into_bytes().into())
    }

    /// Whether it was found right not long before `now`.
    pub(super) fn knows(&self, key: &Key, now: Instant) -> bool {
        let known = lock(&self.known);
        known.peek(key).is_some_and(|until| now < *until)
    }

    /// It was found right at `now`.
    pub(super) fn found_right(&self, key: Key, now: Instant) {
        let mut known = lock(&self.known);
        known.put(key, now + KNOWN);
        while known.len() > PASSWORDS || known.peek_lru().is_some_and(|(_, until)| now >= *until) {
            known.pop_lru();
        }
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        lock(&self.known).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::User;
    use tokio::time::advance;

    fn key(verified: &Verified, users: &Users, user: &str, password: &str) -> Key {
        verified.key(users, user, password).unwrap()
    }

    #[test]
    fn keys_tell_apart_all_that_counts() {
        let (one, other) = (Users::plain([]), Users::plain([]));
        let verified = Verified::new();
        let good = key(&verified, &one, "ala", "kot2");
        assert_eq!(good, key(&verified, &one, "ala", "kot2"));
        for different in [
            key(&verified, &one, "ala", "kot"),
            key(&verified, &one, "alak", "ot2"),
            key(&verified, &other, "ala", "kot2"),
            key(&Verified::new(), &one, "ala", "kot2"),
        ] {
            assert_ne!(good, different);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_known_for_a_while() {
        let verified = Verified::new();
        let users = Users::new([User::new("ala")]).unwrap();
        let good = key(&verified, &users, "ala", "kot2");
        let knows = |key| verified.knows(key, Instant::now());
        assert!(!knows(&good));
        verified.found_right(good, Instant::now());
        advance(KNOWN - Duration::from_millis(1)).await;
        assert!(knows(&good));
        // Found right again: known for longer, the older entry does not take it away.
        verified.found_right(good, Instant::now());
        advance(Duration::from_millis(1)).await;
        verified.found_right(key(&verified, &users, "ala", "other"), Instant::now());
        assert!(knows(&good));
        advance(KNOWN).await;
        assert!(!knows(&good));
        verified.found_right(good, Instant::now());
        verified.clear();
        assert!(!knows(&good));
    }

    #[tokio::test(start_paused = true)]
    async fn their_number_is_bounded() {
        let verified = Verified::new();
        let users = Users::plain([]);
        let nth = |n: usize| key(&verified, &users, "ala", &n.to_string());
        for n in 0..=PASSWORDS {
            verified.found_right(nth(n), Instant::now());
        }
        let knows = |n| verified.knows(&nth(n), Instant::now());
        assert!(!knows(0) && knows(1) && knows(PASSWORDS));
        for _ in 0..3 * PASSWORDS {
            verified.found_right(nth(7), Instant::now());
        }
        assert!(verified.known.lock().unwrap().len() <= PASSWORDS);
    }
}
