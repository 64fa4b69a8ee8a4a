//! The server's own thread: accepts connections, reads their openings, answers pages, and watches the threads of
//! handlers. See [`Front`](crate::live::front::Front) for how connections leave it.

use crate::{
    call::{dispatch::Dispatch, watchdog},
    live::tracker::Tracker,
    lock::lock,
};
use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex, Weak},
    thread,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::mpsc,
};
use tracing::{dispatcher, subscriber::NoSubscriber};

/// Threads for what blocks in the answer to a page: slow hashes of logins, files that are read again.
const MAX_BLOCKING: usize = 8;

/// The thread, from the first listener on. It ends when the server is gone, its listeners and its connections too.
#[derive(Debug, Default)]
pub(super) struct FrontThread(Mutex<Option<User>>);

/// What uses the thread: it does not end before this is dropped.
#[derive(Debug, Clone)]
pub(super) struct User {
    /// Of its runtime.
    pub(super) handle: Handle,
    pub(super) user: mpsc::Sender<Infallible>,
}

impl FrontThread {
    /// Starts it, if that has not been done.
    ///
    /// # Errors
    /// There is no thread or no descriptor left.
    pub(super) fn start(&self, dispatch: &Arc<Dispatch>) -> io::Result<User> {
        let mut started = lock(&self.0);
        if let Some(user) = &*started {
            return Ok(user.clone());
        }
        let runtime =
            Builder::new_current_thread().enable_all().max_blocking_threads(MAX_BLOCKING).build()?;
        let (user, users) = mpsc::channel(1);
        let user = User { handle: runtime.handle().clone(), user };
        let serving = serve(Arc::downgrade(dispatch), dispatch.live.tracker.clone(), users);
        // A program, or a test, may log by a subscriber of this thread's.
        let log = dispatcher::get_default(tracing::Dispatch::clone);
        let run = move || {
            let _log = (!log.is::<NoSubscriber>()).then(|| dispatcher::set_default(&log));
            runtime.block_on(serving);
        };
        thread::Builder::new().name("rpcwrap-front".to_owned()).spawn(run)?;
        Ok(started.insert(user).clone())
    }
}

async fn serve(dispatch: Weak<Dispatch>, tracker: Arc<Tracker>, mut users: mpsc::Receiver<Infallible>) {
    let gone = async {
        // Nothing is ever sent.
        let _ = users.recv().await;
        tracker.all_gone().await;
    };
    tokio::select! {
        () = gone => {}
        () = watchdog::watch(dispatch) => {}
    }
}
