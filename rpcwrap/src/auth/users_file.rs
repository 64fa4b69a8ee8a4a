//! The JSON form of a table of users: `{"user": ["secret", …]}` as vitess has it, or an object of rights per user.
//!
//! Faults are told with their line and column, never with a text of the file but names of users, keys and patterns.

use super::{User, Users};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::fmt;

const KEYS: &str = "secrets, allow, rate, burst, max_in_flight, admin, monitor";

/// Where a text is no table of users, and why not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) why: String,
}

/// The table a text has in it.
pub(super) fn parse(text: &[u8]) -> Result<Users, Fault> {
    // First whether it is JSON at all: what serde_json says of that has nothing of the file in it.
    serde_json::from_slice::<IgnoredAny>(text).map_err(|error| fault(&error))?;
    let mut read = serde_json::Deserializer::from_slice(text);
    let users = read.deserialize_any(TableVisitor).map_err(|error| fault(&error))?;
    Users::new(users).map_err(|error| Fault { line: 1, column: 1, why: error.to_string() })
}

fn fault(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let why = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    Fault { line, column, why: why.to_owned() }
}

/// Reads a value with a visitor, whatever its kind.
struct Seed<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Seed<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        from.deserialize_any(self.0)
    }
}

/// A visitor that takes one or two kinds of value and tells no value of another kind.
macro_rules! refuse_scalars {
    () => {
        refuse_scalars! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str }
    };
    ($($method:ident: $type:ty),+) => {
        $(fn $method<E: Error>(self, _: $type) -> Result<Self::Value, E> {
            Err(E::custom(self.wanted()))
        })+

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Err(E::custom(self.wanted()))
        }

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.wanted())
        }
    };
}

struct TableVisitor;

impl TableVisitor {
    fn wanted(&self) -> String {
        "has to be an object with a member for each user".to_owned()
    }
}

impl<'de> Visitor<'de> for TableVisitor {
    type Value = Vec<User>;

    refuse_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom(self.wanted()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut users: Vec<User> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("user {name:?}: is there twice")));
            }
            users.push(map.next_value_seed(Seed(UserVisitor { name: &name }))?);
        }
        Ok(users)
    }
}

#[derive(Clone, Copy)]
struct UserVisitor<'n> {
    name: &'n str,
}

impl UserVisitor<'_> {
    fn wanted(&self) -> String {
        self.says("has to be a list of secrets or an object")
    }

    fn says(&self, why: impl fmt::Display) -> String {
        format!("user {:?}: {why}", self.name)
    }

    /// The same user, if nothing is wrong with it so far.
    fn checked(&self, mut user: User) -> Result<User, String> {
        match user.fault.take() {
            Some(why) => Err(self.says(why)),
            None => Ok(user),
        }
    }
}

impl<'de> Visitor<'de> for UserVisitor<'_> {
    type Value = User;

    refuse_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<User, A::Error> {
        SecretsVisitor { of: self, user: User::new(self.name), are_all: true }.visit_seq(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<User, A::Error> {
        let mut user = User::new(self.name);
        let (mut rate, mut burst) = (None, None);
        let mut seen: Vec<String> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(self.says(format_args!("{key:?} is there twice"))));
            }
            let bad = |wanted: &str| self.says(format_args!("{key:?} has to be {wanted}"));
            user = match &*key {
                "secrets" => map.next_value_seed(Seed(SecretsVisitor { of: self, user, are_all: false }))?,
                "allow" => map.next_value_seed(leaf(|list: &Value| {
                    self.checked(user.allow(texts(list).ok_or_else(|| bad("a list of patterns"))?))
                }))?,
                "rate" => map.next_value_seed(leaf(|calls: &Value| {
                    let calls = calls.as_f64().ok_or_else(|| bad("a number of calls per second"))?;
                    rate = Some(calls);
                    self.checked(user.rate(calls, None))
                }))?,
                "burst" => map.next_value_seed(leaf(|calls: &Value| {
                    let calls = whole(calls).and_then(|calls| u32::try_from(calls).ok());
                    burst = Some(calls.ok_or_else(|| bad("a whole number of calls"))?);
                    Ok(user)
                }))?,
                "max_in_flight" => map.next_value_seed(leaf(|calls: &Value| {
                    let calls = whole(calls).ok_or_else(|| bad("a whole number of calls"))?;
                    self.checked(user.max_in_flight(calls))
                }))?,
                "admin" | "monitor" => map.next_value_seed(leaf(|flag: &Value| {
                    let flag = flag.as_bool().ok_or_else(|| bad("true or false"))?;
                    Ok(if key == "admin" { user.admin(flag) } else { user.monitor(flag) })
                }))?,
                _ => {
                    let why = format!("unknown key {key:?}; known are {KEYS}");
                    return Err(A::Error::custom(self.says(why)));
                }
            };
            seen.push(key);
        }
        user.check_secrets().map_err(|why| A::Error::custom(self.says(why)))?;
        match (rate, burst) {
            (Some(rate), burst) => self.checked(user.rate(rate, burst)).map_err(A::Error::custom),
            (None, Some(_)) => Err(A::Error::custom(self.says("\"burst\" needs \"rate\""))),
            (None, None) => Ok(user),
        }
    }
}

/// The secrets of a user, read into it one by one.
struct SecretsVisitor<'n> {
    of: UserVisitor<'n>,
    user: User,
    /// Nothing else is said of the user.
    are_all: bool,
}

impl SecretsVisitor<'_> {
    fn wanted(&self) -> String {
        self.of.says("\"secrets\" has to be a list")
    }
}

impl<'de> Visitor<'de> for SecretsVisitor<'_> {
    type Value = User;

    refuse_scalars!();

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<User, A::Error> {
        Err(A::Error::custom(self.wanted()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<User, A::Error> {
        let Self { of, mut user, are_all } = self;
        loop {
            let number = user.secrets.len() + 1;
            let read = list.next_element_seed(leaf(|entry: &Value| {
                let entry = entry
                    .as_str()
                    .ok_or_else(|| of.says(format_args!("secret {number} has to be a text")))?;
                user.add(entry).map_err(|why| of.says(why))?;
                // Elsewhere what the user may do is not known yet.
                if are_all { user.check_secrets().map_err(|why| of.says(why)) } else { Ok(()) }
            }))?;
            if read.is_none() {
                return Ok(user);
            }
        }
    }
}

/// A value that is judged where it stands, so that its fault has its own line.
struct Leaf<F>(F);

fn leaf<T, F: FnOnce(&Value) -> Result<T, String>>(judge: F) -> Seed<Leaf<F>> {
    Seed(Leaf(judge))
}

macro_rules! judge_scalars {
    ($($method:ident: $type:ty),+) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<T, E> {
            (self.0)(&Value::from(value)).map_err(E::custom)
        })+
    };
}

impl<'de, T, F: FnOnce(&Value) -> Result<T, String>> Visitor<'de> for Leaf<F> {
    type Value = T;

    judge_scalars! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        (self.0)(&Value::Null).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        (self.0)(&Value::Array(values)).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        (self.0)(&Value::Object(serde_json::Map::new())).map_err(A::Error::custom)
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
}

fn texts(list: &Value) -> Option<Vec<&str>> {
    list.as_array()?.iter().map(Value::as_str).collect()
}

fn whole(number: &Value) -> Option<usize> {
    number.as_u64().and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Credential, fixture::ARGON2ID, users::Check};
    use std::time::Instant;

    fn opens(users: &Users, user: &str, secret: &str) -> bool {
        match users.check(&Credential::Password { user, secret }) {
            Check::Done(result) => result.is_ok(),
            Check::Slow(slow) => slow.run().is_ok(),
        }
    }

    #[test]
    fn both_forms_in_one_file() {
        let text = format!(
            r#"{{
                "ala": ["ma kota", "kot2"],
                "none": [],
                "ola": {{
                    "secrets": ["p", "{ARGON2ID}"],
                    "allow": ["Arith.*", "!Arith.Delete"],
                    "rate": 0.5,
                    "burst": 2,
                    "max_in_flight": 1,
                    "admin": true
                }},
                "probe": {{"monitor": true, "admin": false, "rate": 3}},
                "bare": {{}},
                "open": {{"secrets": [""], "allow": []}}
            }}"#
        );
        let users = parse(text.as_bytes()).unwrap();
        assert_eq!(users.len(), 6);
        for (user, secret, right) in [
            ("ala", "ma kota", true),
            ("ala", "kot2", true),
            ("ala", "p", false),
            ("ola", "p", true),
            ("ola", "ma kota", true),
            ("ola", ARGON2ID, false),
            ("none", "", false),
            ("bare", "", false),
            ("open", "", true),
        ] {
            assert_eq!(opens(&users, user, secret), right, "{user} {secret}");
        }
        let user = |name| users.get(name).unwrap();
        let rights =
            |name, method| (user(name).allows(method), user(name).is_admin(), user(name).is_monitor());
        assert_eq!(rights("ala", "Any.Thing"), (true, false, false));
        assert_eq!(rights("ola", "Arith.Multiply"), (true, true, true));
        assert_eq!(rights("ola", "Arith.Delete"), (false, true, true));
        assert_eq!(rights("probe", "Any.Thing"), (true, false, true));
        let now = Instant::now();
        let admitted = |name| (0..9).filter(|_| user(name).admit(now).is_ok()).count();
        assert_eq!((admitted("ola"), admitted("probe"), admitted("ala")), (2, 3, 9));
        let _permit = user("ola").admit(now + std::time::Duration::from_secs(2)).unwrap().unwrap();
        assert!(user("ola").admit(now).unwrap_err().to_string().contains("1 calls in flight"));
        assert!(parse(b"{}").unwrap().is_empty());
    }

    #[test]
    fn faults_say_where_and_what_but_no_secret() {
        for (text, line, column, why) in [
            ("", 1, 0, "EOF while parsing a value"),
            ("{\"ala\": [\"kota\"", 1, 15, "EOF while parsing a list"),
            ("{\n\"ala\" [\"kota\"]}", 2, 7, "expected `:`"),
            ("{} x", 1, 4, "trailing characters"),
            ("[\"kota\"]", 1, 1, "has to be an object with a member for each user"),
            ("\"kota\"", 1, 6, "has to be an object with a member for each user"),
            ("{\"ala\":\n \"kota\"}", 2, 7, "user \"ala\": has to be a list of secrets or an object"),
            ("{\"ala\": 5551234}", 1, 15, "user \"ala\": has to be a list"),
            ("{\"ala\": null}", 1, 12, "user \"ala\": has to be a list"),
            ("{\"ala\": [],\n\"ala\": []}", 2, 5, "user \"ala\": is there twice"),
            ("{\"ala\": [\"kota\",\n 5551234\n]\n}", 2, 8, "user \"ala\": secret 2 has to be a text"),
            ("{\"ala\": [[\"kota\"]]}", 1, 17, "user \"ala\": secret 1 has to be a text"),
            ("{\"ala\": [\"\"]}", 1, 11, "user \"ala\": secret 1 is empty"),
            (
                "{\"ala\": {\"secrets\": [\"\"], \"allow\": [\"*\"]}}",
                1,
                41,
                "user \"ala\": secret 1 is empty",
            ),
            ("{\"ala\": [\"$2b$05$kota\"]}", 1, 22, "user \"ala\": secret 1 looks like a hash"),
            ("{\"ala\":\n{\"secrets\": \"kota\"}}", 2, 18, "user \"ala\": \"secrets\" has to be a list"),
            ("{\"ala\": {\"secrets\": {}}}", 1, 22, "user \"ala\": \"secrets\" has to be a list"),
            (
                "{\"ala\": {\n\"alow\": [\"kota\"]}}",
                2,
                6,
                "user \"ala\": unknown key \"alow\"; known are secrets, allow, ",
            ),
            ("{\"ala\": {\"admin\": 1}}", 1, 19, "user \"ala\": \"admin\" has to be true or false"),
            ("{\"ala\": {\"admin\": true, \"admin\": true}}", 1, 31, "\"admin\" is there twice"),
            ("{\"ala\": {\"rate\": \"5\"}}", 1, 20, "\"rate\" has to be a number of calls per second"),
            ("{\"ala\": {\"rate\": 0}}", 1, 18, "user \"ala\": rate 0: from 0.001"),
            ("{\"ala\": {\"burst\": 5}}", 1, 20, "\"burst\" needs \"rate\""),
            ("{\"ala\": {\"burst\": 1.5}}", 1, 21, "\"burst\" has to be a whole number"),
            ("{\"ala\": {\"max_in_flight\": 0}}", 1, 27, "max_in_flight 0: at least 1"),
            ("{\"ala\": {\"max_in_flight\": -1}}", 1, 28, "\"max_in_flight\" has to be a whole number"),
            ("{\"ala\": {\"allow\": \"*\"}}", 1, 21, "\"allow\" has to be a list of patterns"),
            ("{\"ala\": {\"allow\": [\"Arith\"]}}", 1, 27, "pattern \"Arith\" matches no method"),
        ] {
            let fault = parse(text.as_bytes()).unwrap_err();
            assert!(
                fault.why.starts_with(why) || fault.why.contains(&format!(": {why}")),
                "{text}: {fault:?}"
            );
            assert_eq!((fault.line, fault.column), (line, column), "{text}: {fault:?}");
            assert!(!fault.why.contains("kota") && !fault.why.contains("555"), "{fault:?}");
        }
    }
}
