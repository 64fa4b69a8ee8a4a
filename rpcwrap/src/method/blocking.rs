//! How the functions of one blocking method share tokio's blocking pool with those of others.
//!
//! A function that runs cannot be stopped, so everything that was counted for its call stays counted until it returns:
//! its thread, and the permits of its method and user. A method whose functions do not end so runs out of its own
//! share, and its callers are refused, not those of other methods.

use crate::{
    error::{CallError, Error},
    lock::lock,
};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{self, Poll},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinHandle, spawn_blocking},
};

/// One method's share of the pool.
#[derive(Debug)]
pub(crate) struct BlockingShare {
    threads: Arc<Semaphore>,
    /// How many threads there are, taken or not.
    size: Mutex<usize>,
    /// Functions that run or wait, those whose calls have gone included.
    entered: AtomicUsize,
    running: AtomicUsize,
}

impl BlockingShare {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            threads: Arc::new(Semaphore::new(0)),
            size: Mutex::new(0),
            entered: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
        })
    }

    /// A turn for one more function, of which `threads` may run and `queued` wait; `None` if there are that many.
    pub(crate) fn enter(self: &Arc<Self>, threads: usize, queued: usize) -> Option<Turn> {
        let limit = threads.saturating_add(queued);
        let more = |entered: usize| (entered < limit).then_some(entered + 1);
        self.entered.fetch_update(Relaxed, Relaxed, more).ok()?;
        self.resize(threads);
        Some(Turn { share: self.clone(), _permits: None })
    }

    /// Follows the setting: at once where there are more threads than before, else as far as threads are free.
    fn resize(&self, threads: usize) {
        let mut size = lock(&self.size);
        if threads > *size {
            self.threads.add_permits(threads - *size);
            *size = threads;
        } else {
            *size -= self.threads.forget_permits(*size - threads);
        }
    }

    /// Functions that run on a thread now, and those that wait for one.
    pub(crate) fn load(&self) -> BlockingLoad {
        let running = self.running.load(Relaxed);
        BlockingLoad { running, queued: self.entered.load(Relaxed).saturating_sub(running) }
    }
}

/// What the functions of one blocking method have of the pool at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingLoad {
    /// Functions that run, those whose calls have been cancelled or have run out of time included.
    pub running: usize,
    /// Calls that wait for a thread.
    pub queued: usize,
}

/// The right of one function to run when there is a thread for it.
pub(crate) struct Turn {
    share: Arc<BlockingShare>,
    _permits: Option<Box<dyn Send>>,
}

impl Turn {
    /// Keeps `permits` until the function has returned, or will never run.
    pub(crate) fn keep(&mut self, permits: impl Send + 'static) {
        self._permits = Some(Box::new(permits));
    }
}

/// Runs `function` when there is a thread for its `turn`, at once where there is none to wait for. Once it runs it ends
/// by itself only; if the future is dropped before, it never runs.
pub(super) async fn run<R: Send + 'static>(
    turn: Option<Turn>,
    function: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Result<R, CallError> {
    let running = match turn {
        None => None,
        Some(turn) => {
            // The semaphore is never closed.
            let thread = turn.share.threads.clone().acquire_owned().await.ok();
            Some((turn, thread))
        }
    };
    Joined(spawn_blocking(move || {
        let _running = running.map(|(turn, thread)| Running::new(turn, thread));
        function()
    }))
    .await
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.share.entered.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

/// A function on a thread; gives everything back when it has returned or panicked.
struct Running {
    turn: Turn,
    _thread: Option<OwnedSemaphorePermit>,
}

impl Running {
    fn new(turn: Turn, thread: Option<OwnedSemaphorePermit>) -> Self {
        turn.share.running.fetch_add(1, Relaxed);
        Self { turn, _thread: thread }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.turn.share.running.fetch_sub(1, Relaxed);
    }
}

/// A task's result; the task goes when this goes.
pub(super) struct Joined<R>(pub(super) JoinHandle<Result<R, Error>>);

impl<R> Future for Joined<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined: Result<_, JoinError>| match joined {
            Ok(result) => result.map_err(CallError::Failed),
            Err(error) if error.is_panic() => Err(CallError::Panicked),
            Err(_) => Err(CallError::Canceled),
        })
    }
}

impl<R> Drop for Joined<R> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::{sync::mpsc, time::Duration};
    use tokio::time::timeout;

    const LONG: Duration = Duration::from_secs(10);

    /// A function that returns when it is told, and says when it runs.
    fn gated(
        ran: &mpsc::Sender<()>,
    ) -> (mpsc::Sender<()>, impl FnOnce() -> Result<u8, Error> + Send + use<>) {
        let (open, gate) = mpsc::channel();
        let ran = ran.clone();
        let function = move || {
            ran.send(()).unwrap();
            gate.recv_timeout(LONG).map(|()| 7).map_err(Error::new)
        };
        (open, function)
    }

    fn load(running: usize, queued: usize) -> BlockingLoad {
        BlockingLoad { running, queued }
    }

    #[tokio::test]
    async fn a_function_keeps_what_it_holds_until_it_returns() {
        let share = BlockingShare::new();
        let (ran, runs) = mpsc::channel();
        let permit = Arc::new(());
        let turn = |share: &Arc<BlockingShare>| {
            let mut turn = share.enter(1, 1)?;
            turn.keep(permit.clone());
            Some(turn)
        };
        let (open, function) = gated(&ran);
        let mut first = Box::pin(run(turn(&share), function));
        assert!((&mut first).now_or_never().is_none());
        runs.recv_timeout(LONG).unwrap();
        let (_, function) = gated(&ran);
        let mut second = Box::pin(run(turn(&share), function));
        assert!((&mut second).now_or_never().is_none() && share.enter(1, 1).is_none());
        assert_eq!((share.load(), Arc::strong_count(&permit)), (load(1, 1), 3));
        // One that waits goes with its call and never runs; one that runs does not.
        drop((first, second));
        assert_eq!((share.load(), Arc::strong_count(&permit)), (load(1, 0), 2));
        let (third_open, function) = gated(&ran);
        let third = run(turn(&share), function);
        third_open.send(()).unwrap();
        open.send(()).unwrap();
        assert_eq!(timeout(LONG, third).await.unwrap(), Ok(7));
        assert_eq!((runs.try_iter().count(), share.load(), Arc::strong_count(&permit)), (1, load(0, 0), 1));
    }

    #[tokio::test]
    async fn threads_follow_the_setting() {
        let share = BlockingShare::new();
        let (ran, runs) = mpsc::channel();
        let start = |threads| {
            let turn = share.enter(threads, 8);
            let (open, function) = gated(&ran);
            let mut call = Box::pin(run(turn, function));
            assert!((&mut call).now_or_never().is_none());
            (open, call)
        };
        let (one, mut two, three) = (start(1), start(1), start(2));
        // The new thread is for the one that has waited longest.
        assert!((&mut two.1).now_or_never().is_none());
        for _ in 0..2 {
            runs.recv_timeout(LONG).unwrap();
        }
        for (open, call) in [one, two, three] {
            open.send(()).unwrap();
            assert_eq!(timeout(LONG, call).await.unwrap(), Ok(7));
        }
        assert_eq!((*lock(&share.size), share.threads.available_permits()), (2, 2));
        drop(share.enter(1, 8));
        assert_eq!((*lock(&share.size), share.threads.available_permits()), (1, 1));
    }

    #[tokio::test]
    async fn a_panic_gives_everything_back() {
        let share = BlockingShare::new();
        let call = run::<u8>(share.enter(1, 0), || panic!("on purpose"));
        assert_eq!(timeout(LONG, call).await.unwrap(), Err(CallError::Panicked));
        assert_eq!((share.load(), share.threads.available_permits()), (load(0, 0), 1));
    }
}
