//! The users of a server: an immutable table, made once, checked against by every protocol, and swapped whole.

use super::{
    Credential, Denied, Identity,
    secret::{Secret, SlowHash},
    user::User,
};
use crate::error::ConfigError;
use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use subtle::Choice;

/// A table of users. What it holds never changes; a server goes over to another one.
#[derive(Clone)]
pub struct Users {
    users: HashMap<Arc<str>, Arc<User>>,
    /// A hash of one of them, to be checked in vain where a user has none: of the same cost as theirs.
    slow: Option<Arc<SlowHash>>,
    /// Told apart from every other table of the process.
    id: u64,
    /// Why no server may have it.
    fault: Option<UsersError>,
}

/// A user that cannot be in a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("user {user:?}: {why}")]
pub struct UsersError {
    user: String,
    why: String,
}

impl From<UsersError> for ConfigError {
    fn from(UsersError { user, why }: UsersError) -> Self {
        Self::BadUser { user, why }
    }
}

impl Users {
    /// A table of these users.
    ///
    /// # Errors
    /// Two have one name, or something given to one of them makes no sense.
    pub fn new(users: impl IntoIterator<Item = User>) -> Result<Self, UsersError> {
        let mut table = HashMap::new();
        for mut user in users {
            let refused = |why: String| UsersError { user: user.name.as_ref().to_owned(), why };
            if let Some(why) = user.fault.take() {
                return Err(refused(why));
            }
            user.check_secrets().map_err(refused)?;
            match table.entry(user.name.clone()) {
                Entry::Vacant(place) => _ = place.insert(Arc::new(user)),
                Entry::Occupied(_) => return Err(refused("is there twice".to_owned())),
            }
        }
        Ok(Self::of(table))
    }

    /// A table of users of whom all but the names and the secrets is as [`User::new`] has it; of two of one name the
    /// later one is in it. What is wrong with them is said by [`fault`](Self::fault).
    pub(super) fn plain(users: impl IntoIterator<Item = User>) -> Self {
        let mut table = Self::of(users.into_iter().map(|user| (user.name.clone(), Arc::new(user))).collect());
        let fault = |user: &Arc<User>| {
            let why = user.check_secrets().err()?;
            Some(UsersError { user: user.name.as_ref().to_owned(), why })
        };
        table.fault = table.users.values().find_map(fault);
        table
    }

    /// Why no server may have it.
    pub(crate) fn fault(&self) -> Option<&UsersError> {
        self.fault.as_ref()
    }

    fn of(users: HashMap<Arc<str>, Arc<User>>) -> Self {
        static TABLES: AtomicU64 = AtomicU64::new(0);
        let slow = users.values().flat_map(|user| &user.secrets).find_map(Secret::slow).cloned();
        Self { users, slow, id: TABLES.fetch_add(1, Ordering::Relaxed), fault: None }
    }

    /// The user of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// All of them, in the order of their names.
    #[cfg(feature = "resp")]
    pub(crate) fn sorted(&self) -> Vec<&Arc<User>> {
        let mut all: Vec<_> = self.users.values().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// The number of users.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there are no users.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// What users of the same name have used up of their limits in `old`, they have used up here too. For the table
    /// that takes `old`'s place, before it does.
    #[must_use]
    pub fn adopt(mut self, old: &Self) -> Self {
        for (name, user) in &mut self.users {
            if let Some(old) = old.get(name) {
                Arc::make_mut(user).state = old.state.clone();
            }
        }
        self
    }

    /// Told apart from every other table of the process.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The one check of every protocol, as far as it is done at once.
    ///
    /// An unknown user takes the same work as one with a single plain secret, and the same slow hash where the table
    /// has any.
    pub(super) fn check(&self, credential: &Credential<'_>) -> Check {
        match *credential {
            Credential::Password { user, secret } => self.check_password(user, secret),
            Credential::CramMd5 { challenge, proof } => {
                let Some((user, digest)) = proof.split_once(' ') else {
                    return Check::Done(Err(Denied::new()));
                };
                // An empty challenge is one that was never given.
                let given = Choice::from(u8::from(!challenge.is_empty()));
                self.any(user, |secret| given & secret.answers_cram_md5(challenge, digest))
            }
            Credential::MysqlNative { user, nonce, token } => {
                self.any(user, |secret| secret.answers_mysql_native(nonce, token))
            }
            Credential::CachingSha2 { user, nonce, token } => {
                self.any(user, |secret| secret.answers_caching_sha2(nonce, token))
            }
        }
    }

    fn check_password(&self, name: &str, offered: &str) -> Check {
        let at_once = self.any(name, |secret| secret.is_at_once(offered));
        let Some(stand_in) = &self.slow else { return at_once };
        if matches!(at_once, Check::Done(Ok(_))) {
            return at_once;
        }
        let user = self.get(name);
        let own = user.iter().flat_map(|user| &user.secrets).filter_map(Secret::slow).cloned();
        let mut hashes: Vec<_> = own.collect();
        let in_vain = hashes.is_empty();
        if in_vain {
            hashes.push(stand_in.clone());
        }
        let name = user.map_or_else(|| name.into(), |user| user.name.clone());
        Check::Slow(SlowCheck { name, offered: offered.into(), hashes, in_vain })
    }

    /// Whether a secret of the user does it; every one is tried, and a stand-in where there is no such user.
    fn any(&self, name: &str, right: impl Fn(&Secret) -> Choice) -> Check {
        let Some(user) = self.get(name) else {
            let _ = right(&Secret::plain(""));
            return Check::Done(Err(Denied::new()));
        };
        let right = user.secrets.iter().fold(Choice::from(0), |found, secret| found | right(secret));
        Check::Done(if right.into() { Ok(Identity::of_table(user.name.clone())) } else { Err(Denied::new()) })
    }
}

/// The names.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.users.keys().collect();
        names.sort();
        f.debug_tuple("Users").field(&names).finish()
    }
}

/// How far a check has come.
pub(super) enum Check {
    Done(Result<Identity, Denied>),
    /// The rest takes long.
    Slow(SlowCheck),
}

/// A password to be checked against slow hashes.
pub(super) struct SlowCheck {
    pub(super) name: Arc<str>,
    pub(super) offered: Box<str>,
    hashes: Vec<Arc<SlowHash>>,
    /// There is no hash that could be right; the work is done all the same.
    in_vain: bool,
}

impl SlowCheck {
    /// The user, whose password was found right before.
    pub(super) fn known_right(self) -> Identity {
        Identity::of_table(self.name)
    }

    /// Does it on this thread, for tens of milliseconds.
    pub(super) fn run(self) -> Result<Identity, Denied> {
        let right = self.hashes.iter().fold(false, |right, hash| right | hash.is_of(&self.offered));
        if right && !self.in_vain { Ok(Identity::of_table(self.name)) } else { Err(Denied::new()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Verifier, fixture::ARGON2ID};
    use codecs::cram_md5;
    use std::time::{Duration, Instant};

    const NONCE: &[u8] = b"0123456789abcdefghij";

    /// Every kind of secret there is, all of them made of `ma kota`, and plain `kot2`.
    fn users() -> Users {
        let entry = |verifier: Verifier| verifier.entry("ma kota").unwrap();
        Users::new([
            User::new("plain").secret("ma kota").secret("kot2"),
            User::new("slow").secret(ARGON2ID),
            User::new("cram").secret(&entry(Verifier::CramMd5)),
            User::new("native").secret(&entry(Verifier::MysqlNative)),
            User::new("sha2").secret(&entry(Verifier::CachingSha2)),
            User::new("none"),
        ])
        .unwrap()
    }

    fn done(check: Check) -> Option<String> {
        let result = match check {
            Check::Done(result) => result,
            Check::Slow(slow) => slow.run(),
        };
        result.ok().map(|identity| identity.name().to_owned())
    }

    fn password(users: &Users, user: &str, secret: &str) -> Option<String> {
        done(users.check(&Credential::Password { user, secret }))
    }

    fn tokens(secret: &str) -> (Vec<u8>, Vec<u8>) {
        use sha1::{Digest, Sha1};
        use sha2::Sha256;
        let xor = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a ^ b).collect::<Vec<u8>>();
        let once = Sha1::digest(secret);
        let native = xor(&once, &Sha1::digest([NONCE, &Sha1::digest(once)].concat()));
        let once = Sha256::digest(secret);
        let sha2 = xor(&once, &Sha256::digest([&Sha256::digest(once)[..], NONCE].concat()));
        (native, sha2)
    }

    #[test]
    fn what_is_kept_says_which_logins_there_are() {
        let users = users();
        for (user, by_password, by_cram, by_native, by_sha2) in [
            ("plain", true, true, true, true),
            ("slow", true, false, false, false),
            ("cram", true, true, false, false),
            ("native", true, false, true, false),
            ("sha2", true, false, false, true),
            ("none", false, false, false, false),
            ("eve", false, false, false, false),
        ] {
            let expected = |right: bool| right.then(|| user.to_owned());
            assert_eq!(password(&users, user, "ma kota"), expected(by_password), "{user}");
            assert_eq!(password(&users, user, "wrong"), None, "{user}");
            assert_eq!(password(&users, user, ""), None, "{user}");

            let challenge = "<1.2@host>";
            let cram = |secret, challenge: &str| {
                let proof = cram_md5::proof(user, secret, "<1.2@host>");
                done(users.check(&Credential::CramMd5 { challenge, proof: &proof }))
            };
            assert_eq!(cram("ma kota", challenge), expected(by_cram), "{user}");
            assert_eq!((cram("wrong", challenge), cram("ma kota", "<other>")), (None, None), "{user}");

            let (native, sha2) = tokens("ma kota");
            let check = |credential: &Credential<'_>| done(users.check(credential));
            let by = |nonce, token| Credential::MysqlNative { user, nonce, token };
            assert_eq!(check(&by(NONCE, &native)), expected(by_native), "{user}");
            let by = |nonce, token| Credential::CachingSha2 { user, nonce, token };
            assert_eq!(check(&by(NONCE, &sha2)), expected(by_sha2), "{user}");
            for token in [&native[..], &[], &sha2[1..]] {
                assert_eq!(check(&by(NONCE, token)), None, "{user}");
            }
        }
        assert_eq!(password(&users, "plain", "kot2").as_deref(), Some("plain"));
    }

    #[test]
    fn malformed_proofs_are_denied() {
        let users = users();
        let good = cram_md5::proof("plain", "kot2", "<1.2@h>");
        let (user, hex) = good.split_once(' ').unwrap();
        let empty = cram_md5::proof("plain", "kot2", "");
        for (challenge, proof) in [
            ("<1.2@h>", &*format!("{user} {}", hex.to_uppercase())),
            ("<1.2@h>", &format!("{user}{hex}")),
            ("<1.2@h>", &format!("{user}  {hex}")),
            ("<1.2@h>", &format!("{good} ")),
            ("<1.2@h>", &format!("{user} {}", &hex[..31])),
            ("<1.2@h>", ""),
            ("<1.2@h>", " "),
            ("", &empty),
        ] {
            let credential = Credential::CramMd5 { challenge, proof };
            assert_eq!(done(users.check(&credential)), None, "{proof:?}");
        }
        assert!(done(users.check(&Credential::CramMd5 { challenge: "<1.2@h>", proof: &good })).is_some());
    }

    #[test]
    fn where_one_hash_is_slow_every_wrong_password_is() {
        let users = users();
        let slow =
            |user, secret| matches!(users.check(&Credential::Password { user, secret }), Check::Slow(_));
        for user in ["plain", "slow", "cram", "none", "eve"] {
            assert!(slow(user, "wrong"), "{user}");
        }
        assert!(!slow("plain", "kot2") && slow("slow", "ma kota"));
        // The stand-in is another user's hash: its secret opens nothing.
        assert_eq!(password(&users, "eve", "ma kota"), None);
        assert_eq!(password(&users, "none", "ma kota"), None);
        let fast = Users::new([User::new("ala").secret("p")]).unwrap();
        assert!(matches!(
            fast.check(&Credential::Password { user: "eve", secret: "p" }),
            Check::Done(Err(_))
        ));
    }

    #[test]
    fn faults_name_the_user_and_no_secret() {
        let error = Users::new([User::new("ala"), User::new("ola").secret("$2b$05$kota")]).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("user \"ola\": secret 1 looks like") && !text.contains("kota"), "{text}");
        let error = Users::new([User::new("ala"), User::new("ala")]).unwrap_err();
        assert_eq!(error.to_string(), "user \"ala\": is there twice");
        assert_eq!(format!("{:?}", users()), r#"Users(["cram", "native", "none", "plain", "sha2", "slow"])"#);
    }

    #[test]
    fn a_table_takes_over_what_was_used_up() {
        let table = |limit| Users::new([User::new("ala").max_in_flight(limit).rate(1.0, Some(2))]).unwrap();
        let old = table(1);
        let now = Instant::now();
        let _permit = old.get("ala").unwrap().admit(now).unwrap();
        let fresh = table(1);
        assert!(fresh.get("ala").unwrap().admit(now).is_ok());
        let new = table(2).adopt(&old);
        let ala = new.get("ala").unwrap();
        // One of two permits and one of two calls are gone.
        let second = ala.admit(now).unwrap();
        assert!(ala.admit(now).is_err());
        drop(second);
        assert!(ala.admit(now).unwrap_err().to_string().contains("rate"));
        assert!(ala.admit(now + Duration::from_secs(1)).is_ok());
        assert!(Users::new([]).unwrap().is_empty() && new.len() == 1);
    }
}
