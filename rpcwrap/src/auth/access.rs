//! Access rules: by which way, and by whom, a service may be reached.

/// By which way, and by whom, a service may be reached. What a rule does not mention is free.
///
/// A service that cannot be reached by a protocol or codec is answered like one that does not exist, as in vitess, where
/// it would not be registered there. Users who may not call it, and peers without a login, are told so.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub(crate) protocols: Option<Vec<String>>,
    pub(crate) codecs: Option<Vec<String>>,
    pub(crate) users: Option<Vec<String>>,
    pub(crate) authenticated: bool,
}

impl Access {
    /// A rule that allows everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only by these protocols, such as `go_rpc`.
    #[must_use]
    pub fn protocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.protocols = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Only in these codecs, such as `bson`.
    #[must_use]
    pub fn codecs<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.codecs = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Only on connections that have proven who they are: the `/auth` paths, HTTP with a password.
    #[must_use]
    pub fn authenticated(mut self) -> Self {
        self.authenticated = true;
        self
    }

    /// Only for these users; implies [`authenticated`](Self::authenticated).
    #[must_use]
    pub fn users<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.users = Some(names.into_iter().map(Into::into).collect());
        self.authenticated()
    }
}
