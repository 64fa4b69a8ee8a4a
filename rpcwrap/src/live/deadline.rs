//! A wait whose limit is a setting: a change of the setting counts for what waits already.

use super::{Live, config::Config};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// The deadline passed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeadlinePassed;

impl Live {
    /// Waits for `future`, at most until the deadline that `deadline` makes of the settings; `None` is no deadline.
    ///
    /// The settings are asked again whenever the task is woken, as every change of them wakes those that wait for a
    /// phase of the server. Dropping the future drops the inner one.
    ///
    /// # Errors
    /// The deadline passed.
    pub(crate) fn until<D, F>(&self, deadline: D, future: F) -> Until<'_, D, F>
    where
        D: Fn(&Config) -> Option<Instant>,
        F: Future,
    {
        Until { live: self, deadline, future, timer: None }
    }

    /// As [`until`](Self::until), for a deadline so long from now on.
    pub(crate) fn within<L, F>(
        &self,
        limit: L,
        future: F,
    ) -> Until<'_, impl Fn(&Config) -> Option<Instant>, F>
    where
        L: Fn(&Config) -> Duration,
        F: Future,
    {
        let since = Instant::now();
        self.until(move |config| since.checked_add(limit(config)), future)
    }
}

/// A timer that is made when it is first waited for, and moved with its deadline.
pub(crate) type Timer = Option<Pin<Box<Sleep>>>;

/// Ready when `deadline` has passed.
pub(crate) fn poll_timer(timer: &mut Timer, deadline: Instant, task: &mut Context<'_>) -> Poll<()> {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    timer.as_mut().poll(task)
}

pin_project! {
    /// Returned by [`Live::until`]. Written by hand: an `async fn` keeps room for what it is given twice, and most of
    /// what waits is large.
    pub(crate) struct Until<'l, D, F> {
        live: &'l Live,
        deadline: D,
        #[pin]
        future: F,
        timer: Timer,
    }
}

impl<D, F> Future for Until<'_, D, F>
where
    D: Fn(&Config) -> Option<Instant>,
    F: Future,
{
    type Output = Result<F::Output, DeadlinePassed>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(task) {
            return Poll::Ready(Ok(output));
        }
        let Some(deadline) = (this.deadline)(&this.live.config()) else {
            *this.timer = None;
            return Poll::Pending;
        };
        poll_timer(this.timer, deadline, task).map(|()| Err(DeadlinePassed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{
        observer::Observers,
        policy::{PolicyCell, PolicyChange, Subjects},
        shutdown::Phase,
    };
    use std::{future::pending, sync::Arc, time::Duration};

    fn live() -> Arc<Live> {
        let policy = PolicyCell::new(Subjects::default(), Config::default(), None, false, Vec::new());
        Arc::new(Live::new(policy.unwrap(), Observers::default(), None))
    }

    /// Waits as a connection does that opens: woken by every change.
    async fn waited(live: Arc<Live>) -> Result<(), DeadlinePassed> {
        let since = Instant::now();
        let over = live.shutdown.reached(Phase::Draining);
        tokio::select! {
            late = live.until(|config| Some(since + config.first_byte_timeout), pending()) => late,
            () = over => Ok(()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_the_setting_counts_for_what_waits() {
        let live = live();
        let began = Instant::now();
        let waiting = tokio::spawn(waited(live.clone()));
        tokio::task::yield_now().await;
        let short = PolicyChange::new().config(|config| config.first_byte_timeout(Duration::from_secs(3)));
        live.change_policy(short).unwrap();
        assert_eq!((waiting.await.unwrap(), began.elapsed()), (Err(DeadlinePassed), Duration::from_secs(3)));

        let began = Instant::now();
        let waiting = tokio::spawn(waited(live.clone()));
        tokio::task::yield_now().await;
        let long = PolicyChange::new().config(|config| config.first_byte_timeout(Duration::from_secs(60)));
        live.change_policy(long).unwrap();
        assert_eq!((waiting.await.unwrap(), began.elapsed()), (Err(DeadlinePassed), Duration::from_secs(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_in_time_is_handed_on_and_no_deadline_is_none() {
        let live = live();
        assert_eq!(live.until(|_| Some(Instant::now()), async { 7 }).await, Ok(7));
        let hour = tokio::time::sleep(Duration::from_secs(3600));
        assert_eq!(live.until(|_| None, hour).await, Ok(()));
    }
}
