//! The table of users that is in force, and the file it was read from.

use super::{Credential, Denied, Identity, User, Users, secret::Secret, users::Check, users_file};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why a credentials file was not taken. The secrets are never part of the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("cannot read credentials file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no JSON, or holds something that is no user.
    #[error("{}:{line}:{column}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where reading stopped, counted from 1.
        line: usize,
        /// Bytes read of that line.
        column: usize,
        /// What is wrong, with the name of the user.
        why: String,
    },
}

impl Users {
    /// The users of a JSON file: `{"user": ["secret", …]}`, or an object in the place of the list, with any of the
    /// members `secrets`, `allow`, `rate`, `burst`, `max_in_flight`, `admin`, `monitor`.
    ///
    /// # Errors
    /// The file cannot be read, or something in it makes no sense.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, CredentialsError> {
        let path = path.into();
        match fs::read(&path) {
            Ok(text) => users_file::parse(&text).map_err(|fault| {
                let users_file::Fault { line, column, why } = fault;
                CredentialsError::Malformed { path, line, column, why }
            }),
            Err(source) => Err(CredentialsError::Unreadable { path, source }),
        }
    }
}

/// The users of a server, and the file they came from, if they did.
///
/// ```
/// use rpcwrap::Credentials;
/// let users = Credentials::new([("ala", ["ma kota", "kot2"])]);
/// assert!(users.check("ala", "kot2") && !users.check("ala", "wrong") && !users.check("bob", ""));
/// ```
#[derive(Clone)]
pub struct Credentials {
    users: Arc<Users>,
    file: Option<Arc<Path>>,
}

impl Credentials {
    /// Users given by the program, who may do everything; each may have several secrets, so that they can be changed
    /// without a gap. Of two users of one name the later one counts. No server is built with a secret that is empty.
    ///
    /// For secrets that are hashed and users with rights see [`User`] and [`from`](Self::from).
    pub fn new<U, S, L>(users: impl IntoIterator<Item = (U, L)>) -> Self
    where
        U: Into<String>,
        S: Into<String>,
        L: IntoIterator<Item = S>,
    {
        Self::from(Users::plain(users.into_iter().map(|(name, secrets)| {
            let mut user = User::new(name.into());
            user.secrets = secrets.into_iter().map(Secret::plain).collect();
            user
        })))
    }

    /// Users of a JSON file, as [`Users::from_file`] takes it.
    ///
    /// # Errors
    /// The file cannot be read, or something in it makes no sense.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, CredentialsError> {
        let path: PathBuf = path.into();
        Ok(Self { file: Some(path.as_path().into()), ..Self::from(Users::from_file(path)?) })
    }

    /// What the file holds now, for [`PolicyChange::credentials`](crate::PolicyChange::credentials). Without a file:
    /// these.
    ///
    /// # Errors
    /// The file cannot be read or has another form.
    pub fn read_again(&self) -> Result<Self, CredentialsError> {
        self.file.as_deref().map_or_else(|| Ok(self.clone()), Self::from_file)
    }

    /// The same users, who have used up of their limits what those of the same name have in `old`.
    pub(crate) fn adopt(self, old: &Self) -> Self {
        let users = Arc::unwrap_or_clone(self.users).adopt(&old.users);
        Self { users: Arc::new(users), file: self.file }
    }

    /// Whether `secret` is one of the user's secrets; takes the same time for every wrong one of a length. Where the
    /// table has argon2id or scrypt hashes this takes tens of milliseconds.
    pub fn check(&self, user: &str, secret: &str) -> bool {
        self.verify(&Credential::Password { user, secret }).is_ok()
    }

    /// The check of what a peer offers, however long it takes.
    pub(super) fn verify(&self, credential: &Credential<'_>) -> Result<Identity, Denied> {
        match self.users.check(credential) {
            Check::Done(result) => result,
            Check::Slow(slow) => slow.run(),
        }
    }

    /// The table.
    #[inline]
    pub(crate) fn users(&self) -> &Users {
        &self.users
    }
}

impl Default for Credentials {
    fn default() -> Self {
        Self::from(Users::plain([]))
    }
}

impl From<Users> for Credentials {
    fn from(users: Users) -> Self {
        Self { users: Arc::new(users), file: None }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("users", &self.users()).field("file", &self.file).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codecs::cram_md5;

    #[test]
    fn only_a_right_credential_makes_an_identity() {
        let users = Credentials::new([("ala", ["ma kota", "kot2"])]);
        let password = |user, secret| users.verify(&Credential::Password { user, secret });
        assert_eq!(password("ala", "kot2").unwrap().name(), "ala");
        assert!(!password("ala", "kot2").unwrap().is_by_certificate());
        for (user, secret) in [("ala", "wrong"), ("bob", "kot2"), ("", "")] {
            assert_eq!(password(user, secret), Err(Denied::new()), "{user}");
        }
        let challenge = "<1.2@host>";
        let proof = cram_md5::proof("ala", "kot2", challenge);
        let answer = |challenge| users.verify(&Credential::CramMd5 { challenge, proof: &proof });
        assert_eq!(answer(challenge).unwrap().name(), "ala");
        assert_eq!(answer("<other>"), Err(Denied::new()));
        // What the program gives is the secret, whatever it looks like.
        assert!(Credentials::new([("ala", ["$2b$05$x"])]).check("ala", "$2b$05$x"));
        let twice = Credentials::new([("ala", ["p"]), ("ala", ["q"])]);
        assert!(twice.check("ala", "q") && !twice.check("ala", "p"));
        assert!(!Credentials::default().check("", ""));
    }

    #[test]
    fn a_file_is_read_again_or_refused() {
        let path = std::env::temp_dir().join(format!("rpcwrap-credentials-{}.json", std::process::id()));
        fs::write(&path, r#"{"ala": ["ma kota"]}"#).unwrap();
        let users = Credentials::from_file(&path).unwrap();
        assert!(users.check("ala", "ma kota"));
        fs::write(&path, r#"{"ala": "ma kota"}"#).unwrap();
        let error = users.read_again().unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{}:1:17: user \"ala\": has to be a list of secrets or an object", path.display())
        );
        fs::write(&path, r#"{"ola": {"secrets": ["p"]}}"#).unwrap();
        let changed = users.read_again().unwrap();
        assert!(changed.check("ola", "p") && !changed.check("ala", "ma kota"));
        fs::remove_file(&path).unwrap();
        assert!(changed.read_again().unwrap_err().to_string().contains("cannot read"));
    }
}
