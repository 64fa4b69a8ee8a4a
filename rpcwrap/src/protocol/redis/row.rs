//! One of the server's own commands, as a row of the table of all: its name, what goes with it, and who may.

use crate::session::Control;
use codecs::resp::Words;
use std::ops::RangeInclusive;

/// A command; `C` is the connection on which it runs.
#[derive(Debug)]
pub(super) struct Row<C: 'static> {
    /// In capital letters; of one within another, the second word.
    pub(super) name: &'static str,
    /// The words behind the name, as people write them.
    pub(super) syntax: &'static str,
    /// How many they may be.
    pub(super) words: RangeInclusive<usize>,
    pub(super) summary: &'static str,
    pub(super) group: Group,
    pub(super) needs: Needs,
    pub(super) run: Run<C>,
}

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Connection,
    Server,
    Call,
}

impl Group {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Server => "server",
            Self::Call => "generic",
        }
    }
}

/// What its caller has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    /// Nothing: it comes before the login.
    Nothing,
    /// Logged in, where a login is required.
    Login,
    /// A monitor; on a server without users, on this machine.
    Monitor,
    /// An admin: it changes the server.
    Admin,
}

/// What it does.
pub(super) enum Run<C: 'static> {
    /// Answered by the session itself.
    Here(fn(&mut C, Words<'_>) -> Control),
    /// The call of a method, which is the second word.
    Call,
    /// One of these, which is the second word.
    Within(&'static [Row<C>]),
}

impl<C> Row<C> {
    /// Whether so many words may be behind its name.
    pub(super) fn takes(&self, words: usize) -> bool {
        self.words.contains(&words)
    }

    /// How many words it has, its name among them, as Redis says it: negative for at least so many.
    pub(super) fn arity(&self, before: usize) -> i64 {
        let least = (self.words.start() + before) as i64;
        if self.words.start() == self.words.end() { least } else { -least }
    }

    /// The rows within it.
    pub(super) fn within(&self) -> &'static [Self] {
        match self.run {
            Run::Within(rows) => rows,
            Run::Here(_) | Run::Call => &[],
        }
    }
}

impl<C> std::fmt::Debug for Run<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Here(_) => "Here",
            Self::Call => "Call",
            Self::Within(_) => "Within",
        })
    }
}
