//! One user: the secrets it logs in with, the methods it may call, how often, and what else it may do.

use super::{
    method_patterns::MethodPatterns,
    rate::Rate,
    secret::Secret,
    user_state::{UserPermit, UserState},
};
use crate::error::OverLimit;
use std::{fmt, sync::Arc, time::Instant};

/// Slow hashes a user may have: a wrong login costs as many.
const MAX_SLOW: usize = 4;

/// A user of a server.
///
/// What is wrong with it is said when it comes into a table, by [`Users::new`](crate::Users::new).
///
/// ```
/// use rpcwrap::{User, Users};
/// let ala = User::new("ala").secret("ma kota").allow(["Arith.*", "!Arith.Delete"]).rate(100.0, None);
/// let users = Users::new([ala, User::new("root").secret("s3cret").admin(true)])?;
/// let ala = users.get("ala").unwrap();
/// assert!(ala.allows("Arith.Multiply") && !ala.allows("Arith.Delete") && !ala.is_admin());
/// # Ok::<(), rpcwrap::UsersError>(())
/// ```
#[derive(Clone)]
pub struct User {
    pub(super) name: Arc<str>,
    pub(super) secrets: Vec<Secret>,
    /// None: all methods.
    allow: Option<MethodPatterns>,
    rate: Option<Rate>,
    max_in_flight: Option<usize>,
    admin: bool,
    monitor: bool,
    pub(super) state: Arc<UserState>,
    /// The first thing that was wrong.
    pub(super) fault: Option<String>,
}

impl User {
    /// A user that cannot log in yet, may call every method as often as it likes, and is neither admin nor monitor.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            secrets: Vec::new(),
            allow: None,
            rate: None,
            max_in_flight: None,
            admin: false,
            monitor: false,
            state: UserState::new(),
            fault: None,
        }
    }

    /// One more secret it may log in with, as an entry of a credentials file: the secret itself, or what
    /// [`Verifier::entry`](crate::Verifier::entry) has made of it; at most four argon2id and scrypt hashes, as a wrong
    /// login has to be checked against each of them. An empty one is refused, unless the user may call no method and
    /// is neither admin nor monitor.
    #[must_use]
    pub fn secret(mut self, entry: &str) -> Self {
        if let Err(why) = self.add(entry) {
            self.wrong(why);
        }
        self
    }

    /// The same, as far as nothing is wrong with it.
    pub(super) fn add(&mut self, entry: &str) -> Result<(), String> {
        let number = self.secrets.len() + 1;
        let secret = Secret::parse(entry).map_err(|why| format!("secret {number} {why}"))?;
        let is_slow = |secret: &&Secret| secret.slow().is_some();
        if is_slow(&&secret) && self.secrets.iter().filter(is_slow).count() >= MAX_SLOW {
            return Err(format!("secret {number} is one slow hash too many: a user may have {MAX_SLOW}"));
        }
        self.secrets.push(secret);
        Ok(())
    }

    /// What is wrong with its secrets as a whole: an empty one lets everyone in, so it is for users who may do nothing
    /// with it, such as those of health probes.
    pub(super) fn check_secrets(&self) -> Result<(), String> {
        let may_call = self.allow.as_ref().is_none_or(|patterns| !patterns.allow_nothing());
        let may_nothing = !may_call && !self.admin && !self.monitor;
        match self.secrets.iter().position(Secret::is_empty) {
            Some(at) if !may_nothing => {
                Err(format!("secret {} is empty, so that everyone could log in", at + 1))
            }
            _ => Ok(()),
        }
    }

    /// The methods it may call, by patterns of their full names: `*` stands for any run of characters, `!` before a
    /// pattern excludes, and the last pattern that matches decides. What none matches is not allowed.
    ///
    /// At most 64 patterns of 256 bytes; the case of letters counts.
    #[must_use]
    pub fn allow<S: AsRef<str>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        let patterns: Vec<S> = patterns.into_iter().collect();
        match MethodPatterns::parse(&patterns) {
            Ok(patterns) => self.allow = Some(patterns),
            Err(why) => self.wrong(why),
        }
        self
    }

    /// The calls per second it may make, 0.001 to 1,000,000,000, and how many at once after a pause, 1 to 1,000,000
    /// (without: those of one second).
    #[must_use]
    pub fn rate(mut self, per_second: f64, burst: Option<u32>) -> Self {
        match Rate::new(per_second, burst) {
            Ok(rate) => self.rate = Some(rate),
            Err(why) => self.wrong(why),
        }
        self
    }

    /// The calls it may have in flight on all its connections together; at least 1.
    #[must_use]
    pub fn max_in_flight(mut self, calls: usize) -> Self {
        if calls == 0 {
            self.wrong("max_in_flight 0: at least 1".to_owned());
        }
        self.max_in_flight = Some(calls);
        self
    }

    /// Whether it may change the state of the server; an admin may see all that a monitor may.
    #[must_use]
    pub fn admin(mut self, admin: bool) -> Self {
        self.admin = admin;
        self
    }

    /// Whether it may see pages, connections and statistics.
    #[must_use]
    pub fn monitor(mut self, monitor: bool) -> Self {
        self.monitor = monitor;
        self
    }

    fn wrong(&mut self, why: String) {
        self.fault.get_or_insert(why);
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may call a method, given as `Service.Method`.
    pub fn allows(&self, full_name: &str) -> bool {
        self.allow.as_ref().is_none_or(|patterns| patterns.allows(full_name))
    }

    /// Whether it may change the state of the server.
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// Whether it may see pages, connections and statistics: monitors and admins.
    pub fn is_monitor(&self) -> bool {
        self.monitor || self.admin
    }

    /// Counts one call at `now`, in flight until the permit is dropped; `None` where the user has no such limit.
    ///
    /// A call over the limit of those in flight does not count against the rate.
    ///
    /// # Errors
    /// It is over one of its limits; then nothing is counted.
    pub fn admit(&self, now: Instant) -> Result<Option<UserPermit>, OverLimit> {
        let permit = self.enter()?;
        if let Some(rate) = self.rate {
            self.state.take(rate, now)?;
        }
        Ok(permit)
    }

    /// As [`admit`](Self::admit), of a call that has been counted against the rate before.
    pub(crate) fn enter(&self) -> Result<Option<UserPermit>, OverLimit> {
        self.max_in_flight.map(|limit| self.state.enter(limit)).transpose()
    }
}

/// The kinds of its secrets, not the secrets.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("secrets", &self.secrets)
            .field("allow", &self.allow)
            .field("rate", &self.rate)
            .field("max_in_flight", &self.max_in_flight)
            .field("admin", &self.admin)
            .field("monitor", &self.monitor)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixture::ARGON2ID;
    use std::time::Duration;

    #[test]
    fn rights_are_those_given() {
        let plain = User::new("ala");
        assert!(plain.allows("Any.Method") && !plain.is_admin() && !plain.is_monitor());
        let none: [&str; 0] = [];
        assert!(!User::new("ala").allow(none).allows("Any.Method"));
        assert!(User::new("a").admin(true).is_monitor() && User::new("a").monitor(true).is_monitor());
        assert!(!User::new("a").monitor(true).is_admin());
    }

    #[test]
    fn limits_count_only_what_is_admitted() {
        let user = User::new("ala").rate(1.0, Some(2)).max_in_flight(1);
        let now = Instant::now();
        let permit = user.admit(now).unwrap();
        assert_eq!(user.admit(now).unwrap_err(), OverLimit::InFlight { limit: 1 });
        drop(permit);
        drop(user.admit(now).unwrap());
        let wait = Duration::from_secs(1);
        assert_eq!(user.admit(now).unwrap_err(), OverLimit::Rate { wait });
        // What the rate refuses is not in flight.
        assert!(user.admit(now + wait).unwrap().is_some());
        assert!(User::new("ola").admit(now).unwrap().is_none());
    }

    #[test]
    fn an_empty_secret_is_for_users_who_may_do_nothing() {
        let none: [&str; 0] = [];
        let with = |entry| User::new("probe").secret("x").secret(entry);
        for entry in ["", "plain:"] {
            let why = "secret 2 is empty, so that everyone could log in";
            for user in [
                with(entry),
                with(entry).allow(["*"]),
                with(entry).allow(none).admin(true),
                with(entry).allow(none).monitor(true),
            ] {
                assert_eq!(user.check_secrets(), Err(why.to_owned()), "{user:?}");
            }
            assert_eq!(with(entry).allow(none).check_secrets(), Ok(()));
        }
        assert_eq!(with("y").check_secrets(), Ok(()));
        assert_eq!(User::new("none").check_secrets(), Ok(()));
    }

    #[test]
    fn slow_hashes_are_few() {
        let with = |count| (0..count).fold(User::new("ala"), |user, _| user.secret(ARGON2ID));
        assert!(with(MAX_SLOW).secret("fast").fault.is_none());
        let fault = with(MAX_SLOW + 1).fault.unwrap();
        assert_eq!(fault, "secret 5 is one slow hash too many: a user may have 4");
    }

    #[test]
    fn the_first_fault_is_kept_and_no_secret_shown() {
        let user = User::new("ala").secret("ma kota").secret("cram-md5:x").rate(0.0, None).max_in_flight(0);
        assert!(user.fault.as_ref().unwrap().starts_with("secret 2 cram-md5: has to be"));
        for (user, why) in [
            (User::new("a").allow(["Arith"]), "matches no method"),
            (User::new("a").rate(0.0, None), "rate 0"),
            (User::new("a").max_in_flight(0), "max_in_flight 0"),
        ] {
            assert!(user.fault.as_ref().unwrap().contains(why), "{user:?}");
        }
        assert!(!format!("{user:?}").contains("kota"));
    }
}
