//! Every connection from accept to close: how many may be open, and what each of them is doing.
//!
//! A connection holds a [`ConnectionPermit`] for as long as it lives, hijacked or not; protocols note what they do in
//! its [`Tracked`], per read, write or batch and never per message. Pages read a [`ConnectionInfo`].

use crate::{
    lock::lock,
    peer::{Peer, PeerAddr, TlsInfo},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// All open connections, and a way to wait for the last to go.
#[derive(Debug)]
pub(crate) struct Tracker {
    open: AtomicUsize,
    ids: AtomicU64,
    connections: Mutex<BTreeMap<u64, Arc<Tracked>>>,
    gone: Notify,
}

impl Tracker {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            open: AtomicUsize::new(0),
            ids: AtomicU64::new(1),
            connections: Mutex::default(),
            gone: Notify::new(),
        })
    }

    /// Takes a permit for a connection from `addr`, or `None` if `limit` are open.
    pub(crate) fn admit(self: &Arc<Self>, addr: PeerAddr, limit: usize) -> Option<ConnectionPermit> {
        let admitted = self
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| (open < limit).then_some(open + 1));
        admitted.ok()?;
        let tracked = Arc::new(Tracked::new(self.ids.fetch_add(1, Relaxed), addr));
        lock(&self.connections).insert(tracked.id, tracked.clone());
        Some(ConnectionPermit { tracker: self.clone(), tracked })
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// The share of `limit` that is free, from 0 to 100; what is left of a percent counts as one.
    pub(crate) fn free_percent(&self, limit: usize) -> usize {
        limit.saturating_sub(self.open()).saturating_mul(100).div_ceil(limit.max(1))
    }

    /// The oldest `most` connections.
    pub(crate) fn list(&self, most: usize) -> Vec<ConnectionInfo> {
        let oldest: Vec<Arc<Tracked>> = lock(&self.connections).values().take(most).cloned().collect();
        oldest.iter().map(|tracked| tracked.info()).collect()
    }

    /// The connections that `which` names, the oldest first, at most `most`.
    pub(crate) fn find(&self, most: usize, which: impl Fn(&ConnectionInfo) -> bool) -> Vec<ConnectionInfo> {
        let all: Vec<Arc<Tracked>> = lock(&self.connections).values().cloned().collect();
        all.iter().map(|tracked| tracked.info()).filter(|info| which(info)).take(most).collect()
    }

    /// Tells the connections that `which` names to end, once their tasks are woken. Their numbers.
    pub(super) fn kill(&self, which: impl Fn(&ConnectionInfo) -> bool) -> Vec<u64> {
        let all: Vec<Arc<Tracked>> = lock(&self.connections).values().cloned().collect();
        let ends =
            |tracked: &&Arc<Tracked>| which(&tracked.info()) && !tracked.killed.swap(true, Ordering::AcqRel);
        all.iter().filter(ends).map(|tracked| tracked.id).collect()
    }

    /// How long ago the newest of the open connections was accepted.
    pub(crate) fn newest(&self) -> Option<Duration> {
        lock(&self.connections).last_key_value().map(|(_, newest)| newest.accepted.elapsed())
    }

    /// Waits until no connection is open.
    pub(crate) async fn all_gone(&self) {
        loop {
            let gone = self.gone.notified();
            let mut gone = std::pin::pin!(gone);
            gone.as_mut().enable();
            if self.open() == 0 {
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
        lock(&self.tracker.connections).remove(&self.tracked.id);
        if self.tracker.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.tracker.gone.notify_waiters();
        }
    }
}

/// What is known of one open connection.
#[derive(Debug)]
pub(crate) struct Tracked {
    /// Counts connections from 1 on.
    pub(crate) id: u64,
    pub(crate) accepted: Instant,
    killed: AtomicBool,
    remote: Mutex<RemoteEnd>,
    calls: AtomicU64,
    in_flight: AtomicUsize,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// What is known of the other end. Of a connection that makes calls its [`Peer`] knows everything: most of them sit
/// idle, and hold it once.
#[derive(Debug)]
enum RemoteEnd {
    Opening(Box<Opening>),
    Calling(Arc<Peer>),
}

#[derive(Debug)]
struct Opening {
    addr: PeerAddr,
    tls: Option<Arc<TlsInfo>>,
    protocol: &'static str,
}

impl RemoteEnd {
    /// Changes what is known without a peer; one that has called before is forgotten with the protocol it called by.
    fn change(&mut self, change: impl FnOnce(&mut Opening)) {
        match self {
            Self::Opening(opening) => change(opening),
            Self::Calling(peer) => {
                let (addr, tls, protocol) = (peer.addr.clone(), peer.tls.clone(), peer.protocol);
                let mut opening = Box::new(Opening { addr, tls, protocol });
                change(&mut opening);
                *self = Self::Opening(opening);
            }
        }
    }
}

impl Tracked {
    fn new(id: u64, addr: PeerAddr) -> Self {
        Self {
            id,
            accepted: Instant::now(),
            killed: AtomicBool::new(false),
            remote: Mutex::new(RemoteEnd::Opening(Box::new(Opening { addr, tls: None, protocol: "" }))),
            calls: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
        }
    }

    /// Whether it is to end: asked by its task whenever that is polled, after what wakes it for a change of phase.
    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    /// A proxy in front has said where the connection comes from.
    pub(crate) fn set_addr(&self, addr: PeerAddr) {
        self.remote().change(|opening| opening.addr = addr);
    }

    /// TLS has been established.
    #[cfg(feature = "tls")]
    pub(crate) fn set_tls(&self, tls: Arc<TlsInfo>) {
        self.remote().change(|opening| opening.tls = Some(tls));
    }

    /// A protocol has taken the connection.
    pub(crate) fn set_protocol(&self, protocol: &'static str) {
        self.remote().change(|opening| opening.protocol = protocol);
    }

    /// The connection makes calls as `peer` from now on.
    pub(crate) fn set_peer(&self, peer: Arc<Peer>) {
        *self.remote() = RemoteEnd::Calling(peer);
    }

    #[inline]
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
    }

    #[inline]
    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Relaxed);
    }

    #[inline]
    pub(crate) fn called(&self, calls: usize) {
        self.calls.fetch_add(calls as u64, Relaxed);
    }

    /// Calls read and not yet answered, at this moment.
    #[inline]
    pub(crate) fn set_in_flight(&self, calls: usize) {
        self.in_flight.store(calls, Relaxed);
    }

    /// Counts one call, in flight until the guard is dropped.
    pub(crate) fn call(&self) -> InFlight<'_> {
        self.called(1);
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(self)
    }

    fn remote(&self) -> MutexGuard<'_, RemoteEnd> {
        lock(&self.remote)
    }

    fn info(&self) -> ConnectionInfo {
        let who = self.remote();
        let (addr, tls, protocol, peer) = match &*who {
            RemoteEnd::Opening(opening) => (&opening.addr, &opening.tls, opening.protocol, None),
            RemoteEnd::Calling(peer) => (&peer.addr, &peer.tls, peer.protocol, Some(peer)),
        };
        ConnectionInfo {
            id: self.id,
            peer: addr.clone(),
            tls: tls.as_deref().cloned(),
            protocol,
            codec: peer.map(|peer| peer.codec().to_owned()).unwrap_or_default(),
            user: peer.and_then(|peer| peer.user()).map(str::to_owned),
            age: self.accepted.elapsed(),
            calls: self.calls.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed) as u64,
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
        }
    }
}

/// One call in flight, see [`Tracked::call`].
#[derive(Debug)]
pub(crate) struct InFlight<'t>(&'t Tracked);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// One open connection as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Counts connections from 1 on.
    pub id: u64,
    /// Where it comes from.
    pub peer: PeerAddr,
    /// What TLS has established; `None` for a plain connection.
    pub tls: Option<TlsInfo>,
    /// The protocol it speaks; empty until its first bytes have told.
    pub protocol: &'static str,
    /// The codec it speaks; empty where the protocol has none or no call was made.
    pub codec: String,
    /// The user it has proven to be.
    pub user: Option<String>,
    /// Time since it was accepted.
    pub age: Duration,
    /// Requests read.
    pub calls: u64,
    /// Requests read and not yet answered.
    pub in_flight: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
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
}
