//! What a user has used up of its limits: shared by name from one table of users to the next.

use super::rate::{Bucket, Rate};
use crate::error::OverLimit;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

/// The counts of one user.
#[derive(Debug)]
pub(super) struct UserState {
    since: Instant,
    bucket: Bucket,
    in_flight: AtomicUsize,
}

impl UserState {
    /// A user that has not called yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { since: Instant::now(), bucket: Bucket::default(), in_flight: AtomicUsize::new(0) })
    }

    /// Counts one call in flight until the permit is dropped.
    pub(super) fn enter(self: &Arc<Self>, limit: usize) -> Result<UserPermit, OverLimit> {
        let more = |now: usize| (now < limit).then_some(now + 1);
        match self.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(UserPermit(self.clone())),
            Err(_) => Err(OverLimit::InFlight { limit }),
        }
    }

    /// Counts one call against the rate.
    pub(super) fn take(&self, rate: Rate, now: Instant) -> Result<(), OverLimit> {
        let now = now.saturating_duration_since(self.since);
        self.bucket.take(rate, now).map_err(|wait| OverLimit::Rate { wait })
    }
}

/// One call in flight of a user that may have so many; given back when it is dropped.
pub struct UserPermit(Arc<UserState>);

impl Drop for UserPermit {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for UserPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserPermit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Barrier, thread, time::Duration};

    #[test]
    fn permits_of_many_threads_never_exceed_the_limit() {
        const LIMIT: usize = 5;
        let state = UserState::new();
        let (start, full) = (Barrier::new(16), Barrier::new(16));
        let entered = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    start.wait();
                    let permit = state.enter(LIMIT);
                    full.wait();
                    if permit.is_ok() {
                        entered.fetch_add(1, Ordering::Relaxed);
                    }
                    drop(permit);
                    for _ in 0..1000 {
                        if let Ok(_permit) = state.enter(LIMIT) {
                            assert!(state.in_flight.load(Ordering::Relaxed) <= LIMIT);
                        }
                    }
                });
            }
        });
        assert_eq!(entered.into_inner(), LIMIT);
        assert_eq!(state.in_flight.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn refusals_say_the_numbers() {
        let state = UserState::new();
        let permit = state.enter(1).unwrap();
        let refused = state.enter(1).unwrap_err();
        assert_eq!(refused.to_string(), "already has 1 calls in flight");
        drop(permit);
        assert!(state.enter(1).is_ok() && state.enter(0).is_err());
        let rate = Rate::new(10.0, Some(1)).unwrap();
        state.take(rate, state.since).unwrap();
        let refused = state.take(rate, state.since + Duration::from_millis(40)).unwrap_err();
        assert_eq!(refused.to_string(), "over its rate, wait 60 ms");
        // A reading from before the state was made counts as its beginning.
        assert!(UserState::new().take(rate, state.since).is_ok());
    }
}
