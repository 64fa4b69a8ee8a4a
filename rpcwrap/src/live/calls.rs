//! Calls that wait for their handlers: to be listed, and ended one by one.
//!
//! A call that is ready when it is first polled is never here.

use crate::{
    lock::lock,
    peer::{Peer, PeerAddr},
};
use foldhash::fast::FixedState;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

/// Parts of the table, each with a lock of its own; a connection's calls are all in one.
const SHARDS: u64 = 16;

/// The waiting calls of a server.
#[derive(Debug, Default)]
pub(crate) struct CallTable {
    shards: [Mutex<Shard>; SHARDS as usize],
    /// How often calls were ended: a call looks at its place only when this has changed.
    kills: AtomicU64,
}

#[derive(Debug, Default)]
struct Shard {
    entered: u64,
    calls: HashMap<u64, WaitingCall, FixedState>,
}

#[derive(Debug)]
struct WaitingCall {
    method: Arc<str>,
    peer: Arc<Peer>,
    began: Instant,
    waker: Waker,
    killed: bool,
}

/// A call's place in the table.
#[derive(Debug)]
pub(crate) struct Place {
    id: u64,
    waker: Waker,
    kills: u64,
}

impl CallTable {
    /// Notes that a call which was just polled with `waker` waits on; `place` is `None` before the first time. Whether
    /// it is to end.
    pub(crate) fn wait(
        &self,
        place: &mut Option<Place>,
        waker: &Waker,
        method: &Arc<str>,
        peer: &Arc<Peer>,
        began: Instant,
    ) -> bool {
        let Some(place) = place else {
            *place = Some(self.enter(waker, method, peer, began));
            return false;
        };
        if place.waker.will_wake(waker) {
            return self.is_killed(place);
        }
        place.waker.clone_from(waker);
        let mut shard = self.shard(place.id);
        let Some(call) = shard.calls.get_mut(&place.id) else { return false };
        call.waker.clone_from(waker);
        call.killed
    }

    /// Whether the call is to end: mostly one look at a number.
    pub(crate) fn is_killed(&self, place: &mut Place) -> bool {
        let kills = self.kills.load(Ordering::Acquire);
        if kills == place.kills {
            return false;
        }
        place.kills = kills;
        self.shard(place.id).calls.get(&place.id).is_some_and(|call| call.killed)
    }

    fn enter(&self, waker: &Waker, method: &Arc<str>, peer: &Arc<Peer>, began: Instant) -> Place {
        let kills = self.kills.load(Ordering::Acquire);
        let part = peer.connection % SHARDS;
        let mut shard = self.shard(part);
        shard.entered += 1;
        let id = shard.entered * SHARDS + part;
        let (method, peer) = (method.clone(), peer.clone());
        shard.calls.insert(id, WaitingCall { method, peer, began, waker: waker.clone(), killed: false });
        Place { id, waker: waker.clone(), kills }
    }

    /// The call does not wait any more.
    pub(crate) fn leave(&self, place: &Place) {
        let left = self.shard(place.id).calls.remove(&place.id);
        // Its waker may be the last thing that keeps a task, and a task holds what takes this lock.
        drop(left);
    }

    /// Ends the calls that `which` names: their callers are told that they were cancelled. How many.
    pub(crate) fn kill(&self, which: impl Fn(&CallInfo) -> bool) -> usize {
        let mut wakers = Vec::new();
        for part in 0..SHARDS {
            let mut shard = self.shard(part);
            for (id, call) in &mut shard.calls {
                if !call.killed && which(&call.info(*id)) {
                    call.killed = true;
                    wakers.push(call.waker.clone());
                }
            }
        }
        self.kills.fetch_add(1, Ordering::Release);
        let killed = wakers.len();
        wakers.into_iter().for_each(Waker::wake);
        killed
    }

    /// The calls that `which` names, the oldest first, at most `most`.
    pub(crate) fn list(&self, most: usize, which: impl Fn(&CallInfo) -> bool) -> Vec<CallInfo> {
        let mut found = Vec::new();
        for part in 0..SHARDS {
            let shard = self.shard(part);
            let calls = shard.calls.iter().map(|(id, call)| call.info(*id));
            found.extend(calls.filter(|call| which(call)));
        }
        found.sort_by_key(|call| (std::cmp::Reverse(call.age), call.id));
        found.truncate(most);
        found
    }

    fn shard(&self, id: u64) -> MutexGuard<'_, Shard> {
        lock(&self.shards[(id % SHARDS) as usize])
    }
}

impl WaitingCall {
    fn info(&self, id: u64) -> CallInfo {
        CallInfo {
            id,
            connection: self.peer.connection,
            method: self.method.clone(),
            peer: self.peer.addr.clone(),
            protocol: self.peer.protocol,
            user: self.peer.user().map(str::to_owned),
            age: self.began.elapsed(),
        }
    }
}

/// One waiting call as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallInfo {
    /// By which it can be ended.
    pub(crate) id: u64,
    /// The number of its connection; 0 for the program's own calls.
    pub(crate) connection: u64,
    /// Its full name.
    pub(crate) method: Arc<str>,
    pub(crate) peer: PeerAddr,
    pub(crate) protocol: &'static str,
    pub(crate) user: Option<String>,
    /// Time since its request was read.
    pub(crate) age: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::{ArcWake, waker};
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl ArcWake for Woken {
        fn wake_by_ref(woken: &Arc<Self>) {
            woken.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn peer(connection: u64) -> Arc<Peer> {
        Arc::new(Peer { connection, ..Peer::for_test() })
    }

    #[test]
    fn calls_are_listed_and_ended_one_by_one() {
        let (table, method, now) = (CallTable::default(), Arc::<str>::from("Gate.Wait"), Instant::now());
        let woken = Arc::new(Woken::default());
        let waker = waker(woken.clone());
        let mut places: Vec<Option<Place>> = (0..40).map(|_| None).collect();
        for (n, place) in places.iter_mut().enumerate() {
            let began = now - Duration::from_secs(100 - n as u64);
            assert!(!table.wait(place, &waker, &method, &peer(n as u64 % 20), began));
            assert!(!table.wait(place, &waker, &method, &peer(n as u64 % 20), began));
        }
        let listed = table.list(100, |_| true);
        assert_eq!(listed.len(), 40);
        assert!(listed.is_sorted_by_key(|call| std::cmp::Reverse(call.age)));
        assert_eq!(listed[0].connection, 0);
        assert_eq!(table.list(3, |call| call.connection == 7).len(), 2);
        assert_eq!(table.list(3, |_| true).len(), 3);
        let second = listed[1].id;
        assert_eq!((table.kill(|call| call.id == second), woken.0.load(Ordering::Relaxed)), (1, 1));
        assert_eq!(table.kill(|call| call.id == second), 0, "it ends once");
        let killed = places.iter_mut().map(|place| {
            let mut again = place.take();
            let is_killed = table.wait(&mut again, &waker, &method, &peer(0), now);
            table.leave(again.as_ref().unwrap());
            is_killed
        });
        assert_eq!(killed.collect::<Vec<_>>().iter().position(|killed| *killed), Some(1));
        assert!(table.list(100, |_| true).is_empty());
    }

    #[test]
    fn a_call_that_is_polled_by_another_task_is_woken_there() {
        let (table, method) = (CallTable::default(), Arc::<str>::from("Gate.Wait"));
        let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        let mut place = None;
        table.wait(&mut place, &waker(first.clone()), &method, &peer(1), Instant::now());
        assert!(!table.wait(&mut place, &waker(second.clone()), &method, &peer(1), Instant::now()));
        assert_eq!(table.kill(|_| true), 1);
        assert_eq!((first.0.load(Ordering::Relaxed), second.0.load(Ordering::Relaxed)), (0, 1));
        assert!(table.is_killed(place.as_mut().unwrap()));
        // Also where the waker has changed again before it came to look.
        let mut place = None;
        table.wait(&mut place, &waker(first), &method, &peer(1), Instant::now());
        table.kill(|_| true);
        assert!(table.wait(&mut place, &waker(second), &method, &peer(1), Instant::now()));
    }
}
