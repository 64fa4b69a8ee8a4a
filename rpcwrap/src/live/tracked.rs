//! One open connection: what is known of its other end, and what it has moved and holds.
//!
//! Written by its protocol, per read, write or batch and never per message; read by pages as a [`ConnectionInfo`], and by
//! the [tracker](super::tracker) where connections run short.

use crate::{
    auth::Tries,
    live::connection_info::{ConnectionInfo, Label},
    lock::lock,
    peer::{Peer, PeerAddr, TlsInfo, load::ConnectionLoad},
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, Ordering::Relaxed},
    },
    task::Waker,
    time::{Duration, Instant},
};

/// Where a connection counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// As one of `max_connections`.
    Open,
    /// As one of those that are answered pages only.
    Reserve,
    /// Nowhere: it has given way to another, and goes.
    Leaving,
}

/// What is known of one open connection.
#[derive(Debug)]
pub(crate) struct Tracked {
    /// Counts connections from 1 on.
    pub(crate) id: u64,
    pub(crate) accepted: Instant,
    killed: AtomicBool,
    pub(crate) logins: Tries,
    /// A [`Place`], changed under the lock of the table only.
    place: AtomicU8,
    /// What the tracker counts time from.
    epoch: Instant,
    /// When a byte last came or a call ended, in milliseconds since then.
    moved: AtomicU64,
    /// The same, as far as the table knows.
    seen: AtomicU64,
    /// The peer is to take what it is sent.
    unsent: AtomicBool,
    /// Of the task that has it.
    waker: Mutex<Option<Waker>>,
    remote: Mutex<RemoteEnd>,
    /// What the peer calls itself, where its protocol lets it.
    label: Mutex<Option<Box<Label>>>,
    calls: AtomicU64,
    in_flight: AtomicUsize,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// Bytes it makes the server hold, see [`memory`](super::memory).
    pub(super) held: AtomicUsize,
    /// Of these, whole replies that it has not taken, where a session does not see them.
    pub(crate) unsent_bytes: AtomicUsize,
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
    load: Arc<ConnectionLoad>,
}

impl RemoteEnd {
    /// Changes what is known without a peer; one that has called before is forgotten with the protocol it called by.
    fn change(&mut self, change: impl FnOnce(&mut Opening)) {
        match self {
            Self::Opening(opening) => change(opening),
            Self::Calling(peer) => {
                let Peer { addr, tls, protocol, load, .. } = &**peer;
                let (addr, tls, load) = (addr.clone(), tls.clone(), load.clone());
                let mut opening = Box::new(Opening { addr, tls, protocol, load });
                change(&mut opening);
                *self = Self::Opening(opening);
            }
        }
    }
}

impl Tracked {
    pub(super) fn new(
        id: u64,
        addr: PeerAddr,
        load: Arc<ConnectionLoad>,
        place: Place,
        epoch: Instant,
    ) -> Self {
        let accepted = Instant::now();
        let moved = accepted.saturating_duration_since(epoch).as_millis() as u64;
        let opening = Opening { addr, tls: None, protocol: "", load };
        Self {
            id,
            accepted,
            killed: AtomicBool::new(false),
            logins: Tries::default(),
            place: AtomicU8::new(place as u8),
            epoch,
            moved: AtomicU64::new(moved),
            seen: AtomicU64::new(moved),
            unsent: AtomicBool::new(false),
            waker: Mutex::new(None),
            remote: Mutex::new(RemoteEnd::Opening(Box::new(opening))),
            label: Mutex::new(None),
            calls: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            held: AtomicUsize::new(0),
            unsent_bytes: AtomicUsize::new(0),
        }
    }

    /// Tells it to end, once its task is woken; whether it was not told before.
    pub(super) fn kill(&self) -> bool {
        !self.killed.swap(true, Ordering::AcqRel)
    }

    /// Bytes it makes the server hold.
    pub(super) fn held(&self) -> usize {
        self.held.load(Relaxed)
    }

    /// Bytes that have come.
    #[cfg(feature = "http2")]
    pub(crate) fn bytes_received(&self) -> u64 {
        self.bytes_in.load(Relaxed)
    }

    /// Bytes that have gone either way.
    pub(crate) fn bytes_moved(&self) -> u64 {
        self.bytes_in.load(Relaxed).saturating_add(self.bytes_out.load(Relaxed))
    }

    /// What it holds, for every second of its age and every byte it has moved.
    pub(super) fn idle_byte_seconds(&self) -> u128 {
        let held = self.held() as u128;
        held.saturating_mul(self.accepted.elapsed().as_nanos())
            / u128::from(self.bytes_moved().saturating_add(1))
    }

    /// Whether it is to end: asked by its task whenever that is polled, after what wakes it for a change of phase. One
    /// that gives way ends when it is idle.
    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire) || (self.place() == Place::Leaving && self.is_idle())
    }

    pub(crate) fn place(&self) -> Place {
        match self.place.load(Ordering::Acquire) {
            0 => Place::Open,
            1 => Place::Reserve,
            _ => Place::Leaving,
        }
    }

    /// No call is in flight, and no reply is still to be taken.
    fn is_idle(&self) -> bool {
        self.in_flight.load(Relaxed) == 0 && !self.unsent.load(Relaxed) && self.load().waiting() == 0
    }

    /// When it last moved, in milliseconds, and whether it is idle; the table knows it by that from now on. One at work
    /// comes behind all that have moved in the millisecond `now`, or it would be looked at again.
    pub(super) fn look(&self, now: u64) -> (u64, bool) {
        let is_idle = self.is_idle();
        let moved = if is_idle { self.moved.load(Relaxed) } else { now + 1 };
        self.seen.store(moved, Relaxed);
        (moved, is_idle)
    }

    /// It is to give way, and counts no more.
    pub(super) fn give_way(&self) {
        self.place.store(Place::Leaving as u8, Ordering::Release);
    }

    /// What the table knows it by.
    pub(super) fn seen(&self) -> (u64, u64) {
        (self.seen.load(Relaxed), self.id)
    }

    fn note_move(&self) {
        self.moved.store(self.epoch.elapsed().as_millis() as u64, Relaxed);
    }

    /// The peer has, or has not, taken all that it was sent.
    #[inline]
    pub(crate) fn set_unsent(&self, unsent: bool) {
        self.unsent.store(unsent, Relaxed);
    }

    /// Whom to wake when it has to give way: the task that asks [`is_killed`](Self::is_killed).
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let old = lock(&self.waker).replace(waker.clone());
        drop(old);
    }

    pub(super) fn wake(&self) {
        let waker = lock(&self.waker).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Another address, and the one before.
    pub(super) fn set_addr(&self, addr: PeerAddr, load: Arc<ConnectionLoad>) -> PeerAddr {
        let before = self.addr();
        self.remote().change(|opening| (opening.addr, opening.load) = (addr, load));
        before
    }

    pub(super) fn addr(&self) -> PeerAddr {
        match &*self.remote() {
            RemoteEnd::Opening(opening) => opening.addr.clone(),
            RemoteEnd::Calling(peer) => peer.addr.clone(),
        }
    }

    /// The calls of the connection that wait.
    pub(crate) fn load(&self) -> Arc<ConnectionLoad> {
        match &*self.remote() {
            RemoteEnd::Opening(opening) => opening.load.clone(),
            RemoteEnd::Calling(peer) => peer.load.clone(),
        }
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

    /// Who makes its calls; `None` before it makes any.
    pub(crate) fn peer(&self) -> Option<Arc<Peer>> {
        match &*self.remote() {
            RemoteEnd::Opening(_) => None,
            RemoteEnd::Calling(peer) => Some(peer.clone()),
        }
    }

    /// Changes what the peer calls itself.
    pub(crate) fn set_label(&self, change: impl FnOnce(&mut Label)) {
        let mut label = lock(&self.label);
        change(label.get_or_insert_default());
        if label.as_deref() == Some(&Label::default()) {
            *label = None;
        }
    }

    /// Since a byte last came or a call ended.
    fn idle(&self) -> Duration {
        let moved = Duration::from_millis(self.moved.load(Relaxed));
        self.epoch.elapsed().saturating_sub(moved)
    }

    #[inline]
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
        self.note_move();
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
    pub(crate) fn call(self: &Arc<Self>) -> InFlight {
        self.called(1);
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(self.clone())
    }

    fn remote(&self) -> MutexGuard<'_, RemoteEnd> {
        lock(&self.remote)
    }

    pub(crate) fn info(&self) -> ConnectionInfo {
        let label = lock(&self.label).as_deref().cloned().unwrap_or_default();
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
            label,
            age: self.accepted.elapsed(),
            idle: self.idle(),
            calls: self.calls.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed) as u64,
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            held: self.held() as u64,
        }
    }
}

/// One call in flight, see [`Tracked::call`].
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Tracked>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.note_move();
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}
