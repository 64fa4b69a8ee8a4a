//! The closed loop at full speed: each call in flight is followed by the same one again.
//!
//! ```text
//! requests     every slot's request, encoded once
//! generator    a thread per core: wait, read, count, write
//! window       what the bytes of one connection are worth
//! ```
//!
//! A server in Rust answers a call in less time than a task per call takes to make it, so here nothing is made per
//! call. It must not know how results are shown.

mod generator;
mod requests;
mod window;

#[cfg(test)]
mod tests;

use super::{
    load::{Outcome, Plan, watch},
    open_all,
    tally::{Second, Tallies},
    target::Target,
};
use crate::failure::{Exit, Failure};
use futures_util::future::join_all;
use generator::{Connection, Connections, Generator, Run};
use requests::Requests;
use std::{
    io, iter,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, task::spawn_blocking};

/// Open connections and what is sent on them, for one run after the other.
#[derive(Debug)]
pub(crate) struct Load {
    target: Arc<Target>,
    requests: Arc<Requests>,
    /// Those of each thread.
    connections: Vec<Connections>,
}

impl Load {
    /// Opens all connections, for `in_flight` calls on each.
    ///
    /// # Errors
    /// One cannot be opened, or the argument cannot be encoded.
    pub(crate) async fn open(
        target: Arc<Target>,
        connections: usize,
        in_flight: usize,
    ) -> Result<Self, Failure> {
        let mut first = target.prepare().await?;
        let requests = Arc::new(Requests::encode(&mut first.writer, &target, in_flight)?);
        let threads = connections.min(thread::available_parallelism().map_or(1, usize::from));
        let others = open_all(connections - 1, || target.prepare()).await?;
        let mut shares: Vec<_> = (0..threads).map(|_| Connections::new()).collect();
        for (index, connected) in iter::once(first).chain(others).enumerate() {
            shares[index % threads].push(Some(Connection::new(connected, in_flight)?));
        }
        Ok(Self { target, requests, connections: shares })
    }

    /// Makes calls for as long as `plan` says, or as many; what is then under way has `grace` to finish.
    ///
    /// `interrupt` ends the run at once. Each second `observe` is told what happened in it.
    ///
    /// # Errors
    /// The system's: no more threads or descriptors.
    pub(crate) async fn run(
        &mut self,
        plan: Plan,
        grace: Duration,
        interrupt: impl Future<Output = ()>,
        observe: impl FnMut(&Second),
    ) -> Result<Outcome, Failure> {
        let run = Arc::new(Run {
            target: self.target.clone(),
            requests: self.requests.clone(),
            started: Instant::now(),
            duration: plan.duration(),
            grace,
            budget: plan.requests(),
            taken: AtomicU64::new(0),
            is_cut: AtomicBool::new(false),
            tallies: Tallies::new(self.connections.len()),
        });
        let mut wakers = Vec::new();
        let mut threads = Vec::new();
        for (index, connections) in self.connections.drain(..).enumerate() {
            let generator = Generator::new(run.clone(), index, connections, Handle::current())
                .map_err(|error| broken(&error))?;
            wakers.push(generator.waker());
            threads.push(spawn_blocking(|| generator.run()));
        }
        let (mut threads, mut ended) = (join_all(threads), None);
        let all = async { ended = Some((&mut threads).await) };
        let (mut seconds, interrupted) = watch(&run.tallies, interrupt, observe, all).await;
        run.is_cut.store(true, Ordering::Relaxed);
        for waker in wakers {
            waker.wake().map_err(|error| broken(&error))?;
        }
        let ended = match ended {
            Some(ended) => ended,
            None => threads.await,
        };
        let elapsed = run.started.elapsed();
        for thread in ended {
            self.connections.push(
                thread.map_err(io::Error::other).and_then(|thread| thread).map_err(|error| broken(&error))?,
            );
        }
        let tally = run.tallies.sum(&mut seconds);
        Ok(Outcome { tally, seconds, elapsed, interrupted })
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::new(Exit::Usage, format!("cannot make a load: {error}"))
}
