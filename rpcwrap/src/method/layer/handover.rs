//! A call between its connection, which writes its replies, and the service at the bottom of its layers, which runs it.
//!
//! The handler belongs to one of the two at any time, and is handed from one to the other. Mostly both are polled by
//! one task; a layer may also run what it is around as a task of its own.

use super::request::CallOutcome;
use crate::{error::CallError, lock::lock, method::running::BoxCall};
use std::{
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};
use tower::BoxError;

/// A handler with something to write, or what became of it.
pub(super) type Ready = Result<BoxCall, CallError>;

/// Where a handler is left for the other side.
pub(super) struct Handover(Mutex<State>);

struct State {
    turn: Turn,
    /// Of the service at the bottom.
    runner: Option<Waker>,
    /// Of the call that writes.
    writer: Option<Waker>,
}

enum Turn {
    /// To be polled.
    Run(BoxCall),
    /// With one side.
    Taken,
    /// To write.
    Write(Ready),
    /// It has written its last reply.
    Over(CallOutcome),
    /// The call is gone.
    Closed,
}

/// What the service at the bottom has to do.
enum Task {
    Poll(BoxCall),
    Wait,
    End(CallOutcome),
    Stop,
}

impl Handover {
    pub(super) fn new(call: BoxCall) -> Self {
        Self(Mutex::new(State { turn: Turn::Run(call), runner: None, writer: None }))
    }

    /// The writer is about to look: it need not be woken for what it will see. Its waker, to be given back.
    pub(super) fn hold_writer(&self) -> Option<Waker> {
        lock(&self.0).writer.take()
    }

    /// The handler, if it has something to write; else `waker`, mostly the one in `held`, is woken when it has.
    pub(super) fn take_ready(&self, waker: &Waker, held: Option<Waker>) -> Option<Ready> {
        let mut state = lock(&self.0);
        if !matches!(state.turn, Turn::Write(_)) {
            let held = held.filter(|held| held.will_wake(waker));
            state.writer = Some(held.unwrap_or_else(|| waker.clone()));
            return None;
        }
        match mem::replace(&mut state.turn, Turn::Taken) {
            Turn::Write(ready) => Some(ready),
            _ => None,
        }
    }

    /// The handler has written and has more to say.
    pub(super) fn run_on(&self, call: BoxCall) {
        self.put(Turn::Run(call));
    }

    /// It has written its last reply.
    pub(super) fn end(&self, outcome: CallOutcome) {
        self.put(Turn::Over(outcome));
    }

    /// The call is gone, and its handler with it.
    pub(super) fn close(&self) {
        self.put(Turn::Closed);
    }

    fn put(&self, turn: Turn) {
        let mut state = lock(&self.0);
        let before = mem::replace(&mut state.turn, turn);
        let runner = state.runner.take();
        drop(state);
        if let Some(runner) = runner {
            runner.wake();
        }
        // What a handler does as it goes is not for the lock to wait for.
        drop(before);
    }

    fn task(&self, own: Option<BoxCall>, waker: &Waker) -> Task {
        let mut state = lock(&self.0);
        if !state.runner.as_ref().is_some_and(|runner| runner.will_wake(waker)) {
            state.runner = Some(waker.clone());
        }
        if let Turn::Closed = state.turn {
            return Task::Stop;
        }
        if let Some(call) = own {
            return Task::Poll(call);
        }
        match mem::replace(&mut state.turn, Turn::Taken) {
            Turn::Run(call) => Task::Poll(call),
            Turn::Over(outcome) => {
                state.runner = None;
                Task::End(outcome)
            }
            turn => {
                state.turn = turn;
                Task::Wait
            }
        }
    }

    fn give(&self, ready: Ready) {
        let mut state = lock(&self.0);
        if let Turn::Closed = state.turn {
            drop(state);
            return;
        }
        state.turn = Turn::Write(ready);
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

/// What the service at the bottom does with a request: runs the handler, until its last reply is written.
pub(super) struct Run {
    handover: Arc<Handover>,
    call: Option<BoxCall>,
}

impl Run {
    pub(super) fn new(handover: Arc<Handover>) -> Self {
        Self { handover, call: None }
    }
}

impl Future for Run {
    type Output = Result<CallOutcome, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { handover, call: own } = &mut *self;
        let mut call = match handover.task(own.take(), cx.waker()) {
            Task::Poll(call) => call,
            Task::Wait => return Poll::Pending,
            Task::End(outcome) => return Poll::Ready(Ok(outcome)),
            Task::Stop => return Poll::Ready(Err(CallError::Canceled.into())),
        };
        match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
            Ok(Poll::Pending) => *own = Some(call),
            Ok(Poll::Ready(())) => handover.give(Ok(call)),
            Err(_) => handover.give(Err(CallError::Panicked)),
        }
        Poll::Pending
    }
}
