//! What a connection of HTTP/2 waits for, and how long: the next stream, bytes taken of its replies, the answer to a ping.

use crate::{
    live::{
        config::Config,
        deadline::{Timer, poll_timer},
    },
    protocol::ConnCx,
};
use ::h2::{Ping, PingPong};
use std::{
    sync::atomic::Ordering::Relaxed,
    task::{Context, Poll, ready},
};
use tokio::time::Instant;

/// More than the pings of one `stall_timeout` and their answers, and other frames without a reply's bytes: 17 bytes each.
const PINGS: u64 = 1 << 10;

/// How long a connection without streams is kept, and how long it may then take to close.
#[derive(Default)]
pub(super) struct CloseTimer {
    since: Option<Instant>,
    timer: Timer,
    leaving: bool,
}

impl CloseTimer {
    /// The next time it goes off is the last.
    pub(super) fn start_closing(&mut self) {
        *self = Self { leaving: true, ..Self::default() };
    }

    pub(super) fn poll(&mut self, task: &mut Context<'_>, config: &Config, idle: bool) -> Poll<()> {
        if !idle {
            (self.since, self.timer) = (None, None);
            return Poll::Pending;
        }
        let limit = if self.leaving { config.header_timeout } else { config.keep_alive_timeout };
        match self.since.get_or_insert_with(Instant::now).checked_add(limit) {
            Some(deadline) => poll_timer(&mut self.timer, deadline, task),
            // Beyond the clock's end.
            None => Poll::Pending,
        }
    }
}

/// How long a peer takes nothing of the replies that wait for it: it answers pings, and is not stalled by what the
/// socket shows.
#[derive(Default)]
pub(super) struct UnsentTimer {
    /// Since when it is watched, and what had moved then.
    since: Option<(Instant, u64)>,
    timer: Timer,
}

impl UnsentTimer {
    /// Ready when `stall_timeout` has passed without more than pings.
    pub(super) fn poll(&mut self, task: &mut Context<'_>, cx: &ConnCx) -> Poll<()> {
        if cx.tracked.unsent_bytes.load(Relaxed) == 0 {
            (self.since, self.timer) = (None, None);
            return Poll::Pending;
        }
        loop {
            let moved = cx.tracked.bytes_moved();
            let (since, before) = *self.since.get_or_insert_with(|| (Instant::now(), moved));
            let deadline = since + cx.dispatch.live.config().stall_timeout;
            ready!(poll_timer(&mut self.timer, deadline, task));
            if moved - before < PINGS {
                return Poll::Ready(());
            }
            (self.since, self.timer) = (None, None);
        }
    }
}

/// Asks a peer that has streams now and then whether it is still there: one that is gone, or takes no byte, does not
/// answer.
pub(super) struct Pings {
    pings: PingPong,
    timer: Timer,
    since: Instant,
    /// Whether an answer is waited for, and what had come in all before the question.
    asked: Option<u64>,
}

impl Pings {
    pub(super) fn new(pings: PingPong) -> Self {
        Self { pings, timer: None, since: Instant::now(), asked: None }
    }

    /// Ready when a peer has sent nothing for `stall_timeout`, in the second half of which it was asked to.
    pub(super) fn poll(&mut self, task: &mut Context<'_>, cx: &ConnCx, has_streams: bool) -> Poll<()> {
        loop {
            // Also where it is not asked for: it is woken by no other.
            if self.pings.poll_pong(task).is_ready() {
                self.restart(None);
            }
            if !has_streams && self.asked.is_none() {
                self.restart(None);
                return Poll::Pending;
            }
            let half = cx.dispatch.live.config().stall_timeout / 2;
            let Some(deadline) = self.since.checked_add(half) else { return Poll::Pending };
            ready!(poll_timer(&mut self.timer, deadline, task));
            let received = cx.tracked.bytes_received();
            match self.asked {
                Some(before) if before == received => return Poll::Ready(()),
                Some(_) => self.restart(None),
                None => {
                    let is_asked = self.pings.send_ping(Ping::opaque()).is_ok();
                    self.restart(is_asked.then_some(received));
                }
            }
        }
    }

    fn restart(&mut self, asked: Option<u64>) {
        (self.timer, self.since, self.asked) = (None, Instant::now(), asked);
    }
}
