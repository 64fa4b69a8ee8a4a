//! A run: workers that make the calls, a pacer that says when, an end for all of them.
//!
//! Each connection has as many workers as it may have calls in flight, and a worker makes one call at a time. In a
//! closed loop it makes the next one at once. In an open loop the requests of the [`Schedule`] are handed out one by
//! one, at the time each is due, to whichever worker is free: a request that waits for a worker is late, and its
//! response time shows it. It must not know how results are shown.

use super::{
    failure::{Failure, Kind},
    schedule::Schedule,
    tally::{RequestTimes, Second, SecondFigures, Tallies, Tally},
    target::SharedConnection,
};
use rpcwrap_client::Client;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
    time,
};

/// How soon the pacer notices that the run is over.
const PACER_NAP: Duration = Duration::from_millis(20);
/// After a failure that took no time, so that a closed loop does not spin on a server that is gone.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(10);
const TICK: Duration = Duration::from_secs(1);

/// When requests are made, and when no more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plan {
    /// As fast as the replies come, until either is reached.
    Closed { duration: Duration, requests: u64 },
    /// At the times of a schedule.
    Open(Schedule),
}

impl Plan {
    /// When each request is due, if that is fixed.
    pub(crate) fn schedule(&self) -> Option<Schedule> {
        match self {
            Self::Closed { .. } => None,
            Self::Open(schedule) => Some(*schedule),
        }
    }

    /// How long requests are made.
    pub(crate) fn duration(&self) -> Duration {
        match self {
            Self::Closed { duration, .. } => *duration,
            Self::Open(schedule) => schedule.due(schedule.total()),
        }
    }

    /// How many there are at most.
    pub(crate) fn requests(&self) -> u64 {
        match self {
            Self::Closed { requests, .. } => *requests,
            Self::Open(schedule) => schedule.total(),
        }
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) seconds: Vec<SecondFigures>,
    /// From the first request to the end of the last one, or of the plan.
    pub(crate) elapsed: Duration,
    /// Stopped before its end.
    pub(crate) interrupted: bool,
}

/// What all workers share.
#[derive(Debug)]
struct Shared {
    plan: Plan,
    started: Instant,
    /// Requests that are due and not yet taken; a worker's ticket to take one.
    tickets: Semaphore,
    taken: AtomicU64,
    over: AtomicBool,
    /// A failure has come that every other request would meet too.
    cut: Notify,
    tallies: Tallies,
}

/// Runs `plan` with `in_flight` calls on each of `connections`.
///
/// After the end of the plan what is still under way has `grace` to finish; what then is not finished is counted so.
/// `interrupt` ends the run at once. Each second `observe` is told what happened in it.
pub(crate) async fn run(
    connections: &[Arc<SharedConnection>],
    in_flight: usize,
    plan: Plan,
    grace: Duration,
    interrupt: impl Future<Output = ()>,
    observe: impl FnMut(&Second),
) -> Outcome {
    let shards = connections.len().min(2 * thread::available_parallelism().map_or(1, usize::from));
    let shared = Arc::new(Shared {
        plan,
        started: Instant::now(),
        tickets: Semaphore::new(0),
        taken: AtomicU64::new(0),
        over: AtomicBool::new(false),
        cut: Notify::new(),
        tallies: Tallies::new(shards),
    });
    let mut workers = JoinSet::new();
    // Connection after connection, for tickets go to those who have waited longest.
    for _ in 0..in_flight {
        for (index, connection) in connections.iter().enumerate() {
            workers.spawn(work(shared.clone(), connection.clone(), index % shards));
        }
    }
    let pacer = plan.schedule().map(|schedule| {
        let (shared, workers) = (shared.clone(), connections.len() * in_flight);
        thread::spawn(move || shared.pace(&schedule, workers))
    });

    let limit = plan.duration().saturating_add(grace);
    let all = async {
        // Late ones are ended below.
        let ended = time::timeout(limit, async { while workers.join_next().await.is_some() {} });
        tokio::select! {
            _ = ended => {}
            () = shared.cut.notified() => {}
        }
    };
    let (seconds, interrupted) = watch(&shared.tallies, interrupt, observe, all).await;
    let ended = shared.started.elapsed();
    shared.over.store(true, Ordering::Relaxed);
    workers.shutdown().await;
    if let Some(pacer) = pacer {
        // Nothing in it can panic, and it has no result.
        let _ = pacer.join();
    }
    shared.finish(seconds, ended, interrupted)
}

/// Waits for `end`, or for `interrupt`; what happened in each second, which `observe` is told, and whether it was the
/// latter.
pub(super) async fn watch(
    tallies: &Tallies,
    interrupt: impl Future<Output = ()>,
    mut observe: impl FnMut(&Second),
    end: impl Future<Output = ()>,
) -> (Vec<SecondFigures>, bool) {
    let mut seconds = Vec::new();
    let mut tick = time::interval_at(time::Instant::now() + TICK, TICK);
    tokio::pin!(interrupt, end);
    loop {
        tokio::select! {
            () = &mut end => return (seconds, false),
            () = &mut interrupt => return (seconds, true),
            _ = tick.tick() => {
                let second = tallies.take_second();
                observe(&second);
                seconds.push(SecondFigures::from(&second));
            }
        }
    }
}

/// One call after the other, until there are no more to make.
async fn work(shared: Arc<Shared>, connection: Arc<SharedConnection>, shard: usize) {
    let mut client: Option<Client> = None;
    while let Some(intended) = shared.next().await {
        let request = RequestInFlight::start(&shared, shard, intended);
        let result = connection.request(&mut client).await;
        let refused = matches!(&result, Err(failure) if failure.kind != Kind::Timeout && client.is_none());
        request.end(result);
        if refused && matches!(shared.plan, Plan::Closed { .. }) {
            time::sleep(PAUSE_AFTER_REFUSAL).await;
        }
    }
}

impl Shared {
    /// Waits for the next request; its intended start, or `None` when there are no more.
    async fn next(&self) -> Option<Instant> {
        match self.plan {
            Plan::Closed { duration, requests } => {
                let now = Instant::now();
                let more =
                    now - self.started < duration && self.taken.fetch_add(1, Ordering::Relaxed) < requests;
                more.then_some(now)
            }
            Plan::Open(schedule) => {
                // The semaphore is never closed.
                self.tickets.acquire().await.ok()?.forget();
                let index = self.taken.fetch_add(1, Ordering::Relaxed);
                (index < schedule.total()).then(|| self.started + schedule.due(index))
            }
        }
    }

    /// Hands out a ticket whenever a request is due, then one to every worker, which finds that there is no more.
    ///
    /// A thread of its own, for the timers of a runtime count in milliseconds.
    fn pace(&self, schedule: &Schedule, workers: usize) {
        let mut issued = 0;
        while issued < schedule.total() {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let now = self.started.elapsed();
            let before = issued;
            while issued < schedule.total() && schedule.due(issued) <= now {
                issued += 1;
            }
            self.tickets.add_permits((issued - before) as usize);
            let next = schedule.due(issued);
            thread::sleep(next.saturating_sub(self.started.elapsed()).min(PACER_NAP));
        }
        self.tickets.add_permits(workers);
    }

    /// Adds everything up; requests that were due before `ended` and never taken are counted as not sent.
    fn finish(&self, mut seconds: Vec<SecondFigures>, ended: Duration, interrupted: bool) -> Outcome {
        let mut tally = self.tallies.sum(&mut seconds);
        if let Some(schedule) = self.plan.schedule() {
            let taken = self.taken.load(Ordering::Relaxed);
            let due = (taken..schedule.total()).map(|index| schedule.due(index));
            due.take_while(|due| *due <= ended).for_each(|due| tally.left_unsent(ended - due));
        }
        let elapsed = match self.plan {
            // A schedule's last request may be answered before its time is over.
            Plan::Open(_) if !interrupted => ended.max(self.plan.duration()),
            _ => ended,
        };
        Outcome { tally, seconds, elapsed, interrupted }
    }
}

/// A request under way; dropped with its worker before it has ended, it is counted as unfinished.
struct RequestInFlight<'s> {
    shared: &'s Shared,
    shard: usize,
    intended: Instant,
    sent: Instant,
    ended: bool,
}

impl<'s> RequestInFlight<'s> {
    fn start(shared: &'s Shared, shard: usize, intended: Instant) -> Self {
        let sent = if shared.plan.schedule().is_some() { Instant::now() } else { intended };
        Self { shared, shard, intended, sent, ended: false }
    }

    fn end(mut self, result: Result<(), Failure>) {
        self.ended = true;
        let times = self.times();
        let mut tally = self.shared.tallies.get(self.shard);
        match result {
            Ok(()) => tally.done(times),
            Err(failure) => {
                if failure.is_final {
                    self.shared.cut.notify_one();
                }
                tally.failed(times, failure);
            }
        }
    }

    fn times(&self) -> RequestTimes {
        let now = Instant::now();
        RequestTimes { response: now - self.intended, service: now - self.sent }
    }
}

impl Drop for RequestInFlight<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.tallies.get(self.shard).left_in_flight(self.times());
        }
    }
}
