//! Where an HTTP connection stands, so that each wait has its own limit.
//!
//! hyper has one timer for a head and for the pause before it; these are two limits here, so the driver keeps its own
//! time. The socket, the service and the reply bodies of one connection note what they see, all in one task, and the
//! driver asks how long to wait.

use crate::{live::config::Config, lock::lock};
use bytes::Bytes;
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::time::Instant;

/// A peer that has closed its sending side may still read, or be gone: TCP does not tell. So long after it closed, or
/// last took a byte, an unfinished answer is given up.
const HALF_CLOSED: Duration = Duration::from_secs(30);

/// Notes of one connection; clones are the same notes.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Mutex<Notes>>);

#[derive(Debug)]
pub(super) struct Notes {
    stage: Stage,
    /// When the stage began.
    since: Instant,
    /// When the peer last sent or took a byte.
    moved: Instant,
    /// hyper wants bytes and there are none.
    pub(super) read_blocked: bool,
    /// There are bytes for the peer and it takes none.
    pub(super) write_blocked: bool,
    /// The socket holds replies it has not tried to write.
    pub(super) holding: bool,
    /// The socket shall write what it holds.
    pub(super) releasing: bool,
    /// The peer has closed its sending side.
    pub(super) ended: bool,
    /// The peer is gone for good.
    pub(super) gone: bool,
    /// Complete requests so far.
    pub(super) requests: u64,
    /// The path of the CONNECT that ends HTTP here, and what came with it.
    pub(super) handover: Option<(String, Bytes)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A request's head is being read.
    Head,
    /// A request is being answered, its body still to be read.
    Receiving,
    /// A request read to its end is being answered.
    Answering,
    /// Between requests.
    Idle,
}

/// Which limit a connection has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Head,
    Idle,
    Stall,
    HalfClosed,
}

impl Progress {
    /// A connection whose first bytes have come.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(Notes {
            stage: Stage::Head,
            since: now,
            moved: now,
            read_blocked: false,
            write_blocked: false,
            holding: false,
            releasing: false,
            ended: false,
            gone: false,
            requests: 0,
            handover: None,
        })))
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        lock(&self.0)
    }
}

impl Notes {
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
        self.read_blocked = false;
    }

    /// The peer sent bytes.
    pub(super) fn received(&mut self) {
        self.moved = Instant::now();
        self.read_blocked = false;
        if self.stage == Stage::Idle {
            self.enter(Stage::Head);
        }
    }

    /// The peer took bytes.
    pub(super) fn sent(&mut self) {
        self.moved = Instant::now();
        self.write_blocked = false;
    }

    /// A head is complete; `whole` if no body follows it.
    pub(super) fn begin(&mut self, whole: bool) {
        self.requests += 1;
        self.enter(if whole { Stage::Answering } else { Stage::Receiving });
    }

    /// Whether a request's body is still to be read.
    pub(super) fn is_receiving(&self) -> bool {
        self.stage == Stage::Receiving
    }

    /// The request's body has been read to its end.
    pub(super) fn whole(&mut self) {
        if self.stage == Stage::Receiving {
            self.enter(Stage::Answering);
        }
    }

    /// All of the reply is in hyper's hands.
    pub(super) fn answered(&mut self) {
        self.enter(Stage::Idle);
    }

    /// Whether the only thing the peer could tell now is that it goes away.
    pub(super) fn expects_nothing(&self) -> bool {
        self.stage == Stage::Answering && !self.ended && !self.gone
    }

    /// When the connection's patience ends, and with what.
    pub(super) fn deadline(&self, config: &Config) -> Option<(Instant, Limit)> {
        // A limit beyond the clock's end is none.
        let after = |since: Instant, limit, what| Some((since.checked_add(limit)?, what));
        if self.write_blocked {
            return after(self.moved, config.stall_timeout, Limit::Stall);
        }
        match self.stage {
            Stage::Head => after(self.since, config.header_timeout, Limit::Head),
            Stage::Idle => after(self.since, config.keep_alive_timeout, Limit::Idle),
            Stage::Receiving if self.read_blocked => {
                after(self.moved.max(self.since), config.stall_timeout, Limit::Stall)
            }
            Stage::Answering if self.ended => {
                after(self.moved.max(self.since), HALF_CLOSED, Limit::HalfClosed)
            }
            Stage::Receiving | Stage::Answering => None,
        }
    }
}

/// Notes that a reply is done when it is dropped, however it ends.
#[derive(Debug)]
pub(super) struct Answered(pub(super) Progress);

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.notes().answered();
    }
}
