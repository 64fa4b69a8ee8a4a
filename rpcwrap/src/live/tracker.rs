//! Every connection from accept to close: how many may be open, and which of them gives way.
//!
//! A connection holds a [`ConnectionPermit`] for as long as it lives, hijacked or not; what it does is in its
//! [`Tracked`].

use crate::{
    live::{
        addresses::Addresses,
        connection_info::ConnectionInfo,
        tracked::{Place, Tracked},
    },
    lock::lock,
    peer::{Address, PeerAddr, load::ConnectionLoad},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// Connections beyond `max_connections`, which are answered pages and nothing else: so many, or a hundredth of it.
const RESERVE: usize = 32;
/// Connections that have been told to give way and are still there; beyond them no newcomer makes room.
const LEAVING: usize = 256;

/// All open connections, and a way to wait for the last to go.
#[derive(Debug)]
pub(crate) struct Tracker {
    started: Instant,
    /// Those of the reserve, and those that give way, are not among them.
    open: AtomicUsize,
    table: Mutex<Table>,
    gone: Notify,
    /// Tells one silent connection, the one that waits for longest, that others need the room.
    crowded: Notify,
}

/// What is changed when a connection comes or goes.
#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    connections: BTreeMap<u64, Arc<Tracked>>,
    /// Those that are open; not those of the reserve, and not those that give way.
    addresses: Addresses,
    reserved: usize,
    leaving: usize,
}

/// What becomes of a new connection.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// It is one of the open connections; whether another gives way to it.
    Open(ConnectionPermit, bool),
    /// It is asked what it wants: there is room for pages only.
    Reserve(ConnectionPermit),
    /// There is no room at all.
    Refused,
}

impl Tracker {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            open: AtomicUsize::new(0),
            table: Mutex::default(),
            gone: Notify::new(),
            crowded: Notify::new(),
        })
    }

    /// Takes a permit for a connection from `addr`, or `None` if `limit` are open.
    pub(crate) fn admit(self: &Arc<Self>, addr: PeerAddr, limit: usize) -> Option<ConnectionPermit> {
        let mut table = lock(&self.table);
        (self.open() < limit).then(|| self.enter(&mut table, addr))
    }

    /// Takes a permit for a connection from `addr`, of which there may be `of_address`: where `limit` are open, the one
    /// that is idle for longest gives way to it, or it gets a place in the reserve.
    pub(crate) fn admit_or_displace(
        self: &Arc<Self>,
        addr: PeerAddr,
        limit: usize,
        of_address: Option<usize>,
    ) -> Admitted {
        let address = addr.address();
        let mut table = lock(&self.table);
        if of_address.is_none_or(|limit| table.addresses.count(&address) < limit) {
            if self.open() < limit {
                let permit = self.enter(&mut table, addr);
                if self.is_crowded(limit) {
                    self.crowded.notify_one();
                }
                return Admitted::Open(permit, false);
            }
            if let Some(displaced) = self.displace(&mut table, &address) {
                let permit = self.enter(&mut table, addr);
                drop(table);
                displaced.wake();
                return Admitted::Open(permit, true);
            }
        }
        if table.reserved >= RESERVE.max(limit / 100) {
            return Admitted::Refused;
        }
        table.reserved += 1;
        Admitted::Reserve(self.permit(&mut table, addr, ConnectionLoad::new(Arc::default()), Place::Reserve))
    }

    /// One more open connection.
    fn enter(self: &Arc<Self>, table: &mut Table, addr: PeerAddr) -> ConnectionPermit {
        self.open.fetch_add(1, Ordering::AcqRel);
        let connection = (self.millis(), table.last_id + 1);
        let load = table.addresses.enter(addr.address(), connection);
        self.permit(table, addr, ConnectionLoad::new(load), Place::Open)
    }

    fn permit(
        self: &Arc<Self>,
        table: &mut Table,
        addr: PeerAddr,
        load: Arc<ConnectionLoad>,
        place: Place,
    ) -> ConnectionPermit {
        table.last_id += 1;
        let tracked = Arc::new(Tracked::new(table.last_id, addr, load, place, self.started));
        table.connections.insert(tracked.id, tracked.clone());
        ConnectionPermit { tracker: self.clone(), tracked }
    }

    /// Lets the connection give way that has to for one from `newcomer`, if there is any.
    fn displace(&self, table: &mut Table, newcomer: &Address) -> Option<Arc<Tracked>> {
        if table.leaving >= LEAVING {
            return None;
        }
        let (now, connections) = (self.millis(), &table.connections);
        let look = |id: u64| {
            let Some(tracked) = connections.get(&id) else { return (now, false) };
            tracked.look(now)
        };
        let id = table.addresses.gives_way(newcomer, look)?;
        let tracked = table.connections.get(&id)?.clone();
        table.addresses.leave(tracked.addr().address(), tracked.seen());
        table.leaving += 1;
        self.open.fetch_sub(1, Ordering::AcqRel);
        tracked.give_way();
        Some(tracked)
    }

    /// A proxy in front has said where the connection comes from, before any call is made; whether that address may
    /// have one more.
    pub(crate) fn set_addr(&self, tracked: &Tracked, addr: PeerAddr, of_address: Option<usize>) -> bool {
        let address = addr.address();
        let mut table = lock(&self.table);
        if tracked.place() != Place::Open {
            tracked.set_addr(addr, ConnectionLoad::new(Arc::default()));
            return true;
        }
        let is_one_too_many = of_address.is_some_and(|limit| table.addresses.count(&address) >= limit);
        let load = table.addresses.enter(address, tracked.seen());
        let before = tracked.set_addr(addr, ConnectionLoad::new(load));
        table.addresses.leave(before.address(), tracked.seen());
        !is_one_too_many
    }

    /// Since this was made.
    fn millis(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Whether more than four fifths of `limit` are open: what says nothing has to go then.
    pub(crate) fn is_crowded(&self, limit: usize) -> bool {
        self.open().saturating_mul(5) > limit.saturating_mul(4)
    }

    /// Waits until a connection has come that makes it crowded, one waiter for each.
    pub(crate) async fn crowded(&self) {
        self.crowded.notified().await;
    }

    /// The share of `limit` that is free, from 0 to 100; what is left of a percent counts as one.
    pub(crate) fn free_percent(&self, limit: usize) -> usize {
        limit.saturating_sub(self.open()).saturating_mul(100).div_ceil(limit.max(1))
    }

    /// The oldest `most` connections.
    pub(crate) fn list(&self, most: usize) -> Vec<ConnectionInfo> {
        let oldest: Vec<Arc<Tracked>> = lock(&self.table).connections.values().take(most).cloned().collect();
        oldest.iter().map(|tracked| tracked.info()).collect()
    }

    /// The connections that `which` names, the oldest first, at most `most`.
    pub(crate) fn find(&self, most: usize, which: impl Fn(&ConnectionInfo) -> bool) -> Vec<ConnectionInfo> {
        self.all().iter().map(|tracked| tracked.info()).filter(|info| which(info)).take(most).collect()
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Tracked>> {
        lock(&self.table).connections.values().cloned().collect()
    }

    /// Tells the connections that `which` names to end, once their tasks are woken. Their numbers.
    pub(super) fn kill(&self, which: impl Fn(&ConnectionInfo) -> bool) -> Vec<u64> {
        let ends = |tracked: &&Arc<Tracked>| which(&tracked.info()) && tracked.kill();
        self.all().iter().filter(ends).map(|tracked| tracked.id).collect()
    }

    /// How long ago the newest of the open connections was accepted.
    pub(crate) fn newest(&self) -> Option<Duration> {
        lock(&self.table).connections.last_key_value().map(|(_, newest)| newest.accepted.elapsed())
    }

    /// Waits until no connection is left.
    pub(crate) async fn all_gone(&self) {
        loop {
            let gone = self.gone.notified();
            let mut gone = std::pin::pin!(gone);
            gone.as_mut().enable();
            if lock(&self.table).connections.is_empty() {
                return;
            }
            gone.await;
        }
    }
}

/// The right to be one of the open connections; given back when dropped, whatever way the connection ended.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    tracker: Arc<Tracker>,
    pub(crate) tracked: Arc<Tracked>,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let Self { tracker, tracked } = self;
        let mut table = lock(&tracker.table);
        table.connections.remove(&tracked.id);
        match tracked.place() {
            Place::Open => {
                table.addresses.leave(tracked.addr().address(), tracked.seen());
                tracker.open.fetch_sub(1, Ordering::AcqRel);
            }
            Place::Reserve => table.reserved -= 1,
            Place::Leaving => table.leaving -= 1,
        }
        if table.connections.is_empty() {
            tracker.gone.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn permits_come_back_when_dropped() {
        let tracker = Tracker::new();
        let admit = || tracker.admit(PeerAddr::InProcess, 2);
        let (one, two) = (admit(), admit());
        assert!(one.is_some() && two.is_some() && admit().is_none());
        assert!(tracker.newest() <= Some(two.as_ref().unwrap().tracked.accepted.elapsed()));
        assert_eq!((tracker.open(), tracker.free_percent(2)), (2, 0));
        drop(one);
        assert_eq!((tracker.open(), tracker.free_percent(2)), (1, 50));
        assert_eq!(tracker.list(10).iter().map(|info| info.id).collect::<Vec<_>>(), [2]);
        let waiting = tokio::spawn({
            let tracker = tracker.clone();
            async move { tracker.all_gone().await }
        });
        drop(two);
        tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
        assert!(admit().is_some());
    }

    #[test]
    fn a_connection_is_shown_as_it_grows() {
        let tracker = Tracker::new();
        let permit = tracker.admit(PeerAddr::InProcess, 2).unwrap();
        let tracked = &permit.tracked;
        let only = || tracker.list(10).remove(0);
        assert_eq!((only().protocol, only().codec.as_str(), only().user), ("", "", None));
        tracked.set_protocol("http");
        tracked.received(10);
        tracked.sent(20);
        {
            let _call = tracked.call();
            assert_eq!((only().calls, only().in_flight), (1, 1));
        }
        let seen = only();
        assert_eq!((seen.protocol, seen.calls, seen.in_flight), ("http", 1, 0));
        assert_eq!((seen.bytes_in, seen.bytes_out), (10, 20));
        assert!(tracker.list(0).is_empty());
    }

    fn from(last: u8) -> PeerAddr {
        PeerAddr::Tcp(([10, 0, 0, last], 1).into())
    }

    fn open(admitted: Admitted) -> ConnectionPermit {
        let Admitted::Open(permit, _) = admitted else { panic!("{admitted:?}") };
        permit
    }

    #[test]
    fn an_idle_connection_of_the_greediest_address_gives_way() {
        let tracker = Tracker::new();
        let admit = |last| tracker.admit_or_displace(from(last), 4, None);
        let greedy = [1, 1, 1, 1].map(|last| open(admit(last)));
        let working = [greedy[0].tracked.call(), greedy[1].tracked.call()];
        let Admitted::Open(newcomer, true) = admit(2) else { panic!("nothing gave way") };
        assert_eq!(tracker.open(), 4);
        let leaving = |n: usize| greedy[n].tracked.is_killed();
        assert_eq!([0, 1, 2, 3].map(leaving), [false, false, true, false]);
        // Never one at work, and not for an address that has as many.
        drop(admit(2));
        assert_eq!([0, 1, 2, 3].map(leaving), [false, false, true, true]);
        assert!(matches!(admit(3), Admitted::Open(_, false)), "what had come went again");
        let full = open(admit(2));
        let more = [newcomer.tracked.call(), full.tracked.call()];
        assert!(matches!(admit(3), Admitted::Reserve(_)), "all others are at work");
        drop((working, more, full, newcomer, greedy));
        assert_eq!(tracker.open(), 0);
        let table = lock(&tracker.table);
        assert_eq!((table.leaving, table.reserved, table.connections.len()), (0, 0, 0));
    }

    #[test]
    fn the_reserve_is_bounded_and_so_is_an_address() {
        let tracker = Tracker::new();
        let admit = |last| tracker.admit_or_displace(from(last), 100, Some(2));
        let two = [open(admit(1)), open(admit(1))];
        let reserve: Vec<_> = (0..RESERVE).map(|_| admit(1)).collect();
        assert!(reserve.iter().all(|one| matches!(one, Admitted::Reserve(_))));
        assert!(matches!(admit(1), Admitted::Refused));
        assert_eq!(tracker.open(), 2);
        let other = open(admit(2));
        assert!(tracker.set_addr(&other.tracked, from(3), Some(2)));
        assert!(!tracker.set_addr(&other.tracked, from(1), Some(2)), "a third of that address");
        drop((two, reserve, other));
        assert_eq!((tracker.open(), lock(&tracker.table).connections.len()), (0, 0));
    }
}
