//! Names the methods that do not let go of their threads: every other task of such a thread waits for them.

use crate::{
    call::dispatch::Dispatch,
    live::watch::{self, MethodNumber, Running},
};
use std::{
    collections::HashMap,
    future::pending,
    sync::Weak,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How often threads are looked at while a method has this long.
fn pause(limit: Option<Duration>) -> Duration {
    let longest = Duration::from_secs(1);
    limit.map_or(longest, |limit| (limit / 4).clamp(Duration::from_millis(5), longest))
}

/// Looks at all threads of the process now and then, for methods of this server.
pub(crate) async fn watch(dispatch: Weak<Dispatch>) {
    let mut watchdog = Watchdog::default();
    loop {
        let Some(server) = dispatch.upgrade() else { return pending().await };
        let limit = server.live.config().blocked_after;
        if let Some(limit) = limit {
            for (method, since) in watchdog.look(&watch::running(), Instant::now(), limit) {
                tell(&server, method, since);
            }
        }
        drop(server);
        sleep(pause(limit)).await;
    }
}

/// Counts and logs it, if the method is this server's.
fn tell(server: &Dispatch, method: MethodNumber, since: Duration) {
    let Some(entry) = server.registry.numbered(method) else { return };
    entry.blocked.add_one();
    tracing::warn!(
        method = &*entry.full_name,
        ?since,
        "a handler blocks its thread: other calls wait for it; Method::blocking is for such"
    );
}

/// What threads were at when they were last looked at.
#[derive(Debug, Default)]
struct Watchdog(HashMap<u64, Seen>);

#[derive(Debug)]
struct Seen {
    running: Running,
    since: Instant,
    is_told: bool,
}

impl Watchdog {
    /// The methods that have been seen at the same call for `limit`, once each, and since when.
    fn look(&mut self, running: &[Running], now: Instant, limit: Duration) -> Vec<(MethodNumber, Duration)> {
        self.0.retain(|_, seen| running.contains(&seen.running));
        let mut blocked = Vec::new();
        for &running in running {
            let new = || Seen { running, since: now, is_told: false };
            let seen = self.0.entry(running.thread).or_insert_with(new);
            let since = now.saturating_duration_since(seen.since);
            if since >= limit && !seen.is_told {
                seen.is_told = true;
                blocked.push((running.method, since));
            }
        }
        blocked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_named_once_for_each_call_that_blocks() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let (one, two) = (MethodNumber::new(), MethodNumber::new());
        let at = |method, turn, thread| Running { thread, method, turn };
        let mut watchdog = Watchdog::default();
        let steps = [
            // Seconds, what runs, and what is told.
            (0, vec![at(one, 1, 7)], vec![]),
            (1, vec![at(one, 2, 7), at(two, 5, 8)], vec![]),
            (2, vec![at(one, 2, 7), at(two, 5, 8)], vec![(one, second), (two, second)]),
            (3, vec![at(one, 2, 7), at(two, 6, 8)], vec![]),
            (4, vec![at(one, 2, 7), at(two, 6, 8)], vec![(two, second)]),
            (5, vec![at(one, 3, 7)], vec![]),
            (7, vec![at(one, 3, 7)], vec![(one, 2 * second)]),
            (8, vec![], vec![]),
            (9, vec![at(one, 3, 7)], vec![]),
        ];
        for (at, running, told) in steps {
            assert_eq!(watchdog.look(&running, start + at * second, second), told, "after {at} s");
        }
    }

    #[test]
    fn threads_are_looked_at_four_times_before_they_are_told_of() {
        assert_eq!(pause(Some(Duration::from_secs(1))), Duration::from_millis(250));
        assert_eq!(pause(Some(Duration::MAX)), Duration::from_secs(1));
        assert_eq!(pause(Some(Duration::from_nanos(1))), Duration::from_millis(5));
        assert_eq!(pause(None), Duration::from_secs(1));
    }
}
