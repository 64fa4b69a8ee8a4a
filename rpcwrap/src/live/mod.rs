//! What every layer sees of the running server, swapped as a whole or counted.

mod addresses;
pub(crate) mod calls;
pub(crate) mod config;
pub(crate) mod connection_info;
pub(crate) mod deadline;
pub(crate) mod front;
pub(crate) mod lifetime;
pub(crate) mod memory;
pub(crate) mod observer;
pub(crate) mod page_access;
pub(crate) mod peers;
pub(crate) mod policy;
pub(crate) mod settings;
pub(crate) mod shutdown;
pub(crate) mod slow;
pub(crate) mod stats;
pub(crate) mod stop;
pub(crate) mod tracked;
pub(crate) mod tracker;
pub(crate) mod watch;

use crate::{
    auth::{Access, FailureLog, Logins},
    error::ConfigError,
    peer::load::ConnectionLoad,
};
use arc_swap::Guard;
use calls::CallTable;
use connection_info::ConnectionInfo;
use memory::Memory;
use observer::Observers;
use peers::PeerTable;
use policy::{ConfigRef, Policy, PolicyCell, PolicyChange};
use shutdown::{Phase, Shutdown};
use slow::SlowCalls;
use stats::{ServerSnapshot, ServerStats};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use stop::{Restart, StopRequest};
use tracker::Tracker;

/// The state of one server, shared by all its connections.
pub(crate) struct Live {
    policy: PolicyCell,
    pub(crate) logins: Logins,
    pub(crate) failed_logins: FailureLog,
    pub(crate) stats: ServerStats,
    pub(crate) tracker: Arc<Tracker>,
    pub(crate) memory: Memory,
    pub(crate) shutdown: Shutdown,
    pub(crate) stop: StopRequest,
    /// The program's way to start anew, if it has one.
    pub(crate) restart: Option<Restart>,
    pub(crate) waiting: WaitingCalls,
    /// The waiting calls of the program itself, which count as those of one connection.
    pub(crate) program: Arc<ConnectionLoad>,
    pub(crate) calls: CallTable,
    pub(crate) slow: SlowCalls,
    pub(crate) peers: PeerTable,
    pub(crate) observers: Observers,
    /// The program's count of lines its log has lost, if it keeps one.
    pub(crate) dropped_log_lines: Option<CountSource>,
}

/// A number that the program counts.
pub(crate) type CountSource = Box<dyn Fn() -> u64 + Send + Sync>;

impl Live {
    /// The state of a server that starts with `policy` and tells `observers` of its calls, in a program that can start
    /// anew by `restart`.
    pub(crate) fn new(policy: PolicyCell, observers: Observers, restart: Option<Restart>) -> Self {
        let config = policy.load_full().config().clone();
        Self {
            policy,
            logins: Logins::default(),
            failed_logins: FailureLog::default(),
            stats: ServerStats::default(),
            tracker: Tracker::new(),
            memory: Memory::new(config.memory_budget),
            shutdown: Shutdown::default(),
            stop: StopRequest::default(),
            restart,
            waiting: WaitingCalls::default(),
            program: Arc::default(),
            calls: CallTable::default(),
            slow: SlowCalls::new(config.slow_call),
            peers: PeerTable::new(config.max_peer_statistics),
            observers,
            dropped_log_lines: None,
        }
    }

    /// The numbers of the whole server at this moment.
    pub(crate) fn server_snapshot(&self) -> ServerSnapshot {
        let dropped_log_lines = self.dropped_log_lines.as_ref().map_or(0, |count| count());
        ServerSnapshot { dropped_log_lines, ..self.stats.snapshot(self.tracker.open(), &self.memory) }
    }

    /// The policy in force. A call is decided under one of them from its start on.
    #[inline]
    pub(crate) fn policy(&self) -> Guard<Arc<Policy>> {
        self.policy.load()
    }

    /// The same, to be held for longer.
    pub(crate) fn policy_full(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// The settings in force.
    #[inline]
    pub(crate) fn config(&self) -> ConfigRef {
        ConfigRef(self.policy.load())
    }

    /// Whether one more call may wait that is made on the connection of `load`.
    ///
    /// While less than three quarters of `max_calls` wait, every call may, and this is one look at a number.
    #[inline]
    pub(crate) fn has_room(&self, policy: &Policy, load: &ConnectionLoad) -> bool {
        let waiting = self.waiting.now();
        waiting < policy.calls_without_shares
            || load.may_enter(policy.config.max_calls.saturating_sub(waiting))
    }

    /// Whether load balancers should send calls: the server is not about to stop, and has room for them.
    pub(crate) fn is_ready(&self) -> bool {
        self.shutdown.phase() == Phase::Serving && self.waiting.now() < self.config().max_calls
    }

    /// Whether there are users now, so that a login can succeed.
    pub(crate) fn has_users(&self) -> bool {
        self.policy.load().credentials().is_some()
    }

    /// Every service with the access rule in force for it.
    pub(crate) fn access_rules(&self) -> Vec<(String, Option<Access>)> {
        self.policy.rules()
    }

    /// Puts another policy in force, for open connections too: each is woken, so that it looks at its limits again.
    ///
    /// # Errors
    /// What in it cannot work; nothing is changed then.
    pub(crate) fn change_policy(&self, change: PolicyChange) -> Result<Arc<Policy>, ConfigError> {
        let policy = self.policy.change(change)?;
        self.logins.policy_changed();
        self.slow.set_limit(policy.config.slow_call);
        self.peers.set_limit(policy.config.max_peer_statistics);
        self.memory.set_budget(policy.config.memory_budget);
        self.shutdown.wake_all();
        tracing::info!(generation = policy.generation(), "policy changed");
        Ok(policy)
    }

    /// Closes the connections that `which` names, whatever they are doing. Their numbers.
    pub(crate) fn kill_connections(&self, which: impl Fn(&ConnectionInfo) -> bool) -> Vec<u64> {
        let killed = self.tracker.kill(which);
        self.shutdown.wake_all();
        killed
    }
}

/// How many calls wait for their handlers, in a cache line of its own: every call looks at it, only those that wait
/// write to it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WaitingCalls(AtomicUsize);

impl WaitingCalls {
    /// One more.
    pub(crate) fn enter(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub(crate) fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many there are.
    #[inline]
    pub(crate) fn now(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
