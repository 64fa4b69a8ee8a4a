//! What may change while the server runs, as one snapshot that is swapped whole.
//!
//! Every call is decided under one [`Policy`]: the one in force when its request was started. A change is checked
//! before it is made, so that what cannot work is refused and the policy before it stays.

use crate::{
    auth::{Access, Credentials},
    error::ConfigError,
    live::{config::Config, page_access::PageAccess},
    lock::lock,
};
use arc_swap::{ArcSwap, Guard};
use codecs::Limits;
use std::{
    collections::BTreeMap,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex},
};

/// Settings, users, access rules and log filter of a running server at one moment.
#[derive(Debug, Clone)]
pub struct Policy {
    generation: u64,
    pub(crate) config: Config,
    /// Of the settings, what codecs keep to.
    pub(crate) limits: Limits,
    /// The same for what is decoded on a thread that has other connections to serve.
    pub(crate) limits_in_place: Limits,
    /// So many calls may wait before it matters whose they are.
    pub(crate) calls_without_shares: usize,
    pub(crate) credentials: Option<Credentials>,
    /// Whether only peers with an identity may call.
    pub(crate) login_required: bool,
    /// By the number of the service in the registry.
    rules: Box<[Option<Arc<Access>>]>,
    log: Option<Arc<str>>,
}

/// Bytes of memory that a message may become where it is read; what wants to become more is decoded aside.
const LARGE_VALUE: usize = 1 << 20;

impl Policy {
    /// Counts the changes since the server was built, from 0.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The limits and times.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The users, where the server has any.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Whether only peers that have proven who they are may call.
    pub fn login_required(&self) -> bool {
        self.login_required
    }

    /// The filter of the log, where the program lets it be changed, see
    /// [`Builder::on_log_filter`](crate::Builder::on_log_filter).
    pub fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// The access rule of the service with that number.
    #[inline]
    pub(crate) fn rule(&self, service: usize) -> Option<&Access> {
        self.rules.get(service)?.as_deref()
    }
}

/// What is to be different from now on, for [`Server::change_policy`](crate::Server::change_policy). What it does not
/// mention stays as it is.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use rpcwrap::{Access, PolicyChange, Server};
/// let server = Server::builder().method("Echo.Say", |text: String| async move { Ok(text) }).build()?;
/// let change = PolicyChange::new().config(|config| config.max_calls(500));
/// server.change_policy(change.access("Echo", Some(Access::new().protocols(["http"]))))?;
/// assert_eq!(server.policy().config().max_calls, 500);
/// let refused = server.change_policy(PolicyChange::new().config(|config| config.max_calls(0)));
/// assert_eq!(refused.unwrap_err().to_string(), "max_calls = 0: must be at least 1");
/// # Ok::<(), rpcwrap::ConfigError>(())
/// # }).unwrap();
/// ```
#[derive(Default)]
pub struct PolicyChange {
    config: Vec<ConfigChange>,
    credentials: Option<Option<Credentials>>,
    login_required: Option<bool>,
    access: Vec<(String, Option<Access>)>,
    log: Option<String>,
}

type ConfigChange = Box<dyn FnOnce(Config) -> Result<Config, ConfigError> + Send>;

impl PolicyChange {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other limits and times: `change` gets those in force.
    ///
    /// They count from now on, for connections that are open too, in the middle of a wait as well. Only what HTTP was
    /// told when a connection was opened stays as it was for that one: `max_header_bytes`, and HTTP/2's `max_in_flight`
    /// and pings. What is fixed when a server is built (`bson_dialect`, `msgpack_times`) is
    /// refused.
    #[must_use]
    pub fn config(self, change: impl FnOnce(Config) -> Config + Send + 'static) -> Self {
        self.try_config(|config| Ok(change(config)))
    }

    /// As [`config`](Self::config), for changes that can fail.
    #[must_use]
    pub fn try_config(
        mut self,
        change: impl FnOnce(Config) -> Result<Config, ConfigError> + Send + 'static,
    ) -> Self {
        self.config.push(Box::new(change));
        self
    }

    /// Other users, or none. Users of the same name keep what they have used up of their limits; those that are not
    /// among them any more lose their rights on connections that are open.
    #[must_use]
    pub fn credentials(mut self, credentials: Option<Credentials>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Whether only peers that have proven who they are may call.
    #[must_use]
    pub fn login_required(mut self, required: bool) -> Self {
        self.login_required = Some(required);
        self
    }

    /// Another access rule for a service, or none.
    #[must_use]
    pub fn access(mut self, service: impl Into<String>, rule: Option<Access>) -> Self {
        self.access.push((service.into(), rule));
        self
    }

    /// Another filter for the log.
    #[must_use]
    pub fn log(mut self, filter: impl Into<String>) -> Self {
        self.log = Some(filter.into());
        self
    }
}

impl fmt::Debug for PolicyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyChange")
            .field("credentials", &self.credentials)
            .field("login_required", &self.login_required)
            .field("access", &self.access)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

/// Sets the filter of the program's log, or says why it cannot.
pub(crate) type SetLogFilter = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// What a policy can be about, fixed when the server is built.
#[derive(Default)]
pub(crate) struct Subjects {
    /// Every service with its number in the registry.
    pub(crate) services: BTreeMap<String, usize>,
    /// Every protocol with the one whose name in access rules covers it too.
    pub(crate) protocols: Vec<(&'static str, &'static str)>,
    pub(crate) codecs: Vec<String>,
    /// Whether TLS client certificates make users.
    pub(crate) certificate_users: bool,
    pub(crate) set_log_filter: Option<SetLogFilter>,
}

impl Subjects {
    /// The rule as it is applied: checked, with the protocols that its protocols stand for.
    fn rule(&self, service: &str, mut access: Access) -> Result<Access, ConfigError> {
        let unknown = |what, name: &String| {
            Err(ConfigError::UnknownAccess { service: service.to_owned(), what, name: name.clone() })
        };
        let known_protocol = |name: &&String| self.protocols.iter().any(|(known, _)| known == name);
        if let Some(name) = access.protocols.iter().flatten().find(|name| !known_protocol(name)) {
            return unknown("protocol", name);
        }
        if let Some(name) = access.codecs.iter().flatten().find(|name| !self.codecs.contains(name)) {
            return unknown("codec", name);
        }
        if let Some(names) = &mut access.protocols {
            for (name, family) in &self.protocols {
                let is_named = |wanted: &str| names.iter().any(|named| named == wanted);
                if is_named(family) && !is_named(name) {
                    names.push((*name).to_owned());
                }
            }
        }
        Ok(access)
    }
}

/// The policy in force, and the one way to another.
pub(crate) struct PolicyCell {
    current: ArcSwap<Policy>,
    subjects: Subjects,
    /// Held while a change is checked and made.
    changing: Mutex<()>,
}

impl PolicyCell {
    /// The first policy of a server, with these rules by service.
    ///
    /// # Errors
    /// What in it cannot work.
    pub(crate) fn new(
        subjects: Subjects,
        config: Config,
        credentials: Option<Credentials>,
        login_required: bool,
        access: Vec<(String, Access)>,
    ) -> Result<Self, ConfigError> {
        let rules = vec![None; subjects.services.len()].into();
        let log = None;
        let limits = config.message_limits();
        let calls_without_shares = 0;
        let empty = Policy {
            generation: 0,
            config,
            limits,
            limits_in_place: limits,
            calls_without_shares,
            credentials,
            login_required,
            rules,
            log,
        };
        let change = PolicyChange {
            access: access.into_iter().map(|(service, rule)| (service, Some(rule))).collect(),
            ..PolicyChange::default()
        };
        let policy = changed(&empty, &subjects, change)?;
        Ok(Self { current: ArcSwap::from_pointee(policy), subjects, changing: Mutex::new(()) })
    }

    /// The policy in force. Not for holding on to: see [`load_full`](Self::load_full).
    #[inline]
    pub(crate) fn load(&self) -> Guard<Arc<Policy>> {
        self.current.load()
    }

    /// The same for longer.
    pub(crate) fn load_full(&self) -> Arc<Policy> {
        self.current.load_full()
    }

    /// Every service with its rule, in the order of names.
    pub(crate) fn rules(&self) -> Vec<(String, Option<Access>)> {
        let policy = self.current.load();
        let services = self.subjects.services.iter();
        services.map(|(name, number)| (name.clone(), policy.rule(*number).cloned())).collect()
    }

    /// Puts `change` in force.
    ///
    /// # Errors
    /// What in it cannot work; nothing is changed then.
    pub(crate) fn change(&self, change: PolicyChange) -> Result<Arc<Policy>, ConfigError> {
        let _changing = lock(&self.changing);
        let old = self.current.load_full();
        let filter = change.log.clone();
        let mut policy = changed(&old, &self.subjects, change)?;
        policy.generation += 1;
        if let Some(filter) = filter {
            let refused = |why| ConfigError::LogFilter { filter: filter.clone(), why };
            match &self.subjects.set_log_filter {
                Some(set) => set(&filter).map_err(refused)?,
                None => return Err(refused("the program has no log whose filter can be changed".to_owned())),
            }
        }
        let policy = Arc::new(policy);
        self.current.store(policy.clone());
        Ok(policy)
    }
}

/// `old` with `change`, checked as a whole.
fn changed(old: &Policy, subjects: &Subjects, change: PolicyChange) -> Result<Policy, ConfigError> {
    let mut policy = old.clone();
    for change in change.config {
        policy.config = change(policy.config)?;
    }
    policy.config.check()?;
    policy.limits = policy.config.message_limits();
    let in_place = policy.limits.max_decoded_total.min(LARGE_VALUE);
    policy.limits_in_place = Limits { max_decoded_total: in_place, ..policy.limits };
    policy.calls_without_shares = policy.config.max_calls - policy.config.max_calls / 4;
    #[cfg(feature = "bson")]
    if policy.config.bson_dialect != old.config.bson_dialect {
        return Err(ConfigError::Fixed { setting: "bson_dialect" });
    }
    #[cfg(feature = "msgpack")]
    if policy.config.msgpack_times != old.config.msgpack_times {
        return Err(ConfigError::Fixed { setting: "msgpack_times" });
    }
    if let Some(credentials) = change.credentials {
        policy.credentials = match (credentials, &old.credentials) {
            (Some(new), Some(old)) => Some(new.adopt(old)),
            (new, _) => new,
        };
    }
    if let Some(error) = policy.credentials.as_ref().and_then(|credentials| credentials.users().fault()) {
        return Err(error.clone().into());
    }
    policy.login_required = change.login_required.unwrap_or(old.login_required);
    let needs_login = policy.login_required || policy.config.pages == PageAccess::Login;
    if needs_login && policy.credentials.is_none() && !subjects.certificate_users {
        return Err(ConfigError::NoWayToLogIn);
    }
    for (service, access) in change.access {
        let Some(rule) = subjects.services.get(&service).and_then(|&at| policy.rules.get_mut(at)) else {
            return Err(ConfigError::UnknownService(service));
        };
        *rule = access.map(|access| subjects.rule(&service, access)).transpose()?.map(Arc::new);
    }
    if let Some(filter) = change.log {
        policy.log = Some(filter.into());
    }
    Ok(policy)
}

/// The settings in force, see [`Live::config`](super::Live::config).
pub(crate) struct ConfigRef(pub(super) Guard<Arc<Policy>>);

impl Deref for ConfigRef {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> PolicyCell {
        let subjects = Subjects {
            services: [("Arith".to_owned(), 0), ("Echo".to_owned(), 1)].into(),
            protocols: vec![("http", "http"), ("go_rpc", "go_rpc"), ("raw_json", "go_rpc")],
            codecs: vec!["json".to_owned()],
            set_log_filter: Some(Box::new(|filter| match filter {
                "bad" => Err("no filter".to_owned()),
                _ => Ok(()),
            })),
            ..Subjects::default()
        };
        PolicyCell::new(subjects, Config::default(), None, false, Vec::new()).unwrap()
    }

    #[test]
    fn a_change_is_made_whole_or_not_at_all() {
        let cell = cell();
        let users = || Some(Credentials::new([("ala", ["kot"])]));
        let good = || PolicyChange::new().config(|config| config.max_calls(7)).credentials(users());
        for (bad, why) in [
            (good().config(|config| config.max_calls(0)), "max_calls = 0: must be at least 1"),
            (good().access("Nope", None), "no service \"Nope\""),
            (
                good().access("Arith", Some(Access::new().protocols(["nope"]))),
                "service Arith is allowed for protocol \"nope\", which this server does not have",
            ),
            (good().log("bad"), "log = \"bad\": no filter"),
            (
                good().config(|config| config.bson_dialect(codecs::BsonDialect::Always(Default::default()))),
                "bson_dialect cannot be changed while the server runs",
            ),
            (
                PolicyChange::new().login_required(true),
                "a login is required, but there are no credentials and no client certificates to check",
            ),
        ] {
            assert_eq!(cell.change(bad).unwrap_err().to_string(), why);
            let policy = cell.load();
            assert_eq!((policy.generation(), policy.config.max_calls), (0, 100_000), "{why}");
            assert!(policy.credentials.is_none() && policy.log().is_none());
        }
        let policy = cell.change(good().login_required(true).log("debug")).unwrap();
        assert_eq!((policy.generation(), policy.config().max_calls, policy.log()), (1, 7, Some("debug")));
        assert!(policy.login_required() && policy.credentials().is_some());
        assert_eq!(cell.load().generation(), 1);
    }

    #[test]
    fn a_rule_covers_the_protocols_its_protocols_stand_for() {
        let cell = cell();
        let rule = Access::new().protocols(["go_rpc"]);
        let policy = cell.change(PolicyChange::new().access("Echo", Some(rule))).unwrap();
        let names = policy.rule(1).unwrap().protocols.clone().unwrap();
        assert_eq!(names, ["go_rpc", "raw_json"]);
        assert!(policy.rule(0).is_none() && policy.rule(9).is_none());
        let policy = cell.change(PolicyChange::new().access("Echo", None)).unwrap();
        assert!(policy.rule(1).is_none());
    }
}
