//! Why a server's certificates and keys were not taken. Keys are never part of the text.

use std::path::{Path, PathBuf};

/// What is wrong with a [`TlsConfig`](crate::TlsConfig): found when the server is built, or at a reload, which then
/// changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {what} {}: {why}", path.display())]
    Unreadable {
        /// `certificate`, `private key` or `client CA`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A file or text is not PEM, or what is in it is something else.
    #[error("malformed {what}{}: {why}", shown(path.as_deref()))]
    Malformed {
        /// `certificate`, `private key` or `client CA`.
        what: &'static str,
        /// The file, if it is one.
        path: Option<PathBuf>,
        /// What was found or missing.
        why: String,
    },
    /// Each part can be read, but they do not work together, such as a key of another certificate.
    #[error("unusable {what}: {why}")]
    Unusable {
        /// The parts.
        what: &'static str,
        /// In rustls' words.
        why: String,
    },
}

fn shown(path: Option<&Path>) -> String {
    path.map(|path| format!(" {}", path.display())).unwrap_or_default()
}
