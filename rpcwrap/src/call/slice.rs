//! How long one poll of a connection may take before other tasks of its thread get theirs.
//!
//! A slice begins with the poll. Where it is over, calls are not polled, and none is started: they are woken at once,
//! and go on with the next poll. A handler that blocks its thread so holds up others for as long as it blocks, and not
//! for as long as all calls of its connection do.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    task::Context,
    time::{Duration, Instant},
};
use tokio::task::yield_now;

/// Far more than the calls take that are started at a time, if none of them blocks.
pub(crate) const SLICE: Duration = Duration::from_millis(5);

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::None) };
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No connection is polled.
    None,
    /// The clock has not been looked at.
    Fresh,
    /// It has, at `SINCE`.
    Running,
    Over,
}

/// The slice of one poll; before it ends the one around it goes on, if there is any.
#[derive(Debug)]
#[must_use = "the slice ends when it is dropped"]
pub(crate) struct Slice(State);

impl Slice {
    /// For a poll of a connection's task.
    #[inline]
    pub(crate) fn begin() -> Self {
        Self(STATE.replace(State::Fresh))
    }
}

impl Drop for Slice {
    #[inline]
    fn drop(&mut self) {
        STATE.set(self.0);
    }
}

/// Whether this is the poll of a connection's task.
pub(crate) fn is_begun() -> bool {
    STATE.get() != State::None
}

/// Whether it was over when the clock was last looked at.
#[inline]
pub(crate) fn is_over() -> bool {
    STATE.get() == State::Over
}

/// Whether it is over now.
pub(crate) fn is_over_now() -> bool {
    match STATE.get() {
        State::None => false,
        State::Fresh => {
            SINCE.set(Some(Instant::now()));
            STATE.set(State::Running);
            false
        }
        State::Running => {
            let is_over = SINCE.get().is_some_and(|since| since.elapsed() >= SLICE);
            if is_over {
                end();
            }
            is_over
        }
        State::Over => true,
    }
}

/// Wakes the task once others have had their turn and sockets have been looked at: a task that only wakes itself may
/// be polled 60 times before.
pub(crate) fn wake_later(cx: &mut Context<'_>) {
    // Pending when it is first polled.
    let _ = pin!(yield_now()).poll(cx);
}

/// Ends it: so long have calls taken.
#[cold]
pub(crate) fn end() {
    if is_begun() {
        STATE.set(State::Over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_slice_is_over_after_its_time_and_another_begins_with_the_next_poll() {
        end();
        assert!(!is_begun() && !is_over_now(), "there is none");
        for _ in 0..2 {
            let slice = Slice::begin();
            assert!(is_begun() && !is_over_now());
            thread::sleep(SLICE);
            assert!(!is_over() && is_over_now() && is_over());
            {
                let _inner = Slice::begin();
                assert!(!is_over());
                end();
                assert!(is_over());
            }
            assert!(is_over());
            drop(slice);
            assert!(!is_begun() && !is_over());
        }
    }
}
