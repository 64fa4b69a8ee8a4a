//! Users and their secrets, read from a JSON file `{"user": ["secret", …]}` as vitess' `-auth-credentials`.

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};
use subtle::ConstantTimeEq;

/// Why a credentials file was not taken. The secrets are never part of the text.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("cannot read credentials file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not of the form `{"user": ["secret", …]}`.
    #[error("credentials file {}: line {line}: not of the form {{\"user\": [\"secret\", …]}}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where reading stopped.
        line: usize,
    },
}

type Users = HashMap<String, Vec<String>>;

/// The users of a server. Clones share one table, so that a reload reaches every connection made after it.
///
/// ```
/// use rpcwrap::Credentials;
/// let users = Credentials::new([("ala", ["ma kota", "kot2"])]);
/// assert!(users.check("ala", "kot2") && !users.check("ala", "wrong") && !users.check("bob", ""));
/// ```
#[derive(Clone, Default)]
pub struct Credentials {
    users: Arc<RwLock<Arc<Users>>>,
    file: Option<Arc<Path>>,
}

impl Credentials {
    /// Users given by the program; each may have several secrets, so that they can be changed without a gap.
    pub fn new<U, S, L>(users: impl IntoIterator<Item = (U, L)>) -> Self
    where
        U: Into<String>,
        S: Into<String>,
        L: IntoIterator<Item = S>,
    {
        let users: Users = users
            .into_iter()
            .map(|(user, secrets)| (user.into(), secrets.into_iter().map(Into::into).collect()))
            .collect();
        Self { users: Arc::new(RwLock::new(Arc::new(users))), file: None }
    }

    /// Users of a JSON file.
    ///
    /// # Errors
    /// The file cannot be read or has another form.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, CredentialsError> {
        let path: PathBuf = path.into();
        let users = read(&path)?;
        Ok(Self { users: Arc::new(RwLock::new(Arc::new(users))), file: Some(path.into()) })
    }

    /// Reads the file again, for connections that log in from now on. Without a file nothing happens.
    ///
    /// # Errors
    /// The file cannot be read or has another form; the users stay as they were.
    pub fn reload(&self) -> Result<(), CredentialsError> {
        if let Some(path) = &self.file {
            let users = Arc::new(read(path)?);
            *self.users.write().unwrap_or_else(std::sync::PoisonError::into_inner) = users;
        }
        Ok(())
    }

    /// Whether `secret` is one of the user's secrets; takes the same time for every wrong one of a length.
    pub fn check(&self, user: &str, secret: &str) -> bool {
        let users = self.table();
        let mut right = subtle::Choice::from(0);
        for known in users.get(user).map(Vec::as_slice).unwrap_or_default() {
            right |= known.as_bytes().ct_eq(secret.as_bytes());
        }
        right.into()
    }

    /// The users as they are now.
    pub(crate) fn table(&self) -> Arc<Users> {
        self.users.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table();
        let mut users: Vec<_> = table.keys().collect();
        users.sort();
        f.debug_struct("Credentials").field("users", &users).field("file", &self.file).finish()
    }
}

fn read(path: &Path) -> Result<Users, CredentialsError> {
    let text =
        fs::read(path).map_err(|source| CredentialsError::Unreadable { path: path.to_owned(), source })?;
    serde_json::from_slice(&text)
        .map_err(|error| CredentialsError::Malformed { path: path.to_owned(), line: error.line() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_reload_keeps_the_users() {
        let path = std::env::temp_dir().join(format!("rpcwrap-credentials-{}.json", std::process::id()));
        fs::write(&path, r#"{"ala": ["ma kota"]}"#).unwrap();
        let users = Credentials::from_file(&path).unwrap();
        assert!(users.check("ala", "ma kota"));
        fs::write(&path, r#"{"ala": "ma kota"}"#).unwrap();
        let error = users.reload().unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("ma kota"), "{error}");
        assert!(users.check("ala", "ma kota"));
        fs::write(&path, r#"{"ola": ["p"]}"#).unwrap();
        users.reload().unwrap();
        assert!(users.check("ola", "p") && !users.check("ala", "ma kota"));
        fs::remove_file(&path).unwrap();
        assert!(users.reload().unwrap_err().to_string().contains("cannot read"));
    }
}
