//! Whether a peer may call a method: the one place where access rules and rights of users are applied.
//!
//! A rule of another protocol or codec means that there is no such service; a peer that has to be known and is not is
//! unauthenticated; a known user without the right is denied. The same for every protocol.

use crate::{
    auth::{Access, Identity, User, UserPermit},
    call::{attempt::Rate, large},
    error::CallError,
    live::policy::Policy,
    peer::{IN_PROCESS, Peer},
};
use codecs::Limits;
use std::{sync::Arc, time::Instant};

/// A peer under one policy: what all calls that are started under it are decided by.
pub(crate) struct Caller<'p> {
    pub(crate) peer: &'p Arc<Peer>,
    pub(crate) policy: &'p Policy,
    /// The name it has proven to be, if that counts under this policy.
    name: Option<&'p str>,
    /// Its entry in the table of users.
    user: Option<&'p Arc<User>>,
    /// It may call nothing, for want of TLS or of a login.
    pub(crate) is_barred: bool,
    /// What arguments are decoded within.
    pub(crate) limits: &'p Limits,
    /// It has the place where large messages are worked on.
    pub(crate) has_place: bool,
    rate: Rate,
}

/// Whether `identity`, or a peer that has proven none, may know that there is `full_name`, of the service with that
/// number in the registry: it may call it by some protocol and codec.
pub(crate) fn may_know(
    policy: &Policy,
    identity: Option<&Identity>,
    service: usize,
    full_name: &str,
) -> bool {
    let (name, user) = known(policy, identity);
    let by_rule = policy.rule(service).is_none_or(|rule| match name {
        None => !rule.authenticated,
        Some(name) => rule.users.as_ref().is_none_or(|names| names.iter().any(|allowed| allowed == name)),
    });
    by_rule && user.is_none_or(|user| user.allows(full_name))
}

/// The name that `identity` has proven, if it counts under `policy`, and its entry in the table of users.
#[inline]
fn known<'p>(policy: &'p Policy, identity: Option<&'p Identity>) -> (Option<&'p str>, Option<&'p Arc<User>>) {
    let Some(identity) = identity else { return (None, None) };
    let user = policy.credentials().and_then(|credentials| credentials.users().get(identity.name()));
    let counts = user.is_some() || identity.is_by_certificate();
    (counts.then(|| identity.name()), user)
}

impl<'p> Caller<'p> {
    /// What `peer` is under `policy`: one that was a user when it logged in and is none any more is unknown. A user by
    /// certificate need not be in the table, and has its rights and limits if it is.
    #[inline]
    pub(crate) fn new(peer: &'p Arc<Peer>, policy: &'p Policy) -> Self {
        let (name, user) = known(policy, peer.user.as_ref());
        let has_place = large::has_place();
        let limits = if large::is_needed_elsewhere() { &policy.limits_in_place } else { &policy.limits };
        let mut caller =
            Self { peer, policy, name, user, is_barred: false, limits, has_place, rate: Rate::ToCount };
        caller.is_barred = peer.needs_tls || caller.lacks_login();
        caller
    }

    /// The same for a call that may have been counted before.
    pub(crate) fn with_rate(self, rate: Rate) -> Self {
        Self { rate, ..self }
    }

    /// Whether arguments that become more than `limits` let them may do so aside.
    pub(crate) fn may_decode_more(&self) -> bool {
        !std::ptr::eq(self.limits, &self.policy.limits)
    }

    /// Whether the peer has to log in first.
    #[inline]
    pub(crate) fn lacks_login(&self) -> bool {
        self.policy.login_required() && self.name.is_none() && self.peer.protocol != IN_PROCESS
    }

    /// What its messages have to keep to.
    pub(crate) fn message_limits(&self) -> Limits {
        let config = self.policy.config();
        let limits = self.policy.limits;
        if !self.lacks_login() {
            return limits;
        }
        let max_message_bytes = limits.max_message_bytes.min(config.max_message_bytes_before_login);
        Limits { max_message_bytes, ..limits }
    }

    /// Whether the peer may call `full_name`, of the service with that number in the registry.
    #[inline]
    pub(crate) fn may_call(&self, service: usize, full_name: &str) -> Result<(), CallError> {
        match (self.policy.rule(service), self.user) {
            (None, None) => Ok(()),
            (rule, _) => self.check(rule, full_name),
        }
    }

    fn check(&self, rule: Option<&Access>, full_name: &str) -> Result<(), CallError> {
        if let Some(rule) = rule {
            self.check_rule(rule, full_name)?;
        }
        match self.user {
            Some(user) if !user.allows(full_name) => Err(self.denied(full_name)),
            _ => Ok(()),
        }
    }

    fn check_rule(&self, rule: &Access, full_name: &str) -> Result<(), CallError> {
        let free = |names: &Option<Vec<String>>, wanted: &str| {
            names.as_ref().is_none_or(|names| names.iter().any(|allowed| allowed == wanted))
        };
        if !free(&rule.protocols, self.peer.protocol) || !free(&rule.codecs, &self.peer.codec) {
            return Err(CallError::UnknownService(full_name.to_owned()));
        }
        match (self.name, rule.authenticated) {
            (None, true) => Err(CallError::Unauthenticated(full_name.to_owned())),
            (Some(name), _) if !free(&rule.users, name) => Err(self.denied(full_name)),
            _ => Ok(()),
        }
    }

    /// Counts a call against the limits of the user, if it has any; in flight until the permit is dropped.
    #[inline]
    pub(crate) fn admit(&self, now: Instant) -> Result<Option<UserPermit>, CallError> {
        let Some(user) = self.user else { return Ok(None) };
        let admitted = match self.rate {
            Rate::ToCount => user.admit(now),
            Rate::Counted => user.enter(),
        };
        admitted.map_err(|limit| CallError::OverUserLimit { user: user.name().to_owned(), limit })
    }

    fn denied(&self, full_name: &str) -> CallError {
        CallError::Denied { name: full_name.to_owned(), user: self.name.unwrap_or_default().to_owned() }
    }
}
