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
/// last took a byte, the bytes that wait for it are given up.
const HALF_CLOSED: Duration = Duration::from_secs(30);

/// How often a peer that has closed its sending side is looked after during a call: nothing else tells that it has gone
/// altogether. One that is there waits for its reply however long that takes.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Notes of one connection; clones are the same notes.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Mutex<Notes>>);

#[derive(Debug)]
pub(super) struct Notes {
    stage: Stage,
    /// When the stage began.
    since: Instant,
    /// When the peer last sent or took a byte, or bytes began to wait for it.
    moved: Instant,
    /// hyper wants bytes and there are none.
    pub(super) read_blocked: bool,
    /// There are bytes for the peer and it takes none.
    write_blocked: bool,
    /// The socket holds replies it has not tried to write.
    pub(super) holding: bool,
    /// The socket shall write what it holds.
    pub(super) releasing: bool,
    /// When the peer closed its sending side.
    ended: Option<Instant>,
    /// When it was last looked whether a peer that has closed its sending side is still there.
    looked: Instant,
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
    /// None: it is to be looked whether the peer is still there.
    Look,
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
            ended: None,
            looked: now,
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

    /// There are bytes for the peer, which takes none for now.
    pub(super) fn blocked(&mut self) {
        if !self.write_blocked {
            // However long nothing was to be sent.
            self.moved = Instant::now();
        }
        self.write_blocked = true;
    }

    /// The peer has closed its sending side.
    pub(super) fn end(&mut self) {
        self.ended.get_or_insert_with(Instant::now);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// It is looked now whether the peer is still there.
    pub(super) fn look(&mut self) {
        self.looked = Instant::now();
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
        self.stage == Stage::Answering && !self.gone
    }

    /// When the connection's patience ends, and with what.
    pub(super) fn deadline(&self, config: &Config) -> Option<(Instant, Limit)> {
        // A limit beyond the clock's end is none.
        let after = |since: Instant, limit, what| Some((since.checked_add(limit)?, what));
        if self.write_blocked {
            return match self.ended {
                Some(ended) if HALF_CLOSED < config.stall_timeout => {
                    after(self.moved.max(ended), HALF_CLOSED, Limit::HalfClosed)
                }
                _ => after(self.moved, config.stall_timeout, Limit::Stall),
            };
        }
        match self.stage {
            Stage::Head => after(self.since, config.header_timeout, Limit::Head),
            Stage::Idle => after(self.since, config.keep_alive_timeout, Limit::Idle),
            Stage::Receiving if self.read_blocked => {
                after(self.moved.max(self.since), config.stall_timeout, Limit::Stall)
            }
            Stage::Answering if self.ended.is_some() => after(self.looked, LOOK_AFTER, Limit::Look),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// That many seconds after `start`.
    fn second(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_peer_that_has_closed_its_sending_side_has_30_s_for_each_byte_that_waits_and_none_for_the_call() {
        let config = Config::default();
        let progress = Progress::new();
        let mut notes = progress.notes();
        let start = notes.moved;
        notes.begin(true);
        // A call takes 50 s, then its peer closes its sending side: it waits on, and is looked after.
        (notes.ended, notes.looked) = (Some(second(start, 50)), second(start, 50));
        assert_eq!(notes.deadline(&config), Some((second(start, 51), Limit::Look)));
        notes.looked = second(start, 4000);
        assert_eq!(notes.deadline(&config), Some((second(start, 4001), Limit::Look)));
        // Bytes wait from then on, however long nothing was to be sent.
        notes.blocked();
        assert!(notes.moved > start);
        for (moved, ended, until) in [(45, 50, 80), (60, 50, 90), (50, 50, 80)] {
            (notes.moved, notes.ended) = (second(start, moved), Some(second(start, ended)));
            assert_eq!(notes.deadline(&config), Some((second(start, until), Limit::HalfClosed)));
        }
        // While bytes go on to wait the time does not begin again.
        let moved = notes.moved;
        notes.blocked();
        assert_eq!(notes.moved, moved);
        // A stall timeout that is shorter holds for it too; without a half-close it alone does.
        let short = Config::default().stall_timeout(Duration::from_secs(5));
        assert_eq!(notes.deadline(&short), Some((second(start, 55), Limit::Stall)));
        notes.ended = None;
        assert_eq!(notes.deadline(&config), Some((second(start, 50) + config.stall_timeout, Limit::Stall)));
    }
}
