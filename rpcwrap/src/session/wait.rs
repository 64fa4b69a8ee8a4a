//! What a session waits for when nothing moves, and for how long.

use super::{Framing, Session};
use crate::live::{
    config::Config,
    lifetime::{self, Stage},
};
use std::{
    future::Future,
    io,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// A draining connection is closed when it has been quiet for this long: calls on their way are still told.
const QUIET: Duration = Duration::from_millis(100);
/// How often a peer that is not read while calls run, because it has closed its sending side or has all the calls it
/// may have, is looked after: nothing else tells that it has gone altogether.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Bytes a second that a peer has to move in the middle of a message where memory is short.
const LEAST_PER_SECOND: u128 = 1 << 10;

/// What a session waits for that may not take for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The peer to move a byte.
    Stall,
    /// A connection that is to be closed to stay quiet.
    Quiet,
    /// The next call.
    Call,
    /// A connection that is not read to turn out to be gone.
    Gone,
}

impl<F: Framing> Session<F> {
    /// Nothing moves: waits for the peer, with a limit where the peer has_unsent something or the session is to end.
    ///
    /// The timer exists only while there is a limit, and is moved only when it has gone off too early: the peer having
    /// moved a byte costs one look at the clock.
    pub(super) fn wait(
        &mut self,
        cx: &mut Context<'_>,
        config: &Config,
        moved: bool,
    ) -> Poll<io::Result<()>> {
        self.tracked.set_in_flight(self.pending());
        self.tracked.set_unsent(self.has_unsent());
        if self.output.len() >= config.max_output_bytes {
            self.in_flight.wait_for_peer();
        }
        let wait = self.waits_for(config);
        let login = match self.must_log_in && self.hold.is_none() {
            true => self.began.checked_add(config.login_timeout),
            false => None,
        };
        if wait.is_none() && login.is_none() && config.max_connection_age.is_none() {
            (self.timer, self.wait) = (None, None);
            return Poll::Pending;
        }
        if moved || self.wait != wait {
            (self.wait, self.since) = (wait, Instant::now());
        }
        if self.is_too_slow(config, wait) {
            self.dispatch.live.stats.stalled.add_one();
            let text = "the peer moves less than 1 KiB/s, and memory is short";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        let watched = self.watched.as_ref().and_then(|watched| watched.0.checked_add(config.stall_timeout));
        let limit = wait.and_then(|wait| {
            self.since.checked_add(match wait {
                Wait::Stall => config.stall_timeout,
                Wait::Quiet => QUIET,
                Wait::Call => config.idle_timeout.unwrap_or(Duration::MAX),
                Wait::Gone => LOOK_AFTER,
            })
        });
        let aged = lifetime::reaches(self.stage.next(), &self.tracked, config);
        let Some(deadline) = limit.into_iter().chain(watched).chain(aged).chain(login).min() else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        if timer.deadline() < deadline {
            timer.as_mut().reset(deadline);
            ready!(timer.as_mut().poll(cx));
        }
        self.timer = None;
        match wait {
            _ if login == Some(deadline) => {
                self.dispatch.live.stats.opening_timeouts.add_one();
                if self.has_unsent() {
                    let text = "the peer has not logged in";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
                }
                return Poll::Ready(Ok(()));
            }
            _ if aged == Some(deadline) => {
                self.stage = self.stage.next();
                if self.stage == Stage::Over {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the connection is too old",
                    )));
                }
            }
            Some(Wait::Quiet | Wait::Call) => return Poll::Ready(Ok(())),
            Some(Wait::Stall) if limit == Some(deadline) => {
                self.dispatch.live.stats.stalled.add_one();
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer moves no byte")));
            }
            Some(Wait::Gone) if self.stream.is_gone() => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            // Looked at again, as is a peer that is watched.
            Some(Wait::Gone | Wait::Stall) | None => self.wait = None,
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether the peer is in the middle of something, memory is short, and it has moved next to nothing for as long as
    /// it may move nothing else.
    #[inline]
    fn is_too_slow(&mut self, config: &Config, wait: Option<Wait>) -> bool {
        if wait != Some(Wait::Stall) || !self.dispatch.live.memory.is_short() {
            self.watched = None;
            return false;
        }
        let (now, moved) = (Instant::now(), self.tracked.bytes_moved());
        let watched = self.watched.get_or_insert_with(|| Box::new((now, moved)));
        let passed = now - watched.0;
        if passed < config.stall_timeout {
            return false;
        }
        let (_, before) = std::mem::replace(&mut **watched, (now, moved));
        u128::from(moved - before) < LEAST_PER_SECOND * passed.as_millis() / 1000
    }

    /// What the session waits for and what may not take for ever.
    fn waits_for(&self, config: &Config) -> Option<Wait> {
        let idle = self.pending() == 0;
        match () {
            () if self.has_unsent() || (!self.input.is_empty() && idle) => Some(Wait::Stall),
            () if idle && (self.drained_since.is_some() || self.stage > Stage::Young) => Some(Wait::Quiet),
            () if idle && config.idle_timeout.is_some() => Some(Wait::Call),
            () if !idle && (self.ended || self.hold.is_some() || !self.has_room(config, &self.output)) => {
                Some(Wait::Gone)
            }
            () => None,
        }
    }
}
