//! How the program is asked from within to end, or to start anew.

use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// The wish that the server ends as at SIGTERM.
#[derive(Default)]
pub(crate) struct StopRequest(watch::Sender<bool>);

impl StopRequest {
    /// Asks for the end; `false` if nothing in the program waits for it.
    pub(crate) fn ask(&self) -> bool {
        self.0.send(true).is_ok()
    }

    /// Waits for it from now on.
    pub(crate) fn wait(&self) -> StopWaiting {
        StopWaiting(self.0.subscribe())
    }
}

/// What waits for a [`StopRequest`].
pub(crate) struct StopWaiting(watch::Receiver<bool>);

impl StopWaiting {
    /// Ready when the end has been asked for.
    pub(crate) async fn asked(&mut self) {
        // Without its sender the server is gone.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

/// Starts the program anew; says what happened, or why it cannot.
pub(crate) type RestartHook = Box<dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// The program's way to start anew, taken by one at a time.
pub(crate) struct Restart {
    hook: RestartHook,
    free: Arc<Semaphore>,
}

impl Restart {
    pub(crate) fn new(hook: RestartHook) -> Self {
        Self { hook, free: Arc::new(Semaphore::new(1)) }
    }

    /// Starts the program anew, also if the future is dropped.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) async fn run(&self) -> Result<String, String> {
        let Ok(permit) = self.free.clone().try_acquire_owned() else {
            return Err("a restart is under way".to_owned());
        };
        let restart = (self.hook)();
        // Owned by its permit; half a restart would be worse than one whose caller has gone.
        let restarting = tokio::spawn(async move {
            let _permit = permit;
            restart.await
        });
        restarting.await.unwrap_or_else(|_| Err("the program's restart panicked".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn the_end_is_asked_for_where_something_waits() {
        let request = StopRequest::default();
        assert!(!request.ask());
        let mut waiting = request.wait();
        assert!(waiting.asked().now_or_never().is_none() && request.ask());
        waiting.asked().await;
        drop(waiting);
        assert!(!request.ask());
    }

    #[tokio::test]
    async fn one_restart_at_a_time() {
        let gate = Arc::new(Notify::new());
        let hook = {
            let gate = gate.clone();
            move || {
                let gate = gate.clone();
                async move {
                    gate.notified().await;
                    Ok("pid 7".to_owned())
                }
                .boxed()
            }
        };
        let restart = Restart::new(Box::new(hook));
        // It goes on though its caller has gone.
        assert!(restart.run().now_or_never().is_none());
        assert_eq!(restart.run().await, Err("a restart is under way".to_owned()));
        gate.notify_one();
        while restart.free.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
        assert_eq!(restart.run().await, Ok("pid 7".to_owned()));
        let broken = Restart::new(Box::new(|| async { panic!("no") }.boxed()));
        assert_eq!(broken.run().await, Err("the program's restart panicked".to_owned()));
    }
}
