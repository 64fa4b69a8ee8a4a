//! What hyper would spawn, kept by the connection that has it: its streams run in its own task and end with it.

use crate::lock::lock;
use futures_util::{StreamExt, stream::FuturesUnordered};
use hyper::rt::Executor;
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where hyper leaves its tasks.
#[derive(Clone, Default)]
pub(super) struct Inbox(Arc<Mutex<Vec<Task>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Inbox {
    fn execute(&self, task: F) {
        lock(&self.0).push(Box::pin(task));
    }
}

/// The tasks of one connection.
#[derive(Default)]
pub(super) struct Tasks {
    inbox: Inbox,
    running: FuturesUnordered<Task>,
}

impl Tasks {
    pub(super) fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Takes in what is new and runs all that can, within the slice of the poll; whether any is done.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let new = std::mem::take(&mut *lock(&self.inbox.0));
        self.running.extend(new);
        let before = self.running.len();
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) {}
        self.running.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;
    use tokio::sync::oneshot;

    #[test]
    fn tasks_run_where_they_are_polled_and_end_with_their_owner() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut tasks = Tasks::default();
        let inbox = tasks.inbox();
        let (done, waiting) = oneshot::channel::<()>();
        let (mut held, hold) = oneshot::channel::<()>();
        inbox.execute(async move { drop(waiting.await) });
        inbox.execute(async move { drop(hold.await) });
        assert!(tasks.is_empty() && !tasks.poll(&mut cx) && !tasks.is_empty());
        done.send(()).unwrap();
        assert!(tasks.poll(&mut cx) && !tasks.is_empty() && !held.is_closed());
        drop(tasks);
        assert!(held.poll_closed(&mut cx).is_ready());
    }
}
