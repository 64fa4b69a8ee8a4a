//! What every layer sees of the running server, swapped as a whole or counted.

pub(crate) mod config;
pub(crate) mod lifetime;
pub(crate) mod shutdown;
pub(crate) mod stats;
pub(crate) mod tracker;

use crate::auth::Credentials;
use config::Config;
use shutdown::Shutdown;
use stats::ServerStats;
use std::sync::{Arc, atomic::AtomicUsize};
use tracker::Tracker;

/// The state of one server, shared by all its connections.
pub(crate) struct Live {
    pub(crate) config: Config,
    pub(crate) credentials: Option<Credentials>,
    /// Whether only peers with an identity may call.
    pub(crate) login_required: bool,
    pub(crate) stats: ServerStats,
    pub(crate) tracker: Arc<Tracker>,
    pub(crate) shutdown: Shutdown,
    pub(crate) waiting: WaitingCalls,
}

/// How many calls wait for their handlers, in a cache line of its own: every call looks at it, only those that wait
/// write to it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WaitingCalls(pub(crate) AtomicUsize);
