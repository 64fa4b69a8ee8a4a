//! The names by which requests begin: of commands, in any case, and of methods.

use crate::{call::registry::LONGEST_COMMAND, error::ConfigError};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Words by which connections of other protocols begin.
const OF_OTHERS: [&str; 14] = [
    "CONNECT", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "PROPFIND", "PRPC", "PRI",
    "PROXY", "AGENT", "HOST:",
];

/// Bytes of a method's full name: 255 for its service, as many for its own.
const LONGEST_METHOD: usize = 511;

/// Checks the name of a command of the program, beside those in `taken`.
///
/// # Errors
/// It can have no such name.
pub(super) fn check(name: &str, taken: &[&str]) -> Result<(), ConfigError> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let why = if !name.starts_with(|first: char| first.is_ascii_alphabetic()) || !name.bytes().all(is_part) {
        "must be letters, digits, `_` and `-`, a letter first"
    } else if name.len() > LONGEST_COMMAND {
        "is longer than 32 bytes"
    } else if OF_OTHERS.contains(&name) {
        "is how connections of another protocol begin"
    } else if taken.contains(&name) {
        "is taken by another command"
    } else {
        return Ok(());
    };
    Err(ConfigError::BadName { what: "command", name: name.to_owned(), why })
}

/// All names of a server, fixed when it is built.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// In lower case and sorted, to be looked up by how they begin.
    sorted: Vec<Box<[u8]>>,
    /// Methods by their names in lower case; `None` where two names differ by case alone.
    methods: HashMap<Box<[u8]>, Option<Box<str>>, FixedState>,
}

impl Names {
    /// The names of `commands` and `methods`.
    pub(super) fn new<'n>(
        commands: impl IntoIterator<Item = &'n str>,
        methods: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut names = Self::default();
        for method in methods {
            let key = method.to_ascii_lowercase().into_bytes().into_boxed_slice();
            names.sorted.push(key.clone());
            let method = Some(method.into());
            names.methods.entry(key).and_modify(|known| *known = None).or_insert(method);
        }
        names.sorted.extend(commands.into_iter().map(|name| name.to_ascii_lowercase().into_bytes().into()));
        names.sorted.sort_unstable();
        names.sorted.dedup();
        names
    }

    /// Whether `word` is one of the names, in any case.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        let word = word.to_ascii_lowercase();
        self.sorted.binary_search_by(|name| name[..].cmp(&word)).is_ok()
    }

    /// Whether one of the names begins with `start`, in any case.
    pub(super) fn has_start(&self, start: &[u8]) -> bool {
        let start = start.to_ascii_lowercase();
        let at = self.sorted.partition_point(|name| name[..] < start[..]);
        self.sorted.get(at).is_some_and(|name| name.starts_with(&start))
    }

    /// The method that is meant by `word`, if that is its name but for the case, and no other's.
    pub(super) fn method(&self, word: &[u8]) -> Option<&str> {
        if word.len() > LONGEST_METHOD {
            return None;
        }
        self.methods.get(&word.to_ascii_lowercase()[..])?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_case_and_any_start() {
        let methods = ["Arith.Multiply", "Arith.Add", "A.B", "a.b"].map(str::to_owned);
        let names = Names::new(["PING", "CLIENT"], methods);
        for (word, is_name, is_start) in [
            ("ping", true, true),
            ("PiN", false, true),
            ("PINGS", false, false),
            ("arith.m", false, true),
            ("ARITH.MULTIPLY", true, true),
            ("a.b", true, true),
            ("", false, true),
            ("zzz", false, false),
            ("\u{ff}", false, false),
        ] {
            assert_eq!(names.has(word.as_bytes()), is_name, "{word}");
            assert_eq!(names.has_start(word.as_bytes()), is_start, "{word}");
        }
        assert_eq!(names.method(b"arith.ADD"), Some("Arith.Add"));
        assert_eq!(names.method(b"A.B"), None, "two are meant");
        assert_eq!(names.method(b"PING"), None, "no method");
    }
}
