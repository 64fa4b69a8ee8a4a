//! Which methods a user may call: patterns of full names, such as `Arith.*` and `!Arith.Delete`.

/// Bytes of one pattern.
const MAX_LENGTH: usize = 256;
/// Patterns of one user.
const MAX_PATTERNS: usize = 64;

/// A list of patterns, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MethodPatterns(Box<[Pattern]>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    excludes: bool,
    /// What lies between the stars: one part without a star, else one more than there are stars.
    parts: Box<[Box<str>]>,
}

impl MethodPatterns {
    /// From their texts; what is wrong with one otherwise. An empty list allows nothing.
    pub(super) fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, String> {
        if texts.len() > MAX_PATTERNS {
            return Err(format!("{} patterns, {MAX_PATTERNS} at most", texts.len()));
        }
        let patterns: Box<[Pattern]> =
            texts.iter().map(|text| Pattern::parse(text.as_ref())).collect::<Result<_, _>>()?;
        if patterns.first().is_some_and(|first| first.excludes) {
            let first = texts[0].as_ref();
            return Err(format!("pattern {first:?} excludes, but there is none before it to exclude from"));
        }
        Ok(Self(patterns))
    }

    /// Whether there is no method that they allow.
    pub(super) fn allow_nothing(&self) -> bool {
        self.0.iter().all(|pattern| pattern.excludes)
    }

    /// Whether a method, by its full name, is allowed: the last pattern that matches says so.
    pub(super) fn allows(&self, full_name: &str) -> bool {
        self.0.iter().rev().find(|pattern| pattern.matches(full_name)).is_some_and(|last| !last.excludes)
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let bad = |why| Err(format!("pattern {text:?} {why}"));
        if text.len() > MAX_LENGTH {
            return Err(format!("a pattern of {} bytes, {MAX_LENGTH} at most", text.len()));
        }
        let (excludes, name) = match text.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.is_empty() {
            return bad("is empty");
        }
        if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return bad("has white space in it");
        }
        if !name.contains(['.', '*']) {
            return bad("matches no method: full names are Service.Method, all of a service is Service.*");
        }
        Ok(Self { excludes, parts: name.split('*').map(Into::into).collect() })
    }

    /// Every part is looked for once, the leftmost match is as good as any: linear in the name.
    fn matches(&self, name: &str) -> bool {
        let [first, between @ .., last] = &*self.parts else {
            return *self.parts[0] == *name;
        };
        let Some(mut rest) = name.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last)) else {
            return false;
        };
        for part in between {
            let Some(at) = rest.find(&**part) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        for (patterns, allowed, refused) in [
            (&["*"][..], &["A.B", "Arith.Multiply", "_rpcwrap_.Describe"][..], &[][..]),
            (&[], &[], &["A.B", ""]),
            (
                &["Arith.Multiply"],
                &["Arith.Multiply"],
                &["Arith.Multipl", "Arith.MultiplyX", "arith.multiply"],
            ),
            (
                &["Arith.*"],
                &["Arith.Multiply", "Arith."],
                &["Arith", "Arithmetic.Multiply", "XArith.Multiply"],
            ),
            (&["*.Get"], &["A.Get", "B.C.Get", ".Get"], &["A.GetAll", "Get"]),
            (&["Admin*.Get*"], &["Admin.Get", "AdminX.GetAll"], &["Admin.Set", "XAdmin.Get", "AdminGet"]),
            (&["a*b*c."], &["abc.", "aXbYc.", "abcbc."], &["ac.", "acb.", "abc", "abc.."]),
            (&["a*.a"], &["a.a", "ab.a"], &["a", ".a"]),
            (&["a.*a"], &["a.a", "a.ba"], &["a."]),
            (&["**"], &["", "A.B"], &[]),
            (&["Arith.*", "!Arith.Delete"], &["Arith.Multiply"], &["Arith.Delete", "Echo.Say"]),
            (&["*", "!Admin.*", "Admin.Get"], &["Echo.Say", "Admin.Get"], &["Admin.Set"]),
            (&["Arith.*", "Echo.Say"], &["Arith.Add", "Echo.Say"], &["Echo.Shout"]),
        ] {
            let compiled = MethodPatterns::parse(patterns).unwrap();
            for name in allowed {
                assert!(compiled.allows(name), "{patterns:?} and {name}");
            }
            for name in refused {
                assert!(!compiled.allows(name), "{patterns:?} and {name}");
            }
        }
    }

    #[test]
    fn what_could_match_nothing_is_refused() {
        let long = format!("{}.*", "x".repeat(255));
        for (patterns, why) in [
            (&["Arith"][..], "\"Arith\" matches no method: full names are Service.Method"),
            (&[""], "is empty"),
            (&["A.*", "!"], "is empty"),
            (&["A. *"], "white space"),
            (&["!A.B", "A.*"], "none before it"),
            (&[&long], "257 bytes, 256 at most"),
            (&["*"; 65], "65 patterns, 64 at most"),
        ] {
            let error = MethodPatterns::parse(patterns).unwrap_err();
            assert!(error.contains(why), "{patterns:?}: {error}");
        }
        assert!(MethodPatterns::parse(&[&long[1..]]).is_ok() && MethodPatterns::parse(&["*"; 64]).is_ok());
    }

    #[test]
    fn the_worst_pattern_takes_no_longer_than_its_length() {
        // A matcher that tried every way to share out the stars would not come to an end.
        let pattern = format!("{}.", "a*".repeat(127));
        let compiled = MethodPatterns::parse(&[pattern]).unwrap();
        assert!(!compiled.allows(&"a".repeat(64 << 10)));
        assert!(compiled.allows(&format!("{}.", "a".repeat(64 << 10))));
    }
}
